"""Phonons: eigenstates and thermal states of a solid along its normal modes.

An eigenstate leaves every core in its place and broadens it. Zero modes are not
oscillators, so they are left out, and with them the body's position and orientation.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated
from ..._math import divisor
from ...constants import constant
from .modes import Modes


def energy(
    modes: Modes, occupations: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Float[Array, ""]:
    """Σ_k ħω_k (n_k + 1/2); occupations may be thermal means."""
    occupations = checked_occupations(modes, occupations)
    return constant(hbar, "hbar") * (modes.omega @ (occupations + 0.5))


@gated
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
        ValueError: temperature or hbar is not a scalar, or has an impossible value.
    """
    temperature, hbar = constant(temperature, "temperature"), constant(hbar, "hbar")
    _checks.check_shape(temperature, "temperature", ())
    _checks.check_real(temperature, "temperature")
    _checks.check_positive(hbar, "hbar", ())
    if _checks.is_concrete(temperature) and not float(temperature) >= 0:
        raise ValueError(
            f"Argument `temperature` must not be negative, but is {temperature}."
        )
    return _bose_einstein(modes, temperature, hbar)


@jax.jit
def _bose_einstein(modes: Modes, temperature: Array, hbar: Array) -> Array:
    warm = modes.vibrating & (temperature > 0)
    ratio = divisor(hbar * modes.omega, warm) / divisor(temperature)
    # e^{-x}/(1 - e^{-x}): no overflow far above T
    return jnp.where(warm, jnp.exp(-ratio) / -jnp.expm1(-ratio), 0)


@gated
def mode_variances(
    modes: Modes, occupations: ArrayLike = 0, *, hbar: ArrayLike = 1.0
) -> Float[Array, " n"]:
    """<X_k²> = (ħ/2ω_k)(2n_k + 1), 0 for zero modes, shape (n,).

    Args:
        modes: normal modes.
        occupations: n_k, scalar or (n,).
        hbar: ħ.

    Raises:
        ValueError: hbar is not a scalar, or so small that ħ/ω_k is no normal number of
            the precision, as that of SI in float32.
    """
    _checks.check_scalar(hbar, "hbar")
    hbar = constant(hbar, "hbar")
    variances = hbar * _over_hbar(modes, checked_occupations(modes, occupations))
    if _checks.is_concrete((variances, hbar)):
        least = np.finfo(variances.dtype).tiny
        lost = np.asarray(modes.vibrating) & (np.abs(variances) < least)
        if lost.any() and np.asarray(hbar) != 0:
            raise ValueError(
                f"Argument `hbar` must give variances from {least:.2g} on, the least "
                f"of {variances.dtype}, but {float(hbar):.3g} does not; use units in "
                "which it is larger, or float64."
            )
    return variances


@jax.jit
def _over_hbar(modes: Modes, occupations: Array) -> Array:
    """(2n_k + 1)/2ω_k, 0 for zero modes: ħ times it may be below all floats."""
    omega = divisor(modes.omega, modes.vibrating)
    return jnp.where(modes.vibrating, (2 * occupations + 1) / (2 * omega), 0)


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
    _checks.check_scalar(hbar, "hbar")
    occupations = checked_occupations(modes, occupations)
    return _covariance(modes, occupations, constant(hbar, "hbar"))


@jax.jit
def _covariance(modes: Modes, occupations: Array, hbar: Array) -> Array:
    shape = modes.vectors / modes.roots[:, None]
    return hbar * ((shape * _over_hbar(modes, occupations)[None, :]) @ shape.T)


@gated
def atom_variances(
    modes: Modes, occupations: ArrayLike = 0, *, hbar: ArrayLike = 1.0
) -> Float[Array, "N d"]:
    """Variance of each atom along each axis: the diagonal of the covariance, (N, d).

    Σ_k e_jk² (ħ/2m_jω_k) (2n_k + 1): phonons broaden cores, which stay where they are.

    Args:
        modes: normal modes.
        occupations: n_k, scalar or (n,).
        hbar: ħ.
    """
    covariance = coordinate_covariance(modes, occupations, hbar=hbar)
    return jnp.reshape(jnp.diagonal(covariance), (modes.masses.shape[0], -1))


@gated
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
    ground state: position and orientation get the minimum-uncertainty packet of an
    oscillator of frequency `rigid_omega`.

    Args:
        key: random key.
        modes: normal modes.
        samples: number S of phase-space points (static).
        hbar: ħ.
        temperature: T, unit of energy; 0 for zero-point motion alone.
        rigid_omega: frequency that sets the packet of zero modes; None for the lowest
            of the vibrating modes.

    Returns:
        u and v, shape (S, N, d) each.

    Raises:
        ValueError: samples below 1, or a constant of impossible value.
    """
    if not _checks.is_whole(samples) or samples < 1:
        raise ValueError(
            f"Argument `samples` must be a positive integer, but is "
            f"{_checks.shown(samples)}."
        )
    _checks.check_scalar(hbar, "hbar")
    hbar = constant(hbar, "hbar")
    quanta = 2 * thermal_occupations(modes, temperature, hbar=hbar) + 1
    if rigid_omega is None:
        rigid_omega = jnp.min(jnp.where(modes.vibrating, modes.omega, jnp.inf))
    else:
        _checks.check_positive(rigid_omega, "rigid_omega")
    return _draw(
        _checks.single_key(key), modes, quanta, hbar,
        constant(rigid_omega, "rigid_omega"), samples,
    )  # fmt: skip


@jax.jit(static_argnames="samples")
def _draw(
    key: Array, modes: Modes, quanta: Array, hbar: Array, rigid: Array, samples: int
) -> tuple[Array, Array]:
    omega = jnp.where(modes.vibrating, modes.omega, rigid)
    drawn = jax.random.normal(key, (2, samples, omega.shape[0]), omega.dtype)
    # ħ/ω may be below all floats, its root is not
    X = drawn[0] * (jnp.sqrt(hbar) * jnp.sqrt(quanta / (2 * omega)))[None, :]
    P = drawn[1] * jnp.sqrt(hbar * omega / 2 * quanta)[None, :]
    return modes.displacements(X), modes.displacements(P)


def checked_occupations(modes: Modes, occupations: ArrayLike) -> Array:
    if np.ndim(occupations):
        _checks.check_shape(occupations, "occupations", modes.omega.shape)
    _checks.check_finite(occupations, "occupations")
    if _checks.is_concrete(occupations) and np.any(np.asarray(occupations) < 0):
        raise ValueError(
            "Argument `occupations` must not be negative, but its least is "
            f"{np.min(np.asarray(occupations))}."
        )
    return jnp.broadcast_to(jnp.asarray(occupations), modes.omega.shape)
