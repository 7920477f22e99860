"""A particle on the lattice of `jqd.readings.lattice`: its copy law and packets.

The atoms of a body hop between coarse cells; at the quantum point, with δ = π, small ħ
and many copies in each cell, their mean obeys Newton's law.
"""

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Complex, Float

from jqd import CopyDynamics
from jqd.readings.lattice import lattice_coupling, lattice_shift, off_diagonal


def lattice_law(
    x: Float[Array, " P"],
    potential: Float[Array, " P"],
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    delta: ArrayLike = np.pi,
    *,
    literal: bool = False,
) -> CopyDynamics:
    """The copy law of a particle on a ring of sites, to be evolved.

    R_ab = ħ/(2mā²) for neighbours a, b;  ħω_a = E_a = V_a - cos δ ħ²/(mā²)

    Runge-Kutta steps must stay below `stable_step(law)`.

    Args:
        x: positions of the sites, (P,) real, evenly spaced and increasing, length.
        potential: V_a, (P,) real, energy.
        mass: m, scalar, positive.
        hbar: ħ, scalar, energy · time, positive.
        delta: δ, scalar, radians; π, or 0 for the particle of negative mass that the
            paper prints.
        literal: see `CopyDynamics`.

    Returns:
        The law; its classes are the sites in the order of `x`.

    Source: Smolin (2012), eqs. 56 and 57.
    """
    x, potential = jnp.asarray(x), jnp.asarray(potential)
    P, spacing = x.shape[0], x[1] - x[0]
    energy = potential - jnp.cos(delta) * hbar**2 / (mass * spacing**2)
    return CopyDynamics(
        energy / hbar, lattice_coupling(P, spacing, mass, hbar),
        lattice_shift(P, delta), hbar=hbar, literal=literal,
    )  # fmt: skip


def stable_step(law: CopyDynamics) -> Float[Array, ""]:
    """Largest step of the Runge-Kutta method of order 4 for ψ that does not blow up.

    dt < 2√2 / max_a (|ω_a| + Σ_b R_ab)

    The bound is Gershgorin's on the frequencies at the quantum point; on the lattice
    with V >= 0 it is 2√2 / (2ħ/(mā²) + max V/ħ). Accuracy asks for less.

    Args:
        law: any copy law.

    Returns:
        dt, scalar, time.
    """
    frequency = jnp.abs(law.omega) + jnp.sum(off_diagonal(law.R), axis=-1)
    return np.sqrt(8) / jnp.max(frequency, axis=-1)


def lattice_packet(
    x: Float[Array, " P"],
    center: ArrayLike,
    width: ArrayLike,
    momentum: ArrayLike = 0.0,
    hbar: ArrayLike = 1.0,
    delta: ArrayLike = np.pi,
) -> Complex[Array, " P"]:
    """A Gaussian packet on the sites, of norm 1.

    ψ_a ∝ exp(-(x_a - x̄)²/4s² - i cos δ p (x_a - x̄)/ħ)

    The sign of the phase makes p/m the velocity for either δ.

    Args:
        x: positions of the sites, (P,) real, length.
        center: x̄, scalar, length.
        width: s, scalar, standard deviation of the density, length.
        momentum: p, scalar.
        hbar: ħ, scalar, energy · time.
        delta: δ of the lattice, scalar, radians; 0 or π.

    Returns:
        ψ_a, (P,) complex, Σ|ψ_a|² = 1.

    Source: Smolin (2012), eq. 34 and the sentence after eq. 61.
    """
    y = jnp.asarray(x) - center
    amplitude = jnp.exp(-((y / (2 * width)) ** 2))
    amplitude = amplitude / jnp.sqrt(jnp.sum(amplitude**2))
    phase = jnp.cos(delta) * momentum * y / hbar
    return amplitude * jnp.exp(-1j * phase)
