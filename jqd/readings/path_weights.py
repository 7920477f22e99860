"""Paths backward in time: Bayes' kernel, and the path weight of the amplifier."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..laws.husimi import GaussianSum


def backward_kernel(
    forward: Float[Array, "n m"], density: Float[Array, " m"]
) -> Float[Array, "m n"]:
    """Probability of the earlier state given the later one, by Bayes' theorem.

    P(x, t | x', t+Δt) = P(x', t+Δt | x, t) P(x, t) / P(x', t+Δt)

    Args:
        forward: P(x' | x), row x', column x; columns add up to 1.
        density: P(x, t), the preparation.

    Returns:
        P(x | x'), row x, column x'; 0 where x' cannot be reached.
    """
    joint = forward * density[None, :]
    total = jnp.sum(joint, axis=1)[:, None]
    reached = total > 0
    return jnp.where(reached, joint / jnp.where(reached, total, 1), 0).T


def path_weight(state: GaussianSum, end: ArrayLike) -> GaussianSum:
    """The unique weight over (X at T, Y at 0) of paths that give a Husimi function.

    Q₀(x, y) = ∫ k_T(x|x') w(x', y) dx', k_T the positive kernel of X from T to 0. A
    Gaussian convolution has a unique inverse, so Q is an average of such paths over
    [0, T] if and only if w is nowhere negative.

    Args:
        state: Q at t = 0, of one mode, in units ħ = g = 1.
        end: T > 0.

    Returns:
        w as a sum of Gaussians of x' + iy; its `density` is NaN where none exists.

    Raises:
        ValueError: T not positive, or another number of modes.
    """
    _checks.check_positive(end, "end")
    if state.modes != 1:
        raise ValueError(f"Argument `state` must have one mode, but has {state.modes}.")
    noise = jnp.diag(jnp.stack([backward_noise(end), 0.0]))
    stretch = jnp.stack([jnp.exp(jnp.asarray(end, float)), 1.0])
    cov = (state.covariance - noise) * stretch[:, None] * stretch[None, :]
    means = state.means * stretch.astype(state.means.dtype)[None, :]
    return GaussianSum(state.weights, means, cov)


def path_distance(
    density: ArrayLike, x: ArrayLike, y: ArrayLike, end: ArrayLike
) -> float:
    """Upper bound on the distance of a Husimi function from all averages of paths.

    d(T) = min over w >= 0 of ½ ∫|Q₀(x, y) - ∫ k_T(x|x') w(x', y) dx'| dx dy

    Each row of y is solved by non-negative least squares, whose w is not quite that of
    the smallest d. The result is therefore an upper bound, for the values on the grid.
    It cannot show that d is not 0; where a weight exists it is 0 to rounding.

    Args:
        density: Q₀ = Q at t = 0 per d²α, of any state of one mode, (X, Y), in units
            ħ = g = 1.
        x: even grid, (X,), over all of Q; w has 2X - 1 places over exp(T) times it.
        y: even grid, (Y,).
        end: T > 0.

    Returns:
        An upper bound on d(T); two densities are at most 1 apart.

    Raises:
        ValueError: T not a single positive number, grids that are not even or do not
            have the lengths of the density.
        RuntimeError: least squares did not converge.
    """
    from scipy.optimize import nnls

    _checks.check_positive(end, "end", ())
    _checks.check_shape(density, "density", (np.size(x), np.size(y)))
    across, density = np.asarray(x, float), np.asarray(density, float)
    cell = _step(across, "x") * _step(np.asarray(y, float), "y")
    early = np.linspace(across[0], across[-1], 2 * across.size - 1)  # exp(-T) x'
    noise = np.asarray(backward_noise(end))
    kernel = np.exp(-((across[:, None] - early[None, :]) ** 2) / (2 * noise))
    # of its 161 directions a smooth kernel keeps about 50 above rounding
    left, values, right = np.linalg.svd(kernel, full_matrices=False)
    kept = values > 1e-14 * values[0]
    small, goals = values[kept, None] * right[kept], left[:, kept].T @ density
    rounds = 100 * early.size  # where a weight exists its rows take thousands
    w = np.stack([nnls(small, goal, maxiter=rounds)[0] for goal in goals.T], axis=1)
    return float(np.sum(np.abs(density - kernel @ w)) * cell / 2)


def _step(axis: np.ndarray, name: str) -> float:
    """Spacing of an even grid."""
    _checks.check_finite(axis, name, (None,))
    steps = np.diff(axis)
    if steps.size == 0 or np.min(steps) <= 0 or np.ptp(steps) > 1e-9 * np.max(steps):
        raise ValueError(
            f"Argument `{name}` must rise in even steps, at least one, but does not."
        )
    return float(steps[0])


def backward_noise(end: ArrayLike) -> Array:
    """Variance that X gains backward in time from T to 0."""
    return -jnp.expm1(-2 * jnp.asarray(end, float)) / 4
