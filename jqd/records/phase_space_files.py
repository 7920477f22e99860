"""Files of data in phase space."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import _checks
from .contents import Contents, errors_in_file
from .datasets import ordered
from .file import File
from .formats import ARCHIVES, SIGMA, T0, Format, Kind, T
from .parts import listed
from .phase_space import OF_KIND, PhaseSpaceRecord
from .qutip_g import own_g
from .reading import format_of, read
from .record import spaced

_STATES = ("alpha0", "psi0", "rho0")
# Names under which files hold what is not read, since its errors would be mixed.
WIGNER = ("wigner", "Wigner", "W")
_G_ALONE = "`g` beside `x` and `y` alone"


def load_phase_space(
    path: str | Path, sigma: float | None = None, g: float | None = None
) -> PhaseSpaceRecord:
    """Load data in phase space from .npz, Zarr or netCDF.

    docs/files.md lists the contents of the file. If it has no `g`, the loader chooses
    from √2 (QuTiP's default), 2 and 1 the value with which the row at t0 is the Husimi
    function of the state; without such a row, the value with which all rows hold as
    many quanta as that state. Data that determine neither are refused.

    Args:
        path: the file.
        sigma: standard deviation in the unit of the file's values; None for that in the
            file.
        g: QuTiP's g; None for that of the file.

    Returns:
        The record, `values` and `sigma` per d²α.

    Raises:
        ValueError: unreadable file, arrays missing, of wrong shape, complex or not
            finite, a map that is nowhere positive, no g.
    """
    file = read(path, PHASE_SPACE)
    _refuse_wigner(file)
    _refuse_hbar(file)
    form = format_of(PHASE_SPACE, file, file.path.suffix)
    kind, file = form.needed[1].name, ordered(file, form)
    ts, t0 = file.times()
    values, points, axes, orders = _VALUES[kind](file)
    if ts.ndim != 1 or len(ts) != len(values):
        raise file.complaint(
            f"have one row of `{kind}` per time",
            f"has shapes {ts.shape} and {values.shape}",
        )
    if not values.size:
        raise file.complaint(f"hold values of `{kind}`", "has none")
    initial = {name: file[name] for name in _STATES if name in file}
    if len(initial) != 1:
        raise file.complaint(f"hold one of {listed(_STATES)}", f"has {len(initial)}")
    # names that are no parameters of the Hamiltonian, of whichever format
    each = (part.names for one in PHASE_SPACE.formats for part in one.parts)
    reserved = {"hbar", *(name for names in each for name in names)} - {*_NAMED}
    parameters = {
        name: file.scalar(name, 0.0)
        for name, value in file.arrays.items()
        if name not in reserved and value.ndim == 0
    }
    record = PhaseSpaceRecord(
        kind, ts, values, points, axes, orders, initial, parameters,
        _sigma(file, sigma, len(ts)), t0, shots=_shots(file, values),
    )  # fmt: skip
    record = replace(record, initial=_state(file, record))
    if axes is None:
        return record
    if g is None:
        g = own_g(file, record)
    _checks.check_positive(g, "g")
    return record.with_g(float(g))


def _refuse_wigner(file: File) -> None:
    """Raise for a Wigner function, with what makes a Husimi function of it.

    Q is W spread by the vacuum, of variance 1/4 in the parts of α = g/2 (x + iy).
    """
    held = [name for name in WIGNER if name in file]
    if held and not any(kind in file for kind in _VALUES):
        raise file.complaint(
            "hold a Husimi function as `husimi`",
            f"has a Wigner function `{held[0]}`: scipy.ndimage.gaussian_filter(W, (0, "
            "1/(g*dy), 1/(g*dx)), truncate=8) makes one of W[t, y, x], dx and dy apart "
            "in QuTiP's g, whose errors then depend on each other",
        )


def _refuse_hbar(file: File) -> None:
    """Raise for an ħ other than 1, in whose root amplitudes α would be measured."""
    hbar = file.scalar("hbar", 1.0)
    if hbar != 1:
        raise file.complaint(
            "hold amplitudes α with ħ = 1",
            f"has `hbar` = {hbar:g}: divide every α by its root (`x` and `y` by the "
            "`g` with which a = g/2 (x + iy)), and leave `hbar` out",
        )


def _sigma(file: File, given: float | None, rows: int) -> float | np.ndarray | None:
    """The standard deviation that the user gives, or else the file, or None."""
    if given is not None or "sigma" not in file or file["sigma"].ndim != 1:
        return file.sigma(given)
    sigma = file.real("sigma")
    good = sigma.shape == (rows,) and bool(np.all(sigma > 0))
    file.require(good, "a positive `sigma`, one or for each time")
    return sigma


def _shots(file: File, values: np.ndarray) -> np.ndarray | None:
    """How many of each row are outcomes."""
    if "samples" not in file or "shots" not in file:
        return None
    shots = np.atleast_1d(file.real("shots"))
    good = shots.shape == values.shape[:1] and bool(np.all(shots == np.round(shots)))
    good = good and bool(np.all((shots >= 1) & (shots <= values.shape[1])))
    file.require(good, "`shots` of each time, no more than its row has `samples`")
    return shots.astype(int)


def _husimi(file: File):
    """Values, points, axes and orders of a Husimi function, as the file has them."""
    values = file.real("husimi")
    if values.size and values.max() <= 0:
        raise ValueError(
            f"Argument `{file.argument}` must hold a `husimi` that is positive "
            f"somewhere, but in {file.path.name} its largest value is "
            f"{values.max():.4g}."
        )
    if "points" in file:
        file.require("g" not in file, _G_ALONE)
        points = file["points"].astype(complex)
        good = values.ndim == 2 and points.shape[:1] == values.shape[1:]
        file.require(good and points.ndim < 3, "`husimi` [t, P] for its `points` (P,)")
        return values, points, None, None
    x, y = (np.atleast_1d(file.real(name)) for name in "xy")
    good = values.ndim == 3 and values.shape[1:] == (*y.shape, *x.shape)
    file.require(good, "`husimi` [t, y, x]")
    points = (x[None, :] + 1j * y[:, None]).ravel()
    return values.reshape(len(values), -1), points, (x, y), None


def _moments(file: File):
    file.require("g" not in file, _G_ALONE)
    values, orders = file["moments"], file.real("orders")
    good = orders.ndim in (2, 3) and orders.shape[:2] == (*values.shape[-1:], 2)
    file.require(good and values.ndim == 2, "`orders` (k, 2) for `moments` [t, k]")
    whole = np.all((orders >= 0) & (orders == np.round(orders)))
    file.require(bool(whole), "`orders` that are whole numbers from 0 on")
    orders = orders.astype(int)
    if orders.ndim == 2:
        pairs = tuple((int(m), int(n)) for m, n in orders)
    else:
        pairs = tuple((tuple(map(int, m)), tuple(map(int, n))) for m, n in orders)
    return values.astype(complex), None, None, pairs


def _samples(file: File):
    file.require("g" not in file, _G_ALONE)
    values = file["samples"]
    file.require(values.ndim in (2, 3), "`samples` of 2 or 3 axes")
    return values.astype(complex), None, None, None


_VALUES = {"husimi": _husimi, "moments": _moments, "samples": _samples}


def _state(file: File, record: PhaseSpaceRecord) -> dict[str, np.ndarray]:
    """The initial state, if it is one of the record's modes; a ket as a vector."""
    ((name, value),) = record.initial.items()
    modes = record.modes
    if name == "alpha0":
        good = value.size == modes and value.ndim < 2
        file.require(good, f"`alpha0` of {modes} modes")
    elif name == "psi0":
        # a ket of QuTiP is a column
        column = modes == 1 and value.ndim == 2 and value.shape[1] == 1
        value = value.reshape(-1) if column else value
        good = value.ndim == modes and value.size > 0
        file.require(good, f"`psi0` of {modes} axes for {modes} modes")
        file.require_norm("psi0", float(np.sum(np.abs(value) ** 2)))
    else:
        good = value.ndim == 2 * modes and value.size > 0
        good = good and value.shape[:modes] == value.shape[modes:]
        file.require(good, f"`rho0` of {2 * modes} axes for {modes} modes")
    return {name: value}


def _held(record: PhaseSpaceRecord, _: Path) -> tuple[str, dict[str, Any]]:
    """Axes are written with QuTiP's g = 2, which leaves points and values unchanged."""
    values: dict[str, Any] = {"t": record.ts, "t0": record.t0, "sigma": record.sigma}
    if record.axes is not None:
        x, y = record.axes
        seen = record.values.reshape(-1, len(y), len(x))
        values |= {"x": x, "y": y, "g": 2.0, "husimi": seen}
    else:
        values |= {record.kind: record.values, "points": record.points}
        values |= {"orders": record.orders, "shots": record.shots}
    return _data(record), values | record.initial | record.parameters


def _show(record: PhaseSpaceRecord) -> Contents:
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
    if record.kind != "samples":
        lines["errors"] = errors_in_file(record.sigma)
    return Contents(_data(record), lines, ("t", record.ts), columns, sigma, maps)


def _data(record: PhaseSpaceRecord) -> str:
    """The name of the data."""
    return {"husimi": "Husimi functions"}.get(record.kind, record.kind)


_STATE = {
    "|".join(_STATES):
        "state at `t0`: amplitude of a coherent state, ket or matrix by numbers",
}  # fmt: skip
_NAMED = {"NAME": "value of a parameter of the Hamiltonian"}
_ROW_SIGMA = {"sigma": "error of the values, in their unit, () or [t]; else none"}
_MORE = T0 | SIGMA | _NAMED
PHASE_SPACE = Kind(
    "phase space", "data", "`--data` of `jqd recover husimi`",
    (
        Format("Husimi functions", ARCHIVES,
               '`np.savez("q.npz", t=ts, x=x, y=y, husimi=Q, alpha0=1.2)`',
               T | {
                   "husimi": "[t, y, x] per dx dy, or [t, P] per d²α",
                   "points|x,y": "[P] or [P, mode] points α; or axes, "
                                 "α = g/2 (x + iy)",
               } | _STATE,
               {"g": "QuTiP's convention of `x`, `y`; else √2, 2 or 1, with which "
                     "the record fits its state"} | T0 | _ROW_SIGMA | _NAMED),
        Format("moments", ARCHIVES,
               '`np.savez("m.npz", t=ts, moments=M, orders=mn, alpha0=1)`',
               T | {
                   "moments": "[t, k] ∫α^m α*^n Q d²α",
                   "orders": "[k, 2] or [k, 2, mode] whole m, n of each",
               } | _STATE, _MORE),
        Format("samples", ARCHIVES,
               '`np.savez("s.npz", t=ts, samples=alpha, psi0=ket)`',
               T | {"samples": "[t, S] or [t, S, mode] heterodyne outcomes α"}
               | _STATE,
               {"shots": "[t] how many of each row are outcomes; else all"} | _MORE),
    ),
    load_phase_space, PhaseSpaceRecord, _show, _held,
)  # fmt: skip
