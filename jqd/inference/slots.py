"""Slots of θ: where each of its entries stands in a tree, found once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks, constants
from ..instruments.scene import place_of


class Slot(NamedTuple):
    """A constant in θ.

    Attributes:
        name: as the user writes it.
        place: where it stands.
        labels: of its entries.
        start: the first of its entries in θ.
    """

    name: str
    place: constants.Place
    labels: tuple[str, ...]
    start: int

    @property
    def at(self) -> slice:
        """Its entries in θ."""
        return slice(self.start, self.start + len(self.labels))


class Slots(NamedTuple):
    """Slots of all of θ, static: free constants, then nuisances.

    Attributes:
        free: slots of the free constants.
        nuisances: slots of the nuisances.
    """

    free: tuple[Slot, ...]
    nuisances: tuple[Slot, ...]

    @classmethod
    def of(
        cls, tree: eqx.Module, free: Sequence[str], nuisances: Sequence[str]
    ) -> "Slots":
        """The slots of these names."""
        start, taken = 0, dict[tuple[Any, ...], str]()
        both: list[tuple[Slot, ...]] = []
        for argument, names in (("free", free), ("nuisances", nuisances)):
            slots = []
            for name in names:
                place = place_of(tree, name, argument)
                if place.path in taken:
                    twin = taken[place.path]
                    raise ValueError(
                        f"Argument `{argument}` must name each constant once, but "
                        f"{name!r} is named twice"
                        f"{'' if twin == name else f', as {twin!r} too'}."
                    )
                taken[place.path] = name
                labels = tuple(place.labels(tree, name))
                slots.append(Slot(name, place, labels, start))
                start += len(labels)
            both.append(tuple(slots))
        return cls(*both)

    @property
    def every(self) -> tuple[Slot, ...]:
        """All of them, in the order of θ."""
        return self.free + self.nuisances

    @property
    def labels(self) -> list[str]:
        """A label of each entry of θ."""
        return [label for slot in self.every for label in slot.labels]

    @property
    def wanted(self) -> int:
        """How many entries of θ are free constants."""
        return sum(len(slot.labels) for slot in self.free)

    def indices(
        self, name: str, argument: str, among: Sequence[Slot] | None = None
    ) -> list[int]:
        """Where in θ a constant stands, by its name, or an entry by its label.

        Args:
            among: the slots that may be meant; None for all.
        """
        slots = self.every if among is None else among
        known = {slot.name: list(range(slot.at.start, slot.at.stop)) for slot in slots}
        for slot in slots:
            for i, label in enumerate(slot.labels, slot.start):
                known.setdefault(label, [i])
        _checks.check_choice(name, argument, tuple(known))
        return known[name]

    def parts(self, theta: Array) -> Iterator[tuple[Slot, Array]]:
        """Each slot with its entries."""
        for slot in self.every:
            yield slot, theta[slot.at]

    def each(self, values: Mapping[str, Any], otherwise: Any = None) -> list[Any]:
        """A value for each entry of θ, from values by short name."""
        return [
            values.get(slot.place.short, otherwise)
            for slot in self.every
            for _ in slot.labels
        ]

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds that the constants declare, lower and upper, each (p,)."""
        ends = [slot.place.said.bounds for slot in self.every for _ in slot.labels]
        low, high = np.reshape(np.asarray(ends, float), (-1, 2)).T
        return low, high


def kept(x: Array, low: ArrayLike, high: ArrayLike) -> Array:
    """x within its ends; at an end its derivative is that from inside, 1.

    That of `jnp.clip` would be the mean of both sides, and information a fourth of it.
    """
    return jnp.where(x < low, low, jnp.where(x > high, high, x))
