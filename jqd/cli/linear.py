"""`jqd linear`: whether a motion is linear, from tables of counts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from .. import report
from .._words import p_words
from ..inference.linear import JointTest, Linearity, linearity
from ..records import load_tables, naming
from .options import DATA, FIT, AsJson, MaybeOut
from .session import conclude_in, run_folder, table_of, takes_argument


def linear(
    table: Annotated[Path, takes_argument("tables")],
    *,
    shots: int | None = DATA.option(
        None, min=1, help="Number of shots of each cell, if the file does not hold it."
    ),
    rank: int | None = FIT.option(
        None,
        min=1,
        help="Rank to test; by default the least that describes the first table, 4 for "
        "a qubit.",
    ),
    size: float = FIT.option(
        0.1,
        help="Size of the nonlinearities whose effect on these tables is estimated: "
        "eps t/hbar of Weinberg's law, (q - 1/2) Omega t of copy dynamics; up to 1.",
    ),
    out: MaybeOut = None,
    as_json: AsJson = False,
) -> int:
    """Test whether a motion is linear, from tables of preparations by measurements."""
    try:
        tables = load_tables(table, shots)
    except ValueError as error:
        raise ValueError(str(error).replace("`table`", "`TABLE`", 1)) from None
    with run_folder(out) as folder:
        with naming(table, "shots"):
            found = linearity(tables, rank=rank, size=size)
        return conclude_in(
            folder, found.plain(), [*_printed(found), found.message, found.sentence],
            lambda: {"linearity": report.figure_linearity(found)}, as_json=as_json,
        )  # fmt: skip


def _printed(found: Linearity) -> list[Any]:
    """Tables of ranks, of waits and of runs of one wait, as far as there are any."""
    ranks = table_of(
        "Rank of the first table",
        ("rank", "chi2/dof", "z", "p"),
        [
            (str(one.rank), f"{one.chi2 / one.dof:.4g}", f"{one.z:.3g}",
             p_words(one.p_value, ""))
            for one in found.ranks
        ],
    )  # fmt: skip
    unit = f", {found.unit}" if found.unit else ""
    heads = (f"wait{unit}", "runs", "chi2/dof", "z", "rise/dof")
    shown: list[Any] = [ranks]
    if found.joint:
        # a wait may have no power of a law where another one has
        laws = list(dict.fromkeys(law.law for one in found.joint for law in one.power))
        more = "; of laws: size that gives p < 0.05 in 80 of 100 records"
        more = more if laws else ""
        lines = [
            (*_line(one), p_words(one.p_value or 0.0, ""), *_sizes(one, laws))
            for one in found.joint
        ]
        title = f"From the shortest wait to another{more}"
        shown.append(table_of(title, (*heads, "p", *laws), lines))
    if found.controls:
        lines = [_line(one) for one in found.controls]
        shown.append(table_of("Runs of one wait side by side", heads, lines))
    return shown


def _line(one: JointTest) -> tuple[str, ...]:
    return (
        f"{one.wait:g}", str(one.runs), f"{one.per_dof:.4g}", f"{one.z:.2g}",
        f"{one.excess:.3f}",
    )  # fmt: skip


def _sizes(one: JointTest, laws: Sequence[str]) -> list[str]:
    """Sizes that show, in the order of these laws; empty where none is known."""
    known = {law.law: f"{law.detectable:.2g}" for law in one.power}
    return [known.get(law, "") for law in laws]
