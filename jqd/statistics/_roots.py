"""Roots of falling functions."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

_MOST_STEPS = 200
# exp(-1000) is no number of double precision; a particle and a hole share a gap.
_FROZEN = 2e3


def coldest(heights: Array, log_weights: Array | None = None) -> Array:
    """|β| beyond which the least gap of levels that extend over 1 is frozen.

    The mean energy then is that of the coldest state to the last number above it, so
    that no energy inside has its β beyond.

    Args:
        heights: levels, (n,).
        log_weights: of the levels, (n,), or None.
    """
    gaps = jnp.diff(jnp.sort(lax.stop_gradient(heights)))
    least = jnp.min(jnp.where(gaps > 0, gaps, 1))
    more = 0 if log_weights is None else jnp.ptp(lax.stop_gradient(log_weights))
    return (_FROZEN + more) / least


def falling_root(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The root of a falling function: Newton's steps, halving where they leave.

    Differentiable in whatever the function depends on, by the implicit function
    theorem; the bounds have no derivative.

    Args:
        function: scalar to scalar.
        low: a bound below the root.
        high: a bound above the root.

    Returns:
        The root, to rounding, or to ε² times the larger bound where that is more.
    """

    def solve(function, start):
        del start
        size = jnp.maximum(jnp.abs(low), jnp.abs(high))

        def unsettled(carry):
            x, low, high, moved, step = carry
            eps = jnp.finfo(x.dtype).eps
            small = 4 * eps * jnp.maximum(jnp.abs(x), eps * size)
            return (moved > small) & (high - low > small) & (step < _MOST_STEPS)

        def narrow(carry):
            x, low, high, _, step = carry
            value, slope = jax.jvp(function, (x,), (jnp.ones_like(x),))
            low, high = jnp.where(value > 0, x, low), jnp.where(value > 0, high, x)
            newton = x - value / jnp.where(slope < 0, slope, -1)
            inside = (slope < 0) & (newton >= low) & (newton <= high)
            # every third step halves: Newton's may be slow from afar
            middle = (low + high) / 2
            new = jnp.where(inside & (step % 3 < 2), newton, middle)
            return new, low, high, jnp.abs(new - x), step + 1

        start = (low + high) / 2
        carry = (start, low, high, jnp.asarray(jnp.inf, start.dtype), 0)
        return lax.while_loop(unsettled, narrow, carry)[0]

    low, high = lax.stop_gradient(low), lax.stop_gradient(high)
    return lax.custom_root(
        function,
        (low + high) / 2,
        solve,
        lambda linear, y: y / linear(jnp.ones_like(y)),
    )
