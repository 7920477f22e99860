"""Coherent states of phonons: they move the cores and keep their width."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ...exact import squeezed_state
from ...laws.constants import constant
from .modes import Modes


def coherent_path(
    modes: Modes, alpha: ArrayLike, t: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Float[Array, "... N d"]:
    """Mean displacements of a coherent state: <X_k> = √(2ħ/ω_k) Re α_k exp(-iω_k t).

    Widths stay those of the ground state. Zero modes stay at rest.

    Args:
        modes: normal modes.
        alpha: amplitudes α_k, complex, shape (n,).
        t: times, any shape.
        hbar: ħ.

    Returns:
        Mean u, shape (..., N, d).

    Raises:
        ValueError: alpha has a wrong shape.
    """
    alpha, t = jnp.asarray(alpha), constant(t, "t")
    _checks.check_shape(alpha, "alpha", modes.omega.shape)
    return _path(modes, alpha, t, constant(hbar, "hbar"))


@jax.jit
def _path(modes: Modes, alpha: Array, t: Array, hbar: Array) -> Array:
    omega = jnp.where(modes.vibrating, modes.omega, 1)
    reach = jnp.where(modes.vibrating, jnp.sqrt(2 * hbar / omega), 0)
    turn = jnp.exp(-1j * jnp.einsum("...,k->...k", t, omega))
    return modes.displacements(
        jnp.real(jnp.einsum("...k,k->...k", turn, reach * alpha))
    )


def coherent_energy_spread(
    modes: Modes, alpha: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Float[Array, ""]:
    """ΔE = ħ √(Σ_k ω_k² |α_k|²) of a coherent state, the same at all times."""
    alpha = jnp.asarray(alpha)
    _checks.check_shape(alpha, "alpha", modes.omega.shape)
    square = jnp.real(alpha) ** 2 + jnp.imag(alpha) ** 2
    total = jnp.sum(modes.omega**2 * square)
    positive = total > 0
    return constant(hbar, "hbar") * jnp.where(
        positive, jnp.sqrt(jnp.where(positive, total, 1)), 0
    )


def coherent_state(
    y: ArrayLike,
    t: ArrayLike,
    *,
    alpha: ArrayLike,
    omega: ArrayLike,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "..."]:
    """Wave function of a coherent state of one mode.

    Centre √(2ħ/ω) Re α e^(-iωt), variance ħ/2ω at all times; ΔE = ħω|α|

    Args:
        y: mode coordinate, broadcast against `t`.
        t: times.
        alpha: amplitude at t = 0, complex.
        omega: ω.
        hbar: ħ.

    Returns:
        Complex amplitudes of unit norm.

    Raises:
        ValueError: a constant is not positive, or 64-bit floats are off.
    """
    alpha, omega, hbar = (
        jnp.asarray(alpha),
        constant(omega, "omega"),
        constant(hbar, "hbar"),
    )
    return squeezed_state(
        y, t, width=jnp.sqrt(hbar / (2 * omega)), omega=omega, hbar=hbar,
        center=jnp.sqrt(2 * hbar / omega) * jnp.real(alpha),
        momentum=jnp.sqrt(2 * hbar * omega) * jnp.imag(alpha),
    )  # fmt: skip
