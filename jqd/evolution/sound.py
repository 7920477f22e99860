"""Whether the numbers of a state are numbers."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree


def is_sound(state: PyTree[Array]) -> Array:
    """Whether every number of a state is finite and of reasonable size.

    The bound stands far below overflow, so that a run that blows up is stopped while
    its derivatives are still numbers.
    """

    def sound(leaf: Array) -> Array:
        bound = jnp.finfo(leaf.dtype).max ** 0.25
        # comparisons with NaN are false; the parts avoid a square root
        parts = (jnp.real(leaf), jnp.imag(leaf)) if jnp.iscomplexobj(leaf) else (leaf,)
        return jnp.all(jnp.stack([jnp.all(jnp.abs(part) < bound) for part in parts]))

    leaves = [leaf for leaf in jax.tree.leaves(state) if is_inexact(leaf)]
    return jnp.all(jnp.stack([sound(leaf) for leaf in leaves]))


def is_inexact(leaf: Any) -> bool:
    """Whether a leaf is an array of real or complex numbers."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)
