"""Shots of a table: from its frequencies, and checked by its scatter. In NumPy."""

import math
from typing import NamedTuple

import numpy as np

from .low_rank import FEW, LowRank

# Largest number of shots that is looked for in frequencies.
MOST_SHOTS = 100_000
# Chance by which frequencies of other shots may pass for shares of these.
_CHANCE = 1e-6
# Share of a count that rounding of a frequency may make: with more, shares of other
# shots pass as well.
_ROUNDED = 0.05
# Standard errors beyond which shots are wrong: of many cells, one of a million true
# tables is beyond.
WRONG = 5.0
# Scatter of fewer cells tells nothing of shots, and that of cells of higher probability
# hangs on few counts.
_LEAST_CELLS, _HIGHEST = 100, 0.9
# Nor does it where fewer cells of high probability decide: squares of residuals are
# skewed, and of 25 such cells one true table of a thousand is beyond 4 standard errors.
_LEAST_DECIDING = 30


def inferred_shots(frequencies: np.ndarray) -> int:
    """The least number of shots of which all frequencies are whole shares.

    Raises:
        ValueError: there is none up to 100 000, or the frequencies have too few digits,
            or are too few, to tell.
    """
    f = np.asarray(frequencies)
    # half of the last digit
    digits = next((d for d in range(16) if np.array_equal(np.round(f, d), f)), None)
    error = np.finfo(f.dtype).eps if digits is None else 0.5 * 10.0**-digits
    f = f.astype(float)
    inner = f[(f > 0) & (f < 1)]
    cells, inner = inner.size, np.unique(inner)
    rule = "Argument `shots` must be given"
    if len(inner) == 0:
        raise ValueError(f"{rule} for frequencies that are all 0 or 1, but is not.")
    N = np.arange(2, min(MOST_SHOTS, int(_ROUNDED / error)) + 1)
    for one in inner:  # few numbers are left after the first
        # rounding of the frequency, and that of f N
        room = N * (error + 4 * np.finfo(float).eps)
        N = N[np.abs(one * N - np.round(one * N)) <= room]
    if len(N):
        least = int(N[0])
        # so many frequencies near whole numbers, of any of so many shots
        by_chance = 2 * least * error + 1 / least
        told = math.log(MOST_SHOTS) + len(inner) * math.log(by_chance)
        # counts of twice as many shots may all be even
        if max(told, -cells * math.log(2)) < math.log(_CHANCE):
            return least
    raise ValueError(
        f"{rule}, since the frequencies do not determine them, but is not: they are "
        f"not multiples of 1/N for any N up to {MOST_SHOTS}, or are too few, or have "
        "too few digits."
    )


class Scatter(NamedTuple):
    """Shots by the scatter of counts about a fit.

    Attributes:
        shots: number of shots with which the scatter has the size that is seen.
        stderr: its standard error.
        wrong: whether the number of shots that was given is wrong.
    """

    shots: float
    stderr: float
    wrong: bool


def shots_by_scatter(fit: LowRank, frequencies: np.ndarray, shots: float) -> Scatter:
    """Shots N' of counts n from squares of residuals about a fit of low rank.

    (n - N p)²/(N p q) - 1 has the mean a - δ p/q with δ = N/N' - 1 and a = 0, since
    counts do not depend on N while the variance N p (1 - N p/N') does. A nonlinear
    motion leaves one table at its rank: it does not disturb this.

    Args:
        fit: of one table, at the rank that it has.
        frequencies: (P, M), counts/shots.
        shots: N, as told.
    """
    cells = frequencies.size
    p = np.clip(fit.probabilities, 0.5 / shots, 1 - 0.5 / shots)
    square = fit.weights * (frequencies - fit.probabilities) ** 2
    more = square * (cells / fit.dof) - 1
    kept = (shots * np.minimum(p, 1 - p) >= FEW) & (p <= _HIGHEST)
    p, more = p[kept], more[kept]
    odds = p / (1 - p)
    if odds.size < _LEAST_CELLS:
        return Scatter(math.nan, math.inf, False)
    squares = (odds - np.mean(odds)) ** 2
    spread = float(np.sum(squares))
    # as many equal ones have the same sums of squares and of fourth powers
    if not spread**2 > _LEAST_DECIDING * float(np.sum(squares**2)):
        return Scatter(math.nan, math.inf, False)
    delta = -float(np.sum(more * (odds - odds.mean()))) / spread
    base = float(more.mean()) + delta * float(odds.mean())
    noise = float(np.std(more + delta * odds))
    stderr = noise / math.sqrt(spread)
    base_error = noise * math.sqrt(1 / odds.size + float(odds.mean()) ** 2 / spread)
    # what else adds scatter does so where p is small, too; there wrong shots do not
    alone = abs(base) < max(3 * base_error, 0.1 * abs(delta) * float(odds.mean()))
    found = shots / max(1 + delta, 1e-3)
    wrong = abs(delta) > WRONG * stderr and alone
    return Scatter(found, stderr * found**2 / shots, wrong)
