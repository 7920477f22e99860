"""Microcanonical temperature from the saddle point of the inverse Laplace transform.

g(E) = ∫ dβ/2πi Z(β) e^{βE} ≈ e^{S(E)}: a smooth density of states without a width.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ._spectrum import reciprocal
from .canonical import Cumulants, canonical_beta, level_cumulants


def saddle_entropy(
    cumulants: Cumulants, beta: ArrayLike, energy: ArrayLike
) -> Float[Array, "..."]:
    """Entropy ln g(E) at the saddle point, S = ln Z + βE - ½ ln(2πC).

    Args:
        cumulants: of the Gibbs state at the β whose mean energy is E.
        beta: that β.
        energy: E.

    Returns:
        S of the broadcast shape; e^S is in levels per unit of energy.
    """
    beta, energy = _checks.widen(beta), _checks.widen(energy)
    width = jnp.log(2 * jnp.pi * cumulants.variance) / 2
    return cumulants.log_partition + beta * energy - width


def saddle_beta(cumulants: Cumulants, beta: ArrayLike) -> Float[Array, "..."]:
    """Inverse temperature dS/dE of the saddle-point entropy.

    dS/dE = β - κ₃/2C²: ∂S/∂β vanishes but for the width's part, and dβ/dE = -1/C.

    Args:
        cumulants: of the Gibbs state at β; C is the variance, κ₃ the third cumulant.
        beta: β of the Gibbs state.

    Returns:
        dS/dE of the broadcast shape; NaN where the energy does not vary at all.
    """
    varies = cumulants.variance > 0
    variance = jnp.where(varies, cumulants.variance, 1)
    shift = cumulants.third / (2 * variance**2)
    return jnp.where(varies, _checks.widen(beta) - shift, jnp.nan)


def saddle_temperature(
    levels: ArrayLike, energy: ArrayLike, log_weights: ArrayLike | None = None
) -> Float[Array, "..."]:
    """Temperature 1/(dS/dE) of the saddle-point entropy of levels.

    Args:
        levels: E_i, shape (..., n).
        energy: E, inside the spectrum, shape (...).
        log_weights: ln w_i, the shape of `levels`, or None.

    Returns:
        T of the broadcast shape; NaN where a traced E lies outside the spectrum.

    Raises:
        ValueError: there are fewer than 2 levels, or E lies outside the spectrum.
    """
    beta = canonical_beta(levels, energy, log_weights)
    return reciprocal(saddle_beta(level_cumulants(levels, beta, log_weights), beta))
