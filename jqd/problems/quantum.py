"""Quantum systems with known answers."""

from importlib import resources
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from .. import _checks
from .._gate import gated
from ..ensembles import Cells
from ..laws import CopyDynamics, Schrodinger
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
from ..spaces import Grid

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


# The golden section less 1, whose multiples fill the circle most evenly.
_GOLDEN = (5**0.5 - 1) / 2
_PHASES = {"quadratic": lambda k: _GOLDEN * k**2, "linear": lambda k: 11 * _GOLDEN * k}


class BoxOfModes(eqx.Module):
    """A superposition of modes in a box of side π; ħ = m = 1, period 4π.

    The box is a quarter of the grid, the torus (0, 2π)², on which ψ is odd across each
    wall. Free motion on the torus evolves it exactly, and ψ is 0 at the walls.

    Attributes:
        law: the law of a free particle on the torus.
        psi0: ψ at t = 0, normalised on the torus, not in the box.
        ground: density of the ground state of the box, likewise normalised.
        cells: cells of the box alone, with mirror images.
    """

    law: Schrodinger
    psi0: Complex[Array, "n n"]
    ground: Float[Array, "n n"]
    cells: Cells


@gated
def box_of_modes(
    phases: str = "quadratic", *, modes: int = 4, cells: int = 16, points: int = 48
) -> BoxOfModes:
    """Modes of a box, all of equal amplitude.

    ψ = Σ (1/M) (2/π) sin mx sin ny exp(i(θ_k - E t)), E = (m² + n²)/2, m, n = 1..M,
    k = M(m - 1) + n

    Args:
        phases: "quadratic", θ_k = 2π frac(g k²), or "linear", 2π frac(11 g k), with
            g = (√5 - 1)/2. Linear phases focus the wave into a packet.
        modes: M, number of modes along each axis.
        cells: number of cells of the box along each axis.
        points: number of grid points along each axis, twice as many as in the box.

    Raises:
        ValueError: unknown phases, or fewer than four points for each mode.
    """
    _checks.check_choice(phases, "phases", tuple(_PHASES))
    modes = _checks.whole_number(modes, "modes", 1)
    points = _checks.whole_number(points, "points", 4 * modes)
    grid = Grid([(0.0, 2 * np.pi)] * 2, (points, points))
    k = np.arange(1, modes**2 + 1).reshape(modes, modes)
    theta = 2 * np.pi * (_PHASES[phases](k) % 1)
    x = np.asarray(grid.coordinates[0]).ravel()
    waves = np.sin(np.outer(np.arange(1, modes + 1), x))
    psi = np.exp(1j * theta) / (modes * np.pi)
    psi = np.einsum("mn,mx,ny->xy", psi, waves, waves)
    ground = np.outer(np.sin(x) ** 2, np.sin(x) ** 2) / np.pi**2
    law = Schrodinger.on_grid(grid, jnp.zeros(grid.shape))
    side = Cells([(0.0, np.pi)] * 2, (cells, cells), mirrored=True)
    return BoxOfModes(law, jnp.asarray(psi), jnp.asarray(ground), side)
