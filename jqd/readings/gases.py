"""Energies of free packets, and of particles in contact."""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..constants import constant
from ..matter.gas import collision_rate, contact_value, number_density
from ..matter.gas.arguments import check_dimension

# e^(-u²) is below 1e-21 beyond 7.
_FAR, _NODES = 7.0, 64


def energy_spread(
    speed: ArrayLike,
    width: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    dimension: int = 1,
) -> Float[Array, "..."]:
    """ΔE of a free Gaussian packet, which is constant in time.

    ΔE² = (v₀ħ/2s)² + d ħ⁴/(32 m² s⁴), s the standard deviation of the density along
    each axis. The printed ΔE ≈ ħ²/2md² is the second term alone, up to a factor. It is
    too small by the factor k₀s for moving packets, k₀ = mv₀/ħ ≫ 1/s.

    Args:
        speed: v₀ = |<p>|/m.
        width: s.
        mass: m.
        hbar: ħ.
        dimension: d.

    Raises:
        ValueError: width, mass or hbar not positive, or another dimension.

    Source: Chafin (2019), sec. 2, corrected.
    """
    check_dimension(dimension)
    _checks.check_all_positive(width=width, mass=mass, hbar=hbar)
    _checks.check_real(speed, "speed")
    s, hbar = jnp.asarray(width), jnp.asarray(hbar)
    moving = jnp.asarray(speed) * hbar / (2 * s)
    # a quotient at a time: ħ² and the squares of energies in SI are below float32
    resting = hbar / s / jnp.asarray(mass) * (hbar / s) * (dimension / 32) ** 0.5
    return jnp.hypot(moving, resting)


def recoil_time_spring(
    stiffness: ArrayLike, *, mass: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Contact time of a pair with a spring V = κδ²/2: τ_r = π√(m/2κ).

    This is half a period with the reduced mass m/2, for any energy.

    Args:
        stiffness: κ, energy/length².
        mass: m, of each particle.

    Raises:
        ValueError: arguments that are not positive.
    """
    _checks.check_all_positive(stiffness=stiffness, mass=mass)
    return jnp.pi * jnp.sqrt(jnp.asarray(mass) / (2 * jnp.asarray(stiffness)))


class DiluteAverages(NamedTuple):
    """<PE>/<KE>, partners in contact per particle, and τ_r/τ_coll of hard spheres."""

    potential_over_kinetic: Float[Array, "..."]
    contacts: Float[Array, "..."]
    recoil_over_collision: Float[Array, "..."]


def dilute_averages(
    fraction: ArrayLike,
    stiffness: ArrayLike,
    *,
    temperature: ArrayLike = 1.0,
    diameter: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    dimension: int = 2,
) -> DiluteAverages:
    """Soft spheres, V = κ (σ - r)²/2 for r < σ, to first order in the density.

    <PE>/N = (n/2) ∫ V e^(-V/T) dᵈr, contacts = n ∫_{r<σ} e^(-V/T) dᵈr, and τ_r/τ_coll =
    π√(m/2κ) Γ. For stiff springs contacts → τ_r/τ_coll and <PE>/<KE> → τ_r/(2d τ_coll).

    Args:
        fraction: φ of spheres of diameter σ.
        stiffness: κ.
        temperature: T.
        diameter: σ.
        mass: m.
        dimension: d.

    Returns:
        `DiluteAverages`, each of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive, or φ not below 1.

    Source: Chafin (2019), sec. 2 (h_PE ≈ h_KE τ_r/τ_coll).
    """
    check_dimension(dimension)
    _checks.check_all_positive(stiffness=stiffness, temperature=temperature)
    n = number_density(fraction, dimension=dimension, diameter=diameter)
    sigma, t = constant(diameter, "diameter"), constant(temperature, "temperature")
    unit = jnp.sqrt(2 * t / constant(stiffness, "stiffness"))
    # u = (σ - r)/√(2T/κ), V = T u²: smooth whatever the stiffness
    far = jnp.minimum(sigma / unit, _FAR)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    # from (-1, 1) to (0, 1)
    nodes, weights = (jnp.asarray(a, t.dtype) for a in ((nodes + 1) / 2, weights / 2))
    u = far[..., None] * nodes
    shell = (sigma[..., None] - unit[..., None] * u) ** (dimension - 1)
    measure = far[..., None] * unit[..., None] * weights * shell * jnp.exp(-(u**2))
    area = 2 * math.pi ** (dimension / 2) / math.gamma(dimension / 2)
    contacts = n * area * jnp.sum(measure, axis=-1)
    potential = n * area * jnp.sum(measure * u**2, axis=-1) / 2  # in units of T
    rate = collision_rate(
        fraction, temperature=temperature, diameter=diameter, mass=mass,
        dimension=dimension,
    )  # fmt: skip
    rate = rate / contact_value(fraction, dimension=dimension)
    recoil = recoil_time_spring(stiffness, mass=mass)
    return DiluteAverages(2 * potential / dimension, contacts, recoil * rate)
