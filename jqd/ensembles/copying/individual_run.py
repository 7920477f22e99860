"""The loop over time of individuals, for many trajectories."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .copies import CopyStatus
from .individual_rates import Crowd, IndividualRule
from .individual_result import Individuals
from .individual_steps import event, leap, settle
from .order_parameters import (
    class_counts,
    distinct,
    moved_counts,
    order_parameters,
    phase_variance,
)

METHODS = {"leap": leap, "exact": event}

Observe = Callable[[Array, Array, Array], Any]


class Plan(NamedTuple):
    """What to run.

    Attributes:
        rule: the process and the step.
        beable: a_I at the first time, (N,).
        phase: φ_I there, (N,).
        ts: times, (T,).
        max_steps: of one trajectory, scalar integer.
    """

    rule: IndividualRule
    beable: Array
    phase: Array
    ts: Array
    max_steps: Array


class Mode(NamedTuple):
    """Choices that shape the program: hashable.

    Attributes:
        method: name in `METHODS`.
        observe: what else to keep, or None.
        histories: whether to keep the beable of everybody at every time.
    """

    method: str
    observe: Observe | None
    histories: bool


class Walk(NamedTuple):
    """Where a trajectory is, how it came there, and when its classes died."""

    crowd: Crowd
    t: Array
    steps: Array
    extinct: Array


@eqx.filter_jit
def run(plan: Plan, mode: Mode, key: Array, ids: Array) -> Individuals:
    """Trajectories by number, side by side."""

    def one(number):
        return _trajectory(plan, mode, jax.random.fold_in(key, number))

    walk, rows, reached = jax.vmap(one)(ids)
    finite = jnp.all(jnp.isfinite(jnp.abs(walk.crowd.unit)), axis=-1)
    extinct = jnp.any(jnp.isfinite(walk.extinct), axis=-1)
    status = jnp.where(extinct, CopyStatus.EXTINCT, CopyStatus.OK)
    status = jnp.where(reached[:, -1], status, CopyStatus.STEP_BUDGET)
    status = jnp.where(finite, status, CopyStatus.NON_FINITE)
    return Individuals(
        ts=plan.ts, beable=walk.crowd.beable, phase=jnp.angle(walk.crowd.unit),
        ancestor=walk.crowd.ancestor, status=status, extinction_time=walk.extinct,
        steps=walk.steps, **rows,
    )  # fmt: skip


def _trajectory(plan: Plan, mode: Mode, key: Array) -> tuple[Walk, dict, Array]:
    advance = METHODS[mode.method]

    def move(walk, goal):
        room = goal - walk.t
        crowd, dt = advance(
            plan.rule, walk.crowd, room, jax.random.fold_in(key, walk.steps)
        )
        t = jnp.where(dt >= room, goal, walk.t + dt)
        lost = (walk.crowd.occupation > 0) & (crowd.occupation == 0)
        extinct = jnp.where(lost, t, walk.extinct)
        return Walk(crowd, t, walk.steps + 1, extinct)

    def until(walk, goal):
        walk = jax.lax.while_loop(
            lambda walk: (walk.t < goal) & (walk.steps < plan.max_steps),
            lambda walk: move(walk, goal),
            walk,
        )
        if mode.method == "leap":
            walk = walk._replace(crowd=settle(plan.rule, walk.crowd))
        # rows that were not reached say so
        sound = (walk.t >= goal) & jnp.all(jnp.isfinite(jnp.abs(walk.crowd.unit)))
        rows = _record(plan, mode, walk)
        rows = jax.tree.map(lambda row: jnp.where(sound, row, _missing(row)), rows)
        return walk, (rows, walk.t >= goal)

    start = _crowd(plan)
    never = jnp.full_like(start.occupation, jnp.inf)
    walk = Walk(start, plan.ts[0], jnp.zeros_like(plan.max_steps), never)
    walk, (rows, reached) = jax.lax.scan(until, walk, plan.ts)
    return walk, rows, reached


def _crowd(plan: Plan) -> Crowd:
    number = plan.beable.shape[0]
    unit = jax.lax.complex(jnp.cos(plan.phase), jnp.sin(plan.phase))
    occupation = class_counts(plan.beable, plan.rule.law.omega)
    itself = jnp.arange(number, dtype=plan.beable.dtype)
    return Crowd(plan.beable, unit, itself, occupation, jnp.zeros_like(plan.ts[0]))


def _record(plan: Plan, mode: Mode, walk: Walk) -> dict:
    beable, unit, ancestor, occupation, _ = walk.crowd
    values = None
    if mode.observe is not None:
        values = mode.observe(walk.t, beable, jnp.angle(unit))
    return {
        "occupation": occupation,
        "order": order_parameters(unit, beable, occupation),
        "variance": phase_variance(unit, beable, occupation),
        "tagged": moved_counts(beable, plan.beable, occupation),
        "ancestors": distinct(ancestor),
        "histories": beable if mode.histories else None,
        "values": values,
    }


def _missing(row: Array) -> Any:
    return jnp.nan if jnp.issubdtype(row.dtype, jnp.inexact) else -1
