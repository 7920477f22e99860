"""Pairs within reach of each other, found through a table of cells.

Atoms are sorted into cells no smaller than the reach; an atom then meets those of its
own and the neighbouring cells alone. The table is built anew for each force, so that
forces stay a function of the positions and nothing has to be carried along.
"""

import itertools
import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ... import _checks
from .pair_potentials import PairPotential


class Table(NamedTuple):
    """Who is where.

    Attributes:
        atoms: atoms in each cell, N where a slot is empty, (C, capacity).
        cell: cell of each atom, (N,).
        slot: its place in that cell, (N,).
    """

    atoms: Int[Array, "C K"]
    cell: Int[Array, " N"]
    slot: Int[Array, " N"]


class Cells(eqx.Module):
    """Cells that tile a periodic box.

    Attributes:
        counts: cells along each axis, at least 3 each (static).
        capacity: most atoms in a cell (static).
    """

    counts: tuple[int, ...] = eqx.field(static=True)
    capacity: int = eqx.field(static=True)

    def check(self, reach: Array | None, box: Array | None) -> None:
        """Raise where these cells cannot serve a potential in a box.

        Raises:
            ValueError: no box, no reach, or cells smaller than the reach.
        """
        if box is None or reach is None:
            raise ValueError(
                "Argument `cells` must be None without a `box` and a potential that "
                "ends, but is given."
            )
        _checks.check_shape(box, "box", (len(self.counts),))
        if min(self.counts) < 3 or self.capacity < 1:
            raise ValueError(
                "Argument `counts` must be 3 or more along each axis, but is "
                f"{self.counts}."
            )
        sides = box / jnp.asarray(self.counts, box.dtype)
        if _checks.is_concrete(sides) and bool(jnp.any(sides < reach)):
            raise ValueError(
                "Argument `counts` must leave cells no smaller than the reach "
                f"{reach}, but their sides are {np.asarray(sides)}."
            )

    def table(self, x: Float[Array, "N d"], box: Float[Array, " d"]) -> Table:
        """Sort atoms into cells."""
        counts = jnp.asarray(self.counts)
        share = x / box[None, :]
        place = jnp.floor((share - jnp.floor(share)) * counts[None, :]).astype(int)
        # a share that rounds to 1 lies in the last cell
        place = jnp.clip(place, 0, counts[None, :] - 1)
        cell = jnp.ravel_multi_index(tuple(place.T), self.counts, mode="clip")
        order = jnp.argsort(cell)
        ranked = cell[order]
        first = jnp.searchsorted(ranked, ranked)
        slot = jnp.zeros_like(cell).at[order].set(jnp.arange(len(cell)) - first)
        empty = jnp.full((math.prod(self.counts), self.capacity), len(cell))
        atoms = empty.at[cell, slot].set(jnp.arange(len(cell)), mode="drop")
        return Table(atoms, cell, slot)

    def overflows(
        self, x: Float[Array, "N d"], box: Float[Array, " d"]
    ) -> Bool[Array, ""]:
        """Whether a cell holds more atoms than it has slots."""
        return jnp.any(self.table(x, box).slot >= self.capacity)

    def forces(
        self, potential: PairPotential, x: Float[Array, "N d"], box: Array | None
    ) -> Float[Array, "N d"]:
        """Sum of u'(r) n over the pairs of each atom, (N, d)."""
        table, apart, r, pair = self._pairs(x, box)
        pull = jnp.where(pair, potential.slope(r) / r, 0)
        inside = jnp.sum(pull[None] * apart, axis=-1)
        return inside[:, table.cell, jnp.minimum(table.slot, self.capacity - 1)].T

    def energy(
        self, potential: PairPotential, x: Float[Array, "N d"], box: Array | None
    ) -> Float[Array, ""]:
        """Sum of u(r) over pairs."""
        _, _, r, pair = self._pairs(x, box)
        return jnp.sum(jnp.where(pair, potential(r), 0)) / 2

    def _pairs(self, x: Array, box: Array | None):
        """The table, x_j - x_i, its length and which are pairs: ([d,] C, K, 3^d K)."""
        assert box is not None  # `check` made sure
        table = self.table(x, box)
        # one array an axis: several times faster than points
        padded = jnp.concatenate([x.T, jnp.zeros_like(x.T[:, :1])], axis=1)
        here = padded[:, table.atoms]
        around = jnp.asarray(self._neighbours())
        cells, near = here.shape[1], around.shape[1] * self.capacity
        there = jnp.reshape(here[:, around], (x.shape[1], cells, near))
        others = jnp.reshape(table.atoms[around], (cells, near))
        apart = there[:, :, None] - here[:, :, :, None]
        lengths = box[:, None, None, None]
        apart = apart - lengths * jnp.round(apart / lengths)
        mine, size = table.atoms[:, :, None], len(x)
        pair = (mine != others[:, None]) & (mine < size) & (others[:, None] < size)
        square = jnp.where(pair, jnp.sum(apart**2, axis=0), 1)
        return table, apart, jnp.sqrt(square), pair

    def _neighbours(self) -> np.ndarray:
        """The 3^d cells around and at each cell, (C, 3^d)."""
        grid = np.indices(self.counts).reshape(len(self.counts), -1).T
        steps = np.array(list(itertools.product((-1, 0, 1), repeat=len(self.counts))))
        around = (grid[:, None] + steps[None]) % np.array(self.counts)
        axes = tuple(np.moveaxis(around, -1, 0))
        return np.asarray(np.ravel_multi_index(axes, self.counts))


def cells_for(
    x: Float[Array, "N d"], box: Float[Array, " d"], reach: float, room: float = 1.5
) -> Cells:
    """Cells for these positions, with room for later crowding.

    Args:
        x: typical positions, (N, d); their values are read.
        box: periods, (d,).
        reach: of the potential.
        room: capacity over the largest number of atoms in a cell now.

    Returns:
        The cells.
    """
    counts = tuple(int(n) for n in np.floor(np.asarray(box) / reach))
    trial = Cells(counts, 1)
    trial.check(jnp.asarray(reach), jnp.asarray(box))
    most = int(jnp.max(trial.table(jnp.asarray(x), jnp.asarray(box)).slot)) + 1
    return Cells(counts, math.ceil(room * most))
