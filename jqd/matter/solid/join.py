"""Two bodies as one: their atoms, the pairs across, and their states."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from .body import Solid
from .motion import Point
from .pair_potentials import PairPotential


def join(first: Solid, second: Solid, across: PairPotential) -> Solid:
    """One solid from the atoms of two, those of `first` in front.

    Args:
        first: open solid of N atoms, all of which interact in pairs.
        second: another one, of M atoms, with a potential of the same kind.
        across: u(r) between an atom of the first and one of the second, of the same
            kind as well; constants for all these pairs alike, or (N, M).

    Returns:
        The solid of N + M atoms, with `sites` where both have them. Each constant of
        its potential that differs between pairs has shape (N + M, N + M).

    Raises:
        ValueError: bonds, neighbours, a box or anchors; potentials of several kinds.
    """
    for name, body in (("first", first), ("second", second)):
        others = (body.bonds, body.neighbours, body.box, body.anchors)
        if any(other is not None for other in others):
            raise ValueError(
                f"Argument `{name}` must be an open solid in which all pairs interact, "
                "but it has bonds, neighbours, a box or anchors."
            )
    kinds = [jax.tree.structure(u) for u in (first.potential, second.potential, across)]
    if len(set(kinds)) > 1:
        raise ValueError(
            "Argument `across` must be of the kind of both solids' potentials, but the "
            f"three are {type(first.potential).__name__}, "
            f"{type(second.potential).__name__} and {type(across).__name__}."
        )
    n, m = first.size, second.size

    def block(one: Array, two: Array, between: Array) -> Array:
        parts = (one, two, between)
        same = all(np.shape(part) == () for part in parts)
        if same and _checks.is_concrete(parts) and one == two == between:
            return one
        between = jnp.broadcast_to(between, (n, m))
        return jnp.block(
            [
                [jnp.broadcast_to(one, (n, n)), between],
                [between.T, jnp.broadcast_to(two, (m, m))],
            ]
        )

    sites = None
    if first.sites is not None and second.sites is not None:
        sites = jnp.concatenate([first.sites, second.sites])
    return Solid(
        jnp.concatenate([first.masses, second.masses]),
        jax.tree.map(block, first.potential, second.potential, across),
        sites=sites,
    )


def beside(
    first: Point,
    second: Point,
    *,
    offset: ArrayLike | None = None,
    velocity: ArrayLike | None = None,
) -> Point:
    """The joint state of two bodies, with the second one displaced.

    States may have samples in front, such as x + u and v of `wigner_samples`. These
    stay independent: sample s of one body is paired with sample s of the other.

    Args:
        first: positions and velocities, (N, d) or (S, N, d).
        second: those of the M atoms, (M, d) or (S, M, d).
        offset: displacement added to the positions of the second, (d,).
        velocity: velocity added to the velocities of the second, (d,).

    Returns:
        Positions and velocities, (N + M, d) or (S, N + M, d).

    Raises:
        ValueError: other shapes.
    """
    d = np.shape(first.x)[-1]
    shifts = {"offset": offset, "velocity": velocity}
    for name, shift in shifts.items():
        if shift is not None:
            _checks.check_finite(shift, name, (d,))
    none = jnp.zeros(d)
    parts = zip(first, second, shifts.values(), strict=True)
    return Point(*(_row(a, b, none if c is None else c) for a, b, c in parts))


def _row(one: Array, two: Array, shift: ArrayLike) -> Array:
    """Atoms of one, then those of the other, moved; samples in front broadcast."""
    front = jnp.broadcast_shapes(one.shape[:-2], two.shape[:-2])
    two = two + jnp.broadcast_to(jnp.asarray(shift), two.shape)
    wide = [jnp.broadcast_to(part, (*front, *part.shape[-2:])) for part in (one, two)]
    return jnp.concatenate(wide, axis=-2)
