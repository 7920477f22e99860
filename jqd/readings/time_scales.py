"""Times over which the packet of a solid changes, in closed form."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks


def vibrational_return(
    ts: ArrayLike, frequencies: ArrayLike, amplitudes: ArrayLike
) -> Float[Array, "..."]:
    """Return probability of a coherent state of many modes.

    F(t) = |⟨ψ(0)|ψ(t)⟩|² = exp(-2 Σ_k |α_k|² (1 - cos ω_k t))

    Args:
        ts: times, any shape.
        frequencies: ω_k, (n,).
        amplitudes: α_k, (n,) complex or real.

    Returns:
        Probabilities of the shape of `ts`.

    Raises:
        ValueError: frequencies and amplitudes of different shapes.
    """
    frequencies, occupations = modes_of(frequencies, amplitudes)
    lead = (None,) * np.ndim(ts)
    angles = jnp.asarray(ts)[..., None] * frequencies[lead]
    return jnp.exp(
        -2 * jnp.sum(occupations[lead] * 2 * jnp.sin(angles / 2) ** 2, axis=-1)
    )


class Localization(NamedTuple):
    """Times when |⟨a⟩| has fallen to e^(-1/2) of |α|, and when the state returns."""

    collapse: Array
    revival: Array


def localization_times(amplitude: ArrayLike, chi: ArrayLike) -> Localization:
    """Collapse 1/(2χ|α|) and revival π/χ of a coherent state under ħχ n(n - 1).

    Args:
        amplitude: α, not zero.
        chi: χ, positive, 1/time.

    Raises:
        ValueError: χ or |α| not positive.
    """
    _checks.check_finite(amplitude, "amplitude")
    size = jnp.abs(jnp.asarray(amplitude))
    _checks.check_positive(size, "amplitude")
    _checks.check_positive(chi, "chi")
    chi = jnp.asarray(chi)
    return Localization(1 / (2 * chi * size), jnp.pi / chi)


def spreading_width(
    ts: ArrayLike, width: ArrayLike, mass: ArrayLike, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """σ(t) = σ₀ √(1 + (ħt/2Mσ₀²)²) of a free centre of mass or angle.

    Args:
        ts: times, broadcast with the other arguments.
        width: σ₀, length (or angle, in radians).
        mass: M (or a moment of inertia).
        hbar: ħ.

    Raises:
        ValueError: width, mass or hbar not positive, times not real and finite.
    """
    _checks.check_reals(ts, "ts")
    _checks.check_all_positive(width=width, mass=mass, hbar=hbar)
    width = jnp.asarray(width)
    # a quotient at a time: ħt in SI is below float32
    ratio = jnp.asarray(hbar) / (2 * jnp.asarray(mass) * width) * (ts / width)
    return width * jnp.sqrt(1 + ratio**2)


def doubling_time(
    width: ArrayLike, mass: ArrayLike, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Time after which a free packet is twice as wide: 2√3 Mσ₀²/ħ.

    This is the time of classicality, of the position for a mass M and a length σ₀, or
    of the orientation for a moment of inertia and an angle, while that is small
    against 1.

    Args:
        width: σ₀ at t = 0, where the packet is narrowest; positive.
        mass: M or moment of inertia, positive.
        hbar: ħ, positive; 1.054571817e-34 for SI units.

    Raises:
        ValueError: an argument that is not positive.
    """
    _checks.check_all_positive(width=width, mass=mass, hbar=hbar)
    width = jnp.asarray(width)
    # the width goes with the small ħ: in SI the square alone may underflow float32
    return 2 * jnp.sqrt(3.0) * jnp.asarray(mass) * (width * (width / hbar))


def ehrenfest_time(
    width: ArrayLike, scale: ArrayLike, rate: ArrayLike
) -> Float[Array, "..."]:
    """t_E = ln(δ/σ₀)/λ, when a packet that grows as e^(λt) has the width δ.

    With σ₀ ∝ √ħ it is t_E(ħ₀) + ln(ħ₀/ħ)/2λ, which a large mass hardly lengthens. This
    holds for chaotic trajectories; neighbours of a regular one separate as t, and t_E
    then scales as a power of 1/ħ.

    Args:
        width: σ₀, positive.
        scale: δ, the length over which forces change, above σ₀.
        rate: λ, the Lyapunov exponent, positive.

    Raises:
        ValueError: an argument that is not positive.
    """
    _checks.check_all_positive(width=width, scale=scale, rate=rate)
    return jnp.log(jnp.asarray(scale) / jnp.asarray(width)) / jnp.asarray(rate)


def modes_of(frequencies: ArrayLike, amplitudes: ArrayLike) -> tuple[Array, Array]:
    """ω_k and |α_k|², (n,) each."""
    _checks.check_shape(frequencies, "frequencies", (None,))
    _checks.check_shape(amplitudes, "amplitudes", np.shape(frequencies))
    _checks.check_reals(frequencies, "frequencies")
    _checks.check_finite(amplitudes, "amplitudes")
    return jnp.asarray(frequencies), jnp.abs(jnp.asarray(amplitudes)) ** 2
