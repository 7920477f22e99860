"""How a notebook shows what users hold: a small card, in the colours of its page.

Text and lines take the colour of the notebook, light or dark; a status has a ground of
its own, and is said in words.
"""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

import jax
import numpy as np

from . import _checks
from .status import Status

# Numbers beyond which values are not looked at, rows and entries that are shown.
MOST_VALUES, MOST_ROWS, MOST_LINES, MOST_POINTS = 1_000_000, 40, 6, 160

_STYLE = (
    ".jqd-card{font-size:.9em;line-height:1.4;max-width:52rem;color:inherit}"
    ".jqd-card table{border-collapse:collapse;margin:.3em 0;background:transparent}"
    ".jqd-card th,.jqd-card td{text-align:left;vertical-align:top;"
    "padding:.1em .9em .1em 0;color:inherit;background:transparent}"
    ".jqd-card thead th{opacity:.75;font-weight:normal}"
    ".jqd-card-scroll{overflow-x:auto}"
    ".jqd-card svg{display:block;width:100%;max-width:24rem;height:4.5rem}"
    ".jqd-card polyline{fill:none;stroke:currentColor;vector-effect:non-scaling-stroke}"
    # white on these: 7.4 and 6.7 to 1, whatever is around
    ".jqd-card-status{padding:.05em .5em;border-radius:.25em;color:#fff;"
    "background:#a33b00}.jqd-card-ok{background:#00634a}"
)


class Table(NamedTuple):
    """Lines of cells below their headings; no headings for names and values."""

    headings: Sequence[str]
    lines: Sequence[Sequence[str]]

    def text(self) -> list[str]:
        """Lines of plain text, with the cells of a column below each other."""
        lines = [self.headings, *self.lines]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return [
            "  ".join(
                cell.ljust(width) for cell, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        ]


class Card(NamedTuple):
    """What a notebook shows of something.

    Attributes:
        title: what it is.
        status: in words, or "".
        good: whether that is a success.
        tables: of texts.
        notes: sentences below.
        curves: values over an axis, (T, k), or None.
        axis: where they stand, (T,), or None for their numbers.
        caption: what the curves are.
    """

    title: str
    status: str = ""
    good: bool = True
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    curves: Any = None
    axis: Any = None
    caption: str = ""


def shows(build: Callable[[Any], Card]) -> Callable[[Any], str]:
    """Make a `_repr_html_` of a method that returns a `Card`.

    Where values are traced, and where anything goes wrong, it is the `repr` that is
    shown: a notebook must not fail because it shows something.
    """

    @functools.wraps(build)
    def _repr_html_(self: Any) -> str:
        try:
            if _checks.is_concrete(self):
                return render(build(self))
        except Exception:  # whatever a half-made object does when it is read
            pass
        return f"<pre>{escape(_safe_repr(self))}</pre>"

    return _repr_html_


def is_small(value: Any) -> bool:
    """Whether there are so few values that looking at all takes no time."""
    return sum(np.size(leaf) for leaf in jax.tree.leaves(value)) <= MOST_VALUES


def shape_of(array: Any) -> str:
    """A number; dtype and shape of more than one."""
    if np.ndim(array) == 0:
        return f"{np.asarray(array).item():.6g}"
    return f"{array.dtype} {tuple(np.shape(array))}"


def times(ts: Any) -> str:
    """How many times, from when to when."""
    ts = np.ravel(np.asarray(ts))
    return f"{ts.size} from {ts[0]:.6g} to {ts[-1]:.6g}" if ts.size else "none"


def with_error(value: float, stderr: float, uncertain: int = 2) -> str:
    """A value to the digits that its standard error leaves, two of them uncertain.

    Args:
        value: the value.
        stderr: its standard error; if not positive, twelve digits are shown.
        uncertain: how many digits are shown of those that the error leaves open.

    Returns:
        The value as text, with at most twelve decimals; with a power of ten where its
        digits begin beyond these, or end before thousands.
    """
    return _to(value, value, stderr, uncertain)


def plus_minus(value: float, stderr: float) -> str:
    """A value with its standard error, both to the digits of `with_error`.

    Args:
        value: the value.
        stderr: its standard error.

    Returns:
        As in "0.994 ± 0.027".
    """
    return f"{with_error(value, stderr)} ± {_to(stderr, value, stderr)}"


def _to(number: float, value: float, stderr: float, uncertain: int = 2) -> str:
    """A number in the form and with the last decimal of value and standard error."""
    size = max(abs(value), abs(stderr)) if math.isfinite(stderr) else abs(value)
    if not (math.isfinite(stderr) and stderr > 0):
        plain = not math.isfinite(value) or value == 0 or 1e-6 <= abs(value) < 1e15
        return f"{number:.12f}" if plain else f"{number:.12g}"
    last = math.floor(math.log10(stderr)) - uncertain + 1
    # twelve decimals of what has none to show, or digits of which none is known
    if last > 3 or size < 1e-6:
        if number == 0:
            return "0"
        most = math.floor(math.log10(abs(number)))
        return f"{number:.{min(max(most - last, 0), 12)}e}"
    return f"{number:.{min(max(-last, 0), 12)}f}"


class _Digits:
    """A leaf of a tree whose `repr` is its value."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def legible(leaf: Any) -> Any:
    """A leaf of a PyTree as `repr` of the tree shows it: few numbers by their values,
    six digits of each."""
    if not hasattr(leaf, "dtype") or np.size(leaf) > MOST_LINES:
        return leaf
    try:
        if not _checks.is_concrete(leaf) or np.asarray(leaf).dtype.kind not in "biufc":
            return leaf
        digits = np.vectorize(lambda x: f"{x:.6g}", otypes=[object])
        text = str(digits(np.asarray(leaf)).tolist()).replace("'", "")
    except Exception:  # a deleted array, for instance
        return leaf
    return _Digits(text)


def status_word(status: Any) -> tuple[str, bool]:
    """A code of `Status`, or how many are not OK, and whether all are."""
    codes = np.ravel(np.asarray(status))
    bad = int(np.count_nonzero(codes))
    if codes.size == 1:
        return Status(int(codes[0])).name.lower().replace("_", " "), not bad
    return f"{bad} of {codes.size} not ok" if bad else "ok", not bad


def run_card(run: Any, curves: Any = None, caption: str = "") -> Card:
    """The card of an outcome with times, a `status` and a `describe`.

    Args:
        run: it.
        curves: over its times, (T, k), or None.
        caption: what they are.
    """
    lines = [("times", times(run.ts))]
    for name in run.__dataclass_fields__:
        value = getattr(run, name)
        if name != "ts" and hasattr(value, "dtype"):
            lines.append((name, shape_of(value)))
    word, good = status_word(run.status)
    return Card(
        type(run).__name__, word, good, [Table((), lines)], [run.describe()], curves,
        run.ts, caption,
    )  # fmt: skip


def render(card: Card) -> str:
    """A card as HTML."""
    parts = [f"<b>{escape(card.title)}</b>"]
    if card.status:
        look = " jqd-card-ok" if card.good else ""
        said = escape(card.status)
        parts.append(f'<span class="jqd-card-status{look}">{said}</span>')
    parts += [_table(table) for table in card.tables if table.lines]
    parts += [f"<div>{escape(note)}</div>" for note in card.notes]
    if card.curves is not None:
        parts.append(_sparkline(card.curves, card.axis, card.caption))
    inner = " ".join(parts)
    return f'<div class="jqd-card"><style>{_STYLE}</style>{inner}</div>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in table.headings)
    rows = [_row(line) for line in table.lines[:MOST_ROWS]]
    if len(table.lines) > MOST_ROWS:
        rows.append(_row(["...", f"{len(table.lines) - MOST_ROWS} more"]))
    return (
        '<div class="jqd-card-scroll"><table>'
        + (f"<thead><tr>{head}</tr></thead>" if head else "")
        + f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(line: Iterable[str]) -> str:
    first, *rest = line
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
    return f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'


def _sparkline(curves: Any, axis: Any, caption: str) -> str:
    """Few curves, few points each: those that vary most, with gaps where none is."""
    curves = np.asarray(curves, float)
    step = -(-len(curves) // MOST_POINTS)
    shown = curves[::step]
    x = np.arange(len(curves)) if axis is None else np.asarray(axis, float)
    x = x[::step]
    finite = np.isfinite(shown)
    if not finite.any() or len(shown) < 2 or not x[-1] > x[0]:
        return ""
    spread = np.ptp(np.where(finite, shown, shown[finite].mean()), axis=0)
    shown = shown[:, np.sort(np.argsort(-spread, kind="stable")[:MOST_LINES])]
    seen = shown[np.isfinite(shown)]
    low, high = (seen.min(), seen.max()) if seen.size else (0.0, 0.0)
    height = high - low or 1.0
    u = 100 * (x - x[0]) / (x[-1] - x[0])
    lines = "".join(
        f'<polyline points="{run}"/>'
        for column in shown.T
        for run in _runs(u, 30 - 28 * (column - low) / height)
    )
    more = f" of {curves.shape[1]}" if curves.shape[1] > MOST_LINES else ""
    count = "1 curve" if curves.shape[1] == 1 else f"{shown.shape[1]}{more} curves"
    said = f"{caption}: {count} between {low:.3g} and {high:.3g}"
    return (
        '<svg viewBox="0 0 100 32" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(said)}">{lines}</svg><div>{escape(said)}</div>'
    )


def _runs(u: np.ndarray, v: np.ndarray) -> Iterable[str]:
    """The points of a curve, in pieces where values are missing."""
    there = np.isfinite(v)
    breaks = np.flatnonzero(np.diff(there.astype(int))) + 1
    for us, vs in zip(np.split(u, breaks), np.split(v, breaks), strict=True):
        if np.isfinite(vs).all():
            yield " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(us, vs, strict=True))


def _safe_repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # a deleted array, for instance
        return f"{type(value).__name__} (its values cannot be read)"
