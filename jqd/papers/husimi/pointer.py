"""What the environment leaves of a pointer's superposition."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float


def pointer_density(
    points: Complex[Array, " n"],
    alphas: Complex[Array, " K"],
    amplitudes: Complex[Array, " K"],
    overlaps: Complex[Array, "K K"],
    hbar: ArrayLike = 1.0,
) -> Float[Array, " n"]:
    """Husimi function of a pointer, of which others hold a record.

    Q(α) = (1/πħ) Σ_jk c_j c_k* O_jk <a|a_j><a_k|a> / norm, the trace over the rest of
    Σ_k c_k |α_k>|e_k>. For O = 1 nobody holds a record; for O_jk = δ_jk it is the
    mixture Σ_k |c_k|² Q_k.

    Args:
        points: α, (n,), in √action.
        alphas: α_k of the coherent pointer states, (K,), in √action.
        amplitudes: c_k, (K,).
        overlaps: O_jk = <e_k|e_j> of the records, (K, K).
        hbar: ħ > 0.

    Returns:
        Q per d²α, (n,); its integral is 1.

    Source: sec. V E.
    """
    root = jnp.sqrt(jnp.asarray(hbar))
    a, b = points / root, alphas / root
    weights = amplitudes[:, None] * jnp.conj(amplitudes)[None, :] * overlaps
    norm = jnp.sum(weights * _inner(b, b).T).real
    kets = _inner(a, b)
    total = jnp.sum((kets @ weights) * jnp.conj(kets), axis=1).real
    return total / (np.pi * hbar * norm)


def _inner(a: Array, b: Array) -> Array:
    """<a|b> of coherent states, (n, K)."""
    size = jnp.abs(a)[:, None] ** 2 + jnp.abs(b)[None, :] ** 2
    return jnp.exp(jnp.conj(a)[:, None] * b[None, :] - size / 2)
