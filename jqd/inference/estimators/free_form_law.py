"""A copy law whose rate and phase functions are free: to evolve what was fitted."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...interop import as_array
from ...laws.copy_fields import DensityPhase, square
from ...laws.law import Law
from ...status import Status
from .free_form import Surface, net_flow


class FreeFormCopying(Law):
    """Copy dynamics with any functions of ratio and phase; see `free_form`.

    dρ_a/dt = Σ_b R_ab √(ρ_a ρ_b) [S(ℓ_ab, x_ab) - S(-ℓ_ab, -x_ab)]
    dφ_a/dt = ω_a + Σ_b R_ab G(ℓ_ab, x_ab)

    Attributes:
        omega: ω_a, shape (M,).
        R: R_ab, shape (M, M), symmetric; its diagonal is not used.
        delta: δ_ab, shape (M, M), antisymmetric.
        flow: S.
        turn: G.
    """

    omega: Float[Array, " M"]
    R: Float[Array, "M M"]
    delta: Float[Array, "M M"]
    flow: Surface
    turn: Surface

    @classmethod
    def like(cls, law: Any, flow: Surface, turn: Surface) -> "FreeFormCopying":
        """With the couplings and frequencies of a `CopyDynamics`."""
        return cls(law.omega, law.R, law.delta, flow, turn)

    def prepare(self, psi: Any) -> DensityPhase:
        """Densities |ψ|² and phases -arg ψ.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi)
        _checks.check_state(psi, "psi", self.omega.shape, weight=1.0)
        return DensityPhase(square(psi), -jnp.angle(jnp.where(psi == 0, 1, psi)))

    def density(self, state: DensityPhase) -> Array:
        """ρ_a."""
        return state.density

    def vector_field(
        self, t: ArrayLike, state: DensityPhase, args: Any = None
    ) -> DensityPhase:
        """d(state)/dt; see the class."""
        del t, args
        density, phase = state
        safe = jnp.where(density > 0, density, 1)
        level = jnp.log(safe)[:, None] - jnp.log(safe)[None, :]
        x = phase[:, None] - phase[None, :] + self.delta
        R = jnp.where(jnp.eye(density.shape[0], dtype=bool), 0, self.R)
        root = jnp.sqrt(safe)
        weight = R * root[:, None] * root[None, :]
        gain = jnp.sum(weight * net_flow(self.flow, level, x), axis=1)
        return DensityPhase(gain, self.omega + jnp.sum(R * self.turn(level, x), axis=1))

    def alarm(self, t: ArrayLike, before: Any, after: Any) -> Array:
        """Node: an empty class."""
        del t, before
        return jnp.where(jnp.any(after.density <= 0), Status.NODE, Status.OK)
