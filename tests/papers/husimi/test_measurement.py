"""Section V E of the Husimi paper, and for which C the law has solutions."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import constants, evolve, states
from jqd.exact import husimi as exact
from jqd.laws.husimi import Exact, GaussianForm, GaussianSum, HusimiFokkerPlanck, Series
from jqd.readings import generators
from jqd.spaces import symbols

from .amplifier import amplifier_collapse_time, amplifier_variances
from .conftest import equation


def marginal(state, x):
    """Density of X = Re α."""
    mean, variance = np.asarray(state.means[:, 0]), float(state.covariance[0, 0])
    waves = np.exp(-((x[:, None] - mean[None, :]) ** 2) / (2 * variance))
    total = waves @ np.asarray(state.weights) / np.sqrt(2 * np.pi * variance)
    return total.real


def peaks(values):
    return int(np.sum((values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])))


def share(noise, place, c, r):
    """P(X > 0) of c_1 |x_0> + c_2 |-x_0>, squeezed, after noise of some variance."""
    spread = math.exp(-2 * r) / 4
    overlap = 2 * (c[0] * np.conj(c[1])).real * math.exp(-(place**2) / (2 * spread))
    right = 0.5 * (1 + math.erf(place / math.sqrt(2 * (spread + noise))))
    first, second = np.abs(c) ** 2
    # the three terms of ψ²: at x_0, at -x_0, and at 0
    return (first * right + second * (1 - right) + 0.5 * overlap) / (1 + overlap)


CATS = {
    "in phase": (0.5, np.sqrt([0.7, 0.3]), 1.2, [1, 1, 2, 2, 2, 2]),
    "out of phase": (0.4, np.array([0.6, 0.8j]), 1.4, [1, 1, 1, 2, 2, 2]),
}


@equation("claim-measurement")
@pytest.mark.parametrize("cat", CATS)
def test_amplified_quadrature_is_bimodal_with_born_weights(cat):
    place, c, r, hills = CATS[cat]
    law = HusimiFokkerPlanck(symbols.parametric_amplifier(1.0), form=GaussianForm())
    start = GaussianSum.cat([place, -place], c, r=r)
    times = jnp.array([0.0, 0.25, 0.5, 1.0, 2.0, 4.0])

    @jax.jit
    def orbit(start):
        run, _ = law.orbit(start, times)
        return run, jax.vmap(GaussianSum.probability_positive)(run)

    run, shares = orbit(law.prepare(start))
    modes = []
    for k in range(len(times)):
        state = jax.tree.map(lambda leaf, k=k: np.asarray(leaf[k]), run)
        width = 3 * np.exp(float(times[k]))
        modes.append(peaks(marginal(state, np.linspace(-width, width, 2001))))
    # |ψ(X)|² spread by the vacuum noise, which is e^(-2gt) of its size after a time t
    expected = [share(0.25 * math.exp(-2 * float(t)), place, c, r) for t in times]
    # error functions of complex arguments, by a rule of 64 nodes
    assert np.allclose(shares, expected, rtol=0, atol=1e-12)
    born = share(0.0, place, c, r)
    # Born's weight in the limit alone
    assert abs(shares[0] - born) > 0.05
    assert abs(shares[-1] - born) < 1e-5  # e^(-8) is left of the noise
    assert modes == hills


def kerr_harmonic(point, t, k, C):
    """A solution that turns as e^(ikφ): its share of the closed form for Kerr."""
    theta, start = k * C * t, 0.8 - 0.3j  # U = 1, b = -2
    r2 = point.real**2 + point.imag**2
    growth = r2 * ((jnp.exp(1j * theta) - 1) / C - jnp.exp(1j * theta))
    z = point * np.conj(start) * jnp.exp(0.5j * theta)
    square = r2 * abs(start) ** 2 * jnp.exp(1j * theta)
    # I_k by its series: 12 terms, of arguments near 1
    bessel = sum(
        square**j / math.factorial(j) / math.factorial(j + k) for j in range(12)
    )
    return (z**k * bessel * jnp.exp(growth + 1j * k * (1.5 * C - 1) * t)).real


@equation("claim-every-C")
def test_solutions_exist_in_a_window_of_C():
    point, t = jnp.asarray(0.6 + 0.5j), 0.02
    symbol = symbols.kerr(1.0, b=-2.0)

    @jax.jit
    def residual(C):
        rate = jax.jvp(lambda t: kerr_harmonic(point, t, 3, C), (t,), (1.0,))[1]
        density = lambda alpha: kerr_harmonic(alpha, t, 3, C)  # noqa: E731
        return rate - generators.complex_generator(symbol, density, point, C), rate

    # angles θ that the harmonics reach within t, and at any time
    soon, angles = t * np.arange(1, 400), np.linspace(0, 2 * np.pi, 721)
    for C, ends in (
        (-0.1, True),
        (0.1, False),
        (1.0, False),
        (1.9, False),
        (2.1, True),
    ):
        wrong, rate = residual(C)
        assert abs(wrong) < 1e-12 < abs(rate)
        # exp(-|α|² ..) of each: where one of them grows no sum can be normalised
        exponent = ((1 - C) * np.cos(C * soon if ends else angles) - 1) / C
        assert (exponent.max() > 0) == ends
    # the amplifier, vacuum variances 1/2: a variance reaches zero at a finite time
    for C, end in ((-1.0, np.log(3) / 2), (3.0, np.log(3) / 2)):
        found = float(amplifier_collapse_time(1.0, C, 0.5, 0.5))
        assert np.isclose(found, end, rtol=1e-12)
        variances = amplifier_variances(jnp.array([0.99, 1.01]) * end, 1.0, C, 0.5, 0.5)
        least = np.min(np.stack(variances), axis=0)
        assert least[0] > 0 > least[1]
    for C in (0.1, 1.0, 1.9):
        assert np.isinf(amplifier_collapse_time(1.0, C, 0.5, 0.5))
    # squeezed by r, 1/4 (1 + e^(-2r)) in X: up to C = 1 + e^(-2r)
    least = (1 + math.exp(-0.8)) / 4
    for C, lives in ((1.4, True), (1.5, False)):
        time = amplifier_collapse_time(1.0, C, least, 0.5)
        assert bool(np.isinf(time)) is lives


@pytest.mark.slow
@equation("claim-density")
def test_density_stays_positive_up_to_quantum_mechanics():
    x = jnp.linspace(-4.5, 4.5, 31)
    points = x[None, :] + 1j * x[:, None]

    bell = np.exp(-(np.abs(points - 1.2 - 0.5j) ** 2)) / np.pi

    def least(C):
        start, values = (
            exact.kerr(points, t, U=1.0, b=-4.0, alpha0=1.2 + 0.5j, C=C, levels=60)
            for t in (0.0, 0.37)
        )
        # the Husimi function of the start, whatever C
        assert np.allclose(start, bell, rtol=0, atol=1e-12)
        return float(np.min(values))

    assert least(1.0) > -1e-12
    assert least(0.95) > -1e-12
    # beyond it the same density turns negative
    assert least(1.1) < -2e-3


@pytest.mark.slow
@equation("claim-density")
def test_densities_of_other_starts_and_theories_stay_positive():
    """By runs of the law, which nothing keeps from going below zero."""
    starts = {
        "cat": states.cat([1.0, -1.0], [1, 1j], 24),
        "number state": states.product(states.number_state(2, 8)),
        "coherent": states.coherent(0.6 - 0.4j, 24),
    }
    axis = jnp.linspace(-3, 3, 25)
    points = axis[None, :] + 1j * axis[:, None]
    symbol = symbols.kerr(0.8, -2.0) + symbols.squeezed_oscillator(1.0, 0.3 - 0.2j)
    law = HusimiFokkerPlanck(symbol, points=points, form=Exact(60, Series(20)))

    @jax.jit
    def least(C, start):
        changed = constants.unpack(law, "C", C)
        start = changed.prepare(start)
        run = evolve(changed, start, jnp.array([0, 0.4]), observe="density")
        return jnp.min(run.values[-1])

    for name, ket in starts.items():
        start = states.as_ensemble(jnp.pad(ket, (0, 24 - ket.shape[0])))
        assert least(1.0, start) > -1e-10, name  # what 60 levels lose
        assert least(1.1, start) < -1e-6, name
