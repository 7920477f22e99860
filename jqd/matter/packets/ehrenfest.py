"""How long one classical trajectory speaks for a packet: growth of its width."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ...evolution import Fixed, Trajectory, evolve
from ...steppers import srkn11
from .gaussian import GaussianState
from .thawed import ThawedGaussian


class ThawedRun(eqx.Module):
    """A thawed Gaussian over time.

    Attributes:
        ts: times, (T,).
        position: centre, (T, n).
        widths: standard deviations of what was observed, (T, k).
        anharmonicity: see `ThawedGaussian.anharmonicity`, (T,).
        defect: largest failure of the packet's two relations on the way, scalar.
        status: code of `jqd.Status`: HORIZON where the relations failed.
        failure_time: when, infinite if they held; values from there on are NaN.
    """

    ts: Float[Array, " T"]
    position: Float[Array, "T n"]
    widths: Float[Array, "T k"]
    anharmonicity: Float[Array, " T"]
    defect: Float[Array, ""]
    status: Int[Array, ""]
    failure_time: Float[Array, ""]


def thawed_run(
    law: ThawedGaussian,
    state: GaussianState,
    ts: ArrayLike,
    *,
    method: Fixed | None = None,
    observe: Callable[[Array], Array] | None = None,
) -> ThawedRun:
    """Follow a packet and record what tells when to stop believing it.

    Args:
        law: the law of the packet.
        state: pure Gaussian state at ts[0].
        ts: (T,) strictly increasing times.
        method: `Fixed` with a splitting; None for one step of `srkn11` per time.
        observe: f(q (n,)) -> (k,), whose spread is followed to first order,
            √diag(f' Σ_qq f'ᵀ); None for the coordinates.

    Returns:
        `ThawedRun`.

    Raises:
        ValueError: a mixed state, one of another size, or times out of order.
    """
    method = method or Fixed(srkn11, estimate_error=False)
    look = _Look(law, observe)
    run: Trajectory = evolve(law, law.prepare(state), ts, method=method, observe=look)
    position, widths, anharmonicity = run.values
    return ThawedRun(
        run.ts, position, widths, anharmonicity, run.diagnostics["max_defect"],
        run.status, run.failure_time,
    )  # fmt: skip


class _Look(eqx.Module):
    law: ThawedGaussian
    function: Any

    def __init__(self, law: ThawedGaussian, function: Callable | None):
        self.law = law
        self.function = None if function is None else jax.tree_util.Partial(function)

    def __call__(self, t: Array, packet: Any) -> tuple[Array, Array, Array]:
        del t
        spread = packet.Q
        if self.function is not None:
            spread = jax.jacfwd(self.function)(packet.position) @ packet.Q
        square = jnp.sum(jnp.real(spread) ** 2 + jnp.imag(spread) ** 2, axis=-1)
        widths = jnp.sqrt(self.law.hbar / 2 * square)
        return packet.position, widths, self.law.anharmonicity(packet)


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
