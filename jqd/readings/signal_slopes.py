"""Slopes of the copy law's signal at the quantum point, and where they are largest.

ρ_A(H_B) - ρ_A(0) = (q - 1/2) s_q + (r + 1/2) s_r + .. near q = 1/2, r = -1/2

A limit on a signal, over |s_q| and |s_r| of its experiment, is one on q and r. The
setting is that of `signals`.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from .. import _checks
from .._gate import gated
from .._math import expi
from ..evolution import Fixed
from ..evolution.judging import judged, status_of_each
from ..interop import as_array
from ..laws import CopyDynamics
from ..steppers import rk4
from .signals import hermitian, signal

# The kink of sin⁺ leaves Runge-Kutta steps the square of their length.
ORDER = 2
EXPONENTS = ("q", "r")


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


class Setting(NamedTuple):
    """Two qubits, an initial state and turns; time is 1.

    Attributes:
        psi: ψ_ab, (4,).
        H_A: turn of A times σ_x, (2, 2); a phase of the coupling is one of ψ.
        H_B: the like, of B.
        slope: derivative of ρ_A(0)'s change at time 1.
        error: its integration error.
        status: INACCURATE if the error is as large.
    """

    psi: Array
    H_A: Array
    H_B: Array
    slope: Array
    error: Array
    status: Array


@gated
def strongest(
    key: Any,
    exponent: str = "q",
    *,
    turn: float = np.pi / 2,
    starts: int = 8,
    rounds: int = 200,
    steps: int = 32,
) -> Setting:
    """The settings of two qubits at which an exponent shows most, as far as found.

    max |s_q| or |s_r| over ψ_ab and the turns θ_A, θ_B, by gradients from random starts

    `jqd.design` weighs rows for what they say of q and r; A's own motion says most of
    it, and that is no signal. A signal is a difference of two rows, so it is searched
    for here, by adam (optax).

    Args:
        key: random key of the starts.
        exponent: "q" or "r".
        turn: largest turn of each party, radians; the slopes grow with it.
        starts: number of starts.
        rounds: gradient steps of each.
        steps: Runge-Kutta steps of the search; the slope is computed anew with four
            times as many.

    Returns:
        The best setting, its slope, and its error.

    Raises:
        ValueError: another exponent, a turn that is not positive, numbers below 1.
    """
    import optax

    _checks.check_choice(exponent, "exponent", EXPONENTS)
    _checks.check_positive(turn, "turn")
    counts = {"starts": starts, "rounds": rounds, "steps": steps}
    starts, rounds, steps = (_checks.whole_number(n, k, 1) for k, n in counts.items())
    which, ts = EXPONENTS.index(exponent), jnp.array([0.0, 1.0])
    solver = optax.adam(0.05)

    def loss(x: Array) -> Array:
        return -jnp.abs(_slopes(*_qubits(x, turn, ts), steps)[which, -1, 0])

    def search(x: Array) -> tuple[Array, Array]:
        def advance(carry: Any, _: None) -> tuple[Any, None]:
            x, state = carry
            updates, state = solver.update(jax.grad(loss)(x), state)
            return (optax.apply_updates(x, updates), state), None

        (x, _), _ = jax.lax.scan(advance, (x, solver.init(x)), length=rounds)
        return x, loss(x)

    x, losses = jax.jit(jax.vmap(search))(jax.random.normal(key, (starts, 10)))
    # NaN, of a start that ran into a node, is not the least
    best = x[jnp.argmin(jnp.where(jnp.isnan(losses), jnp.inf, losses))]
    psi, _, H_A, H_B = _qubits(best, turn, ts)
    found = slopes(psi, ts, H_A, H_B, steps=4 * steps)
    slope, error = found.slope[which, -1, 0], found.error[which, -1, 0]
    return Setting(psi, H_A, H_B, slope, error, found.status[which])


def _qubits(x: Array, turn: ArrayLike, ts: Array) -> tuple[Array, Array, Array, Array]:
    """ψ, times, H_A and H_B of free numbers, (10,)."""
    psi = jnp.sqrt(jax.nn.softmax(x[:4])) * expi(-jnp.pi * x[4:8])
    angles = turn * jax.nn.sigmoid(x[8:])
    flip = 1 - jnp.eye(2, dtype=x.dtype)
    return psi, ts, angles[0] * flip, angles[1] * flip
