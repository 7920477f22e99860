"""The state (log-amplitude, action), and its exchange with wave functions."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Complex, Float

from ... import _checks
from ..._math import abs2, expi, roll
from ...spaces import Grid
from ...spaces.graphs import Graph
from .peierls import Work

# Share of the probability whose links may miss the action of an unwrapped phase.
_TORN = 1e-6


class AmplitudeAction(eqx.Module):
    """ln √density and the action S, a canonical pair up to the variable change.

    Attributes:
        log_amplitude: ½ ln density, shape of the space.
        action: S, same shape, energy times time.
    """

    log_amplitude: Float[Array, "..."]
    action: Float[Array, "..."]

    @property
    def density(self) -> Float[Array, "..."]:
        """Probability per unit of volume."""
        return jnp.exp(2 * self.log_amplitude)


def join(state: AmplitudeAction, hbar: ArrayLike) -> Complex[Array, "..."]:
    """The amplitude ψ = √density exp(iS/ħ).

    Args:
        state: log-amplitude and action.
        hbar: ħ, or ħ_eff = 2mD; scalar or of the state's shape.

    Source: Zakir, eq. (33).
    """
    amplitude, angle = jnp.exp(state.log_amplitude), state.action / hbar
    return amplitude * expi(angle)


def split(
    psi: Complex[Array, "..."],
    space: Grid | Graph,
    hbar: ArrayLike,
    floor: float = 0.0,
    work: Work | None = None,
) -> AmplitudeAction:
    """Log-amplitude and action of ψ, the action unwrapped on a grid.

    The phase is followed along the axes from where the density is largest, so that S
    holds for any ħ_eff. On a graph, and across vortices, S is known only modulo 2πħ.

    Args:
        psi: ψ, shape of the space.
        space: the grid or graph.
        hbar: ħ of ψ.
        floor: added to |ψ|, in units of its maximum.
        work: q ∫ A·dl along links in a vector potential, without which the phase is
            that of the velocity.

    Returns:
        The state.
    """
    size = jnp.abs(psi)
    size = size + floor * jnp.max(size)
    tiny = jnp.finfo(size.dtype).tiny
    log_amplitude = jnp.log(jnp.maximum(size, tiny))
    hbar = jnp.asarray(hbar)
    graph = isinstance(space, Graph)
    phase = jnp.angle(psi) if graph else _unwrapped(psi, hbar, work)
    return AmplitudeAction(log_amplitude, hbar * phase)


def _unwrapped(psi: Array, hbar: Array, work: Work | None) -> Array:
    """The phase of psi, continuous along the axes from the largest density on."""
    # concrete indices keep the path the same under transformations of the values
    density = abs2(psi)
    peak = jnp.unravel_index(jnp.argmax(density), psi.shape)
    total = jnp.zeros((), density.dtype)
    for axis in range(psi.ndim):
        turn = roll(_turns(psi, axis, hbar, work), 1, axis)
        for later in reversed(range(axis + 1, psi.ndim)):
            turn = jnp.take(turn, peak[later], axis=later)
        first = (slice(None),) * axis + (slice(0, 1),)
        turned = jnp.cumsum(turn.at[first].set(0), axis=axis)
        reference = jnp.expand_dims(jnp.take(turned, peak[axis], axis=axis), axis)
        total = jnp.expand_dims(total, axis) + (turned - reference)
    return total + jnp.angle(psi[peak])


def _turns(psi: Array, axis: int, hbar: Array, work: Work | None) -> Array:
    """By how much the phase of psi turns from each point to the next along an axis.

    In a vector potential the part m∫v·dl/ħ lies in (-π, π], and q∫A·dl/ħ is added.
    """
    step = roll(psi, -1, axis) * jnp.conj(psi)
    if work is None:
        return jnp.angle(step)
    lift = jnp.broadcast_to(work(axis, 1) / hbar, psi.shape)
    return jnp.angle(step * expi(-lift)) + lift


def turned_back(state: Any) -> Any:
    """The same density with the action -S: ψ, or a state of amplitude and action."""
    if isinstance(state, AmplitudeAction):
        return AmplitudeAction(state.log_amplitude, -state.action)
    return jax.tree.map(jnp.conj, state)


def is_torn(
    state: AmplitudeAction,
    psi: Array,
    hbar: ArrayLike,
    *,
    periodic: bool = False,
    work: Work | None = None,
) -> Bool[Array, ""]:
    """Whether psi has vortices, or winds round a periodic grid: S is not single-valued.

    In a vector potential the circulation is m∮v·dl + q∮A·dl, with the work q∫A·dl along
    links: that of v alone is a whole number only at whole numbers of flux quanta.
    """
    torn, weight = jnp.zeros_like(state.action), abs2(psi)
    hbar = jnp.asarray(hbar)
    for axis in range(psi.ndim):
        turn = _turns(psi, axis, hbar, work)
        step = (roll(state.action, -1, axis) - state.action) / hbar
        inner = jnp.arange(psi.shape[axis]) < psi.shape[axis] - (not periodic)
        inner = inner.reshape((-1,) + (1,) * (psi.ndim - 1 - axis))
        inner = jnp.broadcast_to(inner, psi.shape)
        torn = torn + jnp.where(inner & (jnp.abs(step - turn) > 1), 1.0, 0.0)
    both = weight * jnp.where(torn > 0, 1.0, 0.0)
    return jnp.sum(both) > _TORN * jnp.sum(weight)


def read_state(
    psi: Any, space: Grid | Graph, name: str = "psi"
) -> Array | AmplitudeAction:
    """A wave function or a pair (density, action) as arrays, checked.

    Args:
        psi: ψ of the space's shape; (density, action); or an `AmplitudeAction`.
        space: the grid or graph.
        name: for messages.

    Returns:
        ψ, complex, or the pair as a state.

    Raises:
        ValueError: wrong shape, not finite, not normalised, negative density.
    """
    if isinstance(psi, AmplitudeAction):
        return psi
    if isinstance(psi, tuple | list) and len(psi) == 2:
        density, action = (jnp.asarray(part) for part in psi)
        for part, what in ((density, "density"), (action, "action")):
            _checks.check_reals(part, what, space.shape)
        if _checks.is_concrete(density) and np.min(np.asarray(density)) < 0:
            raise ValueError(
                "Argument `density` must not be negative, but has minimum "
                f"{float(np.min(np.asarray(density))):.3g}."
            )
        _checks.check_state(jnp.sqrt(density), name, space.shape, weight=space.cell)
        tiny = jnp.finfo(density.dtype).tiny
        half = jnp.log(jnp.maximum(density, tiny)) / 2
        return AmplitudeAction(half, action)
    psi = jnp.asarray(psi)
    _checks.check_state(psi, name, space.shape, weight=space.cell)
    return _checks.complex_of(psi)
