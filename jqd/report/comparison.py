"""Figure of laws compared on the same data: rows left out over time, Bayes factors."""

import math

import numpy as np
from matplotlib.figure import Figure

from ..inference import Comparison
from .style import GREY, INK, house_style, subplots

# Beyond this, differences have a logarithmic axis, from 10 on.
WIDE = 100


def figure_comparison(found: Comparison, ts: np.ndarray) -> Figure:
    """Log prediction of rows left out minus the first law's, and ln B at each width.

    Args:
        found: the comparison.
        ts: times of the data, (T,).

    Returns:
        The figure; laws without a prediction are named and have no line.
    """
    first, others = found.rows[0], found.rows[1:]
    with house_style():
        figure, axes = subplots(1, 2, size=(9.0, 3.8))
        left, right = axes[0]
        names = []
        for place, row in enumerate(others):
            bayes = found.log_bayes(row)
            if not (row.predicts and first.predicts):
                names.append(f"{row.name}\nno prediction")
                continue
            names.append(row.name)
            each = row.folds.rows - first.folds.rows
            summed = np.cumsum(each)
            (line,) = left.plot(ts, summed, label=row.name)
            error = math.sqrt(len(each) * np.var(each))
            # bars at the same time would hide one another
            left.errorbar(
                ts[-1] + 0.02 * place * np.ptp(ts), summed[-1], error,
                color=line.get_color(), capsize=3, lw=1,
            )  # fmt: skip
            right.plot(bayes, [place] * len(bayes), color=line.get_color(), lw=1)
            right.scatter(
                bayes, [place] * len(bayes), color=line.get_color(),
                s=[16 + 20 * k for k in range(len(bayes))], zorder=3,
            )  # fmt: skip
        left.axhline(0, color=INK, lw=0.8)
        right.axvline(0, color=INK, lw=0.8)
        # a wrong law is off by thousands
        if max(map(abs, left.get_ylim())) > WIDE:
            left.set_yscale("symlog", linthresh=10)
        if max(map(abs, right.get_xlim())) > WIDE:
            right.set_xscale("symlog", linthresh=10)
        figure.suptitle(f"differences to {first.name}", fontsize=10)
        left.set_xlabel("time")
        left.set_ylabel("ln p of rows left out, summed")
        for limit in (-5, 5):
            right.axvline(limit, color=GREY, lw=0.8, ls=(0, (4, 2)))
        right.set_xlabel("ln B, small to large dot: narrow to wide priors")
        right.set_yticks(range(len(names)), names)
        right.set_ylim(len(names) - 0.5, -0.5)
        if left.get_legend_handles_labels()[0]:
            left.legend(loc="best")
    return figure
