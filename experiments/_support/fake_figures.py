"""Figures of errors of an apparatus that a fit mistakes for constants."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from _support.fake_problems import CONTROL
from _support.figures import draw_dots
from jqd.figures.style import BLUE, CYCLE, GREY, INK, PALE, VERMILLION, subplots

Row = Mapping[str, Any]

# Fits, in the order of their panels.
TITLES = {
    "pure law": "q and r fitted",
    "H, readout": "and H, readout as nuisances",
    "C alone": "C fitted",
    "oscillator": "and U, δ, α₀",
    "instrument": "and the instrument",
    "loss, dephasing": "and loss, dephasing",
}
# Errors whose name is not above their cloud.
BELOW, RIGHT = (
    ("relaxation, 5 %",),
    ("all couplings +1 %", "one coupling +1 %", "one energy +0.01"),
)


def figure_dots(rows: Sequence[Row], problem: str, errors: Sequence[str]) -> Figure:
    """A panel for each fit: shifts in standard errors, hollow where χ² passes them."""
    mine = [row for row in rows if row["problem"] == problem]
    kinds = list(dict.fromkeys(row["fit"] for row in mine))
    size = max(2.4 * len(kinds) + 2.2, 7.4), 0.42 * len(errors) + 2.1
    fig, axes = subplots(1, len(kinds), size=size, sharex=True, sharey=True)
    for axis, kind in zip(axes[0], kinds, strict=True):
        draw_shifts(axis, [row for row in mine if row["fit"] == kind], errors)
        axis.set_title(TITLES[kind])
    ends = [row["in_standard_errors"] for row in mine]
    low, high = min(-3.0, *ends), max(3.0, *ends)
    axes[0, 0].set_xlim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    handles = [line for line in axes[0, 0].lines if line.get_label()[0] != "_"]
    for color, word in ((GREY, "χ² flags most data sets"), ("white", "χ² passes most")):
        handles += axes[0, 0].plot(
            [], [], "o", mfc=color, mec=GREY, ls="", ms=6, label=word
        )
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    names = " and ".join(dict.fromkeys(row["constant"] for row in mine))
    fig.suptitle(f"Shift of {names} by one error of the apparatus", fontsize=11)
    return fig


def draw_shifts(axis: Axes, own: Sequence[Row], errors: Sequence[str]) -> None:
    """The shifts of one fit, and the band of two standard errors."""
    names = list(dict.fromkeys(row["constant"] for row in own))
    series = {name: column(own, errors, name, "in_standard_errors") for name in names}
    axis.axvspan(-2, 2, color=PALE)
    axis.axvline(0, color=GREY, lw=0.8)
    draw_dots(
        axis, errors, series, colors=(BLUE, VERMILLION), apart=0.26,
        xlabel="shift / standard error",
    )  # fmt: skip
    for line, name in zip(axis.lines[1:], names, strict=True):
        x, y = map(np.asarray, line.get_data())
        few = np.asarray(column(own, errors, name, "flagged")) < 0.5
        axis.plot(
            x[few], y[few], marker=line.get_marker(), ls="",
            mfc="white", mec=line.get_color(), mew=1.4, ms=6,
        )  # fmt: skip
    for k in map(int, np.flatnonzero(np.isnan(series[names[0]]))):
        axis.text(0, len(errors) - 1 - k, "not fitted", color=GREY, ha="center",
                  va="center", fontsize=8, backgroundcolor=PALE)  # fmt: skip
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)


def column(
    rows: Sequence[Row], errors: Sequence[str], constant: str, key: str
) -> list[float]:
    """A number for each error, NaN where there was no fit."""
    own = {row["error"]: row[key] for row in rows if row["constant"] == constant}
    return [own.get(error, np.nan) for error in errors]


def figure_clouds(
    errors: Sequence[str], clouds: np.ndarray, said: np.ndarray
) -> Figure:
    """Fits to drawn data sets in the plane of q and r."""
    fig, ((axis,),) = subplots(size=(8.0, 4.8))
    for k, error in enumerate(errors):
        color = GREY if error == CONTROL else CYCLE[k % len(CYCLE)]
        for mask, face in ((said[k], color), (~said[k], "none")):
            axis.plot(
                *clouds[k, mask].T, "o", ls="", mfc=face, mec=color, ms=4, mew=0.7
            )
        if error == CONTROL:
            continue  # its name is at the star
        (x, y), low, high = clouds[k].mean(0), clouds[k].min(0), clouds[k].max(0)
        place = {"xy": (x, high[1]), "xytext": (0, 7), "ha": "center", "va": "bottom"}
        if error in BELOW:
            place |= {"xy": (x, low[1]), "xytext": (0, -7), "va": "top"}
        if error in RIGHT:
            place |= {
                "xy": (high[0], y),
                "xytext": (9, 0),
                "ha": "left",
                "va": "center",
            }
        axis.annotate(
            f"{error}\n{said[k].mean():.0%} flagged", textcoords="offset points",
            color=color, fontsize=9, **place,
        )  # fmt: skip
    axis.plot(0, 0, "*", color=INK, ms=14, ls="")
    found = {error: said[k].mean() for k, error in enumerate(errors)}
    name = "quantum mechanics"
    if CONTROL in found:
        name += f"\n{CONTROL}: {found[CONTROL]:.0%} flagged"
    axis.annotate(name, (0, 0.0014), ha="center", va="bottom", fontsize=9)
    axis.set(xlabel="q - 1/2 of the fit", ylabel="r + 1/2 of the fit")
    axis.set_title(
        f"Fits of q and r to {clouds.shape[1]} drawn data sets each (filled: χ² flags)"
    )
    axis.set(xlim=(-0.021, 0.0145), ylim=(-0.0118, 0.0035))
    return fig
