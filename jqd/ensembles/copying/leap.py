"""One leap: many copies at once, matched to a Runge-Kutta step of the mean motion.

Links that touch a class of few systems are not leaped: their copies are drawn one by
one, with thinning, while all else leaps around them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from ...laws.copy_fields import ratios, square
from .moves import at_once, in_turn
from .rates import Process, amplitudes, drift, haste, links, over, rates

# Densities of large classes move a little before an event of a small one: their part in
# the bound on its rate is a few steps' worth of change.
MARGIN = 1.25


class Systems(NamedTuple):
    """N systems in M classes.

    Attributes:
        counts: systems by label (row) and class, (L, M); whole numbers.
        unit: exp(-iφ_a), (M,).
    """

    counts: Float[Array, "L M"]
    unit: Complex[Array, " M"]


class Settings(NamedTuple):
    """How finely to step.

    Attributes:
        step: fraction of 1/`haste` that a step may take.
        exact_below: links of a class with fewer systems are drawn one by one.
    """

    step: Array
    exact_below: Array


def leap(
    process: Process, settings: Settings, systems: Systems, room: Array, key: Array
) -> tuple[Systems, Array]:
    """Move the systems on, by a step or up to the next single copy.

    m_.b ~ Multinomial(n_b, K_.b/ρ_b),  K_ab = ∫ flow_ab dt along a Runge-Kutta step,

    in two halves, so that the mean moves as the law does, to fourth order, and the
    scatter to second. With labels, links take turns: a system that has moved may move
    on within the step, and where labels go is of second order too. N is conserved, no
    class goes below 0 and an empty one stays so.

    Args:
        process: the process.
        settings: how finely.
        systems: where they are.
        room: time to the next moment that must be met, scalar.
        key: of this step.

    Returns:
        The systems, and the time that passed, at most `room`.
    """
    occupation = jnp.sum(systems.counts, axis=0)
    weights = process.weights(occupation)
    alive = weights > 0
    few = weights < settings.exact_below
    both = links(alive)
    single = both & (few[:, None] | few[None, :])
    leaped = both & ~single
    bound = MARGIN * copy_bound(process, occupation, weights, single)
    dt, due, uniform = next_move(
        process, settings, weights, bound, room, jax.random.fold_in(key, 0)
    )
    counts, psi = _two_halves(process, systems, leaped, dt, jax.random.fold_in(key, 1))
    alive = process.weights(jnp.sum(counts, axis=0)) > 0
    flow = process.copies * rates(process, psi, alive).flow
    event = single_copy(counts, flow, bound, uniform)
    counts = jnp.where(due, event, counts)
    return Systems(counts, normalised(psi, systems.unit)), dt


def _two_halves(
    process: Process, systems: Systems, leaped: Array, dt: Array, key: Array
) -> tuple[Array, Array]:
    """Counts and ψ after dt, of weak order 2.

    The noise of the first half acts on the second: K = 2K(drawn) - K(mean), and so for
    the phases. To act for all of a half at twice its strength is, to second order, what
    the noise of the whole step does from when it comes in.
    """
    half = dt / 2
    unit = systems.unit
    first, second = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    psi, alive = _ensemble(process, systems.counts, unit)
    mean, moved = _runge_kutta(process, psi, alive, leaped, half)
    counts = _drawn(process, systems.counts, moved, first)

    unit = normalised(mean, unit)
    drawn, living = _ensemble(process, counts, unit)
    ends, moves = jax.vmap(
        lambda psi, alive: _runge_kutta(process, psi, alive, leaped, half)
    )(jnp.stack([drawn, mean]), jnp.stack([living, alive]))
    moved = jnp.where(links(living), jnp.maximum(2 * moves[0] - moves[1], 0), 0)
    counts = _drawn(process, counts, moved, second)

    there, meant = normalised(ends[0], unit), normalised(ends[1], unit)
    psi, _ = _ensemble(process, counts, there**2 * jnp.conj(meant))
    return counts, psi


def _ensemble(process: Process, counts: Array, unit: Array) -> tuple[Array, Array]:
    """ψ_a = √(m_a/N) exp(-iφ_a), and which classes have anybody."""
    weights = process.weights(jnp.sum(counts, axis=0))
    return jnp.sqrt(weights / process.copies) * unit, weights > 0


def _drawn(process: Process, counts: Array, moved: Array, key: Array) -> Array:
    """Counts after so many, as shares of all, have moved on average."""
    numbers = process.copies * moved
    if counts.shape[0] == 1:
        return at_once(counts, numbers, key)
    # sin⁺(x) and sin⁺(-x) are not both above 0; harmonics of other phases may be
    both_ways = process.law.harmonics is not None
    return in_turn(counts, numbers, key, both_ways=both_ways)


def copy_bound(
    process: Process, occupation: Array, weights: Array, chosen: Bool[Array, "M M"]
) -> Float[Array, "M M"]:
    """Bound on the rates of the chosen links: n_b (m_a/m_b)^q max A_ab, copies/time."""
    level = jnp.log(jnp.where(weights > 0, weights, 1))
    A, _ = amplitudes(process)
    bound = ratios(level, process.law.q) * occupation[None, :] * A
    return jnp.where(chosen, bound, 0)


def next_move(
    process: Process,
    settings: Settings,
    weights: Array,
    bound: Float[Array, "M M"],
    room: Array,
    key: Array,
) -> tuple[Array, Array, Float[Array, "3"]]:
    """How far to go: to the next proposal of a single copy, by a step, or to the end.

    Args:
        process: the process.
        settings: how finely.
        weights: systems that can be copied, (M,).
        bound: rates of the proposals, copies per time, (M, M).
        room: time to the next moment that must be met, scalar.
        key: of this step.

    Returns:
        The time to pass, whether a proposal is due after it, and uniform numbers for
        `single_copy`.
    """
    uniform = jax.random.uniform(
        key, (4,), weights.dtype, jnp.finfo(weights.dtype).tiny
    )
    wait = over(-jnp.log(uniform[0]), jnp.sum(bound))
    longest = over(settings.step, haste(process, weights, weights > 0))
    longest = jnp.minimum(longest, room)
    return jnp.minimum(wait, longest), wait <= longest, uniform[1:]


def single_copy(counts: Array, flow: Array, bound: Array, uniform: Array) -> Array:
    """Propose one copy by `bound`, accept it with probability flow/bound, and do it.

    Args:
        counts: (L, M).
        flow: present rates, copies per time, (M, M).
        bound: what proposals were drawn with, (M, M).
        uniform: three numbers in (0, 1): the link, the acceptance, the label.

    Returns:
        The counts, (L, M).
    """
    size = bound.shape[0]
    link = _pick(jnp.ravel(bound), uniform[0])
    a, b = link // size, link % size
    label = _pick(counts[:, b], uniform[2])
    accepted = (uniform[1] * bound[a, b] < flow[a, b]) & (counts[label, b] > 0)
    one = accepted.astype(counts.dtype)
    return counts.at[label, b].add(-one).at[label, a].add(one)


def normalised(psi: Array, fallback: Array) -> Array:
    """ψ/|ψ|, and the former phase of an empty class."""
    size = square(psi)
    some = size > 0
    return jnp.where(some, psi / jnp.sqrt(jnp.where(some, size, 1)), fallback)


def _pick(weights: Array, uniform: Array) -> Array:
    """An index drawn by weight."""
    total = jnp.cumsum(weights)
    return jnp.minimum(
        jnp.sum((total <= uniform * total[-1]).astype(int)), weights.shape[0] - 1
    )


def _runge_kutta(
    process: Process, psi: Array, alive: Array, leaped: Array, dt: Array
) -> tuple[Array, Array]:
    """ψ after dt, and the shares that moved meanwhile, by Simpson's rule, (M, M)."""

    def slope(psi):
        return drift(process, psi, alive, leaped)

    k1 = slope(psi)
    k2 = slope(psi + dt / 2 * k1)
    k3 = slope(psi + dt / 2 * k2)
    k4 = slope(psi + dt * k3)
    middle = psi + dt / 24 * (5 * k1 + 4 * k2 + 4 * k3 - k4)
    end = psi + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    flow = jax.vmap(lambda at: rates(process, at, alive).flow)(
        jnp.stack([psi, middle, end])
    )
    moved = dt / 6 * (flow[0] + 4 * flow[1] + flow[2])
    return end, jnp.where(leaped, moved, 0)
