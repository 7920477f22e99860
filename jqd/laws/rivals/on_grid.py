"""Schrödinger's law as what localises a particle needs it: on a grid."""

from typing import Any

from ...spaces.hamiltonians import ParticleOnGrid
from ..schrodinger import Schrodinger
from .self_potential import read_quantum


def read_on_grid(quantum: Any) -> Schrodinger:
    """A `Schrodinger` of one mass on a grid of one device, without an absorber.

    Raises:
        ValueError: it is anything else.
    """
    law = read_quantum(quantum, "quantum")
    if law.grid is None:
        raise ValueError(
            "Argument `quantum` must be a `Schrodinger` on a grid, but is of a matrix."
        )
    if law.grid.sharding is not None:
        raise ValueError(
            "Argument `quantum` must be on a grid of one device, but is on a sharded "
            "one."
        )
    hamiltonian_of(law)
    return law


def hamiltonian_of(quantum: Schrodinger) -> ParticleOnGrid:
    """H of a law on a grid that has no more to it than one mass and V.

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
