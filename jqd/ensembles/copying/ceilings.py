"""Bounds on the size of a Hamiltonian, which set steps and proposals."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..._math import divisor, safe_divide
from ...laws import CopyDynamics
from ...laws.copying import coupling

# A run is cut into pieces, and where pulses jump. Each is sampled so many times, and
# values between samples may be larger by this factor. A step stays within a piece.
PIECES, LOOKS, MARGIN = 32, 64, 1.25


class Ceiling(NamedTuple):
    """Bounds that hold for some time.

    Attributes:
        R: bound on |H_ab|/ħ, (M, M).
        turn: bound on |ω_a - ω̄|, ω̄ the middle of all ω, (M,).
        pace: bound on |dH_ab/dt| over the largest |H_ab| of the drive, scalar: a step
            must also resolve a pulse that is weaker than all else.
        room: time for which they hold, scalar.
    """

    R: Float[Array, "M M"]
    turn: Float[Array, " M"]
    pace: Float[Array, ""]
    room: Float[Array, ""]


class Ceilings(eqx.Module):
    """Bounds for the pieces of a run.

    Attributes:
        edges: of the pieces, (B + 1,).
        R, turn, pace: as in `Ceiling`, with a first axis (B,).
    """

    edges: Float[Array, " B+1"]
    R: Float[Array, "B M M"]
    turn: Float[Array, "B M"]
    pace: Float[Array, " B"]

    def at(self, t: Array) -> Ceiling:
        """The bounds from t on to the end of its piece."""
        piece = jnp.searchsorted(self.edges, t, side="right") - 1
        piece = jnp.clip(piece, 0, self.edges.shape[0] - 2)
        room = self.edges[piece + 1] - t
        return Ceiling(self.R[piece], self.turn[piece], self.pace[piece], room)


def constant_ceiling(law: CopyDynamics) -> Ceiling:
    """The bounds of a law without a drive."""
    none = jnp.zeros((), law.R.dtype)
    return Ceiling(law.R, _turn(law.omega), none, none + jnp.inf)


def _turn(omega: Array) -> Array:
    return jnp.abs(omega - (jnp.max(omega) + jnp.min(omega)) / 2)


def within(t: ArrayLike, dt: ArrayLike, part: ArrayLike) -> Array:
    """The time t + part dt, a few rounding errors inside the step.

    Pulses may jump at the ends of a step, and their values beyond do not concern it.
    """
    end = jnp.asarray(t) + dt
    margin = 4 * jnp.finfo(end.dtype).eps * jnp.maximum(jnp.abs(t), jnp.abs(end))
    return jnp.maximum(jnp.minimum(t + part * dt, end - margin), t + margin)


@jax.jit
def ceilings(law: CopyDynamics, ts: Float[Array, " T"]) -> Ceilings:
    """Bounds for a run under a drive, from samples of it.

    Args:
        law: a law with a drive, sampled at some 2000 times of the run; between them a
            pulse may exceed its samples by a quarter, and anything beyond is not seen.
        ts: times of the run, (T,).
    """
    edges = jnp.linspace(ts[0], ts[-1], PIECES + 1, dtype=ts.dtype)
    jumps = law.breaks().jumps
    if jumps is not None:
        inside = jnp.clip(jumps.astype(ts.dtype), ts[0], ts[-1])
        edges = jnp.sort(jnp.concatenate([edges, inside]))
    constant = coupling(law.R, law.delta)

    def look(t):
        omega, links = law.rates_at(t)
        drive = links - constant + jnp.diag(omega - law.omega)
        return jnp.abs(links), _turn(omega), drive

    def piece(ends):
        t0, t1 = ends
        parts = jnp.linspace(0, 1, LOOKS, dtype=ts.dtype)
        times = within(t0, t1 - t0, parts)

        def widen(carry, t):
            R, turn, drive = look(t)
            before, most = carry
            new = (R, turn, jnp.abs(drive), jnp.abs(drive - before))
            return (drive, jax.tree.map(jnp.maximum, most, new)), None

        R, turn, drive = look(times[0])
        start = (drive, (R, turn, jnp.abs(drive), jnp.zeros_like(R)))
        (_, most), _ = jax.lax.scan(widen, start, times[1:])
        return most

    R, turn, drive, change = jax.lax.map(piece, (edges[:-1], edges[1:]))
    scale = jnp.max(drive, axis=0)
    some = scale > jnp.sqrt(jnp.finfo(ts.dtype).eps) * jnp.max(scale)
    share = safe_divide(1, scale, some)
    change = jnp.max(change * share[None], (1, 2))
    between = (edges[1:] - edges[:-1]) / (LOOKS - 1)
    pace = safe_divide(change, between)
    return Ceilings(edges, MARGIN * R, MARGIN * turn, pace)


def speeds(bounds: Ceiling | Ceilings) -> Array:
    """Σ_b R_ab + |ω_a - ω̄|, (..., M)."""
    apart = ~jnp.eye(bounds.R.shape[-1], dtype=bool)
    return jnp.sum(jnp.where(apart, bounds.R, 0), axis=-1) + bounds.turn


def pace(law: CopyDynamics, ts: Float[Array, " T"]) -> Float[Array, ""]:
    """A bound on ‖H - ω̄‖/ħ over the run, the unit in which rates are expressed."""
    if law.drive is None:
        return speed(law)
    bounds = ceilings(jax.lax.stop_gradient(law), ts)
    fastest = jnp.max(speeds(bounds))
    return divisor(fastest)


def speed(law: CopyDynamics) -> Float[Array, ""]:
    """The bound without a drive, max_a Σ_b R_ab + |ω_a - ω̄|; 1 where that is 0."""
    bounds = constant_ceiling(jax.lax.stop_gradient(law))
    fastest = jnp.max(speeds(bounds))
    return divisor(fastest)
