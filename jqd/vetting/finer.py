"""The same law on a finer grid, to see whether a row fails or only its grid does."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..laws import Law, Schrodinger
from ..spaces.grids import Grid
from ..spaces.hamiltonians import ParticleOnGrid
from ..spaces.potentials import SampledPotential
from .card import Row, Verdict
from .states import particle_of

# Points of the finer grid for two of the coarser one. An error of the grid falls at
# least with the square of the spacing, to 0.44; what a law does stays above this share.
MORE, STAYS = 3, 0.5
# Rows that do not compare probabilities, and those that depend on steps alone.
ELSEWHERE = frozenset({
    "nodes", "Born equivariance", "order of steps", "gradients", "batching",
    "identifiability", "mimicked by decoherence",
})  # fmt: skip


class Finer(NamedTuple):
    """A law on a finer grid.

    Attributes:
        law: the law on the finer grid.
        quantum: quantum law from which it departs.
        points: number of points of the grid, in words.
    """

    law: Law
    quantum: Schrodinger
    points: str


def on_finer_grid(law: Law, quantum: Law) -> Finer | None:
    """The law on a grid of half as many points more along each axis, in the same box.

    None where the law does not define itself on that grid.
    """
    H = particle_of(quantum)
    if H is None or not isinstance(quantum, Schrodinger):
        return None
    try:
        finer = _refined(quantum, H)
        found = finer if law is quantum else law.on(finer)
        if found is None or not _moves(found, _grid(finer)):
            return None
    except (ValueError, TypeError):
        return None
    return Finer(found, finer, "x".join(map(str, _grid(finer).shape)))


def _moves(law: Law, grid: Grid) -> bool:
    """Whether all that a law holds fits this grid; may raise as well."""
    flat = jnp.ones(grid.shape, complex) / (grid.cell * grid.size) ** 0.5

    def moved(ket: Array) -> Array:
        state = law.prepare(ket)
        law.vector_field(0.0, state)
        return law.density(state)

    return jax.eval_shape(moved, flat).shape == grid.shape


def _grid(quantum: Schrodinger) -> Grid:
    H = particle_of(quantum)
    assert H is not None
    return H.grid


def _refined(quantum: Schrodinger, H: ParticleOnGrid) -> Schrodinger:
    grid = H.grid
    finer = Grid(grid.bounds, tuple(2 * -(-n * MORE // 4) for n in grid.shape))
    V = H.potential
    if isinstance(V, SampledPotential):
        V = SampledPotential(between(np.asarray(V.values), grid, finer))
    absorber = H.absorber
    if absorber is not None:
        absorber = np.maximum(between(np.asarray(absorber), grid, finer), 0)
    return Schrodinger.on_grid(
        finer, V, mass=H.mass, hbar=quantum.hbar, absorber=absorber
    )


def between(values: np.ndarray, grid: Grid, finer: Grid) -> np.ndarray:
    """Values at the points of a finer grid in the same box, by cubic splines.

    Args:
        values: (..., *grid.shape), or of several particles (*grid.shape, ..).
        grid: the grid, periodic.
        finer: the finer one.
    """
    from scipy.interpolate import CubicSpline  # takes a while to load

    for axis in range(values.ndim):
        at = axis % grid.ndim
        lower, upper = grid.bounds[at]
        old = np.linspace(lower, upper, grid.shape[at] + 1)
        new = np.linspace(lower, upper, finer.shape[at], endpoint=False)
        first = np.take(values, [0], axis=axis)
        closed = np.concatenate([values, first], axis=axis)
        values = CubicSpline(old, closed, axis=axis)(new)
    return values


def settled(row: Row, other: Row | None, points: str) -> Row:
    """Judge a row that fails on one grid by the same row on a finer one, or None."""
    undecided = row._replace(verdict=Verdict.NOT_DECIDED)
    if other is None:
        return undecided.with_note(
            "on one grid alone; the law does not say what it is on another"
        )
    told = f"also on {points} points"
    if row.figure is None or other.figure is None:
        return undecided.with_note(f"not {told}")
    if other.verdict is Verdict.HOLDS:
        return other.with_note(f"on {points} points, where fewer do not do")
    if other.verdict is Verdict.FAILS and other.figure > STAYS * row.figure:
        return row.with_note(told)
    return undecided.with_note(
        f"{other.figure:.2g} on {points} points: the grid is too coarse"
    )
