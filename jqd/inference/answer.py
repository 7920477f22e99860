"""`recover`: a fit, refined and tested, as a readable result; names as in `fit`."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from .. import _checks, _html
from .._lazy import above
from ..evolution import Adaptive, Fixed, Propagator, Trajectory
from ..instruments import DirichletMultinomial
from ..instruments.noise import Drawable
from ..laws.motion import Motion
from ..records.record import Record
from ..status import Status
from .constant import Constant, constants_table
from .fit import begin, find, fit, missed, row_masks, settle
from .goodness import (
    MISFIT,
    MISFIT_P,
    TOO_SMALL_P,
    Runs,
    misfit_message,
    pulled_message,
    runs_of,
    scatter_message,
)
from .hidden import hidden
from .identifiability import refuse, refuse_names
from .joint import study_of
from .limits import LEVEL, Limit, limit_of
from .parts import Part, parts_of
from .pattern import Pattern, pattern_of
from .polish import Polish
from .priors import PULLED
from .search import Keep, Report, Search
from .solution import Solution, constants_of, solution, status_of
from .study import MAX_SUBSTEPS, Study

_log = logging.getLogger(__name__)
# Integration error allowed in a search, over the largest value of the data.
SEARCH_ERROR = 1e-3
# Step bias of a constant that is accepted, over the span of its initial guesses.
STEP_BIAS = 1e-10
# Error of a constant by quadrature nodes that the message of a fit mentions, over its
# standard error from scatter.
NODES_SHARE = 0.1
WORDS = {
    Status.OK: "converged",
    Status.NOT_CONVERGED: "not converged",
    Status.UNIDENTIFIABLE: "constants not determined",
    Status.NOISE_INVALID: "linear noise not valid",
    Status.MISFIT: MISFIT,
}


class Recovery(eqx.Module):
    """The outcome of a fit.

    Attributes:
        law_name: class name of the law (static).
        law: the law with the recovered constants; of several studies that of the first.
        constants, covariance, singular_values, ends, agree, held_out, chi2_per_dof,
            p_value: as of a `Fit`, with numbers, and None where there is none.
        null_directions: combinations of constants that the data cannot determine, unit
            vectors in the constants' own units, shape (null, p).
        starts: initial guesses of the search, shape (S, p).
        history: loss from each initial guess at each step of the search, (S, steps).
        held_out_start: `held_out` for the law as it was before the fit.
        held_out_rows: number of rows held out (static).
        prediction: prediction of the recovered constants, like the data.
        start_prediction: prediction of the first initial guess.
        ts: times of the data, shape (T,); of several studies the numbers of the values,
            which stand in one row, as do the predictions.
        observed: the data on the scale of the predictions.
        substeps: steps between two rows in the final fit (static).
        study: the study that was fitted, for predictions and losses elsewhere.
        runs: runs of the signs of residuals over time, which show a missing decay
            before chi-square does; None for few rows, or correlated ones.
        pattern: pattern of the residuals of a misfit in time; None where `p_value` is
            no smaller than 1e-3, but for one of more than a row where the scatter of
            counts is fitted, where nothing was tested, and for a `Scan`.
        status: "converged"; "not converged"; "constants not determined" where the data
            leave some open at the best fit; or, for a fit that converged and whose
            standard errors do not hold, "linear noise not valid" or "the law does not
            describe the record", where `p_value` is below 1e-3, or where a fitted
            scatter would hide a pattern (static).
        message: what the status means here, and what to know of the errors (static).
        parts: what each of several studies adds to chi-square; () for one (static).
    """

    law_name: str = eqx.field(static=True)
    law: Motion
    constants: dict[str, Constant]
    covariance: Float[Array, "p p"]
    singular_values: Float[Array, " p"]
    null_directions: Float[Array, "null p"]
    starts: Float[Array, "S p"]
    ends: Float[Array, "S p"]
    agree: Bool[Array, " S"]
    history: Float[Array, "S steps"]
    held_out: float | None
    held_out_start: float | None
    held_out_rows: int = eqx.field(static=True)
    chi2_per_dof: float | None
    p_value: float | None
    prediction: Array
    start_prediction: Array
    ts: Float[Array, " T"]
    observed: Array
    substeps: int = eqx.field(static=True)
    study: Study
    runs: Runs | None = eqx.field(static=True)
    pattern: Pattern | None = eqx.field(static=True)
    status: str = eqx.field(static=True)
    message: str = eqx.field(static=True)
    parts: tuple[Part, ...] = eqx.field(static=True, default=())

    def beside(self, truth: Mapping[str, ArrayLike]) -> "Recovery":
        """The recovery with the true constants of synthetic data beside its own.

        Args:
            truth: by name of a constant; names that were not free do not matter.

        Returns:
            The same, with these values as `reference` of the constants.
        """
        known = {}
        for slot in self.study.slots.free:
            if slot.name in truth:
                values = np.ravel(np.asarray(truth[slot.name]))
                known |= dict(zip(slot.labels, map(float, values), strict=True))
        constants = {
            label: replace(constant, reference=known.get(label, constant.reference))
            for label, constant in self.constants.items()
        }
        return replace(self, constants=constants)

    def limit(self, name: str, level: float = LEVEL) -> Limit:
        """State how far a constant may be from its value in quantum mechanics.

        |x - x_QM| < max(|low - x_QM|, |high - x_QM|)

        [low, high] is the two-sided interval at this confidence: best fit -+ z standard
        errors where the likelihood is normal to 10 % at z errors, or at two where z is
        smaller, else all x with

            2 ln L(best fit) - 2 max ln L(x, other constants) <= z²

        found by fits of the other constants, with time steps so short that shorter ones
        do not move the ends; `level` of the limit then says "by profile likelihood".
        Limits of constants at their bounds are found in the same way. z is Student's
        quantile where the fit estimates the scatter. An end that the data leave beyond
        a bound of the constant is this bound; if that is the limit, `more` says so.

        Args:
            name: label of a free constant ("q", "R[0,1]").
            level: confidence, between 0 and 1.

        Returns:
            The limit, with numbers `limit`, `low` and `high` in the unit of the
            constant; as text it is a sentence.

        Raises:
            ValueError: no such constant, or none with a limit: the law does not
                describe the data, quantum mechanics has no value of it, or one that
                changes with other fitted constants, or its interval has no end.
        """
        return limit_of(self, name, level)

    @property
    def theta(self) -> np.ndarray:
        """The recovered constants as one vector, shape (p,)."""
        return np.array([constant.value for constant in self.constants.values()])

    @property
    def agreeing_starts(self) -> float:
        """Share of initial guesses that reached the best fit."""
        return float(np.mean(np.asarray(self.agree)))

    @property
    def errors_hold(self) -> bool:
        """Whether the fit converged, has standard errors, and no test speaks against
        them."""
        every = all(one.holds for one in self.constants.values())
        return self.status == "converged" and every

    @property
    def pulled(self) -> tuple[str, ...]:
        """Nuisances that the data pull from their priors by more than 3 widths."""
        return tuple(_pulled(self.study, self.constants))

    @property
    def scatter_too_small(self) -> bool:
        """Whether residuals are so small that chance makes them so 1 time in 1000."""
        return self.p_value is not None and self.p_value > TOO_SMALL_P

    def plot(self) -> Any:
        """Plot data, fitted law and residuals; a `matplotlib.figure.Figure`."""
        return above("plots", "plot_recovery")(self)

    def to_xarray(self, names: Sequence[str] | None = None) -> Any:
        """Data, fitted law, constants with errors, and initial guesses as a dataset.

        Args:
            names: names of the columns of the data; None for their indices.

        Returns:
            An `xarray.Dataset` over time, component, constant, start and iteration,
            with a variable "setting.NAME" for what the rows of a scan set; attributes:
            law, status, message, tests of the fit, versions, date.

        Raises:
            ValueError: not one name for each column.
        """
        return above("tables", "recovery_dataset")(self, names)

    def save(self, path: str | Path) -> Path:
        """Write `to_xarray` as a Zarr folder, which `xarray.open_zarr` reads.

        Args:
            path: the folder, which must not exist.

        Raises:
            OutputError: (a ValueError) it exists, or cannot be written.
        """
        return above("trees", "save")(self.to_xarray(), path)

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        apart = None
        if _html.is_small((self.observed, self.prediction)):
            apart = np.asarray(self.observed) - np.asarray(self.prediction)
        notes = str(self).splitlines()[1 + len(self.constants) :]
        over_time = self.study.data.over_time
        return _html.Card(
            f"Constants of {self.law_name}",
            self.status,
            self.errors_hold,
            [constants_table(self.constants)],
            [self.message, *notes],
            None if apart is None else apart.reshape(len(apart), -1),
            self.ts if over_time else None,
            f"data less fitted law, over {'time' if over_time else 'rows'}",
        )

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.law_name}: {self.status}. {self.message}"]
        lines += [_line(constant) for constant in self.constants.values()]
        if self.chi2_per_dof is not None:
            small = ", scatter too small" if self.scatter_too_small else ""
            lines.append(
                f"  chi-square per degree of freedom {self.chi2_per_dof:.4g} "
                f"(p = {self.p_value:.2g}{small})"
            )
        lines += [f"  {part.describe()}" for part in self.parts]
        if self.runs is not None:
            lines.append(f"  {self.runs.describe()}")
        held_out = "none" if self.held_out is None else f"{self.held_out:.3g}"
        lines.append(
            f"  {int(np.sum(self.agree))} of {len(self.starts)} starts reached the "
            f"best fit; held-out distance {held_out}"
        )
        return "\n".join(lines)


def _line(c: Constant) -> str:
    """A constant with its errors, and how far a nuisance is from its prior."""
    if not c.holds:
        return f"  {c}"
    text = f"  {c} (step bias {c.step_bias:.1g}"
    if c.pull is not None:
        return f"{text}, pull {c.pull:+.2g})"
    if c.known is not None and not c.at_bound:
        text += (
            f", {c.known:.2g} were the nuisances known, {c.alone:.2g} without priors"
        )
    return f"{text})"


def recover(
    law: Motion | Study | Sequence[Study] | Mapping[str, Study],
    data: Record | tuple[ArrayLike, ArrayLike] | Any = None,
    *,
    psi0: Any = None,
    free: Sequence[str] | None = None,
    start: Mapping[str, ArrayLike] | None = None,
    starts: int | ArrayLike = 32,
    instrument: Any = None,
    nuisances: Mapping[str, Any] | None = None,
    search: Search | None = Search(),  # noqa: B008 - frozen settings
    polish: Polish | None = Polish(),  # noqa: B008 - frozen settings
    method: Fixed | Adaptive | Propagator | None = None,
    substeps: int | None = None,
    held_out: float = 0.2,
    step_tolerance: float | None = None,
    key: Array | None = None,
    report: Report | None = None,
    keep: Keep | None = None,
) -> Recovery:
    """Fit free constants of a law to data.

    The search takes many initial guesses downhill (optax, over growing windows of
    time). The polish, a final least-squares step, brings them to rounding
    (Levenberg-Marquardt), refines the time step until its bias is negligible, and
    yields covariance and error bars. Part of the data is held out and predicted before
    the final fit to all of it.

    Where anything is traced (under jit, vmap or in a sweep) this is `jqd.fit` with
    these settings, and returns a `Fit`: `constants` as here, with arrays, and a code as
    `status`. There is then no progress report and no bound on the step bias.

    Args:
        law: the law; or a `Study`, and none of its other parts; or several studies, in
            a list or by name, which share free constants of the same name, each with
            nuisances of its own.
        data, psi0, free, instrument, nuisances, method: data, initial state, constants
            to fit, instrument, priors of constants fitted beside them, and how to
            evolve, as for `Study`. The fit chooses the step of `Fixed`.
        start: first initial guess, by name ("R") or label ("R[0,1]"); the others are
            drawn from the span of each constant.
        starts: number of initial guesses, or an array of them, shape (S, p).
        search: settings of the search; None to polish the initial guesses directly.
        polish: settings of the polish; None to stop after the search.
        substeps: steps between two rows in the search; None to find them.
        held_out: share of the rows, the last ones, that is held out.
        step_tolerance: bound on the step bias of every constant, in its unit; None for
            1e-10 of the span of its initial guesses, or a hundredth of its standard
            error where that is larger.
        key: of the random initial guesses; None for `jax.random.key(0)`.
        report: called as report(stage, done, total).
        keep: called as keep(starts, ends, history) after each window of the search, so
            that a run that is killed leaves its results so far.

    Returns:
        The recovery.

    Raises:
        ValueError: unknown names, shapes that differ, float64 off.
        Unidentifiable: (a ValueError) the data cannot distinguish the constants.
    """
    _checks.require_x64("jqd.recover")
    study = study_of(
        law, data, psi0=psi0, free=free, instrument=instrument,
        nuisances=nuisances, method=method,
    )  # fmt: skip
    if step_tolerance is not None:
        _checks.check_positive(step_tolerance, "step_tolerance")
    if substeps is not None:
        _checks.whole_number(substeps, "substeps", 1)
    if not (_checks.can_read() and _checks.is_concrete((study, start, starts, key))):
        if (step_tolerance, report, keep) != (None, None, None):
            raise ValueError(
                "Arguments `step_tolerance`, `report` and `keep` must be None where "
                "values are traced, but are not."
            )
        found = fit(
            study, start=start, starts=starts, search=search, polish=polish,
            substeps=substeps, held_out=held_out, key=key,
        )  # fmt: skip
        return cast(Any, found)
    report = report or (lambda stage, done, total: None)
    refuse_names(study)
    first, train = begin(study, start, starts, key, held_out)
    theta0 = study.theta(start)
    if substeps is None:
        substeps = search_substeps(study, theta0)
    study = study.with_substeps(substeps)
    refuse(study, first)
    _log.info(
        "%s: %s of %d rows from %d starts, %d substeps", study.law_name,
        ", ".join(study.free), train, len(first), study.substeps,
    )  # fmt: skip
    masks = row_masks(study.data, train)
    found = find(study, first, train, masks[0], search, polish, report, keep)
    report("polish", 1, 4)
    fine, theta, settled, at = refine_steps(
        study, found.theta, masks[1], polish, step_tolerance, report
    )
    report("polish", 3, 4)
    held_theta, _ = settle(polish, fine, theta, masks[0], True)
    report("polish", 4, 4)

    record, (recovered, run) = study.data, _course(fine, theta)
    rows = fine.rows_of(run)
    before = _rows(fine, np.asarray(first)[0])
    status = Status(int(status_of(at, found.sound, settled)))
    status = status if status in WORDS else Status.NOT_CONVERGED
    known = record.noise.known
    misfits = known and bool(np.all(run.ok)) and float(at.p_value) < MISFIT_P
    tells = misfits or (bool(fine.scattered) and status == Status.OK)
    timed = tells and record.over_time
    pattern = pattern_of(fine, at.theta, rows, at.at) if timed else None
    if not misfits and not hidden(pattern):
        pattern = None
    if pattern is not None and status == Status.OK:
        status = Status.MISFIT
    _log.info("%s after %d substeps", WORDS[status], fine.substeps)
    constants = _constants(fine, at, status == Status.OK)
    tested = known and float(at.dof) >= 1
    said = [_message(status, fine, run, at, polish, pattern), *_at_bounds(constants)]
    far = _pulled(fine, constants)
    unsettled = status in (Status.NOT_CONVERGED, Status.UNIDENTIFIABLE)
    said += [pulled_message(far)] if far and not unsettled else []
    said += [] if unsettled else _fitted_scatter(fine, at.theta)
    said += [] if unsettled else _of_nodes(fine, at)
    said += _without_freedom(known) if float(at.dof) < 1 else []
    empty = cast(Array, np.zeros((first.shape[0], 0)))
    assumed = record.noise.assumption()
    said += [] if assumed is None else [assumed]
    parts = parts_of(fine, at.theta, at.at)
    return Recovery(
        law_name=study.law_name,
        law=recovered,
        constants=constants,
        covariance=at.covariance,
        singular_values=at.analysis.singular_values,
        null_directions=at.analysis.null_directions,
        starts=first,
        ends=found.ends,
        agree=found.near,
        history=empty if found.history is None else found.history,
        held_out=_number(missed(fine, _rows(fine, held_theta), train)),
        held_out_start=_number(missed(fine, before, train)),
        held_out_rows=record.ts.shape[0] - train,
        chi2_per_dof=float(at.chi2) if tested else None,
        p_value=float(at.p_value) if tested else None,
        prediction=rows,
        start_prediction=before,
        ts=cast(Array, np.arange(study.seen)) if parts else record.ts,
        observed=record.shares,
        substeps=int(fine.substeps),
        study=fine,
        runs=_runs(fine, rows),
        pattern=pattern,
        status=WORDS[status],
        message=" ".join(said),
        parts=parts,
    )


def _course(study: Study, theta: Any) -> tuple[Motion, Trajectory]:
    """The law with these constants, and its run, to be read on the host."""
    law, run = _follow(study, theta)
    return law, jax.tree.map(np.asarray, run)


@jax.jit
def _follow(study: Study, theta: Array) -> tuple[Motion, Trajectory]:
    return study.scene_at(theta).law, study.trajectory(theta)


def _rows(study: Study, theta: Any) -> Any:
    """What the law predicts for the record, as `Study.predict`.

    Of the run that is followed for all else as well: one program less to load.
    """
    return study.rows_of(_course(study, theta)[1])


def search_substeps(study: Study, theta: Array) -> int:
    """Steps between rows that keep the integration error below `SEARCH_ERROR`."""
    order, substeps = study.order, 1
    if order is None:
        return 1
    for _ in range(4):
        coarse = _rows(study.with_substeps(substeps), theta)
        fine = _rows(study.with_substeps(2 * substeps), theta)
        change = np.abs(coarse - fine) / study.data.size
        error = float(np.max(np.nan_to_num(change, nan=1.0)))
        if error < SEARCH_ERROR:
            break
        factor = 1.2 * (error / SEARCH_ERROR) ** (1 / order)
        substeps = min(MAX_SUBSTEPS, substeps * max(2, math.ceil(factor)))
    return substeps


def refine_steps(
    study: Study,
    theta: Array,
    mask: ArrayLike,
    polish: Polish | None,
    step_tolerance: float | None,
    report: Report,
) -> tuple[Study, Array, bool, Solution]:
    """The fit to all rows with steps whose bias is negligible.

    Args:
        polish: settings of the polish; None to leave the constants.
        step_tolerance: bound on the step bias of a constant, see `recover`.

    Returns:
        The study with finer steps, constants, whether the fit converged, and its
        solution.
    """
    found = solution(study, theta, mask)
    width = np.subtract(*map(np.asarray, study.bounds()[::-1]))
    told = STEP_BIAS * width if step_tolerance is None else step_tolerance
    tolerance = np.full(width.shape, told)
    # scatter that is estimated from coarse steps would hide their own bias
    if step_tolerance is None and study.data.noise.known:
        tolerance = np.maximum(tolerance, 0.01 * np.asarray(found.stderr))
    study = _refined(study, found.bias, tolerance, width)
    report("polish", 2, 4)
    theta, settled = settle(polish, study, theta, mask, True)
    found = solution(study, theta, mask)
    # the first estimate came from coarse steps; the finer one may ask for more
    for _ in range(2 if polish else 0):
        enough = np.maximum(tolerance, _share_of_scatter(found, step_tolerance))
        finer = _refined(study, found.bias, enough, width)
        if int(finer.substeps) == int(study.substeps):
            break
        study = finer
        theta, settled = settle(polish, study, theta, mask, True)
        found = solution(study, theta, mask)
    return study, theta, bool(settled), found


def _share_of_scatter(found: Solution, step_tolerance: float | None) -> Any:
    """A thousandth of the standard errors, where the scatter is that of the record.

    The scatter that steps make is no smaller than their bias.
    """
    stderr, bias = np.asarray(found.stderr), np.abs(np.asarray(found.bias))
    small = step_tolerance is None and bool(np.all(bias < 0.01 * stderr))
    # infinite ones are of scatter that nothing tells
    small = small and bool(np.all(np.isfinite(stderr)))
    return 1e-3 * stderr if small else 0.0


def _refined(study: Study, biases: Array, tolerance: Any, width: Any) -> Study:
    """The study with a step whose biases are below their tolerances."""
    bias, order = np.abs(np.asarray(biases)), study.order
    # a bias that is none: the run ends early, which the status will say; one beyond all
    # starts: the fit is no minimum that finer steps could sharpen
    small = bool(np.all(bias < width))
    if order is None or bool(np.all(bias <= tolerance)) or not small:
        return study
    factor = math.ceil(1.2 * float(np.max(bias / tolerance)) ** (1 / order))
    return study.with_substeps(min(int(study.substeps) * factor, MAX_SUBSTEPS))


def _number(distance: Any) -> float | None:
    return None if distance is None else float(distance)


def _constants(study: Study, found: Solution, holds: bool) -> dict[str, Constant]:
    """The constants of a fit, with numbers."""
    found = jax.tree.map(np.asarray, found)
    each = [holds and finite for finite in np.isfinite(found.errors).tolist()]
    return constants_of(study, found, each, found.side.tolist(), float)


def _pulled(study: Study, constants: Mapping[str, Constant]) -> dict[str, float]:
    """The pulls of nuisances that are far from their priors, by name."""
    # beside values without errors priors pull nothing
    if not study.data.noise.known:
        return {}
    pulls = {c.name: c.pull for c in constants.values() if c.pull is not None}
    return {name: pull for name, pull in pulls.items() if abs(pull) > PULLED}


def _at_bounds(constants: Mapping[str, Constant]) -> list[str]:
    """What the errors of constants at their bounds mean, where there are some."""
    names = [name for name, one in constants.items() if one.holds and one.at_bound]
    if not names:
        return []
    some = "is at its bound" if len(names) == 1 else "are at their bounds"
    return [
        f"{' and '.join(names)} {some}: errors there are one-sided, and those of the "
        "other constants are for this value."
    ]


def _fitted_scatter(study: Study, theta: Array) -> list[str]:
    """What it means that the scatter of counts is fitted, where it is."""
    factors = []
    for one, own in study.singles(theta):
        noise = one.noise_at(own)
        if one.scattered and isinstance(noise, DirichletMultinomial):
            factors.append(np.asarray(noise.factor(one.data.values)))
    return [scatter_message(np.concatenate(factors))] if factors else []


def _of_nodes(study: Study, found: Solution) -> list[str]:
    """How far quadrature nodes of an average over runs move constants, where it is not
    little beside the scatter."""
    moved, scatter = np.abs(np.asarray(found.averaging)), np.asarray(found.stderr)
    far = np.flatnonzero(moved > NODES_SHARE * scatter)
    if not len(far):
        return []
    labels = study.labels()
    names = ", ".join(labels[i] for i in far)
    size = ", ".join(f"{moved[i]:.1g}" for i in far)
    return [
        f"The nodes of the average over runs leave an error in {names} ({size}), which "
        "the standard errors include; more `nodes` make it smaller."
    ]


def _without_freedom(known: bool) -> list[str]:
    """What cannot be told where there are no more values than constants."""
    told = (
        "chi-square tests nothing"
        if known
        else "how the data scatter, and so the standard errors, are not known"
    )
    return [f"There are no more independent values than constants: {told}."]


def _runs(study: Study, prediction: Array) -> Runs | None:
    """Runs of the residuals, where rows are known to scatter independently."""
    noise = study.data.noise
    if not (noise.known and isinstance(noise, Drawable)):
        return None
    apart = np.asarray(prediction - study.data.shares)
    return runs_of(apart.reshape(len(apart), -1)) if np.isfinite(apart).all() else None


def _misfit(found: Solution, pattern: Pattern | None) -> str:
    """What tells that the law is not that of the record."""
    p = float(found.p_value)
    said = [misfit_message(float(found.chi2), p)] if p < MISFIT_P else []
    said += [pattern.describe()] if pattern is not None else []
    return " ".join(said)


def _message(
    status: Status,
    study: Study,
    run: Trajectory,
    found: Solution,
    polish: Polish | None,
    pattern: Pattern | None,
) -> str:
    if not np.all(run.ok):
        said = run.describe()
        return f"The run of the best fit did not reach the last time: {said}"
    misfits = study.data.noise.known and float(found.p_value) < MISFIT_P
    if status == Status.UNIDENTIFIABLE:
        return (
            "At the best fit the data do not determine the combination(s) "
            f"{found.analysis.describe()}: fix one constant of each, or give a prior."
        )
    if status == Status.NOT_CONVERGED:
        # of a law that misses the record, neither starts nor rows make a fit
        if misfits:
            said = "The fit stopped before it converged, and the best point it found "
            return f"{said}misses the record. {_misfit(found, pattern)}"
        return "The fit stopped before it converged; give more starts or rows."
    complaint = study.data.noise.complaint(found.at)
    if complaint is not None:
        return complaint
    if status == Status.MISFIT:
        return _misfit(found, pattern)
    if polish is None:
        return "The search found it; no final least-squares fit followed."
    steps = "one time step" if study.substeps == 1 else f"{study.substeps} time steps"
    if not study.data.over_time:
        return f"It takes {steps} to each row of the data."
    return f"It takes {steps} from each time of the data to the next."
