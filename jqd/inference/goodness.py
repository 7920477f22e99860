"""Whether a law describes data: chi-square, runs, pulls, and their thresholds."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .._math import divisor
from .._words import p_words

# Below this p-value the law does not describe the data: one fit in a thousand of a true
# law is flagged. A p-value above it does not show that the law is right: a wrong one
# whose constants compensate for what is missing leaves no residuals.
MISFIT_P = 1e-3
MISFIT = "the law does not describe the record"
CONVERGED, NOT_CONVERGED = "converged", "not converged"
# Above this one the residuals are smaller than chance makes them once in a thousand
# times: values that were rounded, smoothed or counted twice.
TOO_SMALL_P = 0.999
# Rows from which on the number of runs is about normal.
LEAST_ROWS = 10


def p_value(
    chi2: ArrayLike, dof: ArrayLike, excess: ArrayLike = 0.0
) -> Float[Array, ""]:
    """Probability of a sum of squares as large as this, if law and errors are right.

    Normal residuals give chi-square with variance 2 dof. Residuals of counts have
    another variance; the distribution is then that of a multiple c of a chi-square
    with ν degrees of freedom, of the same mean and variance (Satterthwaite):

        c ν = dof,   2 c² ν = 2 dof + excess

    Args:
        chi2: sum of squared residuals at the fit, scalar.
        dof: degrees of freedom; where there is none left, the result is 1.
        excess: variance of the sum beyond 2 dof.

    Returns:
        Scalar in [0, 1]; 0 for a sum that is not finite. No gradient flows through it.
    """
    given = (jnp.asarray(x, jnp.result_type(float)) for x in (chi2, dof, excess))
    chi2, dof, excess = map(jax.lax.stop_gradient, given)
    left = dof > 0
    safe = divisor(dof)
    c = jnp.maximum(1 + excess / (2 * safe), 1e-3)
    sound = jnp.isfinite(chi2)
    x = jnp.where(sound, jnp.maximum(chi2, 0), 0)
    tail = jax.scipy.special.gammaincc(safe / (2 * c), x / (2 * c))
    return jnp.where(left, jnp.where(sound, tail, 0), 1)


def misfit_message(chi2_per_dof: float, p: float) -> str:
    """One sentence for a law that does not describe its data."""
    return (
        "The residuals are larger than the stated errors allow (chi-square per degree "
        f"of freedom {chi2_per_dof:.4g}, p {p_words(p)}): law, state, instrument or "
        "errors are not those of the record, and the standard errors are not to be "
        "trusted."
    )


def pulled_message(pulls: Mapping[str, float]) -> str:
    """One sentence for nuisances that are far from their priors."""
    told = ", ".join(f"{name} by {pull:+.2g}" for name, pull in pulls.items())
    return (
        f"The record pulls {told} widths of the prior: law, state, instrument or prior "
        "may not be those of the record, and the standard errors assume that they are."
    )


def factor_words(factor: ArrayLike) -> str:
    """A factor of the variance, such as "2.2", or "1.5 to 2.2" where rows differ."""
    rows = np.asarray(factor)
    ends = [f"{end:.3g}" for end in (rows.min(), rows.max())]
    return " to ".join(dict.fromkeys(ends))


def scatter_message(factor: ArrayLike) -> str:
    """Two sentences for counts whose scatter is fitted."""
    return (
        f"The scatter of the counts is fitted: their variance is {factor_words(factor)}"
        " times that of independent shots, which all errors include. Chi-square then "
        "tests only how rows differ in their scatter; a pattern of the residuals in "
        "time is still tested."
    )


class Runs(NamedTuple):
    """Runs of residuals of one sign over time, in all columns together.

    Attributes:
        number: number of runs.
        expected: its mean, if the rows were in random order.
        sd: its standard deviation then.
        p_value: probability of so few runs, by a normal distribution.
    """

    number: int
    expected: float
    sd: float
    p_value: float

    def describe(self) -> str:
        """The test in words."""
        return (
            f"{self.number} runs of residuals of one sign, {self.expected:.4g} +- "
            f"{self.sd:.2g} expected by chance (p {p_words(self.p_value)})"
        )


def runs_of(residuals: np.ndarray) -> Runs | None:
    """The test of Wald and Wolfowitz for residuals that are correlated in time.

    The number of runs is C + Σ_t d(t, t+1), d the number of columns whose signs differ;
    its mean and variance are those over all orders of the rows, so that columns may
    depend on each other. With one column it is the test as published.

    Args:
        residuals: (T, C), in the order of time.

    Returns:
        The runs; None for fewer than `LEAST_ROWS` rows, or where all orders give as
        many.

    Source: A. Wald and J. Wolfowitz (1940) Ann. Math. Stat. 11, 147.
    """
    rows, columns = residuals.shape
    if rows < LEAST_ROWS:
        return None
    signs = np.where(residuals < 0, -1.0, 1.0)
    apart = (columns - signs @ signs.T) / 2
    links = rows - 1
    # Σ d, Σ d² and Σ_i (Σ_j d_ij)² over i != j, and from them means over distinct rows
    first, square = apart.sum(), (apart**2).sum()
    fans = (apart.sum(axis=1) ** 2).sum()
    pairs = rows * links
    mean = first / pairs
    shared = (fans - square) / (pairs * (rows - 2))
    free = (first**2 - 4 * fans + 2 * square) / (pairs * (rows - 2) * (rows - 3))
    neighbours = 2 * (links - 1)
    second = links * square / pairs + neighbours * shared
    second += (links**2 - links - neighbours) * free
    variance = second - (links * mean) ** 2
    if not variance > 1e-9 * max(second, 1.0):
        return None
    count = columns + round(float(np.trace(apart, 1)))
    expected, sd = columns + links * mean, math.sqrt(variance)
    p = math.erfc((expected - count) / sd / math.sqrt(2)) / 2
    return Runs(count, float(expected), sd, p)
