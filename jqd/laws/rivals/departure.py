"""What laws share that hold Schrödinger's and add something to it."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from ...constants import parts
from ..law import Law
from ..motion import Resolution
from ..schrodinger import Schrodinger


class Departure(Law):
    """A law that moves ψ, or ρ, as `quantum` does but for what it adds.

    Attributes:
        quantum: Schrödinger's law, with H and ħ.
    """

    quantum: Schrodinger = parts()

    def yardstick(self) -> Schrodinger:
        """The law without what it adds."""
        return self.quantum

    def on(self, quantum: Schrodinger) -> Any:
        """The same law beside another H, of the same grid where there is one."""
        return eqx.tree_at(lambda law: law.quantum, self, quantum)


class DepartureOfKets(Departure):
    """A departure whose state is ψ, or has its density."""

    def prepare(self, psi: Any) -> Any:
        """ψ itself, checked and complex; see `Schrodinger.prepare`."""
        return self.quantum.prepare(psi)

    def density(self, state: Array) -> Float[Array, "..."]:
        """|ψ|²: per unit of volume on a grid, populations for a matrix."""
        return self.quantum.density(state)

    @property
    def cell(self) -> float:
        """The volume that one entry of |ψ|² stands for."""
        return self.quantum.cell

    def resolution(self, state: Array) -> Resolution | None:
        """As for `Schrodinger`."""
        return self.quantum.resolution(state)
