"""The states with which a law is tested."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from .._math import abs2
from ..exact import eigenstates
from ..laws import HusimiFokkerPlanck, Law, Schrodinger
from ..spaces.hamiltonians import MatrixHamiltonian, ParticleOnGrid
from ..spaces.symbols import matrix
from .card import COARSE, ROUNDING
from .runs import Runs

# Number of states of lowest energy that are combined, of a grid or a mode.
LOWEST = 5
# Number of kets that are tried to see whether a law passes nodes.
DRAWN = 32
# Number of levels in which a mode is diagonalised.
LEVELS = 32
# Without nodes: the part of the ground state that waves may take away, their number.
SHARE, WAVES = 0.6, (1, -1, 2, -2)
# A density below this share of the largest one counts as a node.
NODE = 1e-3


class States(NamedTuple):
    """Kets as combinations of orthonormal ones.

    Attributes:
        basis: the orthonormal kets, (m, *shape).
        cell: the volume that a point stands for.
        narrow: coefficients of a ground state and of its waves, (m, m), where only
            kets without nodes are tried; None for all kets.
        every: the eigenstates that these kets then replace.
    """

    basis: np.ndarray
    cell: float
    narrow: np.ndarray | None = None
    every: "States | None" = None

    @property
    def size(self) -> int:
        """The number of basis kets, m."""
        return len(self.basis)

    @property
    def whole(self) -> "States":
        """The states that include kets with nodes."""
        return self if self.every is None else self.every

    def like(self, other: "States", quantum: Law) -> "States":
        """States of the kind of `other`, with nodes or without, on their own grid."""
        particle = particle_of(quantum)
        if other.narrow is None or particle is None:
            return self.whole
        return self if self.narrow is not None else _without_nodes(self, particle)

    def kets(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ c_k basis_k, (K, *shape)."""
        return np.tensordot(coefficients, self.basis, 1)

    def random(self, key: np.random.Generator, number: int) -> np.ndarray:
        """Coefficients of uniformly drawn kets, (number, m)."""
        drawn = key.normal(size=(number, 2 * self.size))
        return self.read(drawn)

    def read(self, points: np.ndarray) -> np.ndarray:
        """Normalised coefficients, (K, m), from real numbers, (K, 2m)."""
        c = points[:, : self.size] + 1j * points[:, self.size :]
        if self.narrow is not None:
            # the waves together stay below the ground state, of any phase
            first, waves = c[:, :1], c[:, 1:]
            sizes = np.abs(waves).sum(-1, keepdims=True)
            waves = SHARE * waves / np.maximum(sizes, 1)
            first = first / np.maximum(np.abs(first), 1e-300)
            c = np.concatenate([first, waves], axis=-1) @ self.narrow
        return c / np.linalg.norm(c, axis=-1, keepdims=True)

    def pairs(self, points: np.ndarray) -> np.ndarray:
        """Pairs of coefficients, (K, 2, m), from real numbers, (K, 4m)."""
        half = points.shape[-1] // 2
        return np.stack([self.read(points[:, :half]), self.read(points[:, half:])], 1)

    def admitted(self, kets: np.ndarray) -> np.ndarray:
        """Which kets (..., *shape) may be tried: with `narrow`, those without nodes."""
        dims = self.basis.ndim - 1
        rho = abs2(kets.reshape(*kets.shape[: kets.ndim - dims], -1))
        if self.narrow is None:
            return np.ones(rho.shape[:-1], bool)
        line = kets.reshape(rho.shape)
        around = np.angle(line * np.conj(np.roll(line, 1, axis=-1))).sum(-1)
        return (rho.min(-1) > NODE * rho.max(-1)) & (np.abs(around) < 1)


def matrix_of(quantum: Law) -> np.ndarray | None:
    """H of a law of a matrix, (M, M); None on a grid, or with a drive."""
    H = quantum.hamiltonian if isinstance(quantum, Schrodinger) else None
    return np.asarray(H.dense) if isinstance(H, MatrixHamiltonian) else None


def particle_of(quantum: Law) -> ParticleOnGrid | None:
    """The particle of a law on a grid, or None."""
    H = quantum.hamiltonian if isinstance(quantum, Schrodinger) else None
    return H if isinstance(H, ParticleOnGrid) else None


def refused(law: Law, kets: np.ndarray) -> str | None:
    """The reason why a law refuses one of these kets, or None."""
    for ket in kets:
        try:
            law.prepare(jnp.asarray(ket))
        except ValueError as error:
            return str(error).partition(", but ")[2] or str(error)
    return None


def levels_of(law: Law, quantum: Law) -> tuple[np.ndarray, States]:
    """Energies, and all kets of a matrix, or the lowest eigenstates of a grid or mode.

    Raises:
        ValueError: neither a matrix, a particle on a grid nor one mode; a C beyond
            the range that the kets of a mode admit.
    """
    H, particle = matrix_of(quantum), particle_of(quantum)
    if H is not None:
        if H.shape[0] < 2:
            raise ValueError(
                "Argument `law` must have two levels or more, but has one."
            )
        return np.linalg.eigvalsh(H), States(np.eye(H.shape[0], dtype=complex), 1.0)
    if isinstance(law, HusimiFokkerPlanck) and law.modes == 1:
        own = np.asarray(matrix(law.symbol, (LEVELS,), hbar=law.hbar))
        energies, modes = np.linalg.eigh(own)
        found = States(modes.T[:LOWEST].astype(complex), 1.0)
        for ket in found.kets(found.random(np.random.default_rng(0), LOWEST)):
            law.prepare(jnp.asarray(ket))  # raises beyond the window of C
        return energies[:LOWEST], found
    if particle is None or not isinstance(quantum, Schrodinger):
        raise ValueError(
            "Argument `law` must depart from a matrix, a particle of one mass on a "
            "grid or one mode, at rest in time, but its Hamiltonian is another."
        )
    V = particle.potential(particle.grid, 0.0)
    energies, modes = eigenstates(
        particle.grid, V, LOWEST, mass=particle.mass, hbar=quantum.hbar
    )
    states = States(np.asarray(modes, dtype=complex), float(law.cell))
    return np.asarray(energies), states


def time_unit(energies: np.ndarray, hbar: float) -> float:
    """The power of ten next to ħ over the spread of the levels; 1 where they agree."""
    scatter = float(np.std(energies))
    if not scatter > ROUNDING * np.abs(energies).max(initial=0):
        return 1.0
    return float(10.0 ** round(np.log10(hbar / scatter)))


def states_of(law: Law, quantum: Law, runs: Runs, every: States) -> States:
    """The kets to try: all states, except for a law on a grid that refuses some.

    Where a law on a grid refuses some of them, does not follow them to the end, or
    says that the grid does not hold them, its ground state and a few waves on it,
    without nodes, are tried instead.

    Args:
        law: the law.
        quantum: quantum law from which it departs.
        runs: the runs that follow it.
        every: all states, of `levels_of`.
    """
    particle = particle_of(quantum)
    if particle is None:
        return every
    drawn = every.kets(every.random(np.random.default_rng(0), DRAWN))
    if particle.grid.ndim > 1:
        return every
    if refused(law, drawn) is None:
        p, alarmed = runs.with_alarms(law, drawn, 2)
        ends = alarmed.any() or not np.isfinite(p).all()
        if not ends and runs.lacking(law, drawn) <= COARSE:
            return every
    return _without_nodes(every, particle)


def _without_nodes(every: States, particle: ParticleOnGrid) -> States:
    """The ground state, which has none, and waves on it that are periodic."""
    ((lower, upper),) = particle.grid.bounds
    turn = 2j * np.pi * np.asarray(particle.grid.x) / (upper - lower)
    ground = every.basis[0]
    waves = np.stack([ground, *(ground * np.exp(n * turn) for n in WAVES)])
    basis, mixed = np.linalg.qr(waves.T * np.sqrt(every.cell))
    return States(basis.T / np.sqrt(every.cell), every.cell, mixed.T, every)


def eigenstates_of(quantum: Law, states: States) -> np.ndarray | None:
    """Eigenvectors of a matrix, or the states themselves, (m, *shape).

    None where states without nodes stand for those of a grid.
    """
    H = matrix_of(quantum)
    if H is not None:
        return np.linalg.eigh(H)[1].T
    return states.basis if states.narrow is None else None
