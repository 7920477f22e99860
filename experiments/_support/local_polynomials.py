"""Values and derivatives of a sampled curve, by polynomials over short windows."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from jqd import _checks


class Slopes(eqx.Module):
    """Linear maps from a record to smoothed values and derivatives at its rows.

    x(t_k) ≈ Σ_j value_kj x_{rows_kj},   dx/dt(t_k) ≈ Σ_j slope_kj x_{rows_kj}

    Attributes:
        rows: rows of the record under each window, shape (K, points).
        value: weights of the value in the middle, shape (K, points).
        slope: weights of the derivative there, shape (K, points), in 1/time.
    """

    rows: Int[Array, "K points"]
    value: Float[Array, "K points"]
    slope: Float[Array, "K points"]

    def __call__(self, record: Array) -> tuple[Array, Array]:
        """Values and derivatives in the middle of each window.

        Args:
            record: shape (..., T, M), real or complex.

        Returns:
            Values and derivatives, shape (..., K, M) each.
        """
        windows = record[..., self.rows, :]
        return (
            jnp.einsum("kj,...kjm->...km", self.value, windows),
            jnp.einsum("kj,...kjm->...km", self.slope, windows),
        )

    def padded(self, ends: int) -> "Slopes":
        """The maps of `ts[ends:-ends]` as maps of `ts`, in windows of its size."""
        reach = self.rows[:, :1] + jnp.arange(self.rows.shape[1] + 2 * ends)[None, :]
        weights = ((0, 0), (ends, ends))
        return Slopes(reach, jnp.pad(self.value, weights), jnp.pad(self.slope, weights))


def local_polynomials(
    ts: ArrayLike, points: int = 11, degree: int | None = None
) -> Slopes:
    """Polynomials of this degree through `points` neighbours, least squares.

    With degree = points - 1 they go through every point: central differences of order
    points - 1 on even steps, for exact records. A lower degree (Savitzky and Golay,
    1964) averages noise, in values by about √((degree+1)/points); it is right where
    the curve is a polynomial of that degree over each window. The windows are centred,
    so that (points - 1)/2 rows at either end have no derivative.

    Args:
        ts: times, shape (T,), increasing; steps may differ.
        points: odd number of rows under a window, at most T.
        degree: of the polynomials; None for points - 1.

    Returns:
        The maps, for the T - points + 1 rows in the middle.

    Raises:
        ValueError: even or too many points, a degree they do not determine.
    """
    _checks.check_times(ts)
    ts = jnp.asarray(ts, dtype=jnp.result_type(ts, float))
    degree = points - 1 if degree is None else degree
    if points % 2 == 0 or not 3 <= points <= ts.shape[0]:
        raise ValueError(
            "Argument `points` must be odd, at least 3 and at most the "
            f"{ts.shape[0]} rows of the record, but is {points}."
        )
    if not 1 <= degree < points:
        raise ValueError(
            f"Argument `degree` must be from 1 to points - 1 = {points - 1}, but is "
            f"{degree}."
        )
    half = points // 2
    rows = np.arange(ts.shape[0] - 2 * half)[:, None] + np.arange(points)[None, :]
    apart = ts[rows] - ts[rows[:, half]][:, None]
    reach = jnp.max(jnp.abs(apart), axis=1, keepdims=True)
    # Chebyshev's polynomials on [-1, 1] keep the least squares well conditioned
    grid = jnp.arccos(jnp.clip(apart / reach, -1, 1))
    order = jnp.arange(degree + 1, dtype=ts.dtype)
    basis = jnp.cos(order[None, None, :] * grid[:, :, None])
    weights = jnp.linalg.pinv(basis)  # (K, degree + 1, points)
    middle = jnp.cos(order * jnp.pi / 2)
    slope = order * jnp.sin(order * jnp.pi / 2)
    return Slopes(
        jnp.asarray(rows),
        jnp.einsum("n,knj->kj", jnp.round(middle), weights),
        jnp.einsum("n,knj->kj", jnp.round(slope), weights) / reach,
    )
