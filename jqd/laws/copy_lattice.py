"""Copy dynamics on a periodic one-dimensional lattice, and its differences.

P sites of spacing ā carry a density ρ (summing to 1 over the sites) and a
Hamilton-Jacobi function S = ħφ with Ψ = √ρ e^{-iS/ħ}. Every link has the same phase
shift `delta`, 0 or π. Derivatives are central differences, accurate to O(ā²).
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from . import copy_rules


def gradient(values: Float[Array, " P"], spacing: ArrayLike) -> Float[Array, " P"]:
    """Central difference on the periodic lattice.

    ∂f ≈ (f_{a+1} - f_{a-1}) / 2ā

    Args:
        values: f_a, (P,) real.
        spacing: ā, scalar, length.

    Returns:
        ∂f, (P,) real, in units of f/length.
    """
    return (jnp.roll(values, -1) - jnp.roll(values, 1)) / (2 * spacing)


def laplacian(values: Float[Array, " P"], spacing: ArrayLike) -> Float[Array, " P"]:
    """Second difference on the periodic lattice.

    ∂²f ≈ (f_{a+1} - 2f_a + f_{a-1}) / ā²

    Args:
        values: f_a, (P,) real.
        spacing: ā, scalar, length.

    Returns:
        ∂²f, (P,) real, in units of f/length².
    """
    return (jnp.roll(values, -1) - 2 * values + jnp.roll(values, 1)) / spacing**2


def neighbours(num_sites: int) -> Bool[Array, "P P"]:
    """Which pairs of sites are next to each other on the ring.

    |a - b| = 1 modulo P

    Args:
        num_sites: P, at least 3.

    Returns:
        (P, P) boolean, symmetric.

    Raises:
        ValueError: if the ring is too short to have two distinct neighbours.
    """
    if num_sites < 3:
        raise ValueError(
            f"Argument `num_sites` must be at least 3, but {num_sites} was given."
        )
    site = jnp.arange(num_sites)
    gap = (site[:, None] - site[None, :]) % num_sites
    return (gap == 1) | (gap == num_sites - 1)


def lattice_coupling(
    num_sites: int, spacing: ArrayLike, mass: ArrayLike = 1, hbar: ArrayLike = 1
) -> Float[Array, "P P"]:
    """Nearest-neighbour hopping.

    R_ab = ħ/(2mā²) for neighbours a, b

    Args:
        num_sites: P.
        spacing: ā, scalar, length.
        mass: m, scalar.
        hbar: ħ, scalar, energy · time.

    Returns:
        R_ab, (P, P) real, 1/time.

    Source: Smolin (2012), eq. 56.
    """
    return neighbours(num_sites) * (hbar / (2 * mass * spacing**2))


def lattice_shift(num_sites: int, delta: ArrayLike = jnp.pi) -> Float[Array, "P P"]:
    """Antisymmetric phase shifts with the same cosine on every link.

    δ_{a,b} = +δ for a > b, -δ for a < b

    Args:
        num_sites: P.
        delta: δ, scalar, radians; 0 or π (for which ±δ are the same shift).

    Returns:
        δ_ab, (P, P) real, radians.

    Source: Smolin (2012), section 3.3, where δ is left out.
    """
    site = jnp.arange(num_sites)
    return jnp.sign(site[:, None] - site[None, :]) * neighbours(num_sites) * delta


def lattice_rates(
    density: Float[Array, " P"],
    action: Float[Array, " P"],
    energy: Float[Array, " P"],
    spacing: ArrayLike,
    mass: ArrayLike = 1,
    hbar: ArrayLike = 1,
    *,
    delta: ArrayLike = jnp.pi,
) -> tuple[Float[Array, " P"], Float[Array, " P"]]:
    """Exact copy law on the lattice.

    ρ̇_a = Σ_b 2√(ρ_a ρ_b) R_ab sin x_ab, Ṡ_a = E_a + ħ Σ_b √(ρ_b/ρ_a) R_ab cos x_ab

    Args:
        density: ρ_a, (P,) real.
        action: S_a = ħφ_a, (P,) real, energy · time.
        energy: E_a = ħω_a, (P,) real, energy.
        spacing: ā, scalar, length.
        mass: m, scalar.
        hbar: ħ, scalar, energy · time.
        delta: δ, scalar, radians; 0 or π.

    Returns:
        (ρ̇, Ṡ), each (P,) real, in 1/time and energy.

    Source: Smolin (2012), eqs. 32, 33 and 56.
    """
    P = density.shape[0]
    R = lattice_coupling(P, spacing, mass, hbar)
    shift = lattice_shift(P, delta)
    phase = action / hbar
    turn = copy_rules.quantum_phase_rate(density, phase, energy / hbar, R, shift)
    return copy_rules.quantum_density_rate(density, phase, R, shift), turn * hbar
