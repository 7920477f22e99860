"""The results on disk: a JSON file a day and device, of which all tables are made."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax

from . import NAMES, ON_REQUEST
from .peers import optional, torch_device
from .timing import Report

RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]


class Result(NamedTuple):
    """The newest figures of one benchmark on one device."""

    record: Row
    report: Row


def default_path(record: Row, quick: bool) -> Path | None:
    """benchmarks/results/DATE-DEVICE.json; None for a quick run, which is no result."""
    if quick:
        return None
    device = re.sub(r"[^a-z0-9]+", "-", record["device"].lower()).strip("-")
    return RESULTS / f"{record['date']}-{device}.json"


def earlier(path: Path) -> Row:
    """Benchmarks already stored there, which a run of a few others leaves in place."""
    return json.loads(path.read_text())["benchmarks"] if path.is_file() else {}


def save(record: Row, path: Path) -> None:
    """Write the file anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def newest(folder: Path = RESULTS) -> dict[str, dict[str, Result]]:
    """Results by device and benchmark; of several days the last that ran it."""
    found: dict[str, dict[str, Result]] = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text())
        for name, report in record["benchmarks"].items():
            found.setdefault(record["device"], {})[name] = Result(record, report)
    return {
        device: {n: results[n] for n in (*NAMES, *ON_REQUEST) if n in results}
        for device, results in sorted(found.items())
    }


def as_dict(report: Report) -> Row:
    """A report as the file has it."""
    return {
        "title": report.title,
        "rows": [_uniform(row) for row in report.rows],
        "goals": [goal.as_dict() for goal in report.goals],
        "notes": report.notes,
    }


def _uniform(row: Row) -> Row:
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
