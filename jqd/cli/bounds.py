"""`jqd bounds`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from rich.table import Table

from ..inference.bounds import Bound, Bounds, bounds_on_copies
from ..inference.bounds import bounds as find_bounds
from ..inference.bounds.table import NOT_READ, number_text
from ..inference.limits import Limit
from ..report.answers import read_answer
from ..report.cells import ended
from ..report.results import damaged, read_results
from .options import DATA, FIT, MODEL, AsJson
from .session import conclude

OWN_UNITS = (
    "Limits of this record are in the units of its data, published ones in the units "
    "that they show."
)


class Own(NamedTuple):
    """Limits of a record of the user.

    Attributes:
        law: class name of the law that was fitted.
        place: the results of `jqd recover`, as the user named them.
        answers: the limits.
    """

    law: str
    place: Path
    answers: tuple[Limit, ...]


def bounds(
    *,
    constant: Annotated[
        str | None,
        MODEL.option(
            help="One constant only: q, r, N, D, C or LAW.CONSTANT; CONSTANT alone if "
            "only one law has it."
        ),
    ] = None,
    beside: Annotated[
        Path | None,
        DATA.option(
            metavar="RESULTS",
            help="Results of `jqd recover`; their limits join the table.",
        ),
    ] = None,
    copies: Annotated[
        bool,
        DATA.option(
            "--copies",
            help="Bound the number N of copies by failures in your own experiment.",
        ),
    ] = False,
    failures: Annotated[
        int | None, DATA.option(help="With --copies: number of runs that failed.")
    ] = None,
    shots: Annotated[
        int | None, DATA.option(help="With --copies: number of all runs.")
    ] = None,
    infidelity: Annotated[
        float | None,
        MODEL.option(
            "--lambda",
            help="With --copies: N times the infidelity of N copies, see "
            "`jqd.ensembles.copying.infidelity`.",
        ),
    ] = None,
    infidelity_error: Annotated[
        float | None,
        MODEL.option(
            "--lambda-error",
            help="With --copies: error of lambda, which is `loss_error` there; 0 by "
            "default.",
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        FIT.option(help="With --copies: confidence of the bound; 0.95 by default."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Print what published experiments say about the constants of the laws."""
    own = {"failures": failures, "shots": shots, "lambda": infidelity}
    if copies:
        _refuse("constant", constant, "with")
        _refuse("beside", beside, "with")
        _require(own)
        chosen = {"infidelity_error": infidelity_error, "confidence": confidence}
        return _print_copies(failures, shots, infidelity, chosen, as_json)
    more = {"lambda-error": infidelity_error, "confidence": confidence}
    for name, value in (own | more).items():
        _refuse(name, value, "without")
    try:
        found = find_bounds(constant)
    except ValueError as error:
        text = str(error).replace("`constant`", "`--constant`")
        raise ValueError(text) from None
    return _print_table(found, None if beside is None else _own(beside), as_json)


def _own(place: Path) -> Own:
    """The limits of a record, from the results of its fit."""
    try:
        results = read_results(place)
        summary = results.summary
        try:
            answers = tuple(map(read_answer, _kept(summary)))
        except (TypeError, ValueError) as error:
            raise damaged(str(place), error) from None
    except ValueError as error:
        raise ValueError(str(error).replace("`RESULTS`", "`--beside`")) from None
    must = "Argument `--beside` must be results of `jqd recover` with a limit, but"
    if results.kind != "recovery":
        raise ValueError(f"{must} {place} is of another command.")
    if not answers:
        why = "no constant has a value in quantum mechanics and an error that holds."
        if summary["status"] != "converged":
            why = ended("the fit", summary["status"])
        raise ValueError(f"{must} {place} has none: {why}")
    return Own(str(summary["law"]), place, answers)


def _kept(summary: Mapping[str, Any]) -> list[Any]:
    """The answers of a fit, or of several fits by name."""
    parts = (summary, *summary.values())
    return [one for x in parts if isinstance(x, dict) for one in x.get("answers", ())]


def _refuse(name: str, value: Any, with_or_without: str) -> None:
    if value is not None:
        raise ValueError(
            f"Argument `--{name}` must not be given {with_or_without} `--copies`, but "
            "is."
        )


def _require(options: dict[str, Any]) -> None:
    for name, value in options.items():
        if value is None:
            raise ValueError(
                f"Argument `--{name}` must be given with `--copies`, but is not."
            )


def _print_copies(
    failures: Any, shots: Any, infidelity: Any, chosen: dict[str, Any], as_json: bool
) -> int:
    chosen = {name: value for name, value in chosen.items() if value is not None}
    found = bounds_on_copies(failures, shots, infidelity, **chosen)
    told = str(found)
    summary = {
        "copies": found.copies,
        "failure_limit": found.failure_limit,
        "failures": failures,
        "shots": shots,
        "lambda": infidelity,
        "lambda_error": found.infidelity_error,
        "confidence": found.confidence,
        "notes": told.splitlines(),
    }
    return conclude(summary, [told], as_json=as_json)


def _print_table(found: Bounds, own: Own | None, as_json: bool) -> int:
    notes = found.notes if own is None else (*found.notes, OWN_UNITS)
    summary: dict[str, Any] = {
        "rows": [_plain(row) for row in found.rows],
        "stated": {
            name: [
                {
                    "symbol": row.link.symbol,
                    "sense": row.sense,
                    "limit": row.limit,
                    "limit_unit": row.link.unit,
                    "confidence": row.claim.confidence,
                    "entry": row.published.name,
                }
                for row in found.stated(name)
            ]
            for name in dict.fromkeys(row.claim.constant for row in found.rows)
        },
        "statements": found.statements,
        "notes": notes,
    }
    if own is not None:
        origin = {"law": own.law, "results": str(own.place)}
        summary["beside"] = [origin | one.own() for one in own.answers]
    read = [row for row in found.rows if row.read]
    unread = [row for row in found.rows if not row.read]
    parts: list[Any] = []
    if read or own is not None:
        title = "Bounds from published numbers"
        title += "" if own is None else " and from this record"
        parts.append(_table(read, title, () if own is None else _cells(own)))
    if unread:
        parts.append(_table(unread, NOT_READ.capitalize()))
    sentences = [*found.statements, *notes]
    return conclude(summary, [*parts, *sentences], as_json=as_json)


def _table(
    rows: Iterable[Bound], title: str, own: Iterable[Sequence[str]] = ()
) -> Table:
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    table.add_column("constant", style="bold", no_wrap=True)
    table.add_column("bound", no_wrap=True)
    for heading in ("confidence", "published number and its source"):
        table.add_column(heading, overflow="fold")
    for cells in own:
        table.add_row(*cells)
    for row in rows:
        entry = row.published
        told = f"{number_text(entry)}, {entry.quantity}; {entry.cited}"
        if not row.takes_part and row.limit is not None:  # no sentence speaks of it
            told += f". It assumes: {row.assumed}"
        cells = (
            row.claim.constant,
            row.told,
            row.level.removeprefix("confidence ") if row.limit is not None else "",
            told,
        )
        table.add_row(*cells)
    return table


def _cells(own: Own) -> list[Sequence[str]]:
    """The rows of a record in the table."""
    origin = f"this record: {own.law}, {own.place}"
    return [
        (one.constant, one.bound, one.level, origin + (one.more and f"; {one.more}"))
        for one in own.answers
    ]


def _plain(row: Bound) -> dict[str, Any]:
    """A row as JSON holds it."""
    entry, claim = row.published, row.claim
    return {
        "constant": claim.constant,
        "entry": entry.name,
        "quantity": entry.quantity,
        "number": entry.number,
        "sd": entry.sd,
        "unit": entry.unit,
        "authors": entry.authors,
        "source": entry.source,
        "quoted": entry.quoted,
        "read_in_text": entry.read_in_text,
        "reference": claim.reference,
        "mapping": claim.mapping,
        "mapping_note": row.link.reason,
        "assumptions": claim.assumptions,
        "symbol": row.link.symbol,
        "sense": row.sense,
        "estimate": row.estimate,
        "estimate_sd": row.sd,
        "limit": row.limit,
        "limit_unit": row.link.unit,
        "as_printed": row.printed,
        "confidence": claim.confidence,
        "one_sided": claim.one_sided,
        "indicative": claim.indicative,
        "takes_part": row.takes_part,
    }
