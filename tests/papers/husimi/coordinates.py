"""Coordinates of phase space, and derivatives in them.

ξ = (q_1, .., q_N, p_1, .., p_N); scaled z = (Q, P); `lengths` are l_i > 0, scalar or
(N,), `scale` is the diagonal of L = diag(l, κ/l), (2N,), and κ > 0 an action.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

Function = Callable[[Array], Array]


def phase_space_vector(
    q: Float[Array, " N"], p: Float[Array, " N"]
) -> Float[Array, " 2N"]:
    """ξ = (q_1, .., q_N, p_1, .., p_N)"""
    return jnp.concatenate([q, p])


def scaled_coordinates(
    xi: Float[Array, " 2N"], lengths: ArrayLike, kappa: ArrayLike
) -> Float[Array, " 2N"]:
    """z = (Q, P) = L⁻¹ ξ: Q = q/l, P = lp/κ, dimensionless."""
    q, p = jnp.split(xi, 2)
    return jnp.concatenate([q / lengths, p * lengths / kappa])


def complex_coordinates(
    xi: Float[Array, " 2N"], lengths: ArrayLike, kappa: ArrayLike
) -> Complex[Array, " N"]:
    """α_i = √(κ/2) (q_i/l_i + i l_i p_i/κ) = √(κ/2) (Q_i + iP_i)

    Returns:
        α, (N,), in √action; {α_i, α_j*} = -i δ_ij.
    """
    Q, P = jnp.split(scaled_coordinates(xi, lengths, kappa), 2)
    return jnp.sqrt(kappa / 2) * (Q + 1j * P)


def scaled_gradient(
    function: Function, xi: Float[Array, " 2N"], scale: Float[Array, " 2N"]
) -> Float[Array, " 2N"]:
    """(∂_Q, ∂_P) of a function of ξ: L ∂_ξ."""
    return scale * jax.grad(function)(xi)


def scaled_hessian(
    function: Function, xi: Float[Array, " 2N"], scale: Float[Array, " 2N"]
) -> Float[Array, "2N 2N"]:
    """H̃'' = Lᵀ H'' L, second derivatives by (Q, P)."""
    return scale[:, None] * jax.hessian(function)(xi) * scale[None, :]


def wave_operator(
    omega: ArrayLike, k: ArrayLike, mass: ArrayLike, *, time_sign: int
) -> Array:
    """What -□ + m² makes of a plane wave e^(i(kx - ωt)): the factor in front.

    Args:
        time_sign: +1 for □ = ∂_t² - ∇², -1 for □ = ∇² - ∂_t².

    Returns:
        The factor; a length scale √κ (-□ + m²)^(-1/4) is √(κ/ω_k) where it is ω_k².
    """
    return time_sign * (jnp.square(omega) - jnp.square(k)) + jnp.square(mass)


def phase_space_liouville_rate(
    H: Function, density: Function, xi: Float[Array, " 2N"]
) -> Float[Array, ""]:
    """{H, ρ} = Σ_i (∂H/∂q_i ∂/∂p_i - ∂H/∂p_i ∂/∂q_i) ρ"""
    H_q, H_p = jnp.split(jax.grad(H)(xi), 2)
    rho_q, rho_p = jnp.split(jax.grad(density)(xi), 2)
    return H_q @ rho_p - H_p @ rho_q
