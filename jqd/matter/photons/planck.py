"""Bose-Einstein occupation, Planck's law and the number of photons.

k_B = 1: temperatures are energies, so 300 K is 300 × 1.380649e-23 J in SI units.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.special import zeta
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from ...statistics.occupation import mean_occupation


@gated
def bose_einstein(
    omega: ArrayLike, T: ArrayLike, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Mean number of photons in a mode, n = 1/(e^{ħω/T} - 1).

    `jqd.statistics.occupation` at g = 1 and μ = 0.

    Args:
        omega: ω, positive.
        T: temperature, positive.
        hbar: ħ.

    Returns:
        n of the broadcast shape.

    Raises:
        ValueError: an argument is not positive.
    """
    x = exponent(omega, T, hbar)
    return mean_occupation(x, jnp.ones_like(x))


@gated
def planck_law(
    omega: ArrayLike, T: ArrayLike, hbar: ArrayLike = 1.0, c: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Planck's law, energy per volume and angular frequency, u = ħω³n/(π²c³).

    Args:
        omega: ω, positive.
        T: temperature, positive.
        hbar: ħ.
        c: speed of light.

    Returns:
        u(ω) of the broadcast shape; ∫ u dω = π²T⁴/(15ħ³c³).

    Raises:
        ValueError: an argument is not positive.
    """
    _checks.check_broadcast(omega=omega, T=T, hbar=hbar, c=c)
    _checks.check_positive(c, "c")
    n = bose_einstein(omega, T, hbar)
    omega, hbar, c, n = jnp.broadcast_arrays(*map(_checks.widen, (omega, hbar, c, n)))
    # no power of a frequency in SI units, which single precision may not hold
    return hbar * omega / c * (omega / c) ** 2 * n / jnp.pi**2


@gated
def photon_density(
    T: ArrayLike, hbar: ArrayLike = 1.0, c: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Photons per volume of black-body radiation, 2ζ(3)/π² (T/ħc)³.

    Args:
        T: temperature, positive.
        hbar: ħ.
        c: speed of light.

    Returns:
        Number density of the broadcast shape, in 1/length³.

    Raises:
        ValueError: an argument is not positive.
    """
    _checks.check_broadcast(T=T, hbar=hbar, c=c)
    _checks.check_all_positive(T=T, hbar=hbar, c=c)
    T, hbar, c = jnp.broadcast_arrays(*map(_checks.widen, (T, hbar, c)))
    per_cube = 2 * zeta(jnp.full_like(T, 3), jnp.ones_like(T)) / jnp.pi**2
    return per_cube * (T / (hbar * c)) ** 3


@gated
def level_distribution(
    omega: ArrayLike, T: ArrayLike, levels: int, hbar: ArrayLike = 1.0
) -> Float[Array, " levels"]:
    """Probability of k photons in all modes together, k < levels, in equilibrium.

    Each mode is geometric, P(n) = (1 - q) q^n, q = e^{-ħω/T}; the total is their
    convolution. Photon numbers are not cut off: the sum falls short of 1 by
    P(k >= levels). For one mode P is neither flat in k nor peaked: levels are not
    equally occupied.

    Args:
        omega: ω of the modes, positive, (M,).
        T: temperature, positive, ().
        levels: number of values of k, at least 1.
        hbar: ħ, scalar.

    Returns:
        P(k), (levels,).

    Raises:
        ValueError: an argument is not positive, or `omega` is not a vector.
    """
    _checks.check_shape(omega, "omega", (None,))
    _checks.check_shape(T, "T", ())
    _checks.check_shape(hbar, "hbar", ())
    if levels < 1:
        raise ValueError(f"Argument `levels` must be at least 1, but it is {levels}.")
    return _convolved(exponent(omega, T, hbar), levels)


@partial(jax.jit, static_argnames="levels")
def _convolved(x: Array, levels: int) -> Array:
    """The distribution of the sum of geometric numbers, q = e^{-x}."""
    k = jnp.arange(levels)
    gaps = k[:, None] - k[None, :]

    def convolve(before, x):
        # q^(k - j) for j <= k; the exponent stays small where it is not used
        geometric = jnp.where(gaps >= 0, jnp.exp(-x * jnp.maximum(gaps, 0)), 0)
        return -jnp.expm1(-x) * geometric @ before, None

    return lax.scan(convolve, (k == 0).astype(x.dtype), x)[0]


def exponent(omega: ArrayLike, T: ArrayLike, hbar: ArrayLike = 1.0) -> Array:
    """ħω/T of positive arguments, broadcast."""
    _checks.check_broadcast(omega=omega, T=T, hbar=hbar)
    _checks.check_all_positive(omega=omega, T=T, hbar=hbar)
    return _exponent(*map(_checks.as_leaf, (omega, T, hbar)))


@jax.jit
def _exponent(omega: ArrayLike, T: ArrayLike, hbar: ArrayLike) -> Array:
    omega, T, hbar = jnp.broadcast_arrays(*map(_checks.widen, (omega, T, hbar)))
    return hbar * omega / T
