"""Energy of product states of matter and photons, and the adjoint of a spinor field."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Inexact

from jqd import _checks


def level_energy(
    matter_energies: ArrayLike,
    matter_norms: ArrayLike,
    photon_energies: ArrayLike,
    photon_norms: ArrayLike,
    *,
    printed: bool = False,
) -> Float[Array, ""]:
    """Energy of a product state of N atoms and k photons.

    E = Σ_i E_i ∏_{l≠i} N_l ∏_j N_j^A + Σ_j E_j^A ∏_i N_i ∏_{l≠j} N_l^A

    Each term has one energy and the norms of all others, so that E is bilinear in every
    factor of the state as the norm is. It is the energy without the coupling: of the
    whole tower only Σ_k E_{N,k} + <H_int> is conserved.

    Args:
        matter_energies: E_i = <ψ_i|E|ψ_i>, (N,).
        matter_norms: N_i = <ψ_i|ψ_i>, (N,).
        photon_energies: E_j^A of each photon, (k,); k may be 0.
        photon_norms: N_j^A, (k,).
        printed: the norm of atom i beside its own energy, Σ_i E_i ∏_l N_l, which goes
            as the fourth power of an atom's wave function, not as the square.

    Returns:
        E, ().
    """
    E, N = _checks.widen(matter_energies), _checks.widen(matter_norms)
    EA, NA = _checks.widen(photon_energies), _checks.widen(photon_norms)
    others = jnp.prod(N) if printed else _without_each(N)
    matter = jnp.sum(E * others) * jnp.prod(NA)
    return matter + jnp.sum(EA * _without_each(NA)) * jnp.prod(N)


def dirac_adjoint(
    psi: Inexact[ArrayLike, "4*N ..."], spinors: int
) -> Inexact[Array, "4*N ..."]:
    """Ψ̄ = γ⁰ ⊗ .. ⊗ γ⁰ Ψ*, every spinor index contracted with a γ⁰.

    Ψ̄ γ⁰ ⊗ .. ⊗ γ⁰ Ψ = Σ |Ψ|² is positive. Dirac's basis: γ⁰ = diag(1, 1, -1, -1).

    Args:
        psi: Ψ, its first `spinors` axes of length 4 the spinor indices.
        spinors: N, how many.

    Returns:
        Ψ̄, of the shape of Ψ.

    Source: Chafin (2019), eq. 3, where Ψ̄ is defined by Ψ̄* in place of Ψ*, and so by
    itself: γ⁰ .. γ⁰ Ψ̄* = Ψ̄ says nothing about Ψ.
    """
    psi = _checks.widen(psi)
    sign = jnp.array([1, 1, -1, -1], psi.real.dtype)
    adjoint = jnp.conj(psi)
    for axis in range(spinors):
        shape = [4 if i == axis else 1 for i in range(psi.ndim)]
        adjoint = adjoint * sign.reshape(shape)
    return adjoint


def _without_each(norms: Array) -> Array:
    """∏_{l≠i} N_l for each i, without a division: a norm may be zero."""
    one = jnp.ones_like(norms[:1])
    before = jnp.cumprod(jnp.concatenate([one, norms[:-1]]))
    after = jnp.cumprod(jnp.concatenate([one, norms[:0:-1]]))[::-1]
    return before * after
