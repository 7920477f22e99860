"""Couplings of classes without their diagonal, and roots that are regular at 0."""

import jax.numpy as jnp
from jaxtyping import Array


def off_diagonal(matrix: Array) -> Array:
    """The matrix with zeros on its diagonal."""
    return jnp.where(jnp.eye(matrix.shape[-1], dtype=bool), 0, matrix)


def inverse_root(n: Array) -> Array:
    """1/√n, 0 where n is 0."""
    filled = n > 0
    return jnp.where(filled, 1 / jnp.sqrt(jnp.where(filled, n, 1)), 0)


def square_root(x: Array) -> Array:
    """√x with a finite derivative, 0, where x is 0."""
    filled = x > 0
    return jnp.where(filled, jnp.sqrt(jnp.where(filled, x, 1)), 0)
