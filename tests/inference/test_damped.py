"""Levenberg-Marquardt that ends where rounding lets it go no further."""

import jax.numpy as jnp
import numpy as np
import optimistix as optx
import pytest

from jqd.inference.damped import LevenbergMarquardt

SIZE = 3.0


def residuals(u, given):
    """b + a (u - 1) + c b (u - 1)², of size 3 at the minimum u = 1.

    a and b are unit vectors at right angles: steps of Gauss and Newton lead from a
    distance d to -2 c d.
    """
    a, b, c = given
    return SIZE * (b + a * (u - 1) + c * b * (u - 1) ** 2)


def solved(solver, c, steps=60, seed=0):
    a, b = np.linalg.qr(np.random.default_rng(seed).standard_normal((21, 2)))[0].T
    return optx.least_squares(
        residuals, solver(rtol=1e-11, atol=1e-13), jnp.asarray(1.1),
        args=(jnp.asarray(a), jnp.asarray(b), jnp.asarray(c)), max_steps=steps,
        throw=False,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_a_minimum_of_curved_residuals_is_found_to_rounding(seed):
    """Steps shorten by a factor only, and the cost stands still before they are short:
    those of optimistix go on being refused."""
    found = solved(LevenbergMarquardt, 0.4, seed=seed)
    assert found.result == optx.RESULTS.successful
    # the spanned part of the residuals is 3 (u - 1), at most √(8 ε) of their size
    assert abs(found.value - 1) < np.sqrt(8 * np.finfo(float).eps)
    plain = solved(optx.LevenbergMarquardt, 0.4, seed=seed)
    assert found.stats["num_steps"] < plain.stats["num_steps"] - 5


@pytest.mark.parametrize("c", [0.0, 0.01])
def test_a_minimum_that_short_steps_reach_is_the_same(c):
    both = [solved(s, c) for s in (optx.LevenbergMarquardt, LevenbergMarquardt)]
    assert all(one.result == optx.RESULTS.successful for one in both)
    np.testing.assert_array_equal(both[0].value, both[1].value)


def test_refused_steps_far_from_the_minimum_are_no_end():
    """2 c = 3: undamped steps lead away, and are refused from the start."""
    found = solved(LevenbergMarquardt, 1.5, steps=200)
    assert found.result == optx.RESULTS.successful
    assert abs(found.value - 1) < np.sqrt(8 * np.finfo(float).eps)
