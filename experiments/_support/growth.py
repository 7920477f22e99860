"""Growth of a packet's width: when it passes a limit, and at what rate it grows."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks


def first_passage(
    ts: Float[ArrayLike, " T"], series: Float[ArrayLike, " T"], limit: ArrayLike
) -> Float[Array, ""]:
    """When a series first reaches a limit, by linear interpolation of its logarithm.

    An Ehrenfest time where the series is a width and the limit the length over which
    forces change (0.1 of a lattice spacing), or an anharmonicity and its tolerance.

    Args:
        ts: (T,) times.
        series: (T,) positive values; NaN, as after the end of a run, counts as not
            reached.
        limit: positive scalar.

    Returns:
        Time, scalar; ts[0] where the limit is reached at once, infinite if never.

    Raises:
        ValueError: shapes that differ, or a limit not positive.
    """
    _checks.check_times(ts)
    _checks.check_shape(series, "series", np.shape(ts))
    _checks.check_positive(limit, "limit")
    return _passage(jnp.asarray(ts), jnp.asarray(series), jnp.asarray(limit))


@jax.jit
def _passage(ts: Array, series: Array, limit: Array) -> Array:
    above = series >= limit
    i = jnp.argmax(above)
    before = jnp.maximum(i - 1, 0)
    low, high = series[before], series[i]
    rising = (i > 0) & (low > 0) & (high > low)
    low, high = jnp.where(rising, low, 1), jnp.where(rising, high, 2)
    share = jnp.log(limit / low) / jnp.log(high / low)
    share = jnp.where(rising, share, jnp.where(i > 0, 1, 0))
    time = ts[before] + share * (ts[i] - ts[before])
    return jnp.where(jnp.any(above), time, jnp.inf)


def growth_rate(
    ts: Float[ArrayLike, " T"],
    series: Float[ArrayLike, " T"],
    start: ArrayLike = -jnp.inf,
    stop: ArrayLike = jnp.inf,
) -> Float[Array, ""]:
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

    Raises:
        ValueError: shapes that differ.
    """
    _checks.check_times(ts)
    _checks.check_shape(series, "series", np.shape(ts))
    return _slope(jnp.asarray(ts), jnp.asarray(series), start, stop)


@jax.jit
def _slope(ts: Array, series: Array, start: ArrayLike, stop: ArrayLike) -> Array:
    used = (ts >= start) & (ts <= stop) & (series > 0) & jnp.isfinite(series)
    weight = used.astype(series.dtype)
    log = jnp.log(jnp.where(used, series, 1))
    count = jnp.sum(weight)
    enough = count >= 2
    total = jnp.where(enough, count, 1)
    centred = ts - jnp.sum(weight * ts) / total
    variance = jnp.sum(weight * centred**2)
    slope = jnp.sum(weight * centred * log) / jnp.where(enough, variance, 1)
    return jnp.where(enough, slope, jnp.nan)
