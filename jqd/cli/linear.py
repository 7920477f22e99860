"""`jqd linear`: whether a motion is linear, from tables of counts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import report
from .._files import provenance
from ..inference.linear import JointTest, Linearity, linearity
from ..records import load_tables, naming
from .options import DATA, FIT, OUTPUT, AsJson
from .session import conclude, run_folder, table_of, takes_argument, write_figures


def linear(
    table: Annotated[Path, takes_argument("tables")],
    *,
    shots: int | None = typer.Option(
        None,
        min=1,
        help="Number of shots of each cell, where the file does not tell it.",
        rich_help_panel=DATA,
    ),
    rank: int | None = typer.Option(
        None,
        min=1,
        help="Rank to test; by default the least that describes the first table, 4 for "
        "a qubit.",
        rich_help_panel=FIT,
    ),
    size: float = typer.Option(
        0.1,
        help="Size of the nonlinearities of which the result tells what they would "
        "show: eps t/hbar of Weinberg's law, (q - 1/2) Omega t of copy dynamics.",
        rich_help_panel=FIT,
    ),
    out: Path | None = typer.Option(
        None,
        help="Write summary.json and the figure to this folder; if it holds files, to "
        "FOLDER-2, FOLDER-3, ..",
        rich_help_panel=OUTPUT,
    ),
    as_json: AsJson = False,
) -> int:
    """Test whether a motion is linear, from tables of preparations by measurements."""
    tables = load_tables(table, shots)
    with run_folder(out) as folder:
        with naming(table, "shots"):
            found = linearity(tables, rank=rank, size=size)
        summary, notes = found.plain(), [found.message, found.sentence]
        if folder is not None:
            kept = summary | {"provenance": provenance()}
            report.write_json(kept, folder / "summary.json")
            write_figures(lambda: {"linearity": report.figure_linearity(found)}, folder)
            notes.append(f"Results in {folder}")
        return conclude(summary, [*_printed(found), *notes], as_json=as_json)


def _printed(found: Linearity) -> list[Any]:
    ranks = table_of(
        "Rank of the first table",
        ("rank", "chi2/dof", "z", "p"),
        [
            (str(one.rank), f"{one.chi2 / one.dof:.4g}", f"{one.z:.3g}",
             f"{one.p_value:.2g}")
            for one in found.ranks
        ],
    )  # fmt: skip
    unit = f", {found.unit}" if found.unit else ""
    heads = (f"wait{unit}", "runs", "chi2/dof", "z", "rise/dof", "p", "shows at 95 %")
    tests = [
        ("From the shortest wait to another, side by side", found.joint),
        ("Runs of one wait side by side", found.controls),
    ]
    shown = [
        # controls have no p and no power of their own
        table_of(title, heads if title == tests[0][0] else heads[:5],
                 [_line(one) for one in each])
        for title, each in tests if each
    ]  # fmt: skip
    return [ranks, *shown]


def _line(one: JointTest) -> tuple[str, ...]:
    numbers = (
        f"{one.wait:g}", str(one.runs), f"{one.per_dof:.4g}", f"{one.z:.2g}",
        f"{one.excess:.3f}",
    )  # fmt: skip
    if one.p_value is None:
        return numbers
    power = ", ".join(f"{law.law} {law.detectable:.2g}" for law in one.power)
    return (*numbers, f"{one.p_value:.2g}", power or "not known")
