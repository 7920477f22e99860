"""Operators at ħ_eff = Cħ that share their Husimi function with one at ħ."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...spaces.fock import log_binomials
from ...states import Ensemble


@functools.partial(jax.jit, static_argnames=("levels", "orders"))
def amplify(
    ensemble: Ensemble, C: Array, levels: tuple[int, ...], orders: int
) -> Ensemble:
    """The operator whose Husimi function at Cħ is that of the given one at ħ.

    ρ_eff = Σ_k (1-C)^|k| v_k v_k†, v_k = Π_i √binom(n_i+k_i, k_i) C^((n_i+1)/2) ψ_n,
    shifted up by k: an amplifier of gain 1/C, continued to C > 1.

    Args:
        ensemble: kets at ħ.
        C: scalar.
        levels: levels kept of each mode.
        orders: largest total k.

    Returns:
        Kets at ħ_eff, one for each of the given ones and each k.
    """
    kets, weights = ensemble.kets, ensemble.weights
    spent = np.zeros(weights.shape[0], int)
    power = jnp.cumprod(
        jnp.concatenate([jnp.ones_like(C)[None], jnp.broadcast_to(1 - C, (orders,))])
    )
    C = C.astype(weights.dtype)
    for mode, size in enumerate(levels):
        kets = _raise_mode(kets, C, mode + 1, size, orders)
        spent = spent[None, :] + np.arange(min(orders, size - 1) + 1)[:, None]
        kept = np.flatnonzero(spent.ravel() <= orders)
        kets = jnp.reshape(kets, (-1, *kets.shape[2:]))[kept]
        weights = jnp.tile(weights, spent.shape[0])[kept]
        spent = spent.ravel()[kept]
    return Ensemble(kets, weights * power[spent].astype(weights.dtype))


def _raise_mode(kets: Array, C: Array, axis: int, size: int, orders: int) -> Array:
    """v_k of one mode for all k = 0..orders: shape (k, kets, ...)."""
    moved = jnp.moveaxis(kets, axis, -1)
    given = moved.shape[-1]
    # a running product, so that the derivative exists at every C
    root = jnp.cumprod(jnp.broadcast_to(jnp.sqrt(C), (given,)))
    scaled = moved * jnp.reshape(root, (1,) * (moved.ndim - 1) + (-1,))
    source, factor = _shifts(given, size, min(orders, size - 1))
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


def series_length(
    C: float, ensemble: Ensemble, tolerance: float, levels: tuple[int, ...]
) -> int:
    """Largest total k that `amplify` needs for a remainder below the tolerance.

    Order k adds |1-C|^k Σ_n C^(n+N) binom(n+k+N-1, k) p_n to the trace norm at most,
    with p_n the share of n quanta in all: kets grow with k before the powers win.

    Args:
        C: strength of the diffusion.
        ensemble: kets at ħ, concrete.
        tolerance: of the trace norm of what is left out.
        levels: levels kept of each mode; no order beyond them has an effect.
    """
    ratio, modes = abs(1 - C), ensemble.modes
    most = sum(size - 1 for size in levels)
    if ratio == 0:
        return 0
    weights = np.abs(np.asarray(ensemble.weights, float))
    shares = np.abs(np.asarray(ensemble.kets, complex)) ** 2
    shares = np.tensordot(weights, shares, 1).ravel()
    quanta = np.indices(ensemble.levels).sum(axis=0).ravel()
    p = np.bincount(quanta, shares)
    n, k = np.arange(len(p))[None, :], np.arange(most + 1)[:, None]
    binomials = log_binomials(n.max() + most + modes)[n + k + modes - 1, k]
    grown = np.exp(k * math.log(ratio) + (n + modes) * math.log(abs(C)) + binomials)
    left = np.cumsum((grown @ p)[::-1])[::-1]  # of order k and all after it
    return int(np.argmax(left < tolerance)) if np.any(left < tolerance) else most
