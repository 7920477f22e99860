"""The fields of the hydrodynamic picture: density, fluxes, velocities, potential.

Functions take an amplitude ψ = √density exp(iS/ħ) on a periodic grid, (..., *shape),
the scalars ħ and m, and work under jit, vmap and grad. What they return is real and of
the same shape, and a velocity has its components in front, (..., d, *shape).
u = -D ∇density/density with D = ħ/2m is the paper's diffusion velocity: it points away
from where the density is high, and carries nothing: the density moves with v alone.

Where ψ is exactly 0 the velocities and the quantum potential do not exist. They are
set to 0 there, without NaN in values or slopes.

gradient="spectral" is exact for a ψ that fits its box, relative to the largest |ψ|:
velocities are rounding noise where |ψ| is some 1e-12 of it. gradient="local", central
differences of order 8, keeps its relative error in the tails.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Inexact

from ... import _checks
from ...spaces import Grid

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
    psi = grid.check(psi, "psi")
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
    return _ratio(hbar, mass) * jnp.imag(product(psi, grid, gradient))


def fick_flux(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Field:
    """The diffusion flux density u = -D ∇density of Fick's law, D = ħ/2m.

    A name for a field, no transport: ∂ₜ density = -∇(density v), without this flux.

    Source: Zakir, eqs. (18), (22).
    """
    return -_ratio(hbar, mass) * jnp.real(product(psi, grid, gradient))


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
    return _ratio(hbar, mass) * jnp.imag(log_gradient(psi, grid, gradient))


def osmotic_velocity(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Field:
    """The diffusion velocity u = -D ∇density/density = -(ħ/m) Re(∇ψ/ψ), D = ħ/2m.

    The sign is the paper's, Fick's; Nelson's osmotic velocity is -u.

    Source: Zakir, eqs. (19), (23).
    """
    return -_ratio(hbar, mass) * jnp.real(log_gradient(psi, grid, gradient))


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

    "curvature" takes the first form, as -(ħ²/2m) Re(Δψ/ψ) - m v²/2: no derivative of a
    root or of a quotient. "osmotic" takes the second, with ∇·u by central differences
    of u, which has no period; it is wrong within four points of the seam of the box.

    Args:
        form: "curvature" or "osmotic"; others as for all fields.

    Source: Zakir, eqs. (11), (30).
    """
    _checks.check_choice(form, "form", ("curvature", "osmotic"))
    hbar, mass, axis = jnp.asarray(hbar), jnp.asarray(mass), -grid.ndim - 1
    options = {"hbar": hbar, "mass": mass, "gradient": gradient}
    if form == "osmotic":
        u = osmotic_velocity(psi, grid, **options)
        divergence = sum(
            grid.gradient(jnp.take(u, k, axis=axis))[k] for k in range(grid.ndim)
        )
        return -mass / 2 * jnp.sum(u**2, axis=axis) + hbar / 2 * divergence
    v = current_velocity(psi, grid, **options)
    psi = as_amplitude(psi, grid)
    curvature = jnp.real(over(laplacian(psi, grid, gradient), psi))
    drift = mass / 2 * jnp.sum(v**2, axis=axis)
    value = -(hbar**2) / (2 * mass) * curvature - drift
    return jnp.where(is_empty(psi), 0, value)


def _ratio(hbar: ArrayLike, mass: ArrayLike) -> Array:
    """ħ/m = 2D."""
    return jnp.asarray(hbar) / jnp.asarray(mass)
