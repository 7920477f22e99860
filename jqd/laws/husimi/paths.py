"""Paths of the amplifier: X drawn backward in time, Y forward."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from .gaussian_sum import GaussianSum


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

    Raises:
        ValueError: Δt or V not positive.
    """
    _checks.check_positive(dt, "dt")
    _checks.check_positive(variance, "variance")
    spread = variance * -jnp.expm1(-2 * jnp.asarray(dt))
    away = jnp.asarray(to) - jnp.exp(-jnp.asarray(dt)) * jnp.asarray(start)
    return jnp.exp(-(away**2) / (2 * spread)) / jnp.sqrt(2 * np.pi * spread)


def path_weight(state: GaussianSum, end: ArrayLike) -> GaussianSum:
    """The only weight over (X at T, Y at 0) of paths that make up a Husimi function.

    Q₀(x, y) = ∫ k_T(x|x') w(x', y) dx', k_T the positive kernel of X from T to 0. A
    Gaussian convolution has one inverse, so that Q is an average of such paths over
    [0, T] if and only if w is nowhere negative.

    Args:
        state: Q at t = 0, of one mode, in units ħ = g = 1.
        end: T > 0.

    Returns:
        w as a sum of Gaussians of x' + iy; its `density` is NaN where none exists.

    Raises:
        ValueError: T not positive, or another number of modes.
    """
    _checks.check_positive(end, "end")
    if state.modes != 1:
        raise ValueError(f"Argument `state` must have one mode, but has {state.modes}.")
    noise = jnp.diag(jnp.stack([_noise(end), 0.0]))
    stretch = jnp.stack([jnp.exp(jnp.asarray(end, float)), 1.0])
    cov = (state.covariance - noise) * stretch[:, None] * stretch[None, :]
    means = state.means * stretch.astype(state.means.dtype)[None, :]
    return GaussianSum(state.weights, means, cov)


def one_quantum_weight(
    x: ArrayLike, y: ArrayLike, end: ArrayLike
) -> Float[Array, "..."]:
    """`path_weight` of the number state 1, whose Q vanishes at the origin.

    w = e^(-T) N_v(u) N_½(y) (½ + y² + (u²/v - 1)/4v), u = e^(-T) x, v = (1+e^(-2T))/4,
    with N_v the normal density of variance v; in units ħ = g = 1. At the origin the
    bracket is -½ tanh T.

    Args:
        x: X at T.
        y: Y at 0; broadcasts with `x`.
        end: T > 0.

    Returns:
        w.

    Raises:
        ValueError: T not positive.
    """
    _checks.check_positive(end, "end")
    damp = jnp.exp(-jnp.asarray(end, float))
    u, y, v = damp * jnp.asarray(x), jnp.asarray(y), 0.5 - _noise(end)
    hill = jnp.exp(-(u**2) / (2 * v) - y**2) / (np.pi * jnp.sqrt(2 * v))
    return damp * hill * (0.5 + y**2 + (u**2 / v - 1) / (4 * v))


def _noise(end: ArrayLike) -> Array:
    """Variance that X gains on its way back from T to 0."""
    return -jnp.expm1(-2 * jnp.asarray(end, float)) / 4


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
