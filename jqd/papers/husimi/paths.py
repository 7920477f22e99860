"""Which paths of the amplifier make up a Husimi function: X backward, Y forward."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ... import _checks
from ...laws.husimi import GaussianSum


def path_weight(state: GaussianSum, end: ArrayLike) -> GaussianSum:
    """The only weight over (X at T, Y at 0) of paths that make up a Husimi function.

    Q₀(x, y) = ∫ k_T(x|x') w(x', y) dx', k_T the positive kernel of X from T to 0. A
    Gaussian convolution has one inverse, so that Q is an average of such paths over
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


def backward_noise(end: ArrayLike) -> Array:
    """Variance that X gains on its way back from T to 0."""
    return -jnp.expm1(-2 * jnp.asarray(end, float)) / 4
