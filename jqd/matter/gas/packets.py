"""Wave packets in a gas: their spread in energy and in space."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from .arguments import check_dimension

# SI, exact by definition.
BOLTZMANN = 1.380649e-23
HBAR = 6.62607015e-34 / (2 * 3.141592653589793)


def energy_spread(
    speed: ArrayLike,
    width: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    dimension: int = 1,
) -> Float[Array, "..."]:
    """ΔE of a free Gaussian packet, which never changes.

    ΔE² = (v₀ħ/2s)² + d ħ⁴/(32 m² s⁴), s the standard deviation of the density along
    each axis. The printed ΔE ≈ ħ²/2md² is the second term alone, but for a factor: too
    small by the factor k₀s for packets that move, k₀ = mv₀/ħ ≫ 1/s.

    Args:
        speed: v₀ = |<p>|/m.
        width: s.
        mass: m.
        hbar: ħ.
        dimension: d.

    Returns:
        Energy, of the broadcast shape.

    Raises:
        ValueError: width, mass or hbar not positive, or another dimension.

    Source: Chafin (2019), sec. 2, corrected.
    """
    check_dimension(dimension)
    _check_positive(width=width, mass=mass, hbar=hbar)
    _checks.check_real(speed, "speed")
    s, hbar = jnp.asarray(width), jnp.asarray(hbar)
    moving = jnp.asarray(speed) * hbar / (2 * s)
    resting = hbar**2 / (jnp.asarray(mass) * s**2) * (dimension / 32) ** 0.5
    return jnp.sqrt(moving**2 + resting**2)


def printed_energy_spread(
    width: ArrayLike, *, mass: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """ΔE ≈ ħ²/2md² as printed: no speed in it; see `energy_spread`.

    Args:
        width: d.
        mass: m.
        hbar: ħ.

    Returns:
        Energy, of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive.

    Source: Chafin (2019), sec. 2, as printed.
    """
    _check_positive(width=width, mass=mass, hbar=hbar)
    return jnp.asarray(hbar) ** 2 / (2 * jnp.asarray(mass) * jnp.asarray(width) ** 2)


def spreading_time(
    width: ArrayLike, *, mass: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """2ms²/ħ, after which a free packet is √2 times as wide.

    Args:
        width: s, the standard deviation of the density at the start.
        mass: m.
        hbar: ħ.

    Returns:
        Time, of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive.
    """
    _check_positive(width=width, mass=mass, hbar=hbar)
    return 2 * jnp.asarray(mass) * jnp.asarray(width) ** 2 / jnp.asarray(hbar)


def spread_width(
    t: ArrayLike,
    width: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Standard deviation of a free packet along each axis: s √(1 + (ħt/2ms²)²).

    Args:
        t: time since it was at its narrowest.
        width: s.
        mass: m.
        hbar: ħ.

    Returns:
        Length, of the broadcast shape.

    Raises:
        ValueError: width, mass or hbar not positive.
    """
    _checks.check_real(t, "t")
    turned = jnp.asarray(t) / spreading_time(width, mass=mass, hbar=hbar)
    return jnp.asarray(width) * jnp.sqrt(1 + turned**2)


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

    Raises:
        ValueError: arguments that are not positive.
    """
    _check_positive(diameter=diameter, temperature=temperature, pressure=pressure)
    _check_positive(width=width, mass=mass)
    energy, sigma = BOLTZMANN * jnp.asarray(temperature), jnp.asarray(diameter)
    n = jnp.asarray(pressure) / energy
    rate = 4 * n * sigma**2 * jnp.sqrt(jnp.pi * energy / jnp.asarray(mass))
    speed = jnp.sqrt(8 * energy / (jnp.pi * jnp.asarray(mass)))
    return FirstCollision(
        spreading_time(width, mass=mass, hbar=HBAR),
        1 / rate,
        spread_width(1 / rate, width, mass=mass, hbar=HBAR),
        n ** (-1 / 3),
        speed / rate,
    )


def _check_positive(**arguments: ArrayLike) -> None:
    for name, value in arguments.items():
        _checks.check_positive(value, name)
