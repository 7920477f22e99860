"""Vector potentials on a grid, given as functions of position and time."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import divisor, safe_divide
from .functions import FieldFunction, component_shapes, takes_time, with_leaves
from .grids import Grid
from .resolution import TAIL

# Ends of A along its own axis must agree to this share of the largest A: rounding.
_SEAM = 1e-9
# Largest waves near the cut-off, in the same unit: a kink at the seam leaves 1e-4.
_TAIL = 1e-6
# Largest share of a state's probability at a seam across which A jumps.
SEAM_SHARE = 1e-6


class VectorPotential(FieldFunction):
    """A(x, ..) or A(x, .., t), one component per axis, with constants to be fitted."""

    def at(self, coordinates: tuple[Array, ...], t: ArrayLike) -> tuple[Array, ...]:
        """The components of A at these coordinates, not broadcast."""
        return tuple(jnp.asarray(a) for a in self.value(coordinates, t))

    def at_ends(
        self, grid: Grid, axis: int, t: ArrayLike
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """The components of A at both ends of an axis."""

        def at(end: float) -> tuple[Array, ...]:
            places = list(grid.coordinates)
            places[axis] = jnp.full((1,) * grid.ndim, end, places[axis].dtype)
            return self.at(tuple(places), t)

        lower, upper = grid.bounds[axis]
        return at(lower), at(upper)

    def along(
        self, grid: Grid, axis: int, t: ArrayLike
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """a and χ of A = a + ∂χ/∂x along one axis: a its mean there, χ periodic.

        Returns:
            a, of length 1 along the axis, and χ, both to be broadcast on the grid.
        """
        values = self.at(grid.coordinates, t)[axis]
        values = values.reshape((1,) * (grid.ndim - values.ndim) + values.shape)
        if values.shape[axis] == 1:
            return values, jnp.zeros_like(values)
        mean = jnp.mean(values, axis=axis, keepdims=True)
        k = grid.wavenumbers[axis]
        # χ_k = A_k/ik, except for the mean and the highest wave of an even grid
        n = grid.shape[axis]
        held = (k != 0) & (jnp.abs(k) < (1 - 1 / (2 * n)) * jnp.pi / grid.spacing[axis])
        over = safe_divide(1, k, held)
        wave = -1j * over * jnp.fft.fft(values, axis=axis)
        return mean, jnp.real(jnp.fft.ifft(wave, axis=axis))

    def seam_share(
        self, grid: Grid, density: Float[Array, "..."], t: ArrayLike
    ) -> Float[Array, ""]:
        """Share of a density at seams of the box across which A jumps.

        Along an axis other than its own, a component may differ between the two ends of
        the box. Between the last and the first points there is then a sheet of magnetic
        field, which is no part of the field that is meant.

        Args:
            grid: the grid.
            density: density on the grid, any normalisation.
            t: time, scalar.

        Returns:
            Σ_seam ρ / Σ ρ, with Σ_seam over the points on either side of seams where A
            jumps; 0 without such seams.
        """
        total = jnp.sum(density)
        found = jnp.zeros_like(total)
        inside = self.at(grid.coordinates, t)
        least = _SEAM * jnp.max(jnp.stack([jnp.max(jnp.abs(a)) for a in inside]))
        for axis in range(grid.ndim):
            sides = self.at_ends(grid, axis, t)
            jumps = jnp.zeros((1,) * grid.ndim, bool)
            for own, (low, high) in enumerate(zip(*sides, strict=True)):
                if own != axis:
                    jumps = jumps | (jnp.abs(high - low) > least)
            faces = jnp.take(density, jnp.array([0, grid.shape[axis] - 1]), axis)
            found = found + jnp.sum(jnp.where(jumps, faces, 0))
        return found / divisor(total)


def vector_potential(
    function: Callable[..., Any] | VectorPotential, grid: Grid, **constants: ArrayLike
) -> VectorPotential:
    """A vector potential on `grid` from a function of the coordinates.

    Each component must be periodic along its own axis. Along another axis it may jump
    where the box closes: there the magnetic field is a sheet, which does not affect a
    state without weight at this seam. A state with weight there is refused, and ends a
    run (`seam_share`).

    Args:
        function: A(x, ..) or A(x, .., t) -> (A_x, ..), point by point, one
            broadcastable array for each axis; 0 for a component that vanishes.
        grid: the grid.
        **constants: array constants passed to the function by keyword; they become
            leaves.

    Returns:
        The vector potential.

    Raises:
        ValueError: not a function, another number of arguments or components, values
            that are complex or not finite, or a component that is not periodic along
            its own axis.
    """
    if isinstance(function, VectorPotential):
        return function
    if not callable(function):
        raise ValueError(
            "Argument `vector_potential` must be a function of the coordinates, but it "
            f"is of type {type(function).__name__}."
        )
    _checks.check_type(grid, "grid", Grid, "a Grid")
    _checks.check_function(function, "vector_potential", "the coordinates")
    timed = takes_time(function, grid.ndim, constants, "vector_potential")
    A = VectorPotential(timed, with_leaves(function, constants))
    _check_components(A, grid)
    return A


def _check_components(A: VectorPotential, grid: Grid) -> None:
    shapes = component_shapes(
        lambda: A.at(grid.coordinates, 0.0), "vector_potential", "one array per axis",
        grid.shape,
    )  # fmt: skip
    if len(shapes) != grid.ndim:
        raise ValueError(
            f"Argument `vector_potential` must give {grid.ndim} components, one per "
            f"axis, but gives {len(shapes)}."
        )
    values = A.at(grid.coordinates, 0.0)
    if not _checks.is_concrete(values):
        return
    size = max(float(np.max(np.abs(_checks.concrete(value)))) for value in values)
    if not np.isfinite(size):
        raise ValueError(
            "Argument `vector_potential` must be finite, but is not on the grid."
        )
    for axis, value in enumerate(values):
        _check_seam(A, grid, axis, _checks.concrete(value), size)


def _check_seam(
    A: VectorPotential, grid: Grid, axis: int, values: np.ndarray, size: float
) -> None:
    """A_i is periodic along its own axis i, and the grid holds its waves there."""
    ends = [_checks.concrete(side[axis]) for side in A.at_ends(grid, axis, 0.0)]
    gap = float(np.max(np.abs(ends[1] - ends[0])))
    if gap > _SEAM * size:
        raise ValueError(
            "Argument `vector_potential` must be periodic across the seam of the box "
            f"along its own axis, but component {axis} differs by {gap:.3g} between "
            f"{grid.bounds[axis][0]} and {grid.bounds[axis][1]}: choose another gauge."
        )
    values = values.reshape((1,) * (grid.ndim - values.ndim) + values.shape)
    n = values.shape[axis]
    if n == 1:
        return
    waves = np.abs(np.fft.fft(values, axis=axis))
    frequency = np.abs(np.fft.fftfreq(n))
    far = frequency >= TAIL * frequency.max()
    tail = float(np.max(np.compress(far, waves, axis=axis))) / n
    if tail > _TAIL * size:
        raise ValueError(
            "Argument `vector_potential` must be smooth on the grid along its own "
            f"axis, also across the seam of the box, but component {axis} has waves of "
            f"{tail:.3g} at the cut-off: refine the grid, or choose another gauge."
        )
