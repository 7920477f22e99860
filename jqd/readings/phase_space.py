"""Derivatives in phase space, Liouville's equation, and any diffusion over (α, α*).

Pure functions of one point: batch them with vmap. A matrix over (α, α*) has shape
(2N, 2N), in blocks. Unless a function says otherwise, arguments have these meanings:

    alpha          one point, (N,) complex
    H              real function of the point
    hessian        its second derivatives: over (α*, α*), (N, N), or over all of
                   (α, α*), (2N, 2N)
    function       of the point, real or complex, of any shape
    density        ρ, a function of the point
    diffusion      D over (α, α*), (2N, 2N), or a function of α that gives it
    C              strength of the diffusion
    hbar           ħ

Equations are those of the paper of the Husimi law, "Can Quantum Field Theory be
Recovered from Time-Symmetric Stochastic Mechanics? Part I".
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex

Function = Callable[[Array], Array]


def doubled_vector(alpha: Complex[Array, " N"]) -> Complex[Array, " 2N"]:
    """z = (α, α*)"""
    return jnp.concatenate([alpha, jnp.conj(alpha)])


def wirtinger_matrix(modes: int, kappa: ArrayLike) -> Complex[Array, "2N 2N"]:
    """W with (∂_α, ∂_α*) = W (∂_Q, ∂_P).

    ∂/∂α_j = (∂_Qj - i∂_Pj)/√(2κ),  ∂/∂α_j* = (∂_Qj + i∂_Pj)/√(2κ)
    """
    root = jnp.sqrt(2.0 * jnp.asarray(kappa))
    one = jnp.eye(modes, dtype=root.dtype)
    return jnp.block([[one, -1j * one], [one, 1j * one]]) / root


def complex_gradient(
    function: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, "... 2N"]:
    """(∂_α, ∂_α*) of a function of phase space.

    Returns:
        The derivatives along a last axis.
    """
    real = _of_real(function, alpha.shape[0])
    slope = jax.jacfwd(real)(_to_real(alpha))
    return slope @ _wirtinger(alpha).T


def complex_hessian(
    function: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, "... 2N 2N"]:
    """Second derivatives by (α, α*) of a function of phase space.

    Returns:
        The derivatives along the last two axes.
    """
    return complex_gradient(lambda point: complex_gradient(function, point), alpha)


def hamiltonian_drift(H: Function, alpha: Complex[Array, " N"]) -> Array:
    """dz/dt of z = (α, α*): dα/dt = -i ∂H/∂α*.

    Returns:
        (2N,)

    Source: after eq. (9).
    """
    return doubled_vector(-1j * complex_gradient(H, alpha)[alpha.shape[0] :])


def liouville_rate(
    H: Function, density: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, ""]:
    """-∂_z(a ρ) = i Σ_i {∂_i[(∂*_i H)ρ] - ∂*_i[(∂_i H)ρ]}"""

    def flow(point):
        return hamiltonian_drift(H, point) * density(point)

    return -jnp.trace(complex_gradient(flow, alpha))


def complex_fokker_planck(
    H: Function,
    diffusion: Function,
    density: Function,
    alpha: Complex[Array, " N"],
    hbar: ArrayLike = 1.0,
) -> Complex[Array, ""]:
    """Liouville's flow and any diffusion over (α, α*).

    ∂_t ρ = -Σ_a ∂_a(a_a ρ) + (iħ/2) Σ_ab ∂_a ∂_b (D_ab ρ), a, b over (α, α*)

    Args:
        diffusion: D(α), (2N, 2N), see `as_doubled`.

    Returns:
        The rate; real where D is real in the sense of `reality_residual`.
    """

    def spread(point):
        return diffusion(point) * density(point)

    def divergence(point):
        return jnp.einsum("abb->a", complex_gradient(spread, point))

    second = jnp.trace(complex_gradient(divergence, alpha))
    return liouville_rate(H, density, alpha) + 0.5j * hbar * second


def _wirtinger(alpha: Array) -> Array:
    """(∂_α, ∂_α*) from (∂_x, ∂_y), α = x + iy: that of (Q, P) at κ = 2."""
    return wirtinger_matrix(alpha.shape[0], 2.0).astype(alpha.dtype)


def _of_real(function: Function, modes: int) -> Function:
    """f as a function of (x, y)."""
    return lambda u: function(u[:modes] + 1j * u[modes:])


def _to_real(alpha: Array) -> Array:
    return jnp.concatenate([alpha.real, alpha.imag])
