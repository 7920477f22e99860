"""Figures of what moves over time: a run, the mean of copies, paths."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import _html
from .style import CYCLE, GREY, MAX_PANELS, PALE, house_style, most_varied, subplots

# Above this number of curves, values over time are drawn as a map; paths drawn.
MOST_CURVES, MOST_PATHS = 8, 60


def figure_trajectory(run: Any, x: Any = None) -> Figure:
    """Values of a run over time; see `Trajectory.plot`."""
    ts = np.asarray(run.ts)
    found = [
        (jax.tree_util.keystr(path, simple=True, separator="."), np.asarray(leaf))
        for path, leaf in jax.tree_util.tree_leaves_with_path(run.values)
        if np.ndim(leaf) >= 1 and np.asarray(leaf).dtype.kind in "biufc"
    ]
    if ts.ndim != 1 or not found:
        raise ValueError(
            "Argument `run` must be a single run whose values are numbers, but is not; "
            "draw the members of a batch one by one, jax.tree.map(lambda a: a[0], run)."
        )
    if not _html.is_small(run.values):
        raise ValueError(
            f"Argument `run` must have at most {_html.MOST_VALUES} values to be drawn, "
            "but has more; observe less."
        )
    found = found[:MAX_PANELS]
    errors = jax.tree.leaves(run.error if run.stderr is None else run.stderr)
    with house_style():
        size = (6.4, 0.9 + 2.4 * len(found))
        figure, axes = subplots(len(found), 1, size=size, sharex=True)
        for i, (name, values) in enumerate(found):
            axis = axes[i, 0]
            is_ket = values.dtype.kind == "c"
            shown = np.abs(values) ** 2 if is_ket else values.astype(float)
            rows = shown.reshape(len(ts), -1)
            label = "|ψ|²" if is_ket and not name else name or "value"
            if rows.shape[1] <= MOST_CURVES or len(ts) < 2:
                own = errors[i] if len(errors) > i and not is_ket else None
                _curves(axis, ts, rows, own, range(rows.shape[1]))
                axis.set_ylabel(label)
                if shown.ndim > 1:
                    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
            else:
                _map(figure, axis, ts, rows, label, x)
        ended = float(np.min(np.asarray(run.failure_time)))
        if run.stderr is None and ended < ts[-1]:
            for axis in axes[:, 0]:
                axis.axvspan(ended, ts[-1], color=PALE, lw=0, zorder=0)
            word = _html.status_word(run.status)[0]
            axes[0, 0].set_title(f"status {word} from t = {ended:.4g}")
        axes[-1, 0].set_xlabel("time")
    return figure


def _curves(
    axis: Axes, ts: np.ndarray, rows: np.ndarray, error: Any, shown: Iterable[int]
) -> None:
    """Some columns over time, with their errors as bands where these are known."""
    bars = None if error is None else np.asarray(error, float).reshape(rows.shape)
    for i, k in enumerate(shown):
        color = CYCLE[i % len(CYCLE)]
        style = "-" if i < len(CYCLE) else "--"
        axis.plot(ts, rows[:, k], style, color=color, label=str(k))
        if bars is not None:
            low, high = rows[:, k] - bars[:, k], rows[:, k] + bars[:, k]
            axis.fill_between(ts, low, high, color=color, alpha=0.25, lw=0)


def _map(
    figure: Figure, axis: Axes, ts: np.ndarray, rows: np.ndarray, label: str, x: Any
) -> None:
    """Columns upwards over time, by colour."""
    places = np.arange(rows.shape[1]) if x is None else np.ravel(np.asarray(x, float))
    if len(places) != rows.shape[1]:
        raise ValueError(
            f"Argument `x` must have {rows.shape[1]} entries, one for each value at a "
            f"time, but has {len(places)}."
        )
    mesh = axis.pcolormesh(
        ts, places, np.ma.masked_invalid(rows.T), shading="nearest", cmap="cividis",
        rasterized=True,
    )  # fmt: skip
    axis.set_facecolor(GREY)
    axis.set_ylabel("entry" if x is None else "position x")
    figure.colorbar(mesh, ax=axis, label=label)


def figure_mean_density(ts: Any, mean: Any, error: Any) -> Figure:
    """Mean densities over time, with two standard errors.

    Args:
        ts: times, (T,).
        mean: densities of the classes, (T, M).
        error: their standard errors, (T, M).
    """
    ts, mean, error = map(np.asarray, (ts, mean, error))
    with house_style():
        figure, axes = subplots(size=(6.4, 3.6))
        _curves(axes[0, 0], ts, mean, 2 * error, most_varied(mean))
        axes[0, 0].set(xlabel="time", ylabel="mean density, ± 2 standard errors")
        figure.legend(title="class", loc="outside right upper", fontsize=8)
    return figure


def figure_paths(ts: Any, positions: Any, ended: Any) -> Figure:
    """The first coordinate of some of the paths over time; ended ones in grey.

    Args:
        ts: times, (T,).
        positions: (T, paths, d).
        ended: which paths ended early, (paths,).
    """
    ts, positions, ended = np.asarray(ts), np.asarray(positions), np.asarray(ended)
    step = -(-positions.shape[1] // MOST_PATHS)
    shown = range(0, positions.shape[1], step)
    with house_style():
        figure, axes = subplots(size=(6.4, 3.6))
        for i in shown:
            color = GREY if ended[i] else CYCLE[0]
            axes[0, 0].plot(ts, positions[:, i, 0], color=color, lw=0.6, alpha=0.6)
        axes[0, 0].set(xlabel="time", ylabel="position x")
        if step > 1:
            axes[0, 0].set_title(f"{len(shown)} of {positions.shape[1]} paths")
    return figure
