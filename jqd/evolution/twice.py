"""Second derivatives of a function whose fastest gradient has none."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree


def twice_differentiable(
    first: Callable[[Any], PyTree[Array]], second: Callable[[Any], PyTree[Array]]
) -> Callable[[Any], PyTree[Array]]:
    """The function `first` with the derivatives of the gradient of `second`.

    Values and gradients are computed by `first` alone. Only where a gradient is itself
    differentiated, as `jax.hessian` does in forward mode, `second` takes over: a loop
    that keeps few states for its gradient cannot be differentiated in forward mode, and
    one that can is slower.

    Args:
        first: function of a PyTree; it needs reverse mode only.
        second: the same function; its reverse mode has forward mode.

    Returns:
        The function, with reverse mode and forward mode over it.
    """

    def call(arguments: Any) -> PyTree[Array]:
        moving, rest = eqx.partition(arguments, eqx.is_inexact_array)
        fixed, static = eqx.partition(rest, eqx.is_array)
        return _function(first, second, static)(moving, fixed)

    return call


def _function(first: Any, second: Any, static: Any) -> Callable[..., PyTree[Array]]:
    """The same of (inexact arrays, other arrays), which may be tracers all."""

    def of(function: Any, fixed: Any) -> Callable[[Any], Any]:
        return lambda moving: function(eqx.combine(moving, fixed, static))

    # Each trace makes the pull-back anew: its arrays are the same, its program is not
    # compared equal. So only the arrays pass through JAX.
    programs = []

    @jax.custom_jvp
    def ahead(moving: Any, fixed: Any) -> tuple[Any, list[Array]]:
        values, pull = jax.vjp(of(first, fixed), moving)
        arrays, program = jax.tree.flatten(pull)
        programs.append(program)
        return values, arrays

    @ahead.defjvp
    def ahead_jvp(primals: Any, tangents: Any) -> Any:
        moving, fixed = primals

        def value(moving: Any) -> Any:
            # within its reverse mode it has forward mode
            return jax.vjp(of(second, fixed), moving)[0]

        values, slopes = jax.jvp(value, (moving,), tangents[:1])
        # What moves here moves in `back`, which then asks `second` and not for these.
        kept = jax.eval_shape(ahead, moving, fixed)[1]
        kept = [jnp.zeros(array.shape, array.dtype) for array in kept]
        return (values, kept), (slopes, [_no_slope(array) for array in kept])

    @jax.custom_jvp
    def back(moving: Any, fixed: Any, pull: Any, bars: Any) -> Any:
        del moving, fixed
        return jax.tree.unflatten(programs[-1], pull)(bars)[0]

    @back.defjvp
    def back_jvp(primals: Any, tangents: Any) -> Any:
        moving, fixed, _, bars = primals

        def gradient(moving: Any, bars: Any) -> Any:
            return jax.vjp(of(second, fixed), moving)[1](bars)[0]

        along = (tangents[0], tangents[3])
        return jax.jvp(gradient, (moving, bars), along)

    @jax.custom_vjp
    def function(moving: Any, fixed: Any) -> PyTree[Array]:
        return of(first, fixed)(moving)

    def forward(moving: Any, fixed: Any) -> tuple[Any, Any]:
        values, pull = ahead(moving, fixed)
        return values, (moving, fixed, pull)

    def backward(kept: Any, bars: Any) -> tuple[Any, None]:
        moving, fixed, pull = kept
        return back(moving, fixed, pull, bars), None

    function.defvjp(forward, backward)
    return function


def _no_slope(leaf: Array) -> Any:
    """The tangent zero of an array of any dtype."""
    if jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
        return jnp.zeros_like(leaf)
    return np.zeros(np.shape(leaf), jax.dtypes.float0)
