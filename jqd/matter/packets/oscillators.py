"""Gaussian states along the normal modes of a quadratic Hamiltonian.

H = Σ p²/2m + (q - q₀)ᵀ K (q - q₀)/2, with the mass-weighted Ω² = M^(-1/2) K M^(-1/2)
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ...constants import constant
from .gaussian import GaussianState
from .motion import ZERO_MODE, check_system, mass_weighted
from .spectral import matrix_function


def ground_state(
    hessian: ArrayLike,
    masses: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    equilibrium: ArrayLike | None = None,
    rigid_frequency: ArrayLike | None = None,
) -> GaussianState:
    """The ground state: Σ_qq = (ħ/2) M^(-1/2) Ω⁻¹ M^(-1/2), Σ_pp = (ħ/2) √M Ω √M.

    Free motions (ω² < 1e-7 ω²_max) have no ground state; they get the packet of an
    oscillator of `rigid_frequency`.

    Args:
        hessian: K, (n, n) symmetric.
        masses: (n,), positive.
        hbar: ħ, scalar.
        equilibrium: q₀, (n,); None for 0.
        rigid_frequency: frequency that sets the packet of the zero modes, positive
            scalar; None for the lowest frequency of the others.

    Returns:
        `GaussianState` at rest at q₀.

    Raises:
        ValueError: an unstable Hessian (ω² < 0), or zero modes alone without a
            `rigid_frequency`.
    """
    hessian, masses = check_system(hessian, masses)
    _checks.check_positive(hbar, "hbar", ())
    if rigid_frequency is not None:
        _checks.check_positive(rigid_frequency, "rigid_frequency", ())
    _check_stable(hessian, masses, rigid_frequency)
    rest = (
        jnp.zeros_like(masses)
        if equilibrium is None
        else constant(equilibrium, "equilibrium")
    )
    _checks.check_shape(rest, "equilibrium", masses.shape)
    if rigid_frequency is not None:
        rigid_frequency = constant(rigid_frequency, "rigid_frequency")
    covariance = _ground_covariance(hessian, masses, rigid_frequency, jnp.asarray(hbar))
    return GaussianState(rest, jnp.zeros_like(masses), covariance)


@jax.jit
def _ground_covariance(
    hessian: Array, masses: Array, rigid_frequency: Array | None, hbar: Array
) -> Array:
    weighted = mass_weighted(hessian, masses)
    squares = jnp.linalg.eigvalsh(weighted)
    zero = ZERO_MODE * jnp.max(jnp.abs(squares))
    if rigid_frequency is None:
        lowest = jnp.min(jnp.where(squares > zero, squares, jnp.inf))
    else:
        lowest = rigid_frequency**2
    roots = matrix_function(_roots, weighted, (zero, lowest))
    root = jnp.sqrt(masses)
    scale = root[:, None] * root[None, :]
    empty = jnp.zeros_like(scale)
    return hbar / 2 * jnp.block([[roots[0] / scale, empty], [empty, roots[1] * scale]])


def squeezed_state(
    hessian: ArrayLike,
    masses: ArrayLike,
    amplitudes: ArrayLike,
    squeezing: ArrayLike = 0.0,
    *,
    hbar: ArrayLike = 1.0,
    equilibrium: ArrayLike | None = None,
) -> GaussianState:
    """A state displaced and squeezed along the normal modes, none of them free.

    ⟨X_k⟩ = √(2ħ/ω_k) Re α_k, ⟨P_k⟩ = √(2ħω_k) Im α_k; var X_k = (ħ/2ω_k) e^(-2r_k),
    var P_k = (ħω_k/2) e^(2r_k)

    Args:
        hessian: K, (n, n) symmetric, all ω² > 0. Modes of equal frequency have no
            direction of their own, and no derivative with respect to K.
        masses: (n,), positive.
        amplitudes: α_k, (n,) complex, in order of ascending frequency.
        squeezing: r_k, scalar or (n,) real.
        hbar: ħ, scalar.
        equilibrium: q₀, (n,); None for 0.

    Returns:
        `GaussianState`.

    Raises:
        ValueError: a Hessian with ω² ≤ 0 or amplitudes of another shape.
    """
    hessian, masses = check_system(hessian, masses)
    _checks.check_positive(hbar, "hbar", ())
    _checks.check_finite(amplitudes, "amplitudes", masses.shape)
    _checks.check_reals(squeezing, "squeezing")
    if np.ndim(squeezing):
        _checks.check_shape(squeezing, "squeezing", masses.shape)
    if _checks.is_concrete((hessian, masses)):
        squares = np.linalg.eigvalsh(np.asarray(mass_weighted(hessian, masses)))
        if not squares[0] > ZERO_MODE * squares[-1]:
            raise ValueError(
                "Argument `hessian` must have positive squared frequencies only, but "
                f"the lowest is {squares[0]:.3g}; shift a `ground_state` instead."
            )
    rest = (
        jnp.zeros_like(masses)
        if equilibrium is None
        else constant(equilibrium, "equilibrium")
    )
    r = jnp.broadcast_to(jnp.asarray(squeezing), masses.shape)
    return _squeezed(
        hessian, masses, jnp.asarray(amplitudes), r, jnp.asarray(hbar), rest
    )


@jax.jit
def _squeezed(
    hessian: Array, masses: Array, alpha: Array, r: Array, hbar: Array, rest: Array
) -> GaussianState:
    squares, vectors = jnp.linalg.eigh(mass_weighted(hessian, masses))
    omega, half = jnp.sqrt(squares), hbar / 2
    root = jnp.sqrt(masses)[:, None]
    to_q, to_p = vectors / root, vectors * root
    position = to_q @ (jnp.sqrt(4 * half / omega) * jnp.real(alpha))
    momentum = to_p @ (jnp.sqrt(4 * half * omega) * jnp.imag(alpha))
    qq = (to_q * (half / omega * jnp.exp(-2 * r))[None, :]) @ to_q.T
    pp = (to_p * (half * omega * jnp.exp(2 * r))[None, :]) @ to_p.T
    empty = jnp.zeros_like(qq)
    covariance = jnp.block([[qq, empty], [empty, pp]])
    return GaussianState(position + rest, momentum, covariance)


def _check_stable(
    hessian: Array, masses: Array, rigid_frequency: ArrayLike | None
) -> None:
    """A ValueError where a squared frequency is negative, or none is positive."""
    if not _checks.is_concrete((hessian, masses)):
        return
    squares = np.linalg.eigvalsh(np.asarray(mass_weighted(hessian, masses)))
    largest = np.max(np.abs(squares))
    if squares[0] < -ZERO_MODE * largest:
        raise ValueError(
            "Argument `hessian` must be that of a stable rest position, but a mode "
            f"has the squared frequency {squares[0]:.3g}."
        )
    if largest == 0 and rigid_frequency is None:
        raise ValueError(
            "Argument `rigid_frequency` must be given where all motions are free, but "
            "it is None."
        )


def _roots(squares: Array, limits: tuple[Array, Array]) -> Array:
    """1/ω and ω, zero modes at the frequency given for them; (2, n)."""
    zero, lowest = limits
    bound = squares > zero
    omega = jnp.sqrt(jnp.where(bound, squares, lowest))
    return jnp.stack([1 / omega, omega])
