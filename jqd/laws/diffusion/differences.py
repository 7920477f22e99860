"""Difference matrices with open ends, and local interpolation, on uniform points."""

import functools
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_STENCIL = 8


@functools.cache
def difference_matrix(
    points: int, derivative: int, order: int, periodic: bool
) -> np.ndarray:
    """Weights of f^(k)(x_i) h^k on points of unit spacing.

    Central in the middle; at open ends the stencil leans inward and keeps its order.

    Args:
        points: number of points, more than the stencil has.
        derivative: k, 1 or 2.
        order: of accuracy, even.
        periodic: whether the stencil wraps around the ends.

    Returns:
        (points, points).
    """
    half = order // 2 + (derivative - 1) // 2
    matrix = np.zeros((points, points))
    for i in range(points):
        if periodic:
            offsets = np.arange(-half, half + 1)
        else:
            # one point more where it leans: the symmetric gain of an order is lost
            width = 2 * half + 1 + (derivative - 1) * (not half <= i < points - half)
            start = min(max(i - half, 0), points - width)
            offsets = np.arange(start, start + width) - i
        matrix[i, (i + offsets) % points] += _weights(tuple(offsets), derivative)
    return matrix


@functools.cache
def _weights(offsets: tuple[int, ...], derivative: int) -> np.ndarray:
    """Weights on these offsets that are exact for all polynomials they can tell."""
    powers = np.arange(len(offsets))
    table = np.asarray(offsets, float)[None, :] ** powers[:, None]
    right = np.zeros(len(offsets))
    right[derivative] = math.factorial(derivative)
    return np.linalg.solve(table, right)


def interpolate(
    values: Float[Array, " n"], lower: Array, spacing: Array, at: Float[Array, " m"]
) -> Float[Array, " m"]:
    """Values between uniform points by polynomials of degree 7.

    Args:
        values: f at lower + i spacing, i = 0..n-1, n >= 8.
        lower: first point.
        spacing: distance of neighbours.
        at: where f is wanted; beyond the ends the last polynomial is continued.

    Returns:
        f there.
    """
    place = (at - lower) / spacing
    first = jnp.clip(
        jnp.floor(place).astype(int) - _STENCIL // 2 + 1, 0, values.shape[0] - _STENCIL
    )
    away = place - first
    nodes = np.arange(_STENCIL)
    total = jnp.zeros_like(at)
    for j in nodes:
        others = [k for k in nodes if k != j]
        scale = math.prod(int(j - k) for k in others)
        weight = math.prod(away - int(k) for k in others) / scale
        total = total + weight * values[first + int(j)]
    return total
