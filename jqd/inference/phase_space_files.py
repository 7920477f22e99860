"""Reading records on phase space, and with which g of QuTiP's a map was written."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import _checks
from ..states import husimi
from .goodness import strain
from .noise import exact_error
from .phase_space import PhaseSpaceRecord
from .reading import arrays_in, naming, real, scalar, times

KINDS = ("husimi", "moments", "samples")
# Names that a file may hold besides parameters of the Hamiltonian.
_RESERVED = {
    *KINDS, "t", "x", "y", "g", "points", "orders", "alpha0", "psi0", "rho0", "sigma",
    "t0",
}  # fmt: skip
# Values of g that are tried where a file has none; QuTiP's default comes first.
COMMON_G = {"sqrt(2)": math.sqrt(2), "2": 2.0, "1": 1.0}


def load_phase_space(
    path: str | Path, sigma: float | None = None, g: float | None = None
) -> PhaseSpaceRecord:
    """A record on phase space from .npz, Zarr or netCDF.

    The file holds `t` and one of

    - `husimi` [t, y, x] with axes `x`, `y` in QuTiP's convention α = g/2 (x + iy),
      normalised per dx dy; or [t, P] with `points` α, (P,) or (P, N), per d²α;
    - `moments` [t, k] with `orders` (k, 2) or (k, 2, N): ∫α^m α*^n Q;
    - `samples` [t, S] or [t, S, N]: heterodyne outcomes α;

    the state at `t0` (0 unless given): `alpha0` (coherent), `psi0` or `rho0`; and, if
    it likes, `sigma` in the unit of the values and values of the Hamiltonian's
    parameters.

    Where the file holds no `g`, it is the one of √2 (QuTiP's default), 2 and 1 with
    which the row at t0 is the Husimi function of the state; without such a row, the one
    with which all rows hold as many quanta as that state. A record that tells neither
    is refused.

    Args:
        path: the file.
        sigma: standard deviation in the unit of the file's values; None for what the
            file says.
        g: QuTiP's g; None for what the file says.

    Returns:
        The record, `values` and `sigma` per d²α.

    Raises:
        ValueError: unreadable file, arrays missing, of wrong shape, complex or not
            finite, a map that is nowhere positive, no g.
    """
    path = Path(path)
    arrays = arrays_in(path)
    found = [kind for kind in KINDS if kind in arrays]
    if "t" not in arrays or len(found) != 1:
        raise ValueError(
            "Argument `data` must hold `t` and one of `husimi`, `moments` and "
            f"`samples`, but {path.name} has {', '.join(sorted(arrays)) or 'none'}."
        )
    (kind,) = found
    ts, t0 = times(path, arrays)
    values, points, axes, orders = _values(path, kind, arrays)
    if ts.ndim != 1 or len(ts) != len(values):
        raise ValueError(
            f"Argument `data` must have one row of `{kind}` a time, but {path.name} "
            f"has shapes {ts.shape} and {values.shape}."
        )
    if not values.size:
        raise ValueError(
            f"Argument `data` must hold values of `{kind}`, but {path.name} has none."
        )
    initial = {k: arrays[k] for k in ("alpha0", "psi0", "rho0") if k in arrays}
    if len(initial) != 1:
        raise ValueError(
            "Argument `data` must hold one of `alpha0`, `psi0` and `rho0`, but "
            f"{path.name} has {', '.join(initial) or 'none'}."
        )
    names = [k for k, v in arrays.items() if k not in _RESERVED and v.ndim == 0]
    if sigma is None and "sigma" in arrays:
        sigma = scalar(path, arrays, "sigma", 0.0, positive=True)
    record = PhaseSpaceRecord(
        kind, ts, values, points, axes, orders, initial,
        {name: scalar(path, arrays, name, 0.0) for name in names}, sigma, t0,
    )  # fmt: skip
    record = replace(record, initial=_state(path, record))
    if axes is None:
        return record
    if g is None:
        g = _own_g(path, arrays, record)
    _checks.check_positive(g, "g")
    return with_g(record, float(g))


def _values(path: Path, kind: str, arrays: dict[str, np.ndarray]):
    """Values, points, axes and orders of one kind of record, as the file has them."""
    if kind != "husimi" or "points" in arrays:
        _require(path, "g" not in arrays, "`g` beside `x` and `y` alone")
    if kind == "samples":
        values = arrays[kind]
        _require(path, values.ndim in (2, 3), "`samples` of 2 or 3 axes")
        return values.astype(complex), None, None, None
    if kind == "moments":
        values = arrays[kind]
        _require(path, "orders" in arrays, "`orders` of the moments")
        orders = real(path, arrays, "orders")
        good = orders.ndim in (2, 3) and orders.shape[:2] == (*values.shape[-1:], 2)
        _require(
            path, good and values.ndim == 2, "`orders` (k, 2) for `moments` [t, k]"
        )
        whole = np.all((orders >= 0) & (orders == np.round(orders)))
        _require(path, bool(whole), "`orders` that are whole numbers from 0 on")
        orders = orders.astype(int)
        if orders.ndim == 2:
            pairs = tuple((int(m), int(n)) for m, n in orders)
        else:
            pairs = tuple((tuple(map(int, m)), tuple(map(int, n))) for m, n in orders)
        return values.astype(complex), None, None, pairs
    values = real(path, arrays, kind)
    if values.size and values.max() <= 0:
        raise ValueError(
            "Argument `data` must hold a `husimi` that is positive somewhere, but in "
            f"{path.name} its largest value is {values.max():.4g}."
        )
    if "points" in arrays:
        points = arrays["points"].astype(complex)
        good = values.ndim == 2 and points.shape[:1] == values.shape[1:]
        _require(
            path, good and points.ndim < 3, "`husimi` [t, P] for its `points` (P,)"
        )
        return values, points, None, None
    _require(path, "x" in arrays and "y" in arrays, "`points`, or `x` and `y`")
    x, y = (np.atleast_1d(real(path, arrays, name)) for name in "xy")
    good = values.ndim == 3 and values.shape[1:] == (*y.shape, *x.shape)
    _require(path, good, "`husimi` [t, y, x]")
    points = (x[None, :] + 1j * y[:, None]).ravel()
    return values.reshape(len(values), -1), points, (x, y), None


def with_g(record: PhaseSpaceRecord, g: float) -> PhaseSpaceRecord:
    """A record per d²α, α = g/2 (x + iy), from one per dx dy.

    Args:
        record: `axes`, `values` and `sigma` as QuTiP gives them.
        g: QuTiP's g.
    """
    assert record.axes is not None
    assert record.points is not None
    half, sigma = g / 2, record.sigma
    x, y = (half * axis for axis in record.axes)
    return replace(
        record, values=record.values / half**2, points=half * record.points,
        axes=(x, y), sigma=None if sigma is None else sigma / half**2, g=g,
    )  # fmt: skip


def _own_g(
    path: Path, arrays: dict[str, np.ndarray], record: PhaseSpaceRecord
) -> float:
    """The g that a file says or shows."""
    if "g" in arrays:
        return scalar(path, arrays, "g", 0.0, positive=True)
    each = {label: with_g(record, g) for label, g in COMMON_G.items()}
    fits = _shows_state if record.ts[0] == record.t0 else _keeps_quanta
    with naming(path):
        found = [label for label, read in each.items() if fits(read)]
    if len(found) != 1:
        seen = f"{' and '.join(found)} fit alike" if found else "none of these fits"
        raise ValueError(
            "Argument `data` must hold `g`, by which x and y are read as α = "
            f"g/2 (x + iy), but {path.name} does not, and of g = "
            f"{', '.join(COMMON_G)} {seen} the initial state; QuTiP's default is "
            "sqrt(2)."
        )
    return COMMON_G[found[0]]


def _shows_state(record: PhaseSpaceRecord) -> bool:
    """Whether the first row is the Husimi function of the initial state."""
    prediction = state_husimi(record)
    errors = np.full(prediction.shape, exact_error(record.values))
    if record.sigma is not None:
        errors = np.full(prediction.shape, record.sigma)
    return strain((prediction - record.values[0]) / errors) <= 1


def _keeps_quanta(record: PhaseSpaceRecord) -> bool:
    """Whether <|α|²> of every row, of which two are needed, is that of the state."""
    assert record.axes is not None
    assert record.points is not None
    if len(record.ts) < 2 or min(map(len, record.axes)) < 2:
        return False
    dx, dy = (np.abs(np.gradient(axis)) for axis in record.axes)
    cells = (dy[:, None] * dx[None, :]).ravel()
    weights = cells * np.abs(record.points) ** 2
    # an antinormal mean: of a coherent state |α|² + 1
    mean, sigma = mean_quanta(record.initial) + 1, record.sigma or 0.0
    # what a map cut off at four widths and in steps of one lacks is less than 1 %
    norm_error = 1e-2 + 5 * sigma * float(np.sqrt(np.sum(cells**2)))
    error = 1e-2 * mean + 5 * sigma * float(np.sqrt(np.sum(weights**2)))
    if norm_error > 0.1 or error > 0.1 * mean:  # too much scatter to tell
        return False
    whole = np.abs(record.values @ cells - 1) < norm_error
    kept = np.abs(record.values @ weights - mean) < error
    return bool(np.all(whole & kept))


def mean_quanta(initial: dict[str, np.ndarray]) -> float:
    """<a†a> of the mode of the initial state that has most."""
    ((name, value),) = initial.items()
    if name == "alpha0":
        return float(np.max(np.abs(np.atleast_1d(value)) ** 2))
    weights = np.abs(value) ** 2
    if name == "rho0":
        levels = value.shape[: value.ndim // 2]
        square = value.reshape(math.prod(levels), -1)
        weights = np.real(np.diagonal(square)).reshape(levels)
    return max(
        float(np.sum(np.moveaxis(weights, mode, -1) @ np.arange(levels)))
        for mode, levels in enumerate(weights.shape)
    )


def state_husimi(record: PhaseSpaceRecord) -> np.ndarray:
    """Q of the initial state at the record's points, per d²α."""
    assert record.points is not None
    ((name, value),) = record.initial.items()
    if name == "alpha0":
        apart = record.points - np.ravel(value)[0]
        return np.exp(-(np.abs(apart) ** 2)) / np.pi
    return np.asarray(husimi(value, record.points))


def _state(path: Path, record: PhaseSpaceRecord) -> dict[str, np.ndarray]:
    """The initial state, if it is one of the record's modes; a ket as a vector."""
    ((name, value),) = record.initial.items()
    modes = record.modes
    if name == "alpha0":
        good = value.size == modes and value.ndim < 2
        _require(path, good, f"`alpha0` of {modes} modes")
    elif name == "psi0":
        # a ket of QuTiP is a column
        column = modes == 1 and value.ndim == 2 and value.shape[1] == 1
        value = value.reshape(-1) if column else value
        good = value.ndim == modes and value.size > 0
        _require(path, good, f"`psi0` of {modes} axes for {modes} modes")
    else:
        good = value.ndim == 2 * modes and value.size > 0
        good = good and value.shape[:modes] == value.shape[modes:]
        _require(path, good, f"`rho0` of {2 * modes} axes for {modes} modes")
    return {name: value}


def _require(path: Path, good: bool, what: str) -> None:
    if not good:
        raise ValueError(f"Argument `data` must hold {what}, but {path.name} does not.")
