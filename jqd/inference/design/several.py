"""Optimal shares for several values of the constants at once: convex problems too.

min over w of max_j Ψ_j(w), or of Σ_j Ψ_j(w)/m

with Ψ_j the criterion of `weights` for the information at the j-th value. Shares and
multipliers λ_j move together by Newton's steps (primal-dual interior points):

Σ_j λ_j ∂Ψ_j/∂w_x - z_x + ν = 0,   λ_j (t - Ψ_j) = μ,   z_x w_x = μ,   Σ λ_j = Σ w_x = 1

with μ towards 0. Since Ψ_j are convex, the minimum is bounded from below by

Σ_j λ_j Ψ_j(w) - (max_x s_x - w·s),   s_x = -∂/∂w_x Σ_j λ_j Ψ_j

Source: Boyd and Vandenberghe (2004), sec. 11.7.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .weights import Problem, covariance, slopes_of

# Factor of μ in a step, most steps, and how far to a wall a step goes.
SHRINK, STEPS, WALL = 0.15, 100, 0.99
# Shares that count as none, in units of the mean one.
LEFT = 1e-4


class Least(NamedTuple):
    """Optimal shares for several problems.

    Attributes:
        weights: w, (S,).
        values: Ψ_j there, (m,).
        gap: by how much the objective may be above its minimum: relative for a trace, a
            constant for ln det.
        slopes: s_x, (S,).
    """

    weights: Float[Array, " S"]
    values: Float[Array, " m"]
    gap: Float[Array, ""]
    slopes: Float[Array, " S"]


class _Point(NamedTuple):
    """Shares w and their multipliers z, values' multipliers λ and slacks y, t, ν."""

    weights: Array
    walls: Array
    favour: Array
    slack: Array
    top: Array
    level: Array


def values_of(problems: Problem, weights: Array) -> Float[Array, " m"]:
    """Ψ_j: tr or ln det of C^T V_j C.

    Args:
        problems: m of them, of the same settings, along a first axis.
        weights: w, (S,).
    """

    def one(problem: Problem) -> Array:
        problem = problem.scaled()
        spread = problem.wanted.T @ covariance(problem, weights) @ problem.wanted
        return jnp.linalg.slogdet(spread)[1] if problem.log_det else jnp.trace(spread)

    return jax.vmap(one)(problems)


@partial(jax.jit, static_argnames="mean")
def least(problems: Problem, tolerance: float = 1e-6, *, mean: bool = False) -> Least:
    """Shares that minimise the largest criterion, or the mean one.

    Args:
        problems: m of them, of the same settings, along a first axis.
    """
    tasks = jax.vmap(Problem.scaled)(problems)
    size = tasks.settings.shape[1]
    even = jnp.full((size,), 1 / size)
    values = _counted(tasks, even, mean)
    unit = jnp.asarray(1.0) if tasks.log_det else jnp.max(values)
    ones = jnp.ones_like(values)
    top = jnp.max(values) / unit + 1
    begun = _Point(
        even, jnp.ones_like(even), ones / ones.size, top - values / unit, top,
        jnp.asarray(0.0),
    )  # fmt: skip

    def unfinished(state: tuple[_Point, Array]) -> Array:
        gap = _judged(tasks, state[0], mean).gap
        return (state[1] < STEPS) & ~(gap <= tolerance)

    def step(state: tuple[_Point, Array]) -> tuple[_Point, Array]:
        return _newton(tasks, unit, state[0], mean), state[1] + 1

    ended, _ = jax.lax.while_loop(unfinished, step, (begun, jnp.asarray(0)))
    return _judged(tasks, ended, mean)


def _counted(tasks: Problem, weights: Array, mean: bool) -> Float[Array, " n"]:
    """What the largest is taken of: every value, or their mean alone."""
    values = values_of(tasks, weights)
    return jnp.mean(values, keepdims=True) if mean else values


@jax.jit
def judge_several(problems: Problem, weights: Array) -> Least:
    """Given shares; their gap is inf, since no bound is computed."""
    problems = jax.vmap(Problem.scaled)(problems)
    values = values_of(problems, weights)
    slopes = jax.vmap(slopes_of, (0, None))(problems, weights)[jnp.argmax(values)]
    return Least(weights, values, jnp.asarray(jnp.inf), slopes)


def _judged(tasks: Problem, point: _Point, mean: bool) -> Least:
    """Shares without what is left where there should be none, and their bound."""
    kept = jnp.where(point.weights > LEFT / point.weights.size, point.weights, 0)
    weights = kept / jnp.sum(kept)
    values = values_of(tasks, weights)
    share = point.favour / jnp.sum(point.favour)
    share = jnp.broadcast_to(share / (values.size / share.size), values.shape)
    slopes = share @ jax.vmap(slopes_of, (0, None))(tasks, weights)
    reached = jnp.mean(values) if mean else jnp.max(values)
    bound = share @ values - (jnp.max(slopes) - weights @ slopes)
    gap = reached - bound if tasks.log_det else 1 - bound / reached
    return Least(weights, values, gap, slopes)


def _newton(tasks: Problem, unit: Array, at: _Point, mean: bool) -> _Point:
    """A step of all of them towards μ a part of what it is."""

    def counted(weights: Array) -> Array:
        return _counted(tasks, weights, mean) / unit

    size, count = at.weights.size, at.favour.size
    values, G = counted(at.weights), jax.jacrev(counted)(at.weights)
    H = jax.hessian(lambda weights: at.favour @ counted(weights))(at.weights)
    left = at.weights @ at.walls + at.favour @ at.slack
    mu = SHRINK * left / (size + count)
    one, none = jnp.ones((size, 1)), jnp.zeros((size, 1))
    each, zero = jnp.ones((count, 1)), jnp.zeros((count, 1))
    system = jnp.block([
        [H + jnp.diag(at.walls / at.weights), G.T, none, one],
        [G, -jnp.diag(at.slack / at.favour), -each, zero],
        [none.T, -each.T, jnp.zeros((1, 2))],
        [one.T, zero.T, jnp.zeros((1, 2))],
    ])  # fmt: skip
    wanted = jnp.concatenate([
        mu / at.weights - G.T @ at.favour - at.level,
        at.top - values - mu / at.favour,
        jnp.sum(at.favour, keepdims=True) - 1,
        1 - jnp.sum(at.weights, keepdims=True),
    ])  # fmt: skip
    step = jnp.linalg.solve(system, wanted)
    dw, df = step[:size], step[size : size + count]
    moves = (
        dw, (mu - at.walls * dw) / at.weights - at.walls,
        df, (mu - at.slack * df) / at.favour - at.slack,
    )  # fmt: skip
    length = jnp.min(
        jnp.stack([_room(x, dx) for x, dx in zip(at[:4], moves, strict=True)])
    )
    moved = jax.tree.map(
        lambda x, dx: x + length * dx, tuple(at), (*moves, step[-2], step[-1])
    )
    return _Point(*moved)


def _room(x: Array, step: Array) -> Array:
    """How much of a step leaves what is positive positive, at most 1."""
    shrinks = step < 0
    ratio = jnp.where(shrinks, -x / jnp.where(shrinks, step, -1), jnp.inf)
    return jnp.minimum(1.0, WALL * jnp.min(ratio))
