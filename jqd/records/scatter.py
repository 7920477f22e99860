"""How far values are beyond chance, and how good they are where no error is given."""

import math

import numpy as np

# Values without errors are taken to be good to this share of the largest: what three
# digits, a box, or levels that were cut off leave. Whoever has more scatter says so.
EXACT = 2e-3


def exact_error(values: np.ndarray) -> float:
    """How good values without errors are taken to be, in their unit.

    Rows that scatter from time to time are no better than their scatter: the least that
    differences of the first to the fourth order leave of it, were all of it noise.

    Args:
        values: the record, (T, ...).
    """
    rows = np.reshape(values, (len(values), -1))
    left = [0.0] if len(rows) == 1 else []
    for order in range(1, min(5, len(rows))):
        change = np.median(np.abs(np.diff(rows, order, axis=0)))
        left.append(1.48 * float(change) / math.comb(2 * order, order) ** 0.5)
    return EXACT * float(np.max(np.abs(values))) + min(left) + np.finfo(float).tiny


def strain(residuals: np.ndarray) -> float:
    """How far residuals in units of their errors are beyond chance; 1 is refused.

    χ² over its mean and six standard deviations (and what the skewness of a few values
    needs), or over the χ² of errors that are half as large again as was said.
    """
    n = residuals.size
    chance = n + 6 * np.sqrt(2 * n) + 18
    return float(np.sum(np.abs(residuals) ** 2) / max(chance, 2.25 * n))
