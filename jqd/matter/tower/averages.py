"""Infinite-time averages from the eigenbasis, and rates at early times."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Inexact

from ...laws.constants import constant
from ...steppers.eigenbasis import unitary_orbit
from .density import LevelDensity
from .tower import Tower

# A dense eigenbasis of more than these takes minutes and gigabytes.
_LARGEST = 4000


class Eigenbasis(eqx.Module):
    """All eigenstates of a tower: H |a> = E_a |a>.

    Averages over infinite times are those without degeneracies, E_a = E_b only for
    a = b, which level repulsion and incommensurate frequencies give.

    Attributes:
        energies: (n,) E_a, n = D P.
        vectors: (n, n) columns <ip|a>.
        shape: (D, P) (static).
    """

    energies: Float[Array, " n"]
    vectors: Inexact[Array, "n n"]
    shape: tuple[int, int] = eqx.field(static=True)

    def amplitudes(self, psi: Inexact[Array, "*t D P"]) -> Complex[Array, "*t n"]:
        """c_a = <a|ψ>, whose squares never change."""
        flat = psi.reshape(*psi.shape[:-2], -1)
        return flat @ self.vectors.conj()

    def energy_spread(self, psi: Inexact[Array, "D P"]) -> Float[Array, ""]:
        """ΔE, the standard deviation of H, the same at all times."""
        share = jnp.abs(self.amplitudes(psi)) ** 2
        mean = jnp.sum(share * self.energies)
        return jnp.sqrt(jnp.sum(share * (self.energies - mean) ** 2))

    def effective_dimension(self, psi: Inexact[Array, "D P"]) -> Float[Array, ""]:
        """d_eff = 1/Σ |c_a|⁴, the number of eigenstates that take part."""
        return 1 / jnp.sum(jnp.abs(self.amplitudes(psi)) ** 4)

    def time_average(self, psi: Inexact[Array, "D P"]) -> Float[Array, "D P"]:
        """The average of |ψ_ip(t)|² over all times, Σ_a |<ip|a>|² |c_a|²."""
        share = jnp.abs(self.amplitudes(psi)) ** 2
        return (jnp.abs(self.vectors) ** 2 @ share).reshape(self.shape)

    def temporal_std(
        self, psi: Inexact[Array, "D P"], observable: Float[Array, "D P"]
    ) -> Float[Array, ""]:
        """Standard deviation over all times of <O>, O diagonal in level and photons.

        σ_t² = Σ_{a≠b} |c_a|² |c_b|² |O_ab|², for gaps E_a - E_b that are all
        different.
        """
        share = jnp.abs(self.amplitudes(psi)) ** 2
        weighted = observable.reshape(-1)[:, None] * self.vectors
        elements = jnp.abs(self.vectors.conj().T @ weighted) ** 2
        variance = share @ elements @ share - jnp.sum(share**2 * jnp.diagonal(elements))
        return jnp.sqrt(jnp.maximum(variance, 0))

    def states(
        self, psi: Inexact[Array, "D P"], ts: Array, hbar: ArrayLike = 1.0
    ) -> Complex[Array, "t D P"]:
        """ψ(t) at times from 0, exactly."""
        kets = unitary_orbit(self.energies, self.amplitudes(psi), ts, hbar)
        return (kets @ self.vectors.T).reshape(-1, *self.shape)


def eigenbasis(tower: Tower) -> Eigenbasis:
    """Diagonalise a tower of at most 4000 dimensions.

    Raises:
        ValueError: the tower is larger.
    """
    if tower.dimension > _LARGEST:
        raise ValueError(
            f"Argument `tower` must have at most {_LARGEST} dimensions for its "
            f"eigenbasis, but has {tower.dimension}; evolve it with a `Propagator`."
        )
    energies, vectors = jnp.linalg.eigh(tower.dense())
    return Eigenbasis(energies, vectors, tower.shape)


def golden_rule(
    density: LevelDensity,
    shape: Callable[[Array], Array],
    *,
    omega: ArrayLike,
    strength: ArrayLike,
    energy: ArrayLike,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Rate at which `random_matter` at an energy E emits one photon into an empty mode.

    Γ↓ = (2π/ħ) λ² f(ħω)² sqrt(g(E - ħω)/g(E)); with n photons there it is n + 1 times
    that. Minus `omega` gives the rate of absorption per photon.

    Args:
        density: g(E) of the matter.
        shape: f of the matter.
        omega: ω.
        strength: λ, energy over the unit of X.
        energy: E.
        hbar: ħ.

    Returns:
        Γ per unit of time; 0 where there is no level to go to.
    """
    omega, strength, energy, hbar = map(constant, (omega, strength, energy, hbar))
    quantum = hbar * omega
    change = density.log_density(energy - quantum) - density.log_density(energy)
    return 2 * jnp.pi / hbar * (strength * shape(quantum)) ** 2 * jnp.exp(change / 2)


def short_time_coefficient(
    tower: Tower, psi: Inexact[Array, "D P"]
) -> Float[Array, ""]:
    """<H_int²>/ħ²: a state of one photon number leaves its level as this times t².

    For one level i and no photon it is λ² Σ_j X_ij²/ħ² per mode.
    """
    image = tower.interact(psi)
    return jnp.sum(jnp.real(image) ** 2 + jnp.imag(image) ** 2) / tower.hbar**2
