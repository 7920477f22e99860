"""Adaptive steps that do not pass over features of the drives, or begin shorter."""

from typing import Any

import diffrax
import equinox as eqx
import jax.numpy as jnp

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
