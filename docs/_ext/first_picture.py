"""The picture of the first page, drawn from the first snippet of README.md itself."""

import re
import runpy
import tempfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

import jqd
from jqd.figures.style import CYCLE, GREY, INK, VERMILLION, house_style, subplots

ROOT = Path(__file__).resolve().parent.parent.parent
# Contours of χ² above its least value that hold two constants in 68 and 95 of 100.
LEVELS = {"95 %": 5.991, "68 %": 2.279}
SHADES = "#C4DDEE", "#8DBEDD"


def run_snippet() -> dict:
    """The names that the first Python block of README.md leaves behind."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (code, *_) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "snippet.py"
        file.write_text(code, encoding="utf-8")
        return runpy.run_path(str(file))


def draw_data(axis: Axes, names: dict) -> None:
    """Frequencies of three levels, and two laws through them."""
    law, rival = names["quantum"], names["copying"]
    psi0, data = names["psi0"], names["counts"]
    fine = jnp.linspace(0.0, data.ts[-1], 200)
    of = {"observe": "density"}
    ours = jqd.evolve(law, law.prepare(psi0), fine, **of).values
    theirs = jqd.evolve(rival, rival.prepare(psi0), fine, **of).values
    shots = np.sum(data.values, axis=1, keepdims=True)
    p = np.asarray(data.values / shots)
    error = np.sqrt(p * (1 - p) / shots)
    for level, colour in enumerate(CYCLE[:3]):
        axis.errorbar(
            data.ts, p[:, level], error[:, level], fmt=".", color=colour, ms=4,
            elinewidth=0.8,
        )  # fmt: skip
        axis.plot(fine, ours[:, level], color=colour, lw=1.2)
        axis.plot(fine, theirs[:, level], color=colour, lw=1.0, ls="--")
    axis.plot([], [], color=INK, lw=1.2, label="quantum mechanics")
    axis.plot([], [], color=INK, lw=1.0, ls="--", label="copy law, q = 0.4, r = -0.6")
    axis.set(xlabel="time", ylabel="population", ylim=(0, 1))
    axis.set_title("Synthetic data, 1000 shots at each time")
    axis.legend(fontsize=8, loc="upper right")


def draw_region(axis: Axes, found: jqd.inference.Recovery) -> None:
    """The exponents that the data allow."""
    centre = [found.constants[name].value for name in ("q", "r")]
    values, axes = np.linalg.eigh(np.asarray(found.covariance))
    angle = np.degrees(np.arctan2(*axes[::-1, 1]))
    for (label, level), shade in zip(LEVELS.items(), SHADES, strict=True):
        short, long = 2 * np.sqrt(level * values)
        patch = Ellipse(centre, long, short, angle=angle, color=shade, label=label)
        axis.add_patch(patch)
    axis.plot(*centre, "+", color=INK, ms=9, label="best fit")
    axis.plot(0.5, -0.5, "*", color=VERMILLION, ms=11, label="quantum mechanics")
    wide = 3.2 * np.sqrt(np.diag(found.covariance))
    axis.set(
        xlim=(centre[0] - wide[0], centre[0] + wide[0]),
        ylim=(centre[1] - 1.35 * wide[1], centre[1] + wide[1]),
        xlabel="q", ylabel="r",
    )  # fmt: skip
    axis.set_title("Exponents that the data allow")
    axis.legend(fontsize=8, loc="lower left", ncols=2)
    axis.set_axisbelow(True)
    axis.grid(color=GREY, alpha=0.2, lw=0.6)


def main() -> None:
    """Draw and save it."""
    names = run_snippet()
    with house_style():
        figure, axes = subplots(1, 2, size=(9.0, 3.6))
        draw_data(axes[0, 0], names)
        draw_region(axes[0, 1], names["found"])
        figure.savefig(ROOT / "docs" / "figures" / "first.png", dpi=130)


if __name__ == "__main__":
    main()
