"""Functions of a real symmetric matrix, differentiable for any spectrum."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

# Eigenvalues nearer than this share of the spectrum count as one in a divided
# difference: the slope in the middle is then wrong by its square, 1e-10, the quotient
# by rounding over it, 2e-11.
_NEAR = 1e-5


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def matrix_function(
    function: Callable[[Array, Any], Array],
    matrix: Float[Array, "n n"],
    parameters: PyTree[Array],
) -> Float[Array, "*lead n n"]:
    """f(M) = Σ_k f(λ_k) e_k e_kᵀ.

    First derivatives, forward and reverse, are exact also where levels coincide
    (Daleckii-Krein): df = Σ_kl e_k [(f_k - f_l)/(λ_k - λ_l)] (e_kᵀ dM e_l) e_lᵀ.

    Args:
        function: f(λ (n,), parameters) -> (..., n), acting on each λ alone.
        matrix: M, (n, n) real symmetric.
        parameters: PyTree of arrays passed on to f.

    Returns:
        f(M), (..., n, n).
    """
    levels, vectors = jnp.linalg.eigh(matrix, symmetrize_input=True)
    return _sandwich(vectors, function(levels, parameters))


@matrix_function.defjvp
def _matrix_function_jvp(function, primals, tangents):
    matrix, parameters = primals
    d_matrix, d_parameters = tangents
    levels, vectors = jnp.linalg.eigh(matrix, symmetrize_input=True)
    values, d_values = jax.jvp(
        lambda p: function(levels, p), (parameters,), (d_parameters,)
    )
    d_matrix = (d_matrix + d_matrix.T) / 2
    rotated = vectors.T @ d_matrix @ vectors
    quotient = _divided_differences(function, levels, values, parameters)
    lead = (None,) * (values.ndim - 1)
    middle = quotient * rotated[lead]
    slope = jnp.einsum("ik,...kl,jl->...ij", vectors, middle, vectors)
    return _sandwich(vectors, values), slope + _sandwich(vectors, d_values)


def _divided_differences(function, levels, values, parameters):
    """(f_k - f_l) / (λ_k - λ_l), the slope where the two are near; (..., n, n)."""
    n = levels.shape[0]
    gap = levels[:, None] - levels[None, :]
    near = jnp.abs(gap) <= _NEAR * jnp.max(jnp.abs(levels))
    middle = ((levels[:, None] + levels[None, :]) / 2).ravel()
    _, slope = jax.jvp(
        lambda x: function(x, parameters), (middle,), (jnp.ones_like(middle),)
    )
    slope = slope.reshape(*slope.shape[:-1], n, n)
    lead = (None,) * (values.ndim - 1)
    quotient = (values[..., :, None] - values[..., None, :]) / jnp.where(near, 1, gap)[
        lead
    ]
    return jnp.where(near[lead], slope, quotient)


def _sandwich(vectors: Array, values: Array) -> Array:
    return jnp.einsum("ik,...k,jk->...ij", vectors, values, vectors)
