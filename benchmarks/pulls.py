"""Simulate, then recover: whether errors of fits are as large as they say.

For each kind of record, a hundred of them from the same true constants, each with a
draw of its own, and the fit of each. A pull is (recovered - true)/standard error: of
mean 0 and width 1 where a fit has no bias and its errors hold.
"""

import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from .pulls_cases import CASES
from .pulls_fits import Pulls
from .tables import say
from .timing import Goal, Report, round_to

SHOWN = ("constant", "records", "mean", "± mean", "width", "± width", "misfits",
         "failed", "stderr")  # fmt: skip
# Seeds of the records, and how many standard errors a mean or a width may be off: of
# fifty figures one is further out by chance once in forty runs.
SEEDS, LIMIT = 100, 3.5


def run(quick: bool = False) -> Iterator[Report]:
    """Pulls of every constant of every kind of record, a report after each kind."""
    rows: list[dict[str, Any]] = []
    for number, (case, make) in enumerate(CASES.items(), start=1):
        begun = time.perf_counter()
        keys = jax.random.split(jax.random.key(1), 2 if quick else SEEDS)
        rows += rows_of(case, make(keys))
        taken = time.perf_counter() - begun
        say(f"pulls {number}/{len(CASES)}: {case} ({taken:.0f} s)")
        yield report(rows)


def report(rows: list[dict[str, Any]]) -> Report:
    """The rows of all cases, and how far the worst of them is off."""
    worst = {
        name: max(abs(row[name] - centre) / row[f"± {name}"] for row in rows)
        for name, centre in (("mean", 0.0), ("width", 1.0))
    }
    texts = {
        "mean": "means of pulls from 0, in standard errors, at most",
        "width": "widths of pulls from 1, in standard errors, at most",
    }
    goals = [Goal(texts[n], worst[n], LIMIT, at_least=False) for n in worst]
    return Report(
        "Pulls of constants recovered from simulated records",
        rows,
        goals,
        [
            "mean and width of (recovered - true)/standard error over the records that "
            "could be fitted, with the errors that as many normal pulls have; misfits: "
            "records whose chi-square is less likely than 1e-3, of which one in a "
            "thousand is chance; stderr: the median of what a fit says.",
        ],
    )


def rows_of(case: str, found: Pulls) -> list[dict[str, Any]]:
    """Mean and width of the pulls of each constant."""
    good = ~found.failed
    count = max(int(good.sum()), 1)
    rows = []
    for name, truth in found.truth.items():
        errors = found.errors[name][good]
        pulls = (found.values[name][good] - truth) / errors
        rows.append(
            {
                "case": case,
                "program": "jqd",
                "constant": name,
                "records": len(good),
                "mean": round_to(float(pulls.mean()), 3),
                "± mean": round_to(count**-0.5, 2),
                "width": round_to(float(pulls.std(ddof=1)), 3),
                "± width": round_to((2 * (count - 1)) ** -0.5, 2),
                "misfits": int(found.misfit[good].sum()),
                "failed": int(found.failed.sum()),
                "stderr": round_to(float(np.median(errors)), 2),
            }
        )
    return rows
