"""The point at which particles arrive, and the caution that goes with every result."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...laws.law import Law
from ...spaces import Grid
from ..paths.processes import read_walk
from ..paths.walk import Walk

CAUTION = (
    "ideal, unrecorded passages, which describe no experiment; the records of a "
    "detector that is part of H are the same for every ν"
)
_SIGNS = {"left": 1, "right": -1}


class Detector(eqx.Module):
    """An ideal detector, the plane x = L across one axis, for particles from one side.

    Attributes:
        position: L, scalar.
        sign: 1 where particles come from the left, -1 from the right (static).
        axis: of x (static).
    """

    position: Float[Array, ""]
    sign: int = eqx.field(static=True)
    axis: int = eqx.field(static=True)

    def distance(self, x: Array) -> Array:
        """The distance of x before the detector, negative beyond it."""
        return self.sign * (self.position - x)


def read_detector(
    detector: ArrayLike, side: str, grid: Grid, dtype: Any, axis: int = 0
) -> Detector:
    """The detector given by the checked arguments `detector`, `side` and `axis`."""
    axis = _checks.whole_number(axis, "axis", 0, grid.ndim - 1)
    _checks.check_choice(side, "side", tuple(_SIGNS))
    _checks.check_scalar(detector, "detector")
    lower, upper = grid.bounds[axis]
    if _checks.is_concrete(detector):
        place = float(_checks.concrete(detector))
        if not lower < place < upper:
            raise ValueError(
                f"Argument `detector` must lie inside of the box ({lower}, {upper}), "
                f"but is {place}."
            )
    return Detector(jnp.asarray(detector, dtype), _SIGNS[side], axis)


def read_line(
    law: Law, psi0: ArrayLike, ts: ArrayLike, detector, side, *, D, nu, scheme,
    stepper, substeps, refine=None,
) -> tuple[Walk, Array, Array, Detector]:  # fmt: skip
    """The process, ψ(t₀), times and detector; ValueError unless in one dimension."""
    walk, psi, ts = line_walk(law, psi0, ts, D, nu, scheme, stepper, substeps, refine)
    return walk, psi, ts, read_detector(detector, side, walk.grid, psi.real.dtype)


def line_walk(
    law: Law, psi0: ArrayLike, ts: ArrayLike, D, nu, scheme, stepper, substeps, refine
) -> tuple[Walk, Array, Array]:
    """The process, ψ(t₀) and times; ValueError unless in one dimension."""
    walk, psi, ts = read_walk(
        law, psi0, ts, D, nu, scheme, stepper, substeps, refine, False
    )
    if walk.grid.ndim != 1:
        raise ValueError(
            "Argument `law` must be on a grid of one dimension, but its grid has "
            f"{walk.grid.ndim}."
        )
    if psi.ndim > walk.grid.ndim:
        raise ValueError(
            "Argument `law` must not be of spinors here, but is; `arrival` takes them."
        )
    pushed = law.watch().convection(0.0, jnp.zeros((1, 1)), None) is not None
    if pushed or law.breaks().impulses is not None:
        raise ValueError(
            "Argument `law` must not have a vector potential or couplings here, but "
            "has; `arrival` and `nelson` take them."
        )
    return walk, psi, ts
