"""Temperatures of oscillators, ħ = 1: of any frequencies, and the Einstein solid."""

import jax.numpy as jnp
from jax.scipy.special import digamma
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.matter.temperature import Cumulants
from jqd.matter.temperature._spectrum import over_batch
from jqd.statistics._roots import falling_root


def oscillator_cumulants(frequencies: ArrayLike, beta: ArrayLike) -> Cumulants:
    """ln Z and cumulants of the energy of oscillators, above their zero points.

    ln Z = -Σ ln(1 - e^{-βω}), <E> = Σ ω n, C = Σ ω² n (n + 1), third cumulant
    Σ ω³ n (n + 1)(2n + 1), n = 1/(e^{βω} - 1)

    Args:
        frequencies: ω, positive, shape (..., M).
        beta: β, positive, shape (...).

    Returns:
        Cumulants, each of the broadcast shape.
    """
    widen = _checks.widen
    return over_batch(_oscillators, (widen(frequencies),), (widen(beta),))


def oscillator_beta(frequencies: ArrayLike, energy: ArrayLike) -> Float[Array, "..."]:
    """β at which oscillators have the mean energy E above their zero points.

    Args:
        frequencies: ω, positive, shape (..., M).
        energy: E, positive, shape (...).

    Returns:
        β of the broadcast shape, differentiable in all arguments.
    """
    widen = _checks.widen
    return over_batch(_oscillator_root, (widen(frequencies),), (widen(energy),))


def _oscillators(omega, beta):
    x = beta * omega
    rest = -jnp.expm1(-x)
    n = jnp.exp(-x) / rest
    spread = n * (n + 1)
    return Cumulants(
        -jnp.sum(jnp.log(rest)),
        jnp.sum(omega * n),
        jnp.sum(omega**2 * spread),
        jnp.sum(omega**3 * spread * (2 * n + 1)),
    )


def _oscillator_root(omega, energy):
    # 1/x - 1/2 < 1/(e^x - 1) < 1/x bounds β from both sides.
    modes = omega.shape[0]
    low, high = modes / (energy + jnp.sum(omega) / 2), modes / energy

    def excess(beta):
        return jnp.log(_oscillators(omega, beta).mean / energy)

    return falling_root(excess, low, high)


def einstein_temperature(
    oscillators: ArrayLike, quanta: ArrayLike
) -> Float[Array, "..."]:
    """Microcanonical temperature, T/ħω = 1/(∂ ln g/∂q) = 1/(ψ(q + N) - ψ(q + 1)).

    It exceeds `occupation_temperature` by a part of order 1/N.

    Args:
        oscillators: N, above 1: a single oscillator's g does not grow.
        quanta: q, not negative.

    Returns:
        T of the broadcast shape, in units of ħω.

    Source: Chafin (2019), sec. 3, T⁻¹ = ∂ ln g/∂E.
    """
    N, q = _checks.widen(oscillators), _checks.widen(quanta)
    return 1 / (digamma(q + N) - digamma(q + 1))


def occupation_temperature(occupation: ArrayLike) -> Float[Array, "..."]:
    """Temperature T/ħω = 1/ln(1 + 1/n) at which an oscillator holds n quanta.

    Args:
        occupation: n, positive; q/N for an Einstein solid.

    Returns:
        T of the shape of n, in units of ħω.
    """
    return 1 / jnp.log1p(1 / _checks.widen(occupation))
