"""The points of a sweep: an outer product of axes, or a table."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

# One number per point is folded into its key as 32 bits.
MOST_POINTS = 2**32
TABLE = "point"  # dimension of a table


class Points:
    """A table of points: one entry of every column each.

    Given to `jqd.sweep` instead of a dict, whose outer product is taken.

    Attributes:
        columns: arrays by name, each (n, ...): point i has entry i of each.
    """

    def __init__(self, **columns: Any):
        """A table.

        Args:
            **columns: arrays by name, (n, ...) with one n for all: scalars of the
                points in (n,), Hamiltonians in (n, M, M) ...

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
    """

    def __init__(self, axes: Any):
        """Read what a user gives as axes.

        Args:
            axes: dict of arrays (outer product), `Points`, an `xarray.Dataset` of
                columns over one dimension, or a structured array (n,).

        Raises:
            ValueError: nothing to sweep over, entries that are no numbers, reserved
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
        for name in ("key", "status", TABLE):
            if name in self.values:
                raise ValueError(
                    f"Argument `axes` must not name an axis {name!r}, but does: the "
                    "name has a meaning of its own."
                )
        if self.size > MOST_POINTS:
            raise ValueError(
                f"Argument `axes` must have at most {MOST_POINTS} points, but has "
                f"{self.size}."
            )

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

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
        """What tells two lattices apart, as JSON can hold it."""
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
