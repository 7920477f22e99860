"""Event-driven dynamics of hard rods, discs and spheres."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from ... import _checks
from ..._checks import whole_number
from ..._gate import gated
from ..._program import saved_scan
from ...constants import constant
from ...status import Status
from .arguments import check_gas
from .collisions import (
    Agenda,
    Spheres,
    contact,
    deflect,
    make_agenda,
    separation,
    smallest_gap,
    soonest,
    update,
    waits,
    wrap,
)


class Encounters(eqx.Module):
    """Every collision of a run, in order; rows past the last one are not meaningful.

    Attributes:
        ts: (E,) times.
        pairs: (E, 2) indices of the two spheres.
        separations: (E, d) from the first to the second centre, at contact.
        velocities: (E, 2, d) of the two, before the collision.
    """

    ts: Float[Array, " E"]
    pairs: Int[Array, "E 2"]
    separations: Float[Array, "E d"]
    velocities: Float[Array, "E 2 d"]


class EventRun(eqx.Module):
    """The result of `event_driven`; snapshot 0 is the initial state.

    Attributes:
        ts: (S + 1,) times of the snapshots, each right after a collision.
        positions: (S + 1, N, d), inside the box.
        velocities: (S + 1, N, d).
        collisions: (S + 1,) collisions so far.
        virial: (S + 1,) Σ |Δp| σ over collisions so far, energy.
        counts: (N,) collisions of each sphere.
        gap: smallest distance of two centres over the sum of their radii, over all
            contacts and over all pairs at the snapshots; 1 but for rounding.
        steps: number of collisions and renewals of a lower bound together.
        status: a code of `jqd.Status`; snapshots not reached are NaN.
        encounters: all collisions, if requested with `log`.
    """

    ts: Float[Array, " S"]
    positions: Float[Array, "S N d"]
    velocities: Float[Array, "S N d"]
    collisions: Int[Array, " S"]
    virial: Float[Array, " S"]
    counts: Int[Array, " N"]
    gap: Float[Array, ""]
    steps: Int[Array, ""]
    status: Int[Array, ""]
    encounters: Encounters | None

    @property
    def ok(self) -> Bool[Array, "*batch"]:
        """Whether all requested collisions took place."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether each member of a batch is `ok`: one answer, for `if` and `assert`."""
        return bool(jnp.all(self.ok))

    @property
    def per_particle(self) -> Float[Array, "*batch S"]:
        """Mean number of collisions per sphere so far: two take part in each."""
        return 2 * self.collisions / self.counts.shape[-1]

    def rate(self, first: int = 0) -> Float[Array, "*batch"]:
        """Collisions per sphere and time, from snapshot `first` to the last."""
        meetings = self.per_particle[..., -1] - self.per_particle[..., first]
        return meetings / (self.ts[..., -1] - self.ts[..., first])


class _State(NamedTuple):
    x: Array
    v: Array
    agenda: Agenda
    clock: Array
    done: Array
    steps: Array
    counts: Array
    virial: Array
    gap: Array
    log: Encounters | None


@gated
def event_driven(
    positions: ArrayLike,
    velocities: ArrayLike,
    box: ArrayLike,
    *,
    collisions: int,
    snapshots: int = 1,
    radius: ArrayLike = 0.5,
    mass: ArrayLike = 1.0,
    log: bool = False,
    max_steps: int | None = None,
) -> EventRun:
    """Hard rods (d = 1), discs (2) or spheres (3) in a periodic box, event by event.

    Free flight until |x_a - x_b| = radius_a + radius_b, then the elastic exchange of
    Δp = 2μ (g·n) n. The collision times are exact but for rounding, and so are energy
    and momentum. Each sphere stores its next meeting only. A collision updates the two
    rows of pairs that it changes, which costs O(N); the memory is O(N).

    The run is in the precision of positions and velocities, whatever that of the rest.
    This works under jit and `jax.vmap` over initial states. The numbers of collisions
    and snapshots are shapes and cannot be traced.

    Args:
        positions: (N, d), any values; taken modulo the box.
        velocities: (N, d).
        box: (d,) lengths of the box.
        collisions: number of pair collisions from one snapshot to the next.
        snapshots: S, number of snapshots besides the initial state.
        radius: () or (N,), of each sphere.
        mass: () or (N,).
        log: whether to keep every collision (see `Encounters`).
        max_steps: largest number of collisions and renewals of lower bounds in the
            whole run; None for 50 per collision plus 10 000. A gas at rest, or one
            whose spheres never meet, ends there with `Status.STEP_BUDGET`.

    Returns:
        An `EventRun`.

    Raises:
        ValueError: shapes that do not fit, a radius, mass or length that is not
            positive, spheres that overlap, or one as wide as half the box.
    """
    given = tuple(map(constant, (positions, velocities, box, radius, mass)))
    check_gas(*given)
    precision = jnp.result_type(*given[:2])
    x, v, box, radius, mass = (one.astype(precision) for one in given)
    every = whole_number(collisions, "collisions", 1)
    frames = whole_number(snapshots, "snapshots", 1)
    if max_steps is None:
        max_steps = 50 * every * frames + 10_000
    budget = whole_number(max_steps, "max_steps", 1)
    many = (x.shape[0],)
    spheres = Spheres(box, jnp.broadcast_to(radius, many), jnp.broadcast_to(mass, many))
    gap = _closest(spheres, x)
    if _checks.is_concrete((gap, spheres)) and not gap >= 1 - _slack(spheres, x):
        raise ValueError(
            "Argument `positions` must be of spheres that do not overlap, but two "
            f"centres are {gap:.6g} of their contact distance apart."
        )
    room = every * frames if log else None
    return _run(spheres, x, v, every, frames, budget, room)


def _slack(spheres: Spheres, x: Array) -> float:
    """By how much spheres may overlap that touch but for the rounding of positions."""
    far = max(float(jnp.max(spheres.box)), float(jnp.max(jnp.abs(x))))
    rounding = float(jnp.finfo(x.dtype).eps) * far
    # of both positions, and of what is taken off to put them into the box
    return max(1e-9, 8 * rounding / (2 * float(jnp.min(spheres.radius))))


@jax.jit
def _closest(spheres: Spheres, x: Array) -> Array:
    return smallest_gap(spheres, wrap(x.T, spheres.box))


@functools.partial(jax.jit, static_argnums=(4, 6))
def _run(
    spheres: Spheres,
    x: Array,
    v: Array,
    every: ArrayLike,
    frames: int,
    budget: ArrayLike,
    room: int | None,
) -> EventRun:
    state = _start(spheres, x, v, room)

    def frame(state: _State, number: Array) -> tuple[_State, Any]:
        goal = (number + 1) * every

        def go_on(state: _State) -> Array:
            more = (state.done < goal) & (state.steps < budget)
            return more & jnp.isfinite(jnp.min(state.agenda.wait))

        state = lax.while_loop(go_on, functools.partial(_step, spheres), state)
        state = state._replace(
            gap=jnp.minimum(state.gap, smallest_gap(spheres, state.x))
        )
        return state, _picture(state, state.done == goal)

    first = _picture(state, jnp.asarray(True))
    numbers = jnp.arange(frames, dtype=jnp.int32)
    state, rows = saved_scan(frame, state, numbers, first)
    ts, x, v, done, virial = rows
    sound = jnp.isfinite(state.clock) & jnp.all(jnp.isfinite(state.v))
    short = jnp.where(state.done == every * frames, Status.OK, Status.STEP_BUDGET)
    status = jnp.where(sound, short, Status.NON_FINITE)
    return EventRun(
        ts, x, v, done, virial, state.counts, state.gap, state.steps, status, state.log
    )


def _start(spheres: Spheres, x: Array, v: Array, room: int | None) -> _State:
    many, d = x.shape
    x, v = wrap(x.T, spheres.box), v.T
    zero, none = jnp.zeros((), x.dtype), jnp.zeros((), jnp.int32)
    log = None
    if room is not None:
        log = Encounters(
            jnp.zeros(room, x.dtype),
            jnp.zeros((room, 2), jnp.int32),
            jnp.zeros((room, d), x.dtype),
            jnp.zeros((room, 2, d), x.dtype),
        )
    counts = jnp.zeros(many, jnp.int32)
    gap = smallest_gap(spheres, x)
    agenda = make_agenda(spheres, x, v)
    return _State(x, v, agenda, zero, none, none, counts, zero, gap, log)


def _step(spheres: Spheres, state: _State) -> _State:
    """To the next appointment: a collision, or the renewal of a lower bound."""
    one = soonest(state.agenda.wait)
    dt, partner = state.agenda.wait[one], state.agenda.partner[one]
    hit = partner >= 0
    pair = jnp.stack([one, jnp.where(hit, partner, one)])
    x = wrap(state.x + state.v * dt, spheres.box)
    clock = state.clock + dt
    meeting = contact(spheres, x, state.v, pair)
    v = deflect(spheres, state.v, pair, meeting.impulse)
    wait = jnp.maximum(state.agenda.wait - dt, 0)
    agenda = Agenda(wait, state.agenda.partner)
    agenda = update(agenda, pair, waits(spheres, x, v, pair), hit)
    both = (jnp.arange(v.shape[1]) == pair[0]) | (jnp.arange(v.shape[1]) == pair[1])
    log = state.log
    if log is not None:
        r, _ = separation(spheres, x, state.v, pair)
        row = (clock, pair, jnp.stack(r), state.v[:, pair].T)
        # A renewal's row is overwritten by the next collision's.
        entries = (log.ts, log.pairs, log.separations, log.velocities)
        log = Encounters(
            *(
                old.at[state.done].set(new)
                for old, new in zip(entries, row, strict=True)
            )
        )
    return _State(
        x,
        v,
        agenda,
        clock,
        state.done + hit,
        state.steps + 1,
        state.counts + (both & hit),
        state.virial + meeting.virial,
        jnp.where(hit, jnp.minimum(state.gap, meeting.nearness), state.gap),
        log,
    )


def _picture(state: _State, reached: Array) -> tuple[Array, ...]:
    seen = (
        jnp.where(reached, values, jnp.nan)
        for values in (state.clock, state.x.T, state.v.T)
    )
    return (*seen, state.done, state.virial)
