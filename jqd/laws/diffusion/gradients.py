"""Derivatives of ψ on a grid, and the quotients of them that the fields are made of."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Inexact

from ... import _checks
from ...spaces import Grid


def gradient(
    psi: Inexact[Array, "..."], grid: Grid, gradient: str = "spectral"
) -> Complex[Array, "..."]:
    """∇ψ.

    Args:
        psi: ψ, (..., *shape).
        grid: the grid.
        gradient: "spectral", by FFT, or "local", central differences of order 8.

    Returns:
        (..., d, *shape), complex.

    Raises:
        ValueError: another name, ψ of another shape, or fewer than 9 points an axis
            for "local".
    """
    _checks.check_choice(gradient, "gradient", ("spectral", "local"))
    psi = as_amplitude(psi, grid)
    if gradient == "local":
        return jnp.stack(grid.gradient(psi), axis=-grid.ndim - 1)
    parts = []
    for axis, k in enumerate(_odd_wavenumbers(grid, psi), start=-grid.ndim):
        parts.append(jnp.fft.ifft(1j * k * jnp.fft.fft(psi, axis=axis), axis=axis))
    return jnp.stack(parts, axis=-grid.ndim - 1)


def density(psi: Inexact[Array, "..."]) -> Array:
    """|ψ|², per unit of volume. Source: Zakir, eq. (1)."""
    return jnp.real(psi) ** 2 + jnp.imag(psi) ** 2


def as_amplitude(psi: ArrayLike, grid: Grid) -> Array:
    """ψ as a complex array that ends in the grid's shape."""
    psi = jnp.asarray(psi)
    if psi.shape[max(psi.ndim - grid.ndim, 0) :] != grid.shape:
        raise ValueError(
            f"Argument `psi` must end in the grid's shape {grid.shape}, but its shape "
            f"is {psi.shape}."
        )
    return psi.astype(jnp.result_type(psi.dtype, jnp.complex64))


def lift(values: Array, rank: int) -> Array:
    """`values` with axes of length 1 in front, up to this rank."""
    return values.reshape((1,) * (rank - values.ndim) + values.shape)


def _odd_wavenumbers(grid: Grid, psi: Array) -> list[Array]:
    """k along each axis without the mode N/2, whose sign is ambiguous."""
    odd = []
    for k, n in zip(grid.wavenumbers, grid.shape, strict=True):
        middle = 2 * jnp.arange(n).reshape(k.shape) == n
        odd.append(lift(jnp.where(middle, 0, k).astype(psi.real.dtype), psi.ndim))
    return odd


def laplacian(psi: Array, grid: Grid, kind: str) -> Array:
    """Δψ."""
    if kind == "spectral":
        axes = tuple(range(-grid.ndim, 0))
        k2 = lift(grid.k2.astype(psi.real.dtype), psi.ndim)
        return -jnp.fft.ifftn(k2 * jnp.fft.fftn(psi, axes=axes), axes=axes)
    parts = enumerate(grid.gradient(psi))
    return jnp.asarray(sum(grid.gradient(part)[k] for k, part in parts))


def is_empty(psi: Array) -> Array:
    """Where |ψ|² vanishes, underflow included."""
    return density(psi) <= jnp.finfo(psi.dtype).tiny


def over(numerator: Array, psi: Array) -> Array:
    """numerator/ψ, and 0 where ψ is; the guard is on the divisor, for the slopes."""
    empty = is_empty(psi)
    return jnp.where(empty, 0, numerator / jnp.where(empty, 1, psi))


def product(psi: ArrayLike, grid: Grid, kind: str) -> Array:
    """ψ* ∇ψ, (..., d, *shape)."""
    psi = as_amplitude(psi, grid)
    return jnp.conj(jnp.expand_dims(psi, -grid.ndim - 1)) * gradient(psi, grid, kind)


def log_gradient(psi: ArrayLike, grid: Grid, kind: str) -> Array:
    """∇ψ/ψ = ∇ ln √density + i ∇S/ħ, (..., d, *shape)."""
    psi = as_amplitude(psi, grid)
    return over(gradient(psi, grid, kind), jnp.expand_dims(psi, -grid.ndim - 1))


def squared_parts(psi: ArrayLike, grid: Grid, kind: str) -> tuple[Array, Array]:
    """(∇√density)² and density (∇S/ħ)²: the two parts of |∇ψ|²."""
    axis = -grid.ndim - 1
    psi = as_amplitude(psi, grid)
    slope = gradient(psi, grid, kind)
    # On an exact zero the direction of ψ is that of its steepest slope.
    steepest = jnp.argmax(density(slope), axis=axis, keepdims=True)
    nearby = jnp.take_along_axis(slope, steepest, axis=axis)
    whole = jnp.expand_dims(psi, axis)
    whole = jnp.where(is_empty(whole), nearby, whole)
    turned = jnp.conj(whole) * slope
    weight = density(whole)
    flat = weight <= jnp.finfo(weight.dtype).tiny
    safe = jnp.where(flat, 1, weight)
    along = jnp.where(flat, 0, jnp.real(turned) ** 2 / safe)
    around = jnp.where(flat, 0, jnp.imag(turned) ** 2 / safe)
    return jnp.sum(along, axis=axis), jnp.sum(around, axis=axis)
