"""Results as a person reads them, on the screen and in Markdown."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table as Screen

from .store import Row
from .timing import unit_seconds

MET = {True: "met", False: "not met", None: "not measured"}
_console = Console(width=170, highlight=False)


def show(name: str, report: Row, shown: tuple[str, ...]) -> None:
    """Print the table, the goals and the notes of a benchmark; `shown`: see `cells`."""
    table = Screen(title=f"{name}: {report['title']}", title_justify="left")
    header, lines = cells(report["rows"], shown)
    for key in header:
        words = key in ("program", "case", "precision", "note")
        table.add_column(key, justify="left" if words else "right")
    for line in lines:
        table.add_row(*line)
    _console.print(table)
    for goal, target, measured, met in goals(report):
        say(f"  {goal}: {measured or '-'} (goal {target}): {met}")
    for note in report["notes"]:
        _console.print(f"  {note}", markup=False)


def say(text: str) -> None:
    """One line."""
    _console.print(text, markup=False, soft_wrap=True)


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [[c.replace("|", "\\|") for c in line] for line in (header, *rows)]
    head, *body = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([head, f"|{' --- |' * len(header)}", *body])


def goals(report: Row) -> list[list[str]]:
    """Goal, target, what was measured and whether that meets it."""
    return [
        [goal["goal"], goal["target"], number(goal["measured"]), MET[goal["met"]]]
        for goal in report["goals"]
    ]


def cases(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Timed rows of one case and precision, in the order of the first of each."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        if "median_s" in row:
            grouped.setdefault(case_of(row), []).append(row)
    yield from grouped.items()


def reference(rows: list[Row]) -> Row | None:
    """The row of jqd with which the others of a case are compared: its first."""
    return next((row for row in rows if row["role"] == "jqd"), None)


def over(row: Row, ours: Row) -> float:
    """Time of a unit of work over jqd's; of the rounds where that was stored."""
    return row.get("times_jqd") or unit_seconds(row) / unit_seconds(ours)


def case_of(row: Row) -> str:
    """Case and precision: within one, programs do the same work."""
    return " ".join(filter(None, (str(row.get("case", "")), row.get("dtype", ""))))


def cells(rows: list[Row], shown: tuple[str, ...]) -> tuple[list[str], list[list[str]]]:
    """Header and lines of a benchmark's table; columns that no row has are left out.

    Args:
        rows: uniform rows.
        shown: columns of this benchmark's own.
    """
    units = {row["unit"] for row in rows if "unit" in row}
    each = len(units) == 1 and all("unit" in row for row in rows if "median_s" in row)
    time = f"time a {units.pop()}" if each else "time"
    groups = dict(cases(rows))
    ours = {case: reference(group) for case, group in groups.items()}
    entries = []
    for row in rows:
        entry: dict[str, str] = {
            "case": str(row.get("case", "")),
            "precision": row.get("dtype", ""),
            "program": row["program"],
        }
        if "median_s" in row:
            unit = "" if each or "unit" not in row else f" a {row['unit']}"
            entry[time] = seconds(unit_seconds(row)) + unit
            main = ours[case_of(row)]
            others = main is not None and len(groups[case_of(row)]) > 1
            entry["over jqd's"] = f"{over(row, main):.3g}" if others else ""
            entry["above least"] = _scatter(row)
        entry |= {
            "cores": number(_cores(row), 2),
            "error": number(row.get("error"), 2),
            "memory, MiB": _size(row.get("memory_MiB")),
            "compile": seconds(row.get("compile_s")),
            "floor": seconds(row.get("floor_s")),
            "share of floor": number(row.get("share_of_floor"), 2),
        }
        entry |= {key: number(row.get(key)) for key in shown}
        entry["note"] = row.get("note", "")
        entries.append(entry)
    keys = dict.fromkeys(key for entry in entries for key in entry)
    header = [key for key in keys if any(e.get(key) for e in entries)]
    return header, [[e.get(key, "") for key in header] for e in entries]


def _scatter(row: Row) -> str:
    """How far the median of the rounds is above the least; nothing of one round."""
    if row.get("repeats", 1) < 2 or not row.get("min_s"):
        return ""
    return f"{100 * (row['median_s'] / row['min_s'] - 1):.0f} %"


def _size(value: float | None) -> str:
    """MiB; of a resident set, less than some pages is chance."""
    return "< 0.1" if value is not None and value < 0.1 else number(value)


def _cores(row: Row) -> float | None:
    """Process time over wall time."""
    if "cpu_s" not in row or "median_s" not in row:
        return None
    return row["cpu_s"] / row["median_s"]


def seconds(value: float | None) -> str:
    """A time with its unit, three digits."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= 0.9995 * size:
            return f"{_three(value / size)} {unit}"
    return f"{_three(value / 1e-9)} ns"


def _three(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def number(value: Any, digits: int = 3) -> str:
    """So many digits of a float; nothing for None."""
    if value is None:
        return ""
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
