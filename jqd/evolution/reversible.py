"""Reverse-mode gradients that step a unitary splitting back instead of storing it.

Each flow is undone exactly (its factor has modulus one), so the backward pass needs
the final state alone. The factors of a save interval are shared by all its steps: their
cotangents are summed, and differentiated once with respect to the law.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._program import saved_scan
from ..laws.motion import Motion
from ..steppers import PhaseFlow, Splitting

Look = Callable[[Any, Any, Array, Array], tuple[PyTree, PyTree]]


def reversible_rollout(
    stepper: Splitting,
    steps: int,
    look: Look,
    law: Motion,
    state0: Array,
    ts: Array,
    observe: Any,
) -> tuple[PyTree[Array], PyTree[Array], Array]:
    """Observed values and records at the save times, and the final state.

    Args:
        stepper: splitting.
        steps: steps between save times.
        look: (law, observe, t, state) -> (values, records).
        law: law whose flows are `PhaseFlow`s.
        state0: initial state.
        ts: save times, shape (T,).
        observe: PyTree passed on to `look`.

    Returns:
        Values and records with a leading time axis, and the state at the last time.

    Raises:
        ValueError: the law's flows are not unitary phases.
    """
    flows = stepper.flows(law)
    if not all(isinstance(flow, PhaseFlow) for flow in flows[:2]):
        raise ValueError(
            "Argument `gradient` must not be 'reversible' for this law, but is: its "
            "flows are not phases; use 'checkpointed'."
        )
    result: Any = _rollout(stepper, steps, look, law, state0, ts, observe)
    return result


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _rollout(stepper, steps, look, law, state0, ts, observe):
    return _steps(stepper, steps, look, law, state0, ts, observe)


def _steps(stepper, steps, look, law, state0, ts, observe):
    def interval(state, times):
        t0, t1 = times
        state = stepper.sweep(law, t0, state, (t1 - t0) / steps, steps)
        return state, look(law, observe, t1, state)

    first = look(law, observe, ts[0], state0)
    final, rows = saved_scan(interval, state0, (ts[:-1], ts[1:]), first)
    return *rows, final


def _forward(stepper, steps, look, law, state0, ts, observe):
    # not by `_rollout`: forward mode over this gradient goes through here
    result: Any = _steps(stepper, steps, look, law, state0, ts, observe)
    return result, (law, ts, observe, result[2])


def _backward(stepper, steps, look, residuals, cotangents):
    law, ts, observe, final = residuals
    *looked, final_bar = cotangents
    looked = tuple(looked)

    def see(t, state, bar):
        """Cotangents of one look at a state."""
        _, pull = jax.vjp(lambda *z: look(*z), law, observe, t, state)
        return pull(bar)

    def interval(carry, inputs):
        state, state_bar, law_bar, observe_bar = carry
        t0, t1, bar = inputs
        seen_law, seen_observe, t1_bar, seen_state = see(t1, state, bar)
        state_bar = state_bar + seen_state
        state, state_bar, swept_law, t0_bar, swept_t1 = _unsweep(
            stepper, steps, law, t0, t1, state, state_bar
        )
        carry = (
            state, state_bar, _add(law_bar, seen_law, swept_law),
            _add(observe_bar, seen_observe),
        )  # fmt: skip
        return carry, (t0_bar, t1_bar + swept_t1)

    zero = (_zeros(law), _zeros(observe))
    later = jax.tree.map(lambda leaf: leaf[1:], looked)
    (state, state_bar, law_bar, observe_bar), (t0_bars, t1_bars) = jax.lax.scan(
        interval, (final, final_bar, *zero), (ts[:-1], ts[1:], later), reverse=True
    )
    first = jax.tree.map(lambda leaf: leaf[0], looked)
    seen_law, seen_observe, t_bar, seen_state = see(ts[0], state, first)
    ts_bar = jnp.zeros_like(ts).at[1:].add(t1_bars).at[:-1].add(t0_bars)
    ts_bar = ts_bar.at[0].add(t_bar)
    return (
        _add(law_bar, seen_law), state_bar + seen_state, ts_bar,
        _add(observe_bar, seen_observe),
    )  # fmt: skip


_rollout.defvjp(_forward, _backward)


def _unsweep(stepper, steps, law, t0, t1, state, state_bar):
    """Undo one save interval; cotangents of state, law and both times."""
    b, c = stepper.entry()
    flows = law.exact().flows()
    dt = (t1 - t0) / steps

    def opening(law, t0, t1):
        dt = (t1 - t0) / steps
        return stepper.outer_factor(law.exact().flows(), t0, dt, b, c)

    def closing(law, t0, t1):
        dt = (t1 - t0) / steps
        return stepper.outer_factor(law.exact().flows(), t1, dt, -b, -c)

    def undo_outer(build, state, state_bar):
        factor, pull = jax.vjp(build, law, t0, t1)
        state, state_bar, bar = flows.outer.pullback(factor, state, state_bar)
        return state, state_bar, pull(bar.astype(factor.dtype))

    state, state_bar, closing_bar = undo_outer(closing, state, state_bar)
    if flows.outer.autonomous and flows.inner.autonomous:
        state, state_bar, body_bar = _undo_autonomous(
            stepper, steps, law, t0, t1, state, state_bar
        )
    else:
        state, state_bar, body_bar = _undo_driven(
            stepper, steps, law, t0, t1, dt, state, state_bar
        )
    state, state_bar, opening_bar = undo_outer(opening, state, state_bar)
    law_bar, t0_bar, t1_bar = _add(closing_bar, body_bar, opening_bar)
    return state, state_bar, law_bar, t0_bar, t1_bar


def _undo_autonomous(stepper, steps, law, t0, t1, state, state_bar):
    """The merged steps share their factors: one pull-back for all of them."""

    def build(law, t0, t1):
        return stepper.factors(law.exact().flows(), t0, (t1 - t0) / steps)

    factors, pull = jax.vjp(build, law, t0, t1)

    def body(carry, _):
        state, state_bar, bars = carry
        state, state_bar, new = _undo_step(stepper, law, factors, state, state_bar)
        return (state, state_bar, _add(bars, new)), None

    bars = [jnp.zeros_like(factor) for factor in factors]
    (state, state_bar, bars), _ = jax.lax.scan(
        body, (state, state_bar, bars), None, length=steps
    )
    return state, state_bar, pull(bars)


def _undo_driven(stepper, steps, law, t0, t1, dt, state, state_bar):
    """Factors differ from step to step: pull back each step's own."""

    def body(carry, i):
        state, state_bar, bars = carry

        def build(law, t0, t1):
            dt = (t1 - t0) / steps
            return stepper.factors(law.exact().flows(), t0 + i * dt, dt)

        factors, pull = jax.vjp(build, law, t0, t1)
        state, state_bar, new = _undo_step(stepper, law, factors, state, state_bar)
        return (state, state_bar, _add(bars, pull(new))), None

    zero = (_zeros(law), jnp.zeros_like(t0), jnp.zeros_like(t1))
    (state, state_bar, bars), _ = jax.lax.scan(
        body, (state, state_bar, zero), jnp.arange(steps), reverse=True
    )
    return state, state_bar, bars


def _undo_step(stepper, law, factors, state, state_bar):
    """One merged step back; the cotangents of its factors in stage order."""
    flows = law.exact().flows()
    bars = []
    for (part, *_), factor in zip(
        reversed(stepper.stages()), reversed(factors), strict=True
    ):
        flow = getattr(flows, part)
        state, state_bar, bar = flow.pullback(factor, state, state_bar)
        bars.append(bar)
    return state, state_bar, bars[::-1]


def _zeros(tree: PyTree) -> PyTree:
    return jax.tree.map(jnp.zeros_like, tree)


def _add(*trees: PyTree) -> PyTree:
    return jax.tree.map(lambda *leaves: sum(leaves[1:], leaves[0]), *trees)
