"""Superposition: whether equal density operators stay equal."""

from functools import partial

import numpy as np

from ..laws import Law
from .card import Row, Verdict, judged
from .runs import Runs, distance
from .search import NOWHERE, POINTS, worst
from .states import States, matrix_of

# Number of pairs in a generation of the search on a grid.
ON_GRIDS = 48


def _normalised(kets: np.ndarray, cell: float) -> np.ndarray:
    """Kets (..., *shape), flat, over their norms, (..., n)."""
    sizes = np.linalg.norm(kets, axis=-1, keepdims=True) * np.sqrt(cell)
    return kets / np.where(sizes > 0, sizes, 1)


def parallelogram(
    runs: Runs, law: Law, states: States, pairs: np.ndarray, finer: int = 1
) -> np.ndarray:
    """Largest distance over times of two mixtures of the same density operator.

    P = TV(N_s/4 p[s] + N_d/4 p[d], ½ p[ψ] + ½ p[φ]), s = ψ + φ, d = ψ - φ.

    Args:
        runs: time and steps of the runs.
        law: the law that moves the kets.
        states: the kind of the kets.
        pairs: ψ and φ, (K, 2, *shape), normalised.
        finer: factor by which steps are shortened.

    Returns:
        (K,); NaN for pairs with a ket that may not be tried.
    """
    shape = pairs.shape[2:]
    flat = pairs.reshape(len(pairs), 2, -1)
    first, second = flat[:, 0], flat[:, 1]
    four = np.stack([first, second, first + second, first - second], axis=1)
    four = _normalised(four, states.cell)
    overlap = states.cell * np.real(np.sum(np.conj(first) * second, axis=-1))
    weight = (0.5 * (1 + overlap))[:, None, None]
    kets = four.reshape(len(pairs), 4, *shape)
    # one program for a whole search: a pair that may not be tried is replaced
    tried = states.admitted(kets).all(-1)
    kets = np.where(tried.reshape(-1, *[1] * (kets.ndim - 1)), kets, pairs[:1, :1])
    p = runs(law, kets.reshape(-1, *shape), finer)
    p = p.reshape(len(pairs), 4, *p.shape[1:])
    mixed = weight * p[:, 2] + (1 - weight) * p[:, 3]
    found = distance(mixed, 0.5 * (p[:, 0] + p[:, 1])).max(-1)
    return np.where(tried, found, np.nan)


def _forms(coefficients: np.ndarray) -> np.ndarray:
    """Real coordinates of ρ, (K, m²), in which a linear law is linear.

    Args:
        coefficients: of kets, (K, m), or density operators, (K, m, m).
    """
    product = coefficients
    if coefficients.ndim == 2:
        product = coefficients[:, :, None] * np.conj(coefficients[:, None, :])
    m = coefficients.shape[-1]
    upper = np.triu_indices(m, 1)
    diagonal = np.real(np.diagonal(product, axis1=1, axis2=2))
    above = product[:, *upper]
    return np.concatenate([diagonal, np.real(above), np.imag(above)], axis=-1)


def takes_mixtures(law: Law, quantum: Law, size: int) -> bool:
    """Whether the state of a law of a matrix is a density operator."""
    if matrix_of(quantum) is None:
        return False
    first = np.eye(size, dtype=complex)[0]
    state = law.prepare(first)
    # several kets may have the shape of one
    return np.shape(state) == (size, size) and np.allclose(
        np.asarray(state), np.outer(first, first)
    )


def mixtures(states: States, key: np.random.Generator, number: int) -> np.ndarray:
    """Density operators that mix two drawn kets, (number, m, m)."""
    kets = states.random(key, 2 * number).reshape(number, 2, -1)
    share = key.uniform(size=(number, 1))
    weight = np.sqrt(np.concatenate([share, 1 - share], axis=1))[..., None]
    kets = weight * kets
    return np.einsum("kja,kjb->kab", kets, np.conj(kets))


def left_over(
    runs: Runs,
    law: Law,
    states: States,
    key: np.random.Generator,
    finer: int,
    mixed: bool,
) -> tuple[float, int]:
    """The largest residual of probabilities after the best linear form of ρ.

    The form is fitted by least squares to 2m² random kets. The residual is that of as
    many others and, where the law takes them, as many mixtures. Where it is at its
    noise floor, every probability that was tried is tr ρE, as for a linear law.
    """
    m = states.size
    drawn = states.random(key, 4 * m**2)
    p = runs(law, states.kets(drawn), finer)
    p = p.reshape(len(p), -1)
    there = np.isfinite(p).all(-1)
    ended = int(np.sum(~there))
    if ended > m**2:
        return np.nan, ended
    known, held = drawn[there][: 2 * m**2], drawn[there][2 * m**2 :]
    p = p[there]
    fit, *_ = np.linalg.lstsq(_forms(known), p[: len(known)], rcond=None)
    rest = p[len(known) :] - _forms(held) @ fit
    if mixed:
        drawn = mixtures(states, key, 2 * m**2)
        q = runs(law, drawn, finer).reshape(len(drawn), -1)
        rest = np.concatenate([rest, q - _forms(drawn) @ fit])
    gaps = distance(rest.reshape(len(rest), runs.looks + 1, -1), 0.0)
    return float(gaps.max()), ended


def affinity(
    runs: Runs, law: Law, states: States, seed: int, finer: int = 1
) -> np.ndarray:
    """TV(p[(ρ₁ + ρ₂)/2], (p[ρ₁] + p[ρ₂])/2) of drawn mixtures, largest over times."""
    key = np.random.default_rng(seed)
    one, two = (mixtures(states, key, 8 * states.size**2) for _ in range(2))
    p, q, both = (runs(law, rho, finer) for rho in (one, two, (one + two) / 2))
    return distance(both, (p + q) / 2).max(-1)


def superposition(
    runs: Runs,
    law: Law,
    quantum: Law,
    states: States,
    seed: int,
    tries: int,
    fixed: np.ndarray | None = None,
) -> Row:
    """The row: one linear form of ρ first; where it fails, a search for the worst pair.

    Where a pair is given, (2, *shape), only that pair is tried. Where the law takes
    density operators, mixtures of drawn ones count as well.
    """
    name = "superposition"
    if fixed is not None:
        unit = _normalised(fixed.reshape(2, -1), states.cell).reshape(fixed.shape)
        coarse, fine = (
            float(parallelogram(runs, law, states, unit[None], k)[0]) for k in (1, 2)
        )
        return judged(name, coarse, fine, "of the pair that was given")
    mixed = takes_mixtures(law, quantum, states.size)

    def residual(mixed: bool) -> tuple[float, float, int]:
        (coarse, _), (fine, ended) = (
            left_over(runs, law, states, np.random.default_rng(seed), k, mixed)
            for k in (1, 2)
        )
        return coarse, fine, ended

    coarse, fine, ended = residual(mixed)
    tried = f"{2 * states.size**2} kets of {states.size} dimensions"
    tried += " without nodes" if states.narrow is not None else ""
    tried += " and as many mixtures" if mixed else ""
    tried += f" but for {ended} that end" if ended else ""
    some = states.kets(states.random(np.random.default_rng(seed), states.size))
    grid = runs.lacking(law, some)
    note = f"one linear form of ρ, tried on {tried}"
    linear = judged(name, coarse, fine, note, grid)
    # nor does a search help where steps are too coarse to decide
    coarse_steps = linear.verdict is Verdict.NOT_DECIDED and "coarse" in linear.note
    if linear.verdict is Verdict.HOLDS or coarse_steps or linear.figure is None:
        return linear

    of_mixtures = None
    if mixed:
        each = [affinity(runs, law, states, seed, k) for k in (1, 2)]
        top = int(np.argmax(each[1]))
        note = f"of mixtures, the worst of {len(each[1])}"
        of_mixtures = judged(name, float(each[0][top]), float(each[1][top]), note)
        kets = judged(name, *residual(False)[:2])
        if kets.verdict is Verdict.HOLDS:
            return of_mixtures

    def size(runs: Runs, points: np.ndarray, finer: int) -> np.ndarray:
        kets = states.kets(states.pairs(points).reshape(-1, states.size))
        pairs = kets.reshape(len(points), 2, *kets.shape[1:])
        return parallelogram(runs, law, states, pairs, finer)

    # a generation of kets on a grid takes as long as many of a matrix, and longer
    # where worst cases cannot be sought with fewer steps
    number = POINTS if matrix_of(quantum) is not None else ON_GRIDS
    tries = tries if runs.thrift > 1 else 1
    best = worst(partial(size, runs.sparing), 4 * states.size, seed, tries, number)
    if best is None:
        none = judged(name, np.nan, np.nan, NOWHERE)
        return none if of_mixtures is None else of_mixtures
    coarse, fine = (float(size(runs, best[None], k)[0]) for k in (1, 2))
    note = f"the worst found, searches: {tries}"
    note += ", without nodes" if states.narrow is not None else ""
    if of_mixtures is not None and (of_mixtures.figure or 0.0) > fine:
        return of_mixtures
    return judged(name, coarse, fine, note, grid)
