"""What data hold: facts in words, and columns of numbers over an axis.

`jqd show` prints and draws them, so that a file that was read otherwise than it was
meant is seen before a fit.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .record import between

# Rows of densities, or moments of a list, that are columns.
MOST = 6


class Contents(NamedTuple):
    """What data hold.

    Attributes:
        data: what they are.
        lines: facts in words, by label.
        along: what the columns stand over, and its values, (N,).
        columns: real numbers, (N,), by name.
        sigma: their standard errors, (N, M), or None.
        maps: maps over x and y, (K, ny, nx), their axes and their titles; else None.
    """

    data: str
    lines: Mapping[str, str]
    along: tuple[str, np.ndarray]
    columns: Mapping[str, np.ndarray]
    sigma: np.ndarray | None = None
    maps: tuple[np.ndarray, np.ndarray, np.ndarray, list[str]] | None = None


def errors_in_file(sigma: Any) -> str:
    """Standard errors in words, from the smallest to the largest, or that none are."""
    return "none in the file" if sigma is None else between(sigma)


def spread(size: int) -> np.ndarray:
    """Numbers of a few rows of so many, from the first to the last."""
    return np.unique(np.linspace(0, size - 1, MOST).round().astype(int))
