"""Figures that several experiments draw: curves, dots, phase space."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from _support.animation import time_text
from jqd.figures.phase_space import (
    LABELS,
    checked_maps,
    checked_titles,
    colour_bar,
    colour_scale,
    draw_density,
    outer_labels,
)
from jqd.figures.style import BLUE, CYCLE, INK, VERMILLION, house_style, subplots

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
    """Draw curves, name: values (n,), over one axis x, (n,), a colour each in turn.

    An empty name is left out of the legend, which is at `legend`, None for none;
    `labels` are passed to `axis.set`, e.g. `xlabel`, `title`, `ylim`, `yscale`.
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
    """Draw series of numbers, name: values (N,), as dots in rows from top to bottom.

    Each has a colour and a marker, and lies `apart` below the one before. With a
    `floor` the axis is logarithmic, and smaller values are drawn there; `labels` are
    passed to `axis.set`.
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


def label_plane(axis: Axes, title: str = "") -> None:
    """Label a panel of phase space."""
    axis.set(xlabel="x = Re α  (√ħ)", ylabel="y = Im α  (√ħ)", title=title)


def draw_diffusion_ellipses(
    axis: Axes, points: Any, diffusion: Any, *, size: float | None = None
) -> list[Line2D]:
    """Draw what the diffusion makes of a small round cloud at each point.

    The cloud grows along the eigenvectors of positive eigenvalues and shrinks along
    those of negative ones; where the diffusion is traceless it keeps its area at first.
    The largest eigenvalue makes an ellipse of semi-axes size √1.8 and size √0.2. Over a
    density they read best on pale greys.

    Args:
        axis: the panel, which needs equal axes.
        points: α, complex, any shape.
        diffusion: real symmetric D in X and Y at each, shape (*points.shape, 2, 2).
        size: radius of the clouds; None for half the distance of neighbours.

    Returns:
        Handles of a legend.
    """
    points = np.ravel(np.asarray(points, complex))
    values, vectors = np.linalg.eigh(np.reshape(diffusion, (-1, 2, 2)))
    radius = _spacing(points) / 2 / np.sqrt(1.8) if size is None else size
    axes = radius * np.sqrt(1 + 0.8 * values / (np.abs(values).max() or 1.0))
    center = np.stack([points.real, points.imag], axis=1)
    angle = np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    long, short = 2 * axes[:, 1], 2 * axes[:, 0]
    look = {"facecolors": "none", "edgecolors": INK, "linewidths": 0.6}
    place = {"offsets": center, "offset_transform": axis.transData, "units": "xy"}
    axis.add_collection(EllipseCollection(long, short, angle, **place, **look))
    handles = []
    for k, color, label in (
        (1, VERMILLION, "positive diffusion"),
        (0, BLUE, "negative diffusion"),
    ):
        way = vectors[:, :, k] * axes[:, k, None]
        drawn = np.abs(values[:, k]) > 1e-12 * (np.abs(values).max() or 1.0)
        ends = np.stack([center - way, center + way], axis=1)[drawn]
        axis.add_collection(LineCollection(list(ends), colors=color, linewidths=1.6))
        handles.append(Line2D([], [], color=color, label=label))
    return handles


def figure_time_strip(
    maps: Any,
    times: Any,
    x: Any,
    y: Any,
    *,
    names: Sequence[str] | None = None,
    clock: str = "t",
) -> Figure:
    """Draw a density at several times, in a row with one scale of colours.

    Args:
        maps: shape (T, ny, nx), or (R, T, ny, nx) for R rows; in 1/ħ.
        times: (T,), or the labels of the columns as text.
        x: Re α in √ħ, shape (nx,).
        y: Im α in √ħ, shape (ny,).
        names: one for each row.
        clock: what the times are of, e.g. "Ut".
    """
    maps = np.asarray(maps, float)
    rows = maps[None] if maps.ndim == 3 else maps
    rows, x, y = checked_maps(rows, x, y, 3)
    names = checked_titles(names, rows.shape[0], "names", "row")
    with house_style():
        size = (1.75 * rows.shape[1] + 1.2, 1.75 * rows.shape[0] + 0.6)
        options = {"sharex": True, "sharey": True}
        figure, axes = subplots(*rows.shape[:2], size=size, **options)
        scale = colour_scale(rows)
        for index, axis in np.ndenumerate(axes):
            draw_density(axis, rows[index], x, y, scale)
            if index[0] == 0:
                axis.set_title(time_text(times[index[1]], clock))
        colour_bar(figure, scale, list(axes.flat), LABELS["husimi"])
        outer_labels(axes, axes.size)
        for row, name in zip(axes, names, strict=True):
            if name:
                row[0].set_ylabel(f"{name}\n{row[0].get_ylabel()}")
    return figure


def _spacing(points: np.ndarray) -> float:
    """Distance of the closest two points."""
    if len(points) < 2:
        return 1.0
    apart = np.abs(points[:, None] - points[None, :])
    return float(np.min(apart + np.where(np.eye(len(points)) > 0, np.inf, 0)))
