"""Times at which single paths first arrive at a point."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _html
from ..._checks import check_choice, whole_number
from ..._gate import gated
from ..._math import divisor
from ...evolution.evolution import in_precision
from ...evolution.judging import richardson
from ...laws.law import Law
from ...status import Status, describe
from ..paths.guide import whole_density
from ..paths.noise import Noise
from ..paths.processes import read_start, read_walk
from ..paths.sampling import kolmogorov_smirnov, sample_status
from ..paths.walk import Walk, begin, course, follow
from .detector import CAUTION, Detector, read_detector


class Arrivals(eqx.Module):
    """First arrivals of the paths of one run.

    Attributes:
        ts: times, (T,).
        arrived: F, share of the paths that have arrived by each time, (T,).
        error: its standard error from chance, (T,); NaN of a single path.
        step_error: estimate of the error of F by the steps, from the first paths, run
            again with half the step and the same noise, (T,), or None.
        step_chance: standard error of that estimate, large if the paths are few, (T,),
            NaN of a single one, or None.
        lost: share of the paths that ended before they arrived, (T,): F may exceed
            `arrived` by as much.
        times: time at which each path first arrives, (n,); infinite where it does not.
        status: code of `jqd.Status`, (n,); a path that ended after it had arrived is
            OK.
        start_status: OUT_OF_EQUILIBRIUM where the positions at ts[0] were given and are
            not a sample of |ψ|², as for `Paths.equilibrium`: F is then that of another
            ensemble.
    """

    ts: Float[Array, " T"]
    arrived: Float[Array, " T"]
    error: Float[Array, " T"]
    step_error: Float[Array, " T"] | None
    step_chance: Float[Array, " T"] | None
    lost: Float[Array, " T"]
    times: Float[Array, " n"]
    status: Int[Array, " n"]
    start_status: Int[Array, ""]

    @property
    def ok(self) -> Array:
        """Whether each path arrived or reached the last time, (n,)."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether all paths are `ok`: one answer, for `if` and `assert`."""
        return bool(jnp.all(self.ok))

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        arrived = np.asarray(self.arrived)[:, None]
        return _html.run_card(self, arrived, "share that has arrived, over time")

    def describe(self) -> str:
        """The status in words, the error by steps, and a caution on the claim."""
        sentences = [describe(self.status, "path")]
        if self.start_status != Status.OK:
            sentences.append(describe(self.start_status, "sample"))
        if self._steps_are_long():
            sentences.append(
                "time steps err by more than chance (`step_error`): raise `substeps`"
            )
        return "; ".join([*sentences, CAUTION])

    def _steps_are_long(self) -> bool:
        """Whether the steps err by more than chance can account for."""
        if self.step_error is None or self.step_chance is None:
            return False
        return bool(jnp.any(self.step_error > self.error + 2 * self.step_chance))


class _Seen(eqx.Module):
    """What the detector knows of each path: w, its draw, its time of arrival."""

    waits: Float[Array, " n"]
    level: Float[Array, " n"]
    times: Float[Array, " n"]


@gated
def arrival(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    key: Array,
    *,
    detector: ArrayLike,
    side: str = "left",
    axis: int = 0,
    paths: int | None = None,
    nu: ArrayLike | None = None,
    nu_hat: ArrayLike | None = None,
    D: ArrayLike | None = None,
    x0: ArrayLike | None = None,
    scheme: str = "implicit",
    substeps: int = 50,
    stepper: Callable[..., Any] | None = None,
    first: int = 0,
    error_paths: int = 1000,
    refine: int | None = None,
) -> Arrivals:
    """Sample when paths guided by ψ first arrive at a point or plane, for any ν.

    F(t) = 1 - <Π (1 - exp(-ab/ν dt))>,  over the steps until t, from a to b

    a and b are the distances to the detector at both ends of a step. Where both are
    positive, exp(-ab/ν dt) is the probability that the path was beyond the detector
    between them (Brownian bridge); without this factor arrivals are late by O(√dt).
    Where b <= 0 the path has arrived. F is an average of probabilities, which varies
    less than a count and is differentiable; `times` are drawn from these probabilities.
    ν = 0 gives Bohm's paths. Paths that start beyond the detector arrive at ts[0].

    Caution: these are ideal, unrecorded passages. F depends on ν, but describes no
    experiment: with the detector included in H, its data are the same for every ν.

    Args:
        law: law on a grid whose state is ψ, such as `jqd.Schrodinger`.
        psi0: ψ at ts[0], of the grid's shape, normalised.
        ts: times, (T,), strictly increasing.
        key: of the random numbers, `jax.random.key(...)`.
        detector: L, length, scalar, inside the box: the plane x = L.
        side: "left" or "right", the side from which the particles come.
        axis: axis of x, to which the plane is perpendicular.
        nu, nu_hat, paths, D, x0, scheme, substeps, stepper, first, error_paths, refine:
            as for `nelson`.

    Returns:
        Share that has arrived, its errors from chance and from steps, the share that
        was lost, and a time of arrival for each path.

    Raises:
        ValueError: no grid, ν < 0, a detector outside the box, wrong shapes, names or
            numbers.

    Source: the paths are those of `nelson`; the factor is that of a Brownian bridge, A.
    N. Borodin and P. Salminen (2002) Handbook of Brownian Motion.
    """
    check_choice(scheme, "scheme", ("euler", "heun", "implicit"))
    walk, psi, ts = read_walk(
        law, psi0, ts, D, nu, scheme, stepper, substeps, refine, False, nu_hat
    )
    place = read_detector(detector, side, walk.grid, psi.real.dtype, axis)
    start, noise = read_start(walk, psi, key, paths, x0, first)
    probes = min(noise.ids.size, whole_number(error_paths, "error_paths", 0))
    return _run(walk, psi, ts, start, noise, place, probes)


@eqx.filter_jit
def _run(
    walk: Walk, psi: Array, ts: Array, x0, noise: Noise, place: Detector, probes: int
) -> Arrivals:
    walk = in_precision(walk, psi.real.dtype)
    start_status = jnp.asarray(Status.OK, jnp.int32)
    if x0 is None:
        x0 = noise.positions(walk.grid, psi)
    else:
        density = whole_density(psi, walk.grid.ndim)
        ks = kolmogorov_smirnov(jax.lax.stop_gradient(x0), walk.grid, density)
        start_status = sample_status(ks, jnp.asarray(x0.shape[0]))
    level = noise.uniforms(x0.dtype)
    walkers, seen, waits, ended = _rollout(
        walk, psi, ts, x0, level, noise, place, halves=False
    )
    step_error = step_chance = None
    if probes:
        frozen = jax.lax.stop_gradient((walk, psi, ts, x0[:probes], level[:probes]))
        few = Noise(noise.key, noise.ids[:probes])
        _, _, again, _ = _rollout(*frozen, few, place, halves=True)
        # The bridge holds the drift fixed for a step: order 1.
        change = jax.lax.stop_gradient(waits[:, :probes]) - again
        change = richardson(1) * change
        step_error, step_chance = jnp.abs(jnp.mean(change, axis=1)), _chance(change)
    error = _chance(jax.lax.stop_gradient(waits))
    lost = jnp.mean(jnp.where(ended, waits, 0), axis=1)
    status = jnp.where(seen.waits > 0, walkers.status, Status.OK)
    arrived = jnp.mean(1 - waits, axis=1)
    return Arrivals(
        ts, arrived, error, step_error, step_chance, lost, seen.times, status,
        start_status,
    )  # fmt: skip


def _chance(values: Array) -> Array:
    """Standard errors of the means of (T, n) over paths; NaN of a single one."""
    away = values - jnp.mean(values, axis=1, keepdims=True)
    n = values.shape[1]
    return jnp.sqrt(jnp.sum(away**2, axis=1) / (n - 1) / n)


def _rollout(walk, psi, ts, x0, level, noise, place, *, halves):
    """Paths and what was seen at the end; waits and whether ended, (T, n)."""
    waits = (place.distance(x0[:, place.axis]) > 0).astype(x0.dtype)
    times = jnp.where(waits > 0, jnp.inf, ts[0])

    def watch(seen, before, after, t, dt):
        return _watched(place, walk.nu[place.axis], seen, before, after, t, dt)

    def until(carry, leg):
        psi, walkers, seen = carry
        carry = follow(
            walk, psi, walkers, leg, noise, halves=halves, watch=watch, seen=seen
        )
        return carry, (carry[2].waits, carry[1].status != Status.OK)

    legs, saved = course(walk, ts)
    start = (psi, begin(walk, psi, x0, ts[0]), _Seen(waits, level, times))
    # Reverse mode keeps one state per time and recomputes those between.
    (_, walkers, seen), rows = jax.lax.scan(jax.checkpoint(until), start, legs)
    waits, ended = (row[saved] for row in rows)
    return walkers, seen, waits, ended


def _watched(place, nu, seen, before, after, t, dt):
    """What is known after a step that took the paths from `before` to `after`."""
    axis = place.axis
    a, b = place.distance(before.x[:, axis]), place.distance(after.x[:, axis])
    going = after.status == Status.OK
    noisy = nu * dt > 0
    exponent = jnp.maximum(a, 0) * jnp.maximum(b, 0) / divisor(nu * dt)
    bridge = jnp.where(noisy, jnp.exp(-exponent), 0)
    stays = jnp.where(b > 0, 1 - bridge, 0)
    waits = seen.waits * jnp.where(going, stays, 1)
    # A path arrives where w falls below its draw: at this moment of the step.
    now = (waits <= seen.level) & (seen.waits > seen.level)
    fall = seen.waits - waits
    fell = (seen.waits - seen.level) / divisor(fall)
    across = a / divisor(a - b)
    moment = t + dt * jnp.where(b > 0, fell, across)
    times = jnp.where(now, jax.lax.stop_gradient(moment), seen.times)
    return _Seen(waits, seen.level, times)
