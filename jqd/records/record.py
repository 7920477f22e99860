"""Records that a law is fitted to, and how they scatter about what it predicts."""

import abc
import math
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, PyTree

from .. import _checks
from ..laws.motion import Motion

# What weights are taken from: shares, or a `Whitening` for rows that are correlated.
Weights = PyTree[Array]
# A law, its state at the first of times, these times, and steps between two of them.
Course = Callable[[], tuple[Motion, PyTree[Array], Array, Array]]
# Values without errors are taken to be good to this share of the largest: what three
# digits, a box, or levels that were cut off leave. Whoever has more scatter says so.
EXACT = 2e-3


class Noise(eqx.Module):
    """How values scatter about their mean; independent normal ones unless said.

    Attributes:
        known: whether the size of the scatter is known, or estimated by the fit.
        constant_weights: whether it is the same for every prediction.
        whole_rows: whether the values of a row count only together.
    """

    known: ClassVar[bool] = True
    constant_weights: ClassVar[bool] = True
    whole_rows: ClassVar[bool] = False

    def check(self, values: Array) -> None:
        """Raise ValueError unless a record of these values can scatter so."""
        del values

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless what the law describes can scatter so."""
        del law

    def shares(self, values: Array) -> Array:
        """The values on the scale of the law's prediction."""
        return values

    @abc.abstractmethod
    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """prediction - values, in units of the scatter at `at`."""

    # -- weights ---------------------------------------------------------------------

    def first_weights(self, shares: Array) -> Weights:
        """What weights are taken from before there is a fit: the record's shares."""
        return shares

    def weights(self, prediction: Array, values: Array, course: Course) -> Weights:
        """What weights are taken from at a fit: its prediction, or its scatter.

        Args:
            prediction: at the fit, like the record.
            values: the record, (T, ...).
            course: gives the motion that was fitted.
        """
        del course
        return jnp.where(jnp.isfinite(prediction), prediction, self.shares(values))

    def penalty(self, at: Weights, mask: Array) -> ArrayLike:
        """What weights add to -2 ln likelihood beside the sum of squares."""
        del at, mask
        return 0.0

    # -- what a fit says -------------------------------------------------------------

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Number of independent values; shares that sum to 1 have one fewer a row."""
        del at
        shares = self.shares(values)
        each = math.prod(shares.shape[1:])
        tied = shares.ndim == 2 and sums_to_one(shares, 1e-6)
        return jnp.sum(mask > 0) * (each - jnp.asarray(tied))

    def excess(self, values: Array, at: Weights, mask: Array) -> ArrayLike:
        """Variance of the sum of squares beyond that of chi-square."""
        del values, at, mask
        return 0.0

    def holds(self, at: Weights) -> Bool[Array, ""]:
        """Whether the scatter is what the weights say."""
        del at
        return jnp.asarray(True)

    def complaint(self, at: Weights) -> str | None:
        """Why the scatter is not what the weights say, or None."""
        del at

    # -- one row ---------------------------------------------------------------------

    @abc.abstractmethod
    def row_errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """Standard errors of the first row's shares, where `expected` is right."""

    def row_residuals(
        self, apart: np.ndarray, values: Array, errors: np.ndarray
    ) -> np.ndarray:
        """Deviations of the first row in units of their errors."""
        del values
        return apart / errors


class NoNoise(Noise):
    """Values that are exact up to rounding; their scatter is estimated by the fit."""

    known: ClassVar[bool] = False

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """prediction - values."""
        del at
        return prediction - values

    def row_errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """`exact_error`, the same for all."""
        return np.full(expected.shape, exact_error(np.asarray(values)))


class Gaussian(Noise):
    """Independent normal errors of known standard deviation.

    Attributes:
        sigma: standard deviation, scalar or like the values.
    """

    sigma: Float[Array, "..."] = eqx.field(converter=jnp.asarray)

    def __check_init__(self) -> None:
        _checks.check_positive(self.sigma, "sigma")

    def check(self, values: Array) -> None:
        """Raise ValueError unless sigma is one number, or one for each value."""
        shape = np.shape(self.sigma)
        try:
            fits = np.broadcast_shapes(shape, values.shape) == values.shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                "Argument `sigma` must be a number or like the values, whose shape is "
                f"{values.shape}, but its shape is {shape}."
            )

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """(prediction - values) / sigma."""
        del at
        sigma = jnp.broadcast_to(self.sigma, values.shape)
        return (prediction - values) / sigma

    def row_errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """sigma."""
        del expected
        return np.broadcast_to(np.asarray(self.sigma), values.shape)[0]


class Correlated(Noise):
    """Normal errors with a known covariance between the values of a row.

    Attributes:
        covariance: Σ_t of each row, shape (T, k, k), symmetric, positive definite; a
            direction without scatter counts for nothing.
    """

    covariance: Float[Array, "T k k"] = eqx.field(converter=jnp.asarray)
    whole_rows: ClassVar[bool] = True

    def __check_init__(self) -> None:
        _checks.check_shape(self.covariance, "covariance", (None, None, None))
        _checks.check_real(self.covariance, "covariance")
        _checks.check_finite(self.covariance, "covariance")

    def check(self, values: Array) -> None:
        """Raise ValueError unless there is one covariance a row, of its values."""
        rows, *rest = values.shape
        _checks.check_shape(self.covariance, "covariance", (rows, *rest, *rest))

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """Σ_t^(-1/2) (prediction - values)."""
        del at
        variances, axes = jnp.linalg.eigh(self.covariance)
        scatters = _scatter(variances)
        safe = jnp.where(scatters, variances, 1)
        weights = jnp.where(scatters, 1 / jnp.sqrt(safe), 0)
        return weights * jnp.einsum("tij,ti->tj", axes, prediction - values)

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Number of directions that scatter."""
        del values, at
        variances = jnp.linalg.eigvalsh(self.covariance)
        rank = jnp.sum(_scatter(variances), axis=-1)
        return jnp.sum(jnp.where(mask > 0, rank, 0.0))

    def row_errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """Roots of the diagonal of Σ."""
        del values, expected
        return np.sqrt(np.diagonal(np.asarray(self.covariance)[0]))

    def row_residuals(
        self, apart: np.ndarray, values: Array, errors: np.ndarray
    ) -> np.ndarray:
        """Σ^(-1/2) of the deviations."""
        del errors
        return np.asarray(self.residuals(values.at[0].add(apart), values, values))[0]


class Multinomial(Noise):
    """Counts of independent shots at each time.

    Residuals are (N p - n) / sqrt(N p*), p* the probabilities at which the weights are
    taken. Where p* is the fit itself, least squares solves the score equation: the fit
    is the maximum-likelihood one and J^T J its Fisher information.
    """

    constant_weights: ClassVar[bool] = False

    def check(self, values: Array) -> None:
        """Raise ValueError unless each row holds counts, some of them not 0."""
        _checks.check_shape(values, "values", (None, None))
        if not _checks.is_concrete(values):
            return
        counts = np.asarray(values)
        if counts.min() < 0 or np.any(counts.sum(axis=-1) <= 0):
            raise ValueError(
                "Argument `values` must hold counts that are not negative with some in "
                "each row, but does not."
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
        """Relative frequencies."""
        return values / jnp.sum(values, axis=-1, keepdims=True)

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """(N p - n) / sqrt(N p*)."""
        shots = jnp.sum(values, axis=-1, keepdims=True)
        # half a count at least, so that an outcome that is all but excluded and still
        # seen once does not outweigh all others
        scale = jnp.sqrt(jnp.maximum(shots * at, 0.5))
        return (shots * prediction - values) / scale

    def excess(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Variance of the sum of squares beyond that of chi-square.

        Σ_t [Σ_k 1/p_k - k² - 2k + 2] / N, of Pearson's statistic of k outcomes.
        Outcomes with less than half a count count as half a one, as in `residuals`.
        """
        shots, k = jnp.sum(values, axis=-1), values.shape[-1]
        rare = jnp.maximum(shots[:, None] * at, 0.5)
        each = jnp.sum(1 / rare, axis=-1) - (k**2 + 2 * k - 2) / shots
        return jnp.sum(jnp.where(mask > 0, each, 0))

    def row_errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """√(N p) / N, see `count_errors`."""
        return count_errors(values, expected)


def count_errors(values: Array, expected: np.ndarray) -> np.ndarray:
    """Standard errors of the first row's shares of counts, √(N p) / N.

    Of at least half a count, so that no outcome is excluded for certain.

    Args:
        values: counts, (T, M).
        expected: p, (M,).
    """
    total = np.sum(np.asarray(values)[0])
    return np.sqrt(np.maximum(total * expected, 0.5)) / total


def exact_error(values: np.ndarray) -> float:
    """How good values without errors are taken to be, in their unit.

    Rows that scatter from time to time are no better than their scatter: the least that
    differences of the first to the fourth order leave of it, were all of it noise.

    Args:
        values: the record, (T, ...).
    """
    rows = np.reshape(values, (len(values), -1))
    left = [0.0] if len(rows) == 1 else []
    for order in range(1, min(5, len(rows))):
        change = np.median(np.abs(np.diff(rows, order, axis=0)))
        left.append(1.48 * float(change) / math.comb(2 * order, order) ** 0.5)
    return EXACT * float(np.max(np.abs(values))) + min(left) + np.finfo(float).tiny


def sums_to_one(shares: Array, tolerance: float) -> Bool[Array, ""]:
    """Whether every row of shares is one of probabilities, as far as its sum goes."""
    return jnp.all(jnp.abs(jnp.sum(shares, axis=-1) - 1) < tolerance)


def _scatter(variances: Array) -> Array:
    """Which variances of a covariance are more than its rounding."""
    return variances > 1e-13 * jnp.max(variances, axis=-1, keepdims=True)


def strain(residuals: np.ndarray) -> float:
    """How far residuals in units of their errors are beyond chance; 1 is refused.

    χ² over its mean and six standard deviations (and what the skewness of a few values
    needs), or over the χ² of errors that are half as large again as was said.
    """
    n = residuals.size
    chance = n + 6 * np.sqrt(2 * n) + 18
    return float(np.sum(np.abs(residuals) ** 2) / max(chance, 2.25 * n))


class Record(eqx.Module):
    """A record: what was seen at which times.

    Attributes:
        ts: times, shape (T,); the state is known at `t0`.
        values: shape (T, ...): what the law's observable predicts (populations), or
            counts for `Multinomial` and `EnsembleNoise`.
        noise: noise model.
        t0: time of the initial state, scalar; the first of `ts` if not given.
        from_start: whether the first row is at `t0` (static).
    """

    ts: Float[Array, " T"]
    values: Float[Array, "T ..."]
    noise: Noise
    t0: Float[Array, ""]
    from_start: bool = eqx.field(static=True)

    def __init__(
        self,
        ts: ArrayLike,
        values: ArrayLike | Any,
        noise: Noise | None = None,
        t0: ArrayLike | None = None,
    ):
        """A record; checked for shape, finiteness and, for shares, sign and sum.

        Args:
            ts: times, shape (T,), strictly increasing.
            values: shape (T, ...).
            noise: noise model; None for `NoNoise()`.
            t0: time of the initial state, not after ts[0]; None for ts[0].

        Raises:
            ValueError: shapes differ, times do not increase, values are not finite,
                negative counts.
        """
        ts, values = _numbers(ts, "ts"), _numbers(values, "values")
        _checks.check_times(ts, "ts")
        self.ts = jnp.asarray(ts, dtype=jnp.result_type(float))
        self.values = jnp.asarray(values, dtype=jnp.result_type(float))
        self.noise = NoNoise() if noise is None else noise
        if not issubclass(type(self.noise), Noise):
            raise ValueError(
                "Argument `noise` must be NoNoise, Gaussian, Correlated, Multinomial "
                f"or EnsembleNoise, but is a {type(noise).__name__}."
            )
        # NumPy reads what is known: JAX would compile each reading, or trace it
        known = _checks.is_concrete((self.ts, t0))
        first = np.asarray(self.ts)[0] if known else self.ts[0]
        start: Any = first if t0 is None else _numbers(t0, "t0")
        _checks.check_shape(start, "t0", ())
        _checks.check_finite(start, "t0")
        if known:
            start = np.asarray(start, self.ts.dtype)
        self.t0 = jnp.asarray(start, self.ts.dtype)
        self.from_start = t0 is None or (known and bool(start == first))
        if self.values.ndim < 1 or self.values.shape[0] != self.ts.shape[0]:
            raise ValueError(
                "Argument `values` must have one row a time, but has shape "
                f"{self.values.shape} for {self.ts.shape[0]} times."
            )
        if not self.values.size:
            raise ValueError(
                "Argument `values` must hold values, but has shape "
                f"{self.values.shape}."
            )
        _checks.check_finite(self.values, "values")
        self.noise.check(self.values)
        if known and start > first:
            raise ValueError("Argument `t0` must not be after ts[0], but is.")

    @property
    def shares(self) -> Array:
        """The record on the scale of the law's prediction."""
        return self.noise.shares(self.values)


def _numbers(x: Any, name: str) -> Any:
    """Real numbers, as JAX takes them; the imaginary part is not dropped."""
    if not isinstance(x, jax.Array):
        try:
            x = np.asarray(x)
        except ValueError:
            raise ValueError(
                f"Argument `{name}` must be an array of numbers, but its rows differ "
                "in length."
            ) from None
        if x.dtype.kind not in "biufc":
            raise ValueError(
                f"Argument `{name}` must be an array of numbers, but its dtype is "
                f"{x.dtype}."
            )
    _checks.check_real(x, name)
    return x
