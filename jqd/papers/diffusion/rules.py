"""Formulas of the paper that no law, field or statistics needs.

Kernels, plane waves, antisymmetric amplitudes, and the arithmetic of sections 5.2 to
5.4, which liken the vacuum to a gas. Nothing here moves anything.
"""

import itertools
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Inexact

from ... import _checks


def diffusion_kernel(
    x: ArrayLike, x0: ArrayLike, t: ArrayLike, D: ArrayLike
) -> Inexact[Array, "..."]:
    """What diffusion takes from x0 to x in a time t, one dimension.

    K = exp(-(x - x₀)²/4Dt)/sqrt(4πDt)

    With a real D the probability density of Brownian motion, with D = iħ/2m the
    amplitude of quantum mechanics: (13) and (12) are one equation.

    Args:
        x: end.
        x0: start.
        t: time, positive.
        D: diffusion coefficient, length²/time; real part not negative.

    Returns:
        Broadcast shape, 1/length; complex where D is.
    """
    x, x0, t, D = map(_checks.widen, (x, x0, t, D))
    spread = 4 * D * t
    return jnp.exp(-((x - x0) ** 2) / spread) / jnp.sqrt(jnp.pi * spread)


def plane_wave(
    x: Float[ArrayLike, "... d"],
    t: ArrayLike,
    momentum: Float[ArrayLike, " d"],
    *,
    D: ArrayLike = 0.5,
    mass: ArrayLike = 1.0,
) -> Complex[Array, "..."]:
    """The amplitude exp(i(p·x - Et)/2mD) of a free particle, E = p²/2m.

    Its density is the same everywhere, so that u = 0 and U_u = 0.

    Args:
        x: positions.
        t: time, broadcast against the leading axes of `x`.
        momentum: p.
        D: diffusion coefficient, ħ/2m in quantum mechanics.
        mass: m.

    Returns:
        Leading shape of `x`, of modulus 1.
    """
    x, t, momentum = map(_checks.widen, (x, t, momentum))
    energy = jnp.sum(momentum**2) / (2 * jnp.asarray(mass))
    action = x @ momentum - energy * t
    return jnp.exp(1j * action / (2 * jnp.asarray(mass) * jnp.asarray(D)))


def antisymmetric_amplitude(
    orbitals: Complex[ArrayLike, "N M"],
) -> Complex[Array, "..."]:
    """The amplitude of N particles in N orbitals that changes sign under exchange.

    ψ(a₁, .., a_N) = Σ_P sign(P) φ_P1(a₁) .. φ_PN(a_N)/√N!

    Args:
        orbitals: φ_i at the M states, orthonormal rows; N of a few.

    Returns:
        ψ for every N-tuple of states, shape (M,) N times.

    Raises:
        ValueError: not a matrix.

    Source: Zakir, section 4.2, about eq. (54).
    """
    _checks.check_shape(orbitals, "orbitals", (None, None))
    orbitals = jnp.asarray(orbitals)
    count, states = orbitals.shape
    total = jnp.zeros((states,) * count, orbitals.dtype)
    for order in itertools.permutations(range(count)):
        sign = np.linalg.det(np.eye(count)[list(order)])
        term = jnp.asarray(round(float(sign)), orbitals.dtype)
        for i in order:
            term = term[..., None] * orbitals[i].reshape((1,) * term.ndim + (-1,))
        total = total + term
    return total / math.sqrt(math.factorial(count))


def maxwell_density(
    velocity: Float[ArrayLike, "... d"],
    temperature: ArrayLike,
    mass: ArrayLike = 1.0,
    *,
    k: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Density of the velocities in a gas: Gaussian, of variance kT/m for each axis.

    Args:
        velocity: u.
        temperature: T, positive.
        mass: m.
        k: Boltzmann's constant.

    Returns:
        Leading shape of `velocity`, (time/length)^d.
    """
    velocity, T, mass, k = map(_checks.widen, (velocity, temperature, mass, k))
    variance = k * T / mass
    axes = velocity.shape[-1]
    shape = jnp.exp(-jnp.sum(velocity**2, axis=-1) / (2 * variance))
    return shape / (2 * jnp.pi * variance) ** (axes / 2)


def thermal_energy(temperature: ArrayLike, k: ArrayLike = 1.0) -> Float[Array, "..."]:
    """U_T = 3kT/2 = m⟨v²⟩/2, the mean kinetic energy in a gas. Zakir, eq. (58)."""
    return 1.5 * jnp.asarray(k) * jnp.asarray(temperature)


def thermal_speed(energy: ArrayLike, mass: ArrayLike = 1.0) -> Float[Array, "..."]:
    """√(2U/m), the speed whose kinetic energy is U, by (58).

    For U = mc², (60), it is √2 c; section 5.3 has "~ c", and (58) at v = c is half of
    the rest energy.

    Args:
        energy: U, not negative.
        mass: m.

    Returns:
        Broadcast shape, unit of velocity.
    """
    return jnp.sqrt(2 * jnp.asarray(energy) / jnp.asarray(mass))


def rest_temperature(
    mass: ArrayLike, c: ArrayLike = 1.0, k: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """T_v = 2mc²/3k, at which 3kT/2 is the rest energy: one for each mass.

    Args:
        mass: m.
        c: velocity of light.
        k: Boltzmann's constant.

    Returns:
        Broadcast shape, temperature.
    """
    return 2 * jnp.asarray(mass) * jnp.asarray(c) ** 2 / (3 * jnp.asarray(k))


def clock_and_length(
    change: ArrayLike, power: ArrayLike, *, depth: ArrayLike = 0.0
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Factors of all frequencies and lengths in V ~ |x|^p if D goes over into λD.

    λ^((p - 2 + 2c)/(p + 2)) and λ^((2 - c)/(p + 2)), where V goes over into λ^c V

    With c = 2 they are λ and 1 for every p, indeed for every V: all clocks slow alike,
    and no length changes.

    Args:
        change: λ, positive.
        power: p, above -2.
        depth: c.

    Returns:
        Both factors, of the broadcast shape.

    Raises:
        ValueError: λ not positive, or p not above -2.

    Source: our reading of Zakir, section 5.4, in a uniform medium: 2mD for ħ in (34).
    """
    _checks.check_positive(change, "change")
    change, power, depth = map(_checks.widen, (change, power, depth))
    _checks.check_positive(power + 2, "power + 2")
    rate = (power - 2 + 2 * depth) / (power + 2)
    return change**rate, change ** ((2 - depth) / (power + 2))
