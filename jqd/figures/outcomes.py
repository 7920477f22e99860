"""Figures of designs, horizons, comparisons and tests of linearity."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from .style import BLUE, CYCLE, GREY, INK, VERMILLION, house_style, subplots


def figure_linearity(found: Any) -> Figure:
    """Draw chi-square of the first table by rank, and z and rises by wait.

    Args:
        found: what `jqd.linearity` returned.

    Returns:
        The figure; one panel where there is one wait, and no control.
    """
    panels = 3 if found.joint or found.controls else 1
    unit = f" / {found.unit}" if found.unit else ""
    series = [
        (found.joint, BLUE, "o", "beside the shortest wait"),
        (found.controls, VERMILLION, "s", "runs of one wait"),
    ]
    with house_style():
        figure, axes = subplots(1, panels, size=(3.4 * panels + 0.6, 3.4))
        first = axes[0, 0]
        first.semilogy(
            [one.rank for one in found.ranks],
            [one.chi2 / one.dof for one in found.ranks],
            "o-",
        )
        first.axhline(1, color=GREY, linewidth=0.8)
        first.set(xlabel="rank", ylabel="χ² per degree of freedom")
        first.set_xticks([one.rank for one in found.ranks])
        first.set_title("One table")
        if panels == 1:
            return figure
        middle, right = axes[0, 1:]
        for tests, color, marker, label in series:
            if not tests:
                continue
            wait = [one.wait for one in tests]
            middle.plot(wait, [one.z for one in tests], marker, color=color)
            right.errorbar(
                wait, [one.excess for one in tests], _errors(tests), fmt=marker,
                color=color, label=label,
            )  # fmt: skip
        middle.axhline(0, color=GREY, linewidth=0.8)
        middle.set(xlabel=f"wait{unit}", ylabel="z = (χ² - dof)/√(2 dof)")
        middle.set_title("Two tables side by side")
        right.axhline(1, color=GREY, linewidth=0.8)
        right.set(xlabel=f"wait{unit}", ylabel="rise of χ² per degree of freedom")
        right.set_title("Rise over both alone, all runs")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _errors(tests: Sequence[Any]) -> np.ndarray:
    """Standard deviations of rises by chance."""
    return np.sqrt(2 / np.array([one.rise_dof for one in tests]))


UNKNOWN = 100.0  # what is known no better than to this is not known


def figure_horizon(seen: Any, names: Sequence[str]) -> Figure:
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


# Beyond this, differences have a logarithmic axis, from 10 on.
WIDE = 100


def figure_comparison(found: Any, ts: np.ndarray) -> Figure:
    """Log prediction of rows left out minus the first law's, and ln B at each width.

    Args:
        found: what `jqd.compare` returned.
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
