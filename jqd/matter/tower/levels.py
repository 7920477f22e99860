"""Norm, energy, entanglement, photons and T of each level of the tower."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from ..._math import abs2, divisor, safe_divide, safe_sqrt
from .configurations import Configurations
from .tower import Tower


class Levels(NamedTuple):
    """Norm and energies of the levels k = 0..K, of k photons; energies are per norm.

    Attributes:
        norm: p_k, whose sum is the norm of the tower.
        matter_energy: <H_M> within level k, per norm.
        photon_energy: <Σ ħω a†a> within level k, per norm.
        matter_spread: standard deviation of H_M within level k.
        photon_spread: standard deviation of the photon energy within level k.
    """

    norm: Float[Array, " levels"]
    matter_energy: Float[Array, " levels"]
    photon_energy: Float[Array, " levels"]
    matter_spread: Float[Array, " levels"]
    photon_spread: Float[Array, " levels"]

    @property
    def energy(self) -> Float[Array, " levels"]:
        """E_{N,k} of the free parts, weighted by the norm (Chafin (2019), eq. 3)."""
        return self.norm * self.energy_per_norm

    @property
    def energy_per_norm(self) -> Float[Array, " levels"]:
        """E_{N,k}/p_k, which the paper claims to be the same for all k."""
        return self.matter_energy + self.photon_energy


def configuration_weights(psi: Inexact[Array, "... D P"]) -> Float[Array, "... P"]:
    """Norm of each photon configuration, Σ_i |ψ_ip|².

    Args:
        psi: (..., D, P) states.
    """
    return jnp.sum(abs2(psi), axis=-2)


def level_norms(
    kept: Configurations, weights: Float[Array, "... P"]
) -> Float[Array, "... levels"]:
    """p_k = Σ of the weights of all configurations of k photons.

    Args:
        kept: the configurations.
        weights: (..., P) norms or probabilities of them.

    Returns:
        (..., K + 1).
    """
    return weights @ jnp.asarray(kept.of_level, weights.dtype)


def occupations(
    kept: Configurations, weights: Float[Array, "... P"]
) -> Float[Array, "... m"]:
    """Mean number of photons in each mode, <a_m†a_m>, for weights of sum 1.

    Args:
        kept: the configurations.
        weights: (..., P) probabilities of them.

    Returns:
        (..., m).
    """
    return weights @ jnp.asarray(kept.numbers, weights.dtype)


def levels(tower: Tower, psi: Inexact[Array, "D P"]) -> Levels:
    """Norm, energies and their spread in each level of the tower.

    Args:
        tower: the tower.
        psi: (D, P) state.

    Returns:
        Arrays (K + 1,); energies of an empty level are 0.

    Source: Chafin (2019), eqs. 2 and 3, for photons counted by mode.
    """
    share = abs2(psi)
    onto = jnp.asarray(tower.configurations.of_level, share.dtype)
    norm = jnp.sum(share, axis=0) @ onto
    held = divisor(norm)

    def moments(values: Array) -> tuple[Array, Array]:
        """Mean and standard deviation per level, of values that broadcast to psi."""
        mean = jnp.sum(values * share, axis=0) @ onto / held
        away = values - (onto @ mean)[None, :]
        variance = jnp.sum(away**2 * share, axis=0) @ onto / held
        return mean, safe_sqrt(variance)

    matter, matter_spread = moments(tower.energies[:, None])
    photons, photon_spread = moments(tower.photon_energies[None, :])
    return Levels(norm, matter, photons, matter_spread, photon_spread)


def interaction_energy(tower: Tower, psi: Inexact[Array, "D P"]) -> Float[Array, ""]:
    """<H_int>, which the printed energy of the tower leaves out.

    Args:
        tower: the tower.
        psi: (D, P) state.
    """
    return jnp.sum(jnp.real(jnp.conj(psi) * tower.interact(psi)))


def schmidt_numbers(
    tower: Tower, psi: Inexact[Array, "D P"]
) -> Float[Array, " levels"]:
    """1/Σ s² of each level's Schmidt probabilities: 1 for a product; 0 if empty.

    Args:
        tower: the tower.
        psi: (D, P) state.
    """
    part = jnp.asarray(tower.configurations.of_level, psi.real.dtype)
    # without singular values: the purity of the photons' reduced matrix
    overlaps = abs2(psi.conj().T @ psi)
    purity = jnp.sum(part * (overlaps @ part), axis=0)
    total = level_norms(tower.configurations, configuration_weights(psi)) ** 2
    return safe_divide(total, purity)
