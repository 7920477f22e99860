"""Schrödinger's law for the laws that hold it: a matrix, or a particle on a grid."""

from typing import Any

from jaxtyping import Array

from ...spaces.driven import Driven
from ...spaces.hamiltonians import OnGrid, ParticleOnGrid
from ...spaces.particles import ParticlesOnGrid
from ..schrodinger import Schrodinger


def read_quantum(H: Any, name: str = "quantum") -> Schrodinger:
    """Schrödinger's law for an H as a user gives it.

    Args:
        H: a matrix, as `Schrodinger` takes it, or a `Schrodinger` itself.
        name: the caller's name for it.

    Raises:
        ValueError: it has an absorber or pointers; or see `Schrodinger`.
    """
    try:
        law = H if isinstance(H, Schrodinger) else Schrodinger(H)
    except ValueError as error:
        words = str(error).replace("`hamiltonian", f"`{name}", 1)
        raise ValueError(words) from None
    if law.absorbs:
        raise ValueError(
            f"Argument `{name}` must not have an absorber for this law, but has one: "
            "the law would change with what is left of ρ."
        )
    if isinstance(law.hamiltonian, ParticlesOnGrid) and law.hamiltonian.couplings:
        raise ValueError(
            f"Argument `{name}` must not have couplings for this law, but has: they "
            "move ρ where the law does not see it."
        )
    return law


def read_levels(H: Any, name: str = "quantum") -> Schrodinger:
    """A `Schrodinger` of a matrix, which may be driven.

    Raises:
        ValueError: it is anything else.
    """
    law = read_quantum(H, name)
    if law.grid is not None:
        raise ValueError(f"Argument `{name}` must be a matrix, but is on a grid.")
    return law


def read_matrix(H: Any, name: str = "quantum") -> Schrodinger:
    """A `Schrodinger` of a matrix that does not depend on time.

    Raises:
        ValueError: it is anything else.
    """
    law = read_quantum(H, name)
    at_all_times(law, name)
    return law


def read_on_grid(quantum: Any, name: str = "quantum") -> Schrodinger:
    """A `Schrodinger` of one mass on a grid of one device, without an absorber.

    Raises:
        ValueError: it is anything else.
    """
    law = read_quantum(quantum, name)
    if law.grid is None:
        raise ValueError(
            f"Argument `{name}` must be a `Schrodinger` on a grid, but is of a matrix."
        )
    if law.grid.sharding is not None:
        raise ValueError(
            f"Argument `{name}` must be on a grid of one device, but is on a sharded "
            "one."
        )
    hamiltonian_of(law)
    return law


def at_all_times(law: Schrodinger, name: str = "quantum") -> Array:
    """The matrix of a law that must be a matrix, the same at all times.

    Raises:
        ValueError: it is on a grid, or driven.
    """
    H = law.hamiltonian
    if isinstance(H, OnGrid | Driven):
        raise ValueError(
            f"Argument `{name}` must be a matrix that does not depend on time, but is "
            f"a {type(H).__name__}."
        )
    return H.matrix


def hamiltonian_of(quantum: Schrodinger) -> ParticleOnGrid:
    """H of a law on a grid that has only one mass and V.

    Raises:
        ValueError: several masses, a vector potential or pointers.
    """
    H = quantum.hamiltonian
    if not isinstance(H, ParticleOnGrid):
        raise ValueError(
            "Argument `quantum` must be of one mass, without vector potential and "
            f"pointers, for this law, but is of a {type(H).__name__}."
        )
    return H
