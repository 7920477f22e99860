"""Rate and phase functions of the copy law without a formula.

dρ_a/dt = Σ_b R_ab √(ρ_a ρ_b) [S(ℓ_ab, x_ab) - S(ℓ_ba, x_ba)]
dφ_a/dt = ω_a + Σ_b R_ab G(ℓ_ab, x_ab)
ℓ_ab = ln(ρ_a/ρ_b) = -ℓ_ba,  x_ab = φ_a - φ_b + δ_ab = -x_ba

R e^(ℓ/2) S is the rate at which a system of class b copies one of a, T_{b->a}. The
motion of the ensemble fixes only the net flow N(ℓ, x) =
S(ℓ, x) - S(-ℓ, -x); traffic as strong in both directions changes nothing. In quantum
mechanics N = 2 sin x and G = e^(-ℓ/2) cos x; the rate with the least traffic is then
e^(ℓ/2) [N]₊ = (ρ_a/ρ_b)^(1/2) 2 sin⁺ x.

Source: Smolin (2012), eqs. (18)-(33).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd._math import abs2
from jqd.interop import as_array
from jqd.laws import CopyDynamics, Law
from jqd.laws.copying import DensityPhase
from jqd.laws.groups import Watch
from jqd.status import Status

from .surfaces import Surface


class PairRecord(NamedTuple):
    """A record as the equations above see it.

    Attributes:
        density: ρ_a, shape (N, M).
        level: ℓ_ab, shape (N, M, M).
        x: x_ab, shape (N, M, M).
        R: R_ab, shape (M, M), zero on the diagonal.
        density_rate: dρ_a/dt, shape (N, M).
        phase_rate: dφ_a/dt - ω_a, shape (N, M).
    """

    density: Array
    level: Array
    x: Array
    R: Array
    density_rate: Array
    phase_rate: Array

    def within(self, reach: float) -> "PairRecord":
        """The times at which all |ℓ_ab| are below `reach`."""
        inside = jnp.all(jnp.abs(self.level) < reach, axis=(1, 2))
        return PairRecord(*(x if x is self.R else x[inside] for x in self))

    def pairs(self) -> tuple[Array, Array]:
        """ℓ_ab and x_ab of different classes, (N, M (M - 1)) each."""
        a, b = np.nonzero(~np.eye(self.R.shape[0], dtype=bool))
        return self.level[:, a, b], self.x[:, a, b]


def pair_record(law: CopyDynamics, psi: Array, slope: Array) -> PairRecord:
    """The record of ψ and dψ/dt under the couplings and frequencies of a copy law.

    Args:
        law: `CopyDynamics`, of which omega, R and delta are used.
        psi: shape (..., M), no class empty.
        slope: dψ/dt, like psi, for instance from `local_polynomials`.

    Returns:
        The record, leading axes flattened.
    """
    size = law.omega.shape[-1]
    psi, slope = (jnp.reshape(z, (-1, size)) for z in (psi, slope))
    density = abs2(psi)
    log_density = jnp.log(density)
    product = jnp.conj(psi)[:, :, None] * psi[:, None, :]
    overlap = jnp.conj(psi) * slope
    return PairRecord(
        density,
        log_density[:, :, None] - log_density[:, None, :],
        jnp.angle(product) + law.delta[None],
        jnp.where(jnp.eye(size, dtype=bool), 0, law.R),
        2 * jnp.real(overlap),
        -jnp.imag(overlap) / density - law.omega[None],
    )


def net_flow(flow: Surface, level: Array, x: Array) -> Array:
    """N(ℓ, x) = S(ℓ, x) - S(-ℓ, -x), the part of S that data determine."""
    return flow(level, x) - flow(-level, -x)


def traffic(flow: Surface, level: Array, x: Array) -> Array:
    """E(ℓ, x) = [S(ℓ, x) + S(-ℓ, -x)]/2, which no data of the ensemble determine.

    S = E + N/2 is nowhere negative if and only if E >= |N|/2.
    """
    return (flow(level, x) + flow(-level, -x)) / 2


def least_rate(flow: Surface, level: Array, x: Array) -> Array:
    """e^(ℓ/2) [N(ℓ, x)]₊: of all rates with this net flow, the one that copies least.

    Source: Smolin (2012), eq. (29), for N = 2 sin x; Bell's minimal jump process.
    """
    return jnp.exp(level / 2) * jnp.maximum(net_flow(flow, level, x), 0)


def density_residuals(flow: Surface, record: PairRecord) -> Array:
    """Σ_b R_ab √(ρ_a ρ_b) N(ℓ_ab, x_ab) - dρ_a/dt, shape (N, M)."""
    density, level, x, R, rate, _ = record
    return _gain(flow, density, level, x, R[None]) - rate


def _gain(flow: Surface, density: Array, level: Array, x: Array, R: Array) -> Array:
    """Σ_b R_ab √(ρ_a ρ_b) N(ℓ_ab, x_ab), shape (..., M)."""
    root = jnp.sqrt(density)
    weight = R * root[..., :, None] * root[..., None, :]
    return jnp.sum(weight * net_flow(flow, level, x), axis=-1)


def phase_residuals(turn: Surface, record: PairRecord) -> Array:
    """√ρ_a [Σ_b R_ab G(ℓ_ab, x_ab) + ω_a - dφ_a/dt], shape (N, M)."""
    turned = jnp.sum(record.R[None] * turn(record.level, record.x), axis=-1)
    return jnp.sqrt(record.density) * (turned - record.phase_rate)


class FreeFormCopying(Law):
    """Copy dynamics with any functions of ratio and phase.

    dρ_a/dt = Σ_b R_ab √(ρ_a ρ_b) [S(ℓ_ab, x_ab) - S(-ℓ_ab, -x_ab)]
    dφ_a/dt = ω_a + Σ_b R_ab G(ℓ_ab, x_ab)

    Attributes:
        omega: ω_a, shape (M,).
        R: R_ab, shape (M, M), symmetric; its diagonal is not used.
        delta: δ_ab, shape (M, M), antisymmetric.
        flow: S.
        turn: G.
    """

    omega: Float[Array, " M"]
    R: Float[Array, "M M"]
    delta: Float[Array, "M M"]
    flow: Surface
    turn: Surface

    @classmethod
    def like(cls, law: CopyDynamics, flow: Surface, turn: Surface) -> "FreeFormCopying":
        """With the couplings and frequencies of a `CopyDynamics`."""
        return cls(law.omega, law.R, law.delta, flow, turn)

    def prepare(self, psi: Any) -> DensityPhase:
        """Densities |ψ|² and phases -arg ψ.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi)
        _checks.check_state(psi, "psi", self.omega.shape, weight=1.0)
        return DensityPhase(abs2(psi), -jnp.angle(jnp.where(psi == 0, 1, psi)))

    def density(self, state: DensityPhase) -> Array:
        """ρ_a."""
        return state.density

    def vector_field(
        self, t: ArrayLike, state: DensityPhase, args: Any = None
    ) -> DensityPhase:
        """d(state)/dt; see the class."""
        del t, args
        density, phase = state
        safe = jnp.where(density > 0, density, 1)
        level = jnp.log(safe)[:, None] - jnp.log(safe)[None, :]
        x = phase[:, None] - phase[None, :] + self.delta
        R = jnp.where(jnp.eye(density.shape[0], dtype=bool), 0, self.R)
        gain = _gain(self.flow, safe, level, x, R)
        return DensityPhase(gain, self.omega + jnp.sum(R * self.turn(level, x), axis=1))

    def watch(self) -> Watch:
        """Node: an empty class."""

        def alarm(t: ArrayLike, before: Any, after: Any) -> Array:
            del t, before
            return jnp.where(jnp.any(after.density <= 0), Status.NODE, Status.OK)

        return Watch(alarm)
