"""Schrödinger's law with a potential that its own density makes."""

import abc
from typing import Any

from jaxtyping import Array, ArrayLike, Float

from ..._math import expi
from ...spaces.driven import Driven
from ...spaces.hamiltonians import OnGrid
from ...spaces.particles import ParticlesOnGrid
from ...steppers import Flows, rk4, strang
from ...steppers.flows import general_flow
from ..schrodinger import Schrodinger
from .departure import DepartureOfKets


class SelfPotential(DepartureOfKets):
    """iħ dψ/dt = (H + U[ρ]) ψ,  ρ = |ψ|²,  U real.

    On a grid U + V is an exact flow, since ρ does not change in it, and the conditions
    of Runge-Kutta-Nyström splittings hold as they do for V alone: `srkn6` and `srkn11`
    keep their order. Masses may differ, and there may be a vector potential.

    Attributes:
        quantum: Schrödinger's law, with H and ħ.
    """

    @abc.abstractmethod
    def self_potential(self, rho: Float[Array, "..."]) -> Float[Array, "..."]:
        """U[ρ], in energy units."""

    @abc.abstractmethod
    def self_energy(self, rho: Float[Array, "..."]) -> Float[Array, ""]:
        """E[ρ] with U = δE/δρ: what it adds to ⟨H⟩ in the energy that is conserved."""

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-i (H + U[ρ]) ψ / ħ."""
        own = self.self_potential(self.density(state)) * state
        moved = self.quantum.vector_field(t, state, args)
        return moved - 1j / self.quantum.hbar * own

    def flows(self) -> Flows | None:
        """On a grid V + U[ρ] (outer) and the kinetic flow; a matrix has none."""
        H, hbar = self.quantum.hamiltonian, self.quantum.hbar
        flows = self.quantum.flows()
        if flows is None or not isinstance(H, OnGrid):
            return None

        def kick(t: ArrayLike, state: Array, dt: ArrayLike) -> Array:
            U = self.self_potential(self.density(state))
            angle = dt / hbar * (H.potential(H.grid, t) + U)
            turn = expi(-angle)
            return turn.astype(state.dtype) * state

        own = general_flow(kick, H.potential.autonomous)
        return Flows(own, flows.inner, flows.reach, flows.reason)

    @property
    def stepper(self) -> Any:
        """Strang's splitting on a grid, Runge-Kutta's for a matrix."""
        return rk4 if self.quantum.grid is None else strang

    def invariants(self, state: Array) -> dict[str, Array]:
        """The norm and, without explicit time, ⟨H⟩ + E[ρ]."""
        known = self.quantum.invariants(state)
        if "energy" in known:
            own = self.cell * self.self_energy(self.density(state))
            known["energy"] = known["energy"] + own
        return known


def read_quantum(H: Any, name: str = "H") -> Schrodinger:
    """Schrödinger's law for what a user gives as H.

    Args:
        H: a matrix, as `Schrodinger` takes it, or a `Schrodinger` itself.
        name: what the caller calls it.

    Raises:
        ValueError: it has an absorber, which a potential of ρ goes badly with, or
            pointers; or see `Schrodinger`.
    """
    try:
        law = H if isinstance(H, Schrodinger) else Schrodinger(H)
    except ValueError as error:
        words = str(error).replace("`hamiltonian", f"`{name}", 1)
        raise ValueError(words) from None
    if law.absorbs:
        raise ValueError(
            "Argument `H` must not have an absorber for a law with a potential of its "
            "own, but has one: U[ρ] of what is left would change as it is absorbed."
        )
    if isinstance(law.hamiltonian, ParticlesOnGrid) and law.hamiltonian.couplings:
        raise ValueError(
            "Argument `H` must not have couplings for a law with a potential of its "
            "own, but has: they move what U[ρ] is made of."
        )
    return law


def at_all_times(law: Schrodinger, name: str) -> Array:
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
