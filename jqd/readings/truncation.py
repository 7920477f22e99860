"""How long the equation truncated at second derivatives can be followed.

Where H has more than two powers of α or of α*, the Fokker-Planck equation of its symbol
is not quantum mechanics and has no well-defined evolution: its spectral abscissa in N
levels grows as N². Runs are meaningful only over times for which different N agree.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from ..laws.husimi import Fock, HusimiFokkerPlanck
from ..laws.husimi.banded import Generator
from ..status import Status

# Order of the Taylor series, and the largest last terms where runs are compared to a
# hundredth.
_TAYLOR = 18
_ENOUGH = 1e-10


class Horizon(NamedTuple):
    """The time until which runs with different numbers of levels agree.

    It lies between `time` and `until`, for these levels, points and tolerance; other
    levels give another horizon.

    Attributes:
        time: the last time with agreement; -inf where there is none.
        until: the first time without agreement; infinite where there is none.
        status: code of `jqd.Status`: HORIZON where the runs disagree, else OK.
        spread: largest difference of two densities over the largest density, (T,); NaN
            after `until`, where nothing was computed.
        densities: those with the most levels, (T, ...); NaN after `time`.
    """

    time: float
    until: float
    status: int
    spread: Float[np.ndarray, " T"]
    densities: Float[np.ndarray, "T ..."]

    def describe(self) -> str:
        """The status in words, and the two times between which the horizon lies."""
        if self.status == Status.OK:
            return f"The runs agree to the last time, t = {self.time:.4g}."
        if self.time < 0:
            return "The runs agree at none of the times."
        return f"The runs part between t = {self.time:.4g} and {self.until:.4g}."


def horizon(
    law: HusimiFokkerPlanck,
    psi: Any,
    ts: ArrayLike,
    levels: tuple[int, ...] = (10, 12, 14),
    tolerance: float = 0.01,
) -> Horizon:
    """The time until which the truncated law can be followed from a state.

    Args:
        law: a law with points; `orders` are those of its form if it is `Fock`, else 2.
        psi: ket, density operator or ensemble, with no more levels than the fewest.
        ts: times, (T,), increasing, from 0; their spacing is the resolution of the
            horizon.
        levels: numbers of levels of each mode to compare: few, but enough for the
            state, because growth rates increase as the square of their number.
        tolerance: largest spread that counts as agreement.

    Returns:
        The horizon, without values beyond it.

    Raises:
        ValueError: fewer than two numbers of levels, or a law without points.
    """
    _checks.check_times(ts, "ts")
    _checks.check_positive(tolerance, "tolerance")
    if len(set(levels)) < 2:
        raise ValueError(
            "Argument `levels` must hold at least two different numbers, but is "
            f"{levels}."
        )
    if law.points is None:
        raise ValueError("Argument `law` must have `points`, but has none.")
    orders = law.form.orders if isinstance(law.form, Fock) else 2
    times = np.asarray(ts, float)
    runs = [_densities(law, psi, times, Fock(n, orders)) for n in sorted(set(levels))]
    batch = law.points.shape[: law.points.ndim - (law.modes > 1)]
    spread, densities = (np.full((times.size, *shape), np.nan) for shape in ((), batch))
    for k, values in enumerate(zip(*runs, strict=True)):
        *fewer, most = values
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.max([np.max(np.abs(few - most)) for few in fewer])
            spread[k] = apart / np.max(np.abs(most))
        if not spread[k] <= tolerance:
            time, until = (float(times[k - 1]) if k else -math.inf), float(times[k])
            return Horizon(time, until, Status.HORIZON, spread, densities)
        densities[k] = most
    return Horizon(float(times[-1]), math.inf, Status.OK, spread, densities)


def _densities(
    law: HusimiFokkerPlanck, psi: Any, ts: np.ndarray, form: Fock
) -> Iterator[Float[np.ndarray, "..."]]:
    """At the law's points, at one time after the other."""
    law = eqx.tree_at(lambda law: law.form, law, form)
    generator = form.generator(law.equation)
    density = jax.jit(lambda law, rho: law.density(rho))
    for rho in taylor_orbit(generator, law.prepare(psi), ts, _ENOUGH):
        yield np.asarray(density(law, rho))


def taylor_orbit(
    generator: Generator,
    rho: Complex[Array, "D D"],
    ts: ArrayLike,
    tolerance: float = 2.0**-52,
) -> Iterator[Complex[Array, "D D"]]:
    """exp(Gt) ρ at successive times, by Taylor series over the times where they hold.

    The last two terms of a series determine how far it holds. It is evaluated at all
    times within, so close times cost nothing.

    Args:
        generator: G.
        rho: ρ at t = 0.
        ts: times, (T,), increasing, from 0 on.
        tolerance: largest last term of a series, relative to |ρ|, in Frobenius norms.
    """
    times = np.asarray(ts, float)
    # in units of the last time: powers of rates in SI are beyond floats
    unit = float(times.max(initial=0.0)) or 1.0
    series, reach = _series(generator, rho, unit)
    start, end = 0.0, _held(reach, tolerance)
    for t in times / unit:
        while t > end:
            rho = _read(series, end - start)
            series, reach = _series(generator, rho, unit)
            start, end = end, end + _held(reach, tolerance)
        yield _read(series, t - start)


@jax.jit
def _series(
    generator: Generator, rho: Complex[Array, "D D"], unit: ArrayLike
) -> tuple[Complex[Array, "K D D"], Float[Array, "2"]]:
    """(unit G)ᵏρ/k!, and the norms of the last two of them over |ρ|."""
    unit = jnp.asarray(unit, rho.real.dtype)

    def term(power, k):
        power = generator(power) * (unit / k)
        return power, power

    orders = jnp.arange(1, _TAYLOR + 1, dtype=rho.real.dtype)
    terms = jnp.concatenate([rho[None], jax.lax.scan(term, rho, orders)[1]])
    last = jnp.linalg.norm(terms[-2:], axis=(1, 2)) / jnp.linalg.norm(rho)
    return terms, last


def _held(last: Float[Array, "2"], tolerance: float) -> float:
    """The time over which both last terms stay below the tolerance."""
    with np.errstate(divide="ignore"):
        each = (tolerance / np.asarray(last)) ** (1 / (_TAYLOR - np.array([1, 0])))
    # values that have overflowed are followed no further
    return float(np.min(each)) if np.all(np.isfinite(last)) else math.inf


@jax.jit
def _read(series: Complex[Array, "K D D"], t: ArrayLike) -> Complex[Array, "D D"]:
    """Σ_k series_k tᵏ"""
    powers = jnp.asarray(t, series.real.dtype) ** jnp.arange(series.shape[0])
    return jnp.tensordot(powers.astype(series.dtype), series, 1)
