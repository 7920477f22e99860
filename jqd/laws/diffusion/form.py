"""Interface of the forms in which the state of a conservative diffusion is carried."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from ... import _checks
from ..._math import abs2
from ...spaces import Grid
from ...spaces.graphs import Graph
from ...spaces.potentials import Potential
from ...spaces.resolution import cutoff_weight, edge_density
from ...spaces.vector_potentials import SEAM_SHARE
from ...status import Status
from ...steppers import Flows, rk4
from ..groups import Resolution
from .links import each_axis
from .peierls import Peierls, Work
from .state import AmplitudeAction

BOUNDARIES = ("free", "reflecting", "periodic")
# Share of the probability within two points of a wall, and beyond two thirds of the
# largest wavenumber, at which a run no longer shows what happens in free space.
EDGE_CELLS = 2
EDGE_SHARE = 1e-6
CUTOFF_SHARE = 1e-4


class Fluid(eqx.Module):
    """The constants of the law and the space of its fluid, as the forms need them.

    Attributes:
        D: diffusion coefficient, scalar, one per axis or of the space's shape,
            length²/time.
        mass: m, scalar or one per axis.
        friction: γ, scalar, 1/time.
        classical_diffusion: D_c, scalar, length²/time.
        potential: V(space, t), energy.
        absorber: W of the space's shape, energy, or None.
        hbar: ħ of the states that are prepared, scalar.
        space: grid or graph.
        boundary: one of `BOUNDARIES` (static).
        peierls: charge and vector potential, or None.
    """

    D: Float[Array, "..."]
    mass: Float[Array, "..."]
    friction: Float[Array, ""]
    classical_diffusion: Float[Array, ""]
    potential: Potential
    absorber: Float[Array, "..."] | None
    hbar: Float[Array, ""]
    space: Grid | Graph
    boundary: str = eqx.field(static=True)
    peierls: Peierls | None = None

    @property
    def hbar_eff(self) -> Array:
        """2 m D, which takes the place of ħ; of the shape of D, or one per axis."""
        return 2 * self.mass * self.D

    @property
    def local(self) -> bool:
        """Whether D depends on the position."""
        return self.D.ndim > 0 and self.D.shape == self.space.shape

    @property
    def quantum(self) -> bool:
        """Whether 2mD is known to be ħ along every axis, but for rounding."""
        values = (self.hbar, self.hbar_eff)
        if self.local or not _checks.is_concrete(values):
            return False
        hbar, own = map(_checks.concrete, values)
        return bool(np.all(np.abs(own - hbar) <= 4 * np.finfo(own.dtype).eps * hbar))

    def along(self, axis: int) -> tuple[Array, Array]:
        """D and m along one axis of a grid."""
        D, mass = (each_axis(self.space, f)[axis] for f in (self.D, self.mass))
        return D, mass

    @property
    def periodic(self) -> bool:
        """Whether links close the grid."""
        return self.boundary == "periodic"

    def values(self, t: ArrayLike) -> Array:
        """V on the space."""
        values = self.potential(self.space, t)  # pyright: ignore[reportArgumentType]
        return values.astype(self.mass.dtype)

    def work(self, t: ArrayLike) -> Work | None:
        """q ∫ A·dl along the links, None without A."""
        return None if self.peierls is None else self.peierls.work(self.space, t)

    def drag(self, density: Array, action: Array) -> Array:
        """γ (S - <S>), which friction takes from the action per unit of time."""
        weight = density / jnp.sum(density)
        return self.friction * (action - jnp.sum(weight * action))


class DiffusionForm(eqx.Module):
    """A form is one way to carry the state of `ConservativeDiffusion`."""

    @abc.abstractmethod
    def check(self, fluid: Fluid) -> None:
        """Raise a ValueError for a fluid that this form cannot carry."""

    @abc.abstractmethod
    def prepare(self, fluid: Fluid, psi: Array | AmplitudeAction) -> PyTree[Array]:
        """The state for ψ, or for a pair (density, action)."""

    @abc.abstractmethod
    def vector_field(
        self, fluid: Fluid, t: ArrayLike, state: PyTree[Array]
    ) -> PyTree[Array]:
        """Time derivative of the state."""

    @abc.abstractmethod
    def density(self, fluid: Fluid, state: PyTree[Array]) -> Array:
        """The density on the space of the law."""

    @abc.abstractmethod
    def amplitude(self, fluid: Fluid, state: PyTree[Array]) -> Array:
        """√density exp(iS/2mD) on the space of the law, for fields and diagnostics."""

    @abc.abstractmethod
    def energy(self, fluid: Fluid, state: PyTree[Array]) -> Array:
        """The Hamiltonian function (26) at t = 0."""

    def alarm(
        self, fluid: Fluid, t: ArrayLike, before: PyTree[Array], after: PyTree[Array]
    ) -> Array:
        """The `Status` after a step."""
        del before
        return space_alarm(fluid, self.amplitude(fluid, after), t)

    def diagnose(self, fluid: Fluid, state: PyTree[Array]) -> dict[str, Array]:
        """Further diagnostics of a state, by name."""
        del fluid, state
        return {}

    def resolution(self, fluid: Fluid, state: PyTree[Array]) -> Resolution | None:
        """Errors from the discrete space, see `Watch.resolution`; None if not known."""
        del fluid, state
        return None

    def flows(self, fluid: Fluid) -> Flows | None:
        """Exact partial flows, or None where the form has none."""
        del fluid
        return None

    @property
    def stepper(self) -> Any:
        """The one-step method with which `recover` follows the law."""
        return rk4


def space_alarm(
    fluid: Fluid, psi: Array, t: ArrayLike, cut: Array | None = None
) -> Array:
    """EDGE at a wall, or at a seam across which a vector potential jumps, or CUTOFF.

    CUTOFF is where the momentum reaches the cut-off of the grid, by its share `cut` if
    given, else by that of ψ.
    """
    if isinstance(fluid.space, Graph):
        return jnp.asarray(Status.OK)
    code = jnp.asarray(Status.OK)
    cut = cutoff_weight(fluid.space, psi) if cut is None else cut
    code = jnp.where(cut > CUTOFF_SHARE, Status.CUTOFF, code)
    if fluid.boundary == "free" and fluid.absorber is None:
        density = abs2(psi)
        touching = edge_density(fluid.space, density, EDGE_CELLS) > EDGE_SHARE
        code = jnp.where(touching, Status.EDGE, code)
    if fluid.peierls is not None:
        torn = fluid.peierls.seam_share(fluid.space, psi, t) > SEAM_SHARE
        code = jnp.where(torn, Status.EDGE, code)
    return code
