"""`recover`: a fit, refined and tested, as a readable result; names as in `fit`."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

import jax
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..evolution import Adaptive, Fixed, Propagator, Trajectory
from ..instruments.noise import Drawable
from ..laws.motion import Motion
from ..records.record import Record
from ..status import Status
from .constant import Constant
from .fit import begin, find, fit, missed, row_masks, settle
from .goodness import MISFIT_P, Runs, runs_of
from .hidden import hidden
from .identifiability import refuse, refuse_names
from .joint import study_of
from .parts import parts_of
from .pattern import Pattern, pattern_of
from .polish import Polish
from .pooled import pooled_of
from .recovery import Recovery
from .search import Keep, Report, Search
from .solution import Solution, constants_of, status_of
from .steps import course, refine_steps, rows_at, search_substeps
from .study import Study
from .words import WORDS, message_of

_log = logging.getLogger(__name__)
# Where a first polish stops: change of constants over their spans, or standard errors
# from the minimum. Ends that are nearer to each other than 1e-4 of a span are one.
ROUGH, APART = 1e-7, 1e-4


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
    polish: Polish | None = Polish(within=1e-3),  # noqa: B008 - frozen settings
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
    time). The polish, a final least-squares step, brings them to the minimum:
    within 1e-3 standard errors beside data whose scatter is known, else to rounding
    (Levenberg-Marquardt). It refines the time step until its bias is negligible, and
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
    record, masks = study.data, row_masks(study.data, train)
    rough = _rough(polish)
    found = find(study, first, train, masks[0], search, rough, report, keep)
    report("polish", 1, 4)
    fine, theta, settled, at = refine_steps(
        study, found.theta, masks[1], polish, step_tolerance, report
    )
    report("polish", 3, 4)
    held_theta = theta
    if train < record.ts.shape[0]:
        # beside noise, how far it misses is read to some digits
        enough = rough if record.noise.known else polish
        held_theta, _ = settle(enough, fine, found.theta, masks[0], at.at)
    report("polish", 4, 4)

    recovered, run = course(fine, theta)
    rows = fine.rows_of(run)
    before = rows_at(fine, np.asarray(first)[0])
    status = Status(int(status_of(at, found.sound, settled)))
    status = status if status in WORDS else Status.NOT_CONVERGED
    pattern = _pattern(fine, at, run, status)
    pooled = pooled_of(fine, theta, rows, at.side)
    missed_sums = pooled is not None and pooled.misses
    if (pattern is not None or missed_sums) and status == Status.OK:
        status = Status.MISFIT
    _log.info("%s after %d substeps", WORDS[status], fine.substeps)
    constants = _constants(fine, at, status == Status.OK)
    tested = record.noise.known and float(at.dof) >= 1
    message = message_of(fine, run, at, constants, status, pattern, polish, pooled)
    empty = cast(Array, np.zeros((first.shape[0], 0)))
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
        held_out=_number(missed(fine, rows_at(fine, held_theta), train)),
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
        message=message,
        parts=parts,
    )


def _rough(polish: Polish | None) -> Polish | None:
    """A polish that tells which end is best; finer steps then settle it."""
    if polish is None:
        return None
    rtol, atol = (max(x, ROUGH) for x in (polish.rtol, polish.atol))
    within = min(polish.within, APART)
    return dataclasses.replace(polish, rtol=rtol, atol=atol, within=within)


def _pattern(
    study: Study, found: Solution, run: Trajectory, status: Status
) -> Pattern | None:
    """The pattern of the residuals in time, where it speaks against the law."""
    known = study.data.noise.known
    misfits = known and bool(np.all(run.ok)) and float(found.p_value) < MISFIT_P
    tells = misfits or (bool(study.scattered) and status == Status.OK)
    if not (tells and study.data.over_time):
        return None
    pattern = pattern_of(study, found.theta, study.rows_of(run), found.at)
    return pattern if misfits or hidden(pattern) else None


def _number(distance: Any) -> float | None:
    """A distance; None where no row is held out, or a run does not reach it."""
    if distance is None or not np.isfinite(distance):
        return None
    return float(distance)


def _constants(study: Study, found: Solution, holds: bool) -> dict[str, Constant]:
    """The constants of a fit, with numbers."""
    found = jax.tree.map(np.asarray, found)
    each = [holds and finite for finite in np.isfinite(found.errors).tolist()]
    return constants_of(study, found, each, found.side.tolist(), float)


def _runs(study: Study, prediction: Array) -> Runs | None:
    """Runs of the residuals, where rows are known to scatter independently."""
    noise = study.data.noise
    if not (noise.known and isinstance(noise, Drawable)):
        return None
    apart = np.asarray(prediction - study.data.shares)
    return runs_of(apart.reshape(len(apart), -1)) if np.isfinite(apart).all() else None
