"""Bounds, localization energies, vortices and estimates of D in the diffusion picture.

Source: Z. Zakir, "Diffusion treatment of quantum theory and gravity. 1".
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd.exact.diffusion import wide


def uncertainty_bound(
    dimensions: int, hbar: ArrayLike = 1.0, *, printed: bool = False
) -> Float[Array, ""]:
    """The bound of ⟨p_u²⟩⟨x²⟩ in d dimensions: (dħ/2)², or ħ²/4 as printed in (21)."""
    return (((1 if printed else dimensions) * jnp.asarray(hbar)) / 2) ** 2


def box_localization_energy(
    n: ArrayLike = 1,
    length: ArrayLike = 1.0,
    *,
    hbar: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """U_u = π²ħ²n²/2mL² of level n = 1, 2, .. between two walls: all of its energy."""
    n, length, hbar, mass = wide(n=n, length=length, hbar=hbar, mass=mass)
    return (jnp.pi * hbar * n / length) ** 2 / (2 * mass)


def vortex_energies(
    alpha: ArrayLike, *, omega: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> tuple[Array, Array, Array]:
    """Drift, diffusion and potential energy of a vortex in a well, ħω (α, 1, 1 + α)/2.

    Its density goes as r^2α around the node, and its speed is ħα/mr, for any charge α.
    """
    alpha, omega, hbar = wide(alpha=alpha, omega=omega, hbar=hbar)
    quantum = hbar * omega / 2
    return quantum * alpha, quantum * jnp.ones_like(alpha), quantum * (1 + alpha)


def D2_from_snapshots(times: ArrayLike, variances: ArrayLike) -> float:
    """D² of a free packet from its variance at three times or more.

    var = s₀ + 2b₀s₀t + (b₀²s₀ + D²/s₀)t², so D² = c₀c₂ - c₁²/4 of the parabola

    Args:
        times: (n,), n >= 3, different.
        variances: (n,), of a Gaussian; any other density gives an upper bound of D².

    Returns:
        D², scalar; the sign of D is in no density.
    """
    c2, c1, c0 = np.polyfit(times, variances, 2)
    return c0 * c2 - c1**2 / 4
