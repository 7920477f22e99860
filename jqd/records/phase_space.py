"""Data in phase space: Husimi functions, moments, heterodyne samples; as columns."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..instruments import Gaussian, SampleMoments
from ..observe import Moments
from .contents import MOST, spread
from .record import Record, between

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


def _husimi(record: PhaseSpaceRecord, lines: dict[str, str]) -> tuple[Any, Any, Any]:
    values = record.values
    columns = {"smallest Q": values.min(axis=1), "largest Q": values.max(axis=1)}
    lines["points"] = str(values.shape[1])
    if record.axes is None:
        return columns, None, None
    x, y = record.axes
    lines["points"] = f"{len(x)} x {len(y)}, Re α {between(x)}, Im α {between(y)}"
    lines["convention"] = f"α = g/2 (x + iy) with g = {record.g:.6g}"
    if len(x) > 1 and len(y) > 1:
        cell = (np.ptp(x) / (len(x) - 1)) * (np.ptp(y) / (len(y) - 1))
        columns["integral of Q"] = values.sum(axis=1) * cell
    grids = values.reshape(-1, len(y), len(x))
    at = spread(len(grids))
    titles = [f"t = {record.ts[k]:.6g}" for k in at]
    return columns, (grids[at], x, y, titles), None


def _moments(record: PhaseSpaceRecord, lines: dict[str, str]) -> tuple[Any, Any, Any]:
    orders = record.orders or ()
    lines["orders m, n"] = "; ".join(map(str, orders[:MOST]))
    if len(orders) > MOST:
        lines["orders m, n"] += f" and {len(orders) - MOST} more"
    columns = {}
    for k, order in enumerate(orders[:MOST]):
        for part in ("Re", "Im"):
            column = getattr(record.values[:, k], "real" if part == "Re" else "imag")
            columns[f"{part} of {order}"] = column
    return columns, None, None


def _samples(record: PhaseSpaceRecord, lines: dict[str, str]) -> tuple[Any, Any, Any]:
    values = record.values.reshape(*record.values.shape[:2], -1)
    most = values.shape[1]
    shots = np.full(len(values), most) if record.shots is None else record.shots
    lines["samples"] = f"{between(shots)} at each time"
    held = (np.arange(most) < shots[:, None])[..., None]
    columns, errors = {}, []
    for part, numbers in {"Re": np.real(values), "Im": np.imag(values)}.items():
        count = shots[:, None]
        mean = np.sum(numbers, axis=1, where=held) / count
        squares = np.sum((numbers - mean[:, None]) ** 2, axis=1, where=held)
        for k in range(values.shape[2]):
            mode = f" of mode {k}" if values.shape[2] > 1 else ""
            columns[f"mean of {part} α{mode}"] = mean[:, k]
        # of the mean; one sample says nothing of it
        freedom = np.where(count > 1, count - 1, np.nan)
        errors.append(np.sqrt(squares / freedom / count))
    sigma = np.concatenate(errors, axis=1)
    known = np.isfinite(sigma).all()
    lines["errors of the means"] = between(sigma) if known else "of one sample none"
    return columns, None, sigma


OF_KIND = {"husimi": _husimi, "moments": _moments, "samples": _samples}
