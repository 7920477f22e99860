"""The link form: (log-amplitude, action), through nodes without an amplitude."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._math import abs2
from ...constants import static
from ...spaces import Grid
from ...spaces.resolution import (
    SECOND_DIFFERENCES,
    cutoff_weight,
    dispersion_bound,
    tail_error,
)
from ...status import Status
from ..groups import Resolution
from .amplitude import refuse_torn
from .form import DiffusionForm, Fluid, space_alarm
from .links import classical_rates, each_axis, link_energy, link_rates
from .peierls import Seen, covariant
from .state import AmplitudeAction, join, split

# A density this far below both its neighbours along an axis is a node on a grid point.
NODE_DEPTH = 1e-12
# Error of k² by differences, relative to k², at which the grid is too coarse.
DISPERSION = 0.02


class Links(DiffusionForm):
    """Canonical equations of the link-by-link Hamiltonian in (½ ln density, S).

    See `links`. Runs pass through nodes that form between the sites. At a node on a
    site the logarithm fails, and a run uses up its steps (`prepare` refuses such a
    state). The form works in 1D, 2D, 3D and on graphs; D may depend on the position;
    friction and classical diffusion are optional. In a vector potential links have
    Peierls' phases, so that the gauge change S -> S + qχ, A -> A + ∇χ is exact.

    Attributes:
        order: 2, 4, 6 or 8, of the links of a grid.
        floor: added to |ψ| when a state is prepared, in units of its maximum: deep
            tails make steps small and hold hardly any probability.
    """

    order: int = static(default=8)
    floor: float = static(default=1e-14)

    def __check_init__(self) -> None:
        _checks.check_choice(self.order, "order", tuple(SECOND_DIFFERENCES))

    def check(self, fluid: Fluid) -> None:
        """Require enough points, no absorber, and no friction on a periodic grid."""
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
        if not known or float(np.asarray(friction)) == 0:
            return
        if fluid.periodic:
            raise ValueError(
                "Argument `friction` must be 0 on a periodic grid, but is not: the "
                "action has a jump at the seam; use boundary='reflecting'."
            )
        if fluid.peierls is not None:
            raise ValueError(
                "Argument `friction` must be 0 in a vector potential, but is not: it "
                "acts on the action, which a gauge changes."
            )

    def prepare(self, fluid: Fluid, psi: Array | AmplitudeAction) -> AmplitudeAction:
        """Log-amplitude and action.

        Raises:
            ValueError: a node on a grid point, or vortices where 2mD is not ħ.
        """
        if isinstance(psi, AmplitudeAction):
            return psi
        state = split(psi, fluid.space, fluid.hbar, self.floor, fluid.work(0.0))
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
            order=self.order, periodic=fluid.periodic, work=fluid.work(t),
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
        """√density exp(iS/2mD); with D(x), or one per axis, of the mean of 2mD."""
        return join(state, jnp.mean(fluid.hbar_eff))

    def energy(self, fluid: Fluid, state: AmplitudeAction) -> Array:
        """The link form of (26)."""
        moving = link_energy(
            state.log_amplitude, state.action, fluid.space, fluid.D, fluid.mass,
            order=self.order, periodic=fluid.periodic, work=fluid.work(0.0),
        )  # fmt: skip
        return moving + fluid.space.cell * jnp.sum(state.density * fluid.values(0.0))

    def alarm(self, fluid: Fluid, t: ArrayLike, before, after) -> Array:
        """Alarm at walls, the cut-off, and where differences miss k² by 2 %."""
        del before
        if not isinstance(fluid.space, Grid):
            return jnp.asarray(Status.OK)
        psi = self.amplitude(fluid, after)
        seen = self._seen(fluid, psi, t)
        code = space_alarm(fluid, psi, t, seen.cut)
        coarse = seen.missed > DISPERSION * seen.square
        return jnp.where(coarse & (code == Status.OK), Status.CUTOFF, code)

    def _seen(self, fluid: Fluid, psi: Array, t: ArrayLike = 0.0) -> Seen:
        """How well the links resolve ψ at a time."""
        grid = fluid.space
        assert isinstance(grid, Grid)
        D = [jnp.mean(D) for D in each_axis(grid, fluid.D)]
        if fluid.peierls is not None:
            hbar = [jnp.mean(hbar) for hbar in each_axis(grid, fluid.hbar_eff)]
            return covariant(fluid.peierls, grid, psi, hbar, D, self.order, t)
        # 2 T rms[..] with T = 1/2
        missed = dispersion_bound(grid, psi, self.order, jnp.stack(D), 0.5)
        Dk2 = grid.spectral_sum(D).astype(missed.dtype)
        weight = abs2(jnp.fft.fftn(psi))
        square = jnp.sqrt(jnp.sum(weight * Dk2**2) / jnp.sum(weight))
        return Seen(cutoff_weight(grid, psi), tail_error(grid, psi), missed, square)

    def diagnose(self, fluid: Fluid, state: AmplitudeAction) -> dict[str, Array]:
        """`max_dispersion`: bound on the L1 error of the density per unit of time."""
        if not isinstance(fluid.space, Grid):
            return {}
        seen = self._seen(fluid, self.amplitude(fluid, state))
        return {"max_dispersion": 2 * seen.missed}

    def resolution(self, fluid: Fluid, state: AmplitudeAction) -> Resolution | None:
        """On a grid: loss of the spectrum, and error of k² by differences per time.

        The second, 2 rms[D (k² - k_h²)], is a bound where there is no potential; in the
        tested cases, with and without one, it was 2 to 6 times the error. A graph has
        no such errors. In a vector potential k is covariant, taken at t = 0 where A
        depends on the time.
        """
        if not isinstance(fluid.space, Grid):
            return None
        seen = self._seen(fluid, self.amplitude(fluid, state))
        return Resolution(seen.tail, 2 * seen.missed)

    @staticmethod
    def _refuse_nodes(psi: Array, grid: Grid) -> None:
        if not _checks.is_concrete(psi):
            return
        density = abs2(np.asarray(psi))
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
