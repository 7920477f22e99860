"""Stationary states of particles on a periodic grid, without time steps."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.spaces import Grid

from .on_grids import hamiltonian


def eigenstates(
    grid: Grid,
    potential: ArrayLike,
    levels: int,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> tuple[Float[Array, " levels"], Float[Array, "levels ..."]]:
    """The lowest stationary states of particles on a periodic grid.

    (-Σ_i ħ²/2m_i ∂_i² + V) ψ_n = E_n ψ_n, with derivatives by Fourier transforms

    The dense matrix is diagonalised, which is meant for up to some 2000 points. Where a
    state and its transform vanish towards the edges of the grid, energies are right to
    rounding of the largest energy, ħ²k²/2m + V. The energies of distinct levels have
    derivatives; the states of a degenerate level are an arbitrary basis of it, and have
    none.

    Args:
        grid: the grid.
        potential: real V of the grid's shape, unit of energy.
        levels: number of states, from the ground state up (static).
        mass: m, scalar, or one for each axis.
        hbar: ħ, scalar.

    Returns:
        Energies (levels,), ascending, and real states (levels, *grid.shape) with
        ∫ψ² dx = 1, whose first large lobe, in the order of the points, is positive.

    Raises:
        ValueError: an argument has a wrong shape or value, the grid has more than 4096
            points or fewer than `levels`, or 64-bit floats are off.
    """
    matrix = hamiltonian(grid, potential, mass=mass, hbar=hbar)
    _checks.check_positive_integer(levels, "levels")
    if levels > grid.size:
        raise ValueError(
            f"Argument `levels` must be at most the number of points, {grid.size}, but "
            f"is {levels}."
        )
    return _lowest(matrix, grid, levels)


@jax.jit(static_argnames="levels")
def _lowest(matrix: Array, grid: Grid, levels: int) -> tuple[Array, Array]:
    energies, vectors = jnp.linalg.eigh(matrix)
    states = _with_sign(vectors.T[:levels]) / grid.cell**0.5
    return energies[:levels], states.reshape(levels, *grid.shape)


def _with_sign(vectors: Float[Array, "k n"]) -> Float[Array, "k n"]:
    """Rows, each turned so that its first entry of half the largest is positive.

    Not the largest entry: an odd state has two, and rounding would choose.
    """
    size = jnp.abs(vectors)
    first = jnp.argmax(size >= jnp.max(size, axis=1, keepdims=True) / 2, axis=1)
    entry = jnp.take_along_axis(vectors, first[:, None], axis=1)
    return vectors * jnp.where(entry < 0, -1, 1)
