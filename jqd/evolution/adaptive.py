"""Adaptive steps by diffrax."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from .. import _checks
from .._math import abs2, divisor, of_pairs, real_pairs
from ..constants import static, switch
from ..laws.motion import Motion
from ..status import Status
from .drives import SHIFTS, Course, drives_of, survey
from .judging import at_the_end, difference, mark_inaccurate
from .trajectory import (
    Trajectory,
    is_sound,
    mask_unreached,
    record,
    resolved,
    summarise,
)
from .twice import twice_differentiable

if TYPE_CHECKING:
    import diffrax  # where it is used: it takes as long to import as all of jqd


# law, initial state, save times, what is observed, and the course of the drives
Problem = tuple[Motion, PyTree[Array], Array, Any, Course | None]
# Of what it gains in a run: a part of a state that begins smaller has no size yet.
RESTING = 1e-6
# The check run: its tolerances, and its first step, over those of the run. Both runs
# begin with the same step, and each step is at most ten times the one before. Where
# that, and not the tolerance, limits them, they would take the same steps and differ
# by nothing; those of the check are half way between on a logarithmic scale.
LOOSER, FIRST = 10.0, 0.3


def _dopri8() -> "diffrax.AbstractSolver":
    import diffrax

    return diffrax.Dopri8()


class Adaptive(eqx.Module):
    """Adaptive steps with a diffrax solver.

    Attributes:
        solver: any explicit diffrax solver.
        rtol: relative tolerance of a step, not negative.
        atol: absolute tolerance of a step, not negative, in units of the root mean
            square of the entries of each part of the initial state (for a part that
            begins at 0, of what it soon gains). It is thus relative to the norm, on any
            grid and in any units. `rtol` or `atol` is positive.
        max_steps: step budget, positive.
        adjoint: None for reverse mode with checkpoints, and forward mode over it, as
            in `jax.hessian`; or a diffrax adjoint: `diffrax.ForwardMode()` serves
            forward mode, `diffrax.DirectAdjoint()` any order of both, more slowly.
        estimate_error: whether to run once more with tolerances ten times looser and
            other steps, which gives a cautious error bar, and to ask the law for the
            error of its grid or basis.

    Before a run, pulses and time-dependent fields are sampled at 2048 times, at the
    times of their own samples, and where a pulse says that it is. Between two times at
    which a drive rests, no step passes over more than one rise or fall of it. The check
    run samples other times. Of a `Motion` of your own, only the pulses that it holds
    are sampled, not the time dependence of its `vector_field`.
    """

    solver: "diffrax.AbstractSolver" = eqx.field(default_factory=_dopri8)
    rtol: float = static(default=1e-9)
    atol: float = static(default=1e-9)
    max_steps: int = static(default=16**4)
    adjoint: "diffrax.AbstractAdjoint | None" = None
    estimate_error: bool = switch(default=True)

    def __check_init__(self) -> None:
        import diffrax

        for name in ("rtol", "atol"):
            value = getattr(self, name)
            if not isinstance(value, int | float | np.number):
                raise ValueError(
                    f"Argument `{name}` must be a number, but is "
                    f"{_checks.shown(value)}."
                )
            _checks.check_not_negative(value, name)
        if self.rtol == self.atol == 0:
            raise ValueError(
                "Argument `atol` must be positive where `rtol` is 0, but is 0: no step "
                "would be short enough."
            )
        _checks.check_positive_integer(self.max_steps, "max_steps")
        kinds = {"solver": diffrax.AbstractSolver, "adjoint": diffrax.AbstractAdjoint}
        for name, kind in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, kind) and (name, value) != ("adjoint", None):
                raise ValueError(
                    f"Argument `{name}` must be a diffrax {name}, but is "
                    f"{_checks.shown(value)}."
                )

    def run(
        self, law: Motion, state0: PyTree[Array], ts: Array, observe: Callable[..., Any]
    ) -> Trajectory:
        """The trajectory; see `jqd.evolve`."""
        return _run(self, law, state0, ts, observe)


@eqx.filter_jit
def _run(
    method: Adaptive, law: Motion, state0: PyTree[Array], ts: Array, observe: Any
) -> Trajectory:
    if law.breaks().impulses is not None:
        raise ValueError(
            "Argument `method` must be Fixed for a law with impulses, such as "
            "Fixed(jqd.steppers.srkn11, 50), but is Adaptive."
        )
    judged = method.estimate_error
    courses = survey(drives_of(law), ts, SHIFTS if judged else SHIFTS[:1])
    first, *second = courses or [None] * len(SHIFTS)
    (values, records), last, status, when, steps = _solve(
        method, False, (law, state0, ts, observe, first), judged=judged
    )
    reached = ts < when
    values = mask_unreached(values, reached, (law, state0, ts, observe))
    error = relative = None
    if judged:
        frozen = jax.lax.stop_gradient((law, state0, ts))
        (check, _), end, ended, *_ = _solve(
            method, True, (*frozen, observe, second[0]), judged=False
        )
        error = difference(values, check, 1.0)
        relative = at_the_end(frozen[0], last, end, ended, ts, 1.0)
    diagnostics = summarise(records, reached) | {"num_steps": steps}
    resolution = resolved(records, ts, reached)
    run = Trajectory(ts, values, error, status, when, diagnostics, resolution)
    return mark_inaccurate(run, relative)


def _solve(method: Adaptive, check: bool, problem: Problem, *, judged: bool):
    """(values, records), last state, status, failure time and number of steps.

    Args:
        method: solver and tolerances.
        check: whether this is the run by which the other is judged.
        problem: through all of which derivatives flow.
        judged: whether the law is asked for its own estimate of its grid or basis.
    """
    import diffrax

    from .checkpoints import TwiceCheckpointed

    def by(adjoint: "diffrax.AbstractAdjoint"):
        return partial(_solve_by, method, check, judged, adjoint)

    if method.adjoint is not None:
        return by(method.adjoint)(problem)
    first, second = by(diffrax.RecursiveCheckpointAdjoint()), by(TwiceCheckpointed())
    return twice_differentiable(first, second)(problem)


def _solve_by(
    method: Adaptive,
    check: bool,
    judged: bool,
    adjoint: "diffrax.AbstractAdjoint",
    problem: Problem,
):
    """What `_solve` returns, by a diffrax adjoint."""
    import diffrax

    from .bounded_steps import BoundedSteps

    law, state0, ts, observe, course = problem
    real, state_of = _in_units(_sizes(law, state0, ts), *_real_view(state0))
    constants, law_of = _real_view(law)

    def field(t, y, args):
        return real(law_of(args).vector_field(t, state_of(y)))

    def code(t, state):
        alarm = law.watch().alarm
        return jnp.where(is_sound(state), alarm(t, state, state), Status.NON_FINITE)

    def look(t, y, args):
        del args
        state = state_of(y)
        return observe(t, state), recorded(t, state)

    def recorded(t, state):
        # Where the run has ended, records may have no derivatives, and in reverse mode
        # 0 times infinity would spoil the gradient of constants that a batch shares:
        # there, those of the start take their place.
        found = jax.lax.stop_gradient(record(law, state, judged=judged))
        good = code(t, state) == Status.OK
        kept = jax.tree.map(lambda x, x0: jnp.where(good, x, x0), state, state0)
        return jax.tree.map(_with_slope, found, record(law, kept, judged=judged))

    # what a batch writes at times of its own
    seen = jax.eval_shape(look, ts[0], real(state0), None)

    def halves(t, y, args):
        return jax.tree.map(real_pairs, look(t, y, args))

    def stop(t, y, *args, **kwargs):
        del args, kwargs
        return code(t, state_of(y)) != Status.OK

    looser, first = (LOOSER, FIRST) if check else (1.0, 1.0)
    controller = diffrax.PIDController(
        rtol=looser * method.rtol, atol=looser * method.atol
    )
    if check or course is not None:
        course = jax.lax.stop_gradient(course)
        # diffrax declares fields that this one takes from the controller
        controller = BoundedSteps(controller, course, first)  # pyright: ignore[reportCallIssue]
    jumps = law.breaks().jumps
    if jumps is not None:
        times = jnp.sort(jax.lax.stop_gradient(jumps))
        controller = diffrax.ClipStepSizeController(controller, jump_ts=times)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field), method.solver, ts[0], ts[-1], None, real(state0),
        args=constants(law), max_steps=method.max_steps, throw=False,
        adjoint=adjoint,
        event=diffrax.Event(stop),
        stepsize_controller=controller,
        saveat=diffrax.SaveAt(
            subs=[
                diffrax.SubSaveAt(ts=ts, fn=halves),
                diffrax.SubSaveAt(t1=True, fn=lambda t, y, args: (t, y)),
            ]
        ),
    )  # fmt: skip
    looked, (end, last) = cast(tuple, solution.ys)
    looked = jax.tree.map(of_pairs, looked, seen)
    last = state_of(jax.tree.map(lambda leaf: leaf[0], last))
    alarm = code(end[0], last)
    budget = solution.result == diffrax.RESULTS.max_steps_reached
    failed = solution.result != diffrax.RESULTS.successful
    spent = jnp.where(budget, Status.STEP_BUDGET, Status.NON_FINITE)
    status = jnp.where(alarm != Status.OK, alarm, jnp.where(failed, spent, Status.OK))
    when = jnp.where(status == Status.OK, jnp.inf, end[0])
    return looked, last, status, when, solution.stats["num_steps"]


def _with_slope(value: Array, other: Array) -> Array:
    """A value with the derivatives of another one."""
    if not jnp.issubdtype(jnp.result_type(value), jnp.inexact):
        return value
    return value + (other - jax.lax.stop_gradient(other))


def _sizes(law: Motion, state0: PyTree[Array], ts: Array) -> list[Array]:
    """Powers of two near the size of each part of a state, for which `atol` counts."""
    law, state0, ts = jax.lax.stop_gradient((law, state0, ts))
    norms = [_norm(part) for part in jax.tree.leaves(state0)]
    if len(norms) > 1:
        norms = _all_sizes(law, state0, norms, ts)
    sound = [jnp.isfinite(norm) & (norm > 0) for norm in norms]
    return [
        jnp.exp2(jnp.round(jnp.log2(divisor(norm, known))))
        for known, norm in zip(sound, norms, strict=True)
    ]


def _all_sizes(
    law: Motion, state0: PyTree[Array], norms: list[Array], ts: Array
) -> list[Array]:
    """The sizes of parts, but of those that begin at rest what they soon gain.

    A momentum of 0, or of rounding, has no size of its own: it gains its first rate
    times the time in which the other parts change by as much as they are.
    """
    first, duration = ts[0], jnp.abs(ts[-1] - ts[0])
    short = jnp.sqrt(jnp.finfo(ts.dtype).eps) * duration
    rate = law.vector_field(first, state0)
    ahead = jax.tree.map(lambda y, f: y + (short * f).astype(y.dtype), state0, rate)
    change = jax.tree.map(jnp.subtract, law.vector_field(first, ahead), rate)
    rates, changes = ([_norm(x) for x in jax.tree.leaves(y)] for y in (rate, change))
    resting = [n < RESTING * duration * f for n, f in zip(norms, rates, strict=True)]
    time = duration
    for norm, f, df, rests in zip(norms, rates, changes, resting, strict=True):
        inverse = jnp.maximum(f, jnp.sqrt(norm * df / divisor(short)))
        known = ~rests & (inverse > 0) & jnp.isfinite(inverse)
        own = norm / divisor(inverse, known)
        time = jnp.where(known, jnp.minimum(time, own), time)
    found = zip(norms, rates, resting, strict=True)
    return [jnp.where(rests, time * f, norm) for norm, f, rests in found]


def _norm(part: Array) -> Array:
    """Root of the mean square of its real numbers, as diffrax measures errors.

    The mean keeps `atol` an error relative to the state on any grid: entries of a wave
    do not grow with their number, as the root of the sum of their squares does.
    """
    squares = jnp.mean(abs2(part))
    return jnp.sqrt(squares / 2 if jnp.iscomplexobj(part) else squares)


def _in_units(sizes: list[Array], real: Any, state_of: Any):
    """The same views with each part over its size: exactly, by powers of two."""

    def smaller(state):
        return [x / size for x, size in zip(real(state), sizes, strict=True)]

    def larger(parts):
        return state_of([x * size for x, size in zip(parts, sizes, strict=True)])

    return smaller, larger


def _real_view(state0: PyTree[Array]):
    """State or law <-> real arrays: error control and implicit solvers need them."""
    leaves, structure = jax.tree.flatten(state0)
    complex_ = [jnp.iscomplexobj(leaf) for leaf in leaves]

    def real(state):
        return [
            jnp.stack([jnp.real(leaf), jnp.imag(leaf)]) if is_complex else leaf
            for leaf, is_complex in zip(jax.tree.leaves(state), complex_, strict=True)
        ]

    def state_of(parts):
        leaves = [
            jax.lax.complex(part[0], part[1]) if is_complex else part
            for part, is_complex in zip(parts, complex_, strict=True)
        ]
        return jax.tree.unflatten(structure, leaves)

    return real, state_of
