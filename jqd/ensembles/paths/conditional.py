"""Conditional waves: ψ along some axes, at the paths' positions along the others."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._gate import gated
from ..._math import abs2, divisor, expi
from ...spaces import Grid


class Conditional(NamedTuple):
    """Conditional waves of paths.

    Attributes:
        grid: grid of the remaining axes.
        psi: waves on it, (n, *shape), of norm 1; 0 where `density` is 0.
        density: of the positions along the other axes: ∫|Ψ|² over the remaining axes,
            (n,).
    """

    grid: Grid
    psi: Complex[Array, "n ..."]
    density: Float[Array, " n"]


@gated
def conditional_wave(
    grid: Grid,
    psi: ArrayLike,
    positions: ArrayLike,
    axes: tuple[int, ...] | int,
) -> Conditional:
    """The wave of the remaining coordinates where the others are those of a path.

    ψ_c(x, t) = Ψ(x, Y(t), t) / |..|,  Y the coordinates of the path along `axes`

    The wave ψ_c guides x exactly: its ∇ψ/ψ along x is that of Ψ at the path. Where the
    branches of a pointer Y are separate, ψ_c is the collapsed wave; before, it obeys no
    Schrödinger equation of its own. Ψ is read from its trigonometric interpolant. Works
    under jit, vmap (over times) and grad.

    Args:
        grid: grid of Ψ.
        psi: Ψ at one time, of the grid's shape.
        positions: of the paths at this time, (n, d), as in `Paths.positions`; or along
            `axes` alone, (n, len(axes)).
        axes: axes of Y, some of the grid's but not all.

    Returns:
        The waves, their grid, and the density of Y; all NaN for paths that have ended,
        whose positions are NaN.

    Raises:
        ValueError: axes that the grid does not have, all of them or none, or shapes
            that do not fit.

    Source: D. Dürr, S. Goldstein & N. Zanghì (1992) J. Stat. Phys. 67, 843.
    """
    given = (axes,) if not isinstance(axes, tuple | list) else axes
    axes = tuple(_checks.whole_number(a, "axes", 0, grid.ndim - 1) for a in given)
    if len(set(axes)) != len(axes) or not 0 < len(axes) < grid.ndim:
        raise ValueError(
            f"Argument `axes` must be some of the {grid.ndim} axes of the grid, each "
            f"once and not all, but is {axes}."
        )
    wave = jnp.asarray(psi)
    _checks.check_shape(wave, "psi", grid.shape)
    wave = _checks.complex_of(wave)
    places = jnp.asarray(positions)
    _checks.check_real(places, "positions")
    if places.ndim != 2 or places.shape[1] not in (len(axes), grid.ndim):
        raise ValueError(
            f"Argument `positions` must have shape (n, {grid.ndim}) or (n, "
            f"{len(axes)}), but its shape is {places.shape}."
        )
    if places.shape[1] == grid.ndim:
        places = places[:, list(axes)]
    kept = [axis for axis in range(grid.ndim) if axis not in axes]
    rest = Grid([grid.bounds[a] for a in kept], [grid.shape[a] for a in kept])
    wave = _read(grid, wave, places.astype(wave.real.dtype), axes, kept)
    over = tuple(range(1, wave.ndim))
    density = rest.cell * jnp.sum(abs2(wave), axis=over)
    found = density > jnp.finfo(density.dtype).tiny
    size = jnp.sqrt(divisor(density, found)).reshape((-1,) + (1,) * rest.ndim)
    some = found.reshape(size.shape)
    lost = jnp.isnan(density).reshape(size.shape)
    return Conditional(rest, jnp.where(some | lost, wave / size, 0), density)


def _read(grid: Grid, wave: Array, places: Array, axes, kept) -> Array:
    """Ψ(x, Y), (n, *shape of x), by Fourier sums over y, axis by axis."""
    # axes of Y first, one at a time: the first sum gives each path its own wave
    wave = jnp.transpose(wave, (*axes, *kept))
    for number, axis in enumerate(axes):
        n = grid.shape[axis]
        lower, upper = grid.bounds[axis]
        turns = (places[:, number] - lower) / (upper - lower)
        waves = _waves(n, turns)
        spectrum = jnp.fft.fft(wave, axis=0 if number == 0 else 1) / n
        rule = "pk,k...->p..." if number == 0 else "pk,pk...->p..."
        wave = jnp.einsum(rule, waves.astype(spectrum.dtype), spectrum)
    return wave


def _waves(n: int, turns: Array) -> Array:
    """exp(2πi k y/L) for the wavenumbers of n points, (paths, n)."""
    k = np.fft.fftfreq(n, 1 / n)
    angle = 2 * jnp.pi * turns[:, None] * jnp.asarray(k[None], turns.dtype)
    waves = expi(angle)
    # the highest wavenumber of an even number of points has no sign: its mean is real
    highest = jnp.asarray(2 * np.abs(k[None]) == n)
    return jnp.where(highest, waves.real, waves)
