"""Angles and powers that live on the links between two classes."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float


def off_diagonal(matrix: Array) -> Array:
    """The matrix with zeros on its diagonal."""
    return jnp.where(jnp.eye(matrix.shape[-1], dtype=bool), 0, matrix)


def square_root(x: Array) -> Array:
    """√x with a finite derivative, 0, where x is 0."""
    filled = x > 0
    return jnp.where(filled, jnp.sqrt(jnp.where(filled, x, 1)), 0)


def per_pair(matrix: Array, beable: Array) -> Array:
    """Entry of the classes of each pair of individuals, (N, N)."""
    return matrix[beable[:, None], beable[None, :]]


def ratio_power(x: Array, power: ArrayLike) -> Array:
    """(x_a/x_b)^power, (M, M); 0 on links with an empty class."""
    # Double where: the power of 0 or 1/0 must not reach the gradient either.
    filled = x > 0
    safe = jnp.where(filled, x, 1)
    ratio = (safe[:, None] / safe[None, :]) ** power
    return jnp.where(filled[:, None] & filled[None, :], ratio, 0)


def positive_sine(angle: Float[Array, "..."]) -> Float[Array, "..."]:
    """Sine where it is positive, else zero.

    sin⁺θ = max(sin θ, 0)

    Args:
        angle: θ in radians, any shape.

    Returns:
        Array like `angle`, in [0, 1].
    """
    return jnp.maximum(jnp.sin(angle), 0)


def link_angle(
    phase: Float[Array, " M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Gauge-invariant angle of every link.

    x_ab = φ_a - φ_b + δ_ab, in radians

    Source: Smolin (2012), argument of eq. 30.
    """
    return phase[:, None] - phase[None, :] + delta
