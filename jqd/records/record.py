"""Data that a law is fitted to."""

import math
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks, _html
from .._outside import plain
from ..instruments import DirichletMultinomial, EnsembleNoise, Gaussian, Multinomial
from ..instruments.noise import Noise, NoNoise

# Gaps that differ by less of the shortest are shown as one: six digits are shown.
_EVEN = 1e-5


class Record(eqx.Module):
    """Data: measured values, their times and their noise.

    Attributes:
        ts: times, shape (T,); the state is known at `t0`.
        values: shape (T, ...): values of the law's observable (populations), or counts
            for `Multinomial`, `DirichletMultinomial` and `EnsembleNoise`.
        noise: noise model.
        t0: time of the initial state, scalar; the first of `ts` if not given.
        from_start: whether the first row is at `t0` (static).
        over_time: whether rows are one course in time, each later than the one before.
        times_repeat: whether several rows may be of one time.
    """

    ts: Float[Array, " T"]
    values: Float[Array, "T ..."]
    noise: Noise
    t0: Float[Array, ""]
    from_start: bool = eqx.field(static=True)
    over_time: ClassVar[bool] = True
    times_repeat: ClassVar[bool] = False

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
        ts, values = plain(ts, "ts"), plain(values, "values")
        _checks.check_real(values, "values")
        _checks.check_times(ts, "ts", strict=not self.times_repeat)
        self.ts = jnp.asarray(ts, dtype=jnp.result_type(float))
        self.values = jnp.asarray(values, dtype=jnp.result_type(float))
        self.noise = NoNoise() if noise is None else noise
        if not issubclass(type(self.noise), Noise):
            raise ValueError(
                "Argument `noise` must be NoNoise, Gaussian, Correlated, Multinomial, "
                f"DirichletMultinomial or EnsembleNoise, but is {_checks.shown(noise)}."
            )
        # NumPy reads concrete values: JAX would compile each reading, or trace it
        known = _checks.is_concrete((self.ts, t0))
        first = np.asarray(self.ts)[0] if known else self.ts[0]
        start: Any = first if t0 is None else plain(t0, "t0")
        _checks.check_scalar(start, "t0")
        if known:
            start = np.asarray(start, self.ts.dtype)
        self.t0 = jnp.asarray(start, self.ts.dtype)
        self.from_start = t0 is None or (known and bool(start == first))
        if self.values.ndim < 1 or self.values.shape[0] != self.ts.shape[0]:
            raise ValueError(
                "Argument `values` must have one row for each time, but has shape "
                f"{self.values.shape} for {self.ts.shape[0]} times."
            )
        if not self.values.size:
            raise ValueError(
                "Argument `values` must hold values, but has shape "
                f"{self.values.shape}."
            )
        _checks.check_finite(self.values, "values")
        self.noise.check(self.values)
        self.noise = self.noise.of(self.values)
        if known and start > first:
            raise ValueError(
                f"Argument `t0` must not be after ts[0] = {first:g}, but is {start:g}."
            )

    @property
    def looks(self) -> Array:
        """Times at which the law is evaluated, each once, (V,)."""
        return self.ts

    @property
    def firsts(self) -> Array:
        """The first row of each of these times, (V,)."""
        return jnp.arange(self.ts.shape[0])

    def over_rows(self, seen: Array) -> Array:
        """What the law shows at these times, (V, ..), in rows of the data."""
        return seen

    @property
    def shares(self) -> Array:
        """The values on the scale of the law's prediction."""
        return self.noise.shares(self.values)

    @property
    def pooled(self) -> Array:
        """The shares, averaged over rows of which the law says the same."""
        return self.shares

    @property
    def begin(self) -> Any:
        """The time from which on a search takes in more and more rows, scalar."""
        return self.t0

    @property
    def duration(self) -> Any:
        """The time from the initial state to the last row, scalar."""
        _, (ts, t0) = _checks.host_or_device((self.ts, self.t0))
        return ts[-1] - t0

    @property
    def size(self) -> Any:
        """The largest of the shares, scalar; 1 where all are 0.

        It is the unit of the residuals of data without errors.
        """
        xp, shares = _checks.host_or_device(self.shares)
        largest = xp.max(xp.abs(shares))
        return xp.where(largest > 0, largest, xp.ones_like(largest))

    def lines(self) -> dict[str, str]:
        """The contents in words, by label, as `repr` and `jqd show` print them."""
        values = np.asarray(self.values)
        lines = {
            "times": spaced(np.asarray(self.ts)),
            "state at": f"t0 = {float(self.t0):.6g}",
            "values": f"{math.prod(values.shape[1:])} at each time, {between(values)}",
        }
        if isinstance(self.noise, Multinomial | EnsembleNoise):
            lines["shots"] = f"{between(values.sum(axis=-1))} at each time"
        return lines | {"errors": _errors(self.noise)}

    def __repr__(self) -> str:
        try:
            said = self.lines() if self._is_one() else {}
        except Exception:  # whatever a deleted array does, or none in place of one
            said = {}
        if not said:
            return eqx.tree_pformat(self)
        return "\n".join(
            [type(self).__name__, *(f"  {k}: {text}" for k, text in said.items())]
        )

    def _is_one(self) -> bool:
        """Whether it is one record whose values can be read, and soon: not traced, no
        tree of other leaves, no axis of several records."""
        arrays = self.ts, self.values, self.t0
        read = all(isinstance(one, np.ndarray | jax.Array) for one in arrays)
        read = read and (np.ndim(self.ts), np.ndim(self.t0)) == (1, 0)
        read = read and np.shape(self.values)[:1] == np.shape(self.ts)
        read = read and np.size(self.values) > 0 and _html.is_small(self)
        return read and _checks.can_read() and _checks.is_concrete(self)


def between(values: Any) -> str:
    """From the smallest to the largest of some numbers; one number where all are it."""
    low, high = np.min(values), np.max(values)
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def spaced(ts: np.ndarray) -> str:
    """How many times, from when to when, and how far apart."""
    gaps = np.diff(ts)
    if not gaps.size:
        return _html.times(ts)
    even = np.ptp(gaps) <= _EVEN * gaps.min()
    return f"{_html.times(ts)}, {between(gaps.mean() if even else gaps)} apart"


def _errors(noise: Noise) -> str:
    """How the values scatter, as far as it is known."""
    if isinstance(noise, Gaussian):
        told = between(np.asarray(noise.sigma))
        if noise.assumption() is None:
            return told
        return f"{told}; rows sum to 1, and each counts for one value fewer"
    if isinstance(noise, DirichletMultinomial):  # a Multinomial as well
        rho = between(np.asarray(noise.rho))
        return f"those of counts whose shots correlate, rho = {rho}"
    if isinstance(noise, Multinomial):
        return "those of counts of independent shots"
    if isinstance(noise, EnsembleNoise):
        return "those of counts of one ensemble that copies itself"
    if noise.known:
        return f"those of {type(noise).__name__}"
    return "not known; a fit estimates their size from its residuals"
