"""How a run ended, as data."""

import enum
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ..laws.law import (
    ALARM_CUTOFF,
    ALARM_EDGE,
    ALARM_HORIZON,
    ALARM_NODE,
    ALARM_NONE,
)


class Status(enum.IntEnum):
    """Status codes; `Trajectory.status` holds one per batch element."""

    OK = ALARM_NONE
    NODE = ALARM_NODE
    NON_FINITE = 2
    STEP_BUDGET = 3
    HORIZON = ALARM_HORIZON
    CUTOFF = ALARM_CUTOFF
    EDGE = ALARM_EDGE
    INACCURATE = 7

    @property
    def sentence(self) -> str:
        """What the status means."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.OK: "The run reached its last time.",
    Status.NODE: "A density vanished, where the law ends.",
    Status.NON_FINITE: "A value grew beyond bounds or stopped being a number.",
    Status.STEP_BUDGET: "The step budget was spent; raise `max_steps`.",
    Status.HORIZON: "Noise has outgrown the solution: past the horizon of this form.",
    Status.CUTOFF: "The state reached the edge of its basis; raise the levels, or "
    "refine the grid.",
    Status.EDGE: "The density reached the walls of the box; enlarge it.",
    Status.INACCURATE: "The estimated error is as large as the result; refine the "
    "steps, the grid or the basis, or stop earlier.",
}


def is_sound(state: PyTree[Array]) -> Array:
    """Whether every number of a state is finite and of reasonable size.

    The bound stands far below overflow, so that a run that blows up is stopped while
    its derivatives are still numbers.
    """

    def sound(leaf: Array) -> Array:
        bound = jnp.finfo(leaf.dtype).max ** 0.25
        # comparisons with NaN are false; the parts avoid a square root
        parts = (jnp.real(leaf), jnp.imag(leaf)) if jnp.iscomplexobj(leaf) else (leaf,)
        return jnp.all(jnp.stack([jnp.all(jnp.abs(part) < bound) for part in parts]))

    leaves = [leaf for leaf in jax.tree.leaves(state) if is_inexact(leaf)]
    return jnp.all(jnp.stack([sound(leaf) for leaf in leaves]))


def is_inexact(leaf: Any) -> bool:
    """Whether a leaf is an array of real or complex numbers."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)
