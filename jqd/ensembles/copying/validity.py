"""Validity of laws to order 1/N: the copies that they need, and their accuracy."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from ...evolution.judging import status_from_the_first
from .rates import over

# Least number of copies in a class, and the number per copy's worth of lost fidelity;
# see `copies_needed`.
LEAST_COPIES, PER_DENSITY, PER_SWING = 20.0, 5.0, 4.0
# Largest relative error of the lost fidelity by steps with which `copies_needed` is
# judged by it: a tenth of the 10 % that its bounds promise.
WELL_KNOWN = 0.01


def copies_needed(
    least: Float[Array, " T"], swing: Float[Array, " T"], loss: Float[Array, " T"]
) -> Float[Array, " T"]:
    """The least number of copies in the smallest class for laws to order 1/N.

    N ρ_min >= 20,  E[1 - F] <= ρ_min/5,  E[1 - F] <= swing/4

    The next order comes from the scatter of the smallest class relative to its size,
    and from that of the currents relative to their size: |J| has a kink at 0. The
    bounds are measured, not derived. At the least N that they admit, N E[1 - F] of 2048
    sampled ensembles was within 10 % of linear noise (8 +- 4 % at most), and at most 2
    in 1000 of them had lost a class, for some 30 initial states of two to six classes
    at the quantum point, up to t = 20/R. With 5 copies per class it was 7 to 130 %
    above the law. The steps must resolve the nodes, where a class becomes empty: at
    ρ_min = 4e-11, far below their reach, it was 11 %.

    Args:
        least: ρ_min up to each time, as in `Followed`.
        swing: mean square of the currents up to each time, likewise.
        loss: N E[1 - F] by linear noise, largest so far.

    Returns:
        The value that N ρ_min must reach up to each time, (T,).
    """
    moving = over(least, swing)
    spread = jnp.maximum(PER_DENSITY, PER_SWING * moving)
    # where currents are only rounding and no fidelity is lost, there is no scatter
    some = loss > jnp.sqrt(jnp.finfo(least.dtype).eps)
    spread = jnp.where(some, loss * jnp.where(some, spread, 0), 0)
    return jnp.maximum(LEAST_COPIES, spread)


def enough(
    copies: ArrayLike,
    needed: Float[Array, " T"],
    least: Float[Array, " T"],
    loss: Float[Array, " T"],
    error: Float[Array, " T"],
    reached: Bool[Array, " T"],
) -> Bool[Array, " T"]:
    """Whether N meets `copies_needed`, judged by a loss that is known well enough."""
    rounding = jnp.sqrt(jnp.finfo(least.dtype).eps)
    known = reached & (error <= WELL_KNOWN * loss + rounding)
    return known & (jnp.asarray(copies) * least >= needed)


def judge(
    ts: Float[Array, " T"],
    status: Int[Array, ""],
    failure_time: Float[Array, ""],
    *judged: tuple[Array, Array],
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    """Status and failure time, INACCURATE where an error is as large as its value.

    Args:
        ts: times, (T,).
        status: status of the run.
        failure_time: failure time of the run.
        judged: values and their errors, free of units, leading axis (T,).
    """
    bad = jnp.zeros(ts.shape, bool)
    for values, errors in judged:
        sizes = [
            jnp.max(jnp.abs(x).reshape(ts.size, -1), axis=1) for x in (values, errors)
        ]
        largest = jax.lax.cummax(jnp.where(ts < failure_time, sizes[0], 0))
        rounding = jnp.sqrt(jnp.finfo(ts.dtype).eps)
        bad |= (sizes[1] >= largest) & (sizes[1] > rounding)
    bad &= ts < failure_time
    return status_from_the_first(ts, bad, status, failure_time)
