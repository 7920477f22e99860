"""Sections IV E and VI A of the Husimi paper: whether paths make up the density."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.husimi import ornstein_uhlenbeck_kernel

from jqd import states
from jqd.laws.husimi import GaussianSum
from jqd.readings.path_weights import backward_noise, path_distance, path_weight
from jqd.spaces import symbols
from jqd.spaces.fock import log_factorials

from .conftest import equation

X = np.linspace(-14, 14, 281)
Y = np.linspace(-3, 3, 61)
TIMES = (0.1, 0.5, 1.0, 3.0)


def one_quantum_weight(x, y, end):
    """`path_weight` of the number state 1, whose Q vanishes at the origin.

    w = e^(-T) N_v(u) N_½(y) (½ + y² + (u²/v - 1)/4v), u = e^(-T) x, v = (1+e^(-2T))/4,
    with N_v the normal density of variance v. At the origin the bracket is -½ tanh T.
    """
    damp = np.exp(-end)
    u, v = damp * x, 0.5 - backward_noise(end)
    hill = jnp.exp(-(u**2) / (2 * v) - y**2) / (np.pi * jnp.sqrt(2 * v))
    return damp * hill * (0.5 + y**2 + (u**2 / v - 1) / (4 * v))


def averaged(weight, end, x):
    """∫ k_T(x|x') w(x', y) dx' by the trapezoidal rule, exact for Gaussians."""
    kernel = ornstein_uhlenbeck_kernel(x[:, None], X[None, :], end, 0.25)
    return np.asarray(kernel) @ weight * (X[1] - X[0])


def plane(x, y):
    return (x[:, None] + 1j * y[None, :])[..., None]


def mixed_cat(beta, coherence):
    """|β>, |-β> with the terms between them reduced."""
    cat = GaussianSum.cat([beta, -beta], [1, 1])
    weights = cat.weights * jnp.array([1, coherence, coherence, 1])
    return GaussianSum(weights / jnp.sum(weights), cat.means, cat.covariance)


def least(state, end):
    """Lowest value of the weight over its highest."""
    x = np.exp(end) * np.linspace(-3, 3, 61)  # paths spread as exp(T)
    w = np.asarray(path_weight(state, end).density(plane(x, Y)))
    return w.min() / w.max()


@pytest.mark.slow
@equation("claim-trajectories")
def test_no_weight_of_paths_gives_a_pure_non_gaussian_state():
    x = np.linspace(-2.5, 2.5, 11)
    Q = np.asarray(states.husimi(states.number_state(1, 2), plane(x, Y)[..., 0]))
    cat = GaussianSum.cat([1.5, -1.5], [1, 1])
    for end in TIMES[:3]:
        # the weight is the right one, and the kernel has but one inverse ...
        w = np.asarray(one_quantum_weight(X[:, None], Y[None, :], end))
        assert np.max(np.abs(averaged(w, end, x) - Q)) < 1e-12
        w = np.asarray(path_weight(cat, end).density(plane(X, Y)))
        exact = np.asarray(cat.density(plane(x, Y)))
        assert np.max(np.abs(averaged(w, end, x) - exact)) < 1e-12
    for end in TIMES:
        # ... and negative where Q has a zero, by the closed form and for a cat
        origin = float(one_quantum_weight(0.0, 0.0, end))
        v = (1 + np.exp(-2 * end)) / 4
        closed = -np.tanh(end) / 2 * np.exp(-end) / (np.pi * np.sqrt(2 * v))
        assert np.isclose(origin, closed, rtol=1e-12)
        assert origin < 0
        assert least(cat, end) < -1e-3
        # a Gaussian state without correlation of X and Y has a weight
        assert least(GaussianSum.squeezed(0.5, displacement=0.4), end) >= 0


@equation("claim-trajectories")
@pytest.mark.slow
def test_best_weight_of_paths_misses_one_quantum():
    x, y = np.linspace(-4, 4, 161), np.linspace(-3.2, 3.2, 41)
    points = plane(x, y)
    quantum = states.husimi(states.number_state(1, 2), points[..., 0])
    # to 5 %: an upper bound, by least squares, which depends on the reach of the grid
    assert path_distance(quantum, x, y, 1.0) == pytest.approx(5.0e-3, rel=0.05)
    # the grid is not the cause: where a weight exists nothing is missed
    half = mixed_cat(0.8, 0.5).density(points)
    assert path_distance(half, x, y, 1.0) < 1e-10


def test_path_distance_asks_for_even_grids():
    x, Q = np.linspace(-4, 4, 9), np.ones((9, 3))
    with pytest.raises(ValueError, match="Argument `y` must rise in even steps"):
        path_distance(Q, x, np.array([0.0, 1.0, 3.0]), 1.0)
    with pytest.raises(ValueError, match="Argument `density` must"):
        path_distance(Q.T, x, np.arange(3.0), 1.0)
    # a Gaussian state has a weight; least squares find it on the smallest grid, too
    y = np.linspace(-1, 1, 3)
    vacuum = GaussianSum.coherent(0.0).density(plane(X[100:181:4], y))
    assert path_distance(vacuum, X[100:181:4], y, 0.5) < 1e-10


@pytest.mark.slow
@equation("claim-trajectories")
def test_zeros_tell_pure_non_gaussian_states():
    """Where a Husimi function vanishes no average of positive densities can be it."""
    kerr = np.asarray(symbols.matrix(symbols.kerr(1.0), 40)).diagonal()
    start = np.asarray(states.coherent(1.2, 40))
    kets = {
        "coherent": start,
        "squeezed": np.asarray(states.squeezed(0.4, 40, displacement=0.3)),
        "one quantum": np.asarray(states.number_state(1, 40)),
        "cat": np.asarray(states.cat([1.5, -1.5], [1, 1], 40)),
        "Kerr, Ut = 1/2": np.exp(-0.5j * kerr) * start,
        "Kerr, Ut = 2": np.exp(-2j * kerr) * start,
    }
    root = np.exp(np.asarray(log_factorials(40)) / 2)
    for name, ket in kets.items():
        zeros = np.roots((ket / root)[::-1])  # of <α|ψ>, a polynomial in α*
        # a cut series has zeros of its own, far out
        near = zeros[np.abs(zeros) < 2.5].conj()
        pure_gaussian = name in ("coherent", "squeezed")
        assert (near.size == 0) == pure_gaussian
        if not pure_gaussian:
            Q = np.asarray(states.husimi(ket, near))
            around = np.asarray(states.husimi(ket, near + 0.2))
            assert np.max(Q / around) < 1e-12
    # the kernel of the paths is nowhere zero
    assert np.min(ornstein_uhlenbeck_kernel(X[::20], 0.3, 0.5, 0.25)) > 0


@equation("claim-trajectories-mixed")
def test_mixed_cats_have_a_weight_up_to_some_coherence():
    beta = 0.8
    for end in TIMES:
        # w ∝ cosh(2βx/..) - m exp(β² tanh T) at its lowest, so that m decides
        most = np.exp(-(beta**2) * np.tanh(end))
        assert least(mixed_cat(beta, 0.99 * most), end) > 0
        assert least(mixed_cat(beta, 1.01 * most), end) < 0
        # half coherent: a weight at each T, as exp(-β²) is 0.527
        assert least(mixed_cat(beta, 0.5), end) > 0
    with pytest.raises(ValueError, match="Argument `end` must be"):
        path_weight(mixed_cat(beta, 0.5), 0.0)
    with pytest.raises(ValueError, match="Argument `state` must have one mode"):
        path_weight(GaussianSum.coherent([0.1, 0.2]), 1.0)
    weight = jax.jit(lambda end: path_weight(mixed_cat(beta, 0.5), end).covariance)(1.0)
    assert np.isclose(weight[0, 0], (np.exp(2.0) + 1) / 4, rtol=1e-12)


@equation("claim-non-markovian")
@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_correlated_ends_tell_the_future_from_the_past(correlation):
    """x(t) from x(0) forward, p(t) from p(T) backward: what p(T) owes to x(0) at t.

    Given both at t the precision of the ends is that of their weight and, on the
    diagonal, what x(t) and p(t) tell: the ends stay independent if the weight is a
    product, and only then.
    """
    grown, shrunk, x_noise, p_noise = 1.6, 0.7, 0.9, 0.3
    weight = np.array([[1.0, correlation], [correlation, 1.0]])
    carried = np.diag([grown, shrunk])
    there = carried @ weight @ carried + np.diag([x_noise, p_noise])
    across = weight @ carried
    left = weight - across @ np.linalg.solve(there, across.T)
    told = np.diag([grown**2 / x_noise, shrunk**2 / p_noise])
    assert left == pytest.approx(np.linalg.inv(np.linalg.inv(weight) + told))
    assert (abs(left[0, 1]) > 0.02) == bool(correlation)
    assert correlation or abs(left[0, 1]) < 1e-15
