"""Localisation: noise that gathers a particle on a grid in one place."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ...constants import constant, parts, switch
from ...steppers import strang
from ..groups import Chance, StepNoise
from ..law import norm_alone
from ..schrodinger import Schrodinger
from .collapse import draw_class, seen
from .decoherence import Decoherence
from .localisation_kernels import (
    GaussianDecay,
    Kernel,
    NewtonianDecay,
    QuadraticDecay,
    read_kernel,
)
from .quantum import hamiltonian_of, read_on_grid
from .self_potential import DepartureOfKets


class Localisation(DepartureOfKets):
    """dψ = [-iH dt/ħ - ½ Σ_k (A_k - ⟨A_k⟩)² dt + Σ_k (A_k - ⟨A_k⟩) dW_k] ψ

    with channels A_k(x), functions of the position, that enter only through the rate
    at which two places lose their coherence, Γ(x - x') = ½ Σ_k (A_k(x) - A_k(x'))². The
    mean of |ψ⟩⟨ψ| obeys `Decoherence`. A step is half a step of H (Strang's), the exact
    measurement during dt, and half a step of H:

        ψ(x) <- ψ(x) exp(B(x) - 2dt Γ(x - x_0)), normalised,

    B a Gaussian field with ⟨(B(x) - B(x'))²⟩ = 2Γ(x - x') dt; of weak order 2, exact at
    any dt where H = 0. B is made by FFT, with no loop over channels. x_0 is

    * drawn from |ψ|², the exact distribution: weights are martingales, and paths have
      no derivatives;
    * pathwise (`draw=False`): averaged over m = |ψ|² (1 + c (B - ⟨B⟩)), by which
      Γ(x - x_0) becomes Γ*m, c = 2/(1 + √(1 + 4dt ⟨Γ*|ψ|²⟩)). Mean and covariance of
      the measured values are exact to the order dt² of the step, and for one channel
      at any dt. Paths converge with order 1 and have derivatives under given noise.

    Attributes:
        quantum: Schrödinger's law on a grid, with H and ħ.
        kernel: Γ.
        draw: whether x_0 is drawn (static).
    """

    quantum: Schrodinger = parts(read=read_on_grid)
    kernel: Kernel = parts(read=read_kernel)
    draw: bool = switch(default=True)

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """The drift, without the noise."""
        grid, p = hamiltonian_of(self.quantum).grid, self._shares(state)
        # ½ Σ_k (A_k - ⟨A_k⟩)² = Γ*p - ½ ⟨Γ*p⟩
        lost = self.kernel.spread(grid, self.quantum.hbar, p)
        lost = lost - 0.5 * jnp.sum(p * lost)
        return self.quantum.vector_field(t, state, args) - lost * state

    invariants = norm_alone

    def chance(self) -> Chance:
        """Increments of the field and, if x_0 is drawn, a uniform number."""
        shape = self.kernel.noise(hamiltonian_of(self.quantum).grid)
        noise = StepNoise(shape, () if self.draw else None)
        return Chance(noise, self.pathwise, self.mean_field)

    def pathwise(self) -> "Localisation":
        """The law with `draw=False`."""
        return Localisation(self.quantum, self.kernel, draw=False)

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
            w: `increments` and, if x_0 is drawn, `uniforms`, as `chance` says.

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


def CSL(
    quantum: Any, lam: ArrayLike = 0.0, r_C: ArrayLike = 1.0, *, draw: bool = True
) -> Localisation:
    """Γ = λ (1 - exp(-d²/4r_C²)): localisation by a field that is smeared over r_C.

    Continuous spontaneous localisation of one particle. Its channels are Gaussians
    exp(-(x - z)²/2r_C²) at all places z. They are not put on a lattice: with Gaussians
    on one of spacing a, Γ would ripple by 2 exp(-π²r_C²/a²) of λ, 1e-17 at a = r_C/2,
    1e-4 at r_C and 0.17 at 2r_C. Γ is also that of `GRW`, so that both have the same
    mean.

    Args:
        quantum: a `Schrodinger` on a grid.
        lam: λ >= 0, in 1 over the unit of time; 0 in quantum mechanics.
        r_C: width, length.
        draw: whether x_0 is drawn, or paths are smooth functions of the noise.

    Returns:
        `Localisation` with the kernel `GaussianDecay`.

    Raises:
        ValueError: no grid, an absorber; a constant out of its range.

    Source: G. C. Ghirardi, P. Pearle & A. Rimini (1990) Phys. Rev. A 42, 78.
    """
    kernel = GaussianDecay(constant(lam, "lam"), constant(r_C, "r_C"))
    return Localisation(quantum, kernel, draw=draw)


def QMUPL(quantum: Any, lam: ArrayLike = 0.0, *, draw: bool = True) -> Localisation:
    """dψ = [-iH dt/ħ - λ/2 (x - ⟨x⟩)² dt + √λ (x - ⟨x⟩) dW] ψ,  Γ = λ d²/2.

    Quantum mechanics with universal position localisation: the only channel in each
    dimension is √λ x. Free Gaussians keep their shape, end with a variance 1/(2√λ) in
    units of ħ = m = 1, and gain λ/2 of energy per unit of time: closed forms in
    `jqd.exact.rivals`. ψ must stay away from the ends of the box, where x jumps.

    Args:
        quantum: a `Schrodinger` on a grid.
        lam: λ >= 0, in 1 over the unit of time and of length²; 0 in quantum mechanics.
        draw: whether x_0 is drawn, or paths are smooth functions of the noise.

    Returns:
        `Localisation` with the kernel `QuadraticDecay`.

    Raises:
        ValueError: no grid, an absorber; a constant out of its range.

    Source: L. Diósi (1989) Phys. Rev. A 40, 1165; A. Bassi (2005) J. Phys. A 38,
    3173.
    """
    return Localisation(quantum, QuadraticDecay(constant(lam, "lam")), draw=draw)


def DiosiPenrose(
    quantum: Any, G_m2: ArrayLike = 0.0, R0: ArrayLike = 1.0, *, draw: bool = True
) -> Localisation:
    """Γ = E_Δ(d)/ħ,  E_Δ = Gm² (1/(√π R_0) - erf(d/2R_0)/d).

    Localisation by a field with the correlation of Newton's potential, for a mass m
    smeared as a Gaussian of standard deviation R_0 in each direction of space, whatever
    the dimension of the grid. E_Δ = ½∫∫ Δ(r) G Δ(r')/|r - r'| is the self-energy of the
    difference of the two densities, with Diósi's factor ½; Penrose's is up to 8π
    larger. Γ is long-ranged: in a box of length L the noise reproduces it to within
    (R_0/L)² of Gm²/ħR_0, see `FieldKernel`.

    Args:
        quantum: a `Schrodinger` on a grid.
        G_m2: Gm² >= 0, energy times length; 0 in quantum mechanics.
        R0: R_0, length.
        draw: whether x_0 is drawn, or paths are smooth functions of the noise.

    Returns:
        `Localisation` with the kernel `NewtonianDecay`.

    Raises:
        ValueError: no grid, an absorber; a constant out of its range.

    Source: L. Diósi (1987) Phys. Lett. A 120, 377; R. Penrose (1996) Gen. Relativ.
    Gravit. 28, 581.
    """
    kernel = NewtonianDecay(constant(G_m2, "G_m2"), constant(R0, "R0"))
    return Localisation(quantum, kernel, draw=draw)
