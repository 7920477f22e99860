"""The states that a law is tried with."""

from typing import NamedTuple

import numpy as np

from ..exact import eigenstates
from ..laws import Law, Schrodinger
from ..spaces.hamiltonians import MatrixHamiltonian, ParticleOnGrid

# Of a grid, the states of lowest energy that are combined.
LOWEST = 5


class States(NamedTuple):
    """Kets as combinations of some that are orthonormal.

    Attributes:
        basis: (m, *shape).
        cell: the volume that a point stands for.
    """

    basis: np.ndarray
    cell: float

    @property
    def size(self) -> int:
        """m."""
        return len(self.basis)

    def kets(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ c_k basis_k, (K, *shape)."""
        return np.tensordot(coefficients, self.basis, 1)

    def random(self, key: np.random.Generator, number: int) -> np.ndarray:
        """Coefficients of kets drawn evenly, (number, m)."""
        drawn = key.normal(size=(number, 2 * self.size))
        return self.read(drawn)

    def read(self, points: np.ndarray) -> np.ndarray:
        """Normalised coefficients, (K, m), of real numbers, (K, 2m)."""
        c = points[:, : self.size] + 1j * points[:, self.size :]
        return c / np.linalg.norm(c, axis=-1, keepdims=True)

    def pairs(self, points: np.ndarray) -> np.ndarray:
        """Two of them, (K, 2, m), of real numbers, (K, 4m)."""
        half = points.shape[-1] // 2
        return np.stack([self.read(points[:, :half]), self.read(points[:, half:])], 1)


def matrix_of(quantum: Schrodinger) -> np.ndarray | None:
    """H of a law of a matrix, (M, M); None on a grid, or with a drive."""
    H = quantum.hamiltonian
    return np.asarray(H.dense) if isinstance(H, MatrixHamiltonian) else None


def particle_of(quantum: Schrodinger) -> ParticleOnGrid | None:
    """The particle of a law on a grid, or None."""
    H = quantum.hamiltonian
    return H if isinstance(H, ParticleOnGrid) else None


def states_of(law: Law, quantum: Schrodinger) -> States:
    """All kets of a matrix; of a grid those of its lowest eigenstates.

    Raises:
        ValueError: neither a matrix nor a particle on a grid.
    """
    matrix, particle = matrix_of(quantum), particle_of(quantum)
    if matrix is not None:
        if matrix.shape[0] < 2:
            raise ValueError(
                "Argument `law` must have two levels or more, but has one."
            )
        return States(np.eye(matrix.shape[0], dtype=complex), 1.0)
    if particle is None:
        raise ValueError(
            "Argument `law` must depart from a matrix or a particle on a grid, at rest "
            "in time, but its Hamiltonian is another."
        )
    V = particle.potential(particle.grid, 0.0)
    _, modes = eigenstates(
        particle.grid, V, LOWEST, mass=particle.mass, hbar=quantum.hbar
    )
    return States(np.asarray(modes, dtype=complex), float(law.cell))


def eigenstates_of(quantum: Schrodinger, states: States) -> np.ndarray:
    """Eigenvectors of a matrix, or the states themselves on a grid, (m, *shape)."""
    matrix = matrix_of(quantum)
    return states.basis if matrix is None else np.linalg.eigh(matrix)[1].T
