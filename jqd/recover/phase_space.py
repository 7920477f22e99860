"""Records on phase space: Husimi functions, moments, heterodyne samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..observe import Moments
from .data import Correlated, Data, Gaussian
from .reading import arrays_in

KINDS = ("husimi", "moments", "samples")
# Names that a file may hold besides parameters of the Hamiltonian.
_RESERVED = {
    *KINDS, "t", "x", "y", "g", "points", "orders", "alpha0", "psi0", "rho0", "sigma",
    "t0",
}  # fmt: skip
# Total power up to which moments of samples are compared.
SAMPLE_POWERS = 4


@dataclass(frozen=True)
class PhaseSpaceRecord:
    """What was seen on phase space.

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
        sigma: standard deviation of the values, or None.
        t0: time of the initial state.
    """

    kind: str
    ts: np.ndarray
    values: np.ndarray
    points: np.ndarray | None
    axes: tuple[np.ndarray, np.ndarray] | None
    orders: tuple[tuple[Any, Any], ...] | None
    initial: dict[str, np.ndarray]
    parameters: dict[str, float]
    sigma: float | None = None
    t0: float = 0.0

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
        """With every k-th point of each axis, so that at most `most` are left."""
        if self.kind != "husimi" or self.values.shape[1] <= most:
            return self
        points = self.points
        if points is None:
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
        return PhaseSpaceRecord(
            self.kind, self.ts, self.values[:, kept], points[kept], None, self.orders,
            self.initial, self.parameters, self.sigma, self.t0,
        )  # fmt: skip

    def data(self) -> tuple[Data, Any]:
        """The record for `recover`, and what a law is asked to predict.

        Samples are compared by their moments up to total power 4, weighted by the
        scatter that the samples themselves show: no density has to be positive where
        an outcome fell, so that C may go above 1.
        """
        if self.kind == "husimi":
            noise = None if self.sigma is None else Gaussian(self.sigma)
            return Data(self.ts, self.values, noise, t0=self.t0), "density"
        if self.kind == "moments":
            noise = None if self.sigma is None else Gaussian(self.sigma)
            orders = self.orders or ()
            stacked = Moments.stack(self.values)
            return Data(self.ts, stacked, noise, t0=self.t0), Moments(orders)
        orders = sample_orders(self.modes)
        means, covariance = sample_moments(self.values, orders)
        data = Data(self.ts, means, Correlated(jnp.asarray(covariance)), t0=self.t0)
        return data, Moments(orders)


def sample_orders(modes: int) -> tuple[tuple[Any, Any], ...]:
    """(m, n) of the moments of samples that are compared: total power 1 to 4.

    Of each pair of conjugates one is kept. For several modes up to power 2.
    """
    highest = SAMPLE_POWERS if modes == 1 else 2
    shapes = np.ndindex(*(highest + 1,) * (2 * modes))
    orders = []
    for powers in shapes:
        m, n = powers[:modes], powers[modes:]
        if 0 < sum(powers) <= highest and m >= n:
            orders.append((m[0], n[0]) if modes == 1 else (m, n))
    return tuple(orders)


def sample_moments(
    samples: np.ndarray, orders: tuple[tuple[Any, Any], ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean moments of samples at each time and the covariance of the means.

    Args:
        samples: outcomes α, shape (T, S) or (T, S, N).
        orders: (m, n) of each moment.

    Returns:
        Real parts then imaginary parts, (T, 2k), and their covariance, (T, 2k, 2k).
    """
    samples = samples if samples.ndim == 3 else samples[..., None]
    columns = []
    for m, n in orders:
        m, n = (np.atleast_1d(power) for power in (m, n))
        columns.append(np.prod(samples**m * np.conj(samples) ** n, axis=-1))
    stacked = np.stack(columns, axis=-1)
    each = np.concatenate([np.real(stacked), np.imag(stacked)], axis=-1)
    centred = each - each.mean(axis=1, keepdims=True)
    count = each.shape[1]
    covariance = np.einsum("tsi,tsj->tij", centred, centred) / (count * (count - 1))
    return each.mean(axis=1), covariance


def load_phase_space(path: str | Path) -> PhaseSpaceRecord:
    """A record on phase space from .npz, Zarr or netCDF.

    The file holds `t` and one of

    - `husimi` [t, y, x] with axes `x`, `y` in QuTiP's convention α = g/2 (x + iy), `g`
      2 unless given, normalised per dx dy; or [t, P] with `points` α, (P,) or (P, N);
    - `moments` [t, k] with `orders` (k, 2) or (k, 2, N): ∫α^m α*^n Q;
    - `samples` [t, S] or [t, S, N]: heterodyne outcomes α;

    the state at `t0` (0 unless given): `alpha0` (coherent), `psi0` or `rho0`; and, if
    it likes, `sigma` and values of the Hamiltonian's parameters.

    Args:
        path: the file.

    Returns:
        The record.

    Raises:
        ValueError: unreadable file, arrays missing, of wrong shape or not finite.
    """
    path = Path(path)
    arrays = arrays_in(path)
    found = [kind for kind in KINDS if kind in arrays]
    if "t" not in arrays or len(found) != 1:
        raise ValueError(
            "Argument `data` must hold `t` and one of `husimi`, `moments` and "
            f"`samples`, but {path.name} has {', '.join(sorted(arrays))}."
        )
    (kind,) = found
    ts = np.atleast_1d(arrays["t"]).astype(float)
    values, points, axes, orders = _values(path, kind, arrays)
    if ts.ndim != 1 or len(ts) != len(values):
        raise ValueError(
            f"Argument `data` must have one row of `{kind}` a time, but {path.name} "
            f"has shapes {ts.shape} and {values.shape}."
        )
    initial = {k: arrays[k] for k in ("alpha0", "psi0", "rho0") if k in arrays}
    if len(initial) != 1:
        raise ValueError(
            "Argument `data` must hold one of `alpha0`, `psi0` and `rho0`, but "
            f"{path.name} has {', '.join(initial) or 'none'}."
        )
    scalars = {k: v for k, v in arrays.items() if k not in _RESERVED and v.ndim == 0}
    sigma = float(arrays["sigma"]) if "sigma" in arrays else None
    return PhaseSpaceRecord(
        kind, ts, values, points, axes, orders, initial,
        {name: float(np.real(value)) for name, value in scalars.items()},
        sigma, float(arrays.get("t0", np.asarray(0.0))),
    )  # fmt: skip


def _values(path: Path, kind: str, arrays: dict[str, np.ndarray]):
    """Values, points, axes and orders of one kind of record."""
    values = arrays[kind]
    if kind == "samples":
        _require(path, values.ndim in (2, 3), "`samples` of 2 or 3 axes")
        return values.astype(complex), None, None, None
    if kind == "moments":
        _require(path, "orders" in arrays, "`orders` of the moments")
        orders = arrays["orders"].astype(int)
        good = orders.ndim in (2, 3) and orders.shape[:2] == (values.shape[-1], 2)
        _require(
            path, good and values.ndim == 2, "`orders` (k, 2) for `moments` [t, k]"
        )
        if orders.ndim == 2:
            pairs = tuple((int(m), int(n)) for m, n in orders)
        else:
            pairs = tuple((tuple(map(int, m)), tuple(map(int, n))) for m, n in orders)
        return values.astype(complex), None, None, pairs
    if "points" in arrays:
        points = arrays["points"].astype(complex)
        good = values.ndim == 2 and points.shape[:1] == values.shape[1:]
        _require(path, good, "`husimi` [t, P] for its `points` (P,)")
        return values.astype(float), points, None, None
    _require(path, "x" in arrays and "y" in arrays, "`points`, or `x` and `y`")
    half = float(arrays.get("g", np.asarray(2.0))) / 2
    x, y = (half * np.atleast_1d(arrays[name]).astype(float) for name in "xy")
    good = values.ndim == 3 and values.shape[1:] == (len(y), len(x))
    _require(path, good, "`husimi` [t, y, x]")
    points = (x[None, :] + 1j * y[:, None]).ravel()
    flat = values.astype(float).reshape(len(values), -1) / half**2
    return flat, points, (x, y), None


def _require(path: Path, good: bool, what: str) -> None:
    if not good:
        raise ValueError(f"Argument `data` must hold {what}, but {path.name} does not.")
