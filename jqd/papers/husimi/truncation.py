"""How far the equation cut at second derivatives can be followed.

Where H has more than two powers of α or of α*, the Fokker-Planck equation of its symbol
is no quantum mechanics, and has no well-defined evolution: its spectral abscissa in N
levels grows like N². What can be told are runs over times for which different N agree.
"""

import functools
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ...laws.husimi import Fock, HusimiFokkerPlanck
from ...laws.husimi.banded import Generator

# Terms of the Taylor series of exp(Gh) with |Gh| <= 1: 1/19! = 8e-18.
_TAYLOR = 18


class Horizon(NamedTuple):
    """Until when runs with different numbers of levels agree.

    Attributes:
        time: the last of the times with agreement.
        spread: largest difference of two densities over the largest density, (T,).
        densities: with the most levels, (T, ...); NaN past `time`.
    """

    time: float
    spread: Float[np.ndarray, " T"]
    densities: Float[np.ndarray, "T ..."]


def horizon(
    law: HusimiFokkerPlanck,
    psi: Any,
    ts: ArrayLike,
    levels: tuple[int, ...] = (10, 12, 14),
    tolerance: float = 0.01,
) -> Horizon:
    """Until when the truncated law can be followed from a state.

    Args:
        law: with points; `orders` are those of its form if it is `Fock`, else 2.
        psi: ket, density operator or ensemble, with no more levels than the fewest.
        ts: times, (T,), increasing, from 0.
        levels: numbers of levels of each mode to compare: few, but enough for the
            state, because what grows does so like the square of their number.
        tolerance: largest spread that counts as agreement.

    Returns:
        The horizon, with no values past it.

    Raises:
        ValueError: fewer than two numbers of levels, or a law without points.
    """
    _checks.check_times(ts, "ts")
    if len(set(levels)) < 2:
        raise ValueError(
            "Argument `levels` must hold at least two different numbers, but is "
            f"{levels}."
        )
    if law.points is None:
        raise ValueError("Argument `law` must have `points`, but has none.")
    orders = law.form.orders if isinstance(law.form, Fock) else 2
    times = np.asarray(ts)
    runs = np.stack([_run(law, psi, times, Fock(n, orders)) for n in sorted(levels)])
    axes = tuple(range(2, runs.ndim))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.max(np.abs(runs - runs[-1:]), axis=(0, *axes))
        spread = apart / np.max(np.abs(runs[-1]), axis=tuple(a - 1 for a in axes))
    late = ~(spread <= tolerance)
    last = int(np.argmax(late)) - 1 if np.any(late) else len(times) - 1
    densities = runs[-1].copy()
    densities[last + 1 :] = np.nan
    time = float(times[last]) if last >= 0 else -math.inf
    return Horizon(time, spread, densities)


def _run(
    law: HusimiFokkerPlanck, psi: Any, ts: np.ndarray, form: Fock
) -> Float[np.ndarray, "T ..."]:
    """Densities at the law's points."""
    law = eqx.tree_at(lambda law: law.form, law, form)
    start = law.prepare(psi)
    generator = form.generator(law.equation)
    longest = float(np.max(np.diff(ts), initial=0.0))
    steps = max(1, math.ceil(float(generator.bound()) * longest))

    @jax.jit
    def run(law, generator, start, ts):
        def interval(rho, dt):
            rho = exponential_action(generator, rho, dt, steps)
            return rho, law.density(rho)

        first = exponential_action(generator, start, ts[0], steps)
        _, rest = jax.lax.scan(interval, first, jnp.diff(ts))
        return jnp.concatenate([law.density(first)[None], rest])

    return np.asarray(run(law, generator, start, jnp.asarray(ts)))


@functools.partial(jax.jit, static_argnames="steps")
def exponential_action(
    generator: Generator, rho: Complex[Array, "D D"], dt: ArrayLike, steps: int
) -> Complex[Array, "D D"]:
    """exp(G dt) ρ by `steps` Taylor series, exact to rounding where |G| dt <= steps.

    Args:
        generator: G.
        rho: ρ.
        dt: time, scalar.
        steps: number of equal steps (static).
    """
    h = jnp.asarray(dt) / steps

    def term(carry, n):
        power, total = carry
        power = generator(power) * (h / n)
        return (power, total + power), None

    def step(rho, _):
        orders = jnp.arange(1, _TAYLOR + 1, dtype=h.dtype)
        (_, total), _ = jax.lax.scan(term, (rho, rho), orders)
        return total, None

    return jax.lax.scan(step, rho, length=steps)[0]
