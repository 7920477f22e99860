"""Data in percent beside a law whose values are shares."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array

from .. import _checks
from .first_row import row_and_slope

if TYPE_CHECKING:  # a study looks at its unit itself
    from .study import Study

# No share is so large, whatever its error.
NO_SHARE = 2.0


def check_percent(study: "Study", theta: Array) -> None:
    """Refuse rows whose sums are of another unit than shares that sum to 1.

    The row at t0 would tell the unit, but many records begin later. Where values are
    traced, nothing is compared.
    """
    data = study.data
    if not (_checks.can_read() and _checks.is_concrete((study, theta))):
        return
    shares = np.asarray(data.shares)
    if shares.ndim != 2 or (shares.max(axis=1) < NO_SHARE).any():
        return
    expected = np.asarray(row_and_slope(study, theta)[0])
    if expected.min() < 0 or abs(expected.sum() - 1) > 1e-3:
        return
    raise ValueError(
        "Argument `data` must hold shares that sum to 1 in each row, as the law's "
        f"do, but row 0 sums to {shares[0].sum():.4g}; divide percent by 100, and "
        "their errors too."
    )
