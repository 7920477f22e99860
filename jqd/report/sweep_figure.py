"""The figure of a sweep."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..figures.style import GREY, house_style, subplots
from .sweep_words import MOST_VALUES, STATUS


def figure_sweep(dataset: Any) -> Figure | None:
    """Draw the first result that is a real number per point, over the first axes.

    Further axes are fixed at their middle. Points that are not sound are left out: they
    are gaps in lines, and grey in maps.

    Returns:
        The figure; None if no result is a real number per point, or it has more than a
        million values.
    """
    status = dataset[STATUS]
    for name, values in dataset.data_vars.items():
        plain = values.dims == status.dims and values.dtype.kind in "iuf"
        if name != STATUS and plain and 0 < values.size <= MOST_VALUES:
            break
    else:
        return None
    middle = {dim: status.sizes[dim] // 2 for dim in status.dims[2:]}
    drawn = values.isel(middle).astype(float).where(status.isel(middle) == 0)
    at = ", ".join(
        f"{dim} = {dataset[dim].values[i]:.4g}"
        for dim, i in middle.items()
        if dim in dataset.coords
    )
    label = _labelled(values, str(name))
    with house_style():
        figure, axes = subplots(size=(6.4, 4.0))
        axis = axes[0, 0]
        first = drawn.dims[0]
        if drawn.ndim == 1:
            marker = "o" if drawn.size <= 100 else None
            axis.plot(_places(dataset, first), drawn.values, marker=marker, ms=3)
            axis.set_xlabel(_name_of(dataset, first))
            axis.set_ylabel(label)
        else:
            second = drawn.dims[1]
            shown = np.ma.masked_invalid(drawn.values)
            axis.set_facecolor(GREY)
            mesh = axis.pcolormesh(
                _places(dataset, second), _places(dataset, first), shown,
                cmap="cividis", shading="nearest", rasterized=True,
            )  # fmt: skip
            axis.set_xlabel(_name_of(dataset, second))
            axis.set_ylabel(_name_of(dataset, first))
            figure.colorbar(mesh, ax=axis, label=label)
        if at:
            axis.set_title(at)
    return figure


def _places(dataset: Any, dim: str) -> np.ndarray:
    """Where the entries of an axis stand, by number where that is no line of reals."""
    values = dataset[dim].values if dim in dataset.coords else np.empty(0, object)
    if values.dtype.kind not in "iuf" or np.any(np.diff(values) <= 0):
        return np.arange(dataset.sizes[dim])
    return values


def _name_of(dataset: Any, dim: str) -> str:
    return _labelled(dataset[dim], dim) if dim in dataset.coords else dim


def _labelled(values: Any, name: str) -> str:
    unit = values.attrs.get("units")
    return f"{name} ({unit})" if unit else name
