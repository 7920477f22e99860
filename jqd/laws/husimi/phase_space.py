"""Periodic grids over the phase space of one mode."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks


def grid_points(n: int, half_width: float, dtype: DTypeLike) -> Complex[Array, "y x"]:
    """α = X + iY on [-L, L)², n points along each axis.

    Args:
        n: points along an axis.
        half_width: L.
        dtype: real dtype.
    """
    axis = -half_width + 2 * half_width / n * np.arange(n)
    x, y = np.meshgrid(axis, axis)
    return lax.complex(jnp.asarray(x, dtype), jnp.asarray(y, dtype))


def wavenumbers(n: int, half_width: float, dtype: DTypeLike) -> Float[Array, " n"]:
    """2πj/2L in the order of the FFT; 0 for the shortest wave of an even grid, whose
    odd derivatives have no sign."""
    k = 2 * np.pi * np.fft.fftfreq(n, 2 * half_width / n)
    if n % 2 == 0:
        k[n // 2] = 0
    return jnp.asarray(k, dtype)


def derivative(
    spectrum: Complex[Array, "y x"], half_width: float, m: int, n: int
) -> Complex[Array, "y x"]:
    """∂^m ∂*^n of a function on the grid, ∂ = (∂_X - i∂_Y)/2.

    Args:
        spectrum: its two-dimensional FFT.
        half_width: L.
        m: derivatives along α.
        n: derivatives along α*.
    """
    plain, starred = gradients(spectrum, half_width)
    return jnp.fft.ifft2(spectrum * plain**m * starred**n)


def gradients(
    spectrum: Complex[Array, "y x"], half_width: float
) -> tuple[Complex[Array, "y x"], Complex[Array, "y x"]]:
    """What ∂ and ∂* multiply a spectrum by: (±k_Y + i k_X)/2."""
    real = jnp.finfo(spectrum.dtype).dtype
    k = wavenumbers(spectrum.shape[0], half_width, real)
    kx = jnp.broadcast_to(k[None, :], spectrum.shape) / 2
    ky = jnp.broadcast_to(k[:, None], spectrum.shape) / 2
    return lax.complex(ky, kx), lax.complex(-ky, kx)


def interpolate(
    spectrum: Complex[Array, "y x"], half_width: float, points: Complex[Array, "..."]
) -> Float[Array, "..."]:
    """The Fourier series of a real function at any points; NaN outside the box.

    Args:
        spectrum: its two-dimensional FFT.
        half_width: L.
        points: α.
    """
    n = spectrum.shape[0]
    real = jnp.finfo(spectrum.dtype).dtype
    k = wavenumbers(n, half_width, real)
    alpha = jnp.ravel(points)
    x, y = jnp.real(alpha).astype(real), jnp.imag(alpha).astype(real)
    inside = jnp.maximum(jnp.abs(x), jnp.abs(y)) <= half_width
    along_x, along_y = (
        jnp.exp(1j * (c + half_width)[:, None] * k[None, :]) for c in (x, y)
    )
    rows = jnp.matmul(along_y, spectrum)
    values = jnp.real(jnp.sum(rows * along_x, axis=1)) / n**2
    return jnp.reshape(jnp.where(inside, values, jnp.nan), points.shape)


def check_inside(points: ArrayLike, half_width: float) -> None:
    """Raise where points lie outside the box (skipped for tracers)."""
    if not _checks.is_concrete(points):
        return
    alpha = _checks.concrete(points)
    far = float(max(np.max(np.abs(np.real(alpha))), np.max(np.abs(np.imag(alpha)))))
    if far > half_width:
        raise ValueError(
            f"Argument `points` must lie within {half_width} of the origin in X and Y, "
            f"but one is {far:.6g} away; raise `half_width` of the form."
        )
