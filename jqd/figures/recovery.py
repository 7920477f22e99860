"""Figures of data and of a fit to them; each takes arrays and returns a figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import (
    BLUE,
    CYCLE,
    GREY,
    INK,
    MAX_PANELS,
    PALE,
    SKY,
    house_style,
    most_varied,
    subplots,
)

# Entries of a legend of residuals beside each other.
A_ROW = 4


def figure_data(
    at: Any,
    data: Any,
    names: Sequence[str],
    along: str = "time",
    *,
    sigma: Any = None,
) -> Figure:
    """Draw data alone, before a fit, as `figure_fit` draws them.

    Args:
        at: what the rows stand over, shape (T,).
        data: values, shape (T, M).
        names: names of the M columns.
        along: name of `at`.
        sigma: standard error of the data, broadcast to (T, M).

    Returns:
        The figure, with the panels of `figure_fit`.
    """
    at, data = np.asarray(at, float), np.asarray(data, float)
    with house_style():
        figure, axes, shown = _panels(data)
        for axis, k in zip(axes.flat, shown, strict=False):
            _draw_column(axis, at, data, sigma, k)
            axis.set_title(names[k])
        ends = data if sigma is None else np.stack(_bars(data, sigma))
        axes[0, 0].set_ylim(_limits(ends, ends, np.zeros(0)))
        axes[0, 0].set_xlim(*span_of(at))
        _label_below(axes, len(shown), along)
        figure.supylabel("data", fontsize=10)
    return figure


def figure_fit(
    ts: Any,
    data: Any,
    fitted: Any,
    start: Any,
    names: Sequence[str],
    held_out_from: float | None = None,
    *,
    sigma: Any = None,
    along: str = "time",
) -> Figure:
    """Draw the data with the fitted law and the law at the initial guess.

    Args:
        ts: times of the data, or numbers of its rows, shape (T,).
        data: measured values, shape (T, M).
        fitted: the fitted law, shape (T, M).
        start: the law at the first initial guess, same shape; NaN where it has no
            value.
        names: names of the M columns.
        held_out_from: time from which the fit did not see the data.
        sigma: standard error of the data, broadcast to (T, M).
        along: name of `ts`.

    Returns:
        The figure, one panel per column. Of more than six columns, the six that vary
        most, those without any error left out.
    """
    ts, data, fitted, start = (np.asarray(a, float) for a in (ts, data, fitted, start))
    with house_style():
        figure, axes, shown = _panels(data, sigma)
        for axis, k in zip(axes.flat, shown, strict=False):
            mark_held_out(axis, ts, held_out_from, label=axis is axes.flat[0])
            draw_laws(axis, ts, fitted[:, k], start[:, k])
            _draw_column(axis, ts, data, sigma, k)
            axis.set_title(names[k])
        ends = data if sigma is None else np.stack(_bars(data, sigma))
        drawn = (ends[..., shown], fitted[:, shown], start[:, shown])
        axes[0, 0].set_ylim(_limits(*drawn))
        axes[0, 0].set_xlim(*span_of(ts))
        _label_below(axes, len(shown), along)
        figure.supylabel("data and laws", fontsize=10)
        name_data_and_laws(figure)
    return figure


def figure_recovery(
    data: Any, fitted: Any, at: Any, along: str, held_out_from: float | None
) -> Figure:
    """Draw data as dots and the fitted law as lines, above the residuals.

    Args:
        data: measured values, (T, M), of which the six columns that vary most are
            drawn.
        fitted: the fitted law, (T, M).
        at: what the rows stand over, (T,).
        along: name of `at`.
        held_out_from: where rows begin that the fit did not see, or None.
    """
    data, fitted, at = map(np.asarray, (data, fitted, at))
    with house_style():
        look: Any = {"sharex": True, "height_ratios": (2, 1)}
        figure, axes = subplots(2, 1, size=(6.4, 4.8), **look)
        top, bottom = axes[:, 0]
        mark_held_out(top, at, held_out_from, label=True)
        mark_held_out(bottom, at, held_out_from, label=False)
        bottom.axhline(0, color=GREY, lw=0.8)
        for color, k in zip(CYCLE, most_varied(data), strict=False):
            label = str(k) if data.shape[1] > 1 else None
            top.plot(at, data[:, k], "o", color=color, ms=3, mew=0)
            top.plot(at, fitted[:, k], color=color, lw=1.2, label=label)
            bottom.plot(at, data[:, k] - fitted[:, k], "o", color=color, ms=3, mew=0)
        top.set_ylabel("data, and law (lines)")
        bottom.set_ylabel("data - law")
        bottom.set_xlabel(along)
        bottom.set_xlim(*span_of(at))
        if data.shape[1] > 1:
            figure.legend(loc="outside upper left", ncols=MAX_PANELS)
    return figure


def figure_residuals(
    ts: Any,
    residuals: Any,
    held_out_from: float | None = None,
    noise_band: Any = None,
    *,
    names: Sequence[str] | None = None,
    sigma: Any = None,
    along: str = "time",
) -> Figure:
    """Draw the residuals of the data from the fitted law.

    Args:
        ts: times, or numbers of rows, shape (T,).
        residuals: data minus fitted law, shape (T, M).
        held_out_from: time from which the fit did not see the data.
        noise_band: expected standard error, a number or shape (T,); None for data
            without noise.
        names: names of the M columns.
        sigma: standard errors of the data, broadcast to (T, M), in which the residuals
            are drawn, beside a band of one of them; columns that have none are left
            out.
        along: name of `ts`.

    Returns:
        The figure. For more than six columns it shows their median and spread.
    """
    ts, residuals = np.asarray(ts, float), np.asarray(residuals, float)
    shown = "data - fitted law"
    if sigma is not None:
        sigma = np.broadcast_to(np.asarray(sigma, float), residuals.shape)
        sigma = np.where(sigma > 0, sigma, np.nan)
        told = np.isfinite(sigma).any(axis=0)
        residuals, noise_band = (residuals / sigma)[:, told], 1.0
        names = None if names is None else [names[int(k)] for k in np.flatnonzero(told)]
        shown = "(data - fitted law) / error"
    with house_style():
        figure, axes = subplots(size=(6.8, 3.4))
        axis = axes[0, 0]
        mark_held_out(axis, ts, held_out_from, label=True)
        if noise_band is not None:
            band = np.broadcast_to(np.asarray(noise_band, float), ts.shape)
            options = {"color": SKY, "alpha": 0.25, "lw": 0}
            axis.fill_between(ts, -band, band, label="± 1 standard error", **options)
        axis.axhline(0, color=GREY, lw=0.8)
        if residuals.shape[1] <= MAX_PANELS:
            for k, column in enumerate(residuals.T):
                label = None if names is None else names[k]
                # Lines between independent errors would only hide the points.
                width = 0.8 if noise_band is None else 0
                axis.plot(ts, column, "o-", ms=2.8, lw=width, mew=0, label=label)
        else:
            low, middle, high = np.quantile(residuals, [0.05, 0.5, 0.95], axis=1)
            options = {"color": CYCLE[0], "lw": 0, "alpha": 0.3}
            axis.fill_between(ts, low, high, label="90 % of the columns", **options)
            marker = "o" if len(ts) == 1 else None
            axis.plot(ts, middle, color=CYCLE[0], marker=marker, label="median")
        axis.set_xlim(*span_of(ts))
        axis.set_xlabel(along)
        axis.set_ylabel(shown)
        entries = list(zip(*axis.get_legend_handles_labels(), strict=True))
        if entries:
            # the band after the columns; one reads rows, but matplotlib fills columns
            lead = 0 if noise_band is None else 1
            entries = entries[lead:] + entries[:lead]
            rows = [one for k in range(A_ROW) for one in entries[k::A_ROW]]
            figure.legend(
                [handle for handle, _ in rows], [label for _, label in rows],
                loc="outside upper left", ncols=A_ROW, columnspacing=1.4,
            )  # fmt: skip
    return figure


def _panels(
    data: np.ndarray, sigma: Any = None
) -> tuple[Figure, np.ndarray, np.ndarray]:
    """A figure with panels for the columns that vary most, and which these are."""
    shown = most_varied(data, sigma)
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    size = (4.2 * columns + 0.6, 2.2 * rows + 0.9)
    figure, axes = subplots(rows, columns, size=size, sharex=True, sharey=True)
    for axis in axes.flat[len(shown) :]:
        axis.set_visible(False)
    return figure, axes, shown


def draw_laws(axis: Axes, at: np.ndarray, fitted: Any, start: Any) -> None:
    """The fitted law, and the law from which the fit began."""
    # a line through one row would not be seen
    alone: Any = {"marker": "_", "ms": 14} if len(at) == 1 else {}
    axis.plot(at, start, color=GREY, lw=1.2, ls=(0, (4, 2)), **alone)
    axis.plot(at, fitted, color=BLUE, **alone)


def name_data_and_laws(figure: Figure, columns: int = 3) -> None:
    """The legend of data, and of laws as `draw_laws` draws them."""
    handles = [
        Line2D([], [], color=INK, marker="o", ms=4, ls="", label="data"),
        Line2D([], [], color=BLUE, label="fitted law"),
        Line2D([], [], color=GREY, lw=1.2, ls=(0, (4, 2)), label="starting law"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def _draw_column(
    axis: Axes, ts: np.ndarray, data: np.ndarray, sigma: Any, k: Any
) -> None:
    """One column of the data, with its errors."""
    if sigma is not None:
        bars = np.broadcast_to(np.asarray(sigma, float), data.shape)[:, k]
        axis.errorbar(ts, data[:, k], bars, fmt="none", ecolor=INK, lw=0.6)
    axis.plot(ts, data[:, k], "o", color=INK, ms=2.8, mew=0)


def _label_below(axes: np.ndarray, count: int, label: str) -> None:
    """The label of x below the lowest of so many panels."""
    for axis in axes.flat[max(count - axes.shape[1], 0) : count]:
        axis.set_xlabel(label)
        axis.tick_params(labelbottom=True)  # above a place that is empty, too


def span_of(ts: np.ndarray) -> tuple[float, float]:
    """Ends of the time axis, with room for whole points and for a single time."""
    first, last = float(ts.min()), float(ts.max())
    room = 0.01 * (last - first) or 0.5 * abs(last) or 0.5
    return first - room, last + room


def mark_held_out(axis: Axes, ts: Any, since: float | None, *, label: bool) -> None:
    if since is None or since >= ts.max():
        return
    axis.axvspan(since, ts.max(), color=PALE, lw=0, zorder=0)
    if label:
        axis.text(
            0.5 * (since + ts.max()), 0.98, "held out", ha="center", va="top",
            transform=axis.get_xaxis_transform(), color=GREY, fontsize=9,
        )  # fmt: skip


def _bars(data: np.ndarray, sigma: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of error bars; the data where there is none."""
    bars = np.nan_to_num(np.broadcast_to(np.asarray(sigma, float), data.shape))
    return data - bars, data + bars


def _limits(data: Any, fitted: Any, start: Any) -> tuple[float, float]:
    """Room for data and fit; a starting law far from both may leave the panel."""
    low = min(np.nanmin(data), np.nanmin(fitted))
    high = max(np.nanmax(data), np.nanmax(fitted))
    room = 0.5 * (high - low) or 0.5 * abs(high) or 0.1
    start = np.clip(start[np.isfinite(start)], low - room, high + room)
    low, high = min([low, *start.flat]), max([high, *start.flat])
    margin = 0.06 * (high - low) or room
    return low - margin, high + margin
