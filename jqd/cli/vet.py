"""`jqd vet`: the report card of laws."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import jax.numpy as jnp
import typer
from rich.markup import escape
from rich.table import Table

from ..laws import Law
from ..problems import golden
from ..records import load_matrix, naming
from ..vetting import ROWS, Card, Verdict
from ..vetting import vet as vet_law
from .law_words import is_phase_space, law_of_populations, parse_laws
from .one_law import parse_law
from .options import AsJson, check_word
from .session import Matrix, conclude, one_bar, table_of

# One of each that moves kets, away from quantum mechanics.
DEFAULT = (
    "schrodinger,dephasing[gamma=0.1],copying[q=0.4],copying[r=-0.8],"
    "logarithmic[b=0.2],gross_pitaevskii[g=0.3],weinberg[eps=0.3],gisin[lam=0.1]"
)
HEADINGS = ("property", "verdict", "figure", "floor", "note")
SHORT = {
    Verdict.HOLDS: "holds",
    Verdict.FAILS: "fails",
    Verdict.NOT_APPLICABLE: "-",
    Verdict.NOT_DECIDED: "?",
}


def vet(
    laws: Annotated[
        str,
        typer.Argument(
            help=escape(
                "Laws of a matrix with commas between, values of their constants in "
                "brackets: copying[q=0.4], logarithmic[b=0.2], FILE.py:NAME[g=0.3] "
                "(NAME(H) makes a law; FILE.py alone where it has one). Eight of the "
                "library by custom."
            )
        ),
    ] = DEFAULT,
    *,
    hamiltonian: Matrix = None,
    assigned: list[str] = typer.Option(
        [], "--set", help="Value of a constant of one law, as in g=0.3; repeat."
    ),
    rows: str | None = typer.Option(
        None, help="Properties with commas between; all by custom."
    ),
    time: float = typer.Option(2.0, help="How long laws are followed."),
    steps: int = typer.Option(400, help="Of the coarser of two runs."),
    quick: bool = typer.Option(
        False, "--quick", help="Half of the steps, one search for each worst case."
    ),
    as_json: AsJson = False,
) -> int:
    """Say what kind of theory a law is: a card of properties with figures."""
    asked = ROWS if rows is None else tuple(map(str.strip, rows.split(",")))
    for row in asked:
        check_word("rows", row, ROWS)
    made = _laws(laws, hamiltonian, assigned)
    cards: dict[str, Card] = {}
    try:
        for name, law in made.items():
            with one_bar(f"Vetting {escape(name)}") as report:
                cards[name] = vet_law(
                    law, time=time, steps=-(-steps // 2) if quick else steps,
                    rows=asked, tries=1 if quick else 3, report=report,
                )  # fmt: skip
    except KeyboardInterrupt:
        if cards:  # minutes of work
            _print(cards, asked, as_json)
        raise
    if rows is not None:
        _check_applied(cards)
    return _print(cards, asked, as_json)


def _check_applied(cards: dict[str, Card]) -> None:
    """Raise where nothing that was asked by name applies to any law."""
    found = [(law, row) for law, card in cards.items() for row in card.rows.values()]
    if all(row.verdict is Verdict.NOT_APPLICABLE for _, row in found):
        law, row = found[0]
        raise ValueError(
            f"Argument `--rows` must name rows that apply, but {row.name!r} does not "
            f"apply to {law}: {row.note}."
        )


def _print(cards: dict[str, Card], asked: Sequence[str], as_json: bool) -> int:
    summary = {"laws": {name: card.plain() for name, card in cards.items()}}
    tables = [_overview(cards, asked)]
    if len(cards) == 1:
        ((name, card),) = cards.items()
        tables = [table_of(f"{name}, t = {card.time:g}", HEADINGS, card.lines())]
    return conclude(summary, tables, as_json=as_json)


def _laws(
    text: str, hamiltonian: Path | None, assigned: Sequence[str]
) -> dict[str, Law]:
    """The laws by the words they were asked for in."""
    wanted = parse_laws(text, "LAWS")
    if assigned:
        one = parse_law(text, assigned, "LAWS")
        wanted = {f"{next(iter(wanted))} with {', '.join(assigned)}": one}
    if is_phase_space(wanted):
        raise ValueError(
            "Argument `LAWS` must be of a matrix, but laws of phase space were given."
        )
    for name, one in wanted.items():
        if one.free:
            raise ValueError(
                f"Argument `LAWS` must give {one.free[0]} a value, as in "
                f"{one.law}[{one.free[0]}=0.4], but {name!r} does not."
            )
    H = golden()[0].hamiltonian() if hamiltonian is None else load_matrix(hamiltonian)
    with naming(hamiltonian):
        return {
            name: law_of_populations(one, jnp.asarray(H), "LAWS")
            for name, one in wanted.items()
        }


def _overview(cards: dict[str, Card], asked: Sequence[str]) -> Table:
    """Properties by laws; figures where they fail, a question where it is open."""
    lines = []
    for row in asked:
        cells = [card.rows[row] for card in cards.values()]
        told = [
            f"{SHORT[one.verdict]} {one.figure:.2g}"
            if one.verdict is Verdict.FAILS and one.figure is not None
            else SHORT[one.verdict]
            for one in cells
        ]
        lines.append((row, *told))
    return table_of("", ("property", *cards), lines)
