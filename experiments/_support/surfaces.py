"""Functions of a ratio and a phase that are fitted without a formula."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

Surface = Callable[[Array, Array], Array]  # a function of ℓ and x, elementwise


class SplineSurface(eqx.Module):
    """A function of ℓ and x: cubic splines on even knots, periodic in x.

    f(ℓ, x) = Σ_ij c_ij B_i(ℓ) B_j(x); linear in c, of error O(spacing⁴). Beyond ±reach
    the value at the edge is kept.

    Attributes:
        coefficients: c, shape (K, J): K - 3 intervals in [-reach, reach], J in a turn.
        reach: largest |ℓ|.
    """

    coefficients: Float[Array, "K J"]
    reach: Float[Array, ""]

    @classmethod
    def zeros(cls, intervals: int, turns: int, reach: ArrayLike) -> "SplineSurface":
        """The surface 0.

        Args:
            intervals: of ℓ, at least 1.
            turns: intervals of x in a turn, at least 4.
            reach: largest |ℓ|.
        """
        reach = jnp.asarray(reach, float)
        return cls(jnp.zeros((intervals + 3, turns), reach.dtype), reach)

    def __call__(self, level: Array, x: Array) -> Array:
        """Values at ℓ and x, of one shape."""
        (rows, turns), shape = self.coefficients.shape, level.shape
        intervals = rows - 3
        u = (jnp.clip(jnp.ravel(level) / self.reach, -1, 1) + 1) / 2 * intervals
        v = jnp.ravel(x) / (2 * jnp.pi) * turns
        i = jnp.clip(jnp.floor(u), 0, intervals - 1)
        j = jnp.floor(v)
        near = jnp.arange(4)[None, :]
        row = i.astype(int)[:, None] + near
        column = (j.astype(int)[:, None] + near) % turns
        local = self.coefficients[row[:, :, None], column[:, None, :]]
        # sums of 16 products; as matrix products they would be slower
        weights = _cubic(u - i)[:, :, None] * _cubic(v - j)[:, None, :]
        return jnp.reshape(jnp.sum(weights * local, axis=(1, 2)), shape)


def _cubic(t: Array) -> Array:
    """The four cubic B-splines that live on an interval, at t in [0, 1]."""
    s = 1 - t
    inner = (3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4)
    return jnp.stack([s**3, *inner, t**3], axis=-1) / 6


class NetworkSurface(eqx.Module):
    """A function of ℓ and x: a small network of (ℓ, cos x, sin x).

    Attributes:
        network: three inputs, one output.
    """

    network: eqx.nn.MLP

    @classmethod
    def random(cls, key: Array, *, positive: bool = False) -> "NetworkSurface":
        """A network of random weights, with two hidden layers of 24.

        Its values are positive, as those of S are, if asked for.
        """
        last = jax.nn.softplus if positive else _same
        return cls(eqx.nn.MLP(3, "scalar", 24, 2, jnp.tanh, last, key=key))

    def __call__(self, level: Array, x: Array) -> Array:
        """Values at ℓ and x, of one shape."""
        inputs = jnp.stack([level, jnp.cos(x), jnp.sin(x)], axis=-1)
        values = jax.vmap(self.network)(jnp.reshape(inputs, (-1, 3)))
        return jnp.reshape(values, level.shape)


def _same(value: Array) -> Array:
    # one object, so that networks of one shape share a compilation
    return value


@eqx.filter_jit
def fit_surface(
    surface: Any,
    residuals: Callable[[Any, Any], Array],
    record: Any,
    steps: int = 500,
) -> tuple[Any, Array]:
    """The surface with the least mean square of residuals, by L-BFGS (optax).

    Args:
        surface: where to start; its arrays are what is fitted.
        residuals: of a surface and a record, such as `free_form.density_residuals`.
        record: the record.
        steps: iterations.

    Returns:
        The surface, and the mean square after each step, shape (steps,).
    """
    import optax

    arrays, rest = eqx.partition(surface, eqx.is_inexact_array)
    solver = optax.lbfgs()

    def loss(arrays: Any) -> Array:
        return jnp.mean(residuals(eqx.combine(arrays, rest), record) ** 2)

    value_and_grad = optax.value_and_grad_from_state(loss)

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        arrays, state = carry
        value, grad = value_and_grad(arrays, state=state)
        updates, state = solver.update(
            grad, state, arrays, value=value, grad=grad, value_fn=loss
        )
        return (optax.apply_updates(arrays, updates), state), value

    start = arrays, solver.init(arrays)
    (arrays, _), history = jax.lax.scan(step, start, length=steps)
    return eqx.combine(arrays, rest), history


@eqx.filter_jit
def solve_spline(
    surface: SplineSurface,
    residuals: Callable[[Any, Any], Array],
    record: Any,
    tolerance: float = 1e-6,
) -> tuple[SplineSurface, Array]:
    """The spline surface with the least mean square, at once: it enters linearly.

    Directions whose singular value is below `tolerance` of the largest stay as they
    are in `surface`: the data do not constrain them.

    Args:
        surface: the values that the record does not fix, and the knots.
        residuals: of a surface and a record, such as `free_form.density_residuals`.
        record: the record.
        tolerance: relative singular value below which a direction is undetermined.

    Returns:
        The surface, and the singular values over the largest, descending.
    """
    flat = jnp.ravel(surface.coefficients)

    def misfit(flat: Array) -> Array:
        shaped = jnp.reshape(flat, surface.coefficients.shape)
        return jnp.ravel(residuals(SplineSurface(shaped, surface.reach), record))

    # in small batches: each column takes the memory of a whole evaluation
    start, push = jax.linearize(misfit, flat)
    design = jax.lax.map(push, jnp.eye(flat.shape[0]), batch_size=8).T
    q, r = jnp.linalg.qr(design)
    left, values, right = jnp.linalg.svd(r, full_matrices=False)
    kept = values > tolerance * values[0]
    inverse = jnp.where(kept, 1 / jnp.where(kept, values, 1), 0)
    change = right.T @ (inverse * (left.T @ (q.T @ start)))
    shaped = jnp.reshape(flat - change, surface.coefficients.shape)
    return SplineSurface(shaped, surface.reach), values / values[0]
