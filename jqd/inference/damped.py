"""Levenberg-Marquardt that ends where rounding lets it go no further."""

from typing import Any

import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Bool

# Rounding errors of a sum of squares that a step must gain, in units of ε.
ROUNDING = 8


class LevenbergMarquardt(optx.LevenbergMarquardt):
    """The method of optimistix, which ends at a minimum that is known to rounding.

    That one ends with a short step that lowers the cost. Where the residuals r are
    large and curved, steps shorten by a factor only, and the cost |r|² changes by less
    than it is rounded before a step is short enough: every further one is refused. Here
    a refused step is the last, if the undamped one would gain no more than rounding,

        |P r|² <= 8 ε |r|²,    P the projector on the slopes of r

    which is within √(8 ε) |r| standard errors of the minimum.
    """

    def __init__(self, rtol: float, atol: float) -> None:
        super().__init__(rtol, atol)

    def terminate(
        self, fn: Any, y: Any, args: Any, options: Any, state: Any, tags: Any
    ) -> tuple[Bool[Array, ""], optx.RESULTS]:
        """Whether a step was short, or refused where none can gain."""
        done, result = super().terminate(fn, y, args, options, state, tags)
        refused = state.num_steps_since_acceptance > 0
        residual, slopes = state.f_info.residual, state.f_info.jac.as_matrix()
        spanned = jnp.linalg.qr(slopes.reshape(residual.size, -1))[0].T @ residual
        least = ROUNDING * jnp.finfo(residual.dtype).eps * jnp.sum(residual**2)
        return done | (refused & (jnp.sum(spanned**2) <= least)), result
