"""What laws share that hold Schrödinger's and add something to it."""

from typing import Any

import equinox as eqx
from jaxtyping import Array

from ...constants import parts
from ..schrodinger import Schrodinger
from ..wrapped import Wrapped
from .quantum import read_quantum


class Departure(Wrapped):
    """A law that moves ψ, or ρ, as `quantum` does but for what it adds.

    Attributes:
        quantum: Schrödinger's law, with H and ħ.
    """

    quantum: Schrodinger = parts(read=read_quantum)

    @property
    def inner(self) -> Schrodinger:
        """The law without what it adds."""
        return self.quantum

    def yardstick(self) -> Schrodinger:
        """The law without what it adds."""
        return self.quantum

    def within(self, state: Any) -> Any:
        """None: of a state that is a density operator."""
        del state

    def on(self, quantum: Schrodinger) -> Any:
        """The same law beside another H, of the same grid where there is one."""
        return eqx.tree_at(lambda law: law.quantum, self, quantum)


class DepartureOfKets(Departure):
    """A departure whose state is ψ, or has its density."""

    def within(self, state: Array) -> Array:
        """ψ itself."""
        return state
