"""Temperature from light: photon counts and measured occupations, with their limits.

Predictions, likelihoods, Fisher information and samples, as a fit needs them. Only
ħω/T enters, so that a temperature is known in units of the frequency alone.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from ... import _checks
from .planck import bose_einstein


def sample_counts(
    key: PRNGKeyArray, omega: ArrayLike, T: ArrayLike, shape: tuple[int, ...]
) -> Int[Array, "..."]:
    """Photon numbers of thermal modes, P(n) = (1 - q) q^n with q = e^{-ω/T}, ħ = 1.

    Args:
        key: a jax.random key.
        omega: ω, positive, broadcast to `shape`.
        T: temperature, positive, broadcast to `shape`.
        shape: of the sample.

    Returns:
        Counts, integers of that shape.

    Raises:
        ValueError: ω or T is not positive.
    """
    x = jnp.broadcast_to(_ratio(omega, T), shape)
    # -ln u is exponential, and the floor of an exponential number geometric.
    u = jax.random.exponential(key, shape, x.dtype)
    return jnp.floor(u / x).astype(int)


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


def count_information(omega: ArrayLike, T: ArrayLike) -> Float[Array, "..."]:
    """Fisher information on T in one photon count, (ω/T²)² n (n + 1), ħ = 1.

    So N_s counts give T to a relative 1/√(N_s n (n + 1)) T/ω at best.

    Args:
        omega: ω, positive.
        T: temperature, positive.

    Returns:
        Information in 1/T², of the broadcast shape.

    Raises:
        ValueError: ω or T is not positive.
    """
    n = bose_einstein(omega, T)
    omega, T = jnp.broadcast_arrays(_checks.widen(omega), _checks.widen(T))
    return (omega / T**2) ** 2 * n * (n + 1)


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
