"""Rollouts with a fixed number of steps between save times."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Int, PyTree

from .. import _checks
from .._math import take
from .._outside import plain
from .._program import saved_scan
from ..constants import static, switch
from ..laws.groups import Watch
from ..laws.motion import Motion
from ..status import Status
from ..steppers import Splitting
from ..steppers.splitting import as_many
from .drives import drives_of, marks_of, unseen
from .judging import at_the_end, difference, mark_inaccurate, richardson
from .lanes import in_lanes
from .legs import Interrupted, Legs, legs_of, strike
from .reversible import reversible_rollout
from .trajectory import (
    Trajectory,
    is_sound,
    mask_unreached,
    record,
    resolved,
    summarise,
)

GRADIENTS = ("checkpointed", "direct", "reversible")
# Steps in a turn of a compiled loop, other than on CPUs. On one H200 Runge-Kutta steps
# of 10⁴ members of the copy law took 34 us each in a bare loop with eight of them a
# turn, and 61 us here with one; 10⁶ members took the same time.
STEPS_A_TURN = 8


def _read_counts(counts: Any) -> Any:
    return None if counts is None else plain(counts, "counts")


class Fixed(eqx.Module):
    """A fixed number of equal steps between neighbouring save times.

    Batches are as reproducible as single runs: every member takes the same steps. Where
    a pulse declares that it jumps within an interval (samples, named pulses, and
    `jumps=` of `jqd.pulse`), a step ends; both parts share the steps of the interval
    by their lengths, and neither takes fewer than an equal share, so that short pulses
    are resolved; an interval may take twice its steps. Steps also end within a pulse
    that knows its position, if they are longer than its width. The check run sees any
    other pulse that lies between the points of a step, and the error shows it. Jumps of
    other functions of the time are not searched for: the step that passes over one errs
    by the order of its length, which the error shows as well.

    Attributes:
        stepper: one-step method, e.g. `jqd.steppers.srkn11`; None for the law's own
            step.
        substeps: steps between two save times; of a random motion, between neighbours
            among save times, jumps and marks.
        gradient: how reverse mode finds earlier states again: "checkpointed" (stores
            one state per save time, recomputes the rest), "direct" (stores every
            step; fastest for small states) or "reversible" (steps back; splittings of
            unitary flows only; memory independent of the number of steps; no
            forward mode but over reverse mode, as in `jax.hessian`). Forward mode
            needs none of this and works with the first two.
        estimate_error: whether to run once more with half the step, which triples the
            cost, and to ask the law for the error of its grid or basis.
        counts: steps in each save interval as traced integers, scalar or (T - 1,),
            instead of `substeps`: any step size without compiling anew, 0 to leave out
            an interval. Forward mode only.
        heed_alarms: whether a law's alarm ends the run. If not, the run goes on and
            keeps its values, with the alarm in `status` and its time in `failure_time`.
            A search may go past a node (a population of zero), results may not.
        lattice: increments of the noise of a random motion between two save times, a
            multiple of twice `substeps`, which is the default. Runs with the same key
            and lattice have the same noise, whatever their steps are.
    """

    stepper: Callable[..., Any] | None = eqx.field(static=True, default=None)
    substeps: int = static(default=1)
    gradient: str = eqx.field(static=True, default="checkpointed")
    estimate_error: bool = switch(default=True)
    counts: Int[Array, "..."] | None = eqx.field(converter=_read_counts, default=None)
    heed_alarms: bool = switch(default=True)
    lattice: int | None = static(default=None)

    def __check_init__(self) -> None:
        if self.stepper is not None and not callable(self.stepper):
            raise ValueError(
                "Argument `stepper` must be a one-step method such as jqd.steppers.rk4 "
                f"or None, but is {_checks.shown(self.stepper)}."
            )
        self._check_counts()
        _checks.check_positive_integer(self.substeps, "substeps")
        _checks.check_choice(self.gradient, "gradient", GRADIENTS)
        if self.gradient == "reversible" and not isinstance(self.stepper, Splitting):
            raise ValueError(
                "Argument `gradient` must not be 'reversible' without a splitting, "
                "but is; name one in `stepper`."
            )
        if self.gradient == "reversible" and self.counts is not None:
            raise ValueError(
                "Argument `counts` must be None with gradient='reversible', but is "
                "given; use `substeps`."
            )
        if self.lattice is not None:
            _checks.check_positive_integer(self.lattice, "lattice")
            if self.lattice % (2 * self.substeps):
                raise ValueError(
                    "Argument `lattice` must be a multiple of twice `substeps`, "
                    f"{2 * self.substeps}, but is {self.lattice}."
                )

    def _check_counts(self) -> None:
        """Whole numbers, one for all or one per save interval."""
        if self.counts is None:
            return
        _checks.check_not_negative(self.counts, "counts")
        kind = jnp.result_type(self.counts)
        if not jnp.issubdtype(kind, jnp.integer):
            raise ValueError(
                f"Argument `counts` must be whole numbers of steps, but its dtype is "
                f"{kind}."
            )
        if np.ndim(self.counts) > 1:
            raise ValueError(
                "Argument `counts` must be one number or one for each save interval, "
                f"but its shape is {np.shape(self.counts)}."
            )

    def order(self, law: Motion) -> int:
        """The order of the stepper that runs."""
        if self.stepper is None:
            return law.step_order
        return getattr(self.stepper, "order", 1)

    def run(
        self, law: Motion, state0: PyTree[Array], ts: Array, observe: Callable[..., Any]
    ) -> Trajectory:
        """The trajectory; see `jqd.evolve`."""
        if self.counts is not None and np.ndim(self.counts) == 1:
            _checks.check_shape(self.counts, "counts", (ts.shape[0] - 1,))
        if self.gradient == "reversible" and law.breaks().impulses is not None:
            raise ValueError(
                "Argument `gradient` must not be 'reversible' for a law with impulses, "
                "but is; use 'checkpointed'."
            )
        return _run(self, law, state0, ts, observe)


@jax.jit
def _run(
    method: Fixed, law: Motion, state0: PyTree[Array], ts: Array, observe: Any
) -> Trajectory:
    steps = method.substeps if method.counts is None else method.counts
    marks = marks_within(law, ts, steps)
    if method.gradient == "reversible":
        values, records, last, status, when = _reversible(
            method, law, state0, ts, observe
        )
    else:
        values, records, last, status, when = rollout(
            method, law, state0, legs_of(law, ts, marks), observe, steps,
            judged=method.estimate_error,
        )  # fmt: skip
    reached = ts < when
    kept = reached if method.heed_alarms else reached | (status != Status.NON_FINITE)
    values = mask_unreached(values, kept, (law, state0, ts, observe))
    error = relative = None
    if method.estimate_error:
        # the check run is an error bar, not a result: no gradient flows through it
        frozen = jax.lax.stop_gradient((law, state0, ts))
        still, times = frozen[0], frozen[2]
        legs = legs_of(still, times, _with_unseen(still, times, steps, marks))
        check, _, end, ended, _ = rollout(
            method, *frozen[:2], legs, observe, steps, judged=False, halves=2
        )
        scale = richardson(method.order(law))
        error = difference(values, check, scale)
        relative = at_the_end(frozen[0], last, end, ended, ts, scale)
    diagnostics = summarise(records, reached)
    legs = legs_of(law, ts, None if method.gradient == "reversible" else marks)
    counts = legs.counts(steps, share=True)
    diagnostics["num_steps"] = jnp.sum(jnp.where(legs.times[1:] < when, counts, 0))
    resolution = resolved(records, ts, reached)
    run = Trajectory(ts, values, error, status, when, diagnostics, resolution)
    return mark_inaccurate(run, relative)


def rollout(
    method: Fixed,
    law: Motion,
    state0: PyTree[Array],
    legs: Legs,
    observe: Any,
    steps: int | Array,
    *,
    judged: bool,
    halves: int = 1,
    share: bool = True,
):
    """Values and records at all save times; last sound state, status, failure time.

    Args:
        method: steppers and gradients.
        law: the law.
        state0: its state at the first time.
        legs: of the run.
        observe: function (t, state).
        steps: number in each save interval, scalar or one each.
        judged: whether the law is asked for its own estimate of its grid or basis.
        halves: number of parts into which each step is divided.
        share: whether legs share the steps of their interval, or take all of them.
    """
    traced = not isinstance(steps, int)
    counts = halves * legs.counts(steps, share=share)
    most = None if traced else halves * steps

    def look(t, state):
        return observe(t, state), record(law, state, judged=judged)

    def interval(carry, inputs):
        t0, t1, count, struck = inputs
        takes_time = t1 > t0
        t0, t1 = legs.ends(t0, t1)
        if most is not None and not legs.cut:
            count = most
        after, *rest = _advance(method, law, t0, t1, carry, count, most)
        carry = (strike(law, struck, after), *rest)
        if not legs.cut:
            return carry, look(t1, carry[0])
        # nothing is saved at the end of a leg that takes no time
        shapes = jax.eval_shape(look, t1, carry[0])
        nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        seen = lambda state: look(t1, state)  # noqa: E731
        looked = jax.lax.cond(takes_time, seen, lambda _: nothing, carry[0])
        return carry, looked

    if method.gradient != "direct" and not traced:
        interval = jax.checkpoint(interval)
    state0 = strike(law, legs.strikes(0), state0)
    times, struck = legs.times, legs.strikes(slice(1, None))
    start = (state0, jnp.asarray(Status.OK), jnp.asarray(jnp.inf, times.dtype))
    first = look(times[0], state0)
    (last, status, when), rows = saved_scan(
        interval, start, (times[:-1], times[1:], counts, struck), first
    )
    if legs.cut:
        rows = jax.tree.map(lambda row: take(row, legs.saved), rows)
    values, records = rows
    return values, records, last, status, when


def splitting_of(method: Fixed, law: Motion) -> Splitting | None:
    """The splitting that takes all steps of an interval as one, or None.

    It is the one that was asked for, or that by which a law steps itself where no alarm
    could end the run within the interval.
    """
    stepper = method.stepper
    if stepper is None and law.by_stepper and law.watch().alarm is Watch().alarm:
        stepper = law.stepper
    return stepper if isinstance(stepper, Splitting) else None


def marks_within(law: Interrupted, ts: Array, steps: int | Array) -> Array | None:
    """Times within pulses that are narrower than a step; the last time for others."""
    found = jax.lax.stop_gradient(marks_of(law))
    if not found or ts.shape[0] < 2:
        return None
    longest = jnp.max(jnp.diff(ts) / jnp.maximum(steps, 1))
    each = [jnp.where(m[1] - m[0] < longest, m, ts[-1]) for m in found]
    return jnp.concatenate(each).astype(ts.dtype)


def ends_that_see(law: Interrupted, ts: Array, steps: int | Array) -> Array | None:
    """Times at which steps must end to see all features of the drives, or None."""
    return _with_unseen(law, ts, steps, marks_within(law, ts, steps))


def _with_unseen(
    law: Interrupted, ts: Array, steps: int | Array, marks: Array | None
) -> Array | None:
    """The marks, and times within what drives do between the points of a step."""
    drives = drives_of(law)
    if not drives or ts.shape[0] < 2:
        return marks
    found = unseen(drives, ts, steps)
    return found if marks is None else jnp.concatenate([marks, found])


def _advance(
    method: Fixed,
    law: Motion,
    t0: Array,
    t1: Array,
    carry: Any,
    steps: int | Array,
    most: int | None,
):
    """One leg; a run that failed keeps its last sound state.

    Args:
        method, law, carry: as for `rollout`.
        t0, t1: its ends.
        steps: how many.
        most: of all legs, or None where reverse mode is not needed.
    """
    dt = (t1 - t0) / jnp.maximum(steps, 1)
    state, status, when = carry
    sweeping = splitting_of(method, law)
    if sweeping is not None:
        loop = None
        if method.stepper is None and most is not None:
            loop = partial(
                _chunked_scan, steps=steps, most=most, gradient=method.gradient
            )
        # exact flows cannot blow up: one look per interval is enough
        after = sweeping.sweep(law, t0, state, dt, steps, most, loop)
        state, code = _judge(method, law, t0, state, status, after)
        later = t1
    else:
        state, code, taken = _take_steps(
            method, law, t0, dt, state, status, steps, most
        )
        later = (t0 + taken * dt) + dt
    failed_now = (status == Status.OK) & (code != Status.OK)
    return state, code, jnp.where(failed_now, later, when)


def _take_steps(
    method: Fixed,
    law: Motion,
    t0: Array,
    dt: Array,
    state: PyTree[Array],
    status: Array,
    steps: int | Array,
    most: int | None,
):
    """State and status after the steps, and how many of them went well."""
    made = law.made(dt) if method.stepper is None else None
    constants = law, made, t0, dt
    start = (state, status, jnp.zeros_like(status))
    turn = partial(_turn, method)

    def plain(steps, constants, start):
        if most is None:
            turns = lambda i, carry: turn(constants, i, carry)  # noqa: E731
            return jax.lax.fori_loop(0, steps, turns, start)
        body = lambda carry, i: (turn(constants, i, carry), None)  # noqa: E731
        return _chunked_scan(body, start, steps, most, method.gradient)

    return in_lanes(turn, plain, steps, constants, start)


def _turn(method: Fixed, constants: Any, i: Array, carry: Any) -> Any:
    """State, status and number of good steps after the step with index i."""
    # The steps are counted apart from the index of the loop: XLA copies an index that
    # outlives the body, which on CPU takes as long as a step of four classes.
    law, made, t0, dt = constants
    state, status, taken = carry
    t = t0 + i * dt
    after = _shielded_step(method.stepper, law, made, t, state, dt)
    state, status = _judge(method, law, t, state, status, after)
    return state, status, taken + (status == Status.OK)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _shielded_step(
    stepper: Any, law: Motion, made: Any, t: Array, state: PyTree[Array], dt: Array
):
    """A step whose derivatives are cut where its result is unsound.

    `_judge` discards such a result, but its derivatives may be infinite, and in reverse
    mode 0 times infinity would spoil the gradient of constants that a batch shares.
    """
    return _step(stepper, law, made, t, state, dt)


# traced once: its derivatives are those of what was traced
@partial(jax.jit, static_argnums=0, inline=True)
def _step(
    stepper: Any, law: Motion, made: Any, t: Array, state: PyTree[Array], dt: Array
):
    if stepper is not None:
        return stepper(law, t, state, dt)
    return law.step_with(made, t, state, dt)


@partial(_shielded_step.defjvp, symbolic_zeros=True)
def _shielded_step_jvp(stepper: Any, primals: Any, tangents: Any):
    leaves, structure = jax.tree.flatten(primals)
    slopes = jax.tree.leaves(tangents)
    moving = [i for i, s in enumerate(slopes) if not isinstance(s, SymbolicZero)]

    def along(*values):
        full = list(leaves)
        for i, value in zip(moving, values, strict=True):
            full[i] = value
        return _step(stepper, *jax.tree.unflatten(structure, full))

    after, push = jax.linearize(along, *(leaves[i] for i in moving))
    sound = is_sound(after)
    # cut at the inputs: what flows back through the step ends here
    return after, push(*(jnp.where(sound, slopes[i], 0) for i in moving))


def _judge(
    method: Fixed,
    law: Motion,
    t: Array,
    state: PyTree[Array],
    status: Array,
    after: PyTree[Array],
):
    """Accept the new state, or freeze the run with a code."""
    sound = is_sound(after)
    alarm = law.watch().alarm(t, state, after)
    alarm = jnp.where(sound, alarm, Status.NON_FINITE)
    code = jnp.where(status == Status.OK, alarm, status).astype(status.dtype)
    go_on = (code == Status.OK) if method.heed_alarms else sound
    accepted = jax.tree.map(lambda old, new: jnp.where(go_on, new, old), state, after)
    return accepted, code


def _chunked_scan(
    body: Any, carry: Any, steps: int | Array, most: int, gradient: str
) -> Any:
    """A scan over `steps` that stores about sqrt(most) states for reverse mode."""
    chunk = max(d for d in range(1, most + 1) if most % d == 0 and d * d <= most)
    within, several = as_many(body, steps), _steps_a_turn(steps)
    if gradient == "direct" or chunk == 1:
        turn = min(several, most)
        return jax.lax.scan(within, carry, jnp.arange(most), unroll=turn)[0]

    def block(carry, start):
        turn = min(several, chunk)
        return jax.lax.scan(within, carry, start + jnp.arange(chunk), unroll=turn)

    starts = jnp.arange(0, most, chunk)
    return jax.lax.scan(as_many(jax.checkpoint(block), steps), carry, starts)[0]


def _steps_a_turn(steps: int | Array) -> int:
    """How many steps a compiled loop takes before it looks at its index again.

    Steps that may be skipped, where their number is traced, are branches: one a turn.
    """
    alone = jax.default_backend() == "cpu" or not isinstance(steps, int)
    return 1 if alone else STEPS_A_TURN


def _reversible(
    method: Fixed, law: Motion, state0: PyTree[Array], ts: Array, observe: Any
):
    """The rollout of a unitary splitting whose gradient steps back in time."""

    def look(law: Motion, observe: Any, t: Array, state: PyTree[Array]):
        return observe(t, state), record(law, state, judged=method.estimate_error)

    stepper = cast(Splitting, method.stepper)  # `__check_init__` made sure
    values, records, final = reversible_rollout(
        stepper, method.substeps, look, law, state0, ts, observe
    )
    sound = is_sound(final)
    status = jnp.where(sound, Status.OK, Status.NON_FINITE)
    return values, records, final, status, jnp.where(sound, jnp.inf, ts[0])
