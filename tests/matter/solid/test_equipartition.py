"""Mode energies, their effective number, and what velocities alone would say."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from _support.ensembles import internal_velocities
from _support.growth import first_passage
from harmonic_never_thermalizes import two_halves

import jqd
from jqd.matter import solid
from jqd.matter.solid import equipartition as equal
from jqd.matter.solid import phonons
from jqd.matter.solid.lattices import triangular
from jqd.matter.solid.modes import hessian_modes, normal_modes


def test_effective_modes():
    """All in one mode: 1/n; equal shares: 1; no energy: 0."""
    vibrating = np.array([False, True, True, True, True])
    energies = np.array(
        [
            [9.0, 1.0, 0.0, 0.0, 0.0],
            [9.0, 2.0, 2.0, 2.0, 2.0],
            [9.0, 0.0, 0.0, 0.0, 0.0],
        ]
    )
    np.testing.assert_allclose(
        equal.effective_modes(energies, vibrating), [0.25, 1.0, 0.0], rtol=1e-14
    )


def test_normality():
    """Quantiles of a normal distribution; two points; uniform numbers."""
    n = 400
    quantiles = scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)
    uniform = np.linspace(-1, 1, n)
    two = np.where(np.arange(n) < n / 2, -1.0, 1.0)
    found = equal.normality(np.stack([quantiles, uniform, two]))
    assert float(found.ks[0]) < 0.01
    # the tails of 400 quantiles are cut
    np.testing.assert_allclose(found.kurtosis, [-0.07, -1.2, -2.0], atol=0.03)
    # Φ(1) - 1/2
    assert float(found.ks[2]) == pytest.approx(0.3413, abs=1e-3)


def test_when_a_share_is_reached_first():
    """In the exponents, the interpolation is linear."""
    ts = np.array([1.0, 2.0, 3.0])
    series = np.array([[0.0, 0.95, 0.1], [0.8, 1.0, 0.2], [1.0, 1.0, 0.3]])
    times = first_passage(ts, np.exp(series), np.exp(0.9))
    np.testing.assert_allclose(times, [2.5, 1.0, np.inf])
    windows = equal.window_average(np.arange(7.0), 3)
    np.testing.assert_allclose(windows, [0.5, 2.5, 4.5])


def test_drift_and_spin_of_unequal_masses(key):
    """What is left has no momentum and no spin, and is all of the temperature."""
    x, masses = triangular((2, 3), 1.12), jnp.array([1.0, 3.0, 0.5, 2.0, 1.5, 4.0])
    turn = jnp.stack([-x[:, 1], x[:, 0]], axis=1)
    w = jax.random.normal(key, (6, 2))
    inner = np.asarray(internal_velocities(x, w, masses))
    np.testing.assert_allclose(masses @ inner, 0, atol=1e-12)
    np.testing.assert_allclose(
        masses @ np.sum(np.asarray(turn) * inner, 1), 0, atol=1e-12
    )
    v = jnp.asarray(inner) + 2.0 * turn + jnp.array([[1.0, -3.0]])
    again = internal_velocities(x, v, masses)
    np.testing.assert_allclose(again, inner, atol=1e-12)
    body = solid.Solid(masses, solid.LennardJones())
    T = float(equal.kinetic_temperature(body, x, v))
    assert pytest.approx(np.asarray(masses) @ np.sum(inner**2, 1) / 9, rel=1e-12) == T


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-A9")
def test_kinetic_and_potential_energies_are_alike(key):
    """A harmonic solid at any temperature; 20 000 of each."""
    chain = solid.chain(4, solid.Harmonic())
    modes = normal_modes(chain, chain.sites)
    u, v = phonons.wigner_samples(key, modes, 20_000, temperature=0.7)
    kinetic = modes.kinetic_energies(v)[:, 2]
    potential = modes.potential_energies(u)[:, 2]
    line = 1.36 * np.sqrt(2 / 20_000)
    assert scipy.stats.ks_2samp(kinetic, potential).statistic < line
    # Negative control: 10 % more.
    assert scipy.stats.ks_2samp(1.1 * kinetic, potential).statistic > line


@pytest.mark.slow
def test_temperature_without_drift_and_spin(key):
    """2N - 3 velocities in the plane; a turning, drifting block at rest inside is
    cold."""
    x = triangular((4, 4), 1.12)
    body = solid.Solid(jnp.ones(16), solid.LennardJones())
    spin = jnp.stack([-x[:, 1], x[:, 0]], axis=1) + jnp.array([[1.0, 2.0]])
    assert float(equal.kinetic_temperature(body, x, spin)) < 1e-25
    v = jax.random.normal(key, (2000, 16, 2)) * 0.4**0.5
    v = v + 3.0 * spin[None]
    mean = jax.vmap(lambda v: equal.kinetic_temperature(body, x, v))(v).mean()
    # 4 standard errors of 2000 × 29 squares
    assert float(mean) == pytest.approx(0.4, rel=4 * np.sqrt(2 / (2000 * 29)))
    inner = internal_velocities(x, v[0], body.masses)
    np.testing.assert_allclose(inner.sum(axis=0), 0, atol=1e-12)


def impact(beta, key, until, saves):
    """64 atoms, v = 2: trajectory of kinetic and mode energies and velocities."""
    body = solid.chain(64, solid.FPUT(1.0, 0.0, beta))
    modes = normal_modes(body, body.sites)
    law, point = solid.AtomMotion(body), two_halves(body, 2.0, key=key)

    def look(t, state):
        return {
            "kinetic": body.kinetic_energy(state.v),
            "modes": modes.energies(state.x - body.sites, state.v),
            "v": state.v[:, 0],
        }

    step = until / saves
    method = jqd.Fixed(
        jqd.steppers.pefrl, substeps=round(step / 0.1), estimate_error=False
    )
    run = jqd.evolve(
        law, point, jnp.linspace(0, until, saves + 1), method=method, observe=look
    )
    assert run.ok
    windows = equal.window_average(run.values["modes"][1:], 40)
    return run, equal.effective_modes(windows, modes.vibrating)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-A7")
@pytest.mark.equation("thermalization", "claim-A7-anharmonic")
@pytest.mark.equation("thermalization", "claim-filling")
def test_an_anharmonic_chain_comes_to_its_temperature(key):
    """β = 1: 2<KE>/N over 1e4 < t < 2e4, and the energy in all modes."""
    run, fraction = impact(1.0, key, 2e4, 20_000)
    late = np.asarray(run.values["kinetic"])[10_000:]
    assert 2 * late.mean() / 64 == pytest.approx(0.56219, rel=0.01)
    # symplectic: the error of the energy stays bounded
    assert float(run.diagnostics["energy_drift"]) < 1e-3 * 32
    # 20 000/40 = 500 of time each: correlations leave some per cent
    assert float(fraction[-10:].mean()) > 0.92
    times = (jnp.arange(40) + 0.5) * 500
    assert 1e3 < float(first_passage(times, np.exp(fraction), np.exp(0.9))) < 6e3
    pooled = equal.normality(run.values["v"][10_000::50].ravel())
    assert float(pooled.ks) < 1.6 / np.sqrt(200 * 64)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-A7")
@pytest.mark.equation("thermalization", "claim-other-constants")
def test_a_harmonic_chain_never_does(key):
    """Velocities look ever more normal; no mode gives any energy away."""
    run, fraction = impact(0.0, key, 2e4, 20_000)
    np.testing.assert_allclose(fraction, 0.037, atol=1e-3)
    first = run.values["modes"][0]
    # 0.81073 without noise; the stepper's error in each mode
    assert float(first[1] / first.sum()) == pytest.approx(0.8107, abs=1e-3)
    np.testing.assert_allclose(run.values["modes"][-1], first, atol=2e-4 * first.sum())
    found = equal.normality(run.values["v"])
    assert float(found.ks[0]) > 0.3
    assert float(found.kurtosis[0]) < -1.9
    assert float(found.ks[-4000:].mean()) < 0.15
    assert float(found.kurtosis[-4000:].mean()) > -1


def test_the_kick():
    """E₁/E = .81073 and nothing in even modes; the wave returns after 128.013."""
    row = 2 * np.eye(64) - np.eye(64, k=1) - np.eye(64, k=-1)
    row[0, 0] = row[-1, -1] = 1
    modes = hessian_modes(row, np.ones(64), zero_modes=1)
    v = np.where(np.arange(64) < 32, 0.5, -0.5)[:, None]
    energies = np.asarray(modes.kinetic_energies(v))
    # the five digits given
    assert energies[1] / energies.sum() == pytest.approx(0.81073, abs=1e-5)
    assert np.max(energies[::2]) < 1e-25
    assert 2 * np.pi / float(modes.omega[1]) == pytest.approx(128.013, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: equal.window_average(np.zeros(3), 4),
            "Argument `windows` must be an integer from 1 to the number of times, 3",
        ),
        (
            lambda: equal.effective_modes(np.zeros(3), np.ones(4, bool)),
            "Argument `vibrating` must have shape (3,)",
        ),
        (
            lambda: equal.normality(np.zeros(1)),
            "Argument `samples` must hold at least two samples",
        ),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
