"""How much a record tells, the longer it gets."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .polish import jacobian
from .problem import FitProblem

# Standard error, in spans of the starts, of a constant that no row has seen.
UNKNOWN = 1e6


class Horizon(eqx.Module):
    """What the rows up to each time tell about the constants.

    Attributes:
        ts: times of the rows, shape (T,).
        stderr: Cramér-Rao bound of each constant from the rows up to each time, (T, p);
            infinite where they cannot tell it at all.
        condition: largest over smallest singular value of the Jacobian of these rows,
            in units of the spans of the constants, (T,); infinite for a null one.
        sensitivity: root mean square of the derivatives of a row's residuals in these
            units, (T,). Where trajectories part exponentially it grows without bound,
            and from some time on neither gradients nor minima are of any use.
    """

    ts: Float[Array, " T"]
    stderr: Float[Array, "T p"]
    condition: Float[Array, " T"]
    sensitivity: Float[Array, " T"]

    def known_from(self, limit: float) -> Float[Array, " p"]:
        """First time from which each constant is known to a standard error of `limit`;
        infinite for one that never is.

        Args:
            limit: standard error, in the unit of the constants.
        """
        known = self.stderr < limit
        first = self.ts[jnp.argmax(known, axis=0)]
        return jnp.where(jnp.any(known, axis=0), first, jnp.inf)


def horizon(problem: FitProblem, theta: Float[Array, " p"]) -> Horizon:
    """The Cramér-Rao bound over the length of the record.

    C(t) = [Σ_{t_i <= t} J_i^T J_i]^-1, J_i = ∂(prediction_i)/∂θ / σ.

    Args:
        problem: the fit, whose noise should be known.
        theta: constants, shape (p,).

    Returns:
        Bounds, condition numbers and sensitivities.
    """
    at, mask = problem.first_weights(), jnp.ones_like(problem.data.ts)
    _, slope = jacobian(problem, theta, at, mask)
    low, high = problem.bounds()
    width = high - low
    rows = jnp.reshape(slope, (mask.shape[0], -1, theta.shape[0]))
    rows = rows * width[None, None, :]
    sensitivity = jnp.sqrt(jnp.mean(rows**2, axis=(1, 2)))
    triangles = _triangles(rows)
    # triangles rather than J^T J, which keeps half the digits
    unit = jnp.broadcast_to(jnp.eye(rows.shape[-1], dtype=rows.dtype), triangles.shape)
    inverse = jax.lax.linalg.triangular_solve(triangles, unit, left_side=True)
    known = jnp.sqrt(jnp.sum(inverse**2, axis=2))
    stderr = jnp.where(known < UNKNOWN / 10, known, jnp.inf) * width[None, :]
    values = jnp.linalg.svd(triangles, compute_uv=False)
    null = values[:, -1] * UNKNOWN < 10
    smallest = jnp.where(null, 1, values[:, -1])
    condition = jnp.where(null, jnp.inf, values[:, 0] / smallest)
    return Horizon(problem.data.ts, stderr, condition, sensitivity)


def _triangles(rows: Float[Array, "T k p"]) -> Float[Array, "T p p"]:
    """R of the QR decomposition of the rows up to each time."""

    def add(triangle, row):
        stacked = jnp.concatenate([triangle, row])
        triangle = jnp.linalg.qr(stacked, mode="r")
        return triangle, triangle

    # what nobody knows is known to so many spans: every triangle has an inverse
    start = jnp.eye(rows.shape[-1], dtype=rows.dtype) / UNKNOWN
    return jax.lax.scan(add, start, rows)[1]
