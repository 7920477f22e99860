"""Closed forms of rival laws; ħ = m = 1.

Each works under jit, vmap and grad.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks


def gausson(
    x: ArrayLike,
    t: ArrayLike,
    b: ArrayLike,
    *,
    velocity: ArrayLike = 0.0,
    center: ArrayLike = 0.0,
) -> Complex[Array, "..."]:
    """The soliton of the logarithmic law, i dψ/dt = -½ψ'' - b ln ρ ψ, at b > 0.

    ρ is a Gaussian of variance 1/4b that moves with any velocity; its energy at rest is
    b + b/2 ln(π/2b).

    Args:
        x: positions.
        t: times, broadcast against `x`.
        b: strength, positive.
        velocity: v.
        center: mean position at t = 0.

    Returns:
        Complex amplitudes of the broadcast shape.

    Raises:
        ValueError: b is not positive.

    Source: I. Białynicki-Birula, J. Mycielski (1976) Ann. Phys. 100, 62.
    """
    _checks.check_positive(b, "b")
    x, t, b, v = map(jnp.asarray, (x, t, b, velocity))
    apart = x - center - v * t
    # -½ψ''/ψ of exp(-b y²) is b - 2b²y², and -b ln ρ = -b/2 ln(2b/π) + 2b²y²
    rate = b - b / 2 * jnp.log(2 * b / jnp.pi)
    phase = v * (x - center) - (v**2 / 2 + rate) * t
    return (2 * b / jnp.pi) ** 0.25 * jnp.exp(-b * apart**2 + 1j * phase)


def logarithmic_width(b: ArrayLike, omega: ArrayLike) -> Float[Array, "..."]:
    """Variance of ρ in the Gaussian state at rest of the logarithmic law in a trap.

    ω² s² + b s - ¼ = 0.

    Args:
        b: strength.
        omega: ω, angular frequency of the trap, positive.

    Returns:
        s, length².
    """
    b, omega = map(jnp.asarray, (b, omega))
    # without the difference of two near numbers at b > 0
    return 0.5 / (b + jnp.sqrt(b**2 + omega**2))


def bright_soliton(
    x: ArrayLike, t: ArrayLike, g: ArrayLike, *, velocity: ArrayLike = 0.0
) -> Complex[Array, "..."]:
    """The soliton of the cubic law, i dψ/dt = -½ψ'' + g|ψ|²ψ, at g < 0.

    ψ = √(κ/2) sech(κ(x - vt)) exp(ivx + i(κ² - v²)t/2), κ = -g/2.

    Args:
        x: positions.
        t: times, broadcast against `x`.
        g: strength, negative.
        velocity: v.

    Returns:
        Complex amplitudes of the broadcast shape.

    Raises:
        ValueError: g is not negative.
    """
    _checks.check_positive(-jnp.asarray(g), "-g")
    x, t, g, v = map(jnp.asarray, (x, t, g, velocity))
    kappa = -g / 2
    phase = v * x + (kappa**2 - v**2) * t / 2
    shape = jnp.sqrt(kappa / 2) / jnp.cosh(kappa * (x - v * t))
    return shape * jnp.exp(1j * phase)


def gisin_populations(
    p: ArrayLike, energies: ArrayLike, lam: ArrayLike, t: ArrayLike
) -> Float[Array, "... n"]:
    """Shares of energies under Gisin's law: p_k exp(-2λE_k t), normalised.

    Args:
        p: shares at t = 0, (n,).
        energies: E_k, (n,).
        lam: λ.
        t: times, any shape.

    Returns:
        Shares, a row a time.
    """
    p, E, t = map(jnp.asarray, (p, energies, t))
    exponent = -2 * lam * t[..., None] * (E - jnp.min(E))
    # at negative λ the largest energy grows
    weights = p * jnp.exp(exponent - jnp.max(exponent, axis=-1, keepdims=True))
    return weights / jnp.sum(weights, axis=-1, keepdims=True)
