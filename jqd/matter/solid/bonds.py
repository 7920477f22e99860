"""Bonds: the pairs of atoms that interact, and sums over the pairs of each atom.

Forces are gathered, never scattered: each atom reads the forces of its pairs from a
table that is built once. Sums then run in the same order on every device.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ... import _checks
from ..._math import roll
from ..._outside import plain


class Bonds(eqx.Module):
    """A fixed list of pairs.

    Attributes:
        pairs: atoms (i, j) of each bond, shape (B, 2); indices from N on are anchors.
        shifts: lattice vectors to add to x_j - x_i, in units of the box, (B, d), or
            None for the nearest image.
        incident: bonds of each atom, (N, K), B where there is none.
        signs: +1 where the atom is i, -1 where it is j, 0 for none, (N, K).
        order: "free", "fixed" or "periodic" for bonds in a row, which need no table,
            else "" (static).
    """

    pairs: Int[Array, "B 2"]
    shifts: Float[Array, "B d"] | None
    incident: Int[Array, "N K"]
    signs: Float[Array, "N K"]
    order: str = eqx.field(static=True, default="")

    def separations(self, x: Float[Array, "n d"], box: Array | None) -> Array:
        """x_j - x_i of each bond, shape (B, d); `x` with anchors at its end."""
        if self.order == "free":
            apart = x[1:] - x[:-1]
        elif self.order == "fixed":
            row = jnp.concatenate([x[-2:-1], x[:-2], x[-1:]])
            apart = row[1:] - row[:-1]
        elif self.order == "periodic":
            apart = roll(x, -1, axis=0) - x
        else:
            apart = x[self.pairs[:, 1]] - x[self.pairs[:, 0]]
        if box is None:
            return apart
        if self.shifts is None:
            return apart - box[None, :] * jnp.round(apart / box[None, :])
        return apart + self.shifts * box[None, :]

    def gather(self, forces: Float[Array, "B d"]) -> Float[Array, "N d"]:
        """Sum over the bonds of each atom, + where it is i and - where it is j."""
        if self.order == "fixed":
            return forces[1:] - forces[:-1]
        if self.order == "periodic":
            return forces - roll(forces, 1, axis=0)
        none = jnp.zeros_like(forces[:1])
        if self.order == "free":
            whole = jnp.concatenate([none, forces, none])
            return whole[1:] - whole[:-1]
        padded = jnp.concatenate([forces, none])
        return jnp.sum(self.signs[:, :, None] * padded[self.incident], axis=1)


def make_bonds(pairs: Any, atoms: int, anchors: int, shifts: Any = None) -> Bonds:
    """Bonds, with the table of the bonds that meet at each atom.

    Args:
        pairs: (i, j) of each bond, shape (B, 2), integers below atoms + anchors.
        atoms: number of atoms that move.
        anchors: number of fixed sites.
        shifts: lattice vectors, shape (B, d), or None for nearest images.

    Returns:
        The bonds.

    Raises:
        ValueError: wrong shape, an atom that does not exist or is bonded to itself.
    """
    pairs = np.asarray(plain(pairs, "bonds"))
    _checks.check_shape(pairs, "bonds", (None, 2))
    if not np.issubdtype(pairs.dtype, np.integer):
        raise ValueError(
            f"Argument `bonds` must hold integers, but its dtype is {pairs.dtype}."
        )
    if pairs.size and (pairs.min() < 0 or pairs.max() >= atoms + anchors):
        raise ValueError(
            f"Argument `bonds` must name atoms from 0 to {atoms + anchors - 1}, but "
            f"names {pairs.min() if pairs.min() < 0 else pairs.max()}."
        )
    if np.any(pairs[:, 0] == pairs[:, 1]):
        raise ValueError("Argument `bonds` must join different atoms, but does not.")
    incident, signs = _table(pairs, atoms)
    return Bonds(
        jnp.asarray(pairs),
        None if shifts is None else jnp.asarray(shifts, jnp.result_type(float)),
        jnp.asarray(incident),
        jnp.asarray(signs),
        _order(pairs, atoms, anchors),
    )


def _table(pairs: np.ndarray, atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Bonds and signs of each atom, (N, K) each; an atom's bonds in their order."""
    moving = np.flatnonzero(pairs.ravel() < atoms)
    # a stable sort keeps the order of the bonds in each atom
    ends = moving[np.argsort(pairs.ravel()[moving], kind="stable")]
    atom = pairs.ravel()[ends]
    meets = np.bincount(atom, minlength=atoms)
    place = np.arange(ends.size) - np.repeat(np.cumsum(meets) - meets, meets)
    shape = (atoms, meets.max(initial=0))
    incident, signs = np.full(shape, len(pairs)), np.zeros(shape)
    incident[atom, place], signs[atom, place] = ends // 2, 1 - 2 * (ends % 2)
    return incident, signs


def _order(pairs: np.ndarray, atoms: int, anchors: int) -> str:
    """How bonds follow each other in a row, or "" where they do not."""
    row = np.arange(atoms)
    walled = np.concatenate([[atoms], row, [atoms + 1]])
    known = {
        "free": (np.stack([row[:-1], row[1:]], 1), 0),
        "fixed": (np.stack([walled[:-1], walled[1:]], 1), 2),
        "periodic": (np.stack([row, np.roll(row, -1)], 1), 0),
    }
    for name, (expected, walls) in known.items():
        if anchors == walls and np.array_equal(pairs, expected):
            return name
    return ""
