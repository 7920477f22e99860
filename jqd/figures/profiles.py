"""The figure of a fit to densities over position."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .recovery import draw_laws, name_data_and_laws
from .style import INK, MAX_PANELS, house_style, subplots


def figure_profiles(x: Any, ts: Any, data: Any, fitted: Any, start: Any) -> Figure:
    """Densities over position, one panel per time: data, fit, and initial guess.

    Args:
        x: positions, shape (N,).
        ts: times, shape (T,).
        data: measured densities, shape (T, N).
        fitted: the law with the recovered constants, same shape.
        start: the law at the first initial guess, same shape; NaN where it has no
            value.

    Returns:
        The figure; of more than six times, six spread over the data.
    """
    x, ts, data, fitted, start = (
        np.asarray(values, float) for values in (x, ts, data, fitted, start)
    )
    rows = np.unique(np.linspace(0, len(ts) - 1, MAX_PANELS).round().astype(int))
    columns = min(3, len(rows))
    lines = -(-len(rows) // columns)
    inside = data.max(axis=0) > 1e-3 * data.max()
    low, high = x[inside][[0, -1]] if inside.any() else x[[0, -1]]
    with house_style():
        figure, axes = subplots(
            lines, columns, size=(3.1 * columns + 0.6, 2.3 * lines + 0.6),
            sharex=True, sharey=True,
        )  # fmt: skip
        for axis, i in zip(axes.flat, rows, strict=False):
            axis.plot(x, data[i], "o", color=INK, ms=2.2, mew=0)
            draw_laws(axis, x, fitted[i], start[i])
            axis.set_title(f"t = {ts[i]:.4g}")
        for k in range(len(rows), axes.size):
            axes.flat[k].set_visible(False)
            axes.flat[k - columns].tick_params(labelbottom=True)
        margin = 0.05 * (high - low)
        axes[0, 0].set_xlim(low - margin, high + margin)
        figure.supxlabel("position x", fontsize=10)
        figure.supylabel("density", fontsize=10)
        name_data_and_laws(figure, 3 if columns > 1 else 1)
    return figure
