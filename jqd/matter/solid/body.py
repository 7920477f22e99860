"""Atoms that interact in pairs: energy, forces, stiffness."""

from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import divisor, safe_sqrt
from ...constants import constant, fixed, parts
from .bonds import Bonds, make_bonds
from .neighbours import NeighbourList, Neighbours, distances, separations
from .pair_potentials import PairPotential


class Solid(eqx.Module):
    """N atoms in d dimensions: V(x) = sum over pairs of u(|x_j - x_i|).

    The pairs are a list of bonds, or all pairs (of nearest images, in a box), or, with
    `neighbours`, the pairs within reach. In one dimension bonds have a direction,
    r = x_j - x_i with its sign, so that the atoms of a chain may pass each other.

    Attributes:
        masses: shape (N,).
        potential: u(r), a `PairPotential`.
        sites: rest positions, shape (N, d), or None.
        anchors: fixed positions, which bonds index from N on, shape (A, d), or None.
        box: periods, shape (d,), or None for an open solid.
        bonds: the pairs, or None for all of them.
        neighbours: how pairs within reach are found, or None.
    """

    masses: Float[Array, " N"]
    neighbours: NeighbourList | None = fixed()
    bonds: Bonds | None = fixed()
    potential: PairPotential = parts()
    sites: Float[Array, "N d"] | None = fixed()
    anchors: Float[Array, "A d"] | None = fixed()
    box: Float[Array, " d"] | None = fixed()

    def __init__(
        self,
        masses: ArrayLike,
        potential: PairPotential,
        *,
        bonds: Any = None,
        shifts: Any = None,
        anchors: ArrayLike | None = None,
        box: ArrayLike | None = None,
        sites: ArrayLike | None = None,
        neighbours: NeighbourList | None = None,
    ):
        """A solid of N atoms.

        Args:
            masses: shape (N,), positive.
            potential: pair energy.
            bonds: pairs (i, j), integers (B, 2), or None for all pairs.
            shifts: periods to add to x_j - x_i of each bond, (B, d); None for those of
                the nearest image, in a box.
            anchors: fixed positions, (A, d); only bonds reach them.
            box: periods, (d,), or None.
            sites: rest positions, (N, d), or None.
            neighbours: for many atoms with a potential that ends, instead of `bonds`;
                see `neighbours_for`.

        Raises:
            ValueError: masses not positive, wrong shapes, bonds to atoms that are not
                there, a box shorter than twice the reach, or `neighbours` that cannot
                serve the potential.
        """
        self.masses = constant(masses, "masses")
        _checks.check_positive(self.masses, "masses", (None,))
        size = self.masses.shape[0]
        if not isinstance(potential, PairPotential):
            raise ValueError(
                "Argument `potential` must be a PairPotential, but is "
                f"{potential!r}; wrap a function in PairFunction."
            )
        self.potential = potential
        self.sites = None if sites is None else constant(sites, "sites")
        if self.sites is not None:
            _checks.check_finite(self.sites, "sites", (size, None))
        self.anchors = None if anchors is None else constant(anchors, "anchors")
        if self.anchors is not None:
            _checks.check_shape(self.anchors, "anchors", (None, None))
        self.box = None if box is None else constant(box, "box")
        if self.box is not None:
            _checks.check_positive(self.box, "box", (None,))
        fixed = 0 if self.anchors is None else self.anchors.shape[0]
        self.bonds = None if bonds is None else make_bonds(bonds, size, fixed, shifts)
        self.neighbours = neighbours
        self._check_pairs()

    def _check_pairs(self) -> None:
        if self.bonds is not None and self.neighbours is not None:
            raise ValueError(
                "Argument `neighbours` must be None with `bonds`, but is not."
            )
        if self.bonds is None and self.anchors is not None:
            raise ValueError("Argument `bonds` must name the anchors, but is None.")
        reach = self.potential.reach
        if self.neighbours is not None:
            self.neighbours.check(self.potential, self.box)
        if self.bonds is None and self.box is not None and reach is not None:
            _checks.check_positive(self.box - 2 * reach, "box - 2 reach")

    @property
    def size(self) -> int:
        """Number of atoms."""
        return self.masses.shape[0]

    def check_positions(self, x: ArrayLike, name: str = "x") -> None:
        """Check that positions have the right shape, are finite, and no atoms overlap.

        Raises:
            ValueError: positions that fail; names overlapping atoms and their distance
                (where values are known).
        """
        _checks.check_finite(x, name, (self.size, None))
        if not _checks.is_concrete((x, self)) or self.neighbours is not None:
            return
        x = jnp.asarray(x)
        if x.shape[1] == 1 and self.bonds is not None:
            return
        r = np.asarray(self.distances(x))
        core = np.broadcast_to(np.asarray(self.potential.core), r.shape)
        close = np.argwhere(r <= core)
        if len(close):
            first = tuple(close[0])
            pair = first if self.bonds is None else self.bonds.pairs[first[0]]
            raise ValueError(
                f"Argument `{name}` must not hold overlapping atoms, but atoms "
                f"{int(pair[0])} and {int(pair[1])} are {r[first]:.3g} apart."
            )

    # -- pairs ------------------------------------------------------------------

    def separations(self, x: Float[Array, "N d"]) -> Array:
        """x_j - x_i of bonds, (B, d), or of all pairs (nearest images), (N, N, d)."""
        if self.bonds is not None:
            fixed = [] if self.anchors is None else [self.anchors.astype(x.dtype)]
            return self.bonds.separations(jnp.concatenate([x, *fixed]), self.box)
        apart = x[None, :, :] - x[:, None, :]
        if self.box is None:
            return apart
        box = self.box[None, None, :]
        return apart - box * jnp.round(apart / box)

    def distances(self, x: Float[Array, "N d"]) -> Array:
        """|x_j - x_i| of bonds, (B,), with its sign in one dimension; or of all pairs,
        (N, N), infinite on the diagonal."""
        return self._lengths(self.separations(x))

    def _lengths(self, apart: Array) -> Array:
        if self.bonds is not None and apart.shape[-1] == 1:
            return apart[..., 0]
        square = jnp.sum(apart**2, axis=-1)
        if self.bonds is None:
            itself = jnp.eye(square.shape[0], dtype=bool)
            return jnp.where(itself, jnp.inf, jnp.sqrt(divisor(square, ~itself)))
        return safe_sqrt(square)

    def _known(self, r: Array) -> tuple[Array, Array]:
        """Distances with the diagonal put at rest, and which entries are pairs."""
        pair = jnp.isfinite(r)
        return jnp.where(pair, r, jnp.max(self.potential.rest)), pair

    # -- energy and its derivatives -----------------------------------------------

    def pair_energies(self, x: Float[Array, "N d"]) -> Array:
        """u of each bond, (B,), or of all pairs, (N, N) with each pair twice."""
        r, pair = self._known(self.distances(x))
        return jnp.where(pair, self.potential(r), 0)

    def energy(
        self, x: Float[Array, "N d"], near: Neighbours | None = None
    ) -> Float[Array, ""]:
        """Potential energy V; `near` as in `forces`."""
        if self.neighbours is not None:
            r, _ = self._within_reach(x, near)
            return jnp.sum(self.potential(r)) / 2
        share = 1 if self.bonds is not None else 2
        return jnp.sum(self.pair_energies(x)) / share

    def forces(
        self, x: Float[Array, "N d"], near: Neighbours | None = None
    ) -> Float[Array, "N d"]:
        """-dV/dx.

        Args:
            x: positions.
            near: a neighbour list that is valid for x, from `listed`, for a solid with
                `neighbours`. None makes one, which takes ten times as long.
        """
        if self.neighbours is not None:
            r, apart = self._within_reach(x, near)
            pull = self.potential.slope(r) * (1 / r)
            return jnp.stack([jnp.sum(pull * along, axis=0) for along in apart], 1)
        if self.bonds is None:
            return self._all_forces(x)
        apart = self.separations(x)
        r = self._lengths(apart)
        slope = self.potential.slope(r)
        if apart.shape[-1] == 1:
            return self.bonds.gather(slope[:, None])
        pull = slope / divisor(r)
        return self.bonds.gather(pull[:, None] * apart)

    def listed(
        self, x: Float[Array, "N d"], near: Neighbours | None = None
    ) -> Neighbours | None:
        """The neighbour list for these positions; None without `neighbours`.

        Args:
            x: positions.
            near: an earlier list, which is kept as long as it is valid.
        """
        if self.neighbours is None:
            return None
        where = self._reach, self.box
        if near is None:
            return self.neighbours.make(x, *where)
        return self.neighbours.renewed(near, x, *where)

    @property
    def _reach(self) -> Array:
        return cast(Array, self.potential.reach)  # `neighbours` asks for one

    def _within_reach(
        self, x: Array, near: Neighbours | None
    ) -> tuple[Array, list[Array]]:
        """Distances (K, N), beyond the reach where nobody is, and x_j - x_i by axes."""
        if near is None:
            near = cast(Neighbours, self.listed(x))
        apart = separations(x, near.partners, self.box)
        return distances(apart, near.partners, self._reach), apart

    def _all_forces(self, x: Float[Array, "N d"]) -> Float[Array, "N d"]:
        """Forces of all pairs, one matrix an axis: several times faster than points."""
        apart = x.T[:, None, :] - x.T[:, :, None]
        if self.box is not None:
            box = self.box[:, None, None]
            apart = apart - box * jnp.round(apart / box)
        itself = jnp.eye(x.shape[0], dtype=bool)
        r = jnp.sqrt(jnp.where(itself, 1, jnp.sum(apart**2, axis=0)))
        r = jnp.where(itself, jnp.max(self.potential.rest), r)
        pull = jnp.where(itself, 0, self.potential.slope(r) / r)
        return jnp.einsum("ij,kij->ik", pull, apart)

    def kinetic_energy(self, v: Float[Array, "N d"]) -> Float[Array, ""]:
        """Σ m v²/2."""
        return jnp.sum(self.masses[:, None] * v**2) / 2

    def stiffness(self, x: Float[Array, "N d"]) -> Array:
        """Second derivative of each pair's energy along x_j - x_i.

        u'' n nᵀ + (u'/r) (1 - n nᵀ), where n is the unit vector from i to j.

        Returns:
            Shape (B, d, d) for bonds, (N, N, d, d) for all pairs (0 on the diagonal).
        """
        apart = self.separations(x)
        r, pair = self._known(self._lengths(apart))
        curvature = jnp.where(pair, self.potential.curvature(r), 0)
        if self.bonds is not None and apart.shape[-1] == 1:
            return curvature[..., None, None]
        safe = divisor(r)
        across = jnp.where(pair, self.potential.slope(r), 0) / safe
        n = apart / safe[..., None]
        along = n[..., :, None] * n[..., None, :]
        unit = jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), along.shape)
        return (
            curvature[..., None, None] * along
            + across[..., None, None] * (unit - along)
        )  # fmt: skip

    def hessian(self, x: Float[Array, "N d"]) -> Float[Array, "Nd Nd"]:
        """d²V/dx² from the pairs' stiffness, rows (atom, axis)."""
        if self.neighbours is not None:
            raise ValueError(
                "Argument `neighbours` must be None for a Hessian, but is given; build "
                "the solid with bonds or all pairs."
            )
        blocks = self.stiffness(x)
        size, d = x.shape
        if self.bonds is None:
            onto = jnp.sum(blocks, axis=1)
            diagonal = jnp.eye(size, dtype=x.dtype)[:, :, None, None]
            full = diagonal * onto[:, None] - blocks
        else:
            # anchors do not move: their rows are built and left out
            total = size + (0 if self.anchors is None else self.anchors.shape[0])
            i, j = self.bonds.pairs[:, 0], self.bonds.pairs[:, 1]
            full = jnp.zeros((total, total, d, d), x.dtype)
            full = full.at[i, i].add(blocks).at[j, j].add(blocks)
            full = full.at[i, j].add(-blocks).at[j, i].add(-blocks)
            full = full[:size, :size]
        return jnp.reshape(jnp.transpose(full, (0, 2, 1, 3)), (size * d, size * d))
