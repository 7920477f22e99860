"""Classes: how copying and phase rates depend on the relative phase."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jqd.readings.lattice import off_diagonal

from .links import positive_sine


def copy_angular(
    angle: Float[Array, "M M"], R: Float[Array, "M M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Phase dependence of copying, first harmonic.

    ℛ(e^{iθ})_ab = 2 R_ab sin⁺(θ + δ_ab), with δ_ba = -δ_ab

    Args:
        angle: θ for each entry, (M, M) real, radians; φ_a - φ_b in the law.

    Returns:
        ℛ_ab, (M, M) real, 1/time.
    """
    return 2 * off_diagonal(R) * positive_sine(angle + delta)


def phase_angular(
    angle: Float[Array, "M M"], R: Float[Array, "M M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Phase dependence of the phase rate, first harmonic.

    𝒰(e^{iθ})_ab = R_ab cos(θ + δ_ab), with δ_ba = -δ_ab

    Args:
        angle: θ for each entry, (M, M) real, radians; φ_a - φ_b in the law.

    Returns:
        𝒰_ab, (M, M) real, 1/time.
    """
    return off_diagonal(R) * jnp.cos(angle + delta)


def copy_series(
    angle: Float[Array, "M M"],
    R: Float[Array, "K M M"],
    delta: Float[Array, "K M M"],
    *,
    printed: bool = False,
) -> Float[Array, "M M"]:
    """Phase dependence of copying, Fourier series.

    ℛ(e^{iθ})_ab = Σ_{n≥0} R'ⁿ_ab sin⁺(nθ + δⁿ_ab)

    Args:
        angle: θ for each entry, (M, M) real, radians.
        R: R'ⁿ_ab, (K, M, M) real, 1/time; the first axis is n = 0..K-1.
        delta: δⁿ_ab, (K, M, M) real, radians, antisymmetric in a, b.
        printed: start the sum of row a at n = a (classes counted from 1).

    Returns:
        ℛ_ab, (M, M) real, 1/time.
    """
    return jnp.sum(
        _kept_harmonics(R, printed) * positive_sine(_multiples(angle, R) + delta),
        axis=0,
    )


def phase_series(
    angle: Float[Array, "M M"],
    R: Float[Array, "K M M"],
    delta: Float[Array, "K M M"],
    *,
    printed: bool = False,
) -> Float[Array, "M M"]:
    """Phase dependence of the phase rate, Fourier series.

    𝒰(e^{iθ})_ab = Σ_{n≥0} Rⁿ_ab cos(nθ + δ'ⁿ_ab)

    Args:
        angle: θ for each entry, (M, M) real, radians.
        R: Rⁿ_ab, (K, M, M) real, 1/time; the first axis is n = 0..K-1.
        delta: δ'ⁿ_ab, (K, M, M) real, radians.
        printed: start the sum of row a at n = a (classes counted from 1).

    Returns:
        𝒰_ab, (M, M) real, 1/time.
    """
    return jnp.sum(
        _kept_harmonics(R, printed) * jnp.cos(_multiples(angle, R) + delta), axis=0
    )


def _multiples(angle: Array, R: Array) -> Array:
    return jnp.arange(R.shape[0])[:, None, None] * angle[None]


def _kept_harmonics(R: Array, printed: bool) -> Array:
    if not printed:
        return R
    n = jnp.arange(R.shape[0])[:, None, None]
    return jnp.where(n >= jnp.arange(1, R.shape[1] + 1)[None, :, None], R, 0)
