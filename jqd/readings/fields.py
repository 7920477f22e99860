"""The fields of the hydrodynamic picture: density, fluxes, velocities, potential.

Functions take an amplitude ψ = √density exp(iS/ħ) on a periodic grid, (..., *shape),
the scalar ħ and m, a scalar or a mass for each axis of several particles. They work
under jit, vmap and grad. Results are real and of the same shape; a velocity has its
components in front, (..., d, *shape).
u = -D ∇density/density with D = ħ/2m is the paper's diffusion velocity. It points away
from high density and transports nothing: the density moves with v alone.

Where ψ is exactly 0 the velocities and the quantum potential do not exist. They are
set to 0 there, without NaN in values or derivatives.

gradient="spectral" is exact for a ψ that fits its box, relative to the largest |ψ|:
velocities are rounding noise where |ψ| is some 1e-12 of it. gradient="local", central
differences of order 8, keeps its relative error in the tails.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Inexact

from .. import _checks
from ..spaces import Grid

Field = Float[Array, "..."]


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
        ValueError: an unknown name, ψ of another shape, or fewer than 9 points along an
            axis for "local".
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
    psi = grid.check(psi, "psi")
    return _checks.complex_of(psi)


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


def laplacian(psi: Array, grid: Grid, kind: str, weights: ArrayLike = 1.0) -> Array:
    """Σ w_i ∂_i²ψ, with a single weight or one for each axis."""
    weights = jnp.broadcast_to(jnp.asarray(weights), (grid.ndim,))
    if kind == "spectral":
        axes = tuple(range(-grid.ndim, 0))
        k2 = grid.spectral_sum(tuple(weights)).astype(psi.real.dtype)
        spectrum = lift(k2, psi.ndim) * jnp.fft.fftn(psi, axes=axes)
        return -jnp.fft.ifftn(spectrum, axes=axes)
    parts = enumerate(zip(weights, grid.gradient(psi), strict=True))
    return jnp.asarray(sum(w * grid.gradient(part)[k] for k, (w, part) in parts))


def is_empty(psi: Array) -> Array:
    """Where |ψ|² vanishes, underflow included."""
    return density(psi) <= jnp.finfo(psi.dtype).tiny


def over(numerator: Array, psi: Array) -> Array:
    """numerator/ψ, 0 where ψ is 0; guarding the divisor keeps derivatives finite."""
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


def squared_parts(
    psi: ArrayLike, grid: Grid, kind: str, weights: ArrayLike = 1.0
) -> tuple[Array, Array]:
    """Σ w_i (∂_i√density)² and density Σ w_i (∂_iS/ħ)²: the two parts of Σ w_i|∂_iψ|².

    The weight is a scalar, or there is one for each axis.
    """
    axis = -grid.ndim - 1
    psi = as_amplitude(psi, grid)
    slope = gradient(psi, grid, kind)
    # At an exact zero, ψ takes the direction of its steepest slope.
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
    w = per_axis(weights, grid)
    return jnp.sum(w * along, axis=axis), jnp.sum(w * around, axis=axis)


def per_axis(value: ArrayLike, grid: Grid, name: str = "mass") -> Array:
    """A scalar, or a number for each axis that broadcasts with (..., d, *shape)."""
    value = jnp.asarray(value)
    if value.ndim == 0:
        return value
    _checks.check_shape(value, name, (grid.ndim,))
    return value.reshape((grid.ndim,) + (1,) * grid.ndim)


def current(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Field:
    """The drift flux density v = (ħ/m) Im(ψ* ∇ψ), which moves the density.

    Source: Zakir, eqs. (9), (10).
    """
    return _ratio(hbar, mass, grid) * jnp.imag(product(psi, grid, gradient))


def fick_flux(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Field:
    """The diffusion flux density u = -D ∇density of Fick's law, D = ħ/2m.

    It names a field but transports nothing, since ∂ₜ density = -∇(density v) has no
    such flux.

    Source: Zakir, eqs. (18), (22).
    """
    return -_ratio(hbar, mass, grid) * jnp.real(product(psi, grid, gradient))


def momentum_density(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Complex[Array, "..."]:
    """ψ* p ψ = density (m v + i m u), with p = (ħ/i) ∇.

    Source: Zakir, eq. (41).
    """
    return -1j * jnp.asarray(hbar) * product(psi, grid, gradient)


def current_velocity(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Field:
    """The drift velocity v = ∇S/m = (ħ/m) Im(∇ψ/ψ).

    Source: Zakir, eqs. (10), (24).
    """
    return _ratio(hbar, mass, grid) * jnp.imag(log_gradient(psi, grid, gradient))


def osmotic_velocity(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Field:
    """The diffusion velocity u = -D ∇density/density = -(ħ/m) Re(∇ψ/ψ), D = ħ/2m.

    The sign is the paper's, that of Fick's law; Nelson's osmotic velocity is -u.

    Source: Zakir, eqs. (19), (23).
    """
    return -_ratio(hbar, mass, grid) * jnp.real(log_gradient(psi, grid, gradient))


def quantum_potential(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    form: str = "curvature",
    gradient: str = "spectral",
) -> Field:
    """U_q = -(ħ²/2m) Δ√density/√density = -m u²/2 + (ħ/2) ∇·u.

    "curvature" uses the first form, as -(ħ²/2m) Re(Δψ/ψ) - m v²/2, without derivatives
    of a root or a quotient. "osmotic" uses the second, with ∇·u by central differences
    of u, which is not periodic; it is wrong within four points of the seam of the box.

    Args:
        form: "curvature" or "osmotic"; others as for all fields.

    Source: Zakir, eqs. (11), (30).
    """
    _checks.check_choice(form, "form", ("curvature", "osmotic"))
    hbar, axis = jnp.asarray(hbar), -grid.ndim - 1
    options = {"hbar": hbar, "mass": mass, "gradient": gradient}
    half = per_axis(mass, grid) / 2
    if form == "osmotic":
        u = osmotic_velocity(psi, grid, **options)
        divergence = sum(
            grid.gradient(jnp.take(u, k, axis=axis))[k] for k in range(grid.ndim)
        )
        return hbar / 2 * divergence - jnp.sum(half * u**2, axis=axis)
    v = current_velocity(psi, grid, **options)
    psi = as_amplitude(psi, grid)
    # ħ at the end: ħ²/2m in SI is below float32
    weights = hbar / (2 * jnp.asarray(mass))
    curvature = jnp.real(over(laplacian(psi, grid, gradient, weights), psi))
    value = -hbar * curvature - jnp.sum(half * v**2, axis=axis)
    return jnp.where(is_empty(psi), 0, value)


def _ratio(hbar: ArrayLike, mass: ArrayLike, grid: Grid) -> Array:
    """ħ/m = 2D."""
    return jnp.asarray(hbar) / per_axis(mass, grid)
