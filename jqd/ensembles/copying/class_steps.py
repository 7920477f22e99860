"""One step of systems by class: a leap of many copies, or a single one by thinning.

A leap is matched to a Runge-Kutta step of the mean motion. Links that touch a class of
few systems are not leaped: their copies are drawn one by one, by thinning, while all
other links leap. Either step takes

    process: the process.
    t: the time.
    systems: the systems by class.
    room: time to the next moment that must be met, scalar.
    key: of this step.
    fineness: fraction of 1/`haste` that a step may take: a turn, in radians.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ..._math import abs2, divisor, safe_log
from ...laws.copying import ratios
from .ceilings import within
from .loop import Step
from .moves import at_once, in_turn
from .rates import Process, angular, drift, links, rates
from .thinning import copy_bound, next_proposal, picked, picked_link, uniforms

# Densities of large classes move a little before an event of a small one: the bound on
# its rate allows for the change of a few steps.
MARGIN = 1.25


class Systems(NamedTuple):
    """N systems in M classes.

    Attributes:
        counts: systems by label (row) and class, (L, M); whole numbers.
        unit: exp(-iφ_a), (M,).
    """

    counts: Float[Array, "L M"]
    unit: Complex[Array, " M"]


def leap_classes(
    process: Process,
    t: Array,
    systems: Systems,
    room: Array,
    key: Array,
    fineness: Array,
    exact_below: Array,
) -> Step:
    """Advance the systems by a step, or up to the next single copy.

    m_.b ~ Multinomial(n_b, K_.b/ρ_b),  K_ab = ∫ flow_ab dt along a Runge-Kutta step,

    in two halves, so that the mean follows the law to fourth order, and the scatter to
    second. With labels, links take turns: a system that has moved may move on within
    the step, and the motion of labels is of second order too. N is conserved, no class
    becomes negative, and an empty class stays empty. Links of a class with fewer
    systems than `exact_below` are drawn one by one.
    """
    occupation = jnp.sum(systems.counts, axis=0)
    weights = process.weights(occupation)
    few = weights < exact_below
    both = links(weights > 0)
    single = both & (few[:, None] | few[None, :])
    ceiling = process.ceiling(t)
    bound = MARGIN * copy_bound(process, ceiling, occupation, weights, single)
    uniform = uniforms(jax.random.fold_in(key, 0), 4, weights)
    dt, due = next_proposal(
        process, ceiling, fineness, weights, bound, room, uniform[0]
    )
    counts, events, psi = _two_halves(
        process, t, systems, both & ~single, dt, jax.random.fold_in(key, 1)
    )
    alive = process.weights(jnp.sum(counts, axis=0)) > 0
    now = process.at(within(t, dt, 1))
    flow = process.copies * rates(now, psi, alive).flow
    counts, made = _single_copy(counts, flow, bound, due, uniform[1:])
    return Step(Systems(counts, normalised(psi, systems.unit)), dt, due, events + made)


def thin_classes(
    process: Process,
    t: Array,
    systems: Systems,
    room: Array,
    key: Array,
    fineness: Array,
) -> Step:
    """Advance the systems to the next proposed copy, and accept or reject it.

    Between copies occupations are constant and phases turn; the bound on all rates is
    constant. Proposals come at the rate of that bound and are accepted with probability
    rate over bound. The process is thus exact but for the turning of the phases, by
    Runge-Kutta steps of at most `fineness` radians.
    """
    occupation = jnp.sum(systems.counts, axis=0)
    weights = process.weights(occupation)
    both = links(weights > 0)
    ceiling = process.ceiling(t)
    bound = copy_bound(process, ceiling, occupation, weights, both)
    uniform = uniforms(key, 4, weights)
    dt, due = next_proposal(
        process, ceiling, fineness, weights, bound, room, uniform[0]
    )
    level = safe_log(weights)
    pull = jnp.where(both, ratios(level, process.law.r), 0)
    unit = _turned(process, t, pull, systems.unit, dt)
    A, _ = angular(process.at(within(t, dt, 1)), unit)
    flow = ratios(level, process.law.q) * occupation[None, :] * jnp.where(both, A, 0)
    counts, made = _single_copy(systems.counts, flow, bound, due, uniform[1:])
    return Step(Systems(counts, unit), dt, due, made)


def _two_halves(
    process: Process, t: Array, systems: Systems, leaped: Array, dt: Array, key: Array
) -> tuple[Array, Array, Array]:
    """Counts, the copies made, and ψ after dt, of weak order 2.

    The noise of the first half acts on the second: K = 2K(drawn) - K(mean), and so for
    the phases. To act for all of a half at twice its strength is, to second order, what
    the noise of the whole step does from when it comes in.
    """
    half = dt / 2
    unit = systems.unit
    first, second = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    psi, alive = _ensemble(process, systems.counts, unit)
    mean, moved = _runge_kutta(process, t, psi, alive, leaped, half)
    counts, before = _drawn(process, systems.counts, moved, first)

    unit = normalised(mean, unit)
    drawn, living = _ensemble(process, counts, unit)
    ends, moves = jax.vmap(
        lambda psi, alive: _runge_kutta(process, t + half, psi, alive, leaped, half)
    )(jnp.stack([drawn, mean]), jnp.stack([living, alive]))
    moved = jnp.where(links(living), jnp.maximum(2 * moves[0] - moves[1], 0), 0)
    counts, events = _drawn(process, counts, moved, second)

    there, meant = normalised(ends[0], unit), normalised(ends[1], unit)
    psi, _ = _ensemble(process, counts, there**2 * jnp.conj(meant))
    return counts, before + events, psi


def _ensemble(process: Process, counts: Array, unit: Array) -> tuple[Array, Array]:
    """ψ_a = √(m_a/N) exp(-iφ_a), and which classes have anybody."""
    weights = process.weights(jnp.sum(counts, axis=0))
    return jnp.sqrt(weights / process.copies) * unit, weights > 0


def _drawn(
    process: Process, counts: Array, moved: Array, key: Array
) -> tuple[Array, Array]:
    """Counts after so many, as shares of all, have moved on average; and the moves."""
    numbers = process.copies * moved
    if counts.shape[0] == 1:
        return at_once(counts, numbers, key)
    # sin⁺(x) and sin⁺(-x) are not both above 0; harmonics of other phases may be
    both_ways = process.law.harmonics is not None
    return in_turn(counts, numbers, key, both_ways=both_ways)


def _single_copy(
    counts: Array, flow: Array, bound: Array, due: Array, uniform: Array
) -> tuple[Array, Array]:
    """Counts after one copy proposed by `bound`, made with probability flow/bound.

    The three numbers decide on the link, the acceptance, and the label.
    """
    a, b = picked_link(bound, uniform[0])
    label = picked(counts[:, b], uniform[2])
    accepted = (uniform[1] * bound[a, b] < flow[a, b]) & (counts[label, b] > 0)
    one = (accepted & due).astype(counts.dtype)
    return counts.at[label, b].add(-one).at[label, a].add(one), one


def normalised(psi: Array, fallback: Array) -> Array:
    """ψ/|ψ|; for an empty class its former phase."""
    size = abs2(psi)
    return jnp.where(size > 0, psi / jnp.sqrt(divisor(size)), fallback)


def _runge_kutta(
    process: Process, t: Array, psi: Array, alive: Array, leaped: Array, dt: Array
) -> tuple[Array, Array]:
    """ψ after dt, and the shares that moved meanwhile, by Simpson's rule, (M, M)."""

    def slope(part, psi):
        return drift(process.at(within(t, dt, part)), psi, alive, leaped)

    k1 = slope(0, psi)
    k2 = slope(0.5, psi + dt / 2 * k1)
    k3 = slope(0.5, psi + dt / 2 * k2)
    k4 = slope(1, psi + dt * k3)
    middle = psi + dt / 24 * (5 * k1 + 4 * k2 + 4 * k3 - k4)
    end = psi + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    times = jnp.stack([within(t, dt, part) for part in (0, 0.5, 1)])
    flow = jax.vmap(lambda time, psi: rates(process.at(time), psi, alive).flow)(
        times, jnp.stack([psi, middle, end])
    )
    moved = dt / 6 * (flow[0] + 4 * flow[1] + flow[2])
    return end, jnp.where(leaped, moved, 0)


def _turned(process: Process, t: Array, pull: Array, unit: Array, dt: Array) -> Array:
    """exp(-iφ) after dt at constant occupations: dφ_a/dt = ω_a + Σ_b pull_ab C_ab."""

    def slope(part, unit):
        now = process.at(within(t, dt, part))
        _, C = angular(now, unit)
        turn = now.law.omega + jnp.sum(pull * C, axis=-1)
        return unit * jax.lax.complex(jnp.zeros_like(turn), -turn)

    k1 = slope(0, unit)
    k2 = slope(0.5, unit + dt / 2 * k1)
    k3 = slope(0.5, unit + dt / 2 * k2)
    k4 = slope(1, unit + dt * k3)
    return normalised(unit + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4), unit)
