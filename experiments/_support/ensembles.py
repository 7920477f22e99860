"""An ensemble of solids: widths of atoms, lengths of bonds, and the frames of both.

The bond frame is the one that tells whether cores stay localised: a slow turn of the
whole body widens every atom in the lab, and no bond.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jqd.constants import constant
from jqd.matter.solid.rigid import rigid_motions
from jqd.matter.solid.widths import separations


@jax.jit
def aligned(
    x: Float[Array, "N d"],
    reference: Float[Array, "N d"],
    masses: Float[Array, " N"],
    v: Float[Array, "N d"] | None = None,
) -> tuple[Float[Array, "N d"], Float[Array, "N d"]]:
    """Displacements and velocities in the frame of a body that has moved and turned.

    The rotation R that minimises Σ m |R(x - X) - (r - R₀)|² (centres of mass X, R₀).
    Atoms must be listed in one order in `x` and `reference`.

    Args:
        x: positions, shape (N, d).
        reference: positions at rest, shape (N, d).
        masses: shape (N,).
        v: velocities, shape (N, d), or None for zero; their drift and spin are removed.

    Returns:
        u = R(x - X) - (r - R₀) and the internal velocities in the body's frame.

    Source: W. Kabsch, Acta Cryst. A 32, 922 (1976).
    """
    v = jnp.zeros_like(x) if v is None else v
    share = (masses / jnp.sum(masses))[:, None]
    away = x - jnp.sum(share * x, axis=0, keepdims=True)
    rest = reference - jnp.sum(share * reference, axis=0, keepdims=True)
    inner = rigid_motions(x, masses).remove(v, masses)
    if x.shape[1] == 1:
        return away - rest, inner
    left, _, right = jnp.linalg.svd((share * rest).T @ away)
    # no reflection
    side = jnp.sign(jnp.linalg.det(left) * jnp.linalg.det(right))
    turn = (left.at[:, -1].multiply(side)) @ right
    return away @ turn.T - rest, inner @ turn.T


@jax.jit
def pair_lengths(
    x: Float[Array, "... N d"], pairs: ArrayLike, *, box: ArrayLike | None = None
) -> Float[Array, "... B"]:
    """Distances of pairs (nearest images in a box).

    Args:
        x: positions, shape (..., N, d).
        pairs: integers (B, 2).
        box: periods, (d,), or None.

    Returns:
        Shape (..., B).
    """
    square = jnp.sum(separations(x, pairs, box) ** 2, axis=-1)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


@jax.jit
def atom_ellipses(
    x: Float[Array, "S ... N d"],
) -> tuple[Float[Array, "... N d"], Float[Array, "... N d d"]]:
    """Mean and covariance of each atom over an ensemble, in the lab frame.

    Args:
        x: positions, members of the ensemble first, shape (S, ..., N, d), S > 1.

    Returns:
        Means (..., N, d) and covariances (..., N, d, d).
    """
    mean = jnp.mean(x, axis=0)
    away = x - mean[None]
    covariance = jnp.einsum("s...a,s...b->...ab", away, away) / (x.shape[0] - 1)
    return mean, covariance


def internal_velocities(
    x: Float[ArrayLike, "N d"],
    v: Float[ArrayLike, "N d"],
    masses: Float[ArrayLike, " N"],
) -> Float[Array, "N d"]:
    """Velocities without the drift and the spin of the whole body, shape (N, d)."""
    masses = constant(masses, "masses")
    return rigid_motions(x, masses).remove(constant(v, "v"), masses)
