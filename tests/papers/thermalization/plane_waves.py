"""The norm and energy of photons as waves: corrected and as printed.

A photon is a complex vector potential A; its Klein-Gordon norm counts photons. With
`printed=True` a function gives the formula as it stands in print.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd import _checks


def plane_wave(
    amplitude: ArrayLike,
    k: ArrayLike,
    omega: ArrayLike,
    x: ArrayLike,
    t: ArrayLike,
    *,
    printed: bool = False,
) -> Complex[Array, "..."]:
    """A photon of definite momentum, A = α e^{i(kx - ωt)}.

    Args:
        amplitude: α.
        k: wavenumber.
        omega: ω, positive for a photon.
        x: position.
        t: time.
        printed: α e^{ikω}, a constant, so that its norm is zero; kω has a dimension.

    Returns:
        A of the broadcast shape.

    Source: Chafin (2019), sec. 3.
    """
    alpha, k, omega, x, t = _together(amplitude, k, omega, x, t)
    return alpha * jnp.exp(1j * (k * omega if printed else k * x - omega * t))


def norm_density(
    A: ArrayLike, rate: ArrayLike, mu0: ArrayLike = 1.0, *, printed: bool = False
) -> Float[Array, "..."]:
    """Klein-Gordon norm of a photon, (4μ₀)⁻¹ Im(A Ȧ* - A* Ȧ), per volume.

    It is α²ω/2μ₀ for `plane_wave`, and ∝ ω(α² - β²) for αe^{-iωt} + βe^{iωt}: positive
    for positive frequencies alone, zero for a real A. `photon_number` has the units.

    Args:
        A: complex vector potential.
        rate: Ȧ.
        mu0: μ₀.
        printed: -Ȧ*A for the second term, which makes it zero for every field.

    Returns:
        The norm density of the broadcast shape.

    Source: Chafin (2019), sec. 3.
    """
    A, rate, mu0 = _together(A, rate, mu0)
    second = jnp.conj(rate) * A if printed else jnp.conj(A) * rate
    return jnp.imag(A * jnp.conj(rate) - second) / (4 * mu0)


def photon_number(
    norm: ArrayLike, volume: ArrayLike, hbar: ArrayLike = 1.0, c: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Number of photons, norm density × V/ħc²: dimensionless.

    Args:
        norm: `norm_density`.
        volume: V.
        hbar: ħ.
        c: speed of light.

    Returns:
        The number, of the broadcast shape.

    Source: Chafin (2019), sec. 3, which leaves the factor V/ħc² out.
    """
    norm, volume, hbar, c = _together(norm, volume, hbar, c)
    return norm * volume / (hbar * c**2)


def energy_density(
    rate: ArrayLike,
    curl: ArrayLike,
    mu0: ArrayLike = 1.0,
    c: ArrayLike = 1.0,
    *,
    printed: bool = False,
) -> Float[Array, "..."]:
    """Energy of Re A per volume, averaged over a period, (|Ȧ|²/c² + |∇×A|²)/4μ₀.

    With it a photon has ħω: energy density × V = ħω `photon_number`.

    Args:
        rate: Ȧ of a positive-frequency A.
        curl: ∇×A.
        mu0: μ₀.
        c: speed of light.
        printed: that of the complex A, /2μ₀, which gives 2ħω a photon: "their free
            field Lagrangians", read literally.

    Returns:
        Energy density of the broadcast shape.

    Source: Chafin (2019), sec. 3.
    """
    rate, curl, mu0, c = _together(rate, curl, mu0, c)
    squares = jnp.abs(rate) ** 2 / c**2 + jnp.abs(curl) ** 2
    return squares / (2 * mu0) / (1 if printed else 2)


def photon_norm(
    psi: Callable[[Array], Array],
    times: ArrayLike,
    cell: ArrayLike = 1.0,
    mu0: ArrayLike = 1.0,
    *,
    printed: bool = False,
) -> Float[Array, ""]:
    """Norm of a level of the photon tower: one bracket for each photon, multiplied.

    N = ∫ Ψ ∏_k [(-i/4μ₀) ∂↔_{t_k}] Ψ*,  f ∂↔ g = f ∂g - ∂f g

    Level 0, no photons, has the empty product: ∫|Ψ|². Products of unit norm have
    norm 1. The brackets are derivatives of Ψ(t - h) Ψ*(t + h) by every h_k at h = 0.

    Args:
        psi: Ψ as a function of the photons' times (n,), an array over positions and
            vector components of every photon (and of the matter).
        times: t of each photon, (n,); n may be 0.
        cell: volume of a cell of all positions together.
        mu0: μ₀.
        printed: the brackets added, with -i: two photons of unit norm and frequencies
            ω, ω' get 2/ω + 2/ω' (μ₀ = 1), and level 0 no norm at all. It is conserved
            without coupling as the product is, so that conservation does not decide.

    Returns:
        The norm, ().

    Source: Chafin (2019), eq. 2, which has no -i. It uses k for a photon, and eq. 3
    for a level.
    """
    times = _checks.widen(times)
    still, count = jnp.zeros_like(times), times.shape[0]
    split, bracket = functools.partial(_split, psi, times), -0.25j / jnp.asarray(mu0)
    if printed:
        slopes = jax.jacfwd(split)(still) if count else still
        return jnp.real(bracket * jnp.sum(slopes)) * jnp.asarray(cell)
    slopes = functools.reduce(_slope, range(count), split)
    return jnp.real(bracket**count * slopes(still)) * jnp.asarray(cell)


def _split(psi, times, h):
    """∫ Ψ(t - h) Ψ*(t + h)."""
    return jnp.sum(psi(times - h) * jnp.conj(psi(times + h)))


def _slope(function, k):
    """∂/∂h_k of a function of h."""

    def derivative(h):
        along = jnp.zeros_like(h).at[k].set(1)
        return jax.jvp(function, (h,), (along,))[1]

    return derivative


def _together(*values: ArrayLike) -> list[Array]:
    return jnp.broadcast_arrays(*map(_checks.widen, values))
