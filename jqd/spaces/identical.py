"""Particles by name: which axes of a grid belong to them, and which are identical."""

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Inexact

from .. import _checks
from .._math import abs2, divisor
from .grids import Grid
from .hamiltonians import OnGrid

KINDS = {"bosons": 1, "fermions": -1}


class Particles(eqx.Module):
    """Particles by name, each with its axes of the grid and its mass.

        pair = jqd.Particles(electron=(0, 1.0), muon=(1, 206.768))
        law = jqd.Schrodinger.on_grid(grid, V, mass=pair)

    Attributes:
        axes: axes of each particle, by its name (static).
        mass: mass of each particle, in the same order.
    """

    axes: tuple[tuple[str, tuple[int, ...]], ...] = eqx.field(static=True)
    mass: tuple[Array, ...]

    def __init__(self, **particles: tuple[int | Sequence[int], ArrayLike]):
        """Name the particles, and give each its axes and its mass.

        Args:
            **particles: (axis, mass), or (axes, mass) of a particle in several
                dimensions; an infinite mass has no kinetic energy.

        Raises:
            ValueError: no particle, no such pair, an axis that is none or belongs to
                two particles, or a mass that is not positive.
        """
        if not particles:
            raise ValueError("Argument `particles` must name a particle, but is empty.")
        owner: dict[int, str] = {}
        axes, masses = [], []
        for name, given in particles.items():
            if not isinstance(given, tuple) or len(given) != 2:
                raise ValueError(
                    f"Argument `{name}` must be a pair (axes, mass), but is "
                    f"{_checks.shown(given)}."
                )
            own, mass = given
            own = tuple(np.atleast_1d(np.asarray(own, object)).tolist())
            for axis in own:
                axis = _checks.whole_number(axis, name, 0)
                if axis in owner:
                    raise ValueError(
                        f"Argument `{name}` must have axes of its own, but axis {axis} "
                        f"is that of `{owner[axis]}`."
                    )
                owner[axis] = name
            _checks.check_shape(mass, name, ())
            _checks.check_real(mass, name)
            if _checks.is_concrete(mass) and not float(np.asarray(mass)) > 0:
                raise ValueError(
                    f"Argument `{name}` must have a positive mass, but has {mass}."
                )
            axes.append((name, own))
            masses.append(jnp.asarray(mass, jnp.result_type(float)))
        self.axes, self.mass = tuple(axes), tuple(masses)

    def masses(self, ndim: int) -> Float[Array, " d"]:
        """The mass along each axis of a grid with `ndim` axes.

        Raises:
            ValueError: an axis without a particle, or a particle on an axis that is not
                there.
        """
        found = {
            axis: mass
            for (_, own), mass in zip(self.axes, self.mass, strict=True)
            for axis in own
        }
        if sorted(found) != list(range(ndim)):
            raise ValueError(
                f"Argument `mass` must have a particle on each of {ndim} axes, but has "
                f"them on {sorted(found)}."
            )
        return jnp.stack([found[axis] for axis in range(ndim)])

    def identical(self, grid: Grid, *names: str, kind: str) -> "Exchange":
        """The states of some of the particles, which are identical.

        Args:
            grid: the grid of all particles.
            *names: names of two or more particles.
            kind: "bosons" or "fermions".

        Returns:
            The sector of states, even or odd under any exchange of two of them.

        Raises:
            ValueError: fewer than two names, unknown names, another kind, or particles
                whose masses, axes or points differ.
        """
        _checks.check_choice(kind, "kind", tuple(KINDS))
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError(
                "Argument `names` must be those of two or more particles, but is "
                f"{names}."
            )
        order = [name for name, _ in self.axes]
        for name in names:
            _checks.check_choice(name, "names", order)
        first, *others = [order.index(name) for name in names]
        sets = [self.axes[i][1] for i in (first, *others)]
        for i, own in zip(others, sets[1:], strict=True):
            self._check_alike(grid, first, i, sets[0], own)
        orders, signs = [], []
        for permutation in itertools.permutations(range(len(sets))):
            axes = list(range(grid.ndim))
            for to, source in enumerate(permutation):
                for a, b in zip(sets[to], sets[source], strict=True):
                    axes[a] = b
            orders.append(tuple(axes))
            signs.append(_parity(permutation) if KINDS[kind] < 0 else 1)
        return Exchange(tuple(orders), tuple(signs))

    def _check_alike(
        self, grid: Grid, first: int, other: int, mine: Any, others: Any
    ) -> None:
        one, two = self.axes[first][0], self.axes[other][0]
        masses = self.mass[first], self.mass[other]
        same = len(mine) == len(others) and all(
            (grid.bounds[a], grid.shape[a]) == (grid.bounds[b], grid.shape[b])
            for a, b in zip(mine, others, strict=False)
        )
        if not same:
            raise ValueError(
                f"Argument `names` must be identical particles, but the axes of "
                f"`{one}` and `{two}` have other bounds or points."
            )
        if _checks.is_concrete(masses) and float(masses[0]) != float(masses[1]):
            raise ValueError(
                f"Argument `names` must be identical particles, but the masses of "
                f"`{one}` and `{two}` are {float(masses[0]):.6g} and "
                f"{float(masses[1]):.6g}."
            )


class Exchange(eqx.Module):
    """States of identical particles: even (bosons) or odd (fermions) under exchanges.

    A symmetric Hamiltonian keeps a state in the sector; so do its splittings, up to
    rounding. Imaginary time does not, where a state of the other kind has a lower
    energy: see `jqd.ground_state`.

    Attributes:
        orders: orders of the axes, one for each permutation (static).
        signs: signs of the permutations (static).
    """

    orders: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    signs: tuple[int, ...] = eqx.field(static=True)

    def project(self, psi: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
        """Pψ, the mean over all permutations with their signs, not normalised."""
        turned = (
            sign * jnp.transpose(psi, order)
            for order, sign in zip(self.orders, self.signs, strict=True)
        )
        return sum(turned, jnp.zeros_like(psi)) / len(self.signs)

    def share(self, psi: Inexact[Array, "..."]) -> Float[Array, ""]:
        """|Pψ|²/|ψ|²: 1 for a state in the sector, 0 for a state orthogonal to it."""
        part = self.project(psi)
        whole = jnp.sum(abs2(psi))
        kept = jnp.sum(abs2(part))
        return kept / divisor(whole)

    def check(self, H: OnGrid) -> None:
        """Refuse a Hamiltonian that distinguishes the particles.

        Raises:
            ValueError: masses, or V at t = 0, change under an exchange.
        """
        V = H.potential(H.grid, 0.0)
        masses = jnp.stack(H.masses)
        if not _checks.is_concrete((V, masses)):
            return
        values, m = _checks.concrete(V), _checks.concrete(masses)
        scale = np.max(np.abs(values), initial=0.0)
        for order in self.orders:
            gap = np.max(np.abs(np.transpose(values, order) - values), initial=0.0)
            if gap > 1e-9 * scale or not np.array_equal(m[list(order)], m):
                raise ValueError(
                    "Argument `symmetry` must be one of the Hamiltonian, but an "
                    f"exchange changes V by {gap:.3g} or the masses {m.tolist()}."
                )


def _parity(permutation: tuple[int, ...]) -> int:
    """1 for an even permutation, -1 for an odd one."""
    swaps = sum(a > b for a, b in itertools.combinations(permutation, 2))
    return -1 if swaps % 2 else 1
