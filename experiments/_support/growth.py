"""Growth of a packet's width: when it passes a limit, and at what rate it grows."""

import numpy as np
from jaxtyping import ArrayLike, Float


def first_passage(
    ts: Float[ArrayLike, " T"], series: Float[ArrayLike, "T ..."], limit: float
) -> Float[np.ndarray, "..."]:
    """When a series first reaches a limit, by linear interpolation of its logarithm.

    An Ehrenfest time where the series is a width and the limit the length over which
    forces change (0.1 of a lattice spacing), or an anharmonicity and its tolerance. Of
    exp(x) and exp(limit) it is the linear interpolation of x.

    Args:
        ts: (T,) times.
        series: (T, ...) positive values; NaN, as after the end of a run, counts as not
            reached.
        limit: positive scalar.

    Returns:
        Times, (...); ts[0] where the limit is reached at once, infinite if never.
    """
    ts, series = np.asarray(ts), np.asarray(series)
    above = series >= limit
    i = np.argmax(above, axis=0)
    before = np.maximum(i - 1, 0)
    low, high = (np.take_along_axis(series, k[None], 0)[0] for k in (before, i))
    rising = (low > 0) & (high > low)
    low, high = np.where(rising, low, 1), np.where(rising, high, 2)
    share = np.where(rising, np.log(limit / low) / np.log(high / low), 1)
    time = ts[before] + share * (ts[i] - ts[before])
    return np.where(np.any(above, axis=0), time, np.inf)


def growth_rate(
    ts: Float[ArrayLike, " T"],
    series: Float[ArrayLike, " T"],
    start: float = -np.inf,
    stop: float = np.inf,
) -> float:
    """λ of series ~ e^(λt): least-squares slope of its logarithm over a window.

    Of the largest width of a thawed packet it is the largest Lyapunov exponent of the
    trajectory, from a finite time.

    Args:
        ts: (T,) times.
        series: (T,) positive values; others, and NaN, are left out.
        start: first time of the window.
        stop: last time of the window.

    Returns:
        Rate, scalar; NaN where fewer than two values fall into the window.
    """
    ts, series = np.asarray(ts), np.asarray(series)
    used = (ts >= start) & (ts <= stop) & (series > 0) & np.isfinite(series)
    if used.sum() < 2:
        return np.nan
    return np.polyfit(ts[used], np.log(series[used]), 1)[0]
