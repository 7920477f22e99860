"""Data in phase space: Husimi functions, moments, heterodyne samples."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import _checks
from ..instruments import Gaussian, SampleMoments
from ..observe import Moments
from .axes import ordered
from .file import File
from .formats import listed
from .qutip_g import own_g
from .reading import format_of, read
from .record import Record

_STATES = ("alpha0", "psi0", "rho0")
# Names that a file may hold besides parameters of the Hamiltonian.
_RESERVED = {
    *_STATES, "husimi", "moments", "samples", "t", "x", "y", "g", "points", "orders",
    "sigma", "t0", "shots",
}  # fmt: skip
# Names under which files hold what is not read, since its errors would be mixed.
WIGNER = ("wigner", "Wigner", "W")
_G_ALONE = "`g` beside `x` and `y` alone"
# Total power up to which moments of samples of one mode are recorded.
SAMPLE_POWERS = 8


@dataclass(frozen=True)
class PhaseSpaceRecord:
    """Data in phase space.

    Attributes:
        kind: "husimi" (values per d²α at points), "moments" or "samples" (heterodyne
            outcomes α).
        ts: times, shape (T,).
        values: real (T, P) for "husimi"; complex (T, k) moments ∫α^m α*^n Q; complex
            (T, S) or (T, S, N) outcomes.
        points: α, shape (P,) or (P, N), for "husimi"; else None.
        axes: x and y of a tensor grid, or None.
        orders: (m, n) of each moment, or None.
        initial: {"alpha0": ..}, {"psi0": ..} or {"rho0": ..}: the state at t0.
        parameters: values of named parameters of the Hamiltonian.
        sigma: standard deviation of `values`, in their unit, scalar or for each row,
            (T,), or None.
        t0: time of the initial state.
        g: QuTiP's g, with which `axes` were read; None where points are α themselves.
        shots: number of outcomes in each row of samples, (T,); None for the whole row.
    """

    kind: str
    ts: np.ndarray
    values: np.ndarray
    points: np.ndarray | None
    axes: tuple[np.ndarray, np.ndarray] | None
    orders: tuple[tuple[Any, Any], ...] | None
    initial: dict[str, np.ndarray]
    parameters: dict[str, float]
    sigma: float | np.ndarray | None = None
    t0: float = 0.0
    g: float | None = None
    shots: np.ndarray | None = None

    @property
    def modes(self) -> int:
        """Number of modes."""
        if self.points is not None and self.points.ndim == 2:
            return self.points.shape[1]
        if self.kind == "samples" and self.values.ndim == 3:
            return self.values.shape[2]
        if self.orders is not None and isinstance(self.orders[0][0], tuple):
            return len(self.orders[0][0])
        return 1

    def thinned(self, most: int) -> "PhaseSpaceRecord":
        """This record with every k-th point of each axis, at most `most` in all."""
        points = self.points
        if points is None or self.values.shape[1] <= most:
            return self
        if self.axes is None:
            kept = np.arange(0, points.shape[0], -(-points.shape[0] // most))
        else:
            x, y = self.axes
            stride = 2
            while (-(-len(x) // stride)) * (-(-len(y) // stride)) > most:
                stride += 1
            grid = np.arange(points.shape[0]).reshape(len(y), len(x))
            kept = grid[::stride, ::stride].ravel()
        return replace(
            self, values=self.values[:, kept], points=points[kept], axes=None
        )

    def with_g(self, g: float) -> "PhaseSpaceRecord":
        """Convert a record per dx dy to one per d²α, α = g/2 (x + iy).

        Args:
            g: QuTiP's g, for `axes`, `values` and `sigma` in QuTiP's convention.
        """
        assert self.axes is not None
        assert self.points is not None
        half, sigma = g / 2, self.sigma
        x, y = (half * axis for axis in self.axes)
        return replace(
            self, values=self.values / half**2, points=half * self.points, axes=(x, y),
            sigma=None if sigma is None else sigma / half**2, g=g,
        )  # fmt: skip

    def data(self) -> tuple[Record, Any]:
        """The record for `recover`, and the observable that a law must predict.

        Samples are compared by their moments up to total power 4, weighted by the
        scatter computed from the fitted moments up to power 8. The density then need
        not be positive where an outcome fell, so C may exceed 1. For several modes,
        powers up to 2 are compared and powers up to 4 recorded.

        Raises:
            ValueError: no more outcomes at a time than moments, so that their scatter
                gives no covariance.
        """
        noise = None
        if self.sigma is not None:
            sigma = np.asarray(self.sigma)
            noise = Gaussian(sigma[:, None] if sigma.ndim else sigma)
        if self.kind == "husimi":
            return Record(self.ts, self.values, noise, t0=self.t0), "density"
        if self.kind == "moments":
            stacked = Moments.stack(self.values)
            seen = Moments(self.orders or ())
            return Record(self.ts, stacked, noise, t0=self.t0), seen
        count: Any = self.values.shape[1] if self.shots is None else self.shots
        least = least_samples(self.modes)
        if np.min(count) < least:
            raise ValueError(
                f"Argument `data` must hold {least} or more samples at each time to "
                f"show how their moments scatter, but holds {np.min(count)}; --loss "
                "likelihood takes fewer."
            )
        orders = sample_orders(self.modes)
        noise = SampleMoments(orders, count)
        means = sample_moments(self.values, orders, self.shots)
        return Record(self.ts, means, noise, t0=self.t0), Moments(orders)


def least_samples(modes: int) -> int:
    """The number of real values in the compared moments, plus one."""
    powers = SAMPLE_POWERS // 2 if modes == 1 else 2
    return 2 * len(_orders(modes, powers)) + 1


def sample_orders(modes: int) -> tuple[tuple[Any, Any], ...]:
    """(m, n) of moments of samples, lowest powers first: total power 1 to 8.

    Moments up to half of that power are compared. For several modes it is at most 4.
    """
    return _orders(modes, SAMPLE_POWERS if modes == 1 else 4)


def _orders(modes: int, highest: int) -> tuple[tuple[Any, Any], ...]:
    """Of each pair of conjugates one is kept."""
    orders = []
    for powers in np.ndindex(*(highest + 1,) * (2 * modes)):
        m, n = powers[:modes], powers[modes:]
        if 0 < sum(powers) <= highest and m >= n:
            orders.append((sum(powers), m, n))
    one = modes == 1
    return tuple((m[0], n[0]) if one else (m, n) for _, m, n in sorted(orders))


def sample_moments(
    samples: np.ndarray,
    orders: tuple[tuple[Any, Any], ...],
    shots: np.ndarray | None = None,
) -> np.ndarray:
    """Mean moments of samples at each time.

    Args:
        samples: outcomes α, shape (T, S) or (T, S, N).
        orders: (m, n) of each moment.
        shots: number of outcomes in each row, (T,); None for the whole row.

    Returns:
        Real parts then imaginary parts, (T, 2k).
    """
    samples = samples if samples.ndim == 3 else samples[..., None]
    counted = np.full(len(samples), samples.shape[1]) if shots is None else shots
    there = np.arange(samples.shape[1])[None, :] < counted[:, None]
    means = []
    for m, n in orders:
        m, n = (np.atleast_1d(power) for power in (m, n))
        each = np.prod(samples**m * np.conj(samples) ** n, axis=-1)
        means.append(np.sum(each, axis=1, where=there) / counted)
    stacked = np.stack(means, axis=-1)
    return np.concatenate([np.real(stacked), np.imag(stacked)], axis=-1)


def load_phase_space(
    path: str | Path, sigma: float | None = None, g: float | None = None
) -> PhaseSpaceRecord:
    """Load data in phase space from .npz, Zarr or netCDF.

    `formats.KINDS["phase space"]` lists the contents of the file. If it has no `g`, the
    loader chooses from √2 (QuTiP's default), 2 and 1 the value with which the row at t0
    is the Husimi function of the state; without such a row, the value with which all
    rows hold as many quanta as that state. Data that determine neither are refused.

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
    file = read(path, "phase space")
    _refuse_wigner(file)
    form = format_of("phase space", file, file.path.suffix)
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
    parameters = {
        name: file.scalar(name, 0.0)
        for name, value in file.arrays.items()
        if name not in _RESERVED and value.ndim == 0
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
