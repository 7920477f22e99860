"""Figures of densities in phase space; each takes arrays and returns a figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import house_style, subplots

# Negative values below this share of the largest are rounding, and not drawn as such.
NEGATIVE = 1e-6
SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"
LABELS = {"husimi": "Q  (1/ħ)", "wigner": "W  (1/ħ)"}


def figure_phase_space(
    maps: Any,
    x: Any,
    y: Any,
    titles: Sequence[str] | None = None,
    *,
    kind: str = "husimi",
    shared: bool | Sequence[int] = False,
    columns: int = 3,
) -> Figure:
    """Draw densities in phase space, each in its own panel.

    If a density is nowhere negative, its colours run from zero up; otherwise they are
    symmetric about a white zero.

    Args:
        maps: one density, shape (ny, nx), or several, (K, ny, nx), in 1/ħ.
        x: Re α in √ħ, shape (nx,).
        y: Im α in √ħ, shape (ny,).
        titles: one for each panel.
        kind: "husimi" or "wigner", for the label of the colours.
        shared: whether all panels have the same scale of colours; or of each panel the
            number of the one whose scale it has.
        columns: largest number of panels in a row.

    Raises:
        ValueError: maps that do not fit the axes or the titles, values that are not
            finite, unknown kind.
    """
    maps, x, y = checked_maps(maps, x, y, 2)
    if kind not in LABELS:
        raise ValueError(
            f"Argument `kind` must be one of {tuple(LABELS)}, but is {kind!r}."
        )
    titles = checked_titles(titles, len(maps), "titles", "map")
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    with house_style():
        size = (3.1 * columns + 0.5, 2.9 * rows + 0.3)
        figure, axes = subplots(rows, columns, size=size, sharex=True, sharey=True)
        panels = list(axes.flat)[: len(maps)]
        for axis in axes.flat[len(maps) :]:
            axis.set_visible(False)
        whole = colour_scale(maps)
        for k, (axis, values) in enumerate(zip(panels, maps, strict=True)):
            like = values if isinstance(shared, bool) else maps[shared[k]]
            scale = whole if shared is True else colour_scale(like)
            draw_density(axis, values, x, y, scale)
            axis.set_title(titles[k])
            if shared is not True:
                colour_bar(figure, scale, [axis], LABELS[kind])
        if shared is True:
            colour_bar(figure, whole, panels, LABELS[kind])
        outer_labels(axes, len(maps))
    return figure


def colour_scale(values: Any) -> tuple[Normalize, str]:
    """A scale from zero up if nothing is negative, else symmetric about zero."""
    values = np.asarray(values)
    low, high = float(values.min()), float(np.abs(values).max())
    high = high or 1.0
    if low >= -NEGATIVE * high:
        return Normalize(0, high), SEQUENTIAL
    return Normalize(-high, high), DIVERGING


def draw_density(
    axis: Axes,
    values: Any,
    x: Any,
    y: Any,
    scale: tuple[Normalize, str] | None = None,
) -> QuadMesh:
    """Draw a density into a panel, with equal axes.

    Args:
        axis: the panel.
        values: (ny, nx).
        x: (nx,).
        y: (ny,).
        scale: the scale from `colour_scale`; None for that of the values.

    Returns:
        The coloured mesh.
    """
    norm, colours = colour_scale(values) if scale is None else scale
    mesh = axis.pcolormesh(
        *map(np.asarray, (x, y, values)), norm=norm, cmap=colours, shading="gouraud",
        rasterized=True,
    )  # fmt: skip
    axis.set_aspect("equal")
    axis.set_xlim(np.min(x), np.max(x))
    axis.set_ylim(np.min(y), np.max(y))
    for way in (axis.xaxis, axis.yaxis):
        way.set_major_locator(MaxNLocator(4, integer=True))
    return mesh


def colour_bar(
    figure: Figure, scale: tuple[Normalize, str], axes: list[Axes], label: str
) -> None:
    colours = ScalarMappable(*scale)
    bar = figure.colorbar(colours, ax=axes, pad=0.02, fraction=0.05)
    bar.set_label(label)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def outer_labels(axes: np.ndarray, count: int) -> None:
    """Label the outer panels only."""
    rows, columns = axes.shape
    for row in axes:
        row[0].set_ylabel("y = Im α  (√ħ)")
    for k, axis in enumerate(axes.flat):
        if k < count and k + columns >= min(count, rows * columns):
            axis.set_xlabel("x = Re α  (√ħ)")
            axis.tick_params(labelbottom=True)


def checked_titles(
    titles: Sequence[str] | None, count: int, argument: str, each: str
) -> Sequence[str]:
    if titles is None:
        return [""] * count
    if isinstance(titles, str):
        titles = [titles]
    if len(titles) != count:
        raise ValueError(
            f"Argument `{argument}` must have {count} entries, one for each {each}, "
            f"but has {len(titles)}."
        )
    return titles


def checked_maps(
    maps: Any, x: Any, y: Any, leading: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check maps and return them with leading axes, and the axes of the plane."""
    maps, x, y = (np.asarray(a, float) for a in (maps, x, y))
    if leading == 2 and maps.ndim == 2:
        maps = maps[None]
    wanted = (*maps.shape[:-2], y.size, x.size)
    right = maps.ndim == (3 if leading == 2 else 4) and maps.shape == wanted
    if not right or maps.size == 0 or x.ndim != 1 or y.ndim != 1:
        raise ValueError(
            f"Argument `maps` must end with the axes (y, x) of lengths {y.size} and "
            f"{x.size}, but has shape {maps.shape}."
        )
    if not np.all(np.isfinite(maps)):
        raise ValueError("Argument `maps` must be finite, but is not everywhere.")
    return maps, x, y
