"""The constants ω, R, δ that every law of this package has, checked and packed.

`pack`, `unpack` and `labels` are methods of all of them.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..copying import CopyDynamics
from ..law import Law, constant


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


def pack(self: Law, name: str) -> Array:
    """Independent entries: the upper triangle for `R` and `delta`."""
    value = getattr(self, name)
    if name in ("R", "delta"):
        return value[jnp.triu_indices(value.shape[-1], 1)]
    return jnp.ravel(value)


def unpack(self: Law, name: str, values: Array) -> Any:
    """A copy of the law with these independent entries."""
    old = getattr(self, name)
    if name in ("R", "delta"):
        upper = jnp.zeros_like(old).at[jnp.triu_indices(old.shape[-1], 1)].set(values)
        new = upper + upper.T if name == "R" else upper - upper.T
    else:
        new = jnp.reshape(values, jnp.shape(old))
    return eqx.tree_at(lambda law: getattr(law, name), self, new)


def labels(self: Law, name: str) -> list[str]:
    """Labels of `pack(name)`."""
    value = getattr(self, name)
    if name in ("R", "delta"):
        size = value.shape[-1]
        return [f"{name}[{a},{b}]" for a in range(size) for b in range(a + 1, size)]
    return [name] if value.ndim == 0 else [f"{name}[{a}]" for a in range(len(value))]
