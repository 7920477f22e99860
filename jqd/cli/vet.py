"""`jqd vet`: the report card of laws."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import jax.numpy as jnp
import typer
from rich.table import Table

from .. import report
from .._bars import progress
from ..laws import Law
from ..problems import golden
from ..records import load_matrix, naming
from ..vetting import ROWS, Card, Verdict
from ..vetting import vet as vet_law
from .law_words import Wanted, law_of_populations, parse_laws
from .on_grid import ground_of
from .one_law import with_values
from .options import FIT, MODEL, AsJson, MaybeOut, check_word, only_with
from .session import Matrix, conclude_in, run_folder, table_of
from .vet_laws import ALL, GROUNDS, KNOWN

# One of each that moves kets, away from quantum mechanics.
DEFAULT = (
    "schrodinger,dephasing[gamma=0.1],copying[q=0.4],copying[r=-0.8],"
    "logarithmic[b=0.2],gross_pitaevskii[g=0.3],weinberg[eps=0.3],gisin[lam=0.1]"
)
HEADINGS = ("property", "verdict", "figure", "floor", "note")
# Laws side by side in one table.
WIDE = 8
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
            help="Laws separated by commas, with the values of their constants in "
            "brackets: copying[q=0.4], logarithmic[b=0.2], FILE.py:NAME[g=0.3] "
            "(NAME(H) makes a law; FILE.py alone if it has one; on a grid where the "
            "file has a function ground()), diffusion[D=0.45] and others on a ring, "
            "husimi[C=0.9]; or `all`, for all of the library."
        ),
    ] = DEFAULT,
    *,
    hamiltonian: Matrix = None,
    assigned: list[str] = MODEL.option(
        [],
        "--set",
        help="Value of a constant, such as g=0.3, where LAWS is one law; may be "
        "repeated.",
    ),
    rows: str | None = FIT.option(
        None, help="Properties to test, separated by commas; all by default."
    ),
    time: float | None = MODEL.option(
        None, help="How long each law evolves; two of its own time scales by default."
    ),
    steps: int = FIT.option(
        400, help="Number of time steps in the coarser of two runs."
    ),
    quick: bool = FIT.option(
        False,
        "--quick",
        help="Half as many time steps, and one search for each worst case.",
    ),
    out: MaybeOut = None,
    as_json: AsJson = False,
) -> int:
    """Test a law, and print a report card of its properties with numbers."""
    asked = ROWS if rows is None else tuple(map(str.strip, rows.split(",")))
    for row in asked:
        check_word("rows", row, ROWS)
    made = _laws(laws, hamiltonian, assigned)
    cards: dict[str, Card] = {}
    with run_folder(out) as folder:
        try:
            for name, law in made.items():
                with progress(f"Vetting {name}", lines=True) as advance:
                    cards[name] = vet_law(
                        law, time=time, steps=-(-steps // 2) if quick else steps,
                        rows=asked, tries=1 if quick else 3, report=advance,
                    )  # fmt: skip
        except KeyboardInterrupt:
            if cards:  # minutes of work
                _conclude(cards, asked, folder, as_json)
            raise
        if rows is not None:
            _check_applied(cards)
        return _conclude(cards, asked, folder, as_json)


def _check_applied(cards: dict[str, Card]) -> None:
    """Raise where nothing that was asked by name applies to any law."""
    found = [(law, row) for law, card in cards.items() for row in card.rows.values()]
    if all(row.verdict is Verdict.NOT_APPLICABLE for _, row in found):
        law, row = found[0]
        raise ValueError(
            f"Argument `--rows` must name rows that apply, but {row.name!r} does not "
            f"apply to {law}: {row.note}."
        )


def _conclude(
    cards: dict[str, Card], asked: Sequence[str], folder: Path | None, as_json: bool
) -> int:
    """Print the cards; write and draw them into the folder, if there is one."""
    summary = {"laws": {name: card.plain() for name, card in cards.items()}}
    names = list(cards)
    tables = [
        _overview({name: cards[name] for name in names[first : first + WIDE]}, asked)
        for first in range(0, len(names), WIDE)
    ]
    if len(cards) == 1:
        ((name, card),) = cards.items()
        tables = [table_of(f"{name}, t = {card.time:g}", HEADINGS, card.lines())]
    return conclude_in(
        folder, summary, tables, lambda: {"cards": report.figure_cards(cards)},
        as_json=as_json,
    )  # fmt: skip


def _laws(
    text: str, hamiltonian: Path | None, assigned: Sequence[str]
) -> dict[str, Law]:
    """The laws by the words they were asked for in."""
    wanted = parse_laws(ALL if text == "all" else text, "LAWS", KNOWN)
    if assigned:
        if len(wanted) != 1:
            raise ValueError(
                f"Argument `LAWS` must be one law beside `--set`, but {text!r} was "
                "given."
            )
        ((name, one),) = wanted.items()
        one = with_values(one, assigned, KNOWN)
        wanted = {f"{name} with {', '.join(assigned)}": one}
    if any(one.law == "loss" for one in wanted.values()):
        raise ValueError(
            "Argument `LAWS` must not name loss, the law of a record, but does; "
            "dephasing and husimi are vetted."
        )
    for name, one in wanted.items():
        if one.free:
            raise ValueError(
                f"Argument `LAWS` must give {one.free[0]} a value, as in "
                f"{one.law}[{one.free[0]}=0.4], but {name!r} does not."
            )
    only_with(
        "--hamiltonian", "laws of a matrix", given=hamiltonian is not None,
        there=any(one.law not in GROUNDS for one in wanted.values()),
    )  # fmt: skip
    H = golden()[0].hamiltonian() if hamiltonian is None else load_matrix(hamiltonian)

    def law_of(one: Wanted) -> Law:
        if one.law in GROUNDS:
            return GROUNDS[one.law][0](**one.values)
        ground = ground_of(one, hamiltonian, option="LAWS")
        on = jnp.asarray(H) if ground is None else ground.quantum
        return law_of_populations(one, on, "LAWS")

    with naming(hamiltonian):
        return {name: law_of(one) for name, one in wanted.items()}


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
