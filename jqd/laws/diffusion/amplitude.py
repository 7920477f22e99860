"""The complex amplitude: linear, regular at nodes, the default form."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._math import abs2
from ...spaces import Grid, ParticlesOnGrid, VectorPotential
from ...spaces.hamiltonians import OnGrid
from ...spaces.particles import on_grid
from ...spaces.resolution import tail_error
from ...steppers import Flows, srkn11
from ..groups import Resolution
from .form import DiffusionForm, Fluid
from .state import AmplitudeAction, is_torn, join, split


class Amplitude(DiffusionForm):
    """ψ = √density exp(iS/2mD): Schrödinger's equation with ħ_eff = 2mD.

    i 2mD ∂ψ/∂t = -2mD² ∇²ψ + Vψ, exact for one constant mD without dissipation.

    It works on a periodic grid, with FFTs and split steps of any order. The state is ψ.
    Masses may differ from axis to axis, 2mD may not.
    """

    def check(self, fluid: Fluid) -> None:
        """Require a grid, one mD, no dissipation and no reflecting walls."""
        reason = None
        if not isinstance(fluid.space, Grid):
            reason = "needs a grid"
        elif fluid.local:
            reason = "needs the same D everywhere"
        elif not _is_one(fluid.hbar_eff):
            reason = "needs the same 2 m D along all axes"
        elif fluid.boundary == "reflecting":
            reason = "is periodic by its FFTs"
        elif fluid.peierls is not None and not isinstance(
            fluid.peierls.vector_potential, VectorPotential
        ):
            reason = "takes the vector potential as a function"
        else:
            for name in ("friction", "classical_diffusion"):
                value = getattr(fluid, name)
                if _checks.is_concrete(value) and float(np.asarray(value)) != 0:
                    reason = f"must have {name} = 0: dissipation is not linear in ψ"
        if reason is not None:
            raise ValueError(
                f"Argument `form` must not be 'amplitude' here, but is: it {reason}; "
                "use 'links'."
            )

    def hamiltonian(self, fluid: Fluid) -> OnGrid:
        """H of the amplitude."""
        assert isinstance(fluid.space, Grid)
        if fluid.peierls is None:
            return on_grid(fluid.potential, fluid.mass, fluid.space, fluid.absorber)
        A = fluid.peierls.vector_potential
        assert isinstance(A, VectorPotential)
        return ParticlesOnGrid(
            fluid.potential, fluid.mass, fluid.space, fluid.absorber,
            fluid.peierls.charge, A,
        )  # fmt: skip

    def prepare(self, fluid: Fluid, psi: Array | AmplitudeAction) -> Array:
        """√density exp(iS/2mD) for the density and action of ψ."""
        if isinstance(psi, AmplitudeAction):
            return join(psi, _one(fluid.hbar_eff))
        if fluid.quantum:
            return psi
        assert isinstance(fluid.space, Grid)
        state = split(psi, fluid.space, fluid.hbar, work=fluid.work(0.0))
        refuse_torn(state, psi, fluid)
        return join(state, _one(fluid.hbar_eff)).astype(psi.dtype)

    def vector_field(self, fluid: Fluid, t: ArrayLike, state: Array) -> Array:
        """-i H ψ / 2mD."""
        hbar = _one(fluid.hbar_eff)
        return -1j / hbar * self.hamiltonian(fluid).apply(state, t, hbar)

    def density(self, fluid: Fluid, state: Array) -> Array:
        """|ψ|²."""
        del fluid
        return abs2(state)

    def amplitude(self, fluid: Fluid, state: Array) -> Array:
        """ψ itself."""
        del fluid
        return state

    def energy(self, fluid: Fluid, state: Array) -> Array:
        """⟨ψ|H|ψ⟩."""
        image = self.hamiltonian(fluid).apply(state, 0.0, _one(fluid.hbar_eff))
        return fluid.space.cell * jnp.sum(jnp.real(jnp.conj(state) * image))

    def resolution(self, fluid: Fluid, state: Array) -> Resolution | None:
        """The error from the tail of the spectrum of ψ, as in `LinearLaw.watch`."""
        assert isinstance(fluid.space, Grid)
        share = tail_error(fluid.space, state)
        return Resolution(share, jnp.zeros_like(share))

    def flows(self, fluid: Fluid) -> Flows:
        """Potential and kinetic flows."""
        return self.hamiltonian(fluid).flows(_one(fluid.hbar_eff))

    @property
    def stepper(self) -> Any:
        """A method of order 6, which brings a fit down to rounding."""
        return srkn11


def _is_one(hbar_eff: Array) -> bool:
    """Whether 2mD is the same along all axes, but for rounding, or not known."""
    if hbar_eff.ndim == 0 or not _checks.is_concrete(hbar_eff):
        return True
    values = _checks.concrete(hbar_eff)
    return bool(np.ptp(values) <= 8 * np.finfo(values.dtype).eps * values.max())


def _one(hbar_eff: Array) -> Array:
    """2mD of all axes."""
    return hbar_eff if hbar_eff.ndim == 0 else hbar_eff[0]


def refuse_torn(state: AmplitudeAction, psi: Array, fluid: Fluid) -> None:
    """Refuse ψ with vortices where ħ_eff is not the ħ of ψ: S is multi-valued there.

    S is multi-valued, too, where the phase winds round a periodic box.

    Raises:
        ValueError: a circulation of 2πħ that is no multiple of 2πħ_eff (Wallstrom).
    """
    if not _checks.is_concrete((state, psi, fluid.hbar, fluid.peierls)):
        return
    work = fluid.work(0.0)
    if bool(is_torn(state, psi, fluid.hbar, periodic=fluid.periodic, work=work)):
        raise ValueError(
            "Argument `psi` must have a single-valued action where 2 m D differs from "
            "hbar, but has vortices or winds round the box, with a circulation that "
            "would not be a multiple of 2 pi 2 m D; give D = hbar / 2m or a state "
            "without them."
        )
