"""Averages over random weights of the states, and occupations as printed.

Terzoff and Bayer give each state a weight w_i, Σ w_i = 1, and average over all weights.
One vector of weights must serve all N particles: if each particle has its own, the
average over them makes each particle uniform, and the statistics is Maxwell-Boltzmann.
"""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.statistics._family import log_rising
from jqd.statistics.occupation import mean_occupation


def log_weight_integral(
    m: ArrayLike, n: ArrayLike, a: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """ln ∫₀ᵃ w^m (a - w)^n dw = ln[a^{m+n+1} m! n!/(m + n + 1)!], m, n > -1, a > 0.

    Source: Zakir, eq. (53).
    """
    m, n, a = jnp.broadcast_arrays(*map(_checks.widen, (m, n, a)))
    # not `betaln`, which is good to seven digits only
    beta = gammaln(m + 1) + gammaln(n + 1) - gammaln(m + n + 2)
    return beta + (m + n + 1) * jnp.log(a)


def log_weight_average(
    occupations: ArrayLike, *, printed: bool = False
) -> Float[Array, "..."]:
    """ln of the mean of Π w_i^{n_i} over all weights, uniform on their simplex.

    <Π w_i^{n_i}> = (M - 1)! Π n_i!/(N + M - 1)!, n (..., M), by eq. (53), state after
    state. As printed, the right side of eq. (51) lacks the (M - 1)!.

    Source: Zakir, eq. (51), corrected.
    """
    n = _checks.widen(occupations)
    # What is left after state i is 1 - w_1 - .. - w_i, to the power
    # n_{i+1} + .. + n_M + M - i - 2 that the states integrated before it gave.
    states = n.shape[-1]
    later = jnp.sum(n, axis=-1, keepdims=True) - jnp.cumsum(n, axis=-1)
    later += jnp.arange(states - 2, -2, -1, dtype=n.dtype).reshape(
        (1,) * (n.ndim - 1) + (-1,)
    )
    integral = jnp.sum(log_weight_integral(n[..., :-1], later[..., :-1]), axis=-1)
    volume = log_rising(1.0, 1.0, states - 1)
    return integral if printed else integral + volume


def log_terzoff_bayer(
    occupations: ArrayLike, *, printed: bool = False
) -> Float[Array, "..."]:
    """ln P of occupations drawn with one random vector of weights for all particles.

    P(n) = N!/Π n_i! <Π w_i^{n_i}> = N! (M - 1)!/(N + M - 1)!, n (..., M): bosons.
    As printed the (M - 1)! is missing: the sum over all occupations is 1/(M - 1)!.

    Source: Zakir, eq. (52), corrected.
    """
    average = log_weight_average(occupations, printed=printed)
    n = _checks.widen(occupations)
    ways = log_rising(1.0, 1.0, jnp.sum(n, axis=-1))
    return average + ways - jnp.sum(log_rising(1.0, 1.0, n), axis=-1)


def log_multiplicity(
    occupations: ArrayLike, *, printed: bool = False
) -> Float[Array, "..."]:
    """ln ΔΓ: the logarithm of the ways to place N distinguishable particles.

    ΔΓ = N!/Π n_i! = M^N P_MB, n (..., M), is largest for even occupations. As printed
    around (45), ΔΓ = 1/P_MB = M^N Π n_i!/N!, it is largest where all particles are in
    one state.

    Source: Zakir, eq. (45), corrected.
    """
    n = _checks.widen(occupations)
    total = jnp.sum(n, axis=-1)
    ways = log_rising(1.0, 1.0, total) - jnp.sum(log_rising(1.0, 1.0, n), axis=-1)
    return total * np.log(n.shape[-1]) - ways if printed else ways


def occupation_printed(E: ArrayLike, T: ArrayLike, g: ArrayLike) -> Float[Array, "..."]:
    """Occupation as printed, 1/(exp(E/kT) - g): the sum over states is not N.

    NaN where exp(E/kT) <= g.

    Source: Zakir, eqs. (46), (48), (50) as printed: they hold for μ = 0 only.
    """
    E, T, g = jnp.broadcast_arrays(*map(_checks.widen, (E, T, g)))
    return mean_occupation(E / T, g)
