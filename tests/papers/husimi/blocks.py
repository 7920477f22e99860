"""From complex to real variables, block by block.

`hessian` is over all scaled variables, (2N, 2N), `parts` are `HessianParts` as a
function of z = (Q, P); `printed=True` gives an inconsistent equation literally.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

Function = Callable[[Array], Array]


class HessianParts(NamedTuple):
    """A = H̃_QQ - H̃_PP and B = H̃_QP + H̃_PQ, (N, N), symmetric."""

    A: Float[Array, "N N"]
    B: Float[Array, "N N"]


def real_blocks(
    matrix: Float[Array, "2N 2N"],
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The blocks ((QQ, QP), (PQ, PP)) of a matrix over (Q, P), each (N, N)."""
    modes = matrix.shape[0] // 2
    upper, lower = matrix[:modes], matrix[modes:]
    return (upper[:, :modes], upper[:, modes:]), (lower[:, :modes], lower[:, modes:])


def hessian_parts(hessian: Float[Array, "2N 2N"]) -> HessianParts:
    """A and B of the scaled Hessian."""
    (qq, qp), (pq, pp) = real_blocks(hessian)
    return HessianParts(qq - pp, qp + pq)


def complex_diffusion(
    hessian: Float[Array, "2N 2N"], kappa: ArrayLike, C: ArrayLike = 1.0
) -> Complex[Array, "N N"]:
    """D^aa = C ∂²H/∂α*∂α* = (C/2κ)(A + iB)"""
    A, B = hessian_parts(hessian)
    return jnp.asarray(C) / (2 * kappa) * (A + 1j * B)


def real_diffusion(diffusion: Complex[Array, "2N 2N"]) -> Float[Array, "2N 2N"]:
    """D over (Q, P) of a D over (α, α*), as in ∂_t ρ = (ħ/2κ) Σ ∂_a ∂_b (D_ab ρ).

    iκ WᵀDW, with W of `wirtinger_matrix`; κ drops out. For D^aa* = 0 it is
    [[-Im D^aa, Re D^aa], [Re D^aa, Im D^aa]].

    Args:
        diffusion: D over (α, α*), real in the sense of `reality_residual`.
    """
    one = jnp.eye(diffusion.shape[0] // 2)
    turn = jnp.block([[one, -1j * one], [one, 1j * one]]).astype(diffusion.dtype)
    return (0.5j * (turn.T @ diffusion @ turn)).real


def expanded_rate(
    parts: Callable[[Array], HessianParts],
    density: Function,
    z: Float[Array, " 2N"],
    kappa: ArrayLike,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """𝒟ρ with the second derivatives expanded, before the difference is taken.

    (iħC/8κ²) Σ_ij {(X - iY)_ij [(A + iB)_ij ρ] - (X + iY)_ij [(A - iB)_ij ρ]},
    X = ∂_Q∂_Q - ∂_P∂_P, Y = ∂_Q∂_P + ∂_P∂_Q
    """

    def product(point):
        A, B = parts(point)
        return (A + 1j * B) * density(point)

    X, Y = _second(product, z)
    # The other bracket is the complex conjugate.
    first = jnp.einsum("ijij->", X - 1j * Y)
    return -jnp.asarray(hbar) * C / (4 * kappa**2) * first.imag


def appendix_rate(
    parts: Callable[[Array], HessianParts],
    density: Function,
    z: Float[Array, " 2N"],
    kappa: ArrayLike,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    *,
    printed: bool = False,
) -> Float[Array, ""]:
    """𝒟ρ = -(ħC/4κ²) Σ_ij {X_ij (B_ij ρ) - Y_ij (A_ij ρ)}

    Args:
        printed: without the minus sign, which comes from i · 2i.
    """
    X, Y = _second(lambda point: jnp.stack(parts(point)) * density(point), z)
    total = jnp.einsum("ijij->", X[1]) - jnp.einsum("ijij->", Y[0])
    rate = jnp.asarray(hbar) * C / (4 * kappa**2) * total
    return rate if printed else -rate


def _second(product: Function, z: Array) -> tuple[Array, Array]:
    """X_kl and Y_kl of M_ij ρ, (.., N, N, N, N)."""
    hessian = jax.jacfwd(jax.jacfwd(product))(z)
    n = z.shape[0] // 2
    X = hessian[..., :n, :n] - hessian[..., n:, n:]
    Y = hessian[..., :n, n:] + hessian[..., n:, :n]
    return X, Y
