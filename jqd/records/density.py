"""Data of densities on a grid, and of energy levels, for fits of D."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..instruments import Gaussian, Multinomial
from ..observe import Occupations
from ..spaces import Grid
from .record import Record


@dataclass(frozen=True)
class DensityRecord:
    """Data of a particle in a potential.

    Attributes:
        grid: uniform grid of the points.
        potential: V on the grid, energy.
        mass: m.
        ts: times, shape (T,); empty for data of levels alone.
        density: shape (T, *grid), per unit of volume; for counts, their share divided
            by the cell volume.
        action: S at the same times, or None.
        initial: ψ at t0, complex; or (density, action) there; or None.
        levels: energies E_0 < E_1 < .., or None.
        sigma: standard deviation of `density` (or of `levels`), or None.
        t0: time of the initial state.
        hbar: ħ of `initial`, where `initial` is ψ.
        counts: positions counted at each point, shape (T, *grid), or None.
        action_rate: ∂S/∂t at the first time, shape of the grid, or None.
    """

    grid: Grid
    potential: np.ndarray
    mass: float
    ts: np.ndarray
    density: np.ndarray
    action: np.ndarray | None
    initial: Any
    levels: np.ndarray | None
    sigma: float | None
    t0: float = 0.0
    hbar: float = 1.0
    counts: np.ndarray | None = None
    action_rate: np.ndarray | None = None

    def data(self) -> tuple[Record, Any]:
        """The record for `recover`, and the observable that a law must predict."""
        if self.counts is not None:
            flat = self.counts.reshape(len(self.ts), -1)
            return Record(self.ts, flat, Multinomial(), t0=self.t0), Occupations()
        noise = None if self.sigma is None else Gaussian(self.sigma)
        return Record(self.ts, self.density, noise, t0=self.t0), "density"


def packet_on(
    grid: Grid, x0: np.ndarray, s0: np.ndarray, p0: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Density and action of a Gaussian packet: the action knows no ħ.

    Args:
        x0, s0, p0: centre, width and momentum along each axis, (axes,).
    """
    exponent, action = np.zeros(grid.shape), np.zeros(grid.shape)
    for axis, x in enumerate(grid.coordinates):
        x = np.asarray(x)
        exponent = exponent - (x - x0[axis]) ** 2 / (2 * s0[axis] ** 2)
        action = action + p0[axis] * x
    density = np.exp(exponent - exponent.max())
    return density / (density.sum() * grid.cell), action
