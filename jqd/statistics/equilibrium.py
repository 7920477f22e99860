"""Occupations of largest entropy at fixed number and energy."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import safe_log
from .._program import program
from ._family import coldest, falling_root
from .occupation import checked_levels, mean_occupation, reduced_alpha


class Equilibrium(NamedTuple):
    """The occupations of largest entropy, with their temperature.

    Attributes:
        occupations: mean number in one state of each level, shape (L,).
        T: kT; negative where the energy is above that of equal occupations.
        mu: chemical potential.
    """

    occupations: Float[Array, " L"]
    T: Float[Array, ""]
    mu: Float[Array, ""]


def maximum_entropy(
    E: ArrayLike,
    N: ArrayLike,
    U: ArrayLike,
    g: ArrayLike,
    degeneracy: ArrayLike = 1.0,
) -> Equilibrium:
    """Occupations of largest entropy at fixed number and energy.

    They are n_i = 1/(exp((E_i - μ)/kT) - g), with Σ G n = N and Σ G E n = U. A uniform
    probability of the configurations alone would prefer no occupation: the entropy
    comes from the G_i states of a level.

    Args:
        E: energies of the levels, shape (L,), at least two different.
        N: number of particles, shape ().
        U: their energy, shape (), between the least and the largest possible.
        g: constant of the statistics, shape ().
        degeneracy: G_i, states of each level, shape (L,) or ().

    Returns:
        Occupations, T and μ, differentiable in E, N, U, g and G; NaN where U is out of
        range under a tracer.

    Raises:
        ValueError: N is not positive or too large, or no occupations have energy U.

    Source: Zakir, eqs. (46)-(50), completed.
    """
    E, G, N, g = checked_levels(E, degeneracy, N, g)
    _checks.check_scalar(U, "U")
    U = _checks.widen(U)
    _check_energy(E, G, N, U, g)
    return _maximum_entropy(E, G, N, U, g)


@program
def _maximum_entropy(E: Array, G: Array, N: Array, U: Array, g: Array) -> Equilibrium:
    # in units that make all numbers of order one
    span = jnp.max(E) - jnp.min(E)
    levels = (E - jnp.min(E)) / span
    target = (U / N - jnp.min(E)) / span

    def excess(u):
        # the mean energy falls as u = asinh(span/kT) rises
        x = jnp.sinh(u) * levels
        nbar = mean_occupation(x + reduced_alpha(x, G, N, g), g)
        return jnp.sum(G * levels * nbar) / N - target

    largest = jnp.arcsinh(coldest(levels))
    u = falling_root(excess, -largest, largest)
    # U out of range, which only numbers show: no answer rather than the bound
    found = jnp.abs(excess(u)) < jnp.sqrt(jnp.finfo(E.dtype).eps)
    u = jnp.where(found, u, jnp.nan)
    x = jnp.sinh(u) * levels
    alpha = reduced_alpha(x, G, N, g)
    T = span / jnp.sinh(u)
    return Equilibrium(mean_occupation(x + alpha, g), T, jnp.min(E) - T * alpha)


def entropy(
    occupations: ArrayLike, g: ArrayLike, degeneracy: ArrayLike = 1.0
) -> Float[Array, ""]:
    """Entropy of levels of many states, in units of k.

    S = Σ G [-n ln n + (1 + g n) ln(1 + g n)/g], for g = 0 Σ G [-n ln n + n]

    Args:
        occupations: mean number in one state of each level, shape (L,).
        g: constant of the statistics, shape ().
        degeneracy: G, states of each level, shape (L,) or ().

    Returns:
        The entropy, shape ().

    Raises:
        ValueError: occupations that are negative, a degeneracy that is not positive, g
            that is not real and finite.
    """
    _checks.check_not_negative(occupations, "occupations")
    _checks.check_positive(degeneracy, "degeneracy")
    _checks.check_reals(g, "g")
    n, g, G = jnp.broadcast_arrays(*map(_checks.widen, (occupations, g, degeneracy)))
    filled, y = n > 0, g * n
    own = jnp.where(filled, n * safe_log(n), 0)
    small = jnp.abs(y) < 1e-3
    near, far = jnp.where(small, y, 0), jnp.where(small, 1, y)
    # (1 + y) ln(1 + y)/y; y⁵/30 is left out
    series = 1 + near * (1 / 2 + near * (-1 / 6 + near * (1 / 12 - near / 20)))
    # A full state, y = -1, has 0 ln 0 = 0.
    full = far <= -1
    log = jnp.log1p(jnp.where(full, 0, far))
    rest = n * jnp.where(small, series, jnp.where(full, 0, (1 + far) * log / far))
    return jnp.sum(G * (rest - own))


def _check_energy(E: Array, G: Array, N: Array, U: Array, g: Array) -> None:
    """Some occupations have the energy U (skipped for tracers)."""
    if not _checks.is_concrete((E, G, N, U, g)):
        return
    energies, states, number, statistics = map(np.asarray, (E, G, N, g))
    if np.ptp(energies) == 0:
        raise ValueError("Argument `E` must have two different levels, but has one.")

    def filled(order):
        """The energy where levels are filled one after another."""
        places = states[order] / -statistics if statistics < 0 else np.inf * states
        before = np.concatenate([[0], np.cumsum(places)[:-1]])
        inside = np.clip(number - before, 0, places)
        return float(np.sum(inside * energies[order]))

    order = np.argsort(energies)
    least, largest = filled(order), filled(order[::-1])
    if not least < float(U) < largest:
        raise ValueError(
            f"Argument `U` must lie between {least:.6g} and {largest:.6g}, but it is "
            f"{float(U):.6g}."
        )
