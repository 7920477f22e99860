"""Neighbour lists, which are valid until an atom has moved by half the skin."""

import math
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from ... import _checks
from ..._gate import gated
from ...constants import constant
from .cells import Cells
from .pair_potentials import PairPotential


class Neighbours(NamedTuple):
    """The neighbours of each atom.

    Attributes:
        partners: atoms that may come within reach of each atom, N where there is none,
            (capacity, N).
        at: positions of the atoms when the list was made, (N, d).
        overflow: whether this list, or an earlier one of the run, had too few places.
    """

    partners: Int[Array, "K N"]
    at: Float[Array, "N d"]
    overflow: Bool[Array, ""]


class NeighbourList(eqx.Module):
    """How to find neighbours: all atoms within the reach plus a skin.

    Such a list is valid until an atom has moved by half of the skin. It has no
    derivatives itself; those of the forces are over the pairs that are in it.

    Attributes:
        skin: how far beyond the reach of the potential the list goes, scalar.
        capacity: most partners of an atom (static).
        cells: the cells that lists are made with; None to search all pairs.
    """

    skin: Float[Array, ""]
    capacity: int = eqx.field(static=True)
    cells: Cells | None = None

    def __init__(self, skin: ArrayLike, capacity: int, cells: Cells | None = None):
        self.skin = constant(skin, "skin")
        _checks.check_positive(self.skin, "skin", ())
        _checks.check_positive_integer(capacity, "capacity")
        self.capacity, self.cells = capacity, cells

    def check(self, potential: PairPotential, box: Array | None) -> None:
        """Refuse a potential or a box that this list does not suit.

        Raises:
            ValueError: a potential of infinite range, or whose constants differ from
                pair to pair; cells without a box, or smaller than reach and skin.
        """
        if potential.reach is None:
            raise ValueError(
                "Argument `neighbours` must be None without a potential that ends, "
                "but is given."
            )
        one = jax.ShapeDtypeStruct((1, 1), self.skin.dtype)
        if jax.eval_shape(potential, one).shape != (1, 1):
            raise ValueError(
                "Argument `potential` must have the same constants for all pairs with "
                "`neighbours`, but has not."
            )
        if self.cells is None:
            return
        if box is None:
            raise ValueError(
                "Argument `neighbours` must have no `cells` without a `box`, but has."
            )
        _checks.check_shape(box, "box", (len(self.cells.counts),))
        sides, least = self.cells.sides(box), potential.reach + self.skin
        if _checks.is_concrete((sides, least)) and bool(jnp.any(sides < least)):
            raise ValueError(
                "Argument `neighbours` must have cells no smaller than reach and skin, "
                f"{least}, but their sides are {np.asarray(sides)}."
            )

    def make(
        self, x: Float[Array, "N d"], reach: Array, box: Float[Array, " d"] | None
    ) -> Neighbours:
        """The list for these positions."""
        return _make(*jax.lax.stop_gradient((self, x, reach, box)))

    def renewed(
        self, near: Neighbours, x: Array, reach: Array, box: Array | None
    ) -> Neighbours:
        """The list itself or, where an atom has moved by half the skin, a new one.

        In a batch, a new list is made only for the members that need one.
        """
        given = jax.lax.stop_gradient((self, near, x, reach, box))
        lanes = _renew_lanes(*jax.tree.map(lambda leaf: leaf[None], given))
        return jax.tree.map(lambda leaf: leaf[0], lanes)


@gated
def neighbours_for(
    x: Float[Array, "N d"],
    box: Float[Array, " d"] | None,
    reach: ArrayLike,
    *,
    skin: float | None = None,
    room: float = 1.6,
) -> NeighbourList:
    """A neighbour list for these positions, with room for later crowding.

    Args:
        x: typical positions, (N, d); their values are read.
        box: periods, (d,), or None for an open solid.
        reach: range of the potential.
        skin: how far beyond the reach the list extends; 0.16 reach by default. A list
            with a wide skin is renewed less often, but holds more pairs out of reach.
        room: ratio of the capacities to the present largest numbers of partners of an
            atom, and of atoms in a cell.

    Returns:
        The `neighbours` argument of `Solid`. It uses cells where the box holds three or
        more along each axis, and searches all pairs elsewhere.

    Raises:
        ValueError: a reach or skin that is not positive, positions that are not finite.
    """
    _checks.check_positive(reach, "reach", ())
    _checks.check_finite(x, "x", (None, None))
    x, reach = jnp.asarray(x), jnp.asarray(reach)
    if box is not None:
        _checks.check_positive(box, "box", (x.shape[1],))
    if not 1 <= room < math.inf:
        raise ValueError(f"Argument `room` must be 1 or more, but is {room}.")
    width = constant(0.16 * reach if skin is None else skin, "skin")
    _checks.check_positive(width, "skin")
    cells = None
    if box is not None:
        box = jnp.asarray(box)
        counts = tuple(int(n) for n in np.floor(np.asarray(box / (reach + width))))
        if min(counts) >= 3:
            crowd = np.asarray(_crowd(Cells(counts, 1), x, box))
            cells = Cells(counts, math.ceil(room * crowd.max()))
    trial = NeighbourList(width, len(x), cells)
    most = int(jnp.max(_partners(trial, x, reach, box)[1]))
    return NeighbourList(width, math.ceil(room * most) + 4, cells)


def _crowd(cells: Cells, x: Array, box: Array) -> Int[Array, " C"]:
    """Number of atoms in each cell."""
    return jnp.bincount(cells.table(x, box).cell, length=math.prod(cells.counts))


# -- making a list ----------------------------------------------------------------


def _partners(
    how: NeighbourList, x: Array, reach: Array, box: Array | None
) -> tuple[Array, Array, Array, Array]:
    """Candidates (M, N), how many of each column are near up to each row, which are,
    and whether cells were too small for reach and skin or for their atoms."""
    far, size = reach + how.skin, len(x)
    if how.cells is None or box is None:
        others = jnp.broadcast_to(jnp.arange(size)[:, None], (size, size))
        lost = jnp.asarray(False)
    else:
        table = how.cells.table(x, box)
        others = how.cells.around(table)
        lost = table.overflow | jnp.any(how.cells.sides(box) < far)
    square = _square(separations(x, others, box))
    near = (square <= far**2) & (others < size) & (others != jnp.arange(size)[None])
    return others, jnp.cumsum(near, axis=0), near, lost


@jax.jit
def _make(how: NeighbourList, x: Array, reach: Array, box: Array | None) -> Neighbours:
    others, rank, near, lost = _partners(how, x, reach, box)
    size = len(x)
    empty = jnp.full((how.capacity, size), size, jnp.int32)
    place = jnp.where(near, rank - 1, how.capacity)
    partners = empty.at[place, jnp.arange(size)[None]].set(
        others.astype(jnp.int32), mode="drop"
    )
    return Neighbours(partners, x, lost | jnp.any(rank[-1] > how.capacity))


def separations(
    x: Float[Array, "N d"], partners: Int[Array, "K N"], box: Array | None
) -> list[Float[Array, "K N"]]:
    """x_j - x_i (nearest images), one array per axis: some times faster than points."""
    apart = []
    for axis in range(x.shape[1]):
        mine = x[:, axis]
        # callers leave out places without a partner
        along = jnp.concatenate([mine, jnp.zeros_like(mine[:1])])[partners]
        along = along - mine[None]
        if box is not None:
            along = along - box[axis] * jnp.round(along / box[axis])
        apart.append(along)
    return apart


def _square(apart: list[Array]) -> Array:
    return sum((along**2 for along in apart[1:]), apart[0] ** 2)


def distances(apart: list[Array], partners: Array, reach: Array) -> Array:
    """Lengths of the separations; beyond the reach at places without a partner."""
    there = partners < partners.shape[1]
    return jnp.sqrt(jnp.where(there, _square(apart), 4 * reach**2))


# -- keeping it -------------------------------------------------------------------


@custom_vmap
def _renew_lanes(
    how: NeighbourList, near: Neighbours, x: Array, reach: Array, box: Array | None
) -> Neighbours:
    """Lists of members of a batch, each new where its atoms have moved by half a skin.

    All arrays have the batch as their first axis. Under `vmap` a `cond` would go both
    ways for all members at each step: here one asks whether any needs a new list.
    """
    moved = jnp.sum((x - near.at) ** 2, axis=-1)
    late = jnp.max(moved, axis=-1) > (how.skin / 2) ** 2

    def renew(lane: Any) -> Neighbours:
        late, how, near, x, reach, box = lane

        def make() -> Neighbours:
            made = _make(how, x, reach, box)
            return made._replace(overflow=made.overflow | near.overflow)

        return jax.lax.cond(late, make, lambda: near)

    lanes = (late, how, near, x, reach, box)
    some = partial(jax.lax.map, renew, lanes)
    return jax.lax.cond(jnp.any(late), some, lambda: near)


@_renew_lanes.def_vmap
def _renew_batches(axis_size: int, batched: Any, *given: Any) -> Any:
    """A batch of batches is one longer batch."""

    def joined(leaf: Array, has: bool) -> Array:
        leaf = leaf if has else jnp.broadcast_to(leaf[None], (axis_size, *leaf.shape))
        return jnp.reshape(leaf, (-1, *leaf.shape[2:]))

    result = _renew_lanes(*jax.tree.map(joined, given, tuple(batched)))
    apart = jax.tree.map(
        lambda leaf: jnp.reshape(leaf, (axis_size, -1, *leaf.shape[1:])), result
    )
    return apart, jax.tree.map(lambda leaf: True, apart)
