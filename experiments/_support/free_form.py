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

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd._math import abs2
from jqd.interop import as_array
from jqd.laws import CopyDynamics, Law
from jqd.laws.copying import DensityPhase
from jqd.laws.groups import Watch
from jqd.status import Status

Surface = Callable[[Array, Array], Array]  # a function of ℓ and x, elementwise


class SplineSurface(eqx.Module):
    """A function of ℓ and x: cubic splines on even knots, periodic in x.

    f(ℓ, x) = Σ_ij c_ij B_i(ℓ) B_j(x); linear in c, of error O(spacing⁴). Beyond ±reach
    the value at the edge is kept.

    Attributes:
        coefficients: c, shape (K, J): K - 3 intervals in [-reach, reach], J in a turn.
        reach: largest |ℓ|.
    """

    coefficients: Float[Array, "K J"]
    reach: Float[Array, ""]

    @classmethod
    def zeros(cls, intervals: int, turns: int, reach: ArrayLike) -> "SplineSurface":
        """The surface 0.

        Args:
            intervals: of ℓ, at least 1.
            turns: intervals of x in a turn, at least 4.
            reach: largest |ℓ|.
        """
        reach = jnp.asarray(reach, float)
        return cls(jnp.zeros((intervals + 3, turns), reach.dtype), reach)

    def __call__(self, level: Array, x: Array) -> Array:
        """Values at ℓ and x, of one shape."""
        (rows, turns), shape = self.coefficients.shape, level.shape
        intervals = rows - 3
        u = (jnp.clip(jnp.ravel(level) / self.reach, -1, 1) + 1) / 2 * intervals
        v = jnp.ravel(x) / (2 * jnp.pi) * turns
        i = jnp.clip(jnp.floor(u), 0, intervals - 1)
        j = jnp.floor(v)
        near = jnp.arange(4)[None, :]
        row = i.astype(int)[:, None] + near
        column = (j.astype(int)[:, None] + near) % turns
        local = self.coefficients[row[:, :, None], column[:, None, :]]
        # sums of 16 products; as matrix products they would be slower
        weights = _cubic(u - i)[:, :, None] * _cubic(v - j)[:, None, :]
        return jnp.reshape(jnp.sum(weights * local, axis=(1, 2)), shape)


def _cubic(t: Array) -> Array:
    """The four cubic B-splines that live on an interval, at t in [0, 1]."""
    s = 1 - t
    inner = (3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4)
    return jnp.stack([s**3, *inner, t**3], axis=-1) / 6


class NetworkSurface(eqx.Module):
    """A function of ℓ and x: a small network of (ℓ, cos x, sin x).

    Attributes:
        network: three inputs, one output.
    """

    network: eqx.nn.MLP

    @classmethod
    def random(cls, key: Array, *, positive: bool = False) -> "NetworkSurface":
        """A network of random weights, with two hidden layers of 24.

        Its values are positive, as those of S are, if asked for.
        """
        last = jax.nn.softplus if positive else _same
        return cls(eqx.nn.MLP(3, "scalar", 24, 2, jnp.tanh, last, key=key))

    def __call__(self, level: Array, x: Array) -> Array:
        """Values at ℓ and x, of one shape."""
        inputs = jnp.stack([level, jnp.cos(x), jnp.sin(x)], axis=-1)
        values = jax.vmap(self.network)(jnp.reshape(inputs, (-1, 3)))
        return jnp.reshape(values, level.shape)


def _same(value: Array) -> Array:
    # one object, so that networks of one shape share a compilation
    return value


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
    root = jnp.sqrt(record.density)
    weight = record.R[None] * root[:, :, None] * root[:, None, :]
    moved = weight * net_flow(flow, record.level, record.x)
    return jnp.sum(moved, axis=-1) - record.density_rate


def phase_residuals(turn: Surface, record: PairRecord) -> Array:
    """√ρ_a [Σ_b R_ab G(ℓ_ab, x_ab) + ω_a - dφ_a/dt], shape (N, M)."""
    turned = jnp.sum(record.R[None] * turn(record.level, record.x), axis=-1)
    return jnp.sqrt(record.density) * (turned - record.phase_rate)


@eqx.filter_jit
def fit_surface(
    surface: Any,
    residuals: Callable[[Any, PairRecord], Array],
    record: PairRecord,
    steps: int = 500,
) -> tuple[Any, Array]:
    """The surface with the least mean square of residuals, by L-BFGS (optax).

    Args:
        surface: where to start; its arrays are what is fitted.
        residuals: `density_residuals` or `phase_residuals`.
        record: the record.
        steps: iterations.

    Returns:
        The surface, and the mean square after each step, shape (steps,).
    """
    import optax

    arrays, rest = eqx.partition(surface, eqx.is_inexact_array)
    solver = optax.lbfgs()

    def loss(arrays: Any) -> Array:
        return jnp.mean(residuals(eqx.combine(arrays, rest), record) ** 2)

    value_and_grad = optax.value_and_grad_from_state(loss)

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        arrays, state = carry
        value, grad = value_and_grad(arrays, state=state)
        updates, state = solver.update(
            grad, state, arrays, value=value, grad=grad, value_fn=loss
        )
        return (optax.apply_updates(arrays, updates), state), value

    start = arrays, solver.init(arrays)
    (arrays, _), history = jax.lax.scan(step, start, length=steps)
    return eqx.combine(arrays, rest), history


@eqx.filter_jit
def solve_spline(
    surface: SplineSurface,
    residuals: Callable[[Any, PairRecord], Array],
    record: PairRecord,
    tolerance: float = 1e-6,
) -> tuple[SplineSurface, Array]:
    """The spline surface with the least mean square, at once: it enters linearly.

    Directions whose singular value is below `tolerance` of the largest stay as they
    are in `surface`: the data do not constrain them.

    Args:
        surface: the values that the record does not fix, and the knots.
        residuals: `density_residuals` or `phase_residuals`.
        record: the record.
        tolerance: relative singular value below which a direction is undetermined.

    Returns:
        The surface, and the singular values over the largest, descending.
    """
    flat = jnp.ravel(surface.coefficients)

    def misfit(flat: Array) -> Array:
        shaped = jnp.reshape(flat, surface.coefficients.shape)
        return jnp.ravel(residuals(SplineSurface(shaped, surface.reach), record))

    # in small batches: each column takes the memory of a whole evaluation
    start, push = jax.linearize(misfit, flat)
    design = jax.lax.map(push, jnp.eye(flat.shape[0]), batch_size=8).T
    q, r = jnp.linalg.qr(design)
    left, values, right = jnp.linalg.svd(r, full_matrices=False)
    kept = values > tolerance * values[0]
    inverse = jnp.where(kept, 1 / jnp.where(kept, values, 1), 0)
    change = right.T @ (inverse * (left.T @ (q.T @ start)))
    shaped = jnp.reshape(flat - change, surface.coefficients.shape)
    return SplineSurface(shaped, surface.reach), values / values[0]


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
        root = jnp.sqrt(safe)
        weight = R * root[:, None] * root[None, :]
        gain = jnp.sum(weight * net_flow(self.flow, level, x), axis=1)
        return DensityPhase(gain, self.omega + jnp.sum(R * self.turn(level, x), axis=1))

    def watch(self) -> Watch:
        """Node: an empty class."""

        def alarm(t: ArrayLike, before: Any, after: Any) -> Array:
            del t, before
            return jnp.where(jnp.any(after.density <= 0), Status.NODE, Status.OK)

        return Watch(alarm)
