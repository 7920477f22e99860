"""Truncated Wigner: classical trajectories drawn from a Wigner function."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from ... import _checks
from ..._math import divisor, safe_sqrt
from ...evolution import Fixed, evolve
from ...evolution.judging import judged
from ...laws.law import Law
from ...status import Status
from ...steppers import srkn11
from .gaussian import GaussianState, check_gaussian
from .motion import PhasePoint, as_function


class WignerRun(eqx.Module):
    """Moments of an ensemble of trajectories drawn from a Wigner function.

    Averages are over the trajectories that reached each time; NaN where fewer than two
    independent draws did. The two of an antithetic pair are one draw.

    Attributes:
        ts: times, (T,).
        mean: mean of each observable, (T, k).
        mean_error: its standard error, (T, k).
        variance: variance of each observable, (T, k).
        variance_error: its standard error, (T, k).
        mean_step_error, variance_step_error: errors of both by the steps, from the same
            points with half the step, (T, k), or None if `method` estimates none.
        energy: ⟨H⟩, scalar: the Weyl symbol of p²/2m + V is the classical energy.
        energy_error: its standard error, scalar.
        zero_point: ⟨H⟩ minus the classical energy of the centre. The initial width adds
            this energy, and the trajectories carry it as if it were heat. Take
            temperatures from runs in which it is small.
        energy_drift: largest |E(t) - E(0)| of any trajectory, scalar.
        status: code of `jqd.Status` for each trajectory, (samples,): INACCURATE where
            the steps err by as much as a variance.
    """

    ts: Float[Array, " T"]
    mean: Float[Array, "T k"]
    mean_error: Float[Array, "T k"]
    variance: Float[Array, "T k"]
    variance_error: Float[Array, "T k"]
    mean_step_error: Float[Array, "T k"] | None
    variance_step_error: Float[Array, "T k"] | None
    energy: Float[Array, ""]
    energy_error: Float[Array, ""]
    zero_point: Float[Array, ""]
    energy_drift: Float[Array, ""]
    status: Int[Array, " samples"]

    @property
    def widths(self) -> Float[Array, "T k"]:
        """Standard deviations."""
        return jnp.sqrt(self.variance)


def sample_wigner(
    state: GaussianState, key: PRNGKeyArray, samples: int, *, antithetic: bool = False
) -> PhasePoint:
    """Points drawn from the Wigner function of a Gaussian state.

    W(z) = exp(-(z - ⟨z⟩)ᵀ Σ⁻¹ (z - ⟨z⟩)/2) / ((2π)^n √det Σ), a probability density

    Args:
        state: Gaussian state, pure or not.
        key: random key.
        samples: number of points (static).
        antithetic: draw points in pairs mirrored at the centre, adjacent in the
            result. The noise of means then begins at second order in the width.
            `samples` must be even.

    Returns:
        `PhasePoint` with leaves (samples, n).

    Raises:
        ValueError: samples not a positive (even) number, or a covariance that is not
            positive definite.
    """
    _check_samples(samples, antithetic)
    check_gaussian(state)
    points, definite = _drawn(state, _checks.single_key(key), samples, antithetic)
    if _checks.is_concrete(definite) and not definite:
        raise ValueError(
            "Argument `state.covariance` must be positive definite, but is not."
        )
    return points


@partial(jax.jit, static_argnames=("samples", "antithetic"))
def _drawn(
    state: GaussianState, key: Array, samples: int, antithetic: bool
) -> tuple[PhasePoint, Array]:
    """Points, and whether there is such a density."""
    root = jnp.linalg.cholesky(state.covariance)
    n = state.position.shape[0]
    draws = samples // 2 if antithetic else samples
    noise = jax.random.normal(key, (draws, 2 * n), root.dtype)
    if antithetic:
        noise = jnp.reshape(jnp.stack([noise, -noise], axis=1), (samples, 2 * n))
    moved = noise @ root.T
    points = PhasePoint(
        state.position[None, :] + moved[:, :n], state.momentum[None, :] + moved[:, n:]
    )
    return points, jnp.all(jnp.isfinite(root))


def truncated_wigner(
    law: Law,
    state: GaussianState,
    ts: ArrayLike,
    key: PRNGKeyArray,
    *,
    samples: int = 1024,
    antithetic: bool = False,
    method: Fixed | None = None,
    prepare: Callable[[PhasePoint], Any] | None = None,
    observe: Callable[[Any], Array] | None = None,
) -> WignerRun:
    """Moments over time of an ensemble drawn from a Wigner function.

    This is the Moyal equation without its terms of order ħ² and beyond. It is exact in
    quadratic potentials; elsewhere it loses interference.

    Args:
        law: a classical law with the invariant "energy", such as `ClassicalMotion`.
        state: Gaussian state at ts[0].
        ts: (T,) strictly increasing times.
        key: random key.
        samples: trajectories (static).
        antithetic: see `sample_wigner`.
        method: `Fixed`; None for one step of `srkn11` per time, whose error is
            estimated from a run with half the step.
        prepare: PhasePoint (n,), (n,) -> state of the law, where that is not a
            `PhasePoint`; it converts momenta to velocities p/m, and shapes.
        observe: f(state of the law) -> (k,), the observables; None for the
            coordinates q, if the law's state is a `PhasePoint`.

    Returns:
        `WignerRun`.

    Raises:
        ValueError: see `sample_wigner`; times out of order.
    """
    _checks.check_times(ts)
    points = sample_wigner(state, key, samples, antithetic=antithetic)
    method = method or Fixed(srkn11)
    prepare = as_function(prepare or _same)
    observe = as_function(observe or _coordinates)
    group = 2 if antithetic else 1
    return _ensemble(
        law, state, points, jnp.asarray(ts), method, prepare, observe, group
    )


@partial(jax.jit, static_argnames="group")
def _ensemble(
    law: Law,
    state: GaussianState,
    points: PhasePoint,
    ts: Array,
    method: Fixed,
    prepare: Any,
    observe: Any,
    group: int,
) -> WignerRun:
    look = jax.tree_util.Partial(_observed, observe)

    def energy_of(point: PhasePoint) -> Array:
        return law.invariants(prepare(point))["energy"]

    def follow(times: int, law: Law, points: PhasePoint, ts: Array):
        steps = _with_steps(method, times)

        def trajectory(point: PhasePoint):
            run = evolve(law, prepare(point), ts, method=steps, observe=look)
            return run.values, run.reached, run.status, run.diagnostics["energy_drift"]

        values, reached, status, drift = jax.vmap(trajectory)(points)
        mean, mean_error, variance, variance_error = _moments(values, reached, group)
        told = mean_error, variance_error, status, jnp.max(drift)
        return (mean, variance), told

    given = law, points, ts
    wrong: tuple[Array, Array] | tuple[None, None] = (None, None)
    if method.estimate_error:
        found, wrong, told = judged(follow, given, method.order(law))
    else:
        found, told = follow(1, *given)
    (mean, variance), (mean_error, variance_error, status, drift) = found, told
    energies = jax.vmap(energy_of)(points)
    centre = energy_of(PhasePoint(state.position, state.momentum))
    always = jnp.ones((energies.shape[0], 1), bool)
    energy, energy_error, *_ = _moments(energies[:, None, None], always, group)
    return WignerRun(
        ts, mean, mean_error, variance, variance_error, wrong[0], wrong[1],
        energy[0, 0], energy_error[0, 0], energy[0, 0] - centre, drift,
        _marked(status, mean, variance, wrong[1]),
    )  # fmt: skip


def _with_steps(method: Fixed, times: int) -> Fixed:
    """The method with so many times as many steps, and without a run beside it."""
    counts = None if method.counts is None else times * method.counts
    return dataclasses.replace(
        method, substeps=times * method.substeps, counts=counts, estimate_error=False,
        lattice=None,
    )  # fmt: skip


def _marked(
    status: Array, mean: Array, variance: Array, wrong: Array | None
) -> Int[Array, " samples"]:
    """INACCURATE where the steps err by as much as a variance, beyond rounding."""
    if wrong is None:
        return status
    rounding = 64 * jnp.finfo(mean.dtype).eps * mean**2
    bad = jax.lax.stop_gradient(jnp.any(wrong > variance + rounding))
    marked = (status == Status.OK) & bad
    return jnp.where(marked, Status.INACCURATE, status).astype(status.dtype)


def _same(point: PhasePoint) -> PhasePoint:
    return point


def _coordinates(state: PhasePoint) -> Array:
    return state.q


def _observed(function: Callable[[Any], Array], t: Array, state: Any) -> Array:
    del t
    return function(state)


def _moments(values: Array, reached: Array, group: int):
    """Mean and variance over the first axis, (M, T, k) -> (T, k), and their errors.

    Points that were drawn together count as one: independent are their averages.
    """
    weight = reached.astype(values.dtype)[:, :, None]
    safe = jnp.where(reached[:, :, None], values, 0)
    total = divisor(jnp.sum(weight, axis=0))

    def together(parts: Array) -> Array:
        """Sums over what was drawn together."""
        return jnp.sum(jnp.reshape(parts, (-1, group, *parts.shape[1:])), axis=1)

    units = jnp.sum(together(weight) > 0, axis=0).astype(values.dtype)
    some = units > 1

    def noise(deviation: Array) -> Array:
        """Square of the standard error of the mean of deviations of mean zero."""
        square = jnp.sum(together(deviation * weight) ** 2, axis=0)
        return square / total**2 * units / divisor(units - 1)

    mean = jnp.sum(safe, axis=0) / total
    moved = safe - mean[None, :, :]
    square = jnp.sum(weight * moved**2, axis=0) / total
    mean_noise, square_noise = noise(moved), noise(moved**2 - square[None, :, :])
    # ⟨(x - m)²⟩ lacks the variance of the mean m; of single points that is N/(N - 1)
    variance = square + mean_noise
    found = (mean, safe_sqrt(mean_noise), variance, safe_sqrt(square_noise))
    return tuple(jnp.where(some, part, jnp.nan) for part in found)


def _check_samples(samples: int, antithetic: bool) -> None:
    _checks.check_flags(antithetic=antithetic)
    if not _checks.is_whole(samples) or samples < 2 or (antithetic and samples % 2):
        kind = "an even number" if antithetic else "an integer"
        raise ValueError(
            f"Argument `samples` must be {kind} of at least 2, but is "
            f"{_checks.shown(samples)}."
        )
