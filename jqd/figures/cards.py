"""Figures of report cards: one law row by row, or many laws side by side."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from .style import AMBER, BLUE, GREY, INK, PALE, VERMILLION, house_style, subplots

# Each verdict has its own shape, which stays visible in print without colours.
MARKS: Mapping[str, dict[str, Any]] = {
    "holds": {"marker": "o", "color": BLUE, "ms": 4.5},
    "fails": {"marker": "D", "color": VERMILLION, "ms": 5},
    "not decided": {
        "marker": "^", "color": AMBER, "ms": 5.5, "mfc": "white", "mew": 1.4,
    },
    "not applicable": {"marker": "_", "color": GREY, "ms": 5},
}  # fmt: skip
# Mark of a cell without a figure, and its name.
EMPTY = {
    "not applicable": ("-", "not applicable"),
    "not decided": ("?", "not decided, no figure"),
}
# Light behind a row that fails.
TINT = "#FBE6DA"
# Where nothing is decided.
BAND: dict[str, Any] = {
    "color": GREY, "lw": 5, "alpha": 0.3, "solid_capstyle": "butt",
}  # fmt: skip
FLOOR: dict[str, Any] = {"marker": "|", "color": INK, "ms": 9, "mew": 1.2}
# Largest number of decades drawn; values below them stand at the edge.
LOWEST, HIGHEST = -17, 3
# Longer names lose their middle.
LONGEST = 28
# Share of a cell on both sides of its axis.
MARGIN = 0.12


class _Decades(NamedTuple):
    """The range of a logarithmic axis."""

    low: int
    high: int

    def of(self, value: float) -> float:
        """The decade of a figure, kept to the range."""
        size = abs(value)
        if not size > 0:  # NaN as well
            return self.low
        return min(max(math.log10(size), self.low), self.high)


def figure_cards(cards: Mapping[str, Any]) -> Figure:
    """The figures of report cards with their noise floors, on logarithmic axes.

    A single card is drawn row by row, with lines at 10 and 100 times the floor, between
    which nothing is decided. For several cards each cell is a row of one law. Verdicts
    differ by colour and by shape.

    Args:
        cards: by the names of their laws, one or more.

    Returns:
        The figure, of a size that fits its rows and columns.

    Raises:
        ValueError: no card, or cards without a row.
    """
    rows = list(dict.fromkeys(name for card in cards.values() for name in card.rows))
    if not rows:
        raise ValueError(
            "Argument `cards` must hold a card with a row or more, but has none."
        )
    with house_style():
        if len(cards) > 1:
            return _many(cards, rows)
        ((name, card),) = cards.items()
        return _one(name, card)


def _one(name: str, card: Any) -> Figure:
    """Rows from top to bottom: floor, 10 and 100 floors, figure, and it in words."""
    rows = list(card.rows)
    decades = _range([card], bands=True)
    figure, axes = subplots(size=(7.2, 1.5 + 0.24 * len(rows)))
    axis = axes[0, 0]
    for y, row in enumerate(card.rows.values()):
        if row.floor is not None:
            floor, holds, fails = map(decades.of, (row.floor, *row.band))
            axis.plot([floor, holds], [y, y], color=GREY, lw=1)
            axis.plot([holds, fails], [y, y], **BAND)
            for end in (holds, fails):
                axis.plot(end, y, "|", color=GREY, ms=6)
        _mark(axis, row, y, decades)
        axis.annotate(
            _told(row), (1, y), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    ticks = [k for k in range(decades.low, decades.high + 1) if k % 3 == 0]
    axis.set_xticks(ticks, [_power(k) for k in ticks])
    axis.set_xlim(decades.low - 0.5, decades.high + 0.5)
    axis.set_xlabel("figure")
    axis.grid(axis="x", color=PALE)
    axis.set_axisbelow(True)
    _name_rows(axis, rows)
    axis.set_title(f"{_short(name)}, t = {card.time:g}")
    band = Line2D([], [], label="10 to 100 floors", **BAND)
    _legend(figure, [card], [band])
    return figure


def _many(cards: Mapping[str, Any], rows: Sequence[str]) -> Figure:
    """A cell for each property (down) and law (across), all on the same decades."""
    decades = _range(cards.values())
    size = (1.9 + 0.75 * len(cards), 2.0 + 0.24 * len(rows))
    figure, axes = subplots(size=(max(size[0], 5.6), size[1]))
    axis = axes[0, 0]
    width = (decades.high - decades.low) / (1 - 2 * MARGIN)
    fails = []
    for column, card in enumerate(cards.values()):
        left = width * (column + MARGIN) - decades.low
        for y, name in enumerate(rows):
            if name not in card.rows:
                continue
            row = card.rows[name]
            _mark(axis, row, y, decades, left)
            if row.figure is None and row.verdict in EMPTY:
                axis.text(
                    width * (column + 0.5), y, EMPTY[row.verdict][0],
                    color=GREY, fontsize=8, ha="center", va="center",
                )  # fmt: skip
            if row.verdict == "fails":
                fails.append(Rectangle((width * column, y - 0.5), width, 1))
    axis.add_collection(PatchCollection(fails, color=TINT, lw=0, zorder=0))
    edges = width * np.arange(len(cards) + 1)
    axis.vlines(edges, -0.5, len(rows) - 0.5, color=GREY, lw=0.6, clip_on=False)
    lines = np.arange(len(rows) + 1) - 0.5
    axis.hlines(lines, 0, edges[-1], color=GREY, lw=0.3, zorder=0.5, clip_on=False)
    shown = np.array([k for k in range(decades.low, decades.high + 1) if k % 5 == 0])
    ticks = edges[:-1, None] + width * MARGIN + shown - decades.low
    labels = [str(k) for k in shown] * len(cards)
    axis.set_xticks(ticks.ravel(), labels, fontsize=6)
    axis.set_xlim(0, edges[-1])
    axis.set_xlabel("figure, powers of ten", fontsize=8)
    _name_rows(axis, rows)
    top = axis.secondary_xaxis("top")
    top.set_xticks(
        edges[:-1] + width / 2, [_short(name) for name in cards],
        rotation=45, ha="left", rotation_mode="anchor", fontsize=8,
    )  # fmt: skip
    for one in (axis, top):
        one.tick_params(length=0)
        one.spines[:].set_visible(False)
    signs = [
        Line2D([], [], ls="", marker=f"${sign}$", color=GREY, label=words)
        for verdict, (sign, words) in EMPTY.items()
        if any(_drawn(card, verdict, figure=False) for card in cards.values())
    ]
    _legend(figure, cards.values(), signs)
    return figure


def _mark(axis: Axes, row: Any, y: int, decades: _Decades, shift: float = 0) -> None:
    """The floor and the figure of a row, where it has them."""
    if row.floor is not None:
        axis.plot(shift + decades.of(row.floor), y, **FLOOR)
    if row.figure is not None:
        x = shift + decades.of(row.figure)
        axis.plot(x, y, ls="", zorder=3, clip_on=False, **MARKS[row.verdict])


def _range(cards: Iterable[Any], *, bands: bool = False) -> _Decades:
    """The decades that hold all figures and floors, and where nothing is decided."""
    rows = [row for card in cards for row in card.rows.values()]
    sizes = [size for row in rows for size in (row.figure, row.floor)]
    sizes += [size for row in rows if bands for size in row.band or ()]
    decades = [math.log10(abs(x)) for x in sizes if x and math.isfinite(x)]
    low = math.floor(min(decades, default=-15))
    high = math.ceil(max(decades, default=0))
    return _Decades(max(min(low, -1), LOWEST), min(max(high, 0), HIGHEST))


def _name_rows(axis: Axes, rows: Sequence[str]) -> None:
    """Names from top to bottom."""
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)


def _legend(figure: Figure, cards: Iterable[Any], further: Sequence[Line2D]) -> None:
    """The verdicts that are drawn, and the floor."""
    marks = [
        Line2D([], [], ls="", label=str(verdict), **look)
        for verdict, look in MARKS.items()
        if any(_drawn(card, verdict) for card in cards)
    ]
    floor = Line2D([], [], ls="", label="floor", **FLOOR)
    handles = [*marks, floor, *further]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8
    )


def _drawn(card: Any, verdict: str, *, figure: bool = True) -> bool:
    """Whether a row with this verdict has a figure, or has none."""
    return any(
        row.verdict == verdict and (row.figure is not None) is figure
        for row in card.rows.values()
    )


def _told(row: Any) -> str:
    figure = "" if row.figure is None else f" {row.figure:.2g}"
    return f"{row.verdict}{figure}"


def _power(k: int) -> str:
    return "1" if k == 0 else f"1e{k}"


def _short(name: str) -> str:
    """A name without its middle, if it is long: both ends tell laws apart."""
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[: half - 1]}…{name[-half:]}"
