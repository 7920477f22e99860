"""Two slits in the plane: Gaussian ones in closed form, and a wall with a screen.

The closed forms broadcast and work under jit, vmap and grad.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Inexact

from .. import _checks
from ..exact import free_gaussian
from ..spaces import Grid, absorbing_layer


def slit_amplitudes(
    x: ArrayLike,
    t: ArrayLike,
    *,
    distance: ArrayLike,
    width: ArrayLike,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "2 ..."]:
    """The waves from two Gaussian slits, each of unit norm: free packets from ±d/2.

    Behind slits that are long in one direction, a wave spreads across them like a
    packet in one dimension; time stands for the distance to the screen.

    Args:
        x: positions across the slits.
        t: times since the slits, broadcast against `x`.
        distance: d between the centres of the slits.
        width: s₀, the standard deviation of the density of one slit at t = 0.
        mass: m.
        hbar: ħ.

    Returns:
        complex128 (ψ_+, ψ_-), shape (2, ...), in length^(-1/2).

    Raises:
        ValueError: a constant is not positive, or 64-bit floats are off.
    """
    _checks.check_positive(distance, "distance", ())
    options = {"width": width, "mass": mass, "hbar": hbar}
    half = jnp.asarray(distance) / 2
    return jnp.stack(
        [free_gaussian(x, t, center=sign * half, **options) for sign in (1, -1)]
    )


def slit_density(
    x: ArrayLike,
    t: ArrayLike,
    *,
    distance: ArrayLike,
    width: ArrayLike,
    overlap: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """The density behind two Gaussian slits, with or without a which-way detector.

    ρ = (|ψ_+|² + |ψ_-|² + 2 Re(η ψ_+* ψ_-)) / (2 + 2 Re η exp(-d²/8s₀²))

    η = <detector after -|detector after +> is the scalar `overlap`, |η| ≤ 1: 1 if
    nothing distinguishes the paths, 0 if a detector does so with certainty. The
    visibility of the fringes is proportional to |η|, and its phase shifts them. The
    density is in 1/length; otherwise as `slit_amplitudes`.
    """
    _checks.check_finite(overlap, "overlap", ())
    if _checks.is_concrete(overlap) and abs(_checks.concrete(overlap)) > 1 + 1e-12:
        raise ValueError(
            f"Argument `overlap` must have modulus 1 at most, but is {overlap}."
        )
    plus, minus = slit_amplitudes(
        x, t, distance=distance, width=width, mass=mass, hbar=hbar
    )
    overlap = _checks.widen(overlap)
    alone = plus.real**2 + plus.imag**2 + minus.real**2 + minus.imag**2
    cross = 2 * jnp.real(overlap * jnp.conj(plus) * minus)
    shared = jnp.exp(-(jnp.asarray(distance) ** 2) / (8 * jnp.asarray(width) ** 2))
    return (alone + cross) / (2 + 2 * jnp.real(overlap) * shared)


class Screen(eqx.Module):
    """A screen across the plane, x = const, which the wave crosses undisturbed.

    As `observe` of `jqd.evolve` it returns ψ and ∂ψ/∂x along the screen, from which
    `current` computes the flux of any superposition.

    Attributes:
        grid: of two dimensions (static).
        index: of the screen's points along x (static).
    """

    grid: Grid = eqx.field(static=True)
    index: int = eqx.field(static=True)

    def __init__(self, grid: Grid, x: float):
        """The screen at the points of the grid that are nearest to x.

        Raises:
            ValueError: no grid of two dimensions, or x within 4 points of its walls.
        """
        if grid.ndim != 2:
            raise ValueError(
                f"Argument `grid` must have two dimensions, but has {grid.ndim}."
            )
        index = round((x - grid.bounds[0][0]) / grid.spacing[0])
        if not 4 <= index < grid.shape[0] - 4:
            raise ValueError(
                "Argument `x` must lie at least 4 points inside the grid, but is "
                f"{x} for walls at {grid.bounds[0]}."
            )
        self.grid, self.index = grid, index

    @property
    def y(self) -> Float[Array, " ny"]:
        """Positions along the screen."""
        return self.grid.coordinates[1][0]

    def __call__(
        self, t: ArrayLike, psi: Complex[Array, "nx ny"]
    ) -> Complex[Array, "2 ny"]:
        """ψ and ∂ψ/∂x on the screen, differences of order 8."""
        del t
        strip = psi[self.index - 4 : self.index + 5]
        weights = _slope_weights(self.grid.spacing[0]).astype(psi.real.dtype)
        return jnp.stack([strip[4], jnp.tensordot(weights, strip, 1)])


def _slope_weights(h: float) -> Float[Array, " 9"]:
    half = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280]) / h
    return jnp.asarray(np.concatenate([-half[::-1], [0.0], half]))


def current(
    a: Complex[Array, "... 2 ny"],
    b: Complex[Array, "... 2 ny"] | None = None,
    *,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Inexact[Array, "... ny"]:
    """The flux through the screen, or the interference term of two waves.

    j(a, b) = (ħ/2mi) (a* ∂b/∂x - b ∂a*/∂x); j(a, a) = (ħ/m) Im(a* ∂a/∂x)

    The flux of a + b is j(a, a) + j(b, b) + 2 Re j(a, b).

    Args:
        a: the values that `Screen` returns, (..., 2, ny).
        b: those of another wave; None for `a` itself.
        mass: m.
        hbar: ħ.

    Returns:
        Flux per unit of length and time, (..., ny); real where b is None.
    """
    other = a if b is None else b
    f, slope = jnp.conj(a[..., 0, :]), jnp.conj(a[..., 1, :])
    j = (f * other[..., 1, :] - slope * other[..., 0, :]) * (-0.5j * hbar / mass)
    return j.real if b is None else j


class TwoSlits(eqx.Module):
    """A particle before a wall with two slits, in the plane.

    Attributes:
        grid: of (x, y); the wall stands at x = 0 (static).
        walls: V with both slits open, the upper alone and the lower alone, shape
            (3, nx, ny).
        absorber: W, shape (nx, ny).
        psi0: the packet that comes from the left, shape (nx, ny).
        screen: the screen that shows the pattern (static).
        ts: save times, dense enough to add up the flux, shape (T,).
        spacing: λL/d, the fringe spacing on a far screen.
    """

    grid: Grid = eqx.field(static=True)
    walls: Float[Array, "3 nx ny"]
    absorber: Float[Array, "nx ny"]
    psi0: Complex[Array, "nx ny"]
    screen: Screen
    ts: Float[Array, " T"]
    spacing: float = eqx.field(static=True)


def slit_wall(
    grid: Grid,
    centres: Sequence[float],
    *,
    opening: float,
    thickness: float,
    height: ArrayLike,
) -> Float[Array, "nx ny"]:
    """A wall at x = 0 with slits: V = height where |x| < thickness/2 and not in a slit.

    Where an edge cuts the cell of a point, the point gets the share of V that lies
    inside, so edges need not fall on the grid.

    Args:
        grid: of two dimensions.
        centres: y of the middle of each open slit.
        opening: width a of a slit.
        thickness: of the wall along x.
        height: V inside the wall, scalar, unit of energy.

    Returns:
        V, of the grid's shape.

    Raises:
        ValueError: a grid not of two dimensions, or a length that is not positive.
    """
    if grid.ndim != 2:
        raise ValueError(
            f"Argument `grid` must have two dimensions, but has {grid.ndim}."
        )
    for name, length in (("opening", opening), ("thickness", thickness)):
        _checks.check_positive(length, name)
    x, y = (np.asarray(axis) for axis in grid.coordinates)
    dx, dy = grid.spacing
    slits = sum((_inside(y - c, opening, dy) for c in centres), np.zeros_like(y))
    wall = _inside(x, thickness, dx) * (1 - np.minimum(slits, 1))
    return jnp.asarray(height) * jnp.asarray(wall)


def _inside(x: np.ndarray, width: float, cell: float) -> np.ndarray:
    """The share of the cell around each x that lies within ±width/2."""
    return np.clip((width / 2 - np.abs(x)) / cell + 0.5, 0, min(1, width / cell))


def two_slits(
    h: float = 0.25,
    *,
    distance: float = 4.0,
    opening: float = 1.0,
    thickness: float = 1.2,
    height: float = 40.0,
    wavenumber: float = 4.0,
    screen: float = 30.0,
    duration: float = 17.0,
    saves: int = 170,
) -> TwoSlits:
    """The two-slit problem; ħ = m = 1.

    A packet of wavenumber k₀ and standard deviations (2, 6) starts at x = -8 towards
    a wall with slits at y = ±d/2. The walls of the box absorb over a width of 6.

    Args:
        h: distance of grid points; the default of 0.25 gives 240 x 320 points.
        distance: d between the slits.
        opening: width a of a slit.
        thickness: of the wall.
        height: V inside it, five times the kinetic energy.
        wavenumber: k₀.
        screen: L, the distance of the screen.
        duration: T, until the packet has passed the screen.
        saves: number of intervals over which the flux is summed.

    Returns:
        The problem.

    Raises:
        ValueError: a length that is not positive, or a screen outside the box.
    """
    for name, value in (("h", h), ("distance", distance), ("wavenumber", wavenumber)):
        _checks.check_positive(value, name)
    right, half = screen + 10.0, 40.0
    shape = (round((right + 20.0) / h), round(2 * half / h))
    grid = Grid(((-20.0, -20.0 + shape[0] * h), (-half, -half + shape[1] * h)), shape)
    x, y = grid.coordinates
    packet = jnp.exp(-((x + 8.0) ** 2) / 16 - y**2 / 144 + 1j * wavenumber * x)
    options = {"opening": opening, "thickness": thickness, "height": height}
    upper, lower = distance / 2, -distance / 2
    walls = [
        slit_wall(grid, c, **options) for c in ((upper, lower), (upper,), (lower,))
    ]
    return TwoSlits(
        grid,
        jnp.stack(walls),
        absorbing_layer(grid, 6.0, 1.5 * wavenumber**2),
        grid.normalise(packet),
        Screen(grid, screen),
        jnp.linspace(0.0, duration, saves + 1),
        2 * np.pi / wavenumber * screen / distance,
    )
