"""Positions of atoms in blocks of perfect crystals.

Atoms are listed row by row: the last index of the shape runs fastest. `spacing` is
always the distance of nearest neighbours.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from ...constants import constant


@gated
def triangular(shape: Sequence[int], spacing: ArrayLike = 1.0) -> Float[Array, "N 2"]:
    """A rectangle of the triangular lattice.

    Rows lie along x, one above the other; odd rows are shifted by half a spacing.

    Args:
        shape: (rows, atoms in a row).
        spacing: distance of neighbours.

    Returns:
        Positions, shape (rows × atoms in a row, 2), the lowest row first, each from
        left to right.

    Raises:
        ValueError: shape not a pair of positive integers, or spacing not positive.
    """
    rows, columns = _indices(shape, 2)
    sites = np.stack([columns + 0.5 * (rows % 2), rows * np.sqrt(0.75)], axis=1)
    return _scaled(sites, spacing)


@gated
def face_centred_cubic(
    shape: Sequence[int], spacing: ArrayLike = 1.0
) -> Float[Array, "N 3"]:
    """A box of cubic cells of 4 atoms each, of edge √2 spacing.

    Args:
        shape: cells along x, y and z.
        spacing: distance of neighbours.

    Returns:
        Positions, shape (4 cells, 3): cell by cell, z fastest, its corner first.

    Raises:
        ValueError: shape not three positive integers, or spacing not positive.
    """
    basis = np.array([(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])
    corners = np.stack(_indices(shape, 3), axis=1)
    sites = np.reshape(corners[:, None, :] + basis[None, :, :], (-1, 3))
    return _scaled(sites * 2**0.5, spacing)


def _indices(shape: Sequence[int], axes: int) -> list[np.ndarray]:
    if len(shape) != axes or min(shape) < 1:
        raise ValueError(
            f"Argument `shape` must be {axes} positive integers, but is {shape}."
        )
    grids = np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij")
    return [grid.ravel() for grid in grids]


def _scaled(sites: np.ndarray, spacing: ArrayLike) -> Array:
    _checks.check_positive(spacing, "spacing", ())
    spacing = constant(spacing, "spacing")
    return spacing * jnp.asarray(sites, spacing.dtype)
