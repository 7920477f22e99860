"""Limits at 95 %: how often they hold the true value, and that misfits get none.

For each kind of data, 500 records from the same true constants, each with a draw and
calibrations of its own, the fit of each, and the limit that it states. A process fits
many records of one kind, with one program.
"""

import contextlib
import functools
import json
import math
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import jax

from . import machine
from .coverage_cases import CASES, Fitter, Found
from .tables import say
from .timing import Goal, Report, round_to

SHOWN = ("constant", "records", "misfits", "refused", "held", "share", "share from",
         "share to", "sentences")  # fmt: skip
RECORDS, QUICK, CHUNK = 500, 40, 10
# A misfit is a record whose chi-square is less likely than this.
MISFIT = 1e-3
# The shares of limits that are to hold, and of misfits that are to be refused.
LEAST, MOST, REFUSED = 0.93, 0.97, 0.95
# A process has one thread: there are as many of them as cores.
ALONE = {
    "JAX_PLATFORMS": "cpu",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


# -- many records --------------------------------------------------------------------


@functools.cache
def _fitter(case: str) -> Fitter:
    return CASES[case]()


def fits_of(case: str, seeds: Iterable[int]) -> list[Found]:
    """The fits of the records with these seeds."""
    return [_fitter(case)(seed) for seed in seeds]


def run(quick: bool = False) -> Iterator[Report]:
    """Shares of limits that hold, a report after each kind of data."""
    rows = []
    for case, found in (_in_turn if quick else _together)():
        rows.append(row_of(case, found))
        yield report(rows)


def _in_turn() -> Iterator[tuple[str, list[Found]]]:
    """Few records of each kind, in this process."""
    for case in CASES:
        yield case, fits_of(case, range(QUICK))


def _together() -> Iterator[tuple[str, list[Found]]]:
    """All kinds at once, each in processes of its own; a line for each chunk."""
    each = max(1, machine.cores() // len(CASES))
    context = multiprocessing.get_context("spawn")
    chunks = [range(k, k + CHUNK) for k in range(0, RECORDS, CHUNK)]
    found: dict[str, list[Found]] = {case: [] for case in CASES}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone())
        waiting = {}
        for case in CASES:
            pool = ProcessPoolExecutor(each, context, _begin)
            stack.enter_context(pool)
            waiting |= {pool.submit(fits_of, case, chunk): case for chunk in chunks}
        for done in as_completed(waiting):
            case = waiting[done]
            found[case] += done.result()
            held = sum(one.held for one in found[case])
            told = {"case": case, "records": len(found[case]), "held": held}
            say(json.dumps(told))
            if len(found[case]) == RECORDS:
                yield case, found[case]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """The environment of processes with one thread each, which start in it."""
    before = {name: os.environ.get(name) for name in ALONE}
    os.environ.update(ALONE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin() -> None:
    jax.config.update("jax_enable_x64", True)


# -- shares --------------------------------------------------------------------------


def row_of(case: str, found: list[Found]) -> dict[str, Any]:
    """How many limits of a kind of data hold, with Clopper's and Pearson's interval."""
    from scipy import stats

    stated = [one for one in found if math.isfinite(one.said)]
    held, number = sum(one.held for one in stated), len(stated)
    row = {
        "case": case,
        "program": "jqd",
        "constant": case.partition(",")[0],
        "records": len(found),
        "misfits": sum(one.p < MISFIT for one in found),
        "refused": len(found) - number,
        "refused misfits": sum(
            one.p < MISFIT and not math.isfinite(one.said) for one in found
        ),
    }
    if stated:
        ends = stats.binomtest(held, number).proportion_ci(0.95)
        row |= {
            "held": held,
            "share": round_to(held / number, 3),
            "share from": round_to(float(ends.low), 3),
            "share to": round_to(float(ends.high), 3),
            "sentences": sum(one.sentence for one in stated),
        }
    return row


def report(rows: list[dict[str, Any]]) -> Report:
    """The rows of all kinds, and the shares that are farthest off."""
    right = [row for row in rows if not row["case"].endswith("misfit")]
    shares = [row["share"] for row in right if "share" in row]
    misfits = sum(row["misfits"] for row in rows)
    refused = sum(row["refused misfits"] for row in rows)
    return Report(
        "Limits at 95 % from simulated records",
        rows,
        [
            Goal("share of limits that hold, least", min(shares, default=None), LEAST),
            Goal(
                "share of limits that hold, most", max(shares, default=None), MOST,
                at_least=False,
            ),
            Goal(
                "share of misfits that are refused",
                refused / misfits if misfits else None, REFUSED,
            ),
        ],
        [
            "held: records whose 95 % interval holds the true constant; share: of all "
            "with a limit, from and to its own 95 % interval; sentences: those whose "
            "bound on the distance from quantum mechanics is true, at least as many; "
            "misfits: records whose chi-square, by SciPy, is less likely than 1e-3, of "
            "which one in a thousand is chance; refused: records without a limit.",
            "Of the last kind the contrast is down to a third at the end, and the fit "
            "knows of no loss.",
        ],
    )  # fmt: skip
