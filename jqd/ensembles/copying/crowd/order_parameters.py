"""Sums over a crowd: occupations, order parameters and descent.

Throughout a_I is the `beable` of individual I, (N,), exp(iφ_I) its `unit`, (N,), and
n_a the `occupation` of class a, (M,).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from ...._math import of_pairs, real_pairs

# With more classes a scatter is cheaper than a pass over all individuals for each.
FEW_CLASSES = 32


def class_sums(
    values: Array, beable: Int[Array, " N"], classes: int
) -> Float[Array, " M"]:
    """Σ_{I in a} x_I over the members of each class, in the dtype of x."""
    if classes > FEW_CLASSES:
        parts = jax.ops.segment_sum(real_pairs(values), beable, classes)
        return of_pairs(parts, values)
    labels = jnp.arange(classes, dtype=beable.dtype)
    return jnp.sum(
        jnp.where(beable[None, :] == labels[:, None], values[None, :], 0), axis=-1
    )


def class_counts(beable: Int[Array, " N"], like: Float[Array, " M"]) -> Array:
    """n_a, (M,), in the dtype of `like`, which has one entry for each class."""
    ones = jnp.ones_like(beable)
    return class_sums(ones, beable, like.shape[0]).astype(like.dtype)


def order_parameters(
    unit: Complex[Array, " N"], beable: Int[Array, " N"], occupation: Float[Array, " M"]
) -> Complex[Array, " M"]:
    """Z_a/n_a = (1/n_a) Σ_{I in a} exp(iφ_I); 0 for an empty class.

    Its modulus is 1 where all phases of a class agree; its angle is their circular
    mean.
    """
    total = class_sums(unit, beable, occupation.shape[0])
    return total / jnp.maximum(occupation, 1)


def phase_variance(
    unit: Complex[Array, " N"], beable: Int[Array, " N"], occupation: Float[Array, " M"]
) -> Float[Array, " M"]:
    """Mean square of φ_I about the circular mean of its class, rad²; 0 if empty."""
    mean = order_parameters(unit, beable, occupation)
    apart = jnp.angle(unit * jnp.conj(mean)[beable])
    squares = class_sums(apart**2, beable, occupation.shape[0])
    return squares / jnp.maximum(occupation, 1)


def moved_counts(
    beable: Int[Array, " N"], start: Int[Array, " N"], like: Float[Array, " M"]
) -> Float[Array, "M M"]:
    """[a, b]: number of those in class a that began in class b, in `like`'s dtype."""
    size = like.shape[0]
    pairs = class_sums(jnp.ones_like(beable), beable * size + start, size * size)
    return jnp.reshape(pairs, (size, size)).astype(like.dtype)


def distinct(ancestor: Int[Array, " N"]) -> Int[Array, ""]:
    """The number of initial individuals with descendants: N at first, 1 in the end."""
    return jnp.sum(jnp.zeros_like(ancestor).at[ancestor].set(1))
