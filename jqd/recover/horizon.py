"""How much a record tells, the longer it gets."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .polish import jacobian
from .problem import FitProblem


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
    # one singular value decomposition a time keeps twice the digits of J^T J
    _, values, directions = jnp.linalg.svd(_triangles(rows))
    floor = jnp.finfo(values.dtype).eps * values[:, :1] * rows.shape[1]
    null = values <= floor
    inverse = jnp.where(null, jnp.inf, 1 / jnp.where(null, 1, values))
    # a direction that is null leaves those constants unknown that take part in it
    share = jnp.where(jnp.abs(directions) > 1e-8, directions, 0) ** 2
    square = jnp.where(share > 0, share * inverse[:, :, None] ** 2, 0)
    stderr = jnp.sqrt(jnp.sum(square, axis=1)) * width[None, :]
    smallest = jnp.where(null[:, -1], 1, values[:, -1])
    condition = jnp.where(null[:, -1], jnp.inf, values[:, 0] / smallest)
    return Horizon(problem.data.ts, stderr, condition, sensitivity)


def _triangles(rows: Float[Array, "T k p"]) -> Float[Array, "T p p"]:
    """R of the QR decomposition of the rows up to each time."""

    def add(triangle, row):
        stacked = jnp.concatenate([triangle, row])
        triangle = jnp.linalg.qr(stacked, mode="r")
        return triangle, triangle

    size = rows.shape[-1]
    return jax.lax.scan(add, jnp.zeros((size, size), rows.dtype), rows)[1]
