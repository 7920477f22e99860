"""One step of N individuals, each with a beable and a phase of its own."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .individual_rates import (
    Crowd,
    IndividualRule,
    copy_bound,
    longest_leap,
    longest_turn,
    pair_rates,
    rate_table,
    turn,
)
from .order_parameters import class_counts
from .rates import over


def leap(
    rule: IndividualRule, crowd: Crowd, room: Float[Array, ""], key: Array
) -> tuple[Crowd, Float[Array, ""]]:
    """All individuals copy at once, between two half steps of their phases.

    I looks at one J drawn from all N and copies it with the chance
    p = N dt rate(I copies J), of which a half step is decided first. The crowd in the
    middle of the step is the one that is copied from and that sets the rates. Then
    I makes, by the toss of a coin, two moves or none: its transition matrix is
    (1 + (1 + dt T)²)/2 = 1 + dt T + dt² T²/2, of second order. The second half step
    of the phases is left to the next call, or to `settle`.

    Args:
        rule: the process.
        crowd: where all are.
        room: time to the next moment that must be met, scalar.
        key: of this step.

    Returns:
        The crowd, and the time that passed, at most `room`.
    """
    dt = _equal_parts(room, longest_leap(rule, crowd.occupation))
    crowd = crowd._replace(unit=turn(rule, crowd, crowd.late + dt / 2))
    source = _sources(rule, crowd, dt, key)
    beable = crowd.beable[source]
    crowd = Crowd(
        beable,
        crowd.unit[source] if rule.copy_phase else crowd.unit,
        crowd.ancestor[source],
        class_counts(beable, crowd.occupation),
        dt / 2,
    )
    return crowd, dt


def settle(rule: IndividualRule, crowd: Crowd) -> Crowd:
    """The crowd with its phases turned up to the present."""
    return crowd._replace(
        unit=turn(rule, crowd, crowd.late), late=jnp.zeros_like(crowd.late)
    )


def _sources(rule: IndividualRule, crowd: Crowd, dt: Array, key: Array) -> Array:
    """Whom each individual is a copy of after a step, by number."""
    beable, unit, _, occupation, _ = crowd
    number = beable.shape[0]
    uniform = jax.random.uniform(key, (4, number), unit.real.dtype)
    first, second = _one_of(uniform[:2], number).astype(beable.dtype)

    def states(source):
        return beable[source], (unit[source] if rule.copy_phase else unit)

    def chance(table, mine, them, who):
        theirs = (them[0][who], them[1][who])
        return number * dt * pair_rates(rule, table, mine, theirs)

    now, itself = (beable, unit), jnp.arange(number, dtype=beable.dtype)
    half = chance(rate_table(rule, occupation), now, now, first) / 2
    middle = jnp.where(uniform[2] < half, first, itself)
    them = states(middle)
    weights = class_counts(them[0], occupation)
    # a class that may be left by its last member within the step still has one
    weights = jnp.where(occupation > 0, jnp.maximum(weights, 1), 0)
    table = rate_table(rule, weights)

    moves = uniform[2] < chance(table, now, them, first) / 2
    source = jnp.where(moves, middle[first], itself)
    moves = uniform[3] < chance(table, states(source), them, second)
    return jnp.where((uniform[2] < 0.5) & moves, middle[second], source)


def event(
    rule: IndividualRule, crowd: Crowd, room: Float[Array, ""], key: Array
) -> tuple[Crowd, Float[Array, ""]]:
    """Go to the next proposed copy, and decide on it: thinning.

    Individuals of class b propose to copy class a at the rate (n_a/n_b)^q max A_ab and
    look at a J drawn from it; the copy is made with probability A_ab over its maximum.
    Phases turn by at most `rule.step` in one Runge-Kutta step.

    Args:
        rule: the process.
        crowd: where all are.
        room: time to the next moment that must be met, scalar.
        key: of this proposal.

    Returns:
        The crowd, and the time that passed, at most `room`.
    """
    occupation, size = crowd.occupation, crowd.occupation.shape[0]
    each = copy_bound(rule, occupation)
    total = jnp.cumsum(jnp.ravel(each * occupation[:, None] * occupation[None, :]))
    uniform = jax.random.uniform(
        key, (5,), occupation.dtype, jnp.finfo(occupation.dtype).tiny
    )
    wait = over(-jnp.log(uniform[0]), total[-1])
    longest = jnp.minimum(longest_turn(rule, occupation), room)
    dt = jnp.minimum(wait, longest)
    crowd = crowd._replace(unit=turn(rule, crowd, dt))

    pair = jnp.sum(total <= uniform[1] * total[-1])
    pair = jnp.minimum(pair, size * size - 1).astype(crowd.beable.dtype)
    to, of = pair // size, pair % size
    wanted = crowd.beable[None, :] == jnp.stack([of, to])[:, None]
    copier, copied = _members(wanted, uniform[2:4])
    mine, theirs = ((crowd.beable[who], crowd.unit[who]) for who in (copier, copied))
    rate = pair_rates(rule, rate_table(rule, occupation), mine, theirs)
    made = (wait <= longest) & (uniform[4] * each[to, of] < rate)
    source = jnp.where(made, copied, copier)
    shift = (jnp.arange(size) == to).astype(occupation.dtype)
    shift = shift - (jnp.arange(size) == of).astype(occupation.dtype)
    unit = crowd.unit
    if rule.copy_phase:
        unit = unit.at[copier].set(unit[source])
    crowd = Crowd(
        crowd.beable.at[copier].set(crowd.beable[source]),
        unit,
        crowd.ancestor.at[copier].set(crowd.ancestor[source]),
        occupation + jnp.where(made, shift, 0),
        crowd.late,
    )
    return crowd, dt


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
