"""The norm and energy of photons as waves: corrected and as printed.

A photon is a complex vector potential A; its Klein-Gordon norm counts photons. With
`printed=True` a function gives the formula as it stands in print.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..registry import equations_of

equation = equations_of("thermalization")


@equation("erratum-plane-wave", "3 Planck distribution").corrected(
    "A photon of wave number k and frequency omega is alpha exp(i(kx - omega t)).",
    printed="alpha exp(i k omega): a constant, without norm, of an exponent with a "
    "dimension.",
    printed_tex=r"A=\alpha e^{ik\omega}",
    tex=r"A=\alpha e^{i(kx-\omega t)}",
    test="test_plane_waves.py::test_the_printed_plane_wave_has_no_norm",
)
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

    Raises:
        ValueError: not finite, or not real but for the amplitude.

    Source: Chafin (2019), sec. 3.
    """
    _checks.check_finite(amplitude, "amplitude")
    for name, value in (("k", k), ("omega", omega), ("x", x), ("t", t)):
        _checks.check_real(value, name)
        _checks.check_finite(value, name)
    alpha, k, omega, x, t = _together(amplitude, k, omega, x, t)
    return alpha * jnp.exp(1j * (k * omega if printed else k * x - omega * t))


@equation("erratum-norm", "3 Planck distribution").corrected(
    "Klein-Gordon norm of a photon, (4 mu_0)^-1 Im(A dA*/dt - A* dA/dt).",
    printed="The second term is the first one again, with its factors exchanged, so "
    "that the norm of every field is zero.",
    printed_tex=r"(4\mu_0)^{-1}\,\Im\left(A^i\dot A^{i,*}-\dot A^{i,*}A^i\right)",
    tex=r"(4\mu_0)^{-1}\,\Im\left(A^i\dot A^{i,*}-A^{i,*}\dot A^i\right)",
    test="test_plane_waves.py::test_norm_of_a_plane_wave",
)
@equation("erratum-norm-bracket", "3 Planck distribution").corrected(
    "The bracket of the norm operator is -i (A dA*/dt - dA/dt A*).",
    printed="Without -i its value is imaginary.",
    printed_tex=r"\left(\Psi\,\partial_{t_A}\Psi^{*}-\partial_{t_A}\Psi\,\Psi^{*}"
    r"\right)",
    tex=r"-i\left(\Psi\,\partial_{t_A}\Psi^{*}-\partial_{t_A}\Psi\,\Psi^{*}\right)",
    test="test_plane_waves.py::test_the_printed_bracket_is_imaginary",
)
@equation("erratum-positivity", "3 Planck distribution").corrected(
    "The norm is positive for photons of positive frequency.",
    printed="No condition on frequencies: it is omega (alpha^2 - beta^2)/2 mu_0 with "
    "an amplitude beta of the negative one, and may be negative.",
    printed_tex=r"\mathcal{N}=\frac{\alpha^2\omega}{2\mu_0}",
    tex=r"\mathcal{N}=\frac{\alpha^2\omega}{2\mu_0},\qquad\omega>0",
    test="test_plane_waves.py::test_only_positive_frequencies_have_positive_norm",
)
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


@equation("erratum-norm-units", "3 Planck distribution").corrected(
    "The norm alpha^2 omega/2 mu_0 counts photons.",
    printed="Only with a factor V/hbar c^2; and the energy of a photon is hbar omega "
    "only for the real part of the field, averaged over a period: the complex field in "
    "the free Lagrangian gives twice that.",
    printed_tex=r"\mathcal{N}=\frac{\alpha^2\omega}{2\mu_0}",
    tex=r"\mathcal{N}=\frac{\alpha^2\omega}{2\mu_0}\,\frac{V}{\hbar c^2}",
    test="test_plane_waves.py::test_a_photon_has_the_energy_hbar_omega",
)
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

    Raises:
        ValueError: the volume, ħ or c is not positive.

    Source: Chafin (2019), sec. 3, which leaves the factor V/ħc² out.
    """
    for name, value in (("volume", volume), ("hbar", hbar), ("c", c)):
        _checks.check_positive(value, name)
    _checks.check_real(norm, "norm")
    _checks.check_finite(norm, "norm")
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


@equation("2", "3 Planck distribution").corrected(
    "Norm of a level: the matter's square modulus and the Klein-Gordon norm of its "
    "photons.",
    printed="The brackets of the photons are added, and must be multiplied: two "
    "photons of norm 1 would have norm 4 at equal frequencies 1, and 16.7 at 0.2 and "
    "0.3. The sum also leaves the level without photons no norm. And the bracket lacks "
    "its factor -i.",
    printed_tex=r"\hat{\mathcal{N}}(\Psi_{N,n})=\frac{1}{4\mu_0}\int dx_s^{i_1}\dots "
    r"dx_s^{i_N}\int dx_A^{i_1}\dots dx_A^{i_n}\sum_{k=1}^{n}\left(\Psi^{i_1\dots i_n}"
    r"\partial_{t_A^{i_k}}\Psi^{*}_{i_1\dots i_n}-\partial_{t_A^{i_k}}\Psi^{i_1\dots "
    r"i_n}\,\Psi^{*}_{i_1\dots i_n}\right)",
    tex=r"\hat{\mathcal{N}}(\Psi_{N,n})=\int dx_s^{i_1}\dots dx_s^{i_N}\int dx_A^{i_1}"
    r"\dots dx_A^{i_n}\,\Psi^{i_1\dots i_n}\left[\prod_{k=1}^{n}\frac{-i}{4\mu_0}"
    r"\overleftrightarrow{\partial}_{t_A^{i_k}}\right]\Psi^{*}_{i_1\dots i_n},\qquad f"
    r"\overleftrightarrow{\partial}g=f\,\partial g-\partial f\,g",
    test="test_plane_waves.py::test_brackets_are_multiplied_not_added",
)
@equation("erratum-norm-product", "3 Planck distribution").corrected(
    "The norm of n photons is the product of n brackets, of none the empty product.",
    printed="A sum over the photons: 4, 2.8 and 16.7 for two photons of norm 1; the "
    "empty sum leaves a level without photons no norm. Both are conserved, so that "
    "conservation does not tell.",
    printed_tex=r"\hat{\mathcal{N}}(\Psi_{N,n})\propto\int\sum_{k=1}^{n}\Psi\,"
    r"\overleftrightarrow{\partial}_{t_k}\Psi^{*}",
    tex=r"\hat{\mathcal{N}}(\Psi_{N,n})\propto\int\Psi\left[\prod_{k=1}^{n}"
    r"\overleftrightarrow{\partial}_{t_k}\right]\Psi^{*}",
    test="test_plane_waves.py::test_brackets_are_multiplied_not_added",
)
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
    times = _times(times)
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


def _times(times: ArrayLike) -> Array:
    _checks.check_shape(times, "times", (None,))
    _checks.check_finite(times, "times")
    return _checks.widen(times)


def _together(*values: ArrayLike) -> list[Array]:
    return jnp.broadcast_arrays(*map(_checks.widen, values))
