"""Potential energy and contacts of a dilute gas of soft spheres, by quadrature."""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...laws.constants import constant
from .arguments import check_dimension
from .energies import recoil_time_spring
from .enskog import collision_rate, contact_value
from .starts import number_density

# e^(-u²) is below 1e-21 beyond 7.
_FAR, _NODES = 7.0, 64


class DiluteAverages(NamedTuple):
    """Averages of a dilute gas of soft spheres; see `dilute_averages`.

    Attributes:
        potential_over_kinetic: <PE>/<KE>.
        contacts: partners in contact per particle.
        recoil_over_collision: τ_r/τ_coll, of a dilute gas of hard spheres.
    """

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
    """Potential energy and contacts of `SoftSpheres` to first order in the density.

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
    for name, value in (("stiffness", stiffness), ("temperature", temperature)):
        _checks.check_positive(value, name)
    n = number_density(fraction, dimension=dimension, diameter=diameter)
    sigma, t = constant(diameter, "diameter"), constant(temperature, "temperature")
    unit = jnp.sqrt(2 * t / constant(stiffness, "stiffness"))
    # u = (σ - r)/√(2T/κ), V = T u²: smooth whatever the stiffness
    far = jnp.minimum(sigma / unit, _FAR)
    nodes, weights = (jnp.asarray(a, t.dtype) for a in _legendre())
    u = far[..., None] * nodes
    shell = (sigma[..., None] - unit[..., None] * u) ** (dimension - 1)
    measure = far[..., None] * unit[..., None] * weights * shell * jnp.exp(-(u**2))
    area = 2 * math.pi ** (dimension / 2) / math.gamma(dimension / 2)
    contacts = n * area * jnp.sum(measure, axis=-1)
    potential = n * area * jnp.sum(measure * u**2, axis=-1) / 2  # in units of T
    rate = collision_rate(
        fraction,
        temperature=temperature,
        diameter=diameter,
        mass=mass,
        dimension=dimension,
    )
    rate = rate / contact_value(fraction, dimension=dimension)
    recoil = recoil_time_spring(stiffness, mass=mass)
    return DiluteAverages(2 * potential / dimension, contacts, recoil * rate)


def _legendre() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2
