"""Distances between predictions, and expectation values."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float


def total_variation(p: ArrayLike, q: ArrayLike) -> Float[Array, "..."]:
    """Total variation between two distributions.

    ½ Σ_a |p_a - q_a|, the largest difference in the probability of any event

    Args:
        p: probabilities, shape (..., M).
        q: probabilities, same shape.

    Returns:
        Distance in [0, 1], shape (...).
    """
    return jnp.sum(jnp.abs(jnp.asarray(p) - jnp.asarray(q)), axis=-1) / 2


def fidelity(psi: ArrayLike, phi: ArrayLike) -> Float[Array, "..."]:
    """Overlap |⟨φ|ψ⟩|² of two normalised vectors.

    Args:
        psi: amplitudes, shape (..., M).
        phi: amplitudes, same shape.

    Returns:
        Fidelity in [0, 1], shape (...).
    """
    overlap = jnp.sum(jnp.conj(jnp.asarray(phi)) * jnp.asarray(psi), axis=-1)
    return jnp.real(overlap) ** 2 + jnp.imag(overlap) ** 2


def expectation(operator: ArrayLike, psi: ArrayLike) -> Float[Array, "..."]:
    """⟨ψ|A|ψ⟩ of a Hermitian operator.

    Args:
        operator: (M, M) Hermitian, or (M,) its diagonal.
        psi: amplitudes, shape (..., M).

    Returns:
        Expectation values, shape (...).
    """
    operator, psi = jnp.asarray(operator), jnp.asarray(psi)
    if operator.ndim == 1:
        image = jnp.broadcast_to(operator, psi.shape) * psi
    else:
        image = jnp.einsum("ab,...b->...a", operator, psi)
    return jnp.real(jnp.sum(jnp.conj(psi) * image, axis=-1))
