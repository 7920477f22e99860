"""Rows as a person reads them: times by unit of work, beside those of jqd."""

from collections.abc import Iterator
from typing import Any

from .timing import unit_seconds

Row = dict[str, Any]


def columns(rows: list[Row]) -> list[str]:
    """The keys of all rows, in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row))


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
    header = [key for key in columns(entries) if any(e.get(key) for e in entries)]
    return header, [[e.get(key, "") for key in header] for e in entries]


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
    if value is None:
        return ""
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
