"""Standard errors of means, and numbers of occupations, to count them."""

import numpy as np
from jaxtyping import ArrayLike, Int

from jqd.statistics import configurations


def configuration_index(occupations: ArrayLike, N: int) -> Int[np.ndarray, "..."]:
    """Rows of `configurations` that hold given occupations.

    Args:
        occupations: n_i, shape (..., M), with the sum N.
        N: particles.

    Returns:
        Row numbers, shape (...); (N + 1)^M must be below 2^63.
    """
    occupations = np.asarray(occupations, int)
    base = (N + 1) ** np.arange(occupations.shape[-1])[::-1]
    # Lexical order of the rows is the order of these numbers.
    return np.searchsorted(
        configurations(N, occupations.shape[-1]) @ base, occupations @ base
    )


def standard_error(values: ArrayLike, axis: int = 0) -> np.ndarray:
    """Standard error of a mean over independent runs, s/√n with n - 1 in s.

    Args:
        values: of the runs.
        axis: of the runs.

    Returns:
        The error, of the other axes; NaN for a single run.
    """
    values = np.asarray(values, float)
    many = values.shape[axis]
    if many < 2:
        return np.full(np.delete(values.shape, axis), np.nan)
    return values.std(axis=axis, ddof=1) / np.sqrt(many)


def mean_error(values: ArrayLike, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The mean over independent runs and its `standard_error`."""
    return np.mean(np.asarray(values), axis=axis), standard_error(values, axis)
