"""Returns of coherent states: mean time between those of many modes, and of one."""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from jqd import _checks
from jqd.readings.time_scales import modes_of

# Bisections of a distance along a ray, from at most π: to 1e-15.
_BISECTIONS = 52
# g: F > 1/2 is G < g.
_LEVEL = math.log(2) / 2


class Recurrence(NamedTuple):
    """A mean time between returns.

    Attributes:
        time: the mean, scalar; infinite where no return was seen.
        error: its standard error, scalar: of the Monte Carlo sum, or of the count
            of returns as if they came independently (an upper bound where they are
            regular).
    """

    time: Array
    error: Array


def observed_recurrence(
    frequencies: ArrayLike, amplitudes: ArrayLike, duration: float
) -> Recurrence:
    """Mean time between returns F(t) > 1/2, counted over a long time.

    F(t) = exp(-2 Σ_k |α_k|² (1 - cos ω_k t)), one return for each crossing upwards

    Args:
        frequencies: ω_k, (n,), positive.
        amplitudes: α_k, (n,).
        duration: time followed (static).

    Returns:
        `Recurrence`.

    Raises:
        ValueError: a duration below one step.
    """
    omega, occupations = modes_of(frequencies, amplitudes)
    # a 25th of the time that the fastest mode takes to dephase: at most 1 % of the
    # returns slip through
    speed = np.sqrt(np.sum(np.asarray(occupations * omega**2)))
    dt = math.sqrt(2 * _LEVEL) / float(speed) / 25
    if not duration > dt > 0:
        raise ValueError(
            f"Argument `duration` must be longer than dt = {dt}, but is {duration}."
        )
    crossings, time = _count(omega, occupations, dt, math.ceil(duration / dt))
    seen = crossings > 0
    mean = jnp.where(seen, time / jnp.where(seen, crossings, 1), jnp.inf)
    return Recurrence(mean, mean / jnp.sqrt(jnp.where(seen, crossings, 1)))


def torus_recurrence(
    frequencies: ArrayLike,
    amplitudes: ArrayLike,
    key: PRNGKeyArray,
    *,
    samples: int = 65_536,
) -> Recurrence:
    """Mean time between returns from the flux through a surface on the torus.

    1/T = (2π)^(-n) ∮_{G = g} (ω·dS)₊ with G(θ) = Σ_k |α_k|² (1 - cos θ_k) and
    g = ln(2)/2. The phases of incommensurate modes fill the torus evenly.
    The region G < g is star-shaped about 0: with r(u) its radius along u,
    ∮ (ω·dS)₊ = ½ ∫ r^(n-1) |ω·∇G| / (u·∇G) dΩ, a mean over directions.

    Where frequencies are commensurate (ω₅ = ω₁ + ω₃ in the chain of five) the orbit
    fills less than the torus, and returns come sooner.

    Args:
        frequencies: ω_k, (n,), positive.
        amplitudes: α_k, (n,), with 2|α_k|² > g: modes of smaller amplitude never
            take F below 1/2 alone.
        key: random key.
        samples: directions (static).

    Returns:
        `Recurrence`.

    Raises:
        ValueError: an amplitude too small.
    """
    omega, occupations = modes_of(frequencies, amplitudes)
    if _checks.is_concrete(occupations):
        least = float(np.min(np.asarray(occupations)))
        if not 2 * least > _LEVEL:
            raise ValueError(
                "Argument `amplitudes` must have |α_k|² above "
                f"{_LEVEL / 2:.4g} for every mode, but the least is {least:.4g}."
            )
    return _flux(omega, occupations, key, samples)


@partial(jax.jit, static_argnums=(2, 3))
def _count(omega: Array, occupations: Array, dt: float, steps: int):
    """Crossings into G < g over about `steps` steps, and the time they span."""
    block = min(steps, 1 << 14)
    blocks = -(-steps // block)
    offsets = dt * jnp.arange(block + 1)
    # cos(ω(t + s)) from the block's own start: no angle loses digits
    inner = omega[:, None] * offsets[None, :]
    cos, sin = jnp.cos(inner), jnp.sin(inner)

    def body(total: Array, i: Array):
        start = omega * (dt * block * i.astype(omega.dtype))
        ahead = (occupations * jnp.cos(start)) @ cos
        lost = jnp.sum(occupations) - ahead + (occupations * jnp.sin(start)) @ sin
        inside = lost < _LEVEL
        return total + jnp.sum(inside[1:] & ~inside[:-1]), None

    total, _ = jax.lax.scan(body, jnp.zeros((), int), jnp.arange(blocks))
    return total, blocks * block * dt


@partial(jax.jit, static_argnums=3)
def _flux(
    omega: Array, occupations: Array, key: PRNGKeyArray, samples: int
) -> Recurrence:
    n = omega.shape[0]
    noise = jax.random.normal(key, (samples, n), omega.dtype)
    u = noise / jnp.linalg.norm(noise, axis=1, keepdims=True)

    def height(r: Array) -> Array:
        return (1 - jnp.cos(r[:, None] * u)) @ occupations

    def bisect(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        inside = height(middle) < _LEVEL
        return jnp.where(inside, middle, low), jnp.where(inside, high, middle)

    def rise(r: Array) -> tuple[Array, Array]:
        slope = occupations[None, :] * jnp.sin(r[:, None] * u)
        return slope, jnp.sum(u * slope, axis=1)

    # G rises along a ray until its largest angle is π, where G ≥ 2 min |α|² > g
    ends = (jnp.zeros(samples), jnp.pi / jnp.max(jnp.abs(u), axis=1))
    low, high = jax.lax.fori_loop(0, _BISECTIONS, bisect, ends)
    # a step of Newton's method carries the derivative that bisection has not
    r = jax.lax.stop_gradient((low + high) / 2)
    r = r - (height(r) - _LEVEL) / rise(r)[1]
    slope, along = rise(r)
    terms = r ** (n - 1) * jnp.abs(slope @ omega) / along / 2
    # surface of the unit sphere over the volume of the torus
    factor = 2 * jnp.exp(n / 2 * jnp.log(jnp.pi) - gammaln(n / 2))
    factor = factor / (2 * jnp.pi) ** n
    rate = factor * jnp.mean(terms)
    return Recurrence(1 / rate, jnp.std(terms) / jnp.mean(terms) / rate / samples**0.5)


def kerr_amplitude(
    ts: ArrayLike, amplitude: ArrayLike, chi: ArrayLike
) -> Float[Array, "..."]:
    """|⟨a⟩| of a coherent state under H = ħωn + ħχ n(n - 1).

    |⟨a⟩| = |α| exp(-|α|² (1 - cos 2χt))

    Args:
        ts: times, broadcast with the rest.
        amplitude: α.
        chi: χ, the anharmonic shift, 1/time.

    Returns:
        Broadcast shape.
    """
    size = jnp.abs(jnp.asarray(amplitude))
    return size * jnp.exp(-2 * size**2 * jnp.sin(jnp.asarray(chi) * ts) ** 2)
