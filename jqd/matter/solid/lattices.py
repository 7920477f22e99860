"""Positions of atoms in blocks of perfect crystals.

Atoms are listed row by row: the last index of the shape runs fastest. `spacing` is the
distance of nearest neighbours everywhere.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...laws.constants import constant


def icosahedron(spacing: ArrayLike = 1.0) -> Float[Array, "13 3"]:
    """The centre, then 12 corners of an icosahedron about it.

    Corners are `spacing` from the centre, and 1.0515 spacing from their neighbours.

    Args:
        spacing: distance from the centre to a corner.

    Returns:
        Positions, shape (13, 3).

    Raises:
        ValueError: spacing not positive.
    """
    golden = (1 + 5**0.5) / 2
    corners = [
        np.roll((0.0, one, two), turn)
        for turn in range(3)
        for one in (-1.0, 1.0)
        for two in (-golden, golden)
    ]
    corners = np.asarray(corners) / np.hypot(1, golden)
    return _scaled(np.concatenate([np.zeros((1, 3)), corners]), spacing)


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
        ValueError: no pair of positive integers, or spacing not positive.
    """
    rows, columns = _indices(shape, 2)
    sites = np.stack([columns + 0.5 * (rows % 2), rows * np.sqrt(0.75)], axis=1)
    return _scaled(sites, spacing)


def hexagon(shells: int, spacing: ArrayLike = 1.0) -> Float[Array, "N 2"]:
    """A hexagon of the triangular lattice: a centre and `shells` rings about it.

    Args:
        shells: number of rings, 0 for one atom.
        spacing: distance of neighbours.

    Returns:
        Positions, shape (1 + 3 shells (shells + 1), 2), by rows from below, each from
        left to right.

    Raises:
        ValueError: shells no whole number from 0 on, or spacing not positive.
    """
    if isinstance(shells, bool) or not isinstance(shells, int) or shells < 0:
        raise ValueError(
            f"Argument `shells` must be a whole number from 0 on, but is {shells!r}."
        )
    steps = np.arange(-shells, shells + 1)
    up, along = (a.ravel() for a in np.meshgrid(steps, steps, indexing="ij"))
    inside = np.abs(up + along) <= shells
    up, along = up[inside], along[inside]
    return _scaled(np.stack([along + 0.5 * up, up * np.sqrt(0.75)], axis=1), spacing)


def square(shape: Sequence[int], spacing: ArrayLike = 1.0) -> Float[Array, "N 2"]:
    """A rectangle of the square lattice: (rows, atoms in a row), as `triangular`."""
    rows, columns = _indices(shape, 2)
    return _scaled(np.stack([columns, rows], axis=1), spacing)


def simple_cubic(shape: Sequence[int], spacing: ArrayLike = 1.0) -> Float[Array, "N 3"]:
    """A box of the simple cubic lattice.

    Args:
        shape: atoms along x, y and z.
        spacing: distance of neighbours.

    Returns:
        Positions, shape (N, 3), z fastest.

    Raises:
        ValueError: no three positive integers, or spacing not positive.
    """
    return _scaled(np.stack(_indices(shape, 3), axis=1), spacing)


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
        ValueError: no three positive integers, or spacing not positive.
    """
    basis = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    return _scaled(_cells(shape, basis, np.full(3, 2**0.5)), spacing)


def hexagonal_close_packed(
    shape: Sequence[int], spacing: ArrayLike = 1.0
) -> Float[Array, "N 3"]:
    """A box of the hexagonal close-packed lattice, in cells of 4 atoms.

    Cells are 1 × √3 × √(8/3) spacings: two layers, two atoms of each.

    Args:
        shape: cells along x, y and z.
        spacing: distance of neighbours.

    Returns:
        Positions, shape (4 cells, 3): cell by cell, z fastest, the lower layer first.

    Raises:
        ValueError: no three positive integers, or spacing not positive.
    """
    basis = [(0, 0, 0), (0.5, 0.5, 0), (0.5, 5 / 6, 0.5), (0, 1 / 3, 0.5)]
    edges = np.sqrt([1.0, 3.0, 8 / 3])
    return _scaled(_cells(shape, basis, edges), spacing)


def _indices(shape: Sequence[int], axes: int) -> list[np.ndarray]:
    shape = tuple(shape)
    if len(shape) != axes or not all(
        isinstance(n, int | np.integer) and n > 0 for n in shape
    ):
        raise ValueError(
            f"Argument `shape` must be {axes} positive integers, but is {shape}."
        )
    grids = np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij")
    return [grid.ravel() for grid in grids]


def _cells(shape: Sequence[int], basis: list, edges: np.ndarray) -> np.ndarray:
    corners = np.stack(_indices(shape, 3), axis=1)
    sites = corners[:, None, :] + np.asarray(basis, float)[None, :, :]
    return np.reshape(sites, (-1, 3)) * edges[None, :]


def _scaled(sites: np.ndarray, spacing: ArrayLike) -> Array:
    _checks.check_shape(spacing, "spacing", ())
    _checks.check_positive(spacing, "spacing")
    spacing = constant(spacing, "spacing")
    return spacing * jnp.asarray(sites, spacing.dtype)
