"""Levels, their weights and energies: checks and shapes that every estimate shares."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks


def spectrum(levels: ArrayLike, log_weights: ArrayLike | None) -> tuple[Array, Array]:
    """Checked and widened: levels (..., n) and ln of their weights, of one shape."""
    _checks.check_numbers(levels, "levels")
    if np.ndim(levels) == 0 or np.shape(levels)[-1] < 2:
        raise ValueError(
            "Argument `levels` must hold at least 2 levels along its last axis, but "
            f"its shape is {np.shape(levels)}."
        )
    _checks.check_reals(levels, "levels")
    levels = _checks.widen(levels)
    if log_weights is None:
        return levels, jnp.zeros_like(levels)
    _checks.check_reals(log_weights, "log_weights", levels.shape)
    return levels, jnp.asarray(log_weights, levels.dtype)


def over_batch(
    function: Callable[..., Any], vectors: tuple[Array, ...], scalars: tuple[Array, ...]
) -> Any:
    """function(*vectors (n,), *scalars ()), over the leading axes of all, broadcast."""
    shape = jnp.broadcast_shapes(
        *(v.shape[:-1] for v in vectors), *(s.shape for s in scalars)
    )
    flat = [
        jnp.broadcast_to(v, (*shape, v.shape[-1])).reshape(-1, v.shape[-1])
        for v in vectors
    ] + [jnp.broadcast_to(s, shape).reshape(-1) for s in scalars]
    results = jax.vmap(function)(*flat)
    return jax.tree.map(lambda leaf: leaf.reshape(shape), results)


def check_inside(levels: Any, energy: Any) -> None:
    """Every energy lies strictly between the lowest and the highest level."""
    _checks.check_reals(energy, "energy")
    if not _checks.is_concrete((levels, energy)):
        return
    values, wanted = np.asarray(levels), np.asarray(energy)
    least, most = values.min(axis=-1), values.max(axis=-1)
    if not np.all((wanted > least) & (wanted < most)):
        raise ValueError(
            "Argument `energy` must lie inside the spectrum, between "
            f"{least.min():.6g} and {most.max():.6g}, but it is {wanted}."
        )


def reciprocal(beta: Array) -> Array:
    """T = 1/β, infinite at β = 0, with derivatives that are numbers there."""
    flat = beta == 0
    return jnp.where(flat, jnp.inf, 1 / jnp.where(flat, 1, beta))
