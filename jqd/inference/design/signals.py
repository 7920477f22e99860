"""Settings at which two qubits would signal most if q or r were off.

`design` weighs rows by what they say of q and r. Most of that is A's own motion, which
is no signal: a signal is a difference of two rows, with H_B and without it. So its
slope is searched for directly, with the fields of linear response and by adam (optax).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import abs2, expi
from ...readings.signals import slopes
from ...states import composite
from .response import copy_fields

EXPONENTS = ("q", "r")
RATE = 0.05
# Least density on the way: towards empty classes slopes still grow, but hold for ever
# smaller deviations of q and r.
LEAST = 0.02
# Runge-Kutta steps of the slope that is returned.
STEPS = 256


class SignalSetting(NamedTuple):
    """A pair of qubits, turned for a time of 1, and the slope of its signal.

    Attributes:
        psi: ψ_ab, (4,).
        H_A: θ_A σ_x, which turns A by exp(-iθ_A σ_x), (2, 2). A phase of the coupling
            would be a phase of ψ.
        H_B: θ_B σ_x, likewise for B.
        slope: derivative of A's change in ρ_A(0) with respect to the exponent.
        error: integration error of `slope`.
        status: INACCURATE if `error` is as large as `slope`.
        ends: best |slope| from each start of the search, reduced where a density is
            small, descending, (starts,).
    """

    psi: Complex[Array, " 4"]
    H_A: Float[Array, "2 2"]
    H_B: Float[Array, "2 2"]
    slope: Float[Array, ""]
    error: Float[Array, ""]
    status: Int[Array, ""]
    ends: Float[Array, " starts"]


@gated
def strongest_signal(
    key: Any,
    exponent: str = "q",
    *,
    turn: float = np.pi / 2,
    starts: int = 16,
    rounds: int = 400,
    nodes: int = 400,
) -> SignalSetting:
    """The settings of two qubits found to be most sensitive to an exponent.

    max |s_q| or |s_r| over θ_A, θ_B <= turn and ψ_ab, with densities of at least 0.02

    The slopes are those of `jqd.readings.signals.slopes`. Where a density falls below
    0.02 on the way, the slope counts less, by the square of how much.

    Args:
        key: random key of the starts.
        exponent: "q" or "r".
        turn: largest θ of each party, radians; longer turns have larger slopes.
        starts: number of starts.
        rounds: gradient steps of each.
        nodes: points of the midpoint rule of linear response in the search; the slope
            is computed anew, through the law.

    Returns:
        The best setting, its slope and error.

    Raises:
        ValueError: another exponent, a turn that is not positive, numbers below 1.
    """
    import optax

    _checks.check_choice(exponent, "exponent", EXPONENTS)
    _checks.check_positive(turn, "turn")
    starts = _checks.whole_number(starts, "starts", 1)
    rounds = _checks.whole_number(rounds, "rounds", 1)
    nodes = _checks.whole_number(nodes, "nodes", 1)
    which, solver = EXPONENTS.index(exponent), optax.adam(RATE)

    def loss(x: Array) -> Array:
        slope, least = _slope(*_qubits(x, turn), which, nodes)
        return -jnp.abs(slope) * jnp.minimum(least / LEAST, 1) ** 2

    def search(x: Array) -> tuple[Array, Array]:
        def advance(carry: Any, _: None) -> tuple[Any, tuple[Array, Array]]:
            x, state = carry
            value, slope = jax.value_and_grad(loss)(x)
            updates, state = solver.update(slope, state)
            size = jnp.where(jnp.isnan(value), 0, -value)  # of a path into a node
            return (optax.apply_updates(x, updates), state), (x, size)

        _, (path, sizes) = jax.lax.scan(advance, (x, solver.init(x)), length=rounds)
        # steps of one length cross a ridge back and forth: the best of all
        best = jnp.argmax(sizes)
        return path[best], sizes[best]

    found, ends = jax.jit(jax.vmap(search))(jax.random.normal(key, (starts, 10)))
    psi, angles = _qubits(found[jnp.argmax(ends)], turn)
    H_A, H_B = (angle * _flip(angle.dtype) for angle in angles)
    end = slopes(psi, jnp.array([0.0, 1.0]), H_A, H_B, steps=STEPS)
    return SignalSetting(
        psi, H_A, H_B, end.slope[which, -1, 0], end.error[which, -1, 0],
        end.status[which], jnp.sort(ends, descending=True),
    )  # fmt: skip


def _qubits(x: Float[Array, " 10"], turn: ArrayLike) -> tuple[Array, Array]:
    """ψ_ab, and the angles of A and B, of free numbers."""
    density = LEAST + (1 - 4 * LEAST) * jax.nn.softmax(x[:4])
    psi = jnp.sqrt(density) * expi(-jnp.pi * x[4:8])
    return psi, jnp.asarray(turn) * jax.nn.sigmoid(x[8:])


def _flip(dtype: Any) -> Array:
    return 1 - jnp.eye(2, dtype=dtype)


def _slope(psi: Array, angles: Array, which: int, nodes: int) -> tuple[Array, Array]:
    """Derivative of ρ_A(0)'s change at time 1, by linear response; least density."""
    s = (jnp.arange(nodes, dtype=angles.dtype) + 0.5) / nodes
    flip = _flip(angles.dtype)

    def own(a: Array, b: Array) -> tuple[Array, Array]:
        H = composite.hamiltonian(a * flip, b * flip)
        path = _turned(jnp.broadcast_to(psi, (nodes, 4)), a * s, b * s)
        fields = copy_fields(H, path)[:, which]
        moved = jnp.mean(_turned(fields, a * (1 - s), b * (1 - s)), axis=0)
        end = _turned(psi, a, b)
        shift = composite.marginal(2 * jnp.real(jnp.conj(end) * moved), (2, 2), 0)[0]
        return shift, jnp.min(abs2(path))

    on, least = own(angles[0], angles[1])
    off, rest = own(angles[0], jnp.zeros_like(angles[1]))
    return on - off, jnp.minimum(least, rest)


def _turned(psi: Array, a: Array, b: Array) -> Complex[Array, "... 4"]:
    """exp(-i (a σ_x ⊗ 1 + b 1 ⊗ σ_x)) ψ."""
    table = jnp.reshape(psi, (*psi.shape[:-1], 2, 2))
    for angle, axis in ((a, -2), (b, -1)):
        angle = angle[..., None, None]
        turned = -1j * jnp.sin(angle) * jnp.flip(table, axis)
        table = jnp.cos(angle) * table + turned
    return jnp.reshape(table, psi.shape)
