"""Microcanonical temperature from a smoothed density of states.

T⁻¹ = ∂ ln g_η/∂E, g_η the levels broadened by Gaussians of width η (Chafin (2019),
sec. 3). Everything is smooth in the levels, and so in the Hamiltonian behind them.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import divisor
from ._spectrum import over_batch, spectrum


def log_density_of_states(
    levels: ArrayLike,
    energy: ArrayLike,
    width: ArrayLike,
    log_weights: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Logarithm of the density of states, broadened by a Gaussian.

    ln g_η(E) = ln Σ_i w_i exp(-(E - E_i)²/2η²) - ln(η √2π)

    Args:
        levels: E_i, shape (..., n); leading axes broadcast against `energy`.
        energy: E, shape (...).
        width: η, the standard deviation, shape (...).
        log_weights: ln w_i, such as logarithms of degeneracies, the shape of `levels`;
            None where each level counts once.

    Returns:
        ln g_η of the broadcast shape, g_η in levels per unit of energy.

    Raises:
        ValueError: there are fewer than 2 levels, or the width is not positive.
    """
    vectors, scalars = _arguments(levels, energy, width, log_weights)
    return over_batch(_log_density, vectors, scalars)


def kde_beta(
    levels: ArrayLike,
    energy: ArrayLike,
    width: ArrayLike,
    log_weights: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Inverse temperature ∂ ln g_η/∂E of the broadened density of states.

    β = Σ_i p_i (E_i - E)/η², p_i ∝ w_i exp(-(E - E_i)²/2η²), Σ p_i = 1

    Broadening leaves the T of an exponential density unchanged and multiplies that of a
    Gaussian by 1 + η²/σ².

    Args:
        levels, energy, width, log_weights: as for `log_density_of_states`, and so are
            the errors.

    Returns:
        β of the broadcast shape, in 1/energy; negative where the density falls.

    Source: Chafin (2019), sec. 3, T⁻¹ = ∂ ln g/∂E.
    """
    vectors, scalars = _arguments(levels, energy, width, log_weights)
    return over_batch(_beta, vectors, scalars)


class Bandwidth(NamedTuple):
    """A width for the density of states, with its bias and noise.

    Attributes:
        width: η.
        bias: estimated error of β = 1/T from the broadening; its sign is known.
        noise: estimated standard deviation of β from the levels' irregularity.
    """

    width: Float[Array, "..."]
    bias: Float[Array, "..."]
    noise: Float[Array, "..."]


def bandwidth(levels: ArrayLike, energy: ArrayLike, rigid: bool = True) -> Bandwidth:
    """The width at which bias and noise of β together are smallest.

    The bias is c η², with c measured between the widths η₀ and √2 η₀, and η₀ a quarter
    of the spectrum's standard deviation. Repelling levels, as of random matrices, have
    noise 1/(√2π g η²), independent ones (4√π g η³)^(-1/2), where g is their density.
    So the best η is (1/(√2π g |c|))^(1/4), where bias and noise are equal, or
    (3/(16√π g c²))^(1/7). It is kept between one mean spacing and the standard
    deviation.

    Args:
        levels: E_i, shape (..., n).
        energy: E, shape (...).
        rigid: whether the levels repel (chaotic matter) or are independent
            (integrable matter).

    Returns:
        Width, bias and noise of the broadcast shape.

    Raises:
        ValueError: there are fewer than 2 levels.

    Source: the noise of repelling levels is the Dyson-Mehta variance of a linear
    statistic of the Gaussian orthogonal ensemble, J. Math. Phys. 4, 701 (1963).
    """
    levels, log_weights = spectrum(levels, None)
    _checks.check_finite(energy, "energy")
    choose = functools.partial(_bandwidth, rigid)
    return over_batch(choose, (levels, log_weights), (_checks.widen(energy),))


def _bandwidth(rigid, levels, log_weights, energy):
    spread = jnp.std(levels)
    # If all levels are equal, any width works, but it must not be zero.
    spread = divisor(spread)
    pilot = spread / 4
    density = jnp.exp(_log_density(levels, log_weights, energy, pilot))
    density = jnp.maximum(density, jnp.finfo(density.dtype).tiny ** 0.25 / spread)
    narrow = _beta(levels, log_weights, energy, pilot)
    wide = _beta(levels, log_weights, energy, jnp.sqrt(2.0) * pilot)
    curvature = (wide - narrow) / pilot**2
    # Without curvature the width would be infinite.
    least = jnp.finfo(density.dtype).eps / spread**3
    size = jnp.maximum(jnp.abs(curvature), least)
    if rigid:
        scale, power = 1 / (jnp.sqrt(2.0) * jnp.pi * density), 2.0
        best = (scale / size) ** (1 / 4)
    else:
        scale, power = (4 * jnp.sqrt(jnp.pi) * density) ** (-1 / 2), 1.5
        best = (3 * scale**2 / (4 * size**2)) ** (1 / 7)
    width = jnp.clip(best, jnp.minimum(1 / density, spread), spread)
    return Bandwidth(width, curvature * width**2, scale / width**power)


def _arguments(levels, energy, width, log_weights):
    vectors = spectrum(levels, log_weights)
    _checks.check_reals(energy, "energy")
    _checks.check_positive(width, "width")
    return vectors, (_checks.widen(energy), _checks.widen(width))


def _exponents(levels, log_weights, energy, width):
    return log_weights - ((energy - levels) / width) ** 2 / 2


def _log_density(levels, log_weights, energy, width):
    total = jax.nn.logsumexp(_exponents(levels, log_weights, energy, width))
    return total - jnp.log(width * jnp.sqrt(2 * jnp.pi))


def _beta(levels, log_weights, energy, width):
    share = jax.nn.softmax(_exponents(levels, log_weights, energy, width))
    return jnp.sum(share * (levels - energy) / width) / width
