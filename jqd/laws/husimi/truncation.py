"""How far the equation cut at second derivatives can be followed, and how far it errs.

Where H has more than two powers of α or of α*, the Fokker-Planck equation of its symbol
is no quantum mechanics, and has no well-defined evolution: its spectral abscissa in N
levels grows like N². What can be told is its deviation at first order in the offending
term, and runs over times for which different N agree.
"""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...spaces.symbols import Symbol, diagonal
from ...states import as_ensemble
from .banded import Generator, exponential_action
from .fock import Fock
from .law import HusimiFokkerPlanck

if TYPE_CHECKING:
    from ...states import Ensemble


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


def truncation_deviation(
    free: Symbol,
    perturbation: Symbol,
    psi: Any,
    ts: ArrayLike,
    points: ArrayLike,
    *,
    levels: int | tuple[int, ...] = 40,
    hbar: ArrayLike = 1.0,
    orders: int = 2,
) -> Float[Array, "T ..."]:
    """First-order deviation of the truncated law from quantum mechanics.

    H = H₀ + λV: (Q_truncated - Q_exact)/λ -> -∫₀ᵗ ds e^{G₀(t-s)} Σ_{k>orders} G_k[V]
    e^{G₀s} Q₀ as λ -> 0. With H₀ diagonal in the number basis every entry of ρ turns at
    its own frequency, and the integral is a closed form.

    Args:
        free: H₀, anti-Wick, a function of the occupations with at most two powers of α.
        perturbation: V, anti-Wick, any polynomial.
        psi: ket, density operator or ensemble at ħ.
        ts: times, (T,).
        points: α, shape (...,) for one mode, (..., N) for N.
        levels: levels kept of each mode.
        hbar: ħ, scalar.
        orders: derivatives that the truncated law keeps.

    Returns:
        Per d²α and per λ, shape (T, ...).

    Raises:
        ValueError: H₀ moves quanta or is not exactly solved by the truncated law.
    """
    if not free.is_fokker_planck():
        raise ValueError(
            "Argument `free` must have at most two powers of α and two of α* in each "
            f"term, but is {free}."
        )
    form = Fock(levels)
    law = HusimiFokkerPlanck(perturbation, hbar=hbar, form=form)
    ensemble = as_ensemble(psi, law.modes, "psi")
    rest = tuple(range(orders + 1, perturbation.holomorphic_degree + 1))
    generator = form.generator(law.equation, rest)
    energies = diagonal(free, generator.levels, hbar=hbar) / law.hbar
    frequencies = energies[:, None] - energies[None, :]
    points = jnp.asarray(points)
    return _deviation(law, generator, frequencies, ensemble, jnp.asarray(ts), points)


@jax.jit
def _deviation(
    law: HusimiFokkerPlanck,
    generator: Generator,
    frequencies: Array,
    ensemble: "Ensemble",
    ts: Array,
    points: Array,
) -> Array:
    rho = law.prepare(ensemble)

    def at(t):
        # ∫₀ᵗ e^{-iω(t-s)} e^{-iω's} ds = t e^{-i(ω+ω')t/2} sinc((ω-ω')t/2): the phases
        # factor, the sinc does not
        early = rho * jnp.exp(-0.5j * frequencies * t)

        def turned(offset):
            moved = _moved(frequencies, offset, generator.levels)
            gap = (jnp.reshape(frequencies, moved.shape) - moved) * t / 2
            return t * jnp.sinc(gap / np.pi)

        weights = [
            weight * turned(offset)
            for weight, offset in zip(generator.weights, generator.offsets, strict=True)
        ]
        changed = Generator(weights, generator.offsets, generator.levels)(early)
        return law.density(-changed * jnp.exp(-0.5j * frequencies * t), points)

    return jax.lax.map(at, ts)


def _moved(values: Array, offset: tuple[int, ...], levels: tuple[int, ...]) -> Array:
    """values_(i+r)(j+c); where that lies outside, any finite number."""
    shaped = jnp.reshape(values, levels * 2)
    for axis, move in enumerate(offset):
        shaped = jnp.roll(shaped, -move, axis)
    return shaped
