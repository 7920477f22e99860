"""How far a gas is from the distribution of Maxwell and Boltzmann."""

import math
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._checks import whole_number
from .arguments import check_dimension, check_velocities


def fourth_cumulant(velocities: ArrayLike) -> Float[Array, "..."]:
    """a₂ = d<v⁴> / (d+2)<v²>² - 1: 0 for Maxwell's speeds, -2/(d+2) for equal ones.

    Args:
        velocities: (..., n, d).

    Returns:
        (...,) a₂.

    Raises:
        ValueError: another shape.
    """
    v = jnp.asarray(velocities)
    check_velocities(v)
    d = v.shape[-1]
    square = jnp.sum(v**2, axis=-1)
    mean = jnp.mean(square, axis=-1)
    return d * jnp.mean(square**2, axis=-1) / ((d + 2) * mean**2) - 1


def kinetic_temperature(
    velocities: ArrayLike, *, mass: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """T = m<v²>/d.

    Args:
        velocities: (..., n, d).
        mass: m.

    Returns:
        (...,) T, energy.

    Raises:
        ValueError: another shape, or a mass that is not positive.
    """
    v = jnp.asarray(velocities)
    check_velocities(v)
    _checks.check_positive(mass, "mass")
    _checks.check_shape(mass, "mass", ())
    return jnp.asarray(mass) * jnp.mean(v**2, axis=(-2, -1))


def relative_entropy(
    velocities: ArrayLike,
    *,
    bins: int = 32,
    temperature: ArrayLike | None = None,
    mass: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Kullback-Leibler divergence KL(f | Maxwell-Boltzmann) of the speeds.

    Σ_b p_b ln(p_b B) over B bins, each of which holds 1/B of Maxwell's speeds. n speeds
    drawn from Maxwell's distribution itself give (B - 1)/2n on average, not 0; equal
    speeds give ln B.

    Args:
        velocities: (..., n, d).
        bins: B.
        temperature: T of Maxwell's distribution; None for that of the velocities.
        mass: m.

    Returns:
        (...,) divergence in nats, >= 0.

    Raises:
        ValueError: another shape, or arguments that are not positive.
    """
    v = jnp.asarray(velocities)
    check_velocities(v)
    bins = whole_number(bins, "bins", 2)
    if temperature is None:
        temperature = kinetic_temperature(v, mass=mass)[..., None]
    _checks.check_positive(temperature, "temperature")
    energy = mass * jnp.sum(v**2, axis=-1) / 2
    rank = energy_cdf(energy, temperature, dimension=v.shape[-1])
    label = jnp.clip(jnp.floor(rank * bins), 0, bins - 1).astype(jnp.int32)
    at = label[..., None] == jnp.arange(bins)[(None,) * label.ndim]
    p = jnp.mean(at.astype(v.dtype), axis=-2)
    return jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p * bins, 1)), 0), -1)


def h_function(
    velocities: ArrayLike,
    *,
    bins: int = 32,
    mass: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Boltzmann's H = ∫ f ln f dv of an isotropic gas, from its speeds.

    H = KL(f | Maxwell-Boltzmann) - (d/2)(1 + ln(2πT/m)), T that of the velocities; it
    falls to the second term, but for the bias (B - 1)/2n of `relative_entropy`.

    Args:
        velocities: (..., n, d).
        bins: B.
        mass: m.

    Returns:
        (...,) H; ln of (time/length)^d.

    Raises:
        ValueError: another shape, or arguments that are not positive.
    """
    v = jnp.asarray(velocities)
    spread = kinetic_temperature(v, mass=mass) / mass
    floor = -v.shape[-1] / 2 * (1 + jnp.log(2 * jnp.pi * spread))
    return relative_entropy(v, bins=bins, mass=mass) + floor


def speed_density(
    speed: ArrayLike,
    temperature: ArrayLike = 1.0,
    *,
    mass: ArrayLike = 1.0,
    dimension: int = 2,
) -> Float[Array, "..."]:
    """Maxwell's density of speeds: 2 (m/2T)^(d/2) v^(d-1) exp(-mv²/2T) / Γ(d/2).

    Args:
        speed: v >= 0.
        temperature: T.
        mass: m.
        dimension: d.

    Returns:
        Time/length, of the broadcast shape; 0 for v < 0.

    Raises:
        ValueError: arguments that are not positive.
    """
    check_dimension(dimension)
    _checks.check_positive(temperature, "temperature")
    _checks.check_positive(mass, "mass")
    _checks.check_real(speed, "speed")
    _checks.check_finite(speed, "speed")
    v, beta = jnp.asarray(speed), jnp.asarray(mass) / (2 * jnp.asarray(temperature))
    scale = 2 * beta ** (dimension / 2) / math.gamma(dimension / 2)
    positive = jnp.maximum(v, 0)
    density = scale * positive ** (dimension - 1) * jnp.exp(-beta * positive**2)
    return jnp.where(v >= 0, density, 0)


def energy_density(
    energy: ArrayLike, temperature: ArrayLike = 1.0, *, dimension: int = 2
) -> Float[Array, "..."]:
    """h_KE(E), the density of kinetic energies of one particle.

    e^(-E/T) E^(d/2-1) / (T^(d/2) Γ(d/2)): e^(-E/T)/T in 2D, 2√(E/π) T^(-3/2) e^(-E/T)
    in 3D. In print it is a Gaussian (see `printed_energy_distribution`).

    Args:
        energy: E.
        temperature: T.
        dimension: d.

    Returns:
        1/energy, of the broadcast shape; 0 for E <= 0.

    Raises:
        ValueError: a temperature that is not positive, or another dimension.

    Source: Chafin (2019), sec. 2, corrected.
    """
    check_dimension(dimension)
    _checks.check_positive(temperature, "temperature")
    _checks.check_real(energy, "energy")
    _checks.check_finite(energy, "energy")
    inside = jnp.asarray(energy) > 0
    e = jnp.where(inside, energy, 1) / jnp.asarray(temperature)
    scale = jnp.asarray(temperature) * math.gamma(dimension / 2)
    return jnp.where(inside, e ** (dimension / 2 - 1) * jnp.exp(-e) / scale, 0)


def energy_cdf(
    energy: ArrayLike, temperature: ArrayLike = 1.0, *, dimension: int = 2
) -> Float[Array, "..."]:
    """The part of Maxwell's particles below an energy: P(d/2, E/T).

    erf √(E/T) in 1D, 1 - e^(-E/T) in 2D, erf √(E/T) - 2 √(E/πT) e^(-E/T) in 3D; P is
    the regularised lower incomplete gamma function.

    Args:
        energy: E.
        temperature: T.
        dimension: d.

    Returns:
        In [0, 1], of the broadcast shape.

    Raises:
        ValueError: a temperature that is not positive, or another dimension.
    """
    check_dimension(dimension)
    _checks.check_positive(temperature, "temperature")
    _checks.check_real(energy, "energy")
    _checks.check_finite(energy, "energy")
    inside = jnp.asarray(energy) > 0
    e = jnp.where(inside, energy, 1) / jnp.asarray(temperature)
    if dimension == 2:
        return jnp.where(inside, -jnp.expm1(-e), 0)
    root = jnp.sqrt(e)
    outer = 2 * root * jnp.exp(-e) / math.sqrt(math.pi) if dimension == 3 else 0
    return jnp.where(inside, erf(root) - outer, 0)


def kolmogorov_smirnov(sample: Float[Array, " n"], cdf: Any) -> Float[Array, ""]:
    """sup |F_n - F| of a sample; 95 % of samples from F itself stay below 1.358/√n.

    Args:
        sample: (n,).
        cdf: F, a function of an array.

    Returns:
        The distance, in [0, 1].

    Raises:
        ValueError: a sample that is not a vector.
    """
    x = jnp.asarray(sample)
    _checks.check_shape(x, "sample", (None,))
    n = x.shape[0]
    f = cdf(jnp.sort(x))
    ranks = jnp.arange(n, dtype=f.dtype)
    return jnp.maximum(jnp.max((ranks + 1) / n - f), jnp.max(f - ranks / n))
