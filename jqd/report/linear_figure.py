"""The figure of a test of linearity: chi-square by rank, and its rise by wait."""

import numpy as np
from matplotlib.figure import Figure

from ..inference.linear import JointTest, Linearity
from .style import BLUE, GREY, VERMILLION, house_style, subplots


def figure_linearity(found: Linearity) -> Figure:
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


def _errors(tests: tuple[JointTest, ...]) -> np.ndarray:
    """Standard deviations of rises by chance."""
    return np.sqrt(2 / np.array([one.rise_dof for one in tests]))
