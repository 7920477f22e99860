"""`jqd compare`: laws beside one record of populations."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from jaxtyping import Array
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from ..inference import Candidate, Comparison, Study
from ..inference import compare as compare_studies
from ..inference.comparison import HEADINGS
from ..laws import CopyDynamics, Dephasing, Law, Schrodinger
from .options import AsJson, Nuisance, finite_number, parse_nuisances
from .recover_copying import instrument_of, law_of, read_populations
from .session import Matrix, State, conclude, takes

LAWS = ("schrodinger", "dephasing", "copying")
FREE = {"schrodinger": (), "dephasing": ("gamma",), "copying": ("q", "r")}
# A comma, but not one between brackets.
_COMMA = re.compile(r",(?![^\[]*\])")
_ENTRY = re.compile(r"(\w+)(?:\[([^\]]*)\])?")


class _Wanted(NamedTuple):
    """A law as it was asked for, `copying[q,r=-0.4]`.

    Attributes:
        law: one of `LAWS`.
        free: names of its free constants.
        values: of constants that are given.
    """

    law: str
    free: tuple[str, ...]
    values: dict[str, float]


def compare(
    *,
    data: Annotated[Path | None, takes("populations")] = None,
    hamiltonian: Matrix = None,
    state: State = None,
    laws: str = typer.Option(
        "schrodinger,dephasing[gamma],copying[q],copying[q,r]",
        help="Laws with commas between, free constants and values of others in "
        "brackets: schrodinger, dephasing[gamma] (quantum mechanics with a rate for "
        "each class), copying[q,r], copying[q=0.4].",
    ),
    noise: str = typer.Option(
        "auto", help="As for `jqd recover copying`; the errors must be known."
    ),
    nuisance: Nuisance = "",
    folds: int = typer.Option(10, min=2, help="Parts in which rows are left out."),
    starts: int = typer.Option(8, min=1, help="Number of starts of each fit."),
    as_json: AsJson = False,
) -> int:
    """Compare laws by what they predict of populations; built-in counts by custom."""
    studies = _studies(laws, data, hamiltonian, state, noise, nuisance)
    with _progress() as report:
        found = compare_studies(studies, folds=folds, starts=starts, report=report)
    summary = {
        "status": "ok" if any(row.predicts for row in found.rows) else "no prediction",
        "laws": [_plain(found, row) for row in found.rows],
        "scales": list(found.scales),
        "folds": found.folds,
        "verdict": found.verdict(),
    }
    notes = [escape(line) for line in (found.legend(), found.verdict())]
    return conclude(summary, [_table(found), *notes], as_json=as_json)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar that is not there before something is done."""
    bars = Progress(console=Console(stderr=True), transient=True)
    tasks: list[Any] = []

    def report(stage: str, done: int, total: int) -> None:
        del stage
        if not tasks:
            bars.start()
            tasks.append(bars.add_task("Comparing", total=total))
        bars.update(tasks[0], completed=done)

    try:
        yield report
    finally:
        if tasks:
            bars.stop()


def _studies(
    laws: str,
    data: Path | None,
    hamiltonian: Path | None,
    state: Path | None,
    noise: str,
    nuisance: str,
) -> dict[str, Study]:
    wanted = parse_laws(laws)
    priors = parse_nuisances(nuisance, ())
    if data is None and noise == "auto":
        noise = "multinomial"
    H, psi0, record = read_populations(data, hamiltonian, state, noise)
    if not record.noise.known:
        raise ValueError(
            "Argument `--data` must hold counts, or values with `--noise "
            "gaussian:SIGMA`, but has values without errors: nothing is more likely "
            "than anything else."
        )
    shown = instrument_of(priors)
    studies = {}
    for name, one in wanted.items():
        law = law_of(partial(_law, one), H, psi0, hamiltonian, state)
        studies[name] = Study(
            law, record, psi0=psi0, free=one.free, instrument=shown, nuisances=priors
        )
    return studies


def parse_laws(text: str) -> dict[str, _Wanted]:
    """Read the option `--laws`.

    Args:
        text: e.g. `schrodinger,copying[q,r],copying[q=0.4]`.

    Returns:
        What is wanted, by the words it was given in.

    Raises:
        ValueError: unknown laws or constants, a law twice.
    """
    found: dict[str, _Wanted] = {}
    for entry in map(str.strip, _COMMA.split(text)):
        match = _ENTRY.fullmatch(entry)
        if match is None or match[1] not in LAWS:
            raise ValueError(
                f"Argument `--laws` must name laws out of {', '.join(LAWS)}, with "
                f"constants in brackets, but {entry!r} was given."
            )
        if entry in found:
            raise ValueError(
                f"Argument `--laws` must name each law once, but {entry!r} comes twice."
            )
        found[entry] = _constants(entry, match[1], match[2])
    return found


def _constants(entry: str, law: str, inside: str | None) -> _Wanted:
    free, values = [], {}
    for part in (inside or "").split(",") if inside else ():
        name, given, number = (x.strip() for x in part.partition("="))
        if name not in FREE[law] or name in free or name in values:
            known = ", ".join(FREE[law]) or "none"
            raise ValueError(
                f"Argument `--laws` must name constants of {law}, each once, out of "
                f"{known}, but {entry!r} was given."
            )
        if given:
            rule = f"`--laws` must give numbers to constants, as in {law}[{name}=0.4]"
            values[name] = finite_number(number, rule)
        else:
            free.append(name)
    return _Wanted(law, tuple(free), values)


def _law(wanted: _Wanted, H: Array) -> Law:
    if wanted.law == "schrodinger":
        return Schrodinger(H)
    if wanted.law == "copying":
        return CopyDynamics.from_hamiltonian(
            H, wanted.values.get("q", 0.5), wanted.values.get("r", -0.5)
        )
    size = H.shape[0]
    # of two classes only the sum of both rates would count
    A = np.eye(size) if size > 2 else np.eye(size)[:1]
    return Dephasing(H, A, wanted.values.get("gamma", 0.0))


def _table(found: Comparison) -> Table:
    table = Table(title="Laws beside the record", title_justify="left", show_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for line in found.lines():
        table.add_row(*map(escape, line))
    return table


def _plain(found: Comparison, row: Candidate) -> Mapping[str, Any]:
    elpd, error = found.elpd_difference(row)
    last, last_error = found.last_difference(row)
    return {
        "name": row.name,
        "status": row.status,
        "constants": row.constants,
        "stderr": row.stderr,
        "parameters": row.parameters,
        "log_likelihood": row.log_likelihood,
        "chi2": row.chi2,
        "dof": row.dof,
        "p_value": row.p_value,
        "worst_time": row.worst_time,
        "aic": row.aic,
        "bic": row.bic,
        "log_evidence": row.log_evidence,
        "log_bayes": found.log_bayes(row),
        "turning_scale": found.turning_scale(row),
        "elpd": row.elpd,
        "elpd_difference": elpd,
        "elpd_error": error,
        "last_difference": last,
        "last_error": last_error,
        "failed_folds": row.folds.failed,
    }
