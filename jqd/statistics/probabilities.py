"""Probabilities of occupation numbers: Maxwell-Boltzmann, Bose-Einstein, Fermi-Dirac.

One constant g covers the three: 0, 1 and -1.

    P_g(n) = N!/Π n_i! Π_i Π_{k<n_i} (1 + g k) / Π_{k<N} (M + g k)

It is smooth through g = 0, and a probability for g >= 0 (each particle comes at a rate
1 + g n_i into a state that holds n_i) and for g = -1/k (a state has k places).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from .. import _checks
from .._math import safe_divide
from ._family import check_count, check_g, check_occupations, check_room, log_rising

MAXWELL_BOLTZMANN = 0.0
BOSE_EINSTEIN = 1.0
FERMI_DIRAC = -1.0


def log_probability(occupations: ArrayLike, g: ArrayLike) -> Float[Array, "..."]:
    """ln P_g of occupation numbers.

    g = 0 is eq. (45), g = 1 is eq. (47), g = -1 is eq. (49).

    Args:
        occupations: n_i, whole numbers, shape (..., M).
        g: constant of the statistics, broadcast against the leading axes.

    Returns:
        Natural logarithms, shape (...); -∞ where more particles are in a state than
        it has places.

    Raises:
        ValueError: occupations are no whole numbers from 0 on, or g is negative and
            not -1/k.

    Source: Zakir, eqs. (45), (47), (49), (51)-(52).
    """
    check_occupations(occupations)
    check_g(g)
    return _log_probability(*map(_checks.as_leaf, (occupations, g)))


@jax.jit
def _log_probability(occupations: ArrayLike, g: ArrayLike) -> Array:
    n, g = _checks.widen(occupations), _checks.widen(g)
    leading = jnp.broadcast_shapes(n.shape[:-1], g.shape)
    n = jnp.broadcast_to(n, (*leading, n.shape[-1]))
    g = jnp.broadcast_to(g, leading)
    total = jnp.sum(n, axis=-1)
    own = log_rising(1.0, g[..., None], n) - log_rising(1.0, 1.0, n)
    own = jnp.sum(own, axis=-1)
    norm = log_rising(float(n.shape[-1]), g, total) - log_rising(1.0, 1.0, total)
    # -∞ - (-∞) where all places together are too few
    possible = ~jnp.isneginf(own)
    return jnp.where(possible, own - jnp.where(possible, norm, 0), -jnp.inf)


def log_marginal(n: ArrayLike, N: int, M: int, g: ArrayLike) -> Float[Array, "..."]:
    """ln P_g(n_1 = n), summed over the other M - 1 states.

    P_g(n_1) = N!/(n_1! (N - n_1)!) Π_{k<n_1} (1 + g k) Π_{k<N-n_1} (M - 1 + g k) /
    Π_{k<N} (M + g k)

    Args:
        n: particles in one state, whole, of any shape.
        N: particles in all.
        M: states, at least 2.
        g: constant of the statistics, broadcast against `n`.

    Returns:
        Natural logarithms; -∞ outside 0..N and where there are too few places.

    Raises:
        ValueError: N or M is not a valid number, there is no room, g is negative and
            not -1/k.
    """
    N, M = check_count(N, "N", 0), check_count(M, "M", 2)
    check_g(g)
    check_room(N, M, g)
    _checks.check_reals(n, "n")
    return _log_marginal(_checks.as_leaf(n), N, M, _checks.as_leaf(g))


@jax.jit
def _log_marginal(n: ArrayLike, N: ArrayLike, M: ArrayLike, g: ArrayLike) -> Array:
    N, M = _checks.widen(N), _checks.widen(M)
    n, g = jnp.broadcast_arrays(_checks.widen(n), _checks.widen(g))
    inside = (n >= 0) & (n <= N)
    n = jnp.where(inside, n, 0)
    here = log_rising(1.0, g, n) - log_rising(1.0, 1.0, n)
    there = log_rising(M - 1, g, N - n) - log_rising(1.0, 1.0, N - n)
    norm = log_rising(M, g, N) - log_rising(1.0, 1.0, N)
    return jnp.where(inside, here + there - norm, -jnp.inf)


def variance(N: ArrayLike, M: ArrayLike, g: ArrayLike) -> Float[Array, "..."]:
    """Variance of one occupation number under P_g.

    var n_1 = (N/M) (1 - 1/M) (M + g N)/(M + g)

    Args:
        N: particles.
        M: states.
        g: constant of the statistics.

    Returns:
        The variance, of the broadcast shape.

    Raises:
        ValueError: N negative, M not positive, an invalid g, or no room.
    """
    _checks.check_not_negative(N, "N")
    _checks.check_positive(M, "M")
    check_g(g)
    _checks.check_broadcast(N=N, M=M, g=g)
    if _checks.is_concrete((N, M, g)):
        n, m, step = (np.asarray(value, float) for value in (N, M, g))
        # g = -1/k is known to a millionth, as in `check_g`
        if np.any(m + step * n < -1e-6 * m):
            raise ValueError(
                "Argument `N` must be at most k M where g = -1/k, but it is "
                f"{_checks.shown(N)} with M = {_checks.shown(M)} and g = "
                f"{_checks.shown(g)}."
            )
    return _variance(*map(_checks.as_leaf, (N, M, g)))


@jax.jit
def _variance(N: ArrayLike, M: ArrayLike, g: ArrayLike) -> Array:
    N, M, g = jnp.broadcast_arrays(*map(_checks.widen, (N, M, g)))
    # one state with one place holds all there is: 0, which 1 - 1/M alone tells
    return N / M * (1 - 1 / M) * safe_divide(M + g * N, M + g)


def configurations(N: int, M: int) -> Int[np.ndarray, "C M"]:
    """Every way to write N as n_1 + ... + n_M: C(N + M - 1, N) rows.

    Args:
        N: particles.
        M: states.

    Returns:
        Whole numbers, the last state filled first, in lexical order.

    Raises:
        ValueError: N or M is not a valid number.
    """
    N, M = check_count(N, "N", 0), check_count(M, "M", 1)
    log = math.lgamma(N + M) - math.lgamma(N + 1) - math.lgamma(M)
    needed = 8 * M * math.exp(min(log, 600))
    _checks.check_memory(needed, "N", "all configurations")
    rows = np.zeros((1, 0), int)
    for state in range(M):
        left = N - rows.sum(axis=1)
        if state == M - 1:
            return np.column_stack([rows, left])
        number = left + 1
        ends = np.cumsum(number)
        column = np.arange(ends[-1]) - np.repeat(ends - number, number)
        rows = np.column_stack([np.repeat(rows, number, axis=0), column])
    return rows
