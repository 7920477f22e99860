"""ψ, followed over times, and a small state that is carried along with it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ..._scans import saved_scan
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
        each: each(state, ψ, dt), the state after a step that takes ψ to what it is
            given.
        look: what is kept.
    """

    def until(carry, ends):
        psi, state = carry
        dt = (ends[1] - ends[0]) / walk.substeps
        enter, advance, leave = motion(walk, ends[0], dt)

        def body(carry, i):
            wave, state = carry
            wave = advance(i, wave)
            return (wave, each(state, leave(i + 1, wave), dt)), None

        steps = jnp.arange(walk.substeps)
        (wave, state), _ = jax.lax.scan(body, (enter(psi), state), steps)
        psi = leave(walk.substeps, wave)
        return (psi, state), look(state, psi)

    ends, first = (ts[:-1], ts[1:]), look(state, psi)
    return saved_scan(jax.checkpoint(until), (psi, state), ends, first)[1]
