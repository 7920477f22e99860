"""Mean square displacements of harmonic crystals, in the lab and between neighbours.

A rectangular crystal of N₁ × … × N_d atoms with periodic boundaries: neighbours along
each axis are joined by springs K that act on every component alike, V = (K/2) Σ (u_r -
u_r+a)². Each component then has ω_k² = (K/m) Σ_a 4 sin²(k_a/2), k_a = 2πj/N_a.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.constants import constant


class Displacements(eqx.Module):
    """Mean squares of one component of the displacement, centre of mass at rest.

    Attributes:
        lab: <u²>, unit of length².
        neighbour: <(u_r+a - u_r)²> for neighbours along each axis a, shape (d,).
    """

    lab: Float[Array, ""]
    neighbour: Float[Array, " d"]


def mean_square_displacements(
    shape: Sequence[int],
    *,
    stiffness: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    temperature: ArrayLike = 0.0,
) -> Displacements:
    """<u²> and the neighbours' <Δu²> of a periodic harmonic crystal.

    (1/N) Σ_k≠0 c_k and (1/N) Σ_k≠0 c_k 4 sin²(k_a/2), with c_k = (ħ/2mω_k)
    coth(ħω_k/2T). In the lab frame a line of atoms is as wide as ln N at T = 0, as N at
    T > 0; a plane as ln N at T > 0. Neighbours are close in every dimension.

    Args:
        shape: atoms along each axis, 1 to 3 integers above 1 (static).
        stiffness: K.
        mass: m.
        hbar: ħ.
        temperature: T, unit of energy; 0 for the ground state.

    Returns:
        Both mean squares.

    Raises:
        ValueError: a shape of other numbers, or a constant of impossible value.

    Source: Chafin (2019), sec. 1 (lab frame or nearest neighbours).
    """
    shape = tuple(shape)
    if not 1 <= len(shape) <= 3 or not all(
        isinstance(n, int | np.integer) and n > 1 for n in shape
    ):
        raise ValueError(
            f"Argument `shape` must be 1 to 3 integers above 1, but is {shape}."
        )
    for name, value in (("stiffness", stiffness), ("mass", mass), ("hbar", hbar)):
        _checks.check_shape(value, name, ())
        _checks.check_positive(value, name)
    _checks.check_shape(temperature, "temperature", ())
    temperature = constant(temperature, "temperature")
    if _checks.is_concrete(temperature) and not float(temperature) >= 0:
        raise ValueError(
            f"Argument `temperature` must not be negative, but is {temperature}."
        )
    return _sums(
        shape,
        constant(stiffness, "stiffness"),
        constant(mass, "mass"),
        constant(hbar, "hbar"),
        temperature,
    )


@jax.jit(static_argnums=0)
def _sums(
    shape: tuple[int, ...], stiffness: Array, mass: Array, hbar: Array, T: Array
) -> Displacements:
    d = len(shape)
    waves = []
    for axis, n in enumerate(shape):
        along = 4 * jnp.sin(jnp.pi * jnp.arange(n, dtype=stiffness.dtype) / n) ** 2
        waves.append(jnp.reshape(along, [-1 if a == axis else 1 for a in range(d)]))
    total = jnp.zeros(shape, stiffness.dtype)
    for wave in waves:
        total = total + jnp.broadcast_to(wave, shape)
    # the wave of k = 0 is the centre of mass
    moving = jnp.ones(shape, bool).at[(0,) * d].set(False)
    omega = jnp.sqrt(stiffness / mass * jnp.where(moving, total, 1))
    half = hbar * omega / (2 * jnp.where(T > 0, T, 1))
    coth = jnp.where(T > 0, 1 / jnp.tanh(half), 1)
    each = jnp.where(moving, hbar / (2 * mass * omega) * coth, 0)
    neighbour = [jnp.mean(each * jnp.broadcast_to(wave, shape)) for wave in waves]
    return Displacements(jnp.mean(each), jnp.stack(neighbour))


def ring_law(
    N: ArrayLike,
    *,
    stiffness: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """<u²> of a long ring at T = 0: (ħ/2π√(Km)) (ln N + γ + ln(2/π)).

    It grows without bound, and <Δu²> tends to 2ħ/π√(Km); off by O(N⁻²).

    Args:
        N: number of atoms, any shape.
        stiffness: K.
        mass: m.
        hbar: ħ.

    Returns:
        <u²>, shape of `N`.
    """
    scale = constant(hbar, "hbar") / (
        2 * jnp.pi * jnp.sqrt(constant(stiffness, "stiffness") * constant(mass, "mass"))
    )
    return scale * (jnp.log(constant(N, "N")) + np.euler_gamma + np.log(2 / np.pi))
