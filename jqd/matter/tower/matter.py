"""Matter that photons couple to: energies, and a coupling operator X between them."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Inexact

from ... import _checks
from ...constants import constant
from .density import LevelDensity


class Matter(eqx.Module):
    """The levels of H_M, in ascending order, and the coupling X between them.

    Attributes:
        energies: (D,) E_i, unit of energy.
        coupling: (D, D) Hermitian X_ij in the eigenbasis; X λ is an energy.
        vectors: (D, D) eigenstates as columns, in the basis of the given Hamiltonian;
            None where the matter was given in its eigenbasis.
        density: g(E) from which the levels were taken; None where there is none.
    """

    energies: Float[Array, " D"]
    coupling: Inexact[Array, "D D"]
    vectors: Inexact[Array, "D D"] | None = None
    density: LevelDensity | None = None

    def __check_init__(self) -> None:
        energies = self.energies
        if np.ndim(energies) != 1 or np.size(energies) < 2:
            raise ValueError(
                "Argument `energies` must be a vector of at least two levels, but its "
                f"shape is {np.shape(energies)}."
            )
        _checks.check_reals(energies, "energies")
        _checks.check_shape(self.coupling, "coupling", 2 * energies.shape)
        _checks.check_hermitian(self.coupling, "coupling")
        if _checks.is_concrete(energies):
            values = _checks.concrete(energies)
            if (values[1:] < values[:-1]).any():
                raise ValueError(
                    "Argument `energies` must be in ascending order, but is not; use "
                    "`user_matter`."
                )

    @property
    def levels(self) -> int:
        """Number of levels D."""
        return self.energies.shape[0]


def user_matter(hamiltonian: ArrayLike, coupling: ArrayLike) -> Matter:
    """Matter from any Hamiltonian, transformed to its eigenbasis.

    Derivatives pass through the eigenbasis and need non-degenerate levels.

    Args:
        hamiltonian: (D, D) Hermitian, or the (D,) real diagonal of one.
        coupling: (D, D) Hermitian operator X in the same basis.

    Returns:
        The matter, with the eigenstates in `vectors`.

    Raises:
        ValueError: wrong shapes, or an operator that is not finite and Hermitian.
    """
    hamiltonian, coupling = (
        constant(hamiltonian, "hamiltonian"),
        constant(coupling, "coupling"),
    )
    _checks.check_finite(hamiltonian, "hamiltonian")
    _checks.check_hermitian(hamiltonian, "hamiltonian")
    size = hamiltonian.shape[0]
    _checks.check_shape(coupling, "coupling", (size, size))
    _checks.check_hermitian(coupling, "coupling")
    if hamiltonian.ndim == 1:
        order = jnp.argsort(hamiltonian)
        vectors = jnp.eye(size, dtype=hamiltonian.dtype)[:, order]
        return Matter(
            hamiltonian[order], coupling[order[:, None], order[None, :]], vectors
        )
    return Matter(*_to_eigenbasis(hamiltonian, coupling))


@jax.jit
def _to_eigenbasis(hamiltonian: Array, coupling: Array) -> tuple[Array, Array, Array]:
    energies, vectors = jnp.linalg.eigh(hamiltonian, symmetrize_input=True)
    turned = vectors.conj().T @ coupling @ vectors
    return energies, (turned + turned.conj().T) / 2, vectors


def random_matter(
    key: Array,
    levels: int,
    density: LevelDensity,
    shape: Callable[[Array], Array],
) -> Matter:
    """Random matter: levels of a given density, coupled by a random matrix.

    X_ij = (g_i g_j)^(-1/4) f(E_i - E_j) R_ij, with g_i levels per unit of energy at E_i
    and R Gaussian, real and symmetric: <R_ij²> = 1, <R_ii²> = 2. This models chaotic
    matter, and each level emits at the rate 2πλ²f(ħω)² sqrt(g(E - ħω)/g(E)) / ħ.
    Energies are the quantiles of the density. The same key gives the same R for any
    constants of the density, so X is differentiable in them.

    Args:
        key: random key of the matrix.
        levels: D, at least 2.
        density: g(E).
        shape: f, elementwise and even, dimensionless.

    Returns:
        The matter, with its density.

    Raises:
        ValueError: fewer than two levels.
    """
    _check_levels(levels)
    if not isinstance(shape, eqx.Module | jax.tree_util.Partial):
        shape = jax.tree_util.Partial(shape)
    energies, X = _draw(_checks.single_key(key), levels, density, shape)
    return Matter(energies, X, density=density)


@functools.partial(jax.jit, static_argnums=1)
def _draw(
    key: Array, levels: int, density: LevelDensity, shape: Any
) -> tuple[Array, Array]:
    energies = density.levels(levels)
    noise = jax.random.normal(key, (levels, levels), energies.dtype)
    R = (noise + noise.T) / jnp.sqrt(2)
    quarter = levels**-0.25 * jnp.exp(-density.log_density(energies) / 4)
    gaps = energies[:, None] - energies[None, :]
    return energies, quarter[:, None] * quarter[None, :] * shape(gaps) * R


def harmonic_ladder(levels: int, spacing: ArrayLike) -> Matter:
    """One harmonic oscillator, X = b + b†: integrable, it must not thermalise.

    Args:
        levels: number of levels kept, at least 2.
        spacing: distance of the levels, unit of energy.

    Returns:
        The matter: E_i = i spacing.

    Raises:
        ValueError: fewer than two levels, or a spacing that is not positive.
    """
    _check_levels(levels)
    _checks.check_positive(spacing, "spacing", ())
    energies = constant(spacing, "spacing") * jnp.arange(levels)
    lower = jnp.diag(jnp.sqrt(jnp.arange(1, levels, dtype=energies.dtype)), 1)
    return Matter(energies, lower + lower.T)


def _check_levels(levels: Any) -> None:
    if not _checks.is_whole(levels) or levels < 2:
        raise ValueError(
            f"Argument `levels` must be a whole number of at least 2, but is {levels}."
        )
