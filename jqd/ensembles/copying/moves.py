"""Draws of the systems that move in a leap, by label and class.

`counts` are the numbers of systems by label and class, (L, M), and `moved` [a, b] is
the mean number that goes from b to a, (M, M), 0 on the diagonal. Draws return the new
counts and the number of moves.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._math import divisor
from .binomials import binomial


def at_once(
    counts: Float[Array, "L M"], moved: Float[Array, "M M"], key: Array
) -> tuple[Float[Array, "L M"], Float[Array, ""]]:
    """A multinomial draw over destinations for every label and class.

    Multinomial numbers have the variance of independent systems, n p (1 - p), which
    includes the depletion of their class. The second half step already includes that
    here; a sign for each class, (1 ± 1/√n) p, raises the variance to n p without
    correlations.
    """
    occupation = jnp.sum(counts, axis=0)
    share = moved * _share(occupation, jax.random.fold_in(key, 0))[None, :]
    # more than all cannot leave
    share = share / jnp.maximum(jnp.sum(share, axis=0), 1)[None, :]
    size = occupation.shape[0]
    origin = jnp.arange(size)

    def draw(carry, step):
        left, rest, arrived = carry
        goal = (origin + step) % size
        going = share[goal, origin]
        probability = jnp.clip(going / divisor(rest), 0, 1)
        drawn = _binomial(jax.random.fold_in(key, step), left, probability)
        arrived = arrived.at[:, goal].add(drawn)
        return (left - drawn, rest - going, arrived), None

    # no system goes from a class to itself
    start = (counts, jnp.ones_like(occupation), jnp.zeros_like(counts))
    (stayed, _, arrived), _ = jax.lax.scan(draw, start, jnp.arange(1, size))
    return stayed + arrived, jnp.sum(arrived)


def in_turn(
    counts: Float[Array, "L M"],
    moved: Float[Array, "M M"],
    key: Array,
    *,
    both_ways: bool,
) -> tuple[Float[Array, "L M"], Float[Array, ""]]:
    """Draw link by link, there and back, so that arrived systems may leave once more.

    A share of the systems that are in class b when its link to a has its turn leaves by
    it, half on the way there and half on the way back. This is the exact motion of
    labels under one link after another and, being symmetric, that under all links at
    once to second order. Means and variances of the occupations are those of `at_once`.
    With `both_ways` systems may go both ways on a link in much the same time.
    """
    size = counts.shape[1]
    origin = np.arange(size)
    there = round_robin(size)
    if both_ways:
        ways = [np.maximum(there, origin), np.minimum(there, origin)]
        there = np.stack(ways, axis=1).reshape(-1, size)
    goals = jnp.asarray(np.concatenate([there, there[::-1]]))

    def draw(before, turn):
        counts, events = before
        goal, number = turn
        key_sign, key_draw = (
            jax.random.fold_in(key, 2 * number + which) for which in range(2)
        )
        share = moved[goal, origin] / 2 * _share(jnp.sum(counts, axis=0), key_sign)
        drawn = _binomial(key_draw, counts, jnp.clip(share, 0, 1))
        counts = (counts - drawn).at[:, goal].add(drawn)
        return (counts, events + jnp.sum(drawn)), None

    start = (counts, jnp.zeros((), counts.dtype))
    return jax.lax.scan(draw, start, (goals, jnp.arange(goals.shape[0])))[0]


def round_robin(size: int) -> np.ndarray:
    """Rounds in which every two of M classes meet once: the partner of each, (R, M).

    One place is fixed and the others rotate around it. With M odd that place is empty,
    and the class that meets it is its own partner.
    """
    even = size + size % 2
    if even < 2:
        return np.zeros((0, size), int)
    ring, turn = np.arange(even - 1), np.arange(even - 1)[:, None]
    partner = (2 * turn - ring[None, :]) % (even - 1)
    partner = np.where(partner == ring[None, :], even - 1, partner)
    partner = np.concatenate([partner, turn], axis=1)[:, :size]
    return np.where(partner < size, partner, np.arange(size)[None, :])


def _share(occupation: Array, key: Array) -> Array:
    """(1 ± 1/√n)/n with a sign for each class: the share that one mover is."""
    some = divisor(occupation)
    sign = jax.random.rademacher(key, occupation.shape, occupation.dtype)
    return (1 + sign / jnp.sqrt(some)) / some


def _binomial(key: Array, trials: Array, probability: Array) -> Array:
    """For every label, with the probabilities of its class."""
    return binomial(key, trials, jnp.broadcast_to(probability[None, :], trials.shape))
