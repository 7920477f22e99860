"""The guiding wave: ψ between the points of its grid, and ∇ψ/ψ there."""

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ..._math import abs2, divisor
from ...spaces import Grid

# Spline points for each grid point, by dimension; one in more. A cubic spline's slope
# errs by 0.01 (kΔ)³, so a wave of 12 points a wavelength is followed to 3e-5 in 1D.
REFINE = {1: 4, 2: 2}


class Guide(eqx.Module):
    """A cubic spline through ψ, periodic on the box of the grid.

    ψ(x) = Σ_j c_j Π_a β³(x_a/Δ_a - j_a)

    The gradient is that of the same spline, so that zeros of ψ and poles of ∇ψ/ψ
    coincide. They would not if the drift were interpolated on its own, or beside ψ.

    Attributes:
        coefficients: c, on `refine` times as many points per axis as the grid has; for
            spinors with their components first.
        grid: the grid of ψ (static).
    """

    coefficients: Complex[Array, "..."]
    grid: Grid

    @classmethod
    def through(cls, grid: Grid, psi: Complex[Array, "..."], refine: int) -> "Guide":
        """The spline through the trigonometric interpolant of ψ.

        Args:
            grid: grid of ψ.
            psi: ψ on the grid; for spinors with their components first.
            refine: points of the spline for each point of the grid, along each axis.
        """
        spline = functools.partial(_coefficients, grid, refine=refine)
        return cls(each_component(spline, psi, grid.ndim), grid)

    def log_gradient(self, x: Float[Array, "n d"]) -> Complex[Array, "n d"]:
        """∇ψ/ψ at the positions x: ∇ln|ψ| + i∇S/ħ, per unit of length; 0 where ψ = 0.

        For spinors, ψ†∇ψ/ψ†ψ, whose parts give the density and the current.

        Args:
            x: positions, (n, d); outside the box their periodic images count.
        """
        parts = self._at(x)
        # In real numbers, since XLA's complex gathers take several times as long.
        size = sum(re[0] ** 2 + im[0] ** 2 for re, im in parts)
        # Below the smallest normal number the quotient would be noise or infinite.
        there = size > jnp.finfo(x.dtype).tiny
        below = divisor(size, there)
        columns = []
        for axis in range(1, 1 + self.grid.ndim):
            rise = sum(re[0] * re[axis] + im[0] * im[axis] for re, im in parts)
            turn = sum(re[0] * im[axis] - im[0] * re[axis] for re, im in parts)
            # The division comes last: XLA fuses all before it into one loop over the
            # paths and, since a division is expensive, stores its result for later use.
            real, imag = (jnp.where(there, part, 0) / below for part in (rise, turn))
            columns.append(jax.lax.complex(real, imag))
        return jnp.stack(columns, axis=-1)

    def read(self, x: Float[Array, "n d"]) -> list[Complex[Array, "..."]]:
        """ψ and its d partial derivatives at x, each (n,), or (c, n) for spinors."""
        parts = self._at(x)
        spinor = self.coefficients.ndim > self.grid.ndim
        found = []
        for k in range(1 + self.grid.ndim):
            values = [jax.lax.complex(re[k], im[k]) for re, im in parts]
            found.append(jnp.stack(values) if spinor else values[0])
        return found

    def values(self, x: Float[Array, "n d"]) -> Complex[Array, "..."]:
        """ψ at the positions x, (n,), or the components of a spinor there, (c, n)."""
        return self.read(x)[0]

    def density(self, x: Float[Array, "n d"]) -> Float[Array, " n"]:
        """|ψ|² at the positions x, (n, d); per unit of volume."""
        return sum(re[0] ** 2 + im[0] ** 2 for re, im in self._at(x))  # pyright: ignore[reportReturnType]

    def _at(self, x: Array) -> list[tuple[list[Array], list[Array]]]:
        """Real and imaginary part of each component of ψ and of its d slopes, (n,)."""
        shape = self.coefficients.shape[-self.grid.ndim :]
        where = _Where.of(x, self.grid, shape)
        return [
            (where.read(jnp.real(one)), where.read(jnp.imag(one)))
            for one in self.coefficients.reshape(-1, *shape)
        ]


class _Where(NamedTuple):
    """Which coefficients of a spline count at positions, and with which weights.

    Attributes:
        places: of the first of four points around along each axis, d of (n,).
        weights: β³ there, d of (4, n).
        slopes: of β³ there, per unit of length, d of (4, n).
        shape: points of the spline.
    """

    places: list[Array]
    weights: list[Array]
    slopes: list[Array]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, x: Array, grid: Grid, shape: tuple[int, ...]) -> "_Where":
        places, weights, slopes = [], [], []
        for axis, points in enumerate(shape):
            lower, upper = grid.bounds[axis]
            u = (x[:, axis] - lower) * (points / (upper - lower))
            cell = jnp.floor(u)
            places.append(cell.astype(jnp.int32) - 1)
            value, slope = _weights(u - cell, points / (upper - lower))
            weights.append(jnp.stack(value))
            slopes.append(jnp.stack(slope))
        return cls(places, weights, slopes, shape)

    def read(self, coefficients: Array) -> list[Array]:
        """A real spline and its d partial derivatives at the positions, each (n,).

        Sums over the last two axes are written out; over those before, in a loop: in
        four dimensions there are 256 terms, which would take minutes to compile.
        """
        flat = coefficients.reshape(-1)
        outer = max(len(self.shape) - 2, 0)

        def contract(axis: int, index: Array | int) -> list[Array]:
            if axis == len(self.shape):
                return [jnp.take(flat, index, mode="clip")]
            terms = [self._term(axis, j, index, contract) for j in range(4)]
            columns = zip(*terms, strict=True)
            return [functools.reduce(operator.add, column) for column in columns]

        if outer == 0:
            return contract(0, 0)

        def add(total: list[Array], offsets: Array) -> tuple[list[Array], None]:
            def descend(axis: int, index: Array | int) -> list[Array]:
                if axis == outer:
                    return contract(axis, index)
                return self._term(axis, offsets[axis], index, descend)

            return [a + b for a, b in zip(total, descend(0, 0), strict=True)], None

        offsets = np.stack(np.unravel_index(np.arange(4**outer), (4,) * outer), axis=1)
        none = jnp.zeros_like(self.weights[0][0])
        start = [none] * (1 + len(self.shape))
        return jax.lax.scan(add, start, jnp.asarray(offsets))[0]

    def _term(self, axis: int, j: Any, index: Any, deeper: Any) -> list[Array]:
        """What the j-th of the four points along an axis adds."""
        n = self.shape[axis]
        value, *others = deeper(axis + 1, index * n + (self.places[axis] + j) % n)
        w, slope = self.weights[axis][j], self.slopes[axis][j]
        return [w * value, slope * value, *(w * other for other in others)]


def each_component(function: Callable[[Array], Any], psi: Array, ndim: int) -> Any:
    """f(ψ), or f of each component of a spinor, whose components come first."""
    if psi.ndim == ndim:
        return function(psi)
    return jax.vmap(function)(psi.reshape(-1, *psi.shape[-ndim:]))


def refined(
    psi: Complex[Array, "..."], refine: int | Sequence[int]
) -> Complex[Array, "..."]:
    """ψ's trigonometric interpolant on `refine` times as many points per axis."""
    spectrum, factor = _padded(psi, refine)
    return jnp.fft.ifftn(spectrum) * factor


def _coefficients(grid: Grid, psi: Array, *, refine: int) -> Array:
    """Spline coefficients: the samples of the spline, (c₋ + 4c + c₊)/6 an axis, are
    divided out in Fourier space, where they are (2 + cos kΔ)/3."""
    spectrum, factor = _padded(psi, refine)
    for axis in range(grid.ndim):
        points = spectrum.shape[axis]
        samples = (2 + np.cos(2 * np.pi * np.fft.fftfreq(points))) / 3
        shape = [1] * grid.ndim
        shape[axis] = points
        spectrum = spectrum / jnp.asarray(samples.reshape(shape), psi.real.dtype)
    return jnp.fft.ifftn(spectrum) * factor


def _padded(psi: Array, refine: int | Sequence[int]) -> tuple[Array, float]:
    """The spectrum of ψ with room for more points, and what ifftn must be scaled by."""
    each = (refine,) * psi.ndim if isinstance(refine, int) else tuple(refine)
    spectrum = jnp.fft.fftn(psi)
    if set(each) == {1}:
        return spectrum, 1.0
    pads = [_pad(n, k * n) for n, k in zip(psi.shape, each, strict=True)]
    spectrum = jnp.pad(jnp.fft.fftshift(spectrum), pads)
    return jnp.fft.ifftshift(spectrum), float(math.prod(each))


def _pad(old: int, new: int) -> tuple[int, int]:
    before = new // 2 - old // 2
    return before, new - old - before


def _weights(f: Array, scale: float) -> tuple[Sequence[Array], Sequence[Array]]:
    """β³ at the four points around, and its slope per unit of length."""
    g = 1 - f
    value = (g**3, 4 - 3 * f**2 * (1 + g), 4 - 3 * g**2 * (1 + f), f**3)
    slope = (-(g**2), f * (3 * f - 4), g * (4 - 3 * g), f**2)
    return [w / 6 for w in value], [dw * (scale / 2) for dw in slope]


def whole_density(psi: Complex[Array, "..."], ndim: int) -> Float[Array, "..."]:
    """|ψ|² on the last `ndim` axes, summed over the components of a spinor."""
    density = abs2(psi)
    return jnp.sum(density, axis=tuple(range(density.ndim - ndim)))
