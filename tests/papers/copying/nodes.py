"""Nodes: what happens at a class that is empty or nearly so."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from jqd.readings.lattice import off_diagonal, square_root

from .links import link_angle
from .quantum_point import quantum_density_rate


def node_occupation_rate(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " M"]:
    """Change of the occupations, which vanishes for an empty class.

    ṅ_a = 2 Σ_b √(n_a n_b) R_ab sin x_ab, in 1/time

    Args:
        printed: drop the factor 2.
    """
    rate = quantum_density_rate(occupation, phase, R, delta)
    return rate / 2 if printed else rate


def node_occupation_acceleration(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " M"]:
    """Second derivative of the occupation at a class that is empty.

    n̈_a = 2 Σ_b Σ_c √(n_b n_c) R_ab R_ac (sin x_ab sin x_ac + cos x_ab cos x_ac)

    This is what quantum mechanics demands at a node, 2N |(HΨ)_a|²; the copy law
    itself leaves an empty class empty.

    Args:
        occupation: n_a, (M,) real; meaningful for the classes with n_a = 0.
        phase: φ_a, (M,) real, radians; φ_a of the empty class drops out.
        printed: no factor 2, no cosines, and δ_ab in place of δ_ac.

    Returns:
        n̈_a, (M,) real, 1/time².
    """
    x = link_angle(phase, delta)
    weighted = off_diagonal(R) * square_root(occupation)[None, :]
    sine = jnp.sum(weighted * jnp.sin(x), axis=1)
    if not printed:
        cosine = jnp.sum(weighted * jnp.cos(x), axis=1)
        return 2 * (sine**2 + cosine**2)
    # φ_a - φ_c + δ_ab: the phase shift belongs to b although c is summed.
    mixed = jnp.sin((phase[:, None] - phase[None, :])[:, None, :] + delta[:, :, None])
    return jnp.einsum("ab,ac,abc->a", weighted * jnp.sin(x), weighted, mixed)


def least_density(
    density: ArrayLike, angle: ArrayLike, q: ArrayLike, r: ArrayLike
) -> Float[Array, ""]:
    """Least density that a small class reaches while it loses to a large one.

    ρ_min^s = ρ_0^s + 2 s ln cos x_0 with s = q + r; ρ_min = ρ_0 cos²x_0 at s = 0

    The right side can vanish only if s > 0: with two classes, and x_0 off ±π/2, nodes
    are avoided iff q + r ≤ 0.

    Args:
        density: ρ_0 ≪ 1 of the small class, real.
        angle: x_0 in (-π/2, 0), real, radians.
        q: power of the copy rate, scalar.
        r: power of the phase rate, scalar.

    Returns:
        ρ_min, real; 0 where the class reaches a node.

    Source: Smolin (2012), section 3.4 (nodes) with eqs. 20 and 26.
    """
    s = jnp.asarray(q + r)
    log_cosine = jnp.log(jnp.cos(angle))
    small = jnp.abs(s) < jnp.sqrt(jnp.finfo(s.dtype).eps)
    safe_s = jnp.where(small, 1, s)
    base = 1 + 2 * safe_s * log_cosine * density ** (-safe_s)
    survives = base > 0
    factor = jnp.where(survives, base, 1) ** (1 / safe_s)
    factor = jnp.where(survives, factor, 0)
    return jnp.where(small, jnp.exp(2 * log_cosine), factor) * density
