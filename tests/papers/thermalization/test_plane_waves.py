"""Norms and energies of photons: the printed forms fail, the corrected ones hold."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .conftest import equation
from .plane_waves import (
    energy_density,
    norm_density,
    photon_norm,
    photon_number,
    plane_wave,
)
from .tower_energy import dirac_adjoint, level_energy

ALPHA, OMEGA = 0.7, 1.3


def with_rate(wave, t=0.4):
    """A field at a time and its derivative there."""
    slope = jax.jit(lambda t: jax.jvp(wave, (t,), (jnp.ones_like(t),)))
    return map(complex, slope(t))


def wave(t):
    return plane_wave(ALPHA, OMEGA, OMEGA, 0.9, t)


def norm_bracket_printed(A, rate, mu0=1.0):
    """Of the norm operator (2) as printed, (4μ₀)⁻¹ (A ∂A* - ∂A A*), without -i."""
    return (A * np.conj(rate) - rate * np.conj(A)) / (4 * mu0)


def adjoint_residual_printed(adjoint, spinors):
    """How far a field is from the printed definition, Ψ̄ = γ⁰ ⊗ .. ⊗ γ⁰ Ψ̄*."""
    gap = adjoint - np.asarray(dirac_adjoint(adjoint, spinors))
    return np.sqrt(np.mean(np.abs(gap) ** 2))


@equation("erratum-norm")
def test_norm_of_a_plane_wave():
    A, rate = with_rate(wave)
    # exact algebra: rounding only
    assert float(norm_density(A, rate)) == pytest.approx(0.3185, abs=1e-14)
    assert float(norm_density(A, rate, 2.0)) == pytest.approx(0.3185 / 2, abs=1e-14)
    # The printed bracket is A Ȧ* less itself, for any field.
    assert float(norm_density(A, rate, printed=True)) == 0
    assert float(norm_density(0.3 + 2j, 1.7 - 0.4j, printed=True)) == 0


@equation("erratum-plane-wave")
def test_the_printed_plane_wave_has_no_norm():
    A, rate = with_rate(lambda t: plane_wave(ALPHA, OMEGA, OMEGA, 0.9, t, printed=True))
    assert rate == 0
    assert float(norm_density(A, rate)) == 0
    assert abs(A) == pytest.approx(ALPHA)
    A, rate = with_rate(wave)
    assert rate == pytest.approx(-1j * OMEGA * A)


@equation("erratum-norm-units")
def test_a_photon_has_the_energy_hbar_omega():
    """SI units: a photon number without dimension, and energy over number is ħω."""
    mu0, c, hbar, volume = 1.2566e-6, 2.998e8, 1.0546e-34, 1e-6
    omega, alpha = 3e15, 1e-14
    _, rate = with_rate(lambda t: plane_wave(alpha, omega / c, omega, 0.0, t), 0.0)
    curl = 1j * omega / c * alpha
    norm = norm_density(alpha, rate, mu0)
    number = float(photon_number(norm, volume, hbar, c))
    assert number == pytest.approx(
        alpha**2 * omega / (2 * mu0) * volume / (hbar * c**2), rel=1e-13
    )
    energy = float(energy_density(rate, curl, mu0, c)) * volume
    assert energy / number == pytest.approx(hbar * omega, rel=1e-13)
    # the time average of Re A's energy, sampled over a period
    t = np.linspace(0, 2 * np.pi / omega, 64, endpoint=False)
    real = np.real(-1j * omega * alpha * np.exp(-1j * omega * t)) / c
    curl_real = np.real(1j * omega / c * alpha * np.exp(-1j * omega * t))
    average = np.mean(real**2 + curl_real**2) / (2 * mu0) * volume
    assert energy == pytest.approx(average, rel=1e-12)
    # The complex field in the Lagrangian's energy: twice as much.
    literal = float(energy_density(rate, curl, mu0, c, printed=True)) * volume
    assert literal / number == pytest.approx(2 * hbar * omega, rel=1e-13)


@equation("2")
@equation("erratum-norm-bracket")
def test_the_printed_bracket_is_imaginary():
    A, rate = with_rate(wave)
    printed = complex(norm_bracket_printed(A, rate))
    assert printed == pytest.approx(0.3185j, abs=1e-14)
    assert (-1j * printed).real == pytest.approx(float(norm_density(A, rate)))


@equation("claim-positive-norm")
@equation("claim-real-field")
def test_only_positive_frequencies_have_positive_norm():
    beta = np.array([0.0, 0.4, 0.7, 0.9])
    # αe^{-iωt} + βe^{iωt} at ωt = 0.5
    forward, backward = ALPHA * np.exp(-0.5j), beta * np.exp(0.5j)
    A, rate = forward + backward, 1j * OMEGA * (backward - forward)
    norm = norm_density(A, rate)
    np.testing.assert_allclose(norm, [0.3185, 0.2145, 0, -0.208], atol=1e-14)
    # α = β is a real field.
    assert np.flatnonzero(np.abs(A.imag) < 1e-15) == [2]


@jax.jit
def two_photon_norms(omegas, times):
    """Two photons of unit norm in a box, exchanged and added: product and sum."""
    x = jnp.arange(8) / 8

    def photon(k, omega, t):
        wave = jnp.exp(2j * jnp.pi * k * x - 1j * omega * t)
        return jnp.sqrt(2 / omega) * wave

    def psi(t):
        first = jax.vmap(lambda t: photon(1, omegas[0], t))(t)
        second = jax.vmap(lambda t: photon(2, omegas[1], t))(t)
        product = first[0][:, None] * second[1][None, :]
        return (product + second[0][:, None] * first[1][None, :]) / jnp.sqrt(2.0)

    return [photon_norm(psi, times, 1 / 64, printed=p) for p in (False, True)]


@equation("2")
@pytest.mark.parametrize(
    ("omegas", "total"), [((1.0, 1.0), 4.0), ((1.0, 2.5), 2.8), ((0.2, 0.3), 50 / 3)]
)
@equation("erratum-norm-product")
@equation("claim-equal-times")
def test_brackets_are_multiplied_not_added(omegas, total):
    for t in (0.3, 5.0):
        # Both are conserved, so that conservation does not decide.
        norms = two_photon_norms(np.array(omegas), np.full(2, t))
        np.testing.assert_allclose(norms, [1, total], atol=1e-10)


def test_each_photon_brings_its_mu0():
    """The bracket has μ₀⁻¹, the product over two photons μ₀⁻², the sum μ₀⁻¹."""

    def psi(t):
        first, second = (plane_wave(ALPHA, w, w, 0.9, t) for w in (OMEGA, 0.7))
        return first[0] * second[1] + second[0] * first[1] + jnp.zeros(1)

    times, mu0 = np.array([0.4, 0.1]), 1.7
    norms = jax.jit(lambda mu0: jnp.stack([
        photon_norm(psi, times, 1.0, mu0, printed=p) for p in (False, True)
    ]))  # fmt: skip
    one, other = norms(1.0), norms(mu0)
    assert np.min(np.abs(one)) > 1e-3
    np.testing.assert_allclose(other / one, [mu0**-2, 1 / mu0], rtol=1e-12)
    A, rate = with_rate(wave)
    bracket = norm_bracket_printed(A, rate, mu0)
    assert complex(bracket) == pytest.approx(
        complex(norm_bracket_printed(A, rate)) / mu0
    )


@equation("2")
def test_level_zero_has_a_norm():
    """No photons: the empty product is ∫|Ψ|², the empty sum nothing."""
    matter = np.array([0.6, 0.8j])
    none = np.zeros(0)
    assert float(photon_norm(lambda t: matter, none)) == pytest.approx(1, abs=1e-15)
    assert float(photon_norm(lambda t: matter, none, printed=True)) == 0

    def one(t):
        return matter[:, None] * plane_wave(ALPHA, OMEGA, OMEGA, 0.9, t)[None, :]

    # One photon: product and sum agree.
    both = jax.jit(lambda t: [photon_norm(one, t, printed=p) for p in (False, True)])
    np.testing.assert_allclose(both(np.array([0.4])), 0.3185, atol=1e-14)


@equation("3")
@equation("erratum-energy-hat")
def test_energy_is_bilinear():
    """ψ_1 -> cψ_1 multiplies its energy and norm, and so the level's, by |c|²."""
    key = np.random.default_rng(3)
    E, N, EA, NA = (key.uniform(0.5, 2.0, n) for n in (3, 3, 2, 2))
    scaled = np.array([4.0, 1.0, 1.0])

    corrected = jax.jit(level_energy)
    printed = jax.jit(partial(level_energy, printed=True))

    def ratio(energy):
        return float(energy(scaled * E, scaled * N, EA, NA) / energy(E, N, EA, NA))

    assert ratio(corrected) == pytest.approx(4.0, rel=1e-14)
    assert ratio(printed) > 1.3 * 4.0
    # By hand: each term leaves one norm out.
    by_hand = sum(E[i] * np.prod(np.delete(N, i)) for i in range(3)) * np.prod(NA)
    by_hand += (EA[0] * NA[1] + EA[1] * NA[0]) * np.prod(N)
    assert float(corrected(E, N, EA, NA)) == pytest.approx(by_hand, rel=1e-14)
    # Unit norms: energies add in both forms. Only norms tell.
    for energy in (corrected, printed):
        total = float(energy(E, np.ones(3), EA, np.ones(2)))
        assert total == pytest.approx(E.sum() + EA.sum(), rel=1e-14)
    # One atom and no photon: the printed term goes as |c|⁴.
    none = np.zeros(0)
    alone = [printed(np.array([c]), np.array([c]), none, none) for c in (1.0, 4.0)]
    assert float(alone[1] / alone[0]) == pytest.approx(16, rel=1e-14)


@equation("erratum-adjoint")
def test_the_printed_adjoint_defines_itself():
    random = np.random.default_rng(7)
    psi = random.normal(size=(4, 4, 3)) + 1j * random.normal(size=(4, 4, 3))
    adjoint = np.asarray(dirac_adjoint(psi, 2))
    gamma0 = np.diag([1.0, 1.0, -1.0, -1.0])
    exact = np.einsum("ab,cd,bdx->acx", gamma0, gamma0, psi.conj())
    np.testing.assert_allclose(adjoint, exact, atol=1e-15)
    # contracted with γ⁰ once more: a positive density
    density = np.einsum("acx,ab,cd,bdx->x", adjoint, gamma0, gamma0, psi)
    np.testing.assert_allclose(density, np.sum(np.abs(psi) ** 2, axis=(0, 1)))
    # The corrected adjoint is none of the printed definition, zero is, for every Ψ.
    assert float(adjoint_residual_printed(adjoint, 2)) > 0.5
    assert float(adjoint_residual_printed(0 * adjoint, 2)) == 0
