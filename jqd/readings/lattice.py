"""Copy dynamics on a periodic one-dimensional lattice: couplings and motion of means.

P sites of spacing ā carry a density ρ (summing to 1 over the sites) and a
Hamilton-Jacobi function S = ħφ with Ψ = √ρ e^{-iS/ħ}. Every link has the same phase
shift `delta`, 0 or π.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from ..laws import CopyDynamics, DensityPhase


def off_diagonal(matrix: Array) -> Array:
    """The matrix with zeros on its diagonal."""
    return jnp.where(jnp.eye(matrix.shape[-1], dtype=bool), 0, matrix)


def square_root(x: Array) -> Array:
    """√x with a finite derivative, 0, where x is 0."""
    filled = x > 0
    return jnp.where(filled, jnp.sqrt(jnp.where(filled, x, 1)), 0)


def neighbours(num_sites: int) -> Bool[Array, "P P"]:
    """Whether pairs of sites are adjacent on the ring.

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


class Means(NamedTuple):
    """Means of a density on the sites; scalars, or (T,) for a trajectory.

    Attributes:
        position: ⟨x⟩, length.
        width: standard deviation of x, length.
        velocity: d⟨x⟩/dt, length/time.
        acceleration: d²⟨x⟩/dt², length/time².
        force: ⟨F⟩, energy/length.
    """

    position: Array
    width: Array
    velocity: Array
    acceleration: Array
    force: Array


def lattice_motion(
    law: CopyDynamics,
    x: Float[Array, " P"],
    force: Float[Array, " P"],
    state: Array | DensityPhase,
) -> Means:
    """How the centre of mass moves, and the mean force on it.

    ⟨x⟩ = Σ_a ρ_a x_a, its derivatives along the law, ⟨F⟩ = Σ_a ρ_a F_a

    Newton's law is m · acceleration = force. The means are meaningful while the density
    vanishes at both ends of `x`, where the ring closes.

    Args:
        law: copy law of the lattice, any q and r.
        x: positions of the sites, (P,) real, length.
        force: F_a = -V'(x_a), (P,) real, energy/length.
        state: state of the law at one time: ψ (P,), or `DensityPhase`. Use `jax.vmap`
            for several.

    Returns:
        The means, scalars.

    Source: Smolin (2012), after eq. 62.
    """

    def position(state: Any) -> Array:
        return jnp.sum(law.density(state) * x)

    def velocity(state: Any) -> Array:
        return jax.jvp(position, (state,), (law.vector_field(0.0, state),))[1]

    speed, acceleration = jax.jvp(velocity, (state,), (law.vector_field(0.0, state),))
    rho, mean = law.density(state), position(state)
    variance = jnp.sum(rho * (x - mean) ** 2)
    width = square_root(variance)
    return Means(mean, width, speed, acceleration, jnp.sum(rho * force))
