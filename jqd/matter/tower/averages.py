"""Infinite-time averages from the eigenbasis, and rates at early times."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, Inexact

from ..._math import abs2
from ...steppers.eigenbasis import unitary_orbit
from .tower import Tower

# A dense eigenbasis of larger dimension takes minutes and gigabytes.
_LARGEST = 4000


class Eigenbasis(eqx.Module):
    """All eigenstates of a tower: H |a> = E_a |a>.

    Averages over infinite times assume a spectrum without degeneracies, E_a = E_b only
    for a = b, as level repulsion and incommensurate frequencies give.

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
        share = abs2(self.amplitudes(psi))
        mean = jnp.sum(share * self.energies)
        return jnp.sqrt(jnp.sum(share * (self.energies - mean) ** 2))

    def effective_dimension(self, psi: Inexact[Array, "D P"]) -> Float[Array, ""]:
        """d_eff = 1/Σ |c_a|⁴, the effective number of eigenstates in the state."""
        return 1 / jnp.sum(jnp.abs(self.amplitudes(psi)) ** 4)

    def time_average(self, psi: Inexact[Array, "D P"]) -> Float[Array, "D P"]:
        """The average of |ψ_ip(t)|² over all times, Σ_a |<ip|a>|² |c_a|²."""
        share = abs2(self.amplitudes(psi))
        return (abs2(self.vectors) @ share).reshape(self.shape)

    def temporal_std(
        self, psi: Inexact[Array, "D P"], observable: Float[Array, "D P"]
    ) -> Float[Array, ""]:
        """Standard deviation over all times of <O>, O diagonal in level and photons.

        σ_t² = Σ_{a≠b} |c_a|² |c_b|² |O_ab|², for gaps E_a - E_b that are all
        different.
        """
        share = abs2(self.amplitudes(psi))
        weighted = observable.reshape(-1)[:, None] * self.vectors
        elements = abs2(self.vectors.conj().T @ weighted)
        variance = share @ elements @ share - jnp.sum(share**2 * jnp.diagonal(elements))
        return jnp.sqrt(jnp.maximum(variance, 0))

    def states(
        self, psi: Inexact[Array, "D P"], ts: Array, hbar: ArrayLike = 1.0
    ) -> Complex[Array, "t D P"]:
        """ψ(t), exact, at times counted from 0."""
        kets = unitary_orbit(self.energies, self.amplitudes(psi), ts, hbar)
        return (kets @ self.vectors.T).reshape(-1, *self.shape)


def eigenbasis(tower: Tower) -> Eigenbasis:
    """Diagonalise a tower of at most 4000 dimensions.

    Args:
        tower: the tower.

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
