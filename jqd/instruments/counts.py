"""Noise of counts: outcomes of shots, independent or not."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import divisor, inverse_root, safe_divide, safe_log, safe_sqrt
from .._program import program
from ..constants import constant, free
from .noise import Course, Drawable, Weights, check_like, rowwise

# Largest excess of a sum of probabilities that coarse steps may cause.
OVER_ONE = 1e-3
# Terms of a sum of logarithms before Stirling's series, whose next term is then 2e-14.
FIRST_TERMS = 10
# Shots beyond which the squares of over-dispersed counts scatter as those of so many,
# to 2e-4 of their variance: sums of N⁴ would round as much soon after.
MANY_SHOTS = 1e5


class Multinomial(Drawable):
    """Counts of independent shots at each time.

    Residuals are (N p - n) / sqrt(N p*), p* the probabilities at which the weights are
    taken. Where p* is the fit itself, least squares solves the score equation: the fit
    is that of maximum likelihood and J^T J its Fisher information.
    """

    constant_weights: ClassVar[bool] = False

    def check(self, values: Array | np.ndarray) -> None:
        """Raise ValueError unless each row holds counts, some of them not 0."""
        if values.ndim != 2:
            raise ValueError(
                "Argument `values` must hold counts with a column for each class, but "
                f"its shape is {values.shape}."
            )
        if not _checks.is_concrete(values):
            return
        counts = np.asarray(values)
        if counts.min(initial=0) < 0:
            where = tuple(map(int, np.argwhere(counts < 0)[0]))
            raise ValueError(
                "Argument `values` must hold counts that are not negative, but entry "
                f"{list(where)} is {counts[where]:g}."
            )
        empty = np.flatnonzero(counts.sum(axis=-1) <= 0)
        if empty.size:
            rows = ", ".join(map(str, empty[:5])) + (", ..." if empty.size > 5 else "")
            raise ValueError(
                f"Argument `values` must hold some counts in each row, but row {rows} "
                "(from 0) holds none: leave it out."
            )
        broken = np.argwhere(counts != np.round(counts))
        if len(broken):
            where = tuple(map(int, broken[0]))
            raise ValueError(
                "Argument `values` must hold whole numbers as counts, but entry "
                f"{list(where)} is {counts[where]:g}; shares without their number have "
                "no multinomial errors."
            )

    def shares(self, values: Array) -> Array:
        """Relative frequencies of the outcomes."""
        return values / jnp.sum(values, axis=-1, keepdims=True)

    def outcomes(self, values: Array) -> Array | None:
        """Number of all shots."""
        return jnp.sum(values)

    # its loops over outcomes would be compiled anew at each call
    @program
    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """Counts of `shots` outcomes in each row."""
        total = jnp.broadcast_to(jnp.asarray(shots, mean.dtype), mean.shape[:1])
        # rounding may leave a probability just below 0
        return jax.random.multinomial(key, total, jnp.maximum(mean, 0))

    def redraw(self, key: Array, mean: Array, values: Array) -> Array:
        """Counts of as many shots in each row."""
        return self.sample(key, mean, jnp.sum(values, axis=-1))

    def whitened(self, slope: Array, mean: Array) -> Float[Array, "T ... p"]:
        """J_k / √p_k; excluded outcomes give no information."""
        return _over_scatter(slope, mean)

    def divergence(self, mean: Array, rival: Array) -> Array:
        """√(2 (p ln(p/p') - p + p')) of each outcome, with the sign of p' - p."""
        return (rival - mean) * _deviance(mean, rival)

    def log_likelihood(
        self, prediction: Array, values: Array, at: Weights
    ) -> Float[Array, " T"]:
        """Σ_k n_k ln p_k; -inf where an excluded outcome was seen, or where the p_k sum
        to more than 1: otherwise a run past a node would beat every law."""
        del at
        return _legal(prediction, jnp.sum(_times_log(values, prediction), axis=-1))

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """(N p - n) / sqrt(N p*)."""
        return _over_counts(prediction, values, at)

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Mean of the sum of squares, if p* is right.

        Σ_t Σ_k N p (1 - p) / max(N p, 1/2): k - 1 for each row of k outcomes, and less
        where outcomes are rare.
        """
        mean, _ = self._of_squares(values, at)
        return jnp.sum(jnp.where(mask > 0, mean, 0))

    def excess(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Variance of the sum of squares beyond twice its mean.

        Σ_t [Σ_k 1/p_k - k² - 2k + 2] / N, of Pearson's statistic of k outcomes that are
        not rare.
        """
        mean, variance = self._of_squares(values, at)
        return jnp.sum(jnp.where(mask > 0, variance - 2 * mean, 0))

    def _of_squares(self, values: Array, at: Weights) -> tuple[Array, Array]:
        """Mean and variance of each row's sum of squared residuals, (T,) each.

        With weights a_k = 1/max(N p_k, 1/2) of squares, x of one shot and C its
        covariance:  N Var(Σ_k a_k x_k²) + 2N(N - 1) Σ_jk a_j a_k C_jk²
        """
        shots = jnp.sum(values, axis=-1)
        a = 1 / jnp.maximum(shots[:, None] * at, 0.5)
        rare = jnp.any(shots[:, None] * at < 0.5, axis=-1)
        mean = shots * jnp.sum(a * at * (1 - at), axis=-1)
        # to the last digit a whole number where nothing is rare
        mean = jnp.where(rare, mean, values.shape[-1] - 1.0)
        one = a * (1 - 2 * at)
        single = jnp.sum(at * one**2, axis=-1) - jnp.sum(at * one, axis=-1) ** 2
        both = jnp.sum((a * at) ** 2 * (1 - 2 * at), axis=-1)
        both = both + jnp.sum(a * at**2, axis=-1) ** 2
        return mean, shots * single + 2 * shots * (shots - 1) * both

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """√(N p) / N, see `count_errors`."""
        return count_errors(values, expected)


class Spread(eqx.Module):
    """Source of the weights of over-dispersed counts.

    Attributes:
        shares: p*, probabilities at which the weights are taken, (T, M).
        rho: ρ*, the correlation there, scalar.
        surplus: how far Pearson's sum of squares of independent shots, over its mean,
            is above 1 + (N - 1) ρ*, (T,); 0 before there is a fit.
        log_scatter: ln det of the covariance beyond that of independent shots, (T,).
    """

    shares: Float[Array, "T M"]
    rho: Float[Array, ""]
    surplus: Float[Array, " T"]
    log_scatter: Float[Array, " T"]


class DirichletMultinomial(Multinomial):
    """Counts of shots that scatter more than independent ones.

    The probabilities of each row are themselves drawn, about p, for all of its shots:

        π ~ Dirichlet(p (1 - ρ)/ρ),   n ~ Multinomial(N, π)
        E n = N p,   Cov n = (1 + (N - 1) ρ) N (diag p - p p^T)

    ρ is the correlation of two shots of a row; 0 makes them independent. With two
    outcomes this is the beta-binomial distribution. ρ is a constant of a fit, by the
    name "rho", with a prior or without. The fit solves two estimating equations. The
    one of the law is that of least squares in units of the scatter, which needs no
    more of the distribution than mean and covariance; its J^T J is the information.
    The other one fits 1 + (N - 1) ρ to the sum of squares of each row over its mean.
    Comparisons and posteriors use the likelihood of the distribution itself.

    Attributes:
        rho: ρ, scalar in [0, 1].

    Source: R. W. M. Wedderburn (1974) Biometrika 61, 439; M. Davidian and R. J. Carroll
    (1987) J. Am. Stat. Assoc. 82, 1079.
    """

    rho: Float[Array, ""] = free(bounds=(0.0, 1.0), span=(0.0, 0.1))
    shots_apart: ClassVar[bool] = False

    def factor(self, values: Array) -> Float[Array, " T"]:
        """1 + (N - 1) ρ of each row: its variance over that of independent shots.

        Args:
            values: counts, (T, M).
        """
        return _factor(values, self.rho)

    def outcomes(self, values: Array) -> None:
        """None: the shots of a row are not independent."""

    @program
    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """Counts of `shots` outcomes in each row."""
        first, second = jax.random.split(key)
        apart = self.rho > 0
        size = jnp.maximum(1 - self.rho, jnp.finfo(mean.dtype).eps) / divisor(self.rho)
        alpha = jnp.maximum(mean * size, jnp.finfo(mean.dtype).tiny)
        # by logarithms: where shots are almost alike, all but one of the numbers that
        # make the probabilities are beyond the least floats
        logs = jax.random.loggamma(first, jnp.where(apart, alpha, 1))
        drawn = jax.nn.softmax(jnp.where(mean > 0, logs, -jnp.inf), axis=-1)
        return Multinomial().sample(second, jnp.where(apart, drawn, mean), shots)

    def log_likelihood(
        self, prediction: Array, values: Array, at: Weights
    ) -> Float[Array, " T"]:
        """Σ_k Σ_{i<n_k} ln(p_k + i τ) - Σ_{i<N} ln(1 + i τ), τ = ρ/(1 - ρ); -inf as
        for `Multinomial`, which it is for ρ = 0."""
        del at
        total = jnp.sum(values, axis=-1)
        left = jnp.maximum(1 - self.rho, jnp.finfo(prediction.dtype).eps)
        tau = self.rho / left
        ratio = safe_divide(tau, prediction, (prediction > 0) & (values > 0))
        each = _times_log(values, prediction) + _log_rising(values, ratio)
        all_ = _log_rising(total, jnp.broadcast_to(tau, total.shape))
        return _legal(prediction, jnp.sum(each, axis=-1) - all_)

    def residuals(self, prediction: Array, values: Array, at: Spread) -> Array:
        """(N p - n) / √(N p* (1 + (N - 1) ρ*))"""
        plain = _over_counts(prediction, values, at.shares)
        return plain / jnp.sqrt(_factor(values, at.rho))[:, None]

    def first_weights(self, shares: Array) -> Spread:
        """Weights from the shares of the data, with the scatter that ρ implies."""
        none = jnp.zeros(shares.shape[0], shares.dtype)
        return Spread(shares, self.rho, none, none)

    def weights(self, prediction: Array, values: Array, course: Course) -> Spread:
        """Weights at a fit, and how its squares compare with those implied by its ρ."""
        shares = super().weights(prediction, values, course)
        mean, _ = super()._of_squares(values, shares)
        square = jnp.sum(_over_counts(shares, values, shares) ** 2, axis=-1)
        factor = self.factor(values)
        surplus = safe_divide(square, mean, otherwise=factor) - factor
        return Spread(shares, self.rho, surplus, mean * jnp.log(factor))

    def penalty(self, at: Spread, mask: Array) -> Float[Array, ""]:
        """Σ ln det of the covariance: the price of a wide scatter, which would explain
        everything."""
        return jnp.sum(jnp.where(mask > 0, at.log_scatter, 0))

    def scatter(self, values: Array, at: Spread, fitted: float) -> Float[Array, " T"]:
        """(φ - X) m/(φ* √v),   φ = 1 + (N - 1) ρ

        X is the sum of squares of a row over its mean m, as of independent shots, and v
        the variance of the sum over φ*. Each other fitted constant takes one square out
        of the sum over all rows; X is enlarged by as much.
        """
        mean, variance = self._of_squares(values, at)
        total = jnp.sum(mean)
        enlarged = total / jnp.maximum(total - fitted, 1)
        before = _factor(values, at.rho)
        apart = self.factor(values) - enlarged * (at.surplus + before)
        return apart * mean * inverse_root(variance) / before

    def _of_squares(self, values: Array, at: Spread) -> tuple[Array, Array]:
        """Mean and variance of each row's sum of squared residuals, (T,) each.

        With weights a_k of squares, the sum is, but for a constant,

            S = Σ_k a_k [n_k (n_k - 1) + b_k n_k],   b_k = 1 - 2 N p_k

        and its moments follow from factorial ones, with r = Σ_k r_k, A = (1 - ρ)/ρ and
        x^(r) = x (x + 1) .. (x + r - 1):

            E Π_k n_k!/(n_k - r_k)! = N!/(N - r)! Π_k (A p_k)^(r_k) / A^(r)
        """
        p, rho, c = at.shares, at.rho, 1 - at.rho
        mean, _ = super()._of_squares(values, p)
        N = jnp.minimum(jnp.sum(values, axis=-1), MANY_SHOTS)
        shots = N[:, None]
        a = 1 / jnp.maximum(shots * p, 0.5) / (1 + (shots - 1) * rho)
        b = 1 - 2 * shots * p
        N2, N3, N4 = N * (N - 1), N * (N - 1) * (N - 2), N * (N - 1) * (N - 2) * (N - 3)
        # A_k^(r) ρ^r/(1 - ρ), and A^(r) likewise: 1, 1, 1 + ρ, (1 + ρ) (1 + 2 ρ)
        two = p * (p * c + rho)
        three = two * (p * c + 2 * rho) / (1 + rho)
        four = three * (p * c + 3 * rho) / (1 + 2 * rho)

        def summed(x: Array) -> Array:
            return jnp.sum(x, axis=-1)

        own = N4 * summed(a**2 * four) + N3 * summed(a**2 * (4 + 2 * b) * three)
        own += N2 * summed(a**2 * (2 + 4 * b + b**2) * two)
        pairs, single = a * two, a * b * p
        own += N * summed(a * b * single)
        both = summed(pairs) ** 2 - summed(pairs**2)
        one = summed(pairs) * summed(single) - summed(pairs * single)
        none = summed(single) ** 2 - summed(single**2)
        other = N4 * both / (1 + 2 * rho) + 2 * N3 * one
        other = c * (other / (1 + rho) + N2 * none)
        return mean, own + other - (N2 * summed(pairs) + N * summed(single)) ** 2

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """√(N p (1 + (N - 1) ρ)) / N, see `count_errors`."""
        shots = np.sum(np.asarray(values), axis=-1, keepdims=True)
        more = 1 + (shots - 1) * np.asarray(self.rho)
        return count_errors(values, expected) * np.sqrt(more)


class Binomial(Drawable):
    """Counts of shots with two outcomes, of which one is counted, at many settings.

    Residuals are (N p - k) / √(N p* (1 - p*)), p* as for `Multinomial`.

    Attributes:
        shots: N of each count, scalar or like the counts.
    """

    shots: Float[Array, "..."] = eqx.field(
        converter=partial(constant, name="shots"), default=1.0
    )
    constant_weights: ClassVar[bool] = False

    def __check_init__(self) -> None:
        _checks.check_positive(self.shots, "shots")

    def check(self, values: Array) -> None:
        """Raise ValueError unless each is a count of no more than its shots."""
        check_like(self.shots, "shots", values)
        if not _checks.is_concrete((values, self.shots)):
            return
        counts, shots = np.asarray(values), np.asarray(self.shots)
        whole = counts == np.round(counts)
        if not np.all(whole & (counts >= 0) & (counts <= shots)):
            raise ValueError(
                "Argument `values` must hold whole numbers from 0 to the shots, but "
                "does not."
            )

    def shares(self, values: Array) -> Array:
        """Relative frequencies of the counted outcome."""
        return values / jnp.broadcast_to(self.shots, values.shape)

    def outcomes(self, values: Array) -> Array:
        """Number of all shots."""
        return jnp.sum(jnp.broadcast_to(self.shots, values.shape))

    @program
    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """Counts out of `shots` at each setting."""
        share = jnp.clip(mean, 0, 1)
        return jax.random.binomial(key, rowwise(shots, mean.ndim), share, mean.shape)

    def redraw(self, key: Array, mean: Array, values: Array) -> Array:
        """Counts out of the same shots at each setting."""
        shots = jnp.broadcast_to(self.shots, values.shape)
        share = jnp.clip(mean, 0, 1)
        return jax.random.binomial(key, shots, share, values.shape)

    def after(self, shots: ArrayLike, axes: int = 2) -> "Binomial":
        """The noise of so many shots at each setting."""
        shots = jnp.asarray(shots, jnp.result_type(float))
        return Binomial(rowwise(shots, axes))

    def whitened(self, slope: Array, mean: Array) -> Float[Array, "T ... p"]:
        """J_k / √(p_k (1 - p_k)); certain outcomes give no information."""
        return _over_scatter(slope, mean * (1 - mean))

    def divergence(self, mean: Array, rival: Array) -> Array:
        """Signed root of the sum over both outcomes, with the sign of p' - p."""
        both = (_deviance(mean, rival), _deviance(1 - mean, 1 - rival))
        return (rival - mean) * jnp.hypot(*both)

    def log_likelihood(
        self, prediction: Array, values: Array, at: Weights
    ) -> Float[Array, " T"]:
        """Σ k ln p + (N - k) ln(1 - p); -inf where what was seen is excluded."""
        del at
        rest = jnp.broadcast_to(self.shots, values.shape) - values
        both = _times_log(values, prediction) + _times_log(rest, 1 - prediction)
        return jnp.sum(jnp.reshape(both, (both.shape[0], -1)), axis=1)

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """(N p - k) / √(N p* (1 - p*))"""
        # half a count at least, as for `Multinomial`
        shots = jnp.broadcast_to(self.shots, values.shape)
        variance = jnp.maximum(shots * at * (1 - at), 0.5)
        return (shots * prediction - values) / jnp.sqrt(variance)

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Mean of the sum of squares, if p* is right: Σ v / max(v, 1/2), v = N p (1-p).

        It is 1 for each setting, less where an outcome is rare.
        """
        mean, _ = self._of_squares(values, at)
        return jnp.sum(jnp.where(mask > 0, mean, 0))

    def excess(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Variance of the sum of squares beyond twice its mean.

        Σ [1/(p (1 - p)) - 6] / N, of Pearson's statistic of two outcomes, not rare.
        """
        mean, variance = self._of_squares(values, at)
        return jnp.sum(jnp.where(mask > 0, variance - 2 * mean, 0))

    def _of_squares(self, values: Array, at: Weights) -> tuple[Array, Array]:
        """Mean and variance of each row's sum of squared residuals, (T,) each."""
        shots = jnp.broadcast_to(self.shots, values.shape)
        variance = shots * at * (1 - at)
        scale = jnp.maximum(variance, 0.5)
        mean = jnp.where(variance >= 0.5, 1.0, variance / scale)
        # the fourth moment of a binomial number, less the square of its variance
        square = (variance + 2 * variance**2 - 6 * variance**2 / shots) / scale**2

        def rows(each: Array) -> Array:
            return jnp.sum(jnp.reshape(each, (each.shape[0], -1)), axis=1)

        return rows(mean), rows(square)

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """√(N p (1 - p)) / N"""
        shots = np.broadcast_to(np.asarray(self.shots), np.shape(values))
        return np.sqrt(np.maximum(shots * expected * (1 - expected), 0.5)) / shots


def _over_scatter(slope: Array, variance: Array) -> Array:
    """J / √variance, 0 where there is none."""
    return inverse_root(variance)[..., None] * slope


def _deviance(p: Array, rival: Array) -> Array:
    """√(2 (p ln(p/p') - p + p')) / |p' - p|; inf where the rival excludes what is seen.

    With x = p'/p - 1 it is √(2 (x - ln(1 + x)) / x²) / √p, smooth through x = 0.
    """
    seen, allowed = p > 0, rival > 0
    safe = divisor(p)
    x = jnp.where(seen & allowed, rival / safe - 1, 0)
    near = jnp.abs(x) < 1e-3
    far = jnp.where(near, 1, x)
    series = 1 + x * (-2 / 3 + x * (1 / 2 - 2 / 5 * x))
    square = jnp.where(near, series, 2 * (far - jnp.log1p(far)) / far**2) / safe
    # what cannot be seen adds 2 p' alone
    unseen = safe_divide(2, rival)
    excluded = jnp.where(allowed, square, jnp.inf)
    square = jnp.where(seen, excluded, unseen)
    return safe_sqrt(square)


def _over_counts(prediction: Array, values: Array, at: Array) -> Array:
    """(N p - n) / √(N p*)"""
    shots = jnp.sum(values, axis=-1, keepdims=True)
    # half a count at least, so that an outcome that is all but excluded and still seen
    # once does not outweigh all others
    scale = jnp.sqrt(jnp.maximum(shots * at, 0.5))
    return (shots * prediction - values) / scale


def _factor(values: Array, rho: Array) -> Float[Array, " T"]:
    """1 + (N - 1) ρ of each row of counts."""
    return 1 + (jnp.sum(values, axis=-1) - 1) * rho


def _legal(prediction: Array, logs: Array) -> Array:
    """The logarithms, -inf where probabilities sum to more than 1."""
    legal = jnp.sum(prediction, axis=-1) < 1 + OVER_ONE
    return jnp.where(legal, logs, -jnp.inf)


def _log_rising(count: Array, x: Array) -> Array:
    """Σ_{i<n} ln(1 + i x) of whole n and x >= 0, like each other.

    As ln Γ(n + 1/x) - ln Γ(1/x) + n ln x it would lose all digits of a small x. The
    first terms are taken as they are. Those after them are n' ln z + Σ_{i<n'} ln(1 + i
    w), z = 1 + 10 x and w = x/z <= 1/10, by Stirling's series: with y = n' w

        Σ_{i<n'} ln(1 + i w) = n' ((1 + y) ln(1 + y)/y - 1) - ln(1 + y)/2
                               + B(w/(1 + y)) - B(w),   B(w) = w/12 - w³/360 + ..
    """
    i = jnp.reshape(jnp.arange(FIRST_TERMS, dtype=x.dtype), (1,) * x.ndim + (-1,))
    early = jnp.log1p(i * x[..., None])
    first = jnp.sum(jnp.where(i < count[..., None], early, 0), axis=-1)
    rest = jnp.maximum(count - FIRST_TERMS, 0)
    w = x / (1 + FIRST_TERMS * x)
    y = rest * w
    near = y < 1e-2
    far = jnp.where(near, 1, y)
    # the next term is 4e-14 of the sum
    series = 1 / 12 + y * (-1 / 20 + y * (1 / 30 - y / 42))
    series = y * (1 / 2 + y * (-1 / 6 + y * series))
    mean = jnp.where(near, series, (1 + far) * jnp.log1p(far) / far - 1)
    later = rest * (jnp.log1p(FIRST_TERMS * x) + mean) - jnp.log1p(y) / 2
    return first + later + _stirling(w / (1 + y)) - _stirling(w)


def _stirling(w: Array) -> Array:
    """ln Γ(1/w) beyond Stirling's formula, of w <= 1/10."""
    square = w**2
    tail = 1 / 1260 + square * (-1 / 1680 + square / 1188)
    return w * (1 / 12 + square * (-1 / 360 + square * tail))


def _times_log(count: Array, share: Array) -> Array:
    """n ln p; 0 where n is 0, and -inf where p is not positive and n is."""
    allowed = share > 0
    product = count * safe_log(share)
    return jnp.where(count > 0, jnp.where(allowed, product, -jnp.inf), 0)


def count_errors(values: Array, expected: np.ndarray) -> np.ndarray:
    """Standard errors of shares of counts, √(N p) / N.

    They are those of at least half a count, so that no outcome is excluded for certain.

    Args:
        values: counts, (T, M).
        expected: p, (T, M).
    """
    total = np.sum(np.asarray(values), axis=-1, keepdims=True)
    return np.sqrt(np.maximum(total * expected, 0.5)) / total
