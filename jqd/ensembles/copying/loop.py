"""The loop over time: many trajectories side by side, each with its own clock."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._math import of_pairs, real_pairs
from ...status import Status


class Step(NamedTuple):
    """One step of a trajectory.

    Attributes:
        state: the systems after it.
        dt: the time that passed.
        proposals: single copies that were proposed, 0 or 1.
        events: copies that were made.
    """

    state: PyTree[Array]
    dt: Float[Array, ""]
    proposals: Array
    events: Array


class Population(eqx.Module):
    """N systems that copy each other, for the loop over time: by class or one by one.

    All methods concern one trajectory; `state` is any description of its systems.
    """

    @abc.abstractmethod
    def begin(self, key: Array) -> tuple[Any, Array, Bool[Array, " M"]]:
        """The state at the first time, given the key of the trajectory.

        Returns:
            The state, the key from which the keys of the steps are made, and the
            classes that count as extinct from the first time on.
        """

    @abc.abstractmethod
    def step(
        self, t: Array, state: Any, room: Array, key: Array, fineness: Array
    ) -> Step:
        """Advance from t by a leap or to the next single copy, by `room` at most."""

    @abc.abstractmethod
    def look(self, t: Array, state: Any) -> tuple[Any, PyTree[Array]]:
        """The state with all that lags behind brought up to t, and its row.

        The row is the part that is kept at a save time.
        """

    @abc.abstractmethod
    def empty(self, state: Any) -> Bool[Array, " M"]:
        """The classes that have no system to copy."""

    @abc.abstractmethod
    def sound(self, state: Any) -> Bool[Array, ""]:
        """Whether all phases are finite numbers."""


class Lanes(NamedTuple):
    """Trajectories side by side.

    Attributes:
        state: systems of each.
        t: clocks.
        goal: the next row that each is to write; T after the last.
        waiting: whether it has reached that row or its end, which is not yet written.
        sound: whether its phases are finite numbers.
        extinct: when each class lost its last system; else inf.
        steps: iterations of the loop.
        proposals: number of single copies proposed.
        events: number of copies made.
    """

    state: PyTree[Array]
    t: Float[Array, " B"]
    goal: Int[Array, " B"]
    waiting: Bool[Array, " B"]
    sound: Bool[Array, " B"]
    extinct: Float[Array, "B M"]
    steps: Int[Array, " B"]
    proposals: Int[Array, " B"]
    events: Float[Array, " B"]


class Record(NamedTuple):
    """Trajectories at the end, their rows (S, T, ...), and codes of `Status`."""

    lanes: Lanes
    rows: PyTree[Array]
    status: Int[Array, " S"]


class Clock(NamedTuple):
    """The times of the rows, and the largest number of steps of one trajectory."""

    ts: Float[Array, " T"]
    max_steps: Int[Array, ""]

    def running(self, lanes: Lanes) -> Bool[Array, " B"]:
        """Which trajectories have rows to write and may continue."""
        more = lanes.goal < self.ts.shape[0]
        return more & lanes.sound & (lanes.steps < self.max_steps)

    def target(self, lanes: Lanes) -> Float[Array, " B"]:
        """The time of the next row of each trajectory."""
        return self.ts[jnp.minimum(lanes.goal, self.ts.shape[0] - 1)]


def run(
    population: Population,
    clock: Clock,
    keys: Array,
    fineness: Float[Array, " S"],
    groups: tuple[int, ...],
    chunk: int,
    *,
    patient: bool,
) -> Record:
    """Run all trajectories, `chunk` at a time.

    Every random number depends on the key of the trajectory and its step alone, so that
    the division into chunks changes nothing.

    Args:
        population: the systems.
        clock: the times.
        keys: one per trajectory, (S,).
        fineness: fineness of the steps of each, (S,).
        groups: numbers of trajectories of similar length, in order, e.g. (S,); groups
            share no chunk, since a chunk takes as long as its slowest trajectory.
        chunk: number of trajectories that run side by side.
        patient: whether they wait for each other at each save time, as they should
            where `look` costs as much as a step.

    Returns:
        The final trajectories, their rows and status.
    """
    ends = np.cumsum(groups)
    spread = [
        np.minimum(np.arange(end - size, end + -size % chunk), end - 1)
        for size, end in zip(groups, ends, strict=True)
    ]
    # chunks are filled up with repetitions, which are dropped
    rows = np.concatenate(spread).reshape(-1, chunk)

    def batch(some):
        return _batch(population, clock, keys[some], fineness[some], patient)

    if rows.shape[0] == 1:
        record = batch(rows[0])
    else:
        record = jax.lax.map(batch, jnp.asarray(rows))
        record = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), record)
    _, first = np.unique(rows, return_index=True)
    return jax.tree.map(lambda leaf: leaf[first], record)


def _batch(
    population: Population, clock: Clock, keys: Array, fineness: Array, patient: bool
) -> Record:
    width, times = keys.shape[0], clock.ts.shape[0]
    state, streams, gone = jax.vmap(population.begin)(keys)
    zero, yes = jnp.zeros(width, int), jnp.ones(width, bool)
    t = jnp.full(width, clock.ts[0])
    lanes = Lanes(
        state, t, zero, yes, yes, jnp.where(gone, t[:, None], jnp.inf),
        zero, zero, jnp.zeros(width),
    )  # fmt: skip
    _, seen = jax.eval_shape(jax.vmap(population.look), t, state)
    rows = jax.tree.map(lambda leaf: _blank(leaf, times), seen)
    rows = jax.tree.map(real_pairs, rows)

    def moving(lanes):
        return clock.running(lanes) & ~lanes.waiting

    def go_on(lanes):
        met = jnp.any(lanes.waiting) & (not patient)
        return jnp.any(moving(lanes)) & ~met

    def advance(lanes):
        return _advance(population, clock, lanes, moving(lanes), streams, fineness)

    def stage(carry):
        lanes, rows = _look(population, clock, *carry)
        return jax.lax.while_loop(go_on, advance, lanes), rows

    lanes, rows = jax.lax.while_loop(
        lambda carry: jnp.any(carry[0].waiting), stage, (lanes, rows)
    )
    rows = jax.tree.map(of_pairs, rows, seen)
    lost = jnp.any(jnp.isfinite(lanes.extinct), axis=-1)
    status = jnp.where(lost, Status.EXTINCT, Status.OK)
    status = jnp.where(lanes.goal < times, Status.STEP_BUDGET, status)
    status = jnp.where(lanes.sound, status, Status.NON_FINITE)
    return Record(lanes, rows, status)


def _look(
    population: Population, clock: Clock, lanes: Lanes, rows: PyTree[Array]
) -> tuple[Lanes, PyTree[Array]]:
    """Bring all that wait up to the present, and write the rows that they came to."""
    state, seen = jax.vmap(population.look)(lanes.t, lanes.state)
    there = lanes.waiting & (lanes.t >= clock.target(lanes))
    there = there & jax.vmap(population.sound)(state)
    state = _chosen(lanes.waiting, state, lanes.state)
    # a row beyond the last is nowhere, and dropped
    place = jnp.arange(there.size), jnp.where(there, lanes.goal, clock.ts.shape[0])
    rows = jax.tree.map(
        lambda leaf, new: leaf.at[place].set(real_pairs(new), mode="drop"), rows, seen
    )
    waiting = jnp.zeros_like(lanes.waiting)
    return lanes._replace(state=state, goal=lanes.goal + there, waiting=waiting), rows


def _advance(
    population: Population,
    clock: Clock,
    lanes: Lanes,
    moving: Array,
    keys: Array,
    fineness: Array,
) -> Lanes:
    """One step of every trajectory that moves."""
    target = clock.target(lanes)
    room = jnp.where(moving, target - lanes.t, 0)
    step = jax.vmap(
        lambda t, state, room, key, number, fineness: population.step(
            t, state, room, jax.random.fold_in(key, number), fineness
        )
    )(lanes.t, lanes.state, room, keys, lanes.steps, fineness)
    reached = step.dt >= room
    t = jnp.where(reached, target, lanes.t + step.dt)
    empty = jax.vmap(population.empty)
    lost = empty(step.state) & ~empty(lanes.state)
    after = Lanes(
        step.state, t, lanes.goal, reached, jax.vmap(population.sound)(step.state),
        jnp.where(lost, t[:, None], lanes.extinct), lanes.steps + 1,
        lanes.proposals + step.proposals, lanes.events + step.events,
    )  # fmt: skip
    after = after._replace(waiting=reached | ~clock.running(after))
    return _chosen(moving, after, lanes)


def _chosen(mask: Array, new: PyTree[Array], old: PyTree[Array]) -> Any:
    """`new` of the trajectories in the mask, `old` of the others."""

    def choose(new, old):
        return jnp.where(mask.reshape(mask.shape + (1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, new, old)


def _blank(leaf: jax.ShapeDtypeStruct, times: int) -> Array:
    """Rows (B, T, ...) that nobody has written: NaN, -1 for integers, and else 0."""
    value = -1 if jnp.issubdtype(leaf.dtype, jnp.signedinteger) else 0
    value = jnp.nan if jnp.issubdtype(leaf.dtype, jnp.inexact) else value
    return jnp.full((leaf.shape[0], times, *leaf.shape[1:]), value, leaf.dtype)
