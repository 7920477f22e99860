"""Parts of a page: exact numbers, tables, sections; the text of a kind of results."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._html import with_error

# Entries of a list, and rows of a table, that are shown.
MOST_ENTRIES, MOST_ROWS = 6, 300


class Number(NamedTuple):
    """A number as stored, and the digits of it that are shown."""

    value: float
    text: str


Cell = tuple[str | Number, ...]


class Block(NamedTuple):
    """A table: its caption, headings, and rows named by their first cell."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


class Section(NamedTuple):
    """A section of a page."""

    title: str
    sentences: Sequence[str] = ()
    blocks: Sequence[Block] = ()

    @property
    def anchor(self) -> str:
        """Its name within the page."""
        return self.title.lower().replace(" ", "-")


def number(value: Any, digits: int = 4, missing: str = "none") -> Cell:
    """A stored number with so many digits; `missing` where there is none."""
    if value is None:
        return (missing,)
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, int):
        return (Number(value, str(value)),)
    return (Number(float(value), f"{float(value):.{digits}g}"),)


def erring(value: Any, error: Any) -> Cell:
    """A stored number with the digits that its error allows."""
    if value is None or error is None or not (math.isfinite(error) and error > 0):
        return number(value, 6)
    return (Number(float(value), with_error(float(value), float(error))),)


def cell(value: Any, digits: int = 6) -> Cell:
    """Any value of a summary, numbers with so many digits."""
    if isinstance(value, str):
        return (value or "none",)
    if isinstance(value, list | tuple):
        parts: list[str | Number] = []
        for entry in value[:MOST_ENTRIES]:
            parts += [", "] * bool(parts) + list(cell(entry, digits))
        more = len(value) > MOST_ENTRIES
        parts += [f", ... ({len(value)} in all)"] * more
        return tuple(parts) or ("none",)
    if isinstance(value, Mapping):
        return (", ".join(map(str, value)) or "none",)
    return number(value, digits)


def listing(caption: str, values: Mapping[str, Any]) -> Block:
    """A table of two columns: nested values by their dotted names."""
    rows = list(_flat(values))
    if len(rows) > MOST_ROWS:
        left = f"{len(rows) - MOST_ROWS} more are in the files of the results"
        rows = [*rows[:MOST_ROWS], ("...", (left,))]
    return Block(caption, ("name", "value"), [((name,), shown) for name, shown in rows])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Cell]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, cell(value)


NOTHING = "Nothing of this kind is stored with these results."
UNTOLD = "What the data cannot determine"
Summary = Mapping[str, Any]


class Told(NamedTuple):
    """The text of a report for a kind of results."""

    title: str
    verdict: str
    numbers: Section
    trust: Section
    untold: Section = Section(UNTOLD, (NOTHING,))


def ended(what: str, status: str) -> str:
    """The text for a status that is not a success."""
    return f"{what} ended with the status “{status}”."


def of_block(title: str, block: Block) -> Section:
    """A section with a single table."""
    return Section(title, (), (block,))
