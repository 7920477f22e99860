"""Potentials: samples, functions, constants that can be fitted, squared gradients."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.spaces import Grid
from jqd.spaces.potentials import FunctionPotential, SampledPotential, potential

LINE = Grid((-4.0, 4.0), 64)
PLANE = Grid(((-5.0, 5.0), (-7.0, 7.0)), (80, 90))


def bump(x, k):
    return k * jnp.exp(-(x**2))


def test_samples():
    V = potential(np.arange(64), LINE)
    assert isinstance(V, SampledPotential)
    assert V.autonomous
    assert V.values.dtype == jnp.float64  # integers have no gradient
    np.testing.assert_array_equal(V(LINE, 3.0), np.arange(64.0))
    assert potential(V, LINE) is V


def test_functions_of_position_and_time():
    static = potential(lambda x: x**2, LINE)
    assert isinstance(static, FunctionPotential)
    assert static.autonomous
    np.testing.assert_array_equal(static(LINE, 3.0), LINE.x**2)
    driven = potential(lambda x, y, t: t * x + y, PLANE)
    assert not driven.autonomous
    x, y = PLANE.coordinates
    np.testing.assert_array_equal(driven(PLANE, 2.0), 2 * x + y)
    assert np.any(driven(PLANE, 2.5) != driven(PLANE, 2.0))
    flat = potential(lambda x, y: 1.5, PLANE)
    np.testing.assert_array_equal(flat(PLANE, 0.0), np.full((80, 90), 1.5))


class Spring(eqx.Module):
    k: jax.Array

    def __call__(self, x):
        return self.k * x**2


@pytest.mark.parametrize(
    "V",
    [
        potential(bump, LINE, k=2),
        potential(bump, LINE, k=2.0),
        potential(bump, LINE, k=np.float32(2)),
        potential(jax.tree_util.Partial(bump, k=2), LINE),
        potential(Spring(2), LINE),
        potential(Spring(2.0), LINE),
    ],
    ids=["int", "float", "float32", "partial", "module-int", "module-float"],
)
def test_constants_are_leaves_with_gradients(V):
    (leaf,) = jax.tree.leaves(V)
    assert isinstance(leaf, jax.Array)
    assert jnp.issubdtype(leaf.dtype, jnp.inexact)
    assert not leaf.weak_type
    slope = jax.grad(lambda V: jnp.sum(V(LINE, 0.0)))(V)
    (slope,) = jax.tree.leaves(slope)
    # V is linear in k: the gradient is V / k, rounded in single precision at worst
    np.testing.assert_allclose(slope, jnp.sum(V(LINE, 0.0)) / 2, rtol=1e-6)
    assert abs(slope) > 1


def test_squared_gradients_agree():
    """By differences of order 8 and by automatic differentiation."""

    def V(x, y):
        return 2 * jnp.exp(-(x**2) - y**2 / 2)

    function = potential(V, PLANE)
    values = function(PLANE, 0.0)
    sampled, exact = (
        jnp.sum(f.gradient(PLANE, 0.0) ** 2, axis=0)
        for f in (potential(values, PLANE), function)
    )
    x, y = PLANE.coordinates
    # closed form: rounding
    np.testing.assert_allclose(exact, (4 * x**2 + y**2) * values**2, atol=1e-13)
    # order 8 at spacings of 1/8 and 1/6, measured
    np.testing.assert_allclose(sampled, exact, rtol=0, atol=1e-5)
    assert np.max(np.abs(sampled - 1.0001 * exact)) > 1e-4  # Negative control


def test_gradient_follows_the_time():
    V = potential(lambda x, t: t * x, LINE)
    np.testing.assert_allclose(V.gradient(LINE, 3.0), 3.0, rtol=1e-15)


@pytest.mark.parametrize(
    ("V", "message"),
    [
        (np.zeros(63), "must have the grid's shape (64,), but has shape (63,)"),
        (np.zeros((64, 1)), "must have the grid's shape (64,), but has shape (64, 1)"),
        (np.full(64, 1j), "must be real, but its dtype is complex128"),
        (np.full(64, np.inf), "must be finite, but entry [0] is inf"),
        (lambda: 0, "must take 1 coordinates, and a time if it depends on one, but"),
        (lambda x, y, t: 0, "but takes 3 arguments"),
    ],
)
def test_refused_potentials(V, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        potential(V, LINE)
