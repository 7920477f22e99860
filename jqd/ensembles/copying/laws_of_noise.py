"""Averages that a finite N shifts, and how many copies a law needs."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import abs2, safe_divide
from ...evolution.judging import status_from_the_first
from ...laws import CopyDynamics
from ...laws.copying import coupling
from .ceilings import pace, speed
from .follow import Rate, admit, follow, one_way_flow
from .rates import check_motion, over


class NoiseLaw(eqx.Module):
    """A mean effect of finite N, to order 1/N, over time.

    Values at times that the run did not reach are NaN, and its `status` says why.

    Attributes:
        ts: times, shape (T,).
        value: N times the effect, (T,).
        error: estimate of the error of `value` from steps and rounding, (T,).
        loss: N E[1 - F], (T,).
        loss_error: estimate of the error of `loss`, (T,).
        least_density: smallest mean-field density of any class up to each time, (T,).
        swing: mean square of the currents up to each time, see `Followed`, (T,).
        status: code of `jqd.Status`, scalar: NODE where a class became empty, at which
            the effect diverges; INACCURATE where the error is as large as the value.
        failure_time: time from which on the status holds, infinite if it is OK.
    """

    ts: Float[Array, " T"]
    value: Float[Array, " T"]
    error: Float[Array, " T"]
    loss: Float[Array, " T"]
    loss_error: Float[Array, " T"]
    least_density: Float[Array, " T"]
    swing: Float[Array, " T"]
    status: Int[Array, ""]
    failure_time: Float[Array, ""]

    def valid(self, copies: ArrayLike) -> Bool[Array, " T"]:
        """Whether N is large enough for order 1/N up to each time.

        N ρ_min >= 20,  E[1 - F] <= ρ_min/5,  E[1 - F] <= swing/4

        The lost fidelity is then within 10 % of that of sampled ensembles, as measured,
        see `validity.copies_needed`. False where the run ended, or where the error by
        steps exceeds 1 % of the lost fidelity.
        """
        needed = copies_needed(self.least_density, self.swing, self.loss)
        return enough(
            copies, needed, self.least_density, self.loss, self.loss_error,
            self.ts < self.failure_time,
        )  # fmt: skip


@gated
def infidelity(
    law: CopyDynamics,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    substeps: int | Array | None = None,
) -> NoiseLaw:
    """Fidelity to Schrödinger's ψ that N copying systems lose, at the quantum point.

    N E[1 - F](t) = ¼ ∫ Σ_{a<b} |J_ab| (1/ρ_a + 1/ρ_b) dt'

    Each copy turns ψ by (1/ρ_a + 1/ρ_b)/4N², which the unitary motion preserves. With
    other q, r or harmonics the motion does not: see `linear_noise(...).infidelity`.

    Args:
        law: copy dynamics at q = 1/2, r = -1/2, without harmonics.
        psi0: ψ at ts[0], (M,), normalised.
        ts: times, (T,), strictly increasing.
        substeps: Runge-Kutta steps between two times; None for adaptive ones.

    Returns:
        N E[1 - F], with F between √(n_a/N) exp(-iφ_a) and Schrödinger's ψ, its error
        and a status.

    Raises:
        ValueError: a law away from the quantum point; ψ or times as for `linear_noise`.
    """
    return _at_quantum_point(law, psi0, ts, _lost_fidelity, substeps)


@gated
def energy_drift(
    law: CopyDynamics,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    substeps: int | Array | None = None,
) -> NoiseLaw:
    """Energy that N copying systems gain or lose on average, at the quantum point.

    N (E⟨H⟩ - H_0) = ½ ∫ Σ_{a<b} |J_ab| (∂_a - ∂_b)² ⟨H⟩ dt',  ∂_a = ∂/∂ρ_a at fixed φ

    For two classes of equal ω the rate is -⟨H⟩ |J|/(8 ρ_1²ρ_2²), so that the energy
    begins to decay as E⟨H⟩ ≈ H_0 exp(value/(N H_0)).

    Args:
        law, psi0, ts, substeps: as for `infidelity`.

    Returns:
        N (E⟨H⟩ - H_0) in units of ħ/time, its error and a status.

    Raises:
        ValueError: as for `infidelity`; or a driven law, whose energy changes anyway.
    """
    check_motion(law)
    if law.drive is not None:
        raise ValueError(
            "Argument `law` must have a Hamiltonian that is constant in time for its "
            "energy to drift by noise alone, but has a drive."
        )
    drift = _at_quantum_point(law, psi0, ts, _energy_rate, substeps)
    unit = pace(law, drift.ts)
    return eqx.tree_at(
        lambda drift: (drift.value, drift.error), drift,
        (unit * drift.value, unit * drift.error),
    )  # fmt: skip


def _at_quantum_point(
    law: CopyDynamics, psi0: ArrayLike, ts: ArrayLike, rate: Rate, substeps: Any
) -> NoiseLaw:
    law, psi, ts = admit(law, psi0, ts, substeps)
    known = _checks.is_concrete((law.q, law.r))
    away = known and not np.allclose([law.q, law.r], [0.5, -0.5], rtol=0, atol=1e-9)
    if away or law.harmonics is not None:
        raise ValueError(
            "Argument `law` must be at the quantum point q = 1/2, r = -1/2 without "
            "harmonics, but is not; `linear_noise` serves all copy laws."
        )
    return _integral(law, psi, ts, rate, substeps)


@eqx.filter_jit
def _integral(law, psi, ts, rate, substeps):
    def rates(law, psi, sums):
        return rate(law, psi, sums), _lost_fidelity(law, psi, sums)

    none = jnp.zeros((), ts.dtype)
    path = follow(law, psi, ts, rates, (none, none), substeps)
    errors = path.error()
    judged = zip(path.sums, errors, strict=True)
    status, when = judge(ts, path.status, path.failure_time, *judged)
    (value, loss), (error, loss_error) = path.sums, errors
    return NoiseLaw(
        ts, value, error, loss, loss_error, path.least_density, path.swing, status, when
    )


def _lost_fidelity(law: CopyDynamics, psi: Array, sums: Array) -> Array:
    """¼ Σ_{a<b} |J_ab| (1/ρ_a + 1/ρ_b) = ¼ Σ_ab |J_ab|/ρ_a."""
    del sums
    flow = one_way_flow(law, psi)
    return jnp.sum((flow + flow.T) * safe_divide(1, abs2(psi))[:, None]) / 4


def _energy_rate(law: CopyDynamics, psi: Array, sums: Array) -> Array:
    """½ Σ_{a<b} |J_ab| (K_aa + K_bb - 2K_ab)/pace, K the Hessian of ⟨H⟩/ħ in ρ."""
    del sums
    flow = one_way_flow(law, psi)
    one_over = safe_divide(1, abs2(psi))
    # h_ab = 2 √(ρ_a ρ_b) R_ab cos x_ab: K_aa = -Σ_b h_ab/4ρ_a², K_ab = h_ab/4ρ_aρ_b
    h = 2 * jnp.real(jnp.conj(psi)[:, None] * coupling(law.R, law.delta) * psi[None, :])
    own = -jnp.sum(h, axis=1) * one_over**2 / 4
    mixed = h * one_over[:, None] * one_over[None, :] / 4
    curvature = own[:, None] + own[None, :] - 2 * mixed
    return jnp.sum((flow + flow.T) * curvature) / (4 * speed(law))


# Least number of copies in a class, and the number per copy's worth of lost fidelity;
# see `copies_needed`.
LEAST_COPIES, PER_DENSITY, PER_SWING = 20.0, 5.0, 4.0
# Largest relative error of the lost fidelity by steps with which `copies_needed` is
# judged by it: a tenth of the 10 % that its bounds promise.
WELL_KNOWN = 0.01


def copies_needed(
    least: Float[Array, " T"], swing: Float[Array, " T"], loss: Float[Array, " T"]
) -> Float[Array, " T"]:
    """The least number of copies in the smallest class for laws to order 1/N.

    N ρ_min >= 20,  E[1 - F] <= ρ_min/5,  E[1 - F] <= swing/4

    The next order comes from the scatter of the smallest class relative to its size,
    and from that of the currents relative to their size: |J| has a kink at 0. The
    bounds are measured, not derived. At the least N that they admit, N E[1 - F] of 2048
    sampled ensembles was within 10 % of linear noise (8 +- 4 % at most), and at most 2
    in 1000 of them had lost a class, for some 30 initial states of two to six classes
    at the quantum point, up to t = 20/R. With 5 copies per class it was 7 to 130 %
    above the law. The steps must resolve the nodes, where a class becomes empty: at
    ρ_min = 4e-11, far below their reach, it was 11 %.

    Args:
        least: ρ_min up to each time, as in `Followed`.
        swing: mean square of the currents up to each time, likewise.
        loss: N E[1 - F] by linear noise, largest so far.

    Returns:
        The value that N ρ_min must reach up to each time, (T,).
    """
    moving = over(least, swing)
    spread = jnp.maximum(PER_DENSITY, PER_SWING * moving)
    # where currents are only rounding and no fidelity is lost, there is no scatter
    some = loss > jnp.sqrt(jnp.finfo(least.dtype).eps)
    spread = jnp.where(some, loss * jnp.where(some, spread, 0), 0)
    return jnp.maximum(LEAST_COPIES, spread)


def enough(
    copies: ArrayLike,
    needed: Float[Array, " T"],
    least: Float[Array, " T"],
    loss: Float[Array, " T"],
    error: Float[Array, " T"],
    reached: Bool[Array, " T"],
) -> Bool[Array, " T"]:
    """Whether N meets `copies_needed`, judged by a loss that is known well enough."""
    rounding = jnp.sqrt(jnp.finfo(least.dtype).eps)
    known = reached & (error <= WELL_KNOWN * loss + rounding)
    return known & (jnp.asarray(copies) * least >= needed)


def judge(
    ts: Float[Array, " T"],
    status: Int[Array, ""],
    failure_time: Float[Array, ""],
    *judged: tuple[Array, Array],
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    """Status and failure time, INACCURATE where an error is as large as its value.

    Args:
        ts: times, (T,).
        status: status of the run.
        failure_time: failure time of the run.
        judged: values and their errors, free of units, leading axis (T,).
    """
    bad = jnp.zeros(ts.shape, bool)
    for values, errors in judged:
        sizes = [
            jnp.max(jnp.abs(x).reshape(ts.size, -1), axis=1) for x in (values, errors)
        ]
        largest = jax.lax.cummax(jnp.where(ts < failure_time, sizes[0], 0))
        rounding = jnp.sqrt(jnp.finfo(ts.dtype).eps)
        bad |= (sizes[1] >= largest) & (sizes[1] > rounding)
    bad &= ts < failure_time
    return status_from_the_first(ts, bad, status, failure_time)
