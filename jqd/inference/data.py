"""Records that a law is fitted to, and how they scatter."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .ensemble_noise import EnsembleNoise


class NoNoise(eqx.Module):
    """Values that are exact up to rounding; their scatter is estimated by the fit."""

    known: bool = eqx.field(static=True, default=False)
    constant_weights: bool = eqx.field(static=True, default=True)

    def residuals(self, prediction: Array, data: Array, at: Array) -> Array:
        """prediction - data."""
        del at
        return prediction - data

    def shares(self, data: Array) -> Array:
        """The data as what a law predicts."""
        return data


class Gaussian(eqx.Module):
    """Independent normal errors of known standard deviation.

    Attributes:
        sigma: standard deviation, scalar or like the data.
    """

    sigma: Float[Array, "..."] = eqx.field(converter=jnp.asarray)
    known: bool = eqx.field(static=True, default=True)
    constant_weights: bool = eqx.field(static=True, default=True)

    def __check_init__(self) -> None:
        _checks.check_positive(self.sigma, "sigma")

    def residuals(self, prediction: Array, data: Array, at: Array) -> Array:
        """(prediction - data) / sigma."""
        del at
        sigma = jnp.broadcast_to(self.sigma, data.shape)
        return (prediction - data) / sigma

    def shares(self, data: Array) -> Array:
        """The data as what a law predicts."""
        return data


class Correlated(eqx.Module):
    """Normal errors with a known covariance between the values of a row.

    Attributes:
        covariance: Σ_t of each row, shape (T, k, k), symmetric, positive definite; a
            direction without scatter counts for nothing.
    """

    covariance: Float[Array, "T k k"] = eqx.field(converter=jnp.asarray)
    known: bool = eqx.field(static=True, default=True)
    constant_weights: bool = eqx.field(static=True, default=True)

    def __check_init__(self) -> None:
        _checks.check_shape(self.covariance, "covariance", (None, None, None))
        _checks.check_real(self.covariance, "covariance")
        _checks.check_finite(self.covariance, "covariance")

    def residuals(self, prediction: Array, data: Array, at: Array) -> Array:
        """Σ_t^(-1/2) (prediction - data)"""
        del at
        variances, axes = jnp.linalg.eigh(self.covariance)
        floor = 1e-13 * jnp.max(variances, axis=-1, keepdims=True)
        safe = jnp.where(variances > floor, variances, 1)
        weights = jnp.where(variances > floor, 1 / jnp.sqrt(safe), 0)
        return weights * jnp.einsum("tij,ti->tj", axes, prediction - data)

    def shares(self, data: Array) -> Array:
        """The data as what a law predicts."""
        return data

    def rank(self) -> Float[Array, " T"]:
        """How many directions of each row scatter."""
        variances = jnp.linalg.eigvalsh(self.covariance)
        floor = 1e-13 * jnp.max(variances, axis=-1, keepdims=True)
        return jnp.sum(variances > floor, axis=-1)


class Multinomial(eqx.Module):
    """Counts of independent shots at each time.

    Residuals are (N p - n) / sqrt(N p*), p* the probabilities at which the weights are
    taken. Where p* is the fit itself, least squares solves the score equation: the fit
    is the maximum-likelihood one and J^T J its Fisher information.
    """

    known: bool = eqx.field(static=True, default=True)
    constant_weights: bool = eqx.field(static=True, default=False)

    def residuals(self, prediction: Array, data: Array, at: Array) -> Array:
        """(N p - n) / sqrt(N p*)."""
        shots = jnp.sum(data, axis=-1, keepdims=True)
        # half a count at least, so that an outcome that is all but excluded and still
        # seen once does not outweigh all others
        scale = jnp.sqrt(jnp.maximum(shots * at, 0.5))
        return (shots * prediction - data) / scale

    def shares(self, data: Array) -> Array:
        """Relative frequencies."""
        return data / jnp.sum(data, axis=-1, keepdims=True)

    def excess(self, data: Array, at: Array, mask: Array) -> Float[Array, ""]:
        """Variance of the sum of squares beyond that of chi-square.

        Σ_t [Σ_k 1/p_k - k² - 2k + 2] / N, of Pearson's statistic of k outcomes.
        Outcomes with less than half a count count as half a one, as in `residuals`.
        """
        shots, k = jnp.sum(data, axis=-1), data.shape[-1]
        rare = jnp.maximum(shots[:, None] * at, 0.5)
        each = jnp.sum(1 / rare, axis=-1) - (k**2 + 2 * k - 2) / shots
        return jnp.sum(jnp.where(mask > 0, each, 0))


Noise = NoNoise | Gaussian | Correlated | Multinomial | EnsembleNoise


class Data(eqx.Module):
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
        if t0 is not None:
            start = _numbers(t0, "t0")
            _checks.check_shape(start, "t0", ())
            _checks.check_finite(start, "t0")
        self.t0 = self.ts[0] if t0 is None else jnp.asarray(t0, self.ts.dtype)
        self.from_start = t0 is None or (
            _checks.is_concrete((self.t0, self.ts)) and bool(self.t0 == self.ts[0])
        )
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
        _check_noise(self.noise, self.values)
        if _checks.is_concrete((self.t0, self.ts)) and self.t0 > self.ts[0]:
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


def _check_noise(noise: Any, values: Array) -> None:
    """Raise unless the noise model fits the values."""
    if not isinstance(noise, Noise):
        raise ValueError(
            "Argument `noise` must be NoNoise, Gaussian, Correlated, Multinomial or "
            f"EnsembleNoise, but is a {type(noise).__name__}."
        )
    if isinstance(noise, Gaussian):
        shape = np.shape(noise.sigma)
        try:
            fits = np.broadcast_shapes(shape, values.shape) == values.shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                "Argument `sigma` must be a number or like the values, whose shape is "
                f"{values.shape}, but its shape is {shape}."
            )
    if isinstance(noise, Correlated):
        rows, *rest = values.shape
        _checks.check_shape(noise.covariance, "covariance", (rows, *rest, *rest))
    if isinstance(noise, EnsembleNoise | Multinomial):
        _checks.check_shape(values, "values", (None, None))
    if isinstance(noise, EnsembleNoise):
        noise.check_counts(values)
    if isinstance(noise, Multinomial):
        _check_counts(values)


def _check_counts(values: Array) -> None:
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
            f"{list(where)} is {counts[where]:g}; shares without their number have no "
            "multinomial errors."
        )


def check_populations(values: ArrayLike, name: str, tolerance: float = 1e-6) -> None:
    """Raise unless rows are probabilities.

    Args:
        values: shape (T, M).
        name: name for the message.
        tolerance: how far a row's sum may be from 1; files hold few digits.

    Raises:
        ValueError: a negative entry or a row that does not sum to 1.
    """
    rows = np.asarray(values)
    if rows.min() < -tolerance:
        row, column = np.unravel_index(rows.argmin(), rows.shape)
        raise ValueError(
            f"Argument `{name}` must not hold negative populations, but row {row} has "
            f"{rows.min():.3g} in column {column}."
        )
    excess = np.abs(rows.sum(axis=-1) - 1)
    if excess.max() > tolerance:
        row = int(excess.argmax())
        raise ValueError(
            f"Argument `{name}` must hold populations that sum to 1, but row {row} "
            f"sums to {rows[row].sum():.8g}."
        )
