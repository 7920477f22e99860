"""Cells of a box: shares of a density, and numbers of paths, in each of them."""

import math
from collections.abc import Sequence
from typing import Any, SupportsIndex

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .. import _checks
from .._math import divisor, expi
from ..constants import switch
from ..spaces import Grid
from .paths.guide import each_component, refined, whole_density


class Cells(eqx.Module):
    """Equal cells of a box, over which densities are averaged.

    The values of the cells are in the order of `reshape(-1)`, and one more follows: all
    that lies outside the box.

    Attributes:
        bounds: (lower, upper) of each axis, in the unit of length (static).
        shape: number of cells along each axis (static).
        mirrored: whether a point beyond a wall counts at its mirror image (static).
            This serves a box of hard walls, where ψ is continued as an odd function on
            a periodic grid twice as long.
    """

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)
    mirrored: bool = switch()

    def __init__(
        self,
        bounds: Sequence[float] | Sequence[Sequence[float]],
        shape: SupportsIndex | Sequence[SupportsIndex],
        mirrored: bool = False,
    ):
        """Cut a box into cells.

        Args:
            bounds: (lower, upper) for one dimension, or one such pair per axis.
            shape: number of cells, or one number per axis.
            mirrored: see the class.

        Raises:
            ValueError: the bounds or the shape do not make a box of cells.
        """
        box = Grid(bounds, shape)
        self.bounds, self.shape, self.mirrored = box.bounds, box.shape, bool(mirrored)

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def shares(self, density: Float[Array, "..."], grid: Grid) -> Float[Array, " c"]:
        """The share of a density in each cell, and outside: the last of `size` + 1.

        The density's Fourier series is integrated exactly over each cell.

        Args:
            density: on the grid, or on any number of points of its box; need not be
                normalised.
            grid: gives the box; with `mirrored`, it is twice as long as the cells' box
                along each axis.

        Raises:
            ValueError: another number of axes, or a grid that is not twice as long.
        """
        self.check(grid)
        ends = [self._ends(axis) for axis in range(len(self.shape))]
        inside = integrals(density, grid.bounds, ends).reshape(-1)
        whole = jnp.mean(density) * math.prod(b - a for a, b in grid.bounds)
        # Rounding may leave a trifle below zero.
        inside = jnp.maximum(inside / divisor(whole), 0)
        outside = jnp.maximum(1 - jnp.sum(inside), 0)
        return jnp.append(inside, 0 if self.mirrored else outside)

    def of_wave(self, psi: Complex[Array, "..."], grid: Grid) -> Float[Array, " c"]:
        """The shares of |ψ|², which has twice the wavenumbers of ψ."""
        fine = each_component(lambda one: refined(one, 2), psi, grid.ndim)
        return self.shares(whole_density(fine, grid.ndim), grid)

    def counts(
        self, positions: Float[Array, "n d"], weights: Float[Array, " n"] | None = None
    ) -> Float[Array, " c"]:
        """The number of positions in each cell, and outside: `size` + 1 numbers.

        Args:
            positions: (n, d); rows with NaN are left out.
            weights: weight of each of them, (n,); None for 1.
        """
        _checks.check_shape(positions, "positions", (None, len(self.shape)))
        keep = jnp.all(jnp.isfinite(positions), axis=1)
        number = jnp.zeros(positions.shape[0], jnp.int32)
        inside = keep
        for axis, ((lower, upper), cells) in enumerate(
            zip(self.bounds, self.shape, strict=True)
        ):
            u = (positions[:, axis] - lower) / (upper - lower)
            if self.mirrored:
                turn = u / 2 - jnp.floor(u / 2)
                u = 2 * jnp.minimum(turn, 1 - turn)
            place = jnp.floor(jnp.where(keep, u, 0) * cells)
            inside &= (place >= 0) & (place < cells)
            place = jnp.clip(place, 0, cells - 1).astype(jnp.int32)
            number = number * cells + place
        # The last number but one counts positions outside, the last is dropped.
        number = jnp.where(inside, number, self.size)
        number = jnp.where(keep, number, self.size + 1)
        one = jnp.ones_like(positions[:, 0]) if weights is None else weights
        return jnp.zeros(self.size + 2, one.dtype).at[number].add(one)[:-1]

    def middles(self, points: int) -> Float[Array, "n d"]:
        """The centres of points^d equal parts of each cell, (n, d)."""
        fine = [n * points for n in self.shape]
        axes = [
            lower + (upper - lower) * (np.arange(n) + 0.5) / n
            for (lower, upper), n in zip(self.bounds, fine, strict=True)
        ]
        mesh = np.meshgrid(*axes, indexing="ij")
        return jnp.asarray(np.stack([axis.reshape(-1) for axis in mesh], axis=1))

    def check(self, grid: Grid) -> None:
        """Raise where these are not cells of the grid's box."""
        if len(self.shape) != grid.ndim:
            raise ValueError(
                f"Argument `cells` must have {grid.ndim} axes as the grid has, but has "
                f"{len(self.shape)}."
            )
        if not self.mirrored:
            return
        for (a, b), (lower, upper) in zip(self.bounds, grid.bounds, strict=True):
            # Rounding of the bounds.
            if not math.isclose(2 * (b - a), upper - lower, rel_tol=1e-9):
                raise ValueError(
                    "Argument `cells` must be half as long as the grid if it is "
                    f"mirrored, but ({a}, {b}) is of ({lower}, {upper})."
                )

    def _ends(self, axis: int) -> list[np.ndarray]:
        """Lower and upper ends of the cells along an axis, and of their images."""
        (lower, upper), cells = self.bounds[axis], self.shape[axis]
        edges = lower + (upper - lower) * np.arange(cells + 1) / cells
        ends = [np.stack([edges[:-1], edges[1:]])]
        if self.mirrored:
            ends.append(2 * upper - ends[0][::-1])
        return ends


def integrals(
    density: Float[Array, "..."],
    bounds: Sequence[tuple[float, float]],
    ends: Sequence[Sequence[Any]],
) -> Float[Array, "..."]:
    """Integrals over cells of the Fourier series through a density.

    Args:
        density: on equidistant points of a periodic box.
        bounds: of the box.
        ends: for each axis, lower and upper ends of the cells, (2, C), of one set of
            cells or of several that are added up.

    Returns:
        One number per cell, (C_1, .., C_d).
    """
    series: Array = jnp.fft.fftn(density) / density.size
    for axis, ((lower, upper), sets) in enumerate(zip(bounds, ends, strict=True)):
        n = density.shape[axis]
        number = np.fft.fftfreq(n, 1 / n)
        k = jnp.asarray(2 * np.pi / (upper - lower) * number, density.dtype)
        over = [_waves(k, jnp.asarray(one, density.dtype) - lower) for one in sets]
        series = jnp.moveaxis(series, axis, -1) @ sum(over)
        series = jnp.moveaxis(series, -1, axis)
    return jnp.real(series)


def _waves(k: Array, ends: Array) -> Complex[Array, "k c"]:
    """∫ exp(ikx) dx between both ends."""
    k, (a, b) = k[:, None], ends[:, None, :]
    rest = k == 0
    turned = (expi(k * b) - expi(k * a)) / (1j * jnp.where(rest, 1, k))
    return jnp.where(rest, b - a, turned)
