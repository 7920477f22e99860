"""The interval of one constant, by profile likelihood where its errors are not normal.

    D(x) = 2 ln L(θ̂) - 2 max ln L(θ),   the maximum over all θ whose constant is x

An interval holds all x with D(x) <= z²; z is the quantile of a normal distribution,
or Student's where the fit estimates the scatter. If ln L is a parabola, its ends are
those of value -+ z standard errors. If it is one of a function of the constant, they
are right as well, since D does not depend on how the constant is written.

Source: S. S. Wilks (1938) Ann. Math. Stat. 9, 60; D. M. Bates and D. G. Watts (1988)
Nonlinear Regression Analysis, ch. 6, for scatter that is estimated.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..status import Status
from .beside import Beside
from .polish import Polish, polish_one
from .study import MAX_SUBSTEPS, Study

# Share by which D at z standard errors, at least two, may differ from z² where errors
# are taken as normal. Intervals at 95 % then hold in 93.7 to 96.0 % of records.
SLACK = 0.1
# Share of the span of a constant over which no law is curved: exact data have such
# errors, and differences of their chi-square are rounding.
TINY = 1e-5
# Relative accuracy of an end: three digits of it are said.
NEAR = 3e-4
# Fits for one end. Three or four are enough unless D jumps.
MOST_FITS = 20
# How often the time steps are halved for one end: an error by steps of second order is
# then 65 000 times smaller.
MOST_HALVINGS = 8
# By how much D may be below 0. Counts that are expected less than half a time weigh
# less in a fit than in the likelihood, whose maximum is then a little off.
BELOW = 0.1


class Interval(NamedTuple):
    """Where a constant may be.

    Attributes:
        low, high: its ends, in the unit of the constant.
        profiled: whether the ends are those of the profile likelihood.
        walled: whether each end is a bound of the constant that the data do not
            exclude.
    """

    low: float
    high: float
    profiled: bool
    walled: tuple[bool, bool] = (False, False)


class NoEndError(Exception):
    """An interval has no end that could be found; the reason in words."""


def interval_of(
    recovery: Any,
    name: str,
    quantile: float,
    freedom: float = math.inf,
    report: Callable[[int], None] | None = None,
) -> Interval:
    """The interval of a constant whose standard error holds.

    D is first looked at z standard errors off, at least two, on the line on which the
    other constants would follow a parabola. If it is z² there within `SLACK`, and no
    constant is at a bound, the interval is value -+ z standard errors, as of one whose
    error is `TINY`. Else the ends are found by fits of the other constants, with time
    steps that are refined until the ends no longer move. An end that D does not reach
    is that of the bounds.

    Where the scatter of counts is fitted, errors are taken as normal: there are
    estimating equations, and D is no likelihood ratio.

    Args:
        recovery: what `jqd.recover` returned.
        name: of the constant.
        quantile: z.
        freedom: degrees of freedom that determine the scatter; infinite where it is
            known.
        report: called with the number of ends that fits have found, from 0 on.

    Returns:
        The interval; its ends include the step bias.

    Raises:
        NoEndError: an end could not be found.
    """
    one, study = recovery.constants[name], recovery.study
    value, error = float(one.value), quantile * float(one.stderr)
    theta, place = np.array(recovery.theta), list(recovery.constants).index(name)
    walls = [float(np.asarray(end)[place]) for end in study.walls(jnp.asarray(theta))]
    normal = _within(walls, value - error, value + error, profiled=False)
    if study.scattered:
        if one.at_bound:
            raise NoEndError("it is at its bound, beside a scatter that is fitted")
        return normal
    scatter = float(one.stderr if one.scatter is None else one.scatter)
    far = max(2.0, quantile)
    inside = walls[0] <= value - far * scatter and value + far * scatter <= walls[1]
    foot, top = (float(np.asarray(end)[place]) for end in study.bounds())
    if inside and not one.at_bound and scatter < TINY * (top - foot):
        return normal
    along = _along(np.asarray(recovery.covariance)[:, place], place)
    steps = np.array([0.0, -far, far]) * scatter
    looks = np.asarray(_deviances(study, jnp.asarray(theta + np.outer(steps, along))))
    if not math.isfinite(looks[0]):
        raise NoEndError("the likelihood of the fit is 0")
    unit = 1.0 if study.data.noise.known else float(looks[0]) / freedom
    rises = (looks[1:] - looks[0]) / unit
    free = not any(c.at_bound for c in recovery.constants.values())
    if free and inside and bool(np.all(np.abs(rises / far**2 - 1) <= SLACK)):
        return normal
    ends = []
    report = report or (lambda ends: None)
    report(0)
    for side, wall in zip((-1, 1), walls, strict=True):
        root = _root_on_side(theta, along, place, freedom, quantile)
        first = value + side * quantile * scatter
        end = settled_end(root, study, value, first, wall, quantile)
        # scatter and step bias have nothing to do with each other: add in squares
        off = math.hypot(end - value, quantile * float(one.step_bias))
        ends.append(wall if end == wall else value + side * off)
        report(len(ends))
    return _within(walls, *ends, profiled=True)


def _within(walls: list[float], low: float, high: float, *, profiled: bool) -> Interval:
    """The interval from one end to the other, as far as the bounds allow."""
    walled = low <= walls[0], high >= walls[1]
    return Interval(max(low, walls[0]), min(high, walls[1]), profiled, walled)


def settled_end(
    root: Callable[[Study, float], float],
    study: Study,
    value: float,
    first: float,
    wall: float,
    quantile: float,
) -> float:
    """The end of `end_of` with time steps whose halves move it no more than by `NEAR`.

    The steps of the best fit may be too long for it: where a rate is 0, they may have
    no error at all.

    Args:
        root: √D of a value of the constant, with the steps of a study.
        study: with the steps of the best fit.
        value, first, wall, quantile: as for `end_of`.

    Raises:
        NoEndError: not found, or it still moves with steps halved `MOST_HALVINGS`
            times, or as short as a fit takes them.
    """
    end = end_of(partial(root, study), value, first, wall, quantile)
    if study.order is None or end == value:
        return end
    for _ in range(MOST_HALVINGS):
        if int(study.substeps) > MAX_SUBSTEPS:
            break
        study = study.with_substeps(2 * int(study.substeps))
        before, end = end, end_of(partial(root, study), value, end, wall, quantile)
        if abs(end - before) <= NEAR * abs(end - value):
            return end
    raise NoEndError(
        f"its interval still changes with the time step, at {int(study.substeps)} "
        "steps from row to row"
    )


def end_of(
    root: Callable[[float], float],
    value: float,
    first: float,
    wall: float,
    quantile: float,
) -> float:
    """Where √D reaches the quantile on one side of the best value.

    Args:
        root: √D of a value of the constant; infinite where the data exclude it, NaN
            where it is not known.
        value: the best one, where it is 0.
        first: the first one to look at, on this side.
        wall: the bound on this side, which may be infinite.
        quantile: z.

    Returns:
        The end: to `NEAR` of its distance, and then the farther one, where the root
        jumps; the wall where the root is below the quantile up to there.

    Raises:
        NoEndError: not found within `MOST_FITS`.
    """
    side = math.copysign(1.0, first - value)
    inner, outer, x = (value, 0.0), None, first
    for _ in range(MOST_FITS):
        x = side * min(side * x, side * wall)
        if x == value:
            return x
        here = root(x)
        if abs(here - quantile) <= NEAR * quantile or (here < quantile and x == wall):
            return x
        if here < quantile:
            inner = (x, here)
        else:
            outer = (x, here)
        if outer is not None and abs(outer[0] - inner[0]) <= NEAR * abs(x - value):
            if math.isnan(outer[1]):
                raise NoEndError(
                    "its end is not known, since the fit of the others did not "
                    f"converge at {outer[0]:.6g}"
                )
            return outer[0]
        x = _between(inner, outer, value, quantile)
    raise NoEndError("the likelihood falls too little, or too unevenly, for an end")


def _between(
    inner: tuple[float, float],
    outer: tuple[float, float] | None,
    value: float,
    quantile: float,
) -> float:
    """The next value to look at: by a straight line of √D."""
    x, below = inner
    if outer is None:
        # at most twice as far
        share = quantile / max(below, quantile / 2)
        return value + (x - value) * max(share, 1 + 2 * NEAR)
    beyond, above = outer
    share = (quantile - below) / (above - below) if math.isfinite(above) else 0.5
    return x + (beyond - x) * min(max(share, 0.05), 0.95)


def _along(column: np.ndarray, place: int) -> np.ndarray:
    """How θ follows one of its constants, by the covariance; alone from a bound."""
    if column[place] > 0:
        return column / column[place]
    return np.eye(len(column))[place]


def _root_on_side(
    theta: np.ndarray, along: np.ndarray, place: int, freedom: float, quantile: float
) -> Callable[[Study, float], float]:
    """√D of values on one side; each fit begins where the last good one ended.

    A fit that did not converge has found D or more. Below the quantile this is enough
    for the value to be inside; above it nothing is known.
    """
    ended: list[Any] = []
    at, best = jnp.asarray(place), jnp.asarray(theta)

    def root(study: Study, x: float) -> float:
        begin = jnp.asarray(theta + along * (x - theta[place]))
        begin = ended[-1] if ended else begin
        found, both, settled = _conditional(study, begin, jnp.asarray(x), at, best)
        deviance, least = np.asarray(both).tolist()
        if not math.isfinite(least):
            raise NoEndError("the likelihood of the fit is 0 with shorter time steps")
        rise = deviance - least
        if not math.isfinite(rise):
            ends = bool(settled), found, best
            return math.inf if _excluded(study, *ends, place, quantile) else math.nan
        rise /= 1.0 if study.data.noise.known else least / freedom
        if rise < -BELOW:
            raise NoEndError(f"a better fit exists at {x:.6g}; give more starts")
        here = math.sqrt(max(rise, 0.0))
        if not bool(settled):
            return here if here < (1 - NEAR) * quantile else math.nan
        ended.append(found)
        return here

    return root


def _excluded(
    study: Study,
    settled: bool,
    found: Array,
    best: Array,
    place: int,
    quantile: float,
) -> bool:
    """Whether the data exclude the value of a constant, though the fit of the others
    ended where the likelihood is 0, as beyond a node.

    They do if there are no others, and if the run ends at a node and does not depend on
    them: the likelihood is then 0 for every value of them. They also do if the fit
    converged and its sum of squares lies z² above that of the best fit. A row that a
    run does not reach adds to this sum a miss by the largest value of the data, but
    infinity to -2 ln L, so that the minimum of the sum is below that of D.

    Args:
        settled: whether the fit of the others converged.
        found: θ where it ended, (p,).
        best: θ of the best fit of all, (p,).
        place: of the constant in θ.
        quantile: z.
    """
    others = np.delete(study.moving, place)
    if not others.size:
        return True
    if not others.any() and int(study.status(found)) == Status.NODE:
        return True
    costs = np.asarray(_costs(study, jnp.stack([found, best])))
    return settled and bool(costs[0] - costs[1] > quantile**2)


def _deviance(study: Study, theta: Array) -> Float[Array, ""]:
    """-2 ln L of data and priors, up to a constant, as the fit has it: priors in the
    variables in which they are normal. Where no errors are known, the sum of squares.
    """
    if study.data.noise.known:
        rows = study.log_likelihood_rows(theta)
        return jnp.sum(study.pulls(theta) ** 2) - 2 * jnp.sum(rows)
    mask = jnp.ones_like(study.data.ts)
    return study.chi2(study.residuals(theta, study.first_weights(), mask))


@jax.jit
def _deviances(study: Study, thetas: Float[Array, "n p"]) -> Float[Array, " n"]:
    # one after the other: a run may fill the memory
    return jax.lax.map(lambda theta: _deviance(study, theta), thetas)


@jax.jit
def _costs(study: Study, thetas: Float[Array, "n p"]) -> Float[Array, " n"]:
    """-2 ln L up to a constant as a fit counts it, see `polish_one`."""

    def cost(theta: Array) -> Array:
        noise, mask = study.data.noise, jnp.ones_like(study.data.ts)
        at = study.weights(theta, study.predict(theta))
        misses = study.residuals(theta, at, mask)
        return jnp.sum(misses**2) + noise.penalty(at, mask)

    return jax.lax.map(cost, thetas)


@jax.jit
def _conditional(
    study: Study, theta: Float[Array, " p"], value: Array, place: Array, best: Array
) -> tuple[Array, Array, Array]:
    """The fit of the others where one constant has this value.

    Args:
        theta: where it begins, (p,).
        best: θ of the best fit of all, (p,).

    Returns:
        θ of the fit, (p,); `_deviance` there and of the best fit, with the same time
        steps, (2,); and whether it converged.
    """
    beside = Beside(study, value, place)
    rest, settled = beside.rest(theta), jnp.asarray(True)
    if rest.shape[0]:
        mask = jnp.ones_like(study.data.ts)
        rest, _, settled = polish_one(Polish(), cast(Study, beside), rest, mask)
    found = beside.theta(rest)
    # a polish that stopped early may end beyond a bound, where there is no likelihood;
    # the value itself may be beyond one that moves with the others
    low, high = study.walls(found)
    own = jnp.arange(found.shape[0]) == place
    found = jnp.where(own, found, jnp.clip(found, low, high))
    return found, _deviances(study, jnp.stack([found, best])), settled
