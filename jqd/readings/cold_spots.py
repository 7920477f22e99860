"""The effect of lower diffusion in one region on a particle: minimal models by name.

It depends on how D(x) enters, for which Zakir, section 5.4, prints no equation. The
interpretations are ours, and they differ in measurable ways:

- T0, dissipative: ∂ρ/∂t = ∇²(Dρ). The density accumulates where D is low, as 1/D.
- T1, conservative: D(x) in the energy (25). Attraction to low D, but an acceleration
  of -½∫ρ (D²)' (∂ ln ρ)² that depends on the width of the packet.
- T1', conservative with u = -∇(Dρ)/ρ: T1 and V_T = -(m/2)|∇D|² - m D ∇²D. This is a
  well where D is low; the acceleration is the same for all masses only if D(x) is.
- T2, thermal: a constant D, and the rest energy U = m c² n(x) as a potential. All
  masses fall alike with -c²∇n; n = 1 - GM/c²r gives Newton's law. T2 is the default.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..laws.diffusion import ClassicalDiffusion, ConservativeDiffusion, Links
from ..spaces import Grid, potential

READINGS = ("T0", "T1", "T1'", "T2")


def reading(
    name: str,
    grid: Grid,
    profile: Callable[..., Array] | ArrayLike,
    *,
    D: ArrayLike = 0.5,
    mass: ArrayLike = 1.0,
    c: ArrayLike = 1.0,
    order: int = 8,
    boundary: str = "free",
) -> ConservativeDiffusion | ClassicalDiffusion:
    """The law of one interpretation of section 5.4.

    Args:
        name: "T0", "T1", "T1'" or "T2".
        grid: the grid.
        profile: D(x)/D for T0, T1 and T1', the index n(x) for T2; values on the grid or
            a callable of the coordinates.
        D: D far away, scalar, length²/time.
        mass: m, scalar.
        c: velocity of light in T2, scalar.
        order: order of the links.
        boundary: "free", "reflecting" or "periodic".

    Returns:
        `ClassicalDiffusion` for T0, else `ConservativeDiffusion`.

    Raises:
        ValueError: unknown name, a profile that is not positive or of another shape.

    Source: our interpretations of Zakir, section 5.4.
    """
    _checks.check_choice(name, "name", READINGS)
    shape = potential(profile, grid)(grid, 0.0)
    D, mass, c = (jnp.asarray(value, shape.dtype) for value in (D, mass, c))
    if name == "T2":
        return ConservativeDiffusion(
            grid, mass * c**2 * shape, D, mass, hbar=2 * mass * D,
            boundary=boundary, form=Links(order),
        )  # fmt: skip
    _checks.check_positive(shape, "profile")
    field = D * shape
    if name == "T0":
        return ClassicalDiffusion(
            grid, field, ordering="ito", periodic=boundary == "periodic"
        )
    V = jnp.zeros_like(field) if name == "T1" else thermal_potential(grid, field, mass)
    return ConservativeDiffusion(
        grid, V, field, mass, hbar=2 * mass * D, boundary=boundary, form=Links(order)
    )


def thermal_potential(
    grid: Grid, D: Float[Array, "..."], mass: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """The potential that T1' adds to T1 at rest: V_T = -(m/2)|∇D|² - m D ∇²D.

    The energy (m/2)⟨u²⟩ of u = -∇(Dρ)/ρ is that of -D∇ρ/ρ plus ∫ρ V_T.

    Args:
        grid: the grid.
        D: D(x), of its shape.
        mass: m, scalar.
    """
    mass = jnp.asarray(mass, D.dtype)
    slopes = grid.gradient(D)
    steep = jnp.sum(jnp.stack(slopes) ** 2, axis=0)
    curved = sum(grid.gradient(part)[i] for i, part in enumerate(slopes))
    return -mass / 2 * steep - mass * D * jnp.asarray(curved)
