"""The constants ω, R, δ that every law of this package has, and strengths to align."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..constants import constant
from ..copying import CopyDynamics

POTENTIALS = ("sin2", "1-cos")
NORMS = ("paper", "class")


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


def strength(f: ArrayLike, occupation: Array, norm: str = "paper") -> Array:
    """How strongly a pair of one class attracts.

    s_a = f² ("paper") or f²/n_a ("class"; 0 for an empty class)

    Args:
        f: alignment frequency, scalar, 1/time.
        occupation: n_a, real, any shape.
        norm: "paper" or "class".

    Returns:
        s_a like `occupation`, 1/time².

    Raises:
        ValueError: unknown norm.
    """
    _checks.check_choice(norm, "norm", NORMS)
    occupation = jnp.asarray(occupation)
    if norm == "paper":
        return jnp.full_like(occupation, 1) * f**2
    filled = occupation > 0
    return jnp.where(filled, f**2 / jnp.where(filled, occupation, 1), 0)
