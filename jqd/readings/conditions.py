"""Conditions of symmetry, reality, time reversal and energy on a diffusion matrix.

Arguments are those of `phase_space`.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .phase_space import Function


def as_doubled(
    aa: Complex[Array, "N N"], mixed: Complex[Array, "N N"] | None = None
) -> Complex[Array, "2N 2N"]:
    """D over (α, α*) from its upper blocks; reality gives the lower ones.

    [[D^aa, D^aa*], [D^a*a, D^a*a*]], (D^aa_ij)* = -D^a*a*_ij, (D^aa*_ij)* = -D^a*a_ij

    Args:
        aa: D^aa, (N, N), symmetric.
        mixed: D^aa*, (N, N), skew-Hermitian; None for 0.
    """
    upper = jnp.zeros_like(aa) if mixed is None else mixed
    return jnp.block([[aa, upper], [-jnp.conj(upper), -jnp.conj(aa)]])


def symmetry_residual(diffusion: Complex[Array, "2N 2N"]) -> Complex[Array, "2N 2N"]:
    """D - Dᵀ. Where it is 0, D^aa and D^a*a* are symmetric and D^aa*_ij = D^a*a_ji."""
    return diffusion - diffusion.T


def reality_residual(diffusion: Complex[Array, "2N 2N"]) -> Complex[Array, "2N 2N"]:
    """D* + PDP, P the exchange of α and α*: 0 where i∂∂(Dρ) is real."""
    return jnp.conj(diffusion) + _exchanged(diffusion)


def reversed_diffusion(diffusion: Function) -> Function:
    """D of T𝒟T⁻¹: the blocks exchanged, at the point with reversed momenta."""
    return lambda alpha: _exchanged(diffusion(jnp.conj(alpha)))


def time_reversal_residual(
    diffusion: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, "2N 2N"]:
    """D plus that of T𝒟T⁻¹: 0 where the diffusion changes sign under time reversal.

    D^aa(α, α*) = -D^a*a*(α*, α),  D^aa*(α, α*) = -D^a*a(α*, α)
    """
    return diffusion(alpha) + reversed_diffusion(diffusion)(alpha)


def energy_residual(
    hessian: Complex[Array, "2N 2N"], diffusion: Complex[Array, "2N 2N"]
) -> Complex[Array, ""]:
    """Σ_ab H_ab D_ab over (α, α*), which must vanish at each point.

    With D^aa* = 0: Σ_ij (∂_i∂_j H D^aa_ij - ∂*_i∂*_j H (D^aa_ij)*). Multiplied by iħ/2
    it is the contribution of the diffusion to d<H>/dt.

    Args:
        diffusion: D over (α, α*), (2N, 2N).
    """
    return jnp.sum(hessian * diffusion)


def weighted_diffusion(
    hessian: Complex[Array, "N N"], weight: Float[Array, "N N"]
) -> Complex[Array, "N N"]:
    """D^aa_ij = f_ij ∂²H/∂α_i*∂α_j*, which conserves energy for any real f.

    Args:
        weight: f, (N, N), real, symmetric.
    """
    return weight * hessian


def minimal_diffusion(
    hessian: Complex[Array, "N N"], C: ArrayLike = 1.0, *, printed: bool = False
) -> Complex[Array, "N N"]:
    """D^aa_ij = C ∂²H/∂α_i*∂α_j*: f_ij = C for all i and j.

    Args:
        printed: use f_ij = C δ_ij, which drops the diffusion that couples modes.
    """
    kind = hessian.real.dtype
    one = jnp.ones(hessian.shape, kind)
    weight = jnp.eye(hessian.shape[0], dtype=kind) if printed else one
    return weighted_diffusion(hessian, jnp.asarray(C, kind) * weight)


def _exchanged(matrix: Array) -> Array:
    """PMP: α and α* exchanged."""
    modes = matrix.shape[0] // 2
    return jnp.roll(matrix, (modes, modes), (0, 1))
