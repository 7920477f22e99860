"""Records on phase space: Husimi functions, moments, heterodyne samples."""

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..observe import Moments
from .data import Data
from .noise import Correlated, Gaussian

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
        sigma: standard deviation of `values`, in their unit, or None.
        t0: time of the initial state.
        g: QuTiP's g, with which `axes` were read; None where points are α themselves.
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
    g: float | None = None

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
        return replace(
            self, values=self.values[:, kept], points=points[kept], axes=None
        )

    def data(self) -> tuple[Data, Any]:
        """The record for `recover`, and what a law is asked to predict.

        Samples are compared by their moments up to total power 4, weighted by the
        scatter that the samples themselves show: no density has to be positive where
        an outcome fell, so that C may go above 1.

        Raises:
            ValueError: no more outcomes at a time than moments: their scatter shows no
                covariance.
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
        count = self.values.shape[1]
        if count <= 2 * len(orders):
            raise ValueError(
                f"Argument `data` must hold more than {2 * len(orders)} samples at a "
                f"time to show how {len(orders)} moments scatter, but holds {count}; "
                "--loss likelihood takes fewer."
            )
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
