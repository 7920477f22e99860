"""Pairs of systems that do not interact: what one side learns of the other."""

from functools import partial

import jax.numpy as jnp
import numpy as np

from ..laws import Law
from .card import Row, absent, judged
from .runs import Runs, distance
from .search import worst

# The other system: a qubit that turns.
OTHER = np.array([[0.0, 0.4], [0.4, 0.0]])
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
NO_RULE = "the law gives no rule for pairs"


class Pair:
    """A system beside a qubit, and a state of both.

    Attributes:
        law: of the pair; `still` with a qubit that does not turn.
        ket: entangled, (2M,), the qubit's index the faster one.
        size: M.
    """

    def __init__(self, law: Law, still: Law, ket: np.ndarray) -> None:
        self.law, self.still = law, still
        self.ket, self.size = ket, ket.size // 2

    @classmethod
    def of(
        cls, law: Law, size: int, other: np.ndarray, ket: np.ndarray | None, seed: int
    ) -> "Pair | None":
        """The pair that the law makes, or None where it has no rule."""
        both, still = law.pair(jnp.asarray(other)), law.pair(jnp.zeros((2, 2)))
        if both is None or still is None:
            return None
        if ket is None:
            key = np.random.default_rng(seed)
            ket = key.normal(size=2 * size) + 1j * key.normal(size=2 * size)
            ket = ket / np.linalg.norm(ket)
        return cls(both, still, np.asarray(ket, dtype=complex))

    def own(self, runs: Runs, kets: np.ndarray, finer: int, law: Law | None = None):
        """Probabilities of the system alone, (K, looks, M)."""
        p = runs(self.law if law is None else law, kets, finer)
        return p.reshape(*p.shape[:2], self.size, 2).sum(-1)

    def turned(self, unitaries: np.ndarray) -> np.ndarray:
        """(1 ⊗ U) ψ, (K, 2M), of (K, 2, 2)."""
        table = self.ket.reshape(self.size, 2)
        return np.einsum("kab,nb->kna", unitaries, table).reshape(len(unitaries), -1)


def rotations(angles: np.ndarray) -> np.ndarray:
    """exp(-i a·σ) = cos|a| - i sinc|a| a·σ, (K, 2, 2), of (K, 3)."""
    size = np.linalg.norm(angles, axis=-1)[:, None, None]
    turn = np.sinc(size / np.pi) * np.tensordot(angles, PAULI, 1)
    return np.cos(size) * np.eye(2) - 1j * turn


def by_hamiltonian(runs: Runs, pair: Pair | None) -> Row:
    """S_V: whether the distant Hamiltonian is seen."""
    name = "signal by a distant Hamiltonian"
    if pair is None:
        return absent(name, NO_RULE)

    def size(finer: int) -> float:
        on, off = (
            pair.own(runs, pair.ket[None], finer, law) for law in (pair.law, pair.still)
        )
        return float(distance(on, off).max())

    return judged(name, size(1), size(2), "of an entangled state")


def by_unitary(
    runs: Runs,
    pair: Pair | None,
    seed: int,
    tries: int,
    fixed: np.ndarray | None = None,
) -> Row:
    """S_U: whether a distant rotation before the run is seen; the worst, or one."""
    name = "signal by a distant rotation"
    if pair is None:
        return absent(name, NO_RULE)

    def size(runs: Runs, unitaries: np.ndarray, finer: int) -> np.ndarray:
        kets = np.concatenate([pair.ket[None], pair.turned(unitaries)])
        p = pair.own(runs, kets, finer)
        return distance(p[1:], p[:1]).max(-1)

    if fixed is None:
        angles = worst(
            lambda points, finer: size(runs.sparing, rotations(points), finer),
            3, seed, tries,
        )  # fmt: skip
        turn = rotations(angles[None])
    else:
        turn = fixed[None]
    coarse, fine = (float(size(runs, turn, k)[0]) for k in (1, 2))
    return judged(name, coarse, fine, "assumes that any state can be prepared")


def by_measurement(runs: Runs, pair: Pair | None, seed: int, tries: int) -> Row:
    """S_M: whether the basis of a distant measurement is seen, outcomes averaged."""
    name = "signal by a distant measurement"
    if pair is None:
        return absent(name, NO_RULE)
    table = pair.ket.reshape(pair.size, 2)

    def means(runs: Runs, bases: np.ndarray, finer: int) -> np.ndarray:
        # columns of a basis are the outcomes
        seen = np.einsum("nb,kbo->kon", table, np.conj(bases))
        weight = np.sum(np.abs(seen) ** 2, axis=-1)
        kets = np.einsum("kon,kbo->konb", seen, bases)
        kets = kets / np.sqrt(np.maximum(weight, 1e-300))[..., None, None]
        p = pair.own(runs, kets.reshape(-1, 2 * pair.size), finer)
        p = p.reshape(len(bases), 2, *p.shape[1:])
        return np.sum(weight[:, :, None, None] * p, axis=1)

    def size(runs: Runs, points: np.ndarray, finer: int) -> np.ndarray:
        both = np.concatenate([points[:, :3], points[:, 3:]])
        first, second = np.split(means(runs, rotations(both), finer), 2)
        return distance(first, second).max(-1)

    best = worst(partial(size, runs.sparing), 6, seed, tries)
    coarse, fine = (float(size(runs, best[None], k)[0]) for k in (1, 2))
    return judged(name, coarse, fine, "outcomes collapse the state")


def of_products(runs: Runs, law: Law, pair: Pair | None, seed: int) -> list[Row]:
    """Separability and composability: products stay products, of the law alone."""
    names = "separability", "composability"
    if pair is None:
        return [absent(name, NO_RULE) for name in names]
    key = np.random.default_rng(seed)
    own = key.normal(size=(8, pair.size)) + 1j * key.normal(size=(8, pair.size))
    other = key.normal(size=(8, 2)) + 1j * key.normal(size=(8, 2))
    own, other = (a / np.linalg.norm(a, axis=-1, keepdims=True) for a in (own, other))
    kets = np.einsum("kn,kb->knb", own, other).reshape(8, -1)

    def size(finer: int) -> tuple[float, float]:
        both = runs(pair.law, kets, finer)
        table = both.reshape(*both.shape[:2], pair.size, 2)
        first, second = table.sum(-1), table.sum(-2)
        product = first[..., :, None] * second[..., None, :]
        apart = distance(both, product.reshape(both.shape)).max()
        return float(apart), float(distance(first, runs(law, own, finer)).max())

    coarse, fine = size(1), size(2)
    return [
        judged(name, coarse[i], fine[i], "of 8 products")
        for i, name in enumerate(names)
    ]
