"""Exactly N particles in thermal equilibrium."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ._family import check_count, check_g, check_room, log_rising

# Stands for -∞ in sums of logarithms: exp of it is 0, and sums of some are finite.
_NEVER = -1e30


def log_canonical(E: ArrayLike, T: ArrayLike, N: int, g: ArrayLike) -> Float[Array, ""]:
    """ln Z of exactly N particles, by recursion over the levels.

    Z = Σ_n Π_i Π_{k<n_i} (1 + g k)/n_i! exp(-n_i E_i/kT), Σ n_i = N: the weights of P_g
    times Boltzmann's factor. The computing time grows as L N².

    Args:
        E: energies of single states, shape (L,).
        T: kT, shape ().
        N: number of particles.
        g: constant of the statistics, shape ().

    Returns:
        ln Z, shape ().

    Raises:
        ValueError: N is not a positive integer, T is not positive, g is negative and
            not -1/k, more particles than states have room for.
    """
    N = check_count(N, "N", 1)
    check_g(g)
    for value, name in ((T, "T"), (g, "g")):
        _checks.check_scalar(value, name)
    _checks.check_positive(T, "T")
    _checks.check_shape(E, "E", (None,))
    _checks.check_real(E, "E")
    _checks.check_finite(E, "E")
    check_room(N, np.shape(E)[0], g)
    E, T, g = map(_checks.widen, (E, T, g))
    _checks.check_memory(24.0 * (N + 1) ** 2, "N", "its recursion")
    n = jnp.arange(N + 1)
    weight = log_rising(1.0, g, n) - log_rising(1.0, 1.0, n)
    weight = jnp.where(jnp.isneginf(weight), _NEVER, weight)
    before = n[:, None] - n[None, :]  # how many are in the levels before

    def add(log_z, level):
        here = (weight - n * level)[None, :]
        terms = jnp.where(before >= 0, log_z[jnp.maximum(before, 0)] + here, _NEVER)
        return jax.nn.logsumexp(terms, axis=1), None

    start = jnp.where(n == 0, 0, _NEVER).astype(weight.dtype)
    log_z, _ = lax.scan(add, start, E / T)
    # no way to place so many, where g is traced
    return jnp.where(log_z[N] < _NEVER / 10, -jnp.inf, log_z[N])


def canonical_occupations(
    E: ArrayLike, T: ArrayLike, N: int, g: ArrayLike
) -> Float[Array, " L"]:
    """Mean occupations, (L,), of exactly N particles: n_i = -kT ∂ ln Z/∂E_i, sum N.

    They equal `occupation` at the μ of N for Maxwell-Boltzmann; for other g they come
    close to it only at large N. Arguments and errors are those of `log_canonical`.
    """
    for value, name in ((E, "E"), (T, "T"), (g, "g")):
        _checks.check_finite(value, name)
    E, T = _checks.widen(E), _checks.widen(T)
    return -T * jax.grad(log_canonical)(E, T, N, g)
