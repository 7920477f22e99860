"""Section V E of the Husimi paper, and for which C the law has solutions."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import states
from jqd.exact import husimi as exact
from jqd.laws.husimi import (
    GaussianForm,
    GaussianSum,
    HusimiFokkerPlanck,
    largest_C,
)
from jqd.spaces import symbols


def equation(number):
    return pytest.mark.equation("husimi", number)


def marginal(state, x):
    """Density of X = Re α."""
    mean, variance = np.asarray(state.means[:, 0]), float(state.covariance[0, 0])
    waves = np.exp(-((x[:, None] - mean[None, :]) ** 2) / (2 * variance))
    total = waves @ np.asarray(state.weights) / np.sqrt(2 * np.pi * variance)
    return total.real


def peaks(values):
    return int(np.sum((values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])))


def share(noise):
    """P(X > 0) of √0.7 |1/2> + √0.3 |-1/2>, r = 1.2, after noise of some variance."""
    spread = math.exp(-2.4) / 4
    overlap = 2 * math.sqrt(0.21) * math.exp(-1 / (8 * spread))
    right = 0.5 * (1 + math.erf(0.5 / math.sqrt(2 * (spread + noise))))
    # the three terms of ψ²: at 1/2, at -1/2, and at 0
    return (0.7 * right + 0.3 * (1 - right) + 0.5 * overlap) / (1 + overlap)


@equation("claim-measurement")
def test_amplified_quadrature_is_bimodal_with_born_weights():
    law = HusimiFokkerPlanck(symbols.parametric_amplifier(1.0), form=GaussianForm())
    weights = np.sqrt([0.7, 0.3])
    start = GaussianSum.cat([0.5, -0.5], weights, r=1.2)
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
    expected = [share(0.25 * math.exp(-2 * float(t))) for t in times]
    # error functions of complex arguments, by a rule of 64 nodes
    assert np.allclose(shares, expected, rtol=0, atol=1e-12)
    born = share(0.0)
    assert abs(shares[0] - born) > 0.05
    assert abs(shares[-1] - born) < 1e-5  # e^(-8) is left of the noise
    assert modes == [1, 1, 2, 2, 2, 2]


@equation("claim-every-C")
def test_solutions_exist_in_a_window_of_C():
    coherent, squeezed = states.coherent(0.5, 20), states.squeezed(0.4, 30)
    ends = [largest_C(states.as_ensemble(psi)) for psi in (coherent, squeezed)]
    # 4 min eig Cov(X, Y): 2 and 1 + exp(-2r), to what the cut kets lose
    assert np.allclose(ends, [2, 1 + np.exp(-0.8)], rtol=0, atol=1e-6)
    for C in (-0.1, 2.1):
        law = HusimiFokkerPlanck(symbols.kerr(1.0), C)
        with pytest.raises(ValueError, match="Argument `C` must be in"):
            law.prepare(coherent)
    # the amplifier, vacuum variances 1/2: a variance reaches zero at a finite time
    for C, end in ((-1.0, np.log(3) / 2), (3.0, np.log(3) / 2)):
        found = float(exact.amplifier_collapse_time(1.0, C, 0.5, 0.5))
        assert np.isclose(found, end, rtol=1e-12)
        variances = exact.amplifier_variances(
            jnp.array([0.99, 1.01]) * end, 1.0, C, 0.5, 0.5
        )
        least = np.min(np.stack(variances), axis=0)
        assert least[0] > 0 > least[1]
    assert np.isinf(exact.amplifier_collapse_time(1.0, 1.0, 0.5, 0.5))


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
