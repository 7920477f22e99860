"""Ordinary, dissipative diffusion, for comparison with the conservative one."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import abs2, roll
from ...constants import constant, switch
from ...interop import as_array
from ...spaces import Grid
from ..law import Law

ORDERINGS = ("fick", "ito")


class ClassicalDiffusion(Law):
    """Diffusion of a density by itself, without an action.

    "fick": ∂ρ/∂t = ∇(D∇ρ);  "ito": ∂ρ/∂t = ∇²(Dρ)

    Both agree where D is constant. Where D(x) depends on the position, Fick's form ends
    in a uniform density and Ito's in ρ ~ 1/D, which is larger where D is smaller.
    Entropy grows, and the motion cannot be reversed. Differences use nearest links,
    with periodic or reflecting ends; Runge-Kutta steps are stable for D dt / h² below
    0.69 / dimensions.

    Attributes:
        D: scalar or of the grid's shape, length²/time.
        grid: the grid.
        ordering: "fick" or "ito" (static).
        periodic: whether the ends are joined (static).

    Source: Zakir, eq. (13); the orderings are readings of section 5.4.
    """

    D: Float[Array, "..."]
    grid: Grid
    ordering: str = eqx.field(static=True)
    periodic: bool = switch()

    def __init__(
        self,
        grid: Grid,
        D: ArrayLike,
        *,
        ordering: str = "fick",
        periodic: bool = False,
    ):
        """The law of a grid.

        Args:
            grid: 1, 2 or 3 dimensional grid.
            D: scalar or of the grid's shape, positive.
            ordering: "fick" or "ito".
            periodic: whether the ends are joined.

        Raises:
            ValueError: D not positive or of another shape, unknown ordering.
        """
        self.D, self.grid = constant(D, "D"), grid
        _checks.check_positive(self.D, "D")
        if self.D.ndim > 0:
            _checks.check_shape(self.D, "D", grid.shape)
        _checks.check_choice(ordering, "ordering", ORDERINGS)
        self.ordering, self.periodic = ordering, periodic

    def prepare(self, psi: Any) -> Float[Array, "..."]:
        """|ψ|²; the phase of ψ, and with it the motion, is lost.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi, "psi")
        _checks.check_state(psi, "psi", self.grid.shape, weight=self.grid.cell)
        return abs2(psi)

    def flux(self, state: Array) -> tuple[Float[Array, "..."], ...]:
        """Flux through the link from each point to its next, along each axis.

        j = -D ∂ρ/∂x (Fick) or -∂(Dρ)/∂x (Ito); zero through open ends.
        """
        D = jnp.broadcast_to(self.D, self.grid.shape)
        fluxes = []
        for axis, h in enumerate(self.grid.spacing):
            if self.ordering == "fick":
                both = (D + roll(D, -1, axis)) / 2
                flux = -both * (roll(state, -1, axis) - state) / h
            else:
                flux = -(roll(D * state, -1, axis) - D * state) / h
            if not self.periodic:
                inner = jnp.arange(self.grid.shape[axis]) < self.grid.shape[axis] - 1
                shape = [-1 if i == axis else 1 for i in range(self.grid.ndim)]
                flux = jnp.where(inner.reshape(shape), flux, 0)
            fluxes.append(flux)
        return tuple(fluxes)

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """-∇j."""
        del t, args
        parts = [
            (roll(flux, 1, axis) - flux) / h
            for axis, (flux, h) in enumerate(
                zip(self.flux(state), self.grid.spacing, strict=True)
            )
        ]
        return sum(parts[1:], parts[0])

    def density(self, state: Array) -> Float[Array, "..."]:
        """The state itself."""
        return state

    def invariants(self, state: Array) -> dict[str, Array]:
        """The norm."""
        return {"norm": self.grid.cell * jnp.sum(state)}
