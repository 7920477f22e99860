"""Common part of the laws that hold Schrödinger's and add something to it."""

import abc
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import ArrayLike

from ...constants import parts
from ..groups import SAME, Lens
from ..schrodinger import Schrodinger
from ..wrapped import Wrapped
from .quantum import read_quantum


class Departure(Wrapped):
    """A law that moves ψ, or ρ, as `quantum` does, and adds a term of its own.

    Attributes:
        quantum: Schrödinger's law, with H and ħ.
    """

    # a density operator holds no ψ
    lens: ClassVar[Lens | None] = None
    quantum: Schrodinger = parts(read=read_quantum)

    @property
    def inner(self) -> Schrodinger:
        """Schrödinger's law, without the term added."""
        return self.quantum

    @abc.abstractmethod
    def vector_field(self, t: ArrayLike, state: Any, args: Any = None) -> Any:
        """Time derivative of the state."""

    def on(self, quantum: Schrodinger) -> Any:
        """The same law with another H, on the same grid where there is one."""
        return eqx.tree_at(lambda law: law.quantum, self, quantum)


class DepartureOfKets(Departure):
    """A departure whose state is ψ, or a state with the density |ψ|²."""

    lens = SAME
