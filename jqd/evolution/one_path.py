"""One path of a random motion: its noise, and the error of its steps."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Int, PyTree

from ..laws.groups import Breaks, Chance, Lens, StepNoise, Watch
from ..laws.law import recorded, relative_difference
from ..laws.motion import Motion
from ..status import Status
from .fixed import Fixed, marks_within, rollout
from .judging import at_the_end, mark_inaccurate, richardson
from .legs import legs_of
from .trajectory import (
    Trajectory,
    mask_unreached,
    resolved,
    summarise,
)

# of the uniforms, where no number of an increment reaches
_UNIFORMS = 2**32 - 1


def draw_noise(
    shape: StepNoise, key: Array, index: ArrayLike, dt: ArrayLike, parts: int = 1
) -> StepNoise:
    """Draw the noise of a step of dt, which spans `parts` steps of the lattice.

    w = Σ_i √(dt/parts) normal(fold_in(key, i)),  index parts <= i < (index + 1) parts

    Args:
        shape: shapes that the motion declares, `Chance.noise`.
        key: random key of the path.
        index: number of the step.
        dt: its length, scalar; the noise has its dtype.
        parts: increments of the lattice that it sums.

    Returns:
        Arrays of these shapes, for `step(t, state, dt, w)`.
    """
    dt = jnp.asarray(dt)

    def normal(i: Array) -> Array:
        return jax.random.normal(jax.random.fold_in(key, i), shape.increments, dt.dtype)

    fine = jax.vmap(normal)(jnp.asarray(index) * parts + jnp.arange(parts))
    increments = jnp.sqrt(dt / parts) * jnp.sum(fine, axis=0)
    if shape.uniforms is None:
        return StepNoise(increments)
    mine = jax.random.fold_in(jax.random.fold_in(key, np.uint32(_UNIFORMS)), index)
    return StepNoise(increments, jax.random.uniform(mine, shape.uniforms, dt.dtype))


class _Walk(NamedTuple):
    """A state of a path, and the steps that led to it."""

    state: PyTree[Array]
    taken: Int[Array, ""]


_LENS = Lens(lambda walk: walk.state, lambda walk, inside: walk._replace(state=inside))


class _Realised(Motion):
    """A random motion under the noise of one path: nothing is left to chance.

    Attributes:
        motion: the random motion.
        key: of the path.
        parts: increments of the lattice in a step (static).
    """

    motion: Motion
    key: Array
    parts: int = eqx.field(static=True)

    def vector_field(self, t: ArrayLike, state: _Walk, args: Any = None) -> _Walk:
        """That of the motion, without noise."""
        drift = self.motion.vector_field(t, state.state, args)
        return _Walk(drift, jnp.zeros_like(state.taken))

    def made(self, dt: ArrayLike) -> Any:
        return self.motion.made(dt)

    def step(self, t: ArrayLike, state: _Walk, dt: ArrayLike) -> _Walk:
        """The motion's own, with the noise of this step of this path."""
        return self.step_with(None, t, state, dt)

    def step_with(
        self, made: Any, t: ArrayLike, state: _Walk, dt: ArrayLike, *noise: Any
    ) -> _Walk:
        """As `step`, with what `made` gave for dt."""
        del noise
        chance = cast(Chance, self.motion.chance())
        w = draw_noise(chance.noise, self.key, state.taken, dt, self.parts)
        after = self.motion.step_with(made, t, state.state, dt, w)
        return _Walk(after, state.taken + 1)

    def invariants(self, state: _Walk) -> dict[str, Array]:
        return self.motion.invariants(state.state)

    def breaks(self) -> Breaks:
        return self.motion.breaks().through(_LENS)

    def watch(self) -> Watch:
        watch = self.motion.watch().through(_LENS)
        # those of the motion, also where it leaves them to what a law has
        return watch._replace(
            records=lambda walk: recorded(self.motion, walk.state),
            difference=lambda one, other: relative_difference(
                self.motion, one.state, other.state
            ),
        )


class Run(NamedTuple):
    """A run over paths, but for their number.

    Attributes:
        method: steps.
        motion: the random motion.
        state0: initial state of each path.
        ts: save times, (T,).
        observe: function (t, state).
        key: random key of all paths.
    """

    method: Fixed
    motion: Motion
    state0: PyTree[Array]
    ts: Array
    observe: Any
    key: Array


class Path(NamedTuple):
    """One path.

    Attributes:
        run: values, status, diagnostics.
        part: times at which it takes part in means, (T,).
        change: change of the values by halving the step, or None.
        compared: times at which this change is known, (T,).
    """

    run: Trajectory
    part: Bool[Array, " T"]
    change: PyTree[Array] | None
    compared: Bool[Array, " T"]


def follow_path(run: Run, key: Array) -> Path:
    """One path, and its change when steps are halved with the same increments."""
    method, motion, ts = run.method, run.motion, run.ts
    steps = method.substeps
    lattice = 2 * steps if method.lattice is None else method.lattice
    marks = marks_within(motion, ts, steps)

    def follow(motion: Motion, state0: PyTree[Array], ts: Array, steps: int):
        realised = _Realised(motion, key, lattice // steps)
        start = _Walk(state0, jnp.asarray(0))
        judged = method.estimate_error
        values, records, last, status, when = rollout(
            method, realised, start, legs_of(motion, ts, marks),
            _of_walks(run.observe, ts), steps, judged=judged, share=False,
        )  # fmt: skip
        reached = ts < when
        sound = reached | (status != Status.NON_FINITE)
        part = reached if method.heed_alarms else sound
        # of means over the paths that take part, whose derivatives are their own
        values = mask_unreached(values, part, ())
        result = Trajectory(
            ts, values, None, status, when,
            summarise(records, reached), resolved(records, ts, reached),
        )  # fmt: skip
        return result, part, last

    result, part, last = follow(motion, run.state0, ts, steps)
    coupled = _coupled(motion) if method.estimate_error else None
    if coupled is None:
        return Path(mark_inaccurate(result, None), part, None, part)
    # an error bar, not a result: no gradient flows through it
    frozen = jax.lax.stop_gradient((coupled, run.state0, ts))
    coarse = (result, part, last)
    if coupled is not motion:
        coarse = follow(*frozen, steps)
    fine, part_of_fine, end = follow(*frozen, 2 * steps)
    change = jax.tree.map(jnp.subtract, coarse[0].values, fine.values)
    relative = at_the_end(
        _Realised(frozen[0], key, 1), coarse[2], end, fine.status, ts, richardson(1)
    )
    marked = mark_inaccurate(result, relative)
    judged = jax.lax.stop_gradient((change, coarse[1] & part_of_fine))
    return Path(marked, part, *judged)


def _coupled(motion: Motion) -> Motion | None:
    """The motion whose paths converge under given increments; None for none."""
    chance = cast(Chance, motion.chance())
    if chance.pathwise is not None:
        return chance.pathwise()
    return motion if chance.noise.uniforms is None else None


def _of_walks(observe: Callable[..., Any], ts: Array) -> Callable[..., Any]:
    """What is observed of a walk, as floating numbers, of which there are means."""

    def floating(leaf: ArrayLike) -> Array:
        leaf = jnp.asarray(leaf)
        inexact = jnp.issubdtype(leaf.dtype, jnp.inexact)
        return leaf if inexact else leaf.astype(ts.dtype)

    def look(t: Array, walk: _Walk) -> Any:
        return jax.tree.map(floating, observe(t, walk.state))

    return look
