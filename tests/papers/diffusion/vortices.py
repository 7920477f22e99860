"""Vortices of any charge, of which only whole ones belong to a wave function."""

import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, Float

from jqd.exact.diffusion import wide


def vortex_family(
    x: ArrayLike,
    y: ArrayLike,
    alpha: ArrayLike,
    *,
    omega: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
) -> tuple[Float[Array, "..."], Float[Array, "2 ..."]]:
    """Stationary solutions of (8)-(9) around a node, in V = mω²r²/2, for any α.

    density = (r/ℓ)^2α e^(-r²/ℓ²)/(πℓ²Γ(α + 1)), v = ħα/mr around the origin, ℓ² = ħ/mω

    Only where the circulation α is an integer is there a ψ, of r^|α| e^(iαφ).

    Args:
        x: first coordinate.
        y: second.
        alpha: α >= 0, scalar.
        omega: ω.
        hbar: ħ.
        mass: m.

    Returns:
        Density (...), 1/length², and velocity (2, ...), 0 at the origin.

    Source: T. C. Wallstrom, Phys. Rev. A 49, 1613 (1994).
    """
    x, y, alpha, omega, hbar, mass = wide(
        x=x, y=y, alpha=alpha, omega=omega, hbar=hbar, mass=mass
    )
    square = x**2 + y**2
    centre = square == 0
    square = jnp.where(centre, 1, square)
    scaled = square * (mass * omega / hbar)
    log_density = alpha * jnp.log(scaled) - scaled - gammaln(alpha + 1)
    density = mass * omega / (jnp.pi * hbar) * jnp.exp(log_density)
    at_centre = jnp.where(alpha == 0, mass * omega / (jnp.pi * hbar), 0)
    speed = jnp.where(centre, 0, hbar * alpha / (mass * square))
    around = jnp.stack(jnp.broadcast_arrays(-y * speed, x * speed))
    return jnp.where(centre, at_centre, density), around
