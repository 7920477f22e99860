"""What became of a fit, and what to know of its errors, in words."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Array

from ..evolution import Trajectory
from ..instruments import DirichletMultinomial
from ..status import Status
from .constant import Constant
from .goodness import (
    CONVERGED,
    MISFIT,
    MISFIT_P,
    NOT_CONVERGED,
    misfit_message,
    pulled_message,
    scatter_message,
)
from .pattern import Pattern
from .polish import Polish
from .pooled import Pooled
from .recovery import pulls_of
from .solution import Solution
from .study import Study

# Error of a constant by quadrature nodes that the message of a fit mentions, over its
# standard error from scatter.
NODES_SHARE = 0.1
WORDS = {
    Status.OK: CONVERGED,
    Status.NOT_CONVERGED: NOT_CONVERGED,
    Status.UNIDENTIFIABLE: "constants not determined",
    Status.NOISE_INVALID: "linear noise not valid",
    Status.MISFIT: MISFIT,
}


def message_of(
    study: Study,
    run: Trajectory,
    found: Solution,
    constants: Mapping[str, Constant],
    status: Status,
    pattern: Pattern | None,
    polish: Polish | None,
    pooled: Pooled | None,
) -> str:
    """What the status of a fit means, and what to know of its errors.

    Args:
        study: law, data and free constants, with the steps of the fit.
        run: at the best fit.
        found: the solution there.
        constants: the constants of the fit, by label.
        status: of the fit.
        pattern: pattern of the residuals, where one speaks against the law.
        polish: settings of the final least-squares step; None where there was none.
        pooled: test of the sums of clusters, where there is one.
    """
    noise = study.data.noise
    said = [_message(status, study, run, found, polish, pattern)]
    said += [] if pooled is None else [pooled.describe()]
    said += _at_bounds(constants)
    if status not in (Status.NOT_CONVERGED, Status.UNIDENTIFIABLE):
        far = pulls_of(study, constants)
        said += [pulled_message(far)] if far else []
        said += _fitted_scatter(study, found.theta)
        said += _of_nodes(study, found)
    said += _without_freedom(noise.known) if float(found.dof) < 1 else []
    assumed = noise.assumption()
    said += [] if assumed is None else [assumed]
    return " ".join(filter(None, said))


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
        return f"Its run takes {steps} to each row of the data."
    return f"Its run takes {steps} from each time of the data to the next."
