"""Phonons: eigenstates and thermal states of a solid along its normal modes.

An eigenstate leaves every core where it is and broadens it. Zero modes are no
oscillators: they are left out, and the body's own place and orientation with them.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...laws.constants import constant
from .modes import Modes


def phonon_states(
    y: ArrayLike, levels: int, *, omega: ArrayLike, hbar: ArrayLike = 1.0
) -> Float[Array, "... levels"]:
    """Wave functions of the lowest states of one mode.

    ψ_n(y) = (2ⁿ n! √π a)^(-1/2) H_n(y/a) exp(-y²/2a²), a = √(ħ/ω), of unit norm; in
    print the prefactor is missing.

    The recursion carries its exponent apart: nothing overflows for thousands of levels.

    Args:
        y: mode coordinate (mass-weighted), any shape.
        levels: how many states, from the ground state up (static).
        omega: ω, scalar or of a shape that broadcasts with `y`.
        hbar: ħ, scalar.

    Returns:
        Real amplitudes, shape (..., levels).

    Raises:
        ValueError: levels below 1, or a constant that is not positive.

    Source: Chafin (2019), sec. 1, normalised.
    """
    if isinstance(levels, bool) or not isinstance(levels, int) or levels < 1:
        raise ValueError(
            f"Argument `levels` must be a positive integer, but is {levels!r}."
        )
    _checks.check_positive(omega, "omega")
    _checks.check_scalar(hbar, "hbar")
    _checks.check_positive(hbar, "hbar")
    _checks.check_real(y, "y")
    _checks.check_finite(y, "y")
    a = jnp.sqrt(constant(hbar, "hbar") / constant(omega, "omega"))
    y, a = jnp.broadcast_arrays(constant(y, "y"), a)
    return _hermite_functions(y / a, levels) / jnp.sqrt(a)[..., None]


@functools.partial(jax.jit, static_argnums=1)
def _hermite_functions(xi: Array, levels: int) -> Array:
    """h_n(ξ), n < levels: h_{n+1} = √(2/(n+1)) ξ h_n - √(n/(n+1)) h_{n-1}."""

    def climb(carry, n):
        now, before, log = carry
        then = jnp.sqrt(2 / (n + 1)) * xi * now - jnp.sqrt(n / (n + 1)) * before
        size = lax.stop_gradient(jnp.maximum(jnp.abs(then), jnp.abs(now)))
        size = jnp.where(size > 0, size, 1)
        new = (then / size, now / size, log + jnp.log(size))
        return new, now * jnp.exp(log)

    one = jnp.full_like(xi, np.pi**-0.25)
    start = (one, jnp.zeros_like(xi), -(xi**2) / 2)
    _, states = lax.scan(climb, start, jnp.arange(levels, dtype=xi.dtype))
    return jnp.moveaxis(states, 0, -1)


def wave_function(
    modes: Modes,
    u: Float[ArrayLike, "... N d"],
    occupations: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    levels: int | None = None,
) -> Float[Array, "..."]:
    """The many-body wave function Φ = ∏_k ψ_{n_k}(X_k) at displacements u.

    Of unit norm over the mode coordinates: ∫|Φ|² ∏ dX_k = 1.

    Args:
        modes: normal modes.
        u: displacements from rest, shape (..., N, d).
        occupations: phonons n_k of each mode, integers (n,); those of zero modes do not
            count.
        hbar: ħ, scalar.
        levels: more than the largest n_k; needed where `occupations` is traced.

    Returns:
        Φ, real, shape (...).

    Raises:
        ValueError: occupations of a wrong shape or negative, or `levels` missing.

    Source: Chafin (2019), sec. 1.
    """
    occupations = _occupations(modes, occupations)
    if levels is None:
        if not _checks.is_concrete(occupations):
            raise ValueError(
                "Argument `levels` must be given where `occupations` is traced, but is "
                "None."
            )
        levels = int(np.max(np.asarray(occupations))) + 1
    return _product(
        modes, constant(u, "u"), occupations, constant(hbar, "hbar"), levels
    )


@jax.jit(static_argnames="levels")
def _product(
    modes: Modes, u: Array, occupations: Array, hbar: Array, levels: int
) -> Array:
    X = modes.coordinates(u)
    a = jnp.sqrt(hbar / jnp.where(modes.vibrating, modes.omega, 1))
    a = jnp.broadcast_to(a, X.shape)
    states = _hermite_functions(X / a, levels) / jnp.sqrt(a)[..., None]
    chosen = jnp.broadcast_to(occupations.astype(int), states.shape[:-1])
    factors = jnp.take_along_axis(states, chosen[..., None], axis=-1)[..., 0]
    vibrating = jnp.broadcast_to(modes.vibrating, factors.shape)
    return jnp.prod(jnp.where(vibrating, factors, 1), axis=-1)


def energy(
    modes: Modes, occupations: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Float[Array, ""]:
    """Σ_k ħω_k (n_k + 1/2); occupations may be thermal means."""
    occupations = _occupations(modes, occupations)
    return constant(hbar, "hbar") * (modes.omega @ (occupations + 0.5))


def thermal_occupations(
    modes: Modes, temperature: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Float[Array, " n"]:
    """Mean phonon numbers 1/(exp(ħω_k/T) - 1); 0 for zero modes and at T = 0.

    Args:
        modes: normal modes.
        temperature: T, unit of energy, not negative.
        hbar: ħ.

    Returns:
        n_k, shape (n,).

    Raises:
        ValueError: temperature or hbar is no scalar, or has an impossible value.
    """
    temperature, hbar = constant(temperature, "temperature"), constant(hbar, "hbar")
    _checks.check_shape(temperature, "temperature", ())
    _checks.check_positive(hbar, "hbar")
    if _checks.is_concrete(temperature) and not float(temperature) >= 0:
        raise ValueError(
            f"Argument `temperature` must not be negative, but is {temperature}."
        )
    return _bose_einstein(modes, temperature, hbar)


@jax.jit
def _bose_einstein(modes: Modes, temperature: Array, hbar: Array) -> Array:
    warm = modes.vibrating & (temperature > 0)
    ratio = jnp.where(warm, hbar * modes.omega, 1) / jnp.where(
        temperature > 0, temperature, 1
    )
    # e^{-x}/(1 - e^{-x}): no overflow far above T
    return jnp.where(warm, jnp.exp(-ratio) / -jnp.expm1(-ratio), 0)


def mode_variances(
    modes: Modes, occupations: ArrayLike = 0, *, hbar: ArrayLike = 1.0
) -> Float[Array, " n"]:
    """<X_k²> = (ħ/2ω_k)(2n_k + 1), 0 for zero modes, shape (n,)."""
    return _mode_variances(
        modes, _occupations(modes, occupations), constant(hbar, "hbar")
    )


@jax.jit
def _mode_variances(modes: Modes, occupations: Array, hbar: Array) -> Array:
    omega = jnp.where(modes.vibrating, modes.omega, 1)
    variance = hbar / (2 * omega) * (2 * occupations + 1)
    return jnp.where(modes.vibrating, variance, 0)


def coordinate_covariance(
    modes: Modes, occupations: ArrayLike = 0, *, hbar: ArrayLike = 1.0
) -> Float[Array, "n n"]:
    """Covariance <u_i u_j> of all displacements in an eigenstate or a thermal state.

    Σ_k e_ik e_jk (ħ / 2ω_k √(m_i m_j)) (2n_k + 1)

    Args:
        modes: normal modes.
        occupations: phonons n_k or their thermal means, (n,) or a number for all.
        hbar: ħ.

    Returns:
        Shape (n, n), rows (atom, axis), unit of length².

    Raises:
        ValueError: occupations of a wrong shape or negative.
    """
    return _covariance(modes, mode_variances(modes, occupations, hbar=hbar))


@jax.jit
def _covariance(modes: Modes, variances: Array) -> Array:
    shape = modes.vectors / modes.roots[:, None]
    return (shape * variances[None, :]) @ shape.T


def atom_variances(
    modes: Modes, occupations: ArrayLike = 0, *, hbar: ArrayLike = 1.0
) -> Float[Array, "N d"]:
    """Variance of each atom along each axis: the diagonal of the covariance, (N, d).

    Σ_k e_jk² (ħ/2m_jω_k) (2n_k + 1): phonons broaden cores, which stay where they are.
    """
    covariance = coordinate_covariance(modes, occupations, hbar=hbar)
    return jnp.reshape(jnp.diagonal(covariance), (modes.masses.shape[0], -1))


def wigner_samples(
    key: Array,
    modes: Modes,
    samples: int,
    *,
    hbar: ArrayLike = 1.0,
    temperature: ArrayLike = 0.0,
    rigid_omega: ArrayLike | None = None,
) -> tuple[Float[Array, "S N d"], Float[Array, "S N d"]]:
    """Displacements and velocities drawn from the Wigner function of a thermal state.

    Normal, <X_k²> = (ħ/2ω_k)(2n_k + 1), <Ẋ_k²> = (ħω_k/2)(2n_k + 1). Zero modes have no
    ground state: place and orientation get the packet of least uncertainty that an
    oscillator of frequency `rigid_omega` would have.

    Args:
        key: random key.
        modes: normal modes.
        samples: number S of points of phase space (static).
        hbar: ħ.
        temperature: T, unit of energy; 0 for zero-point motion alone.
        rigid_omega: frequency that sets the packet of zero modes; None for the lowest
            of the vibrating modes.

    Returns:
        u and v, shape (S, N, d) each.

    Raises:
        ValueError: samples below 1, or a constant of impossible value.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ValueError(
            f"Argument `samples` must be a positive integer, but is {samples!r}."
        )
    hbar = constant(hbar, "hbar")
    quanta = 2 * thermal_occupations(modes, temperature, hbar=hbar) + 1
    if rigid_omega is None:
        rigid_omega = jnp.min(jnp.where(modes.vibrating, modes.omega, jnp.inf))
    else:
        _checks.check_positive(rigid_omega, "rigid_omega")
    return _draw(
        key, modes, quanta, hbar, constant(rigid_omega, "rigid_omega"), samples
    )


@jax.jit(static_argnames="samples")
def _draw(
    key: Array, modes: Modes, quanta: Array, hbar: Array, rigid: Array, samples: int
) -> tuple[Array, Array]:
    omega = jnp.where(modes.vibrating, modes.omega, rigid)
    drawn = jax.random.normal(key, (2, samples, omega.shape[0]), omega.dtype)
    X = drawn[0] * jnp.sqrt(hbar / (2 * omega) * quanta)[None, :]
    P = drawn[1] * jnp.sqrt(hbar * omega / 2 * quanta)[None, :]
    return modes.displacements(X), modes.displacements(P)


def _occupations(modes: Modes, occupations: ArrayLike) -> Array:
    if np.ndim(occupations):
        _checks.check_shape(occupations, "occupations", modes.omega.shape)
    _checks.check_finite(occupations, "occupations")
    if _checks.is_concrete(occupations) and np.any(np.asarray(occupations) < 0):
        raise ValueError(
            "Argument `occupations` must not be negative, but its least is "
            f"{np.min(np.asarray(occupations))}."
        )
    return jnp.broadcast_to(jnp.asarray(occupations), modes.omega.shape)
