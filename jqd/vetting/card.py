"""A report card: rows with a figure, its noise floor and a verdict."""

import enum
import math
from typing import Any, NamedTuple

from .. import _html

# Multiples of the floor: figures up to the first hold, beyond the second they fail.
HOLDS, FAILS = 10.0, 100.0
# Relative change that is allowed to a failing figure when the step is halved.
STEADY = 0.1
# A floor above this decides nothing: the steps are too coarse, or a node is met.
COARSE = 1e-4
ROUNDING = 1e-13
_HEADINGS = ("property", "verdict", "figure", "floor", "note")


class Verdict(enum.StrEnum):
    """The verdict of a row."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not applicable"
    NOT_DECIDED = "not decided"


class Row(NamedTuple):
    """One property of a law.

    Attributes:
        name: name of the property.
        figure: size of the violation of the property; None where it does not apply.
        floor: numerical noise floor of the figure, from steps and rounding alone.
        verdict: a `Verdict`.
        note: where the figure was attained, or why the row does not apply.
    """

    name: str
    figure: float | None
    floor: float | None
    verdict: Verdict
    note: str = ""

    @property
    def band(self) -> tuple[float, float] | None:
        """Between which figures nothing is decided: 10 and 100 times the floor."""
        return None if self.floor is None else (HOLDS * self.floor, FAILS * self.floor)

    def with_note(self, note: str) -> "Row":
        """The row with a further note."""
        return self._replace(note=f"{self.note}; {note}" if self.note else note)


class Card(NamedTuple):
    """The report card of a law.

    Attributes:
        law: name of the law.
        rows: by name, in the order in which they were requested.
        steps: number of steps of the coarser of two runs.
        time: how long the law was followed.
    """

    law: str
    rows: dict[str, Row]
    steps: int
    time: float

    def lines(self) -> list[tuple[str, ...]]:
        """A line of the table for each row: name, verdict, figure, floor, note."""
        return [
            (name, str(verdict), _number(figure), _number(floor), note)
            for name, figure, floor, verdict, note in self.rows.values()
        ]

    def plain(self) -> dict[str, Any]:
        """The card as plain numbers and texts."""
        rows = {name: row._asdict() for name, row in self.rows.items()}
        for row in rows.values():
            row["verdict"] = str(row["verdict"])
        return {"law": self.law, "steps": self.steps, "time": self.time, "rows": rows}

    def plot(self) -> Any:
        """Draw figures beside their floors; a `matplotlib.figure.Figure`."""
        from ..figures.cards import figure_cards

        return figure_cards({self.law: self})

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        table = _html.Table(_HEADINGS, self.lines())
        return _html.Card(f"{self.law}, t = {self.time:g}", tables=[table])

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        table = _html.Table(_HEADINGS, self.lines())
        return "\n".join([f"{self.law}, t = {self.time:g}", *table.text()])


def judged(
    name: str, coarse: float, fine: float, note: str = "", more: float = 0.0
) -> Row:
    """A row from two figures, the second with steps half as long.

    The figure of the row is the second. Its floor is the change between the two, plus
    rounding, plus `more`, the effect of chance, a regulator or a grid.
    """
    floor = abs(fine - coarse) + ROUNDING + more
    if not (math.isfinite(fine) and math.isfinite(coarse)):
        said = "the law ended: " + note if note else "the law ended"
        return Row(name, None, None, Verdict.NOT_DECIDED, said)
    row = Row(name, fine, floor, Verdict.NOT_DECIDED, note)
    if floor > COARSE and fine <= FAILS * floor:
        why = "the grid is too coarse" if more > floor / 2 else "steps are too coarse"
        return row.with_note(why)
    if fine <= HOLDS * floor:
        return row._replace(verdict=Verdict.HOLDS)
    steady = abs(fine - coarse) <= STEADY * fine
    fails = fine > FAILS * floor and steady
    return row._replace(verdict=Verdict.FAILS) if fails else row


def absent(name: str, why: str) -> Row:
    """A row that does not apply."""
    return Row(name, None, None, Verdict.NOT_APPLICABLE, why)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
