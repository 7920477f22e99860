"""The cubic law of Gross and Pitaevskii, as a rival for one particle."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ...constants import Scales, free
from .self_potential import SelfPotential


def _unit(law: "GrossPitaevskii", scales: Scales) -> Array:
    """Energy times volume."""
    grid = law.quantum.grid
    return scales.energy * jnp.asarray(scales.length) ** (
        0 if grid is None else grid.ndim
    )


class GrossPitaevskii(SelfPotential):
    """iħ dψ/dt = (H + g |ψ|²) ψ.

    This is the mean field of many atoms; it is a rival law only where ψ is that of one
    particle. It conserves the norm and ⟨H⟩ + g/2 ∫ρ². It is not homogeneous: 2ψ moves
    differently from ψ.

    Attributes:
        quantum: Schrödinger's law, with H and ħ; or a matrix H, with ħ = 1.
        g: strength, scalar, energy times volume (on a grid) or energy; 0 in quantum
            mechanics.

    Source: E. P. Gross (1961) Nuovo Cimento 20, 454; L. P. Pitaevskii (1961) Sov. Phys.
    JETP 13, 451.
    """

    g: Float[Array, ""] = free(quantum=0.0, span=(-0.5, 0.5), unit=_unit, default=0.0)

    def self_potential(self, rho: Float[Array, "..."]) -> Float[Array, "..."]:
        """g ρ."""
        return self.g * rho

    def self_energy(self, rho: Float[Array, "..."]) -> Float[Array, ""]:
        """g/2 Σ ρ²."""
        return self.g / 2 * jnp.sum(rho**2)
