"""Gisin's dissipative law: pure states that fall towards the ground state."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ..._math import abs2, divisor, expi, matmul
from ..._program import program
from ...constants import free, parts
from ...steppers.eigenbasis import kept_orbit
from ..groups import Exact
from ..law import norm_alone
from ..schrodinger import Schrodinger
from .quantum import at_all_times, read_matrix
from .self_potential import DepartureOfKets


class Gisin(DepartureOfKets):
    """iħ dψ/dt = H ψ + iλ (⟨H⟩ - H) ψ.

    In closed form ψ(t) ∝ exp(-(i + λ) H t/ħ) ψ(0): the shares of energies fall as
    p_k(0) exp(-2λ E_k t/ħ), normalised. The law conserves the norm and is irreversible.

    Attributes:
        quantum: Schrödinger's law, with H, a matrix that does not depend on time, and
            ħ; or the matrix, with ħ = 1.
        lam: λ, scalar; 0 in quantum mechanics.

    Source: N. Gisin (1981) J. Phys. A 14, 2259.
    """

    quantum: Schrodinger = parts(read=read_matrix)
    lam: Float[Array, ""] = free(quantum=0.0, span=(0, 0.5), default=0.0)

    # energy falls
    invariants = norm_alone

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-iHψ/ħ + λ (⟨H⟩ - H) ψ/ħ."""
        del args
        H, hbar = self.quantum.hamiltonian, self.quantum.hbar
        image = H.apply(state, t, hbar)
        n = jnp.sum(self.density(state))
        energy = jnp.sum(jnp.real(jnp.conj(state) * image)) / divisor(n)
        return (-1j * image + self.lam * (energy * state - image)) / hbar

    def exact(self) -> Exact:
        """States at all times by the closed form."""
        return Exact(orbit=self.orbit)

    def orbit(self, state0: Array, ts: Array) -> tuple[Complex[Array, "T n"], Array]:
        """The closed form from each time to the next, and a bound on its rounding."""

        def move(state: Array, dt: Array, made: Array) -> Array:
            return self.step_with(made, 0.0, state, dt)

        states = kept_orbit(self.made, move, state0, ts)
        H, hbar = at_all_times(self.quantum), self.quantum.hbar
        size = jnp.sqrt(jnp.sum(abs2(H))) * (1 + jnp.abs(self.lam)) / hbar
        return states, jnp.finfo(ts.dtype).eps * (1 + size * (ts - ts[0]))

    @program
    def step(self, t: ArrayLike, state: Array, dt: ArrayLike) -> Array:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The closed form: exact at any dt."""
        return self.step_with(self.made(dt), t, state, dt)

    def step_with(
        self, made: Array, t: ArrayLike, state: Array, dt: ArrayLike, *noise: Any
    ) -> Array:
        """As `step`, with what `made` gave for dt."""
        del t, dt, noise
        moved = made * state if made.ndim == 1 else matmul(made, state)
        before, after = (jnp.sum(self.density(psi)) for psi in (state, moved))
        return (jnp.sqrt(before / after) * moved).astype(state.dtype)

    def made(self, dt: ArrayLike) -> Array:
        """exp(-(i + λ) H dt/ħ) up to a factor, as a matrix or as its diagonal."""
        H, hbar = at_all_times(self.quantum), self.quantum.hbar
        # E is taken out of both parts alike: the real one would only scale ψ, and
        # might overflow; of the other one remains the phase
        if H.ndim == 1:
            E = jnp.min(H)
            moved = jnp.exp(-(1j + self.lam) * dt / hbar * (H - E))
        else:
            E = jnp.mean(jnp.diagonal(jnp.real(H)))
            unit = jnp.eye(H.shape[0], dtype=H.dtype)
            rate = -(1j + self.lam) * dt / hbar * (H - E * unit)
            moved = jax.scipy.linalg.expm(rate)
        return expi(-E * dt / hbar) * moved
