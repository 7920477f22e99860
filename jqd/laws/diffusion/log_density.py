"""The textbook equations (8)-(9) in (ln density, S): the literal form, up to nodes."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool

from ... import _checks
from ...spaces import Grid
from ...status import Status
from .amplitude import refuse_torn
from .differences import difference_matrix
from .form import DiffusionForm, Motion
from .links_form import Links
from .state import AmplitudeAction, join, split

ORDER = 6
# Second difference of ln density at a dip that the grid does not resolve: a node.
DIP = 1.0
# A dip counts where the density is this share of the largest one.
CORE = 1e-6
# Change of the norm that tells that the differences no longer hold.
NORM_DRIFT = 1e-6


class Derivatives(eqx.Module):
    """First and second derivatives of a field along each axis."""

    first: tuple[Array, ...]
    second: tuple[Array, ...]


def log_rates(
    chi: Derivatives, action: Derivatives, motion: Motion
) -> tuple[Array, Array]:
    """Rates of χ = ln ρ and S but for V and friction, from their derivatives.

    χ̇ = -v·∇χ - ∇·v + D_c (∇²χ + |∇χ|²)
    Ṡ = -|∇S|²/2m + 2mD² (½∇²χ + ¼|∇χ|²), v = ∇S/m

    Args:
        chi: derivatives of ln density.
        action: derivatives of S.
        motion: constants.

    Returns:
        (dχ/dt, dS/dt).

    Source: Zakir, eqs. (8), (9), (13).
    """
    mass, D = motion.mass, motion.D
    curved = sum(chi.second)
    steep = sum(f**2 for f in chi.first)
    carried = sum(f * s for f, s in zip(chi.first, action.first, strict=True))
    chi_rate = -(carried + sum(action.second)) / mass
    chi_rate = chi_rate + motion.classical_diffusion * (curved + steep)
    drift = sum(s**2 for s in action.first) / (2 * mass)
    return chi_rate, 2 * mass * D**2 * (curved / 2 + steep / 4) - drift


def dips(chi: Array, axis: int, *, periodic: bool) -> Bool[Array, ""]:
    """Whether ln density falls and rises again within two steps: a node."""
    left, right = jnp.roll(chi, 1, axis), jnp.roll(chi, -1, axis)
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

    Good to rounding while the density has no node: it ends with the status NODE at the
    first one. Where a packet has more than some 8 standard deviations of room, errors
    in its tails grow like exp(x²/4σ²): use the form 'window' there.
    """

    def check(self, motion: Motion) -> None:
        """A grid with enough points, one D, no absorber."""
        check_smooth(motion, "literal")

    def prepare(self, motion: Motion, psi: Array | AmplitudeAction) -> AmplitudeAction:
        """Log-amplitude and action."""
        if isinstance(psi, AmplitudeAction):
            return psi
        state = split(psi, motion.space, motion.hbar)  # pyright: ignore[reportArgumentType]
        refuse_torn(state, psi, motion)
        return state

    def _derivatives(self, field: Array, motion: Motion) -> Derivatives:
        assert isinstance(motion.space, Grid)
        first, second = [], []
        for axis, h in enumerate(motion.space.spacing):
            for power, result in ((1, first), (2, second)):
                matrix = difference_matrix(
                    motion.space.shape[axis], power, ORDER, motion.periodic
                )
                weights = jnp.asarray(matrix, field.dtype) / h**power
                along = jnp.tensordot(weights, field, axes=(1, axis))
                result.append(jnp.moveaxis(along, 0, axis))
        return Derivatives(tuple(first), tuple(second))

    def vector_field(
        self, motion: Motion, t: ArrayLike, state: AmplitudeAction
    ) -> AmplitudeAction:
        """(8) and (9)."""
        chi = self._derivatives(2 * state.log_amplitude, motion)
        action = self._derivatives(state.action, motion)
        chi_rate, s_rate = log_rates(chi, action, motion)
        s_rate = s_rate - motion.values(t).astype(s_rate.dtype)
        drag = motion.drag(state.density, state.action)
        return AmplitudeAction(chi_rate / 2, s_rate - drag)

    def density(self, motion: Motion, state: AmplitudeAction) -> Array:
        """exp(χ)."""
        del motion
        return state.density

    def amplitude(self, motion: Motion, state: AmplitudeAction) -> Array:
        """√density exp(iS/2mD)."""
        return join(state, motion.hbar_eff)

    def energy(self, motion: Motion, state: AmplitudeAction) -> Array:
        """(26), by the links of the same order."""
        return Links(ORDER).energy(motion, state)

    def alarm(self, motion: Motion, t: ArrayLike, before, after) -> Array:
        """The first node; a norm that has changed."""
        del t, before
        node = jnp.asarray(False)
        for axis in range(after.log_amplitude.ndim):
            chi = 2 * after.log_amplitude
            node = node | dips(chi, axis, periodic=motion.periodic)
        norm = motion.space.cell * jnp.sum(after.density)
        code = jnp.where(jnp.abs(norm - 1) > NORM_DRIFT, Status.HORIZON, Status.OK)
        return jnp.where(node, Status.NODE, code)


def check_smooth(motion: Motion, form: str, ndim: int | None = None) -> None:
    """Raise unless derivatives of ln density make sense: a grid, one D, no absorber."""
    reason = None
    if not isinstance(motion.space, Grid):
        reason = "needs a grid"
    elif ndim is not None and motion.space.ndim != ndim:
        reason = f"needs a grid of {ndim} dimension"
    elif min(motion.space.shape) < 2 * ORDER:
        reason = f"needs at least {2 * ORDER} points on every axis"
    elif motion.D.ndim > 0:
        reason = "needs the same D everywhere"
    elif motion.absorber is not None:
        reason = "knows no absorber"
    elif (
        motion.periodic
        and _checks.is_concrete(motion.friction)
        and float(np.asarray(motion.friction)) != 0
    ):
        reason = "knows no friction across a periodic seam"
    if reason is not None:
        raise ValueError(
            f"Argument `form` must not be {form!r} here, but is: it {reason}."
        )
