"""Convolutions on a grid whose box is taken as empty all around."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ...spaces.grids import Grid


def doubled(grid: Grid) -> tuple[int, ...]:
    """Points of a box of twice the lengths, which holds all differences."""
    return tuple(2 * n for n in grid.shape)


def differences(grid: Grid) -> tuple[Float[Array, "..."], ...]:
    """All differences of points, both signs, as an FFT orders them.

    Returns:
        One array per dimension, each of the `doubled` shape, unit of length.
    """
    apart = []
    for axis, (n, h) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
        steps = np.concatenate([np.arange(n), np.arange(-n, 0)])
        shape = [1] * grid.ndim
        shape[axis] = 2 * n
        apart.append(jnp.asarray(h * steps.reshape(shape)))
    return tuple(jnp.broadcast_to(x, doubled(grid)) for x in apart)


def convolve(
    grid: Grid, spectrum: Complex[Array, "..."], f: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Σ_y K(x - y) f(y) at the points of the grid.

    Args:
        grid: the grid.
        spectrum: `rfftn` of K at the `differences`.
        f: of the grid's shape, or of the `doubled` one.

    Returns:
        Of the grid's shape.
    """
    axes = tuple(range(grid.ndim))
    wide = jnp.fft.rfftn(f, doubled(grid), axes) * spectrum
    near = tuple(slice(0, n) for n in grid.shape)
    return jnp.fft.irfftn(wide, doubled(grid), axes)[near]
