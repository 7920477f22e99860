"""Pairs of systems that do not interact: signals from one side to the other."""

from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from .._math import abs2
from ..laws import Law, Schrodinger
from ..spaces.grids import Grid
from .card import Row, absent, judged
from .runs import Runs, distance
from .search import NOWHERE, worst
from .states import States, particle_of

# The other system: a qubit that turns; beside a grid, a wave of this height on it. Both
# in units of the energy of the law.
OTHER = np.array([[0.0, 0.4], [0.4, 0.0]])
HEIGHT = 0.5
# Number of products that are tried, of a matrix and of a grid.
PRODUCTS, ON_GRIDS = 8, 3
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
NO_RULE = "the law gives no rule for pairs"
ONLY = "beside a particle only its Hamiltonian is changed"


class Pair(NamedTuple):
    """A system beside a qubit, or a particle beside another, and a state of both.

    Attributes:
        law: of the pair; `still` is that with another system that does not move.
        ket: entangled ket, (M N,) or (M, N), the other's index running faster.
        sizes: M and N.
        cells: volume that a point of each stands for.
    """

    law: Law
    still: Law
    ket: np.ndarray
    sizes: tuple[int, int]
    cells: tuple[float, float]

    @classmethod
    def of(
        cls, law: Law, quantum: Law, states: States, other: Any,
        ket: np.ndarray | None, seed: int, energy: float,
    ) -> "Pair | None":  # fmt: skip
        """The pair that the law forms, or None where it has no rule for pairs."""
        H = particle_of(quantum)
        if H is not None and isinstance(quantum, Schrodinger):
            if H.grid.ndim > 1:
                return None
            x = _turn(H.grid)
            flat, wave = (
                Schrodinger.on_grid(H.grid, V, mass=H.mass, hbar=quantum.hbar)
                for V in (np.zeros(x.size), energy * HEIGHT * np.cos(x))
            )
            moving = wave if other is None else other
            both, still = law.pair(moving), law.pair(flat)
            sizes, cells = (x.size, x.size), (H.grid.cell, H.grid.cell)
        else:
            moving = jnp.asarray(energy * OTHER if other is None else other)
            both, still = law.pair(moving), law.pair(jnp.zeros((2, 2)))
            sizes, cells = (states.size, 2), (1.0, 1.0)
        if both is None or still is None:
            return None
        if ket is None:
            ket = _entangled(states, H.grid if H is not None else None, seed)
        return cls(both, still, np.asarray(ket, dtype=complex), sizes, cells)

    @property
    def on_grids(self) -> bool:
        """Whether both systems are particles on grids."""
        return self.ket.ndim == 2

    def own(self, runs: Runs, kets: np.ndarray, finer: int, law: Law | None = None):
        """Probabilities of the system alone, (K, looks, M)."""
        p = runs(self.law if law is None else law, kets, finer)
        return p.reshape(*p.shape[:2], *self.sizes).sum(-1)

    def turned(self, unitaries: np.ndarray) -> np.ndarray:
        """(1 ⊗ U) ψ, (K, 2M), of (K, 2, 2)."""
        table = self.ket.reshape(self.sizes)
        return np.einsum("kab,nb->kna", unitaries, table).reshape(len(unitaries), -1)


def _turn(grid: Grid) -> np.ndarray:
    """Coordinates of a ring in radians."""
    ((lower, upper),) = grid.bounds
    return 2 * np.pi * np.asarray(grid.x) / (upper - lower)


def _entangled(states: States, grid: Grid | None, seed: int) -> np.ndarray:
    """Drawn beside a qubit; beside a particle the ground state with waves of both."""
    if grid is None:
        key = np.random.default_rng(seed)
        ket = key.normal(size=2 * states.size) + 1j * key.normal(size=2 * states.size)
        return ket / np.linalg.norm(ket)
    x, y = _turn(grid)[:, None], _turn(grid)[None, :]
    waves = 0.3 * np.exp(1j * x) + 0.25 * np.exp(-1j * y) + 0.35 * np.exp(1j * (x - y))
    waves = waves if states.narrow is None else 0.5 * waves
    ket = states.basis[0][:, None] * (1 + waves)
    return ket / (np.linalg.norm(ket) * grid.cell)


def rotations(angles: np.ndarray) -> np.ndarray:
    """exp(-i a·σ) = cos|a| - i sinc|a| a·σ, (K, 2, 2), of (K, 3)."""
    size = np.linalg.norm(angles, axis=-1)[:, None, None]
    turn = np.sinc(size / np.pi) * np.tensordot(angles, PAULI, 1)
    return np.cos(size) * np.eye(2) - 1j * turn


def by_hamiltonian(runs: Runs, pair: Pair | None) -> Row:
    """S_V: whether the system depends on the distant Hamiltonian."""
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
    """S_U: whether the system depends on a distant rotation, the worst or one given."""
    name = "signal by a distant rotation"
    if pair is None or pair.on_grids:
        return absent(name, NO_RULE if pair is None else ONLY)

    def size(runs: Runs, unitaries: np.ndarray, finer: int) -> np.ndarray:
        kets = np.concatenate([pair.ket[None], pair.turned(unitaries)])
        p = pair.own(runs, kets, finer)
        return distance(p[1:], p[:1]).max(-1)

    if fixed is None:
        angles = worst(
            lambda points, finer: size(runs.sparing, rotations(points), finer),
            3, seed, tries,
        )  # fmt: skip
        if angles is None:
            return judged(name, np.nan, np.nan, NOWHERE)
        turn = rotations(angles[None])
    else:
        turn = fixed[None]
    coarse, fine = (float(size(runs, turn, k)[0]) for k in (1, 2))
    return judged(name, coarse, fine, "assumes that any state can be prepared")


def by_measurement(runs: Runs, pair: Pair | None, seed: int, tries: int) -> Row:
    """S_M: whether the mean over outcomes depends on a distant measurement's basis."""
    name = "signal by a distant measurement"
    if pair is None or pair.on_grids:
        return absent(name, NO_RULE if pair is None else ONLY)
    table = pair.ket.reshape(pair.sizes)

    def means(runs: Runs, bases: np.ndarray, finer: int) -> np.ndarray:
        # columns of a basis are the outcomes
        seen = np.einsum("nb,kbo->kon", table, np.conj(bases))
        weight = np.sum(abs2(seen), axis=-1)
        kets = np.einsum("kon,kbo->konb", seen, bases)
        kets = kets / np.sqrt(np.maximum(weight, 1e-300))[..., None, None]
        p = pair.own(runs, kets.reshape(-1, 2 * pair.sizes[0]), finer)
        p = p.reshape(len(bases), 2, *p.shape[1:])
        return np.sum(weight[:, :, None, None] * p, axis=1)

    def size(runs: Runs, points: np.ndarray, finer: int) -> np.ndarray:
        both = np.concatenate([points[:, :3], points[:, 3:]])
        first, second = np.split(means(runs, rotations(both), finer), 2)
        return distance(first, second).max(-1)

    best = worst(partial(size, runs.sparing), 6, seed, tries)
    if best is None:
        return judged(name, np.nan, np.nan, NOWHERE)
    coarse, fine = (float(size(runs, best[None], k)[0]) for k in (1, 2))
    return judged(name, coarse, fine, "outcomes collapse the state")


def of_products(
    runs: Runs, law: Law, states: States, pair: Pair | None, seed: int
) -> list[Row]:
    """Separability: products stay products; composability: as by the law alone."""
    names = "separability", "composability"
    if pair is None:
        return [absent(name, NO_RULE) for name in names]
    key = np.random.default_rng(seed)
    number = ON_GRIDS if pair.on_grids else PRODUCTS
    own, other = states.random(key, number), _partners(pair, key, number)
    own = states.kets(own)
    kets = np.einsum("kn,kb->knb", own, other).reshape(number, *pair.ket.shape)

    def size(finer: int) -> tuple[float, float]:
        both = runs(pair.law, kets, finer)
        table = both.reshape(*both.shape[:2], *pair.sizes)
        first, second = table.sum(-1), table.sum(-2)
        product = first[..., :, None] * second[..., None, :]
        apart = distance(both, product.reshape(both.shape)).max()
        return float(apart), float(distance(first, runs(law, own, finer)).max())

    coarse, fine = size(1), size(2)
    return [
        judged(name, coarse[i], fine[i], f"of {number} products")
        for i, name in enumerate(names)
    ]


def _partners(pair: Pair, key: np.random.Generator, number: int) -> np.ndarray:
    """Kets of the other system, (number, N): beside a particle without nodes."""
    n = pair.sizes[1]
    if not pair.on_grids:
        other = key.normal(size=(number, n)) + 1j * key.normal(size=(number, n))
        return other / np.linalg.norm(other, axis=-1, keepdims=True)
    shares = 0.3 * np.exp(2j * np.pi * key.uniform(size=(number, 2, 1)))
    x = 2 * np.pi * np.arange(n) / n
    other = 1 + shares[:, 0] * np.exp(1j * x) + shares[:, 1] * np.exp(-1j * x)
    size = np.linalg.norm(other, axis=-1, keepdims=True) * np.sqrt(pair.cells[1])
    return other / size
