"""The constant g of the statistics from counts of particles."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._gate import gated
from ..._math import safe_divide
from ..constant import Constant
from ..goodness import CONVERGED
from ..identifiability import Unidentifiable

# Largest standard error of g that is accepted: Maxwell-Boltzmann differs from
# Bose-Einstein and from Fermi-Dirac by five of them.
LIMIT = 0.2
_SEARCH_STEPS = 100


class StatisticsFit(NamedTuple):
    """The outcome of a fit.

    Attributes:
        constants: by name; references are None.
        known: values of the constants that were not free, by name.
        covariance: of the constants, (p, p).
        at_edge: whether g is the least that the counts allow, -1/max n. Its standard
            error is then one-sided: the distance over which the likelihood falls by e.
        log_likelihood: at the fit, without terms that do not depend on g; None for
            curves.
        chi2_per_dof: for errors of known size, else None.
        p_value: of this chi-square, if curve and errors are right; else None.
        starts: initial guesses of the search, (S, p).
        ends: result from each initial guess, (S, p).
        agree: which initial guesses reached the best fit, (S,).
        status: "converged", "not converged" or, where `p_value` is below 1e-3, "the law
            does not describe the record".
        message: one sentence.
        freedom: degrees of freedom from which the scatter of a curve without errors was
            estimated; infinite where it is known.
    """

    constants: dict[str, Constant]
    known: dict[str, float]
    covariance: np.ndarray
    at_edge: bool
    log_likelihood: float | None
    chi2_per_dof: float | None
    p_value: float | None
    starts: np.ndarray
    ends: np.ndarray
    agree: np.ndarray
    status: str
    message: str
    freedom: float = math.inf


class _Counts(NamedTuple):
    """All that the likelihood needs: how many numbers exceed k.

    Attributes:
        above: occupation numbers larger than k = 0, 1, .., padded with zeros.
        drawn: draws of more than k particles, likewise.
        states: M.
    """

    above: Array
    drawn: Array
    states: Array

    def log_likelihood(self, g: Array) -> Array:
        """Σ ln P_g over the draws, without the terms that have no g."""
        own = jnp.where(self.above > 0, jnp.log(self._own(g)), 0) @ self.above
        return own - jnp.log(self._norm(g)) @ self.drawn

    def derivatives(self, g: Array) -> tuple[Array, Array]:
        """The first and second derivatives."""
        own = jnp.arange(self.above.shape[0]) / self._own(g)
        norm = jnp.arange(self.drawn.shape[0]) / self._norm(g)
        slope = own @ self.above - norm @ self.drawn
        return slope, norm**2 @ self.drawn - own**2 @ self.above

    def _own(self, g: Array) -> Array:
        return jnp.where(self.above > 0, 1 + g * jnp.arange(self.above.shape[0]), 1)

    def _norm(self, g: Array) -> Array:
        k = jnp.arange(self.drawn.shape[0])
        return jnp.where(self.drawn > 0, self.states + g * k, 1)


@gated
def fit_counts(
    counts: ArrayLike, *, starts: int = 6, limit: float = LIMIT
) -> StatisticsFit:
    """g by maximum likelihood from draws of occupation numbers.

    The likelihood Π P_g(n) is one for g >= 0 and for g = -1/k, k >= max n. The search
    covers g >= 0 from several initial guesses; then every -1/k is compared.

    Args:
        counts: occupation numbers, shape (R, M): a draw in each row; their sums may
            differ.
        starts: number of initial guesses for g >= 0.
        limit: largest standard error of g that is accepted.

    Returns:
        The fit.

    Raises:
        ValueError: counts are not whole numbers from 0 on, or float64 is off.
        Unidentifiable: the standard error exceeds `limit`: the counts are too dilute.

    Source: Zakir, eqs. (45), (47), (49), (52).
    """
    _checks.require_x64("jqd.recover")
    _checks.whole_number(starts, "starts", 1)
    table = _count_table(counts)
    data = _Counts(
        _exceeding(table.ravel()),
        _exceeding(table.sum(axis=1)),
        jnp.asarray(float(table.shape[1])),
    )
    # g matters on the scale of 1/n
    scale = max(float(table.mean()), 1e-3)
    first = np.expm1(np.linspace(0, np.log1p(10 * max(scale, 1.0)), starts)) / scale
    ends, values = map(np.asarray, _climb(data, jnp.asarray(first), scale))
    best = int(np.argmax(values))
    g, value = float(ends[best]), float(values[best])
    most = int(table.max())
    g, value = max(((g, value), _best_fraction(data, most)), key=lambda pair: pair[1])
    slope, bend = map(float, data.derivatives(jnp.asarray(g)))
    edge = most > 0 and g == -1 / most and slope < 0
    information = slope**2 if edge else -bend
    stderr = information**-0.5 if information > 0 else np.inf
    if not stderr <= limit:
        raise Unidentifiable(
            f"Argument `counts` must determine g to +-{limit:g}, so that g = -1, 0 and "
            f"1 are apart, but its standard error is {stderr:.2g}: the counts are too "
            f"dilute (mean {table.mean():.3g}, largest {most}) or too few "
            f"({len(table)} draws)."
        )
    reached = np.abs(values - values.max()) < 1e-6 * max(1.0, abs(values.max()))
    message = f"Most likely g for {len(table)} draws of {table.shape[1]} states."
    if edge:
        message = (
            f"No count exceeds {most}, and the likelihood rises up to the edge g = "
            f"-1/{most}."
        )
    return StatisticsFit(
        {"g": Constant("g", g, stderr, 0.0, None)}, {}, np.array([[stderr**2]]), edge,
        value, None, None, first[:, None], ends[:, None], reached, CONVERGED, message,
    )  # fmt: skip


@jax.jit
def _climb(data: _Counts, starts: Array, scale: ArrayLike) -> tuple[Array, Array]:
    """Adam from every start with g >= 0, in u = ln(1 + scale g), then Newton in g."""
    import optax

    optimizer = optax.adam(optax.cosine_decay_schedule(0.1, _SEARCH_STEPS, 0.01))
    draws = data.drawn[0]

    def loss(u):
        return -data.log_likelihood(jnp.expm1(u) / scale) / draws

    def descend(carry, _):
        u, state = carry
        updates, state = optimizer.update(jax.grad(loss)(u), state)
        return (jnp.maximum(u + updates, 0), state), None

    def newton(g, _):
        slope, bend = data.derivatives(g)
        step = safe_divide(-slope, bend, bend < 0)
        # no further than the scale on which the curve bends
        moved = jnp.clip(g + step, g / 2, 2 * g + 1 / scale)
        better = data.log_likelihood(moved) >= data.log_likelihood(g)
        return jnp.where(better, moved, g), None

    def climb(start):
        u = jnp.log1p(start * scale)
        (u, _), _ = jax.lax.scan(
            descend, (u, optimizer.init(u)), None, length=_SEARCH_STEPS
        )
        g, _ = jax.lax.scan(newton, jnp.expm1(u) / scale, None, length=20)
        return g, data.log_likelihood(g)

    return jax.vmap(climb)(starts)


@jax.jit
def _at(data: _Counts, g: Array) -> Array:
    return jax.lax.map(data.log_likelihood, g)


def _best_fraction(data: _Counts, most: int, number: int = 300) -> tuple[float, float]:
    """The likeliest g = -1/k, k >= `most`: over a coarse list, then around its best."""
    low, high = max(most, 1), 10**7
    for spread in (np.geomspace, np.linspace):
        # rounding makes some k equal; the length stays, so that one compilation does
        k = np.round(spread(low, high, number)).astype(int)
        values = np.asarray(_at(data, jnp.asarray(-1 / k)))
        best = int(np.argmax(values))
        low, high = k[max(best - 1, 0)], k[min(best + 1, number - 1)]
    return float(-1 / k[best]), float(values[best])


def _exceeding(numbers: np.ndarray) -> Array:
    """How many of the numbers exceed 0, 1, ..: padded, so that sizes share code."""
    occurring = np.bincount(numbers)
    exceeding = occurring.sum() - np.cumsum(occurring)
    size = 2 ** max(int(np.ceil(np.log2(len(exceeding)))), 6)
    return jnp.asarray(np.pad(exceeding, (0, size - len(exceeding))), float)


def _count_table(counts: ArrayLike) -> np.ndarray:
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2:
        raise ValueError(
            "Argument `counts` must have a draw of at least two states in each row, "
            f"but its shape is {table.shape}."
        )
    _checks.check_whole(table, "counts")
    return table.astype(int)
