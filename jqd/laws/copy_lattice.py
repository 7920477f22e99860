"""The couplings of copy dynamics on a periodic one-dimensional lattice.

P sites of spacing ā carry a density ρ (summing to 1 over the sites) and a
Hamilton-Jacobi function S = ħφ with Ψ = √ρ e^{-iS/ħ}. Every link has the same phase
shift `delta`, 0 or π.
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float


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
