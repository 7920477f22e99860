"""The model that is meant to align the phases within each class, equation by equation.

Every individual I carries a phase φ_I (radians) and a momentum π_I (1/time); I and J
of one class attract through a potential U(φ_I - φ_J) of strength s_a (1/time²).
Occupations stay fixed between copies. Ω_I is the phase rate of
`individuals.phase_rate`. Two options go beyond the paper:

- `potential`: "sin2", U(y) = sin²y, which is blind to half turns; "1-cos",
  U(y) = 2 (1 - cos y), of the same curvature, least for aligned phases alone.
- `norm`: "paper", s_a = f², so that the frequency of alignment f√(2n_a) grows with the
  ensemble; "class", s_a = f²/n_a, the frequency f√2.

Where the printed equation is inconsistent, `printed=True` gives it literally. These
functions keep (N, N) matrices; `PhaseAlignment` is the fast form.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from ... import _checks
from ...laws.alignment import POTENTIALS, strength
from .individuals import phase_rate


def same_class(beable: Array) -> Array:
    """Which pairs of individuals are of one class, (N, N)."""
    return beable[:, None] == beable[None, :]


def _difference(phase: Array) -> Array:
    return phase[:, None] - phase[None, :]


def _pair_strength(beable: Array, f: ArrayLike, norm: str, dtype: Any) -> Array:
    """s of each pair of one class, 0 for the others, (N, N)."""
    same = same_class(beable).astype(dtype)
    return same * strength(f, jnp.sum(same, axis=1), norm)[:, None]


def alignment_potential(
    phase: Float[Array, " N"],
    beable: Int[Array, " N"],
    f: ArrayLike,
    *,
    potential: str = "sin2",
    norm: str = "paper",
) -> Float[Array, ""]:
    """Potential energy of misalignment; with sin², zero modulo π, not modulo 2π.

    V = (1/2) Σ_I Σ_{J∈a_I} s_a U(φ_I - φ_J), every pair counted twice, in 1/time²

    Raises:
        ValueError: unknown potential or norm.
    """
    _checks.check_choice(potential, "potential", POTENTIALS)
    # 2 (1 - cos y) = 4 sin²(y/2) keeps its digits for small y
    scale = 1 if potential == "sin2" else 2
    well = (scale * jnp.sin(_difference(phase) / scale)) ** 2
    return jnp.sum(_pair_strength(beable, f, norm, phase.dtype) * well) / 2


def alignment_energy(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
    *,
    potential: str = "sin2",
    norm: str = "paper",
) -> Float[Array, ""]:
    """Hamiltonian of the alignment model.

    H = Σ_I (π_I²/2 + π_I Ω_I) + V, in 1/time²
    """
    drift = phase_rate(beable, phase, omega, R, delta)
    kinetic = jnp.sum(momentum**2 / 2 + momentum * drift)
    V = alignment_potential(phase, beable, f, potential=potential, norm=norm)
    return kinetic + V


def phase_velocity(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, " N"]:
    """Velocity of the phases; at π = 0 it is the copy law's own.

    φ̇_I = π_I + Ω_I, in radians/time
    """
    return momentum + phase_rate(beable, phase, omega, R, delta)


def drift_force(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, " N"]:
    """Force that remains once the phases are aligned; zero at π = 0.

    π̇_I = -Σ_K π_K ∂Ω_K/∂φ_I, in 1/time²
    """
    _, pull_back = jax.vjp(lambda phi: phase_rate(beable, phi, omega, R, delta), phase)
    (force,) = pull_back(momentum)
    return -force


def alignment_force(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    f: ArrayLike,
    *,
    potential: str = "sin2",
    norm: str = "paper",
    printed: bool = False,
) -> Float[Array, " N"]:
    """Force on the momenta.

    π̇_I = -2 s_a Σ_{J∈a_I} sin(φ_I - φ_J) cos(φ_I - φ_J) - Σ_K π_K ∂Ω_K/∂φ_I;
    without the cosine for the potential "1-cos", in 1/time²

    Args:
        printed: f² in place of 2f² (the sum over J, lost in print, is kept).

    Raises:
        ValueError: unknown potential or norm.
    """
    _checks.check_choice(potential, "potential", POTENTIALS)
    y = _difference(phase)
    # sin y cos y = sin(2y)/2
    slope = jnp.sin(2 * y) / 2 if potential == "sin2" else jnp.sin(y)
    pull = jnp.sum(_pair_strength(beable, f, norm, phase.dtype) * slope, axis=1)
    drift = drift_force(phase, momentum, beable, omega, R, delta)
    return drift - pull * (1 if printed else 2)
