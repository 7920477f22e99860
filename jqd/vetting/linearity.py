"""Superposition: whether equal density operators stay equal."""

from functools import partial

import numpy as np

from ..laws import Law
from .card import Row, Verdict, judged
from .runs import Runs, distance
from .search import worst
from .states import States


def quartets(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """ψ, φ, (ψ+φ)/√N_s, (ψ-φ)/√N_d of normalised coefficients, (K, 4, m)."""
    both = np.stack([first, second, first + second, first - second], axis=1)
    sizes = np.linalg.norm(both, axis=-1, keepdims=True)
    return both / np.where(sizes > 0, sizes, 1)


def parallelogram(
    runs: Runs, law: Law, states: States, pairs: np.ndarray, finer: int = 1
) -> np.ndarray:
    """Distance of two mixtures of the same density operator, the largest over times.

    P = TV(N_s/4 p[s] + N_d/4 p[d], ½ p[ψ] + ½ p[φ]), s = ψ + φ, d = ψ - φ.

    Args:
        runs: steps.
        law: what moves them.
        states: what coefficients stand for.
        pairs: coefficients of ψ and φ, (K, 2, m), normalised.
        finer: by which steps are shortened.

    Returns:
        (K,).
    """
    four = quartets(pairs[:, 0], pairs[:, 1])
    overlap = np.real(np.sum(np.conj(pairs[:, 0]) * pairs[:, 1], axis=-1))
    weight = (0.5 * (1 + overlap))[:, None, None]
    kets = states.kets(four.reshape(-1, four.shape[-1]))
    p = runs(law, kets, finer)
    p = p.reshape(len(pairs), 4, *p.shape[1:])
    mixed = weight * p[:, 2] + (1 - weight) * p[:, 3]
    return distance(mixed, 0.5 * (p[:, 0] + p[:, 1])).max(-1)


def _forms(coefficients: np.ndarray) -> np.ndarray:
    """Real coordinates of |c⟩⟨c|, (K, m²), in which a linear law is linear."""
    product = coefficients[:, :, None] * np.conj(coefficients[:, None, :])
    m = coefficients.shape[-1]
    upper = np.triu_indices(m, 1)
    diagonal = np.real(np.diagonal(product, axis1=1, axis2=2))
    above = product[:, *upper]
    return np.concatenate([diagonal, np.real(above), np.imag(above)], axis=-1)


def left_over(
    runs: Runs, law: Law, states: States, key: np.random.Generator, finer: int = 1
) -> float:
    """What the best quadratic form of ψ leaves of probabilities, at worst.

    Least squares over 2m² random states, the residual over as many others: where it is
    at its floor, every probability that was tried is tr ρE, as of a linear law.
    """
    m = states.size
    known, held = states.random(key, 2 * m**2), states.random(key, 2 * m**2)
    p = runs(law, states.kets(np.concatenate([known, held])), finer)
    p = p.reshape(len(p), -1)
    fit, *_ = np.linalg.lstsq(_forms(known), p[: len(known)], rcond=None)
    rest = p[len(known) :] - _forms(held) @ fit
    return float(distance(rest.reshape(len(held), runs.looks + 1, -1), 0.0).max())


def superposition(
    runs: Runs,
    law: Law,
    states: States,
    seed: int,
    tries: int,
    fixed: np.ndarray | None = None,
) -> Row:
    """The row: one quadratic form first; where it fails, a search for the worst pair.

    A pair of coefficients that is given, (2, m), stands for itself alone.
    """
    name = "superposition"
    if fixed is not None:
        unit = fixed / np.linalg.norm(fixed, axis=-1, keepdims=True)
        coarse, fine = (
            float(parallelogram(runs, law, states, unit[None], k)[0]) for k in (1, 2)
        )
        return judged(name, coarse, fine, "of the pair that was given")
    coarse, fine = (
        left_over(runs, law, states, np.random.default_rng(seed), k) for k in (1, 2)
    )
    tried = f"{2 * states.size**2} states of {states.size} dimensions"
    linear = judged(name, coarse, fine, f"one quadratic form of ψ, tried on {tried}")
    if linear.verdict is Verdict.HOLDS:
        return linear

    def size(runs: Runs, points: np.ndarray, finer: int) -> np.ndarray:
        return parallelogram(runs, law, states, states.pairs(points), finer)

    best = worst(partial(size, runs.sparing), 4 * states.size, seed, tries)
    coarse, fine = (float(size(runs, best[None], k)[0]) for k in (1, 2))
    return judged(name, coarse, fine, f"the worst found, searches: {tries}")
