"""Exact packets in one or two internal coordinates, on a grid."""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._math import safe_sqrt
from ...constants import constant
from ...evolution import Fixed, evolve
from ...laws.schrodinger import Schrodinger
from ...spaces.grids import Grid
from ...spaces.resolution import cutoff_weight, edge_density
from ...status import Status
from ...steppers import srkn11
from .gaussian import GaussianState, check_pure, wave_function
from .motion import as_function

# The momentum of the mean energy, times this, must fit below the cut-off momentum.
MARGIN = 1.3
# Share of the momenta in the last tenth before the cut-off, or of the density within
# three points of a wall, above which moments are wrong in the sixth digit.
_LEAK, _OUTER, _CELLS = 1e-6, 0.9, 3


class GridRun(eqx.Module):
    """Moments of an exact packet over time.

    Attributes:
        ts: times, (T,).
        mean: ⟨q⟩, (T, n).
        covariance: of the coordinates, (T, n, n).
        energy: ⟨H⟩, (T,).
        spread: ΔE, (T,). It is conserved, and is the first to show an aliased grid.
        norm: (T,).
        cutoff: share of the momenta in the last tenth below the cut-off, (T,).
        edge: share of the density within three points of a wall, (T,).
        status: code of `jqd.Status`: CUTOFF or EDGE where such a share exceeded 1e-6.
        errors: those of the values before `status`, by name and in their shapes, by the
            steps, or None if `method` estimates none.
    """

    ts: Float[Array, " T"]
    mean: Float[Array, "T n"]
    covariance: Float[Array, "T n n"]
    energy: Float[Array, " T"]
    spread: Float[Array, " T"]
    norm: Float[Array, " T"]
    cutoff: Float[Array, " T"]
    edge: Float[Array, " T"]
    status: Int[Array, ""]
    errors: dict[str, Array] | None

    @property
    def variance(self) -> Float[Array, "T n"]:
        """Variance of each coordinate."""
        return jnp.diagonal(self.covariance, axis1=-2, axis2=-1)


def exact_packet(
    potential: Callable[[Array], Array],
    masses: ArrayLike,
    state: GaussianState,
    ts: ArrayLike,
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    method: Fixed | None = None,
) -> GridRun:
    """Schrödinger's evolution of a Gaussian state, and its moments.

    iħ ∂ψ/∂t = (Σ p²/2m + V) ψ on a periodic grid. Coordinates of different masses
    are scaled to mass 1, so the grid and the masses must be concrete (not traced).

    Args:
        potential: V, q (n,) -> scalar energy; n is 1 or 2.
        masses: (n,), positive.
        state: pure Gaussian state at ts[0].
        ts: (T,) strictly increasing times.
        grid: grid of n dimensions in the unit of q. Its cut-off momentum must exceed
            1.3 √(2m(⟨H⟩ - min V)), see `check_momenta`.
        hbar: ħ, scalar.
        method: `Fixed`; None for one step of `srkn11` per time, whose error is
            estimated from a run with half the step.

    Returns:
        `GridRun`. Its moments are those on the grid: where `status` is not OK they
        differ from those in open space.

    Raises:
        ValueError: a mixed state, sizes that do not agree, a packet that does not
            fit the box, or a grid too coarse for the energy.
    """
    grid, root = _scaled(grid, masses, state)
    check_pure(state, hbar)
    start = _Start(as_function(potential), state, root, jnp.asarray(hbar), grid)
    values, points, psi, kept, energy = start()
    # a Gaussian cut off by the box stays short of 1
    if _checks.is_concrete(kept) and not abs(float(kept) - 1) < 1e-6:
        raise ValueError(
            "Argument `grid` must hold the whole packet, but holds "
            f"{float(kept):.6g} of it."
        )
    check_momenta(grid, energy, hbar=hbar)
    law = Schrodinger.on_grid(grid, values, hbar=hbar)
    look = _Look(law, points)
    psi = law.prepare(psi)
    run = evolve(law, psi, ts, method=method or Fixed(srkn11), observe=look)
    status = _judge(run.status, run.values)
    return GridRun(run.ts, **run.values, status=status, errors=run.error)


def check_momenta(
    grid: Grid,
    energy: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    margin: float = MARGIN,
) -> None:
    """Refuse a grid on which momenta of this kinetic energy would be aliased.

    πħ/dx > margin · √(2mE) on every axis: a momentum beyond the cut-off comes back
    with the opposite sign. Energy is then no longer conserved, though the norm is.

    Args:
        grid: the grid.
        energy: E above the lowest potential energy, scalar (skipped if traced).
        mass: m, scalar or (ndim,).
        hbar: ħ, scalar.
        margin: factor that leaves room for momenta above the mean energy.

    Raises:
        ValueError: a cut-off too low; the message says how many points suffice.
    """
    if not _checks.is_concrete((energy, mass, hbar)):
        return
    mass = np.broadcast_to(np.asarray(mass, float), (grid.ndim,))
    highest = max(float(np.asarray(energy)), 0.0)
    for axis, (m, dx, n) in enumerate(zip(mass, grid.spacing, grid.shape, strict=True)):
        needed = margin * math.sqrt(2 * m * highest)
        reach = math.pi * float(np.asarray(hbar)) / dx
        if not reach > needed:
            raise ValueError(
                f"Argument `grid` must reach the momentum {needed:.4g} for the energy "
                f"{highest:.4g}, but axis {axis} with {n} points reaches {reach:.4g}; "
                f"use at least {math.floor(n * needed / reach) + 1}."
            )


def _scaled(
    grid: Grid, masses: ArrayLike, state: GaussianState
) -> tuple[Grid, Float[Array, " n"]]:
    """The grid of the coordinates √m q, and √m."""
    if grid.ndim > 2:
        raise ValueError(
            f"Argument `grid` must have 1 or 2 dimensions, but has {grid.ndim}."
        )
    _checks.check_shape(masses, "masses", (grid.ndim,))
    _checks.check_shape(state.position, "state.position", (grid.ndim,))
    if not _checks.is_concrete(masses):
        raise ValueError(
            "Argument `masses` must be known, for they scale the grid, but is traced."
        )
    _checks.check_positive(masses, "masses")
    root = np.sqrt(np.asarray(masses, float))
    bounds = [
        (lower * r, upper * r)
        for (lower, upper), r in zip(grid.bounds, root, strict=True)
    ]
    return Grid(bounds, grid.shape), constant(root, "root")


class _Start(eqx.Module):
    """V and ψ on the grid of scaled coordinates."""

    potential: Any
    state: GaussianState
    root: Float[Array, " n"]
    hbar: Float[Array, ""]
    grid: Grid

    @jax.jit
    def __call__(self) -> tuple[Array, Array, Array, Array, Array]:
        """V, the points q (*shape, n), ψ, its norm in the box, and ⟨H⟩ - min V."""
        grid = self.grid
        scaled = jnp.stack(jnp.broadcast_arrays(*grid.coordinates), axis=-1)
        points = scaled / self.root[(None,) * grid.ndim]
        flat = jnp.reshape(points, (-1, grid.ndim))
        values = jnp.reshape(jax.vmap(self.potential)(flat), grid.shape)
        # the density in scaled coordinates
        psi = wave_function(self.state, points, self.hbar)
        psi = psi / jnp.sqrt(jnp.prod(self.root))
        kept = grid.norm2(psi)
        psi = grid.normalise(psi)
        law = Schrodinger.on_grid(grid, values, hbar=self.hbar)
        energy = law.invariants(psi)["energy"] - jnp.min(values)
        return values, points, psi, kept, energy


class _Look(eqx.Module):
    """What `GridRun` keeps of a wave function."""

    law: Schrodinger
    points: Float[Array, "*shape n"]

    def __call__(self, t: Array, psi: Array) -> dict[str, Any]:
        law, grid = self.law, self.law.grid
        assert grid is not None
        density = law.density(psi) * grid.cell
        flat = jnp.ravel(density)
        q = jnp.reshape(self.points, (-1, grid.ndim)).astype(flat.dtype)
        norm = jnp.sum(flat)
        mean = flat @ q / norm
        moved = q - mean[None, :]
        image = law.hamiltonian.apply(psi, t, law.hbar)
        energy = jnp.real(grid.inner(psi, image)) / norm
        square = grid.norm2(image - energy * psi) / norm
        return {
            "mean": mean,
            "covariance": (flat[:, None] * moved).T @ moved / norm,
            "energy": energy,
            "spread": safe_sqrt(square),
            "norm": norm,
            "cutoff": cutoff_weight(grid, psi, _OUTER),
            "edge": edge_density(grid, density, _CELLS),
        }


def _judge(status: Array, values: dict[str, Array]) -> Array:
    """CUTOFF, then EDGE, where a share passed its limit at any time."""
    edge = jnp.max(values["edge"]) > _LEAK
    cutoff = jnp.max(values["cutoff"]) > _LEAK
    leaked = jnp.where(
        cutoff, Status.CUTOFF, jnp.where(edge, Status.EDGE, Status.OK)
    ).astype(status.dtype)
    # what leaks makes the errors as well, and says what to do
    open_ = (status == Status.OK) | (status == Status.INACCURATE)
    return jnp.where(open_ & (leaked != Status.OK), leaked, status)
