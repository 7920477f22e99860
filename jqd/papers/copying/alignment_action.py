"""The action of the alignment model, and its Poisson brackets."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Complex, Float, Int

from .alignment import alignment_potential
from .individuals import phase_rate


def alignment_lagrangian(
    phase: Float[Array, " N"],
    velocity: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
    *,
    potential: str = "sin2",
    norm: str = "paper",
) -> Float[Array, ""]:
    """Lagrangian of the alignment model, the momenta eliminated.

    L = Σ_I (φ̇_I - Ω_I)²/2 - V, in 1/time²

    Args:
        velocity: φ̇_I, (N,) real, radians/time.

    Source: Smolin (2012), eq. 54, first line.
    """
    drift = phase_rate(beable, phase, omega, R, delta)
    V = alignment_potential(phase, beable, f, potential=potential, norm=norm)
    return jnp.sum((velocity - drift) ** 2) / 2 - V


def alignment_lagrangian_circle(
    z: Complex[Array, " N"],
    z_velocity: Complex[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
    *,
    potential: str = "sin2",
    norm: str = "paper",
) -> Float[Array, ""]:
    """The same Lagrangian on the unit circle, z_I = e^{iφ_I}.

    L = Σ_I |ż_I - iΩ_I z_I|²/2 - V, in 1/time²

    Args:
        z: z_I, (N,) complex, of modulus 1.
        z_velocity: ż_I, (N,) complex, 1/time.
    """
    phase = jnp.angle(z)
    drift = phase_rate(beable, phase, omega, R, delta)
    relative = z_velocity - 1j * drift * z
    kinetic = jnp.sum(relative.real**2 + relative.imag**2) / 2
    V = alignment_potential(phase, beable, f, potential=potential, norm=norm)
    return kinetic - V


def poisson_bracket(
    first, second, phase: Float[Array, " N"], momentum: Float[Array, " N"]
) -> Float[Array, "..."]:
    """Poisson bracket of two functions of the phases and momenta.

    {A, B} = Σ_I (∂A/∂φ_I ∂B/∂π_I - ∂A/∂π_I ∂B/∂φ_I), so that {φ_I, π_J} = [I = J]

    Args:
        first: A, a function of (phase, momentum) with any output shape.
        second: B, likewise.

    Returns:
        {A, B}, real, of shape A.shape + B.shape.
    """
    a_phase, a_momentum = jax.jacobian(first, argnums=(0, 1))(phase, momentum)
    b_phase, b_momentum = jax.jacobian(second, argnums=(0, 1))(phase, momentum)
    return jnp.tensordot(a_phase, b_momentum, axes=(-1, -1)) - jnp.tensordot(
        a_momentum, b_phase, axes=(-1, -1)
    )
