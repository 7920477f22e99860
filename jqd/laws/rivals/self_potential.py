"""Schrödinger's law with a potential made by its own density."""

import abc
from typing import Any

from jaxtyping import Array, ArrayLike, Float

from ..._math import expi
from ...spaces.hamiltonians import OnGrid
from ...steppers import Flows, rk4, strang
from ...steppers.flows import general_flow
from ..groups import Exact
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
        """E[ρ] with U = δE/δρ, which added to ⟨H⟩ is the energy that is conserved."""

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-i (H + U[ρ]) ψ / ħ."""
        own = self.self_potential(self.density(state)) * state
        moved = self.quantum.vector_field(t, state, args)
        return moved - 1j / self.quantum.hbar * own

    def exact(self) -> Exact:
        """On a grid V + U[ρ] (outer) and the kinetic flow; a matrix has none."""
        return Exact(flows=self._flows)

    def _flows(self) -> Flows | None:
        H, hbar = self.quantum.hamiltonian, self.quantum.hbar
        flows = self.quantum.exact().flows()
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
