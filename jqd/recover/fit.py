"""`recover`: fit the free constants of a law to a record."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..evolve import Adaptive, Fixed, Propagator
from ..observe import total_variation
from ..steppers import rk4
from .data import Data
from .identifiability import Identifiability, analyse, refuse_degenerate
from .polish import Polish, jacobian, polish_all, polish_one
from .problem import PHASES, FitProblem, residuals_of, trajectory_of
from .recovery import Constant, Recovery
from .search import Keep, Report, Search, run_search

SEARCH_ERROR = 1e-3  # step error of predictions that a search may carry
MAX_SUBSTEPS = 4096


def recover(
    law: Any,
    data: Data | tuple[ArrayLike, ArrayLike] | Any,
    *,
    psi0: Any,
    free: Sequence[str],
    start: Mapping[str, ArrayLike] | None = None,
    starts: int | ArrayLike = 32,
    observe: Any = "density",
    search: Search | None = Search(),  # noqa: B008 - frozen settings
    polish: Polish | None = Polish(),  # noqa: B008 - frozen settings
    method: Fixed | Adaptive | Propagator = Fixed(rk4),  # noqa: B008
    substeps: int | None = None,
    held_out: float = 0.2,
    step_tolerance: float | None = None,
    key: Array | None = None,
    report: Report | None = None,
    keep: Keep | None = None,
) -> Recovery:
    """Fit free constants of a law to a record of quantum evolution.

    The search carries many starts downhill (optax, over growing windows of time); the
    polish takes them to rounding (Levenberg-Marquardt), refines the step until its bias
    is negligible, and yields covariance and error bars. Part of the record is held out
    and predicted before the final fit to all of it.

    Args:
        law: the law; constants that are not free keep their values.
        data: a `Data`, a pair (ts, values), or an `xarray.DataArray` over "t".
        psi0: quantum state at `data.t0`; prepared by `law.prepare`.
        free: names of the constants to fit, e.g. ("q", "r"); "phase0" for unknown
            initial phases.
        start: where to start, by name ("R") or label ("R[0,1]"); the other starts are
            drawn from `law.span`.
        starts: number of starts, or an array of them, shape (S, p).
        observe: what the record shows, as for `jqd.evolve`.
        search: settings of the search; None to polish the starts as they are.
        polish: settings of the polish; None to stop after the search.
        method: how to evolve; the step of `Fixed` is found by the fit.
        substeps: steps between two rows in the search; None to find them.
        held_out: share of the last rows that is held out.
        step_tolerance: bound on the step bias of a constant; None for 1e-10, or a
            hundredth of the standard error where that is larger.
        key: of the random starts; None for `jax.random.key(0)`.
        report: called as report(stage, done, total).
        keep: called as keep(starts, ends, history) after each window of the search, so
            that a run that is killed leaves what it has found.

    Returns:
        The recovery.

    Raises:
        ValueError: unknown names, shapes that differ, float64 off.
        Unidentifiable: (a ValueError) the data cannot tell the constants apart.
    """
    _checks.require_x64("jqd.recover")
    data = _as_data(data)
    free = _free_names(law, free)
    if not 0 <= held_out < 1:
        raise ValueError(f"Argument `held_out` must be in [0, 1), but is {held_out}.")
    report = report or (lambda stage, done, total: None)
    problem = FitProblem(
        law, law.prepare(psi0), data, free, observe, method
    ).with_substeps(1)
    theta0 = _start(problem, start)
    _check_shapes(problem, theta0)
    problem = problem.with_substeps(substeps or _search_substeps(problem, theta0))
    first = _draw(problem, theta0, start, starts, key)
    _refuse(problem, first)
    train = _train_rows(data.ts.shape[0], held_out, theta0.shape[0])

    ends, history = first, jnp.zeros((first.shape[0], 0))
    if search is not None:
        ends, history = run_search(search, problem, first, train, report, keep)
    masks = _masks(data.ts, train)
    ends, costs, sound = _polish_starts(polish, problem, ends, masks[0], report)
    best = int(jnp.nanargmin(jnp.where(sound, costs, jnp.inf)))
    near = _reached(problem, ends, ends[best]) & sound
    fit = _Final(problem, ends[best], masks, polish, step_tolerance, report)
    return fit.recovery(first, ends, near, history, theta0, train)


def predict(problem: FitProblem, theta: Array) -> Array:
    """`FitProblem.predict`, compiled."""
    return problem.rows_of(trajectory_of(problem, theta).values)


class _Final:
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
            status="converged" if converged else "not converged",
            message=self._message(converged, trajectory),
        )

    def _message(self, converged, trajectory) -> str:
        if not bool(trajectory.ok):
            return f"The best fit does not reach the last time: {trajectory.describe()}"
        if not converged:
            return "The polish stopped before it settled; give more starts or rows."
        if self.polish is None:
            return "Found by the search alone, without a polish."
        return f"The polish settled with {self.problem.substeps} steps a row."

    def _constants(self) -> dict[str, Constant]:
        biases = jnp.abs(self.solution.bias())
        # scatter and step bias have nothing to do with each other: add in squares
        errors = jnp.hypot(self.solution.stderr, biases)
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
        self.at = jnp.where(jnp.isfinite(prediction), prediction, data.shares)
        self.residuals, self.jacobian = jacobian(problem, theta, self.at, mask)
        low, high = problem.bounds()
        self.width = high - low
        self.analysis = analyse(self.jacobian, self.width, problem.labels())
        dof = max(1, _independent(data, mask) - theta.shape[0])
        chi2 = float(jnp.sum(self.residuals**2)) / dof
        self.chi2_per_dof = chi2 if data.noise.known else None
        scale = 1.0 if data.noise.known else chi2
        self.covariance = scale * _inverse(self.jacobian, self.width)
        self.stderr = jnp.sqrt(jnp.diagonal(self.covariance))

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
    if problem.order is None or bias <= tolerance:
        return problem
    factor = math.ceil(1.2 * (bias / tolerance) ** (1 / problem.order))
    return problem.with_substeps(min(int(problem.substeps) * factor, MAX_SUBSTEPS))


def _as_data(data: Any) -> Data:
    if isinstance(data, Data):
        return data
    if hasattr(data, "dims") and hasattr(data, "coords"):
        if "t" not in data.coords:
            raise ValueError(
                "Argument `data` must have a coordinate `t`, but has "
                f"{sorted(map(str, data.coords))}."
            )
        return Data(np.asarray(data.coords["t"]), np.asarray(data.transpose("t", ...)))
    if isinstance(data, tuple) and len(data) == 2:
        return Data(*data)
    raise ValueError(
        "Argument `data` must be a Data, a pair (ts, values) or an xarray.DataArray, "
        f"but is a {type(data).__name__}."
    )


def _free_names(law: Any, free: Sequence[str]) -> tuple[str, ...]:
    names = (free,) if isinstance(free, str) else tuple(free)
    known = law.constant_names()
    for name in names:
        _checks.check_choice(name, "free", (*known, PHASES))
    if len(set(names)) != len(names) or not names:
        raise ValueError(
            "Argument `free` must name each constant once and at least one, but is "
            f"{names}."
        )
    return names


def _start(problem: FitProblem, start: Mapping[str, ArrayLike] | None) -> Array:
    """The first start: given values, the law's own for the rest."""
    labels = problem.labels()
    for name in start or {}:
        _checks.check_choice(
            name, "start", tuple(dict.fromkeys((*problem.free, *labels)))
        )
    parts = []
    for name in problem.free:
        own = problem.pack(name)
        value = jnp.asarray((start or {}).get(name, own), own.dtype)
        _checks.check_finite(value, f"start[{name}]")
        parts.append(jnp.broadcast_to(jnp.ravel(value), own.shape))
    theta = jnp.concatenate(parts)
    for label in set(start or {}) - set(problem.free):
        theta = theta.at[labels.index(label)].set(jnp.asarray((start or {})[label]))
    return theta


def _check_shapes(problem: FitProblem, theta: Array) -> None:
    shape = jax.eval_shape(problem.predict, theta).shape
    if shape != problem.data.values.shape:
        raise ValueError(
            f"Argument `data` must have shape {shape} like the law's prediction, but "
            f"has shape {problem.data.values.shape}."
        )


def _search_substeps(problem: FitProblem, theta: Array) -> int:
    """Steps between rows with which predictions are good to `SEARCH_ERROR`."""
    if problem.order is None:
        return 1
    substeps = 1
    for _ in range(4):
        coarse = predict(problem.with_substeps(substeps), theta)
        fine = predict(problem.with_substeps(2 * substeps), theta)
        error = float(jnp.max(jnp.nan_to_num(jnp.abs(coarse - fine), nan=1.0)))
        if error < SEARCH_ERROR:
            break
        factor = 1.2 * (error / SEARCH_ERROR) ** (1 / problem.order)
        substeps = min(MAX_SUBSTEPS, substeps * max(2, math.ceil(factor)))
    return substeps


def _draw(problem, theta0, start, starts, key) -> Array:
    """Starts, shape (S, p): the given one first, then uniform over the span."""
    if not isinstance(starts, int):
        given = jnp.asarray(starts, theta0.dtype)
        _checks.check_shape(given, "starts", (given.shape[0], theta0.shape[0]))
        _checks.check_finite(given, "starts")
        return given
    if starts < 1:
        raise ValueError(f"Argument `starts` must be at least 1, but is {starts}.")
    key = jax.random.key(0) if key is None else key
    low, high = problem.bounds()
    uniform = jax.random.uniform(key, (starts, theta0.shape[0]), theta0.dtype)
    drawn = low[None, :] + uniform * (high - low)[None, :]
    return drawn if start is None else drawn.at[0].set(theta0)


def identifiability(problem: FitProblem, theta: Array) -> Identifiability:
    """What the record can tell at these constants.

    Args:
        problem: the fit; the record's values matter only through their weights.
        theta: constants, shape (p,).

    Returns:
        Singular values and null directions of the Jacobian, judged against the
        Jacobian with half the step.
    """
    low, high = problem.bounds()
    shares, mask = problem.data.shares, jnp.ones_like(problem.data.ts)
    at = jnp.where(shares > 0, shares, 1)
    finer = problem.with_substeps(2 * problem.substeps)
    coarse, fine = (jacobian(each, theta, at, mask)[1] for each in (problem, finer))
    return analyse(coarse, high - low, problem.labels(), fine)


def _refuse(problem: FitProblem, starts: Array) -> None:
    """Refuse degenerate fits, looking at a few starts with small steps."""
    fine = problem.with_substeps(8 * problem.substeps)
    points = [problem.theta(), *starts[:2]]
    refuse_degenerate([identifiability(fine, theta) for theta in points])


def _train_rows(rows: int, held_out: float, free: int) -> int:
    """Rows to train on; too short a record is not split."""
    train = rows - math.floor(held_out * rows)
    return train if train > 2 * free else rows


def _masks(ts: Array, train: int) -> tuple[Array, Array]:
    every = jnp.ones_like(ts)
    return jnp.where(jnp.arange(ts.shape[0]) < train, every, 0), every


def _polish_starts(polish, problem, ends, mask, report):
    report("polish", 0, 4)
    if polish is None:
        shares = problem.data.shares
        costs = jax.vmap(
            lambda theta: jnp.sum(problem.residuals(theta, shares, mask) ** 2)
        )(ends)
        return ends, costs, jnp.isfinite(costs)
    ends, costs, _ = polish_all(polish, problem, ends, mask)
    report("polish", 1, 4)
    return ends, costs, jnp.isfinite(costs) & jnp.all(jnp.isfinite(ends), axis=1)


def _reached(problem: FitProblem, ends: Array, best: Array) -> Array:
    """Which ends agree with the best fit to 1e-4 of the span of the starts."""
    low, high = problem.bounds()
    return jnp.max(jnp.abs(ends - best[None, :]) / (high - low)[None, :], axis=1) < 1e-4


def _distance(prediction: Array, shares: Array, train: int) -> float | None:
    """Mean total variation over held-out rows; plain differences for densities."""
    if train == shares.shape[0]:
        return None
    gap = jnp.abs(prediction[train:] - shares[train:])
    sums = jnp.sum(shares, axis=-1)
    if gap.ndim == 2 and bool(jnp.all(jnp.abs(sums - 1) < 1e-3)):
        return float(jnp.mean(total_variation(prediction[train:], shares[train:])))
    return float(jnp.mean(gap))


def _independent(data: Data, mask: Array) -> int:
    """Number of independent values: shares that sum to 1 have one fewer a row."""
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
