"""Derivatives of the expected data, with time steps that have converged."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..instruments.noise import Drawable
from ..status import Status
from .slopes import columns
from .study import MAX_SUBSTEPS, Study
from .together import Together

# A derivative has converged where half the step changes it by less than this.
RTOL = 1e-4
FIRST_SUBSTEPS = 8
# A direction along which slopes are below this fraction of the largest is null: those
# of matrix functions come out at some 1e-11 there.
NULL_SLOPES = 1e-9


class Sensitivity(eqx.Module):
    """The expected data and their derivatives with respect to the constants.

    Attributes:
        theta: constants at which they are taken, (p,).
        mean: expected data, on the scale of the data's shares, (T, ...).
        slope: ∂(mean)/∂θ in the constants' own units, (T, ..., p).
        coarse: the same with half the steps, or by another route; equal where there is
            none.
        change: relative change of a column in the last refinement; 0 where nothing was
            refined.
        steps: steps between two rows.
        status: how the run ended, a `jqd.Status` (static).
    """

    theta: Float[Array, " p"]
    mean: Float[Array, "T ..."]
    slope: Float[Array, "T ... p"]
    coarse: Float[Array, "T ... p"]
    change: float
    steps: int = eqx.field(static=True)
    status: Status = eqx.field(static=True)


def sensitivity(study: Study, theta: Array, rtol: float = RTOL) -> Sensitivity:
    """Derivatives through the law, whose steps are halved until they have converged.

    Args:
        rtol: accepted change of a column by half the step.

    Returns:
        The derivatives with the finest step that was taken.
    """
    steps = max(FIRST_SUBSTEPS, int(np.asarray(study.substeps)))
    fine = study.with_substeps(steps)
    mean, slope = _through_law(fine, theta)
    change, before, width = 0.0, slope, np.asarray(study.spans)
    while study.order is not None and steps < MAX_SUBSTEPS:
        steps *= 2
        before, fine = slope, study.with_substeps(steps)
        mean, slope = _through_law(fine, theta)
        change = apart(before, slope, width)
        if not change > rtol:
            break
    status = Status(int(fine.status(theta)))
    return Sensitivity(theta, mean, slope, before, change, steps, status)


@jax.jit
def _through_law(study: Study, theta: Array) -> tuple[Array, Array]:
    return columns(study.predict, theta)


def apart(
    one: Float[Array, "... p"],
    other: Float[Array, "... p"],
    width: Float[np.ndarray, " p"],
) -> float:
    """Largest distance of two columns over the length of the second.

    Columns that are only rounding compared with the longest do not count.
    """
    before, now = (
        np.reshape(np.asarray(x), (-1, x.shape[-1])) * width for x in (one, other)
    )
    length = np.linalg.norm(now, axis=0)
    floor = max(1e-9 * np.max(length, initial=0.0), np.finfo(float).tiny)
    return float(
        np.max(np.linalg.norm(now - before, axis=0) / np.maximum(length, floor))
    )


@jax.jit
def whitened(
    study: Study, at: Sensitivity
) -> tuple[Float[Array, "rows p"], Float[Array, "rows p"]]:
    """Derivatives of the residuals of the data and then of the priors.

    Like `Study.slope`, from derivatives of the mean: the finer and the coarse ones.
    """
    values, noise = study.data.values, study.data.noise
    weights, mask = study.weights(at.theta, at.mean), jnp.ones_like(study.data.ts)

    def along(tangent: Array) -> Array:
        def residuals(mean: Array) -> Array:
            return noise.residuals(mean, values, weights)

        return jnp.ravel(jax.jvp(residuals, (at.mean,), (tangent,))[1])

    def scattered(theta: Array) -> Array:
        return jnp.concatenate([theta[:0], *study.scatter(theta, weights, mask)])

    scatter, priors = (columns(f, at.theta)[1] for f in (scattered, study.pulls))

    def rows(slope: Array) -> Array:
        return jnp.concatenate([jax.vmap(along, -1, -1)(slope), scatter, priors])

    return rows(at.slope), rows(at.coarse)


def constants_at(study: Study, theta: ArrayLike | None) -> Float[Array, " p"]:
    """These constants, or those of the study; checked for their shape."""
    _checks.check_type(study, "study", Study, "a Study")
    if theta is None:
        return study.theta()
    _checks.check_finite(theta, "theta", (len(study.labels()),))
    return jnp.asarray(theta, jnp.result_type(float))


def check_known(study: Study, name: str = "study") -> None:
    """Raise ValueError unless this is a study whose data have known scatter."""
    _checks.check_type(study, name, Study, "a Study")
    if not study.data.noise.known:
        raise ValueError(
            f"Argument `{name}` must say how the values of its record scatter, but "
            "they have no errors; give counts, or `Gaussian(sigma)`."
        )


def check_over_time(study: Study, name: str = "study") -> None:
    """Raise ValueError for a study whose rows are no course in time."""
    if not study.data.over_time:
        raise ValueError(
            f"Argument `{name}` must have rows over time, but is of a scan, or of "
            "several studies; `jqd.fisher` has the information of all their rows."
        )


def independent_rows(study: Study, name: str = "study") -> Drawable:
    """The noise of data whose rows scatter independently."""
    check_known(study, name)
    noise = study.data.noise
    if isinstance(noise, Together):
        raise ValueError(
            f"Argument `{name}` must be of one record, but is of several studies; take "
            "each of them by itself."
        )
    if not isinstance(noise, Drawable):
        raise ValueError(
            f"Argument `{name}` must have a record whose shots are independent, but "
            f"those of a {type(noise).__name__} are not."
        )
    return noise
