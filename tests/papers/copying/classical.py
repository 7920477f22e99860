"""The classical limit of copy dynamics on the lattice of `lattice.py`.

The phase shift `delta` of the links enters as the sign c = cos δ: δ = 0 is what the
paper prints and gives a particle of negative mass; δ = π gives Newton's equation with
the velocity -S'/m. Derivatives are central differences, accurate to O(ā²). Where the
printed equation is inconsistent, `printed=True` gives it literally. In all functions

    density    ρ_a, (P,)
    action     S_a = ħφ_a, (P,), energy · time
    energy     E_a = ħω_a, (P,)
    spacing    ā, length
    mass       m
    hbar       ħ, energy · time
    delta      δ, radians; 0 or π
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from jqd.readings.lattice import lattice_coupling, lattice_shift

from .quantum_point import quantum_density_rate, quantum_phase_rate


def gradient(values: Float[Array, " P"], spacing: ArrayLike) -> Float[Array, " P"]:
    """Central difference on the periodic lattice.

    ∂f ≈ (f_{a+1} - f_{a-1}) / 2ā, in f/length
    """
    return (jnp.roll(values, -1) - jnp.roll(values, 1)) / (2 * spacing)


def laplacian(values: Float[Array, " P"], spacing: ArrayLike) -> Float[Array, " P"]:
    """Second difference on the periodic lattice.

    ∂²f ≈ (f_{a+1} - 2f_a + f_{a-1}) / ā², in f/length²
    """
    return (jnp.roll(values, -1) - 2 * values + jnp.roll(values, 1)) / spacing**2


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

    Returns:
        (ρ̇, Ṡ), each (P,) real, in 1/time and energy.
    """
    P = density.shape[0]
    R = lattice_coupling(P, spacing, mass, hbar)
    shift = lattice_shift(P, delta)
    phase = action / hbar
    turn = quantum_phase_rate(density, phase, energy / hbar, R, shift)
    return quantum_density_rate(density, phase, R, shift), turn * hbar


def lattice_potential(
    energy: Float[Array, " P"],
    spacing: ArrayLike,
    mass: ArrayLike = 1,
    hbar: ArrayLike = 1,
    *,
    delta: ArrayLike = jnp.pi,
    printed: bool = False,
) -> Float[Array, " P"]:
    """Potential energy that the site energies amount to.

    V_a = E_a + cos δ · ħ²/(mā²), in energy

    Args:
        printed: E_a + ħ²/(ma²) with the site label a = 1..P in place of ā.
    """
    if printed:
        return energy + hbar**2 / (mass * jnp.arange(1, energy.shape[0] + 1) ** 2)
    return energy + jnp.cos(delta) * hbar**2 / (mass * spacing**2)


def quantum_potential(
    density: Float[Array, " P"],
    spacing: ArrayLike,
    mass: ArrayLike = 1,
    hbar: ArrayLike = 1,
    *,
    delta: ArrayLike = jnp.pi,
    printed: bool = False,
) -> Float[Array, " P"]:
    """Quantum potential of the lattice law.

    V_Q = cos δ · (ħ²/2m) ∇²√ρ / √ρ, in energy

    Args:
        density: ρ_a, (P,) real; 0 is returned where it vanishes.
        printed: the plus sign whatever δ is.
    """
    filled = density > 0
    root = jnp.sqrt(jnp.where(filled, density, 1))
    curvature = laplacian(jnp.where(filled, root, 0), spacing) / root
    sign = 1 if printed else jnp.cos(delta)
    return jnp.where(filled, curvature, 0) * sign * hbar**2 / (2 * mass)


def classical_lagrangian(
    density: Float[Array, " P"],
    action: Float[Array, " P"],
    action_velocity: Float[Array, " P"],
    energy: Float[Array, " P"],
    spacing: ArrayLike,
    mass: ArrayLike = 1,
    hbar: ArrayLike = 1,
    *,
    delta: ArrayLike = jnp.pi,
) -> Float[Array, ""]:
    """Integrand of the action in the limit of small spacing.

    L = Σ_a ρ_a [Ṡ + cos δ (∂S)²/2m - V - V_Q], in energy

    Args:
        action_velocity: Ṡ_a, (P,) real, energy.
        delta: δ, scalar, radians; 0 is the printed case.
    """
    rate = hamilton_jacobi_rate(
        action,
        lattice_potential(energy, spacing, mass, hbar, delta=delta)
        + quantum_potential(density, spacing, mass, hbar, delta=delta),
        spacing,
        mass,
        delta=delta,
    )
    return jnp.sum(density * (action_velocity - rate))


def velocity(
    action: Float[Array, " P"],
    spacing: ArrayLike,
    mass: ArrayLike = 1,
    *,
    delta: ArrayLike = jnp.pi,
) -> Float[Array, " P"]:
    """Current velocity.

    v = cos δ · S'/m, in length/time

    Args:
        delta: δ, scalar, radians; 0 gives the printed +S'/m, π gives -S'/m.

    Source: Smolin (2012), sentence after eq. 61.
    """
    return jnp.cos(delta) * gradient(action, spacing) / mass


def continuity_rate(
    density: Float[Array, " P"],
    action: Float[Array, " P"],
    spacing: ArrayLike,
    mass: ArrayLike = 1,
    *,
    delta: ArrayLike = jnp.pi,
    printed: bool = False,
) -> Float[Array, " P"]:
    """Conservation of probability.

    ρ̇ = -(ρ v)' = -cos δ (ρ S')'/m, in 1/time

    Args:
        printed: the plus sign whatever δ is.
    """
    current = density * velocity(action, spacing, mass, delta=delta)
    if printed:
        current = -density * gradient(action, spacing) / mass
    return -gradient(current, spacing)


def hamilton_jacobi_rate(
    action: Float[Array, " P"],
    potential: Float[Array, " P"],
    spacing: ArrayLike,
    mass: ArrayLike = 1,
    *,
    delta: ArrayLike = jnp.pi,
    printed: bool = False,
) -> Float[Array, " P"]:
    """Hamilton-Jacobi equation for S of Ψ = √ρ e^{-iS/ħ}.

    Ṡ = -cos δ (S')²/2m + V, in energy

    Args:
        potential: V_a, (P,) real, energy; add V_Q for the quantum equation.
        printed: the minus sign whatever δ is.
    """
    sign = 1 if printed else jnp.cos(delta)
    return -sign * gradient(action, spacing) ** 2 / (2 * mass) + potential


def classical_conditions(
    density: Float[Array, " P"],
    action: Float[Array, " P"],
    num_copies: ArrayLike,
    spacing: ArrayLike,
    hbar: ArrayLike = 1,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The two numbers that decide whether the classical limit applies.

    min_a n_a ≫ 1 and max_a ā|S'|/ħ ≪ 1

    Args:
        num_copies: N, scalar.

    Returns:
        (min n_a, max ā|S'|/ħ), scalars, dimensionless.
    """
    steepness = spacing * jnp.abs(gradient(action, spacing)) / hbar
    return jnp.min(num_copies * density), jnp.max(steepness)
