"""Limits at 95 %: how often they hold the true value, and that misfits get none.

For each kind of data, 500 records from the same true constants, each with a draw and
calibrations of its own, the fit of each, and the limit that it states.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from .coverage_cases import CASES, Found
from .tables import say
from .timing import Goal, Report, round_to

SHOWN = ("constant", "records", "misfits", "refused", "held", "share", "share from",
         "share to", "sentences")  # fmt: skip
RECORDS, QUICK, CHUNK = 500, 40, 100
# A misfit is a record whose chi-square is less likely than this.
MISFIT = 1e-3
# The shares of limits that are to hold, and of misfits that are to be refused.
LEAST, MOST, REFUSED = 0.93, 0.97, 0.95


def run(quick: bool = False) -> Iterator[Report]:
    """Shares of limits that hold, a report after each kind of data."""
    rows = []
    for case, make in CASES.items():
        fit, found = make(), []
        for seed in range(QUICK if quick else RECORDS):
            found.append(fit(seed))
            if len(found) % CHUNK == 0:
                held = sum(one.held for one in found)
                say(json.dumps({"case": case, "records": len(found), "held": held}))
        rows.append(row_of(case, found))
        yield report(rows)


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


def ends(row: dict[str, Any]) -> bool:
    """Whether intervals of a kind of data end at a bound."""
    return row["case"].endswith("near its bound")


def report(rows: list[dict[str, Any]]) -> Report:
    """The rows of all kinds, and the shares that are farthest off."""
    right = [row for row in rows if not row["case"].endswith("misfit")]
    shares = [row["share"] for row in right if "share" in row]
    inside = [row["share"] for row in right if "share" in row and not ends(row)]
    misfits = sum(row["misfits"] for row in rows)
    refused = sum(row["refused misfits"] for row in rows)
    return Report(
        "Limits at 95 % from simulated records",
        rows,
        [
            Goal("share of limits that hold, least", min(shares, default=None), LEAST),
            Goal(
                "share of limits that hold, most", max(inside, default=None), MOST,
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
            "Near its bound at 0 a rate is not told from it: intervals that end there "
            "have nothing to miss on that side, so that more of them hold.",
            "Of the last kind the contrast is down to a third at the end, and the fit "
            "knows of no loss.",
        ],
    )  # fmt: skip
