"""The constants ω, R, δ that every law of this package has, checked."""

from jaxtyping import Array, ArrayLike

from ... import _checks
from ..constants import constant
from ..copying import CopyDynamics


def check_couplings(
    omega: ArrayLike, R: ArrayLike, delta: ArrayLike
) -> tuple[Array, Array, Array]:
    """ω (M,), R and δ (M, M) as the copy law takes them, or its ValueError."""
    law = CopyDynamics(omega, R, delta)
    return law.omega, law.R, law.delta


def not_negative(value: ArrayLike, name: str) -> Array:
    """A scalar constant >= 0; values are not read from tracers.

    Raises:
        ValueError: not a finite real scalar, or below zero.
    """
    _checks.check_scalar(value, name)
    _checks.check_not_negative(value, name)
    return constant(value, name)
