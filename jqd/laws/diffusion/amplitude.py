"""The complex amplitude: linear, regular at nodes, the default form."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ...spaces import Grid, ParticleOnGrid
from ...spaces.resolution import tail_error
from ...steppers import Flows, srkn11
from ..motion import Resolution
from .form import DiffusionForm, Motion
from .state import AmplitudeAction, is_torn, join, split


class Amplitude(DiffusionForm):
    """ψ = √density exp(iS/2mD): Schrödinger's equation with ħ_eff = 2mD.

    i 2mD ∂ψ/∂t = -2mD² ∇²ψ + Vψ, exact for one constant D without dissipation.

    On a periodic grid, with FFTs; split steps of any order. The state is ψ.
    """

    def check(self, motion: Motion) -> None:
        """A grid, one D, no dissipation, no reflecting walls."""
        reason = None
        if not isinstance(motion.space, Grid):
            reason = "needs a grid"
        elif motion.D.ndim > 0:
            reason = "needs the same D everywhere"
        elif motion.boundary == "reflecting":
            reason = "is periodic by its FFTs"
        else:
            for name in ("friction", "classical_diffusion"):
                value = getattr(motion, name)
                if _checks.is_concrete(value) and float(np.asarray(value)) != 0:
                    reason = f"must have {name} = 0: dissipation is not linear in ψ"
        if reason is not None:
            raise ValueError(
                f"Argument `form` must not be 'amplitude' here, but is: it {reason}; "
                "use 'links'."
            )

    def hamiltonian(self, motion: Motion) -> ParticleOnGrid:
        """H of the amplitude."""
        assert isinstance(motion.space, Grid)
        return ParticleOnGrid(
            motion.potential, motion.mass, motion.space, motion.absorber
        )

    def prepare(self, motion: Motion, psi: Array | AmplitudeAction) -> Array:
        """√density exp(iS/2mD) for the density and action of ψ."""
        if isinstance(psi, AmplitudeAction):
            return join(psi, motion.hbar_eff)
        quantum = (motion.hbar, motion.hbar_eff)
        if _checks.is_concrete(quantum) and bool(quantum[0] == quantum[1]):
            return psi
        assert isinstance(motion.space, Grid)
        state = split(psi, motion.space, motion.hbar)
        refuse_torn(state, psi, motion)
        return join(state, motion.hbar_eff).astype(psi.dtype)

    def vector_field(self, motion: Motion, t: ArrayLike, state: Array) -> Array:
        """-i H ψ / 2mD."""
        hbar = motion.hbar_eff
        return -1j / hbar * self.hamiltonian(motion).apply(state, t, hbar)

    def density(self, motion: Motion, state: Array) -> Array:
        """|ψ|²."""
        del motion
        return jnp.real(state) ** 2 + jnp.imag(state) ** 2

    def amplitude(self, motion: Motion, state: Array) -> Array:
        """ψ itself."""
        del motion
        return state

    def energy(self, motion: Motion, state: Array) -> Array:
        """⟨ψ|H|ψ⟩."""
        image = self.hamiltonian(motion).apply(state, 0.0, motion.hbar_eff)
        return motion.space.cell * jnp.sum(jnp.real(jnp.conj(state) * image))

    def resolution(self, motion: Motion, state: Array) -> Resolution | None:
        """The error of the spectrum of ψ, as `Schrodinger.resolution` has it."""
        assert isinstance(motion.space, Grid)
        share = tail_error(motion.space, state)
        return Resolution(share, jnp.zeros_like(share))

    def flows(self, motion: Motion) -> Flows:
        """Potential and kinetic flows."""
        return self.hamiltonian(motion).flows(motion.hbar_eff)

    @property
    def stepper(self) -> Any:
        """Order 6, which takes a fit to rounding."""
        return srkn11


def refuse_torn(state: AmplitudeAction, psi: Array, motion: Motion) -> None:
    """Refuse ψ with vortices where ħ_eff is not the ħ of ψ: S is multi-valued there.

    Raises:
        ValueError: a circulation of 2πħ that is no multiple of 2πħ_eff (Wallstrom).
    """
    if not _checks.is_concrete((state, psi, motion.hbar)):
        return
    if bool(is_torn(state, psi, motion.hbar)):
        raise ValueError(
            "Argument `psi` must have a single-valued action where 2 m D differs from "
            "hbar, but has vortices, whose circulation would not be a multiple of "
            "2 pi 2 m D; give D = hbar / 2m or a state without vortices."
        )
