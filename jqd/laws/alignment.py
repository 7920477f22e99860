"""The model that is meant to align the phases within each class.

Every individual I carries a phase φ_I (radians) and a momentum π_I (1/time);
[I, J] in the same class attract through sin²(φ_I - φ_J) with strength f² (1/time²).
Occupations stay fixed between copies. Ω_I is the phase rate of
`jqd.laws.copy_rules.phase_rate`. Where the printed equation is inconsistent,
`printed=True` gives it literally.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Complex, Float, Int

from . import copy_rules


def same_class(beable: Array) -> Array:
    """Which pairs of individuals are of one class, (N, N)."""
    return beable[:, None] == beable[None, :]


def _difference(phase: Array) -> Array:
    return phase[:, None] - phase[None, :]


def alignment_potential(
    phase: Float[Array, " N"], beable: Int[Array, " N"], f: ArrayLike
) -> Float[Array, ""]:
    """Potential energy of misalignment; zero modulo π, not modulo 2π.

    V = (f²/2) Σ_I Σ_{J∈a_I} sin²(φ_I - φ_J), every pair counted twice

    Args:
        phase: φ_I, (N,) real, radians.
        beable: a_I, (N,) integer.
        f: alignment frequency, scalar, 1/time.

    Returns:
        V, scalar real, 1/time².

    Source: Smolin (2012), eqs. 42 and 45.
    """
    return jnp.sum(same_class(beable) * jnp.sin(_difference(phase)) ** 2) * f**2 / 2


def alignment_energy(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
) -> Float[Array, ""]:
    """Hamiltonian of the alignment model.

    H = Σ_I (π_I²/2 + π_I Ω_I) + V

    Args:
        phase: φ_I, (N,) real, radians.
        momentum: π_I, (N,) real, 1/time.
        beable: a_I, (N,) integer.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians.
        f: alignment frequency, scalar, 1/time.

    Returns:
        H, scalar real, 1/time².

    Source: Smolin (2012), eq. 45.
    """
    drift = copy_rules.phase_rate(beable, phase, omega, R, delta)
    kinetic = jnp.sum(momentum**2 / 2 + momentum * drift)
    return kinetic + alignment_potential(phase, beable, f)


def phase_velocity(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, " N"]:
    """Velocity of the phases; at π = 0 it is the copy law's own.

    φ̇_I = π_I + Ω_I

    Args:
        phase: φ_I, (N,) real, radians.
        momentum: π_I, (N,) real, 1/time.
        beable: a_I, (N,) integer.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians.

    Returns:
        φ̇_I, (N,) real, radians/time.

    Source: Smolin (2012), eqs. 43 and 53.
    """
    return momentum + copy_rules.phase_rate(beable, phase, omega, R, delta)


def drift_force(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, " N"]:
    """Force that remains once the phases are aligned; zero at π = 0.

    π̇_I = -Σ_K π_K ∂Ω_K/∂φ_I

    Args:
        phase: φ_I, (N,) real, radians.
        momentum: π_I, (N,) real, 1/time.
        beable: a_I, (N,) integer.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians.

    Returns:
        π̇_I, (N,) real, 1/time².

    Source: Smolin (2012), eqs. 51 and 52.
    """
    _, pull_back = jax.vjp(
        lambda phi: copy_rules.phase_rate(beable, phi, omega, R, delta), phase
    )
    (force,) = pull_back(momentum)
    return -force


def alignment_force(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
    *,
    printed: bool = False,
) -> Float[Array, " N"]:
    """Force on the momenta.

    π̇_I = -2 f² Σ_{J∈a_I} sin(φ_I - φ_J) cos(φ_I - φ_J) - Σ_K π_K ∂Ω_K/∂φ_I

    Args:
        phase: φ_I, (N,) real, radians.
        momentum: π_I, (N,) real, 1/time.
        beable: a_I, (N,) integer.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians.
        f: alignment frequency, scalar, 1/time.
        printed: f² in place of 2f² (the sum over J, lost in print, is kept).

    Returns:
        π̇_I, (N,) real, 1/time².

    Source: Smolin (2012), eq. 46.
    """
    # sin y cos y = sin(2y)/2
    pull = jnp.sum(same_class(beable) * jnp.sin(2 * _difference(phase)), axis=1) / 2
    drift = drift_force(phase, momentum, beable, omega, R, delta)
    return drift - pull * (1 if printed else 2) * f**2


def alignment_lagrangian(
    phase: Float[Array, " N"],
    velocity: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
) -> Float[Array, ""]:
    """Lagrangian of the alignment model, the momenta eliminated.

    L = Σ_I (φ̇_I - Ω_I)²/2 - V

    Args:
        phase: φ_I, (N,) real, radians.
        velocity: φ̇_I, (N,) real, radians/time.
        beable: a_I, (N,) integer.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians.
        f: alignment frequency, scalar, 1/time.

    Returns:
        L, scalar real, 1/time².

    Source: Smolin (2012), eq. 54, first line.
    """
    drift = copy_rules.phase_rate(beable, phase, omega, R, delta)
    return jnp.sum((velocity - drift) ** 2) / 2 - alignment_potential(phase, beable, f)


def alignment_lagrangian_circle(
    z: Complex[Array, " N"],
    z_velocity: Complex[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
) -> Float[Array, ""]:
    """The same Lagrangian on the unit circle, z_I = e^{iφ_I}.

    L = Σ_I |ż_I - iΩ_I z_I|²/2 - V

    Args:
        z: z_I, (N,) complex, of modulus 1.
        z_velocity: ż_I, (N,) complex, 1/time.
        beable: a_I, (N,) integer.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians.
        f: alignment frequency, scalar, 1/time.

    Returns:
        L, scalar real, 1/time².

    Source: Smolin (2012), eq. 54, second line.
    """
    phase = jnp.angle(z)
    drift = copy_rules.phase_rate(beable, phase, omega, R, delta)
    relative = z_velocity - 1j * drift * z
    kinetic = jnp.sum(relative.real**2 + relative.imag**2) / 2
    return kinetic - alignment_potential(phase, beable, f)


def poisson_bracket(
    first, second, phase: Float[Array, " N"], momentum: Float[Array, " N"]
) -> Float[Array, "..."]:
    """Poisson bracket of two functions of the phases and momenta.

    {A, B} = Σ_I (∂A/∂φ_I ∂B/∂π_I - ∂A/∂π_I ∂B/∂φ_I), so that {φ_I, π_J} = [I = J]

    Args:
        first: A, a function of (phase, momentum) with any output shape.
        second: B, likewise.
        phase: φ_I, (N,) real, radians.
        momentum: π_I, (N,) real, 1/time.

    Returns:
        {A, B}, real, of shape A.shape + B.shape.

    Source: Smolin (2012), eq. 44.
    """
    a_phase, a_momentum = jax.jacobian(first, argnums=(0, 1))(phase, momentum)
    b_phase, b_momentum = jax.jacobian(second, argnums=(0, 1))(phase, momentum)
    return jnp.tensordot(a_phase, b_momentum, axes=(-1, -1)) - jnp.tensordot(
        a_momentum, b_phase, axes=(-1, -1)
    )
