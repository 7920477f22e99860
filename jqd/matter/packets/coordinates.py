"""Potentials as functions of one vector, and the matrices of their normal modes."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...constants import constant

# A squared frequency below this share of the largest counts as a free motion.
ZERO_MODE = 1e-7


def as_function(function: Any) -> Any:
    """A callable as a PyTree that crosses jit, its Python floats as array leaves."""
    if not isinstance(function, eqx.Module | jax.tree_util.Partial):
        function = jax.tree_util.Partial(function)

    def convert(leaf: Any) -> Any:
        return constant(leaf, "leaf") if isinstance(leaf, float) else leaf

    return jax.tree.map(convert, function)


def mass_weighted(
    hessian: Float[Array, "n n"], masses: Float[Array, " n"]
) -> Float[Array, "n n"]:
    """H_ij = V_ij / √(m_i m_j), whose eigenvalues are the squared frequencies."""
    root = jnp.sqrt(masses)
    return hessian / (root[:, None] * root[None, :])


def check_system(hessian: ArrayLike, masses: ArrayLike) -> tuple[Array, Array]:
    """Hessian (n, n) and masses (n,) as arrays of one dtype.

    Raises:
        ValueError: not square, not symmetric, or masses not n positive numbers.
    """
    _checks.check_square(hessian, "hessian")
    _checks.check_hermitian(hessian, "hessian", tolerance=_tolerance(hessian))
    _checks.check_positive(masses, "masses", (np.shape(hessian)[0],))
    hessian, masses = constant(hessian, "hessian"), constant(masses, "masses")
    dtype = jnp.result_type(hessian, masses)
    return hessian.astype(dtype), masses.astype(dtype)


def _tolerance(hessian: ArrayLike) -> float | None:
    """Second derivatives by nested differentiation are symmetric to 1e-10 of them."""
    if not _checks.is_concrete(hessian):
        return None
    values = np.asarray(hessian)
    eps = np.finfo(values.dtype).eps if values.dtype.kind == "f" else 0.0
    return max(1e-10, 100 * float(eps)) * max(float(np.max(np.abs(values))), 1e-300)
