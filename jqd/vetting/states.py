"""The states that a law is tried with."""

from typing import NamedTuple

import numpy as np

from ..exact import eigenstates
from ..laws import Law, Schrodinger

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


def states_of(law: Law, quantum: Schrodinger) -> States:
    """All kets of a matrix; of a grid those of its lowest eigenstates."""
    if quantum.grid is None:
        matrix = quantum.hamiltonian.matrix
        return States(np.eye(matrix.shape[0], dtype=complex), 1.0)
    H = quantum.hamiltonian
    V = H.potential(H.grid, 0.0)
    _, modes = eigenstates(H.grid, V, LOWEST, mass=H.mass, hbar=quantum.hbar)
    return States(np.asarray(modes, dtype=complex), law.cell)
