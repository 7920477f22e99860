"""f = ρ/|ψ|² without noise, traced back along Bohm's paths to where it is known."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._checks import whole_number
from ..._gate import gated
from ..._math import divisor
from ...evolution.evolution import in_precision
from ...laws.law import Law
from ...status import Status
from ..arrival.follow import follow
from ..cells import Cells
from ..paths.processes import read_walk
from ..paths.walk import Walk, begin, interval
from .entropy import relative_entropy

# Largest distance of the recovered norm from 1.
NORM = 0.01


class Backtracked(NamedTuple):
    """The density of Bohm's paths on a lattice.

    Attributes:
        positions: points of the lattice, (n, d), equally many in each cell.
        f: ρ/|ψ|² there, (n,); NaN where the path back left the grid.
        weights: f |ψ|² times the volume of a point, (n,), as `Cells.counts` takes them.
        norm: the recovered norm, which is the sum of the weights: 1 but for errors of
            the lattice and the steps.
        entropy: coarse-grained H of the weights, corrected for the norm that is
            missing: Σ p ln(p/q) + 1 - Σ p.
        points: number of points of the lattice along each side of a cell.
        status: code of `jqd.Status`: INACCURATE unless the norm is 1 +- 0.01.
    """

    positions: Float[Array, "n d"]
    f: Float[Array, " n"]
    weights: Float[Array, " n"]
    norm: Float[Array, ""]
    entropy: Float[Array, ""]
    points: int
    status: Int[Array, ""]


@gated
def backtracked(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    density: Float[ArrayLike, "..."],
    cells: Cells,
    points: int = 8,
    most: int = 32,
    D: ArrayLike | None = None,
    substeps: int = 200,
    stepper: Callable[..., Any] | None = None,
    refine: int | None = None,
    periodic: bool = False,
) -> Backtracked:
    """The density of Bohm's paths at the last time, traced back to the first.

    f(x, t) = f(X(t₀), t₀) along the path X that is at x at time t

    There is no sampling error, but f soon varies within the spacing of any lattice, and
    the norm shows what is lost. Lattice and steps are made twice as fine until the norm
    is 1 +- 0.01, or the lattice has `most` points per side; the status says which. With
    noise f is not carried along the paths, and `equilibration` samples it instead.

    Args:
        law: law on a grid whose state is ψ, such as `jqd.Schrodinger`.
        psi0: ψ at ts[0], of the grid's shape, normalised.
        ts: times, (T,), strictly increasing; only the first and the last matter.
        density: ρ at ts[0] on the grid, not negative; need not be normalised.
        cells: cells in which the lattice lies; if they are not all of ψ's box, the
            norm lacks the part outside.
        points: initial number of lattice points along each side of a cell.
        most: number of points at which to give up.
        D, stepper, refine, periodic: as for `bohm`.
        substeps: initial number of steps between two times.

    Returns:
        f on the lattice, the norm, coarse-grained H and a status. Under jit `most` must
        be less than twice `points`, since a traced norm cannot decide on a refinement.

    Raises:
        ValueError: as for `bohm`, an invalid density, cells of another box, a law with
            impulses.

    Source: A. Valentini and H. Westman (2005) Proc. R. Soc. A 461, 253.
    """
    points = whole_number(points, "points", 1)
    most = whole_number(most, "most", points)
    steps = whole_number(substeps, "substeps", 1)
    while True:
        walk, psi, times = read_walk(
            law, psi0, ts, D, 0.0, "rk4", stepper, steps, refine, periodic
        )
        if law.breaks().impulses is not None:
            raise ValueError(
                "Argument `law` must not have impulses here, but has: paths are led "
                "back without them."
            )
        cells.check(walk.grid)
        _checks.check_not_negative(density, "density", walk.grid.shape)
        start = jnp.asarray(density, psi.real.dtype)
        found = _back(walk, psi, times, start, cells, points)
        if 2 * points > most or found.status == Status.OK:
            return found
        points, steps = 2 * points, 2 * steps


class _Silence:
    """The random numbers of paths without noise."""

    def increment(self, step: Array, like: Array, halves: bool) -> Array:
        del step, halves
        return jnp.zeros_like(like)


@eqx.filter_jit
def _back(walk: Walk, psi, ts, density, cells: Cells, points: int) -> Backtracked:
    walk, grid = in_precision(walk, psi.real.dtype), walk.grid
    last = follow(walk, psi, ts, (), lambda *_: (), lambda _, psi: psi)[-1]
    lattice = cells.middles(points).astype(density.dtype)

    def before(carry, ends):
        psi, walkers = carry
        t1, t0 = ends
        psi, walkers, _ = interval(
            walk, psi, walkers, t1, t0, _Silence(), jnp.asarray(0), walk.substeps, False
        )
        return (psi, walkers), None

    start = (last, begin(walk, last, lattice, ts[-1]))
    (_, walkers), _ = jax.lax.scan(before, start, (ts[:0:-1], ts[-2::-1]))
    sound = walkers.status == Status.OK
    there = walk.guide(psi).density(walkers.x)
    first = walk.guide((density / grid.integrate(density)).astype(psi.dtype))
    rho = jnp.maximum(jnp.real(first.values(walkers.x)), 0)
    alive = sound & (there > 0)
    f = rho / divisor(there, alive)
    images = 2**grid.ndim if cells.mirrored else 1
    volume = math.prod(b - a for a, b in cells.bounds) * images / lattice.shape[0]
    weights = jnp.where(alive, f * walk.guide(last).density(lattice), 0) * volume
    p, norm = cells.counts(lattice, weights), jnp.sum(weights)
    H = relative_entropy(p, cells.of_wave(last, grid)) + 1 - norm
    status = jnp.where(jnp.abs(norm - 1) <= NORM, Status.OK, Status.INACCURATE)
    f = jnp.where(alive, f, jnp.nan)
    return Backtracked(
        lattice, f, weights, norm, H, points, status.astype(jnp.int32)
    )  # fmt: skip
