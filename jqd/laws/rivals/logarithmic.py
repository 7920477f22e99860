"""The logarithmic law: the local density nonlinearity that keeps products apart."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._math import safe_log
from ...constants import free
from .self_potential import SelfPotential


class Logarithmic(SelfPotential):
    """iħ dψ/dt = (H - b ln ρ) ψ.

    On a grid ρ is in units of one over the unit of volume: another unit turns the phase
    of ψ and changes nothing else. The law conserves the norm and ⟨H⟩ - b ∫ρ (ln ρ - 1).
    Where ρ = 0 the phase stands still. Near such places ln ρ turns the phase fast, and
    steps must be short: two humps in a trap need dt below about 0.006 before the order
    of a method shows.

    Attributes:
        quantum: Schrödinger's law, with H and ħ; or a matrix H, with ħ = 1.
        b: strength, energy, scalar; 0 in quantum mechanics.

    Source: I. Białynicki-Birula, J. Mycielski (1976) Ann. Phys. 100, 62.
    """

    b: Float[Array, ""] = free(
        quantum=0.0, span=(-0.5, 0.5), unit="energy", default=0.0
    )

    def self_potential(self, rho: Float[Array, "..."]) -> Float[Array, "..."]:
        """-b ln ρ, and 0 where ρ = 0."""
        return -self.b * safe_log(rho)

    def self_energy(self, rho: Float[Array, "..."]) -> Float[Array, ""]:
        """-b Σ ρ (ln ρ - 1)."""
        return -self.b * jnp.sum(rho * (safe_log(rho) - 1))
