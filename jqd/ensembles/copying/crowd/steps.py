"""One step of N individuals, each with its own beable and phase.

Either step takes

    process: the process.
    copy_phase: whether the phase is copied with the beable.
    crowd: the individuals.
    room: time to the next moment that must be met, scalar.
    key: of this step.
    fineness: largest turn of the phase of a class in one step, radians.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ..ceilings import constant_ceiling
from ..loop import Step
from ..rates import Process
from ..thinning import next_proposal, picked_link, uniforms
from .rates import (
    Crowd,
    class_counts,
    longest_leap,
    pair_bound,
    pair_rates,
    rate_table,
    turn,
)


def leap_individuals(
    process: Process,
    copy_phase: bool,
    crowd: Crowd,
    room: Array,
    key: Array,
    fineness: Array,
) -> Step:
    """All individuals copy at once, between two half steps of their phases.

    I picks one J drawn from all N and copies it with the probability
    p = N dt rate(I copies J), of which a half step is decided first. The crowd in the
    middle of the step is copied from and sets the rates. Then I makes two moves or
    none, with probability 1/2 each: its transition matrix is
    (1 + (1 + dt T)²)/2 = 1 + dt T + dt² T²/2, of second order. The second half step
    of the phases is left to the next call, or to `settle`.
    """
    dt = _equal_parts(room, longest_leap(process, crowd.occupation, fineness))
    crowd = crowd._replace(unit=turn(process, crowd, crowd.late + dt / 2))
    source, events = _sources(process, copy_phase, crowd, dt, key)
    beable = crowd.beable[source]
    crowd = Crowd(
        beable,
        crowd.unit[source] if copy_phase else crowd.unit,
        crowd.ancestor[source],
        class_counts(beable, crowd.occupation),
        dt / 2,
    )
    return Step(crowd, dt, jnp.zeros((), int), events)


def _sources(
    process: Process, copy_phase: bool, crowd: Crowd, dt: Array, key: Array
) -> tuple[Array, Array]:
    """The individual of which each is a copy after a step; and the copies made."""
    beable, unit, _, occupation, _ = crowd
    number = beable.shape[0]
    uniform = jax.random.uniform(key, (4, number), unit.real.dtype)
    first, second = _one_of(uniform[:2], number).astype(beable.dtype)

    def states(source):
        return beable[source], (unit[source] if copy_phase else unit)

    def chance(table, mine, them, who):
        theirs = (them[0][who], them[1][who])
        return number * dt * pair_rates(process, table, mine, theirs)

    now, itself = (beable, unit), jnp.arange(number, dtype=beable.dtype)
    half = chance(rate_table(process, occupation), now, now, first) / 2
    middle = jnp.where(uniform[2] < half, first, itself)
    them = states(middle)
    weights = class_counts(them[0], occupation)
    # a class whose last member may leave within the step still counts one
    weights = jnp.where(occupation > 0, jnp.maximum(weights, 1), 0)
    table = rate_table(process, weights)

    moves = uniform[2] < chance(table, now, them, first) / 2
    source = jnp.where(moves, middle[first], itself)
    again = uniform[3] < chance(table, states(source), them, second)
    again = (uniform[2] < 0.5) & again
    return jnp.where(again, middle[second], source), jnp.sum(moves) + jnp.sum(again)


def thin_individuals(
    process: Process,
    copy_phase: bool,
    crowd: Crowd,
    room: Array,
    key: Array,
    fineness: Array,
) -> Step:
    """Go to the next proposed copy, and accept or reject it: thinning.

    Individuals of class b propose to copy class a at the rate (n_a/n_b)^q max A_ab and
    pick a J drawn from it; the copy is made with probability A_ab over its maximum.
    Phases turn by at most `fineness` in one Runge-Kutta step.
    """
    occupation, size = crowd.occupation, crowd.occupation.shape[0]
    each = pair_bound(process, occupation)
    bound = each * occupation[:, None] * occupation[None, :]
    uniform = uniforms(key, 5, occupation)
    ceiling = constant_ceiling(process.law)
    dt, due = next_proposal(
        process, ceiling, fineness, occupation, bound, room, uniform[0]
    )
    crowd = crowd._replace(unit=turn(process, crowd, dt))

    to, of = (end.astype(crowd.beable.dtype) for end in picked_link(bound, uniform[1]))
    wanted = crowd.beable[None, :] == jnp.stack([of, to])[:, None]
    copier, copied = _members(wanted, uniform[2:4])
    mine, theirs = ((crowd.beable[who], crowd.unit[who]) for who in (copier, copied))
    rate = pair_rates(process, rate_table(process, occupation), mine, theirs)
    made = due & (uniform[4] * each[to, of] < rate)
    source = jnp.where(made, copied, copier)
    shift = (jnp.arange(size) == to).astype(occupation.dtype)
    shift = shift - (jnp.arange(size) == of).astype(occupation.dtype)
    unit = crowd.unit
    if copy_phase:
        # chosen among all, not written to its place: see `real_pairs`
        this = jnp.arange(unit.shape[0]) == copier
        unit = jnp.where(this, unit[source], unit)
    crowd = Crowd(
        crowd.beable.at[copier].set(crowd.beable[source]),
        unit,
        crowd.ancestor.at[copier].set(crowd.ancestor[source]),
        occupation + jnp.where(made, shift, 0),
        crowd.late,
    )
    return Step(crowd, dt, due, made)


def _equal_parts(room: Array, longest: Array) -> Array:
    """The first of the fewest equal parts of `room` none of which exceeds `longest`."""
    return room / jnp.maximum(jnp.ceil(room / longest), 1)


def _one_of(uniform: Array, number: Array | int) -> Array:
    """Whole numbers from 0 to `number` - 1."""
    drawn = jnp.floor(uniform * number).astype(jnp.int32)
    return jnp.minimum(drawn, jnp.asarray(number, drawn.dtype) - 1)


def _members(marked: Array, uniform: Array) -> Array:
    """For each row the number of one of those that are marked, each as likely."""
    rank = jnp.cumsum(marked.astype(jnp.int32), axis=-1)
    wanted = jax.vmap(_one_of)(uniform, rank[:, -1])
    return jnp.argmax(rank > wanted[:, None], axis=-1)
