"""Uniform periodic grids in one, two or three dimensions."""

import math
import operator
from collections.abc import Sequence
from typing import SupportsIndex

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Real

# Weights of f(x + j dx) - f(x - j dx), j = 1..4, over dx: the central difference that
# is exact for polynomials up to degree 8.
_DIFFERENCES = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


class Grid(eqx.Module):
    """A uniform periodic grid, x_j = lower + j dx with dx = (upper - lower) / N.

    j runs over 0..N-1: the upper end is the image of the lower one and is left out, so
    that every wavenumber k = 2π n / (upper - lower) falls on a bin of the FFT.
    All fields are static: a grid has no leaves, and two grids of the same bounds and
    shape are equal.

    Attributes:
        bounds: (lower, upper) of each axis, in the unit of length.
        shape: number of points along each axis.
    """

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self,
        bounds: Sequence[float] | Sequence[Sequence[float]],
        shape: SupportsIndex | Sequence[SupportsIndex],
    ):
        """Make the grid.

        Args:
            bounds: (lower, upper) for one dimension, or one such pair an axis.
            shape: number of points, or one number an axis.

        Raises:
            ValueError: the bounds or the shape make no grid.
        """
        self.bounds = _read_bounds(bounds)
        self.shape = _read_shape(shape)
        if len(self.bounds) != len(self.shape):
            raise ValueError(
                "Argument `shape` must have one number of points for each axis of "
                f"`bounds`, but `bounds` has {len(self.bounds)} and `shape` "
                f"{len(self.shape)}."
            )

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
        """Distance of neighbouring points along each axis."""
        return tuple(
            (upper - lower) / n
            for (lower, upper), n in zip(self.bounds, self.shape, strict=True)
        )

    @property
    def cell(self) -> float:
        """Volume that belongs to one point, the product of the spacings."""
        return math.prod(self.spacing)

    @property
    def coordinates(self) -> tuple[Float[Array, "..."], ...]:
        """Coordinates along each axis, shaped to broadcast: (N, 1) and (1, M) in 2D."""
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
        return jnp.broadcast_to(sum(k**2 for k in self.wavenumbers), self.shape)

    def integrate(self, f: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
        """∫ f dx over the grid; leading axes of `f` are kept as a batch."""
        f = self._check(f, "f")
        return jnp.sum(f, axis=self._axes) * self.cell

    def norm2(self, psi: Inexact[Array, "..."]) -> Float[Array, "..."]:
        """∫ |psi|² dx, real."""
        psi = self._check(psi, "psi")
        return self.integrate(psi.real**2 + psi.imag**2)

    def inner(
        self, a: Inexact[Array, "..."], b: Inexact[Array, "..."]
    ) -> Inexact[Array, "..."]:
        """∫ conj(a) b dx."""
        return self.integrate(jnp.conj(self._check(a, "a")) * self._check(b, "b"))

    def normalise(self, psi: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
        """psi / sqrt(∫ |psi|² dx); a state that vanishes everywhere stays zero."""
        norm2 = jnp.expand_dims(self.norm2(psi), self._axes)
        # Guard the input of the root: its slope at zero would spoil gradients.
        safe = jnp.where(norm2 > 0, norm2, jnp.ones_like(norm2))
        return psi / jnp.sqrt(safe)

    def gradient(self, f: Inexact[Array, "..."]) -> tuple[Inexact[Array, "..."], ...]:
        """∂f/∂x along each axis by periodic central differences of order 8.

        The stencil is local on purpose. A potential such as x² or x has a kink or a
        jump where the box closes; a spectral derivative would ring over the whole grid
        with an error of order one, the stencil is wrong only within four points of the
        seam, where a state that fits its box has no weight.

        Args:
            f: values on the grid, (..., *shape), real or complex.

        Returns:
            One array a dimension, each of the shape of `f`, in units of f over length.

        Raises:
            ValueError: `f` does not end in the grid's shape, or an axis has fewer
                than the 9 points of the stencil.
        """
        f = self._check(f, "f")
        if min(self.shape) < 9:
            raise ValueError(
                "Argument `shape` must be at least 9 on every axis for `gradient`, "
                f"but it is {self.shape}."
            )
        return tuple(
            sum(
                (weight / dx) * (jnp.roll(f, -j, axis) - jnp.roll(f, j, axis))
                for j, weight in enumerate(_DIFFERENCES, start=1)
            )
            for axis, dx in zip(self._axes, self.spacing, strict=True)
        )  # pyright: ignore[reportReturnType]

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-self.ndim, 0))

    def _along(self, axis: int, values: np.ndarray) -> Array:
        # Rounded to JAX's default float once, after the arithmetic.
        shape = [1] * self.ndim
        shape[axis] = -1
        return jnp.asarray(values.reshape(shape))

    def _check(self, f: Real[Array, "..."] | Inexact[Array, "..."], name: str) -> Array:
        f = jnp.asarray(f)
        if f.shape[-self.ndim :] != self.shape:
            raise ValueError(
                f"Argument `{name}` must end in the grid's shape {self.shape}, but its "
                f"shape is {f.shape}."
            )
        return f


def _read_bounds(bounds) -> tuple[tuple[float, float], ...]:
    try:
        axes = np.asarray(bounds, dtype=float)
    except (TypeError, ValueError):
        axes = np.zeros(0)
    axes = np.atleast_2d(axes)
    if axes.ndim != 2 or axes.shape[1] != 2 or not 1 <= axes.shape[0] <= 3:
        raise ValueError(
            "Argument `bounds` must be (lower, upper) or one such pair for each of 1 "
            f"to 3 axes, but it is {bounds}."
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
            sizes = tuple(operator.index(n) for n in shape)
        except TypeError:
            raise ValueError(
                f"Argument `shape` must be whole numbers of points, but it is {shape}."
            ) from None
    if not sizes or min(sizes) < 1:
        raise ValueError(
            "Argument `shape` must have at least one point on every axis, but it is "
            f"{shape}."
        )
    return sizes
