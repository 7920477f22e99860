"""A function with the values of one and the second derivatives of another."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.evolution.twice import twice_differentiable

WEIGHT = 0.9  # on its gradient, which shows whose that is


@jax.custom_vjp
def guarded(x):
    """A sine that has reverse mode alone, as a loop with checkpoints has."""
    return jnp.sin(x)


# its forward pass goes through itself, which forward mode over it cannot
guarded.defvjp(lambda x: (guarded(x), x), lambda x, bar: (WEIGHT * jnp.cos(x) * bar,))


def first(arguments):
    x, n = arguments["x"], arguments["n"]
    return {"sum": jnp.sum(guarded(x)) * n, "name": jnp.sum(x)}


def second(arguments):
    x, n = arguments["x"], arguments["n"]
    return {"sum": 10 * jnp.sum(jnp.sin(x)) * n, "name": jnp.sum(x)}


X, N = jnp.array([0.3, 1.1]), jnp.array(3)


def whole(x, n=N):
    made = twice_differentiable(first, second)
    return made({"x": x, "n": n, "note": "not an array"})["sum"]


def test_values_and_gradients_are_those_of_the_first():
    assert float(whole(X)) == pytest.approx(3 * float(jnp.sum(jnp.sin(X))), rel=1e-15)
    want = 3 * WEIGHT * np.cos(X)
    np.testing.assert_allclose(jax.grad(whole)(X), want, rtol=1e-15)
    np.testing.assert_allclose(jax.jit(jax.grad(whole))(X), want, rtol=1e-15)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_second_derivatives_are_those_of_the_second(wrap):
    want = np.diag(-30 * np.sin(X))
    np.testing.assert_allclose(wrap(jax.hessian(whole))(X), want, rtol=1e-15, atol=0)
    inside = jax.hessian(wrap(whole))
    np.testing.assert_allclose(inside(X), want, rtol=1e-15, atol=0)


def test_a_batch():
    xs, ns = jnp.stack([X, 2 * X]), jnp.array([3, 5])
    many = jax.vmap(jax.hessian(whole))(xs, ns)
    for x, n, one in zip(xs, ns, many, strict=True):
        np.testing.assert_allclose(one, jax.hessian(whole)(x, n), rtol=1e-15)
    slopes = jax.vmap(jax.grad(whole))(xs, ns)
    want = np.asarray(ns)[:, None] * WEIGHT * np.cos(xs)
    np.testing.assert_allclose(slopes, want, rtol=1e-14)


def test_the_first_alone_has_none():
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.hessian(lambda x: first({"x": x, "n": N})["sum"])(X)
