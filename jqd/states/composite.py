"""Several systems as one: joint beables, product Hamiltonians, local operations.

The joint beable of systems A, B, .. with M_A, M_B, .. values is one index, in which the
last system varies fastest: (a, b) is class a M_B + b. A state of the whole is a vector
over these classes, as `jqd.CopyDynamics` and `jqd.Schrodinger` take it.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from ..interop import as_array


def hamiltonian(*parts: Any, coupling: Any = None) -> Array:
    """The Hamiltonian of systems side by side.

    H = H_A ⊗ 1 + 1 ⊗ H_B + .. + coupling

    Args:
        *parts: H_A, H_B, .., (M_i, M_i) Hermitian, energy; arrays, QuTiP, dynamiqs.
        coupling: (M, M) Hermitian with M = Π M_i, or None for none.

    Returns:
        H, (M, M), energy; real where all parts are real.

    Raises:
        ValueError: no parts, a part that is not square or not Hermitian, or a coupling
            of another size.
    """
    if not parts:
        raise ValueError("Argument `parts` must hold Hamiltonians, but is empty.")
    matrices = [as_array(part, f"parts[{k}]") for k, part in enumerate(parts)]
    for k, matrix in enumerate(matrices):
        _checks.check_square(matrix, f"parts[{k}]")
        _checks.check_finite(matrix, f"parts[{k}]")
        _checks.check_hermitian(matrix, f"parts[{k}]")
    sizes = [matrix.shape[0] for matrix in matrices]
    terms = []
    for k, matrix in enumerate(matrices):
        before, after = math.prod(sizes[:k]), math.prod(sizes[k + 1 :])
        widened = jnp.kron(jnp.eye(before, dtype=matrix.dtype), matrix)
        terms.append(jnp.kron(widened, jnp.eye(after, dtype=matrix.dtype)))
    if coupling is not None:
        matrix = as_array(coupling, "coupling")
        _checks.check_shape(matrix, "coupling", (math.prod(sizes),) * 2)
        _checks.check_hermitian(matrix, "coupling")
        terms.append(matrix)
    return functools.reduce(jnp.add, terms)


def product(*states: Any) -> Complex[Array, " M"]:
    """A state in which the systems know nothing of each other: ψ_ab.. = ψ_a χ_b ..

    Args:
        *states: (M_i,) amplitudes of each system; arrays or QuTiP kets.

    Returns:
        ψ, (M,) complex.

    Raises:
        ValueError: no states, or one that is not a vector.
    """
    arrays = [as_array(state, f"states[{k}]") for k, state in enumerate(states)]
    if not arrays or any(array.ndim != 1 for array in arrays):
        raise ValueError(
            "Argument `states` must be vectors, at least one, but has the shapes "
            f"{[array.shape for array in arrays]}."
        )
    whole = functools.reduce(jnp.kron, arrays)
    return _checks.complex_of(whole)


def marginal(
    density: ArrayLike, sizes: Sequence[int], part: int
) -> Float[Array, "... M_part"]:
    """Probabilities of one system's beable, summed over the beables of the others.

    ρ_a = Σ_b.. ρ_ab..

    Args:
        density: ρ of the whole, (..., M), as `evolve(.., observe="density")` and
            `Copies.density` return it.
        sizes: numbers of values (M_A, M_B, ..).
        part: number of the system, from 0.

    Returns:
        (..., M_part) probabilities.

    Raises:
        ValueError: M is not the product of the sizes, or there is no such part.
    """
    density = jnp.asarray(as_array(density, "density"))
    _checks.check_real(density, "density")
    table = _split(density, "density", sizes, part)
    lead = density.ndim - 1
    others = tuple(lead + k for k in range(len(sizes)) if k != part)
    return jnp.sum(table, axis=others)


def apply_local(
    psi: ArrayLike, operator: Any, sizes: Sequence[int], part: int
) -> Complex[Array, "... M"]:
    """An operation on one system alone.

    ψ'_a..b = Σ_b' U_bb' ψ_a..b'

    Args:
        psi: amplitudes of the whole, (..., M).
        operator: U, (M_part, M_part), e.g. `rotation(angle)`.
        sizes: numbers of values (M_A, M_B, ..).
        part: number of the system, from 0.

    Returns:
        ψ', (..., M).

    Raises:
        ValueError: M is not the product of the sizes, there is no such part, or the
            operator has another size.
    """
    psi, matrix = jnp.asarray(as_array(psi, "psi")), as_array(operator, "operator")
    table = _split(psi, "psi", sizes, part)
    _checks.check_shape(matrix, "operator", (sizes[part],) * 2)
    axis = psi.ndim - 1 + part
    moved = jnp.moveaxis(table, axis, -1)
    turned = jnp.einsum("bc,...c->...b", matrix, moved, precision="highest")
    return jnp.reshape(jnp.moveaxis(turned, -1, axis), psi.shape)


def _split(whole: Array, name: str, sizes: Sequence[int], part: int) -> Array:
    """The last axis as one axis a system."""
    if not all(isinstance(size, int | np.integer) and size > 0 for size in sizes):
        raise ValueError(
            f"Argument `sizes` must be whole and positive, but is {sizes}."
        )
    if isinstance(part, bool) or not isinstance(part, int | np.integer):
        raise ValueError(
            f"Argument `part` must be a whole number, but is {_checks.shown(part)}."
        )
    if not 0 <= part < len(sizes):
        raise ValueError(
            f"Argument `part` must be from 0 to {len(sizes) - 1}, but is {part}."
        )
    if whole.ndim == 0 or whole.shape[-1] != math.prod(sizes):
        raise ValueError(
            f"Argument `{name}` must have {math.prod(sizes)} entries in its last axis, "
            f"one for each joint value of systems of sizes {tuple(sizes)}, but its "
            f"shape is {np.shape(whole)}."
        )
    return jnp.reshape(whole, (*whole.shape[:-1], *sizes))
