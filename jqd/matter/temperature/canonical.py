"""Temperature of the Gibbs state that has a given mean energy."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...statistics._roots import falling_root
from ._spectrum import check_inside, over_batch, reciprocal, spectrum

# Largest |β| times the extent of the spectrum; below it the mean energy of distinct
# levels has reached the lowest or the highest one to rounding.
_COLDEST = 1e6


class Cumulants(NamedTuple):
    """ln Z and the cumulants of the energy in a Gibbs state.

    Attributes:
        log_partition: ln Z.
        mean: <E> = -∂ ln Z/∂β.
        variance: C = ∂² ln Z/∂β².
        third: -∂³ ln Z/∂β³, the third central moment.
    """

    log_partition: Float[Array, "..."]
    mean: Float[Array, "..."]
    variance: Float[Array, "..."]
    third: Float[Array, "..."]


def level_cumulants(
    levels: ArrayLike, beta: ArrayLike, log_weights: ArrayLike | None = None
) -> Cumulants:
    """ln Z and cumulants of the energy of levels, Z = Σ w_i exp(-β E_i).

    Args:
        levels: E_i, shape (..., n).
        beta: β of either sign, shape (...).
        log_weights: ln w_i, the shape of `levels`, or None.

    Returns:
        Cumulants, each of the broadcast shape.

    Raises:
        ValueError: there are fewer than 2 levels.
    """
    _checks.check_real(beta, "beta")
    _checks.check_finite(beta, "beta")
    vectors = spectrum(levels, log_weights)
    return over_batch(_cumulants, vectors, (_checks.widen(beta),))


def oscillator_cumulants(
    frequencies: ArrayLike, beta: ArrayLike, hbar: ArrayLike = 1.0
) -> Cumulants:
    """ln Z and cumulants of the energy of oscillators, above their zero points.

    ln Z = -Σ ln(1 - e^{-βħω}), <E> = Σ ħω n, C = Σ (ħω)² n (n + 1), third cumulant
    Σ (ħω)³ n (n + 1)(2n + 1), n = 1/(e^{βħω} - 1)

    Args:
        frequencies: ω, positive, shape (..., M).
        beta: β, positive, shape (...).
        hbar: ħ, scalar.

    Returns:
        Cumulants, each of the broadcast shape.

    Raises:
        ValueError: a frequency, β or ħ is not positive.
    """
    for name, value in (("frequencies", frequencies), ("beta", beta), ("hbar", hbar)):
        _checks.check_positive(value, name)
    quanta = _checks.widen(hbar) * _checks.widen(frequencies)
    return over_batch(_oscillators, (quanta,), (_checks.widen(beta),))


def canonical_beta(
    levels: ArrayLike, energy: ArrayLike, log_weights: ArrayLike | None = None
) -> Float[Array, "..."]:
    """β of the Gibbs state whose mean energy is E: Σ E_i w_i e^{-βE_i}/Z = E.

    The root is bracketed, and differentiable by the implicit function theorem.

    Args:
        levels: E_i, shape (..., n).
        energy: E, inside the spectrum, shape (...).
        log_weights: ln w_i, the shape of `levels`, or None.

    Returns:
        β of the broadcast shape, negative above the mean of the levels; NaN where a
        traced E lies outside the spectrum.

    Raises:
        ValueError: there are fewer than 2 levels, or E lies outside the spectrum.
    """
    vectors = spectrum(levels, log_weights)
    check_inside(vectors[0], energy)
    return over_batch(_root, vectors, (_checks.widen(energy),))


def canonical_temperature(
    levels: ArrayLike, energy: ArrayLike, log_weights: ArrayLike | None = None
) -> Float[Array, "..."]:
    """Temperature of the Gibbs state whose mean energy is E.

    Args:
        levels: E_i, shape (..., n).
        energy: E, inside the spectrum, shape (...).
        log_weights: ln w_i, the shape of `levels`, or None.

    Returns:
        T = 1/β of the broadcast shape; see `canonical_beta`.

    Raises:
        ValueError: as `canonical_beta`.
    """
    return reciprocal(canonical_beta(levels, energy, log_weights))


def oscillator_beta(
    frequencies: ArrayLike, energy: ArrayLike, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """β at which oscillators have the mean energy E above their zero points.

    Args:
        frequencies: ω, positive, shape (..., M).
        energy: E, positive, shape (...).
        hbar: ħ, scalar.

    Returns:
        β of the broadcast shape, differentiable in all arguments.

    Raises:
        ValueError: a frequency, the energy or ħ is not positive.
    """
    _checks.check_positive(energy, "energy")
    _checks.check_positive(frequencies, "frequencies")
    _checks.check_positive(hbar, "hbar")
    quanta = _checks.widen(hbar) * _checks.widen(frequencies)
    return over_batch(_oscillator_root, (quanta,), (_checks.widen(energy),))


def _cumulants(levels, log_weights, beta):
    exponents = log_weights - beta * levels
    share = jax.nn.softmax(exponents)
    mean = jnp.sum(share * levels)
    away = levels - mean
    variance, third = jnp.sum(share * away**2), jnp.sum(share * away**3)
    return Cumulants(jax.nn.logsumexp(exponents), mean, variance, third)


def _oscillators(quanta, beta):
    x = beta * quanta
    rest = -jnp.expm1(-x)
    n = jnp.exp(-x) / rest
    spread = n * (n + 1)
    return Cumulants(
        -jnp.sum(jnp.log(rest)),
        jnp.sum(quanta * n),
        jnp.sum(quanta**2 * spread),
        jnp.sum(quanta**3 * spread * (2 * n + 1)),
    )


def _root(levels, log_weights, energy):
    least, most = jnp.min(levels), jnp.max(levels)
    inside = (energy > least) & (energy < most)
    # in units that make all numbers of order one
    span = jnp.where(most > least, most - least, 1)
    heights = (levels - least) / span
    target = (jnp.where(inside, energy, (least + most) / 2) - least) / span

    def excess(u):
        share = jax.nn.softmax(log_weights - jnp.sinh(u) * heights)
        return jnp.sum(share * heights) - target

    largest = jnp.arcsinh(jnp.asarray(_COLDEST, levels.dtype))
    u = falling_root(excess, -largest, largest)
    found = inside & (jnp.abs(excess(u)) < jnp.sqrt(jnp.finfo(levels.dtype).eps))
    return jnp.where(found, jnp.sinh(u) / span, jnp.nan)


def _oscillator_root(quanta, energy):
    # 1/x - 1/2 < 1/(e^x - 1) < 1/x bounds β from both sides.
    modes = quanta.shape[0]
    low, high = modes / (energy + jnp.sum(quanta) / 2), modes / energy

    def excess(beta):
        return jnp.log(_oscillators(quanta, beta).mean / energy)

    return falling_root(excess, low, high)
