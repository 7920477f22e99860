"""The textbook equations (8)-(9) in (ln density, S): the literal form, up to nodes."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool

from ... import _checks
from ..._math import roll
from ...spaces import Grid
from ...status import Status
from .amplitude import refuse_torn
from .differences import difference_matrix
from .form import DiffusionForm, Fluid
from .links_form import Links
from .state import AmplitudeAction, join, split

ORDER = 6
# Second difference of ln density at a dip that the grid does not resolve: a node.
DIP = 1.0
# A dip counts where the density is this share of the largest one.
CORE = 1e-6
# Change of the norm above which the differences no longer hold.
NORM_DRIFT = 1e-6


class Derivatives(eqx.Module):
    """First and second derivatives of a field along each axis."""

    first: tuple[Array, ...]
    second: tuple[Array, ...]


def log_rates(
    chi: Derivatives, action: Derivatives, fluid: Fluid
) -> tuple[Array, Array]:
    """Rates of χ = ln ρ and S but for V and friction, from their derivatives.

    χ̇ = -v·∇χ - ∇·v + D_c (∇²χ + |∇χ|²)
    Ṡ = -|∇S|²/2m + 2mD² (½∇²χ + ¼|∇χ|²), v = ∇S/m, axis by axis with its m and D

    Args:
        chi: derivatives of ln density.
        action: derivatives of S.
        fluid: constants.

    Returns:
        (dχ/dt, dS/dt).

    Source: Zakir, eqs. (8), (9), (13).
    """
    chi_rate = s_rate = jnp.zeros_like(chi.first[0])
    for axis, (f, ff) in enumerate(zip(chi.first, chi.second, strict=True)):
        D, mass = fluid.along(axis)
        s, ss = action.first[axis], action.second[axis]
        spreading = fluid.classical_diffusion * (ff + f**2)
        chi_rate = chi_rate + spreading - (f * s + ss) / mass
        s_rate = s_rate + 2 * mass * D**2 * (ff / 2 + f**2 / 4) - s**2 / (2 * mass)
    return chi_rate, s_rate


def dips(chi: Array, axis: int, *, periodic: bool) -> Bool[Array, ""]:
    """Whether ln density falls and rises again within two steps: a node."""
    left, right = roll(chi, 1, axis), roll(chi, -1, axis)
    core = jnp.minimum(left, right) > jnp.max(chi) + np.log(CORE)
    dip = (left + right - 2 * chi > DIP) & core
    if not periodic:
        inner = jnp.arange(chi.shape[axis])
        inner = (inner > 0) & (inner < chi.shape[axis] - 1)
        shape = [-1 if i == axis else 1 for i in range(chi.ndim)]
        dip = dip & inner.reshape(shape)
    return jnp.any(dip)


class Literal(DiffusionForm):
    """Equations (8)-(9) as printed, ln ρ and S by differences of order 6 on the grid.

    Accurate to rounding while the density has no node: a run ends with the status NODE
    at the first one. Where the grid leaves a packet more than some 8 standard
    deviations of room, errors in its tails grow like exp(x²/4σ²): use the form 'window'
    there.
    """

    def check(self, fluid: Fluid) -> None:
        """Require a grid with enough points, D the same everywhere, and no absorber."""
        check_smooth(fluid, "literal")

    def prepare(self, fluid: Fluid, psi: Array | AmplitudeAction) -> AmplitudeAction:
        """Log-amplitude and action."""
        if isinstance(psi, AmplitudeAction):
            return psi
        state = split(psi, fluid.space, fluid.hbar)  # pyright: ignore[reportArgumentType]
        refuse_torn(state, psi, fluid)
        return state

    def _derivatives(self, field: Array, fluid: Fluid) -> Derivatives:
        assert isinstance(fluid.space, Grid)
        first, second = [], []
        for axis, h in enumerate(fluid.space.spacing):
            for power, result in ((1, first), (2, second)):
                matrix = difference_matrix(
                    fluid.space.shape[axis], power, ORDER, fluid.periodic
                )
                weights = jnp.asarray(matrix, field.dtype) / h**power
                along = jnp.tensordot(weights, field, axes=(1, axis))
                result.append(jnp.moveaxis(along, 0, axis))
        return Derivatives(tuple(first), tuple(second))

    def vector_field(
        self, fluid: Fluid, t: ArrayLike, state: AmplitudeAction
    ) -> AmplitudeAction:
        """The rates by eqs. (8) and (9)."""
        chi = self._derivatives(2 * state.log_amplitude, fluid)
        action = self._derivatives(state.action, fluid)
        chi_rate, s_rate = log_rates(chi, action, fluid)
        s_rate = s_rate - fluid.values(t).astype(s_rate.dtype)
        drag = fluid.drag(state.density, state.action)
        return AmplitudeAction(chi_rate / 2, s_rate - drag)

    def density(self, fluid: Fluid, state: AmplitudeAction) -> Array:
        """exp(χ)."""
        del fluid
        return state.density

    def amplitude(self, fluid: Fluid, state: AmplitudeAction) -> Array:
        """√density exp(iS/2mD)."""
        return join(state, jnp.mean(fluid.hbar_eff))

    def energy(self, fluid: Fluid, state: AmplitudeAction) -> Array:
        """The energy (26), by the links of the same order."""
        return Links(ORDER).energy(fluid, state)

    def alarm(self, fluid: Fluid, t: ArrayLike, before, after) -> Array:
        """Alarm at the first node, and where the norm has changed."""
        del t, before
        node = jnp.asarray(False)
        for axis in range(after.log_amplitude.ndim):
            chi = 2 * after.log_amplitude
            node = node | dips(chi, axis, periodic=fluid.periodic)
        norm = fluid.space.cell * jnp.sum(after.density)
        code = jnp.where(jnp.abs(norm - 1) > NORM_DRIFT, Status.HORIZON, Status.OK)
        return jnp.where(node, Status.NODE, code)


def check_smooth(fluid: Fluid, form: str, ndim: int | None = None) -> None:
    """Raise unless derivatives of ln density make sense: a grid, one D, no absorber."""
    reason = None
    if not isinstance(fluid.space, Grid):
        reason = "needs a grid"
    elif ndim is not None and fluid.space.ndim != ndim:
        reason = f"needs a grid of {ndim} dimension"
    elif min(fluid.space.shape) < 2 * ORDER:
        reason = f"needs at least {2 * ORDER} points on every axis"
    elif fluid.local:
        reason = "needs the same D everywhere"
    elif fluid.absorber is not None:
        reason = "knows no absorber"
    elif fluid.peierls is not None:
        reason = "knows no vector potential"
    elif (
        fluid.periodic
        and _checks.is_concrete(fluid.friction)
        and float(np.asarray(fluid.friction)) != 0
    ):
        reason = "knows no friction across a periodic seam"
    if reason is not None:
        raise ValueError(
            f"Argument `form` must not be {form!r} here, but is: it {reason}."
        )
