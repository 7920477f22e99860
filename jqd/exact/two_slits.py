"""Two Gaussian slits in closed form: interference with and without which-path marks.

Behind slits that are long in one direction a wave spreads across them as a packet in
one dimension does, while it moves on with constant velocity: time stands for the
distance to the screen.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd import _checks

from .closed_forms import free_gaussian


def slit_amplitudes(
    x: ArrayLike,
    t: ArrayLike,
    *,
    distance: ArrayLike,
    width: ArrayLike,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "2 ..."]:
    """The waves from two Gaussian slits, each of unit norm.

    ψ_± = the free packet that starts at ±d/2 with the standard deviation s₀

    Args:
        x: positions across the slits.
        t: times since the slits, broadcast against `x`.
        distance: d between the centres of the slits.
        width: s₀, the standard deviation of the density of one slit at t = 0.
        mass: m.
        hbar: ħ.

    Returns:
        complex128 (ψ_+, ψ_-), shape (2, ...), in length^(-1/2).

    Raises:
        ValueError: distance, width, mass or hbar is not positive, or 64-bit floats are
            off.
    """
    _checks.check_scalar(distance, "distance")
    _checks.check_positive(distance, "distance")
    options = {"width": width, "mass": mass, "hbar": hbar}
    half = jnp.asarray(distance) / 2
    return jnp.stack(
        [free_gaussian(x, t, center=sign * half, **options) for sign in (1, -1)]
    )


def slit_density(
    x: ArrayLike,
    t: ArrayLike,
    *,
    distance: ArrayLike,
    width: ArrayLike,
    overlap: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """The density behind two Gaussian slits, one of which may be watched.

    ρ = (|ψ_+|² + |ψ_-|² + 2 Re(η ψ_+* ψ_-)) / (2 + 2 Re η exp(-d²/8s₀²))

    η = <detector after -|detector after +>: 1 if nothing tells the ways apart, 0 if a
    detector does so for certain. The fringes lose visibility in proportion to |η|, and
    the phase of η shifts them.

    Args:
        x: positions across the slits.
        t: times since the slits, broadcast against `x`.
        distance: d between the centres of the slits.
        width: s₀, the standard deviation of the density of one slit at t = 0.
        overlap: η, real or complex, |η| ≤ 1, scalar.
        mass: m.
        hbar: ħ.

    Returns:
        float64 density of unit integral, in 1/length.

    Raises:
        ValueError: a constant that is not positive, |η| > 1, or 64-bit floats are off.
    """
    _checks.check_shape(overlap, "overlap", ())
    _checks.check_finite(overlap, "overlap")
    if _checks.is_concrete(overlap) and abs(_checks.concrete(overlap)) > 1 + 1e-12:
        raise ValueError(
            f"Argument `overlap` must have modulus 1 at most, but is {overlap}."
        )
    plus, minus = slit_amplitudes(
        x, t, distance=distance, width=width, mass=mass, hbar=hbar
    )
    overlap = _checks.widen(overlap)
    alone = plus.real**2 + plus.imag**2 + minus.real**2 + minus.imag**2
    cross = 2 * jnp.real(overlap * jnp.conj(plus) * minus)
    shared = jnp.exp(-(jnp.asarray(distance) ** 2) / (8 * jnp.asarray(width) ** 2))
    return (alone + cross) / (2 + 2 * jnp.real(overlap) * shared)


def fringe_spacing(
    t: ArrayLike,
    *,
    distance: ArrayLike,
    width: ArrayLike,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Distance between points of equal phase difference behind two Gaussian slits.

    Δx = (2πħt/md) (1 + 1/θ²), θ = ħt/2ms₀²

    Far away, θ → ∞, it is λL/d, with the wavelength λ = 2πħ/mv and the screen at L =
    vt. Maxima of the density lie closer by what the envelope pulls them in.

    Args:
        t: times since the slits, positive.
        distance: d between the centres of the slits.
        width: s₀, the standard deviation of the density of one slit at t = 0.
        mass: m.
        hbar: ħ.

    Returns:
        float64 spacing, unit of length.

    Raises:
        ValueError: an argument is not positive, or 64-bit floats are off.
    """
    _checks.require_x64("`exact.fringe_spacing`")
    constants = {"t": t, "distance": distance, "width": width, "mass": mass}
    for name, value in (constants | {"hbar": hbar}).items():
        _checks.check_positive(value, name)
    t, distance, width, mass, hbar = map(
        _checks.widen, (t, distance, width, mass, hbar)
    )
    theta = hbar * t / (2 * mass * width**2)
    return 2 * jnp.pi * hbar * t / (mass * distance) * (1 + 1 / theta**2)
