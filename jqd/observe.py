"""Distances between predictions, expectation values, and moments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Moments:
    """Moments ∫ α^m α*^n Q d²ᴺα of a phase-space law, for `evolve` and `recover`.

    Observed as real numbers: real parts of all moments, then imaginary parts, shape
    (2 k,); see `stack` for what a record must look like.

    Attributes:
        orders: (m, n) for each moment, integers for one mode, else tuples.
    """

    orders: tuple[tuple[Any, Any], ...]

    def bind(self, law: Any) -> Callable[[Array, Any], Array]:
        """What `evolve` calls at each time."""

        def observe(t: Array, state: Any) -> Array:
            del t
            values = [law.moment(state, m, n) for m, n in self.orders]
            return self.stack(jnp.stack(values))

        return observe

    @staticmethod
    def stack(moments: ArrayLike) -> Float[Array, "... 2k"]:
        """Complex moments (..., k) as real numbers (..., 2k)."""
        moments = jnp.asarray(moments)
        return jnp.concatenate([jnp.real(moments), jnp.imag(moments)], axis=-1)


@dataclass(frozen=True)
class Occupations:
    """Probability of each grid point, for counts of positions (`Multinomial`).

    Observed as density times cell, flat, shape (points,).
    """

    def bind(self, law: Any) -> Callable[[Array, Any], Array]:
        """What `evolve` calls at each time."""
        cell = 1.0 if law.grid is None else law.grid.cell

        def observe(t: Array, state: Any) -> Array:
            del t
            return jnp.ravel(law.density(state)) * cell

        return observe
