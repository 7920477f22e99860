"""Linear noise: the scatter of N systems around the mean-field motion."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Complex, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import abs2, matmul, safe_divide
from ..._program import saved_scan
from ...evolution.judging import difference
from ...laws import CopyDynamics
from ...laws.copying import psi_field
from .follow import admit, follow, one_way_flow, without_current
from .laws_of_noise import copies_needed, enough, judge
from .populations import INITIAL

# Results of which the error is known.
JUDGED = ("density", "covariance", "infidelity", "state_covariance")


class LinearNoise(eqx.Module):
    """Scatter of N systems around the mean-field motion; all covariances are times N.

    States are y = (Re ψ, Im ψ), 2M real numbers, so that a deviation moves as
    y(t) = flow y(s), and y is a Gauss-Markov process. Values at times that the run did
    not reach are NaN, and its `status` says why.

    Attributes:
        ts: times, shape (T,).
        psi: mean-field ψ, (T, M).
        flow: ∂y(t_{k+1})/∂y(t_k), (T - 1, 2M, 2M).
        kicks: covariance of y that each interval adds, (T - 1, 2M, 2M).
        state_covariance: covariance of y at each time, (T, 2M, 2M).
        least_density: smallest mean-field density of any class up to each time, (T,).
        swing: mean square of the currents up to each time, see `Followed`, (T,).
        status: code of `jqd.Status`, scalar: NODE where a class became empty, at which
            the scatter diverges; INACCURATE where its error is as large.
        failure_time: time from which on the status holds, infinite if it is OK.
        check: the same by another method, which gives the errors.
        check_scale: ratio of the errors to the difference from `check` (static).
    """

    ts: Float[Array, " T"]
    psi: Complex[Array, "T M"]
    flow: Float[Array, "S 2M 2M"]
    kicks: Float[Array, "S 2M 2M"]
    state_covariance: Float[Array, "T 2M 2M"]
    least_density: Float[Array, " T"]
    swing: Float[Array, " T"]
    status: Int[Array, ""]
    failure_time: Float[Array, ""]
    check: "LinearNoise | None" = None
    check_scale: float = eqx.field(static=True, default=1.0)

    def error(self, name: str) -> Array:
        """Estimate of the error of a result from steps and rounding.

        Args:
            name: "density", "covariance", "infidelity" or "state_covariance".

        Returns:
            The error, of the shape of the result.
        """
        _checks.check_choice(name, "name", JUDGED)
        values, check = getattr(self, name), getattr(self.check, name)
        return difference(values, check, self.check_scale)

    @property
    def density(self) -> Float[Array, "T M"]:
        """Mean-field density."""
        return abs2(self.psi)

    @property
    def readout(self) -> Float[Array, "T M 2M"]:
        """∂ρ/∂y."""
        return jax.vmap(_readout)(self.psi)

    @property
    def covariance(self) -> Float[Array, "T M T M"]:
        """N Cov[ρ_a(t), ρ_b(t')].

        Its rows sum to zero, and the row of an exact initial state vanishes.
        """
        reads, states = self.readout, self.state_covariance
        size = self.ts.shape[0]
        here = jnp.arange(size)

        def row(earlier, k):
            # Cov[y(t_i), y(t_k)] of all i at once; rows i > k are not yet known
            flow = self.flow[jnp.maximum(k - 1, 0)]
            moved = jnp.where((here < k)[:, None, None], earlier @ flow.T[None], 0)
            joint = moved.at[k].set(states[k])
            return joint, jnp.einsum("iax,ixy,by->iab", reads, joint, reads[k])

        _, rows = jax.lax.scan(row, jnp.zeros_like(states), here)
        lower = jnp.transpose(rows, (0, 3, 1, 2))  # [k, b, i, a] for i <= k
        upper = jnp.transpose(lower, (2, 3, 0, 1))
        later = (here[:, None] < here[None, :])[:, None, :, None]
        return jnp.where(later, upper, lower)

    @property
    def infidelity(self) -> Float[Array, " T"]:
        """N E[1 - F] between the ensemble's ψ and the mean-field ψ.

        N E[1 - F] = tr C - ψᵀCψ - (iψ)ᵀC(iψ)
        """
        y = jnp.concatenate([jnp.real(self.psi), jnp.imag(self.psi)], axis=-1)
        turned = jnp.concatenate([-jnp.imag(self.psi), jnp.real(self.psi)], axis=-1)
        C = self.state_covariance
        along = sum(jnp.einsum("tx,txy,ty->t", v, C, v) for v in (y, turned))
        return jnp.trace(C, axis1=1, axis2=2) - along

    @property
    def least_copies(self) -> Float[Array, " T"]:
        """The smallest N ρ_min at which the scatter is small, see `valid`."""
        loss = jax.lax.cummax(self.infidelity)
        return copies_needed(self.least_density, self.swing, loss)

    def valid(self, copies: ArrayLike) -> Bool[Array, " T"]:
        """Whether N is large enough for order 1/N up to each time.

        N ρ_min >= 20,  E[1 - F] <= ρ_min/5,  E[1 - F] <= swing/4

        `infidelity` is then within 10 % of that of sampled ensembles, as measured at
        the quantum point, see `validity.copies_needed`. False where the run ended, or
        where the error by steps exceeds 1 % of it.
        """
        return enough(
            copies, self.least_copies, self.least_density, self.infidelity,
            self.error("infidelity"), self.ts < self.failure_time,
        )  # fmt: skip


@gated
def linear_noise(
    law: CopyDynamics,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    initial: str = "rounded",
    substeps: int | Array | None = None,
) -> LinearNoise:
    """Covariance of N copying systems along the mean-field motion, to order 1/N.

    N Cov[ρ(t), ρ(t')] = ∫_0^min(t,t') G(t, s) D(s) G(t', s)ᵀ ds
    D = Σ_{a<b} (ρ_b T_{b→a} + ρ_a T_{a→b}) (e_a - e_b)(e_a - e_b)ᵀ

    G is the response of the density at t to a change of the occupations at s, with
    phases fixed: 2 Re[ψ*(t) U(t - s) diag(e^{-iφ}/(2√ρ))(s)] at the quantum point,
    elsewhere from the linearised law. At q other than 1/2 the law has two slopes where
    a current is zero, one for each sign. Where all currents stay zero to rounding, as
    in a real eigenstate, nothing scatters an exact initial state; of drawn ones the
    linear theory then says nothing, and they are valid for no N. The result holds while
    the scatter is small (`LinearNoise.valid`); it diverges at a node, where a class
    becomes empty. Works under jit, vmap and grad (reverse mode: `substeps` None or an
    int; forward mode: an int or an array).

    Args:
        law: copy dynamics, any q, r and harmonics.
        psi0: ψ at ts[0], (M,), normalised.
        ts: times, (T,), strictly increasing.
        initial: "rounded", an exact initial state, or "drawn", N draws from |ψ|².
        substeps: Runge-Kutta steps between two times; None for adaptive ones.

    Returns:
        The scatter, its errors and a status; divide its covariances by N.

    Raises:
        ValueError: another law, ψ of the wrong shape or norm, times not increasing,
            unknown `initial`.

    Source: linear-noise expansion of the process of Smolin (2012), eqs. (39), (40);
    van Kampen, Stochastic Processes in Physics and Chemistry, ch. X.
    """
    _checks.check_choice(initial, "initial", INITIAL)
    return _linear_noise(*admit(law, psi0, ts, substeps), initial, substeps)


@eqx.filter_jit
def _linear_noise(law, psi, ts, initial, substeps):
    size = 2 * psi.shape[0]
    none = jnp.zeros((size, size), ts.dtype)
    start = (jnp.eye(size, dtype=ts.dtype), none)
    path = follow(law, psi, ts, _spread, start, substeps, afresh=True)
    first = none if initial == "rounded" else _shots(psi)

    def noise_of(psis, sums, **more):
        flow, kicks = sums
        states = _grown(first, flow, kicks)
        return LinearNoise(
            ts, psis, flow, kicks, states, path.least_density, path.swing,
            path.status, path.failure_time, **more,
        )  # fmt: skip

    rough = noise_of(*path.check)
    noise = noise_of(path.psi, path.sums, check=rough, check_scale=path.scale)
    judged = [
        (noise.state_covariance, noise.error("state_covariance")),
        (noise.density, noise.error("density")),
    ]
    known = judge(ts, noise.status, noise.failure_time, *judged)
    return eqx.tree_at(lambda noise: (noise.status, noise.failure_time), noise, known)


def _grown(first: Array, flow: Array, kicks: Array) -> Array:
    """The covariances that flow and kicks of all intervals make of the first."""

    def grow(C, interval):
        flow, kicks = interval
        C = matmul(matmul(flow, C), flow.T) + kicks
        return C, C

    return saved_scan(grow, first, (flow, kicks), first)[1]


def _shots(psi: Array) -> Array:
    """Covariance of y, times N, of N draws from |ψ|²."""
    density = abs2(psi)
    lift = _lift(psi)
    drawn = jnp.diag(density) - density[:, None] * density[None, :]
    return matmul(matmul(lift, drawn), lift.T)


def _spread(law: CopyDynamics, psi: Array, sums: tuple[Array, Array]) -> Any:
    """Rates of the flow, Φ' = AΦ, and of the covariance, C' = AC + CAᵀ + BDBᵀ."""
    flow, kicks = sums
    size, still = psi.shape[0], without_current(law, psi)

    def field(y: Array) -> Array:
        ket = jax.lax.complex(y[:size], y[size:])
        rate = psi_field(law, ket, *law.rates_at(0.0), still)
        return jnp.concatenate([jnp.real(rate), jnp.imag(rate)])

    A = jax.jacfwd(field)(jnp.concatenate([jnp.real(psi), jnp.imag(psi)]))
    moves = one_way_flow(law, psi)
    moves = moves + moves.T
    D = jnp.diag(jnp.sum(moves, axis=1)) - moves
    lift = _lift(psi)
    turned = matmul(A, kicks)
    return matmul(A, flow), turned + turned.T + matmul(matmul(lift, D), lift.T)


def _lift(psi: Array) -> Array:
    """∂y/∂ρ at fixed phases, ψ_a/(2ρ_a), (2M, M); 0 for an empty class."""
    density = abs2(psi)
    slope = safe_divide(psi, 2 * density)
    return jnp.concatenate([jnp.diag(jnp.real(slope)), jnp.diag(jnp.imag(slope))])


def _readout(psi: Array) -> Array:
    """∂ρ/∂y, (M, 2M)."""
    blocks = [jnp.diag(jnp.real(psi)), jnp.diag(jnp.imag(psi))]
    return 2 * jnp.concatenate(blocks, axis=1)
