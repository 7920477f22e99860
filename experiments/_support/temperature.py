"""Temperatures of oscillators: phonons of any frequencies, and the Einstein solid."""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma, gammaln
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.matter.temperature import Cumulants
from jqd.matter.temperature._spectrum import over_batch
from jqd.statistics._roots import falling_root


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


def _oscillator_root(quanta, energy):
    # 1/x - 1/2 < 1/(e^x - 1) < 1/x bounds β from both sides.
    modes = quanta.shape[0]
    low, high = modes / (energy + jnp.sum(quanta) / 2), modes / energy

    def excess(beta):
        return jnp.log(_oscillators(quanta, beta).mean / energy)

    return falling_root(excess, low, high)


def log_multiplicity(oscillators: ArrayLike, quanta: ArrayLike) -> Float[Array, "..."]:
    """Logarithm of the number of states, ln [(q + N - 1)!/(q! (N - 1)!)].

    Args:
        oscillators: N, positive.
        quanta: q, not negative; between whole numbers by the gamma function.

    Returns:
        ln g of the broadcast shape.

    Raises:
        ValueError: N is not positive, or q is negative.
    """
    N, q = _arguments(oscillators, quanta, least=0)
    return gammaln(q + N) - gammaln(q + 1) - gammaln(N)


def einstein_temperature(
    oscillators: ArrayLike,
    quanta: ArrayLike,
    frequency: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Microcanonical temperature, T = ħω/(∂ ln g/∂q) = ħω/(ψ(q + N) - ψ(q + 1)).

    It exceeds `occupation_temperature` by a part of order 1/N.

    Args:
        oscillators: N, above 1: a single oscillator's g does not grow.
        quanta: q, not negative.
        frequency: ω.
        hbar: ħ.

    Returns:
        T of the broadcast shape, in units of ħω.

    Raises:
        ValueError: N is not above 1, q is negative, or ω or ħ is not positive.

    Source: Chafin (2019), sec. 3, T⁻¹ = ∂ ln g/∂E.
    """
    N, q = _arguments(oscillators, quanta, least=1)
    N, q, quantum = jnp.broadcast_arrays(N, q, _quantum(frequency, hbar))
    return quantum / (digamma(q + N) - digamma(q + 1))


def occupation_temperature(
    occupation: ArrayLike, frequency: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Temperature at which an oscillator holds n quanta, T = ħω/ln(1 + 1/n).

    Args:
        occupation: n, positive; q/N for an Einstein solid.
        frequency: ω.
        hbar: ħ.

    Returns:
        T of the broadcast shape, in units of ħω.

    Raises:
        ValueError: an argument is not positive.
    """
    _checks.check_positive(occupation, "occupation")
    n, quantum = jnp.broadcast_arrays(
        _checks.widen(occupation), _quantum(frequency, hbar)
    )
    return quantum / jnp.log1p(1 / n)


def _arguments(oscillators, quanta, least):
    for name, value in (("oscillators", oscillators), ("quanta", quanta)):
        _checks.check_real(value, name)
        _checks.check_finite(value, name)
    N, q = jnp.broadcast_arrays(_checks.widen(oscillators), _checks.widen(quanta))
    if _checks.is_concrete((N, q)):
        if np.any(_checks.concrete(N) <= least):
            raise ValueError(
                f"Argument `oscillators` must be above {least}, but it is "
                f"{oscillators}."
            )
        if np.any(_checks.concrete(q) < 0):
            raise ValueError(
                f"Argument `quanta` must not be negative, but it is {quanta}."
            )
    return N, q


def _quantum(frequency, hbar) -> Array:
    _checks.check_positive(frequency, "frequency")
    _checks.check_positive(hbar, "hbar")
    frequency, hbar = map(_checks.widen, (frequency, hbar))
    return jnp.multiply(*jnp.broadcast_arrays(frequency, hbar))
