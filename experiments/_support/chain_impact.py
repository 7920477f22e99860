"""Two halves of a chain that meet: the collision of fig. 1 in one dimension, exactly.

The bonds of a chain with free ends are independent in equilibrium, so that the final
temperature is a single integral.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jqd.constants import constant
from jqd.matter.solid import PairPotential, Point, Solid
from jqd.statistics._roots import falling_root

# Points of the integral over a bond, and how far it reaches in thermal lengths √(T/K):
# exp(-50) is below rounding.
_POINTS, _REACH = 2001, 10.0
# Standard deviation of the noise in each velocity, in units of v.
_NOISE = 1e-3


def two_halves(body: Solid, speed: ArrayLike, *, key: Array) -> Point:
    """A chain at rest whose halves approach each other with ±v/2 from t = 0 on.

    Args:
        body: a chain, with rest positions.
        speed: relative speed v.
        key: random key of the noise, without which the chain were its own mirror image
            for ever, and modes of even number never moved.

    Returns:
        Positions at rest and velocities without a common drift, (N, 1) each.
    """
    speed, size = constant(speed, "speed"), body.size
    left = jnp.arange(size)[:, None] < size / 2
    v = jnp.where(left, speed / 2, -speed / 2)
    v = v + _NOISE * speed * jax.random.normal(key, v.shape, v.dtype)
    masses = body.masses[:, None]
    drift = jnp.sum(masses * v, axis=0, keepdims=True) / jnp.sum(masses)
    return Point(body.sites, v - drift)


def mean_bond_energy(
    potential: PairPotential, temperature: ArrayLike
) -> Float[Array, ""]:
    """<V>_T = ∫ V e^(-V/T) dr / ∫ e^(-V/T) dr of one bond at no pressure.

    Args:
        potential: pair energy with scalar constants that confines the bond, its least
            energy 0 with a positive stiffness at `rest` (harmonic, FPUT).
        temperature: T, positive.

    Returns:
        Mean energy.
    """
    temperature = constant(temperature, "temperature")
    rest = jnp.asarray(potential.rest)
    width = jnp.sqrt(temperature / potential.curvature(rest))
    # the trapezoidal sum converges faster than any power: V/T is smooth and large at
    # both ends
    r = rest + width * jnp.linspace(-_REACH, _REACH, _POINTS, dtype=width.dtype)
    energy = potential(r)
    weight = jnp.exp(-energy / temperature)
    return jnp.sum(weight * energy) / jnp.sum(weight)


def impact_temperature(
    potential: PairPotential, atoms: int, speed: ArrayLike
) -> Float[Array, ""]:
    """Temperature of a free chain after its halves have met with relative speed v.

    (N - 1)(T/2 + <V>_T) = N v²/8, m = 1: N - 1 bonds and as many internal velocities
    share the energy. Twice the mean kinetic energy per atom is then T (N - 1)/N.

    Args:
        potential: energy of a bond, as in `mean_bond_energy`.
        atoms: N, even (static).
        speed: v, positive.

    Returns:
        T, differentiable in all constants.
    """
    each = atoms * constant(speed, "speed") ** 2 / (8 * (atoms - 1))

    def missing(T: Array) -> Array:
        return each - T / 2 - mean_bond_energy(potential, T)

    return falling_root(missing, 1e-6 * each, 2 * each)
