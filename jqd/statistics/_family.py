"""What the modules here share: Σ_{k<n} ln(a + g k), checks, roots that fall."""

import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from .. import _checks

# The first terms of the sum are added one by one; the rest by the Euler-Maclaurin
# series in g/(a + g FIRST) < 1/FIRST, whose first term left out is 2e-15.
FIRST = 10
# B_2j / (2j (2j - 1))
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
# 1 / (m (m + 1)), signs alternating: the series of `_mean_log`; 0.1^14 / 210 is 5e-17.
_SERIES = tuple((-1) ** (m + 1) / (m * (m + 1)) for m in range(1, 14))


def log_rising(a: ArrayLike, g: ArrayLike, n: ArrayLike) -> Float[Array, "..."]:
    """Σ_{k<n} ln(a + g k), smooth through g = 0, at a cost that n does not raise.

    For g < 0 the sum is read from its last term, b = a + g (n - 1), upwards: it is
    `log_rising(b, -g, n)`, and -∞ where b is not positive.

    Args:
        a: positive.
        g: the step, of either sign.
        n: number of terms, whole.

    Returns:
        The sums, of the broadcast shape and at least the default float precision.

    Raises:
        ValueError: no numbers, or shapes that do not broadcast.
    """
    given = {"a": a, "g": g, "n": n}
    for name, value in given.items():
        _checks.check_numbers(value, name)
        _checks.check_real(value, name)
    _checks.check_broadcast(**given)
    return _log_rising(*map(_checks.as_leaf, given.values()))


@jax.jit
def _log_rising(a: ArrayLike, g: ArrayLike, n: ArrayLike) -> Array:
    a, g, n = jnp.broadcast_arrays(*map(_checks.widen, (a, g, n)))
    a, g, n = (x.astype(jnp.result_type(a, g, n)) for x in (a, g, n))
    falling = g < 0
    last = a + g * (n - 1)
    # An exact 0 = 1 - k/k may round to either side of 0.
    ends = last > jnp.sqrt(jnp.finfo(a.dtype).eps) * jnp.abs(g)
    step = jnp.where(falling, -g, g)
    first = jnp.where(falling, jnp.where(ends, last, 1), a)
    k = jnp.arange(FIRST, dtype=a.dtype).reshape((1,) * a.ndim + (-1,))
    terms = jnp.log(first[..., None] + step[..., None] * k)
    total = jnp.sum(jnp.where(k < n[..., None], terms, 0), axis=-1)
    total += _rest(first + FIRST * step, step, jnp.maximum(n - FIRST, 0))
    # An empty sum is 0 whatever `last` is.
    return jnp.where(falling & ~ends & (n > 0), -jnp.inf, total)


def _rest(a: Array, g: Array, n: Array) -> Array:
    """The same sum for g/a < 1/FIRST, by Euler and Maclaurin."""
    x = g * n / a
    total = n * (jnp.log(a) + _mean_log(x)) - jnp.log1p(x) / 2
    return total + _tail(g / (a + g * n)) - _tail(g / a)


def _tail(y: Array) -> Array:
    """Stirling's series, y/12 - y³/360 + .."""
    return y * jnp.polyval(jnp.asarray(STIRLING[::-1], y.dtype), y**2)


def _mean_log(x: Array) -> Array:
    """The mean of ln(1 + y) over 0 < y < x, x >= 0: ((1 + x) ln(1 + x) - x) / x."""
    small = x < 0.1
    far = jnp.where(small, 1, x)
    near = jnp.where(small, x, 0)
    series = near * jnp.polyval(jnp.asarray(_SERIES[::-1], x.dtype), near)
    return jnp.where(small, series, (1 + 1 / far) * jnp.log1p(far) - 1)


def check_g(g: Any) -> None:
    """Every g is at least 0 or -1/k with a whole k (skipped for tracers)."""
    _checks.check_real(g, "g")
    if not _checks.is_concrete(g):
        return
    values = np.asarray(g, float)
    # one number is compared by Python, which takes a fifth of the time
    if values.ndim == 0 and 0 <= values.item() < math.inf:
        return
    _checks.check_length(np.ravel(values), "g")
    if ((values >= 0) & (values < np.inf)).all():
        return
    _checks.check_finite(g, "g")
    for value in np.ravel(values):
        copies = -1 / value if value < 0 else 1.0
        if abs(copies - round(copies)) > 1e-6 * copies or copies < 0.5:
            raise ValueError(
                "Argument `g` must be 0, positive, or -1/k with a whole k (else some "
                f"probabilities are negative), but it is {value:.6g}."
            )


def check_count(value: Any, name: str, least: int) -> int:
    """A whole number, no tracer, that is at least `least`."""
    try:
        count = operator.index(value)
    except (TypeError, jax.errors.TracerIntegerConversionError):
        raise ValueError(
            f"Argument `{name}` must be a whole number, but it is "
            f"{_checks.shown(value)}."
        ) from None
    if not least <= count < 2**62:
        raise ValueError(
            f"Argument `{name}` must be at least {least} and below 2^62, but it is "
            f"{_checks.shown(count)}."
        )
    return count


def check_occupations(occupations: ArrayLike) -> None:
    """Whole numbers from 0 on, with the states along the last axis."""
    _checks.check_numbers(occupations, "occupations")
    if np.ndim(occupations) == 0 or np.shape(occupations)[-1] == 0:
        raise ValueError(
            "Argument `occupations` must have the states as its last axis, but its "
            f"shape is {np.shape(occupations)}."
        )
    _checks.check_whole(occupations, "occupations")


def check_room(particles: int, states: int, g: Any) -> None:
    """N particles find room: N <= k M where g = -1/k."""
    if not _checks.is_concrete(g):
        return
    values = np.asarray(g, float)
    least = values.item() if values.ndim == 0 else float(values.min())
    room = round(-1 / least) * states if least < 0 else particles
    if particles > room:
        raise ValueError(
            f"Argument `N` must be at most {room} for {states} states and g = "
            f"{least:g}, but it is {particles}."
        )


_MOST_STEPS = 200
# exp(-1000) is no number of double precision; a particle and a hole share a gap.
_FROZEN = 2e3


def coldest(heights: Array, log_weights: Array | None = None) -> Array:
    """|β| beyond which the least gap of levels that extend over 1 is frozen.

    The mean energy then is that of the coldest state to the last number above it, so
    that no energy inside has its β beyond.

    Args:
        heights: levels, (n,).
        log_weights: of the levels, (n,), or None.
    """
    gaps = jnp.diff(jnp.sort(lax.stop_gradient(heights)))
    least = jnp.min(jnp.where(gaps > 0, gaps, 1))
    more = 0 if log_weights is None else jnp.ptp(lax.stop_gradient(log_weights))
    return (_FROZEN + more) / least


def falling_root(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The root of a falling function: Newton's steps, halving where they leave.

    Differentiable in whatever the function depends on, by the implicit function
    theorem; the bounds have no derivative.

    Args:
        function: scalar to scalar.
        low: a bound below the root.
        high: a bound above the root.

    Returns:
        The root, to rounding, or to ε² times the larger bound where that is more.
    """

    def solve(function, start):
        del start
        size = jnp.maximum(jnp.abs(low), jnp.abs(high))

        def unsettled(carry):
            x, low, high, moved, step = carry
            eps = jnp.finfo(x.dtype).eps
            small = 4 * eps * jnp.maximum(jnp.abs(x), eps * size)
            return (moved > small) & (high - low > small) & (step < _MOST_STEPS)

        def narrow(carry):
            x, low, high, _, step = carry
            value, slope = jax.jvp(function, (x,), (jnp.ones_like(x),))
            low, high = jnp.where(value > 0, x, low), jnp.where(value > 0, high, x)
            newton = x - value / jnp.where(slope < 0, slope, -1)
            inside = (slope < 0) & (newton >= low) & (newton <= high)
            # every third step halves: Newton's may be slow from afar
            middle = (low + high) / 2
            new = jnp.where(inside & (step % 3 < 2), newton, middle)
            return new, low, high, jnp.abs(new - x), step + 1

        start = (low + high) / 2
        carry = (start, low, high, jnp.asarray(jnp.inf, start.dtype), 0)
        return lax.while_loop(unsettled, narrow, carry)[0]

    low, high = lax.stop_gradient(low), lax.stop_gradient(high)
    return lax.custom_root(
        function,
        (low + high) / 2,
        solve,
        lambda linear, y: y / linear(jnp.ones_like(y)),
    )
