"""Temperature from light: photon counts and measured occupations, with their limits.

Predictions, likelihoods, Fisher information and samples, as a fit needs them. Only
ħω/T enters, so that a temperature is known in units of the frequency alone.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from ... import _checks
from .planck import bose_einstein

# Largest n_max x at which the mean is a series: both have lost 1e-15 there.
_FLAT = 0.3


def sample_counts(
    key: PRNGKeyArray,
    omega: ArrayLike,
    T: ArrayLike,
    shape: tuple[int, ...],
    n_max: ArrayLike | None = None,
) -> Int[Array, "..."]:
    """Photon numbers of thermal modes, P(n) ∝ q^n with q = e^{-ω/T}, ħ = 1.

    Args:
        key: a jax.random key.
        omega: ω, positive, broadcast to `shape`.
        T: temperature, positive, broadcast to `shape`.
        shape: of the sample.
        n_max: largest number there is, broadcast to `shape`; None for no cut-off.

    Returns:
        Counts, integers of that shape.

    Raises:
        ValueError: ω or T is not positive.
    """
    x = jnp.broadcast_to(_ratio(omega, T), shape)
    if n_max is None:
        # -ln u is exponential, and the floor of an exponential number geometric.
        u = jax.random.exponential(key, shape, x.dtype)
        return jnp.floor(u / x).astype(int)
    most = jnp.broadcast_to(jnp.asarray(n_max), shape)
    # the inverse of the distribution function (1 - q^(n + 1)) / (1 - q^(n_max + 1))
    reach = -jnp.expm1(-x * (most + 1))
    u = jax.random.uniform(key, shape, x.dtype)
    return jnp.minimum(jnp.floor(-jnp.log1p(-u * reach) / x), most).astype(int)


def count_log_likelihood(
    counts: ArrayLike, omega: ArrayLike, T: ArrayLike
) -> Float[Array, ""]:
    """Log-likelihood of photon counts, Σ [ln(1 - e^{-ω/T}) - n ω/T], ħ = 1.

    Args:
        counts: n, not negative, any shape.
        omega: ω, positive, broadcast against the counts.
        T: temperature, positive.

    Returns:
        ln P, ().

    Raises:
        ValueError: ω or T is not positive.
    """
    x = _ratio(omega, T)
    n, x = jnp.broadcast_arrays(jnp.asarray(counts, x.dtype), x)
    return jnp.sum(jnp.log(-jnp.expm1(-x)) - n * x)


def truncated_moments(
    x: Float[Array, "..."], n_max: ArrayLike
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Mean and variance of P(n) ∝ e^{-nx}, n = 0..n_max: thermal light with a cut-off.

    n̄ = 1/(e^x - 1) - M/(e^{Mx} - 1), M = n_max + 1, and var = -dn̄/dx

    Args:
        x: ħω/T, any real number; negative where T is.
        n_max: largest number, at least 1, broadcast against x.

    Returns:
        Mean and variance of the broadcast shape.
    """
    x = _checks.widen(x)
    x, M = jnp.broadcast_arrays(x, jnp.asarray(n_max, x.dtype) + 1)
    mean, slope = jax.jvp(lambda x: _truncated_mean(x, M), (x,), (jnp.ones_like(x),))
    return mean, -slope


def _truncated_mean(x: Array, M: Array) -> Array:
    flat = jnp.abs(M * x) < _FLAT

    def tilt(y: Array) -> Array:
        """1/(e^y - 1) - 1/y + 1/2, an odd function, near 0."""
        z = y**2
        terms = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)
        return y * sum(c * z**k for k, c in enumerate(terms))

    def occupation(y: Array) -> Array:
        return jnp.exp(-y) / -jnp.expm1(-y)

    small = jnp.where(flat, x, 0)
    series = (M - 1) / 2 + tilt(small) - M * tilt(M * small)
    # n -> n_max - n turns x into -x
    size = jnp.where(flat, 1, jnp.abs(x))
    falling = occupation(size) - M * occupation(M * size)
    steep = jnp.where(x > 0, falling, M - 1 - falling)
    return jnp.where(flat, series, steep)


def count_information(
    omega: ArrayLike, T: ArrayLike, n_max: ArrayLike | None = None
) -> Float[Array, "..."]:
    """Fisher information on T in one photon count, (ω/T²)² var(n), ħ = 1.

    Without a cut-off var(n) = n̄(n̄ + 1), so N_s counts give T to a relative
    1/√(N_s n̄(n̄ + 1)) T/ω at best.

    Args:
        omega: ω, positive.
        T: temperature, positive; with a cut-off any but 0.
        n_max: largest number there is, or None.

    Returns:
        Information in 1/T², of the broadcast shape.

    Raises:
        ValueError: ω or T is not positive.
    """
    if n_max is None:
        n = bose_einstein(omega, T)
        omega, T = jnp.broadcast_arrays(_checks.widen(omega), _checks.widen(T))
        return (omega / T**2) ** 2 * n * (n + 1)
    _checks.check_positive(omega, "omega")
    omega, T = jnp.broadcast_arrays(_checks.widen(omega), _checks.widen(T))
    return (omega / T**2) ** 2 * truncated_moments(omega / T, n_max)[1]


def count_temperature(counts: ArrayLike, omega: ArrayLike) -> Float[Array, ""]:
    """Maximum-likelihood temperature of counts at one frequency, ω/ln(1 + 1/n̄), ħ = 1.

    Args:
        counts: n, any shape.
        omega: ω, positive, ().

    Returns:
        T, (); 0 where no photon was seen at all.

    Raises:
        ValueError: ω is not positive.
    """
    _checks.check_positive(omega, "omega")
    omega = _checks.widen(omega)
    mean = jnp.mean(jnp.asarray(counts, omega.dtype))
    seen = mean > 0
    return jnp.where(seen, omega / jnp.log1p(1 / jnp.where(seen, mean, 1)), 0)


def sample_occupations(
    key: PRNGKeyArray, omega: ArrayLike, T: ArrayLike, noise: ArrayLike
) -> Float[Array, "..."]:
    """Measured occupations n(ω)(1 + noise ξ), ξ standard normal, ħ = 1.

    Args:
        key: a jax.random key.
        omega: ω, positive.
        T: temperature, positive.
        noise: relative error of a measurement, positive.

    Returns:
        Occupations of the broadcast shape of ω and T.

    Raises:
        ValueError: an argument is not positive.
    """
    _checks.check_positive(noise, "noise")
    n = bose_einstein(omega, T)
    return n * (1 + _checks.widen(noise) * jax.random.normal(key, n.shape, n.dtype))


def occupation_residuals(
    measured: ArrayLike, omega: ArrayLike, T: ArrayLike, noise: ArrayLike
) -> Float[Array, "..."]:
    """Residuals (measured - n)/(noise n), of unit variance at the true T.

    Args:
        measured: occupations.
        omega: ω, positive.
        T: temperature, positive.
        noise: relative error of a measurement, positive.

    Returns:
        Residuals of the broadcast shape.

    Raises:
        ValueError: ω, T or the noise is not positive.
    """
    _checks.check_positive(noise, "noise")
    n = bose_einstein(omega, T)
    measured, n, noise = jnp.broadcast_arrays(*map(_checks.widen, (measured, n, noise)))
    return (measured - n) / (noise * n)


def occupation_log_likelihood(
    measured: ArrayLike, omega: ArrayLike, T: ArrayLike, noise: ArrayLike
) -> Float[Array, ""]:
    """Log-likelihood of measured occupations, -Σ [r²/2 + ln(noise n √2π)].

    Args:
        measured: occupations.
        omega: ω, positive.
        T: temperature, positive.
        noise: relative error of a measurement, positive.

    Returns:
        ln P, (); r are the `occupation_residuals`.

    Raises:
        ValueError: as `occupation_residuals`.
    """
    r = occupation_residuals(measured, omega, T, noise)
    scale = jnp.broadcast_to(_checks.widen(noise), r.shape) * jnp.broadcast_to(
        bose_einstein(omega, T), r.shape
    )
    return -jnp.sum(r**2 / 2 + jnp.log(scale * jnp.sqrt(2 * jnp.pi)))


def occupation_information(
    omega: ArrayLike, T: ArrayLike, noise: ArrayLike
) -> Float[Array, "..."]:
    """Fisher information on T in one measured occupation, (∂ ln n/∂T)² (1/noise² + 2).

    ∂ ln n/∂T = (ω/T²)(n + 1), ħ = 1. The 2 comes from the width of the distribution,
    which T moves as well; least squares alone has the first part.

    Args:
        omega: ω, positive.
        T: temperature, positive.
        noise: relative error of a measurement, positive.

    Returns:
        Information in 1/T², of the broadcast shape.

    Raises:
        ValueError: an argument is not positive.
    """
    _checks.check_positive(noise, "noise")
    n = bose_einstein(omega, T)
    omega, T, n, noise = jnp.broadcast_arrays(*map(_checks.widen, (omega, T, n, noise)))
    return (omega / T**2 * (n + 1)) ** 2 * (1 / noise**2 + 2)


def _ratio(omega: ArrayLike, T: ArrayLike) -> Array:
    _checks.check_positive(omega, "omega")
    _checks.check_positive(T, "T")
    omega, T = jnp.broadcast_arrays(_checks.widen(omega), _checks.widen(T))
    return omega / T
