"""What two experiments on gases share: packets, and printed energies."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, ArrayLike, Float
from scipy.constants import Boltzmann, hbar

from jqd.readings.time_scales import spreading_width


class FirstCollision(NamedTuple):
    """Packets of a real gas at their first collision, SI units.

    Attributes:
        spreading_time: 2ms²/ħ.
        collision_time: 1/Γ.
        width: standard deviation of a packet that has flown freely for 1/Γ.
        spacing: n^(-1/3), of neighbours.
        free_path: mean free path.
    """

    spreading_time: Float[Array, "..."]
    collision_time: Float[Array, "..."]
    width: Float[Array, "..."]
    spacing: Float[Array, "..."]
    free_path: Float[Array, "..."]


def first_collision(
    width: ArrayLike,
    *,
    mass: ArrayLike,
    diameter: ArrayLike,
    temperature: ArrayLike,
    pressure: ArrayLike,
) -> FirstCollision:
    """How wide the packets of a real dilute gas are when they first collide.

    n = P/k_B T, Γ = 4nσ²√(πk_B T/m), width s√(1 + (ħ/2ms²Γ)²). Localised packets would
    need a width below the spacing n^(-1/3).

    Args:
        width: s at the start, m.
        mass: m of an atom, kg.
        diameter: σ of an atom, m.
        temperature: T, K.
        pressure: P, Pa.

    Returns:
        `FirstCollision`, SI units, each of the broadcast shape.
    """
    energy, sigma = Boltzmann * jnp.asarray(temperature), jnp.asarray(diameter)
    n = jnp.asarray(pressure) / energy
    rate = 4 * n * sigma**2 * jnp.sqrt(jnp.pi * energy / jnp.asarray(mass))
    speed = jnp.sqrt(8 * energy / (jnp.pi * jnp.asarray(mass)))
    return FirstCollision(
        2 * jnp.asarray(mass) * jnp.asarray(width) ** 2 / hbar,
        1 / rate,
        spreading_width(1 / rate, width, mass, hbar),
        n ** (-1 / 3),
        speed / rate,
    )


def printed_energy_distribution(
    energy: ArrayLike,
    temperature: ArrayLike = 1.0,
    *,
    gamma: ArrayLike = 1.0,
    scale: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """h_KE as printed: A exp(-(γT - E)²/s²), normalised over E >= 0.

    The exponent in print has the unit of energy²; s makes it a number. No γ and s give
    the kinetic energies of particles in 2D or 3D: those of one particle are
    `energy_density`, and a Gaussian is right only for the sum over many.

    Args:
        energy: E.
        temperature: T.
        gamma: γ.
        scale: s, energy.

    Returns:
        1/energy, of the broadcast shape; 0 for E < 0.

    Source: Chafin (2019), sec. 2, as printed.
    """
    e, s = jnp.asarray(energy), jnp.asarray(scale)
    middle = gamma * jnp.asarray(temperature) / s
    norm = s * jnp.sqrt(jnp.pi) / 2 * (1 + erf(middle))
    return jnp.where(e >= 0, jnp.exp(-((middle - e / s) ** 2)) / norm, 0)


def printed_energy_cdf(
    energy: ArrayLike,
    temperature: ArrayLike = 1.0,
    *,
    gamma: ArrayLike = 1.0,
    scale: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """The integral of `printed_energy_distribution` from 0 to E.

    Args:
        energy, temperature, gamma, scale: as there.

    Returns:
        In [0, 1], of the broadcast shape.

    Source: Chafin (2019), sec. 2, as printed.
    """
    e, s = jnp.maximum(jnp.asarray(energy), 0), jnp.asarray(scale)
    middle = gamma * jnp.asarray(temperature) / s
    return (erf(e / s - middle) + erf(middle)) / (1 + erf(middle))
