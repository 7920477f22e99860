"""`jqd show`: what is read in a file of data, before any fit."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from .. import report
from .._files import finished_work_in, provenance
from ..records import (
    AtomRecord,
    CountsRecord,
    CurveRecord,
    DensityRecord,
    PhaseSpaceRecord,
    PhotonCounts,
    PhotonCurve,
    Record,
    Settings,
    Tables,
    load,
)
from ..records.contents import Contents, contents_of
from ..report.results import SUMMARY
from ..report.tables import checks_table
from ..spaces import SampledPulse
from .options import AsJson, Columns, Shots, parse_columns
from .session import conclude, run_folder, table_of, write_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Columns that the table has; --json has all.
MOST = 20
_HAMILTONIAN = "--hamiltonian: H/ħ, in radians per unit of t"
_STATE = "--state: the state at t0"
_SIGMA = "errors of the values: `sigma` in the file"


def show(
    file: Path = typer.Argument(
        metavar="FILE",
        help="Data, as `jqd recover` takes them by --data, or `jqd linear`.",
    ),
    columns: Columns = "",
    shots: Shots = None,
    out: Path | None = typer.Option(
        None,
        help="Write summary.json and a figure to this folder; if it holds files, to "
        "FOLDER-2, FOLDER-3, ..",
    ),
    as_json: AsJson = False,
) -> int:
    """Show what is read in a file of data, and the command that fits a law to it."""
    _refuse_results(file)
    chosen: dict[str, Any] = {"columns": parse_columns(columns), "shots": shots}
    found = load(file, **{name: one for name, one in chosen.items() if one is not None})
    seen = contents_of(found)
    words = ["--columns", columns] if chosen["columns"] else []
    words += [] if shots is None else ["--shots", str(shots)]
    missing, commands = _next(found, file, words)
    summary: dict[str, Any] = {
        "file": str(file),
        "data": seen.data,
        "facts": dict(seen.lines),
        "along": seen.along[0],
        "columns": {name: _spread(column) for name, column in seen.columns.items()},
        "missing": missing,
        "next": [shlex.join(command) for command in commands],
    }
    with run_folder(out) as folder:
        written = []
        if folder is not None:
            with finished_work_in(folder, ""):
                kept = summary | {"provenance": provenance()}
                report.write_json(kept, folder / SUMMARY)
                written = write_figures(lambda: _figures(seen), folder)
    facts = {"file": str(file), "data": seen.data} | summary["facts"]
    if missing:
        facts["not in the file"] = "; ".join(missing)
    lines = [
        (name, *(f"{number:.6g}" for number in numbers.values()))
        for name, numbers in summary["columns"].items()
    ]
    tables: list[Any] = [checks_table(facts)]
    if lines:
        headings = f"over {seen.along[0]}", "smallest", "mean", "largest"
        tables.append(table_of("", headings, lines[:MOST]))
    if len(lines) > MOST:
        tables.append(f"and {len(lines) - MOST} more")
    code = conclude(summary, tables, as_json=as_json)
    if not as_json:
        # not folded at the width of a terminal, so that they can be copied
        for path in written:
            print(f"Written: {path}")
        for command in summary["next"]:
            print(f"Next: {command}")
    return code


def _refuse_results(path: Path) -> None:
    """Raise for what a command has written, which another command shows."""
    folder = path.parent if path.name == SUMMARY else path
    if (folder / SUMMARY).is_file():
        raise ValueError(
            f"Argument `FILE` must be data, but {path} is results of a command, which "
            f"`jqd report {folder}` shows."
        )


def _spread(column: np.ndarray) -> dict[str, float]:
    """The smallest, the mean and the largest of the numbers in a column."""
    low, mean, high = np.min(column), np.mean(column), np.max(column)
    return {"smallest": float(low), "mean": float(mean), "largest": float(high)}


def _figures(seen: Contents) -> "Mapping[str, Figure]":
    """Maps where there are any, else the columns."""
    if seen.maps is not None:
        return {"data": report.figure_phase_space(*seen.maps)}
    if not seen.columns:
        return {}
    along, at = seen.along
    values = np.stack([*seen.columns.values()], axis=-1)
    names = [*seen.columns]
    return {"data": report.figure_data(at, values, names, along, sigma=seen.sigma)}


def _next(
    found: Any, file: Path, words: list[str]
) -> tuple[list[str], list[list[str]]]:
    """What the file leaves open, and commands that take it, the first one first.

    Words in capitals stand for what the user has to give.

    Args:
        found: what was read.
        file: where.
        words: options with which it was read.
    """
    data = ["--data", str(file), *words]
    recover = ["jqd", "recover"]
    match found:
        case Record():
            return _of_populations(found, file, data)
        case PhaseSpaceRecord():
            missing = ["--hamiltonian: an operator in a, ad, e.g. 0.5*U*ad^2*a^2"]
            missing += _without(found.sigma) if found.kind != "samples" else []
            operator = ["--hamiltonian", "OPERATOR"]
            return missing, [[*recover, "husimi", *data, *operator]]
        case DensityRecord():
            missing = _without(found.sigma) if found.counts is None else []
            levels = ["--estimator", "spectrum"]
            more = ["--start", "D=0.3"] if len(found.ts) else levels
            return missing, [[*recover, "diffusion", *data, *more]]
        case AtomRecord():
            names = "springs", "anharmonicity"
            return _without(found.sigma), [[*recover, name, *data] for name in names]
        case CurveRecord():
            return _without(found.sigma), [[*recover, "statistics", *data]]
        case PhotonCurve():
            return _without(found.sigma), [[*recover, "temperature", *data]]
        case CountsRecord():
            return [], [[*recover, "statistics", *data]]
        case PhotonCounts():
            return [], [[*recover, "temperature", *data]]
        case Tables():
            return [], [["jqd", "linear", str(file), *words]]
        case Settings():
            law = found.law or "copying"
            return [], [["jqd", "simulate", law, "--settings", str(file)]]
        case SampledPulse():
            pulse = ["--data", "DATA", "--pulse", str(file)]
            return ["--data: maps, moments or samples"], [[*recover, "husimi", *pulse]]
        case _:
            return _of_array(found, file)


def _without(sigma: Any) -> list[str]:
    """That errors are missing, where they are."""
    return [_SIGMA] if sigma is None else []


def _of_populations(
    record: Record, file: Path, data: list[str]
) -> tuple[list[str], list[list[str]]]:
    """The same of populations; `jqd simulate` has put H and the state beside them."""
    missing, laws = [], []
    for option, name, what in (
        ("--hamiltonian", "hamiltonian", _HAMILTONIAN), ("--state", "psi0", _STATE),
    ):  # fmt: skip
        beside = file.with_name(f"{file.stem}_{name}.npy")
        laws += [option, str(beside) if beside.is_file() else f"{name.upper()}.npy"]
        if not beside.is_file():
            missing.append(what)
    commands = [["jqd", "recover", "copying", *data, *laws]]
    if record.noise.known:
        commands.append(["jqd", "compare", *data, *laws])
    else:
        missing.append(f"{_SIGMA}, --noise gaussian:SIGMA, or --shots")
    return missing, commands


def _is_table(found: np.ndarray) -> bool:
    """Whether an array may be a table of counts or shares, and no Hamiltonian."""
    if found.ndim != 2 or min(found.shape) < 3 or np.iscomplexobj(found):
        return False
    symmetric = found.shape[0] == found.shape[1] and np.array_equal(found, found.T)
    return found.min() >= 0 and not symmetric


def _of_array(found: np.ndarray, file: Path) -> tuple[list[str], list[list[str]]]:
    """The same of a matrix or a state, or of a table of text that is no Hamiltonian."""
    matrix = found.ndim == 2
    if file.suffix == ".csv" and _is_table(found):
        shots = ["--shots", "SHOTS"] if found.max() > 1 else []
        return ["--shots: of each cell"] if shots else [], [
            ["jqd", "linear", str(file), *shots]
        ]
    laws = ["--hamiltonian", str(file), "--state", "PSI0.npy"]
    if not matrix:
        laws = ["--hamiltonian", "HAMILTONIAN.npy", "--state", str(file)]
    missing = ["--data: populations or counts", _STATE if matrix else _HAMILTONIAN]
    return missing, [["jqd", "recover", "copying", "--data", "DATA", *laws]]
