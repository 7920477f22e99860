"""The loop: many trajectories side by side, each with its own clock."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from .copies import CopyStatus
from .leap import Settings, Systems, leap
from .populations import drawn, rounded
from .rates import Process
from .thinning import propose

STEPS = {"leap": leap, "exact": propose}
_START, _STEPS = range(2)


class Plan(NamedTuple):
    """What to run.

    Attributes:
        process: the process.
        exact_below: see `Settings`.
        density: ρ at the first time, (M,).
        unit: exp(-iφ) there, (M,).
        ts: times, (T,).
        max_steps: of one trajectory, scalar integer.
    """

    process: Process
    exact_below: Array
    density: Array
    unit: Array
    ts: Array
    max_steps: Array


class Mode(NamedTuple):
    """Choices that shape the program: hashable.

    Attributes:
        method: name in `STEPS`.
        initial: "rounded" or "drawn".
        tagged: whether systems keep the label of their first class.
        observe: what to keep instead of counts and phases, or None.
        chunk: trajectories that run side by side.
    """

    method: str
    initial: str
    tagged: bool
    observe: Callable[..., Any] | None
    chunk: int


class Lanes(NamedTuple):
    """Trajectories side by side; `goal` is the next row each is to write."""

    systems: Systems
    t: Float[Array, " B"]
    goal: Int[Array, " B"]
    steps: Int[Array, " B"]
    status: Int[Array, " B"]
    extinct: Float[Array, " B"]


class Record(NamedTuple):
    """What is kept of the trajectories: rows (S, T, ...), and how each ended, (S,)."""

    rows: PyTree[Array]
    status: Array
    extinct: Array
    steps: Array


def run(plan: Plan, mode: Mode, keys: Array, steps: Array, groups: tuple) -> Record:
    """All trajectories, `mode.chunk` at a time.

    Every random number depends on the key of the trajectory and its step alone, so that
    the division into chunks changes nothing.

    Args:
        plan: what to run.
        mode: how.
        keys: one a trajectory, (S,).
        steps: how finely each steps, see `Settings.step`, (S,).
        groups: how many trajectories are of like length, in order, e.g. (S,); groups
            share no chunk, since a chunk takes as long as its slowest trajectory.

    Returns:
        The record.
    """
    ends = np.cumsum(groups)
    spread = [
        np.minimum(np.arange(end - size, end + -size % mode.chunk), end - 1)
        for size, end in zip(groups, ends, strict=True)
    ]
    # chunks are filled up with repetitions, which are dropped
    rows = np.concatenate(spread).reshape(-1, mode.chunk)
    if rows.shape[0] == 1:
        record = _batch(plan, mode, keys[rows[0]], steps[rows[0]])
    else:
        record = jax.lax.map(
            lambda some: _batch(plan, mode, keys[some], steps[some]), jnp.asarray(rows)
        )
        record = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), record)
    _, first = np.unique(rows, return_index=True)
    return jax.tree.map(lambda leaf: leaf[first], record)


def _batch(plan: Plan, mode: Mode, keys: Array, fineness: Array) -> Record:
    begin, on = (
        jax.vmap(jax.random.fold_in, (0, None))(keys, purpose)
        for purpose in (_START, _STEPS)
    )
    systems = jax.vmap(lambda key: _begin(plan, mode, key))(begin)
    width, times = keys.shape[0], plan.ts.shape[0]

    def look(t, systems):
        if mode.observe is None:
            return systems
        occupation = jnp.sum(systems.counts, axis=0)
        psi = jnp.sqrt(occupation / plan.process.copies) * systems.unit
        return mode.observe(t, occupation, psi)

    first = jax.vmap(look, (None, 0))(plan.ts[0], systems)
    rows = jax.tree.map(
        lambda leaf: (
            _blank((width, times, *leaf.shape[1:]), leaf.dtype).at[:, 0].set(leaf)
        ),
        first,
    )
    zero = jnp.zeros(width, int)
    gone = jax.vmap(lambda systems: _some_class_empty(plan, systems))(systems)
    lanes = Lanes(
        systems, jnp.full(width, plan.ts[0]), zero + 1, zero,
        jnp.where(gone, CopyStatus.EXTINCT, CopyStatus.OK),
        jnp.where(gone, plan.ts[0], jnp.inf),
    )  # fmt: skip

    def body(carry):
        lanes, rows = carry
        running = _running(lanes, times)
        lanes, row = _advance(plan, mode, lanes, running, on, fineness)
        seen = jax.vmap(look)(lanes.t, lanes.systems)
        # a row beyond the last is nowhere, and dropped
        rows = jax.tree.map(
            lambda leaf, new: leaf.at[jnp.arange(width), row].set(new, mode="drop"),
            rows, seen,
        )  # fmt: skip
        return lanes, rows

    lanes, rows = jax.lax.while_loop(
        lambda carry: jnp.any(_running(carry[0], times)), body, (lanes, rows)
    )
    return Record(rows, lanes.status, lanes.extinct, lanes.steps)


def _advance(
    plan: Plan, mode: Mode, lanes: Lanes, running: Array, keys: Array, fineness: Array
) -> tuple[Lanes, Array]:
    """One step of every running trajectory, and the row it has reached, if any."""
    times = plan.ts.shape[0]
    target = plan.ts[jnp.minimum(lanes.goal, times - 1)]
    room = jnp.where(running, target - lanes.t, 0)

    def one(systems, room, key, number, step):
        settings = Settings(step, plan.exact_below)
        key = jax.random.fold_in(key, number)
        return STEPS[mode.method](plan.process, settings, systems, room, key)

    moved, dt = jax.vmap(one)(lanes.systems, room, keys, lanes.steps, fineness)
    reached = running & (dt >= room)
    t = jnp.where(reached, target, lanes.t + dt)
    gone = jax.vmap(lambda systems: _some_class_empty(plan, systems))(moved)
    sound = jax.vmap(lambda systems: jnp.all(jnp.isfinite(systems.unit)))(moved)
    status = jnp.where(
        gone & (lanes.status == CopyStatus.OK), CopyStatus.EXTINCT, lanes.status
    )
    extinct = jnp.where(gone, jnp.minimum(lanes.extinct, t), lanes.extinct)
    steps = lanes.steps + 1
    spent = (steps >= plan.max_steps) & ~(reached & (lanes.goal == times - 1))
    status = jnp.where(spent, CopyStatus.STEP_BUDGET, status)
    status = jnp.where(sound, status, CopyStatus.NON_FINITE)
    goal = lanes.goal + (reached & sound)
    after = Lanes(moved, t, goal, steps, status, extinct)
    kept = jax.tree.map(
        lambda new, old: jnp.where(_like(running, new), new, old), after, lanes
    )
    return kept, jnp.where(reached & sound, lanes.goal, times)


def _running(lanes: Lanes, times: int) -> Array:
    ended = (lanes.status == CopyStatus.NON_FINITE) | (
        lanes.status == CopyStatus.STEP_BUDGET
    )
    return (lanes.goal < times) & ~ended


def _begin(plan: Plan, mode: Mode, key: Array) -> Systems:
    copies = plan.process.copies
    if mode.initial == "drawn":
        counts = drawn(key, plan.density, copies)
    else:
        counts = rounded(plan.density, copies)
    labelled = jnp.diag(counts) if mode.tagged else counts[None, :]
    return Systems(labelled, plan.unit)


def _some_class_empty(plan: Plan, systems: Systems) -> Array:
    occupation = jnp.sum(systems.counts, axis=0)
    return jnp.any(plan.process.weights(occupation) <= 0)


def _like(mask: Array, leaf: Array) -> Array:
    return mask.reshape(mask.shape + (1,) * (leaf.ndim - 1))


def _blank(shape: tuple[int, ...], dtype: Any) -> Array:
    """Rows that nobody has written: NaN, or 0 for whole numbers."""
    return jnp.full(shape, jnp.nan if jnp.issubdtype(dtype, jnp.inexact) else 0, dtype)
