"""Whether a grid resolves a state: weight at the walls, at the cut-off, dispersion."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Inexact

from .. import _checks
from .._gate import gated
from .._math import abs2, divisor, safe_sqrt
from .grids import Grid

# Weights w_d of [2 f(x) - f(x + d h) - f(x - d h)] / h^2, d = 1, 2, ..: the central
# second differences of -f'' by order.
SECOND_DIFFERENCES = {
    2: (1.0,),
    4: (4 / 3, -1 / 12),
    6: (3 / 2, -3 / 20, 1 / 90),
    8: (8 / 5, -1 / 5, 8 / 315, -1 / 560),
}

# Part of the cut-off beyond which the weight estimates what the grid cuts off.
TAIL = 0.9


def edge_density(
    grid: Grid, density: Float[ArrayLike, "..."], cells: int
) -> Float[Array, "..."]:
    """Share of the probability within a few cells of the walls of the box.

    Σ_edge |ψ|² / Σ |ψ|², a point at the edge if it is one of the first or the last
    `cells` points of any axis

    In a run, weight at the walls is reflected, or comes back on the other side: the
    amplitude of the error is about the square root of this share.

    Args:
        grid: the grid.
        density: probability density, (..., *shape), any normalisation.
        cells: number of points from each wall, positive (static).

    Returns:
        Shares in [0, 1], shape (...); 0 for a density that vanishes everywhere.

    Raises:
        ValueError: a density whose shape does not end in the grid's, or a number of
            cells that is not positive.
    """
    _checks.check_type(grid, "grid", Grid, "a Grid")
    cells = _checks.whole_number(cells, "cells", 1)
    axes = [np.minimum(np.arange(n), np.arange(n)[::-1]) < cells for n in grid.shape]
    return _share(grid, grid.check(density, "density"), _any_axis(axes))


def cutoff_weight(
    grid: Grid, psi: Inexact[ArrayLike, "..."], fraction: float = 2 / 3
) -> Float[Array, "..."]:
    """Share of the momentum density near the cut-off of the grid.

    Σ_out |ψ_k|² / Σ |ψ_k|², where |k| > fraction · π/dx on any axis

    Products of fields, V(x) ψ among them, shift wavenumbers; one that passes π/dx comes
    back with the opposite sign (aliasing). Beyond two thirds of π/dx, a product of two
    fields on the grid is no longer safe from aliasing.

    Args:
        grid: the grid.
        psi: wave function, (..., *shape).
        fraction: fraction of the cut-off π/dx, in (0, 1) (static).

    Returns:
        Shares in [0, 1], shape (...).

    Raises:
        ValueError: a fraction outside (0, 1), or ψ whose shape does not end in the
            grid's.
    """
    _checks.check_type(grid, "grid", Grid, "a Grid")
    _checks.check_scalar(fraction, "fraction")
    if not 0 < fraction < 1:
        raise ValueError(
            f"Argument `fraction` must lie between 0 and 1, but is {fraction}."
        )
    axes = [np.abs(np.fft.fftfreq(n)) > fraction / 2 for n in grid.shape]
    return _share(grid, _spectrum(grid, psi), _any_axis(axes))


def tail_error(grid: Grid, psi: Inexact[Array, "..."]) -> Float[Array, ""]:
    """Estimated relative error of a density whose wave function the grid cuts off.

    2 (Σ_out |ψ_k|² / Σ |ψ_k|²)^½, where |k| > 0.9 π/dx on any axis

    An amplitude ε that is missing, or comes back with the wrong wavenumber, changes the
    density by 2ε at most. The weight beyond the cut-off is assumed to equal that in the
    last tenth before it. The estimate holds for a smooth wave in a smooth potential: a
    jump of V is located only to within a spacing, which the spectrum does not show.

    Args:
        grid: the grid, which may be sharded.
        psi: wave function, of the grid's shape, or with a spinor's components first.

    Returns:
        The estimate of ∫|ρ - ρ_exact| / ∫ρ, scalar.
    """
    lift = jax.vmap if psi.ndim > grid.ndim else lambda function: function
    outer, total = map(jnp.sum, lift(lambda one: _outer_weight(grid, one))(psi))
    return 2 * safe_sqrt(outer / divisor(total))


def _outer_weight(grid: Grid, psi: Array) -> tuple[Array, Array]:
    """Σ_out |ψ_k|² and Σ |ψ_k|²."""
    spectrum = grid.fft.forward(psi)
    weight = abs2(spectrum)
    outer = jnp.zeros((1,) * grid.ndim, bool)
    for place, axis in enumerate(grid.fft.order):
        far = np.abs(np.fft.fftfreq(grid.shape[axis])) > TAIL / 2
        # not one mask of the grid's size: it would be a constant of the program
        outer = outer | jnp.asarray(
            far.reshape([-1 if i == place else 1 for i in range(grid.ndim)])
        )
    return jnp.sum(jnp.where(outer, weight, 0)), jnp.sum(weight)


@gated
def dispersion_bound(
    grid: Grid,
    psi: Inexact[ArrayLike, "..."],
    order: int,
    D: ArrayLike,
    duration: ArrayLike,
) -> Float[Array, "..."]:
    """Bound on a density's error from second differences in place of the Laplacian.

    ∫ |ρ - ρ_exact| dx ≤ 2 T rms[Σ_axes D (k² - k_h²)], the mean taken over |ψ_k|², with
    k_h² = Σ_d w_d (2 - 2 cos k d h) / h² and w_d of `SECOND_DIFFERENCES`

    Two unitary evolutions drift apart no faster than the difference of their
    Hamiltonians acts on the state (Duhamel). Without a potential the bound is a
    theorem; with one, |ψ_k|² changes, and the bound holds with the largest value on the
    way.

    Args:
        grid: the grid, of spacing h.
        psi: wave function, (..., *shape), any norm.
        order: order of the differences: 2, 4, 6 or 8 (static).
        D: ħ/2m, scalar or one for each axis; length²/time.
        duration: T, scalar.

    Returns:
        The bound for a density of unit integral, shape (...).

    Raises:
        ValueError: the shape of ψ does not end in the grid's, or another order.
    """
    _checks.check_choice(order, "order", tuple(SECOND_DIFFERENCES))
    weight = _spectrum(grid, psi)
    _checks.check_scalar(duration, "duration")
    if np.ndim(D):
        _checks.check_shape(D, "D", (grid.ndim,))
    D = jnp.broadcast_to(jnp.asarray(D, weight.dtype), (grid.ndim,))
    gaps = zip(D, _symbol_gaps(grid, order), strict=True)
    terms = (d * jnp.asarray(g, weight.dtype) for d, g in gaps)
    gap = sum(terms, jnp.zeros((), weight.dtype))
    axes = tuple(range(-grid.ndim, 0))
    lead = (None,) * (weight.ndim - grid.ndim)
    total = jnp.sum(weight, axis=axes)
    safe = divisor(total)
    mean = jnp.sum(weight * gap[lead] ** 2, axis=axes) / safe
    # a root has no slope at zero, and ψ = const is exact
    rms = safe_sqrt(mean)
    return 2 * jnp.abs(jnp.asarray(duration)) * rms


def _symbol_gaps(grid: Grid, order: int) -> Iterator[np.ndarray]:
    """k² - k_h² of each axis in FFT order, to be broadcast; in double precision, for
    the difference is small."""
    for axis, (n, h) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
        angle = 2 * np.pi * np.fft.fftfreq(n)
        symbol = sum(
            w * (2 * np.sin(d * angle / 2)) ** 2
            for d, w in enumerate(SECOND_DIFFERENCES[order], start=1)
        )
        shape = [n if i == axis else 1 for i in range(grid.ndim)]
        yield ((angle**2 - symbol) / h**2).reshape(shape)


def _any_axis(axes: list[np.ndarray]) -> Bool[np.ndarray, "..."]:
    """Points marked on at least one axis."""
    marked = np.zeros([axis.size for axis in axes], bool)
    for i, axis in enumerate(axes):
        marked |= axis.reshape([-1 if i == j else 1 for j in range(len(axes))])
    return marked


def _share(grid: Grid, weight: Array, marked: np.ndarray) -> Array:
    """Share of a weight on the marked points."""
    axes = tuple(range(-grid.ndim, 0))
    total = jnp.sum(weight, axis=axes)
    safe = divisor(total)
    marked = marked[(None,) * (weight.ndim - grid.ndim)]
    return jnp.sum(jnp.where(marked, weight, 0), axis=axes) / safe


def _spectrum(grid: Grid, psi: ArrayLike) -> Float[Array, "..."]:
    """|ψ_k|², unnormalised."""
    axes = tuple(range(-grid.ndim, 0))
    return abs2(jnp.fft.fftn(grid.check(psi, "psi"), axes=axes))
