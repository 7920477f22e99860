"""What a fit says at its solution: covariance, step bias, distances."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..observe import total_variation
from .data import Correlated, Data, Multinomial
from .ensemble_noise import Whitening
from .goodness import p_value
from .identifiability import Identifiability, analyse
from .polish import jacobian
from .problem import FitProblem, Weights, residuals_of, trajectory_of, weights_of


def predict(problem: FitProblem, theta: Array) -> Array:
    """`FitProblem.predict`, compiled."""
    return problem.rows_of(trajectory_of(problem, theta).values)


class Solution(eqx.Module):
    """Covariance and step bias at a solution; a pure function of the fit.

    Attributes:
        theta: constants, shape (p,).
        at: what weights are taken from.
        cost: sum of squared residuals, scalar.
        dof: degrees of freedom: independent values less constants, scalar.
        chi2: cost per degree of freedom, scalar.
        p_value: probability of a cost as large as this for noise that is known, else 1.
        covariance: of the constants, from the scatter of the data alone, (p, p).
        analysis: singular values and null directions of the scaled Jacobian.
        bias: shift of the solution that half the step would bring, by linear response,
            shape (p,).
        stderr: standard errors from the scatter of the data, shape (p,).
        errors: standard errors with step bias and rounding, shape (p,).
        ended: how the run at the solution ended, a `jqd.Status`.
    """

    theta: Float[Array, " p"]
    at: Weights
    cost: Float[Array, ""]
    dof: Float[Array, ""]
    chi2: Float[Array, ""]
    p_value: Float[Array, ""]
    covariance: Float[Array, "p p"]
    analysis: Identifiability
    bias: Float[Array, " p"]
    stderr: Float[Array, " p"]
    errors: Float[Array, " p"]
    ended: Int[Array, ""]


def solution(
    problem: FitProblem, theta: Array, mask: Array, *, judge_steps: bool = False
) -> Solution:
    """What the fit says at `theta`.

    Args:
        problem: the fit.
        theta: constants, shape (p,).
        mask: weight of each row, shape (T,).
        judge_steps: whether null directions are judged against the Jacobian with half
            the step.
    """
    data = problem.data
    low, high = problem.bounds()
    width = high - low
    run = trajectory_of(problem, theta)
    at = weights_of(problem, theta, problem.rows_of(run.values))
    residuals, slope = jacobian(problem, theta, at, mask)
    inverse, fine_slope = _inverse(slope, width), None
    bias = jnp.zeros_like(theta)
    if problem.order is not None:
        # a judgement of the steps, not a result: no gradient flows through it
        where, weights = jax.lax.stop_gradient((theta, at))
        finer = jax.lax.stop_gradient(problem.with_substeps(2 * problem.substeps))
        if judge_steps:
            fine, fine_slope = jacobian(finer, where, weights, mask)
        else:
            fine = residuals_of(finer, where, weights, mask)
        shift = inverse @ (slope.T @ (residuals - fine))
        bias = shift * 2**problem.order / (2**problem.order - 1)
    cost = jnp.sum(residuals**2)
    dof = independent(data, mask, at) - theta.shape[0]
    chi2 = cost / jnp.maximum(dof, 1)
    excess = 0.0
    if isinstance(data.noise, Multinomial):
        excess = data.noise.excess(data.values, at, mask)
    p = p_value(cost, dof, excess) if data.noise.known else jnp.ones_like(cost)
    covariance = inverse * (1.0 if data.noise.known else chi2)
    analysis = analyse(slope, width, problem.labels(), fine_slope)
    stderr = jnp.sqrt(jnp.diagonal(covariance))
    # scatter and step bias have nothing to do with each other: add in squares
    errors = jnp.hypot(stderr, jnp.abs(bias))
    # no number is known better than its rounding
    rounding = 8 * jnp.finfo(theta.dtype).eps * jnp.abs(theta)
    return Solution(
        theta, at, cost, dof, chi2, p, covariance, analysis, bias, stderr,
        jnp.maximum(errors, rounding), jnp.asarray(run.status),
    )  # fmt: skip


@jax.jit
def solution_of(problem: FitProblem, theta: Array, mask: Array) -> Solution:
    """`solution`, compiled once for all constants and steps."""
    return solution(problem, theta, mask)


def _inverse(jacobian: Array, width: Array) -> Array:
    """(J^T J)^-1 by singular values of the scaled Jacobian."""
    _, values, directions = jnp.linalg.svd(
        jacobian * width[None, :], full_matrices=False
    )
    tiny = jnp.finfo(values.dtype).tiny
    spread = directions * (width[None, :] / jnp.maximum(values, tiny)[:, None])
    return spread.T @ spread


def held_out_distance(
    prediction: Array, shares: Array, train: int
) -> Float[Array, ""] | None:
    """Mean total variation over held-out rows; plain differences for densities.

    Args:
        prediction: shape (T, ...).
        shares: the record, like it.
        train: rows that are not held out, from the first on.
    """
    if train == shares.shape[0]:
        return None
    mean = jnp.mean(jnp.abs(prediction[train:] - shares[train:]))
    if shares.ndim != 2:
        return mean
    variation = jnp.mean(total_variation(prediction[train:], shares[train:]))
    return jnp.where(_sum_to_one(shares, 1e-3), variation, mean)


def independent(data: Data, mask: Array, at: Any) -> Float[Array, ""]:
    """Number of independent values: shares that sum to 1 have one fewer a row."""
    if isinstance(at, Whitening):
        return at.independent(mask)
    if isinstance(data.noise, Correlated):
        return jnp.sum(jnp.where(mask > 0, data.noise.rank(), 0.0))
    shares = data.shares
    each = math.prod(shares.shape[1:])
    tied = shares.ndim == 2 and _sum_to_one(shares, 1e-6)
    return jnp.sum(mask > 0) * (each - jnp.asarray(tied))


def _sum_to_one(shares: Array, tolerance: float) -> Array:
    return jnp.all(jnp.abs(jnp.sum(shares, axis=-1) - 1) < tolerance)


@jax.jit
def reached(problem: FitProblem, ends: Array, best: Array) -> Array:
    """Which ends agree with the best fit to 1e-4 of the span of the starts."""
    low, high = problem.bounds()
    return jnp.max(jnp.abs(ends - best[None, :]) / (high - low)[None, :], axis=1) < 1e-4
