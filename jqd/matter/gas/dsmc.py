"""Direct simulation of Boltzmann's equation: collisions of random partners."""

import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._checks import single_key, whole_number
from ..._gate import gated
from ..._math import divisor
from ..._program import saved_scan
from ...constants import constant
from ...status import Status
from .arguments import check_moving, check_velocities
from .relaxation import fourth_cumulant


class Relaxation(eqx.Module):
    """A homogeneous gas over collisions; row 0 is the initial state.

    Attributes:
        per_particle: (S + 1,) mean number of collisions per particle so far.
        fourth_cumulant: (S + 1,) a₂.
        velocities: (S + 1, N, d).
        lost: (S + 1,) share of the collisions so far that were left out, because pairs
            were so fast that they should have collided more than once in a round.
        status: (S + 1,) codes of `jqd.Status`: INACCURATE from where a collision was
            lost; shorten `step`.
    """

    per_particle: Float[Array, " S"]
    fourth_cumulant: Float[Array, " S"]
    velocities: Float[Array, "S N d"]
    lost: Float[Array, " S"]
    status: Int[Array, " S"]


@gated
def dsmc(
    velocities: ArrayLike,
    key: Array,
    counts: ArrayLike,
    *,
    step: float = 0.04,
) -> Relaxation:
    """Velocities of a dilute, homogeneous gas of hard discs (d = 2) or spheres (3).

    ∂f/∂t = Boltzmann's collision integral. In each round every particle gets a partner
    (disjoint pairs, each equally likely) and collides with it with a probability
    proportional to |v_i - v_j|, `step` on average. Impact parameters are uniform over
    the cross-section. Each pair conserves energy and momentum. A round is a time step
    of a first-order scheme, whose error in a decay exp(-λc) is λ²c·step/2.

    Args:
        velocities: initial velocities, (N, d).
        key: `jax.random` key.
        counts: (S,) collisions per particle at which to save, increasing, above 0; they
            are reached on average, with counting noise.
        step: largest mean number of collisions per particle and round; below 0.2.

    Returns:
        A `Relaxation`.

    Raises:
        ValueError: velocities not (N, 2) or (N, 3), or all zero, or arguments out of
            range.

    Source: Nanbu, J. Phys. Soc. Jpn. 49, 2042 (1980); Babovsky, Eur. J. Mech. B 8, 41
        (1989).
    """
    v = constant(velocities, "velocities")
    _checks.check_shape(v, "velocities", (None, None))
    check_velocities(v)
    check_moving(v)
    number, d = v.shape
    if d == 1:
        raise ValueError(
            "Argument `velocities` must have two axes of space or three, but has one, "
            "along which equal particles only swap places."
        )
    whole_number(number, "velocities.shape[0]", 2)
    _checks.check_times(counts, "counts")
    _checks.check_positive(counts, "counts")
    if not 0 < step < 0.2:
        raise ValueError(
            f"Argument `step` must lie between 0 and 0.2, but it is {step}."
        )
    # Rounds of equal length over the longest interval: one loop serves all.
    gaps = jnp.diff(jnp.asarray(counts, v.dtype), prepend=0.0)
    rounds = math.ceil(float(_checks.concrete(gaps).max()) / step)
    return _run(v, single_key(key), gaps / rounds, rounds)


@functools.partial(jax.jit, static_argnums=3)
def _run(v: Array, key: Array, steps: Array, rounds: int) -> Relaxation:
    def interval(carry: Any, step: Array) -> tuple[Any, Any]:
        def one(carry: Any, _: None) -> tuple[Any, None]:
            v, key, done, lost = carry
            key, now = jax.random.split(key)
            v, met, more = _round(v, now, step)
            return (v, key, done + met, lost + more), None

        carry, _ = lax.scan(one, carry, None, length=rounds)
        v, _, done, lost = carry
        share = lost / divisor(done + lost)
        # less than half a collision, on average, is none
        status = jnp.where(lost < 0.5, Status.OK, Status.INACCURATE)
        seen = 2 * done / v.shape[0], fourth_cumulant(v), v, share
        return carry, (*seen, status.astype(jnp.int32))

    none, zero = jnp.zeros((), v.dtype), jnp.zeros((), jnp.int32)
    first = none, fourth_cumulant(v), v, none, zero
    return Relaxation(*saved_scan(interval, (v, key, zero, none), steps, first)[1])


def _round(v: Array, key: Array, step: Array) -> tuple[Array, Array, Array]:
    """One round of disjoint pairs: new velocities, how many pairs collided, and how
    many more collisions chances above 1 stand for."""
    number = v.shape[0]
    draw, hit, turn = jax.random.split(key, 3)
    # i and s - i (modulo N) are partners of each other, for one s drawn for all: every
    # pair is equally likely, and nothing has to be sorted.
    shift = jax.random.randint(draw, (), 0, number)
    labels = jnp.arange(number)
    partner = (shift - labels) % number
    leads = labels < partner
    g = v[partner] - v
    speed = jnp.linalg.norm(g, axis=1)
    mean = jnp.sum(jnp.where(leads, speed, 0)) / jnp.maximum(jnp.sum(leads), 1)
    chance = step * speed / divisor(mean)
    meets = leads & (jax.random.uniform(hit, (number,), v.dtype) < chance)
    kick = jnp.where(meets[:, None], (g - _scattered(g, speed, turn)) / 2, 0)
    # The leader's kick, taken from its partner; no sphere is in two pairs.
    more = jnp.sum(jnp.where(leads, jnp.maximum(chance - 1, 0), 0))
    return v + kick - kick[partner], jnp.sum(meets, dtype=jnp.int32), more


def _scattered(g: Array, speed: Array, key: Array) -> Array:
    """Relative velocities after a collision at a random impact parameter."""
    number, d = g.shape
    if d == 2:
        # b uniform in (-1, 1), turned by π - 2 arcsin b
        b = jax.random.uniform(key, (number,), g.dtype, -1.0, 1.0)
        cos, sin = 2 * b**2 - 1, 2 * b * jnp.sqrt(1 - b**2)
        return jnp.stack(
            [cos * g[:, 0] - sin * g[:, 1], sin * g[:, 0] + cos * g[:, 1]], 1
        )
    # Spheres scatter into all directions alike.
    to = jax.random.normal(key, g.shape, g.dtype)
    return speed[:, None] * to / jnp.linalg.norm(to, axis=1, keepdims=True)
