"""Floquet theory of the spread within a class whose share goes round periodically."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...steppers import rk4
from .couplings import NORMS

STEPS = 1000


class _Linear:
    """The vector field A(t) X, for the Runge-Kutta step."""

    def __init__(self, generator: Callable[[Any], Array]):
        self.generator = generator

    def vector_field(self, t: Any, X: Array) -> Array:
        return jnp.matmul(self.generator(t), X, precision=jax.lax.Precision.HIGHEST)


def monodromy(
    generator: Callable[[Array], Array], period: ArrayLike, *, steps: int = STEPS
) -> Float[Array, "d d"]:
    """The map of a linear system over one period.

    X(T) of Ẋ = A(t) X, X(0) = 1, by Runge-Kutta steps

    Args:
        generator: A(t), a function of a scalar time, (d, d), 1/time.
        period: T, scalar, time.
        steps: how many; the error falls as their fourth power.

    Returns:
        X(T), (d, d).
    """
    system = _Linear(generator)
    period = jnp.asarray(period)
    dt = period / steps
    start = jnp.eye(generator(jnp.zeros_like(dt)).shape[-1], dtype=dt.dtype)

    def advance(X: Array, i: Array) -> tuple[Array, None]:
        return rk4(system, i * dt, X, dt), None

    return jax.lax.scan(advance, start, jnp.arange(steps))[0]


class Floquet(NamedTuple):
    """One period of an oscillator whose constants go round periodically.

    Attributes:
        trace: of its monodromy; |trace| > 1 + determinant: it grows.
        determinant: of its monodromy, exp(-γT).
        growth: mean rate of growth, ln(largest |eigenvalue|)/T, 1/time.
    """

    trace: Array
    determinant: Array
    growth: Array


def hill_generator(
    density: ArrayLike, kappa: ArrayLike, damping: ArrayLike = 0.0, norm: str = "paper"
) -> Float[Array, "2 2"]:
    """Oscillator of one pair of phase differences in a class of share ρ.

    ẏ = ρ p,  ṗ = -κ y - γ p,  y = √ρ δφ, p = δπ/√ρ;  κ/ρ in place of κ per class

    Args:
        density: ρ_a at one time, scalar.
        kappa: κ = 2f²N, or 2f² with the norm per class, 1/time².
        damping: γ, 1/time.
        norm: "paper" or "class".

    Returns:
        The matrix of (y, p), (2, 2).

    Source: Smolin (2012), eqs. 40, 46, linear in the differences.
    """
    _checks.check_choice(norm, "norm", NORMS)
    density, kappa, damping = map(jnp.asarray, (density, kappa, damping))
    stiffness = kappa if norm == "paper" else kappa / density
    top = jnp.stack([jnp.zeros_like(density), density])
    return jnp.stack([top, -jnp.stack([stiffness, damping])]).astype(density.dtype)


def hill(
    density: Callable[[Array], Array],
    period: ArrayLike,
    kappa: ArrayLike,
    *,
    damping: ArrayLike = 0.0,
    norm: str = "paper",
    steps: int = STEPS,
) -> Floquet:
    """Parametric resonance of the spread within a class.

    A class that fills and empties modulates its own alignment oscillator; at γ = 0 the
    spread stays bounded where |trace| < 2 and grows where |trace| > 2.

    Args:
        density: ρ_a(t), a function of a scalar time, positive, of period T.
        period: T, scalar, time.
        kappa: κ = 2f²N (norm "paper") or 2f² ("class"), scalar, 1/time²; `jax.vmap`
            for many.
        damping: γ, scalar, 1/time.
        norm: "paper" or "class".
        steps: Runge-Kutta steps a period.

    Returns:
        Trace, determinant and growth rate, scalars.

    Source: G. W. Hill (1886) Acta Math. 8, 1; W. Magnus and S. Winkler, Hill's
    Equation (1966), for the trace.
    """
    dtype = jnp.result_type(float)
    kappa, damping = jnp.asarray(kappa, dtype), jnp.asarray(damping, dtype)
    period = jnp.asarray(period, dtype)
    X = monodromy(
        lambda t: hill_generator(density(t), kappa, damping, norm), period, steps=steps
    )
    trace = X[0, 0] + X[1, 1]
    # exact; X[0, 0] X[1, 1] - X[0, 1] X[1, 0] loses digits in strong growth
    determinant = jnp.exp(-damping * period)
    # eigenvalues t/2 ± √(t²/4 - det), a pair of modulus √det inside the bounds
    grows = jnp.abs(trace) > 2 * jnp.sqrt(determinant)
    root = jnp.sqrt(jnp.where(grows, trace**2 / 4 - determinant, 1))
    largest = jnp.where(grows, jnp.abs(trace) / 2 + root, jnp.sqrt(determinant))
    return Floquet(trace, determinant, jnp.log(largest) / period)


def tongues(
    density: Callable[[Array], Array],
    period: ArrayLike,
    kappas: ArrayLike,
    *,
    damping: ArrayLike = 0.0,
    norm: str = "paper",
    steps: int = STEPS,
    rounds: int = 20,
) -> np.ndarray:
    """Intervals of κ in which the spread within a class grows.

    Args:
        density: as for `hill`.
        period: as for `hill`.
        kappas: κ at which to look, (K,), increasing; a tongue that lies between two of
            them is missed, one that runs out of them ends there.
        damping: as for `hill`.
        norm: as for `hill`.
        steps: as for `hill`.
        rounds: bisections of each edge.

    Returns:
        Lower and upper ends, (tongues, 2) NumPy array, 1/time².

    Raises:
        ValueError: kappas not increasing.
    """
    _checks.check_times(kappas, "kappas")

    @jax.jit
    def unstable(kappa: Array) -> Array:
        one = jax.vmap(
            lambda k: hill(density, period, k, damping=damping, norm=norm, steps=steps)
        )(kappa)
        return jnp.abs(one.trace) > 1 + one.determinant

    grid = np.asarray(kappas)
    grows = np.asarray(unstable(jnp.asarray(grid)))
    edge = np.flatnonzero(grows[1:] != grows[:-1])
    low, high, left = grid[edge], grid[edge + 1], grows[edge]
    for _ in range(rounds if edge.size else 0):
        middle = (low + high) / 2
        same = np.asarray(unstable(jnp.asarray(middle))) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    ends = (low + high) / 2
    ends = np.concatenate([grid[:1][grows[:1]], ends, grid[-1:][grows[-1:]]])
    return ends.reshape(-1, 2)
