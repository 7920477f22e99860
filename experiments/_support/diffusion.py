"""Bounds, localization energies, vortices and estimates of D in the diffusion picture.

Source: Z. Zakir, "Diffusion treatment of quantum theory and gravity. 1".
"""

import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
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
    _checks.check_not_negative(alpha, "alpha")
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


def vortex_energies(
    alpha: ArrayLike, *, omega: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> tuple[Array, Array, Array]:
    """Drift, diffusion and potential energy of `vortex_family`: ħω (α, 1, 1 + α)/2."""
    alpha, omega, hbar = wide(alpha=alpha, omega=omega, hbar=hbar)
    quantum = hbar * omega / 2
    return quantum * alpha, quantum * jnp.ones_like(alpha), quantum * (1 + alpha)


def D2_from_snapshots(times: ArrayLike, variances: ArrayLike) -> Float[Array, ""]:
    """D² of a free packet from its variance at three times or more.

    var = s₀ + 2b₀s₀t + (b₀²s₀ + D²/s₀)t², so D² = c₀c₂ - c₁²/4 of the parabola

    Args:
        times: (n,), n >= 3, different.
        variances: (n,), of a Gaussian; any other density gives an upper bound of D².

    Returns:
        D², scalar; the sign of D is in no density.

    Raises:
        ValueError: fewer than three times.
    """
    times, variances = wide(times=times, variances=variances)
    _checks.check_shape(variances, "variances", times.shape)
    if times.ndim != 1 or times.shape[0] < 3:
        raise ValueError(
            "Argument `times` must have at least 3 entries for a parabola, but its "
            f"shape is {times.shape}."
        )
    scale = jnp.max(jnp.abs(times))
    table = jnp.stack([(times / scale) ** k for k in range(3)], axis=-1)
    c0, c1, c2 = jnp.linalg.lstsq(table, variances)[0]
    return (c0 * c2 - c1**2 / 4) / scale**2
