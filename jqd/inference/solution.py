"""`solution`: errors and tests of a fit, as a pure function of where it ended.

Throughout, `study` holds law, data and free constants, `theta` is its constants, (p,),
and `mask` the weight of each row of the data, (T,).
"""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .._math import divisor, triangle
from ..evolution.judging import richardson
from ..instruments.noise import Noise, Weights
from ..status import Status
from .active import inward, sides_at
from .constant import Constant
from .fisher import StandardErrors, errors_of
from .goodness import MISFIT_P, p_value
from .identifiability import Identifiability, analyse
from .slopes import residual_slopes, shown_by_steps
from .study import Study


class Solution(eqx.Module):
    """Covariance and step bias at a solution; a pure function of the fit.

    Attributes:
        theta: constants, shape (p,).
        at: source of the weights.
        cost: sum of squared residuals, scalar.
        dof: degrees of freedom: independent values less constants, scalar.
        chi2: cost per degree of freedom, scalar; NaN where there is none.
        p_value: probability of a cost as large as this for noise that is known, else 1;
            NaN without a degree of freedom.
        covariance: of the constants, from the scatter of the data alone, (p, p); 0 for
            those at a bound. Infinite where no degree of freedom tells the scatter of
            noise that is not known, as are all errors then.
        side: -1 for a constant at its lower bound, 1 at its upper one, else 0, (p,).
        analysis: singular values and null directions of the scaled Jacobian.
        bias: shift of the solution with half the step, by linear response, shape (p,).
        averaging: likewise with another number of nodes of averages over runs, (p,); 0
            where the law takes none.
        stderr: standard errors from the scatter of the data, shape (p,); inwards for
            those at a bound.
        errors: standard errors with step bias and rounding, shape (p,).
        three: standard errors with nuisances known, with priors and without; None where
            there are no nuisances.
        pulls: of the nuisances from their priors, in widths of these, (k,).
        ended: how the run at the solution ended, a `jqd.Status`.
        judged: status of the fit from its scatter, a `jqd.Status`.
    """

    theta: Float[Array, " p"]
    at: Weights
    cost: Float[Array, ""]
    dof: Float[Array, ""]
    chi2: Float[Array, ""]
    p_value: Float[Array, ""]
    covariance: Float[Array, "p p"]
    side: Int[Array, " p"]
    analysis: Identifiability
    bias: Float[Array, " p"]
    averaging: Float[Array, " p"]
    stderr: Float[Array, " p"]
    errors: Float[Array, " p"]
    three: StandardErrors | None
    pulls: Float[Array, " k"]
    ended: Int[Array, ""]
    judged: Int[Array, ""]


@jax.jit
def solution(study: Study, theta: Array, mask: Array) -> Solution:
    """The errors and tests of a fit at `theta`."""
    noise = study.data.noise
    width = study.spans
    # a search, or a polish that stopped early, may end beyond a bound: the law there is
    # that on it
    theta = jnp.clip(theta, *study.walls(theta))
    shown, finer = shown_by_steps(study, theta)
    prediction, _, ends = shown
    at = study.weights(theta, prediction)
    told = study.told  # walls tell nothing of errors
    both = residual_slopes(study, theta, at, mask, *shown)
    residuals, slope = (x[:told] for x in both)
    side = sides_at(study, theta, residuals, slope)
    held = side != 0
    inverse, fine_slope = _inverse(slope, width, held), None

    def shift(other: Array) -> Array:
        """How far other residuals move the solution, by linear response."""
        return inverse @ (slope.T @ (residuals - other))

    bias, order = jnp.zeros_like(theta), study.order
    if order is not None:
        # a judgement of the steps: no gradient flows through it
        where = jax.lax.stop_gradient((study, theta, at))
        both = residual_slopes(*where, mask, *finer)
        fine, fine_slope = (x[:told] for x in both)
        bias = richardson(order) * shift(fine)
    other = _by_another_rule(study, theta, at, mask)
    averaging = jnp.zeros_like(theta) if other is None else shift(other)
    fitted = theta.shape[0] - jnp.sum(held)
    cost, dof, p = chi_square(study, residuals, at, mask, fitted)
    left = dof >= 1
    chi2 = jnp.where(left, cost / jnp.maximum(dof, 1), jnp.nan)
    p = jnp.where(left, p, jnp.nan)
    # what fits as many values as there are constants leaves no scatter to go by
    sized = left | noise.known
    scatter = jnp.where(left & (not noise.known), chi2, 1)
    covariance = jnp.where(sized, inverse * scatter, jnp.inf)
    analysis = analyse(slope, width, study.labels(), fine_slope)
    one_sided = inward(slope, residuals, inverse, side, scatter)
    # the root of a 0 has no derivative
    variance = jnp.where(held, 1, jnp.diagonal(inverse * scatter))
    stderr = jnp.where(held, one_sided, jnp.sqrt(variance))
    stderr = jnp.where(sized, stderr, jnp.inf)
    # scatter, step bias and nodes have nothing to do with each other: add in squares
    errors = jnp.hypot(jnp.hypot(stderr, jnp.abs(bias)), jnp.abs(averaging))
    # no number is known better than its rounding
    rounding = 8 * jnp.finfo(theta.dtype).eps * jnp.abs(theta)
    three = None
    if study.nuisances:
        # of a constant at its bound these are not told
        apart = errors_of(study, jnp.where(held[None, :], 0, slope), width)
        size = jnp.where(held, jnp.nan, jnp.sqrt(scatter))
        three = StandardErrors(*(jnp.where(sized, size * x, jnp.inf) for x in apart))
    pulls = study.pulls(theta)
    return Solution(
        theta, at, cost, dof, chi2, p, covariance, side, analysis, bias, averaging,
        stderr, jnp.maximum(errors, rounding), three, pulls, ends.status,
        _judged(noise, at, p),
    )  # fmt: skip


def chi_square(
    study: Study, residuals: Array, at: Weights, mask: Array, fitted: ArrayLike
) -> tuple[Array, Array, Array]:
    """The sum of squares of a fit, its degrees of freedom, and its p-value, which is 1
    for noise that is not known.

    Args:
        residuals: of data and priors, at the fit.
        at: source of the weights.
        fitted: number of constants that were fitted.
    """
    values, noise, cost = study.data.values, study.data.noise, study.chi2(residuals)
    dof = noise.independent(values, at, mask) + study.judged - fitted
    excess = noise.excess(values, at, mask)
    p = p_value(cost, dof, excess) if noise.known else jnp.ones_like(cost)
    return cost, dof, p


def _by_another_rule(
    study: Study, theta: Array, at: Weights, mask: Array
) -> Array | None:
    """Residuals with other quadrature nodes; None where the law takes no average."""
    other = study.by_another_rule()
    if other is None:
        return None
    # a judgement of the nodes, as that of the steps
    other, where, weights = jax.lax.stop_gradient((other, theta, at))
    return other.residuals(where, weights, mask)[: study.told]


def _inverse(jacobian: Array, width: Array, held: Array) -> Array:
    """(J^T J)^-1 by singular values of the scaled Jacobian; 0 for what is held."""
    free = jnp.where(held, 0, 1)
    scaled = jacobian * (width * free)[None, :]
    # rows of its own for each held constant, no two alike, and longer than all others
    # together: equal singular values have no derivatives
    size = jax.lax.stop_gradient(jnp.sqrt(jnp.max(jnp.sum(scaled**2, axis=0))))
    count = width.shape[0]
    own = jnp.where(held, divisor(size) * jnp.arange(count + 1, 2 * count + 1), 0)
    scaled = jnp.concatenate([scaled, jnp.diag(own)])
    _, values, directions = jnp.linalg.svd(triangle(scaled))
    tiny = jnp.finfo(values.dtype).tiny
    spread = directions * (width[None, :] / jnp.maximum(values, tiny)[:, None])
    return (spread.T @ spread) * free[:, None] * free[None, :]


def _judged(noise: Noise, at: Weights, p: Array) -> Int[Array, ""]:
    """What the scatter says of a fit: the first of these that is the case."""
    cases = (
        (Status.NOISE_INVALID, ~noise.holds(at)),
        (Status.MISFIT, p < MISFIT_P),
    )
    return _first_of(cases, jnp.asarray(Status.OK.value))


@jax.jit
def status_of(found: Solution, finite: ArrayLike, settled: ArrayLike) -> Array:
    """The status of a fit: the first of these that is the case, the gravest first."""
    finite = jnp.asarray(finite)
    finite &= found.ended != Status.NON_FINITE
    finite &= all_finite((found.theta, found.cost))
    cases = (
        (Status.NON_FINITE, ~finite),
        (Status.UNREACHED, found.ended != Status.OK),
        (Status.UNIDENTIFIABLE, found.analysis.null > 0),
        # an infinite one is that of data whose scatter nothing tells
        (Status.NON_FINITE, jnp.any(jnp.isnan(found.covariance))),
        (Status.NON_FINITE, ~all_finite((found.bias, found.averaging))),
        (Status.NOT_CONVERGED, ~jnp.asarray(settled)),
    )
    return _first_of(cases, found.judged)


def _first_of(cases: tuple[tuple[Status, Array], ...], status: Array) -> Array:
    for code, case in reversed(cases):
        status = jnp.where(case, code.value, status)
    return status


def all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every number of a tree is finite."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if eqx.is_inexact_array(leaf)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))


def constants_of(
    study: Study,
    found: Solution,
    holds: Sequence[Any] | Array,
    sides: Sequence[Any] | Array,
    number: Callable[[Any], Any],
) -> dict[str, Constant]:
    """The constants of a fit, by label.

    Args:
        holds: whether the error of each holds, (p,).
        sides: at which bound each is, (p,), see `Constant`.
        number: entry of an array -> what a `Constant` holds of it.
    """

    def column(values: Any) -> list[Any]:
        return [None if x is None else number(x) for x in values]

    three = found.three
    none: list[Any] = [None] * len(study.labels())
    known, alone, pulls = none, none, none
    if three is not None:
        known, alone = three.known, three.alone
        pulls = [*none[: study.wanted], *found.pulls]
    columns = (
        study.labels(),
        column(found.theta),
        column(found.errors),
        column(abs(found.bias) + abs(found.averaging)),
        study.references(),
        column(found.stderr),
        column(known),
        column(alone),
        column(pulls),
        holds,
        sides,
    )
    return {
        label: Constant(label, *rest) for label, *rest in zip(*columns, strict=True)
    }
