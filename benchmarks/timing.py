"""Timing several programs side by side, and what a benchmark reports."""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from .memory import metered

# A sample shorter than this is repeated inside the sample.
SAMPLE_SECONDS = 0.02
# (seconds of a call beyond which, rounds are cut to this number)
PATIENCE = ((15.0, 0), (4.0, 3))


@dataclass
class Timing:
    """Wall times of one program.

    Attributes:
        first: seconds of the first call, compilation included.
        wall: seconds of each timed call; of the warm-up call alone where it took too
            long to be repeated.
        cpu: process time of the same calls, all threads together.
        result: what the program returned.
        memory: MiB that a warm call needs, see `memory.metered`.
    """

    first: float
    wall: list[float]
    cpu: list[float]
    result: Any
    memory: float | None = None

    @property
    def median(self) -> float:
        """Median wall time, seconds."""
        return float(np.median(self.wall))

    def row(self, work: float = 1, unit: str = "") -> dict[str, Any]:
        """The columns that every benchmark has.

        Args:
            work: units of work in one call, by which programs are compared.
            unit: what one of them is, such as "step".
        """
        row = {
            "first_s": round_to(self.first),
            "compile_s": round_to(compile_seconds(self)),
            "median_s": round_to(self.median),
            "min_s": round_to(min(self.wall)),
            "cpu_s": round_to(float(np.median(self.cpu))),
            "repeats": len(self.wall),
        }
        if unit:
            row |= {"work": work, "unit": unit}
        if self.memory is not None:
            row["memory_MiB"] = round_to(self.memory)
        return row


@dataclass
class Goal:
    """A target and what was measured.

    Attributes:
        text: the goal in words.
        measured: the figure, or None where a program it needs is not installed.
        target: the bound.
        at_least: whether the figure must reach the bound rather than stay below.
    """

    text: str
    measured: float | None
    target: float
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None if it was not measured."""
        if self.measured is None or math.isnan(self.measured):
            return None
        if self.at_least:
            return bool(self.measured >= self.target)
        return bool(self.measured <= self.target)

    def as_dict(self) -> dict[str, Any]:
        """For the result file."""
        return {
            "goal": self.text,
            "target": f"{'>=' if self.at_least else '<='} {self.target:g}",
            "measured": None if self.measured is None else round_to(self.measured),
            "met": self.met,
        }


@dataclass
class Report:
    """Result of one benchmark.

    Attributes:
        title: what was measured.
        rows: one dict a line of the table.
        goals: targets.
        notes: sentences that the reader of the table needs.
    """

    title: str
    rows: list[dict[str, Any]]
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def race(
    programs: Mapping[str, Callable[[], Any]], rounds: int = 5
) -> dict[str, Timing]:
    """Time programs in turns, so that a machine that drifts slows all of them alike.

    Args:
        programs: functions without arguments, by name.
        rounds: timed calls of each, after the first call.

    Returns:
        Timings by name. Programs that take seconds are called less often.
    """
    timings, plan = {}, {}
    for name, call in programs.items():
        first, _, result = _time(call, 1)
        (warm, cpu, _), memory = metered(call, partial(_time, call, 1))
        cut = next((n for limit, n in PATIENCE if warm > limit), rounds)
        kept = ([], []) if cut else ([warm], [cpu])
        timings[name] = Timing(first, *kept, result, memory)
        plan[name] = cut, min(math.ceil(SAMPLE_SECONDS / max(warm, 1e-7)), 10_000)
    for i in range(rounds):
        for name, call in programs.items():
            cut, number = plan[name]
            if i < cut:
                wall, cpu, _ = _time(call, number)
                timings[name].wall.append(wall)
                timings[name].cpu.append(cpu)
    return timings


def ratio(slow: Timing | None, fast: Timing | None) -> float | None:
    """How many times `slow` takes the time of `fast`: median over the rounds."""
    if slow is None or fast is None:
        return None
    if slow.wall and len(slow.wall) == len(fast.wall):
        return float(np.median(np.divide(slow.wall, fast.wall)))
    return slow.median / fast.median


def compile_seconds(timing: Timing) -> float:
    """What the first call took beyond a later one."""
    return max(timing.first - timing.median, 0.0)


def round_to(value: float, digits: int = 4) -> float:
    """`value` to so many significant digits."""
    return float(f"{value:.{digits}g}")


class Raced(NamedTuple):
    """Programs of one case, which do the same work.

    Attributes:
        timings: by name, of those that are installed.
        rows: one a program, with a note where it is not installed.
    """

    timings: dict[str, Timing]
    rows: list[dict[str, Any]]

    def times(self, slow: str | None, fast: str | None) -> float | None:
        """How many times the one takes the time of the other; None without both."""
        return ratio(self.timings.get(slow or ""), self.timings.get(fast or ""))

    def column(self, key: str) -> dict[str, Any]:
        """A column by program, of the rows that have it."""
        return {row["program"]: row[key] for row in self.rows if key in row}

    def fastest(self, start: str | tuple[str, ...], most: float = math.inf):
        """Of the programs whose names start so, with an error of at most `most`."""
        errors = self.column("error")
        able = [
            name
            for name in self.timings
            if name.startswith(start) and errors.get(name, 0.0) <= most
        ]
        return min(able, key=lambda name: self.timings[name].median, default=None)

    def faster(
        self, text: str, target: float, peer: str | None, ours: str, named: bool = False
    ) -> Goal:
        """The goal of being so many times as fast as a peer."""
        told = f"{text} ({peer or 'none'})" if named else text
        return Goal(told, self.times(peer, ours), target)


def compared(
    programs: Mapping[str, Callable[[], Any] | None],
    rounds: int,
    look: Callable[[str, Any], dict[str, Any]] | None = None,
    work: float = 1,
    unit: str = "",
    beside: str | None = None,
    **columns: Any,
) -> Raced:
    """Time programs that do the same work, and make the rows of them.

    Args:
        programs: functions without arguments by name; None of one that is not there.
        rounds: see `race`.
        look: from name and result to columns of the row, such as the error.
        work, unit: see `Timing.row`.
        beside: the program over whose time `times_jqd` is.
        columns: of all rows, `case` among them.
    """
    timings = race({name: one for name, one in programs.items() if one}, rounds)
    rows = []
    for name in programs:
        row, timing = columns | {"program": name}, timings.get(name)
        if timing is None:
            rows.append(row | {"note": "not installed"})
            continue
        row |= timing.row(work, unit)
        if beside is not None:
            row["times_jqd"] = round_to(ratio(timing, timings[beside]) or math.nan, 3)
        rows.append(row | (look(name, timing.result) if look else {}))
    return Raced(timings, rows)


def beside_floor(rows: list[dict[str, Any]], least: float, what: str) -> None:
    """Note in rows of one case the share that they reach of what cannot be beaten.

    Args:
        rows: programs that are not there stay as they are.
        least: seconds of a unit of work at the floor.
        what: which floor it is.
    """
    for row in rows:
        if "median_s" in row:
            row["floor"], row["floor_s"] = what, round_to(least)
            row["share_of_floor"] = round_to(least / unit_seconds(row), 3)


def unit_seconds(row: dict[str, Any]) -> float:
    """Seconds of one unit of work."""
    return row["median_s"] / row.get("work", 1)


def failure(error: Exception) -> str:
    """The note of a row whose program failed."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"failed: {type(error).__name__}: {first}"[:200]


def attempted(columns: dict[str, Any], make: Callable[[], dict[str, Any]]):
    """A row with more columns, or why there are none: other rows are not to be lost."""
    try:
        return columns | make()
    except Exception as error:
        return columns | {"note": failure(error)}


def guarded(rows: Iterable[dict[str, Any]], program: str) -> Iterator[dict[str, Any]]:
    """The rows, and one that says why there are no more: they are not to be lost."""
    try:
        yield from rows
    except Exception as error:
        yield {"case": "-", "program": program, "note": failure(error)}


def line_by_line(
    rows: Iterable[dict[str, Any]], report: Callable[[list[dict[str, Any]]], Report]
) -> Iterator[Report]:
    """Reports with the rows so far, each of which is printed as a line of JSON.

    A run that is cut short leaves what it measured.
    """
    found: list[dict[str, Any]] = []
    for row in rows:
        found.append(row)
        print(json.dumps(row), flush=True)
        yield report(list(found))


def _time(call: Callable[[], Any], number: int) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(number):
        result = jax.block_until_ready(call())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall / number, cpu / number, result
