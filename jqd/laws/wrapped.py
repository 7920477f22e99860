"""Laws that hold another one: what that one knows is theirs as well."""

import abc
from collections.abc import Callable
from typing import Any

from jaxtyping import Array, ArrayLike, PyTree

from .law import Law, Wave
from .motion import Resolution


class Wrapped(Law):
    """A law that holds another one and changes how it moves.

    What the other knows of places, times and states, and at which of them a run ends,
    is passed on member by member. How the state moves, what is random and what is
    conserved each law says itself, and whatever else differs.
    """

    @property
    @abc.abstractmethod
    def inner(self) -> Law:
        """The other law."""

    def within(self, state: PyTree[Array]) -> PyTree[Array] | None:
        """The state of the other law in one of this law; None where it has none."""
        return state

    # -- states ------------------------------------------------------------------------

    @property
    def cell(self) -> float:
        """The volume that an entry of `density` stands for."""
        return self.inner.cell

    def admit(self, psi: Any) -> PyTree[Array]:
        """As the other law."""
        return self.inner.admit(psi)

    def prepare(self, psi: Any) -> PyTree[Array]:
        """The state of the other law."""
        return self.inner.prepare(psi)

    def carry(self, state: PyTree[Array], *, splits: bool) -> PyTree[Array]:
        """As the other law, of states that are its own."""
        own = self.within(state) is state
        return self.inner.carry(state, splits=splits) if own else state

    def density(self, state: PyTree[Array]) -> Array:
        """The probabilities of the other law."""
        return self.inner.density(state)

    def reversed(self, state: PyTree[Array]) -> PyTree[Array]:
        """As the other law, of states that are its own."""
        own = self.within(state) is state
        return self.inner.reversed(state) if own else super().reversed(state)

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """`density` and `populations` of this law, and what else the other names."""
        return {**self._others(), **super().observables()}

    def _others(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        def of(name: str) -> Callable[[PyTree[Array]], Array]:
            return lambda state: self.inner.observables()[name](self.within(state))

        return {name: of(name) for name in self.inner.observables()}

    # -- where a run ends, and where its steps do --------------------------------------

    def alarm(self, t: ArrayLike, before: PyTree[Array], after: PyTree[Array]) -> Array:
        """That of the other law."""
        old, new = self.within(before), self.within(after)
        if new is None:
            return super().alarm(t, before, after)
        return self.inner.alarm(t, old, new)

    def resolution(self, state: PyTree[Array]) -> Resolution | None:
        """That of the other law."""
        inside = self.within(state)
        return None if inside is None else self.inner.resolution(inside)

    def jumps(self) -> Array | None:
        """Those of the other law."""
        return self.inner.jumps()

    def impulses(self) -> Array | None:
        """Those of the other law."""
        return self.inner.impulses()

    def struck(self, k: int, state: PyTree[Array]) -> PyTree[Array]:
        """As the other law, of states that are its own."""
        own = self.within(state) is state
        return self.inner.struck(k, state) if own else state

    # -- paths, and fits ---------------------------------------------------------------

    def convection(self, t: ArrayLike, x: Array, wave: Wave | None) -> Array | None:
        """That of the other law."""
        return self.inner.convection(t, x, wave)

    def displaced(self, k: int, x: Array) -> Array:
        """As the other law."""
        return self.inner.displaced(k, x)

    def refusal(self, free: tuple[str, ...]) -> str | None:
        """That of the other law."""
        return self.inner.refusal(free)

    def limits(self, start: Any, /) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """Those of the other law."""
        return self.inner.limits(start)
