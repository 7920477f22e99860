"""Constants at their bounds: which of them belong there, and how far they may be off.

Throughout, `slope` holds the derivatives of the residuals of data and priors by the
constants, (rows, p), taken from inside of the bounds. A side is -1 at the lower bound,
1 at the upper one, and 0 for a constant that is free.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._math import divisor, safe_sqrt
from .study import ON_WALL, Study

# A free constant that a solve leaves so near to a bound may have run into it: steps
# that would take it beyond were refused, though the others had somewhere to go.
NEAR_WALL = 100 * ON_WALL
# Rounding of J^T J with columns of length 1: what is left of it below this is none.
ROUNDING = 1e-14


def sides(
    slope: Float[Array, "rows p"],
    residuals: Float[Array, " rows"],
    unit: Float[Array, " p"],
    ends: tuple[Float[Array, " p"], Float[Array, " p"]],
    held: Int[Array, " p"],
) -> Int[Array, " p"]:
    """The side to which each constant belongs, by a Gauss-Newton step.

    One that the step takes to a bound, or beyond, belongs there. The step is that of
    all free constants together; of a held one, as if it alone were free beside them. At
    a solution these are the conditions of Karush, Kuhn and Tucker: a held constant
    would lower χ² only beyond its bound, and a free one is inside. No gradient flows
    through it.

    Args:
        slope: by constants in units of their spans.
        residuals: where it is taken.
        unit: the constants there, in these units, within their bounds.
        ends: their bounds, lower and upper, likewise; infinite for none.
        held: the sides at which constants are held.
    """
    given = slope, residuals, unit, ends
    slope, residuals, unit, (low, high) = jax.lax.stop_gradient(given)
    free = (held == 0).astype(slope.dtype)
    square = slope.T @ slope
    told = jnp.diagonal(square) > 0
    root = divisor(jnp.sqrt(jnp.diagonal(square)))
    square = square / root[:, None] / root[None, :]
    pull = slope.T @ residuals / root
    ours = square * free[:, None] * free[None, :]
    ours += jnp.diag(jnp.where(held == 0, ROUNDING, 1))
    right = jnp.concatenate([-pull[:, None], square], axis=1) * free[:, None]
    solved = jnp.linalg.solve(ours, right)
    together, along = solved[:, 0], solved[:, 1:]
    # what a held one changes that the free ones cannot make up for
    left = 1 - jnp.sum(free[:, None] * square * along, axis=0)
    alone = -(pull + square @ together) / jnp.maximum(left, ROUNDING)
    there = unit + jnp.where(held == 0, together, alone) / root
    below, above = there <= low + ON_WALL, there >= high - ON_WALL
    return (told & above).astype(int) - (told & below).astype(int)


def sides_at(
    study: Study, theta: Float[Array, " p"], residuals: Array, slope: Array
) -> Int[Array, " p"]:
    """The sides of constants that lie on their bounds and belong there.

    Args:
        theta: constants at a solution, within their bounds.
        residuals: there.
        slope: by constants in their own units.
    """
    unit, ends = in_spans(study, theta)
    low, high = study.bounds()
    on = sides_on(unit, ends)
    side = sides(slope * (high - low)[None, :], residuals, unit, ends, on)
    return jnp.where(side == on, on, 0)


def held_at(study: Study, theta: Float[Array, " p"], side: Array) -> Array:
    """The constants, with each that has a side put on its bound there."""
    low, high = study.walls(theta)
    return jnp.where(side < 0, low, jnp.where(side > 0, high, theta))


def sides_on(
    unit: Float[Array, " p"],
    ends: tuple[Float[Array, " p"], Float[Array, " p"]],
    within: float = ON_WALL,
) -> Int[Array, " p"]:
    """The sides on which constants are at a bound or beyond, whatever the data say.

    Args:
        within: of the bound, in units of the spans.
    """
    low, high = ends
    below, above = unit <= low + within, unit >= high - within
    return above.astype(int) - below.astype(int)


def in_spans(
    study: Study, theta: Float[Array, " p"]
) -> tuple[Float[Array, " p"], tuple[Array, Array]]:
    """Constants, and their bounds, in units of the spans of the initial guesses."""
    low, high = study.bounds()
    foot, top = ((end - low) / (high - low) for end in study.walls(theta))
    return (theta - low) / (high - low), (foot, top)


def inward(
    slope: Float[Array, "rows p"],
    residuals: Float[Array, " rows"],
    inverse: Float[Array, "p p"],
    side: Int[Array, " p"],
    scatter: Array,
) -> Float[Array, " p"]:
    """How far from its bound χ² is larger by 1, of each held constant.

    2 g x + h x² = s², with slope 2 g and curvature 2 h of the sum of squares from the
    bound inwards, while the free constants follow, and s² the variance of a residual.

    Args:
        slope: by constants in their own units.
        residuals: at the solution.
        inverse: (J^T J)^-1 of the free constants, 0 for those that are held.
        side: of each constant; the result for free ones means nothing.
        scatter: s².
    """
    left = slope - slope @ (inverse @ (slope.T @ slope))
    # what is left of a free one is rounding, whose root has no derivative to speak of
    left = jnp.where((side == 0)[None, :], 0, left)
    steep = jnp.maximum(-side * (left.T @ residuals), 0)
    curved = jnp.sum(left**2, axis=0)
    # the root of the quadratic in the form that loses no digits
    below = steep + safe_sqrt(steep**2 + curved * scatter)
    # no scatter at all leaves no error; a constant of which nothing is told has no end
    none = jnp.where(curved > 0, 0, jnp.inf)
    return jnp.where(below > 0, scatter / divisor(below), none)
