"""Pairs of two-valued systems: entangled, turned, and what is seen of one of them."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd.states.composite import marginal


def entangled(coefficients: ArrayLike) -> Complex[Array, " M"]:
    """Two systems in Schmidt's form, ψ_ab = c_a δ_ab, of norm 1 if c is.

    They are entangled where two coefficients are not 0.
    """
    return jnp.ravel(jnp.diag(jnp.asarray(coefficients, complex)))


def rotation(angle: float) -> Float[np.ndarray, "2 2"]:
    """Rotation of a two-valued system's basis.

    U = [[cos θ, -sin θ], [sin θ, cos θ]]; at θ = π/4 it mixes both values evenly
    """
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def polarisation(
    density: ArrayLike, sizes: Sequence[int], part: int
) -> Float[Array, "..."]:
    """⟨z⟩ = ρ_0 - ρ_1 of a system with two values: what can be seen of it, (...).

    Args:
        density: ρ of the whole, (..., M).
        sizes: numbers of values (M_A, M_B, ..).
        part: which system, from 0; it has two values.
    """
    own = marginal(density, sizes, part)
    return own[..., 0] - own[..., 1]
