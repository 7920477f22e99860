"""`jqd show`: what is read in a file of data, before any fit."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from .. import report
from .._files import finished_work_in, provenance
from ..records import load
from ..records.contents import Contents
from ..records.kinds import KINDS, contents_of
from ..report.results import SUMMARY, read_results
from ..report.tables import checks_table
from .next_steps import next_steps
from .options import AsJson, Columns, Shots, parse_columns
from .session import conclude, run_folder, table_of, write_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Columns that the table has; --json has all.
MOST = 20
# What loaders call the file, beside its name.
_CALLED = {"path", *(of.argument for of in KINDS.values())}


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
    found = _read(file, {k: one for k, one in chosen.items() if one is not None})
    seen = contents_of(found)
    words = ["--columns", columns] if chosen["columns"] else []
    words += [] if shots is None else ["--shots", str(shots)]
    missing, commands = next_steps(found, seen.data, file, words)
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
        written: list[Path] = []
        if folder is not None:
            with finished_work_in(folder, ""):
                kept = summary | {"provenance": provenance()}
                written.append(report.write_json(kept, folder / SUMMARY))
                written += write_figures(lambda: _figures(seen), folder)
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


def _read(file: Path, options: Mapping[str, Any]) -> Any:
    """What `load` returns; its complaints name the file as it was typed."""
    try:
        return load(file, **options)
    except ValueError as error:
        called = "|".join(map(re.escape, sorted({*_CALLED, file.name})))
        message = re.sub(f"^Argument `(?:{called})`", "Argument `FILE`", str(error))
        raise ValueError(message) from None


def _refuse_results(path: Path) -> None:
    """Raise for what a command has written, which another command shows."""
    folder = path.parent if path.name == SUMMARY else path
    if not (folder / SUMMARY).is_file():
        return
    try:
        read_results(folder)
    except ValueError:  # of this command, or of none: it is refused like any folder
        return
    raise ValueError(
        f"Argument `FILE` must be data, but {path} has results of a command, which "
        f"`jqd report {shlex.quote(str(folder))}` shows."
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
