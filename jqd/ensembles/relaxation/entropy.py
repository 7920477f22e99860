"""The distance of a density, or of a sample of paths, from |ψ|²: Valentini's H."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.special import gammaincc
from jaxtyping import Array, ArrayLike, Bool, Float

from ... import _checks
from ..._gate import gated
from ..._math import divisor

# One in so many samples of |ψ|² is called out of equilibrium, as by `ks`.
RARE = 1e-5


class Entropy(NamedTuple):
    """Coarse-grained H of a sample.

    Attributes:
        value: H without its bias; for samples of |ψ|² it is near 0, on either side.
        error: its standard error from chance.
        equilibrium: whether the sample can be one of |ψ|²; the test rejects one in 1e5
            of those.
        resolved: False where a path lies in a cell in which |ψ|² is 0 to rounding; H is
            then arbitrarily large.
    """

    value: Float[Array, ""]
    error: Float[Array, ""]
    equilibrium: Bool[Array, ""]
    resolved: Bool[Array, ""]


def _shares(x: ArrayLike, name: str) -> Array:
    """Real and finite numbers of cells, as an array."""
    _checks.check_reals(x, name)
    return _checks.widen(x)


@gated
def relative_entropy(p: Float[Array, " c"], q: Float[Array, " c"]) -> Float[Array, ""]:
    """Σ p ln(p/q) of the shares of cells; a cell with p = 0 adds nothing.

    Args:
        p: shares of the one density.
        q: shares of the other; not below the rounding of 1.

    Raises:
        ValueError: shapes that differ, or values that are not shares.
    """
    p, q = (_shares(x, name) for x, name in ((p, "p"), (q, "q")))
    _checks.check_shape(q, "q", p.shape)
    return jnp.sum(p * _log_ratio(p, q))


@gated
def coarse_entropy(counts: Float[Array, " c"], shares: ArrayLike) -> Entropy:
    """Coarse-grained H of a sample, without its bias.

    H = Σ p ln(p/q) - (cells - 1)/2n - ..,  p = counts/n

    The sum alone is never negative: for a sample of |ψ|² itself it is (cells - 1)/2n on
    average, plus 1/12λn from each cell in which λ paths are expected. Both are
    subtracted. Cells without paths, where less than half a path is expected by q, are
    left out; the other cells with λ < 1 leave a bias of at most 0.4/n each.

    Args:
        counts: paths in each cell, as `Cells.counts` gives them.
        shares: q, the shares of |ψ|², as `Cells.of_wave` gives them.

    Returns:
        H, its standard error, and whether it is in equilibrium and resolved.

    Raises:
        ValueError: shapes that differ.

    Source: A. Valentini (1991) Phys. Lett. A 156, 5 for H; the bias is that of G. A.
    Miller (1955), with the next two orders.
    """
    counts = _shares(counts, "counts")
    _checks.check_shape(shares, "shares", counts.shape)
    q = jnp.asarray(shares, counts.dtype)
    n = jnp.maximum(jnp.sum(counts), 1)
    p = counts / n
    log = _log_ratio(p, q)
    raw = jnp.sum(p * log)
    # Cells that contribute.
    cells = (counts > 0) | (n * q >= 0.5)
    freedom = jnp.maximum(jnp.sum(cells).astype(p.dtype) - 1, 1)
    # 1/(k + 1) is 1/λ on average, 1/(k + 1)(k + 2) its square.
    next_orders = (1 + 1 / (counts + 2)) / (12 * (counts + 1))
    value = raw - freedom / (2 * n) - jnp.sum(jnp.where(cells, next_orders, 0)) / n
    # Chance alone adds (cells - 1)/n to the mean square of ln(p/q). The last term is
    # all that is left in equilibrium, where 2nH and cells - 1 more are a chi-square.
    spread = jnp.maximum(jnp.sum(p * log**2) - freedom / n - raw**2, 0)
    error = jnp.sqrt(spread / n + freedom / (2 * n**2))
    chance = gammaincc(freedom / 2, jnp.maximum(n * value + freedom / 2, 0))
    # Shares are right to some roundings of 1.
    resolved = jnp.all((counts == 0) | (q > 10 * jnp.finfo(q.dtype).eps))
    return Entropy(value, error, chance > RARE, resolved)


def _log_ratio(p: Array, q: Array) -> Array:
    """ln(p/q), 0 where p is 0."""
    there = p > 0
    tiny = jnp.finfo(q.dtype).tiny
    ratio = divisor(p) / divisor(jnp.maximum(q, tiny), there)
    return jnp.where(there, jnp.log(ratio), 0)
