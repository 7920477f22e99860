"""Mean occupations of levels: of any statistics g, with the chemical potential.

T stands for kT, in the unit of the energies.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import safe_divide
from .._program import program
from ._family import falling_root


def occupation(
    E: ArrayLike, T: ArrayLike, mu: ArrayLike, g: ArrayLike
) -> Float[Array, "..."]:
    """Mean occupation of a state, 1/(exp((E - μ)/kT) - g).

    It is the mean of n under weights Π_{k<n} (1 + g k)/n! exp(-n (E - μ)/kT), the
    family of `log_probability`; g = 0, 1 and -1 are Maxwell-Boltzmann, Bose-Einstein
    and Fermi-Dirac. The curve is defined for any real g.

    Args:
        E: energies.
        T: kT.
        mu: μ, below every E - kT ln g where g > 0.
        g: constant of the statistics.

    Returns:
        Occupations of the broadcast shape; NaN where exp((E - μ)/kT) <= g.

    Raises:
        ValueError: T is not positive, μ is too large, or values are not real and
            finite.

    Source: Zakir, eqs. (46), (48), (50), completed by μ.
    """
    _checks.check_all_real(E=E, mu=mu, g=g)
    _checks.check_positive(T, "T")
    E, T, mu, g = jnp.broadcast_arrays(*map(_checks.widen, (E, T, mu, g)))
    x = (E - mu) / T
    if _checks.is_concrete((x, g)):
        with np.errstate(over="ignore"):
            full = np.exp(np.asarray(x)) <= np.asarray(g)
        if np.any(full):
            raise ValueError(
                "Argument `mu` must lie below every E - kT ln g, but it is "
                f"{float(jnp.max(mu)):.6g}."
            )
    return mean_occupation(x, g)


def mean_occupation(x: Array, g: Array) -> Array:
    """1/(e^x - g) without overflow; NaN where e^x <= g."""
    # e^x - g keeps its digits for x near 0 and g near 1
    up, down = jnp.where(x < 0, x, 0), jnp.where(x < 0, 0, -x)
    low = jnp.expm1(up) + (1 - g)
    high = (1 - g) - g * jnp.expm1(down)
    bottom = jnp.where(x < 0, low, high)
    return safe_divide(jnp.exp(down), bottom, otherwise=jnp.nan)


def count_information(nbar: ArrayLike, g: ArrayLike) -> Float[Array, ""]:
    """Information on g in one count of every state, T and μ known.

    I = Σ (∂n/∂g)²/var n = Σ n³/(1 + g n), from ∂n/∂g = n² and var n = n (1 + g n): it
    falls with the cube of the occupation, so dilute data do not determine g.

    Args:
        nbar: mean occupations, shape (L,).
        g: constant of the statistics.

    Returns:
        1/variance of the best estimate from the counts' means.

    Raises:
        ValueError: occupations that are negative, g not one real number.
    """
    _checks.check_not_negative(nbar, "nbar")
    _checks.check_scalar(g, "g")
    nbar = _checks.widen(nbar)
    return jnp.sum(nbar**3 / (1 + g * nbar))


def chemical_potential(
    E: ArrayLike,
    T: ArrayLike,
    N: ArrayLike,
    g: ArrayLike,
    degeneracy: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """μ at which the mean occupations add up to N: Σ G_i n_i = N.

    The root is bracketed for every g: with c = Σ G/N + g, the average occupation gives
    ln c as an upper bound of (E_0 - μ)/kT, and the highest level a lower bound.
    Differentiable in all arguments, as long as N is possible.

    Args:
        E: energies of the levels, shape (L,).
        T: kT, shape ().
        N: number of particles, shape ().
        g: constant of the statistics, shape ().
        degeneracy: states of each level, shape (L,) or ().

    Returns:
        μ, shape ().

    Raises:
        ValueError: T or N is not positive, or N exceeds Σ G/|g| where g < 0.
    """
    E, G, N, g = checked_levels(E, degeneracy, N, g)
    _checks.check_positive(T, "T", ())
    return _chemical_potential(E, _checks.widen(T), G, N, g)


@program
def _chemical_potential(E: Array, T: Array, G: Array, N: Array, g: Array) -> Array:
    return -T * reduced_alpha(E / T, G, N, g)


def reduced_alpha(x: Array, G: Array, N: Array, g: Array) -> Array:
    """α = -μ/kT with Σ G n(x + α) = N, for energies x in units of kT of either sign."""
    least = jnp.min(x)
    steps = x - least
    high = jnp.log(jnp.sum(G) / N + g)
    low = high - jnp.max(steps)

    def excess(alpha):
        nbar = mean_occupation(steps + alpha, g)
        # Too small an α has no occupations, in any case too many.
        return jnp.log(jnp.where(jnp.isnan(nbar), 1e30, nbar) @ G / N)

    return falling_root(excess, low, high) - least


def checked_levels(E: Any, degeneracy: Any, N: Any, g: Any) -> tuple[Array, ...]:
    """Checked and widened: E (L,), G (L,), N and g."""
    _checks.check_numbers(E, "E")
    if np.ndim(E) != 1 or np.size(E) == 0:
        raise ValueError(
            "Argument `E` must be a vector of at least one energy, but its shape is "
            f"{np.shape(E)}."
        )
    _checks.check_reals(E, "E")
    _checks.check_positive(N, "N", ())
    _checks.check_positive(degeneracy, "degeneracy")
    if np.ndim(degeneracy):
        _checks.check_shape(degeneracy, "degeneracy", np.shape(E))
    _checks.check_scalar(g, "g")
    E, N, g = map(_checks.widen, (E, N, g))
    G = jnp.broadcast_to(_checks.widen(degeneracy), E.shape).astype(E.dtype)
    if _checks.is_concrete((G, N, g)) and float(jnp.sum(G) / N + g) <= 0:
        raise ValueError(
            f"Argument `N` must be below the {float(-jnp.sum(G) / g):g} places of g = "
            f"{float(g):g}, but it is {float(N):g}."
        )
    return E, G, N, g
