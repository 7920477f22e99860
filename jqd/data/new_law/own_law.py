"""OwnLaw: Schrödinger's law with a potential that saturates with the density.

This file works as it stands. Change U and E to those of your law, its equation and its
source; `test_own_law.py` says whether the rest still holds.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

import jqd
from jqd.laws import SelfPotential


class OwnLaw(SelfPotential):
    """iħ dψ/dt = (H + U[ρ]) ψ,  U = g ρ / (1 + ρ/ρ_s),  ρ = |ψ|².

    Attributes:
        quantum: Schrödinger's law, on a grid say, with H and ħ; or a matrix H.
        g: strength, energy, scalar; 0 in quantum mechanics.
        rho_s: density at which U is half of where it ends, scalar.

    Source: put yours here. This one is the saturable nonlinearity of optics, as in
    G. F. Calvo, J. Belmonte-Beitia, V. M. Pérez-García, arXiv:0804.1852.
    """

    # What a fit may free, the value that is quantum mechanics, where its starts lie in
    # units of an energy that follows ħ and the record.
    g: Float[Array, ""] = jqd.free(
        quantum=0.0, span=(-1.0, 1.0), unit="energy", default=0.0
    )
    # What no fit frees is an array as well, never a Python number.
    rho_s: Float[Array, ""] = jqd.fixed(read=jqd.constants.constant, default=0.5)

    def self_potential(self, rho):
        """U[ρ], in energy units."""
        return self.g * rho / (1 + rho / self.rho_s)

    def self_energy(self, rho):
        """E[ρ] with U = dE/dρ, which is conserved together with the mean of H."""
        x = rho / self.rho_s
        return self.g * self.rho_s**2 * jnp.sum(x - jnp.log1p(x))
