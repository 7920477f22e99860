"""Rates of individuals: how phases turn, and copies are made; sums over a crowd."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from ...._math import abs2, divisor, expi, of_pairs, real_pairs
from ....laws import CopyDynamics
from ....laws.copying import coupling, ratios, unit_power
from ..ceilings import constant_ceiling
from ..rates import Process, amplitudes, haste, links, over

# Largest probability that an individual copies the one that it picks. It keeps
# probabilities below 1 also in the middle of a step, where occupations have moved.
CHANCE = 0.5
# Place and weight of the four stages.
RUNGE_KUTTA = ((0, 1 / 6), (1 / 2, 1 / 3), (1 / 2, 1 / 3), (1, 1 / 6))


class Crowd(NamedTuple):
    """N individuals.

    Attributes:
        beable: a_I, (N,).
        unit: exp(iφ_I), (N,).
        ancestor: number of the initial individual from which I descends, by copies of
            copies, (N,).
        occupation: n_a, (M,).
        late: time by which the phases lag behind, scalar.
    """

    beable: Int[Array, " N"]
    unit: Complex[Array, " N"]
    ancestor: Int[Array, " N"]
    occupation: Float[Array, " M"]
    late: Float[Array, ""]


def turn(process: Process, crowd: Crowd, dt: Float[Array, ""]) -> Complex[Array, " N"]:
    """exp(iφ_I) after dt without copies, by a Runge-Kutta step.

    dφ_I/dt = ω_a + Σ_n Re[exp(inφ_I) Σ_b (n_a/n_b)^r R^n_ab exp(iδ^n_ab) Z*_b^n / n_b]

    Z_b^n = Σ_{J in b} exp(inφ_J) are order parameters, so that N individuals cost N M
    operations instead of N²; I's own class does not contribute.

    Source: Smolin (2012), eq. (40) corrected; (26)-(28) for r and n.
    """
    law, occupation = process.law, crowd.occupation
    pull = _per_member(occupation, law.r, by_rows=False)[None] * _cosines(law)
    # a common frequency, however high, turns all alike
    middle = (jnp.max(law.omega) + jnp.min(law.omega)) / 2
    omega = (law.omega - middle)[crowd.beable]

    def slope(unit):
        rate = omega
        for k, order in enumerate(_orders(law)):
            power = unit_power(unit, order)
            Z = class_sums(power, crowd.beable, occupation.shape[0])
            field = jnp.sum(pull[k] * jnp.conj(Z)[None, :], axis=-1)
            rate = rate + jnp.real(power * field[crowd.beable])
        return unit * jax.lax.complex(jnp.zeros_like(rate), rate)

    def stage(carry, of):
        # a loop, to compile the slope once
        slopes, total = carry
        slopes = slope(crowd.unit + of[0] * dt * slopes)
        return (slopes, total + of[1] * slopes), None

    stages = jnp.asarray(RUNGE_KUTTA, dt.dtype)
    nothing = jnp.zeros_like(crowd.unit)
    (_, total), _ = jax.lax.scan(stage, (nothing, nothing), stages)
    unit = crowd.unit + dt * total
    return unit * (expi(middle * dt) * jax.lax.rsqrt(abs2(unit)))


def rate_table(process: Process, weights: Array) -> Complex[Array, "K MM"]:
    """(1/n_a) (n_a/n_b)^q R_sin^n exp(iδ^n_ab): orders, and links M a + b."""
    each = _per_member(weights, process.law.q, by_rows=True)
    table = jnp.reshape(each[None] * _sines(process.law), (-1, each.size))
    return -table if process.printed else table


def pair_rates(process: Process, table: Array, mine: Any, theirs: Any) -> Array:
    """The rate at which an individual of state `mine` (beable, unit) copies `theirs`.

    (1/n_J) (n_J/n_I)^q Σ_n R_sin^n sin⁺(n(φ_J - φ_I) + δ^n),  δ of a_J and a_I

    Source: Smolin (2012), eqs. (18), (39), the sign of the latter corrected.
    """
    link = theirs[0] * process.law.omega.shape[0] + mine[0]
    apart = theirs[1] * jnp.conj(mine[1])
    rates = [
        jnp.maximum(jnp.imag(unit_power(apart, order) * table[k][link]), 0)
        for k, order in enumerate(_orders(process.law))
    ]
    return functools.reduce(jnp.add, rates)


def _orders(law: CopyDynamics) -> tuple[int, ...]:
    """Orders n of the Fourier terms of the law."""
    return (1,) if law.harmonics is None else (1, *law.harmonics.n)


def _sines(law: CopyDynamics) -> Complex[Array, "K M M"]:
    """R_sin^n exp(iδ^n) of all orders, n = 1 first."""
    first = 2 * coupling(law.R, law.delta)[None]
    if law.harmonics is None:
        return first
    terms = law.harmonics
    return jnp.concatenate([first, terms.R_sin * expi(terms.delta_sin)])


def _cosines(law: CopyDynamics) -> Complex[Array, "K M M"]:
    """R_cos^n exp(iδ^n) of all orders, n = 1 first."""
    first = coupling(law.R, law.delta)[None]
    if law.harmonics is None:
        return first
    terms = law.harmonics
    return jnp.concatenate([first, terms.R_cos * expi(terms.delta_cos)])


def _per_member(occupation: Array, power: Array, *, by_rows: bool) -> Array:
    """(n_a/n_b)^power / n_a (by rows) or / n_b: 0 within classes and for empty ones."""
    alive = occupation > 0
    safe = divisor(occupation)
    ratio = ratios(jnp.log(safe), power)
    each = ratio / (safe[:, None] if by_rows else safe[None, :])
    return jnp.where(links(alive), each, 0)


def pair_bound(process: Process, occupation: Array) -> Float[Array, "M M"]:
    """[a, b]: bound on the rate at which an individual of b copies one of a."""
    bound, _ = amplitudes(process.law, process.law.R)
    return _per_member(occupation, process.law.q, by_rows=True) * bound


def longest_leap(
    process: Process, occupation: Array, fineness: Array
) -> Float[Array, ""]:
    """A step that moves phases and classes little, with small probabilities to copy."""
    fastest = process.copies * jnp.max(pair_bound(process, occupation))
    ceiling = constant_ceiling(process.law)
    turning = over(fineness, haste(process, ceiling, occupation, occupation > 0))
    return jnp.minimum(turning, over(CHANCE, fastest))


# With more classes a scatter is cheaper than a pass over all individuals for each.
FEW_CLASSES = 32


def class_sums(
    values: Array, beable: Int[Array, " N"], classes: int
) -> Float[Array, " M"]:
    """Σ_{I in a} x_I over the members of each class, in the dtype of x."""
    if classes > FEW_CLASSES:
        parts = jax.ops.segment_sum(real_pairs(values), beable, classes)
        return of_pairs(parts, values)
    labels = jnp.arange(classes, dtype=beable.dtype)
    return jnp.sum(
        jnp.where(beable[None, :] == labels[:, None], values[None, :], 0), axis=-1
    )


def class_counts(beable: Int[Array, " N"], like: Float[Array, " M"]) -> Array:
    """n_a, (M,), in the dtype of `like`, which has one entry for each class."""
    ones = jnp.ones_like(beable)
    return class_sums(ones, beable, like.shape[0]).astype(like.dtype)


def order_parameters(
    unit: Complex[Array, " N"], beable: Int[Array, " N"], occupation: Float[Array, " M"]
) -> Complex[Array, " M"]:
    """Z_a/n_a = (1/n_a) Σ_{I in a} exp(iφ_I); 0 for an empty class.

    Its modulus is 1 where all phases of a class agree; its angle is their circular
    mean.
    """
    total = class_sums(unit, beable, occupation.shape[0])
    return total / jnp.maximum(occupation, 1)


def phase_variance(
    unit: Complex[Array, " N"], beable: Int[Array, " N"], occupation: Float[Array, " M"]
) -> Float[Array, " M"]:
    """Mean square of φ_I about the circular mean of its class, rad²; 0 if empty."""
    mean = order_parameters(unit, beable, occupation)
    apart = jnp.angle(unit * jnp.conj(mean)[beable])
    squares = class_sums(apart**2, beable, occupation.shape[0])
    return squares / jnp.maximum(occupation, 1)


def moved_counts(
    beable: Int[Array, " N"], start: Int[Array, " N"], like: Float[Array, " M"]
) -> Float[Array, "M M"]:
    """[a, b]: number of those in class a that began in class b, in `like`'s dtype."""
    size = like.shape[0]
    pairs = class_sums(jnp.ones_like(beable), beable * size + start, size * size)
    return jnp.reshape(pairs, (size, size)).astype(like.dtype)


def distinct(ancestor: Int[Array, " N"]) -> Int[Array, ""]:
    """The number of initial individuals with descendants: N at first, 1 in the end."""
    return jnp.sum(jnp.zeros_like(ancestor).at[ancestor].set(1))
