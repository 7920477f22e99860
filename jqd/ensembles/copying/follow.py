"""The mean-field motion of N → ∞ systems, and integrals along it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Complex, Float, Int, PyTree

from ... import _checks
from ..._math import abs2, divisor, inverse_root
from ..._program import saved_scan
from ...evolution import Adaptive, Fixed, evolve
from ...evolution.evolution import in_precision
from ...evolution.judging import difference, richardson
from ...evolution.trajectory import mask_unreached
from ...interop import as_array
from ...laws import CopyDynamics
from ...laws.copying import ROUNDING, psi_field
from ...laws.groups import Breaks, Watch
from ...laws.motion import Motion
from ...status import Status
from ...steppers import rk4
from .ceilings import pace
from .least_density import least_densities
from .rates import Process, amplitudes, angular, check_motion, rates

Rate = Callable[[CopyDynamics, Array, Any], Any]
# Factor by which the run that checks another takes more steps.
FINER = 4


class Followed(eqx.Module):
    """The mean-field motion at the save times; NaN where it was not reached.

    Attributes:
        psi: ψ, shape (T, M).
        sums: the integrals, leaves (T, ...); over single intervals, (T - 1, ...), if
            each began `afresh`.
        least_density: smallest density of any class up to each time, (T,).
        swing: ∫ Σ_{a<b} J_ab² dt over ∫ Σ_{a<b} (max A_ab)² (ρ_a + ρ_b) dt up to each
            time, (T,): the size of the currents compared with their scatter; 1 at the
            first time.
        status: code of `jqd.Status`, scalar: NODE where a class became empty.
        failure_time: time at which the motion ended, infinite if it did not.
        check: ψ and sums by another method.
        scale: ratio of the errors to the difference from `check` (static).
    """

    psi: Complex[Array, "T M"]
    sums: PyTree[Array]
    least_density: Float[Array, " T"]
    swing: Float[Array, " T"]
    status: Int[Array, ""]
    failure_time: Float[Array, ""]
    check: tuple[Array, PyTree[Array]]
    scale: float = eqx.field(static=True)

    def error(self) -> PyTree[Array]:
        """Estimate of the error of the sums from steps and rounding."""
        return difference(self.sums, self.check[1], self.scale)


def admit(
    law: CopyDynamics, psi0: ArrayLike, ts: ArrayLike, substeps: Any = None
) -> tuple[CopyDynamics, Complex[Array, " M"], Float[Array, " T"]]:
    """Law, ψ and times, checked, in the precision of ψ.

    Raises:
        ValueError: another law or a subclass that changes the motion, ψ of the wrong
            shape or norm, times not increasing, a step count that is neither None nor
            an array nor a positive integer.
    """
    check_motion(law)
    _checks.check_times(ts, "ts")
    psi = as_array(psi0)
    _checks.check_state(psi, "psi0", law.omega.shape, weight=1.0)
    psi = _checks.complex_of(psi)
    dtype = jnp.finfo(psi.dtype).dtype
    if substeps is not None and not isinstance(substeps, jax.Array):
        _checks.check_positive_integer(substeps, "substeps")
    return in_precision(law, dtype), psi, jnp.asarray(ts, dtype)


def one_way_flow(law: CopyDynamics, psi: Complex[Array, " M"]) -> Float[Array, "M M"]:
    """[a, b]: share of all systems that goes from b to a per time, ρ_b T_{b→a}.

    0 for pairs whose current is only rounding, see `without_current`.
    """
    density = abs2(psi)
    flow = rates(_process(law, density), psi, density > 0).flow
    return jnp.where(without_current(law, psi), 0, flow)


def without_current(law: CopyDynamics, psi: Complex[Array, " M"]) -> Bool[Array, "M M"]:
    """Pairs whose current is zero to rounding, as all of a real eigenstate are.

    A_ab, A_ba <= 64 ε (1/√ρ_a + 1/√ρ_b) max A_ab: amplitudes are known to some ε of
    the norm, and the phase of a small one is known worse. A current that passes zero
    is as small for no more than that share of its time.
    """
    density = abs2(psi)
    size = inverse_root(density)
    A, _ = angular(_process(law, density), psi * size)
    most, _ = amplitudes(law, law.R)
    known = ROUNDING * jnp.finfo(density.dtype).eps * (size[:, None] + size[None, :])
    return jnp.maximum(A, A.T) <= known * most


def _process(law: CopyDynamics, density: Float[Array, " M"]) -> Process:
    """The copy process of as many systems that no number enters."""
    return Process(law, jnp.ones((), density.dtype), jnp.zeros_like(density))


def follow(
    law: CopyDynamics,
    psi: Complex[Array, " M"],
    ts: Float[Array, " T"],
    rate: Rate,
    start: PyTree[Array],
    substeps: int | Array | None,
    *,
    afresh: bool = False,
) -> Followed:
    """The mean-field motion, and sums with d(sums)/dt = rate(law, ψ, sums).

    Args:
        law: the copy law.
        psi: ψ at ts[0], (M,).
        ts: times, (T,).
        rate: see above; free of units, since tolerances are also absolute.
        start: the sums at ts[0].
        substeps: Runge-Kutta steps between two times, or None for adaptive ones. A
            traced number rules out reverse mode.
        afresh: whether the sums begin with `start` in every interval.

    Returns:
        States and sums.
    """
    method, other, scale = _methods(substeps, ts.dtype)
    psis, sums, swing, status, when = _run(law, psi, ts, rate, start, afresh, method)
    least = least_densities(law, psis, ts)
    reached = ts < when
    source = (law, psi, ts, start)
    psis, swing = mask_unreached((psis, swing), reached, source)
    sums = mask_unreached(sums, reached[1:] if afresh else reached, source)
    # an error bar, not a result: no gradient flows through it
    frozen = jax.lax.stop_gradient((law, psi, ts))
    *check, _, _, failed = _run(*frozen, rate, start, afresh, other)
    late = ts < failed
    check = (
        mask_unreached(check[0], late, ()),
        mask_unreached(check[1], late[1:] if afresh else late, ()),
    )
    return Followed(psis, sums, least, swing, status, when, check, scale)


def _run(
    law: CopyDynamics,
    psi: Array,
    ts: Array,
    rate: Rate,
    start: PyTree[Array],
    afresh: bool,
    method: Fixed | Adaptive,
) -> tuple[Array, PyTree[Array], Array, Array, Array]:
    """ψ, sums and swing at the times, status and failure time by one method."""
    joint = _Joint(law, pace(law, ts), rate)

    def interval(carry, ends):
        (psi, sums, currents), status, when = carry
        begin = (psi, start if afresh else sums, currents)

        def run():
            run = evolve(joint, begin, jnp.stack(ends), method=method)
            # after an alarm there is no state, and the last one stands for it
            sound = run.status == Status.OK
            after = jax.tree.map(
                lambda x, x0: jnp.where(sound, x[-1], x0), run.values, begin
            )
            return after, run.status.astype(status.dtype), run.failure_time

        after, status, when = jax.lax.cond(
            status == Status.OK, run, lambda: (begin, status, when)
        )
        return (after, status, when), after

    none = jnp.zeros((), ts.dtype)
    first = (psi, start, (none, none))
    status = joint.watch().alarm(ts[0], first, first).astype(jnp.int32)
    when = jnp.where(status == Status.OK, none + jnp.inf, ts[0])
    (_, status, when), (psis, sums, (moved, wide)) = saved_scan(
        interval, (first, status, when), (ts[:-1], ts[1:]), first
    )
    if afresh:
        sums = jax.tree.map(lambda row: row[1:], sums)
    swing = (moved / divisor(wide)).at[0].set(1)
    return psis, sums, swing, status, when


def _methods(
    substeps: int | Array | None, dtype: Any
) -> tuple[Fixed | Adaptive, Fixed | Adaptive, float]:
    """The method of a run, that of the run by which it is judged, and the scale by
    which their difference is its error."""
    if substeps is None:
        import diffrax

        fine, rough = tolerance(dtype), 10 * tolerance(dtype)
        judged = Adaptive(rtol=fine, atol=fine, estimate_error=False)
        # the check is not differentiated, and this costs less
        plain = diffrax.ForwardMode()
        check = Adaptive(rtol=rough, atol=rough, adjoint=plain, estimate_error=False)
        return judged, check, 1.0
    # |J| has kinks, across which steps are of order 2 and have random errors: half the
    # step may have a similar error, a quarter of it hardly does
    if isinstance(substeps, jax.Array):
        counts = (substeps, FINER * substeps)
        judged, check = (Fixed(rk4, counts=n, estimate_error=False) for n in counts)
    else:
        judged, check = (
            Fixed(rk4, n * int(substeps), gradient="direct", estimate_error=False)
            for n in (1, FINER)
        )
    return judged, check, richardson(1, FINER)


def tolerance(dtype: Any) -> float:
    """Tolerance of adaptive steps, and the least |ψ_a| that has a known phase."""
    return max(1e-9, 50 * float(jnp.finfo(dtype).eps))


def _currents(law: CopyDynamics, psi: Array) -> tuple[Array, Array]:
    """Σ_{a<b} J_ab², and Σ_{a<b} (max A_ab)² (ρ_a + ρ_b), the scale of its scatter."""
    density = abs2(psi)
    J = one_way_flow(law, psi)
    most, _ = amplitudes(law, law.R)
    apart = ~jnp.eye(density.shape[0], dtype=bool)
    wide = jnp.where(apart, most, 0) ** 2 * density[None, :]
    return jnp.sum((J + J.T) ** 2) / 2, jnp.sum(wide)


class _Joint(Motion):
    """ψ, the sums and the currents as one motion.

    Attributes:
        law: the copy law.
        pace: the unit of the currents, per time.
        rate: of the sums (static).
    """

    law: CopyDynamics
    pace: Float[Array, ""]
    rate: Rate = eqx.field(static=True)

    def vector_field(
        self, t: ArrayLike, state: tuple[Array, Any, Any], args: Any = None
    ) -> Any:
        """(dψ/dt, d(sums)/dt, currents)."""
        del args
        psi, sums, _ = state
        now = self.law.at(t)
        currents = jax.tree.map(lambda x: x / self.pace, _currents(now, psi))
        return now.vector_field(t, psi), self.rate(now, psi, sums), currents

    def watch(self) -> Watch:
        """NODE where the law ends, or a class is empty that others fill or leave.

        There order 1/N diverges, also at the quantum point, whose ψ goes on.
        """
        ends = self.law.watch().alarm

        def alarm(t: ArrayLike, before: Any, after: Any) -> Array:
            psi = after[0]
            density, slope = (
                abs2(psi),
                abs2(psi_field(self.law, psi, *self.law.rates_at(t))),
            )
            small = density <= tolerance(density.dtype) ** 2
            # where contributions of other classes cancel, rounding is left of them
            known = density + (ROUNDING * jnp.finfo(density.dtype).eps) ** 2
            met = jnp.any(small & (known * self.pace**2 < slope))
            code = ends(t, before[0], psi)
            return jnp.where((code == Status.OK) & met, Status.NODE, code)

        return Watch(alarm)

    def breaks(self) -> Breaks:
        """Where a pulse jumps."""
        return Breaks(self.law.breaks().jumps)
