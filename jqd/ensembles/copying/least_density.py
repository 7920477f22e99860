"""The smallest density of the mean-field motion, also between times."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ..._math import abs2
from ..._program import saved_scan
from ...laws import CopyDynamics
from ...laws.copying import psi_field
from ...steppers import rk4
from .ceilings import ceilings, constant_ceiling, speeds
from .rates import over

# In the search for a smallest density, steps are this part of 1/‖H‖, with so many
# chords through each.
LOOK, CHORDS = 0.1, 4


def least_densities(
    law: CopyDynamics, psis: Complex[Array, "T M"], ts: Float[Array, " T"]
) -> Float[Array, " T"]:
    """Smallest density of any class up to each time, (T,), also between the times.

    Each interval is followed anew, in steps set by H and not by the times, with chords
    through each step, which may pass a node (an empty class). No derivative flows
    through the result.

    Args:
        law: the copy law.
        psis: ψ at all times.
        ts: times.
    """
    law, psis, ts = jax.lax.stop_gradient((law, psis, ts))
    eps = jnp.finfo(ts.dtype).eps
    parts = jnp.linspace(0, 1, CHORDS + 1, dtype=ts.dtype)[:, None]
    driven = None if law.drive is None else ceilings(law, ts)

    def interval(least, inputs):
        psi, t0, t1 = inputs
        shortest = 8 * eps * jnp.maximum(jnp.maximum(jnp.abs(t0), jnp.abs(t1)), t1 - t0)

        def step(carry):
            t, psi, least = carry
            bounds = constant_ceiling(law) if driven is None else driven.at(t)
            fastest = jnp.max(speeds(bounds)) + bounds.pace
            dt = jnp.minimum(over(LOOK, fastest), jnp.minimum(bounds.room, t1 - t))
            dt = jnp.maximum(dt, shortest)
            after = rk4(law, t, psi, dt)
            first = dt * psi_field(law, psi, *law.rates_at(t))
            last = dt * psi_field(law, after, *law.rates_at(t + dt))
            seen = _between(psi, after, first, last, parts)
            return t + dt, after, jnp.minimum(least, _least(seen[:-1], seen[1:]))

        _, _, least = jax.lax.while_loop(lambda c: c[0] < t1, step, (t0, psi, least))
        return least, least

    first = jnp.min(abs2(psis[0]))
    return saved_scan(interval, first, (psis[:-1], ts[:-1], ts[1:]), first)[1]


def _between(y0: Array, y1: Array, s0: Array, s1: Array, x: Array) -> Array:
    """Hermite's cubic through two states with their slopes, at parts x of the way."""
    way = y1 - y0
    bend = (1 - x) * (s0 - way)[None] + x * (way - s1)[None]
    return y0[None] + x * way[None] + x * (1 - x) * bend


def _least(before: Array, after: Array) -> Array:
    """Smallest density on chords from states to states."""
    way = after - before
    length = abs2(way)
    part = over(-jnp.real(jnp.conj(before) * way), length)
    part = jnp.where(length > 0, jnp.clip(part, 0, 1), 0)
    return jnp.min(abs2(before + part * way))
