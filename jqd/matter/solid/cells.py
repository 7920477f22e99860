"""A table of cells that finds near atoms without a search of all pairs.

Atoms are sorted into cells no smaller than the reach. The atoms within reach of an
atom then lie in its own cell and the neighbouring ones.
"""

import itertools
import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int


class Table(NamedTuple):
    """The atoms of each cell, and the cell of each atom.

    Attributes:
        atoms: atoms in each cell, N where a slot is empty, (C, capacity).
        cell: cell of each atom, (N,).
        overflow: whether a cell holds more atoms than it has slots.
    """

    atoms: Int[Array, "C K"]
    cell: Int[Array, " N"]
    overflow: Bool[Array, ""]


class Cells(eqx.Module):
    """Cells that tile a periodic box.

    Attributes:
        counts: cells along each axis, at least 3 each (static).
        capacity: most atoms in a cell (static).
    """

    counts: tuple[int, ...] = eqx.field(static=True)
    capacity: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        if min(self.counts) < 3 or self.capacity < 1:
            raise ValueError(
                "Argument `counts` must be 3 or more along each axis, but is "
                f"{self.counts}."
            )

    def sides(self, box: Float[Array, " d"]) -> Float[Array, " d"]:
        """Lengths of a cell."""
        return box / jnp.asarray(self.counts, box.dtype)

    def table(self, x: Float[Array, "N d"], box: Float[Array, " d"]) -> Table:
        """Sort atoms into cells, and within a cell by their index."""
        counts = jnp.asarray(self.counts, jnp.int32)
        share = x / box[None, :]
        place = jnp.floor((share - jnp.floor(share)) * counts[None, :]).astype(int)
        # a share that rounds to 1 lies in the last cell
        place = jnp.clip(place, 0, counts[None, :] - 1)
        cell = jnp.ravel_multi_index(tuple(place.T), self.counts, mode="clip")
        order = jnp.argsort(cell)
        ranked = cell[order]
        slot = jnp.arange(len(cell)) - jnp.searchsorted(ranked, ranked)
        empty = jnp.full((math.prod(self.counts), self.capacity), len(cell), jnp.int32)
        atoms = empty.at[ranked, slot].set(order.astype(jnp.int32), mode="drop")
        return Table(atoms, cell, jnp.any(slot >= self.capacity))

    def around(self, table: Table) -> Int[Array, "M N"]:
        """Atoms in the 3^d cells at and around the cell of each atom, N for none."""
        near = table.atoms[jnp.asarray(self._neighbours())]
        return jnp.reshape(near, (len(near), -1))[table.cell].T

    def _neighbours(self) -> np.ndarray:
        """The 3^d cells around and at each cell, (C, 3^d)."""
        grid = np.indices(self.counts).reshape(len(self.counts), -1).T
        steps = np.array(list(itertools.product((-1, 0, 1), repeat=len(self.counts))))
        around = (grid[:, None] + steps[None]) % np.array(self.counts)
        axes = tuple(np.moveaxis(around, -1, 0))
        return np.asarray(np.ravel_multi_index(axes, self.counts))
