"""The exponential of a Hermitian matrix on kets, by Chebyshev polynomials."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex


def hermitian_exponential(
    matrix: Complex[Array, "D D"], kets: Complex[Array, "K D"], terms: int
) -> Complex[Array, "K D"]:
    """exp(-iH) y, one product of H and y for each term.

    exp(-iH) = e^(-ic) Σ_k c_k T_k((H - c)/R),   c_k from e^(-iR cos θ) at the nodes

    where c ± R are bounds on the eigenvalues, from the circles of Gershgorin. The
    error is about 2 J_n(R) <= 2 (R/2)^n/n! for n terms: some R + 10 of them do. What is
    below rounding to the power 2/3 is taken, else the result is NaN, which a run
    reports as its status.

    Args:
        matrix: H, Hermitian.
        kets: y.
        terms: n, at least 2.

    Returns:
        Like `kets`.

    Source: H. Tal-Ezer, R. Kosloff, J. Chem. Phys. 81, 3967 (1984).
    """
    centre, half = _circles(jax.lax.stop_gradient(matrix))
    # bounds only scale the polynomials: the sum does not depend on them
    one = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    scaled = ((matrix - centre * one) / half).T
    factors = _coefficients(half, terms) * jnp.exp(-1j * centre)
    before, now = kets, jnp.matmul(kets, scaled)
    total = factors[0] * before + factors[1] * now
    for k in range(2, terms):
        before, now = now, 2 * jnp.matmul(now, scaled) - before
        total = total + factors[k] * now
    eps = jnp.finfo(half.dtype).eps
    tail = terms * jnp.log(half / 2) - math.lgamma(terms + 1)
    return jnp.where(tail < 2 / 3 * math.log(eps), total, jnp.nan)


def _circles(matrix: Array) -> tuple[Array, Array]:
    """Centre and half of an interval that holds all eigenvalues."""
    diagonal = jnp.real(jnp.diagonal(matrix))
    radii = jnp.sum(jnp.abs(matrix), axis=1) - jnp.abs(diagonal)
    low, high = jnp.min(diagonal - radii), jnp.max(diagonal + radii)
    return (low + high) / 2, jnp.maximum((high - low) / 2, jnp.finfo(low.dtype).eps)


def _coefficients(half: Array, terms: int) -> Array:
    """Those of e^(-iRx) that agree with it at the nodes of Chebyshev."""
    nodes = math.pi * (np.arange(terms) + 0.5) / terms
    waves = np.cos(np.arange(terms)[:, None] * nodes[None, :])
    waves[1:] *= 2
    values = jnp.exp(-1j * half * np.cos(nodes))
    return jnp.matmul(jnp.asarray(waves / terms, values.dtype), values)
