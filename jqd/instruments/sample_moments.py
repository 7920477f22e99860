"""Noise of moments of outcomes on phase space, from moments of twice their power."""

from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import divisor, inverse_root, safe_divide, safe_log
from .._program import program
from ..constants import constant
from ..spaces.symbols.monomials import add_powers
from ..states import read_powers
from .noise import Course, Drawable, Weights, rowwise, scatters, whitening

Order = tuple[tuple[int, ...], tuple[int, ...]]
# A variance this far below zero, over the largest, is more than rounding.
NEGATIVE = 1e-9


class SampleMoments(Drawable):
    """Mean moments of independent outcomes α, with scatter from twice the power.

    cov(z_i, z_j) = (⟨z_i z_j⟩ - ⟨z_i⟩⟨z_j⟩) / S,   z = Re, Im of α^m α*^n

    The data hold moments up to a power, of which those up to half of it are compared;
    the rest determine their scatter. The scatter is that of the fit: the scatter of the
    outcomes themselves is correlated with their means and makes errors too small. Where
    the moments of a law give no covariance for a row, since its Q is negative
    somewhere, that of the outcomes is used.

    Attributes:
        orders: (m, n) of each moment, one of each pair of conjugates, m and n integers
            or one for each mode; all total powers from 1 to an even one (static).
        shots: S, number of outcomes at a time, scalar or (T,).
    """

    orders: tuple[Any, ...] = eqx.field(static=True)
    shots: Float[Array, "..."] = eqx.field(
        converter=partial(constant, name="shots"), default=1.0
    )
    constant_weights: ClassVar[bool] = False
    whole_rows: ClassVar[bool] = True

    def __check_init__(self) -> None:
        _checks.check_type(self.orders, "orders", tuple | list, "pairs (m, n)")
        for pair in self.orders:
            _checks.check_type(pair, "orders", tuple | list, "pairs (m, n)")
            if len(pair) != 2:
                raise ValueError(
                    f"Argument `orders` must hold pairs (m, n), but holds {pair!r}."
                )
            for powers in pair:
                modes = len(powers) if isinstance(powers, tuple | list) else 1
                read_powers(powers, "orders", modes)
        _checks.check_positive(self.shots, "shots")
        self._products()

    # -- which moments ---------------------------------------------------------------

    def _compared(self) -> np.ndarray:
        """Places of the moments of up to half the power."""
        powers = np.array([sum(map(sum, order)) for order in map(_tuples, self.orders)])
        return np.flatnonzero(powers <= powers.max(initial=0) // 2)

    def _columns(self) -> np.ndarray:
        """Their real parts and imaginary parts in a row."""
        compared = self._compared()
        return np.concatenate([compared, len(self.orders) + compared])

    def _products(self) -> tuple[np.ndarray, np.ndarray]:
        """Where ⟨z_i z_j⟩ and ⟨z_i* z_j⟩ stand; negative: conjugate of -1 - place."""
        place: dict[Order, int] = {}
        for k, (m, n) in enumerate(map(_tuples, self.orders)):
            place.setdefault((n, m), -1 - k)
            place[(m, n)] = k
        own = [_tuples(self.orders[k]) for k in self._compared()]
        try:
            straight = [[place[add_powers(a, b)] for b in own] for a in own]
            crossed = [[place[add_powers((a[1], a[0]), b)] for b in own] for a in own]
        except KeyError as missing:
            raise ValueError(
                "Argument `orders` must hold all moments of total power 1 to an even "
                f"one, but lacks {missing.args[0]}."
            ) from None
        return np.array(straight), np.array(crossed)

    # -- scatter ---------------------------------------------------------------------

    def covariance(self, moments: Float[Array, "T 2k"]) -> Float[Array, "T c c"]:
        """Covariance of the compared moments in a row, if these were the true moments.

        Args:
            moments: real parts of all, then imaginary parts.
        """
        half = len(self.orders)
        values = moments[:, :half] + 1j * moments[:, half:]
        both = jnp.concatenate([values, jnp.conj(values)[:, ::-1]], axis=1)
        straight, crossed = (both[:, where] for where in self._products())
        # Im(ab) + Im(a*b) = 2 Re a Im b, and so on
        top = [jnp.real(crossed + straight), jnp.imag(straight + crossed)]
        low = [jnp.imag(straight - crossed), jnp.real(crossed - straight)]
        second = jnp.concatenate(
            [jnp.concatenate(top, axis=2), jnp.concatenate(low, axis=2)], axis=1
        )
        mean = moments[:, self._columns()]
        spread = second / 2 - mean[:, :, None] * mean[:, None, :]
        return spread / rowwise(self.shots, spread.ndim)

    def _sizes(self, moments: Float[Array, "T 2k"]) -> Float[Array, "T c"]:
        """⟨|α^m α*^n|²⟩, of which the variance is a part: the unit of each squared."""
        # their own conjugates, which stand where they are
        places = np.diagonal(self._products()[1])
        sizes = jnp.abs(moments[:, places])
        return jnp.concatenate([sizes, sizes], axis=1)

    def _whitening(self, at: Array) -> tuple[Array, Array, Array, Array]:
        """See `whitening`, in units of the root of each mean square."""
        return whitening(self.covariance(at), inverse_root(self._sizes(at)))

    def _white(self, rows: Float[Array, "T 2k n"], at: Array) -> Array:
        """Rows in units of their scatter; 0 for the moments that say it."""
        weights, axes, *_ = self._whitening(at)
        columns = self._columns()
        white = weights[..., None] * jnp.einsum("tij,tin->tjn", axes, rows[:, columns])
        return jnp.zeros_like(rows).at[:, columns].set(white)

    def residuals(self, prediction: Array, values: Array, at: Array) -> Array:
        """Σ_t^(-1/2) (prediction - values), Σ of the moments `at`."""
        return self._white((prediction - values)[..., None], at)[..., 0]

    def log_likelihood(
        self, prediction: Array, values: Array, at: Array
    ) -> Float[Array, " T"]:
        """-(Σ of squared residuals + ln det Σ_t) / 2"""
        misses = jnp.sum(self.residuals(prediction, values, at) ** 2, axis=1)
        return -(misses + self._log_scatter(at)) / 2

    def _log_scatter(self, at: Array) -> Float[Array, " T"]:
        """ln det Σ_t over the directions that scatter."""
        weights, _, unit, there = self._whitening(at)
        # a value without scatter, such as Im |α|², has no unit to take back
        own = jnp.diagonal(self.covariance(at), axis1=1, axis2=2) * unit**2
        units = jnp.sum(safe_log(unit, scatters(own)), axis=-1)
        return -2 * (jnp.sum(safe_log(weights, there), axis=-1) + units)

    def weights(self, prediction: Array, values: Array, course: Course) -> Weights:
        """The moments of the fit, of each row where they are those of a density."""
        del course
        finite = jnp.all(jnp.isfinite(prediction), axis=1, keepdims=True)
        safe = jnp.where(finite, prediction, values)
        unit = inverse_root(self._sizes(safe))
        scaled = self.covariance(safe) * unit[:, :, None] * unit[:, None, :]
        variances = jnp.linalg.eigvalsh(scaled)
        legal = variances[:, :1] > -NEGATIVE * variances[:, -1:]
        return jnp.where(legal, safe, values)

    def penalty(self, at: Array, mask: Array) -> Float[Array, ""]:
        """Σ ln det Σ_t: the price of a wide scatter, which would explain everything."""
        return jnp.sum(jnp.where(mask > 0, self._log_scatter(at), 0))

    def independent(self, values: Array, at: Array, mask: Array) -> Float[Array, ""]:
        """Number of directions that scatter."""
        del values
        rank = jnp.sum(self._whitening(at)[3], axis=-1)
        return jnp.sum(jnp.where(mask > 0, rank, 0.0))

    def outcomes(self, values: Array) -> Array:
        """Number of all outcomes."""
        return jnp.sum(jnp.broadcast_to(self.shots, values.shape[:1]))

    # -- drawing ---------------------------------------------------------------------

    @program
    def sample(self, key: Array, mean: Array, shots: ArrayLike) -> Array:
        """Normal draws of moments of `shots` outcomes; means of those not compared."""
        one = SampleMoments(self.orders, shots)
        weights, axes, size, there = one._whitening(mean)
        columns = self._columns()
        unit = jax.random.normal(key, (mean.shape[0], len(columns)), mean.dtype)
        scaled = safe_divide(unit, weights, there)
        drawn = jnp.einsum("tij,tj->ti", axes, scaled) * safe_divide(1, size**2)
        return mean.at[:, columns].add(drawn)

    def redraw(self, key: Array, mean: Array, values: Array) -> Array:
        """Normal draws of moments of as many outcomes at each time."""
        del values
        return self.sample(key, mean, self.shots)

    def after(self, shots: ArrayLike, axes: int = 2) -> "SampleMoments":
        """The noise of so many outcomes at each time."""
        del axes
        return SampleMoments(self.orders, jnp.asarray(shots, jnp.result_type(float)))

    def whitened(self, slope: Array, mean: Array) -> Float[Array, "T ... p"]:
        """Σ_t^(-1/2) J, Σ of one outcome"""
        return SampleMoments(self.orders)._white(slope, mean)

    # -- one record ------------------------------------------------------------------

    def check(self, values: Array) -> None:
        """Raise ValueError unless each row holds these moments."""
        _checks.check_shape(values, "values", (None, 2 * len(self.orders)))

    def errors(self, values: Array, expected: np.ndarray) -> np.ndarray:
        """Roots of the diagonal of Σ_t; inf where nothing is compared or scatters."""
        del expected
        errors = np.full(values.shape, np.inf)
        variances = jnp.diagonal(self.covariance(values), axis1=1, axis2=2)
        there = scatters(safe_divide(variances, self._sizes(values)))
        own = jnp.where(there, jnp.sqrt(divisor(variances, there)), jnp.inf)
        errors[:, self._columns()] = np.asarray(own)
        return errors

    def row_residuals(
        self, apart: np.ndarray, values: Array, errors: np.ndarray
    ) -> np.ndarray:
        """Σ^(-1/2) of the deviations."""
        del errors
        return np.asarray(self.residuals(values.at[0].add(apart), values, values))[0]


def _tuples(order: Any) -> Order:
    """(m, n) as powers of each mode."""
    m, n = (np.atleast_1d(np.asarray(power)).tolist() for power in order)
    return tuple(m), tuple(n)
