"""The largest value of a function of many points at once, without derivatives."""

from collections.abc import Callable

import numpy as np

from .card import STEADY

# Number of points in a generation, of points kept of it, and of generations.
POINTS, KEPT, ROUNDS = 128, 8, 40
# Of a search that has found nothing.
NOWHERE = "for all that were searched"


def maximised(
    size: Callable[[np.ndarray], np.ndarray],
    dimension: int,
    key: np.random.Generator,
    tries: int,
    number: int = POINTS,
) -> np.ndarray | None:
    """The point at which a function is largest, as far as a search finds it.

    Each search draws points from a normal distribution, keeps the best few, and draws
    new points around them with a width that shrinks. Values that are not finite do not
    count.

    Args:
        size: the function of points, (K, d) -> (K,).
        dimension: d.
        key: the generator.
        tries: number of independent searches; the best result is returned.
        number: number of points in a generation.

    Returns:
        (d,), or None where the function is finite nowhere.
    """
    best: np.ndarray | None = None
    highest = -np.inf

    def valued(points: np.ndarray) -> np.ndarray:
        found = size(points)
        return np.where(np.isfinite(found), found, -np.inf)

    for _ in range(tries):
        points = key.normal(size=(number, dimension))
        values = valued(points)
        for width in np.geomspace(0.5, 0.005, ROUNDS):
            order = np.argsort(values)[::-1][:KEPT]
            kept, known = points[order], values[order]
            parents = kept[key.integers(KEPT, size=number - KEPT)]
            drawn = parents + width * key.normal(size=parents.shape)
            points = np.concatenate([kept, drawn])
            values = np.concatenate([known, valued(points)[KEPT:]])
        top = int(np.argmax(values))
        if values[top] > highest:
            best, highest = points[top], values[top]
    return best


def worst(
    size: Callable[[np.ndarray, int], np.ndarray],
    dimension: int,
    seed: int,
    tries: int,
    number: int = POINTS,
) -> np.ndarray | None:
    """The point of largest figure among those whose figure halved steps do not change.

    Where they change all figures, it is the point of the largest.

    Args:
        size: function of points and of the shortening of steps, (K, d) -> (K,).
        dimension: d.
        seed: of the generator.
        tries: number of searches.
        number: number of points in a generation.

    Returns:
        (d,), or None where no figure is finite.
    """

    def steady(points: np.ndarray) -> np.ndarray:
        found, finer = size(points, 1), size(points, 2)
        # beside a node a single step decides where a run goes
        return np.where(np.abs(finer - found) <= STEADY * finer, finer, -np.inf)

    best = maximised(
        lambda points: size(points, 1),
        dimension,
        np.random.default_rng(seed),
        tries,
        number,
    )
    if best is None or np.isfinite(steady(best[None])[0]):
        return best
    other = maximised(steady, dimension, np.random.default_rng(seed), tries, number)
    return best if other is None else other
