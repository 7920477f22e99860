"""Tables on the screen, JSON and CSV on disk."""

import csv
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.table import Table

from .systems import optional, torch_device
from .tables import cells, columns
from .timing import Report

RESULTS = Path(__file__).parent / "results"
_console = Console(width=170, highlight=False)


def run_one(name: str, quick: bool, folder: Path | None) -> Report:
    """Run one benchmark; figures, where it draws any, go to `folder`."""
    module = importlib.import_module(f".{name}", __package__)
    if "folder" in inspect.signature(module.run).parameters:
        return module.run(quick, folder)
    return module.run(quick)


def shown(name: str) -> tuple[str, ...]:
    """Columns of a benchmark's own."""
    return getattr(importlib.import_module(f".{name}", __package__), "SHOWN", ())


def default_path(record: dict[str, Any], quick: bool) -> Path | None:
    """benchmarks/results/DATE-DEVICE.json; None for a quick run, which is no result."""
    if quick:
        return None
    device = re.sub(r"[^a-z0-9]+", "-", record["device"].lower()).strip("-")
    return RESULTS / f"{record['date']}-{device}.json"


def earlier(path: Path) -> dict[str, Any]:
    """Benchmarks already stored there, which a run of a few others leaves in place."""
    file = path.with_suffix(".json")
    return json.loads(file.read_text())["benchmarks"] if file.is_file() else {}


def as_dict(report: Report) -> dict[str, Any]:
    """For the result file."""
    return {
        "title": report.title,
        "rows": [uniform(row) for row in report.rows],
        "goals": [goal.as_dict() for goal in report.goals],
        "notes": report.notes,
    }


def uniform(row: dict[str, Any]) -> dict[str, Any]:
    """A row as all benchmarks store it, with `case`, `program` and `role` first.

    Roles: jqd; bare, the same formula in plain JAX; peer, another program; floor.
    """
    program = row["program"]
    kinds = {"jqd": "jqd", "plain": "bare", "floor": "floor"}
    role = next((r for start, r in kinds.items() if program.startswith(start)), "peer")
    row = {"case": "", "program": program, "role": role} | row
    if row["role"] == "peer" and jax.default_backend() != "cpu":
        torch = optional("torch") if "torch" in program.lower() else None
        if torch is None or torch_device(torch) == "cpu":
            row.setdefault("note", "on the processor of the machine")
    return row


def store(record: dict[str, Any], path: Path) -> None:
    """All of it as JSON, and the rows as CSV beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    rows = [
        {
            "benchmark": name, "date": record["date"], "device": record["device"],
            "jqd": record["versions"]["jqd"], "jax": record["versions"]["jax"], **row,
        }
        for name, report in record["benchmarks"].items()
        for row in report["rows"]
    ]  # fmt: skip
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns(rows), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def show(name: str, report: Report) -> None:
    """Print the table, the goals and the notes."""
    table = Table(title=f"{name}: {report.title}", title_justify="left")
    header, lines = cells([uniform(row) for row in report.rows], shown(name))
    for key in header:
        words = key in ("program", "case", "precision", "note")
        table.add_column(key, justify="left" if words else "right")
    for line in lines:
        table.add_row(*line)
    _console.print(table)
    for goal in report.goals:
        entry = goal.as_dict()
        word = {True: "met", False: "NOT MET", None: "not measured"}[entry["met"]]
        figure = "-" if entry["measured"] is None else f"{entry['measured']:.3g}"
        _console.print(
            f"  {entry['goal']}: {figure} (goal {entry['target']}): {word}",
            markup=False,
        )
    for note in report.notes:
        _console.print(f"  {note}", markup=False)


def say(text: str) -> None:
    """One line."""
    _console.print(text, markup=False, soft_wrap=True)
