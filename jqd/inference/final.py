"""The end of a fit: fine steps, held-out rows, all rows, error bars."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..laws import constants
from .ensemble_noise import Whitening
from .goodness import MISFIT, MISFIT_P, misfit_message
from .polish import polish_one
from .problem import FitProblem, bounds_of, trajectory_of
from .recovery import Constant, Recovery
from .solution import Solution, held_out_distance, predict, solution_of

MAX_SUBSTEPS = 4096
NOISE_INVALID = "linear noise not valid"


class FinalFit:
    """The last stage: fine steps, held-out rows, all rows, error bars."""

    def __init__(self, problem, theta, masks, polish, step_tolerance, report):
        self.polish, self.masks, self.report = polish, masks, report
        tolerance = step_tolerance or 1e-10
        coarse = solution_of(problem, theta, masks[1])
        # scatter that is estimated from coarse steps would hide their own bias
        if step_tolerance is None and problem.data.noise.known:
            tolerance = max(tolerance, 0.01 * float(np.min(coarse.stderr)))
        self.problem = _refined(problem, coarse.bias, tolerance)
        report("polish", 2, 4)
        self.theta, self.ok = self._solve(theta, masks[1])
        self.solution = solution_of(self.problem, self.theta, masks[1])
        # the first estimate came from coarse steps; the finer one may ask for more
        for _ in range(2 if polish else 0):
            enough = max(tolerance, _share_of_scatter(self.solution, step_tolerance))
            finer = _refined(self.problem, self.solution.bias, enough)
            if int(finer.substeps) == int(self.problem.substeps):
                break
            self.problem = finer
            self.theta, self.ok = self._solve(self.theta, masks[1])
            self.solution = solution_of(self.problem, self.theta, masks[1])
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
        before = predict(problem, np.asarray(first)[0])
        held = _float(_distance(predict(problem, self.held_theta), data.shares, train))
        converged = self.ok and reached and bool(np.isfinite(self.theta).all())
        return Recovery(
            law_name=type(problem.law).__name__,
            law=law,
            constants=self._constants(),
            covariance=self.solution.covariance,
            singular_values=self.solution.analysis.singular_values,
            null_directions=self.solution.analysis.null_directions,
            starts=first,
            ends=ends,
            agree=near,
            history=history,
            held_out=held,
            held_out_start=_float(_distance(before, data.shares, train)),
            held_out_rows=data.ts.shape[0] - train,
            chi2_per_dof=float(self.solution.chi2) if data.noise.known else None,
            p_value=float(self.solution.p_value) if data.noise.known else None,
            prediction=problem.rows_of(trajectory.values),
            start_prediction=before,
            ts=data.ts,
            observed=data.shares,
            substeps=int(problem.substeps),
            problem=problem,
            status=self._status(converged),
            message=self._message(converged, trajectory),
        )

    @property
    def _complaint(self) -> str | None:
        """Why the standard errors do not hold, or None."""
        at = self.solution.at
        return at.complaint if isinstance(at, Whitening) else None

    def _status(self, converged) -> str:
        if not converged:
            return "not converged"
        if self._complaint:
            return NOISE_INVALID
        return MISFIT if self._misfit else "converged"

    @property
    def _misfit(self) -> bool:
        return float(self.solution.p_value) < MISFIT_P

    def _message(self, converged, trajectory) -> str:
        if not bool(trajectory.ok):
            said = trajectory.describe()
            return f"The run of the best fit does not hold to the last time: {said}"
        if not converged:
            return "The polish stopped before it settled; give more starts or rows."
        if self._complaint:
            return self._complaint
        if self._misfit:
            found = self.solution
            return misfit_message(float(found.chi2), float(found.p_value))
        if self.polish is None:
            return "Found by the search alone, without a polish."
        return f"The polish settled with {self.problem.substeps} steps a row."

    def _constants(self) -> dict[str, Constant]:
        entries = zip(
            self.problem.labels(), np.asarray(self.theta),
            np.asarray(self.solution.errors),
            np.abs(self.solution.bias), np.asarray(self.solution.stderr),
            references(self.problem), strict=True,
        )  # fmt: skip
        return {
            label: Constant(
                label,
                float(value),
                float(error),
                float(bias),
                reference,
                float(scatter),
            )
            for label, value, error, bias, scatter, reference in entries
        }


def _share_of_scatter(found: Solution, step_tolerance: float | None) -> float:
    """A thousandth of the standard error, where the scatter is that of the record.

    The scatter that steps make is no smaller than their bias.
    """
    stderr = float(np.min(found.stderr))
    bias = float(np.max(np.abs(found.bias)))
    return 1e-3 * stderr if step_tolerance is None and bias < 0.01 * stderr else 0.0


def _refined(problem: FitProblem, biases: Array, tolerance: float) -> FitProblem:
    """The problem with a step whose bias is below the tolerance."""
    bias = float(np.max(np.abs(biases)))
    # a bias that is none: the run ends early, which the status will say; one beyond all
    # starts: the fit is no minimum that finer steps could sharpen
    low, high = map(np.asarray, bounds_of(problem))
    small = bias < float(np.max(high - low))
    if problem.order is None or bias <= tolerance or not small:
        return problem
    factor = math.ceil(1.2 * (bias / tolerance) ** (1 / problem.order))
    return problem.with_substeps(min(int(problem.substeps) * factor, MAX_SUBSTEPS))


def row_masks(ts: Array, train: int) -> tuple[Array, Array]:
    every = jnp.ones_like(ts)
    return jnp.where(jnp.arange(ts.shape[0]) < train, every, 0), every


def references(problem: FitProblem) -> list[float | None]:
    """The quantum value for each entry of theta."""
    known = constants.quantum_values(problem.law)
    return [
        known.get(name)
        for name in problem.free
        for _ in range(problem.pack(name).shape[0])
    ]


_distance = jax.jit(held_out_distance, static_argnums=2)


def _float(value: Array | None) -> float | None:
    return None if value is None else float(value)
