"""Derivatives of residuals by the constants."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Bool, Float


def columns(
    fn: Callable[..., Array],
    theta: Float[Array, " p"],
    moving: Bool[np.ndarray, " p"] | None = None,
) -> tuple[Array, Array]:
    """The value of a function of few constants and its derivative, by forward mode.

    Constants that move a run are differentiated in turn, not side by side: XLA would
    fuse the derivatives of a run across them and compute most of it many times over.
    All others share one run, which has no derivative.

    Args:
        fn: theta -> array; with `moving`, also (theta, run=constants of the run).
        theta: constants, shape (p,).
        moving: which of them move a run; None for all.

    Returns:
        Value, and its derivatives, stacked along a last axis of length p.
    """
    moving = np.ones(theta.shape[0], bool) if moving is None else moving
    basis = jnp.eye(theta.shape[0], dtype=theta.dtype)
    each: list[tuple[Array, Array]] = []
    if moving.any():
        values, slopes = jax.lax.map(
            lambda along: jax.jvp(fn, (theta,), (along,)), basis[moving]
        )
        each.append((values[0], slopes))
    if not moving.all():
        each.append(
            jax.vmap(
                lambda along: jax.jvp(partial(fn, run=theta), (theta,), (along,)),
                out_axes=(None, 0),
            )(basis[~moving])
        )
    if not each:
        value = fn(theta)
        return value, jnp.zeros((*value.shape, 0), value.dtype)
    slopes = jnp.concatenate([slopes for _, slopes in each])
    order = np.argsort(np.argsort(~moving, kind="stable"))
    return each[0][0], jnp.moveaxis(slopes[order], 0, -1)


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

    def residuals(theta: Array, run: Array | None = None) -> Array:
        return study.residuals(theta, at, mask, run=run)

    return columns(residuals, theta, study.moving)


def by_columns(
    fn: Callable[..., Array], moving: Bool[np.ndarray, " p"] | None = None
) -> Callable[[Array, Any], Array]:
    """The same function, whose derivatives by its first argument are `columns`.

    They use forward mode for every caller, reverse mode too.

    Args:
        fn: (theta, rest) -> array; all that is differentiated must be in its arguments.
            With `moving`, it takes `run` as well.
        moving: as for `columns`.
    """

    @jax.custom_jvp
    def wrapped(theta: Array, rest: Any) -> Array:
        return fn(theta, rest)

    @partial(wrapped.defjvp, symbolic_zeros=True)
    def _(primals: Any, tangents: Any) -> tuple[Array, Array]:
        theta, rest = primals
        leaves, structure = jax.tree.flatten(rest)
        along, *slopes = jax.tree.leaves(tangents)
        varied = [i for i, s in enumerate(slopes) if not isinstance(s, SymbolicZero)]
        parts, value = [], None
        if not isinstance(along, SymbolicZero):
            value, slope = columns(
                lambda theta, **run: fn(theta, rest, **run), theta, moving
            )
            # no dot product: its rounding depends on the batch
            along = jnp.broadcast_to(along, slope.shape)
            parts.append(jnp.sum(slope * along, axis=-1))
        if varied:

            def of_rest(*values: Array) -> Array:
                full = list(leaves)
                for i, one in zip(varied, values, strict=True):
                    full[i] = one
                return fn(theta, jax.tree.unflatten(structure, full))

            inputs = tuple(leaves[i] for i in varied)
            value, part = jax.jvp(of_rest, inputs, tuple(slopes[i] for i in varied))
            parts.append(part)
        if value is None:
            value = fn(theta, rest)
        return value, sum(parts, jnp.zeros_like(value))

    return wrapped
