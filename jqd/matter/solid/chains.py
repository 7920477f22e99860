"""Chains of atoms in one dimension."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._gate import gated
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
    if jnp.ndim(mass):
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
        shape = jnp.shape(getattr(potential, name))
        if name != "function" and shape not in ((), (count,)):
            raise ValueError(
                f"Argument `potential` must hold one `{name}` for all bonds or one for "
                f"each of {count}, but its shape is {shape}."
            )
    return jnp.broadcast_to(potential.rest, (count,))
