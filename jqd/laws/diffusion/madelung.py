"""Madelung's hydrodynamics of the Schrödinger equation."""

from collections.abc import Callable

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from ...spaces import Grid
from ...spaces.graphs import Graph
from ...spaces.particles import particles_alone
from ...spaces.potentials import Potential
from ..groups import Fits
from ..schrodinger import Schrodinger
from ..wrapped import Wrapped
from .form import DiffusionForm
from .law import ConservativeDiffusion


class Madelung(Wrapped):
    """The hydrodynamic form of quantum mechanics, in density and action.

    ∂ρ/∂t + ∇(ρ∇S/m) = 0,  ∂S/∂t + |∇S|²/2m + V - (ħ²/2m) ∇²√ρ/√ρ = 0

    By default (½ ln ρ, S) moves link by link, so that runs pass through nodes: see
    `jqd.laws.diffusion.links`. The same as `ConservativeDiffusion` with D = ħ/2m.

    Attributes:
        hbar: ħ, scalar.
        mass: m, scalar or one per axis.
        potential: V(x, t), energy.
        space: a grid, or a graph.
        boundary: "free", "reflecting" or "periodic".
        form: `Links` by default; `Window` or `Literal` while there are no nodes.

    Source: Zakir, eqs. (8)-(10), (31)-(33).
    """

    hbar: Float[Array, ""]
    mass: Float[Array, "..."]
    potential: Potential
    space: Grid | Graph
    boundary: str = eqx.field(static=True)
    form: DiffusionForm

    def __init__(
        self,
        space: Grid | Graph,
        V: Callable[..., Array] | ArrayLike | Potential,
        *,
        mass: ArrayLike = 1.0,
        hbar: ArrayLike = 1.0,
        boundary: str = "free",
        form: DiffusionForm | str = "links",
        **constants: ArrayLike,
    ):
        """The law of a space and a potential.

        Args:
            space: 1, 2 or 3 dimensional grid, or a graph.
            V: values, or on a grid a callable of the coordinates (and the time).
            mass: m, scalar, or one per axis of a grid.
            hbar: ħ.
            boundary: "free", "reflecting" or "periodic".
            form: `Links`, `Window`, `Literal` or `Amplitude`, or the name of one.
            **constants: array constants of V, passed to it by keyword.

        Raises:
            ValueError: as for `ConservativeDiffusion`.
        """
        checked = ConservativeDiffusion(
            space, V, None, mass, hbar=hbar, boundary=boundary, form=form, **constants
        )
        self.hbar, self.mass = checked.hbar, checked.mass
        self.potential, self.form = checked.potential, checked.form
        self.space, self.boundary = space, boundary

    @property
    def diffusion(self) -> ConservativeDiffusion:
        """The equivalent conservative diffusion."""
        none = np.zeros((), self.hbar.dtype)
        return ConservativeDiffusion(
            self.space, self.potential, self.hbar / (2 * self.mass), self.mass, none,
            none, hbar=self.hbar, boundary=self.boundary, form=self.form,
        )  # fmt: skip

    @property
    def inner(self) -> ConservativeDiffusion:
        """The equivalent conservative diffusion."""
        return self.diffusion

    @property
    def grid(self) -> Grid | None:
        """The grid, or None for a graph."""
        return self.diffusion.grid

    @property
    def cell(self) -> float:
        """The volume that a point stands for; 1 at the sites of a graph."""
        return self.space.cell

    def on(self, quantum: Schrodinger) -> "Madelung | None":
        """The fluid of another particle on a grid."""
        H = particles_alone(quantum.hamiltonian)
        if H is None:
            return None
        return Madelung(
            H.grid, H.potential, mass=H.mass, hbar=quantum.hbar,
            boundary=self.boundary, form=self.form,
        )  # fmt: skip

    def chance(self) -> None:
        """None, since nothing is random in this law."""

    def amplitude(self, state: PyTree[Array]) -> Array:
        """√ρ exp(iS/ħ) on the space."""
        return self.diffusion.amplitude(state)

    def fits(self) -> Fits:
        """No refusals: ħ is a constant of this law, and there is no D beside it."""
        return Fits()
