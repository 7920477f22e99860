"""Neighbours, and the widths of the bonds between them.

Bond widths show whether cores stay localised: a slow rotation of the whole body widens
the distribution of every atom in the lab frame, but that of no bond.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from ...constants import constant


@gated
def neighbour_pairs(
    x: ArrayLike, reach: float, *, box: ArrayLike | None = None
) -> np.ndarray:
    """Pairs of atoms no further apart than `reach`, from concrete positions.

    Args:
        x: positions, shape (N, d).
        reach: largest distance, positive.
        box: periods, shape (d,), or None.

    Returns:
        Pairs (i, j), i < j, in lexical order, integers (B, 2).

    Raises:
        ValueError: wrong shape, or reach not positive.
    """
    x = np.asarray(x)
    _checks.check_shape(x, "x", (None, None))
    _checks.check_positive(reach, "reach")
    apart = x[None, :, :] - x[:, None, :]
    if box is not None:
        _checks.check_positive(box, "box", (x.shape[1],))
        box = np.asarray(box)
        apart = apart - box * np.round(apart / box)
    near = np.triu(np.sum(apart**2, axis=-1) <= reach**2, k=1)
    return np.argwhere(near)


@gated
def bond_variances(
    covariance: Float[ArrayLike, "n n"],
    x: Float[ArrayLike, "N d"],
    pairs: ArrayLike,
    *,
    box: ArrayLike | None = None,
) -> Float[Array, " B"]:
    """Variance of the length of each bond, for small displacements of covariance C.

    <(n·(u_j - u_i))²>, where n is the unit vector from i to j at rest.

    Args:
        covariance: <u u>, shape (N d, N d), rows (atom, axis).
        x: positions at rest, shape (N, d).
        pairs: bonds (i, j), integers (B, 2).
        box: periods, (d,), or None.

    Returns:
        Shape (B,), unit of length².

    Raises:
        ValueError: shapes do not fit.
    """
    x, covariance, pairs = (
        constant(x, "x"),
        constant(covariance, "covariance"),
        jnp.asarray(pairs),
    )
    _checks.check_shape(x, "x", (None, None))
    size, d = x.shape
    if box is not None:
        _checks.check_shape(box, "box", (d,))
    _checks.check_shape(covariance, "covariance", (size * d, size * d))
    _checks.check_shape(pairs, "pairs", (None, 2))
    return _bond_variances(covariance, x, pairs, box)


@jax.jit
def _bond_variances(
    covariance: Array, x: Array, pairs: Array, box: ArrayLike | None
) -> Array:
    size, d = x.shape
    apart = separations(x, pairs, box)
    normal = apart / jnp.sqrt(jnp.sum(apart**2, axis=-1, keepdims=True))
    blocks = jnp.reshape(covariance, (size, d, size, d)).transpose(0, 2, 1, 3)
    i, j = pairs[:, 0], pairs[:, 1]
    relative = blocks[i, i] + blocks[j, j] - blocks[i, j] - blocks[j, i]
    return jnp.einsum("ba,bac,bc->b", normal, relative, normal)


def separations(x: Array, pairs: Array, box: ArrayLike | None) -> Array:
    """x_j - x_i of pairs (B, 2), nearest images in a box; (..., B, d)."""
    apart = x[..., pairs[:, 1], :] - x[..., pairs[:, 0], :]
    if box is None:
        return apart
    period = jnp.reshape(jnp.asarray(box), (1,) * (apart.ndim - 1) + (-1,))
    return apart - period * jnp.round(apart / period)
