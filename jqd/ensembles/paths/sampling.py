"""Positions drawn from a density on a grid, and the distance of a sample to one."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from ... import _checks
from ..._gate import gated
from ...spaces import Grid
from ...status import Status
from .guide import each_component, refined, whole_density

# Points to which each axis is refined before the density is taken as linear between
# them, which adds Δ²/6 to its variance: in one dimension far below what 1e6 paths could
# resolve, in three a hundredth of a packet whose width is two points of 64.
POINTS = {1: 4096, 2: 512, 3: 96}  # in more dimensions the grid as it is
# 95 % of samples from the density itself stay below this over √n (Kolmogorov).
LINE = 1.358
# One in 1e5 exceeds this over √n: 2 exp(-2 · 2.5²) = 7e-6.
FAR = 2.5


def draw(
    key: Array, ids: Int[Array, " n"], grid: Grid, psi: Complex[Array, "..."]
) -> Float[Array, "n d"]:
    """Draw positions from |ψ|², each with the random numbers of its path.

    The density is interpolated linearly between the points of a refined grid: a point
    is drawn by its weight from the cumulative sum, and a triangular step is added.

    Args:
        key: of the random numbers.
        ids: numbers of the paths; each has its own random numbers.
        grid: the grid.
        psi: ψ on the grid, for spinors with components first; any norm.

    Returns:
        Positions inside the box, (n, d), of ψ's real dtype.
    """
    refine = _refine(grid)
    fine = each_component(lambda one: refined(one, refine), psi, grid.ndim)
    return _from_points(key, ids, grid, whole_density(fine, grid.ndim))


@gated
def draw_positions(
    key: Array, density: Float[ArrayLike, "..."], grid: Grid, paths: int
) -> Float[Array, "n d"]:
    """Draw positions from any density on a grid, for the argument `x0` of paths.

    Args:
        key: of the random numbers, `jax.random.key(...)`.
        density: on the grid, not negative; need not be normalised.
        grid: the grid; between its points the density's Fourier series is used.
        paths: number of positions, n.

    Returns:
        Positions inside the box, (n, d).

    Raises:
        ValueError: a density of another shape, below zero, or zero everywhere.
    """
    _checks.check_not_negative(density, "density", grid.shape)
    if _checks.is_concrete(density) and not _checks.concrete(density).any():
        raise ValueError("Argument `density` must not be zero everywhere, but is.")
    count = _checks.whole_number(paths, "paths", 1)
    ids = jnp.arange(count, dtype=jnp.uint32)
    density = jnp.asarray(density, jnp.result_type(density, jnp.zeros(()).dtype))
    return _drawn(_checks.single_key(key), ids, grid, density)


@eqx.filter_jit
def _drawn(key: Array, ids: Array, grid: Grid, density: Array) -> Array:
    # The series of a positive density may lie a trifle below zero.
    fine = jnp.maximum(jnp.real(refined(density, _refine(grid))), 0)
    return _from_points(key, ids, grid, fine)


def _refine(grid: Grid) -> tuple[int, ...]:
    wanted = POINTS.get(grid.ndim, 1)
    return tuple(max(1, -(-wanted // points)) for points in grid.shape)


def _from_points(key: Array, ids: Array, grid: Grid, fine: Array) -> Array:
    """Positions from a density that is linear between the points of a fine grid."""
    dtype = fine.dtype
    total = jnp.cumsum(fine.reshape(-1))

    def one(number):
        mine = jax.random.fold_in(key, number)
        return jax.random.uniform(mine, (1 + 2 * grid.ndim,), dtype)

    uniform = jax.vmap(one)(ids)
    cell = jnp.searchsorted(total, uniform[:, 0] * total[-1], side="right")
    cells = jnp.unravel_index(jnp.minimum(cell, total.size - 1), fine.shape)
    columns = []
    for axis, (lower, upper) in enumerate(grid.bounds):
        step = uniform[:, 1 + 2 * axis] + uniform[:, 2 + 2 * axis] - 1
        at = (cells[axis].astype(dtype) + step) / fine.shape[axis]
        columns.append(lower + (upper - lower) * (at - jnp.floor(at)))
    return jnp.stack(columns, axis=-1)


@gated
def kolmogorov_smirnov(
    positions: Float[Array, "n d"], grid: Grid, density: Float[Array, "..."]
) -> Float[Array, " d"]:
    """Kolmogorov-Smirnov distance of a sample to a density, axis by axis.

    sup_x |F_n(x) - F(x)|, F the distribution of the marginal density along the axis

    95 % of samples drawn from the density itself stay below 1.358/√n.

    Args:
        positions: (n, d); rows with NaN are left out.
        grid: the grid of the density.
        density: on the grid; need not be normalised.

    Returns:
        (d,) distances; NaN where no row is left.

    Raises:
        ValueError: shapes that do not fit the grid.
    """
    _checks.check_type(grid, "grid", Grid, "a Grid")
    _checks.check_shape(density, "density", grid.shape)
    _checks.check_shape(positions, "positions", (None, grid.ndim))
    for name, value in (("density", density), ("positions", positions)):
        _checks.check_real(value, name)
    # whole and half numbers widened; single precision stays what it is
    density, positions = (_checks.complex_of(x).real for x in (density, positions))
    keep = jnp.all(jnp.isfinite(positions), axis=1)
    distances = [
        _one_axis(
            jnp.where(keep, positions[:, axis], jnp.inf),
            jnp.sum(keep),
            grid.bounds[axis],
            _marginal(density, axis),
        )
        for axis in range(grid.ndim)
    ]
    return jnp.stack(distances)


def sample_status(ks: Float[Array, "... d"], count: Array) -> Int[Array, "..."]:
    """Code of `jqd.Status` of samples of `count` positions, by their distance to |ψ|²:
    OUT_OF_EQUILIBRIUM beyond 2.5/√n along an axis, by chance one sample in 1e5."""
    line = FAR / jnp.sqrt(jnp.maximum(count, 1).astype(ks.dtype))
    far = jnp.any(ks > line, axis=-1)
    return jnp.where(far, Status.OUT_OF_EQUILIBRIUM, Status.OK).astype(jnp.int32)


def _marginal(density: Array, axis: int) -> Array:
    others = tuple(a for a in range(density.ndim) if a != axis)
    marginal = jnp.sum(density, axis=others)
    refine = max(1, -(-POINTS[1] // marginal.shape[0]))
    # Rounding may leave the interpolant of a positive density a trifle below zero.
    return jnp.maximum(jnp.real(refined(marginal, refine)), 0)


def _one_axis(x: Array, count: Array, bounds: tuple[float, float], f: Array) -> Array:
    lower, upper = bounds
    cells = (f + jnp.roll(f, -1)) / 2
    below = jnp.concatenate([jnp.zeros_like(f[:1]), jnp.cumsum(cells)])
    # The rows that count come first, the others (infinite) last.
    x = jnp.sort(x)
    u = jnp.clip((x - lower) * (f.size / (upper - lower)), 0, f.size)
    cell = jnp.minimum(u.astype(jnp.int32), f.size - 1)
    part = u - cell.astype(u.dtype)
    slope = jnp.roll(f, -1)[cell] - f[cell]
    F = (below[cell] + part * (f[cell] + part * slope / 2)) / below[-1]
    rank = jnp.arange(x.size, dtype=x.dtype)
    n = jnp.maximum(count, 1).astype(x.dtype)
    gap = jnp.maximum(F - rank / n, (rank + 1) / n - F)
    largest = jnp.max(jnp.where(rank < count.astype(x.dtype), gap, 0), initial=0)
    return jnp.where(count > 0, largest, jnp.nan)
