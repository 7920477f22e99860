"""Localisation: chance that gathers a particle on a grid in one place."""

import abc
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ... import _checks
from ...constants import parts, switch
from ...steppers import strang
from ..motion import StepNoise
from ..schrodinger import Schrodinger
from .collapse import draw_class, seen
from .decoherence import Decoherence
from .departure import DepartureOfKets
from .localisation_kernels import Kernel
from .on_grid import hamiltonian_of, read_on_grid

K = TypeVar("K", bound=Kernel)


class Localisation(DepartureOfKets, Generic[K]):
    """dψ = [-iH dt/ħ - ½ Σ_k (A_k - ⟨A_k⟩)² dt + Σ_k (A_k - ⟨A_k⟩) dW_k] ψ

    with channels A_k(x), functions of the position, that enter only through the rate
    at which two places lose their coherence, Γ(x - x') = ½ Σ_k (A_k(x) - A_k(x'))². Its
    mean is that of `Decoherence`. A step is half a step of H (Strang's), the exact
    measurement during dt, half a step of H:

        ψ(x) <- ψ(x) exp(B(x) - 2dt Γ(x - x_0)), normalised,

    B a Gaussian field with ⟨(B(x) - B(x'))²⟩ = 2Γ(x - x') dt; of weak order 2, exact at
    any dt where H = 0. No channel is looped over: B is made by FFT. x_0 is

    * drawn from |ψ|², the exact distribution: weights are martingales, and paths have
      no derivatives;
    * pathwise (`draw=False`): averaged over m = |ψ|² (1 + c (B - ⟨B⟩)), of which
      Γ(x - x_0) becomes Γ*m, c = 2/(1 + √(1 + 4dt ⟨Γ*|ψ|²⟩)). Mean and covariance of
      what is measured are exact to the order dt² of the step, and for one channel at
      any dt. Paths converge with order 1 and have derivatives under given noise.

    Attributes:
        quantum: Schrödinger's law on a grid, with H and ħ.
        kernel: Γ.
        draw: whether x_0 is drawn (static).
    """

    kernel: K = parts()
    draw: bool = switch(default=True)

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """The drift, without the noise."""
        grid, p = hamiltonian_of(self.quantum).grid, self._shares(state)
        # ½ Σ_k (A_k - ⟨A_k⟩)² = Γ*p - ½ ⟨Γ*p⟩
        lost = self.kernel.spread(grid, self.quantum.hbar, p)
        lost = lost - 0.5 * jnp.sum(p * lost)
        return self.quantum.vector_field(t, state, args) - lost * state

    def invariants(self, state: Array) -> dict[str, Array]:
        """The norm."""
        return {"norm": self.cell * jnp.sum(self.density(state))}

    @property
    def noise_shape(self) -> StepNoise:
        """Increments of the field and, if x_0 is drawn, a uniform number."""
        shape = self.kernel.noise(hamiltonian_of(self.quantum).grid)
        return StepNoise(shape, () if self.draw else None)

    @abc.abstractmethod
    def pathwise(self) -> "Localisation[K]":
        """The law with `draw=False`."""

    def mean_field(self) -> Decoherence:
        """The equation of the mean of |ψ⟩⟨ψ|."""
        return Decoherence(self.quantum, self.kernel)

    def step(
        self, t: ArrayLike, state: Array, dt: ArrayLike, w: StepNoise | None = None
    ) -> Array:
        """The state at t + dt under the noise w, which must be given.

        Args:
            t: time, scalar.
            state: ψ on the grid, complex.
            dt: step, scalar, positive.
            w: `increments` and, if x_0 is drawn, `uniforms`, as `noise_shape` says.

        Returns:
            ψ, normalised.
        """
        if w is None:
            raise ValueError("Argument `w` must be the noise of the step, but is None.")
        psi = strang(self.quantum, t, state, dt / 2)
        p = self._shares(psi)
        exponent = self._drawn(p, dt, w) if self.draw else self._followed(p, dt, w)
        # the largest weight is 1: no overflow, and a norm that does not vanish
        exponent = exponent - jax.lax.stop_gradient(jnp.max(seen(exponent, p)))
        psi = psi * jnp.exp(jnp.where(p > 0, exponent, 0))
        psi = psi / jnp.sqrt(self.cell * jnp.sum(self.density(psi)))
        return strang(self.quantum, t + dt / 2, psi, dt / 2)

    def _shares(self, psi: Array) -> Array:
        """|ψ|² of each point, of sum 1."""
        p = self.density(psi)
        return p / jnp.sum(p)

    def _drawn(self, p: Array, dt: ArrayLike, w: StepNoise) -> Array:
        """The exponent with x_0 drawn from p."""
        grid, hbar = hamiltonian_of(self.quantum).grid, self.quantum.hbar
        point = draw_class(jnp.ravel(p), w.uniforms)
        around = self.kernel.around(grid, hbar, point)
        return self.kernel.field(grid, hbar, w.increments) - 2 * dt * around

    def _followed(self, p: Array, dt: ArrayLike, w: StepNoise) -> Array:
        """The exponent as a smooth function of p."""
        grid, hbar = hamiltonian_of(self.quantum).grid, self.quantum.hbar
        field = self.kernel.field(grid, hbar, w.increments)
        rate = self.kernel.spread(grid, hbar, p)
        width = 4 * dt * jnp.maximum(jnp.sum(p * rate), 0)
        tilt = 2 / (1 + jnp.sqrt(1 + width)) * p * (field - jnp.sum(p * field))
        return field - 2 * dt * (rate + self.kernel.spread(grid, hbar, tilt))


def read_localised(quantum: Any, draw: bool) -> tuple[Schrodinger, bool]:
    """Schrödinger's law on a grid, and whether x_0 is drawn, checked.

    Raises:
        ValueError: no grid, an absorber; `draw` not a bool.
    """
    _checks.check_flags(draw=draw)
    return read_on_grid(quantum), bool(draw)
