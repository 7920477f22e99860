"""The largest value of a function of many points at once, without derivatives."""

from collections.abc import Callable

import numpy as np

from .card import STEADY

# A generation, those that are kept of it, and how many generations there are.
POINTS, KEPT, ROUNDS = 128, 8, 40


def maximised(
    size: Callable[[np.ndarray], np.ndarray],
    dimension: int,
    key: np.random.Generator,
    tries: int,
    number: int = POINTS,
) -> np.ndarray:
    """The point at which a function is largest, as far as a search finds it.

    Each try draws points from a normal distribution, keeps the best few, and draws
    around them, by a width that shrinks. A value that is not finite counts as none.

    Args:
        size: of points, (K, d) -> (K,).
        dimension: d.
        key: the generator.
        tries: independent searches, whose best is returned.
        number: of points in a generation.

    Returns:
        (d,).
    """
    best, highest = np.zeros(dimension), -np.inf

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
) -> np.ndarray:
    """The point whose figure is largest among those that halved steps do not move.

    Args:
        size: of points, and by how much steps are shortened, (K, d) -> (K,).
        dimension: d.
        seed: of the generator.
        tries: searches.
        number: of points in a generation.

    Returns:
        (d,).
    """

    def steady(points: np.ndarray) -> np.ndarray:
        found, finer = size(points, 1), size(points, 2)
        # beside a node a step decides which way a run goes
        return np.where(np.abs(finer - found) <= STEADY * finer, finer, -np.inf)

    best = maximised(
        lambda points: size(points, 1),
        dimension,
        np.random.default_rng(seed),
        tries,
        number,
    )
    if np.isfinite(steady(best[None])[0]):
        return best
    return maximised(steady, dimension, np.random.default_rng(seed), tries, number)
