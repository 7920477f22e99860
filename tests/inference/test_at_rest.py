"""Where a fit ends whose last steps are all refused."""

import jax.numpy as jnp
import numpy as np
import optimistix as optx
import pytest

from jqd.inference.solver import at_rest, seen


def residuals(u, given):
    """b + a (u - 1) + c b (u - 1)², of size 3 at the minimum u = 1.

    a and b are unit vectors at right angles: steps of Gauss and Newton lead from a
    distance d to -2 c d.
    """
    a, b, c = given
    return 3 * (b + a * (u - 1) + c * b * (u - 1) ** 2)


def solved(c, steps):
    a, b = np.linalg.qr(np.random.default_rng(0).standard_normal((21, 2)))[0].T
    return optx.least_squares(
        residuals, optx.LevenbergMarquardt(rtol=1e-11, atol=1e-13), jnp.asarray([1.1]),
        args=(jnp.asarray(a), jnp.asarray(b), jnp.asarray(c)), max_steps=steps,
        throw=False,
    )  # fmt: skip


@pytest.mark.parametrize("c", [0.01, 0.4])
def test_a_minimum_known_to_rounding_is_at_rest(c):
    """At c = .4 the solver may spend all of its steps, whatever its end says."""
    found = solved(c, 40)
    assert at_rest(*seen(found.state))
    # the part of the residuals in the columns is 3 (u - 1), within √(8 ε) of their size
    assert abs(found.value[0] - 1) < np.sqrt(8 * np.finfo(float).eps)


def test_steps_that_ended_before_are_not():
    found = solved(0.4, 4)
    assert abs(found.value[0] - 1) > 1e-5
    assert not at_rest(*seen(found.state))
