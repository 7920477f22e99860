"""The loop: ψ and the paths that it guides, advanced together."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._math import safe_sqrt
from ...evolution.evolution import in_precision
from ...evolution.fixed import ends_that_see
from ...evolution.judging import richardson
from ...evolution.legs import legs_of
from ...evolution.trajectory import unknown
from ...laws.groups import Breaks, Watch
from ...spaces import Grid
from ...status import Status
from ...steppers import Splitting
from .guide import Guide, whole_density
from .noise import Noise
from .result import Paths
from .sampling import kolmogorov_smirnov
from .schemes import HALVED, NEAR, ORDERS, SCHEMES, Pull


@runtime_checkable
class WaveLaw(Protocol):
    """A law whose state is ψ on a grid."""

    @property
    def grid(self) -> Grid:
        """The grid of ψ."""
        ...

    def step(self, t: Any, state: Any, dt: Any) -> Any:
        """ψ at t + dt."""

    def breaks(self) -> Breaks:
        """Times at which the law jumps, or changes ψ and positions at once."""
        ...

    def watch(self) -> Watch:
        """Gives the velocities of paths beside (ħ/m) Im ∇ψ/ψ."""
        ...


class Walk(eqx.Module):
    """A process: the law of ψ, the two constants, and the method of steps.

    Attributes:
        law: law whose state is ψ on a grid.
        D: ħ/2m along each axis, (d,).
        nu: ν, strength of the noise along each axis, (d,).
        scheme: name in `SCHEMES` (static).
        stepper: of ψ; None for the law's own step (static).
        substeps: steps between two times (static).
        refine: see `Guide` (static).
        periodic: whether paths go round the box (static).
    """

    law: WaveLaw
    D: Float[Array, " d"]
    nu: Float[Array, " d"]
    scheme: str = eqx.field(static=True)
    stepper: Callable[..., Array] | None = eqx.field(static=True)
    substeps: int = eqx.field(static=True)
    refine: int = eqx.field(static=True)
    periodic: bool = eqx.field(static=True)

    @property
    def grid(self) -> Grid:
        """The grid of ψ."""
        return self.law.grid

    def with_steps(self, times: float) -> "Walk":
        """The same process with `times` as many steps."""
        return dataclasses.replace(self, substeps=int(times * self.substeps))

    def guide(self, psi: Array) -> Guide:
        """The spline of ψ between the points of the grid."""
        return Guide.through(self.grid, psi, self.refine)

    def pull(self, psi: Array, t: Array) -> Callable[[Array], Pull]:
        """The pull on paths at time t, as a function of their positions."""
        guide, convection = self.guide(psi), self.law.watch().convection

        def at(x: Array) -> Pull:
            return Pull(guide.log_gradient(x), convection(t, x, guide.read))

        return at


class Walkers(NamedTuple):
    """The paths: positions, the pull on them there, status and node crossings."""

    x: Float[Array, "n d"]
    here: Pull
    status: Int[Array, " n"]
    crossings: Int[Array, " n"]


@eqx.filter_jit
def run(
    walk: Walk,
    psi: Array,
    ts: Array,
    x0: Array | None,
    noise: Noise,
    observe: Callable[[Array, Array], Any] | None,
    error_paths: int,
) -> Paths:
    """Run all paths, and the first `error_paths` again with half the step."""
    walk = in_precision(walk, psi.real.dtype)
    x0 = noise.positions(walk.grid, psi) if x0 is None else x0

    def keep(t, x):
        seen = None if observe is None else observe(t, x)
        return (x if observe is None else None), seen, x[:error_paths]

    end, records = _rollout(walk, psi, ts, x0, noise, keep, halves=False)
    (positions, values, probe), ks, diagnostics = records
    error = None
    if error_paths:
        # an error bar, not a result: no gradient flows through it
        frozen = jax.lax.stop_gradient((walk, psi, ts, x0[:error_paths]))
        few = Noise(noise.key, noise.ids[:error_paths])
        _, check = _rollout(*frozen, few, lambda t, x: x, halves=True)
        error = _compare(jax.lax.stop_gradient(probe), check[0], ORDERS[walk.scheme])
    return Paths(
        ts, positions, values, end.status, end.crossings, ks, error, diagnostics
    )


def _rollout(walk, psi, ts, x0, noise, keep, *, halves):
    """The paths at the end, and (kept, ks, diagnostics) stacked over times."""

    def until(carry, leg):
        psi, walkers = carry
        psi, walkers, _ = follow(walk, psi, walkers, leg, noise, halves=halves)
        return (psi, walkers), _look(walk, leg.end, psi, walkers, keep)

    legs, saved = course(walk, ts)
    # Reverse mode keeps one state per time and recomputes those between.
    start = (psi, begin(walk, psi, x0, ts[0]))
    (_, walkers), records = jax.lax.scan(jax.checkpoint(until), start, legs)
    return walkers, jax.tree.map(lambda rows: rows[saved], records)


class Leg(NamedTuple):
    """The part of a run from one time, jump, pulse or impulse to the next.

    The first leg takes no time.

    Attributes:
        number: from -1 on.
        start, end: times at which its steps begin and end.
        struck: which impulses act at its end, (K,); None for none.
    """

    number: Array
    start: Array
    end: Array
    struck: Array | None


def course(walk: Walk, ts: Array) -> tuple[Leg, Any]:
    """The legs of a run, stacked, and the indices of the times among their ends."""
    legs = legs_of(walk.law, ts, ends_that_see(walk.law, ts, walk.substeps))
    times = legs.times
    ends = legs.ends(jnp.concatenate([times[:1], times[:-1]]), times)
    return Leg(jnp.arange(-1, times.size - 1), *ends, legs.struck), legs.saved


def follow(
    walk, psi, walkers, leg: Leg, noise, *, halves,
    watch: Callable[..., Any] | None = None, seen: Any = None,
) -> tuple[Array, Walkers, Any]:  # fmt: skip
    """ψ, the paths and `seen` after a leg and the impulses at its end."""
    steps = walk.substeps * (2 if halves else 1)

    def stay(carry):
        return carry

    def advance(carry):
        psi, walkers, seen = carry
        if walk.law.breaks().jumps is not None:
            here = walk.pull(psi, leg.start)(walkers.x)
            walkers = walkers._replace(here=here)
        number, t0, t1, _ = leg
        return interval(
            walk, psi, walkers, t0, t1, noise, number, steps, halves, watch, seen
        )

    def strike(k):
        def after(carry):
            psi, before, seen = carry
            psi, walkers = _struck(walk, k, leg.end, psi, before)
            if watch is not None:
                at_once = jnp.zeros_like(leg.end)
                seen = watch(seen, before, walkers, leg.end, at_once)
            return psi, walkers, seen

        return after

    # The first time is an iteration of the same loop, which halves the compiled code.
    carry = (psi, walkers, seen)
    carry = jax.lax.cond(leg.end > leg.start, advance, stay, carry)
    if leg.struck is not None:
        for k in range(leg.struck.size):
            carry = jax.lax.cond(leg.struck[k], strike(k), stay, carry)
    return carry


def _struck(walk, k, t, psi, walkers):
    """ψ and the paths after the k-th impulse; a path may be thrown out of the box."""
    breaks = walk.law.breaks()
    psi = breaks.after_impulse(k, psi)
    x, status = _placed(walk, walkers, breaks.displaced(k, walkers.x))
    return psi, walkers._replace(x=x, status=status, here=walk.pull(psi, t)(x))


def interval(
    walk, psi, walkers, t0, t1, noise, index, steps, halves,
    watch: Callable[..., Any] | None = None, seen: Any = None,
) -> tuple[Array, Walkers, Any]:  # fmt: skip
    """ψ and paths at t1, and `seen` after seen = watch(seen, before, after, t, dt) at
    every step from t, if `watch` is given."""
    parts = 2 if walk.scheme in HALVED else 1
    dt = (t1 - t0) / steps
    enter, advance, leave = motion(walk, t0, dt / parts)
    D, nu = walk.D[None], walk.nu[None]
    # The infinite slope of a root at zero would spoil gradients.
    width = safe_sqrt(2 * nu * dt, nu > 0)

    def draw(i):
        return noise.increment(index * steps + i, walkers.x, halves)

    def body(carry, i):
        wave, walkers, kick, seen = carry
        pulls = []
        for part in range(1, parts + 1):
            wave = advance(parts * i + part - 1, wave)
            at = t0 + (parts * i + part) * (dt / parts)
            pulls.append(walk.pull(leave(parts * i + part, wave), at))
        middle, later = (pulls[0] if parts == 2 else None), pulls[-1]
        x, here = walkers.x, walkers.here
        step = SCHEMES[walk.scheme]
        moved = step(middle, later, x, here, width * kick, dt, D, nu)
        after = _move(walk, walkers, moved, later)
        if watch is not None:
            seen = watch(seen, walkers, after, t0 + i * dt, dt)
        # Drawn a step ahead: values that a loop carries are computed once, while XLA
        # would draw the same numbers anew in each loop over the paths that reads them.
        return (wave, after, draw(i + 1), seen), None

    start = (enter(psi), walkers, draw(0), seen)
    (wave, walkers, _, seen), _ = jax.lax.scan(body, start, jnp.arange(steps))
    return leave(parts * steps, wave), walkers, seen


def motion(walk, t0, dt):
    """enter(ψ), advance(i, wave) by the i-th step, and leave(i, wave) after i steps.

    Between `enter` and `leave` a splitting's wave is half an outer flow ahead of ψ, so
    that neighbouring flows are one.
    """
    law, stepper = walk.law, walk.stepper
    if not isinstance(stepper, Splitting):
        step = law.step if stepper is None else lambda *a: stepper(law, *a)
        stay = lambda i, psi: psi  # noqa: E731
        return lambda psi: psi, lambda i, psi: step(t0 + i * dt, psi, dt), stay
    flows = stepper.flows(law)
    b, c = stepper.entry()
    fixed = stepper.outer_factor(flows, t0, dt, -b, -c)

    def enter(psi):
        return flows.outer.apply(stepper.outer_factor(flows, t0, dt, b, c), psi)

    def leave(i, wave):
        end = t0 + i * dt
        now = stepper.outer_factor(flows, end, dt, -b, -c)
        return flows.outer.apply(fixed if flows.outer.autonomous else now, wave)

    return enter, stepper.merged_step(flows, t0, dt), leave


def begin(walk, psi, x0, t0):
    """The paths at the first time."""
    status = _judge(walk, x0)
    return Walkers(x0, walk.pull(psi, t0)(x0), status, jnp.zeros_like(status))


def _placed(walk, walkers, moved):
    """Positions and status; a path that has ended stays where it was last sound."""
    ended = walkers.status != Status.OK
    status = jnp.where(ended, walkers.status, _judge(walk, moved))
    going = (status == Status.OK)[:, None]
    return jnp.where(going, moved, walkers.x), status


def _move(walk, walkers, moved, later):
    """The paths after a step."""
    x, status = _placed(walk, walkers, moved)
    here = later(x)
    step = x - walkers.x
    before = jnp.sum(step * jnp.real(walkers.here.log_gradient), axis=1)
    after = jnp.sum(step * jnp.real(here.log_gradient), axis=1)
    crossed = (before < -NEAR) & (after > NEAR)
    return Walkers(x, here, status, walkers.crossings + crossed.astype(jnp.int32))


def _judge(walk, x):
    finite = jnp.all(jnp.isfinite(x), axis=1)
    inside = finite
    if not walk.periodic:
        for axis, (lower, upper) in enumerate(walk.grid.bounds):
            inside &= (x[:, axis] >= lower) & (x[:, axis] < upper)
    code = jnp.where(inside, Status.OK, Status.LEFT_GRID)
    return jnp.where(finite, code, Status.NON_FINITE).astype(jnp.int32)


def _look(walk, t, psi, walkers, keep):
    """The row that is kept at a time, the distance to |ψ|², and diagnostics."""
    going = (walkers.status == Status.OK)[:, None]
    x = jnp.where(going, walkers.x, unknown(walkers.x, (walk, psi)))
    density = whole_density(psi, walk.grid.ndim)
    folded = fold(walk.grid, x) if walk.periodic else x
    ks = kolmogorov_smirnov(jax.lax.stop_gradient(folded), walk.grid, density)
    faces = [jnp.max(jnp.take(density, 0, axis)) for axis in range(density.ndim)]
    peak = jnp.maximum(jnp.max(density), jnp.finfo(density.dtype).tiny)
    norm = jnp.sum(density) * walk.grid.cell
    diagnostics = {"norm": norm, "edge": jnp.max(jnp.stack(faces)) / peak}
    return keep(t, x), ks, diagnostics


def fold(grid, x):
    """Positions on a ring, brought back into its box."""
    columns = []
    for axis, (lower, upper) in enumerate(grid.bounds):
        turn = (x[:, axis] - lower) / (upper - lower)
        columns.append(lower + (upper - lower) * (turn - jnp.floor(turn)))
    return jnp.stack(columns, axis=1)


def _compare(coarse, fine, order):
    """Richardson's estimates from (T, n, d) with steps dt and dt/2 and the same noise.

    One path converges with order 1 where there is noise, averages with `order`.
    """
    both = jnp.all(jnp.isfinite(coarse) & jnp.isfinite(fine), axis=2, keepdims=True)
    n = jnp.maximum(jnp.sum(both, axis=1), 1).astype(coarse.dtype)
    coarse, fine = jnp.where(both, coarse, 0), jnp.where(both, fine, 0)

    def moments(x):
        mean = jnp.sum(x, axis=1) / n
        away = jnp.where(both, x - mean[:, None], 0)
        return mean, jnp.sum(away**2, axis=1) / n

    (mean, variance), (mean2, variance2) = moments(coarse), moments(fine)
    square = jnp.sum((coarse - fine) ** 2, axis=(1, 2)) / n[:, 0]
    scale = richardson(order)
    return {
        "position": richardson(1) * jnp.sqrt(square),
        "mean": scale * jnp.abs(mean - mean2),
        "variance": scale * jnp.abs(variance - variance2),
    }
