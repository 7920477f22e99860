"""The link form: (log-amplitude, action), through nodes without an amplitude."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ...spaces import Grid
from ...spaces.resolution import SECOND_DIFFERENCES, dispersion_bound, tail_error
from ...status import Status
from ..motion import Resolution
from .amplitude import refuse_torn
from .form import DiffusionForm, Fluid, space_alarm
from .links import classical_rates, each_axis, link_energy, link_rates
from .state import AmplitudeAction, join, split

# A density this far below both its neighbours along an axis is a node on a grid point.
NODE_DEPTH = 1e-12
# Error of k² by differences, relative to k², at which the grid is too coarse.
DISPERSION = 0.02


class Links(DiffusionForm):
    """Canonical equations of the link-by-link Hamiltonian in (½ ln density, S).

    See `links`. Goes through nodes that form between the sites; of a node on a site the
    logarithm knows nothing, and the step budget ends (`prepare` refuses it). In 1D, 2D,
    3D and on graphs; D may depend on the position; friction and classical diffusion
    are optional.

    Attributes:
        order: 2, 4, 6 or 8, of the links of a grid.
        floor: added to |ψ| when a state is prepared, in units of its maximum: deep
            tails make steps small and carry nothing.
    """

    order: int = eqx.field(static=True, default=8)
    floor: float = eqx.field(static=True, default=1e-14)

    def __check_init__(self) -> None:
        _checks.check_choice(self.order, "order", tuple(SECOND_DIFFERENCES))

    def check(self, fluid: Fluid) -> None:
        """Enough points; no absorber; no friction across a periodic seam."""
        shape = fluid.space.shape
        if isinstance(fluid.space, Grid) and min(shape) <= self.order:
            raise ValueError(
                f"Argument `space` must have more than {self.order} points on every "
                f"axis for links of order {self.order}, but its shape is {shape}."
            )
        if fluid.absorber is not None:
            raise ValueError(
                "Argument `absorber` must be None for the form 'links', but is given; "
                "use 'amplitude'."
            )
        friction = fluid.friction
        known = _checks.is_concrete(friction)
        if fluid.periodic and known and float(np.asarray(friction)) != 0:
            raise ValueError(
                "Argument `friction` must be 0 on a periodic grid, but is not: the "
                "action has a jump at the seam; use boundary='reflecting'."
            )

    def prepare(self, fluid: Fluid, psi: Array | AmplitudeAction) -> AmplitudeAction:
        """Log-amplitude and action.

        Raises:
            ValueError: a node on a grid point, or vortices where 2mD is not ħ.
        """
        if isinstance(psi, AmplitudeAction):
            return psi
        state = split(psi, fluid.space, fluid.hbar, self.floor)
        if isinstance(fluid.space, Grid):
            self._refuse_nodes(psi, fluid.space)
            known = _checks.is_concrete((fluid.hbar, fluid.hbar_eff))
            if fluid.local or (known and not fluid.quantum):
                refuse_torn(state, psi, fluid)
        return state

    def vector_field(
        self, fluid: Fluid, t: ArrayLike, state: AmplitudeAction
    ) -> AmplitudeAction:
        """The canonical equations, with friction and classical diffusion."""
        a, s = state.log_amplitude, state.action
        a_rate, s_rate = link_rates(
            a, s, fluid.space, fluid.D, fluid.mass,
            order=self.order, periodic=fluid.periodic,
        )  # fmt: skip
        a_rate = a_rate + classical_rates(
            a, fluid.space, fluid.classical_diffusion, periodic=fluid.periodic
        )
        s_rate = s_rate - fluid.values(t).astype(s.dtype)
        return AmplitudeAction(a_rate, s_rate - fluid.drag(state.density, s))

    def density(self, fluid: Fluid, state: AmplitudeAction) -> Array:
        """exp(2a)."""
        del fluid
        return state.density

    def amplitude(self, fluid: Fluid, state: AmplitudeAction) -> Array:
        """√density exp(iS/2mD); with D(x), or one an axis, of the mean of 2mD."""
        return join(state, jnp.mean(fluid.hbar_eff))

    def energy(self, fluid: Fluid, state: AmplitudeAction) -> Array:
        """The link form of (26)."""
        moving = link_energy(
            state.log_amplitude, state.action, fluid.space, fluid.D, fluid.mass,
            order=self.order, periodic=fluid.periodic,
        )  # fmt: skip
        return moving + fluid.space.cell * jnp.sum(state.density * fluid.values(0.0))

    def alarm(self, fluid: Fluid, t: ArrayLike, before, after) -> Array:
        """Walls, cut-off, and a grid whose differences miss k² by 2 %."""
        del t, before
        if not isinstance(fluid.space, Grid):
            return jnp.asarray(Status.OK)
        psi = self.amplitude(fluid, after)
        code = space_alarm(fluid, psi)
        # 2 T rms[Σ D_i (k_i² - k_h²)] against its scale, 2 T rms[Σ D_i k_i²]
        error = self._dispersion(fluid, psi)
        Dk2 = fluid.space.spectral_sum(_mean_D(fluid)).astype(error.dtype)
        weight = jnp.abs(jnp.fft.fftn(psi)) ** 2
        scale = 2 * jnp.sqrt(jnp.sum(weight * Dk2**2) / jnp.sum(weight))
        coarse = error > DISPERSION * scale
        return jnp.where(coarse & (code == Status.OK), Status.CUTOFF, code)

    def diagnose(self, fluid: Fluid, state: AmplitudeAction) -> dict[str, Array]:
        """`max_dispersion`: bound on the L1 error of the density per unit of time."""
        if not isinstance(fluid.space, Grid):
            return {}
        return {"max_dispersion": self._dispersion(fluid, self.amplitude(fluid, state))}

    def resolution(self, fluid: Fluid, state: AmplitudeAction) -> Resolution | None:
        """On a grid the spectrum's loss, and per time what the differences miss of k².

        The second is a bound where there is no potential, 2 to 6 times the error in
        the tested cases, with and without one. Of a graph nothing is missing.
        """
        if not isinstance(fluid.space, Grid):
            return None
        psi = self.amplitude(fluid, state)
        return Resolution(tail_error(fluid.space, psi), self._dispersion(fluid, psi))

    def _dispersion(self, fluid: Fluid, psi: Array) -> Array:
        """Bound on the L1 error of the density per unit of time, of a grid."""
        assert isinstance(fluid.space, Grid)
        D = jnp.stack(_mean_D(fluid))
        return dispersion_bound(fluid.space, psi, self.order, D, 1.0)

    @staticmethod
    def _refuse_nodes(psi: Array, grid: Grid) -> None:
        if not _checks.is_concrete(psi):
            return
        density = np.abs(np.asarray(psi)) ** 2
        known = density > 1e-12 * density.max()
        for axis in range(density.ndim):
            left, right = np.roll(density, 1, axis), np.roll(density, -1, axis)
            sides = np.minimum(left, right)
            inner = np.roll(known, 1, axis) & np.roll(known, -1, axis)
            nodes = inner & (density <= NODE_DEPTH * sides)
            if nodes.any():
                index = np.argwhere(nodes)[0]
                place = [
                    float(np.asarray(x).ravel()[i])
                    for x, i in zip(grid.coordinates, index, strict=True)
                ]
                raise ValueError(
                    "Argument `psi` must not vanish on a grid point inside the packet, "
                    f"but does at x = {place}; shift the grid by half a spacing."
                )


def _mean_D(fluid: Fluid) -> tuple[Array, ...]:
    """D along each axis; of D(x) its mean."""
    return tuple(jnp.mean(D) for D in each_axis(fluid.space, fluid.D))
