"""Data of densities on a grid, and of energy levels, for fits of D."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..instruments import Gaussian, Multinomial
from ..observe import Occupations
from ..spaces import Grid
from .axes import ordered
from .file import File
from .formats import KINDS
from .reading import check_parts, read
from .record import Record

AXES = ("x", "y", "z")
# Largest relative deviation of the points of an axis from equal spacing.
_UNIFORM = 1e-6


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


def load_density(
    path: str | Path, column: str = "density", sigma: float | None = None
) -> DensityRecord:
    """Load data of densities, or of levels, from .npz, Zarr or netCDF.

    `formats.KINDS["density"]` lists the contents of the file; `x0`, `s0`, `p0` define
    the packet exp(-(x - x0)²/4 s0² + i p0 x). A file of densities may hold `levels` as
    well.

    Args:
        path: the file.
        column: name of the densities, such as "density_noisy".
        sigma: standard deviation; None for that in the file.

    Raises:
        ValueError: unreadable file, arrays missing, of wrong shape or not finite,
            points not evenly spaced, densities negative beyond their noise or of zero
            norm.
    """
    file = read(path, "density")
    densities, only_levels = KINDS["density"].formats
    moving = "t" in file or "levels" not in file
    form, renamed = densities if moving else only_levels, {"density": column}
    check_parts(form, file, renamed)
    file = ordered(file, form, renamed)
    grid = _grid(file)
    mass = file.scalar("mass", 1.0, positive=True)
    hbar = file.scalar("hbar", 1.0, positive=True)
    _check_shape(file, "potential", grid.shape)
    levels = None
    if "levels" in file:
        levels = np.sort(np.atleast_1d(file.real("levels")))
        if levels.ndim != 1 or not levels.size:
            shape = levels.shape
            raise file.complaint("hold a list of `levels`", f"has shape {shape}")
    ts, t0, density, counts = np.zeros(0), 0.0, np.zeros((0, *grid.shape)), None
    if moving:
        (ts, t0), density = file.times(), file.real(column)
        _check_shape(file, column, (len(ts), *grid.shape))
        if file[column].dtype.kind in "iu":
            counts, density = density, _shares(file, column, density, grid)
    if counts is None:
        sigma = _sigma(file, column, sigma)
        if len(ts):
            _check_density(file, column, density, grid, sigma)
    action = None
    if "action" in file:
        _check_shape(file, "action", density.shape)
        action = file.real("action")
    initial = _initial(file, grid)
    if initial is None and action is not None and len(ts) and ts[0] == t0:
        initial = density[0], action[0]
    if initial is None and levels is None:
        raise file.complaint(
            "hold the state at t0: `psi0`, `density0` and `action0`, or `x0`, `s0` and "
            "`p0`",
            "has none",
        )
    return DensityRecord(
        grid, file.real("potential"), mass, ts, density, action, initial, levels, sigma,
        t0, hbar, counts, file.real("action_rate") if "action_rate" in file else None,
    )  # fmt: skip


def _grid(file: File) -> Grid:
    bounds, shape = [], []
    for name in AXES:
        if name not in file:
            break
        x = np.atleast_1d(file.real(name))
        steps = np.diff(x)
        good = x.ndim == 1 and len(x) > 1 and bool(np.all(steps > 0))
        good = good and not np.ptp(steps) > _UNIFORM * steps.mean()
        file.require(good, f"evenly spaced, increasing `{name}`")
        h = (x[-1] - x[0]) / (len(x) - 1)
        bounds.append((float(x[0]), float(x[-1] + h)))
        shape.append(len(x))
    return Grid(bounds, shape)


def _check_shape(file: File, name: str, shape: tuple[int, ...]) -> None:
    if file[name].shape != shape:
        raise file.complaint(
            f"hold `{name}` of shape {shape}, that of its times and points",
            f"has {file[name].shape}",
        )


def _shares(file: File, column: str, counts: np.ndarray, grid: Grid) -> np.ndarray:
    """Densities from numbers of positions."""
    totals = counts.reshape(len(counts), -1).sum(axis=1)
    good = counts.min() >= 0 and totals.min() > 0
    file.require(good, f"`{column}` of counts, not negative and some in each row")
    shape = (-1,) + (1,) * grid.ndim
    return counts / (totals.reshape(shape) * grid.cell)


def _sigma(file: File, column: str, given: float | None) -> float | None:
    own = file.sigma(given)
    if own is None and "noise" in file and column.endswith("_noisy"):
        return file.scalar("noise", 0.0, positive=True)
    return own


def _check_density(
    file: File, column: str, density: np.ndarray, grid: Grid, sigma: float | None
) -> None:
    allowed = 1e-9 * density.max() if sigma is None else 6 * sigma
    if density.min() < -allowed:
        raise file.complaint(
            f"hold `{column}` that is not negative",
            f"has {density.min():.4g}; give the noise as --sigma",
        )
    axes = tuple(range(1, density.ndim))
    norms = density.sum(axis=axes) * grid.cell
    scatter = 0.0 if sigma is None else 6 * sigma * grid.cell * grid.size**0.5
    wrong = np.abs(norms - 1) > 1e-4 + scatter
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"Argument `data` must hold `{column}` of norm 1, but row {row} of "
            f"{file.path.name} has {norms[row]:.6g}."
        )


def _initial(file: File, grid: Grid) -> Any:
    """ψ at t0, or (density, action), or None."""
    if "psi0" in file:
        _check_shape(file, "psi0", grid.shape)
        psi0 = file["psi0"].astype(complex)
        file.require_norm("psi0", float(np.sum(np.abs(psi0) ** 2) * grid.cell))
        return psi0
    if "density0" in file and "action0" in file:
        for name in ("density0", "action0"):
            _check_shape(file, name, grid.shape)
        return file.real("density0"), file.real("action0")
    if {"x0", "s0", "p0"} <= set(file.arrays):
        return _packet(file, grid)
    return None


def _packet(file: File, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Density and action of the Gaussian packet of a file."""
    x0, s0, p0 = (_each_axis(file, name, grid) for name in ("x0", "s0", "p0"))
    if s0.min() <= 0:
        raise file.complaint("hold a positive width `s0`", f"has {s0.min():.4g}")
    return packet_on(grid, x0, s0, p0)


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


def _each_axis(file: File, name: str, grid: Grid) -> np.ndarray:
    values = np.atleast_1d(file.real(name))
    if values.shape not in ((1,), (grid.ndim,)):
        raise file.complaint(
            f"hold `{name}` as one number, or one for each of {grid.ndim} axes",
            f"has shape {values.shape}",
        )
    return np.broadcast_to(values, (grid.ndim,))
