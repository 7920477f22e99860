"""Products of matrices, one or both of them complex."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array


def times(a: Array, b: Array) -> Array:
    """a @ b from real products alone: a real factor is never made complex."""
    if jnp.iscomplexobj(a) and jnp.iscomplexobj(b):
        left, right = times(a.real, b), times(a.imag, b)
        return left + 1j * right
    if jnp.iscomplexobj(b):
        parts = _product(a, jnp.concatenate((b.real, b.imag), axis=1))
        return lax.complex(*jnp.split(parts, 2, axis=1))
    if jnp.iscomplexobj(a):
        parts = _product(jnp.concatenate((a.real, a.imag)), b)
        return lax.complex(*jnp.split(parts, 2))
    return _product(a, b)


def _product(a: Array, b: Array) -> Array:
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)
