"""D of the diffusion picture in closed form, from energies or the equation of motion.

Source: Z. Zakir, "Diffusion treatment of quantum theory and gravity. 1".
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from .. import _checks

# Quantities by which the closed forms divide, or of which they take roots.
_POSITIVE = {"a", "hbar", "mass", "omega", "length", "particles", "variance0"}
_POSITIVE |= {"variances"}


def D2_from_energy(
    drift_and_potential: ArrayLike, fisher: ArrayLike, mass: ArrayLike = 1.0
) -> Float[Array, ""]:
    """D² from the conservation of the energy (25), without solving any equation.

    ⟨m v²/2 + V⟩ + D² (m/2) I_F is constant: D² is minus the slope of a regression.

    Args:
        drift_and_potential: ⟨m v²/2 + V⟩ at n >= 2 times, (n,), energy.
        fisher: I_F = ∫ (∇density)²/density dx at these times, (n,).
        mass: m, scalar.

    Returns:
        D², scalar; NaN where I_F does not change: such data do not determine D.
    """
    energy, fisher, mass = wide(
        drift_and_potential=drift_and_potential, fisher=fisher, mass=mass
    )
    _checks.check_shape(energy, "drift_and_potential", fisher.shape)
    half = mass / 2 * (fisher - jnp.mean(fisher))
    return -jnp.sum(half * (energy - jnp.mean(energy))) / jnp.sum(half**2)


def D2_from_residual(
    root_density: ArrayLike,
    root_laplacian: ArrayLike,
    action_rate: ArrayLike,
    speed2: ArrayLike,
    potential: ArrayLike,
    mass: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """D² from the Hamilton-Jacobi-Madelung equation (31) at the points of one instant.

    ∂S/∂t + m v²/2 + V = 2mD² ΔR/R with R = √density is solved by least squares with
    weights R²; this stays regular where the density vanishes.

    Args:
        root_density: R, any shape.
        root_laplacian: ΔR there.
        action_rate: ∂S/∂t, at fixed position.
        speed2: v².
        potential: V.
        mass: m, scalar.

    Returns:
        D², scalar; NaN where ΔR vanishes everywhere: such data do not determine D.
    """
    root, bend, rate, speed2, potential, mass = wide(
        root_density=root_density,
        root_laplacian=root_laplacian,
        action_rate=action_rate,
        speed2=speed2,
        potential=potential,
        mass=mass,
    )
    classical = root * (rate + mass * speed2 / 2 + potential)
    return jnp.sum(bend * classical) / jnp.sum(bend**2) / (2 * mass)


def wide(**values: ArrayLike) -> tuple[Array, ...]:
    """Real, finite values of at least the default precision, in the order given.

    Raises:
        ValueError: values that are not real and finite, or a scale that is not
            positive.
    """
    for name, value in values.items():
        _checks.check_reals(value, name)
        if name in _POSITIVE:
            _checks.check_positive(value, name)
    return tuple(map(_checks.widen, values.values()))
