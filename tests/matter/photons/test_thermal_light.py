"""Bose and Einstein, Planck, numbers of photons, and temperatures from light."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.constants as si
import scipy.integrate

from jqd.matter.photons import (
    bose_einstein,
    count_information,
    level_distribution,
    photon_density,
    planck_law,
    sample_counts,
    sample_occupations,
    truncated_moments,
)

COUNTS = jax.jit(sample_counts, static_argnums=3)


def count_log_likelihood(counts, omega, T):
    """ln P of photon counts at one frequency, Σ [ln(1 - e^{-ω/T}) - n ω/T]."""
    x = omega / T
    return jnp.sum(jnp.log(-jnp.expm1(-x)) - counts * x)


SCORE = jax.jit(jax.grad(count_log_likelihood, argnums=2))


@pytest.mark.equation("thermalization", "claim-C10")
def test_photons_do_not_outnumber_atoms():
    density = float(photon_density(300 * si.k, hbar=si.hbar, c=si.c))
    assert density == pytest.approx(5.477e14, rel=1e-3)
    copper = 8960 / (63.546e-3) * si.N_A
    assert density / copper == pytest.approx(6e-15, rel=0.1)
    hot = float(photon_density(1.6e7 * si.k, hbar=si.hbar, c=si.c))
    assert hot == pytest.approx(copper, rel=0.03)  # the cube of 1 %


def test_planck_against_its_integrals():
    T = 1.7
    omega = np.linspace(1e-4, 80, 20001)
    u = np.asarray(jax.jit(planck_law)(omega, T))
    energy = scipy.integrate.simpson(u, x=omega)
    assert energy == pytest.approx(np.pi**2 * T**4 / 15, rel=1e-8)
    number = scipy.integrate.simpson(u / omega, x=omega)
    # what lies below 1e-4, ω²T/2π² = 1e-9
    assert number == pytest.approx(float(photon_density(T)), rel=1e-7)
    n = float(bose_einstein(2.0, 3.0, hbar=0.5))
    assert n == pytest.approx(1 / np.expm1(1 / 3), rel=1e-14)


def test_light_in_other_units():
    """u dω is an energy per volume; the distribution knows ħω/T alone."""
    omega, hbar, c, T = np.array([0.4, 1.0, 3.0]), 0.3, 1.8, 0.7
    expected = hbar / (np.pi**2 * c**3) * omega**3 / np.expm1(hbar * omega / T)
    np.testing.assert_allclose(planck_law(omega, T, hbar, c), expected, rtol=1e-13)
    np.testing.assert_allclose(
        level_distribution(omega, T, 9, hbar=hbar),
        level_distribution(hbar * omega, T, 9),
        rtol=1e-13,
    )


@pytest.mark.equation("thermalization", "claim-C6")
def test_levels_are_not_equally_occupied():
    levels = jax.jit(level_distribution, static_argnums=2)
    one = np.asarray(levels(np.array([1.0]), 1.25, 12))
    np.testing.assert_allclose(one[:3], [0.550671, 0.247433, 0.111179], atol=1e-6)
    omega = np.array([0.7, 1.0, 1.3, 2.1])
    four = np.asarray(levels(omega, 1.0, 40))
    # by hand: every way to share k quanta
    exact = np.ones(1)
    for x in omega:
        exact = np.convolve(exact, (1 - np.exp(-x)) * np.exp(-x * np.arange(40)))[:40]
    np.testing.assert_allclose(four, exact, rtol=1e-12)
    n = 1 / np.expm1(omega)
    # e^{-0.7 × 40} of it lies beyond
    assert np.sum(four) == pytest.approx(1, abs=1e-9)
    assert four @ np.arange(40) == pytest.approx(n.sum(), abs=1e-8)
    # far from flat, for one mode and for four
    assert one[0] > 4 * one[2]
    assert np.argmax(four) == 1
    assert np.all(np.diff(four[1:]) < 0)
    assert four.max() > 5 * four[6]


@pytest.mark.parametrize(("T", "expected"), [(1.0, 0.0073), (0.3, 0.0108)])
def test_temperature_from_counts(key, T, expected):
    """20 000 counts at ω = 1: the estimate scatters as the information allows."""
    counts = COUNTS(key, 1.0, T, (40, 20_000))
    n = 1 / np.expm1(1 / T)
    bound = float((20_000 * count_information(1.0, T)) ** -0.5) / T
    assert bound == pytest.approx(T / np.sqrt(20_000 * n * (n + 1)), rel=1e-12)
    assert bound == pytest.approx(expected, abs=1e-4)
    # the maximum of the likelihood of one frequency
    found = 1 / np.log1p(1 / np.mean(counts, axis=1))
    # 4 standard errors of the mean of 40, and of their spread
    assert np.mean(found) / T == pytest.approx(1, abs=4 * bound / np.sqrt(40))
    assert np.std(found / T) == pytest.approx(bound, rel=4 / np.sqrt(80))
    # the estimate is where the likelihood is largest: slope 0 of terms of size 1e4
    assert abs(float(SCORE(counts[0], 1.0, found[0]))) < 1e-7
    # Negative control: it is not at the mean of counts per frequency, n = T/ω.
    assert abs(found[0] - np.mean(counts[0])) > 20 * bound * T


def test_information_is_the_mean_curvature():
    """E[-∂² ln P/∂T²], summed over counts."""
    n, T = np.arange(400), 0.9
    weights = np.exp(-1.3 / T * n) * -np.expm1(-1.3 / T)

    def mean_curvature(T):
        curve = jax.vmap(jax.hessian(count_log_likelihood, 2), (0, None, None))
        return -weights @ curve(n, 1.3, T)

    mean = float(jax.jit(mean_curvature)(T))
    assert mean == pytest.approx(float(count_information(1.3, T)), rel=1e-10)


def test_temperature_from_occupations(key):
    """400 modes with 2 % noise know T to 4e-4."""
    omega, T = np.linspace(0.05, 8, 400), 1.2
    # (∂ ln n/∂T)² (1/noise² + 2): the width of the distribution moves with T as well
    information = (omega / T**2 / -np.expm1(-omega / T)) ** 2 * (1 / 0.02**2 + 2)
    bound = float(np.sum(information)) ** -0.5
    assert bound == pytest.approx(3e-4, abs=1e-4)

    def log_likelihood(measured, T):
        scale = 0.02 * bose_einstein(omega, T)
        r = measured / scale - 50
        return -jnp.sum(r**2 / 2 + jnp.log(scale))

    @jax.jit
    def fit(key):
        """One step of Newton's from the true T, with the information as curvature."""
        data = sample_occupations(key, jnp.tile(omega, (100, 1)), T, 0.02)
        score = jax.vmap(jax.grad(log_likelihood, 1), (0, None))
        found = T + score(data, T) * bound**2
        return found, (data / bose_einstein(omega, T)[None] - 1) / 0.02

    found, residuals = fit(key)
    assert np.std(residuals) == pytest.approx(1, abs=4 / np.sqrt(2 * 40_000))
    assert np.mean(found) == pytest.approx(T, abs=4 * bound / 10)
    assert np.std(found) == pytest.approx(bound, rel=4 / np.sqrt(200))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bose_einstein(0.0, 1.0), "Argument `omega` must be positive"),
        (lambda: planck_law(1.0, -1.0), "Argument `T` must be positive"),
        (lambda: photon_density(1.0, c=0.0), "Argument `c` must be positive"),
        (lambda: level_distribution([1.0], 1.0, 0), "`levels` must be at least 1"),
        (lambda: level_distribution(1.0, 1.0, 3), "Argument `omega` must have shape"),
        (
            lambda: sample_occupations(jax.random.key(0), [1.0], 1.0, 0.0),
            "Argument `noise` must be positive",
        ),
        (
            lambda: sample_counts(jax.random.key(0), [2.0, 1.0], 1e20, (2,)),
            "Argument `T` must be at most 1.44e.17 omega",
        ),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_single_precision_holds_optical_frequencies_in_si_units():
    """ω³ of 1e14/s is no number of single precision; what is asked for is."""
    omega = np.array([1e12, 1e14, 3e14])
    given = omega, 300 * si.k, si.hbar, si.c
    single = planck_law(*(jnp.asarray(x, jnp.float32) for x in given))
    # x = ħω/T = 7.6 loses as many units of the last place
    np.testing.assert_allclose(single, planck_law(*given), rtol=1e-5)


@pytest.mark.parametrize("x", [-3.0, -0.7, -1e-4, 0.2, 2.5])
def test_moments_of_light_with_a_cut_off_are_sums(x):
    """Of hot and of inverted modes, e^(-nx) for n = 0 .. 6."""
    n = np.arange(7)
    p = np.exp(-n * x) / np.sum(np.exp(-n * x))
    mean, variance = truncated_moments(x, 6)
    # what the series leaves out near x = 0, and rounding
    np.testing.assert_allclose(mean, p @ n, rtol=1e-10)
    np.testing.assert_allclose(variance, p @ n**2 - (p @ n) ** 2, rtol=1e-9)


def test_counts_with_a_cut_off_have_their_probabilities(key):
    x, draws = 0.4, 40_000
    counts = np.asarray(sample_counts(key, x, 1.0, (draws,), n_max=3))
    p = np.exp(-x * np.arange(4)) / np.sum(np.exp(-x * np.arange(4)))
    # four standard errors of each share
    found = np.bincount(counts, minlength=4) / draws
    assert np.all(np.abs(found - p) < 4 * np.sqrt(p * (1 - p) / draws))
