"""Potentials on a grid: sampled values, or functions of position and time."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from .. import _checks
from .._outside import plain
from .functions import (
    FieldFunction,
    leaf,
    refuse_constants,
    shape_at,
    taken_by_keyword,
    takes_time,
    with_leaves,
)
from .grids import Grid


class SampledPotential(eqx.Module):
    """V given by its values on the grid.

    Attributes:
        values: V at the grid points, shape of the grid, in energy units.
    """

    values: Float[Array, "..."] = eqx.field(converter=leaf)

    @property
    def autonomous(self) -> bool:
        """Samples do not depend on time."""
        return True

    def __call__(self, grid: Grid, t: ArrayLike) -> Array:
        """V on the grid."""
        del grid, t
        return self.values

    def gradient(self, grid: Grid, t: ArrayLike) -> Array:
        """grad V, (ndim, *shape), by local differences: V need not be periodic."""
        del t
        return jnp.stack(grid.gradient(self.values))


class FunctionPotential(FieldFunction):
    """V(x, ..) or V(x, .., t), with constants that can be fitted."""

    def at(self, coordinates: tuple[Array, ...], t: ArrayLike) -> Array:
        """V at these coordinates."""
        return jnp.asarray(self.value(coordinates, t))

    def __call__(self, grid: Grid, t: ArrayLike) -> Array:
        """V on the grid."""
        values = jnp.broadcast_to(self.at(grid.coordinates, t), grid.shape)
        return grid.shard(values)

    def gradient(self, grid: Grid, t: ArrayLike) -> Array:
        """grad V, (ndim, *shape), by automatic differentiation."""
        points = tuple(map(grid.shard, jnp.broadcast_arrays(*grid.coordinates)))

        # V acts on each point alone, so the gradient of the sum is the gradient
        def total(*coordinates: Array) -> Array:
            return jnp.sum(self.at(coordinates, t))

        return jnp.stack(jax.grad(total, argnums=tuple(range(grid.ndim)))(*points))


Potential = SampledPotential | FunctionPotential


def potential(
    V: Callable[..., Array] | ArrayLike | Potential,
    grid: Grid,
    **constants: PyTree,
) -> Potential:
    """A potential on `grid` from values or from a function.

    Args:
        V: array of the grid's shape, or a callable V(x, ..) or V(x, .., t)
            taking one broadcastable array per dimension (and the time, scalar).
        grid: the grid.
        **constants: array constants passed to the function by keyword; they become
            leaves, so they can be differentiated and fitted.

    Returns:
        A potential: call it with (grid, t).

    Raises:
        ValueError: wrong shape, values that are complex or not finite, a function
            with another number of arguments, or constants that it does not take.
    """
    _checks.check_type(grid, "grid", Grid, "a Grid")
    if isinstance(V, SampledPotential | FunctionPotential):
        refuse_constants(constants, (), "potential")
        return V
    if not callable(V):
        refuse_constants(constants, (), "potential")
        V = plain(V, "V")
        shape = np.shape(V)  # pyright: ignore[reportArgumentType, reportCallIssue]
        if shape != grid.shape:
            raise ValueError(
                f"Argument `V` must have the grid's shape {grid.shape}, but "
                f"has shape {shape}."
            )
        values = grid.shard(V)
        _checks.check_reals(values, "V")
        _checks.check_size(values, "V")
        return SampledPotential(values)
    refuse_constants(constants, taken_by_keyword(V, "V"), "potential")
    timed = takes_time(V, grid.ndim, constants, "V")
    made = FunctionPotential(timed, with_leaves(V, constants))
    _check_values(made, grid)
    return made


def _check_values(V: FunctionPotential, grid: Grid) -> None:
    """V gives real numbers that fit the grid: its shapes alone are computed."""
    values = shape_at(lambda t: V.at(grid.coordinates, t), "V", "arrays")
    _checks.check_real(values, "V")
    ends = zip(reversed(values.shape), reversed(grid.shape), strict=False)
    if len(values.shape) > grid.ndim or any(n not in (1, full) for n, full in ends):
        raise ValueError(
            "Argument `V` must give values of the grid's shape "
            f"{grid.shape}, but gives {values.shape}."
        )
