"""Circulation and winding: which velocity fields belong to an amplitude (Wallstrom).

Γ = (1/2πħ) ∮ (mv + qA)·dl. The hydrodynamic equations (8)-(9) hold for any Γ around a
node, a zero of the density. But ψ = √density exp(iS/ħ) is single-valued only if every
Γ is an integer. Around a flux Φ this means m ∮ v·dl + qΦ = nh for any Φ; m ∮ v·dl
alone is in general no multiple of h. An amplitude, and so a law that uses exp(iS/ħ)
alone, has this built in; a velocity field from elsewhere must be checked.

`psi` is ψ, (..., *shape), on `grid`; `velocity` is v, (..., 2, *shape); `loop` is a
rectangle ((i0, i1), (j0, j1)) of the indices of its corners (static); ħ and m are
scalars. Loops need two dimensions.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Inexact, Int

from .. import _checks
from ..spaces import Grid, VectorPotential
from ..spaces.functions import takes_time
from .fields import as_amplitude, density

# ζ(-k) for k = 0, 1, .. with the term 0^0 = 1 of k = 0: what the trapezoidal sum of
# x^k over 0, 1, 2, .. has in excess of the integral.
_EXCESS = (1 / 2, -1 / 12, 0, 1 / 120, 0, -1 / 252, 0, 1 / 240)
Loop = Sequence[tuple[int, int]]


def vortices(
    psi: Inexact[Array, "..."],
    grid: Grid,
    *,
    axes: tuple[int, int] = (0, 1),
    floor: float = 0.0,
) -> Int[Array, "..."]:
    """The winding number of the phase of ψ around every elementary square.

    n = Σ arg(ψ_b ψ_a*)/2π over its four links, each phase in (-π, π]. It is an integer
    by construction, 0 where no vortex line passes, and counts counter-clockwise from
    the first axis to the second. A node on a point appears in one of its four squares.

    Args:
        psi: ψ, (..., *shape), in two or three dimensions.
        grid: the grid.
        axes: the two axes of the squares (static).
        floor: squares with no corner above `floor` times the largest density count
            as 0, because the phase of rounding noise, and of tails at the seam of the
            box, has vortices too.

    Returns:
        (..., *shape) integers; entry [i, j] belongs to the square between the points
        (i, j) and (i + 1, j + 1), with indices periodic in the box.

    Raises:
        ValueError: a grid of one dimension, or axes that are not a pair of its axes.
    """
    psi = as_amplitude(psi, grid)
    first, second = _plane(grid, axes)
    along, across = _link(psi, first), _link(psi, second)
    around = along + jnp.roll(across, -1, first) - jnp.roll(along, -1, second) - across
    winding = jnp.round(around / (2 * jnp.pi)).astype(int)
    weight = density(psi)
    corner = weight
    for axis in (first, second):
        corner = jnp.maximum(corner, jnp.roll(corner, -1, axis))
    largest = jnp.max(weight, axis=tuple(range(-grid.ndim, 0)), keepdims=True)
    return jnp.where(corner < floor * largest, 0, winding)


def winding(
    psi: Inexact[Array, "..."], grid: Grid, loop: Loop, floor: float = 0.0
) -> Int[Array, "..."]:
    """The winding number of ψ around a rectangle: the sum of the vortices inside.

    `floor` is that of `vortices`. Returns (...) integers.

    Raises:
        ValueError: a grid not of two dimensions, or a loop outside it.
    """
    (i0, i1), (j0, j1) = _check_loop(grid, loop)
    inside = vortices(psi, grid, floor=floor)[..., i0:i1, j0:j1]
    return jnp.sum(inside, axis=(-2, -1))


def circulation(
    velocity: ArrayLike,
    grid: Grid,
    loop: Loop,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    vector_potential: Callable[..., Any] | VectorPotential | None = None,
    charge: ArrayLike = 1.0,
    t: ArrayLike = 0.0,
) -> Float[Array, "..."]:
    """Γ = (1/2πħ) ∮ (mv + qA)·dl around a rectangle, counter-clockwise.

    The four sides are integrated by Gregory's rule of order 8 (lower on a side of fewer
    points), which does not require periodic values.

    Args:
        velocity: v, (..., 2, *shape); others as above.
        vector_potential: A(x, y) or A(x, y, t), two components; it may be non-periodic
            or have a pole inside the loop. None for no field.
        charge: q, scalar.
        t: time, scalar.

    Returns:
        (...), in quanta 2πħ/m.

    Raises:
        ValueError: a velocity of another shape, or a loop outside the grid.
    """
    velocity = _velocity(velocity, grid)
    if vector_potential is not None:
        A = _potential(vector_potential, grid, t).astype(velocity.dtype)
        A = jnp.asarray(charge) / jnp.asarray(mass) * A
        velocity = velocity + jnp.broadcast_to(A, velocity.shape)
    (i0, i1), (j0, j1) = _check_loop(grid, loop)
    dx, dy = grid.spacing
    along = velocity[..., 0, i0 : i1 + 1, :] * dx
    across = velocity[..., 1, :, j0 : j1 + 1] * dy
    around = (
        _integrate(along[..., j0])
        + _integrate(across[..., i1, :])
        - _integrate(along[..., j1])
        - _integrate(across[..., i0, :])
    )
    return jnp.asarray(mass) / (2 * jnp.pi * jnp.asarray(hbar)) * around


def check_circulation(
    velocity: ArrayLike,
    grid: Grid,
    loop: Loop,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    vector_potential: Callable[..., Any] | VectorPotential | None = None,
    charge: ArrayLike = 1.0,
    t: ArrayLike = 0.0,
    tolerance: float = 1e-3,
) -> int:
    """The circulation as an integer; refuses a velocity field without an amplitude.

    Args:
        velocity: v, (2, *shape), concrete values; others as for `circulation`. In a
            magnetic field v has a circulation of its own, so A must be given.
        tolerance: largest |Γ - round Γ| accepted; take it above the error of the rule.

    Returns:
        The winding number.

    Raises:
        ValueError: Γ is not an integer, or see `circulation`.

    Source: T. C. Wallstrom, Phys. Rev. A 49, 1613 (1994).
    """
    around = circulation(
        velocity, grid, loop, hbar=hbar, mass=mass, vector_potential=vector_potential,
        charge=charge, t=t,
    )  # fmt: skip
    found = float(around)
    # `not <=` rather than `>`: a NaN must fail.
    if not abs(found - np.round(found)) <= tolerance:
        raise ValueError(
            "Argument `velocity` must have a whole circulation ∮ (mv + qA)·dl/2πħ "
            "around every loop to belong to a wave function, but it is "
            f"{found:.6g}."
        )
    return int(np.round(found))


def _link(psi: Array, axis: int) -> Array:
    """arg(ψ_b ψ_a*) from each point to the next along an axis."""
    phase = jnp.angle(psi)
    step = jnp.roll(phase, -1, axis) - phase
    # into (-π, π]; a difference of two angles is never beyond 2π
    turns = jnp.where(step > jnp.pi, 1, jnp.where(step <= -jnp.pi, -1, 0))
    return step - 2 * jnp.pi * turns


def _integrate(values: Array) -> Array:
    """∫ over points of unit spacing, both ends included."""
    weights = jnp.asarray(_gregory(values.shape[-1]), values.dtype)
    return values @ weights


@functools.cache
def _gregory(points: int) -> np.ndarray:
    """Weights of the trapezoidal rule with end corrections of up to order 8."""
    order = min(len(_EXCESS), points)
    powers = np.arange(order)
    table = powers[None, :].astype(float) ** powers[:, None]
    ends = np.linalg.solve(table, np.array(_EXCESS[:order], float))
    weights = np.ones(points)
    weights[:order] -= ends
    weights[points - order :] -= ends[::-1]
    return weights


def _plane(grid: Grid, axes: tuple[int, int]) -> tuple[int, int]:
    """The two axes, counted from the end."""
    pair = {axis % grid.ndim for axis in axes if -grid.ndim <= axis < grid.ndim}
    if grid.ndim < 2 or len(axes) != 2 or len(pair) != 2:
        raise ValueError(
            "Argument `axes` must be two axes of the grid, but is "
            f"{tuple(axes)} on a grid of {grid.ndim} dimension(s)."
        )
    first, second = (axis % grid.ndim - grid.ndim for axis in axes)
    return first, second


def _check_loop(grid: Grid, loop: Loop) -> tuple[tuple[int, int], tuple[int, int]]:
    if grid.ndim != 2:
        raise ValueError(
            "Argument `grid` must have two dimensions for a loop, but it has "
            f"{grid.ndim}."
        )
    ends = np.asarray(loop)
    limits = np.array(grid.shape)
    if (
        ends.shape != (2, 2)
        or not np.issubdtype(ends.dtype, np.integer)
        or np.any(ends[:, 0] < 0)
        or np.any(ends[:, 1] >= limits)
        or np.any(ends[:, 0] >= ends[:, 1])
    ):
        raise ValueError(
            "Argument `loop` must be ((i0, i1), (j0, j1)) with 0 <= i0 < i1 < "
            f"{grid.shape[0]} and 0 <= j0 < j1 < {grid.shape[1]}, but is {loop}."
        )
    (i0, i1), (j0, j1) = ends.tolist()
    return (i0, i1), (j0, j1)


def _potential(A: Any, grid: Grid, t: ArrayLike) -> Array:
    """A on a grid of two dimensions, (2, *shape)."""
    if not isinstance(A, VectorPotential):
        A = VectorPotential(takes_time(A, grid.ndim, {}, "vector_potential"), A)
    values = A.at(grid.coordinates, t)
    return jnp.stack([jnp.broadcast_to(value, grid.shape) for value in values])


def _velocity(velocity: ArrayLike, grid: Grid) -> Array:
    velocity = jnp.asarray(velocity)
    _checks.check_real(velocity, "velocity")
    if velocity.shape[-grid.ndim - 1 :] != (grid.ndim, *grid.shape):
        raise ValueError(
            "Argument `velocity` must end in the shape "
            f"{(grid.ndim, *grid.shape)}, but its shape is {velocity.shape}."
        )
    return velocity
