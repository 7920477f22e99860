"""The evolution of ψ, with a small state that is carried along with it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ..._program import saved_scan
from ...evolution.drives import drives_of, edges
from ...evolution.fixed import ends_that_see
from ...evolution.legs import legs_of
from ..paths.walk import Walk, motion


def follow(
    walk: Walk,
    psi: Array,
    ts: Array,
    state: PyTree[Array],
    each: Callable[..., PyTree[Array]],
    look: Callable[..., PyTree[Array]],
) -> PyTree[Array]:
    """look(state, ψ) at all times, stacked.

    Args:
        walk: the law of ψ and its steps.
        psi: ψ at ts[0].
        ts: times, (T,).
        state: at ts[0].
        each: each(state, ψ, dt) gives the state after a step; ψ is that after the step.
        look: function whose values are kept.
    """

    ends, drives = ends_that_see(walk.law, ts, walk.substeps), drives_of(walk.law)
    if ends is not None and drives:
        # half as long steps may err by as much where a drive jumps within both
        ends = jnp.concatenate([ends, edges(drives, ts)])
    legs = legs_of(walk.law, ts, ends)
    times = legs.times

    def advance(carry, t0, t1):
        psi, state = carry
        dt = (t1 - t0) / walk.substeps
        enter, forward, leave = motion(walk, t0, dt)

        def body(carry, i):
            wave, state = carry
            wave = forward(i, wave)
            return (wave, each(state, leave(i + 1, wave), dt)), None

        steps = jnp.arange(walk.substeps)
        (wave, state), _ = jax.lax.scan(body, (enter(psi), state), steps)
        return leave(walk.substeps, wave), state

    def until(carry, ends):
        if legs.cut:  # there is room for more legs than there are
            there = ends[1] > ends[0]
            ends = legs.ends(*ends)
            carry = jax.lax.cond(there, advance, lambda c, *_: c, carry, *ends)
        else:
            carry = advance(carry, *ends)
        return carry, look(carry[1], carry[0])

    ends, first = (times[:-1], times[1:]), look(state, psi)
    rows = saved_scan(jax.checkpoint(until), (psi, state), ends, first)[1]
    return jax.tree.map(lambda row: row[legs.saved], rows)
