"""Averages over paths at two times."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks


class Average(NamedTuple):
    """An average over paths.

    Attributes:
        value: (T, d).
        error: its standard error, (T, d).
    """

    value: Float[Array, "T d"]
    error: Float[Array, "T d"]


def two_time_correlation(positions: Float[Array, "T n d"], origin: int = 0) -> Average:
    """<x(t₀) x(t)> for every t, axis by axis.

    Quantum mechanics has no joint density of x at two times. Its symmetrised
    correlation, (ħ/2mω) cos ωt for an oscillator's ground state, is not that of
    Nelson's paths, (ħ/2mω) exp(-ωt), though the density agrees at every time.

    Args:
        positions: (T, n, d); paths that are NaN at t₀ or t are left out.
        origin: index of t₀.

    Returns:
        Value and standard error, (T, d) each; unit length².

    Raises:
        ValueError: positions without three axes, or no such time.
    """
    start = _origin(positions, origin)
    return _average(start * positions)


def mean_square_displacement(
    positions: Float[Array, "T n d"], origin: int = 0
) -> Average:
    """<(x(t) - x(t₀))²> for every t, axis by axis.

    At short times 2νt for paths with noise; v² t² for Bohm's. Takes, returns and
    refuses what `two_time_correlation` does.
    """
    return _average((positions - _origin(positions, origin)) ** 2)


def _origin(positions: Array, origin: int) -> Array:
    _checks.check_shape(positions, "positions", (None, None, None))
    if isinstance(origin, bool) or not isinstance(origin, int | np.integer):
        raise ValueError(
            f"Argument `origin` must be the index of a time, but is {origin!r}."
        )
    if not -positions.shape[0] <= origin < positions.shape[0]:
        raise ValueError(
            f"Argument `origin` must be the index of one of {positions.shape[0]} "
            f"times, but is {origin}."
        )
    return positions[origin][None]


def _average(values: Array) -> Average:
    keep = jnp.isfinite(values)
    count = jnp.sum(keep, axis=1)
    n = jnp.maximum(count, 1).astype(values.dtype)
    mean = jnp.sum(jnp.where(keep, values, 0), axis=1) / n
    away = jnp.where(keep, values - mean[:, None], 0)
    variance = jnp.sum(away**2, axis=1) / jnp.maximum(n - 1, 1)
    # The error of an average that does not vary is 0, with slope 0.
    varies = variance > 0
    error = jnp.where(varies, jnp.sqrt(jnp.where(varies, variance / n, 1)), 0)
    lost = count == 0
    return Average(jnp.where(lost, jnp.nan, mean), jnp.where(lost, jnp.nan, error))
