"""The density of paths in one dimension from any initial density, without sampling."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._gate import gated
from ...evolution.evolution import in_precision
from ...evolution.judging import judged, status_of_each
from ...laws.law import Law
from ..arrival.detector import line_walk
from ..arrival.follow import follow
from ..cells import Cells
from ..paths.walk import Walk
from ..volumes import Mesh, check_volumes
from .entropy import relative_entropy
from .stationary import TAIL

# With more than this share of the paths where ψ is only rounding, the drift is unknown.
UNKNOWN = 1e-3


class PathDensity(NamedTuple):
    """The density of paths on cells.

    Attributes:
        ts: times, (T,).
        x: centres of the cells, (c,).
        density: ρ, averages over the cells, (T, c).
        entropy: H = Σ p ln(p/q) over the cells, (T,).
        error: estimate of the error of H, from a run with half as many cells and steps,
            (T,).
        status: code of `jqd.Status` for each time, (T,): INACCURATE where the error is
            as large as H at the first time, or one in a thousand paths lies where |ψ|²
            is below 1e-16 of its peak.
    """

    ts: Float[Array, " T"]
    x: Float[Array, " c"]
    density: Float[Array, "T c"]
    entropy: Float[Array, " T"]
    error: Float[Array, " T"]
    status: Int[Array, " T"]


@gated
def path_density(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    density: Float[ArrayLike, "..."],
    nu: ArrayLike | None = None,
    D: ArrayLike | None = None,
    cells: int = 800,
    substeps: int = 50,
    stepper: Callable[..., Any] | None = None,
    refine: int | None = None,
) -> PathDensity:
    """The density of paths with noise ν > 0 from any initial density, and its H.

    ∂f/∂t = -v ∂f/∂x + ν (∂²f/∂x² + ∂ln|ψ|²/∂x ∂f/∂x),  ρ = f|ψ|²

    The method is the finite volumes of `survival`, between closed ends of the box: it
    computes in one dimension what `equilibration` samples. For a ψ with a permanent
    real node (zero) see `nodal_domains`: here a node leaks at a rate of the order of
    the width of a cell.

    Args:
        law, psi0, D: as for `nelson`, on a grid of one dimension.
        ts: times, (T,), strictly increasing.
        density: ρ at ts[0] on the grid, not negative; need not be normalised.
        nu: ν > 0, length² over time; None for D, Nelson's value.
        cells: number of cells in the box, even.
        substeps: steps between two times, an even number.
        stepper, refine: as for `nelson`.

    Returns:
        ρ and H at each time, the estimated error of H, and a status.

    Raises:
        ValueError: ν = 0, odd numbers of cells or steps, or as for `nelson`.
    """
    walk, psi, ts = line_walk(
        law, psi0, ts, D, nu, "implicit", stepper, substeps, refine
    )
    check_volumes(cells, substeps, walk.nu, "backtracked")
    _checks.check_not_negative(density, "density", walk.grid.shape)
    return _run(walk, psi, ts, jnp.asarray(density, psi.real.dtype), cells)


@eqx.filter_jit
def _run(walk: Walk, psi, ts, density, cells: int) -> PathDensity:
    walk = in_precision(walk, psi.real.dtype)

    def spread(times, walk, psi, ts, density):
        walk = walk.with_steps(times)
        found = _spread(walk, psi, ts, density, int(times * cells))
        p, q, _ = found[1]
        return jax.vmap(relative_entropy)(p, q), found

    # Both errors fall to a quarter with twice as many cells and steps.
    given = walk, psi, ts, density
    entropy, error, told = judged(spread, given, order=2, finer=1 / 2)
    mesh, (p, _, unknown) = told
    sound = (error < jnp.abs(entropy[0])) & (unknown <= UNKNOWN)
    return PathDensity(
        ts, mesh.points[:, 0], p / mesh.widths[None], entropy, error,
        status_of_each(entropy, ~sound),
    )  # fmt: skip


def _spread(walk, psi, ts, density, cells):
    """The cells; shares of paths and of |ψ|², and what lies where ψ is rounding."""
    mesh, grid = _even(walk, cells, density.dtype), walk.grid
    box = Cells(grid.bounds, cells)
    p = box.shares(density, grid)[:-1]

    def look(state, psi):
        q = box.of_wave(psi, grid)[:-1]
        unknown = jnp.where(q < TAIL * jnp.max(q), state[0], 0)
        return state[0], q, jnp.sum(unknown)

    def each(state, psi, dt):
        return mesh.advance(walk, state, psi, dt)

    return mesh, follow(walk, psi, ts, mesh.start(p), each, look)


def _even(walk: Walk, cells: int, dtype: Any) -> Mesh:
    """Equal cells of the box between walls."""
    lower, upper = walk.grid.bounds[0]
    width = (upper - lower) / cells
    faces = lower + width * np.arange(cells)
    even = jnp.full(cells, width, dtype)
    at = [jnp.asarray(x[:, None], dtype) for x in (faces + width / 2, faces)]
    return Mesh(at[0], even, at[1], even, sign=-1, leaks=0)
