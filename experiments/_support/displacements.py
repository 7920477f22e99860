"""Mean square displacements of harmonic crystals, in the lab and between neighbours.

A rectangular crystal of N₁ × … × N_d atoms with periodic boundaries: neighbours along
each axis are joined by springs that act on every component alike, V = Σ (u_r -
u_r+a)²/2. Each component then has ω_k² = Σ_a 4 sin²(k_a/2), k_a = 2πj/N_a. K = m =
ħ = 1.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd.constants import constant


class Displacements(eqx.Module):
    """Mean squares of one component of the displacement, centre of mass at rest.

    Attributes:
        lab: <u²>, unit of length².
        neighbour: <(u_r+a - u_r)²> for neighbours along each axis a, shape (d,).
    """

    lab: Float[Array, ""]
    neighbour: Float[Array, " d"]


@jax.jit(static_argnums=0)
def mean_square_displacements(
    shape: tuple[int, ...], *, temperature: ArrayLike = 0.0
) -> Displacements:
    """<u²> and the neighbours' <Δu²> of a periodic harmonic crystal.

    (1/N) Σ_k≠0 c_k and (1/N) Σ_k≠0 c_k 4 sin²(k_a/2), with c_k =
    coth(ω_k/2T)/2ω_k. In the lab frame a line of atoms is as wide as ln N at T = 0, as
    N at T > 0; a plane as ln N at T > 0. Neighbours are close in every dimension.

    Args:
        shape: atoms along each axis, 1 to 3 integers above 1 (static).
        temperature: T, unit of energy; 0 for the ground state.

    Returns:
        Both mean squares.

    Source: Chafin (2019), sec. 1 (lab frame or nearest neighbours).
    """
    T, d = constant(temperature, "temperature"), len(shape)
    waves = []
    for axis, n in enumerate(shape):
        along = 4 * jnp.sin(jnp.pi * jnp.arange(n, dtype=T.dtype) / n) ** 2
        waves.append(jnp.reshape(along, [-1 if a == axis else 1 for a in range(d)]))
    total = jnp.zeros(shape, T.dtype)
    for wave in waves:
        total = total + jnp.broadcast_to(wave, shape)
    # the wave of k = 0 is the centre of mass
    moving = jnp.ones(shape, bool).at[(0,) * d].set(False)
    omega = jnp.sqrt(jnp.where(moving, total, 1))
    half = omega / (2 * jnp.where(T > 0, T, 1))
    coth = jnp.where(T > 0, 1 / jnp.tanh(half), 1)
    each = jnp.where(moving, 1 / (2 * omega) * coth, 0)
    neighbour = [jnp.mean(each * jnp.broadcast_to(wave, shape)) for wave in waves]
    return Displacements(jnp.mean(each), jnp.stack(neighbour))


def ring_law(N: ArrayLike) -> Float[Array, "..."]:
    """<u²> of a long ring at T = 0: (ln N + γ + ln(2/π))/2π.

    It grows without bound, and <Δu²> tends to 2/π; off by O(N⁻²).

    Args:
        N: number of atoms, any shape.

    Returns:
        <u²>, shape of `N`.
    """
    length = jnp.log(constant(N, "N")) + np.euler_gamma + np.log(2 / np.pi)
    return 1 / (2 * jnp.pi) * length
