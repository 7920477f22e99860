"""Derivatives of residuals by the constants."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero, zero_from_primal
from jaxtyping import Array, Bool, Float


def columns(
    fn: Callable[..., Any],
    theta: Float[Array, " p"],
    moving: Bool[np.ndarray, " p"] | None = None,
    *,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """The value of a function of few constants and its derivative, by forward mode.

    Constants that move a run are differentiated in turn, not side by side: XLA would
    fuse the derivatives of a run across them and compute most of it many times over.
    All others share one run, which has no derivative.

    Args:
        fn: theta -> array; with `moving`, also (theta, run=constants of the run).
        theta: constants, shape (p,).
        moving: which of them move a run; None for all.
        has_aux: whether `fn` returns a pair, of which only the first is differentiated.

    Returns:
        Value; its derivatives, stacked along a last axis of length p; the second of the
        pair where there is one.
    """
    if not has_aux:
        return columns(_alone(fn), theta, moving, has_aux=True)[:2]
    moving = np.ones(theta.shape[0], bool) if moving is None else moving
    basis = jnp.eye(theta.shape[0], dtype=theta.dtype)
    each: list[tuple[Array, Array, Any]] = []
    if moving.any():
        found = jax.lax.map(
            lambda along: jax.jvp(fn, (theta,), (along,), has_aux=True), basis[moving]
        )
        values, slopes, rest = found
        each.append((values[0], slopes, jax.tree.map(lambda x: x[0], rest)))
    if not moving.all():
        still = partial(fn, run=theta)
        each.append(
            jax.vmap(
                lambda along: jax.jvp(still, (theta,), (along,), has_aux=True),
                out_axes=(None, 0, None),
            )(basis[~moving])
        )
    if not each:
        value, rest = fn(theta)
        return value, jnp.zeros((*value.shape, 0), value.dtype), rest
    value, _, rest = each[0]
    slopes = jnp.concatenate([slopes for _, slopes, _ in each])
    order = np.argsort(np.argsort(~moving, kind="stable"))
    return value, jnp.moveaxis(slopes[order], 0, -1), rest


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
    return residual_slopes(study, theta, at, mask, *shown_slopes(study, theta))


def shown_slopes(study: Any, theta: Array) -> tuple[Any, ...]:
    """The prediction of a study, its derivative (..., p), and how its runs ended."""

    def shown(theta: Array, run: Array | None = None) -> tuple[Array, Any]:
        return study.shown(theta, run=run)

    return columns(shown, theta, study.moving, has_aux=True)


def shown_by_steps(study: Any, theta: Array) -> tuple[Any, Any]:
    """`shown_slopes` with the steps of a study, and with steps half as long, or None
    where its method has none.

    The second is a judgement of the steps, not a result: it has no derivative.
    """
    if study.order is None:
        return shown_slopes(study, theta), None
    if not study.counted:
        own = study.with_substeps(2 * study.substeps), theta
        return shown_slopes(study, theta), shown_slopes(*jax.lax.stop_gradient(own))

    # one program follows both
    both = jax.lax.map(
        lambda factor: shown_slopes(study.with_more_steps(factor), theta),
        jnp.arange(1, 3),
    )
    first, second = (jax.tree.map(lambda x, i=i: x[i], both) for i in (0, 1))
    return first, jax.lax.stop_gradient(second)


def residual_slopes(
    study: Any,
    theta: Array,
    at: Any,
    mask: Array,
    prediction: Array,
    slope: Array,
    ends: Any,
) -> tuple[Array, Array]:
    """Residuals and their derivative, from those of the prediction: no run is made.

    Args:
        study, theta, at, mask: as for `jacobian`.
        prediction, slope, ends: from `shown_slopes`.
    """

    def along(own: Array, shown: Array) -> tuple[Array, Array]:
        return jax.jvp(
            lambda theta, prediction: study.missed(theta, prediction, ends, at, mask),
            (theta, prediction), (own, shown),
        )  # fmt: skip

    basis = jnp.eye(theta.shape[0], dtype=theta.dtype)
    return jax.vmap(along, in_axes=(0, -1), out_axes=(None, -1))(basis, slope)


def _alone(fn: Callable[..., Array]) -> Callable[..., tuple[Array, None]]:
    return lambda *inputs, **named: (fn(*inputs, **named), None)


def by_columns(
    fn: Callable[..., Any],
    moving: Bool[np.ndarray, " p"] | None = None,
    *,
    has_aux: bool = False,
) -> Callable[[Array, Any], Any]:
    """The same function, whose derivatives by its first argument are `columns`.

    They use forward mode for every caller, reverse mode too.

    Args:
        fn: (theta, rest) -> array; all that is differentiated must be in its arguments.
            With `moving`, it takes `run` as well.
        moving, has_aux: as for `columns`.
    """
    if not has_aux:
        both = by_columns(_alone(fn), moving, has_aux=True)
        return lambda theta, rest: both(theta, rest)[0]

    @jax.custom_jvp
    def wrapped(theta: Array, rest: Any) -> tuple[Array, Any]:
        return fn(theta, rest)

    @partial(wrapped.defjvp, symbolic_zeros=True)
    def _(primals: Any, tangents: Any) -> tuple[tuple[Array, Any], tuple[Array, Any]]:
        theta, rest = primals
        leaves, structure = jax.tree.flatten(rest)
        along, *slopes = jax.tree.leaves(tangents)
        varied = [i for i, s in enumerate(slopes) if not isinstance(s, SymbolicZero)]
        parts, found = [], None
        if not isinstance(along, SymbolicZero):
            value, slope, ends = columns(
                lambda theta, **run: fn(theta, rest, **run), theta, moving, has_aux=True
            )
            found = value, ends
            # no dot product: its rounding depends on the batch
            along = jnp.broadcast_to(along, slope.shape)
            parts.append(jnp.sum(slope * along, axis=-1))
        if varied:

            def of_rest(*values: Array) -> tuple[Array, Any]:
                full = list(leaves)
                for i, one in zip(varied, values, strict=True):
                    full[i] = one
                return fn(theta, jax.tree.unflatten(structure, full))

            inputs = tuple(leaves[i] for i in varied)
            along = tuple(slopes[i] for i in varied)
            value, part, ends = jax.jvp(of_rest, inputs, along, has_aux=True)
            found = value, ends
            parts.append(part)
        value, ends = fn(theta, rest) if found is None else found
        change = sum(parts, jnp.zeros_like(value))
        return (value, ends), (change, jax.tree.map(zero_from_primal, ends))

    return wrapped


def with_slopes_of(fn: Callable[..., Array]) -> Callable[..., Array]:
    """A value of a function that is known, with the derivatives of the function.

    Args:
        fn: inputs -> array; all that is differentiated must be in them.

    Returns:
        (value, *inputs) -> value.
    """

    @jax.custom_jvp
    def known(value: Array, *inputs: Any) -> Array:
        del inputs
        return value

    @known.defjvp
    def _(primals: Any, tangents: Any) -> tuple[Array, Array]:
        value, *inputs = primals
        return value, jax.jvp(fn, tuple(inputs), tuple(tangents[1:]))[1]

    return known
