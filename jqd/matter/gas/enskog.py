"""Kinetic theory of hard rods, discs and spheres.

φ is the packing fraction, n the number density, σ the diameter.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from .arguments import check_dimension
from .starts import number_density

# Area of the unit sphere.
_SURFACE = {1: 2.0, 2: 2 * math.pi, 3: 4 * math.pi}


@gated
def contact_value(fraction: ArrayLike, *, dimension: int = 2) -> Float[Array, "..."]:
    """Enskog's χ, the pair distribution at contact, which rises with density.

    1/(1-φ) in 1D (exact), (1 - 7φ/16)/(1-φ)² in 2D, (1 - φ/2)/(1-φ)³ in 3D

    Args:
        fraction: φ, above 0 and below 1.
        dimension: d.

    Returns:
        χ >= 1, of the shape of `fraction`.

    Raises:
        ValueError: φ not between 0 and 1, or another dimension.

    Source: Henderson, Mol. Phys. 30, 971 (1975), in 2D; Carnahan and Starling, J. Chem.
        Phys. 51, 635 (1969), in 3D.
    """
    check_dimension(dimension)
    _check_fraction(fraction)
    phi = jnp.asarray(fraction)
    numerator = {1: 1.0, 2: 1 - 7 * phi / 16, 3: 1 - phi / 2}[dimension]
    return numerator / (1 - phi) ** dimension


@gated
def collision_rate(
    fraction: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    diameter: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    dimension: int = 2,
    number: int | None = None,
) -> Float[Array, "..."]:
    """Collision rate of one sphere.

    Γ = n χ S σ^(d-1) √(T/πm), S = 2, 2π, 4π; in 2D Γ = 2nσ√(πT/m) χ

    Args:
        fraction: φ.
        temperature: T, energy.
        diameter: σ.
        mass: m.
        dimension: d.
        number: N, for a finite gas of mean kinetic energy dT/2 and zero total momentum.
            Its spheres have N - 1 others to meet, so Γ is (N-1)/N times as large. None
            for an infinite gas.

    Returns:
        Γ, 1/time, of the broadcast shape.

    Raises:
        ValueError: φ not between 0 and 1, or arguments that are not positive.
    """
    _checks.check_all_positive(temperature=temperature, diameter=diameter, mass=mass)
    chi = contact_value(fraction, dimension=dimension)
    n = number_density(fraction, dimension=dimension, diameter=diameter)
    area = _SURFACE[dimension] * jnp.asarray(diameter) ** (dimension - 1)
    rate = n * chi * area * jnp.sqrt(temperature / (jnp.pi * jnp.asarray(mass)))
    if number is None:
        return rate
    _checks.check_positive(number, "number")
    return rate * (number - 1) / number


@gated
def mean_speed(
    temperature: ArrayLike = 1.0, *, mass: ArrayLike = 1.0, dimension: int = 2
) -> Float[Array, "..."]:
    """<|v|> = √(2T/m) Γ((d+1)/2) / Γ(d/2) of Maxwell's distribution.

    Args:
        temperature: T.
        mass: m.
        dimension: d.

    Returns:
        Mean speed, of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive.
    """
    check_dimension(dimension)
    _checks.check_all_positive(temperature=temperature, mass=mass)
    factor = math.gamma((dimension + 1) / 2) / math.gamma(dimension / 2)
    return factor * jnp.sqrt(2 * jnp.asarray(temperature) / jnp.asarray(mass))


@gated
def mean_free_path(
    fraction: ArrayLike, *, diameter: ArrayLike = 1.0, dimension: int = 2
) -> Float[Array, "..."]:
    """<|v|> / Γ; at low density 1/(2√2 nσ) in 2D and 1/(√2 πnσ²) in 3D.

    Args:
        fraction: φ.
        diameter: σ.
        dimension: d.

    Returns:
        Length, of the broadcast shape.

    Raises:
        ValueError: φ not between 0 and 1, or a diameter that is not positive.
    """
    rate = collision_rate(fraction, diameter=diameter, dimension=dimension)
    return mean_speed(dimension=dimension) / rate


@gated
def compressibility(fraction: ArrayLike, *, dimension: int = 2) -> Float[Array, "..."]:
    """P/nT = 1 + 2^(d-1) φ χ.

    Args:
        fraction: φ.
        dimension: d.

    Returns:
        Dimensionless, of the shape of `fraction`.

    Raises:
        ValueError: φ not between 0 and 1, or another dimension.
    """
    chi = contact_value(fraction, dimension=dimension)
    return 1 + 2 ** (dimension - 1) * jnp.asarray(fraction) * chi


def _check_fraction(fraction: ArrayLike) -> None:
    _checks.check_positive(fraction, "fraction")
    if _checks.is_concrete(fraction) and not (_checks.concrete(fraction) < 1).all():
        raise ValueError(
            f"Argument `fraction` must be below 1, but it is {_checks.shown(fraction)}."
        )
