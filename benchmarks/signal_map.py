"""Signals of the copy law over its exponents: points a second, and how long 1e9 take.

The points are those of experiments/sweeps/copying_signals.py, at every law with all
pairs, in calls of one compiled `jax.vmap` over `jqd.evolve`. There is no store: that of
a sweep takes longer than such points on a GPU. Each call prints a line of JSON, so that
a run that is cut keeps what it has; laws come in random order, so that it has seen all
parts of the plane.
"""

import runpy
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jqd

from . import xla_text
from .floors import bandwidth
from .memory import sizes
from .timing import Report, failure, guarded, line_by_line, round_to

FILE = Path(__file__).parents[1] / "experiments" / "sweeps" / "copying_signals.py"
# values of each exponent, pairs at each law, laws in a call: 1e7 points in 40 calls
LAWS, CASES, A_CALL = 400, 64, 4000
# on a processor, where a call of that size takes minutes, and for a quick run
ON_HOST, SMALL = 50, (4, 4, 4)
# fewest laws of a call that are tried where memory is short
FEWEST = 250
# seconds of calls, compilation apart; the last call may pass it
BUDGET = 20.0
# Laws nearer to (1/2, -1/2) are left out of the least signals, and signals below so
# many times their error do not count.
NEAR, MARGIN = 0.02, 10
MANY = 10**9
SHOWN = ("points", "points_per_s", "s_of_1e9", "model_s_of_1e9", "least_signal",
         "silent_laws", "ended_early")  # fmt: skip

Rows = Iterator[dict[str, Any]]


def run(quick: bool = False) -> Iterator[Report]:
    """Reports with the last row of each program so far."""
    yield from line_by_line(guarded(_rows(quick), "jqd evolve"), _report)


def _report(rows: list[dict[str, Any]]) -> Report:
    # a note beside the last figures
    last = {(row["program"], "note" in row): row for row in rows}
    return Report(
        "Signals of the copy law over its exponents",
        list(last.values()),
        [],
        [
            "s_of_1e9: seconds of 1e9 points at the rate measured; "
            "model_s_of_1e9: by the model of gpu_programs, bytes over the bandwidth "
            f"and {xla_text.LAUNCH * 1e6:g} us a kernel. least_signal: of all laws "
            f"farther than {NEAR:g} from (1/2, -1/2) the least of the largest signals "
            f"of their pairs, of those above {MARGIN} times their error; q and r: that "
            "law. silent_laws: laws without such a signal. ended_early: points with a "
            "run that met a node; inaccurate: with one whose error is as large as a "
            "probability."
        ],
    )


def _rows(quick: bool) -> Rows:
    """The compiled program beside its model, then all calls so far after each."""
    file = runpy.run_path(str(FILE))
    on_host = jax.default_backend() == "cpu"
    size = LAWS, CASES, ON_HOST if on_host else A_CALL
    laws, cases, each = SMALL if quick else size
    axes = file["lattice"](laws, cases)
    q, r = (plane.ravel() for plane in np.meshgrid(axes["q"], axes["r"]))
    order = np.random.default_rng(0).permutation(q.size)
    rate, call = bandwidth(2**28, quick), None
    while call is None:
        points = _points(q, r, axes["case"], order[:each])
        try:
            call, row = _compiled(file["point"], points, rate)
            jax.block_until_ready(call(*points))
        except jax.errors.JaxRuntimeError as error:
            if each <= FEWEST:
                raise
            call, each = None, each // 2
            row = {"case": "-", "program": "too large", "note": failure(error)}
        yield row
    yield from _measured(call, q, r, axes["case"], np.split(order, q.size // each))


def _points(q: Any, r: Any, case: Any, laws: Any) -> tuple[Any, ...]:
    """q, r and case of all pairs at some laws, one number for each point."""
    each = np.ones(case.size)
    wide = np.outer(q[laws], each), np.outer(r[laws], each)
    return *(one.ravel() for one in wide), np.tile(case, len(laws))


def _compiled(point: Any, points: Any, rate: float) -> tuple[Any, dict[str, Any]]:
    """The program of a call, and its row: time to compile, memory, modelled time."""
    begun = time.perf_counter()
    compiled = jax.jit(jax.vmap(point)).lower(*points).compile()
    seconds = time.perf_counter() - begun
    body = xla_text.parsed(compiled.as_text())
    row = {
        "case": f"{points[0].size} points a call", "program": "its model",
        "compile_s": round_to(seconds), "gbytes_per_s": round_to(rate / 1e9),
        "temporaries_MB": round_to(sizes(compiled).temporaries / 1e6),
    }  # fmt: skip
    if not xla_text.unknown(body):
        model = body.seconds(xla_text.Rates(rate))
        row["model_s_of_1e9"] = round_to(model * MANY / points[0].size)
    return compiled, row


def _measured(call: Any, q: Any, r: Any, case: Any, batches: Any) -> Rows:
    """The rate, the least signals and how points ended, after each call."""
    seconds, found, counts = 0.0, [], Counter()
    for batch in batches:
        points = _points(q, r, case, batch)
        begun = time.perf_counter()
        results = {name: np.asarray(each) for name, each in call(*points).items()}
        seconds += time.perf_counter() - begun
        counts.update(results["status"].tolist())
        found.append(_seen(q[batch], r[batch], results, case.size))
        yield _row(np.concatenate(found, axis=1), counts, seconds)
        if seconds > BUDGET:
            return


def _seen(q: Any, r: Any, results: dict[str, Any], cases: int) -> np.ndarray:
    """q, r, the largest certain signal and the median of each law, (4, laws)."""
    signal, error = (results[name].reshape(-1, cases) for name in ("signal", "error"))
    certain = np.where(signal > MARGIN * error, signal, 0)
    return np.stack([q, r, certain.max(axis=1), np.median(signal, axis=1)])


def _row(laws: np.ndarray, counts: Counter[int], seconds: float) -> dict[str, Any]:
    away = laws[:, np.hypot(laws[0] - 0.5, laws[1] + 0.5) > NEAR]
    q, r, least, _ = away[:, np.argmin(away[2])].tolist()
    points = counts.total()
    return {
        "case": f"{points // laws.shape[1]} pairs a law", "program": "jqd evolve, vmap",
        "role": "jqd", "points": points, "work": points, "unit": "point",
        "median_s": round_to(seconds), "min_s": round_to(seconds),
        "points_per_s": round_to(points / seconds),
        "s_of_1e9": round_to(MANY * seconds / points),
        "least_signal": round_to(least), "q": round_to(q), "r": round_to(r),
        "least_median": round_to(float(away[3].min())),
        "silent_laws": int(np.sum(away[2] == 0)),
        "ended_early": counts[jqd.Status.NODE],
        "inaccurate": counts[jqd.Status.INACCURATE],
    }  # fmt: skip
