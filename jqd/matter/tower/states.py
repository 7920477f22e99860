"""States at the foot of the tower, without photons."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex

from ... import _checks
from ..._math import abs2
from ...constants import constant
from .tower import Tower


def level_state(
    tower: Tower,
    energy: ArrayLike,
    width: ArrayLike | None = None,
    key: Array | None = None,
) -> Complex[Array, "D P"]:
    """Matter near an energy E₀ and no photon: the foot of the tower.

    Without a width this is the level nearest to E₀. With one it is a packet of levels,
    c_i ∝ exp(-(E_i - E₀)²/4w²), whose energy spread is w where levels are dense.

    Args:
        tower: the tower.
        energy: E₀, unit of energy.
        width: w, unit of energy, or None.
        key: random key for the phases of the c_i; None for real positive c_i.

    Returns:
        (D, P) state of unit norm.

    Raises:
        ValueError: a width that is not positive.
    """
    E0 = constant(energy, "energy")
    if width is None:
        amplitudes = jnp.zeros_like(tower.energies)
        amplitudes = amplitudes.at[jnp.argmin(jnp.abs(tower.energies - E0))].set(1.0)
    else:
        _checks.check_positive(width, "width")
        exponent = -(((tower.energies - E0) / constant(width, "width")) ** 2) / 4
        amplitudes = jnp.exp(exponent - jnp.max(exponent))
    if key is not None:
        key = _checks.single_key(key)
        angles = jax.random.uniform(key, amplitudes.shape, amplitudes.dtype)
        amplitudes = amplitudes * jnp.exp(2j * jnp.pi * angles)
    amplitudes = amplitudes / jnp.sqrt(jnp.sum(abs2(amplitudes)))
    psi = jnp.zeros(tower.shape, jnp.result_type(amplitudes.dtype, jnp.complex64))
    return psi.at[:, 0].set(amplitudes)
