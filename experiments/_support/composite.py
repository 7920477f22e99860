"""Pairs of two-valued systems: entangled, turned, and what is seen of one of them."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd import _checks
from jqd.states.composite import marginal


def entangled(coefficients: ArrayLike, size: int | None = None) -> Complex[Array, " M"]:
    """Two systems in Schmidt's form: entangled where two coefficients are not 0.

    ψ_ab = c_a δ_ab

    Args:
        coefficients: c_k, (K,), Σ|c_k|² = 1; A has K values.
        size: number of values of B, at least K; None for K.

    Returns:
        ψ, (K · size,) complex.

    Raises:
        ValueError: coefficients not normalised, or a size below K.
    """
    _checks.check_state(coefficients, "coefficients", weight=1.0)
    c = jnp.asarray(coefficients)
    c = c.astype(jnp.result_type(c.dtype, jnp.complex64))
    K = c.shape[0]
    size = K if size is None else _checks.whole_number(size, "size", K)
    return jnp.ravel(jnp.eye(K, size, dtype=c.dtype) * c[:, None])


def rotation(angle: ArrayLike) -> Float[Array, "2 2"]:
    """Rotation of a two-valued system's basis.

    U = [[cos θ, -sin θ], [sin θ, cos θ]]; at θ = π/4 it mixes both values evenly

    Args:
        angle: θ, scalar, radians.

    Returns:
        U, (2, 2) real, orthogonal.

    Raises:
        ValueError: the angle is not one real, finite number.
    """
    _checks.check_scalar(angle, "angle")
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([jnp.stack([cos, -sin]), jnp.stack([sin, cos])])


def polarisation(
    density: ArrayLike, sizes: Sequence[int], part: int
) -> Float[Array, "..."]:
    """⟨z⟩ of a system with two values: what can be seen of it.

    ⟨z⟩ = ρ_0 - ρ_1

    Args:
        density: ρ of the whole, (..., M).
        sizes: numbers of values (M_A, M_B, ..).
        part: which system, from 0; it has two values.

    Returns:
        (...), in [-1, 1].

    Raises:
        ValueError: see `marginal`; the part has not two values.
    """
    own = marginal(density, sizes, part)
    if own.shape[-1] != 2:
        raise ValueError(
            f"Argument `part` must be a system with two values, but it has "
            f"{own.shape[-1]}."
        )
    return own[..., 0] - own[..., 1]
