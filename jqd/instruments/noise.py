"""How data scatter about the expected values of an instrument."""

import abc
import math
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, PyTree

from .. import _checks
from .._math import abs2, inverse_root, safe_divide
from .._program import program
from ..constants import constant
from ..laws.motion import Motion

# Source of the weights: shares, or a `Whitening` for correlated rows.
Weights = PyTree[Array]
# A law, its state at the first time, the times, and steps between two of them.
Course = Callable[[], tuple[Motion, PyTree[Array], Array, Array]]
# Values without errors are assumed to be good to this share of the largest: three
# digits, a box, or truncated levels leave that much. For more scatter, state it.
EXACT = 2e-3
# A row of shares sums to 1 up to this beside the rounding of its digits: files of short
# floats leave some 1e-7 of each entry.
SUM_ROUNDING = 1e-6
# ... and, where that is more, to this share of what independent errors would leave:
# values that were normalised by another program may sum to 1 in few digits.
SUM_SHARE = 0.1
# Values are multiples of a power of ten where all of them are to this share of it, and
# no further off than rounding of shares as short floats and their division leave.
WHOLE, SHORT = 1e-2, 3e-7
DIGITS = 6
# Rounds after which shares of a row's scatter have settled, see `_shares_of_sum`.
ROUNDS = 50


class Noise(eqx.Module):
    """Scatter of values about their mean; by default independent and normal.

    Attributes:
        known: whether the size of the scatter is known, or estimated by the fit.
        constant_weights: whether it is the same for every prediction.
        whole_rows: whether the values of a row count only as a whole.
        shots_apart: whether the shots of a row scatter independently.
    """

    known: ClassVar[bool] = True
    constant_weights: ClassVar[bool] = True
    whole_rows: ClassVar[bool] = False
    shots_apart: ClassVar[bool] = True

    def check(self, values: Array) -> None:
        """Raise ValueError unless data with these values can have this noise."""
        del values

    def check_law(self, law: Motion) -> None:
        """Raise ValueError unless data of this law can have this noise."""
        del law

    def of(self, values: Array) -> "Noise":
        """This noise with what the values of the data show of it beside its size."""
        del values
        return self

    def assumption(self) -> str | None:
        """An assumption on the noise that the values suggest, a sentence, or None."""

    def shares(self, values: Array) -> Array:
        """The values on the scale of the law's prediction."""
        return values

    @abc.abstractmethod
    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """prediction - values, in units of the scatter at `at`."""

    def log_likelihood(
        self, prediction: Array, values: Array, at: Weights
    ) -> Float[Array, " T"]:
        """ln of the probability of each row, less terms that no constant changes.

        Args:
            prediction: means, (T, ...).
            values: like it.
            at: source of the weights; here the scatter of the prediction itself.
        """
        misses = self.residuals(prediction, values, at)
        return -jnp.sum(jnp.reshape(misses, (misses.shape[0], -1)) ** 2, axis=1) / 2

    def outcomes(self, values: Array) -> Array | None:
        """Number of independent outcomes in the values; None if they are dependent."""
        return jnp.asarray(values.size)

    # -- weights ---------------------------------------------------------------------

    def first_weights(self, shares: Array) -> Weights:
        """Source of the weights before there is a fit: the shares of the data."""
        return shares

    def weights(self, prediction: Array, values: Array, course: Course) -> Weights:
        """Source of the weights at a fit: its prediction, or its scatter.

        Args:
            prediction: at the fit, like the data.
            values: the data, (T, ...).
            course: function that gives the fitted motion.
        """
        del course
        return jnp.where(jnp.isfinite(prediction), prediction, self.shares(values))

    def penalty(self, at: Weights, mask: Array) -> ArrayLike:
        """Addition to -2 ln likelihood from the weights, beside the sum of squares."""
        del at, mask
        return 0.0

    def scatter(self, values: Array, at: Weights, fitted: float) -> Float[Array, " T"]:
        """Residuals, one per row, that determine the noise's own constants in a fit; 0
        for noise that has none.

        Args:
            values: the data, (T, ...).
            at: source of the weights.
            fitted: number of other constants that are fitted without a prior; of one
                that other data share, the part of these data in it.
        """
        del at, fitted
        return jnp.zeros(values.shape[0], values.dtype)

    # -- what a fit says -------------------------------------------------------------

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Number of independent values, one fewer in each row of shares of sum 1."""
        del at
        shares = self.shares(values)
        each = math.prod(shares.shape[1:])
        rounding = each * written_step(shares) / 2 + SUM_ROUNDING
        tied = shares.ndim == 2 and each > 1 and sums_to_one(shares, rounding)
        return jnp.sum(mask > 0) * (each - jnp.asarray(tied))

    def excess(self, values: Array, at: Weights, mask: Array) -> ArrayLike:
        """Variance of the sum of squares beyond that of chi-square."""
        del values, at, mask
        return 0.0

    def holds(self, at: Weights) -> Bool[Array, ""]:
        """Whether the scatter is that of the weights."""
        del at
        return jnp.asarray(True)

    def complaint(self, at: Weights) -> str | None:
        """The reason why the scatter is not that of the weights, or None."""
        del at

    # -- errors ----------------------------------------------------------------------

    @abc.abstractmethod
    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """Standard errors of the shares, if `expected` is right; all (T, ...)."""

    def row_residuals(
        self, apart: np.ndarray, values: Array, errors: np.ndarray
    ) -> np.ndarray:
        """Deviations of the first row in units of their errors."""
        del values
        return apart / errors


class Drawable(Noise):
    """Noise of rows that scatter independently, with which data can be drawn."""

    @abc.abstractmethod
    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """Draw synthetic data.

        Args:
            key: random key of the draw.
            mean: expected data of the instrument, (T, ...).
            shots: number of measurements of each row, scalar or (T,).

        Returns:
            Values, whose noise is `after(shots)`.
        """

    def after(self, shots: ArrayLike, axes: int = 2) -> Noise:
        """The noise of the values of so many shots.

        Args:
            shots: number of measurements of each row, scalar or (T,).
            axes: number of axes of the values, the first of which is that of rows.
        """
        del shots, axes
        return self

    def redraw(self, key: Array, mean: Array, values: Array) -> Array:
        """Other values about this mean, with the scatter of given data.

        Args:
            key: of the draw.
            mean: expected data of the instrument, (T, ...).
            values: the data, like it; of counts, the number of shots alone matters.
        """
        del values
        return self.sample(key, mean, 1)

    @abc.abstractmethod
    def whitened(self, slope: Array, mean: Array) -> Float[Array, "T ... p"]:
        """Slopes in units of the scatter of one shot; 0 for outcomes without scatter.

        Args:
            slope: derivative of the mean by the constants, (T, ..., p).
            mean: (T, ...).
        """

    def information(self, slope: Array, mean: Array) -> Float[Array, "T p p"]:
        """Fisher information of one shot of each row: Σ_k J_k J_k^T, J as `whitened`.

        Args:
            slope: derivative of the mean by the constants, (T, ..., p).
            mean: (T, ...).
        """
        whitened = self.whitened(slope, mean)
        rows = jnp.reshape(whitened, (whitened.shape[0], -1, whitened.shape[-1]))
        return jnp.einsum("tki,tkj->tij", rows, rows)

    def divergence(self, mean: Array, rival: Array) -> Array:
        """Signed roots of what each value of one shot adds to 2 KL(mean || rival).

        Half of the sum of their squares over a row is the Kullback-Leibler divergence.

        Args:
            mean: expected data of the true law, (T, ...).
            rival: expected data of the other, like it.
        """
        return self.whitened((rival - mean)[..., None], mean)[..., 0]


def rowwise(shots: ArrayLike, axes: int) -> Array:
    """A number, or one for each row, shaped to multiply rows of so many axes.

    What has all of these axes, or none, stays.
    """
    shots = jnp.asarray(shots)
    return jnp.reshape(shots, shots.shape + (1,) * (axes - 1) * (shots.ndim == 1))


def check_like(given: Array, name: str, values: Array) -> None:
    """Raise ValueError unless this is one number, or one for each value.

    A vector beside a square table of values could be one number for each row as well
    as for each column.
    """
    shape = np.shape(given)
    try:
        fits = np.broadcast_shapes(shape, values.shape) == values.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"Argument `{name}` must be a number or like the values, whose shape is "
            f"{values.shape}, but its shape is {shape}."
        )
    if len(shape) == 1 and values.ndim > 1 and shape[0] == values.shape[0] > 1:
        raise ValueError(
            f"Argument `{name}` must say whether it has a number for each row or for "
            f"each column of values of shape {values.shape}, but its shape is {shape}; "
            f"give {name}[:, None] or {name}[None, :]."
        )


class NoNoise(Drawable):
    """Values that are exact up to rounding; their scatter is estimated by the fit."""

    known: ClassVar[bool] = False

    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """The mean itself."""
        del key, shots
        return mean

    def whitened(self, slope: Array, mean: Array) -> Float[Array, "T ... p"]:
        """J, in units of an unknown scatter."""
        del mean
        return slope

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """prediction - values."""
        del at
        return prediction - values

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """`exact_error`, the same for all values."""
        return np.full(expected.shape, exact_error(np.asarray(values)))


class Gaussian(Drawable):
    """Normal errors of known standard deviation, independent unless rows sum to 1.

    Rows of populations may sum to 1 to the last digit that is written, where M values
    with independent errors would leave a scatter of √Σσ². Such a row holds M - 1
    numbers: its errors are those of independent values given that their sum is 1,

        χ² = Σ_k d_k²/τ_k²,   σ_k² = τ_k² (1 - w_k),   w_k = τ_k²/Σ_j τ_j²

    so that each value scatters by its σ. For σ alike w = 1/M, for those of counts this
    is Pearson's χ². `Record` decides which of the two the values are.

    Attributes:
        sigma: standard deviation, scalar or like the values; where data are drawn, that
            of one shot.
        tied: w_k, scalar or like the values, 0 for independent errors; None before
            there are values.
    """

    sigma: Float[Array, "..."]
    tied: Float[Array, "..."] | None

    def __init__(self, sigma: ArrayLike):
        """Errors of this standard deviation.

        Raises:
            ValueError: not real, finite, positive numbers.
        """
        self.sigma, self.tied = constant(sigma, name="sigma"), None

    def __check_init__(self) -> None:
        _checks.check_positive(self.sigma, "sigma")

    def check(self, values: Array) -> None:
        """Raise ValueError unless sigma is one number, or one for each value."""
        check_like(self.sigma, "sigma", values)

    def of(self, values: Array) -> "Gaussian":
        """The same with `tied` as these values have it.

        The sums of rows scatter by rounding alone, or by the errors of M values as
        well: the likelier one of two normal distributions decides.
        """
        xp, (seen, sigma) = _checks.host_or_device((values, self.sigma))
        with np.errstate(over="ignore", invalid="ignore"):
            tied = _tied(seen, sigma, xp)
        tied = jnp.asarray(tied, self.sigma.dtype)
        return eqx.tree_at(
            lambda noise: noise.tied, self, tied, is_leaf=lambda x: x is None
        )

    def assumption(self) -> str | None:
        """A sentence that rows sum to 1, where they do; else None."""
        known = self.tied is not None and _checks.is_concrete(self.tied)
        if not (known and np.any(np.asarray(self.tied))):
            return None
        return (
            "The rows sum to 1 within their digits, so that a row of M values counts "
            "for M - 1, and its errors cancel in the sum."
        )

    def _free(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """τ, the scatter without the sum, and w, of this shape."""
        w = jnp.zeros(()) if self.tied is None else self.tied
        sigma, w = jnp.broadcast_to(self.sigma, shape), jnp.broadcast_to(w, shape)
        return sigma / jnp.sqrt(1 - w), w

    @program
    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """Means of `shots` values each."""
        tau, w = self._free(mean.shape)
        error = tau * jax.random.normal(key, mean.shape, mean.dtype)
        error = error - w * jnp.sum(error, axis=-1, keepdims=True)
        return mean + error / jnp.sqrt(rowwise(shots, mean.ndim))

    def after(self, shots: ArrayLike, axes: int = 2) -> "Gaussian":
        """σ / √shots"""
        _checks.check_positive(shots, "shots")
        shots, sigma = rowwise(shots, axes), self.sigma
        # σ of columns, as it is drawn from, says so in a record of as many rows
        axes = max(shots.ndim, axes if sigma.ndim else 0)
        sigma = jnp.reshape(sigma, (1,) * (axes - sigma.ndim) + sigma.shape)
        return eqx.tree_at(lambda noise: noise.sigma, self, sigma / jnp.sqrt(shots))

    def whitened(self, slope: Array, mean: Array) -> Float[Array, "T ... p"]:
        """J / τ"""
        return slope / self._free(mean.shape)[0][..., None]

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """(prediction - values) / τ"""
        del at
        return (prediction - values) / self._free(values.shape)[0]

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Number of values, one fewer in each row that sums to 1."""
        del at
        each = 1 - self._free(values.shape)[1]
        rows = jnp.sum(jnp.reshape(each, (each.shape[0], -1)), axis=1)
        # to the last digit a whole number
        return jnp.sum(jnp.where(mask > 0, jnp.round(rows), 0))

    def outcomes(self, values: Array) -> Array:
        """Number of values, one fewer in each row that sums to 1."""
        return self.independent(values, values, jnp.ones(values.shape[0]))

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """The standard deviation `sigma`."""
        del expected
        return np.broadcast_to(np.asarray(self.sigma), values.shape)


def written_step(values: Any, xp: Any = jnp) -> Any:
    """The unit of the last digit of values that were written with few; 0 for many."""
    steps, whole = 10.0 ** -np.arange(1, DIGITS + 1), []
    for step in steps.tolist():
        number = xp.round(values / step)
        off = xp.abs(values / step - number)
        # 0 is a multiple of every step: it tells no digits, nor do values beside which
        # a step is large
        whole.append(xp.all(off < min(WHOLE, SHORT / step)) & xp.any(number != 0))
    return xp.max(xp.where(xp.stack(whole), steps, 0))


def _tied(values: Any, sigma: Any, xp: Any) -> Any:
    """w of `Gaussian`, like sigma or scalar: 0 where rows do not sum to 1."""
    if values.ndim != 2 or values.shape[1] < 2:
        return np.zeros(())
    size = values.shape[1]
    off = xp.sum(values, axis=1) - 1
    scatter = xp.sum(xp.broadcast_to(sigma, values.shape) ** 2, axis=1)
    # a rounded number is anywhere within a step of variance 1/12
    rounding = size * written_step(values, xp) ** 2 / 12 + SUM_ROUNDING**2
    rounding = rounding + SUM_SHARE**2 * scatter
    # ln of the ratio of both densities of each sum
    gain = xp.log1p(scatter / rounding)
    gain = gain - off**2 * (scatter / (rounding * (rounding + scatter)))
    every = sigma.ndim > 0 and sigma.shape[-1] == size
    return xp.where(
        xp.sum(gain) > 0, _shares_of_sum(sigma, xp) if every else 1 / size, 0
    )


def _shares_of_sum(sigma: Any, xp: Any) -> Any:
    """w_k with w_k (1 - w_k) ∝ σ_k² and Σ w_k = 1, along the last axis.

    The mean of χ² is that of M - 1 values in every round. One σ beyond the others
    together has no such w; it then takes no part, since the others determine it.
    """
    square = (sigma / xp.max(sigma, axis=-1, keepdims=True)) ** 2
    most = 1 - float(np.finfo(square.dtype).eps)

    def shares(_: Any, w: Any) -> Any:
        tau = square / (1 - w)
        return xp.minimum(tau / xp.sum(tau, axis=-1, keepdims=True), most)

    w = shares(0, xp.zeros_like(square))
    if xp is jnp:
        return jax.lax.fori_loop(0, ROUNDS, shares, w)
    for round_ in range(ROUNDS):
        w = shares(round_, w)
    return w


class Correlated(Drawable):
    """Normal errors with a known covariance between the values of a row.

    Attributes:
        covariance: Σ_t of each row, shape (T, k, k), symmetric, positive definite; a
            direction without scatter is ignored.
    """

    covariance: Float[Array, "T k k"] = eqx.field(
        converter=partial(constant, name="covariance")
    )
    whole_rows: ClassVar[bool] = True

    def __check_init__(self) -> None:
        if self.covariance.ndim != 3:
            raise ValueError(
                "Argument `covariance` must hold a matrix for each row, (T, k, k), but "
                f"its shape is {self.covariance.shape}; rows scatter independently."
            )
        _checks.check_reals(self.covariance, "covariance", (None, None, None))
        if _checks.is_concrete(self.covariance):
            _check_covariances(np.asarray(self.covariance))

    def check(self, values: Array) -> None:
        """Raise ValueError unless each row has a covariance of its values."""
        rows, *rest = values.shape
        _checks.check_shape(self.covariance, "covariance", (rows, *rest, *rest))

    def outcomes(self, values: Array) -> None:
        """None: values of a row are not independent."""

    @program
    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """Means of `shots` rows each."""
        weights, axes, unit, there = self._whitening(mean)
        one = safe_divide(
            jax.random.normal(key, mean.shape, mean.dtype), weights, there
        )
        drawn = jnp.einsum("tij,tj->ti", axes, one) * safe_divide(1, unit**2)
        return mean + drawn / jnp.sqrt(rowwise(shots, mean.ndim))

    def after(self, shots: ArrayLike, axes: int = 2) -> "Correlated":
        """Σ_t / shots"""
        del axes
        return Correlated(self.covariance / rowwise(shots, self.covariance.ndim))

    def whitened(self, slope: Array, mean: Array) -> Float[Array, "T ... p"]:
        """Σ_t^(-1/2) J"""
        weights, axes, *_ = self._whitening(mean)
        return weights[..., None] * jnp.einsum("tij,tip->tjp", axes, slope)

    def residuals(self, prediction: Array, values: Array, at: Weights) -> Array:
        """Σ_t^(-1/2) (prediction - values)."""
        del at
        weights, axes, *_ = self._whitening(values)
        return weights * jnp.einsum("tij,ti->tj", axes, prediction - values)

    def _whitening(self, values: Array) -> tuple[Array, Array, Array, Array]:
        """See `whitening`, in units of each value's error; one that is no more than the
        rounding of the value is none."""
        variances = jnp.diagonal(self.covariance, axis1=1, axis2=2)
        rounding = 8 * jnp.finfo(variances.dtype).eps * jnp.abs(values)
        unit = inverse_root(variances, variances > rounding**2)
        return whitening(self.covariance, unit)

    def independent(self, values: Array, at: Weights, mask: Array) -> Float[Array, ""]:
        """Number of directions that scatter."""
        del at
        rank = jnp.sum(self._whitening(values)[3], axis=-1)
        return jnp.sum(jnp.where(mask > 0, rank, 0.0))

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """Roots of the diagonal of Σ_t."""
        del values, expected
        return np.sqrt(np.diagonal(np.asarray(self.covariance), axis1=1, axis2=2))

    def row_residuals(
        self, apart: np.ndarray, values: Array, errors: np.ndarray
    ) -> np.ndarray:
        """Σ^(-1/2) of the deviations."""
        del errors
        return np.asarray(self.residuals(values.at[0].add(apart), values, values))[0]


def _check_covariances(each: np.ndarray) -> None:
    """Raise ValueError for what is no covariance, (T, k, k), by more than rounding."""
    if each.shape[1] != each.shape[2]:
        return  # `check` compares its shape with that of the values
    error = np.sqrt(np.maximum(np.diagonal(each, axis1=1, axis2=2), 0))
    size = error[:, :, None] * error[:, None, :]
    lopsided = (abs(each - np.swapaxes(each, 1, 2)) > SUM_ROUNDING * size).any((1, 2))
    if lopsided.any():
        raise ValueError(
            "Argument `covariance` must be symmetric, but that of row "
            f"{np.argmax(lopsided)} is not."
        )
    # beside a variance of 0 there is no unit
    largest = np.max(np.abs(each), axis=(1, 2), keepdims=True, initial=0)
    unit_of = np.where(size > 0, size, np.where(largest > 0, largest, 1))
    least = np.min(np.linalg.eigvalsh(each / unit_of), axis=1, initial=0)
    negative = least < -SUM_ROUNDING
    if negative.any():
        raise ValueError(
            "Argument `covariance` must have no negative eigenvalue, but that of row "
            f"{np.argmax(negative)} has one."
        )


def exact_error(values: np.ndarray) -> float:
    """Assumed error of values without stated errors, in their unit.

    Rows that scatter from time to time are no better than their scatter: the least that
    differences of the first to the fourth order leave of it, were all of it noise.
    """
    rows = np.reshape(values, (len(values), -1))
    left = [0.0] if len(rows) == 1 else []
    for order in range(1, min(5, len(rows))):
        change = np.median(np.abs(np.diff(rows, order, axis=0)))
        left.append(1.48 * float(change) / math.comb(2 * order, order) ** 0.5)
    return EXACT * float(np.max(np.abs(values))) + min(left) + np.finfo(float).tiny


def sums_to_one(shares: Array, tolerance: float) -> Bool[Array, ""]:
    """Whether every row of shares sums to 1, as probabilities do."""
    return (abs(shares.sum(axis=-1) - 1) < tolerance).all()


def whitening(covariance: Array, unit: Array) -> tuple[Array, Array, Array, Array]:
    """1/√ of the variances along the axes of a covariance, and these axes.

    In units in which the values compare: beside a moment of high power a direction of
    low power would be rounding.

    Args:
        covariance: (..., k, k).
        unit: factor that brings each value to its unit, (..., k); 0 for one that does
            not scatter.

    Returns:
        The roots, (..., k), 0 where a direction does not scatter; the axes by columns,
        times `unit`, (..., k, k); the units; which directions scatter, (..., k).
    """
    scaled = covariance * unit[..., :, None] * unit[..., None, :]
    variances, axes = jnp.linalg.eigh(scaled)
    there = scatters(variances)
    return inverse_root(variances, there), unit[..., :, None] * axes, unit, there


def scatters(variances: Array) -> Array:
    """Which variances, in comparable units, are more than rounding."""
    return variances > 1e-13 * jnp.max(variances, axis=-1, keepdims=True)


def strain(residuals: np.ndarray) -> float:
    """How far residuals in units of their errors exceed chance; 1 is refused.

    χ² over its mean and six standard deviations (and what the skewness of a few values
    needs), or over the χ² of errors that are half as large again as was said.
    """
    n = residuals.size
    chance = n + 6 * np.sqrt(2 * n) + 18
    return float(np.sum(abs2(residuals)) / max(chance, 2.25 * n))
