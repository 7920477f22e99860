"""Fisher information of data with the priors of its nuisances, and standard errors."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..status import Status
from .identifiability import NULL_FRACTION, Identifiability, analyse, singular
from .sensitivity import (
    NULL_SLOPES,
    RTOL,
    check_known,
    constants_at,
    sensitivity,
    whitened,
)
from .study import Study


class StandardErrors(NamedTuple):
    """Standard errors of θ, (p,), in the constants' own units.

    Their ratios show whether shots or calibration limit the precision.

    Attributes:
        known: of the free constants, if all nuisances were known; 0 for nuisances.
        aided: of all constants, with the priors of the nuisances.
        alone: of all, without these priors; inf where the data do not determine them.
    """

    known: Float[Array, " p"]
    aided: Float[Array, " p"]
    alone: Float[Array, " p"]

    def of(self, label: str, labels: Sequence[str]) -> float:
        """Standard error of one constant with the priors; inf if it is undetermined.

        Args:
            label: name of the constant.
            labels: names of all of θ.

        Raises:
            ValueError: unknown name.
        """
        _checks.check_choice(label, "label", labels)
        return float(np.asarray(self.aided)[list(labels).index(label)])


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
    at = sensitivity(study, constants_at(study, theta), rtol)
    width, labels, seen = study.spans, study.labels(), study.measured
    slope, coarse = whitened(study, at)
    errors, aided, alone = determined(slope, coarse, seen, study.wanted, width, labels)
    status = at.status
    if status is Status.OK and not at.change <= rtol:
        status = Status.NOT_CONVERGED
    elif status is Status.OK and int(aided.null):
        status = Status.UNIDENTIFIABLE
    return Fisher(
        tuple(labels), at.theta, slope.T @ slope, errors, aided, alone, at.change,
        status, study.data.noise.assumption(),
    )  # fmt: skip


def standard_errors(study: Study, theta: Float[Array, " p"]) -> StandardErrors:
    """Standard errors that the data and the priors allow at these constants.

    The Cramér-Rao bound: roots of the diagonal of F⁻¹, with F_tt, F + diag(1/sd²) and F
    as information. J has the steps of the study's method; `jqd.fisher`, whose `errors`
    are these, halves them until J no longer changes.

    Args:
        study: law, data and free constants; of the data only the number and the weights
            matter, and whether rows sum to 1, as `study.data.noise.assumption()` says.
        theta: constants, shape (p,).

    Returns:
        The three kinds of errors, with the scatter that the noise of the data states.

    Raises:
        ValueError: not a study, data whose scatter is not known.
    """
    check_known(study)
    return errors_of(study, study.slope(theta), study.spans)


def errors_of(study: Study, slope: Array, width: Array) -> StandardErrors:
    """These standard errors from the Jacobian of the residuals of data and priors."""
    return three_errors(slope, study.measured, study.wanted, width)


def determined(
    slope: Float[Array, "rows p"],
    coarse: Float[Array, "rows p"],
    seen: int,
    free: int,
    width: Float[Array, " p"],
    labels: list[str],
) -> tuple[StandardErrors, Identifiability, Identifiability]:
    """Standard errors, and null directions with the priors and without them.

    Args:
        slope: rows of the data and then of the priors, with steps that have converged.
        coarse: the same with half the steps, or by another route.
        seen: number of rows of the data.
        free: number of free constants, which come first.
        width: scale of each constant, (p,).
        labels: names of the constants.
    """
    aided = analyse(coarse, width, labels, slope, NULL_SLOPES)
    alone = analyse(coarse[:seen], width, labels, slope[:seen], NULL_SLOPES)
    errors = three_errors(slope, seen, free, width, aided.floor, alone.floor)
    return errors, aided, alone


def three_errors(
    slope: Array,
    rows: int,
    free: int,
    width: Float[Array, " p"],
    aided: ArrayLike = NULL_FRACTION,
    alone: ArrayLike = NULL_FRACTION,
) -> StandardErrors:
    """The same from any rows of slopes.

    Args:
        slope: rows of the data and then of the priors, (rows, p).
        rows: number of rows of the data.
        free: number of free constants, which come first.
        aided: fraction of the largest singular value at which a direction is null.
        alone: the same without the priors.
    """
    seen = slope[:rows]
    known = _errors(seen[:, :free], width[:free], alone)
    rest = jnp.zeros_like(width[free:])
    return StandardErrors(
        jnp.concatenate([known, rest]),
        _errors(slope, width, aided),
        _errors(seen, width, alone),
    )


def _errors(slope: Array, width: Array, fraction: ArrayLike = NULL_FRACTION) -> Array:
    """Roots of the diagonal of (J^T J)^-1, inf where a null direction takes part."""
    if not slope.shape[1]:
        return width
    values, axes = singular(slope, width)
    null = values <= jnp.maximum(fraction, NULL_FRACTION) * values[0]
    spread = jnp.sum((axes / jnp.where(null, 1, values)[:, None]) ** 2, axis=0)
    # rounding leaves 1e-8 of a null direction in constants that it does not touch
    touched = jnp.any(null[:, None] & (jnp.abs(axes) > 1e-4), axis=0)
    return jnp.where(touched, jnp.inf, width * jnp.sqrt(spread))
