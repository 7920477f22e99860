"""Drift and diffusion of the Husimi law at a point, in each form of the paper.

Pure functions of one point of phase space: batch them with vmap.

`H` is the anti-Wick symbol as a real function of z, see `phase_space_function`; `z` is
one point, (2N,); C is the strength of the diffusion, 1 in quantum mechanics.

Phase space: α_i = (q_i/s_i + i s_i p_i)/√2 with s_i = l_i/√κ, z = (q_1, .., q_N, p_1,
.., p_N), J = [[0, 1], [-1, 0]]. Source: "Can Quantum Field Theory be Recovered from
Time-Symmetric Stochastic Mechanics? Part I".
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..spaces.symbols import Symbol

PhaseFunction = Callable[[Array], Array]


class RealForm(NamedTuple):
    """Drift and diffusion in z = (q, p).

    Attributes:
        drift: dz/dt = J ∂H/∂z, (2N,).
        diffusion: D, (2N, 2N), symmetric and traceless, in the scaled variables of the
            form.
    """

    drift: Float[Array, " 2N"]
    diffusion: Float[Array, "2N 2N"]


def real_form(
    H: PhaseFunction,
    z: Float[Array, " 2N"],
    lengths: ArrayLike,
    kappa: ArrayLike,
    C: ArrayLike = 1.0,
) -> RealForm:
    """Hamilton's equations and the traceless commutator diffusion.

    D = (C/2κ) [H̃'', J],  H̃'' = L H'' L,  L = diag(l, κ/l)

    D is in terms of the scaled Q = q/l, P = lp/κ, in which α = √(κ/2) (Q + iP).

    Args:
        lengths: l_i > 0, scalar or (N,), in the unit of q.
        kappa: κ > 0, an action; κ and l enter the evolution as l²/κ alone.

    Returns:
        Drift (2N,) and D (2N, 2N).

    Source: eqs. (52), (55).
    """
    L = scales(z, lengths, kappa)
    hessian = L[:, None] * jax.hessian(H)(z) * L[None, :]
    J = symplectic(z)
    return RealForm(J @ jax.grad(H)(z), C / (2 * kappa) * (hessian @ J - J @ hessian))


def kappa_free_form(
    H: PhaseFunction,
    z: Float[Array, " 2N"],
    s: ArrayLike = 1.0,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> RealForm:
    """Drift and diffusion of (q, p) without the redundant constants κ and l.

    ∂_t ρ = -∂_z (J ∂_z H ρ) + (1/2) ∂_z ∂_z (D ρ),  D = (ħC/2) S [S H'' S, J] S,
    S = diag(s, 1/s); for one mode D_qq = -ħC s² H_qp, D_pp = ħC H_qp / s² and
    D_qp = (ħC/2)(s² H_qq - H_pp / s²).

    Args:
        s: s_i = l_i/√κ > 0, scalar or (N,).
        hbar: ħ; only ħC matters.

    Returns:
        Drift (2N,) and D (2N, 2N), the growth rate of the covariance of z in addition
        to that by the drift.
    """
    S = scales(z, s, 1.0)
    drift, scaled = real_form(H, z, s, 1.0, C)
    return RealForm(drift, jnp.asarray(hbar) * S[:, None] * scaled * S[None, :])


def phase_space_function(symbol: Symbol, s: ArrayLike = 1.0) -> PhaseFunction:
    """The real part of a symbol as a function of z = (q, p).

    Args:
        symbol: H(α, α*).
        s: s_i > 0, scalar or (N,): α_i = (q_i/s_i + i s_i p_i)/√2.
    """

    def function(z: Float[Array, " 2N"]) -> Float[Array, ""]:
        q, p = jnp.split(z, 2)
        alpha = (q / s + 1j * s * p) / math.sqrt(2)
        return symbol(alpha[0] if symbol.modes == 1 else alpha).real

    return function


def diffusion_signature(diffusion: Float[Array, "n n"]) -> tuple[Array, Array]:
    """Numbers of positive and of negative eigenvalues of a diffusion matrix.

    A traceless commutator has as many positive as negative ones, in any variables; its
    trace vanishes only in the scaled ones.

    Args:
        diffusion: real symmetric matrix; eigenvalues below 1e3 rounding errors of the
            largest count as zero.
    """
    eigenvalues = jnp.linalg.eigvalsh(diffusion)
    floor = 1e3 * jnp.finfo(eigenvalues.dtype).eps * jnp.max(jnp.abs(eigenvalues))
    return jnp.sum(eigenvalues > floor), jnp.sum(eigenvalues < -floor)


def scales(z: Array, lengths: ArrayLike, kappa: ArrayLike) -> Array:
    """The diagonal of L = diag(l, κ/l)."""
    if z.ndim != 1 or z.shape[0] % 2:
        raise ValueError(
            f"Argument `z` must be one point (q, p) of shape (2N,), but has shape "
            f"{z.shape}; use jax.vmap for several."
        )
    l = jnp.broadcast_to(jnp.asarray(lengths, z.dtype), (z.shape[0] // 2,))  # noqa: E741
    return jnp.concatenate([l, kappa / l])


def symplectic(z: Array) -> Array:
    """J = [[0, 1], [-1, 0]] in blocks."""
    modes = z.shape[0] // 2
    return jnp.kron(
        jnp.array([[0, 1], [-1, 0]], z.dtype), jnp.eye(modes, dtype=z.dtype)
    )
