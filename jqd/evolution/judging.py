"""Errors of a run from the same run with other steps, and runs that are all error.

Every result of steps has an error; where it is as large as the value, a status says so.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..laws.law import relative_difference
from ..laws.motion import Motion
from ..status import Status
from .trajectory import Trajectory


def richardson(order: int, finer: float = 2) -> float:
    """The error of a run over its change with `finer` times as many steps.

    1 / |1 - k^-p|

    Args:
        order: p, the power of the step with which errors fall.
        finer: k; below 1 for a coarser run.
    """
    return 1 / abs(1 - float(finer) ** -order)


def difference(values: PyTree[Array], check: PyTree[Array], scale: float) -> PyTree:
    """scale |values - check|, infinite where the check alone is not finite.

    An error bar, not a result: no gradient flows through it.
    """

    def compare(a: Array, b: Array) -> Array:
        a, b = jax.lax.stop_gradient((a, b))
        distance = scale * jnp.abs(a - b)
        return jnp.where(jnp.isfinite(a) & ~jnp.isfinite(distance), jnp.inf, distance)

    return jax.tree.map(compare, values, check)


def judged(
    run: Callable[..., tuple[PyTree[Array], Any]],
    given: tuple[Any, ...],
    order: int,
    finer: float = 2,
) -> tuple[PyTree[Array], PyTree[Array], Any]:
    """The values of a run, and their errors from the same run with other steps.

    Args:
        run: (k, *given) -> values and other results, with k times as many steps, k = 1
            or `finer`.
        given: arguments, through which derivatives flow.
        order: power of the step with which errors fall.
        finer: k of the second run; below 1 the check is cheaper and weaker.

    Returns:
        The values, their errors, and the other results of the first run.
    """
    values, told = run(1, *given)
    check, _ = run(finer, *jax.lax.stop_gradient(given))
    scale = richardson(order, finer)
    error = difference(values, check, scale)
    return values, jax.tree.map(lambda a, e: _whole(a, e, scale), values, error), told


def _whole(values: Array, error: Array, scale: float) -> Array:
    """The error; where it is most of the values, all that the check has shown.

    Steps that are far too long, unstable ones too, have errors that fall with no power
    of them, so that a fraction of a change by half says nothing.
    """
    if scale >= 1 or error.size == 0:
        return error
    size = jax.lax.stop_gradient(jnp.max(jnp.abs(values)))
    return jnp.where(jnp.max(error) / scale > size / 2, error / scale, error)


# -- the status ------------------------------------------------------------------------


def status_of_each(
    values: Float[Array, " T"], bad: Bool[Array, " T"], status: Any = Status.OK
) -> Int[Array, " T"]:
    """`status` of each time, INACCURATE where the error is as large as the value.

    Args:
        values: of each time; NON_FINITE where they are not finite.
        bad: where errors are as large as values.
        status: status elsewhere.
    """
    status = jnp.where(bad, Status.INACCURATE, status)
    return jnp.where(jnp.isfinite(values), status, Status.NON_FINITE).astype(jnp.int32)


def status_from_the_first(
    ts: Float[Array, " T"],
    bad: Bool[Array, " T"],
    status: Int[Array, ""],
    failure_time: Float[Array, ""],
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    """Status and failure time of a run, INACCURATE from the first bad time on.

    Its values stay, as after other alarms.

    Args:
        ts: times.
        bad: where errors are as large as values.
        status, failure_time: of the run before.
    """
    bad = jax.lax.stop_gradient(bad)
    marked = (status == Status.OK) & jnp.any(bad)
    status = jnp.where(marked, Status.INACCURATE, status).astype(status.dtype)
    return status, jnp.where(marked, ts[jnp.argmax(bad)], failure_time)


def mark_inaccurate(run: Trajectory, relative: Array | None) -> Trajectory:
    """The run with the status INACCURATE where its errors are as large as its values.

    Args:
        run: the run.
        relative: error of the probabilities by steps and rounding in units of them,
            (T,), or None where it is not known.
    """
    bad = jnp.zeros(run.ts.shape, bool)
    for error in (relative, run.resolution):
        if error is not None:
            bad |= error >= 1
    known = status_from_the_first(run.ts, bad, run.status, run.failure_time)
    return eqx.tree_at(lambda r: (r.status, r.failure_time), run, known)


def at_the_end(
    law: Motion,
    last: PyTree[Array],
    check: PyTree[Array],
    ended: Array,
    ts: Array,
    scale,
) -> Array | None:
    """Relative error of the probabilities at the last time, zeros before it, (T,).

    It is that of the probabilities, not of the values: a value that vanishes by
    symmetry is no larger than its rounding, and still good. It is known at the last
    state alone.

    Args:
        law: the law.
        last: the last state of the run.
        check: last state of the check run.
        ended: status of the run.
        ts: save times.
        scale: factor of the difference.
    """
    apart = relative_difference(law, jax.lax.stop_gradient(last), check)
    if apart is None:
        return None
    whole = (ended == Status.OK) & jnp.isfinite(apart)
    apart = jnp.where(whole, scale * apart, jnp.inf)
    return jnp.where(jnp.arange(ts.shape[0]) == ts.shape[0] - 1, apart, 0)
