"""`Together` and `Joined`: the scatter and the values of several records in one row."""

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from ..instruments.noise import Noise, Weights
from ..records.record import Record, between


def in_a_row(parts: Sequence[ArrayLike]) -> Array:
    """The entries of all, one after the other, (N,)."""
    return jnp.concatenate([jnp.ravel(jnp.asarray(part)) for part in parts])


class Together(Noise):
    """Scatter of several records, each by its own noise; their values stand in one row.

    Rows of all of them are sorted by their place in their record, as a share of its
    rows, so that the first rows of all are as large a part of each.

    Attributes:
        each: noise of each.
        shapes: shape of the values of each (static).
    """

    each: tuple[Noise, ...]
    shapes: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    # of those whose weights are constant another round finds the same
    constant_weights: ClassVar[bool] = False

    @property
    def progress(self) -> tuple[np.ndarray, ...]:
        """Of the rows of each: which share of the record ends with them."""
        return tuple(np.arange(1, n + 1) / n for n, *_ in self.shapes)

    @property
    def places(self) -> tuple[np.ndarray, ...]:
        """Of the rows of each: where they stand among the rows of all."""
        order = np.argsort(np.concatenate(self.progress), kind="stable")
        ends = np.cumsum([n for n, *_ in self.shapes])
        return tuple(np.split(np.argsort(order, kind="stable"), ends[:-1]))

    def split(self, values: Any) -> tuple[Any, ...]:
        """The values of each record, from those of all, (N,)."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes]).tolist()
        return tuple(
            values[begin:end].reshape(shape)
            for begin, end, shape in zip([0, *ends], ends, self.shapes, strict=False)
        )

    def masks(self, mask: Any) -> tuple[Any, ...]:
        """The weights of the rows of each, from those of all rows."""
        return tuple(mask[at] for at in self.places)

    def firsts(self, rows: Any) -> tuple[Any, ...]:
        """How many rows of each are among so many first rows; None for all."""
        if rows is None:
            return (None,) * len(self.each)
        return tuple((at < rows).sum() for at in self.places)

    def shares(self, values: Array) -> Array:
        """Those of each on the scale of its prediction."""
        each = zip(self.each, self.split(values), strict=True)
        return in_a_row([noise.shares(own) for noise, own in each])

    def first_weights(self, shares: Array) -> Weights:
        """Those of each."""
        each = zip(self.each, self.split(shares), strict=True)
        return tuple(noise.first_weights(own) for noise, own in each)

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """Those of each."""
        given = (self.split(prediction), self.split(values), at)
        each = zip(self.each, *given, strict=True)
        return in_a_row([noise.residuals(*own) for noise, *own in each])

    def penalty(self, at: Weights, mask: Array) -> ArrayLike:
        """Their sum."""
        each = zip(self.each, at, self.masks(mask), strict=True)
        return sum((noise.penalty(*own) for noise, *own in each), jnp.zeros(()))

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Their sum."""
        return self._sum(lambda noise: noise.independent, values, at, mask)

    def excess(self, values: Array, at: Weights, mask: Array) -> ArrayLike:
        """Their sum: records scatter on their own."""
        return self._sum(lambda noise: noise.excess, values, at, mask)

    def _sum(
        self, of: Callable[[Noise], Any], values: Array, at: Weights, mask: Array
    ) -> Array:
        given = (self.split(values), at, self.masks(mask))
        each = zip(self.each, *given, strict=True)
        return sum(
            (jnp.asarray(of(noise)(*own)) for noise, *own in each), jnp.zeros(())
        )

    def holds(self, at: Weights) -> Bool[Array, ""]:
        """Whether that of each is that of its weights."""
        each = zip(self.each, at, strict=True)
        return jnp.all(jnp.stack([noise.holds(own) for noise, own in each]))

    def complaint(self, at: Weights) -> str | None:
        """The first of theirs, or None."""
        each = (n.complaint(own) for n, own in zip(self.each, at, strict=True))
        return next((said for said in each if said is not None), None)

    def assumption(self) -> str | None:
        """What they let assume, each sentence once, or None."""
        said = dict.fromkeys(noise.assumption() for noise in self.each)
        return " ".join(one for one in said if one is not None) or None

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """NaN: there are no rows of all."""
        del values
        return np.full(expected.shape, np.nan)


class Joined(Record):
    """The records of several studies; its times are shares of each, sorted, (rows,)."""

    over_time: ClassVar[bool] = False

    def __init__(self, records: Sequence[Record]):
        """The values of these, in one row, (N,)."""
        noise = Together(
            tuple(record.noise for record in records),
            tuple(record.values.shape for record in records),
        )
        self.values = in_a_row([record.values for record in records])
        shares = np.sort(np.concatenate(noise.progress))
        self.ts = jnp.asarray(shares, self.values.dtype)
        self.t0 = jnp.zeros((), self.values.dtype)
        self.noise, self.from_start = noise, False

    def lines(self) -> dict[str, str]:
        """What it holds, in words by label, as `repr` prints it."""
        noise: Any = self.noise
        return {
            "records": str(len(noise.each)),
            "rows": ", ".join(str(n) for n, *_ in noise.shapes),
            "values": between(np.asarray(self.values)),
        }
