"""The numbers of a sweep: statuses, axes and results."""

from typing import Any

import numpy as np

STATUS = "status"
# A variable with more values than this is not read.
MOST_VALUES = 1_000_000


def status_counts(status: Any) -> dict[str, int]:
    """Number of points of each status, by name.

    Args:
        status: the variable `status` of a sweep, a `xarray.DataArray`.
    """
    meanings = status.attrs["flag_meanings"].split()
    names = dict(zip(status.attrs["flag_values"], meanings, strict=True))
    codes, numbers = np.unique(status.values, return_counts=True)
    return {
        names.get(code, str(code)): number
        for code, number in zip(codes.tolist(), numbers.tolist(), strict=True)
    }


def axes_of(dataset: Any) -> dict[str, dict[str, Any]]:
    """Number of values, ends and unit of each numerical coordinate, by name."""
    found = {}
    for name, values in dataset.coords.items():
        if values.dtype.kind in "iuf" and 0 < values.size <= MOST_VALUES:
            read = values.values
            found[str(name)] = {
                "values": read.size, "lowest": read.min().item(),
                "highest": read.max().item(), "unit": values.attrs.get("units", ""),
            }  # fmt: skip
    return found


def outputs_of(dataset: Any) -> dict[str, dict[str, Any]]:
    """Shape and unit of each result, and its range over sound points.

    The range is None where no point is sound, for complex values, and for more than a
    million values, which are not read.
    """
    found = {}
    sound = dataset[STATUS] == 0
    for name, values in dataset.data_vars.items():
        if name == STATUS:
            continue
        low = high = None
        if values.size <= MOST_VALUES and values.dtype.kind in "iuf":
            read = values.values[sound.values]
            read = read[np.isfinite(read)]
            low, high = (read.min(), read.max()) if read.size else (None, None)
        found[str(name)] = {
            "shape": " x ".join(map(str, values.shape)),
            "lowest": None if low is None else low.item(),
            "highest": None if high is None else np.asarray(high).item(),
            "unit": values.attrs.get("units", ""),
        }
    return found
