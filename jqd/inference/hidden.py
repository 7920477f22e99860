"""Patterns of residuals that a fitted scatter hides from chi-square."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _checks
from ..status import Status
from .pattern import Pattern, pattern_of
from .study import Study


def hidden(pattern: Pattern | None) -> bool:
    """Whether residuals follow something in time that a fitted scatter would hide.

    It takes all that a law lacks as its own, and chi-square is then as it should be. A
    row that stands out alone, the first or another, may be scatter of long tails.
    """
    return pattern is not None and pattern.name not in ("none", "first row", "row")


def hidden_pattern(study: Study, theta: Array) -> Pattern | None:
    """The pattern in time of the residuals of a fit that its fitted scatter hides.

    Nothing is looked for where the scatter is known, in rows that are no course in
    time, and where values are traced.

    Args:
        theta: constants, shape (p,).

    Returns:
        The pattern; None where there is none, or one of a row alone.
    """
    if not (study.scattered and study.data.over_time):
        return None
    if not (_checks.can_read() and _checks.is_concrete((study, theta))):
        return None
    prediction = study.predict(theta)
    pattern = pattern_of(study, theta, prediction, study.weights(theta, prediction))
    return pattern if hidden(pattern) else None


def unless_hidden(study: Study, theta: Array, status: Array) -> Array:
    """The status of a fit: MISFIT for OK where the scatter hides a pattern."""
    if not _checks.is_concrete(status) or int(np.asarray(status)) != Status.OK:
        return status
    if hidden_pattern(study, theta) is None:
        return status
    return jnp.full_like(status, Status.MISFIT.value)
