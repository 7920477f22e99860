"""Fields in terms of the amplitudes of their modes."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

# Metric (+, -, -, -).
_METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def field_amplitudes(
    alpha: ArrayLike, beta: ArrayLike, mass: ArrayLike = 1.0
) -> tuple[Complex[Array, "..."], Complex[Array, "..."]]:
    """A mode of a complex field: φ = (α + β*)/√(2m), π = i √(m/2) (β* - α).

    Args:
        alpha: amplitude of the particle, complex.
        beta: amplitude of the antiparticle, complex.
        mass: m > 0.

    Returns:
        φ and π = dφ/dt, the momentum of φ*.
    """
    alpha, antiparticle = jnp.asarray(alpha), jnp.conj(jnp.asarray(beta))
    root = jnp.sqrt(mass)
    field = (alpha + antiparticle) / (math.sqrt(2) * root)
    return field, 1j * root / math.sqrt(2) * (antiparticle - alpha)


def field_strength(
    slope: Float[Array, "A 4 4"],
    potential: Float[Array, "A 4"],
    structure: Float[Array, "A A A"],
    g: ArrayLike,
) -> Float[Array, "A 4 4"]:
    """F^a_μν = ∂_μ A^a_ν - ∂_ν A^a_μ + g f^abc A^b_μ A^c_ν

    Args:
        slope: ∂_μ A^a_ν, axes a, μ, ν.
        potential: A^a_μ, axes a, μ.
        structure: f^abc, totally antisymmetric.
        g: coupling.
    """
    own = jnp.einsum("abc,bm,cn->amn", structure, potential, potential)
    return slope - jnp.swapaxes(slope, 1, 2) + g * own


def field_tensor_lagrangian(strength: Float[Array, "A 4 4"]) -> Float[Array, ""]:
    """-(1/4) F^a_μν F^aμν, metric (+, -, -, -).

    Args:
        strength: F^a_μν, axes a, μ, ν.
    """
    signs = _METRIC[:, None] * _METRIC[None, :]
    return -jnp.sum(strength**2 * signs[None, :, :]) / 4


def mode_field(
    amplitudes: Complex[Array, "A K"], modes: Complex[Array, "K 4"]
) -> Float[Array, "A 4"]:
    """A^a_μ = Σ_k (α^a_k u_kμ + c.c.) at one point of space.

    Args:
        amplitudes: α^a_k, axes a, k.
        modes: u_kμ at the point, axes k, μ.
    """
    return 2 * (amplitudes @ modes).real
