"""Photon counts and measured occupations of thermal light: samples, moments, limits.

Only ħω/T enters, so temperatures are determined only in units of the frequency.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from ... import _checks
from ..._gate import gated
from .planck import bose_einstein, exponent

# Largest n_max x at which the mean is a series: both have lost 1e-15 there.
_FLAT = 0.3
# Counts beyond so many T/ω are not drawn: 1e-28 of all.
_REACH = 64


@gated
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
        shape: shape of the sample.
        n_max: largest possible number, broadcast to `shape`; None for no cut-off.

    Returns:
        Counts, integers of that shape.

    Raises:
        ValueError: ω or T is not positive; they, or `n_max`, do not broadcast to the
            shape; `n_max` is below 0; T/ω is too large for whole numbers.
    """
    for name, value in {"omega": omega, "T": T, "n_max": n_max}.items():
        wide = () if value is None else np.shape(value)
        if _wider(wide, shape):
            raise ValueError(
                f"Argument `{name}` must broadcast to the shape {shape}, but its shape "
                f"is {wide}."
            )
    if n_max is not None:
        _checks.check_not_negative(n_max, "n_max")
    most = None if n_max is None else _checks.as_leaf(n_max)
    x = exponent(omega, T)
    if n_max is None and _checks.is_concrete(x):
        # numbers reach some tens of T/ω
        largest = jnp.iinfo(jax.dtypes.canonicalize_dtype(int)).max / _REACH
        hottest = float(np.max(1 / _checks.concrete(x), initial=0))
        if hottest > largest:
            raise ValueError(
                f"Argument `T` must be at most {largest:.3g} omega, so that counts "
                f"are whole numbers of JAX, but it is {hottest:.3g} omega."
            )
    return _counts(key, x, most, shape)


def _wider(shape: tuple[int, ...], most: tuple[int, ...]) -> bool:
    """Whether arrays of the one shape do not broadcast to the other."""
    try:
        return np.broadcast_shapes(shape, most) != most
    except ValueError:
        return True


@partial(jax.jit, static_argnames="shape")
def _counts(
    key: Array, x: Array, n_max: ArrayLike | None, shape: tuple[int, ...]
) -> Array:
    x = jnp.broadcast_to(x, shape)
    if n_max is None:
        # -ln u is exponential, and the floor of an exponential number geometric.
        u = jax.random.exponential(key, shape, x.dtype)
        return jnp.floor(u / x).astype(int)
    most = jnp.broadcast_to(jnp.asarray(n_max), shape)
    # the inverse of the distribution function (1 - q^(n + 1)) / (1 - q^(n_max + 1))
    reach = -jnp.expm1(-x * (most + 1))
    u = jax.random.uniform(key, shape, x.dtype)
    return jnp.minimum(jnp.floor(-jnp.log1p(-u * reach) / x), most).astype(int)


@gated
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

    Without a cut-off var(n) = n̄(n̄ + 1), so N_s counts determine T to a relative error
    of 1/√(N_s n̄(n̄ + 1)) T/ω at best.

    Args:
        omega: ω, positive.
        T: temperature, positive; with a cut-off any but 0.
        n_max: largest possible number, or None.

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
