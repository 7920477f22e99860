"""Records of densities on a grid, and of levels: what a fit of D starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..observe import Occupations
from ..spaces import Grid
from .data import Data
from .noise import Gaussian, Multinomial
from .reading import arrays_in, real, scalar, times

AXES = ("x", "y", "z")
# How far neighbouring points of an axis may be from equal distances, relative.
_UNIFORM = 1e-6


@dataclass(frozen=True)
class DensityRecord:
    """What was seen of a particle in a potential.

    Attributes:
        grid: uniform grid of the points.
        potential: V on the grid, energy.
        mass: m.
        ts: times, shape (T,); empty for a record of levels alone.
        density: shape (T, *grid), per unit of volume; for counts their share over the
            cell.
        action: S at the same times, or None.
        initial: ψ at t0, complex; or (density, action) there; or None.
        levels: energies E_0 < E_1 < .., or None.
        sigma: standard deviation of `density` (or of `levels`), or None.
        t0: time of the initial state.
        hbar: ħ of `initial`, where that is ψ.
        counts: positions counted at each point, shape (T, *grid), or None.
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

    def data(self) -> tuple[Data, Any]:
        """The record for `recover`, and what a law is asked to predict."""
        if self.counts is not None:
            flat = self.counts.reshape(len(self.ts), -1)
            return Data(self.ts, flat, Multinomial(), t0=self.t0), Occupations()
        noise = None if self.sigma is None else Gaussian(self.sigma)
        return Data(self.ts, self.density, noise, t0=self.t0), "density"


def load_density(
    path: str | Path, column: str = "density", sigma: float | None = None
) -> DensityRecord:
    """A record of densities, or of levels, from .npz, Zarr or netCDF.

    The file holds the points `x` (and `y`, `z`), evenly spaced, `potential` on them,
    `mass` (1 unless given), and

    - `t` and densities [t, x, ..], per unit of volume, with the state at `t0` (0 unless
      given): `psi0` and its `hbar` (1), or `density0` and `action0`, or a packet
      exp(-(x - x0)²/4 s0² + i p0 x) as `x0`, `s0`, `p0`; or, at every time, `action`;
    - and, or instead of it, `levels`: energies from the ground state up.

    A column of whole numbers holds counts: how many positions were found at each point.
    `noise` is the standard deviation of a column whose name ends in `_noisy`; `sigma`
    that of any column.

    Args:
        path: the file.
        column: name of the densities, such as "density_noisy".
        sigma: standard deviation; None for what the file says.

    Returns:
        The record.

    Raises:
        ValueError: unreadable file, arrays missing, of wrong shape or not finite,
            points not evenly spaced, densities negative beyond their noise or without
            norm.
    """
    path = Path(path)
    arrays = arrays_in(path)
    grid = _grid(path, arrays)
    mass = scalar(path, arrays, "mass", 1.0, positive=True)
    hbar = scalar(path, arrays, "hbar", 1.0, positive=True)
    if "potential" not in arrays or arrays["potential"].shape != grid.shape:
        raise ValueError(
            f"Argument `data` must hold `potential` of the shape {grid.shape} of its "
            f"points, but {path.name} has {_shape(arrays, 'potential')}."
        )
    levels = None
    if "levels" in arrays:
        levels = np.sort(np.atleast_1d(real(path, arrays, "levels")))
        if levels.ndim != 1 or not levels.size:
            raise ValueError(
                "Argument `data` must hold a list of `levels`, but in "
                f"{path.name} its shape is {levels.shape}."
            )
    ts, t0, density, counts = np.zeros(0), 0.0, np.zeros((0, *grid.shape)), None
    if "t" in arrays or levels is None:
        ts, t0, density = _densities(path, arrays, column, grid)
        if arrays[column].dtype.kind in "iu":
            counts, density = density, _shares(path, column, density, grid)
    if sigma is None and counts is None:
        sigma = _sigma(path, arrays, column)
    if len(ts) and counts is None:
        _check_density(path, column, density, grid, sigma)
    action = real(path, arrays, "action") if "action" in arrays else None
    if action is not None and action.shape != density.shape:
        raise ValueError(
            f"Argument `data` must hold `action` like `{column}`, but {path.name} has "
            f"shapes {action.shape} and {density.shape}."
        )
    initial = _initial(path, arrays, grid, ts, density, action, t0)
    if initial is None and levels is None:
        raise ValueError(
            "Argument `data` must hold the state at t0: `psi0`, `density0` and "
            f"`action0`, or `x0`, `s0` and `p0`, but {path.name} has none."
        )
    return DensityRecord(
        grid, real(path, arrays, "potential"), mass, ts, density, action, initial,
        levels, sigma, t0, hbar, counts,
    )  # fmt: skip


def _grid(path: Path, arrays: Mapping[str, np.ndarray]) -> Grid:
    bounds, shape = [], []
    for name in AXES:
        if name not in arrays:
            break
        x = np.atleast_1d(real(path, arrays, name))
        steps = np.diff(x)
        good = x.ndim == 1 and len(x) > 1 and bool(np.all(steps > 0))
        if not good or np.ptp(steps) > _UNIFORM * steps.mean():
            raise ValueError(
                f"Argument `data` must hold evenly spaced, increasing `{name}`, but "
                f"{path.name} does not."
            )
        h = (x[-1] - x[0]) / (len(x) - 1)
        bounds.append((float(x[0]), float(x[-1] + h)))
        shape.append(len(x))
    if not shape:
        raise ValueError(
            f"Argument `data` must hold the points `x`, but {path.name} has "
            f"{', '.join(sorted(arrays)) or 'nothing'}."
        )
    return Grid(bounds, shape)


def _densities(
    path: Path, arrays: Mapping[str, np.ndarray], column: str, grid: Grid
) -> tuple[np.ndarray, float, np.ndarray]:
    for name in ("t", column):
        if name not in arrays:
            raise ValueError(
                f"Argument `data` must hold `{name}`, but {path.name} has "
                f"{', '.join(sorted(arrays))}."
            )
    ts, t0 = times(path, arrays)
    density = real(path, arrays, column)
    if density.shape != (len(ts), *grid.shape):
        raise ValueError(
            f"Argument `data` must hold `{column}` of shape {(len(ts), *grid.shape)} "
            f"for its times and points, but {path.name} has {density.shape}."
        )
    return ts, t0, density


def _shares(path: Path, column: str, counts: np.ndarray, grid: Grid) -> np.ndarray:
    totals = counts.reshape(len(counts), -1).sum(axis=1)
    if counts.min() < 0 or totals.min() <= 0:
        raise ValueError(
            f"Argument `data` must hold `{column}` of counts, not negative and some in "
            f"each row, but {path.name} does not."
        )
    shape = (-1,) + (1,) * grid.ndim
    return counts / (totals.reshape(shape) * grid.cell)


def _sigma(path: Path, arrays: Mapping[str, np.ndarray], column: str) -> float | None:
    for name in ("sigma", "noise"):
        if name in arrays and (name == "sigma" or column.endswith("_noisy")):
            return scalar(path, arrays, name, 0.0, positive=True)
    return None


def _check_density(
    path: Path, column: str, density: np.ndarray, grid: Grid, sigma: float | None
) -> None:
    allowed = 1e-9 * density.max() if sigma is None else 6 * sigma
    if density.min() < -allowed:
        raise ValueError(
            f"Argument `data` must hold `{column}` that is not negative, but "
            f"{path.name} has {density.min():.4g}; give the noise as --sigma."
        )
    axes = tuple(range(1, density.ndim))
    norms = density.sum(axis=axes) * grid.cell
    scatter = 0.0 if sigma is None else 6 * sigma * grid.cell * grid.size**0.5
    wrong = np.abs(norms - 1) > 1e-4 + scatter
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"Argument `data` must hold `{column}` of norm 1, but row {row} of "
            f"{path.name} has {norms[row]:.6g}."
        )


def _initial(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    grid: Grid,
    ts: np.ndarray,
    density: np.ndarray,
    action: np.ndarray | None,
    t0: float,
) -> Any:
    """ψ at t0, or (density, action), or None."""
    if "psi0" in arrays:
        psi = arrays["psi0"].astype(complex)
        _same_shape(path, "psi0", psi, grid)
        return psi
    if "density0" in arrays and "action0" in arrays:
        pair = tuple(real(path, arrays, f"{name}0") for name in ("density", "action"))
        for name, part in zip(("density0", "action0"), pair, strict=True):
            _same_shape(path, name, part, grid)
        return pair
    if {"x0", "s0", "p0"} <= set(arrays):
        return _packet(path, arrays, grid)
    if action is not None and len(ts) and ts[0] == t0:
        return density[0], action[0]
    return None


def _packet(
    path: Path, arrays: Mapping[str, np.ndarray], grid: Grid
) -> tuple[np.ndarray, np.ndarray]:
    """Density and action of a Gaussian packet: the action knows no ħ."""
    x0, s0, p0 = (_each_axis(path, arrays, name, grid) for name in ("x0", "s0", "p0"))
    if s0.min() <= 0:
        raise ValueError(
            f"Argument `data` must hold a positive width `s0`, but {path.name} has "
            f"{s0.min():.4g}."
        )
    exponent, action = np.zeros(grid.shape), np.zeros(grid.shape)
    for axis, x in enumerate(grid.coordinates):
        x = np.asarray(x)
        exponent = exponent - (x - x0[axis]) ** 2 / (2 * s0[axis] ** 2)
        action = action + p0[axis] * x
    density = np.exp(exponent - exponent.max())
    return density / (density.sum() * grid.cell), action


def _each_axis(
    path: Path, arrays: Mapping[str, np.ndarray], name: str, grid: Grid
) -> np.ndarray:
    values = np.atleast_1d(real(path, arrays, name))
    if values.shape not in ((1,), (grid.ndim,)):
        raise ValueError(
            f"Argument `data` must hold `{name}` as one number, or one for each of "
            f"{grid.ndim} axes, but in {path.name} its shape is {values.shape}."
        )
    return np.broadcast_to(values, (grid.ndim,))


def _same_shape(path: Path, name: str, values: np.ndarray, grid: Grid) -> None:
    if values.shape != grid.shape:
        raise ValueError(
            f"Argument `data` must hold `{name}` of the shape {grid.shape} of its "
            f"points, but {path.name} has {values.shape}."
        )


def _shape(arrays: Mapping[str, np.ndarray], name: str) -> str:
    return f"shape {arrays[name].shape}" if name in arrays else f"no `{name}`"
