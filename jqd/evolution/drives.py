"""Drives of a motion, sampled before a run so that steps miss none of them."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from .._math import safe_divide
from ..spaces.coefficients import Piecewise
from ..spaces.pulses import Pulse, SampledPulse

Drive = Callable[[Array], Any]

# Samples of a drive over a run, and their offsets in units of their spacing: those of a
# check run fall between those of the run.
LOOKS, SHIFTS = 2048, (0.0, 0.5)
# Samples closer than this fraction of the regular spacing count as one.
_NEAR = 1e-6
# A field is sampled at so many places, a matrix by so many sums of its entries.
_PLACES, _SUMS = 64, 8
# A step passes over no more of a drive than the way between its least and its largest
# value, counted there and back: half a period of a cosine.
_PART = 1.0
# So many steps of a check run end within each feature that its run did not see.
_BREAKS = 32
# Jumps that are looked for, and how much of a drive's range is left of one where the
# time between two looks is halved down to rounding. Of a smooth drive as much as
# rounding of the time, times its turns, is left: 1e-4 in single precision.
_EDGES, _LEFT = 16, 1e-3


class Course(NamedTuple):
    """How far steps may go while drives rise and fall.

    Attributes:
        times: of the samples, (P,), not decreasing.
        ends: latest end of a step from each of them, (P,); infinite where what is left
            of the drives fits into one step.
    """

    times: Float[Array, " P"]
    ends: Float[Array, " P"]

    def reach(self, t: ArrayLike) -> Array:
        """The latest time at which a step from t may end.

        This is the bound of the sample before t, or the next sample if that is later.
        """
        k = jnp.searchsorted(self.times, t, side="right") - 1
        k = jnp.clip(k, 0, self.times.shape[0] - 2)
        return jnp.maximum(self.ends[k], self.times[k + 1])


def drives_of(motion: Any) -> list[Drive]:
    """The functions of time that a motion holds, at any depth.

    These are pulses, and time-dependent potentials, vector potentials and magnetic
    fields at some places of their grid; each is a PyTree of its parts.
    """
    return list(_drives_in(motion, None))


def _drives_in(node: Any, grid: Any):
    if isinstance(node, Pulse | SampledPulse):
        yield node
        return
    for name in ("grid", "space"):
        space = getattr(node, name, None)
        grid = space if hasattr(space, "coordinates") else grid
    if getattr(node, "time_dependent", False) and grid is not None:
        yield jax.tree_util.Partial(_field_at, node, _places(grid))
    for child in _children(node):
        yield from _drives_in(child, grid)


def _field_at(node: Any, places: tuple[Array, ...], t: Array) -> Any:
    return node.at(places, t)


def _children(node: Any) -> list[Any]:
    """Of a PyTree, one level down; none of an array."""
    below = jax.tree.leaves(node, is_leaf=lambda other: other is not node)
    return [child for child in below if child is not node]


def _places(grid: Any) -> tuple[Array, ...]:
    """Coordinates of some points that leave no part of the grid out.

    Source: M. Roberts (2018), The unreasonable effectiveness of quasirandom sequences.
    """
    ndim = len(grid.shape)
    root = 2.0
    for _ in range(64):
        root = (1 + root) ** (1 / (ndim + 1))
    turns = 0.5 + np.outer(np.arange(_PLACES), root ** -np.arange(1, ndim + 1.0))
    at = (turns % 1 * np.asarray(grid.shape)).astype(int)
    return tuple(jnp.ravel(x)[at[:, axis]] for axis, x in enumerate(grid.coordinates))


def marks_of(motion: Any) -> list[Array]:
    """Equidistant times within each pulse of a motion that knows its position."""
    pulses = [drive for drive in drives_of(motion) if isinstance(drive, Pulse)]
    return [f.marks for f in pulses if f.marks is not None]


def look_at(drives: Sequence[Drive], times: Float[Array, " P"]) -> Float[Array, "P K"]:
    """The values of all drives at these times; 0 for those that are not finite."""

    def look(t: Array) -> Array:
        parts = [
            _few(value, t.dtype) for f in drives for value in jax.tree.leaves(f(t))
        ]
        values = jnp.concatenate(parts)
        return jnp.where(jnp.isfinite(values), values, 0)

    # all at once but for large matrices and many samples
    values = jax.eval_shape(lambda t: [f(t) for f in drives], times[0])
    many = max(leaf.size for leaf in jax.tree.leaves(values)) > _PLACES
    many |= times.shape[0] > 4 * LOOKS
    return jax.lax.map(look, times, batch_size=512) if many else jax.vmap(look)(times)


def _few(value: ArrayLike, dtype: Any) -> Array:
    """A few real numbers for an array."""
    flat = jnp.ravel(jnp.asarray(value))
    parts = [flat.real, flat.imag] if jnp.iscomplexobj(flat) else [flat]
    flat = jnp.concatenate(parts).astype(dtype)
    if flat.size <= _PLACES:
        return flat
    weights = np.random.default_rng(0).normal(size=(_SUMS, flat.size))
    return jnp.asarray(weights, dtype) @ flat


def survey(
    drives: Sequence[Drive], ts: Array, shifts: Sequence[float] = SHIFTS[:1]
) -> list[Course] | None:
    """The courses of drives over runs of the same times; None where there are none.

    Args:
        drives: functions of the time.
        ts: times of the runs; the first and the last are their ends.
        shifts: offsets of the samples of each run, 0 to 1 in units of their spacing;
            drives that know their position are sampled there as well, and sampled
            pulses at the times of their samples.
    """
    if not drives or ts.shape[0] < 2:
        return None
    drives, ts = jax.lax.stop_gradient((list(drives), jnp.asarray(ts)))
    # one after the other: the program is compiled once
    course = functools.partial(_course, drives, ts)
    found = jax.lax.map(course, jnp.asarray(shifts, ts.dtype))
    return [Course(found.times[i], found.ends[i]) for i in range(len(shifts))]


def _course(drives: Sequence[Drive], ts: Array, shift: Array) -> Course:
    times = _times(drives, ts, shift)
    apart = jnp.diff(times) > _NEAR / LOOKS * (ts[-1] - ts[0])
    each = jax.vmap(_way, (1, None), 1)(look_at(drives, times), apart)
    way = jnp.max(each, axis=1)
    # by a loop: `cumsum` takes three times as long to compile
    zero = jnp.zeros_like(way[:1])
    _, way = jax.lax.scan(lambda sum, x: (sum + x, sum + x), zero[0], way)
    way = jnp.concatenate([zero, way])
    return Course(times, jnp.interp(way + _PART, way, times, right=jnp.inf))


def _times(drives: Sequence[Drive], ts: Array, shift: ArrayLike) -> Float[Array, " P"]:
    """Those at which drives are looked at, in order; the ends of the run among them."""
    places = jnp.clip(jnp.arange(-1, LOOKS + 1) + shift, 0, LOOKS) / LOOKS
    even = ts[0] * (1 - places) + ts[-1] * places
    known = [f.marks for f in drives if isinstance(f, Pulse) and f.marks is not None]
    samples = lambda node: isinstance(node, SampledPulse | Piecewise)  # noqa: E731
    parts = jax.tree.leaves(drives, is_leaf=samples)
    known += [part.ts for part in parts if samples(part)]
    even = even.astype(ts.dtype)
    if not known:
        return even
    inside = jnp.clip(jnp.concatenate(known).astype(ts.dtype), ts[0], ts[-1])
    return jnp.sort(jnp.concatenate([even, inside]))


def _way(
    values: Float[Array, " P"], apart: Bool[Array, " P-1"]
) -> Float[Array, " P-1"]:
    """What one number goes from each look to the next, in units of its range from one
    rest to the next: a weak pulse after a strong one counts as much.

    Args:
        values: at the looks.
        apart: which looks do not fall together with the one before: a number that does
            not change between such has no rest there.
    """
    change = jnp.abs(jnp.diff(values))
    still = change <= 64 * jnp.finfo(values.dtype).eps * jnp.max(jnp.abs(values))
    high = jnp.maximum(values[1:], values[:-1])
    low = jnp.minimum(values[1:], values[:-1])

    def since(carry: Any, x: Any) -> Any:
        """The range since the last rest; loops, which compile fast."""
        (rests, top, bottom), (apart, still, high, low) = carry, x
        rests = jnp.where(apart, still, rests)
        top = jnp.where(rests, high, jnp.maximum(top, high))
        bottom = jnp.where(rests, low, jnp.minimum(bottom, low))
        return (rests, top, bottom), (rests, top, bottom)

    first = (still[jnp.argmax(apart)], high[0], low[0])
    _, (rests, top, bottom) = jax.lax.scan(since, first, (apart, still, high, low))

    def until(carry: Any, x: Any) -> Any:
        """The range up to the next rest."""
        (rested, range_), (rests, here) = carry, x
        range_ = jnp.where(rested, here, range_)
        return (rests, range_), range_

    last = (jnp.ones_like(rests[0]), jnp.zeros_like(high[0]))
    _, size = jax.lax.scan(until, last, (rests, top - bottom), reverse=True)
    begins = ~rests & jnp.concatenate([jnp.zeros_like(rests[:1]), rests[:-1]])
    way = change / jnp.where(rests | (size == 0), 1, size)
    return jnp.where(rests, 0, way) + _PART * begins


def edges(drives: Sequence[Drive], ts: Array) -> Float[Array, " B"]:
    """Times right before and after the jumps of drives that do not tell them.

    The largest changes between two looks that are none of a slope are followed by
    halving. Up to 16 jumps are found, none of a pulse between two looks.

    Args:
        drives: functions of the time.
        ts: times of the run; the first and the last are its ends.

    Returns:
        Times, in no order; the last time in place of those that are not needed.
    """
    drives, ts = jax.lax.stop_gradient((list(drives), jnp.asarray(ts)))
    times = _times(drives, ts, 0.0)
    values = look_at(drives, times)
    eps = jnp.finfo(ts.dtype).eps
    size = jnp.max(values, axis=0) - jnp.min(values, axis=0)
    moves = size > 64 * eps * jnp.max(jnp.abs(values), axis=0)
    scale = safe_divide(1.0, size, moves)[None]

    def apart(one: Array, other: Array) -> Array:
        return jnp.max(jnp.abs(one - other) * scale, axis=1)

    change = apart(values[1:], values[:-1])
    none = jnp.zeros_like(change[:1])
    before, after = (
        jnp.concatenate(part) for part in ((none, change[:-1]), (change[1:], none))
    )
    _, k = jax.lax.top_k(change - jnp.minimum(before, after), _EDGES)

    def halve(_: Array, ends: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, below, above = ends
        middle = (low + high) / 2
        here = look_at(drives, middle)
        first = apart(here, below) >= apart(above, here)
        row = first[:, None]
        return (
            jnp.where(first, low, middle), jnp.where(first, middle, high),
            jnp.where(row, below, here), jnp.where(row, here, above),
        )  # fmt: skip

    start = times[k], times[k + 1], values[k], values[k + 1]
    halvings = jnp.finfo(ts.dtype).nmant
    low, high, below, above = jax.lax.fori_loop(0, halvings, halve, start)
    jumps = apart(above, below) > _LEFT
    # no step that ends here rounds to a time beyond
    margin = 4 * eps * jnp.max(jnp.abs(ts))
    sides = jnp.concatenate([low - margin, high + margin])
    sides = jnp.where(jnp.tile(jumps, 2), sides, ts[-1])
    return jnp.clip(sides, ts[0], ts[-1])


def unseen(drives: Sequence[Drive], ts: Array, steps: ArrayLike) -> Float[Array, " B"]:
    """Times at which drives do something that fixed steps do not see.

    There a drive is larger or smaller than at both ends and in the middle of the step,
    by more than a quarter of its change from one of these to the other. An extremum of
    a function that is smooth over a step exceeds them by an eighth at most.

    Args:
        drives: functions of the time.
        ts: save times, (T,).
        steps: number between two save times, scalar or (T - 1,).

    Returns:
        Times; all of them are the last time where nothing is unseen.
    """
    drives, ts = jax.lax.stop_gradient((list(drives), jnp.asarray(ts)))
    times = _times(drives, ts, 0.0)
    k = jnp.clip(jnp.searchsorted(ts, times, side="right") - 1, 0, ts.shape[0] - 2)
    counts = jnp.broadcast_to(jnp.asarray(steps), ts[1:].shape)
    dt = (jnp.diff(ts) / jnp.maximum(counts, 1))[k]
    begin = ts[k] + jnp.floor((times - ts[k]) / dt) * dt
    points = jnp.concatenate([times, begin, begin + dt / 2, begin + dt])
    values = look_at(drives, points).reshape(4, times.shape[0], -1)
    high, low = jnp.max(values[1:], axis=0), jnp.min(values[1:], axis=0)
    beyond = jnp.maximum(values[0] - high, low - values[0])
    size = jnp.max(jnp.abs(values), axis=(0, 1))[None]
    rounding = 64 * jnp.finfo(ts.dtype).eps * size
    missed = jnp.any(beyond > (high - low) / 4 + rounding, axis=1).astype(ts.dtype)
    total = jnp.concatenate(
        [jnp.zeros_like(missed[:1]), jnp.cumsum(missed[:-1] + missed[1:])]
    )
    wanted = (jnp.arange(_BREAKS) + 0.5) / _BREAKS * total[-1]
    found = jnp.interp(wanted, total, times)
    return jnp.where(total[-1] > 0, found, ts[-1])
