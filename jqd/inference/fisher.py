"""Fisher information of data with the priors of its nuisances."""

import equinox as eqx
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..status import Status
from .errors import StandardErrors, three_errors
from .identifiability import Identifiability, analyse
from .sensitivity import (
    NULL_FRACTION,
    RTOL,
    Sensitivity,
    check_known,
    constants_at,
    sensitivity,
    whitened,
)
from .study import Study


class Fisher(eqx.Module):
    """Information of data and priors on constants.

    Attributes:
        labels: names of the entries of θ, free constants first (static).
        theta: constants at which the information is taken, (p,).
        matrix: F = J^T J + diag(1/sd²) in the constants' own units, (p, p).
        errors: standard errors with nuisances known, with priors, and without.
        aided: singular values and null directions of data and priors.
        alone: the same for the data without any prior.
        change: relative change of a derivative when the step was last halved.
        status: OK; how the run ended, if before its last time; `UNIDENTIFIABLE` where F
            has a null direction; `NOT_CONVERGED` where steps have not converged
            (static).
        assumed: what the values of the data let assume of their noise, such as rows
            that sum to 1, in one sentence; None for nothing (static).
    """

    labels: tuple[str, ...] = eqx.field(static=True)
    theta: Float[Array, " p"]
    matrix: Float[Array, "p p"]
    errors: StandardErrors
    aided: Identifiability
    alone: Identifiability
    change: float
    status: Status = eqx.field(static=True)
    assumed: str | None = eqx.field(static=True)

    @property
    def null_vectors(self) -> Float[Array, "n p"]:
        """Unit null vectors of the data without priors, in the constants' own units."""
        return self.alone.null_directions

    def stderr(self, label: str) -> float:
        """Standard error of one constant with priors, see `StandardErrors.of`."""
        return self.errors.of(label, self.labels)


def fisher(
    study: Study, theta: ArrayLike | None = None, *, rtol: float = RTOL
) -> Fisher:
    """Fisher information of data with the priors.

    F = Σ_t J_t^T W_t J_t + diag(1/sd²),   J = ∂(mean)/∂θ

    Steps are halved until J no longer changes.

    Args:
        study: law, data and free constants; of the data only the number and the weights
            matter, and whether rows sum to 1, see `Fisher.assumed`.
        theta: constants, (p,), in their own units; None for those of the law and the
            means of the priors.
        rtol: accepted change of J by half the step, relative to each column.

    Returns:
        The information, with the errors and null directions that follow from it.

    Raises:
        ValueError: float64 off, data whose scatter is not known, shapes that differ,
            rtol not positive.
    """
    _checks.require_x64("jqd.fisher")
    check_known(study)
    _checks.check_positive(rtol, "rtol")
    return of_sensitivity(
        study, sensitivity(study, constants_at(study, theta), rtol), rtol
    )


def of_sensitivity(study: Study, at: Sensitivity, rtol: float) -> Fisher:
    """The information from derivatives that are known."""
    width, labels, seen = study.spans, study.labels(), study.measured
    slope, coarse = whitened(study, at)
    aided = analyse(coarse, width, labels, slope, NULL_FRACTION)
    alone = analyse(coarse[:seen], width, labels, slope[:seen], NULL_FRACTION)
    errors = three_errors(slope, seen, study.wanted, width, aided.floor, alone.floor)
    status = at.status
    if status is Status.OK and not at.change <= rtol:
        status = Status.NOT_CONVERGED
    elif status is Status.OK and int(aided.null):
        status = Status.UNIDENTIFIABLE
    return Fisher(
        tuple(labels), at.theta, slope.T @ slope, errors, aided, alone, at.change,
        status, study.data.noise.assumption(),
    )  # fmt: skip
