"""The Hamiltonian of conservative diffusion link by link, which goes through nodes.

H = Σ_a V_a ρ_a
    + Σ_links (2 m D_l² w/h²) [ρ_a + ρ_b - 2 √(ρ_a ρ_b) cos((S_b - S_a)/ħ_l)]

with ħ_l = 2 m D_l. It tends to (26) as h -> 0, and its canonical equations in
(½ ln ρ, S) are those of a lattice Schrödinger equation, without forming ψ: the density
may vanish between the sites and come back.

The functions take a = ½ ln ρ and the action `s`, of the shape of the space (a grid, or
a graph with its own weights), D, a scalar or one value per site (a link takes the mean
of its ends), and the mass. On a grid D and the mass may have one value per axis, the
`order` is 2, 4, 6 or 8, and links close the grid if it is `periodic` (if not, it has
reflecting ends). In a vector potential the `work` q ∫ A·dl along the whole link is
subtracted from S_b - S_a: Peierls' phases.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..._math import divisor, roll
from ...spaces import Grid
from ...spaces.graphs import Graph
from ...spaces.resolution import SECOND_DIFFERENCES
from .peierls import Work


def each_axis(space: Grid | Graph, value: Array) -> tuple[Array, ...]:
    """A constant along each axis of a grid: one for all or for each, or a field."""
    ndim = len(space.shape)
    if value.shape == (ndim,) and value.shape != space.shape:
        return tuple(value)
    return (value,) * ndim


class LinkFlow(NamedTuple):
    """Rates of change at the two ends of one link."""

    a_first: Array
    a_second: Array
    s_first: Array
    s_second: Array


def _link(
    a: tuple[Array, Array], s: tuple[Array, Array], D: Array, w: Array, mass: Array
) -> LinkFlow:
    """The canonical equations of one link between two sites."""
    hbar = 2 * mass * D
    ratio = jnp.exp(a[1] - a[0])
    # D -> 0 is the classical limit of actions that vary slowly
    # a GPU passes quotients of arrays through memory, and products not
    angle = (s[1] - s[0]) * (1 / divisor(hbar))
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    rate = w * D
    return LinkFlow(
        -rate * ratio * sine,
        rate * sine / ratio,
        -hbar * rate * (1 - ratio * cosine),
        -hbar * rate * (1 - cosine / ratio),
    )


def _both_sides(
    a: Array, s: Array, link: tuple[Any, Array, Array], mass: Array, j: int, axis: int
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Rates of a and S of each site by the links to its j-th neighbours on each side.

    Links behind a site are those ahead of others. A GPU computes them anew, from their
    other ends: elementary functions cost it less than what it knows costs memory.

    Args:
        a, s: of all sites.
        link: work along the links that begin at each site or None, D, and weight.
        mass: along the axis.
        j, axis: neighbours.
    """

    def rolled(part: Any) -> Any:
        return roll(part, j, axis) if np.ndim(part) else part

    work, D, w = link
    beyond = roll(s, -j, axis)
    beyond = beyond if work is None else beyond - work
    ahead = _link((a, roll(a, -j, axis)), (s, beyond), D, w, mass)
    if jax.default_backend() == "cpu":
        parts = rolled(ahead.a_second), rolled(ahead.s_second)
        return (ahead.a_first, ahead.s_first), parts
    before = rolled(s) if work is None else rolled(s) + rolled(work)
    behind = _link((a, rolled(a)), (s, before), rolled(D), rolled(w), mass)
    return (ahead.a_first, ahead.s_first), (behind.a_first, behind.s_first)


def link_rates(
    a: Float[Array, "..."],
    s: Float[Array, "..."],
    space: Grid | Graph,
    D: ArrayLike,
    mass: ArrayLike,
    *,
    order: int = 8,
    periodic: bool = False,
    work: Work | None = None,
) -> tuple[Array, Array]:
    """Kinetic part of the canonical equations, summed over the links.

    ȧ_a = -Σ_b w D (√ρ_b/√ρ_a) sin x_ab,  Ṡ_a = -Σ_b 2mD² w (1 - (√ρ_b/√ρ_a) cos x_ab)
    with x_ab = (S_b - S_a - q ∫_a^b A·dl)/2mD.

    Returns:
        (da/dt, dS/dt), of the shape of `a`.

    Source: Zakir, eqs. (26), (29), discretised before they are derived.
    """
    D, mass = jnp.asarray(D), jnp.asarray(mass)
    a_rate, s_rate = jnp.zeros_like(a), jnp.zeros_like(s)
    if isinstance(space, Graph):
        first, second = space.ends
        both = D if D.ndim == 0 else (D[first] + D[second]) / 2
        flow = _link(
            (a[first], a[second]), (s[first], _less(s[second], work)), both,
            space.weights, mass,
        )  # fmt: skip
        a_rate = a_rate.at[first].add(flow.a_first).at[second].add(flow.a_second)
        s_rate = s_rate.at[first].add(flow.s_first).at[second].add(flow.s_second)
        return a_rate, s_rate
    constants = zip(each_axis(space, D), each_axis(space, mass), strict=True)
    for axis, (h, (D, m)) in enumerate(zip(space.spacing, constants, strict=True)):
        for j, weight in enumerate(SECOND_DIFFERENCES[order], start=1):
            both = D if D.ndim == 0 else (D + roll(D, -j, axis)) / 2
            w = _link_weights(space, axis, j, weight / h**2, periodic, a)
            along = None if work is None else work(axis, j).astype(s.dtype)
            for a_part, s_part in _both_sides(a, s, (along, both, w), m, j, axis):
                a_rate, s_rate = a_rate + a_part, s_rate + s_part
    return a_rate, s_rate


def link_energy(
    a: Float[Array, "..."],
    s: Float[Array, "..."],
    space: Grid | Graph,
    D: ArrayLike,
    mass: ArrayLike,
    *,
    order: int = 8,
    periodic: bool = False,
    work: Work | None = None,
) -> Float[Array, ""]:
    """Energy of drift and diffusion together, the link form of (26) without V.

    Σ_links (ħ_l² w/2m) |√ρ_b e^{iS_b/ħ_l} - √ρ_a e^{iS_a/ħ_l}|², in energy units, with
    the work of a vector potential subtracted from S_b.
    """
    D, mass = jnp.asarray(D), jnp.asarray(mass)

    def energy(a0, a1, s0, s1, D, mass, w):
        hbar = 2 * mass * D
        angle = (s1 - s0) / divisor(hbar)
        # (√ρ_a - √ρ_b)² + 4 √(ρ_a ρ_b) sin²(x/2): no cancellation where both agree
        gap = (jnp.exp(a1) - jnp.exp(a0)) ** 2
        turn = 4 * jnp.exp(a0 + a1) * jnp.sin(angle / 2) ** 2
        return jnp.sum(2 * mass * D**2 * w * (gap + turn))

    if isinstance(space, Graph):
        first, second = space.ends
        both = D if D.ndim == 0 else (D[first] + D[second]) / 2
        ends = a[first], a[second], s[first], _less(s[second], work)
        return energy(*ends, both, mass, space.weights)
    total = jnp.zeros((), a.dtype)
    constants = zip(each_axis(space, D), each_axis(space, mass), strict=True)
    for axis, (h, (D, m)) in enumerate(zip(space.spacing, constants, strict=True)):
        for j, weight in enumerate(SECOND_DIFFERENCES[order], start=1):
            both = D if D.ndim == 0 else (D + roll(D, -j, axis)) / 2
            w = _link_weights(space, axis, j, weight / h**2, periodic, a)
            ahead = _less(roll(s, -j, axis), work, axis, j)
            total = total + energy(a, roll(a, -j, axis), s, ahead, both, m, w)
    return total * space.cell


def _less(ahead: Array, work: Work | None, axis: int = 0, j: int = 1) -> Array:
    """The action at the far ends of links, less the work along them."""
    return ahead if work is None else ahead - work(axis, j).astype(ahead.dtype)


def classical_rates(
    a: Float[Array, "..."],
    space: Grid | Graph,
    classical_diffusion: ArrayLike,
    *,
    periodic: bool = False,
) -> Float[Array, "..."]:
    """Rate of ½ ln ρ by ordinary diffusion, (13), over links of order 2.

    ȧ_a = (D_c/2) Σ_b (ρ_b/ρ_a - 1)/h²

    Nearest links keep the density positive; links of higher order do not, and stall.

    `classical_diffusion` is D_c, scalar, length²/time. Returns da/dt.
    """
    half = jnp.asarray(classical_diffusion) / 2
    if isinstance(space, Graph):
        first, second = space.ends
        step = 2 * (a[second] - a[first])
        rate = jnp.zeros_like(a).at[first].add(half * space.weights * jnp.expm1(step))
        return rate.at[second].add(half * space.weights * jnp.expm1(-step))
    rate = jnp.zeros_like(a)
    for axis, h in enumerate(space.spacing):
        step = 2 * (roll(a, -1, axis) - a)
        w = half * _link_weights(space, axis, 1, 1 / h**2, periodic, a)
        rate = rate + w * jnp.expm1(step)
        rate = rate + roll(w * jnp.expm1(-step), 1, axis)
    return rate


def _link_weights(
    grid: Grid, axis: int, j: int, weight: float, periodic: bool, like: Any
) -> Array:
    """w/h² of the links from each site to its j-th neighbour, 0 across open ends."""
    if periodic:
        return jnp.full(like.shape, weight, like.dtype)
    inside = jnp.arange(grid.shape[axis]) < grid.shape[axis] - j
    inside = inside.reshape((-1,) + (1,) * (grid.ndim - 1 - axis))
    return jnp.broadcast_to(jnp.where(inside, weight, 0), like.shape).astype(like.dtype)
