"""The points of a sweep, and which of them are written together."""

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

# One number per point is folded into its key as 32 bits.
MOST_POINTS = 2**32
# The numbers of chunks have seven digits, and are listed.
MOST_CHUNKS = 10**7
TABLE = "point"  # dimension of a table
STATUS = "status"  # of every point, beside its results
PENDING = -1  # status of a point that is not computed yet
# Default number of chunks of a sweep: a crash costs one of them, and each is one file
# per variable.
CHUNKS = 256
# Most bytes of one variable in one chunk.
CHUNK_BYTES = 2**26


class Points:
    """A table of points: each point is one entry of every column.

    Pass it to `jqd.sweep` instead of a dict, of which `jqd.sweep` takes the outer
    product.

    Attributes:
        columns: arrays by name, each (n, ...): point i has entry i of each.
    """

    def __init__(self, **columns: Any):
        """Make a table of arrays by name, (n, ...) with one n for all.

        Raises:
            ValueError: no column, no rows, or columns of different length.
        """
        self.columns = _arrays(columns, "axes")
        sizes = {name: len(values) for name, values in self.columns.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(
                "Argument `axes` must be columns of one length, but has "
                f"{', '.join(f'{n} {name}' for name, n in sizes.items())}."
            )


class Lattice:
    """Points in a fixed order, the last dimension fastest.

    Attributes:
        values: coordinates by name, (n, ...).
        dims: dimensions of the lattice in order.
        shape: its size along each.
        outer: whether each name is a dimension of its own.
        size: number of points.
    """

    def __init__(self, axes: Any):
        """Read the axes that a user gives.

        Args:
            axes: dict of arrays (outer product), `Points`, an `xarray.Dataset` of
                columns over one dimension, or a structured array (n,).

        Raises:
            ValueError: nothing to sweep over, entries that are not numbers, reserved
                names, or too many points.
        """
        table = _as_table(axes)
        self.outer = table is None
        if table is None:
            if not isinstance(axes, Mapping):
                raise ValueError(
                    "Argument `axes` must be a dict of arrays or a table of points, "
                    f"but is a {type(axes).__name__}."
                )
            self.values = _arrays(axes, "axes")
            self.dims = tuple(self.values)
            self.shape = tuple(len(values) for values in self.values.values())
        else:
            self.values = table.columns
            self.dims = (TABLE,)
            self.shape = (len(next(iter(self.values.values()))),)
        for name in ("key", STATUS, TABLE):
            if name in self.values:
                raise ValueError(
                    f"Argument `axes` must not name an axis {name!r}, but does: the "
                    "name has a meaning of its own."
                )
        self.size = math.prod(self.shape)
        if self.size > MOST_POINTS:
            raise ValueError(
                f"Argument `axes` must have at most {MOST_POINTS} points, but has "
                f"{self.size}."
            )

    def take(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Coordinates of points.

        Args:
            indices: whole numbers below `size`, any shape.

        Returns:
            Arrays by name, of the shape of `indices` and that of an entry.
        """
        if not self.outer:
            return {name: values[indices] for name, values in self.values.items()}
        parts = np.unravel_index(indices, self.shape)
        return {
            name: values[part]
            for (name, values), part in zip(self.values.items(), parts, strict=True)
        }

    def identity(self) -> dict[str, Any]:
        """All that distinguishes two lattices, in a form that JSON can hold."""
        return {
            "outer": self.outer,
            "axes": {
                name: {
                    "shape": list(values.shape),
                    "dtype": values.dtype.str,
                    "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
                }
                for name, values in self.values.items()
            },
        }


def _as_table(axes: Any) -> Points | None:
    if isinstance(axes, Points):
        return axes
    if isinstance(axes, np.ndarray) and axes.dtype.names:
        return Points(**{name: axes[name] for name in axes.dtype.names})
    dataset: Any = axes  # an xarray.Dataset, whose package need not be loaded
    if hasattr(dataset, "data_vars"):
        first = {dataset[name].dims[:1] for name in dataset.data_vars}
        if len(first) != 1 or first == {()}:
            raise ValueError(
                "Argument `axes` must be a Dataset whose variables share their first "
                "dimension, but they do not."
            )
        columns = {str(name): dataset[name].values for name in dataset.data_vars}
        return Points(**columns)
    return None


def _arrays(axes: Mapping[str, Any], argument: str) -> dict[str, np.ndarray]:
    if not axes:
        raise ValueError(f"Argument `{argument}` must name something, but is empty.")
    arrays = {}
    for name, values in axes.items():
        rule = f"Argument `{argument}` must hold arrays of numbers, but {name!r}"
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(
                f"Argument `{argument}` must have names of arguments, but {name!r} "
                "cannot be one."
            )
        array = np.ascontiguousarray(np.asarray(values))
        if array.dtype.kind not in "biufc":
            raise ValueError(f"{rule} holds {array.dtype}.")
        if np.ndim(values) == 0 or len(array) == 0:
            raise ValueError(f"{rule} has shape {np.shape(values)}.")
        if array.dtype.kind in "fc" and not np.all(np.isfinite(array)):
            raise ValueError(f"{rule} is not finite.")
        arrays[name] = array
    return arrays


@dataclass(frozen=True)
class Blocks:
    """Chunks of a lattice: blocks of it that are also runs of consecutive points.

    Attributes:
        shape: of the lattice.
        block: shape of a chunk: ones, then a part of one dimension, then whole ones.
    """

    shape: tuple[int, ...]
    block: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], points: int) -> "Blocks":
        """Cut a lattice into chunks of about so many points, and of no more.

        Args:
            shape: of the lattice.
            points: points wanted in a chunk, at least 1.
        """
        block, room = [], max(points, 1)
        for n in reversed(shape):
            block.append(min(n, room))
            room = room // n if room >= n else 1
        return cls(shape, tuple(reversed(block)))

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        return tuple(-(-n // b) for n, b in zip(self.shape, self.block, strict=True))

    @cached_property
    def count(self) -> int:
        """Number of chunks."""
        return math.prod(self.grid)

    @cached_property
    def size(self) -> int:
        """Number of points in all."""
        return math.prod(self.shape)

    @cached_property
    def most(self) -> int:
        """Number of points of the largest chunk."""
        return math.prod(self.block)

    def points(self, chunks: Collection[int]) -> int:
        """Number of points of some chunks; the last ones of a row may be shorter."""
        places = np.unravel_index(np.fromiter(chunks, int, len(chunks)), self.grid)
        sides = (
            np.minimum(b, n - b * at)
            for at, b, n in zip(places, self.block, self.shape, strict=True)
        )
        return int(math.prod(sides, start=np.ones(len(chunks), int)).sum())

    def position(self, chunk: int) -> tuple[int, ...]:
        """Position of a chunk in the array of chunks."""
        return tuple(int(i) for i in np.unravel_index(chunk, self.grid))

    def region(self, chunk: int) -> tuple[slice, ...]:
        """Slices of the lattice that make up a chunk."""
        return tuple(
            slice(i * b, min((i + 1) * b, n))
            for i, b, n in zip(
                self.position(chunk), self.block, self.shape, strict=True
            )
        )

    def ends(self, chunk: int) -> tuple[int, int]:
        """Indices of the first and last point of a chunk, which has all between."""
        region = self.region(chunk)
        first = np.ravel_multi_index([part.start for part in region], self.shape)
        last = np.ravel_multi_index([part.stop - 1 for part in region], self.shape)
        return int(first), int(last)


def chunk_points(size: int, tile: int, bytes_per_point: int) -> int:
    """Points per chunk: about `CHUNKS` chunks, at least a tile, not too many bytes.

    Args:
        size: points in all.
        tile: points that are computed together.
        bytes_per_point: of the largest variable.
    """
    wanted = max(-(-size // CHUNKS), tile)
    return max(min(wanted, CHUNK_BYTES // max(bytes_per_point, 1)), 1)
