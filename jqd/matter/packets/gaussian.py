"""Gaussian states by their first and second moments, and as wave functions."""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import expi
from ...constants import constant


class GaussianState(eqx.Module):
    """A Gaussian state of n coordinates: means and symmetrised covariance.

    Σ_ij = ⟨{z_i - ⟨z_i⟩, z_j - ⟨z_j⟩}⟩/2 for z = (q_1..q_n, p_1..p_n)

    Attributes:
        position: ⟨q⟩, (..., n).
        momentum: ⟨p⟩, (..., n).
        covariance: Σ, (..., 2n, 2n).
    """

    position: Float[Array, "*lead n"] = eqx.field(
        converter=partial(constant, name="position")
    )
    momentum: Float[Array, "*lead n"] = eqx.field(
        converter=partial(constant, name="momentum")
    )
    covariance: Float[Array, "*lead 2n 2n"] = eqx.field(
        converter=partial(constant, name="covariance")
    )

    @property
    def variances(self) -> Float[Array, "*lead n"]:
        """Variance of each coordinate."""
        n = self.position.shape[-1]
        return jnp.diagonal(self.covariance, axis1=-2, axis2=-1)[..., :n]

    @property
    def widths(self) -> Float[Array, "*lead n"]:
        """Standard deviation of each coordinate."""
        return jnp.sqrt(self.variances)

    @property
    def blocks(self) -> tuple[Array, Array, Array]:
        """Σ_qq, Σ_qp and Σ_pp, each (..., n, n)."""
        n = self.position.shape[-1]
        sigma = self.covariance
        return sigma[..., :n, :n], sigma[..., :n, n:], sigma[..., n:, n:]

    def purity(self, hbar: ArrayLike = 1.0) -> Float[Array, "*lead"]:
        """tr ρ² = (ħ/2)^n / √det Σ, 1 for a wave function."""
        _, log_det = jnp.linalg.slogdet(2 / jnp.asarray(hbar) * self.covariance)
        return jnp.exp(-log_det / 2)


class Packet(NamedTuple):
    """A Gaussian wave packet in Hagedorn's parameters.

    ψ ∝ exp(i (x - q)ᵀ P Q⁻¹ (x - q) / 2ħ + i p·(x - q)/ħ); Σ_qq = (ħ/2) Q Q†,
    Σ_pp = (ħ/2) P P†, Σ_qp = (ħ/2) Re Q P†

    Attributes:
        position: q, (n,).
        momentum: p, (n,).
        Q: (n, n) complex.
        P: (n, n) complex, with QᵀP - PᵀQ = 0 and Q†P - P†Q = 2i.
    """

    position: Float[Array, " n"]
    momentum: Float[Array, " n"]
    Q: Complex[Array, "n n"]
    P: Complex[Array, "n n"]


def check_gaussian(state: GaussianState, name: str = "state") -> None:
    """Shapes (n,), (n,), (2n, 2n) that agree, all finite.

    Raises:
        ValueError: a shape or a value that does not fit.
    """
    if not isinstance(state, GaussianState):
        raise ValueError(
            f"Argument `{name}` must be a GaussianState, but is {type(state).__name__}."
        )
    _checks.check_shape(state.position, f"{name}.position", (None,))
    n = state.position.shape[0]
    _checks.check_shape(state.momentum, f"{name}.momentum", (n,))
    _checks.check_shape(state.covariance, f"{name}.covariance", (2 * n, 2 * n))
    for part in ("position", "momentum", "covariance"):
        _checks.check_finite(getattr(state, part), f"{name}.{part}")


def check_pure(state: GaussianState, hbar: ArrayLike) -> None:
    """Check that the state is a wave function for this ħ: purity 1 to 1e-6.

    Raises:
        ValueError: a mixed state, or one below the uncertainty relation.
    """
    check_gaussian(state)
    _checks.check_positive(hbar, "hbar")
    if not _checks.is_concrete((state, hbar)):
        return
    # purity 1 fixes det Σ alone: with several coordinates also Σ J Σ = (ħ/2)² J
    n = state.position.shape[0]
    eye, zero = np.eye(n), np.zeros((n, n))
    J = np.block([[zero, eye], [-eye, zero]])
    scaled = 2 / float(np.asarray(hbar)) * np.asarray(state.covariance)
    variances = np.diagonal(scaled)
    if not np.all(variances > 0):
        raise ValueError(
            "Argument `state` must be pure for this hbar, but a variance is not "
            "positive."
        )
    # in lengths that make both variances of a coordinate one number without a unit
    lengths = (variances[:n] / variances[n:]) ** 0.25
    units = np.concatenate([1 / lengths, lengths])
    scaled = scaled * units[:, None] * units[None, :]
    purity = float(np.abs(np.linalg.det(scaled))) ** -0.5
    defect = np.max(np.abs(scaled @ J @ scaled - J))
    if not abs(purity - 1) <= 1e-6:
        raise ValueError(
            "Argument `state` must be pure for this hbar, but its purity is "
            f"{purity:.6g}."
        )
    scale = max(1.0, float(np.max(np.abs(scaled)))) ** 2
    if not defect <= 1e-6 * scale:
        raise ValueError(
            "Argument `state` must be pure for this hbar, but is mixed in some "
            "directions and below the uncertainty relation in others."
        )


def wave_function(
    state: GaussianState, x: Float[Array, "*points n"], hbar: ArrayLike = 1.0
) -> Complex[Array, "*points"]:
    """ψ(x) of a pure Gaussian state, with phase 0 at its centre.

    ψ = (2π)^(-n/4) det Σ_qq^(-1/4) exp(-δᵀ Σ_qq⁻¹ (1 - 2i Σ_qp/ħ) δ / 4 + i p·δ/ħ)

    Args:
        state: pure Gaussian state.
        x: points, (..., n); δ = x - ⟨q⟩.
        hbar: ħ, scalar.

    Returns:
        Amplitudes, shape (...), in length^(-n/2).

    Raises:
        ValueError: a mixed state, or points of another dimension.
    """
    check_pure(state, hbar)
    n = state.position.shape[0]
    if np.shape(x)[-1:] != (n,):
        raise ValueError(
            f"Argument `x` must end in {n} coordinates, but its shape is {np.shape(x)}."
        )
    return _amplitudes(state, jnp.asarray(x), jnp.asarray(hbar))


@jax.jit
def _amplitudes(state: GaussianState, x: Array, hbar: Array) -> Array:
    moved = x - state.position[(None,) * (x.ndim - 1)]
    sqq, sqp, _ = state.blocks
    inverse = jnp.linalg.inv(sqq)
    real = jnp.einsum("...i,ij,...j->...", moved, inverse, moved) / 4
    chirp = jnp.einsum("...i,ij,...j->...", moved, inverse @ sqp, moved) / (2 * hbar)
    phase = chirp + jnp.einsum("...i,i->...", moved, state.momentum) / hbar
    _, log_det = jnp.linalg.slogdet(2 * jnp.pi * sqq)
    size = jnp.exp(-real - log_det / 4)
    return size * expi(phase)


def to_packet(state: GaussianState, hbar: ArrayLike = 1.0) -> Packet:
    """Hagedorn's parameters of a pure Gaussian state.

    Q Qᵀ = (2/ħ) Σ_qq with Q lower triangular, P = (Σ_qq⁻¹ Σ_qp + i (Q Qᵀ)⁻¹) Q

    Args:
        state: pure Gaussian state, without leading axes.
        hbar: ħ, scalar.

    Raises:
        ValueError: a mixed state.

    Source: G. A. Hagedorn, Ann. Phys. 269 (1998) 77; C. Lubich, From Quantum to
    Classical Molecular Dynamics (2008), sec. V.1.
    """
    check_pure(state, hbar)
    return _hagedorn(state, jnp.asarray(hbar))


@jax.jit
def _hagedorn(state: GaussianState, hbar: Array) -> Packet:
    sqq, sqp, _ = state.blocks
    Q = jnp.linalg.cholesky(2 / hbar * sqq)
    real = jnp.linalg.solve(sqq, sqp) @ Q
    P = real + 1j * jnp.linalg.inv(Q).T
    return Packet(state.position, state.momentum, Q.astype(P.dtype), P)


def from_packet(packet: Packet, hbar: ArrayLike = 1.0) -> GaussianState:
    """The moments of a packet; see `Packet` for the equations.

    Args:
        packet: the packet, in Hagedorn's parameters.
        hbar: ħ, scalar.
    """
    return _packet_moments(packet, jnp.asarray(hbar))


@jax.jit
def _packet_moments(packet: Packet, hbar: Array) -> GaussianState:
    Q, P = packet.Q, packet.P
    half = hbar / 2

    def product(a: Array, b: Array) -> Array:
        return half * jnp.real(a @ jnp.conj(b).T)

    qp = product(Q, P)
    covariance = jnp.block([[product(Q, Q), qp], [qp.T, product(P, P)]])
    return GaussianState(packet.position, packet.momentum, covariance)
