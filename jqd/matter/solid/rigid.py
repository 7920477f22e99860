"""Motions that keep all distances: translations and rotations of a body."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from ... import _checks
from ..._gate import gated
from ..._math import divisor
from .body import Solid

# Directions shorter than this fraction of the longest are none: the rotation of atoms
# on a line about that line.
_RANK = 1e-6


class RigidMotions(eqx.Module):
    """An orthonormal basis of the mass-weighted rigid motions of a body.

    Attributes:
        vectors: columns, shape (N d, g), g = d translations + d(d - 1)/2 rotations;
            zero where `independent` is False.
        independent: which columns are motions (atoms on a line lack one), shape (g,).
    """

    vectors: Float[Array, "n g"]
    independent: Bool[Array, " g"]

    @property
    def count(self) -> Array:
        """Number of independent rigid motions."""
        return jnp.sum(self.independent)

    @jax.jit
    def remove(self, v: Float[Array, "N d"], masses: Float[Array, " N"]) -> Array:
        """Velocities or displacements without their rigid part, shape (N, d).

        v - M^(-1/2) G Gᵀ M^(1/2) v: the remainder has neither momentum nor angular
        momentum.
        """
        roots = jnp.sqrt(masses)[:, None]
        weighted = jnp.reshape(roots * v, (-1,))
        rigid = self.vectors @ (self.vectors.T @ weighted)
        return v - jnp.reshape(rigid, v.shape) / roots


def rigid_motions(
    x: Float[ArrayLike, "N d"],
    masses: Float[ArrayLike, " N"],
    *,
    rotations: bool = True,
) -> RigidMotions:
    """Translations and rotations of atoms at `x`, orthonormal after mass-weighting.

    Columns √m_j ε_a and √m_j (x_j - X)_⊥, where X is the centre of mass.

    Args:
        x: positions, shape (N, d), d up to 3.
        masses: shape (N,).
        rotations: whether to count rotations (a periodic solid has none).

    Returns:
        The motions; 3 for a body in the plane, 6 in space (5 for atoms on a line).

    Raises:
        ValueError: shapes do not fit.
    """
    x, masses = jnp.asarray(x), jnp.asarray(masses)
    _checks.check_shape(x, "x", (None, None))
    _checks.check_shape(masses, "masses", (x.shape[0],))
    return _rigid_motions(x, masses, rotations)


@jax.jit(static_argnames="rotations")
def _rigid_motions(x: Array, masses: Array, rotations: bool) -> RigidMotions:
    size, d = x.shape
    roots = jnp.sqrt(masses)[:, None]
    centre = jnp.sum(masses[:, None] * x, axis=0) / jnp.sum(masses)
    away = x - centre[None, :]
    # in units of the body's size, so that turns compare with shifts
    extent = jnp.sqrt(jnp.mean(jnp.sum(away**2, axis=1)))
    away = away / divisor(extent)
    columns = [jnp.zeros((size, d), x.dtype).at[:, a].set(1) for a in range(d)]
    if rotations:
        for a in range(d):
            for b in range(a + 1, d):
                turn = jnp.zeros((size, d), x.dtype)
                turn = turn.at[:, a].set(-away[:, b]).at[:, b].set(away[:, a])
                columns.append(turn)
    matrix = jnp.stack([jnp.reshape(roots * c, (-1,)) for c in columns], axis=1)
    square, mix = jnp.linalg.eigh(matrix.T @ matrix)
    # of squared lengths, whose rounding is larger in single precision
    least = max(_RANK**2, 100 * float(jnp.finfo(square.dtype).eps))
    independent = square > least * square[-1]
    lengths = jnp.sqrt(divisor(square, independent))
    vectors = jnp.where(independent[None, :], (matrix @ mix) / lengths[None, :], 0)
    return RigidMotions(vectors, independent)


def rigid_motions_of(body: Solid, x: Float[ArrayLike, "N d"]) -> RigidMotions:
    """The rigid motions that cost a solid no energy at `x`.

    These are all of them for an open solid, only translations in a box, and none with
    anchors.

    Args:
        body: the solid.
        x: positions, shape (N, d).

    Returns:
        The motions, with no columns where there are anchors.
    """
    x = jnp.asarray(x)
    if body.anchors is not None:
        nothing = jnp.zeros((x.size, 0), x.dtype)
        return RigidMotions(nothing, jnp.zeros(0, bool))
    return rigid_motions(x, body.masses, rotations=body.box is None)


@gated
def rigid_count(body: Solid, x: Float[ArrayLike, "N d"]) -> int:
    """Number of zero-frequency modes of a solid at an equilibrium x (concrete x).

    There are d translations and d(d - 1)/2 rotations, less those within the directions
    in which the atoms have no extent.

    Args:
        body: the solid.
        x: positions at rest, shape (N, d).

    Raises:
        ValueError: positions of a wrong shape, not finite, or overlapping.
    """
    body.check_positions(x)
    x = np.asarray(x)
    d = x.shape[1]
    if body.anchors is not None:
        return 0
    if body.box is not None:
        return d
    away = x - x.mean(axis=0, keepdims=True)
    flat = d - int(np.linalg.matrix_rank(away, tol=_RANK * np.linalg.norm(away)))
    return d + d * (d - 1) // 2 - flat * (flat - 1) // 2
