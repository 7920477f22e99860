"""Convex weights against textbook designs and against SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from jqd.inference.design.weights import Problem, covariance, judge, optimise

X = np.linspace(-1, 1, 21)
# regression on 1, x, x² with errors of 1
RISE = np.stack([np.ones_like(X), X, X**2], axis=1)
SETTINGS = jnp.asarray(np.einsum("si,sj->sij", RISE, RISE))


def problem(log_det, prior=None, wanted=None, shots=1.0, settings=SETTINGS):
    prior = np.zeros((3, 3)) if prior is None else prior
    wanted = np.eye(3) if wanted is None else wanted
    return Problem(
        settings, jnp.asarray(prior), jnp.asarray(wanted), jnp.asarray(shots), log_det
    )


@pytest.mark.parametrize(
    ("log_det", "shares"),
    [(True, (1 / 3, 1 / 3, 1 / 3)), (False, (0.25, 0.5, 0.25))],
    ids=["D", "A"],
)
def test_designs_of_a_parabola_are_those_of_the_textbook(log_det, shares):
    """Both have shots at -1, 0 and 1 alone (Fedorov 1972)."""
    found = optimise(problem(log_det), 1e-10)
    # a gap g leaves shares to its root
    np.testing.assert_allclose(found.weights[np.array([0, 10, 20])], shares, atol=1e-5)
    assert found.gap <= 1e-10
    np.testing.assert_allclose(np.sum(found.weights), 1, rtol=1e-12)


@pytest.mark.parametrize("log_det", [pytest.param(True, marks=pytest.mark.slow), False])
def test_shares_with_priors_are_those_that_scipy_finds(log_det):
    """Any number of constants wanted, a prior, random settings of rank 2."""
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(12, 2, 3)) * np.array([1.0, 30.0, 0.2])
    settings = np.einsum("ski,skj->sij", rows, rows)
    prior, wanted = np.diag([0.0, 4e3, 2.0]), np.eye(3)[:, :2]

    def cost(raw):
        weights = np.exp(raw) / np.exp(raw).sum()
        V = np.linalg.inv(prior + 40 * np.tensordot(weights, settings, 1))
        V = wanted.T @ V @ wanted
        # in units in which both constants count
        return np.linalg.slogdet(V)[1] if log_det else V[0, 0] + 900 * V[1, 1]

    scale = np.array([1.0, 1.0 if log_det else 30.0])
    task = problem(log_det, prior, wanted * scale, 40.0, jnp.asarray(settings))
    found = optimise(task, 1e-9)
    V = np.asarray(task.wanted.T @ covariance(task, found.weights) @ task.wanted)
    got = np.linalg.slogdet(V)[1] if log_det else np.trace(V)
    best = min(
        (
            minimize(cost, draw.normal(size=12), options={"gtol": 1e-9})
            for _ in range(3)
        ),
        key=lambda one: one.fun,
    )
    # SciPy's shares never reach 0, which costs it a little
    assert got <= best.fun + 1e-9 * abs(best.fun)
    np.testing.assert_allclose(got, best.fun, rtol=1e-4)


def test_the_gap_bounds_what_other_shares_lose():
    def at_ends(*shares):
        return jnp.zeros(21).at[jnp.array([0, 10, 20])].set(jnp.array(shares))

    shares = at_ends(0.27, 0.46, 0.27)
    trace = np.trace(covariance(problem(False), shares))
    gap = judge(problem(False), shares).gap
    # the best trace of three constants is 8
    assert 8 * (1 + 1e-3) < trace <= 8 / (1 - gap)
    shares = at_ends(0.2, 0.5, 0.3)
    apart = np.linalg.slogdet(covariance(problem(True), shares))[1] - np.log(27 / 4)
    assert 0.1 < apart <= 3 * judge(problem(True), shares).gap
