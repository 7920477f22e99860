"""Parts of diffrax: steps within features of drives; reverse mode that is bounded."""

import functools
from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import equinox.internal as eqxi
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from .drives import Course


class BoundedSteps(diffrax.AbstractAdaptiveStepSizeController):
    """A step-size controller whose steps are bounded by the course of the drives.

    Attributes:
        controller: the controller that chooses the steps.
        course: the course of the drives, which bounds them, or None.
        first: length of the first step over that which the controller chooses.
    """

    controller: diffrax.AbstractAdaptiveStepSizeController
    course: Course | None
    first: float = eqx.field(static=True, default=1.0)

    @property
    def rtol(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The relative tolerance of the controller."""
        return self.controller.rtol

    @property
    def atol(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The absolute tolerance of the controller."""
        return self.controller.atol

    @property
    def norm(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The norm of the controller."""
        return self.controller.norm

    def wrap(self, direction: Any) -> "BoundedSteps":
        """The controller itself: runs go forwards in time."""
        wrapped = self.controller.wrap(direction)
        return eqx.tree_at(lambda own: own.controller, self, wrapped)

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        """End of the first step, and the state of the controller."""
        end, state = self.controller.init(
            terms, t0, t1, y0, dt0, args, func, error_order
        )
        if self.first < 1:
            end = t0 + self.first * (jnp.minimum(end, t1) - t0)
        return self._bounded(t0, end), state

    def adapt_step_size(
        self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state
    ):
        """The controller's answer, with the end of the next step within the bound."""
        keep, begin, end, jumped, state, result = self.controller.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state
        )
        return keep, begin, self._bounded(begin, end), jumped, state, result

    def _bounded(self, begin, end):
        if self.course is None:
            return end
        return jnp.minimum(end, self.course.reach(begin))


class TwiceCheckpointed(diffrax.RecursiveCheckpointAdjoint):
    """Reverse mode with checkpoints that forward mode can differentiate.

    `diffrax.RecursiveCheckpointAdjoint` has loops inside a step, over stages and save
    times, that support reverse mode alone; here they are bounded and support both
    modes. A gradient takes two to four times as long.
    """

    def loop(self, *, solver: Any, max_steps: Any, **options: Any) -> Any:
        """Run the steps; `diffrax.diffeqsolve` calls this."""
        for name in ("throw", "passed_solver_state", "passed_controller_state"):
            del options[name]
        # solvers without a loop over stages need nothing
        staged = isinstance(solver, diffrax.AbstractRungeKutta)
        if staged and solver.scan_kind is None:
            solver = eqx.tree_at(
                lambda s: s.scan_kind, solver, "bounded", is_leaf=lambda x: x is None
            )
        loop = functools.partial
        return self._loop(
            solver=solver, max_steps=max_steps,
            inner_while_loop=loop(eqxi.while_loop, kind="bounded"),
            outer_while_loop=loop(
                eqxi.while_loop, kind="checkpointed", checkpoints=self.checkpoints
            ),
            **options,
        )  # fmt: skip


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
    return np.zeros(jnp.shape(leaf), jax.dtypes.float0)
