"""Checks of arguments that the gases share."""

from typing import Any

import numpy as np
from jaxtyping import Array

from ... import _checks


def check_gas(x: Array, v: Array, box: Array, radius: Array, mass: Array) -> None:
    """Check that positions, velocities, box, radii and masses fit and are positive."""
    _checks.check_shape(x, "positions", (None, None))
    n, d = x.shape
    if n < 2 or d not in (1, 2, 3):
        raise ValueError(
            "Argument `positions` must be of two particles or more along 1, 2 or 3 "
            f"axes, but its shape is {x.shape}."
        )
    _checks.check_shape(v, "velocities", (n, d))
    _checks.check_shape(box, "box", (d,))
    for name, values in (("positions", x), ("velocities", v)):
        _checks.check_reals(values, name)
    for name, values in (("radius", radius), ("mass", mass)):
        if values.ndim:
            _checks.check_shape(values, name, (n,))
        _checks.check_positive(values, name)
    _checks.check_positive(box, "box")
    if _checks.is_concrete((box, radius)):
        widest, length = 2 * float(np.max(radius)), float(np.min(box))
        if not widest < length / 2:
            raise ValueError(
                "Argument `box` must be more than twice as long as a particle is wide, "
                f"along every axis, but {length:.6g} holds one of {widest:.6g}."
            )


def check_velocities(v: Array, name: str = "velocities") -> None:
    """Check velocities (..., n, d) of at least one particle."""
    if v.ndim < 2 or v.shape[-1] not in (1, 2, 3) or v.shape[-2] == 0:
        raise ValueError(
            f"Argument `{name}` must have shape (..., n, d) with d = 1, 2 or 3, but "
            f"its shape is {v.shape}."
        )
    _checks.check_real(v, name)


def check_moving(v: Array) -> None:
    """Check that no gas (..., n, d) is at rest, which has no shape of velocities."""
    if _checks.is_concrete(v) and not np.any(np.asarray(v), axis=(-2, -1)).all():
        raise ValueError("Argument `velocities` must not all be zero, but they are.")


def check_dimension(d: Any) -> None:
    """Check that `d`, the number of axes of space, is 1, 2 or 3."""
    _checks.check_choice(d, "dimension", (1, 2, 3))
