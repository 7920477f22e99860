"""Uniform periodic grids in any number of dimensions."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jaxtyping import Array, ArrayLike, Float, Inexact

from .. import _checks
from .._math import abs2, roll
from .._outside import plain
from ..interop import as_array
from . import sharding as spread
from .sharding import Transform

# Weights of f(x + j dx) - f(x - j dx), j = 1..4, over dx: the central difference that
# is exact for polynomials up to degree 8.
_DIFFERENCES = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


class Grid(eqx.Module):
    """A uniform periodic grid, x_j = lower + j dx with dx = (upper - lower) / N.

    j runs over 0..N-1: the upper end is the image of the lower one and is left out, so
    that every wavenumber k = 2π n / (upper - lower) falls on a bin of the FFT. All
    fields are static: a grid has no leaves, and two grids with the same bounds and
    shape are equal.

    `sharded` spreads a grid that is too large for one device over several.

    Attributes:
        bounds: (lower, upper) of each axis, in the unit of length.
        shape: number of points along each axis.
        sharding: on which devices the blocks of a wave function lie; None for one
            device.
    """

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)
    sharding: NamedSharding | None = eqx.field(static=True)

    def __init__(
        self,
        bounds: Sequence[float] | Sequence[Sequence[float]],
        shape: SupportsIndex | Sequence[SupportsIndex],
        sharding: NamedSharding | None = None,
    ):
        """Make the grid.

        Args:
            bounds: (lower, upper) for one dimension, or one such pair per axis.
            shape: number of points, or one number per axis.
            sharding: devices that hold the grid, see `sharded`; None for one.

        Raises:
            ValueError: the bounds or the shape make no grid, or the devices do not
                divide it.
        """
        self.bounds = _read_bounds(bounds)
        self.shape = _read_shape(shape)
        if len(self.bounds) != len(self.shape):
            raise ValueError(
                "Argument `shape` must have one number of points for each axis of "
                f"`bounds`, but `bounds` has {len(self.bounds)} and `shape` "
                f"{len(self.shape)}."
            )
        self.sharding = None
        if sharding is not None:
            names = spread.mesh_names(sharding)
            if tuple(sharding.spec)[: len(names)] != names:
                raise ValueError(
                    "Argument `sharding` must spread the first axes of the grid, but "
                    f"it is {sharding.spec}."
                )
            self.sharding = spread.read_sharding(sharding.mesh, names, self.shape)

    def sharded(self, mesh: Mesh, names: Sequence[str] | None = None) -> "Grid":
        """The same grid spread over the devices of a mesh.

        One axis of the mesh cuts the grid into slabs along the grid's first axis; two
        axes cut a grid of three or more dimensions into pencils along its first two.
        Laws, `evolve` and observables are called as on one device; `shard` and `sample`
        place arrays.

        Args:
            mesh: devices, e.g. `jax.make_mesh((2, 4), ("a", "b"))`. The first of the
                named axes must divide the points of the grid's first two axes, the
                second those of its second and last.
            names: one or two axes of the mesh; None for all of them. The grid is
                repeated over the others.

        Returns:
            The grid; its fields are static as before.

        Raises:
            ValueError: a mesh that does not divide the grid, names that the mesh does
                not have, or a grid of one dimension.
        """
        names = mesh.axis_names if names is None else names
        sharding = spread.read_sharding(mesh, names, self.shape)
        return Grid(self.bounds, self.shape, sharding)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance between neighbouring points along each axis."""
        return tuple(
            (upper - lower) / n
            for (lower, upper), n in zip(self.bounds, self.shape, strict=True)
        )

    @property
    def cell(self) -> float:
        """Volume of one point's cell, the product of the spacings."""
        return math.prod(self.spacing)

    @property
    def coordinates(self) -> tuple[Float[Array, "..."], ...]:
        """Coordinates along each axis, shaped to broadcast: (N, 1) and (1, M) in 2D."""
        if self.sharding is not None:
            return _spread_coordinates(self)
        return self._coordinates()

    def _coordinates(self) -> tuple[Array, ...]:
        # whole numbers, floats, and their copies as JAX's arrays
        _checks.check_memory(24 * max(self.shape), "shape", "coordinates of an axis")
        return tuple(
            self._along(axis, lower + dx * np.arange(n))
            for axis, ((lower, _), dx, n) in enumerate(
                zip(self.bounds, self.spacing, self.shape, strict=True)
            )
        )

    @property
    def x(self) -> Float[Array, " n"]:
        """Coordinates of a grid of one dimension, shape (N,)."""
        if self.ndim != 1:
            raise ValueError(
                "Property `x` must be read on a grid of one dimension, but this grid "
                f"has {self.ndim}; use `coordinates`."
            )
        return self.coordinates[0]

    @property
    def wavenumbers(self) -> tuple[Float[Array, "..."], ...]:
        """Wavenumbers along each axis in FFT order, shaped like `coordinates`."""
        return tuple(
            self._along(axis, 2 * np.pi * np.fft.fftfreq(n, dx))
            for axis, (dx, n) in enumerate(zip(self.spacing, self.shape, strict=True))
        )

    @property
    def k2(self) -> Float[Array, "..."]:
        """Sum of the squared wavenumbers, in FFT order, of the grid's shape."""
        if self.sharding is not None:
            return _spread_k2(self, tuple(range(self.ndim)))
        return jnp.broadcast_to(sum(k**2 for k in self.wavenumbers), self.shape)

    @property
    def fft(self) -> Transform:
        """The FFT of a wave function, its inverse, and the order of spectral axes."""
        if self.sharding is None:
            return spread.local_fft(self.ndim)
        return spread.exchanged_fft(self.sharding, self.ndim)

    @property
    def spectral_k2(self) -> Float[Array, "..."]:
        """`k2`, laid out like the spectrum of `fft`: axes are rotated if sharded."""
        if self.sharding is not None:
            return _spread_k2(self, self.fft.order)
        return self.k2

    def spectral_sum(self, weights: Sequence[ArrayLike]) -> Float[Array, "..."]:
        """Σ_i w_i k_i², one weight per axis, laid out like the spectrum of `fft`."""
        if self.sharding is not None:
            return _spread_k2(self, self.fft.order, tuple(weights))
        pairs = zip(weights, self.wavenumbers, strict=True)
        return jnp.broadcast_to(sum(w * k**2 for w, k in pairs), self.shape)

    def shard(self, f: Any, name: str = "f") -> Array:
        """Values on the grid, each block on its device; a plain array without a mesh.

        Args:
            f: (..., *shape); leading axes are kept whole. Only the blocks of this
                process are read from a NumPy array or memory map.
            name: what an error calls `f`.

        Returns:
            The same values.

        Raises:
            ValueError: `f` does not end in the grid's shape.
        """
        if self.sharding is None:
            return self.check(f, name)
        f = f if hasattr(f, "__array__") else np.asarray(f)
        self._check_shape(np.shape(f), name)
        return spread.place(f, self.sharding, lead=len(np.shape(f)) - self.ndim)

    def sample(self, function: Callable[..., Any]) -> Array:
        """Values of a function of the coordinates, computed on their own devices.

        Args:
            function: takes one broadcastable array for each dimension, and acts point
                by point.

        Returns:
            Its values, of the grid's shape.
        """
        if self.sharding is None:
            return jnp.broadcast_to(function(*self.coordinates), self.shape)

        @jax.jit
        def build() -> Array:
            values = function(*self.coordinates)
            return self.shard(jnp.broadcast_to(values, self.shape))

        return build()

    def integrate(self, f: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
        """∫ f dx over the grid; leading axes of `f` are kept as a batch."""
        f = self.check(f, "f")
        return jnp.sum(f, axis=self._axes) * self.cell

    def norm2(self, psi: Inexact[Array, "..."]) -> Float[Array, "..."]:
        """∫ |psi|² dx, real."""
        psi = self.check(psi, "psi")
        return self.integrate(abs2(psi))

    def inner(
        self, a: Inexact[Array, "..."], b: Inexact[Array, "..."]
    ) -> Inexact[Array, "..."]:
        """∫ conj(a) b dx."""
        return self.integrate(jnp.conj(self.check(a, "a")) * self.check(b, "b"))

    def normalise(self, psi: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
        """psi / sqrt(∫ |psi|² dx); a state that vanishes everywhere stays zero."""
        norm2 = jnp.expand_dims(self.norm2(psi), self._axes)
        # Guard the input of the root: its infinite slope at zero would spoil gradients.
        safe = jnp.where(norm2 > 0, norm2, jnp.ones_like(norm2))
        return psi / jnp.sqrt(safe)

    def gradient(self, f: Inexact[Array, "..."]) -> tuple[Inexact[Array, "..."], ...]:
        """∂f/∂x along each axis by periodic central differences of order 8.

        The stencil is local on purpose. A potential such as x² or x has a kink or a
        jump where the box closes. A spectral derivative would ring over the whole grid
        with an error of order one; the stencil is wrong only within four points of the
        seam, where a state that fits into its box has no weight.

        Args:
            f: values on the grid, (..., *shape), real or complex.

        Returns:
            One array for each dimension, of the shape of `f`, in units of f over
            length.

        Raises:
            ValueError: `f` does not end in the grid's shape, or an axis has fewer
                than the 9 points of the stencil.
        """
        f = self.check(f, "f")
        if min(self.shape) < 9:
            raise ValueError(
                "Argument `shape` must be at least 9 on every axis for `gradient`, "
                f"but it is {self.shape}."
            )
        width = len(_DIFFERENCES)
        if self.sharding is not None:
            return spread.on_shifted(self._difference, f, self.sharding, width)

        def shift(axis: int) -> Callable[[int], Array]:
            return lambda j: roll(f, -j, axis)

        return tuple(self._difference(axis, shift(axis)) for axis in self._axes)

    def _difference(self, axis: int, shifted: Callable[[int], Array]) -> Array:
        """∂f/∂x along one axis, from j -> f(x + j dx)."""
        dx = self.spacing[axis]
        return sum(
            (weight / dx) * (shifted(j) - shifted(-j))
            for j, weight in enumerate(_DIFFERENCES, start=1)
        )  # pyright: ignore[reportReturnType]

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-self.ndim, 0))

    def _along(self, axis: int, values: np.ndarray) -> Array:
        # Rounded to JAX's default float once, after the arithmetic.
        shape = [1] * self.ndim
        shape[axis] = -1
        return jnp.asarray(values.reshape(shape), jnp.result_type(float))

    def check(self, f: ArrayLike, name: str) -> Array:
        """`f` as an array whose shape ends in the grid's; errors call it `name`."""
        f = as_array(f, name)
        self._check_shape(f.shape, name)
        return f

    def _check_shape(self, shape: tuple[int, ...], name: str) -> None:
        if shape[-self.ndim :] != self.shape:
            raise ValueError(
                f"Argument `{name}` must end in the grid's shape {self.shape}, but its "
                f"shape is {shape}."
            )


@jax.jit
def _spread_coordinates(grid: Grid) -> tuple[Array, ...]:
    assert grid.sharding is not None
    return spread.place_axes(grid._coordinates(), grid.sharding)


@jax.jit(static_argnums=1)
def _spread_k2(
    grid: Grid, order: tuple[int, ...], weights: tuple[ArrayLike, ...] | None = None
) -> Array:
    """Σ w_i k_i² with its axes in this order, in pieces like the grid."""
    assert grid.sharding is not None
    squares = [jnp.transpose(k**2, order) for k in grid.wavenumbers]
    if weights is not None:
        squares = [w * square for w, square in zip(weights, squares, strict=True)]
    total = sum(squares)
    shape = [grid.shape[axis] for axis in order]
    return spread.place(jnp.broadcast_to(total, shape), grid.sharding)


def _read_bounds(bounds) -> tuple[tuple[float, float], ...]:
    try:
        axes = np.asarray(plain(bounds, "bounds"), dtype=float)
    except (TypeError, ValueError):
        axes = np.zeros(0)
    axes = np.atleast_2d(axes)
    if axes.ndim != 2 or axes.shape[1] != 2 or axes.shape[0] < 1:
        raise ValueError(
            "Argument `bounds` must be (lower, upper) or one such pair for each axis, "
            f"but it is {_checks.shown(bounds)}."
        )
    pairs = tuple((float(axis[0]), float(axis[1])) for axis in axes)
    for axis, (lower, upper) in enumerate(pairs):
        found = f"but axis {axis} has ({lower}, {upper})."
        if not (math.isfinite(lower) and math.isfinite(upper)):
            raise ValueError(f"Argument `bounds` must be finite, {found}")
        if not lower < upper:
            raise ValueError(f"Argument `bounds` must have lower < upper, {found}")
    return pairs


def _read_shape(shape) -> tuple[int, ...]:
    try:
        sizes = (operator.index(shape),)
    except TypeError:
        try:
            listed = isinstance(shape, list | tuple | np.ndarray)
            each: Any = shape if listed else [None]
            sizes = tuple(operator.index(n) for n in each)
        except TypeError:
            raise ValueError(
                f"Argument `shape` must be whole numbers of points, but it is "
                f"{_checks.shown(shape)}."
            ) from None
    if not sizes or min(sizes) < 1:
        raise ValueError(
            "Argument `shape` must have at least one point on every axis, but it is "
            f"{_checks.shown(shape)}."
        )
    return sizes
