"""Phonon numbers averaged over time, and over levels of one energy.

Where the two agree, an isolated solid of few modes comes to thermal equilibrium.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ...evolution import Status
from ...laws.constants import constant
from .quantum_modes import Spectrum

# Weight in the top shell of the basis beyond which averages are not to be trusted.
_EDGE = 1e-2


class Average(NamedTuple):
    """Mean phonon numbers.

    Attributes:
        occupations: <n_k>, shape (n,).
        energy: mean energy.
        edge: weight at the edge of the basis.
        status: `Status.CUTOFF` where that weight exceeds 0.01, else `Status.OK`.
    """

    occupations: Float[Array, " n"]
    energy: Float[Array, ""]
    edge: Float[Array, ""]
    status: Int[Array, ""]


def diagonal_average(spectrum: Spectrum, state: Float[ArrayLike, " D"]) -> Average:
    """Time averages of the phonon numbers: Σ_a |<a|ψ>|² <a|n_k|a>.

    Args:
        spectrum: levels, none repeated.
        state: amplitudes in the number basis, of unit norm, shape (D,).

    Returns:
        Mean numbers, with `Status.CUTOFF` where the basis is too small.

    Raises:
        ValueError: state of a wrong shape or norm.
    """
    state = jnp.asarray(state)
    _checks.check_state(state, "state", size=spectrum.energies.shape[0], weight=1)
    overlap = spectrum.vectors.T @ state
    return _average(spectrum, jnp.real(overlap) ** 2 + jnp.imag(overlap) ** 2)


def microcanonical_average(
    spectrum: Spectrum, energy: ArrayLike, levels: int
) -> Average:
    """Phonon numbers averaged over the levels nearest to an energy.

    Args:
        spectrum: levels.
        energy: centre of the window.
        levels: how many, 1 to D (static).

    Returns:
        Mean numbers, with `Status.CUTOFF` where the basis is too small.

    Raises:
        ValueError: levels out of range.
    """
    size = spectrum.energies.shape[0]
    if not isinstance(levels, int) or not 1 <= levels <= size:
        raise ValueError(
            f"Argument `levels` must be an integer from 1 to {size}, but is {levels!r}."
        )
    return _nearest(spectrum, constant(energy, "energy"), levels)


@jax.jit(static_argnames="levels")
def _nearest(spectrum: Spectrum, energy: Array, levels: int) -> Average:
    _, nearest = lax.top_k(-jnp.abs(spectrum.energies - energy), levels)
    weights = jnp.zeros_like(spectrum.energies).at[nearest].set(1 / levels)
    return _average(spectrum, weights)


@jax.jit
def _average(spectrum: Spectrum, weights: Array) -> Average:
    edge = weights @ spectrum.edge
    status = jnp.where(edge > _EDGE, Status.CUTOFF, Status.OK)
    return Average(weights @ spectrum.means, weights @ spectrum.energies, edge, status)


def gap_ratio(energies: Float[ArrayLike, " D"]) -> Float[Array, ""]:
    """Mean ratio <r> of adjacent gaps, smaller over larger.

    .386 for independent levels (integrable), .531 for levels of a chaotic Hamiltonian
    that is real.

    Args:
        energies: ascending, shape (D,), D > 2, of one symmetry.

    Returns:
        <r>.

    Raises:
        ValueError: fewer than three levels.

    Source: V. Oganesyan, D. A. Huse, Phys. Rev. B 75, 155111 (2007).
    """
    energies = constant(energies, "energies")
    if energies.ndim != 1 or energies.shape[0] < 3:
        raise ValueError(
            "Argument `energies` must hold at least three levels, but its shape is "
            f"{energies.shape}."
        )
    return _gap_ratio(energies)


@jax.jit
def _gap_ratio(energies: Array) -> Array:
    gaps = jnp.diff(energies)
    small = jnp.minimum(gaps[1:], gaps[:-1])
    large = jnp.maximum(gaps[1:], gaps[:-1])
    return jnp.mean(jnp.where(large > 0, small / jnp.where(large > 0, large, 1), 0))
