"""Magnetic fields that act on a spin, as functions of position and time."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._gate import gated
from ..constants import constant, fixed
from .functions import FieldFunction, component_shapes, takes_time, with_leaves
from .grids import Grid
from .vector_potentials import VectorPotential


class MagneticField(FieldFunction):
    """B(x, ..) or B(x, .., t): one strength along one direction, or three components.

    A field given as a strength along a direction has this direction everywhere and at
    all times; one given by three components may turn from place to place or in time.

    Attributes:
        direction: unit vector, (3,); None for three components.
    """

    direction: Float[Array, " 3"] | None = fixed(default=None)

    @property
    def turns(self) -> bool:
        """Whether the direction of B may change from place to place, or in time."""
        return self.direction is None

    @property
    def axis(self) -> Float[Array, " 3"]:
        """The direction of a field that does not turn."""
        assert self.direction is not None
        return self.direction

    def given(self, coordinates: tuple[Array, ...], t: ArrayLike) -> tuple[Array, ...]:
        """What the function returns, one array or three, not broadcast."""
        value = self.value(coordinates, t)
        values = value if isinstance(value, tuple | list) else (value,)
        return tuple(jnp.asarray(one) for one in values)

    def at(self, coordinates: tuple[Array, ...], t: ArrayLike) -> Float[Array, "3 ..."]:
        """Bx, By, Bz at these coordinates, stacked first."""
        values = self.given(coordinates, t)
        if self.direction is not None:
            values = tuple(along * values[0] for along in self.direction)
        return jnp.stack(jnp.broadcast_arrays(*values))

    def __call__(self, grid: Grid, t: ArrayLike) -> Float[Array, "3 ..."]:
        """B on the grid, or what broadcasts to it, (3, ..)."""
        return _filled(self.at(grid.coordinates, t), grid)

    def gradient(self, grid: Grid, t: ArrayLike) -> Float[Array, "d 3 ..."]:
        """∂B/∂x_i on the grid, (ndim, 3, *shape), by automatic differentiation."""
        return _slopes(lambda *x: self.at(x, t), grid)


class CurlField(eqx.Module):
    """B = ∇×A: along z in two dimensions, of three components in three.

    Attributes:
        A: the vector potential.
        ndim: number of dimensions of space (static).
    """

    A: VectorPotential
    ndim: int = eqx.field(static=True)

    @property
    def autonomous(self) -> bool:
        """Whether A is the same at all times."""
        return self.A.autonomous

    @property
    def turns(self) -> bool:
        """Whether the direction of B may change from place to place, or in time."""
        return self.ndim > 2

    @property
    def axis(self) -> Float[Array, " 3"]:
        """z, the direction of B in two dimensions."""
        return jnp.array([0.0, 0.0, 1.0])

    def at(self, coordinates: tuple[Array, ...], t: ArrayLike) -> Float[Array, "3 ..."]:
        """Bx, By, Bz at these coordinates, stacked first."""
        points = tuple(jnp.broadcast_arrays(*coordinates))

        def components(*x: Array) -> Array:
            values = [jnp.broadcast_to(a, x[0].shape) for a in self.A.at(x, t)]
            return jnp.stack(values)

        slopes = [_along(components, points, axis) for axis in range(self.ndim)]
        around = slopes[0][1] - slopes[1][0]
        if self.ndim == 2:
            none = jnp.zeros_like(around)
            return jnp.stack([none, none, around])
        first, second = slopes[1][2] - slopes[2][1], slopes[2][0] - slopes[0][2]
        return jnp.stack([first, second, around])

    def __call__(self, grid: Grid, t: ArrayLike) -> Float[Array, "3 ..."]:
        """B on the grid, (3, *shape)."""
        return self.at(grid.coordinates, t)

    def gradient(self, grid: Grid, t: ArrayLike) -> Float[Array, "d 3 ..."]:
        """∂B/∂x_i on the grid, (ndim, 3, *shape)."""
        return _slopes(lambda *x: self.at(x, t), grid)


def _along(function: Callable[..., Array], points: tuple[Array, ...], axis: int):
    """The slope of a function of positions along one axis."""
    tangents = [jnp.zeros_like(x) for x in points]
    tangents[axis] = jnp.ones_like(points[axis])
    return jax.jvp(function, points, tuple(tangents))[1]


def _slopes(function: Callable[..., Array], grid: Grid) -> Array:
    points = tuple(jnp.broadcast_arrays(*grid.coordinates))

    def full(*x: Array) -> Array:
        return jnp.broadcast_to(_filled(function(*x), grid), (3, *grid.shape))

    return jnp.stack([_along(full, points, axis) for axis in range(grid.ndim)])


def _filled(values: Array, grid: Grid) -> Array:
    """(3, ..) with as many axes as the grid has, from a function of few coordinates."""
    missing = grid.ndim + 1 - values.ndim
    return values.reshape(values.shape[:1] + (1,) * missing + values.shape[1:])


@gated
def magnetic_field(
    function: Callable[..., Any] | MagneticField,
    grid: Grid,
    *,
    direction: ArrayLike | None = None,
    **constants: ArrayLike,
) -> MagneticField:
    """A magnetic field on `grid` from a function of the coordinates.

    Args:
        function: B(x, ..) or B(x, .., t), point by point. It returns one broadcastable
            array, the strength along `direction`, or a tuple of three, Bx, By, Bz.
        grid: the grid.
        direction: direction of a field given as a strength, (3,), of any length but 0;
            None for z.
        **constants: array constants passed to the function by keyword; they become
            leaves.

    Returns:
        The field.

    Raises:
        ValueError: not a function, another number of arguments or components, values
            that are complex or not finite, a direction of length 0, or a direction for
            a field of three components.
    """
    if isinstance(function, MagneticField):
        if direction is not None:
            raise ValueError(
                "Argument `direction` must be given with the function of a magnetic "
                "field, but is beside one that is made."
            )
        return function
    _checks.check_function(function, "magnetic_field", "the coordinates")
    timed = takes_time(function, grid.ndim, constants, "magnetic_field")
    made = with_leaves(function, constants)
    B = MagneticField(timed, made, None)
    shapes = component_shapes(
        lambda: B.given(grid.coordinates, 0.0), "magnetic_field",
        "a strength, or three components", grid.shape,
    )  # fmt: skip
    if len(shapes) not in (1, 3):
        raise ValueError(
            "Argument `magnetic_field` must give a strength, or three components, but "
            f"gives {len(shapes)}."
        )
    if len(shapes) == 1:
        axis = _unit(np.array([0.0, 0.0, 1.0]) if direction is None else direction)
        B = MagneticField(timed, made, axis)
    elif direction is not None:
        raise ValueError(
            "Argument `direction` must be left out where `magnetic_field` gives three "
            "components, but is given."
        )
    _checks.check_finite(B(grid, 0.0), "magnetic_field")
    return B


def _unit(direction: ArrayLike) -> Array:
    _checks.check_reals(direction, "direction", (3,))
    vector = constant(direction, "direction")
    length = jnp.sqrt(jnp.sum(vector**2))
    if _checks.is_concrete(length) and float(length) == 0:
        raise ValueError("Argument `direction` must have a length, but is 0.")
    return vector / length
