"""Levenberg-Marquardt that knows when it is near enough; imports optimistix."""

from typing import Any

import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, ArrayLike, Bool, Float

from .._math import triangle

# Rounding errors of a sum of squares that a step must gain, in units of ε.
ROUNDING = 8


class Solver(optx.LevenbergMarquardt):
    """Levenberg's and Marquardt's method, which also stops near the minimum.

    Where residuals are in units of their scatter, |P r| is the distance from the
    minimum in standard errors, P the projector on the columns of their Jacobian.

    Attributes:
        least: |P r| at which to stop, scalar.
    """

    least: ArrayLike

    def __init__(self, rtol: Any, atol: Any, least: ArrayLike):
        super().__init__(rtol=rtol, atol=atol)
        self.least = least

    def terminate(
        self,
        fn: Any,
        y: Any,
        args: Any,
        options: dict[str, Any],
        state: Any,
        tags: frozenset[object],
    ) -> tuple[Bool[Array, ""], optx.RESULTS]:
        """Whether to stop, at the last point that was accepted."""
        done, result = super().terminate(fn, y, args, options, state, tags)
        along, _ = _gain(*seen(state))
        near = (state.num_accepted_steps > 0) & (along <= self.least**2)
        return done | near, result


def seen(state: Any) -> tuple[Float[Array, " rows"], Float[Array, "rows p"]]:
    """Residuals and their Jacobian where a solver is."""
    return state.f_info.residual, state.f_info.jac.as_matrix()


def _gain(missed: Array, slopes: Array) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """|P r|², what the best step lowers the sum of squares by, and this sum |r|²."""
    both = triangle(jnp.concatenate([slopes, missed[:, None]], axis=1))
    return jnp.sum(both[:-1, -1] ** 2), jnp.sum(missed**2)


def at_rest(
    missed: Float[Array, " rows"], slopes: Float[Array, "rows p"]
) -> Bool[Array, ""]:
    """Whether the best step would lower the cost by less than the cost is rounded.

    Where residuals are large and curved, steps of Gauss and Newton shorten by a factor
    only. At last the cost cannot tell which of two points is better, and all further
    steps are refused, until none is left. The residuals r are at rest where

        |P r|² <= 8 ε |r|²

    which is within √(8 ε) |r| standard errors of the minimum.

    Args:
        missed: residuals r of the point where a solver ended.
        slopes: their Jacobian.
    """
    along, every = _gain(missed, slopes)
    return along <= ROUNDING * jnp.finfo(missed.dtype).eps * every
