"""The free packet under diffusion and in quantum mechanics, and its time scales.

Everything broadcasts and works under jit, vmap and grad. `printed=True` gives a formula
as Zakir prints it where that is wrong; the tests show why.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from ..exact.diffusion import wide


def free_propagator(
    x: ArrayLike,
    x0: ArrayLike,
    t: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    printed: bool = False,
) -> Complex[Array, "..."]:
    """The free amplitude to go from x0 to x in a time t > 0, 1/length.

    K = exp(-(x - x₀)²/(2iħt/m)) / sqrt(2πiħt/m), ψ(x, t) = ∫ K ψ(x₀, 0) dx₀

    With the printed root, 2 sqrt(iπħt/m), the norm becomes 1/2.

    Source: Zakir, eq. (14), corrected.
    """
    _checks.check_positive(t, "t")
    x, x0, t, hbar, mass = wide(x=x, x0=x0, t=t, hbar=hbar, mass=mass)
    spread = 1j * hbar * t / mass
    root = 2 * jnp.sqrt(jnp.pi * spread) if printed else jnp.sqrt(2 * jnp.pi * spread)
    return jnp.exp(-((x - x0) ** 2) / (2 * spread)) / root


def packet_density(
    x: ArrayLike,
    t: ArrayLike,
    *,
    a: ArrayLike = 1.0,
    velocity: ArrayLike = 0.0,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    printed: bool = False,
) -> Float[Array, "..."]:
    """Density of a free packet that starts as exp(-x²/2a² + i m v₀ x/ħ), eq. (15).

    A²/sqrt(1 + τ²) exp(-(x - v₀t)²/a²(1 + τ²)), A² = 1/(a sqrt π), τ = ħt/ma²

    In one dimension, 1/length; in d dimensions take the product. The variance is a²/2
    at t = 0. With the printed divisor, 1 + τ², the integral is 1/sqrt(1 + τ²).

    Source: Zakir, eq. (16), corrected.
    """
    x, t, a, velocity, hbar, mass = wide(
        x=x, t=t, a=a, velocity=velocity, hbar=hbar, mass=mass
    )
    growth = 1 + (hbar * t / (mass * a**2)) ** 2
    divisor = growth if printed else jnp.sqrt(growth)
    shape = jnp.exp(-((x - velocity * t) ** 2) / (a**2 * growth))
    return shape / (a * jnp.sqrt(jnp.pi) * divisor)


def quantum_variance(
    t: ArrayLike, a: ArrayLike = 1.0, D: ArrayLike = 0.5
) -> Float[Array, "..."]:
    """Variance of the packet (15): (a²/2)(1 + (2Dt/a²)²), with D = ħ/2m."""
    t, a, D = wide(t=t, a=a, D=D)
    return a**2 / 2 * (1 + (2 * D * t / a**2) ** 2)


def crossover_time(a: ArrayLike = 1.0, D: ArrayLike = 0.5) -> Float[Array, "..."]:
    """t = a²/D, before which a packet is narrower than under diffusion of D_c = D."""
    _checks.check_positive(D, "D")
    a, D = wide(a=a, D=D)
    return a**2 / D


def virial_localization_energy(
    energy: ArrayLike, power: ArrayLike
) -> Float[Array, "..."]:
    """U_u, all the kinetic energy of a real stationary state of energy E in V ~ r^k.

    U_u = E k/(k + 2), k not -2: E/2 in a harmonic well, 2E/3 for x⁴, -E for Coulomb's.
    """
    energy, power = wide(energy=energy, power=power)
    return energy * power / (power + 2)
