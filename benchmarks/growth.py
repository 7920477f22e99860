"""How each law's cost grows, up to what this machine holds: sizes and batches are
enlarged until memory or patience ends, and powers are fitted to the upper part.
"""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from .machine import free_memory
from .memory import sizes
from .scaling_laws import LAWS, Law, program
from .timing import Goal, Report, line_by_line, race, round_to

# seconds of a call, and the share of the free memory, beyond which no size is tried
PATIENCE, SHARE = 5.0, 0.5
# A size is so many times the last one, a batch so many.
SIZES, BATCHES = 4, 8
# Points of a fit, the largest ones.
FITTED = 4
# A measured power may be off by so much: caches, n log n, and XLA's threads.
CLOSE = 0.35
SHOWN = ("largest", "needs_MiB", "ended_by", "power", "power_stderr", "expected")


class Step(NamedTuple):
    """One size, or one batch.

    Attributes:
        number: of what grows.
        seconds: of a unit of work of all members together.
        memory: MiB of arguments, temporaries and results, as XLA reports them.
        timing: of the calls.
        work: units in a call.
    """

    number: int
    seconds: float
    memory: float
    timing: Any
    work: float


def run(quick: bool = False) -> Iterator[Report]:
    """Reports with the laws so far."""
    memory = free_memory()
    laws = list(LAWS.items())[: 1 if quick else None]
    rows = (
        _row(name, law, axis, memory, quick)
        for name, law in laws
        for axis in ("size", "batch")
    )
    yield from line_by_line(rows, partial(_report, memory, quick))


def _report(memory: float, quick: bool, rows: list[dict[str, Any]]) -> Report:
    goals = [
        Goal(
            f"{row['case']}: power of the cost beyond the expected one",
            row["power"] - row["expected"], CLOSE, at_least=False,
        )
        for row in rows
        if "power" in row and not quick
    ]  # fmt: skip
    return Report(
        "Growth of each law up to the memory of this machine",
        rows,
        goals,
        [
            f"Sizes grow by {SIZES}, batches by {BATCHES}, until a program needs half "
            f"of the {memory / 2**30:.0f} GiB that were free, or a call {PATIENCE:g} s "
            "(ended_by). power: of the time of a unit of work of all members, fitted "
            f"to the {FITTED} largest; expected: of the operations, without "
            "logarithms. power_stderr is the scatter about the line, and knows nothing "
            "of caches. needs_MiB: arguments, temporaries and results, as XLA reports "
            "them.",
        ],
    )


def _row(name: str, law: Law, axis: str, memory: float, quick: bool) -> dict[str, Any]:
    steps, ended = [], "list"
    for size, batch in _ladder(law, axis):
        step, ended = _step(law, axis, size, batch, memory, steps)
        if step is None:
            break
        steps.append(step)
        if quick and len(steps) == 2:
            break
    last = steps[-1]
    row = {"case": f"{name}, {axis}", "program": "jqd", "law": name}
    row |= last.timing.row(last.work, law.unit)
    row |= {"needs_MiB": round_to(last.memory), "ended_by": ended}
    row["largest"] = f"{last.number} {law.size if axis == 'size' else 'members'}"
    upper = steps[-FITTED:]
    if len(upper) >= 3:
        x, y = (
            np.log([getattr(s, key) for s in upper]) for key in ("number", "seconds")
        )
        (power, _), covariance = np.polyfit(x, y, 1, cov="unscaled")
        left = y - np.polyval(np.polyfit(x, y, 1), x)
        scatter = np.sum(left**2) / (len(upper) - 2)
        row["power"] = round_to(float(power), 3)
        row["power_stderr"] = round_to(float(np.sqrt(scatter * covariance[0, 0])), 2)
        row["expected"] = law.grows if axis == "size" else 1
    return row


def _ladder(law: Law, axis: str) -> Iterator[tuple[int, int]]:
    number = law.least if axis == "size" else 1
    while True:
        yield (number, law.at) if axis == "size" else (law.small, number)
        number *= SIZES if axis == "size" else BATCHES


def _step(
    law: Law, axis: str, size: int, batch: int, memory: float, steps: list[Step]
) -> tuple[Step | None, str]:
    """The next step, or why there is none."""
    number = size if axis == "size" else batch
    if len(steps) > 1:
        # the start itself is made before XLA can say what the program needs
        grown = number / steps[-1].number
        before = steps[-1].memory / steps[-2].memory
        if steps[-1].memory * max(before, grown) * 2**20 > SHARE * memory:
            return None, "memory"
        longer = grown ** (law.grows if axis == "size" else 1)
        # fewer steps a call make up for it, down to two
        if (
            steps[-1].timing.median > 0.1
            and longer * steps[-1].timing.median > PATIENCE
        ):
            return None, "time"
    begun = time.monotonic()
    try:
        call, work = program(law, size, batch, jax.devices()[:1])
    except MemoryError:  # of tables that the host makes
        return None, "memory"
    lowered = time.monotonic()
    compiled = call.func.lower(*call.args).compile()
    compiling = time.monotonic() - lowered
    needed = sum(sizes(compiled))
    if needed > SHARE * memory:
        return None, "memory"
    timing = race({"jqd": partial(compiled, *call.args)}, 3)["jqd"]
    timing.first += compiling
    total = work(timing.result) if callable(work) else work * batch
    timing.result = None
    step = Step(number, timing.median / (total / batch), needed / 2**20, timing, total)
    if time.monotonic() - begun - compiling > 3 * PATIENCE:
        steps.append(step)
        return None, "time"
    return step, "list"
