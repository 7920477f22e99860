"""Distances between predictions, expectation values, and moments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from . import _checks
from ._math import abs2
from .interop import as_array
from .laws import HusimiFokkerPlanck, Law
from .states import read_powers

# A time step's error may raise a norm by less than this; a forgotten factor by more.
_NORM_ERROR = 1e-2


def total_variation(p: ArrayLike, q: ArrayLike) -> Float[Array, "..."]:
    """Total variation between two distributions.

    ½ Σ_a |p_a - q_a|, the largest difference in the probability of any event

    Args:
        p: probabilities, shape (..., M).
        q: probabilities, same shape.

    Returns:
        Distance in [0, 1], shape (...).

    Raises:
        ValueError: complex numbers, or different numbers of events.
    """
    p, q = as_array(p, "p"), as_array(q, "q")
    for name, value in (("p", p), ("q", q)):
        _checks.check_real(value, name)
    _check_last_axes(q, "q", p, "p")
    return _total_variation(p, q)


@jax.jit
def _total_variation(p: Array, q: Array) -> Array:
    p, q = jnp.broadcast_arrays(p, q)
    return jnp.sum(jnp.abs(p - q), axis=-1) / 2


def fidelity(psi: ArrayLike, phi: ArrayLike) -> Float[Array, "..."]:
    """Overlap |⟨φ|ψ⟩|² of two normalised vectors.

    Args:
        psi: amplitudes, shape (..., M).
        phi: amplitudes, same shape.

    Returns:
        Fidelity in [0, 1], shape (...).

    Raises:
        ValueError: different numbers of amplitudes, or a squared norm above 1.
    """
    psi, phi = as_array(psi, "psi"), as_array(phi, "phi")
    _check_last_axes(phi, "phi", psi, "psi")
    for name, value in (("psi", psi), ("phi", phi)):
        _check_norms(value, name)
    return _fidelity(psi, phi)


@jax.jit
def _fidelity(psi: Array, phi: Array) -> Array:
    psi, phi = jnp.broadcast_arrays(psi, phi)
    overlap = jnp.sum(jnp.conj(phi) * psi, axis=-1)
    return abs2(overlap)


def expectation(operator: ArrayLike, psi: ArrayLike) -> Float[Array, "..."]:
    """⟨ψ|A|ψ⟩ of a Hermitian operator.

    Args:
        operator: (M, M) Hermitian, or (M,) its diagonal.
        psi: amplitudes, shape (..., M).

    Returns:
        Expectation values, shape (...).

    Raises:
        ValueError: an operator that is not Hermitian or has another size than `psi`, or
            a squared norm above 1.
    """
    operator, psi = as_array(operator, "operator"), as_array(psi, "psi")
    _checks.check_hermitian(operator, "operator")
    _check_last_axes(operator, "operator", psi, "psi")
    _check_norms(psi, "psi")
    return _expectation(operator, psi)


@jax.jit
def _expectation(operator: Array, psi: Array) -> Array:
    if operator.ndim == 1:
        image = jnp.broadcast_to(operator, psi.shape) * psi
    else:
        image = jnp.einsum("ab,...b->...a", operator, psi)
    return jnp.real(jnp.sum(jnp.conj(psi) * image, axis=-1))


@dataclass(frozen=True)
class Moments:
    """Moments ∫ α^m α*^n Q d²ᴺα of a phase-space law, for `evolve` and `recover`.

    The moments are observed as real numbers: real parts of all moments, then imaginary
    parts, shape (2 k,). `stack` brings measured moments into this form.

    Attributes:
        orders: (m, n) for each moment, integers for one mode, else tuples.
    """

    orders: tuple[tuple[Any, Any], ...]

    def __post_init__(self) -> None:
        _checks.check_type(self.orders, "orders", tuple | list, "pairs (m, n)")
        for pair in self.orders:
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise ValueError(
                    f"Argument `orders` must hold pairs (m, n), but holds {pair!r}."
                )
            for powers in pair:
                modes = len(powers) if isinstance(powers, tuple | list) else 1
                read_powers(powers, "orders", modes)

    def bind(self, law: HusimiFokkerPlanck) -> Callable[[Array, Any], Array]:
        """The function that `evolve` calls at each time."""

        def observe(t: Array, state: Any) -> Array:
            del t
            return self.stack(law.moments(state, self.orders))

        return observe

    @staticmethod
    def stack(moments: ArrayLike) -> Float[Array, "... 2k"]:
        """Complex moments (..., k) as real numbers (..., 2k)."""
        moments = jnp.asarray(moments)
        return jnp.concatenate([jnp.real(moments), jnp.imag(moments)], axis=-1)


@dataclass(frozen=True)
class Occupations:
    """Probability of each grid point, for counts of positions (`Multinomial`).

    The probabilities are the density times the volume of a cell, flat, shape (points,).
    """

    def bind(self, law: Law) -> Callable[[Array, Any], Array]:
        """The function that `evolve` calls at each time."""

        def observe(t: Array, state: Any) -> Array:
            del t
            return jnp.ravel(law.density(state)) * law.cell

        return observe


def _check_last_axes(x: Array, name: str, like: Array, of: str) -> None:
    """`x` has as many entries along its last axis as `like`."""
    if min(x.ndim, like.ndim) == 0 or x.shape[-1] != like.shape[-1]:
        raise ValueError(
            f"Argument `{name}` must have as many entries as `{of}` in its last axis, "
            f"but their shapes are {x.shape} and {like.shape}."
        )
    _checks.check_broadcast(**{of: like, name: x})


def _check_norms(psi: Array, name: str) -> None:
    """No vector is longer than 1; one that lost norm to an absorber is shorter."""
    if not _checks.is_concrete(psi):
        return
    norms = np.sum(abs2(np.asarray(psi)), axis=-1)
    # a run that ended early leaves NaN, which passes this check
    if np.any(norms > 1 + _NORM_ERROR):
        raise ValueError(
            f"Argument `{name}` must be normalised, but a squared norm is "
            f"{np.nanmax(norms):.9g}; on a grid multiply by the root of `grid.cell`."
        )
