"""The effect on a gate of exponents of copy dynamics near the quantum values."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import abs2
from ...evolution.judging import difference
from ...laws import CopyDynamics
from ...laws.copying import psi_field

# Points of the quadrature on each piece: its error is then 1e-6, at poles too.
NODES = 4000
# Far below any density at a point of the quadrature.
REGULATOR = 1e-30

_CARDINAL = np.array(
    [[1, 0], [0, 1], [1, 1], [1, -1], [1, 1j], [1, -1j]], complex
) / np.sqrt([[1], [1], [2], [2], [2], [2]])


class PulseResponse(NamedTuple):
    """First-order response of a pulse to (q, r) around (1/2, -1/2).

    Attributes:
        density: ∂p_a/∂(q, r) at the end of the pulse, (2, 2), classes last.
        infidelity: G of 1 - F = Σ_jk G_jk δ_j δ_k, δ = (q - 1/2, r + 1/2), (2, 2).
        density_error: estimate of the error of `density` by the quadrature, from half
            as many points, (2, 2).
        infidelity_error: the same for `infidelity`, (2, 2).
    """

    density: Float[Array, "2 2"]
    infidelity: Float[Array, "2 2"]
    density_error: Float[Array, "2 2"]
    infidelity_error: Float[Array, "2 2"]


def pulse_response(psi0: ArrayLike, angle: ArrayLike) -> PulseResponse:
    """The response of a resonant pulse of a qubit to small changes of q and r.

    δψ(T) = U(T) χ,  χ_j = ∫ U(t)† ∂_j f(U(t) ψ0) dt,  1 - F = Σ_jk δ_j δ_k χ_j† P χ_k

    with f the law of `jqd.CopyDynamics` for H = ħ σ_x/2, ∂_j its derivatives at the
    quantum point, T the angle and P = 1 - |ψ0⟩⟨ψ0|. ψ may pass poles, where the rate
    diverges as a logarithm: the integral is cut where ψ comes closest to them, and
    sampling times crowd at the cuts. Only one of several equal full turns is computed.

    Args:
        psi0: (2,), normalised.
        angle: of the rotation, radians.

    Raises:
        ValueError: not a state of two classes, an angle that is not a finite number.
    """
    _checks.check_state(psi0, "psi0", (2,), weight=1.0)
    _checks.check_scalar(angle, "angle")
    real = jnp.result_type(float)
    return _response(jnp.asarray(psi0) + jnp.zeros(2) * 1j, jnp.asarray(angle, real))


@jax.jit
def _response(psi0: Complex[Array, "2"], angle: Array) -> PulseResponse:
    fine, rough = (_by_nodes(psi0, angle, NODES // k) for k in (1, 2))
    return PulseResponse(*fine, *difference(fine, rough, 1.0))


def _by_nodes(
    psi0: Complex[Array, "2"], angle: Array, nodes: int
) -> tuple[Array, Array]:
    """Response of the density, and G, by so many midpoints."""
    turn = 2 * jnp.pi
    turns = jnp.floor(angle / turn)
    rest = angle - turns * turn
    # ρ_1 - ρ_2 = Z cos t + S sin t is largest and smallest next to the poles
    Z, S = abs2(psi0[0]) - abs2(psi0[1]), jnp.imag(jnp.conj(psi0[0]) * psi0[1])
    first = jnp.mod(jax.lax.stop_gradient(jnp.arctan2(2 * S, Z)), jnp.pi)
    cuts = first + jnp.pi * jnp.arange(3)
    zero = jnp.zeros_like(angle)
    ends = jnp.stack([zero, *jnp.minimum(cuts[:2], rest), rest])
    starts = jnp.concatenate([ends[:-1], cuts[:-1]])
    spans = jnp.concatenate([jnp.diff(ends), jnp.diff(cuts)])
    often = jnp.stack([zero + 1] * 3 + [turns] * 2)
    s = ((jnp.arange(nodes) + 0.5) / nodes)[None, :]
    ts = jnp.ravel(starts[:, None] + spans[:, None] * s**2 * (3 - 2 * s))
    weights = jnp.ravel((often * spans)[:, None] * 6 * s * (1 - s) / nodes)
    links = jnp.eye(2)[::-1] / 2

    def field(exponents: Array, psi: Array) -> Array:
        law = CopyDynamics.from_hamiltonian(links, *exponents, regulator=REGULATOR)
        return psi_field(law, psi, *law.rates_at(0.0))

    quantum = jnp.asarray([0.5, -0.5], ts.dtype)

    def kick(t: Array) -> Array:
        psi = _turn(psi0, t)
        slopes = jax.jacfwd(field)(quantum, psi)
        return jax.vmap(_turn, (1, None))(slopes, -t)

    chi = jnp.einsum("t,tja->ja", weights, jax.vmap(kick)(ts))
    end = _turn(psi0, angle)
    moved = jax.vmap(_turn, (0, None))(chi, angle)
    off = chi - (chi @ jnp.conj(psi0))[:, None] * psi0[None, :]
    density = 2 * jnp.real(jnp.conj(end)[None, :] * moved)
    return density, jnp.real(jnp.conj(off) @ off.T)


def _turn(psi: Array, t: Array) -> Array:
    """exp(-iσ_x t/2) ψ."""
    return jnp.cos(t / 2) * psi - 1j * jnp.sin(t / 2) * psi[::-1]


@functools.cache
def cardinal_infidelity() -> np.ndarray:
    """G of `pulse_response` for π/2 pulses, the mean over the six cardinal states.

    G_qq = ⅔ (2G)² with Catalan's G. The four states whose density moves are turned by
    4G(q - 1/2) too little from a pole, or by as much too far from the equator, so that
    no calibration of the angle removes it. G_qr = G_rr = 0.

    Returns:
        (2, 2), in the order q, r.
    """
    each = [pulse_response(psi0, np.pi / 2).infidelity for psi0 in _CARDINAL]
    return np.mean(each, axis=0)
