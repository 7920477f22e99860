"""Common part of the laws whose state is a density operator."""

import math
from typing import Any, cast

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import expi, matmul
from ...interop import as_array
from ...steppers.eigenbasis import unitary_matrix
from ...steppers.flows import Flow, without_correction
from ..law import Law
from ..schrodinger import Schrodinger


class DensityOperators(Law):
    """dρ/dt = -i[H, ρ]/ħ + what a law adds.

    The state is ρ: (n, n) between levels, (*shape, *shape) on a grid of that shape. Its
    trace is conserved.
    """

    def prepare(self, psi: Any) -> Complex[Array, "..."]:
        """ρ = |ψ⟩⟨ψ| of a normalised ψ, or ρ itself, of trace 1.

        Raises:
            ValueError: wrong shape, not finite, not Hermitian, not normalised; or a ψ
                that the law of H alone refuses.
        """
        quantum = cast(Schrodinger, self.yardstick())
        shape, psi = quantum.hamiltonian.shape, as_array(psi, "psi")
        size = math.prod(shape)
        if psi.ndim == 2 * len(shape):
            _checks.check_shape(psi, "psi", 2 * shape)
            rho = _checks.complex_of(psi.reshape(size, size))
            _checks.check_hermitian(rho, "psi")
            shares = jnp.sqrt(jnp.abs(jnp.diagonal(rho)))
            _checks.check_state(shares, "psi", size, quantum.cell)
        else:
            psi = quantum.prepare(psi).reshape(size)
            rho = psi[:, None] * jnp.conj(psi)[None, :]
        return rho.reshape(2 * shape)

    def density(self, state: Array) -> Float[Array, "..."]:
        """The diagonal of ρ: populations, or per unit of volume on a grid."""
        shape = state.shape[: state.ndim // 2]
        size = math.prod(shape)
        return jnp.diagonal(jnp.real(state).reshape(size, size)).reshape(shape)

    def invariants(self, state: Array) -> dict[str, Array]:
        """The trace, as `norm`."""
        return {"norm": self.cell * jnp.sum(self.density(state))}


def unitary_rate(H: Array, hbar: Array, rho: Array) -> Complex[Array, "n n"]:
    """-i[H, ρ]/ħ of a Hermitian ρ, H as a matrix or as its diagonal."""
    image = H[:, None] * rho if H.ndim == 1 else matmul(H, rho)
    # ρH = (Hρ)*
    return -1j / hbar * (image - jnp.conj(image.T))


def unitary_flow(H: Array, hbar: Array) -> Flow:
    """The exact flow of dρ/dt = -i[H, ρ]/ħ."""

    def factor(t: ArrayLike, dt: ArrayLike) -> Array:
        del t
        return expi(-H * dt / hbar) if H.ndim == 1 else unitary(H, dt, hbar)

    def apply(U: Array, rho: Array) -> Array:
        U = U.astype(rho.dtype)
        if U.ndim == 1:
            return U[:, None] * rho * jnp.conj(U)[None, :]
        return matmul(matmul(U, rho), jnp.conj(U.T))

    return Flow(without_correction(factor), apply)


def unitary(H: Array, dt: ArrayLike, hbar: Array) -> Complex[Array, "n n"]:
    """exp(-iH dt/ħ) of a matrix, or of its diagonal, as a matrix."""
    angles = H * dt / hbar
    return jnp.diag(expi(-angles)) if H.ndim == 1 else unitary_matrix(angles)
