"""Thinning: copies are proposed at a bound on all rates, and some are accepted."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..._math import safe_log
from ...laws.copying import ratios
from .ceilings import Ceiling
from .rates import Process, amplitudes, haste, over


def copy_bound(
    process: Process,
    ceiling: Ceiling,
    occupation: Array,
    weights: Array,
    chosen: Bool[Array, "M M"],
) -> Float[Array, "M M"]:
    """Bound on the rates of the chosen links: n_b (m_a/m_b)^q max A_ab, copies/time."""
    level = safe_log(weights)
    A, _ = amplitudes(process.law, ceiling.R)
    bound = ratios(level, process.law.q) * occupation[None, :] * A
    return jnp.where(chosen, bound, 0)


def uniforms(key: Array, number: int, like: Array) -> Array:
    """Uniform random numbers in (0, 1), (number,), in the dtype of `like`."""
    least = jnp.finfo(like.dtype).tiny
    return jax.random.uniform(key, (number,), like.dtype, least)


def next_proposal(
    process: Process,
    ceiling: Ceiling,
    fineness: Array,
    weights: Float[Array, " M"],
    bound: Float[Array, "M M"],
    room: Array,
    uniform: Array,
) -> tuple[Array, Array]:
    """The time to the next proposal of a single copy, at most a step and `room`.

    Args:
        process: the process.
        ceiling: bounds on its Hamiltonian; a step ends where they do.
        fineness: fraction of 1/`haste` that a step may take.
        weights: numbers of systems that can be copied, (M,).
        bound: rates of the proposals, copies per time, (M, M).
        room: time to the next moment that must be met, scalar.
        uniform: a number in (0, 1).

    Returns:
        The time that passes, and whether a proposal follows it.
    """
    wait = over(-jnp.log(uniform), jnp.sum(bound))
    longest = over(fineness, haste(process, ceiling, weights, weights > 0))
    longest = jnp.minimum(longest, jnp.minimum(room, ceiling.room))
    return jnp.minimum(wait, longest), wait <= longest


def picked_link(bound: Float[Array, "M M"], uniform: Array) -> tuple[Array, Array]:
    """The link (a, b) of a proposal, from class b to a, drawn by its bound."""
    size = bound.shape[0]
    link = picked(jnp.ravel(bound), uniform)
    return link // size, link % size


def picked(weights: Array, uniform: Array) -> Array:
    """An index drawn by weight."""
    total = jnp.cumsum(weights)
    return jnp.minimum(
        jnp.sum((total <= uniform * total[-1]).astype(int)), weights.shape[0] - 1
    )
