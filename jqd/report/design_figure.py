"""The figure of a design: the sensitivity over time, and the shots."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .style import BLUE, GREY, VERMILLION, house_style, subplots


def figure_sensitivity(ts: Any, sensitivity: Any, weights: Any, of: str) -> Figure:
    """Draw the gain of another shot at each time, above the shares of the shots.

    Args:
        ts: candidate times, (S,).
        sensitivity: relative to the mean of the times with shots, (S,); at most 1 at
            the optimum, and 1 at times with shots.
        weights: shares of the shots, (S,).
        of: the criterion that was minimised.
    """
    ts, sensitivity, weights = (
        np.asarray(x, float) for x in (ts, sensitivity, weights)
    )
    with house_style():
        figure, axes = subplots(
            2, 1, size=(6.4, 4.6), sharex=True, height_ratios=(2, 1)
        )
        top, bottom = axes[:, 0]
        top.axhline(1, color=GREY, lw=1, ls=":", label="bound at the optimum")
        top.plot(ts, sensitivity, "o-", color=BLUE, ms=3, label=f"criterion {of}")
        top.set_ylabel("gain by one more shot,\nover the mean of all")
        top.set_ylim(bottom=0)
        figure.legend(loc="outside upper left", ncols=2)
        used = weights > 0
        bottom.vlines(ts[used], 0, weights[used], color=VERMILLION, lw=3)
        bottom.set_ylabel("share of shots")
        bottom.set_xlabel("time t")
        bottom.set_ylim(bottom=0)
    return figure
