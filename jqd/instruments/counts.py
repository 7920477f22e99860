"""Noise of counts: outcomes of independent shots."""

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
from ..constants import constant
from .noise import Drawable, Weights, check_like, rowwise

# Largest excess of a sum of probabilities that coarse steps may cause.
OVER_ONE = 1e-3


class Multinomial(Drawable):
    """Counts of independent shots at each time.

    Residuals are (N p - n) / sqrt(N p*), p* the probabilities at which the weights are
    taken. Where p* is the fit itself, least squares solves the score equation: the fit
    is that of maximum likelihood and J^T J its Fisher information.
    """

    constant_weights: ClassVar[bool] = False

    def check(self, values: Array) -> None:
        """Raise ValueError unless each row holds counts, some of them not 0."""
        _checks.check_shape(values, "values", (None, None))
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

    def outcomes(self, values: Array) -> Array:
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
        logs = jnp.sum(_times_log(values, prediction), axis=-1)
        legal = jnp.sum(prediction, axis=-1) < 1 + OVER_ONE
        return jnp.where(legal, logs, -jnp.inf)

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """(N p - n) / sqrt(N p*)."""
        shots = jnp.sum(values, axis=-1, keepdims=True)
        # half a count at least, so that an outcome that is all but excluded and still
        # seen once does not outweigh all others
        scale = jnp.sqrt(jnp.maximum(shots * at, 0.5))
        return (shots * prediction - values) / scale

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Mean of the sum of squares, if p* is right.

        Σ_t Σ_k N p (1 - p) / max(N p, 1/2): k - 1 a row, less where outcomes are rare.
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

    def row_errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """√(N p) / N, see `count_errors`."""
        return count_errors(values, expected)


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
        _checks.check_real(self.shots, "shots")
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
        return values / self.shots

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
        """The root for both outcomes of a setting, with the sign of p' - p."""
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
        variance = jnp.maximum(self.shots * at * (1 - at), 0.5)
        return (self.shots * prediction - values) / jnp.sqrt(variance)

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Mean of the sum of squares, if p* is right: Σ v / max(v, 1/2), v = N p (1-p).

        One a setting, less where an outcome is rare.
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

    def row_errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """√(N p (1 - p)) / N"""
        shots = np.broadcast_to(np.asarray(self.shots), np.shape(values))[0]
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


def _times_log(count: Array, share: Array) -> Array:
    """n ln p; 0 where n is 0, and -inf where p is not positive and n is."""
    allowed = share > 0
    product = count * safe_log(share)
    return jnp.where(count > 0, jnp.where(allowed, product, -jnp.inf), 0)


def count_errors(values: Array, expected: np.ndarray) -> np.ndarray:
    """Standard errors of the first row's shares of counts, √(N p) / N.

    They are those of at least half a count, so that no outcome is excluded for certain.

    Args:
        values: counts, (T, M).
        expected: p, (M,).
    """
    total = np.sum(np.asarray(values)[0])
    return np.sqrt(np.maximum(total * expected, 0.5)) / total
