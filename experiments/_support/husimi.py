"""Paths of the amplifier, and what a law cut at second derivatives leaves out."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.laws.husimi.banded import Generator
from jqd.spaces.symbols import Symbol, diagonal
from jqd.states import Ensemble, as_ensemble


def ornstein_uhlenbeck_kernel(
    to: ArrayLike, start: ArrayLike, dt: ArrayLike, variance: ArrayLike
) -> Float[Array, "..."]:
    """P(x, t+Δt | x₀, t) of dx = -x dt + √(2V) dW.

    A normal density of mean x₀ exp(-Δt) and variance V (1 - exp(-2Δt))

    Args:
        to: x; broadcasts with `start`.
        start: x₀.
        dt: Δt > 0, in units of the relaxation time.
        variance: V > 0 of the equilibrium.

    Returns:
        The density of x.
    """
    spread = variance * -jnp.expm1(-2 * jnp.asarray(dt))
    away = jnp.asarray(to) - jnp.exp(-jnp.asarray(dt)) * jnp.asarray(start)
    return jnp.exp(-(away**2) / (2 * spread)) / jnp.sqrt(2 * np.pi * spread)


@functools.partial(jax.jit, static_argnames=("steps", "count"))
def amplifier_paths(
    key: Array, beta: ArrayLike, end: ArrayLike, *, steps: int, count: int
) -> tuple[Float[Array, "steps+1 count"], Float[Array, "steps+1 count"]]:
    """Sample the amplifier of an even cat |β> + |-β> as Drummond and Reid do.

    dY = -Y dt + dW/√2 from t = 0;  dX = -X dτ + dW/√2, τ = T - t, from T

    In units ħ = g = 1. X starts from its marginal at T; Y from Q(Y|X) at t = 0. The
    marginals of X and of Y are those of the Husimi function at all times; the joint
    density is so where the two are independent at t = 0.

    Args:
        key: of the random numbers.
        beta: β, real, scalar.
        end: T > 0.
        steps: number of steps of equal size; each is exact.
        count: number of paths.

    Returns:
        X and Y at `steps` + 1 times from 0 to T.

    Source: P. D. Drummond and M. D. Reid, Phys. Rev. Research 2, 033266 (2020).
    """
    beta, end = jnp.asarray(beta, float), jnp.asarray(end, float)
    at_end, x_noise, at_start, y_noise = jax.random.split(key, 4)
    x = _relax(x_noise, _final_x(at_end, beta, end, count), end / steps, steps)[::-1]
    y = _relax(y_noise, _initial_y(at_start, beta, x[0]), end / steps, steps)
    return x, y


def _relax(key: Array, start: Array, dt: Array, steps: int) -> Array:
    """x at all times, (steps + 1, count), from an Ornstein-Uhlenbeck process."""
    damp, width = jnp.exp(-dt), jnp.sqrt(-jnp.expm1(-2 * dt)) / 2

    def step(x, key):
        x = damp * x + width * jax.random.normal(key, x.shape, x.dtype)
        return x, x

    _, rest = lax.scan(step, start, jax.random.split(key, steps))
    return jnp.concatenate([start[None], rest])


def _final_x(key: Array, beta: Array, end: Array, count: int) -> Array:
    """From ∫Q dY at T: hills at ±β exp(T) and, of weight exp(-2β²) each, two at 0."""
    choice, noise = jax.random.split(key)
    hills = beta * jnp.exp(end) * jnp.array([1, -1, 0], beta.dtype)
    share = jnp.stack([jnp.ones_like(beta)] * 2 + [2 * jnp.exp(-2 * beta**2)])
    hill = jax.random.choice(choice, hills, (count,), p=share / jnp.sum(share))
    width = jnp.sqrt((1 + jnp.exp(2 * end)) / 4)
    return hill + width * jax.random.normal(noise, (count,), beta.dtype)


def _initial_y(key: Array, beta: Array, x: Array) -> Array:
    """From Q(Y|X) ∝ exp(-Y²) (cosh 2βX + cos 2βY), by rejection."""
    between = 1 / jnp.cosh(2 * beta * x)

    def draw(carry):
        key, y, kept = carry
        key, normal, uniform = jax.random.split(key, 3)
        tried = jnp.sqrt(0.5) * jax.random.normal(normal, x.shape, x.dtype)
        accept = (1 + between * jnp.cos(2 * beta * tried)) / (1 + between)
        good = jax.random.uniform(uniform, x.shape, x.dtype) < accept
        return key, jnp.where(kept, y, tried), kept | good

    start = (key, jnp.zeros_like(x), jnp.zeros(x.shape, bool))
    return lax.while_loop(lambda carry: ~jnp.all(carry[2]), draw, start)[1]


def truncation_deviation(
    free: Symbol,
    perturbation: Symbol,
    psi: ArrayLike | Ensemble,
    ts: ArrayLike,
    points: ArrayLike,
    *,
    levels: int | tuple[int, ...] = 40,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "T ..."]:
    """First-order deviation of the truncated law from quantum mechanics.

    H = H₀ + λV: (Q_truncated - Q_exact)/λ -> -∫₀ᵗ ds e^{G₀(t-s)} Σ_{k>2} G_k[V]
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
    rest = tuple(range(3, perturbation.holomorphic_degree + 1))
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
    ensemble: Ensemble,
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
