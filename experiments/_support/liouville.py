"""A cloud of classical particles: Newton's paths and Liouville's density.

Particles start with the density ρ₀ and one velocity v₀ (the Hamilton-Jacobi function
S₀ = m v₀ x). Each moves by m Ẍ = -V'(X), labelled by its start a; the cloud then is

    ρ(x, t) = Σ over a with X(t; a) = x of ρ₀(a) / |∂X/∂a|

with one term until the first caustic, where ∂X/∂a = 0 and paths cross, and more after.
This is what quantum mechanics and the copy law tend to as ħ → 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks

_RTOL, _ATOL, _MAX_STEPS = 1e-12, 1e-13, 4096
# Labels reach this many widths from the centre: beyond lie 1e-15 of the cloud.
_REACH = 8.0

Potential = Callable[[Array], Array]


class Paths(NamedTuple):
    """Newton's paths from given initial positions.

    Attributes:
        position: X, (nt, n), length.
        velocity: dX/dt, (nt, n), length/time.
        stretch: ∂X/∂a, (nt, n); 1 at ts[0], 0 at a caustic.
    """

    position: Array
    velocity: Array
    stretch: Array


def newton_paths(
    starts: ArrayLike,
    ts: ArrayLike,
    potential: Potential,
    *,
    velocity: ArrayLike = 0.0,
    mass: ArrayLike = 1.0,
) -> Paths:
    """Newton's equation and its linearisation, by Dopri8 to a relative 1e-12.

    m Ẍ = -V'(X),  m d²/dt² ∂X/∂a = -V''(X) ∂X/∂a

    Works under jit, vmap and grad, in the starts, the velocity and the mass.

    Args:
        starts: a, (n,), positions at ts[0], length.
        ts: (nt,) strictly increasing times.
        potential: V of one position (scalar to scalar), differentiable by JAX, energy.
        velocity: v₀ of every particle, scalar, length/time.
        mass: m, scalar, positive.

    Returns:
        `Paths`.

    Source: Smolin (2012), eqs. 60 and 61, by their characteristics.
    """
    starts, ts, velocity, mass = map(_checks.widen, (starts, ts, velocity, mass))
    one = jnp.ones_like(starts)
    begin = (starts, velocity * one, one, jnp.zeros_like(starts))
    if ts.shape[0] == 1:
        return Paths(*(part[None, :] for part in begin[:3]))
    return Paths(*_integrate(potential, begin, ts, mass)[:3])


def liouville_density(
    x: ArrayLike,
    ts: ArrayLike,
    potential: Potential,
    *,
    center: ArrayLike = 0.0,
    width: ArrayLike = 1.0,
    momentum: ArrayLike = 0.0,
    mass: ArrayLike = 1.0,
    labels: int = 1024,
) -> Float[Array, "nt nx"]:
    """Density of a cloud that starts as a Gaussian with one momentum.

    ρ(x, t) = Σ ρ₀(a) / |∂X/∂a| over the starts a of the paths that are at x

    X(a) is a cubic Hermite spline over the labels, of error (16 width/labels)⁴ times
    its fourth derivative. At a caustic the density is infinite (and integrable); pairs
    of paths that meet between two labels there are missed.

    Args:
        x: positions, (nx,), length.
        ts: (nt,) strictly increasing times; the cloud is Gaussian at ts[0].
        potential: V of one position, differentiable by JAX, energy.
        center: mean position at ts[0].
        width: standard deviation at ts[0], positive.
        momentum: p of every particle at ts[0].
        mass: m, positive.
        labels: number of paths.

    Returns:
        (nt, nx) density, 1/length.

    Source: Smolin (2012), eqs. 60 and 61.
    """
    x, center, width, momentum = map(_checks.widen, (x, center, width, momentum))
    starts = center + width * jnp.linspace(-_REACH, _REACH, labels)
    paths = newton_paths(starts, ts, potential, velocity=momentum / mass, mass=mass)

    def at(row: tuple[Array, Array]) -> Array:
        return _fold(x, starts, row[0], row[1], center, width)

    # one time after the other: a table of positions by labels each
    return jax.lax.map(at, (paths.position, paths.stretch))


def _gaussian(a: Array, center: ArrayLike, width: ArrayLike) -> Array:
    return jnp.exp(-(((a - center) / width) ** 2) / 2) / (width * (2 * jnp.pi) ** 0.5)


def _integrate(
    potential: Potential, begin: tuple[Array, ...], ts: Array, mass: Array
) -> tuple[Array, ...]:
    import diffrax

    slope = jax.grad(potential)
    both = jax.vmap(lambda x, d: jax.jvp(slope, (x,), (d,)))

    def field(t: Any, y: tuple[Array, ...], mass: Any) -> tuple[Array, ...]:
        del t
        position, velocity, stretch, shear = y
        gradient, change = both(position, stretch)
        return velocity, -gradient / mass, shear, -change / mass

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field), diffrax.Dopri8(), ts[0], ts[-1], None, begin,
        args=mass, saveat=diffrax.SaveAt(ts=ts), max_steps=_MAX_STEPS,
        # the worst label decides: a mean would let the outermost ones slip
        stepsize_controller=diffrax.PIDController(
            rtol=_RTOL, atol=_ATOL, norm=_largest
        ),
        adjoint=diffrax.DirectAdjoint(),
    )  # fmt: skip
    return cast(tuple[Array, ...], solution.ys)


def _largest(tree: Any) -> Array:
    leaves = [jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(tree)]
    return jnp.max(jnp.stack(leaves))


def _fold(
    x: Array, a: Array, X: Array, stretch: Array, center: Array, width: Array
) -> Array:
    """Σ ρ₀ / |∂X/∂a| over all label intervals that a position lies in, (nx,)."""
    left, right = X[None, :-1], X[None, 1:]
    y, h = x[:, None], a[1] - a[0]
    # half open, so that a position at a label counts once
    inside = ((left <= y) & (y < right)) | ((right <= y) & (y < left))
    slope0, slope1 = h * stretch[None, :-1], h * stretch[None, 1:]
    bend = 3 * (right - left) - 2 * slope0 - slope1
    twist = slope0 + slope1 - 2 * (right - left)
    apart = jnp.where(inside, right - left, 1)
    u = jnp.where(inside, (y - left) / apart, 0.5)
    for _ in range(3):  # Newton from the chord, whose error is O(h)
        rest = left - y + u * (slope0 + u * (bend + u * twist))
        rate = slope0 + u * (2 * bend + 3 * u * twist)
        sound = inside & (jnp.abs(rate) > 0)
        u = jnp.clip(jnp.where(sound, u - rest / jnp.where(sound, rate, 1), u), 0, 1)
    rate = slope0 + u * (2 * bend + 3 * u * twist)
    sound = inside & (jnp.abs(rate) > 0)
    start = a[None, :-1] + h * u
    density = _gaussian(start, center, width) * h / jnp.where(sound, jnp.abs(rate), 1)
    return jnp.sum(jnp.where(sound, density, 0), axis=-1)
