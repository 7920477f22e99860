"""Gaussian states of quadratic Hamiltonians H = Σ p²/2m + (q - q₀)ᵀ K (q - q₀)/2."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...constants import constant
from .gaussian import GaussianState, check_gaussian
from .motion import check_system, mass_weighted
from .spectral import matrix_function


def symplectic_matrix(
    hessian: ArrayLike, masses: ArrayLike, ts: ArrayLike
) -> Float[Array, "*times 2n 2n"]:
    """S(t) of z(t) = S(t) z(0), z = (q - q₀, p), for M q'' = -K (q - q₀).

    In mass-weighted coordinates S = [[cos Ωt, Ω⁻¹ sin Ωt], [-Ω sin Ωt, cos Ωt]],
    entire functions of Ω² = M^(-1/2) K M^(-1/2): zero modes move freely, unstable ones
    grow as cosh. First derivatives are exact, also at degenerate frequencies.

    Args:
        hessian: K, (n, n) symmetric.
        masses: (n,), positive.
        ts: times, scalar or (T,).

    Returns:
        (2n, 2n) or (T, 2n, 2n).

    Raises:
        ValueError: a Hessian that is not symmetric, or masses that are not positive.
    """
    hessian, masses = check_system(hessian, masses)
    return _symplectic(hessian, masses, constant(ts, "ts"))


@jax.jit
def _symplectic(hessian: Array, masses: Array, ts: Array) -> Array:
    parts = matrix_function(_swing, mass_weighted(hessian, masses), ts)
    root = jnp.sqrt(masses)
    lead = (None,) * ts.ndim
    up = (root[:, None] / root[None, :])[lead]
    outer = (root[:, None] * root[None, :])[lead]
    cos, sine, slope = (parts[..., i, :, :] for i in range(3))
    upper = jnp.concatenate([cos / up, sine / outer], axis=-1)
    lower = jnp.concatenate([slope * outer, cos * up], axis=-1)
    return jnp.concatenate([upper, lower], axis=-2)


def harmonic_evolution(
    state: GaussianState,
    hessian: ArrayLike,
    masses: ArrayLike,
    ts: ArrayLike,
    *,
    equilibrium: ArrayLike | None = None,
) -> GaussianState:
    """The exact Gaussian at times ts: Σ(t) = S(t) Σ₀ S(t)ᵀ, z(t) = S(t) z(0).

    Args:
        state: at t = 0.
        hessian: K, (n, n) symmetric.
        masses: (n,), positive.
        ts: (T,) times, in any order.
        equilibrium: q₀, (n,); None for 0.

    Returns:
        `GaussianState` with a leading time axis.

    Raises:
        ValueError: see `symplectic_matrix`; a state of another size.
    """
    check_gaussian(state)
    _checks.check_shape(ts, "ts", (None,))
    n = state.position.shape[0]
    _checks.check_shape(hessian, "hessian", (n, n))
    S = symplectic_matrix(hessian, masses, ts)
    rest = jnp.zeros(n) if equilibrium is None else constant(equilibrium, "equilibrium")
    return _carried(state, S, rest)


@jax.jit
def _carried(state: GaussianState, S: Array, rest: Array) -> GaussianState:
    n = rest.shape[0]
    z = jnp.concatenate([state.position - rest, state.momentum])
    moved = jnp.einsum("tij,j->ti", S, z)
    covariance = jnp.einsum("tij,jk,tlk->til", S, state.covariance, S)
    return GaussianState(moved[:, :n] + rest[None, :], moved[:, n:], covariance)


def _swing(squares: Array, ts: Array) -> Array:
    """cos ωt, sin ωt / ω and -ω sin ωt as functions of ω² of any sign; (..., 3, n)."""
    lead = (None,) * ts.ndim
    t = ts[..., None]
    square = squares[lead] * t**2
    size = jnp.abs(square)
    small = size < 1e-3
    z = jnp.sqrt(jnp.where(small, 1, size))
    up = square < 0
    # cosh of a stable mode must not overflow where it is not used
    y = jnp.where(up, z, 0)
    cos = jnp.where(up, jnp.cosh(y), jnp.cos(z))
    sinc = jnp.where(up, jnp.sinh(y), jnp.sin(z)) / z
    # the next terms are below 1e-3⁴/8! = 2e-17
    cos_series = 1 - square / 2 * (1 - square / 12 * (1 - square / 30))
    sinc_series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42))
    cos = jnp.where(small, cos_series, cos)
    sine = t * jnp.where(small, sinc_series, sinc)
    return jnp.stack([cos, sine, -squares[lead] * sine], axis=-2)
