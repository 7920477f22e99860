"""Averages over paths at two times."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from ..._math import divisor, safe_sqrt


class Average(NamedTuple):
    """An average over paths.

    Attributes:
        value: (T, d), or (T,).
        error: its standard error, of the same shape.
    """

    value: Float[Array, "..."]
    error: Float[Array, "..."]


@gated
def two_time_correlation(positions: Float[Array, "T n d"], origin: int = 0) -> Average:
    """<x(t₀) x(t)> for every t, axis by axis.

    Quantum mechanics has no joint density of x at two times. Its symmetrised
    correlation, (ħ/2mω) cos ωt for an oscillator's ground state, differs from that of
    Nelson's paths, (ħ/2mω) exp(-ωt), although the density agrees at every time.

    Args:
        positions: (T, n, d); paths that are NaN at t₀ or t are left out.
        origin: index of t₀.

    Returns:
        Value and standard error, (T, d) each; unit length².

    Raises:
        ValueError: positions without three axes, or an origin that is no time.
    """
    start = _origin(positions, origin)
    return _average(start * positions)


@gated
def mean_square_displacement(
    positions: Float[Array, "T n d"], origin: int = 0
) -> Average:
    """<(x(t) - x(t₀))²> for every t, axis by axis.

    At short times this is 2νt for paths with noise and v² t² for Bohm's.

    Args:
        positions: (T, n, d); paths that are NaN at t₀ or t are left out.
        origin: index of t₀.

    Returns:
        Value and standard error, (T, d) each; unit length².

    Raises:
        ValueError: positions without three axes, or an origin that is no time.
    """
    return _average((positions - _origin(positions, origin)) ** 2)


@gated
def never_exchanged(
    ts: ArrayLike,
    positions: Float[Array, "T n d"],
    nu: ArrayLike,
    first: int = 0,
    second: int = 1,
) -> Average:
    """Share of pairs on a line that have not exchanged places by each time.

    <Π (1 - exp(-ab/(ν₁ + ν₂) dt))> over the rows, a and b the distances |x₁ - x₂| at
    the ends of a row, 0 from the first row on where the order is another

    exp(..) is the probability of an exchange and a return between two rows (Brownian
    bridge). It assumes a constant drift, so rows must be close in time. No experiment
    distinguishes two identical particles: the share concerns their labels alone.

    Args:
        ts: times, (T,).
        positions: (T, n, d); paths that are NaN at some time are left out.
        nu: ν along each axis, (d,), or scalar, as for `nelson`.
        first, second: axes of the two particles.

    Returns:
        Value and standard error, (T,) each; 1 at the first time.

    Raises:
        ValueError: times or positions of other shapes, ν < 0, no two axes.
    """
    _checks.check_shape(positions, "positions", (None, None, None))
    rows, _, d = positions.shape
    _checks.check_times(ts, "ts")
    _checks.check_shape(ts, "ts", (rows,))
    axes = [
        _checks.whole_number(axis, name, 0, d - 1)
        for axis, name in ((first, "first"), (second, "second"))
    ]
    if axes[0] == axes[1]:
        raise ValueError(
            "Argument `second` must be another axis than `first`, but both are "
            f"{first}."
        )
    _checks.check_numbers(nu, "nu")
    if np.ndim(nu) > 0:
        _checks.check_shape(nu, "nu", (d,))
    _checks.check_not_negative(nu, "nu")
    noise = jnp.broadcast_to(jnp.asarray(nu, positions.dtype), (d,))
    noise = noise[axes[0]] + noise[axes[1]]
    apart = positions[..., axes[0]] - positions[..., axes[1]]
    a, b = apart[:-1], apart[1:]
    strength = noise * jnp.diff(jnp.asarray(ts, positions.dtype))[:, None]
    noisy = strength > 0
    bridge = jnp.where(noisy, jnp.exp(-a * b / divisor(strength)), 0)
    stays = jnp.where(a * b > 0, 1 - bridge, 0)
    kept = jnp.concatenate([jnp.ones_like(apart[:1]), jnp.cumprod(stays, axis=0)])
    lost = jnp.any(jnp.isnan(apart), axis=0)
    value, error = _average(jnp.where(lost, jnp.nan, kept)[..., None])
    return Average(value[:, 0], error[:, 0])


def _origin(positions: Array, origin: int) -> Array:
    _checks.check_shape(positions, "positions", (None, None, None))
    if isinstance(origin, bool) or not isinstance(origin, int | np.integer):
        raise ValueError(
            f"Argument `origin` must be the index of a time, but is "
            f"{_checks.shown(origin)}."
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
    # The error of an average that does not vary is 0, with gradient 0.
    error = safe_sqrt(variance / n, variance > 0)
    lost = count == 0
    return Average(jnp.where(lost, jnp.nan, mean), jnp.where(lost, jnp.nan, error))
