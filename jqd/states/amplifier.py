"""Quantum-limited amplifiers of bosonic modes, on weighted kets."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ..spaces.fock import log_binomials


@functools.partial(jax.jit, static_argnames=("levels", "orders"))
def amplified(
    kets: Complex[Array, "kets ..."],
    weights: Float[Array, " kets"],
    C: ArrayLike,
    levels: tuple[int, ...],
    orders: int,
) -> tuple[Complex[Array, "more ..."], Float[Array, " more"]]:
    """The operator whose Husimi function at Cħ is that of the given operator at ħ.

    Σ_j w_j |ψ_j><ψ_j| -> Σ_jk w_j Π_i (1-C_i)^k_i v_jk v_jk†,
    v_jk = Π_i √binom(n_i+k_i, k_i) C_i^((n_i+1)/2) ψ_j,n,

    shifted up by k. These are amplifiers of gain 1/C_i, continued to C_i > 1.

    Args:
        kets: ψ_j at ħ, shape (j, d_1, ..., d_N).
        weights: w_j.
        C: scalar, or one for each mode (N,).
        levels: levels kept for each mode.
        orders: largest total k.

    Returns:
        Kets at ħ_eff and their weights, one for each given ket and each k.

    Source: C. M. Caves, Phys. Rev. D 26, 1817 (1982).
    """
    each = jnp.broadcast_to(jnp.asarray(C), (len(levels),))
    spent = np.zeros(weights.shape[0], int)
    for mode, size in enumerate(levels):
        most = min(orders, size - 1)
        lost = jnp.broadcast_to(1 - each[mode], (most,))
        power = jnp.cumprod(jnp.concatenate([jnp.ones_like(each[:1]), lost]))
        kets = _raise_mode(kets, each[mode].astype(weights.dtype), mode + 1, size, most)
        spent = spent[None, :] + np.arange(most + 1)[:, None]
        kept = np.flatnonzero(spent.ravel() <= orders)
        kets = jnp.reshape(kets, (-1, *kets.shape[2:]))[kept]
        weights = power[:, None].astype(weights.dtype) * weights[None, :]
        weights = jnp.ravel(weights)[kept]
        spent = spent.ravel()[kept]
    return kets, weights


def _raise_mode(kets: Array, C: Array, axis: int, size: int, orders: int) -> Array:
    """v_k of one mode for all k = 0..orders: shape (k, kets, ...)."""
    moved = jnp.moveaxis(kets, axis, -1)
    given = moved.shape[-1]
    # a running product, so that the derivative exists at every C
    root = jnp.cumprod(jnp.broadcast_to(jnp.sqrt(C), (given,)))
    scaled = moved * jnp.reshape(root, (1,) * (moved.ndim - 1) + (-1,))
    source, factor = _shifts(given, size, orders)
    factor = jnp.asarray(factor, root.dtype)
    rows = scaled[..., source] * jnp.reshape(
        factor, (1,) * (moved.ndim - 1) + factor.shape
    )
    rows = jnp.moveaxis(rows, -2, 0)
    return jnp.moveaxis(rows, -1, axis + 1)


@functools.lru_cache
def _shifts(given: int, size: int, orders: int) -> tuple[np.ndarray, np.ndarray]:
    """Where |m> of v_k comes from, and √binom(m, k); 0 where from nowhere."""
    k, m = np.arange(orders + 1)[:, None], np.arange(size)[None, :]
    known = (m >= k) & (m - k < given)
    binomials = np.exp(log_binomials(size)[m, np.minimum(k, m)] / 2)
    return np.clip(m - k, 0, given - 1), np.where(known, binomials, 0.0)
