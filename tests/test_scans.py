"""Rows of a loop, the first of which is known before any step."""

import jax
import jax.numpy as jnp
import numpy as np

from jqd._program import saved_scan


def rows(rate, steps):
    """Compound growth, and how many steps it took."""

    def step(carry, dt):
        value, number = carry
        carry = value * (1 + rate * dt), number + 1
        return carry, {"value": carry[0], "number": carry[1]}

    start = jnp.ones(()), jnp.asarray(0)
    first = {"value": start[0], "number": start[1]}
    return saved_scan(jax.checkpoint(step), start, steps, first)


def test_the_first_row_stands_before_those_of_the_steps():
    steps = np.array([0.5, 0.25, 1.0])
    last, seen = jax.jit(rows)(2.0, steps)
    expected = np.cumprod([1, *(1 + 2.0 * steps)])
    np.testing.assert_array_equal(seen["value"], expected)
    np.testing.assert_array_equal(seen["number"], np.arange(4))
    assert last[0] == expected[-1]
    slope = jax.jacrev(lambda rate: rows(rate, steps)[1]["value"])(2.0)
    np.testing.assert_array_equal(slope, [0, 0.5, 0.5 * 1.5 + 0.25 * 2, 6.75])


def test_without_steps_it_is_the_only_row():
    last, seen = rows(2.0, jnp.zeros(0))
    assert seen["value"].tolist() == [1.0]
    assert last[1] == 0
