"""Files of densities on a grid, and of energy levels."""

from pathlib import Path
from typing import Any

import numpy as np

from ..spaces import Grid
from .contents import Contents, errors_in_file, spread
from .datasets import ordered
from .density import DensityRecord, packet_on
from .file import File
from .formats import ARCHIVES, AXES, SIGMA, T0, Format, Kind, T
from .reading import check_parts, read
from .record import between, spaced

# Largest relative deviation of the points of an axis from equal spacing.
_UNIFORM = 1e-6


def load_density(
    path: str | Path, column: str = "density", sigma: float | None = None
) -> DensityRecord:
    """Load data of densities, or of levels, from .npz, Zarr or netCDF.

    docs/files.md lists the contents of the file; `x0`, `s0`, `p0` define the packet
    exp(-(x - x0)²/4 s0² + i p0 x). A file of densities may hold `levels` as well.

    Args:
        path: the file.
        column: name of the densities, such as "density_noisy".
        sigma: standard deviation; None for that in the file.

    Raises:
        ValueError: unreadable file, arrays missing, of wrong shape or not finite,
            points not evenly spaced, densities negative beyond their noise or of zero
            norm.
    """
    file = read(path, DENSITY)
    moving = "t" in file or "levels" not in file
    form, renamed = _DENSITIES if moving else _LEVELS, {"density": column}
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


def _each_axis(file: File, name: str, grid: Grid) -> np.ndarray:
    values = np.atleast_1d(file.real(name))
    if values.shape not in ((1,), (grid.ndim,)):
        raise file.complaint(
            f"hold `{name}` as one number, or one for each of {grid.ndim} axes",
            f"has shape {values.shape}",
        )
    return np.broadcast_to(values, (grid.ndim,))


def _held(record: DensityRecord, _: Path) -> tuple[str, dict[str, Any]]:
    grid, moving = record.grid, len(record.ts) > 0
    points = (np.ravel(x) for x in grid.coordinates)
    values: dict[str, Any] = dict(zip(AXES, points, strict=False))
    values |= {"potential": record.potential, "mass": record.mass}
    if moving:
        seen = record.density
        if record.counts is not None:
            seen = record.counts.astype(int)
        values |= {"t": record.ts, "density": seen, "t0": record.t0}
        values["hbar"] = record.hbar
    if isinstance(record.initial, tuple):
        values |= zip(("density0", "action0"), record.initial, strict=True)
    else:
        values["psi0"] = record.initial
    for name in ("action", "action_rate", "levels", "sigma"):
        values[name] = getattr(record, name)
    return (_DENSITIES if moving else _LEVELS).data, values


def _show(record: DensityRecord) -> Contents:
    grid = record.grid
    lines = {
        name: f"{size} points from {low:.6g} to {high:.6g}, the end left out"
        for name, size, (low, high) in zip(AXES, grid.shape, grid.bounds, strict=False)
    }
    lines |= {"potential": between(record.potential), "mass": f"{record.mass:.6g}"}
    if record.levels is not None:
        lines["levels"] = f"{len(record.levels)}, {between(record.levels)}"
    if record.counts is None:
        lines["errors"] = errors_in_file(record.sigma)
    if not len(record.ts):
        assert record.levels is not None
        levels = record.levels
        along = "level", np.arange(len(levels))
        return Contents(_LEVELS.data, lines, along, {"energy": levels})
    lines["times"] = spaced(record.ts)
    lines["state at"] = f"t0 = {record.t0:.6g}" + ", none" * (record.initial is None)
    if record.counts is not None:
        totals = record.counts.reshape(len(record.ts), -1).sum(axis=1)
        lines["positions counted"] = f"{between(totals)} at each time"
    if record.action is not None:
        lines["action"] = "at each time"
    if grid.ndim > 1:
        flat = record.density.reshape(len(record.ts), -1)
        columns = {"largest density": flat.max(axis=1)}
        return Contents(_DENSITIES.data, lines, ("t", record.ts), columns)
    at = spread(len(record.ts))
    if len(at) < len(record.ts):
        lines["columns shown"] = f"those of {len(at)} of the {len(record.ts)} times"
    columns = {f"t = {record.ts[k]:.6g}": record.density[k] for k in at}
    sigma = None
    if record.sigma is not None:
        sigma = np.full((grid.size, len(columns)), record.sigma)
    return Contents(_DENSITIES.data, lines, ("x", np.asarray(grid.x)), columns, sigma)


_SPACE = {
    "x": "[x] points, evenly spaced; so `y`, `z` of further axes",
    "potential": "[x, ..] V at the points, energy",
}
_MASS = {"mass": "m; else 1"}
_DENSITIES = Format(
    "densities", ARCHIVES,
    '`np.savez("d.npz", t=t, x=x, potential=V, density=p, psi0=z)`',
    _SPACE | T | {
        "density": "[t, x, ..] per unit of volume, of norm 1, or whole numbers: "
                   "positions counted; another name by `--column`",
    },
    {
        "psi0|density0,action0|x0,s0,p0":
            "state at `t0`: ψ; density and action S; centre, width and momentum of a "
            "packet; else the first row with its `action`",
        "action": "[t, x, ..] S, for `--estimator energy`",
        "action_rate": "[x, ..] ∂S/∂t; for `--estimator residual`",
    } | _MASS | {"hbar": "ħ of `psi0`; else 1"} | T0 | SIGMA
    | {"noise": "`sigma` of columns whose name ends in `_noisy`"},
    space=("psi0", "density0", "action0"),
)  # fmt: skip
_LEVELS = Format(
    "levels", ARCHIVES, '`np.savez("E.npz", x=x, potential=V, levels=E)`',
    _SPACE | {"levels": "[n] energies from the lowest up"}, _MASS | SIGMA,
)  # fmt: skip
DENSITY = Kind(
    "density", "data", "`--data` of `jqd recover diffusion`", (_DENSITIES, _LEVELS),
    load_density, DensityRecord, _show, _held,
)  # fmt: skip
