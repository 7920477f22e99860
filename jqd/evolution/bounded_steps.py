"""Adaptive steps that pass over nothing that drives do."""

from typing import Any

import diffrax
import equinox as eqx
import jax.numpy as jnp

from .drives import Course


class BoundedSteps(diffrax.AbstractAdaptiveStepSizeController):
    """A controller whose steps go no further than the course of the drives allows.

    Attributes:
        controller: which chooses the steps.
        course: of the drives.
    """

    controller: diffrax.AbstractAdaptiveStepSizeController
    course: Course

    @property
    def rtol(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the controller."""
        return self.controller.rtol

    @property
    def atol(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the controller."""
        return self.controller.atol

    @property
    def norm(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """That of the controller."""
        return self.controller.norm

    def wrap(self, direction: Any) -> "BoundedSteps":
        """The same; runs go forwards in time."""
        wrapped = self.controller.wrap(direction)
        return eqx.tree_at(lambda own: own.controller, self, wrapped)

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        """End of the first step, and the state of the controller."""
        end, state = self.controller.init(
            terms, t0, t1, y0, dt0, args, func, error_order
        )
        return jnp.minimum(end, self.course.reach(t0)), state

    def adapt_step_size(
        self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state
    ):
        """What the controller says, with an end of the next step that is allowed."""
        keep, begin, end, jumped, state, result = self.controller.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state
        )
        end = jnp.minimum(end, self.course.reach(begin))
        return keep, begin, end, jumped, state, result
