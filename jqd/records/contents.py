"""What data hold: facts in words, and columns of numbers over an axis.

`jqd show` prints and draws them, so that a file that was read otherwise than it was
meant is seen before a fit.
"""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from .. import _checks
from ..instruments import EnsembleNoise, Gaussian, Multinomial
from ..spaces import SampledPulse
from .atoms import AtomRecord
from .density import AXES, DensityRecord
from .occupations import CountsRecord, CurveRecord, PhotonCounts, PhotonCurve
from .phase_space import PhaseSpaceRecord
from .phase_space_columns import MOST, OF_KIND
from .preparations import Tables
from .record import Record, between, spaced
from .scan import Scan
from .settings import Settings

_NO_SIGMA = "none in the file"
# What a command takes as `--hamiltonian` and as `--state`.
HERMITIAN, STATE = "a Hermitian matrix", "a state"
# How far the squared norm of a state may be from 1, as in `_checks.check_state`.
_NORM = 1e-6


class Contents(NamedTuple):
    """What data hold.

    Attributes:
        data: what they are.
        lines: facts in words, by label.
        along: what the columns stand over, and its values, (N,).
        columns: real numbers, (N,), by name.
        sigma: their standard errors, (N, M), or None.
        maps: maps over x and y, (K, ny, nx), their axes and their titles; else None.
    """

    data: str
    lines: Mapping[str, str]
    along: tuple[str, np.ndarray]
    columns: Mapping[str, np.ndarray]
    sigma: np.ndarray | None = None
    maps: tuple[np.ndarray, np.ndarray, np.ndarray, list[str]] | None = None


@singledispatch
def contents_of(found: Any) -> Contents:
    """What data hold, as `load` returns them; each kind registers its own."""
    raise NotImplementedError(type(found).__name__)


@contents_of.register
def _populations(record: Record) -> Contents:
    values = np.asarray(record.values)
    counted = isinstance(record.noise, Multinomial | EnsembleNoise)
    stem, classes = "n" if counted else "p", values.shape[1]
    sigma = None
    if isinstance(record.noise, Gaussian):
        sigma = np.broadcast_to(np.asarray(record.noise.sigma), values.shape)
    elif isinstance(record.noise, Multinomial):
        sigma = np.sqrt(values * (1 - values / values.sum(axis=-1, keepdims=True)))
    empty = [f"{stem}{k}" for k in range(classes) if not values[:, k].any()]
    lines = {"classes": str(classes), **record.lines()}
    if empty:
        lines["empty at all times"] = ", ".join(empty)
    return Contents(
        "counts" if counted else "populations", lines, ("t", np.asarray(record.ts)),
        {f"{stem}{k}": values[:, k] for k in range(classes)}, sigma,
    )  # fmt: skip


@contents_of.register
def _scan(scan: Scan) -> Contents:
    """As of populations, over the numbers of the rows: times may be equal."""
    seen = _populations(scan)
    lines = dict(seen.lines)
    if empty := lines.pop("empty at all times", ""):
        lines["empty in all rows"] = empty
    return seen._replace(
        data=f"{seen.data} in rows of settings", lines=lines,
        along=("row", np.arange(len(scan.ts))),
    )  # fmt: skip


@contents_of.register
def _array(array: np.ndarray) -> Contents:
    # short floats have no eigenvalues, and squares of short integers overflow
    array = array.astype(complex if np.iscomplexobj(array) else float)
    return _matrix(array) if array.ndim == 2 else _state(array)


def _matrix(matrix: np.ndarray) -> Contents:
    rows, columns = matrix.shape
    lines = {"size": f"{rows} x {columns}", "entries": _entries(matrix)}
    none = Contents("a matrix", lines, ("level", np.zeros(0)), {})
    try:
        _checks.check_hermitian(matrix, "hamiltonian")
    except ValueError as error:
        # without the name of an argument that nobody typed here
        lines["Hermitian"] = f"no: {str(error).partition(', but ')[2]}"
        return none
    levels = np.linalg.eigvalsh(matrix)
    lines |= {"Hermitian": "yes", "levels": between(levels)}
    return none._replace(
        data=HERMITIAN, along=("level", np.arange(rows)),
        columns={"energy over ħ": levels},
    )  # fmt: skip


def _state(psi: np.ndarray) -> Contents:
    shares = np.abs(psi) ** 2
    norm = float(shares.sum())
    lines = {
        "classes": str(len(psi)),
        "entries": _entries(psi),
        "squared norm": f"{norm:.9g}",
    }
    if empty := np.flatnonzero(shares == 0).tolist():
        lines["empty classes"] = ", ".join(map(str, empty[:MOST]))
    classes = np.arange(len(psi))
    data = STATE if abs(norm - 1) <= _NORM else "a vector, not normalised"
    return Contents(data, lines, ("class", classes), {"|ψ|²": shares})


def _entries(array: np.ndarray) -> str:
    return "complex" if np.iscomplexobj(array) else "real"


@contents_of.register
def _pulse(pulse: SampledPulse) -> Contents:
    ts, values = np.asarray(pulse.ts), np.asarray(pulse.values)
    lines = {"times": spaced(ts), "values": between(values)}
    return Contents("a pulse", lines, ("t", ts), {"f": values})


@contents_of.register
def _phase_space(record: PhaseSpaceRecord) -> Contents:
    ((state, value),) = record.initial.items()
    lines = {
        "times": spaced(record.ts),
        "state at": f"t0 = {record.t0:.6g}, `{state}`"
        + (f" of shape {value.shape}" if value.ndim else f" = {value.item():.6g}"),
        "modes": str(record.modes),
    }
    columns, maps, sigma = OF_KIND[record.kind](record, lines)
    for name, number in record.parameters.items():
        lines[f"parameter {name}"] = f"{number:.6g}"
    data = {"husimi": "Husimi functions"}.get(record.kind, record.kind)
    if record.kind != "samples":
        lines["errors"] = _NO_SIGMA if record.sigma is None else between(record.sigma)
    return Contents(data, lines, ("t", record.ts), columns, sigma, maps)


@contents_of.register
def _density(record: DensityRecord) -> Contents:
    grid = record.grid
    lines = {
        name: f"{size} points from {low:.6g} to {high:.6g}, the end left out"
        for name, size, (low, high) in zip(AXES, grid.shape, grid.bounds, strict=False)
    }
    lines |= {"potential": between(record.potential), "mass": f"{record.mass:.6g}"}
    if record.levels is not None:
        lines["levels"] = f"{len(record.levels)}, {between(record.levels)}"
    if record.counts is None:
        lines["errors"] = _NO_SIGMA if record.sigma is None else f"{record.sigma:.6g}"
    if not len(record.ts):
        assert record.levels is not None
        levels = record.levels
        along = "level", np.arange(len(levels))
        return Contents("levels", lines, along, {"energy": levels})
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
        return Contents("densities", lines, ("t", record.ts), columns)
    at = np.unique(np.linspace(0, len(record.ts) - 1, MOST).round().astype(int))
    columns = {f"t = {record.ts[k]:.6g}": record.density[k] for k in at}
    sigma = None
    if record.sigma is not None:
        sigma = np.full((grid.size, len(columns)), record.sigma)
    return Contents("densities", lines, ("x", np.asarray(grid.x)), columns, sigma)


@contents_of.register
def _atoms(record: AtomRecord) -> Contents:
    lines = {
        "times": spaced(record.ts),
        "state at": f"t0 = {record.t0:.6g}",
        "atoms": f"{len(record.x0)}, of which {len(record.atoms)} were seen",
        "ends": record.ends,
        "mass": between(record.mass),
        "rest length": between(record.length),
        "errors": _NO_SIGMA if record.sigma is None else f"{record.sigma:.6g}",
    }
    names = [f"x of atom {k}" for k in record.atoms]
    columns = dict(zip(names, record.x.T, strict=True))
    sigma = None if record.sigma is None else np.full(record.x.shape, record.sigma)
    return Contents("positions of atoms", lines, ("t", record.ts), columns, sigma)


@contents_of.register
def _draws(record: CountsRecord) -> Contents:
    draws, states = record.counts.shape
    lines = {
        "draws": str(draws),
        "states": str(states),
        "particles": f"{between(record.counts.sum(axis=1))} in each draw",
    }
    # numbers that occur: of all up to the largest there may be too many to hold
    n, times = np.unique(record.counts, return_counts=True)
    along, share = ("particles in a state", n), times / record.counts.size
    return Contents("occupation numbers", lines, along, {"share of states": share})


@contents_of.register
def _curve(record: CurveRecord | PhotonCurve) -> Contents:
    light = isinstance(record, PhotonCurve)
    name, at = ("omega", record.omega) if light else ("E", record.E)
    data = f"occupations over {'frequency' if light else 'energy'}"
    lines = {
        "rows": str(len(at)),
        name: between(at),
        "mean occupation": between(record.nbar),
        "errors": _NO_SIGMA if record.sigma is None else between(record.sigma),
    }
    sigma = None if record.sigma is None else record.sigma[:, None]
    return Contents(data, lines, (name, at), {"nbar": record.nbar}, sigma)


@contents_of.register
def _photons(record: PhotonCounts) -> Contents:
    most = "none" if record.n_max is None else between(record.n_max)
    lines = {
        "counts": str(len(record.n)),
        "frequencies": f"{len(np.unique(record.omega))}, {between(record.omega)}",
        "photons": between(record.n),
        "largest number": most,
    }
    return Contents("photon counts", lines, ("omega", record.omega), {"n": record.n})


@contents_of.register
def _tables(tables: Tables) -> Contents:
    number, rows, columns = tables.counts.shape
    unit = f" {tables.unit}" if tables.unit else ""
    waits = np.unique(tables.wait)
    lines = {
        "tables": f"{number} of {rows} preparations by {columns} measurements",
        "waits": f"{len(waits)}, {between(waits)}{unit}",
        "runs": f"{len(np.unique(tables.run))}, {between(tables.run)}",
    }
    shares = tables.counts.astype(float)
    if tables.shots is None:
        lines["shots"] = "none in the file: `jqd linear` infers them from frequencies"
    else:
        shares = shares / tables.shots[:, None, None]
        lines["shots"] = f"{between(tables.shots)} of each cell"
    along = f"wait,{unit}" if unit else "wait", tables.wait
    shown = {"smallest": shares.min, "mean": shares.mean, "largest": shares.max}
    return Contents(
        "tables of preparations by measurements", lines, along,
        {f"{name} share": of(axis=(1, 2)) for name, of in shown.items()},
    )  # fmt: skip


@contents_of.register
def _settings(plan: Settings) -> Contents:
    lines = {"times": spaced(plan.ts), "shots": f"{between(plan.shots)} at each time"}
    own = {"law": plan.law, "free": plan.free, "nuisance": plan.nuisance}
    lines |= {name: text for name, text in own.items() if text}
    return Contents("settings", lines, ("t", plan.ts), {"shots": plan.shots})
