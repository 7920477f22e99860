"""Derivatives of residuals, one constant after the other."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float


def columns(
    fn: Callable[[Array], Array], theta: Float[Array, " p"]
) -> tuple[Array, Array]:
    """The value of a function of few constants and its derivative, by forward mode.

    Constants are differentiated in turn, not side by side: XLA would fuse the
    derivatives of a run across them and compute most of it many times over.

    Args:
        fn: theta -> array.
        theta: constants, shape (p,).

    Returns:
        Value, and its derivatives, stacked along a last axis of length p.
    """
    if not theta.shape[0]:
        value = fn(theta)
        return value, jnp.zeros((*value.shape, 0), value.dtype)
    basis = jnp.eye(theta.shape[0], dtype=theta.dtype)
    values, slopes = jax.lax.map(lambda along: jax.jvp(fn, (theta,), (along,)), basis)
    return values[0], jnp.moveaxis(slopes, 0, -1)


@jax.jit
def jacobian(
    study: Any, theta: Float[Array, " p"], at: Any, mask: Array
) -> tuple[Float[Array, " n"], Float[Array, "n p"]]:
    """The residuals of a study and their derivative by its constants.

    Args:
        study: law, data and free constants, or what has residuals as a study has.
        theta: constants, shape (p,).
        at: source of the weights.
        mask: weight of each row, shape (T,).
    """
    return columns(lambda theta: study.residuals(theta, at, mask), theta)


def by_columns(fn: Callable[[Array, Any], Array]) -> Callable[[Array, Any], Array]:
    """The same function, whose derivatives by its first argument are `columns`.

    They use forward mode for every caller, reverse mode too.

    Args:
        fn: (theta, rest) -> array; all that is differentiated must be in its arguments.
    """

    @jax.custom_jvp
    def wrapped(theta: Array, rest: Any) -> Array:
        return fn(theta, rest)

    @partial(wrapped.defjvp, symbolic_zeros=True)
    def _(primals: Any, tangents: Any) -> tuple[Array, Array]:
        theta, rest = primals
        leaves, structure = jax.tree.flatten(rest)
        along, *slopes = jax.tree.leaves(tangents)
        moving = [i for i, s in enumerate(slopes) if not isinstance(s, SymbolicZero)]
        parts, value = [], None
        if not isinstance(along, SymbolicZero):
            value, slope = columns(lambda theta: fn(theta, rest), theta)
            # no dot product: its rounding depends on the batch
            along = jnp.broadcast_to(along, slope.shape)
            parts.append(jnp.sum(slope * along, axis=-1))
        if moving:

            def of_rest(*values: Array) -> Array:
                full = list(leaves)
                for i, one in zip(moving, values, strict=True):
                    full[i] = one
                return fn(theta, jax.tree.unflatten(structure, full))

            inputs = tuple(leaves[i] for i in moving)
            value, part = jax.jvp(of_rest, inputs, tuple(slopes[i] for i in moving))
            parts.append(part)
        if value is None:
            value = fn(theta, rest)
        return value, sum(parts, jnp.zeros_like(value))

    return wrapped
