"""How evenly energy is shared among the modes of a solid.

The velocity distribution alone misleads: in a harmonic chain the modes only dephase,
which makes it almost normal, while each mode keeps its energy for ever. This module
measures both.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from ... import _checks
from ..._gate import gated
from ..._math import divisor, safe_log
from ...constants import constant
from .body import Solid
from .rigid import rigid_motions_of


class Normality(NamedTuple):
    """Distance of samples from a normal distribution; neither number alone suffices.

    Attributes:
        ks: Kolmogorov-Smirnov distance to the normal distribution of the samples' mean
            and variance.
        kurtosis: excess kurtosis, 0 for a normal distribution.
    """

    ks: Float[Array, "..."]
    kurtosis: Float[Array, "..."]


@gated
def window_average(
    series: Float[ArrayLike, "T ..."], windows: int
) -> Float[Array, "windows ..."]:
    """Means over consecutive windows of equal length; what is left over at the end of
    the series is dropped.

    Args:
        series: values over equal time steps, shape (T, ...).
        windows: number of windows, 1 to T (static).

    Returns:
        Shape (windows, ...).

    Raises:
        ValueError: windows out of range.
    """
    series = jnp.atleast_1d(constant(series, "series"))
    if not _checks.is_whole(windows) or not 1 <= windows <= series.shape[0]:
        raise ValueError(
            "Argument `windows` must be an integer from 1 to the number of times, "
            f"{series.shape[0]}, but is {_checks.shown(windows)}."
        )
    length = series.shape[0] // windows
    cut = series[: windows * length]
    return jnp.mean(jnp.reshape(cut, (windows, length, *series.shape[1:])), axis=1)


@gated
def effective_modes(
    energies: Float[ArrayLike, "... n"], vibrating: Bool[ArrayLike, " n"]
) -> Float[Array, "..."]:
    """Effective fraction of modes that share the energy.

    n_eff/n = exp(-Σ p_k ln p_k) / n, where p_k is the share of mode k: 1/n with all
    energy in one mode, 1 with equal shares. Average the energies over time windows
    first: instantaneous ones fluctuate and give 0.66 = exp(γ - 1) in equilibrium.

    Args:
        energies: mode energies, not negative, shape (..., n).
        vibrating: which modes count (`Modes.vibrating`), shape (n,).

    Returns:
        n_eff/n, shape (...); 0 where there is no energy.

    Raises:
        ValueError: shapes do not fit.
    """
    energies, vibrating = constant(energies, "energies"), jnp.asarray(vibrating)
    if not energies.ndim:
        raise ValueError("Argument `energies` must be one per mode, but is one number.")
    _checks.check_shape(vibrating, "vibrating", (energies.shape[-1],))
    return _effective(energies, jnp.broadcast_to(vibrating, energies.shape))


@jax.jit
def _effective(energies: Array, vibrating: Array) -> Array:
    kept = jnp.where(vibrating, energies, 0)
    total = jnp.sum(kept, axis=-1, keepdims=True)
    share = kept / divisor(total)
    log = safe_log(share)
    number = jnp.exp(-jnp.sum(share * log, axis=-1)) / jnp.sum(vibrating, axis=-1)
    return jnp.where(total[..., 0] > 0, number, 0)


@gated
def normality(samples: Float[ArrayLike, "... S"]) -> Normality:
    """Distance of samples to a normal distribution of their own mean and variance.

    Args:
        samples: shape (..., S), S > 1, such as the velocities of all atoms.

    Returns:
        Distance and excess kurtosis, shape (...).

    Raises:
        ValueError: fewer than two samples.
    """
    samples = constant(samples, "samples")
    if samples.ndim < 1 or samples.shape[-1] < 2:
        raise ValueError(
            "Argument `samples` must hold at least two samples, but its shape is "
            f"{samples.shape}."
        )
    return _normality(samples)


@jax.jit
def _normality(samples: Array) -> Normality:
    away = samples - jnp.mean(samples, axis=-1, keepdims=True)
    variance = jnp.mean(away**2, axis=-1, keepdims=True)
    z = away / jnp.sqrt(divisor(variance))
    kurtosis = jnp.mean(z**4, axis=-1) - 3
    below = jax.scipy.stats.norm.cdf(jnp.sort(z, axis=-1))
    size = samples.shape[-1]
    rank = jnp.arange(size, dtype=samples.dtype)
    rank = jnp.reshape(rank, (1,) * (samples.ndim - 1) + (size,))
    ks = jnp.maximum(below - rank / size, (rank + 1) / size - below)
    return Normality(jnp.max(ks, axis=-1), kurtosis)


@gated
def kinetic_temperature(
    body: Solid, x: Float[ArrayLike, "N d"], v: Float[ArrayLike, "N d"]
) -> Float[Array, ""]:
    """T = 2 KE/(N d - g) after the removal of the g rigid motions of the body.

    For an open solid of any shape, also far from equilibrium, g = 3 in the plane and 6
    in space (1 on a line); g = d in a box and 0 with anchors. If drift or spin were
    left in, a rotating body would count as hot.

    Args:
        body: the solid.
        x: positions, shape (N, d).
        v: velocities, shape (N, d).

    Returns:
        T, unit of energy.

    Raises:
        ValueError: shapes that do not fit the body.
    """
    x, v = constant(x, "x"), constant(v, "v")
    _checks.check_shape(x, "x", (body.masses.shape[0], None))
    _checks.check_shape(v, "v", x.shape)
    return _temperature(body, x, v)


@jax.jit
def _temperature(body: Solid, x: Array, v: Array) -> Array:
    rigid = rigid_motions_of(body, x)
    inner = rigid.remove(v, body.masses)
    return 2 * body.kinetic_energy(inner) / (x.size - rigid.count)
