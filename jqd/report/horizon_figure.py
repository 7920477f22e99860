"""The figure of a horizon: what longer data would reveal about the constants."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ..inference import Horizon
from .style import BLUE, CYCLE, house_style, subplots

UNKNOWN = 100.0  # what is known no better than to this is not known


def figure_horizon(seen: Horizon, names: Sequence[str]) -> Figure:
    """Draw bounds of the constants, and the sensitivity, over the duration of the data.

    Args:
        seen: what `jqd.inference.horizon` returned.
        names: names of its constants.

    Returns:
        The figure; with more constants than colours, a colour bar names them.
    """
    ts, bounds = np.asarray(seen.ts), np.array(seen.stderr)
    bounds[~np.isfinite(bounds)] = np.nan
    many = len(names) > len(CYCLE)
    colours = colormaps["viridis"].resampled(len(names))
    with house_style():
        figure, axes = subplots(1, 2, size=(10.0, 4.0))
        left, right = axes[0]
        for k, name in enumerate(names):
            color = colours(k) if many else CYCLE[k]
            left.semilogy(ts, bounds[:, k], color=color, label=name)
        left.set(xlabel="length of the record", ylabel="Cramér-Rao bound of a constant")
        left.set_title("What the data can determine")
        left.set_ylim(np.nanmin(bounds) / 2, min(UNKNOWN, 2 * np.nanmax(bounds)))
        if many:
            scale = ScalarMappable(Normalize(-0.5, len(names) - 0.5), colours)
            bar = figure.colorbar(scale, ax=left, pad=0.02, label="constant")
            bar.set_ticks(range(len(names)), labels=list(names))
        else:
            left.legend()
        right.semilogy(ts[1:], np.asarray(seen.sensitivity)[1:], color=BLUE)
        right.set(xlabel="time", ylabel="|∂ residual / ∂ constant|, r.m.s.")
        right.set_title("How far a change of the constants has grown")
    return figure
