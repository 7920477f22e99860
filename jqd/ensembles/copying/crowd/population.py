"""Systems one by one: each individual has its own beable and phase."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ...._math import expi
from ..loop import Population, Step
from ..rates import Process
from .rates import (
    Crowd,
    class_counts,
    distinct,
    moved_counts,
    order_parameters,
    phase_variance,
    turn,
)
from .steps import leap_individuals, thin_individuals

Observe = Callable[[Array, Array, Array], Any]


class IndividualPopulation(Population):
    """N individuals; spectators have no part in their process.

    Attributes:
        process: the process.
        beable: a_I at the first time, (N,).
        phase: φ_I at the first time, (N,).
        observe: a function of (t, beable, phase) to keep as well, or None.
        method: "leap" or "exact" (static).
        copy_phase: whether the phase is copied with the beable (static).
        histories: whether to keep the beable of each individual at all times (static).
    """

    process: Process
    beable: Int[Array, " N"]
    phase: Float[Array, " N"]
    observe: Observe | None
    method: str = eqx.field(static=True)
    copy_phase: bool = eqx.field(static=True)
    histories: bool = eqx.field(static=True)

    def begin(self, key: Array) -> tuple[Crowd, Array, Array]:
        """The given individuals; a class without any does not count as extinct."""
        beable = self.beable
        unit = expi(self.phase)
        occupation = class_counts(beable, self.process.law.omega)
        itself = jnp.arange(beable.shape[0], dtype=beable.dtype)
        late = jnp.zeros((), self.phase.dtype)
        crowd = Crowd(beable, unit, itself, occupation, late)
        return crowd, key, jnp.zeros(occupation.shape, bool)

    def step(
        self, t: Array, state: Crowd, room: Array, key: Array, fineness: Array
    ) -> Step:
        """Make a leap of all, or go to the next proposal of a copy."""
        del t  # the law is constant in time
        method = {"leap": leap_individuals, "exact": thin_individuals}[self.method]
        return method(self.process, self.copy_phase, state, room, key, fineness)

    def look(self, t: Array, state: Crowd) -> tuple[Crowd, dict[str, Any]]:
        """Averages over classes, and origins, by the names of the result."""
        if self.method == "leap":
            unit = turn(self.process, state, state.late)
            state = state._replace(unit=unit, late=jnp.zeros_like(state.late))
        beable, unit, ancestor, occupation, _ = state
        values = None
        if self.observe is not None:
            values = self.observe(t, beable, jnp.angle(unit))
        return state, {
            "occupation": occupation,
            "order": order_parameters(unit, beable, occupation),
            "variance": phase_variance(unit, beable, occupation),
            "tagged": moved_counts(beable, self.beable, occupation),
            "ancestors": distinct(ancestor),
            "histories": beable if self.histories else None,
            "values": values,
        }

    def empty(self, state: Crowd) -> Bool[Array, " M"]:
        """Classes without members."""
        return state.occupation <= 0

    def sound(self, state: Crowd) -> Bool[Array, ""]:
        """Whether all phases are finite numbers."""
        return jnp.all(jnp.isfinite(jnp.abs(state.unit)))
