"""The legs of a run: from one save time, jump, mark or impulse to the next."""

import functools
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int, PyTree

from .._math import divisor
from ..laws.groups import Breaks
from ..laws.motion import Motion


class Interrupted(Protocol):
    """A motion whose rates may jump, or that impulses may strike."""

    def breaks(self) -> Breaks:
        """Its jumps and impulses."""
        ...


class Legs(NamedTuple):
    """Save times, and jumps, marks and impulses of a motion, in order.

    Attributes:
        times: ends of the legs, (L,).
        saved: positions of the save times among them: a slice or indices.
        within: save interval of each leg: a slice or indices.
        spans: lengths of these intervals, (L - 1,).
        cut: whether a leg may be shorter than its interval.
        margin: a few rounding errors by which steps keep from the ends, so that those
            that evaluate there see nothing past a jump; None where nothing jumps.
        struck: which impulses act at which of the times, (L, K); None for none.
    """

    times: Float[Array, " L"]
    saved: slice | Int[Array, " T"]
    within: slice | Int[Array, " M"]
    spans: Float[Array, " M"]
    cut: bool
    margin: Array | None
    struck: Bool[Array, "L K"] | None

    def ends(self, t0: Array, t1: Array) -> tuple[Array, Array]:
        """Where the steps of a leg begin and end."""
        if self.margin is None:
            return t0, t1
        return t0 + self.margin, jnp.maximum(t1 - self.margin, t0 + self.margin)

    def counts(self, steps: ArrayLike, *, share: bool) -> Int[Array, " M"]:
        """Number of steps of each leg; 0 where it takes no time.

        Args:
            steps: number in each save interval, scalar or one each.
            share: whether legs share the steps of their interval by their lengths,
                rounded up, and none takes fewer than an equal share, so that short
                pulses are resolved; else each leg takes all of them.
        """
        steps = jnp.asarray(steps)
        steps = steps[self.within] if steps.ndim else steps
        steps = jnp.broadcast_to(steps, self.spans.shape)
        if not self.cut:
            return steps
        length = jnp.diff(self.times)
        if share:
            several = jnp.zeros_like(steps).at[self.within].add(length > 0)[self.within]
            part = jnp.maximum(length / divisor(self.spans), 1 / divisor(several))
            # as many as before where rounding makes a part of it a little longer
            few = 1 - 64 * jnp.finfo(part.dtype).eps
            shared = jnp.ceil(steps * part * few).astype(steps.dtype)
            steps = jnp.clip(shared, jnp.minimum(steps, 1), steps)
        return jnp.where(length > 0, steps, 0)

    def strikes(self, index: int | slice) -> Array | None:
        """The impulses at some of the times."""
        return None if self.struck is None else self.struck[index]


def legs_of(motion: Interrupted, ts: Array, marks: Array | None = None) -> Legs:
    """The legs of a run over the save times.

    Args:
        motion: a motion that may jump.
        ts: save times, (T,).
        marks: other times at which steps are to end, (B,), or None.
    """
    breaks = motion.breaks()
    jumps, impulses = breaks.jumps, breaks.impulses
    ends = [
        jax.lax.stop_gradient(times).astype(ts.dtype)
        for times in (marks, jumps, impulses)
        if times is not None
    ]
    spans = jnp.diff(ts)
    if not ends:
        return Legs(ts, slice(None), slice(None), spans, False, None, None)
    # what lies outside of the run, or all of it where there is one time, ends no leg
    inside = jnp.clip(jnp.concatenate(ends), ts[0], ts[-1])
    times = ts if ts.size == 1 else jnp.sort(jnp.concatenate([ts, inside]))
    within = jnp.searchsorted(ts, times[:-1], side="right") - 1
    within = jnp.clip(within, 0, max(ts.size - 2, 0))
    margin = None
    if jumps is not None or impulses is not None:
        margin = 4 * jnp.finfo(ts.dtype).eps * jnp.max(jnp.abs(times))
    struck = None
    if impulses is not None:
        at = ends[-1]
        # the first of equal times: an impulse acts once, before what is saved there
        first = jnp.searchsorted(times, at)[None] == jnp.arange(times.size)[:, None]
        struck = first & ((at >= ts[0]) & (at <= ts[-1]))[None]
    spans = spans[within] if ts.size > 1 else jnp.zeros_like(times[1:])
    saved = jnp.searchsorted(times, ts)
    return Legs(times, saved, within, spans, True, margin, struck)


def strike(
    motion: Motion, struck: Bool[Array, " K"] | None, state: PyTree[Array]
) -> PyTree[Array]:
    """The state after the impulses that `struck` marks."""
    if struck is None:
        return state
    after_impulse = motion.breaks().after_impulse
    for k in range(struck.shape[0]):
        after = functools.partial(after_impulse, k)
        state = jax.lax.cond(struck[k], after, lambda state: state, state)
    return state
