"""Figures of the loss over one constant or two, and where the fits ended."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator

from .style import BLUE, GREY, INK, VERMILLION, house_style, subplots

MAX_PATHS = 150


def figure_landscape(
    grid_x: Any,
    grid_y: Any,
    loss: Any,
    starts: Any,
    ends: Any,
    converged: Any,
    reference: Sequence[float] | None,
    labels: tuple[str, str],
) -> Figure:
    """Draw the loss over the plane of two constants, and the path of every fit.

    Args:
        grid_x: values of the first constant, shape (X,).
        grid_y: values of the second constant, shape (Y,).
        loss: the loss, shape (Y, X), no negative values; not finite where the law has
            no value.
        starts: initial guesses, shape (S, 2).
        ends: where the fits ended, shape (S, 2).
        converged: which of them reached the best fit, shape (S,).
        reference: the constants of exact quantum mechanics, or None.
        labels: names of the two constants.
    """
    grid_x, grid_y = np.asarray(grid_x, float), np.asarray(grid_y, float)
    starts, ends = np.asarray(starts, float), np.asarray(ends, float)
    converged = np.asarray(converged, bool)
    with house_style():
        figure, axes = subplots(size=(6.8, 5.2))
        axis = axes[0, 0]
        _fill_loss(figure, axis, grid_x, grid_y, np.asarray(loss, float))
        axis.set_xlim(grid_x.min(), grid_x.max())
        axis.set_ylim(grid_y.min(), grid_y.max())
        axis.set_xlabel(labels[0])
        axis.set_ylabel(labels[1])
        handles = _draw_starts(axis, starts, ends, converged)
        if reference is not None:
            handles += axis.plot(
                *reference, "*", color="white", ms=15, mec=INK, mew=1.0, zorder=6,
                ls="", label="quantum mechanics",
            )  # fmt: skip
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def figure_loss_line(
    values: Any,
    loss: Any,
    ends: Any,
    converged: Any,
    reference: float | None,
    name: str,
) -> Figure:
    """The loss over one constant, and where the fits from all initial guesses ended.

    Args:
        values: values of the constant, shape (K,).
        loss: loss at these values, shape (K,), NaN where the law has no value.
        ends: final value from each initial guess, shape (S,).
        converged: which of them reached the best fit, shape (S,).
        reference: value in quantum mechanics, or None.
        name: name of the constant.
    """
    values, loss, ends = (np.asarray(v, float) for v in (values, loss, ends))
    converged = np.asarray(converged, bool)
    with house_style():
        figure, axes = subplots(size=(5.6, 3.4))
        axis = axes[0, 0]
        drawn = loss > 0
        axis.semilogy(values, np.where(drawn, loss, np.nan), color=BLUE)
        for mask, color, what in (
            (converged, INK, "reached the best fit"),
            (~converged, VERMILLION, "ended elsewhere"),
        ):
            if mask.any() and drawn.any():
                # On the line as it is drawn, straight on an axis of logarithms.
                height = np.interp(ends[mask], values[drawn], np.log(loss[drawn]))
                axis.plot(
                    ends[mask], np.exp(height), "o", ms=5, color=color, mec="white",
                    mew=0.6,
                    label=f"{mask.sum()} of {len(ends)} starts {what}",
                )  # fmt: skip
        if reference is not None:
            axis.axvline(reference, color=GREY, lw=1, ls=":", label="quantum mechanics")
        axis.set_xlabel(name)
        axis.set_ylabel("mean squared residual per row")
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def _fill_loss(
    figure: Figure, axis: Axes, x: np.ndarray, y: np.ndarray, loss: np.ndarray
) -> None:
    axis.set_facecolor("#D9D9D9")
    usable = np.isfinite(loss) & (loss > 0)
    if not usable.any():
        return
    # At the best fit the loss falls by many decades within one cell of the grid; on a
    # scale with room for that, the rest of the plane would be of one colour.
    # A few points where runs blow up would do the same at the other end.
    low, high = np.quantile(loss[usable], [0.02, 0.98])
    low = min(low, high / 10)
    shown = np.ma.masked_invalid(np.clip(loss, low / 2, high))
    levels = np.geomspace(low, high, 17)
    norm = LogNorm(low, high)
    filled = axis.contourf(x, y, shown, levels, cmap="cividis", norm=norm, extend="min")
    # Avoids hairlines between the filled levels, which some SVG viewers show.
    filled.set_edgecolor("face")
    steps = (1.0, 2.0, 5.0) if high / low < 1000 else (1.0,)
    bar = figure.colorbar(filled, ax=axis, pad=0.02, ticks=LogLocator(subs=steps))
    bar.formatter = LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf))
    bar.set_label(
        "loss" if np.isfinite(loss).all() else "loss (grey: the law has no value)"
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _draw_starts(
    axis: Axes, starts: np.ndarray, ends: np.ndarray, converged: np.ndarray
) -> list[Any]:
    if len(starts) <= MAX_PATHS:
        for begin, end, good in zip(starts, ends, converged, strict=True):
            color = "white" if good else VERMILLION
            axis.plot(*zip(begin, end, strict=True), color=color, lw=0.5, alpha=0.45)
    size = float(np.clip(60 / np.sqrt(len(starts) + 1), 2.5, 6))
    options: dict[str, Any] = {"ls": "", "mec": INK, "mew": 0.6, "ms": size}
    groups = (
        (converged, "white", "o", "start that reached the best fit"),
        (~converged, VERMILLION, "X", "start that did not"),
    )
    handles = []
    for mask, color, marker, label in groups:
        if mask.any():
            x, y = starts[mask].T
            options |= {"color": color, "marker": marker, "label": label}
            handles += axis.plot(x, y, zorder=4, **options)
    if (~converged).any():
        x, y = ends[~converged].T
        (end,) = axis.plot(x, y, ".", color=VERMILLION, ms=3, zorder=5, ls="")
        end.set_label("where that one went")
        handles.append(end)
    return handles
