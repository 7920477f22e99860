"""Temperature of the Gibbs state of a given mean energy, and its saddle point.

g(E) = ∫ dβ/2πi Z(β) e^{βE} ≈ e^{S(E)}, S = ln Z + βE - ½ ln(2πC): a smooth density of
states without a width.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import divisor
from ...statistics._family import coldest, falling_root
from ._spectrum import check_inside, over_batch, reciprocal, spectrum


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
    _checks.check_reals(beta, "beta")
    vectors = spectrum(levels, log_weights)
    return over_batch(_cumulants, vectors, (_checks.widen(beta),))


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
    """T = 1/β of the Gibbs state of mean energy E.

    Args:
        levels, energy, log_weights: as for `canonical_beta`, and so are the errors.

    Returns:
        T of the broadcast shape.
    """
    return reciprocal(canonical_beta(levels, energy, log_weights))


def _cumulants(levels, log_weights, beta):
    exponents = log_weights - beta * levels
    share = jax.nn.softmax(exponents)
    mean = jnp.sum(share * levels)
    away = levels - mean
    variance, third = jnp.sum(share * away**2), jnp.sum(share * away**3)
    return Cumulants(jax.nn.logsumexp(exponents), mean, variance, third)


def _root(levels, log_weights, energy):
    least, most = jnp.min(levels), jnp.max(levels)
    inside = (energy > least) & (energy < most)
    # in units that make all numbers of order one
    span = divisor(most - least)
    heights = (levels - least) / span
    target = (jnp.where(inside, energy, (least + most) / 2) - least) / span

    def excess(u):
        share = jax.nn.softmax(log_weights - jnp.sinh(u) * heights)
        return jnp.sum(share * heights) - target

    largest = jnp.arcsinh(coldest(heights, log_weights))
    u = falling_root(excess, -largest, largest)
    found = inside & (jnp.abs(excess(u)) < jnp.sqrt(jnp.finfo(levels.dtype).eps))
    return jnp.where(found, jnp.sinh(u) / span, jnp.nan)


def saddle_beta(cumulants: Cumulants, beta: ArrayLike) -> Float[Array, "..."]:
    """Inverse temperature dS/dE of the saddle-point entropy.

    dS/dE = β - κ₃/2C²: ∂S/∂β vanishes but for the term of the width; dβ/dE = -1/C.

    Args:
        cumulants: of the Gibbs state at β; C is the variance, κ₃ the third cumulant.
        beta: β of the Gibbs state.

    Returns:
        dS/dE of the broadcast shape; NaN where the energy does not vary at all.
    """
    varies = cumulants.variance > 0
    variance = divisor(cumulants.variance)
    shift = cumulants.third / (2 * variance**2)
    return jnp.where(varies, _checks.widen(beta) - shift, jnp.nan)
