"""Figures of a posterior."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import BLUE, CYCLE, GREY, INK, MAX_PANELS, PALE, house_style, subplots

# Largest number of draws that a figure shows, of a chain and in total.
MOST_STEPS, MOST_POINTS = 2000, 3000


def figure_trace(found: Any) -> Figure:
    """Plot each constant draw by draw, and the histogram of its values.

    Args:
        found: what `jqd.posterior` returned.

    Returns:
        The figure, with two panels for each of the first six constants.
    """
    labels = found.labels[:MAX_PANELS]
    with house_style():
        size = (7.4, 1.5 * len(labels) + 0.8)
        figure, axes = subplots(
            len(labels), 2, size=size, width_ratios=(3, 1), sharey="row"
        )
        for (trace, counts), label in zip(axes, labels, strict=True):
            draws = found.draws[label]
            step = -(-draws.shape[1] // MOST_STEPS)
            index = np.arange(0, draws.shape[1], step)
            for i, chain in enumerate(draws):
                color = CYCLE[i % len(CYCLE)]
                trace.plot(index, chain[index], color=color, lw=0.4, alpha=0.8)
                _outline(counts, chain, color)
            trace.set_ylabel(label)
            trace.set_xlim(0, draws.shape[1])
            if trace is not axes[-1, 0]:
                trace.sharex(axes[-1, 0])
                trace.tick_params(labelbottom=False)
            counts.set_xticks([])
        axes[-1, 0].set_xlabel("draw")
        axes[-1, 1].set_xlabel("density")
    return figure


def _outline(axis: Axes, chain: np.ndarray, color: str) -> None:
    """The histogram of a chain, lying."""
    heights, edges = np.histogram(chain, 30, density=True)
    axis.stairs(heights, edges, orientation="horizontal", color=color, lw=0.8)


def figure_corner(found: Any) -> Figure:
    """Plot each constant and each pair beside the normal approximation at the fit.

    Args:
        found: what `jqd.posterior` returned.

    Returns:
        The figure, a triangle of panels for the first six constants.
    """
    labels = found.labels[:MAX_PANELS]
    flat = [np.ravel(found.draws[label]) for label in labels]
    n = len(labels)
    with house_style():
        figure, axes = subplots(n, n, size=(2.2 * n + 0.8, 2.1 * n + 0.6))
        for i, j in np.ndindex(n, n):
            axis: Any = axes[i, j]
            if j > i:
                axis.set_visible(False)
                continue
            if i == j:
                _marginal(axis, flat[i], found.theta[i], found.stderr[i])
            else:
                _pair(axis, flat[j], flat[i], found.theta[[j, i]])
            if i == n - 1:
                axis.set_xlabel(labels[j])
            else:
                axis.sharex(axes[-1, j])
                axis.tick_params(labelbottom=False)
            if j == 0 and i > 0:
                axis.set_ylabel(labels[i])
            elif 0 < j < i:
                axis.sharey(axes[i, 0])
                axis.tick_params(labelleft=False)
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper left", ncols=min(n, 2))
    return figure


def _marginal(axis: Axes, draws: np.ndarray, fit: float, stderr: float) -> None:
    axis.hist(draws, 40, density=True, color=PALE, ec=GREY, lw=0.3, label="draws")
    if np.isfinite(stderr) and stderr > 0:
        x = np.linspace(draws.min(), draws.max(), 200)
        normal = np.exp(-(((x - fit) / stderr) ** 2) / 2) / stderr / np.sqrt(2 * np.pi)
        axis.plot(x, normal, color=BLUE, lw=1.2, label="normal approximation")
    axis.set_yticks([])


def _pair(axis: Axes, x: np.ndarray, y: np.ndarray, fit: Sequence[float]) -> None:
    step = -(-len(x) // MOST_POINTS)
    axis.plot(x[::step], y[::step], ".", color=INK, ms=1.5, alpha=0.35, mew=0)
    axis.plot(*fit, "+", color=BLUE, ms=9, mew=1.4)
