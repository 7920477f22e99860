"""Designs for constants that are not known: over a box, or over what a fit leaves open.

Over a box: min over w of max over θ in the box of Ψ(w; θ). The maximum is over corners,
points within and worse values that a search finds, until none is worse.

After a first part: min over w of the mean of Ψ(w; θ_k), θ_k drawn from the normal
distribution of its fit, with its information beside the priors.
"""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._math import divisor
from ...status import Status
from ..sensitivity import Sensitivity, sensitivity, whitened
from ..study import Study
from .answer import Design, answer
from .response import derivatives
from .settings import Candidates, gather
from .several import Least, judge_several, least, values_of
from .weights import Optimum, Problem, opened

# The number of values that count is a multiple of this.
BATCH = 8
# Points within the box for each of its constants, and most constants.
INSIDE, MOST = 6, 6
# A value that is worse by less than this, relative, is no longer added.
WORSE, ROUNDS = 1e-3, 8
# A search within the box goes up from so many of the worst, by steps from a quarter of
# its widths down, so often.
ASCENTS, HALVINGS = 4, 8


class Task(NamedTuple):
    """The objective of a design, but for the constants at which it is taken.

    Attributes:
        studies: whose rows are the candidates, by name.
        wanted: C, (p, k).
        shots: N.
        criterion: "A", "D" or "c".
        tolerance: gap at which to stop.
        nodes: number of quadrature points of linear response.
        taken: slopes of shots that were taken before, (n, p), or None.
    """

    studies: Mapping[str, Study]
    wanted: Float[Array, "p k"]
    shots: Float[Array, ""]
    criterion: str
    tolerance: float
    nodes: int
    taken: Float[Array, "n p"] | None = None

    def at(self, theta: Array) -> "Point":
        """The information of one shot at each setting with these constants."""
        each = {
            name: derivatives(study, theta, self.nodes)
            for name, study in self.studies.items()
        }
        found = gather(self.studies, each, self.taken)
        return Point(theta, found, list(each.values()))

    def problem(self, found: Candidates) -> Problem:
        """The problem of shares on these settings."""
        return Problem(
            found.information, opened(found, self.wanted, self.shots), self.wanted,
            self.shots, self.criterion == "D",
        )  # fmt: skip


class Point(NamedTuple):
    """Constants, the information of the settings there, and its derivatives."""

    theta: Float[Array, " p"]
    found: Candidates
    slopes: list[Sensitivity]

    @property
    def status(self) -> Status:
        """The status of its runs: the first that did not reach the last time."""
        failed = (one.status for one in self.slopes if one.status is not Status.OK)
        return next(failed, Status.OK)


# -- over a box ----------------------------------------------------------------------


def over_box(task: Task, theta: Array, box: Any, given: Array | None) -> Design:
    """Shares that minimise the worst criterion over a box.

    Args:
        theta: constants that the box does not name, (p,).
        box: {name or label: (low, high)}.
        given: shares to be judged; None to look for the best.
    """
    study = next(iter(task.studies.values()))
    places, low, high = _ends(study, box)

    def put(unit: np.ndarray) -> Array:
        inside = low + unit * (high - low)
        return jnp.asarray(theta).at[places].set(inside)

    units = _first_units(len(places))
    points = [_sound(task, put(unit), study) for unit in units]
    best, problems = _solve(task, points, given)
    for _ in range(ROUNDS):
        worse = _worse(task, study, put, units, best)
        if not worse:
            break
        units += [unit for unit, _ in worse]
        points += [point for _, point in worse]
        best, problems = _solve(task, points, given)
    top = int(jnp.argmax(best.values))
    problem = jax.tree.map(lambda leaf: leaf[top], problems)
    optimum = Optimum(best.weights, best.gap, best.slopes, jnp.asarray(0))
    every = [one for point in points for one in point.slopes]
    return answer(
        points[top].found, problem, optimum, task.criterion, every, task.tolerance,
        points[top].theta,
    )  # fmt: skip


def _ends(study: Study, box: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places in θ of the constants of a box, and their ends."""
    if not isinstance(box, Mapping) or not box:
        raise ValueError(
            "Argument `over` must be {name: (low, high)} of some constants, but is "
            f"{_checks.shown(box)}."
        )
    found: dict[int, tuple[float, float]] = {}
    for name, ends in box.items():
        places = study.slots.indices(name, "over")
        said = f"over[{name!r}]"
        _checks.check_finite(ends, said, (2,))
        low, high = map(float, ends)
        if not low < high:
            raise ValueError(
                f"Argument `{said}` must be (low, high), but is ({low:g}, {high:g})."
            )
        found |= dict.fromkeys(places, (low, high))
    if len(found) > MOST:
        raise ValueError(
            f"Argument `over` must name at most {MOST} constants, but names "
            f"{len(found)}."
        )
    ends = np.asarray(list(found.values()))
    return np.asarray(list(found)), ends[:, 0], ends[:, 1]


def _first_units(size: int) -> list[np.ndarray]:
    """Corners of the unit cube, its centre, and points spread within."""
    corners = [
        np.asarray(ends, float) for ends in itertools.product((0, 1), repeat=size)
    ]
    # multiples of irrational numbers, which fill the cube evenly
    steps = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0][:size])
    inside = np.arange(1, INSIDE * size + 1)[:, None] * steps % 1
    return [*corners, np.full(size, 0.5), *inside]


def _sound(task: Task, theta: Array, study: Study) -> Point:
    point = task.at(theta)
    if point.status is not Status.OK:
        values = zip(study.labels(), np.asarray(theta).tolist(), strict=True)
        where = ", ".join(f"{name} = {value:.6g}" for name, value in values)
        raise ValueError(
            "Argument `over` must hold constants with which the law reaches the last "
            f"candidate, but at {where}: {point.status.sentence}"
        )
    return point


def _solve(
    task: Task, points: list[Point], given: Array | None
) -> tuple[Least, Problem]:
    each = [task.problem(point.found) for point in points]
    # one twice changes nothing, and numbers that come again are not compiled anew
    problems = _stack(each + each[-1:] * (-len(each) % BATCH))
    if given is not None:
        best = judge_several(problems, given)
    else:
        best = least(problems, task.tolerance)
    return best._replace(values=best.values[: len(each)]), problems


def _stack(problems: list[Problem]) -> Problem:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *problems)


def _worse(
    task: Task, study: Study, put: Any, units: list[np.ndarray], best: Least
) -> list[tuple[np.ndarray, Point]]:
    """Values that are worse than all that count, up from those that are worst now."""
    values = np.asarray(best.values)
    found = []
    for start in np.argsort(-values)[:ASCENTS]:
        unit, point, value = _ascend(
            task, study, put, units[start], float(values[start]), best.weights
        )
        if point is not None and _excess(task, value, values.max()) >= WORSE:
            found.append((unit, point))
    return found


def _ascend(
    task: Task, study: Study, put: Any, unit: np.ndarray, here: float, weights: Array
) -> tuple[np.ndarray, Point | None, float]:
    """Where steps along the axes of the box lead up to; None where none does."""
    found, step = None, 0.25
    for _ in range(HALVINGS):
        moved = False
        for axis, sign in itertools.product(range(unit.size), (1, -1)):
            tried = unit.copy()
            tried[axis] = np.clip(tried[axis] + sign * step, 0, 1)
            if tried[axis] == unit[axis]:
                continue
            other = _sound(task, put(tried), study)
            one = _stack([task.problem(other.found)])
            value = float(values_of(one, weights)[0])
            if value > here:
                unit, here, found, moved = tried, value, other, True
        step = step if moved else step / 2
    return unit, found, here


def _excess(task: Task, value: float, worst: float) -> float:
    """By how much a value is worse than the worst that counts."""
    return value - worst if task.criterion == "D" else value / worst - 1


# -- after a first part --------------------------------------------------------------


def learnt(recovery: Any, study: Study) -> Float[Array, "p p"]:
    """Slopes of the shots of a fit, √F of its data at its constants."""
    first = getattr(recovery, "study", None)
    if not isinstance(first, Study):
        raise ValueError(
            "Argument `after` must be what `jqd.recover` returned, but is a "
            f"{type(recovery).__name__}."
        )
    if first.labels() != study.labels():
        raise ValueError(
            "Argument `after` must be a fit of the same constants, "
            f"{', '.join(study.labels())}, but has {', '.join(first.labels())}."
        )
    if not recovery.errors_hold:
        raise ValueError(
            "Argument `after` must be a fit whose standard errors hold, but its status "
            f"is {recovery.status!r}: {recovery.message}"
        )
    at = sensitivity(first, jnp.asarray(recovery.theta))
    if at.status is not Status.OK or not np.all(np.isfinite(recovery.covariance)):
        raise ValueError(
            "Argument `after` must be a fit whose constants have errors, but: "
            f"{recovery.message}"
        )
    slope, _ = whitened(first, at)
    return jnp.linalg.qr(slope[: first.measured], mode="r")


def _drawn(
    key: Array, theta: Float[Array, " p"], spread: Float[Array, "p p"], draws: int
) -> Float[Array, "n p"]:
    """Draws from a normal distribution, each constant in its own standard deviation:
    beside variances in larger units those in small ones are rounding."""
    width = jnp.sqrt(jnp.diagonal(spread))
    safe = divisor(width)
    alike = spread / safe[:, None] / safe[None, :]
    unit = jax.random.multivariate_normal(
        key, jnp.zeros_like(theta), alike, (draws,), method="svd"
    )
    return theta[None, :] + width[None, :] * unit


def averaged(task: Task, recovery: Any, draws: int, key: Array) -> Design:
    """Shares that minimise the mean criterion over what a fit leaves open.

    Args:
        task: the objective; the shots of the fit are `taken`.
        draws: number of draws from its normal distribution. Draws at which the law does
            not reach the last candidate are left out.
    """
    study = next(iter(task.studies.values()))
    theta = jnp.asarray(recovery.theta)
    centre = task.at(theta)
    low, high = study.walls(theta)
    spread = jnp.asarray(recovery.covariance)
    drawn = _drawn(key, theta, spread, draws)
    points = [task.at(jnp.clip(one, low, high)) for one in drawn]
    points = [point for point in points if point.status is Status.OK] or [centre]
    problems = _stack([task.problem(point.found) for point in points])
    best = least(problems, task.tolerance, mean=True)
    optimum = Optimum(best.weights, best.gap, best.slopes, jnp.asarray(0))
    every = [one for point in (centre, *points) for one in point.slopes]
    return answer(
        centre.found, task.problem(centre.found), optimum, task.criterion, every,
        task.tolerance, theta,
    )  # fmt: skip
