"""Standard errors of a fit with nuisances: known, with priors, and without them."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .sensitivity import check_known
from .study import Study

# Below this fraction of the largest singular value a direction is undetermined.
NULL_FRACTION = 1e-11


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
    scaled = slope * width[None, :]
    missing = max(0, scaled.shape[1] - scaled.shape[0])
    scaled = jnp.concatenate([scaled, jnp.zeros((missing, scaled.shape[1]))])
    if not scaled.shape[1]:
        return width
    _, values, axes = jnp.linalg.svd(scaled, full_matrices=False)
    null = values <= jnp.maximum(fraction, NULL_FRACTION) * values[0]
    spread = jnp.sum((axes / jnp.where(null, 1, values)[:, None]) ** 2, axis=0)
    # rounding leaves 1e-8 of a null direction in constants that it does not touch
    touched = jnp.any(null[:, None] & (jnp.abs(axes) > 1e-4), axis=0)
    return jnp.where(touched, jnp.inf, width * jnp.sqrt(spread))
