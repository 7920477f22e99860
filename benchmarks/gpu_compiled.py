"""What XLA makes of every law for two GPUs that are described to it and not there.

Nothing runs. Kernels, bytes and memory are those of the compiled programs of a batch;
the time of a step is that of a model. It needs JAX's CUDA plugin, no driver and no
device: `make gpu-programs`.
"""

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax.sharding import NamedSharding

from jqd.evolution.random_paths import WIDE_TILE

from . import set_ups
from .cards import CARDS, SMALLER, Card, on
from .memory import sizes
from .store import Result, Row, newest
from .timing import Goal, Report, attempted, line_by_line, round_to
from .xla_text import (
    LAUNCH,
    TURN,
    largest_constant,
    library_calls,
    parsed,
    total_of,
    unknown,
)

MEMBERS = 2**14
# between two save times; what a run does once is spread over twice as many
SUBSTEPS = 16
QUICK = ("CopyDynamics", "Lindblad")
# A figure is worse than the stored one above so many times of it.
WORSE = 1.1
COMPARED = (
    "kernels", "calls", "over_floor", "unknown_loops", "temporaries_MB", "constant_MB",
    "callbacks",
)  # fmt: skip
SHOWN = (
    *COMPARED, "members", "model_us", f"kernels{SMALLER}", f"members{SMALLER}",
    f"model_us{SMALLER}",
)  # fmt: skip


class Budget(NamedTuple):
    """What a step of some laws is to take at most, in float64.

    Attributes:
        text: the laws in words.
        cases, kind: programs.
        kernels: of a step, transforms among them.
        over_floor: bytes, over those of the state read and written once.
    """

    text: str
    cases: tuple[str, ...]
    kind: str
    kernels: float
    over_floor: float


BUDGETS = (
    Budget("copies", ("CopyDynamics",), "value", 6, 1.5),
    Budget("copies, gradient", ("CopyDynamics",), "gradient", 20, 6),
    Budget(
        "rivals of a matrix", ("Beretta", "Gisin", "Logarithmic", "Weinberg"), "value",
        8, 3,
    ),
    # two transforms and two phases read and write the state four times
    Budget("a rival on a grid", ("GrossPitaevskii",), "value", 5, 4.4),
    Budget("diffusion by links", ("ConservativeDiffusion, links",), "value", 20, 8),
    Budget("Lindblad and collapse", ("Lindblad", "Collapse"), "value", 8, 2),
    # for each of the four products with H in a step: 5 and 3
    Budget("towers", ("Tower",), "value", 20, 12),
)  # fmt: skip


class Case(NamedTuple):
    """A program: of a law its value or gradient, or a sample of an ensemble."""

    name: str
    kind: str
    single: bool

    @property
    def columns(self) -> Row:
        """By which rows are recognised."""
        dtype = "float32" if self.single else "float64"
        return {"case": self.name, "dtype": dtype, "program": f"jqd, {self.kind}"}


class Built(NamedTuple):
    """A function of one tree, that tree, and what a step is.

    Attributes:
        members: of the batch; of random motions the paths of all.
        steps: of a member; None where they adapt, or are drawn.
        floor: bytes of a step that reads and writes the state once.
    """

    function: Any
    argument: Any
    members: int
    steps: int | None
    floor: float


def run(quick: bool = False) -> Iterator[Report]:
    """Reports with the programs so far."""
    # of the processor at hand, to see whether the benchmark works
    here = {"": on(jax.devices()[0])}
    places = here if quick else {end: card.place() for end, card in CARDS.items()}
    members = 4 if quick else MEMBERS
    rows = (
        attempted(case.columns, partial(_row, case, places, members))
        for case in _cases(quick)
    )
    yield from line_by_line(rows, partial(_report, stored=_stored()))


def _cases(quick: bool) -> Iterator[Case]:
    for name in QUICK if quick else set_ups.CASES:
        drawn = name in set_ups.UNDIFFERENTIATED
        for kind in ("value",) if drawn else ("value", "gradient"):
            yield from (Case(name, kind, single) for single in (False, True))
    for name in () if quick else set_ups.ENSEMBLES:
        yield Case(name, "sample", False)


def _built(case: Case, members: int) -> Built:
    if case.kind == "sample":
        function, one = set_ups.ENSEMBLES[case.name](np.float64)
        batch = jax.ShapeDtypeStruct((members, *one.shape), one.dtype)
        return Built(jax.vmap(function), batch, members, None, math.nan)
    # a GPU computes so many paths together, though fewer are asked for
    paths = min(WIDE_TILE, members)
    one = set_ups.program(
        case.name, substeps=SUBSTEPS, judged=False, single=case.single,
        differentiated=case.kind == "gradient", paths=paths,
    )  # fmt: skip
    batch = set_ups.batch_of(one.state, members // one.paths)
    size = sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(batch))
    substeps = getattr(one.way, "substeps", None)
    # a loop over tiles of paths has two turns, of which one is idle and counts as well
    turns = 2 if case.name in set_ups.NOISY else 1
    steps = substeps and substeps * (len(set_ups.TS) - 1) * turns
    of = set_ups.gradient if case.kind == "gradient" else set_ups.of_inexact
    function, moving, still = of(jax.vmap(one.run, (None, 0)), one.law, batch)
    # whole numbers are given as well: as constants they would stand in the program
    given, kept = eqx.partition(still, _is_given)

    def together(argument):
        moving, given = argument
        return function(moving, eqx.combine(given, kept))

    return Built(together, (moving, given), members, steps, 2.0 * size * one.paths)


def _is_given(x: Any) -> bool:
    """Whether this is an array, and no random key, which has no shape of its own."""
    array = isinstance(x, np.ndarray | jax.Array)
    return array and not jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)


# -- rows -----------------------------------------------------------------------


def _row(case: Case, places: dict[str, NamedSharding], members: int) -> Row:
    """Figures of one program on each card; those of the first without an ending."""
    built, lowered, calls = _built(case, members), {}, 0
    for end, place in places.items():
        shaped = jax.tree.map(partial(_shaped, place), built.argument)
        with set_ups.traced_for_a_gpu() as asked:
            lowered[end] = jax.jit(built.function).lower(shaped)
            calls = len(asked)
    with ThreadPoolExecutor() as pool:
        compiled = dict(
            zip(lowered, pool.map(_compiled, lowered.values()), strict=True)
        )
    row = {"callbacks": calls}
    for end, (program, seconds) in compiled.items():
        figures = _figures(program, built, CARDS[end])
        figures["compile_s"] = round_to(seconds)
        row |= {f"{key}{end}": value for key, value in figures.items()}
    return row


def _shaped(place: NamedSharding, leaf: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype, sharding=place)


def _compiled(lowered: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    return lowered.compile(), time.perf_counter() - began


def _figures(program: Any, built: Built, card: Card) -> Row:
    """What is counted, and the model's time, of a step; of a run where steps adapt."""
    text, held = program.as_text(), sizes(program)
    body, steps = parsed(text), built.steps or 1
    kernels = total_of(body, lambda one: sum(one.kernels.values()))
    moved = total_of(body, lambda one: one.moved)
    figures = {
        "kernels": round_to(kernels / steps, 3),
        "calls": round_to(total_of(body, library_calls) / steps, 3),
        "MB": round_to(moved / steps / 1e6),
        "unknown_loops": unknown(body),
        "temporaries_MB": round_to(held.temporaries / 1e6),
        "constant_MB": round_to(largest_constant(text) / 1e6),
        # of the memory of the card, if all that a member takes grows with their number
        "members": round_to(built.members * card.memory / max(sum(held), 1), 2),
        "model_us": round_to(1e6 * body.seconds(card.rates) / steps, 3),
    }
    if built.steps is not None:
        figures["over_floor"] = round_to(moved / steps / built.floor, 3)
    return figures


# -- reports --------------------------------------------------------------------


def _stored() -> Result | None:
    """The newest figures that are stored, whichever machine compiled them."""
    found = (one["gpu_compiled"] for one in newest().values() if "gpu_compiled" in one)
    return max(found, key=lambda result: result.record["date"], default=None)


def worse(old: list[Row], new: list[Row]) -> list[str]:
    """Each figure that is more than a tenth above the earlier one, with both."""
    key = lambda row: tuple(row[k] for k in ("case", "dtype", "program"))  # noqa: E731
    before, found = {key(row): row for row in old}, []
    for row in new:
        earlier = before.get(key(row), {})
        if "note" in row:
            found += [f"{', '.join(key(row))}: {row['note']}"] * ("kernels" in earlier)
            continue
        for name in (f"{name}{end}" for end in CARDS for name in COMPARED):
            then, now = earlier.get(name, math.inf), row.get(name, 0)
            if now > WORSE * then:
                found.append(f"{', '.join(key(row))}: {name} {then} -> {now}")
    return found


def _report(rows: list[Row], stored: Result | None) -> Report:
    failed = sum("note" in row for row in rows)
    found = [row for row in rows if "note" not in row]
    # adaptive steps ask before their loop whether save times are in order
    steady = [row for row in found if "over_floor" in row]
    goals = [Goal("programs that do not compile", failed, 0, at_least=False)]
    for text, part, name, most in (
        ("callbacks of fixed steps", steady, "callbacks", 0),
        ("largest array of constants, MB", found, "constant_MB", 1),
    ):
        largest = max((row[name] for row in part), default=None)
        goals.append(Goal(text, largest, most, at_least=False))
    goals += [goal for budget in BUDGETS for goal in _of_budget(budget, found)]
    notes = [NOTE]
    if stored is not None:
        grown = worse(stored.report["rows"], rows)
        record = stored.record
        since = f"{record['date']}, jax {record['versions']['jax']}"
        goal = f"figures more than 10 % above those of {since}"
        goals.append(Goal(goal, len(grown), 0, at_least=False))
        notes += [f"Above those of {since}: {'; '.join(grown)}."] if grown else []
    names = " and ".join(card.name for card in CARDS.values())
    return Report(f"Compiled for {names}, nothing run", list(rows), goals, notes)


def _of_budget(budget: Budget, rows: list[Row]) -> list[Goal]:
    """Kernels and bytes of the worst of its programs, for the larger card."""
    found = [
        row
        for row in rows
        if row["case"] in budget.cases and row["dtype"] == "float64"
        and row["program"].endswith(budget.kind)
    ]  # fmt: skip
    goals = []
    for name in ("kernels", "over_floor"):
        worst = max((row[name] for row in found if name in row), default=None)
        text, most = f"{budget.text}: {name}", getattr(budget, name)
        goals.append(Goal(text, worst, most, at_least=False))
    return goals


NOTE = (
    f"{MEMBERS} members; of random motions as many paths, {WIDE_TILE} of each member, "
    "which a GPU computes together. kernels, calls of libraries (cuFFT, cuBLAS, "
    "cuSOLVER) and "
    f"model_us are of a step, over {2 * SUBSTEPS} steps with all that a run does once; "
    "of adaptive steps and samples they are of a run in which each loop of unknown "
    "length turns once. over_floor: bytes that kernels read and write over those of "
    "the state read and written once. constant_MB: the largest array in the program. "
    "members: how many fill the card's memory. model_us is a model, not a measurement: "
    "the larger of bytes over bandwidth and operations over their rate (an elementary "
    f"function counts as 24, a root or a division as 8), {LAUNCH * 1e6:g} us a kernel "
    f"and {TURN * 1e6:g} us a turn of a loop of unknown length; arithmetic of cuBLAS "
    "and cuSOLVER is left out."
)
