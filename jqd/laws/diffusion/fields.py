"""The fields of the hydrodynamic picture: density, fluxes, velocities, potential.

Every function takes an amplitude ψ = √density exp(iS/ħ) on a periodic grid, (...,
*grid.shape), and works under jit, vmap and grad. A velocity has the components in front
of the grid's axes, (..., d, *grid.shape). u = -D ∇density/density with D = ħ/2m is the
paper's diffusion velocity: it points away from where the density is high. It carries
nothing: the density moves with v alone, (32).

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
from .gradients import as_amplitude, is_empty, laplacian, log_gradient, over, product
from .gradients import density as density
from .gradients import gradient as gradient

Field = Float[Array, "..."]


def current(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Field:
    """The drift flux density v = (ħ/m) Im(ψ* ∇ψ), which moves the density.

    Args:
        psi: ψ, (..., *shape).
        grid: the grid.
        hbar: ħ, scalar.
        mass: m, scalar.
        gradient: see `gradient`.

    Returns:
        (..., d, *shape), real, density times velocity; 0 at nodes.

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

    Args:
        psi: ψ, (..., *shape).
        grid: the grid.
        hbar: ħ, scalar.
        mass: m, scalar.
        gradient: see `gradient`.

    Returns:
        (..., d, *shape), real, density times velocity.

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

    Args:
        psi: ψ, (..., *shape).
        grid: the grid.
        hbar: ħ, scalar.
        gradient: see `gradient`.

    Returns:
        (..., d, *shape), complex, density times momentum.

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

    Args:
        psi: ψ, (..., *shape).
        grid: the grid.
        hbar: ħ, scalar.
        mass: m, scalar.
        gradient: see `gradient`.

    Returns:
        (..., d, *shape), real; 0 where ψ is exactly 0.

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

    Args:
        psi: ψ, (..., *shape).
        grid: the grid.
        hbar: ħ, scalar.
        mass: m, scalar.
        gradient: see `gradient`.

    Returns:
        (..., d, *shape), real; 0 where ψ is exactly 0.

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
        psi: ψ, (..., *shape).
        grid: the grid.
        hbar: ħ, scalar.
        mass: m, scalar.
        form: "curvature" or "osmotic".
        gradient: of ψ, see `gradient`.

    Returns:
        (..., *shape), real, energy; 0 where ψ is exactly 0.

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
