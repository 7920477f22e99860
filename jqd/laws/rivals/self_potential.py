"""Rivals of kets: departures from Schrödinger, potentials of their own density."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..._math import expi, safe_log
from ...constants import Scales, free, parts
from ...spaces.hamiltonians import OnGrid
from ...steppers import Flows, rk4, strang
from ...steppers.flows import general_flow
from ..groups import SAME, Exact, Lens
from ..schrodinger import Schrodinger
from ..wrapped import Wrapped
from .quantum import read_quantum


class Departure(Wrapped):
    """A law that moves ψ, or ρ, as `quantum` does, and adds a term of its own.

    Attributes:
        quantum: Schrödinger's law, with H and ħ.
    """

    # a density operator holds no ψ
    lens: ClassVar[Lens | None] = None
    quantum: Schrodinger = parts(read=read_quantum)

    @property
    def inner(self) -> Schrodinger:
        """Schrödinger's law, without the term added."""
        return self.quantum

    @abc.abstractmethod
    def vector_field(self, t: ArrayLike, state: Any, args: Any = None) -> Any:
        """Time derivative of the state."""

    def on(self, quantum: Schrodinger) -> Any:
        """The same law with another H, on the same grid where there is one."""
        return eqx.tree_at(lambda law: law.quantum, self, quantum)


class DepartureOfKets(Departure):
    """A departure whose state is ψ, or a state with the density |ψ|²."""

    lens = SAME


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


class Logarithmic(SelfPotential):
    """iħ dψ/dt = (H - b ln ρ) ψ.

    On a grid ρ is in units of one over the unit of volume: another unit turns the phase
    of ψ and changes nothing else. The law conserves the norm and ⟨H⟩ - b ∫ρ (ln ρ - 1).
    Where ρ = 0 the phase stands still. Near such places ln ρ turns the phase fast, and
    steps must be short: two humps in a trap need dt below about 0.006 before the order
    of a method shows.

    Attributes:
        quantum: Schrödinger's law, with H and ħ; or a matrix H, with ħ = 1.
        b: strength, energy, scalar; 0 in quantum mechanics.

    Source: I. Białynicki-Birula, J. Mycielski (1976) Ann. Phys. 100, 62.
    """

    b: Float[Array, ""] = free(
        quantum=0.0, span=(-0.5, 0.5), unit="energy", default=0.0
    )

    def self_potential(self, rho: Float[Array, "..."]) -> Float[Array, "..."]:
        """-b ln ρ, and 0 where ρ = 0."""
        return -self.b * safe_log(rho)

    def self_energy(self, rho: Float[Array, "..."]) -> Float[Array, ""]:
        """-b Σ ρ (ln ρ - 1)."""
        return -self.b * jnp.sum(rho * (safe_log(rho) - 1))


def _unit(law: "GrossPitaevskii", scales: Scales) -> Array:
    """Energy times volume."""
    grid = law.quantum.grid
    return scales.energy * jnp.asarray(scales.length) ** (
        0 if grid is None else grid.ndim
    )


class GrossPitaevskii(SelfPotential):
    """iħ dψ/dt = (H + g |ψ|²) ψ.

    This is the mean field of many atoms; it is a rival law only where ψ is that of one
    particle. It conserves the norm and ⟨H⟩ + g/2 ∫ρ². It is not homogeneous: 2ψ moves
    differently from ψ.

    Attributes:
        quantum: Schrödinger's law, with H and ħ; or a matrix H, with ħ = 1.
        g: strength, scalar, energy times volume (on a grid) or energy; 0 in quantum
            mechanics.

    Source: E. P. Gross (1961) Nuovo Cimento 20, 454; L. P. Pitaevskii (1961) Sov. Phys.
    JETP 13, 451.
    """

    g: Float[Array, ""] = free(quantum=0.0, span=(-0.5, 0.5), unit=_unit, default=0.0)

    def self_potential(self, rho: Float[Array, "..."]) -> Float[Array, "..."]:
        """g ρ."""
        return self.g * rho

    def self_energy(self, rho: Float[Array, "..."]) -> Float[Array, ""]:
        """g/2 Σ ρ²."""
        return self.g / 2 * jnp.sum(rho**2)
