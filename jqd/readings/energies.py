"""Energies, Fisher information and uncertainty, computed from the fields.

Arguments are those of `fields`, with ψ normalised; results are (...), real. Where ψ is
exactly 0, density v² and density u² take their limit along the axis on which ψ is
steepest, so a node (a zero of ψ) on a point of the grid costs no accuracy.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Inexact

from .. import _checks
from ..spaces import Grid
from .fields import as_amplitude, density, lift, product, squared_parts


class EnergyBudget(NamedTuple):
    """The parts of the energy, eq. (25).

    Attributes:
        drift: ∫ (m v²/2) density dx.
        diffusion: ∫ (m u²/2) density dx, the localization energy.
        potential: ∫ V density dx.
    """

    drift: Array
    diffusion: Array
    potential: Array

    @property
    def total(self) -> Array:
        """⟨H⟩."""
        return self.drift + self.diffusion + self.potential


def fisher_information(
    psi: Inexact[Array, "..."], grid: Grid, gradient: str = "spectral"
) -> Float[Array, "..."]:
    """Fisher information of the density, I_F = ∫ (∇density)²/density dx."""
    return 4 * grid.integrate(squared_parts(psi, grid, gradient)[0])


def localization_energy(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Float[Array, "..."]:
    """The mean energy of the diffusion flux, U_u = ⟨m u²/2⟩ = (ħ²/8m) I_F = ⟨U_q⟩.

    With a mass for each axis it is the sum over axes of ħ²/8m_i times the part of I_F.

    Source: Zakir, eq. (55).
    """
    return energy_budget(
        psi, grid, jnp.zeros(grid.shape), hbar=hbar, mass=mass, gradient=gradient
    ).diffusion


def energy_budget(
    psi: Inexact[Array, "..."],
    grid: Grid,
    potential: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> EnergyBudget:
    """Drift, diffusion and potential energy; their sum is ⟨H⟩.

    Args:
        potential: V, of the grid's shape, energy; others as for `fields`.

    Raises:
        ValueError: V or ψ of another shape.

    Source: Zakir, eqs. (25), (26).
    """
    _checks.check_shape(potential, "potential", grid.shape)
    hbar = jnp.asarray(hbar)
    # ħ at the end: ħ²/2m in SI is below float32
    weights = hbar / (2 * jnp.asarray(mass))
    along, around = squared_parts(psi, grid, gradient, weights)
    values = lift(jnp.asarray(potential), np.ndim(psi)) * density(psi)
    return EnergyBudget(
        hbar * grid.integrate(around),
        hbar * grid.integrate(along),
        grid.integrate(values),
    )


def osmotic_correlation(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Float[Array, "... d d"]:
    """⟨p_u,i x_j⟩ = -(ħ/2) ∫ x_j ∂_i density dx = (ħ/2) δ_ij, for every density.

    The trace is the printed ⟨p_u·x⟩: ħ/2 for each dimension.

    Source: Zakir, eq. (21).
    """
    flux = -jnp.asarray(hbar) * jnp.real(product(psi, grid, gradient))
    rank = flux.ndim
    columns = [
        grid.integrate(lift(x, rank).astype(flux.dtype) * flux)
        for x in grid.coordinates
    ]
    return jnp.stack(columns, axis=-1)


def uncertainty_product(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    hbar: ArrayLike = 1.0,
    gradient: str = "spectral",
) -> Float[Array, "..."]:
    """⟨p_u²⟩ ⟨(x - ⟨x⟩)²⟩ >= (dħ/2)² in d dimensions; Gaussians reach it.

    Source: Zakir, eq. (21), whose printed bound ħ²/4 holds in one dimension.
    """
    weight = density(as_amplitude(psi, grid))
    spread = jnp.zeros_like(grid.integrate(weight))
    for x in grid.coordinates:
        x = lift(x, weight.ndim).astype(weight.dtype)
        mean = grid.integrate(x * weight)
        away = x - jnp.expand_dims(mean, tuple(range(-grid.ndim, 0)))
        spread = spread + grid.integrate(away**2 * weight)
    fisher = fisher_information(psi, grid, gradient)
    return jnp.asarray(hbar) ** 2 / 4 * fisher * spread
