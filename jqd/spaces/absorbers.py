"""Absorbing layers: open walls for a periodic box."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..constants import constant
from .grids import Grid


def absorbing_layer(
    grid: Grid,
    width: float | Sequence[float],
    strength: ArrayLike,
    *,
    axes: Sequence[int] | None = None,
) -> Float[Array, "..."]:
    """The absorber W of H = T + V - iW: a layer along the walls of the box.

    W = A Σ_axes s³, where s rises from 0 at the inner edge of the layer to 1 at the
    wall

    A wave in the layer decays as exp(-∫W dt/ħ); the rest of it at the wall enters the
    layer of the opposite wall. For a plane wave with wavelength λ and kinetic energy E,
    a layer with A = 2E .. 4E reflects or transmits 1e-4 at a width of 1.6 λ, and 1e-7
    at 3.2 λ.

    Args:
        grid: the grid.
        width: width of the layer, one for all or one for each of `axes` (static).
        strength: A, scalar, unit of energy.
        axes: axes whose two walls absorb; all by default (static).

    Returns:
        W ≥ 0, of the grid's shape.

    Raises:
        ValueError: axes that the grid does not have, a width that is not positive or is
            more than half the box, a strength that is not a positive scalar.
    """
    _checks.check_type(grid, "grid", Grid, "a Grid")
    chosen = _read_axes(grid, axes)
    _checks.check_numbers(width, "width")
    thick = np.asarray(width)
    _checks.check_reals(thick, "width")
    if thick.ndim:
        _checks.check_shape(thick, "width", (len(chosen),))
    widths = np.broadcast_to(thick, (len(chosen),))
    _checks.check_positive(strength, "strength", ())
    layers = []
    for axis, thickness in zip(chosen, widths, strict=True):
        lower, upper = grid.bounds[axis]
        if not 0 < thickness <= (upper - lower) / 2:
            raise ValueError(
                f"Argument `width` must be positive and at most half the box, but is "
                f"{thickness} on axis {axis}, of length {upper - lower}."
            )
        n = grid.shape[axis]
        x = lower + grid.spacing[axis] * np.arange(n)
        # distance to the nearer wall, seen from inside
        s = np.clip(1 - np.minimum(x - lower, upper - x) / thickness, 0, 1)
        shape = [n if i == axis else 1 for i in range(grid.ndim)]
        layers.append((s**3).reshape(shape))
    if grid.sharding is not None:
        return grid.sample(lambda *_: strength * sum(map(jnp.asarray, layers)))
    depth = sum(layers, np.zeros(grid.shape))
    return jnp.asarray(strength) * jnp.asarray(depth)


def _read_axes(grid: Grid, axes: Sequence[int] | None) -> tuple[int, ...]:
    """Axes as distinct numbers from 0."""
    if axes is None:
        return tuple(range(grid.ndim))
    chosen = tuple(axes)
    for axis in chosen:
        _checks.check_choice(axis, "axes", tuple(range(-grid.ndim, grid.ndim)))
    positive = tuple(axis % grid.ndim for axis in chosen)
    if not positive or len(set(positive)) != len(positive):
        raise ValueError(
            f"Argument `axes` must name at least one axis, each once, but is {axes}."
        )
    return positive


def read_absorber(absorber: ArrayLike | None, grid: Grid) -> Array | None:
    """W as a leaf; None for closed walls.

    Raises:
        ValueError: W is complex, not finite, of another shape or somewhere negative.
    """
    if absorber is None:
        return None
    absorber = constant(absorber, "absorber")
    _checks.check_reals(absorber, "absorber", grid.shape)
    if not _checks.is_concrete(absorber):
        return absorber
    if _checks.is_spread(absorber):
        smallest = _checks.reduce_spread(jnp.min, absorber)
    else:
        smallest = _checks.concrete(absorber).min()
    if smallest < 0:
        raise ValueError(
            "Argument `absorber` must not be negative, but its smallest entry is "
            f"{smallest}: the wave would grow there."
        )
    return absorber
