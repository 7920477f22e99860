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
from .body import Solid
from .pair_potentials import PairPotential

ENDS = ("free", "fixed", "periodic")


@gated
def chain(
    N: int,
    potential: PairPotential,
    *,
    ends: str = "free",
    mass: ArrayLike = 1.0,
) -> Solid:
    """N atoms in a row, each bonded to its neighbours.

    In a free chain, bond b joins atoms b and b + 1. Fixed ends are two walls, with
    N + 1 bonds from left to right. A periodic chain is a ring of N bonds.

    Args:
        N: number of atoms.
        potential: pair energy, with constants for all bonds alike or for each bond.
        ends: "free", "fixed" or "periodic".
        mass: of all atoms, or of each, shape (N,).

    Returns:
        The chain, with rest positions in `sites`, shape (N, 1).

    Raises:
        ValueError: fewer than two atoms (one with fixed ends; three in a ring), unknown
            ends, or constants that differ in number from the bonds.
    """
    _checks.check_choice(ends, "ends", ENDS)
    fewest = {"free": 2, "fixed": 1, "periodic": 3}[ends]
    if fewest > N:
        raise ValueError(
            f"Argument `N` must be at least {fewest} with {ends} ends, but is {N}."
        )
    _checks.check_positive(mass, "mass")
    if np.ndim(mass):
        _checks.check_shape(mass, "mass", (N,))
    masses = jnp.broadcast_to(jnp.asarray(mass), (N,))
    index = np.arange(N)
    count = {"free": N - 1, "fixed": N + 1, "periodic": N}[ends]
    gaps = _gaps(potential, count)
    # the first atom at 0, or one gap from the wall at 0
    ladder = jnp.concatenate([jnp.zeros(1, gaps.dtype), jnp.cumsum(gaps)])
    if ends == "fixed":
        pairs = np.stack([np.append(N, index), np.append(index, N + 1)], axis=1)
        walls = jnp.stack([ladder[0], ladder[-1]])[:, None]
        return Solid(
            masses, potential, bonds=pairs, anchors=walls, sites=ladder[1:-1, None]
        )
    if ends == "free":
        pairs = np.stack([index[:-1], index[1:]], axis=1)
        return Solid(masses, potential, bonds=pairs, sites=ladder[:, None])
    pairs = np.stack([index, (index + 1) % N], axis=1)
    shifts = np.where(index == N - 1, 1.0, 0.0)[:, None]
    return Solid(
        masses, potential, bonds=pairs, shifts=shifts, box=ladder[-1:],
        sites=ladder[:-1, None],
    )  # fmt: skip


def _gaps(potential: PairPotential, count: int) -> Array:
    """Rest length of each bond."""
    for name in potential.__dataclass_fields__:
        shape = np.shape(getattr(potential, name))
        if name != "function" and shape not in ((), (count,)):
            raise ValueError(
                f"Argument `potential` must hold one `{name}` for all bonds or one for "
                f"each of {count}, but its shape is {shape}."
            )
    return jnp.broadcast_to(potential.rest, (count,))


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
