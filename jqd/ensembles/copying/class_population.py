"""Systems distinguished by their class alone: all of a class share its phase."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, PyTree

from .class_steps import Systems, leap_classes, thin_classes
from .loop import Population, Step
from .populations import drawn, rounded
from .rates import Process

_START, _STEPS = range(2)


class ClassPopulation(Population):
    """Systems by class, with a known number of systems and one phase per class.

    Attributes:
        process: the process.
        exact_below: links of a class with fewer systems are drawn one by one.
        density: ρ at the first time, (M,).
        unit: exp(-iφ) at the first time, (M,).
        observe: a function of (t, occupation, ψ) to keep instead of the state, or None.
        method: "leap" or "exact" (static).
        initial: "rounded" or "drawn" (static).
        tagged: whether systems keep the label of their first class (static).
    """

    process: Process
    exact_below: Float[Array, ""]
    density: Float[Array, " M"]
    unit: Complex[Array, " M"]
    observe: Callable[..., Any] | None
    method: str = eqx.field(static=True)
    initial: str = eqx.field(static=True)
    tagged: bool = eqx.field(static=True)

    def begin(self, key: Array) -> tuple[Systems, Array, Array]:
        """Begin with N ρ_a systems in each class, rounded or drawn."""
        copies = self.process.copies
        if self.initial == "drawn":
            counts = drawn(jax.random.fold_in(key, _START), self.density, copies)
        else:
            counts = rounded(self.density, copies)
        systems = Systems(
            jnp.diag(counts) if self.tagged else counts[None, :], self.unit
        )
        return systems, jax.random.fold_in(key, _STEPS), self.empty(systems)

    def step(
        self, t: Array, state: Systems, room: Array, key: Array, fineness: Array
    ) -> Step:
        """Make a leap, or go to the next proposal of a copy."""
        systems = (self.process, t, state, room, key, fineness)
        if self.method == "exact":
            return thin_classes(*systems)
        return leap_classes(*systems, self.exact_below)

    def look(self, t: Array, state: Systems) -> tuple[Systems, PyTree[Array]]:
        """Counts and phase factors, or the values of `observe`."""
        if self.observe is None:
            return state, state
        occupation = jnp.sum(state.counts, axis=0)
        psi = jnp.sqrt(occupation / self.process.copies) * state.unit
        return state, self.observe(t, occupation, psi)

    def empty(self, state: Systems) -> Bool[Array, " M"]:
        """Classes without systems and spectators."""
        return self.process.weights(jnp.sum(state.counts, axis=0)) <= 0

    def sound(self, state: Systems) -> Bool[Array, ""]:
        """Whether all phases are finite numbers."""
        return jnp.all(jnp.isfinite(state.unit))
