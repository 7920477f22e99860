"""Signals between two parties who share a pair: does a distant Hamiltonian show?

The pair has the classes (a, b), in which b runs faster, densities ρ_ab, phases φ_ab and
H = H_A ⊗ 1 + 1 ⊗ H_B. A sees ρ_A(a) = Σ_b ρ_ab; the signal is the change of ρ_A by H_B.
A copy law with any positive functions F and G is

dρ_i/dt = Σ_j 2 R_ij [F(ρ_i, ρ_j) sin⁺(x_ij) - F(ρ_j, ρ_i) sin⁺(x_ji)]
dφ_i/dt = ω_i + Σ_j R_ij G(ρ_i, ρ_j) cos(x_ij),   x_ij = φ_i - φ_j + δ_ij

Smolin (2012) has F(a, b) = a^q b^(1-q), G(a, b) = (a/b)^r. No signal at order t²
leaves, up to the unit of R, F = √((a + d)(b + d)) and G = √((b + d)/(a + d)) with a
constant d: Schrödinger's law for √(ρ + d) exp(-iφ). Two maximally entangled qubits
send no signal for any F and G. H_A, H_B are Hermitian matrices, 1/time (ħ = 1): arrays,
QuTiP, dynamiqs.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from .. import _checks
from .._gate import gated
from ..evolution import Fixed, evolve
from ..evolution.judging import judged, status_of_each
from ..interop import as_array
from ..laws import CopyDynamics, Law
from ..laws.copying import DensityPhase
from ..states import composite
from ..status import Status
from ..steppers import rk4

Function = Callable[[Array, Array], Array]
# Between two times, the same in both runs.
SUBSTEPS = 100
# The kink of sin⁺ leaves Runge-Kutta steps the square of their length.
ORDER = 2


# -- at second order, for any functions ------------------------------------------------


class _Links(NamedTuple):
    """What one party's Hamiltonian couples: pairs i, j of classes of the whole."""

    i: np.ndarray
    j: np.ndarray
    R: Array
    delta: Array
    omega: Array


def _links(H: Array, party: int, sizes: tuple[int, int]) -> _Links:
    own = CopyDynamics.from_hamiltonian(H)
    classes = np.moveaxis(np.arange(sizes[0] * sizes[1]).reshape(sizes), party, 0)
    first, second = np.triu_indices(sizes[party], 1)
    others = sizes[1 - party]
    omega = jnp.expand_dims(own.omega, 1 - party)
    return _Links(
        classes[first].ravel(), classes[second].ravel(),
        jnp.repeat(own.R[first, second], others),
        jnp.repeat(own.delta[first, second], others),
        jnp.ravel(jnp.broadcast_to(omega, sizes)),
    )  # fmt: skip


def _flow(F: Function, links: _Links, state: DensityPhase, gains: Array) -> Array:
    """What flows from j to i, where i gains, or the other way."""
    rho, phase = state
    i, j = links.i, links.j
    into = jnp.where(gains, rho[i], rho[j])
    out_of = jnp.where(gains, rho[j], rho[i])
    sine = jnp.sin(phase[i] - phase[j] + links.delta)
    return 2 * links.R * jax.vmap(F)(into, out_of) * sine


def _velocity(
    F: Function, G: Function, links: _Links, state: DensityPhase
) -> DensityPhase:
    """d(state)/dt by one party's Hamiltonian."""
    rho, phase = state
    i, j = links.i, links.j
    x = phase[i] - phase[j] + links.delta
    flow = _flow(F, links, state, jnp.sin(x) > 0)
    both, turn = jax.vmap(G), links.R * jnp.cos(x)
    density = jnp.zeros_like(rho).at[i].add(flow).at[j].add(-flow)
    turned = links.omega.at[i].add(turn * both(rho[i], rho[j]))
    return DensityPhase(density, turned.at[j].add(turn * both(rho[j], rho[i])))


@gated
def second_order(
    F: Function, G: Function, density: ArrayLike, phase: ArrayLike, H_A: Any, H_B: Any
) -> Float[Array, " M_A"]:
    """The signal of a copy law at second order in time.

    ρ_A(t; H_B) - ρ_A(t; 0) = S t²/2 + O(t³)
    S(a) = ∂(dρ_A/dt)/∂(ρ, φ) · d(ρ, φ)/dt |_(H_A + H_B)  -  the same at H_A alone

    It is exact, and proportional to couplings of A and of B where no two phases that A
    couples are aligned. There, at sin x = 0, the flow has a kink unless F is symmetric,
    and each term takes the side to which its phases move.

    Args:
        F: function of two densities, scalars, that of the class which gains first;
            differentiable. It may hold arrays, as an equinox module does.
        G: likewise, for the phases.
        density: ρ_ab, (M_A, M_B), positive; it need not sum to 1, since classes that
            nothing couples may hold the rest.
        phase: φ_ab, (M_A, M_B), radians.
        H_A: Hamiltonian of A, (M_A, M_A), 1/time.
        H_B: Hamiltonian of B, (M_B, M_B), 1/time.

    Returns:
        S, (M_A,), 1/time²; its sum is 0.

    Raises:
        ValueError: densities not positive, shapes that do not fit, a Hamiltonian that
            is not Hermitian.
    """
    H_A, H_B = hermitian(H_A, "H_A"), hermitian(H_B, "H_B")
    sizes = H_A.shape[0], H_B.shape[0]
    for name, value in (("density", density), ("phase", phase)):
        _checks.check_finite(value, name, sizes)
    _checks.check_positive(density, "density")
    kind = jnp.result_type(float, density, phase)
    state = DensityPhase(*(jnp.ravel(jnp.asarray(x, kind)) for x in (density, phase)))
    own, far = _links(H_A, 0, sizes), _links(H_B, 1, sizes)
    still = _velocity(F, G, own, state)
    moved = jax.tree.map(jnp.add, still, _velocity(F, G, far, state))
    change = _turning(F, own, state, moved) - _turning(F, own, state, still)
    return composite.marginal(change, sizes, 0)


def _turning(
    F: Function, own: _Links, state: DensityPhase, velocity: DensityPhase
) -> Float[Array, " M"]:
    """d²ρ_ab/dt² by A's flows along a velocity."""
    i, j = own.i, own.j
    x = state.phase[i] - state.phase[j] + own.delta
    ahead = jnp.cos(x) * (velocity.phase[i] - velocity.phase[j])
    aligned = jnp.abs(jnp.sin(x)) <= 4 * jnp.finfo(x.dtype).eps
    gains = jnp.where(aligned, ahead > 0, jnp.sin(x) > 0)

    def rate(state: DensityPhase) -> Array:
        flow = _flow(F, own, state, gains)
        return jnp.zeros_like(state.density).at[i].add(flow).at[j].add(-flow)

    return jax.jvp(rate, (state,), (velocity,))[1]


def hermitian(H: Any, name: str) -> Array:
    """A party's Hamiltonian, checked."""
    H = as_array(H, name)
    _checks.check_square(H, name)
    _checks.check_finite(H, name)
    _checks.check_hermitian(H, name)
    return jnp.asarray(H)


# -- over time, for any law ------------------------------------------------------------


class Signal(NamedTuple):
    """The change of A's probabilities by H_B.

    Attributes:
        change: ρ_A with H_B less ρ_A without it, (T, M_A); NaN at times that one of the
            two runs did not reach.
        error: integration error of `change`, (T, M_A), or None if the method estimates
            none.
        largest: largest |change| of all times that both runs reached, scalar.
        largest_error: its error, scalar, or None.
        status: of the run with H_B; if it went well, of that without.
        failure_time: time at which the first of the two ended, or infinite.
    """

    change: Float[Array, "T M_A"]
    error: Float[Array, "T M_A"] | None
    largest: Float[Array, ""]
    largest_error: Float[Array, ""] | None
    status: Int[Array, ""]
    failure_time: Float[Array, ""]


@gated
def signal(
    law: Callable[[Any], Law],
    psi: Any,
    ts: ArrayLike,
    H_A: Any,
    H_B: Any,
    *,
    method: Any = None,
) -> Signal:
    """The change of A's probabilities by a distant Hamiltonian, under any law.

    max_t,a |ρ_A(a, t; H_B) - ρ_A(a, t; 0)|

    Both runs start from the same pair. Quantum mechanics gives 0 up to the error.

    Args:
        law: function from the pair's H, (M, M), to a law, such as
            `functools.partial(jqd.CopyDynamics.from_hamiltonian, q=0.45)`.
        psi: ψ_ab of the pair, (M,), M = M_A M_B.
        ts: times, (T,), from the initial one on.
        H_A: Hamiltonian of A, (M_A, M_A), in the units of the law.
        H_B: Hamiltonian of B, (M_B, M_B).
        method: of `jqd.evolve`; None for 100 steps of the law between two times.

    Returns:
        The change over time, its error and its status.

    Raises:
        ValueError: a Hamiltonian that is not Hermitian, a state of another size or
            norm, times that do not increase.
    """
    H_A, H_B = hermitian(H_A, "H_A"), hermitian(H_B, "H_B")
    sizes = H_A.shape[0], H_B.shape[0]
    psi = as_array(psi, "psi")
    _checks.check_state(psi, "psi", sizes[0] * sizes[1], weight=1.0)

    method = Fixed(substeps=SUBSTEPS) if method is None else method

    def run(H: Array) -> Any:
        one = law(H)
        state = one.prepare(psi)
        return evolve(one, state, ts, method=method, observe="density")

    on = run(composite.hamiltonian(H_A, H_B))
    off = run(composite.hamiltonian(H_A, jnp.zeros_like(H_B)))
    change = composite.marginal(on.values - off.values, sizes, 0)
    reached = (on.reached & off.reached)[:, None]
    largest = jnp.max(jnp.where(reached, jnp.abs(change), 0))
    error = most = None
    if on.error is not None:
        error = composite.marginal(on.error + off.error, sizes, 0)
        most = jnp.max(jnp.where(reached, error, 0))
    status = jnp.where(on.status == Status.OK, off.status, on.status)
    ended = jnp.minimum(on.failure_time, off.failure_time)
    return Signal(change, error, largest, most, status, ended)


# -- slopes at the quantum point -------------------------------------------------------


class Slopes(NamedTuple):
    """Derivatives of the signal at q = 1/2, r = -1/2.

    Attributes:
        slope: derivatives of A's change with respect to q and r, (2, T, M_A).
        error: their integration errors, (2, T, M_A).
        status: of each exponent, (2,); INACCURATE where the largest error is as large
            as the largest slope.
    """

    slope: Float[Array, "2 T M_A"]
    error: Float[Array, "2 T M_A"]
    status: Int[Array, " 2"]


@gated
def slopes(psi: Any, ts: ArrayLike, H_A: Any, H_B: Any, *, steps: int = 64) -> Slopes:
    """Derivatives of the copy law's signal with respect to q and r.

    s_q = ∂[ρ_A(H_B) - ρ_A(0)]/∂q,  s_r = ∂[ρ_A(H_B) - ρ_A(0)]/∂r  at q = 1/2, r = -1/2

    Args:
        psi: ψ_ab of the pair, (M,). From empty classes slopes depend on the regulator
            of `jqd.CopyDynamics`.
        ts: times, (T,), from the initial one on.
        H_A: Hamiltonian of A, (M_A, M_A), 1/time.
        H_B: Hamiltonian of B, (M_B, M_B), 1/time.
        steps: Runge-Kutta steps between two times; the error is from twice as many.

    Returns:
        The slopes, their errors and status.

    Raises:
        ValueError: see `signal`; fewer than 1 step.
    """
    steps = _checks.whole_number(steps, "steps", 1)

    def run(k: float, psi: Array, H_A: Array, H_B: Array) -> tuple[Array, None]:
        return _slopes(psi, ts, H_A, H_B, int(k * steps)), None

    H_A, H_B = hermitian(H_A, "H_A"), hermitian(H_B, "H_B")
    given = (jnp.asarray(as_array(psi, "psi")), H_A, H_B)
    slope, error, _ = judged(run, given, ORDER)
    size, wrong = (jnp.max(jnp.abs(x), axis=(1, 2)) for x in (slope, error))
    return Slopes(slope, error, status_of_each(size, wrong >= size))


def _slopes(psi: Array, ts: Any, H_A: Array, H_B: Array, steps: int) -> Array:
    method = Fixed(rk4, steps, gradient="direct", estimate_error=False)

    def change(theta: Array) -> Array:
        law = partial(CopyDynamics.from_hamiltonian, q=theta[0], r=theta[1])
        return signal(law, psi, ts, H_A, H_B, method=method).change

    quantum = jnp.array([0.5, -0.5], jnp.finfo(psi.dtype).dtype)
    return jnp.moveaxis(jax.jacfwd(change)(quantum), -1, 0)
