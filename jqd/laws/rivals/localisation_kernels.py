"""Rates at which two places lose their coherence, and the noise behind them."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._math import divisor, safe_sqrt
from ...constants import Scales, free
from ...spaces.grids import Grid
from .open_space import convolve, differences, doubled


class Kernel(eqx.Module):
    """Γ(x - x'), the rate at which ρ(x, x') is lost, of a noise alike at all places.

    A Gaussian field B with ⟨(B(x) - B(x'))²⟩ = 2Γ(x - x') dt localises ψ in each step.
    Channels A_k, their sum and their lattice enter only through Γ.
    """

    @abc.abstractmethod
    def decay(self, apart: tuple[Array, ...], hbar: Array) -> Float[Array, "..."]:
        """Γ of differences, one array per dimension; in 1 over the unit of time."""

    @abc.abstractmethod
    def noise(self, grid: Grid) -> tuple[int, ...]:
        """Shape of the increments of which a field is made."""

    @abc.abstractmethod
    def field(self, grid: Grid, hbar: Array, w: Array) -> Float[Array, "..."]:
        """B on the grid, from increments of variance dt."""

    @abc.abstractmethod
    def around(self, grid: Grid, hbar: Array, point: Array) -> Float[Array, "..."]:
        """Γ(x - x_0) on the grid, with x_0 its point of this index."""

    @abc.abstractmethod
    def spread(self, grid: Grid, hbar: Array, f: Array) -> Float[Array, "..."]:
        """Σ_y Γ(x - y) f(y) on the grid."""


def _by_square(_: Any, scales: Scales) -> Array:
    """1 over the time and the square of the length."""
    return scales.rate / jnp.asarray(scales.length) ** 2


def _by_distance(_: Any, scales: Scales) -> Array:
    """Energy times length."""
    return scales.energy * scales.length


class QuadraticDecay(Kernel):
    """Γ = λ d²/2, of the position itself as what is measured.

    Attributes:
        lam: λ >= 0, in 1 over the unit of time and of length².
    """

    lam: Float[Array, ""] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, np.inf), unit=_by_square
    )

    def decay(self, apart: tuple[Array, ...], hbar: Array) -> Float[Array, "..."]:
        """λ d²/2"""
        del hbar
        return self.lam / 2 * squared(apart)

    def noise(self, grid: Grid) -> tuple[int, ...]:
        """One increment per dimension."""
        return (grid.ndim,)

    def field(self, grid: Grid, hbar: Array, w: Array) -> Float[Array, "..."]:
        """√λ x·w"""
        del hbar
        x = _alike(grid.coordinates, self.lam)
        tilt = sum(x[axis] * w[axis] for axis in range(grid.ndim))
        return jnp.broadcast_to(safe_sqrt(self.lam) * tilt, grid.shape)

    def around(self, grid: Grid, hbar: Array, point: Array) -> Float[Array, "..."]:
        """λ (x - x_0)²/2"""
        index = jnp.unravel_index(point, grid.shape)
        axes = _alike(grid.coordinates, self.lam)
        apart = (x - jnp.ravel(x)[i] for x, i in zip(axes, index, strict=True))
        return jnp.broadcast_to(self.decay(tuple(apart), hbar), grid.shape)

    def spread(self, grid: Grid, hbar: Array, f: Array) -> Float[Array, "..."]:
        """λ/2 (x² Σf - 2x·Σyf + Σy²f)"""
        del hbar
        each = (
            x**2 * jnp.sum(f) - 2 * x * jnp.sum(x * f) + jnp.sum(x**2 * f)
            for x in _alike(grid.coordinates, self.lam)
        )
        return self.lam / 2 * jnp.broadcast_to(sum(each), grid.shape)


class FieldKernel(Kernel):
    """A kernel whose field is made of noise at all places, by FFT of the root of Γ.

    The box is doubled, so that distances are those of open space. Where the spectrum
    of -Γ in the doubled box is negative, because Γ still rises at the seam, it is taken
    as 0: `around` and `spread` are those of the Γ that is left, to which the noise
    belongs exactly. In a box of length L that Γ is off by less than Γ'(L) times the
    width of the kernel.
    """

    def spectrum(self, grid: Grid, hbar: Array) -> Float[Array, "..."]:
        """`rfftn` of -Γ at the differences of the grid, without its mean, >= 0."""
        apart = _alike(differences(grid), hbar)
        lost = jnp.real(jnp.fft.rfftn(-self.decay(apart, hbar)))
        uniform = (0,) * grid.ndim
        return jnp.maximum(lost, 0).at[uniform].set(0)

    def _table(self, grid: Grid, hbar: Array) -> Array:
        """Γ at the differences of the grid, as the noise has it."""
        axes = tuple(range(grid.ndim))
        table = jnp.fft.irfftn(self.spectrum(grid, hbar), doubled(grid), axes)
        return table[(0,) * grid.ndim] - table

    def noise(self, grid: Grid) -> tuple[int, ...]:
        """An increment for each point of the doubled box."""
        return doubled(grid)

    def field(self, grid: Grid, hbar: Array, w: Array) -> Float[Array, "..."]:
        """White noise through the root of the spectrum."""
        return convolve(grid, safe_sqrt(self.spectrum(grid, hbar)), w)

    def around(self, grid: Grid, hbar: Array, point: Array) -> Float[Array, "..."]:
        """Γ(x - x_0)"""
        near = self._table(grid, hbar)
        index = jnp.unravel_index(point, grid.shape)
        for axis, (n, i) in enumerate(zip(grid.shape, index, strict=True)):
            near = jnp.take(near, (jnp.arange(n) - i) % (2 * n), axis=axis)
        return near

    def spread(self, grid: Grid, hbar: Array, f: Array) -> Float[Array, "..."]:
        """Γ * f"""
        spectrum = self.spectrum(grid, hbar)
        axes = tuple(range(grid.ndim))
        table = jnp.fft.irfftn(spectrum, doubled(grid), axes)
        return table[(0,) * grid.ndim] * jnp.sum(f) - convolve(grid, spectrum, f)


class GaussianDecay(FieldKernel):
    """Γ = λ (1 - exp(-d²/4r_C²)), of localisation with width r_C.

    Attributes:
        lam: λ >= 0, in 1 over the unit of time.
        r_C: width > 0, length.
    """

    lam: Float[Array, ""] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, np.inf), unit="rate"
    )
    r_C: Float[Array, ""] = free(positive=True, unit="length")

    def decay(self, apart: tuple[Array, ...], hbar: Array) -> Float[Array, "..."]:
        """λ (1 - exp(-d²/4r_C²))"""
        del hbar
        return -self.lam * jnp.expm1(-squared(apart) / (4 * positive(self.r_C) ** 2))


class NewtonianDecay(FieldKernel):
    """Γ = E_Δ(d)/ħ,  E_Δ = Gm² (1/(√π R_0) - erf(d/2R_0)/d).

    E_Δ is the Newtonian self-energy ½∫∫ Δ(r) G Δ(r')/|r - r'| of the difference Δ of
    two masses m at a distance d, each a Gaussian of standard deviation R_0.

    Attributes:
        G_m2: Gm² >= 0, energy times length.
        R0: R_0 > 0, length.
    """

    G_m2: Float[Array, ""] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, np.inf), unit=_by_distance
    )
    R0: Float[Array, ""] = free(positive=True, unit="length")

    def decay(self, apart: tuple[Array, ...], hbar: Array) -> Float[Array, "..."]:
        """E_Δ/ħ"""
        R0, d2 = positive(self.R0), squared(apart)
        somewhere = d2 > 0
        z = jnp.sqrt(divisor(d2)) / (2 * R0)
        between = jnp.where(somewhere, jax.scipy.special.erf(z) / (2 * z), 0)
        there = 1 / jnp.sqrt(jnp.asarray(np.pi, R0.dtype))
        shape = jnp.where(somewhere, there - between, 0)
        return self.G_m2 / (hbar * R0) * shape


def _alike(axes: tuple[Array, ...], constant: Array) -> tuple[Array, ...]:
    """Places in the precision of a constant: a grid has them in JAX's default."""
    return tuple(x.astype(jnp.result_type(constant)) for x in axes)


def squared(apart: tuple[Array, ...]) -> Array:
    """d²"""
    return sum((x**2 for x in apart[1:]), apart[0] ** 2)


def positive(length: Array) -> Array:
    """A length that a fit may bring to 0, as a divisor."""
    return jnp.where(length > 0, length, jnp.finfo(length.dtype).tiny ** 0.25)


def read_kernel(kernel: Any, name: str = "kernel") -> Kernel:
    """A kernel.

    Raises:
        ValueError: it is none.
    """
    words = "one of jqd.laws.rivals, such as GaussianDecay"
    _checks.check_type(kernel, name, Kernel, words)
    return kernel
