"""The end of a fit: fine steps, held-out rows, all rows, error bars."""

import math

import jax.numpy as jnp
from jaxtyping import Array

from ..observe import total_variation
from .data import Data
from .ensemble_noise import Whitening
from .identifiability import analyse
from .polish import jacobian, polish_one
from .problem import (
    FitProblem,
    Weights,
    residuals_of,
    trajectory_of,
    weights_of,
)
from .recovery import Constant, Recovery

MAX_SUBSTEPS = 4096
NOISE_INVALID = "linear noise not valid"


def predict(problem: FitProblem, theta: Array) -> Array:
    """`FitProblem.predict`, compiled."""
    return problem.rows_of(trajectory_of(problem, theta).values)


class FinalFit:
    """The last stage: fine steps, held-out rows, all rows, error bars."""

    def __init__(self, problem, theta, masks, polish, step_tolerance, report):
        self.polish, self.masks, self.report = polish, masks, report
        tolerance = step_tolerance or 1e-10
        coarse = _Solution(problem, theta, masks[1])
        # scatter that is estimated from coarse steps would hide their own bias
        if step_tolerance is None and problem.data.noise.known:
            tolerance = max(tolerance, 0.01 * float(jnp.min(coarse.stderr)))
        self.problem = _refined(problem, coarse.bias(), tolerance)
        report("polish", 2, 4)
        self.theta, self.ok = self._solve(theta, masks[1])
        self.solution = _Solution(self.problem, self.theta, masks[1])
        # the first estimate came from coarse steps; the finer one may ask for more
        for _ in range(2 if polish else 0):
            finer = _refined(self.problem, self.solution.bias(), tolerance)
            if int(finer.substeps) == int(self.problem.substeps):
                break
            self.problem = finer
            self.theta, self.ok = self._solve(self.theta, masks[1])
            self.solution = _Solution(self.problem, self.theta, masks[1])
        report("polish", 3, 4)
        self.held_theta, _ = self._solve(self.theta, masks[0])
        report("polish", 4, 4)

    def _solve(self, theta, mask):
        if self.polish is None:
            return theta, True
        theta, _, ok = polish_one(self.polish, self.problem, theta, mask)
        return theta, bool(ok)

    def recovery(self, first, ends, near, history, theta0, train) -> Recovery:
        problem, data = self.problem, self.problem.data
        law, _ = problem.at(self.theta)
        trajectory = trajectory_of(problem, self.theta)
        reached = bool(trajectory.ok)
        before = predict(problem, first[0])
        held = _distance(predict(problem, self.held_theta), data.shares, train)
        converged = self.ok and reached and bool(jnp.isfinite(self.theta).all())
        return Recovery(
            law_name=type(problem.law).__name__,
            law=law,
            constants=self._constants(),
            covariance=self.solution.covariance,
            singular_values=self.solution.analysis.singular_values,
            null_directions=self.solution.analysis.null_directions,
            starts=first,
            ends=ends,
            converged=near,
            history=history,
            held_out=held,
            held_out_start=_distance(before, data.shares, train),
            held_out_rows=data.ts.shape[0] - train,
            chi2_per_dof=self.solution.chi2_per_dof,
            prediction=problem.rows_of(trajectory.values),
            start_prediction=before,
            ts=data.ts,
            observed=data.shares,
            substeps=int(problem.substeps),
            problem=problem,
            status=self._status(converged),
            message=self._message(converged, trajectory),
        )

    def _status(self, converged) -> str:
        if not converged:
            return "not converged"
        return NOISE_INVALID if self.solution.complaint else "converged"

    def _message(self, converged, trajectory) -> str:
        if not bool(trajectory.ok):
            return f"The best fit does not reach the last time: {trajectory.describe()}"
        if not converged:
            return "The polish stopped before it settled; give more starts or rows."
        if self.solution.complaint:
            return self.solution.complaint
        if self.polish is None:
            return "Found by the search alone, without a polish."
        return f"The polish settled with {self.problem.substeps} steps a row."

    def _constants(self) -> dict[str, Constant]:
        biases = jnp.abs(self.solution.bias())
        # scatter and step bias have nothing to do with each other: add in squares
        errors = jnp.hypot(self.solution.stderr, biases)
        # no number is known better than its rounding
        rounding = 8 * jnp.finfo(self.theta.dtype).eps * jnp.abs(self.theta)
        errors = jnp.maximum(errors, rounding)
        entries = zip(
            self.problem.labels(), self.theta, errors, biases,
            _references(self.problem), strict=True,
        )  # fmt: skip
        return {
            label: Constant(label, float(value), float(error), float(bias), reference)
            for label, value, error, bias, reference in entries
        }


class _Solution:
    """Covariance and step bias at a solution."""

    def __init__(self, problem: FitProblem, theta: Array, mask: Array):
        self.problem, self.theta, self.mask = problem, theta, mask
        data = problem.data
        prediction = predict(problem, theta)
        self.at = weights_of(problem, theta, prediction)
        self.residuals, self.jacobian = jacobian(problem, theta, self.at, mask)
        low, high = problem.bounds()
        self.width = high - low
        self.analysis = analyse(self.jacobian, self.width, problem.labels())
        dof = max(1, _independent(data, mask, self.at) - theta.shape[0])
        chi2 = float(jnp.sum(self.residuals**2)) / dof
        self.chi2_per_dof = chi2 if data.noise.known else None
        scale = 1.0 if data.noise.known else chi2
        self.covariance = scale * _inverse(self.jacobian, self.width)
        self.stderr = jnp.sqrt(jnp.diagonal(self.covariance))

    @property
    def complaint(self) -> str | None:
        """Why the standard errors do not hold, or None."""
        return self.at.complaint if isinstance(self.at, Whitening) else None

    def bias(self) -> Array:
        """Shift of the solution that half the step would bring, by linear response."""
        order = self.problem.order
        if order is None:
            return jnp.zeros_like(self.theta)
        finer = self.problem.with_substeps(2 * self.problem.substeps)
        change = self.residuals - residuals_of(finer, self.theta, self.at, self.mask)
        shift = _inverse(self.jacobian, self.width) @ (self.jacobian.T @ change)
        return shift * 2**order / (2**order - 1)


def _inverse(jacobian: Array, width: Array) -> Array:
    """(J^T J)^-1 by singular values of the scaled Jacobian."""
    _, values, directions = jnp.linalg.svd(
        jacobian * width[None, :], full_matrices=False
    )
    tiny = jnp.finfo(values.dtype).tiny
    spread = directions * (width[None, :] / jnp.maximum(values, tiny)[:, None])
    return spread.T @ spread


def _refined(problem: FitProblem, biases: Array, tolerance: float) -> FitProblem:
    """The problem with a step whose bias is below the tolerance."""
    bias = float(jnp.max(jnp.abs(biases)))
    # a bias that is none: the run ends early, which the status will say; one beyond all
    # starts: the fit is no minimum that finer steps could sharpen
    low, high = problem.bounds()
    small = bias < float(jnp.max(high - low))
    if problem.order is None or bias <= tolerance or not small:
        return problem
    factor = math.ceil(1.2 * (bias / tolerance) ** (1 / problem.order))
    return problem.with_substeps(min(int(problem.substeps) * factor, MAX_SUBSTEPS))


def row_masks(ts: Array, train: int) -> tuple[Array, Array]:
    every = jnp.ones_like(ts)
    return jnp.where(jnp.arange(ts.shape[0]) < train, every, 0), every


def _distance(prediction: Array, shares: Array, train: int) -> float | None:
    """Mean total variation over held-out rows; plain differences for densities."""
    if train == shares.shape[0]:
        return None
    gap = jnp.abs(prediction[train:] - shares[train:])
    sums = jnp.sum(shares, axis=-1)
    if gap.ndim == 2 and bool(jnp.all(jnp.abs(sums - 1) < 1e-3)):
        return float(jnp.mean(total_variation(prediction[train:], shares[train:])))
    return float(jnp.mean(gap))


def _independent(data: Data, mask: Array, at: Weights) -> int:
    """Number of independent values: shares that sum to 1 have one fewer a row."""
    if isinstance(at, Whitening):
        return int(at.independent(mask))
    shares = data.shares
    each = math.prod(shares.shape[1:])
    tied = shares.ndim == 2 and bool(
        jnp.all(jnp.abs(jnp.sum(shares, axis=-1) - 1) < 1e-6)
    )
    return int(jnp.sum(mask > 0)) * (each - int(tied))


def _references(problem: FitProblem) -> list[float | None]:
    """The quantum value for each entry of theta."""
    known = problem.law.quantum_values()
    return [
        known.get(name)
        for name in problem.free
        for _ in range(problem.pack(name).shape[0])
    ]
