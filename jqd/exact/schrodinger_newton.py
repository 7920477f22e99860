"""The ground state of a particle in the field of its own mass; ħ = m = G = 1."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _checks

# Most iterations, and the change of the energy, over rounding, at which they end.
_TURNS, _ROUNDING = 2000, 50
# A shift below the energies in all fields during the iteration.
_SHIFT = -0.5


class RadialState(NamedTuple):
    """A state of angular momentum 0.

    Attributes:
        energy: E_0, unit G²m⁵/ħ².
        r: radii, (n,), unit ħ²/Gm³.
        u: r ψ √4π, (n,), with ∫ u² dr = 1.
    """

    energy: Float[Array, ""]
    r: Float[Array, " n"]
    u: Float[Array, " n"]


def schrodinger_newton_ground_state(
    radius: float = 60.0, points: int = 3000
) -> RadialState:
    """The ground state of i dψ/dt = -½∇²ψ - (|ψ|² * 1/r) ψ in three dimensions.

    -½ u'' + U u = E u,  U(r) = -1/r ∫_0^r u² - ∫_r^∞ u²/r',  u(0) = u(radius) = 0

    The second derivative is taken by differences and u by inverse iteration; each new U
    is averaged with the last one. E is extrapolated from this spacing and one twice as
    long.

    Args:
        radius: radius of the sphere at whose wall the state vanishes.
        points: number of spacings in the radius, even.

    Returns:
        Energy, radii and u. With the defaults E_0 = -0.162769 to the sixth digit. For
        other constants multiply energies by G²m⁵/ħ² and lengths by ħ²/Gm³.

    Raises:
        ValueError: radius not positive, points not even or below 8.

    Source: I. M. Moroz, R. Penrose & P. Tod (1998) Class. Quantum Grav. 15, 2733.
    """
    _checks.check_positive(radius, "radius", ())
    points = _checks.whole_number(points, "points", 8)
    if points % 2:
        raise ValueError(f"Argument `points` must be even, but is {points}.")
    fine, coarse = (_self_consistent(radius, n) for n in (points, points // 2))
    return fine._replace(energy=fine.energy + (fine.energy - coarse.energy) / 3)


@partial(jax.jit, static_argnames="points")
def _self_consistent(radius: float, points: int) -> RadialState:
    h = radius / points
    r = h * jnp.arange(1, points)
    beside = jnp.full(points - 1, -0.5 / h**2)
    lower, upper = beside.at[0].set(0), beside.at[-1].set(0)

    def field(u: Array) -> Array:
        inside = h * jnp.cumsum(u**2)
        outside = h * (jnp.sum(u**2 / r) - jnp.cumsum(u**2 / r))
        return -inside / r - outside

    def turn(carry: tuple) -> tuple:
        u, U, energy, _, count = carry
        diagonal = 1 / h**2 + U
        raised = jax.lax.linalg.tridiagonal_solve(
            lower, diagonal - _SHIFT, upper, u[:, None]
        )[:, 0]
        size = jnp.sqrt(h * jnp.sum(raised**2))
        # (H - shift) v = u: the growth of v gives the energy
        found = _SHIFT + h * jnp.sum(u * raised) / size**2
        u = raised / size
        return u, (U + field(u)) / 2, found, jnp.abs(found - energy), count + 1

    def goes_on(carry: tuple) -> Array:
        most = _ROUNDING * jnp.finfo(r.dtype).eps
        return (carry[3] > most) & (carry[4] < _TURNS)

    u = r * jnp.exp(-r / 3)
    u = u / jnp.sqrt(h * jnp.sum(u**2))
    begin = (u, field(u), jnp.zeros(()), jnp.ones(()), jnp.asarray(0))
    u, _, energy, _, _ = jax.lax.while_loop(goes_on, turn, begin)
    return RadialState(energy, r, u)
