"""Kinetic and potential energy in a gas: what is printed, and what holds."""

import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, ArrayLike, Float

from ... import _checks


def printed_energy_distribution(
    energy: ArrayLike,
    temperature: ArrayLike = 1.0,
    *,
    gamma: ArrayLike = 1.0,
    scale: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """h_KE as printed: A exp(-(γT - E)²/s²), normalised over E >= 0.

    The exponent in print has the unit of energy²; s makes it a number. No γ and s give
    the kinetic energies of particles in 2D or 3D: those of one particle are
    `energy_density`, and a Gaussian is right only for the sum over many.

    Args:
        energy: E.
        temperature: T.
        gamma: γ.
        scale: s, energy.

    Returns:
        1/energy, of the broadcast shape; 0 for E < 0.

    Raises:
        ValueError: arguments that are not positive.

    Source: Chafin (2019), sec. 2, as printed.
    """
    _check_positive(temperature=temperature, gamma=gamma, scale=scale)
    e, s = jnp.asarray(energy), jnp.asarray(scale)
    middle = gamma * jnp.asarray(temperature) / s
    norm = s * jnp.sqrt(jnp.pi) / 2 * (1 + erf(middle))
    return jnp.where(e >= 0, jnp.exp(-((middle - e / s) ** 2)) / norm, 0)


def printed_energy_cdf(
    energy: ArrayLike,
    temperature: ArrayLike = 1.0,
    *,
    gamma: ArrayLike = 1.0,
    scale: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """The integral of `printed_energy_distribution` from 0 to E.

    Args:
        energy: E.
        temperature: T.
        gamma: γ.
        scale: s, energy.

    Returns:
        In [0, 1], of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive.

    Source: Chafin (2019), sec. 2, as printed.
    """
    _check_positive(temperature=temperature, gamma=gamma, scale=scale)
    e, s = jnp.maximum(jnp.asarray(energy), 0), jnp.asarray(scale)
    middle = gamma * jnp.asarray(temperature) / s
    return (erf(e / s - middle) + erf(middle)) / (1 + erf(middle))


def contact_energy_density(
    energy: ArrayLike, contact: ArrayLike, temperature: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """The continuous part of h_PE: energies of pairs in contact, times their weight.

    h_PE(E) = (1-ε) δ(E) + ε e^(-E/T)/√(πTE), ε = τ_r/τ_coll: a particle is out of
    contact, without potential energy, for all but a part ε of the time, and in contact
    shares a spring's energy E = e sin²ωt, e with the density e^(-e/T)/T. In print
    h_PE ≈ ε h_KE and ∫ h_PE = 1, which exclude each other; the weight ε is right, of
    the contacts. The mean, εT/2, is of a pair: <PE> is half of it per particle.

    Args:
        energy: E of a pair.
        contact: ε in [0, 1], e.g. `recoil_over_collision` of
            `dilute_averages`.
        temperature: T.

    Returns:
        1/energy, of the broadcast shape; integrates to ε. 0 for E <= 0.

    Raises:
        ValueError: arguments that are not positive.

    Source: Chafin (2019), sec. 2, corrected.
    """
    _check_positive(temperature=temperature)
    _checks.check_real(contact, "contact")
    inside = jnp.asarray(energy) > 0
    e = jnp.where(inside, energy, 1)
    density = jnp.exp(-e / temperature) / jnp.sqrt(jnp.pi * e * temperature)
    return jnp.where(inside, contact * density, 0)


def contact_energy_cdf(
    energy: ArrayLike, contact: ArrayLike, temperature: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """The part of particles with a potential energy of at most E: 1 - ε erfc √(E/T).

    Args:
        energy: E of a pair.
        contact: ε in [0, 1].
        temperature: T.

    Returns:
        In [0, 1], of the broadcast shape; jumps from 0 to 1 - ε at E = 0.

    Raises:
        ValueError: a temperature that is not positive.

    Source: Chafin (2019), sec. 2, corrected.
    """
    _check_positive(temperature=temperature)
    _checks.check_real(contact, "contact")
    inside = jnp.asarray(energy) > 0
    e = jnp.where(inside, energy, 1) / jnp.asarray(temperature)
    filled = jnp.where(inside, erf(jnp.sqrt(e)), 0)
    return jnp.where(jnp.asarray(energy) >= 0, 1 - contact * (1 - filled), 0)


def recoil_time_printed(
    energy: ArrayLike, stiffness: ArrayLike, speed: ArrayLike
) -> Float[Array, "..."]:
    """τ_r ≈ E/(κv), with κ the "stiffness" of an atom's shell.

    A time only if κ is a force; see `recoil_time_ramp` and `recoil_time_spring`.

    Args:
        energy: E.
        stiffness: κ.
        speed: v.

    Returns:
        Of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive.

    Source: Chafin (2019), sec. 2, as printed.
    """
    _check_positive(energy=energy, stiffness=stiffness, speed=speed)
    return jnp.asarray(energy) / (jnp.asarray(stiffness) * speed)


def recoil_time_ramp(
    energy: ArrayLike, force: ArrayLike, speed: ArrayLike
) -> Float[Array, "..."]:
    """How long a pair is in contact on a linear ramp V = Fδ: τ_r = 4E/(Fv).

    With E = μv²/2: the deceleration F/μ takes v to 0 and back in 2μv/F.

    Args:
        energy: E of the relative motion.
        force: F.
        speed: v, of the relative motion.

    Returns:
        Time, of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive.
    """
    _check_positive(energy=energy, force=force, speed=speed)
    return 4 * jnp.asarray(energy) / (jnp.asarray(force) * speed)


def recoil_time_spring(
    stiffness: ArrayLike, *, mass: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """How long a pair is in contact on a spring V = κδ²/2: τ_r = π√(m/2κ).

    Half a period with the reduced mass m/2, whatever the energy.

    Args:
        stiffness: κ, energy/length².
        mass: m, of each of the two.

    Returns:
        Time, of the broadcast shape.

    Raises:
        ValueError: arguments that are not positive.
    """
    _check_positive(stiffness=stiffness, mass=mass)
    return jnp.pi * jnp.sqrt(jnp.asarray(mass) / (2 * jnp.asarray(stiffness)))


def _check_positive(**arguments: ArrayLike) -> None:
    for name, value in arguments.items():
        _checks.check_positive(value, name)
