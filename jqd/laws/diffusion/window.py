"""A window of the log-density that moves with the packet: an independent check."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import expi, safe_sqrt
from ...constants import static
from ...spaces import Grid
from ...spaces.potentials import FunctionPotential
from ...status import Status
from .amplitude import refuse_torn
from .differences import difference_matrix, interpolate
from .form import DiffusionForm, Fluid
from .log_density import (
    NORM_DRIFT,
    ORDER,
    Derivatives,
    check_smooth,
    dips,
    log_rates,
)
from .state import AmplitudeAction, split


class WindowState(eqx.Module):
    """ln density and action on uniform points between two moving ends.

    Attributes:
        chi: ln density, shape (P,).
        action: S, shape (P,).
        ends: lower and upper end, shape (2,).
    """

    chi: Float[Array, " P"]
    action: Float[Array, " P"]
    ends: Float[Array, " 2"]

    @property
    def spacing(self) -> Array:
        """Distance of neighbouring points."""
        return (self.ends[1] - self.ends[0]) / (self.chi.shape[0] - 1)

    @property
    def x(self) -> Array:
        """The points."""
        share = jnp.arange(self.chi.shape[0], dtype=self.chi.dtype)
        return self.ends[0] + self.spacing * share


class Window(DiffusionForm):
    """Equations (8)-(9) in (ln density, S) on a window whose ends move with the flow.

    χ̇ + (v - c) χ_x = -v_x + ..., with c the velocity of the points: v - D_c χ_x at both
    ends, and in proportion between them.

    This form is for one dimension and densities without nodes. Differences of order 6
    in ln density have nothing in common with the amplitude or the links, and are
    accurate to rounding for packets. A run ends with the status NODE at the first node.
    Friction and classical diffusion are optional.

    Attributes:
        points: P.
        deviations: k; the window reaches out to where the density is exp(-k²/2) of its
            maximum at the start. Beyond 8 errors grow like exp(x²/4σ²).
    """

    points: int = static(default=141)
    deviations: float = static(default=7.0)

    def __check_init__(self) -> None:
        if self.points < 2 * ORDER or not 5 <= self.deviations <= 9:
            raise ValueError(
                f"Arguments `points` and `deviations` must be at least {2 * ORDER} and "
                f"from 5 to 9, but are {self.points} and {self.deviations}."
            )

    def check(self, fluid: Fluid) -> None:
        """Require one dimension, a constant D, no absorber and no periodic ends."""
        check_smooth(fluid, "window", ndim=1)
        if fluid.periodic:
            raise ValueError(
                "Argument `boundary` must not be 'periodic' for the form 'window', but "
                "is: a packet has two ends."
            )

    def prepare(self, fluid: Fluid, psi: Array | AmplitudeAction) -> WindowState:
        """ln density and S of ψ at the points of the window."""
        grid = self._grid(fluid)
        if not isinstance(psi, AmplitudeAction):
            state = split(psi, grid, fluid.hbar)
            refuse_torn(state, psi, fluid)
        else:
            state = psi
        x, chi0 = grid.x, 2 * state.log_amplitude
        # from the first to the last point above the level of a Gaussian's tail
        inside = chi0 > jnp.max(chi0) - self.deviations**2 / 2
        first, last = jnp.argmax(inside), x.size - 1 - jnp.argmax(inside[::-1])
        if _checks.is_concrete(inside) and bool(inside[0] | inside[-1]):
            raise ValueError(
                "Argument `psi` must fall off inside the grid by "
                f"{self.deviations} standard deviations, but has not at its walls."
            )
        ends = jnp.stack([x[first], x[last]])
        at = jnp.linspace(ends[0], ends[1], self.points)
        (h,) = grid.spacing
        chi, action = (
            interpolate(field, x[0], jnp.asarray(h), at)
            for field in (2 * state.log_amplitude, state.action)
        )
        return WindowState(chi, action, ends)

    def vector_field(
        self, fluid: Fluid, t: ArrayLike, state: WindowState
    ) -> WindowState:
        """Rates on the moving points."""
        chi = self._derivatives(state.chi, state)
        action = self._derivatives(state.action, state)
        chi_rate, s_rate = log_rates(chi, action, fluid)
        # the flux of the density over the density: no probability crosses the ends
        velocity = action.first[0] / fluid.mass
        velocity = velocity - fluid.classical_diffusion * chi.first[0]
        ends = jnp.stack([velocity[0], velocity[-1]])
        share = jnp.linspace(0, 1, self.points, dtype=state.chi.dtype)
        moving = ends[0] + (ends[1] - ends[0]) * share
        chi_rate = chi_rate + moving * chi.first[0]
        s_rate = s_rate + moving * action.first[0] - self._potential(fluid, t, state)
        drag = fluid.drag(jnp.exp(state.chi), state.action)
        return WindowState(chi_rate, s_rate - drag, ends)

    def density(self, fluid: Fluid, state: WindowState) -> Array:
        """The density on the grid of the law; zero outside the window."""
        at = self._grid(fluid).x
        chi = interpolate(state.chi, state.ends[0], state.spacing, at)
        inside = (at >= state.ends[0]) & (at <= state.ends[1])
        return jnp.where(inside, jnp.exp(jnp.where(inside, chi, 0)), 0)

    def amplitude(self, fluid: Fluid, state: WindowState) -> Array:
        """√density exp(iS/2mD) on the grid of the law."""
        at = self._grid(fluid).x
        action = interpolate(state.action, state.ends[0], state.spacing, at)
        density = self.density(fluid, state)
        angle = jnp.where(density > 0, action, 0) / fluid.hbar_eff
        return safe_sqrt(density) * expi(angle)

    def energy(self, fluid: Fluid, state: WindowState) -> Array:
        """∫ (m v²/2 + m u²/2 + V) ρ over the window, (25)."""
        chi = self._derivatives(state.chi, state)
        action = self._derivatives(state.action, state)
        v, u = action.first[0] / fluid.mass, -fluid.D * chi.first[0]
        energy = fluid.mass * (v**2 + u**2) / 2 + self._potential(fluid, 0.0, state)
        return state.spacing * jnp.sum(jnp.exp(state.chi) * energy)

    def alarm(self, fluid: Fluid, t: ArrayLike, before, after) -> Array:
        """Alarm at the first node, and where the norm has changed."""
        del t, fluid, before
        norm = after.spacing * jnp.sum(jnp.exp(after.chi))
        code = jnp.where(jnp.abs(norm - 1) > NORM_DRIFT, Status.HORIZON, Status.OK)
        return jnp.where(dips(after.chi, 0, periodic=False), Status.NODE, code)

    def _derivatives(self, field: Array, state: WindowState) -> Derivatives:
        parts = []
        for power in (1, 2):
            matrix = difference_matrix(self.points, power, ORDER, False)
            weights = jnp.asarray(matrix, field.dtype)
            parts.append(((weights @ field) / state.spacing**power,))
        return Derivatives(*parts)

    def _potential(self, fluid: Fluid, t: ArrayLike, state: WindowState) -> Array:
        grid = self._grid(fluid)
        if isinstance(fluid.potential, FunctionPotential):
            values = jnp.asarray(fluid.potential.at((state.x,), t))
            return jnp.broadcast_to(values, state.chi.shape).astype(state.chi.dtype)
        h = jnp.asarray(grid.spacing[0])
        values = fluid.potential(grid, t)
        return interpolate(values, jnp.asarray(grid.bounds[0][0]), h, state.x)

    @staticmethod
    def _grid(fluid: Fluid) -> Grid:
        assert isinstance(fluid.space, Grid)
        return fluid.space
