"""The temperature of light, from photon counts or from mean occupations."""

import math
from collections import Counter
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._gate import gated
from ..._words import p_words
from ...matter.photons import bose_einstein, count_information, truncated_moments
from ..constant import Constant
from ..goodness import CONVERGED, MISFIT, MISFIT_P, NOT_CONVERGED, p_value
from .curve import fit_curve

_NEWTON_STEPS = 60
# More counts than this are never so alike by chance that it would matter; nor are those
# of unlike modes with more photons, whose sums over all ways to share them take long.
_FEW, _MOST_PHOTONS = 64, 1000


class TemperatureFit(NamedTuple):
    """A temperature of light.

    Attributes:
        T: temperature, in the unit of ħω, with its standard error.
        bound: Cramér-Rao bound of the standard error.
        chi2_per_dof: mean square of (n - n̄)/√var(n) of counts, or of the residuals
            of a curve with known errors; else None. Near 1 for light that is thermal.
        p_value: probability of a value as far from its expectation, if light is thermal
            (counts: on either side, at least twice that of these very counts given
            their sum; a curve: as large); else None.
        status: "converged", "not converged" or, where `p_value` is below 1e-3, "the law
            does not describe the record".
        message: one sentence.
    """

    T: Constant
    bound: float
    chi2_per_dof: float | None
    p_value: float | None
    status: str
    message: str


@gated
def fit_photon_counts(
    n: ArrayLike, omega: ArrayLike, n_max: ArrayLike | None = None
) -> TemperatureFit:
    """T of thermal light by maximum likelihood, P(n) ∝ q^n, q = e^{-ω/T}.

    The likelihood is concave in 1/T, and its slope Σ ω (n̄(ω/T) - n) convex where T > 0:
    Newton's method comes down to the root from one side, whatever the counts. With a
    cut-off it begins at 1/T = 0, beyond which (T < 0) everything is mirrored.

    Args:
        n: counts, shape (S,).
        omega: frequency of the mode of each count, shape (S,) or (), ħ = 1.
        n_max: largest number that a mode can hold, such as a tower's cut-off over ω,
            shape (S,) or (); None for no cut-off. Without it counts that were cut off
            look colder than they are.

    Returns:
        The fit; its standard error is the Cramér-Rao bound at the fitted T. T is
        negative where cut-off counts are higher than at any T > 0.

    Raises:
        ValueError: counts that are no whole numbers from 0 on, no photon at all, counts
            above the cut-off or all of them at it, frequencies not positive, float64
            off.
    """
    _checks.require_x64("jqd.recover")
    n = np.asarray(n, float)
    _checks.check_shape(n, "n", (None,))
    _checks.check_whole(n, "n")
    _checks.check_positive(omega, "omega")
    if np.ndim(omega):
        _checks.check_shape(omega, "omega", n.shape)
    omega = np.broadcast_to(np.asarray(omega, float), n.shape)
    if not n.any():
        raise ValueError(
            "Argument `n` must hold at least one photon, but holds none: any low "
            "temperature explains that."
        )
    most = None if n_max is None else _cutoff(n_max, n)
    T, left = map(float, _newton(jnp.asarray(omega), jnp.asarray(n), most))
    bound = float(jnp.sum(count_information(omega, T, most)) ** -0.5)
    dof = max(len(n) - 1, 1)
    chi2, excess = map(float, _scatter(jnp.asarray(omega / T), jnp.asarray(n), most))
    above = float(p_value(chi2, dof, excess))
    # a sum of a few whole numbers has no smooth distribution
    alone = _given_sum(omega / T, n, most)
    chi2, p = chi2 / dof, min(1.0, 2 * max(min(above, 1 - above), alone))
    done = abs(left) < 1e-10
    cut = "" if most is None else f", cut off at {int(np.max(most))}"
    below = "" if T > 0 else " No positive temperature has so many."
    status, message = CONVERGED if done else NOT_CONVERGED, ""
    if done and p < MISFIT_P:
        status = MISFIT
        message = (
            f" Thermal counts do not scatter like this (chi-square per degree of "
            f"freedom {chi2:.4g}, p {p_words(p)}): the error is not to be trusted."
        )
    return TemperatureFit(
        Constant("T", T, bound, 0.0, None, holds=status == CONVERGED), bound, chi2,
        p, status,
        f"{len(n)} counts{cut}, {n.mean():.3g} photons in each on average.{below}"
        + message,
    )  # fmt: skip


@jax.jit
def _scatter(x: Array, n: Array, n_max: Array | None) -> tuple[Array, Array]:
    """Σ (n - n̄)²/var(n), and its variance beyond twice the number, Σ κ₄/var(n)².

    Cumulants of e^{-nx} are derivatives by -x: κ₄ = d² var/dx².
    """

    def variance(x: Array) -> Array:
        if n_max is not None:
            return truncated_moments(x, n_max)[1]
        mean = bose_einstein(x, 1.0)
        return mean * (mean + 1)

    def slope(x: Array) -> Array:
        return jax.jvp(variance, (x,), (jnp.ones_like(x),))[1]

    mean = bose_einstein(x, 1.0)
    if n_max is not None:
        mean = truncated_moments(x, n_max)[0]
    second, fourth = variance(x), jax.jvp(slope, (x,), (jnp.ones_like(x),))[1]
    return jnp.sum((n - mean) ** 2 / second), jnp.sum(fourth / second**2)


def _given_sum(x: np.ndarray, n: np.ndarray, n_max: Array | None) -> float:
    """Probability of these counts, in any order of like modes, given their sum.

    e^{-Σ x n} over the sum of the same of all counts with that sum; 0 for many counts.

    Args:
        x: ω/T of each mode, (S,).
        n: counts, (S,).
        n_max: largest of each, (S,), or None.
    """
    total = int(n.sum())
    most = np.full(n.shape, total) if n_max is None else np.asarray(n_max)
    modes = list(zip(x.tolist(), most.tolist(), strict=True))
    if len(n) > _FEW:
        return 0.0
    orders = 0.0
    for same in Counter(modes).values():
        orders += math.lgamma(same + 1)
    for same in Counter(zip(modes, n.tolist(), strict=True)).values():
        orders -= math.lgamma(same + 1)
    if n_max is None and len(set(modes)) == 1:
        ways = math.lgamma(total + len(n)) - math.lgamma(len(n))
        return math.exp(orders - ways + math.lgamma(total + 1))
    if total > _MOST_PHOTONS:
        return 0.0
    # what multiplies all x n by the same factor for one sum drops out
    x, ways = x - np.mean(x), np.ones(1)
    with np.errstate(over="ignore", invalid="ignore"):
        for one, largest in zip(x, most, strict=True):
            numbers = np.arange(min(int(largest), total) + 1)
            ways = np.convolve(ways, np.exp(-one * numbers))[: total + 1]
        share = math.exp(orders) * np.exp(-np.sum(x * n)) / ways[total]
    return float(share) if np.isfinite(share) else 0.0


def _cutoff(n_max: ArrayLike, n: np.ndarray) -> Array:
    """The cut-off of each count, checked."""
    most = np.asarray(n_max, float)
    _checks.check_positive(most, "n_max")
    if most.ndim > 0:
        _checks.check_shape(most, "n_max", n.shape)
    most = np.broadcast_to(most, n.shape)
    _checks.check_whole(most, "n_max")
    if np.any(n > most):
        raise ValueError(
            "Argument `n` must not exceed `n_max`, but holds "
            f"{n[n > most][0]:g} where that is {most[n > most][0]:g}."
        )
    if np.all(n == most):
        raise ValueError(
            "Argument `n` must hold at least one count below `n_max`, but holds none: "
            "no temperature explains that."
        )
    return jnp.asarray(most)


@jax.jit
def _newton(omega: Array, n: Array, n_max: Array | None) -> tuple[Array, Array]:
    """T, and the last change of ln β."""

    def slope(beta: Array) -> Array:
        if n_max is None:
            return jnp.sum(omega * (1 / jnp.expm1(beta * omega) - n))
        return jnp.sum(omega * (truncated_moments(beta * omega, n_max)[0] - n))

    def step(beta: Array, _) -> tuple[Array, Array]:
        change = slope(beta) / jax.grad(slope)(beta)
        return beta - change, change / beta

    # n̄(x) > 1/x - 1/2, so that this β lies below the root
    first = omega.size / jnp.sum(omega * (n + 0.5))
    if n_max is not None:
        first = jnp.zeros_like(first)
    beta, changes = jax.lax.scan(step, first, None, length=_NEWTON_STEPS)
    return 1 / beta, changes[-1]


@gated
def fit_photon_curve(
    nbar: ArrayLike, omega: ArrayLike, sigma: ArrayLike | None = None
) -> TemperatureFit:
    """T of mean occupations n̄(ω) = 1/(e^{ω/T} - 1) by least squares.

    Args:
        nbar: mean occupations, shape (L,).
        omega: frequencies, shape (L,), ħ = 1.
        sigma: standard errors, shape (L,) or (); None to estimate one for all.

    Returns:
        The fit.

    Raises:
        ValueError: wrong shapes or values, float64 off.
    """
    _checks.check_shape(omega, "omega", (None,))
    _checks.check_length(np.asarray(omega), "omega")
    _checks.check_positive(omega, "omega")
    found = fit_curve(
        nbar, omega, sigma, free=("T",), start={"g": 1.0, "mu": 0.0}, starts=1
    )
    T = found.constants["T"]
    message = f"{np.size(omega)} frequencies; no photon is conserved: g = 1, mu = 0."
    if found.status == MISFIT:
        message += f" {found.message}"
    return TemperatureFit(
        T, T.stderr, found.chi2_per_dof, found.p_value, found.status, message
    )  # fmt: skip
