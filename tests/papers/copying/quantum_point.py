"""The quantum point q = 1/2, r = -1/2: state, Hamiltonian, action."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Complex, Float

from jqd.readings.lattice import off_diagonal, square_root

from .angular import phase_angular
from .classes import class_phase_rate
from .links import link_angle


def quantum_density_rate(
    density: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, " M"]:
    """Change of the density in the quantum case.

    ρ̇_a = Σ_{b≠a} 2 √(ρ_a ρ_b) R_ab sin x_ab

    Returns:
        ρ̇_a, (M,) real, 1/time; sums to zero only if δ is antisymmetric.
    """
    root = square_root(density)
    return 2 * root * ((off_diagonal(R) * jnp.sin(link_angle(phase, delta))) @ root)


def quantum_phase_rate(
    density: Float[Array, " M"],
    phase: Float[Array, " M"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    r: ArrayLike = -0.5,
) -> Float[Array, " M"]:
    """Change of the class phases with one harmonic.

    φ̇_a = ω_a + Σ_{b≠a} (ρ_a/ρ_b)^r R_ab cos x_ab, in radians/time

    Args:
        r: power, scalar; only -1/2 is quantum mechanics.
    """
    angle = link_angle(phase, jnp.zeros_like(delta))
    return class_phase_rate(density, phase_angular(angle, R, delta), omega, r)


def action_phase(phase: Float[Array, " M"], hbar: ArrayLike = 1) -> Float[Array, " M"]:
    """Hamilton-Jacobi function of a phase.

    S_a = ħ φ_a, the negative of the standard one, in energy · time

    Args:
        hbar: ħ, scalar, energy · time.
    """
    return phase * hbar


def quantum_state(
    density: Float[Array, " M"], phase: Float[Array, " M"], *, printed: bool = False
) -> Complex[Array, " M"]:
    """Quantum state of an aligned ensemble.

    Ψ_a = √ρ_a e^{-iS_a/ħ} = √ρ_a e^{-iφ_a}

    Args:
        printed: take e^{+iS/ħ}, the sign of the wave function quoted first.

    Returns:
        Ψ_a, (M,) complex, of squared norm Σ_a ρ_a.

    Source: Smolin (2012), eq. 34; `printed` is eq. 2.
    """
    return square_root(density) * jnp.exp((1j if printed else -1j) * phase)


def hamiltonian(
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    hbar: ArrayLike = 1,
) -> Complex[Array, "M M"]:
    """Hamiltonian that drives the quantum state.

    H_aa = ħ ω_a, H_ab = ħ R_ab e^{iδ_ab}

    Args:
        delta: δ_ab, (M, M) real, radians; antisymmetric, or H is not Hermitian.
        hbar: ħ, scalar, energy · time.

    Returns:
        H, (M, M) complex, energy.
    """
    return (jnp.diag(omega) + off_diagonal(R) * jnp.exp(1j * delta)) * hbar


def schrodinger_rate(
    psi: Complex[Array, " M"], H: Complex[Array, "M M"], hbar: ArrayLike = 1
) -> Complex[Array, " M"]:
    """Change of the quantum state.

    iħ Ψ̇ = H Ψ

    Args:
        psi: Ψ_a, (M,) complex.
        H: Hamiltonian, (M, M) complex, energy.
        hbar: ħ, scalar, energy · time.

    Returns:
        Ψ̇, (M,) complex, 1/time.
    """
    return -1j * (H @ psi) / hbar


def lagrangian(
    density: Float[Array, " M"],
    phase: Float[Array, " M"],
    phase_velocity: Float[Array, " M"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, ""]:
    """Integrand of the action of an aligned ensemble.

    L = Σ_a [ρ_a (φ̇_a - ω_a) - Σ_{b≠a} √(ρ_a ρ_b) R_ab cos x_ab]

    Args:
        phase_velocity: φ̇_a, (M,) real, radians/time.

    Returns:
        L/ħ, scalar real, 1/time.
    """
    root = square_root(density)
    mixing = root @ (off_diagonal(R) * jnp.cos(link_angle(phase, delta))) @ root
    return jnp.sum(density * (phase_velocity - omega)) - mixing
