"""Draws of occupation numbers."""

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import random
from jaxtyping import Array, ArrayLike, Float, Int

from .. import _checks
from .._math import divisor
from ._family import check_count, check_g, check_room

# Weights held at once where each particle has its own.
_BLOCK = 2**22


def sample_weights(
    key: Array, M: int, g: ArrayLike = 1.0, shape: Sequence[int] = ()
) -> Float[Array, "... M"]:
    """Random weights of M states: Dirichlet, of concentration 1/g.

    g = 1 is uniform on the simplex Σ w_i = 1, as in eq. (51); g = 0 gives w_i = 1/M.

    Args:
        key: of `jax.random`.
        M: states.
        g: constant of the statistics, from 0 on; shape ().
        shape: leading axes, e.g. the number of draws.

    Returns:
        Weights that sum to 1, shape (*shape, M).

    Raises:
        ValueError: M is not a valid number, or g is negative.

    Source: Zakir, eq. (51).
    """
    key, M = _checks.single_key(key), check_count(M, "M", 1)
    _checks.check_scalar(g, "g")
    known = _known(g)
    if known is not None and known < 0:
        raise ValueError(
            f"Argument `g` must not be negative for weights, but it is {known:g}."
        )
    key = _checks.single_key(key)
    return _weights(key, M, _checks.as_leaf(g), tuple(shape), known)


def _known(g: ArrayLike) -> float | None:
    """g where it has an algorithm of its own: at most 0, or 1."""
    if not _checks.is_concrete(g):
        return None
    value = float(np.asarray(g))
    return value if value <= 0 or value == 1 else None


@partial(jax.jit, static_argnames=("M", "shape", "known"))
def _weights(
    key: Array, M: int, g: ArrayLike, shape: tuple[int, ...], known: float | None
) -> Array:
    g = _checks.widen(g)
    # Gamma variates of any concentration take a hundred times longer than these.
    if known == 0:
        return jnp.full((*shape, M), 1 / M, g.dtype)
    if known == 1:
        drawn = random.exponential(key, (*shape, M), g.dtype)
        return drawn / jnp.sum(drawn, axis=-1, keepdims=True)
    spread = g > 0
    alpha = 1 / divisor(g)
    # Logarithms: where g is large most weights underflow, and all may.
    drawn = random.loggamma(key, alpha, (*shape, M), g.dtype)
    return jax.nn.softmax(jnp.where(spread, drawn, 0), axis=-1)


def sample_occupations(
    key: Array,
    N: int,
    M: int,
    g: ArrayLike,
    shape: Sequence[int] = (),
    *,
    shared: bool = True,
) -> Int[Array, "... M"]:
    """Draw occupation numbers of N particles in M states from P_g.

    g >= 0: one vector of weights is drawn for all particles, then each particle falls
    into a state with these probabilities. g = -1/k: N of k M places are filled, none
    twice. The time for one draw is that of N + M random numbers. The weights of g = 0
    and 1 are drawn a hundred times faster than others, and differ from those drawn
    where g is a tracer.

    With `shared=False` each particle gets a vector of weights of its own. Then the
    particles are uniform and independent, Maxwell-Boltzmann for any g; this takes the
    time of N M random numbers.

    Args:
        key: of `jax.random`; the same key and call give the same draw.
        N: particles.
        M: states.
        g: constant of the statistics, shape (); a tracer must not be negative.
        shape: leading axes, e.g. the number of draws.
        shared: whether all particles of a draw share their weights.

    Returns:
        Whole numbers with the sum N, shape (*shape, M).

    Raises:
        ValueError: N or M is not a valid number, there is no room, g is negative and
            not -1/k, or is negative while weights are not shared.

    Source: Zakir, section 4.2; the text before eq. (52) has weights "for each
    particle", which eq. (52) itself has not.
    """
    key = _checks.single_key(key)
    N, M = check_count(N, "N", 0), check_count(M, "M", 1)
    _checks.check_flags(shared=shared)
    _checks.check_numbers(g, "g")
    if np.ndim(g) != 0:
        raise ValueError(
            f"Argument `g` must be one number, but its shape is {np.shape(g)}; use "
            "jax.vmap for several."
        )
    check_g(g)
    check_room(N, M, g)
    shape = tuple(shape)
    known = _known(g)
    if known is not None and known < 0 and not shared:
        raise ValueError(
            "Argument `shared` must be true where g is negative (there are no "
            "weights), but it is False."
        )
    key = _checks.single_key(key)
    return _draw(key, _checks.as_leaf(g), N, M, shape, shared, known)


@partial(jax.jit, static_argnames=("N", "M", "shape", "shared", "known"))
def _draw(
    key: Array,
    g: ArrayLike,
    N: int,
    M: int,
    shape: tuple[int, ...],
    shared: bool,
    known: float | None,
) -> Array:
    g = _checks.widen(g)

    def draw(key):
        if known is not None and known < 0:
            return _places(key, N, M, round(-1 / known))
        return (_shared if shared else _independent)(key, N, M, g, known)

    if not shape:
        return draw(key)
    keys = random.split(key, math.prod(shape))
    return jax.vmap(draw)(keys).reshape((*shape, M))


def _shared(key: Array, N: int, M: int, g: Array, known: float | None) -> Array:
    for_weights, for_particles = random.split(key)
    ends = jnp.cumsum(_weights(for_weights, M, g, (), known))
    # N uniform numbers in order: sums of N + 1 exponential gaps, over the last sum.
    # In order, the particles below each of the M ends are counted by M searches.
    gaps = random.exponential(for_particles, (N + 1,), ends.dtype)
    sums = jnp.cumsum(gaps)
    targets = ends[:-1] / ends[-1] * sums[-1]
    below = jnp.searchsorted(sums[:-1], targets)
    return jnp.diff(below, prepend=0, append=N)


def _independent(key: Array, N: int, M: int, g: Array, known: float | None) -> Array:
    def fall(key):
        for_weights, for_particle = random.split(key)
        weights = _weights(for_weights, M, g, (), known)
        return random.choice(for_particle, M, p=weights)

    if N == 0:
        return jnp.zeros(M, int)
    block = min(N, max(_BLOCK // M, 1))
    states = jax.lax.map(fall, random.split(key, N), batch_size=block)
    return jnp.bincount(states, length=M)


def _places(key: Array, N: int, M: int, copies: int) -> Array:
    filled = random.permutation(key, M * copies)[:N]
    return jnp.bincount(filled // copies, length=M)
