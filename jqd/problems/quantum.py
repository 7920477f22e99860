"""Quantum systems with known answers."""

from importlib import resources
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _checks
from .._gate import gated
from ..laws import CopyDynamics
from ..records import (
    DensityRecord,
    PhaseSpaceRecord,
    Record,
    load_density,
    load_matrix,
    load_phase_space,
    load_record,
    load_state,
)

DATA = Path(str(resources.files("jqd"))) / "data"


class FourLevel(eqx.Module):
    """Four coupled levels, complex Hermitian H, generic initial state; ħ = 1.

    Attributes:
        hamiltonian: H, shape (4, 4).
        psi0: ψ at t = 0, shape (4,).
        populations: |ψ_a(t)|² at 61 times in [0, 6], by QuTiP's `sesolve` (vern9).
        counts: counts of the same, 20000 independent shots at each time.
    """

    hamiltonian: Array
    psi0: Array
    populations: Record
    counts: Record


def four_level() -> FourLevel:
    """The four-level problem, from data that QuTiP computed.

    Returns:
        Hamiltonian, state and records; a fit must find q = 1/2 and r = -1/2.
    """
    return FourLevel(
        _checks.array(load_matrix(DATA / "four_level_hamiltonian.npy")),
        _checks.array(load_state(DATA / "four_level_psi0.npy")),
        load_record(DATA / "four_level_populations.csv"),
        load_record(DATA / "four_level_counts.csv"),
    )


@gated
def golden(q: float = 0.5, r: float = -0.5, **options) -> tuple[CopyDynamics, Array]:
    """Three classes with all couplings: the standard test of copy dynamics.

    ω = (0, .4, -.3); R₁₂ = .7, δ₁₂ = .3; R₁₃ = .5, δ₁₃ = 0; R₂₃ = .6, δ₂₃ = -1

    Args:
        q: exponent of the copy rate.
        r: exponent of the phase rate.
        **options: passed to `CopyDynamics`, e.g. `literal=True`.

    Returns:
        The law, and ψ with ρ = (.5, .3, .2), φ = (0, .5, -.8).
    """
    upper = np.triu_indices(3, 1)
    R, delta = np.zeros((3, 3)), np.zeros((3, 3))
    R[upper], delta[upper] = (0.7, 0.5, 0.6), (0.3, 0.0, -1.0)
    law = CopyDynamics(
        np.array([0.0, 0.4, -0.3]), R + R.T, delta - delta.T, q, r, **options
    )
    psi = np.sqrt([0.5, 0.3, 0.2]) * np.exp(-1j * np.array([0.0, 0.5, -0.8]))
    return law, jnp.asarray(psi)


@gated
def two_classes(
    p0: float, x0: float, q: float = 0.5, r: float = -0.5, **options
) -> tuple[CopyDynamics, Array]:
    """Two classes of equal ω with R = 1, whose orbits are known by quadrature.

    Args:
        p0: share of the first class.
        x0: φ_1 - φ_2, radians.
        q: exponent of the copy rate.
        r: exponent of the phase rate.
        **options: passed to `CopyDynamics`.

    Returns:
        The law and ψ.
    """
    exchange = np.array([[0.0, 1.0], [1.0, 0.0]])
    law = CopyDynamics(np.zeros(2), exchange, np.zeros((2, 2)), q, r, **options)
    psi = np.sqrt([p0, 1 - p0]) * np.exp([-1j * x0, 0])
    return law, jnp.asarray(psi)


def kerr_husimi() -> PhaseSpaceRecord:
    """The Husimi function of a Kerr oscillator, from data that QuTiP computed.

    H = (U/2) a†² a², U = 1, from the coherent state α = 1.2 + 0.5i; 45 x 45 points at
    t = 0.2, 0.5 and 1.

    Returns:
        The record; a fit must find C = 1.
    """
    return load_phase_space(DATA / "kerr_husimi.npz")


def double_well(column: str = "density") -> DensityRecord:
    """A packet in a double well, from densities that WavePacket computed.

    V = (x² - 4)²/16, ħ = m = 1, from a Gaussian at -2 of width 0.5 with p = 0.6; 256
    points at t = 0, 1, .., 4.

    Args:
        column: "density", or "density_noisy" with 1 % of the peak as noise.

    Returns:
        The record; a fit must find D = 1/2.
    """
    return load_density(DATA / "double_well_density.npz", column)
