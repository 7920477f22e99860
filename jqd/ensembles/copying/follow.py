"""The mean-field motion of N → ∞ systems, and integrals along it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ... import _checks
from ...evolution.evolution import in_precision
from ...interop import as_array
from ...laws import CopyDynamics
from ...laws.copying import square
from ...steppers import rk4
from .rates import Process, amplitudes, check_motion, over, rates

# Least number of copies in a class, and of them for each copy's worth of lost fidelity;
# see `copies_needed`.
LEAST_COPIES, PER_DENSITY, PER_SWING = 20.0, 5.0, 4.0

Rate = Callable[[CopyDynamics, Array, Any], Any]


class Followed(eqx.Module):
    """The mean-field motion at the save times.

    Attributes:
        psi: ψ, shape (T, M).
        sums: what accumulated, leaves (T, ...); over single intervals, (T - 1, ...), if
            each began `afresh`.
        least_density: smallest density of any class up to each time, (T,).
        swing: ∫ Σ_{a<b} J_ab² dt over ∫ Σ_{a<b} (max A_ab)² (ρ_a + ρ_b) dt up to each
            time, (T,): how far currents stand out of what scatter makes of them; 1 at
            the first time.
    """

    psi: Complex[Array, "T M"]
    sums: PyTree[Array]
    least_density: Float[Array, " T"]
    swing: Float[Array, " T"]


def admit(
    law: CopyDynamics, psi0: ArrayLike, ts: ArrayLike, substeps: Any = 1
) -> tuple[CopyDynamics, Complex[Array, " M"], Float[Array, " T"]]:
    """Law, ψ and times in the precision of ψ.

    Raises:
        ValueError: another law or a subclass that moves otherwise, ψ of the wrong
            shape or norm, times not increasing, a step count that is neither an array
            nor a positive integer.
    """
    check_motion(law)
    _checks.check_times(ts, "ts")
    psi = as_array(psi0)
    _checks.check_state(psi, "psi0", law.omega.shape, weight=1.0)
    psi = _checks.complex_of(psi)
    dtype = jnp.finfo(psi.dtype).dtype
    if not isinstance(substeps, jax.Array):
        _checks.check_positive_integer(substeps, "substeps")
    return in_precision(law, dtype), psi, jnp.asarray(ts, dtype)


def inverse(density: Float[Array, " M"]) -> Float[Array, " M"]:
    """1/ρ_a, 0 for an empty class."""
    filled = density > 0
    return jnp.where(filled, 1 / jnp.where(filled, density, 1), 0)


def one_way_flow(law: CopyDynamics, psi: Complex[Array, " M"]) -> Float[Array, "M M"]:
    """[a, b]: share of all systems that goes from b to a per time, ρ_b T_{b→a}."""
    density = square(psi)
    process = Process(law, jnp.ones((), density.dtype), jnp.zeros_like(density))
    return rates(process, psi, density > 0).flow


def follow(
    law: CopyDynamics,
    psi: Complex[Array, " M"],
    ts: Float[Array, " T"],
    rate: Rate,
    start: PyTree[Array],
    substeps: int | Array,
    *,
    afresh: bool = False,
) -> Followed:
    """The mean-field motion, and sums with d(sums)/dt = rate(law, ψ, sums).

    Args:
        law: the copy law.
        psi: ψ at ts[0], (M,).
        ts: times, (T,).
        rate: see above.
        start: the sums at ts[0].
        substeps: Runge-Kutta steps between two times. A traced number costs reverse
            mode.
        afresh: whether the sums begin with `start` in every interval.

    Returns:
        States and sums.
    """
    joint = _Joint(law, rate)

    def interval(carry, ends):
        t0, t1 = ends
        dt = (t1 - t0) / substeps
        psi, sums, currents, least = carry
        sums = start if afresh else sums

        def step(i, carry):
            before, least = carry
            after = rk4(joint, t0 + i * dt, before, dt)
            return after, jnp.minimum(least, _least(before[0], after[0]))

        begin = ((psi, sums, currents), least)
        state, least = jax.lax.fori_loop(0, substeps, step, begin)
        return (*state, least), (*state, least)

    none = jnp.zeros((), ts.dtype)
    first = (psi, start, (none, none), jnp.min(square(psi)))
    _, rows = jax.lax.scan(interval, first, (ts[:-1], ts[1:]))
    psis, sums, (moved, wide), least = rows
    swing = moved / jnp.where(wide > 0, wide, 1)

    def whole(first, rest):
        return jnp.concatenate([first[None], rest])

    if not afresh:
        sums = jax.tree.map(whole, start, sums)
    least = whole(first[-1], least)
    return Followed(whole(psi, psis), sums, least, whole(none + 1, swing))


def _least(before: Array, after: Array) -> Array:
    """Smallest density on the chord of a step, which may pass a node within it."""
    way = after - before
    length = square(way)
    part = over(-jnp.real(jnp.conj(before) * way), length)
    part = jnp.where(length > 0, jnp.clip(part, 0, 1), 0)
    return jnp.min(square(before + part * way))


def copies_needed(
    least: Float[Array, " T"], swing: Float[Array, " T"], loss: Float[Array, " T"]
) -> Float[Array, " T"]:
    """The least number of copies in the smallest class for laws to order 1/N.

    N ρ_min >= 20,  E[1 - F] <= ρ_min/5,  E[1 - F] <= swing/4

    The next order comes from the scatter of the smallest class beside its size, and
    from that of the currents beside themselves: |J| has a kink at 0. The bounds are
    measured, not derived: at the least N that they admit, N E[1 - F] of 2048 sampled
    ensembles was within 10 % of linear noise (8 +- 4 % at most) and 2 in 1000 of them
    at most had lost a class, for some 30 starts of two to six classes at the quantum
    point, up to t = 20/R. With 5 copies a class it was 7 to 130 % above the law. The
    steps must resolve the nodes: at ρ_min = 4e-11, far below their reach, it was 11 %.

    Args:
        least: ρ_min up to each time, as of `Followed`.
        swing: mean square of the currents up to each time, likewise.
        loss: N E[1 - F] by linear noise, largest so far.

    Returns:
        What N ρ_min must reach up to each time, (T,).
    """
    moving = over(least, swing)
    spread = jnp.maximum(PER_DENSITY, PER_SWING * moving)
    # where currents are rounding and nothing is lost, nothing scatters
    some = loss > jnp.sqrt(jnp.finfo(least.dtype).eps)
    spread = jnp.where(some, loss * jnp.where(some, spread, 0), 0)
    return jnp.maximum(LEAST_COPIES, spread)


def _currents(law: CopyDynamics, psi: Array) -> tuple[Array, Array]:
    """Σ_{a<b} J_ab², and Σ_{a<b} (max A_ab)² (ρ_a + ρ_b), the scale of its scatter."""
    density = square(psi)
    J = one_way_flow(law, psi)
    most, _ = amplitudes(law, law.R)
    apart = ~jnp.eye(density.shape[0], dtype=bool)
    wide = jnp.where(apart, most, 0) ** 2 * density[None, :]
    return jnp.sum((J + J.T) ** 2) / 2, jnp.sum(wide)


class _Joint(eqx.Module):
    """ψ, the sums and the currents as one law for the stepper."""

    law: CopyDynamics
    rate: Rate = eqx.field(static=True)

    def vector_field(self, t: Array, state: tuple[Array, Any, Any]) -> Any:
        """(dψ/dt, d(sums)/dt, currents)."""
        psi, sums, _ = state
        now = self.law.at(t)
        return now.vector_field(t, psi), self.rate(now, psi, sums), _currents(now, psi)
