"""Classes: transition rates, and the laws for any powers q and r."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from jqd.laws.alignment import inverse_root
from jqd.readings.lattice import off_diagonal, square_root

from .angular import copy_angular
from .links import link_angle, ratio_power


def copy_function(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    q: ArrayLike,
) -> Float[Array, "M M"]:
    """Rate at which one system of class b copies one given system of class a.

    F_ab = (1/n_a) (n_a/n_b)^q 2 R_ab sin⁺x_ab ≥ 0

    Args:
        q: power, scalar; 1/2 is quantum mechanics.

    Returns:
        F_ab, (M, M) real, 1/time, zero on the diagonal.

    Source: Smolin (2012), eqs. 3, 5, 14, 18 and 30.
    """
    angle = link_angle(phase, jnp.zeros_like(delta))
    factor = power_law(occupation, copy_angular(angle, R, delta), q)
    return factor * (inverse_root(occupation) ** 2)[:, None]


def occupation_rate(
    F: Float[Array, "M M"], occupation: Float[Array, " M"]
) -> Float[Array, " M"]:
    """Change of the occupations, class by class.

    ṅ_a = Σ_b n_a n_b (F_ab - F_ba)

    Returns:
        ṅ_a, (M,) real, 1/time, summing to zero.
    """
    return occupation * ((F - F.T) @ occupation)


def transition_rate(
    F: Float[Array, "M M"], occupation: Float[Array, " M"]
) -> Float[Array, "M M"]:
    """Rate at which one system of class b becomes a system of class a.

    T_{b→a} = F_ab n_a, in 1/time
    """
    return F * occupation[:, None]


def master_rate(
    density: Float[Array, " M"], transition: Float[Array, "M M"]
) -> Float[Array, " M"]:
    """Change of the density under given transition rates.

    ρ̇_a = Σ_b (ρ_b T_{b→a} - ρ_a T_{a→b}), in 1/time

    Args:
        transition: T[a, b] = T_{b→a}, (M, M) real, 1/time.
    """
    return transition @ density - density * jnp.sum(transition, axis=0)


def power_law(
    density: Float[Array, " M"], angular: Float[Array, "M M"], power: ArrayLike
) -> Float[Array, "M M"]:
    """A power of the occupation ratio times a function of the relative phase.

    F'_ab = (ρ_a/ρ_b)^q ℛ_ab and G'_ab = (ρ_a/ρ_b)^r 𝒰_ab

    Args:
        density: ρ_a or n_a, (M,) real.
        angular: ℛ_ab or 𝒰_ab at the present phases, (M, M) real, 1/time.
        power: q or r, scalar.

    Returns:
        F'_ab or G'_ab, (M, M) real, 1/time.
    """
    return ratio_power(density, power) * angular


def density_rate(
    density: Float[Array, " M"], angular: Float[Array, "M M"], q: ArrayLike
) -> Float[Array, " M"]:
    """Change of the density for any power q.

    ρ̇_a = Σ_b [(ρ_a/ρ_b)^q ρ_b ℛ_ab - (ρ_b/ρ_a)^q ρ_a ℛ_ba]

    Args:
        angular: ℛ_ab at the present phases, (M, M) real, 1/time, so that its
            transpose is ℛ_ba at the opposite relative phase.
        q: power, scalar.

    Returns:
        ρ̇_a, (M,) real, 1/time, summing to zero.
    """
    return master_rate(density, power_law(density, angular, q))


def reversible_density_rate(
    density: Float[Array, " M"], angular: Float[Array, "M M"]
) -> Float[Array, " M"]:
    """Change of the density at the time-reversible power q = 1/2.

    ρ̇_a = Σ_b √(ρ_a ρ_b) (ℛ_ab - ℛ_ba), in 1/time

    Args:
        angular: ℛ_ab at the present phases, (M, M) real, 1/time.

    Source: Smolin (2012), eq. 23 and eq. 25, second line.
    """
    root = square_root(density)
    return root * ((angular - angular.T) @ root)


def pair_density_rate(
    density: Float[Array, " M"], factor: Float[Array, "M M"], *, printed: bool = False
) -> Float[Array, " M"]:
    """Change of the density written with the rescaled copy function.

    ρ̇_a = Σ_b (ρ_b F'_ab - ρ_a F'_ba), in 1/time

    Args:
        factor: F'_ab, (M, M) real, 1/time.
        printed: use ρ_a F'_ab - ρ_b F'_ba, with the weights exchanged.
    """
    weight = density[:, None] if printed else density[None, :]
    flow = weight * factor
    return jnp.sum(flow - flow.T, axis=1)


def class_phase_rate(
    density: Float[Array, " M"],
    angular: Float[Array, "M M"],
    omega: Float[Array, " M"],
    r: ArrayLike,
) -> Float[Array, " M"]:
    """Change of the class phases for any power r.

    φ̇_a = ω_a + Σ_{b≠a} (ρ_a/ρ_b)^r 𝒰_ab, in radians/time

    Args:
        density: ρ_a or n_a, (M,) real.
        angular: 𝒰_ab at the present phases, (M, M) real, 1/time; its diagonal is
            ignored.
        r: power, scalar; -1/2 is quantum mechanics.
    """
    return omega + jnp.sum(power_law(density, off_diagonal(angular), r), axis=1)
