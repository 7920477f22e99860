"""The common style of all figures."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from .._files import whole_files

# Okabe and Ito: distinguishable for colour-blind readers, and in print.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
AMBER, SKY, PURPLE = "#E69F00", "#56B4E9", "#CC79A7"
INK, GREY, PALE = "#222222", "#7A7A7A", "#EFEFEF"
CYCLE = (BLUE, VERMILLION, GREEN, AMBER, PURPLE, SKY)

DPI = 160  # of a PNG
MAX_PANELS = 6  # of a figure, or curves

_RC: Any = {
    "font.size": 10,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # The same figure gives the same file, so that a change of one shows in git.
    "svg.hashsalt": "jqd",
}


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw figures of the block in jqd's style; the user's settings are restored."""
    with mpl.rc_context(_RC):
        yield


def subplots(
    rows: int = 1,
    columns: int = 1,
    *,
    size: tuple[float, float] = (6.4, 4.0),
    **options: Any,
) -> tuple[Figure, np.ndarray]:
    """Make a figure outside of any window system and of pyplot's global list.

    Args:
        rows: number of rows of panels.
        columns: number of columns of panels.
        size: width and height in inches.
        **options: further arguments of `Figure.subplots`, e.g. `sharex=True`.

    Returns:
        The figure and its axes, always an array of shape (rows, columns).
    """
    figure = HouseFigure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in (one for each in axes.flat for one in (each.xaxis, each.yaxis)):
        axis.set_major_formatter(PlainTicks())
        axis.isDefault_majfmt = True  # names and dates still bring their own
    return figure, axes


def most_varied(data: np.ndarray, sigma: Any = None) -> np.ndarray:
    """Which columns vary most of (T, M), as many as are drawn, in their order.

    Columns without any error, which no fit compares, come last.
    """
    ranges = np.ptp(data, axis=0)
    if sigma is not None:
        told = np.isfinite(np.broadcast_to(np.asarray(sigma, float), data.shape))
        ranges = np.where(told.any(axis=0), ranges, -1.0)
    return np.sort(np.argsort(-ranges, kind="stable")[:MAX_PANELS])


class HouseFigure(Figure):
    """A figure that a notebook shows, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        with house_style():
            self.savefig(file, format="png", dpi=110)
        return file.getvalue()


class PlainTicks(ScalarFormatter):
    """Tick labels without mathematics as plain text, which draws ten times as fast."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a tick."""
        label = super().__call__(x, pos)
        return label.removeprefix("$\\mathdefault{").removesuffix("}$")


def save_figure(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Write one figure as PNG (160 dots per inch) and SVG; see `save_figures`.

    Args:
        figure: the figure.
        folder: folder to write to.
        name: name of the files without suffix.

    Returns:
        The two paths.
    """
    return save_figures({name: figure}, folder)


def save_figures(figures: Mapping[str, Figure], folder: str | Path) -> list[Path]:
    """Write figures as PNG (160 dots per inch) and SVG, once all are drawn.

    Args:
        figures: figures by the names of their files without suffix.
        folder: folder to write to.

    Returns:
        The paths, two for each figure.

    Raises:
        OutputError: if they cannot be written.
    """
    drawn: dict[Path, bytes] = {}
    with house_style():
        for name, figure in figures.items():
            engine = figure.get_layout_engine()
            for kind, metadata in (("png", {}), ("svg", {"Date": None})):
                file = io.BytesIO()
                figure.savefig(file, format=kind, dpi=DPI, metadata=metadata)
                drawn[Path(folder) / f"{name}.{kind}"] = file.getvalue()
                figure.set_layout_engine("none")  # it is laid out: once is enough
            figure.set_layout_engine(engine)
    if drawn:
        with whole_files(*drawn) as drafts:
            for draft, content in zip(drafts, drawn.values(), strict=True):
                draft.write_bytes(content)
    return list(drawn)
