"""Panels that several figures share: labelled curves, and dots by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .style import CYCLE

MARKERS = "os^xDv"


def draw_lines(
    axis: Axes,
    x: Any,
    curves: Mapping[str, Any],
    form: str = "-",
    *,
    colors: Sequence[str] = CYCLE,
    legend: str | None = "best",
    **labels: Any,
) -> None:
    """Draw curves over one axis, a colour each.

    Args:
        axis: the panel.
        x: shape (n,), shared by all curves.
        curves: name: values, (n,). An empty name is left out of the legend.
        form: of the lines and their markers, as in matplotlib, e.g. "o-".
        colors: one for each curve, taken in turn.
        legend: where it is; None for none.
        **labels: passed to `axis.set`, e.g. `xlabel`, `title`, `ylim`, `yscale`.
    """
    for k, (name, values) in enumerate(curves.items()):
        color = colors[k % len(colors)]
        axis.plot(x, values, form, color=color, label=name or None)
    axis.set(**labels)
    if legend is not None:
        axis.legend(loc=legend, fontsize=9)  # pyright: ignore[reportArgumentType]


def draw_dots(
    axis: Axes,
    rows: Sequence[str],
    series: Mapping[str, Any],
    *,
    floor: float | None = None,
    colors: Sequence[str] = CYCLE,
    apart: float = 0.0,
    **labels: Any,
) -> None:
    """Draw numbers as dots, a row for each name, from top to bottom.

    Args:
        axis: the panel.
        rows: the names, N of them.
        series: name: values, (N,); a colour and a marker each.
        floor: the axis is logarithmic, and smaller values are drawn here; None for a
            linear axis.
        colors: one for each series, taken in turn.
        apart: vertical distance of two series in a row.
        **labels: passed to `axis.set`, e.g. `xlabel`, `title`, `xlim`.
    """
    y = np.arange(len(rows))[::-1]
    if floor is not None:
        axis.set_xscale("log")
    for k, (name, values) in enumerate(series.items()):
        shown = values if floor is None else np.maximum(values, floor)
        shift = apart * ((len(series) - 1) / 2 - k)
        marker, color = MARKERS[k % len(MARKERS)], colors[k % len(colors)]
        axis.plot(shown, y + shift, marker, color=color, ms=6, label=name)
    axis.set_yticks(y, rows)
    axis.set(ylim=(-0.6, len(rows) - 0.4))
    axis.set(**labels)
