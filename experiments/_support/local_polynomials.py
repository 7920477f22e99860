"""Values and derivatives of a sampled curve, by polynomials over short windows."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int


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


def local_polynomials(ts: ArrayLike, points: int = 11) -> Slopes:
    """Polynomials through every one of `points` neighbours, for exact records.

    On even steps they are central differences of order points - 1. The windows are
    centred, so that (points - 1)/2 rows at either end have no derivative.

    Args:
        ts: times, shape (T,), increasing; steps may differ.
        points: odd number of rows under a window, from 3 to T.

    Returns:
        The maps, for the T - points + 1 rows in the middle.
    """
    ts = jnp.asarray(ts, dtype=jnp.result_type(ts, float))
    half = points // 2
    rows = np.arange(ts.shape[0] - 2 * half)[:, None] + np.arange(points)[None, :]
    apart = ts[rows] - ts[rows[:, half]][:, None]
    reach = jnp.max(jnp.abs(apart), axis=1, keepdims=True)
    # Chebyshev's polynomials on [-1, 1] keep the equations well conditioned
    grid = jnp.arccos(jnp.clip(apart / reach, -1, 1))
    order = jnp.arange(points, dtype=ts.dtype)
    basis = jnp.cos(order[None, None, :] * grid[:, :, None])
    weights = jnp.linalg.pinv(basis)  # (K, points, points)
    middle = jnp.cos(order * jnp.pi / 2)
    slope = order * jnp.sin(order * jnp.pi / 2)
    return Slopes(
        jnp.asarray(rows),
        jnp.einsum("n,knj->kj", jnp.round(middle), weights),
        jnp.einsum("n,knj->kj", jnp.round(slope), weights) / reach,
    )
