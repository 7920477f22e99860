"""How far a gas is from the Maxwell-Boltzmann distribution."""

import math

import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._checks import whole_number
from ..._gate import gated
from ..._math import divisor, safe_log
from .arguments import check_dimension, check_moving, check_velocities


@gated
def fourth_cumulant(velocities: ArrayLike) -> Float[Array, "..."]:
    """a₂ = d<v⁴> / (d+2)<v²>² - 1: 0 for Maxwell's speeds, -2/(d+2) for equal ones.

    Args:
        velocities: (..., n, d).

    Returns:
        (...,) a₂.

    Raises:
        ValueError: another shape, or a gas at rest.
    """
    v = jnp.asarray(velocities)
    check_velocities(v)
    check_moving(v)
    d = v.shape[-1]
    square = jnp.sum(v**2, axis=-1)
    share = square / jnp.mean(square, axis=-1, keepdims=True)
    return d / (d + 2) * jnp.mean(share**2, axis=-1) - 1


@gated
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

    Σ_b p_b ln(p_b B) over B bins, each of which holds 1/B of Maxwell's speeds. A sample
    of n speeds from Maxwell's distribution itself gives (B - 1)/2n on average, not 0;
    equal speeds give ln B.

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
        check_moving(v)
        temperature = kinetic_temperature(v, mass=mass)[..., None]
    _checks.check_positive(temperature, "temperature")
    energy = mass * jnp.sum(v**2, axis=-1) / 2
    rank = energy_cdf(energy, temperature, dimension=v.shape[-1])
    label = jnp.clip(jnp.floor(rank * bins), 0, bins - 1).astype(jnp.int32)
    at = label[..., None] == jnp.arange(bins)[(None,) * label.ndim]
    p = jnp.mean(at.astype(v.dtype), axis=-2)
    return jnp.sum(jnp.where(p > 0, p * safe_log(p * bins, p > 0), 0), -1)


@gated
def energy_density(
    energy: ArrayLike, temperature: ArrayLike = 1.0, *, dimension: int = 2
) -> Float[Array, "..."]:
    """h_KE(E), the density of kinetic energies of one particle.

    e^(-E/T) E^(d/2-1) / (T^(d/2) Γ(d/2)): e^(-E/T)/T in 2D, 2√(E/π) T^(-3/2) e^(-E/T)
    in 3D. The paper prints a Gaussian.

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
    inside, e, temperature = _reduced(energy, temperature)
    scale = temperature * math.gamma(dimension / 2)
    return jnp.where(inside, e ** (dimension / 2 - 1) * jnp.exp(-e) / scale, 0)


@gated
def energy_cdf(
    energy: ArrayLike, temperature: ArrayLike = 1.0, *, dimension: int = 2
) -> Float[Array, "..."]:
    """The fraction of a Maxwell gas below an energy: P(d/2, E/T).

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
    inside, e, _ = _reduced(energy, temperature)
    if dimension == 2:
        return jnp.where(inside, -jnp.expm1(-e), 0)
    root = jnp.sqrt(e)
    outer = 2 * root * jnp.exp(-e) / math.sqrt(math.pi) if dimension == 3 else 0
    return jnp.where(inside, erf(root) - outer, 0)


def _reduced(energy: ArrayLike, temperature: ArrayLike) -> tuple[Array, Array, Array]:
    """Where E is positive, E/T there and 1/T elsewhere, and T, of one shape."""
    _checks.check_broadcast(energy=energy, temperature=temperature)
    _checks.check_positive(temperature, "temperature")
    _checks.check_all_real(energy=energy)
    energy, temperature = jnp.broadcast_arrays(energy, temperature)
    inside = energy > 0
    return inside, divisor(energy, inside) / temperature, temperature
