"""Evolution from each time to the next by the exponential of a matrix."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from .._scans import saved_scan


def exponential_orbit(
    generator: Inexact[Array, "... n n"],
    start: Inexact[Array, "... n"],
    ts: Array,
) -> Inexact[Array, "T ... n"]:
    """y(t) with dy/dt = G y at the times `ts`, by exp(G (t' - t)).

    An exponential costs some 30 matrix products, and is reused as long as the interval
    between two times stays the same to rounding.

    Args:
        generator: G, one matrix or a batch.
        start: y at ts[0].
        ts: times, (T,), increasing.
    """
    near = 8 * jnp.finfo(ts.dtype).eps * jnp.max(jnp.abs(ts), initial=0)

    def interval(carry: Any, dt: Array) -> tuple[Any, Array]:
        state, made_for, kernel = carry
        made_for, kernel = jax.lax.cond(
            jnp.abs(dt - made_for) <= near,
            lambda: (made_for, kernel),
            lambda: (dt, jax.scipy.linalg.expm(generator * dt)),
        )
        state = jnp.matmul(kernel, state[..., None])[..., 0]
        return (state, made_for, kernel), state

    never = jnp.asarray(-jnp.inf, ts.dtype)
    begin = start, never, generator
    return saved_scan(interval, begin, jnp.diff(ts), start)[1]
