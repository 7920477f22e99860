"""Individuals: copying, its rates, and the rates of the phases."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from jqd.laws.alignment import inverse_root
from jqd.readings.lattice import off_diagonal

from .links import link_angle, per_pair, positive_sine, ratio_power


def copy_beables(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    copier: ArrayLike,
    copied: ArrayLike,
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """State after one individual has copied another.

    a_I → a_J, φ_I → φ_J

    Args:
        copier: the index I, scalar integer.
        copied: the index J, scalar integer.

    Returns:
        The new (beable, phase), shapes and dtypes unchanged.
    """
    return (
        beable.at[copier].set(beable[copied]),
        phase.at[copier].set(phase[copied]),
    )


def occupations(
    beable: Int[Array, " N"], num_classes: int, *, dtype=None
) -> Float[Array, " M"]:
    """Number of individuals in each class.

    n_a = Σ_I [a_I = a]

    Args:
        dtype: real dtype of the result; JAX's default when None.

    Returns:
        n_a, (M,) real, summing to N. Divided by N it is the density ρ_a.

    Source: Smolin (2012), eq. 8 and the definition before eq. 7.
    """
    return jnp.sum(jax.nn.one_hot(beable, num_classes, dtype=dtype), axis=0)


def copy_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    occupation: Float[Array, " M"] | None = None,
    printed: bool = False,
) -> Float[Array, "N N"]:
    """Rate at which I copies J.

    P(I copy J) = 2 R_{a_I a_J} sin⁺(φ_J - φ_I + δ_{a_J a_I}) / √(n_I n_J)

    Args:
        occupation: n_a, (M,) real; counted from `beable` when None.
        printed: take sin⁺(φ_I - φ_J + δ_{a_I a_J}), which runs time backwards.

    Returns:
        P[I, J], (N, N) real, 1/time; zero within a class.
    """
    if occupation is None:
        occupation = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, per_pair(delta, beable))
    weight = inverse_root(occupation)[beable]
    rate = 2 * per_pair(off_diagonal(R), beable) * weight[:, None] * weight[None, :]
    return rate * positive_sine(x if printed else x.T)


def power_copy_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    q: ArrayLike,
    *,
    printed: bool = False,
) -> Float[Array, "N N"]:
    """Rate at which I copies J for a general power of the occupation ratio.

    P(I copy J) = (1/n_J) (n_J/n_I)^q 2 R sin⁺(φ_J - φ_I + δ_{a_J a_I})

    Args:
        q: power, scalar; 1/2 is quantum mechanics.
        printed: put the copier I, not the copied J, into the first slot.

    Returns:
        P[I, J], (N, N) real, 1/time.
    """
    n = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, per_pair(delta, beable))
    strength = 2 * per_pair(off_diagonal(R), beable) * positive_sine(x)
    # first_slot[K, L]: K fills the first slot, L the second.
    first_slot = ratio_power(n[beable], q) * strength / n[beable][:, None]
    return first_slot if printed else first_slot.T


def copy_rate_from_function(
    F: Float[Array, "M M"], beable: Int[Array, " N"], *, printed: bool = False
) -> Float[Array, "N N"]:
    """Individual copy rates read off the class function F.

    P(I copy J) = F_ab with a = a_J (copied) and b = a_I (copier)

    Args:
        printed: read a = a_I, b = a_J, at odds with the equations that follow.

    Returns:
        P[I, J], (N, N) real, 1/time.
    """
    rate = per_pair(F, beable)
    return rate if printed else rate.T


def occupation_rate_of_individuals(
    rate: Float[Array, "N N"], beable: Int[Array, " N"], num_classes: int
) -> Float[Array, " M"]:
    """Mean change of the occupations under given individual copy rates.

    ṅ_a = Σ_I Σ_{J≠I} [a_J = a][a_I ≠ a] (P(I copy J) - P(J copy I)), in 1/time

    Args:
        rate: P[I, J], (N, N) real, 1/time.

    Source: Smolin (2012), eq. 7, first line.
    """
    member = jax.nn.one_hot(beable, num_classes, dtype=rate.dtype)
    return jnp.einsum("Ja,Ia,IJ->a", member, 1 - member, rate - rate.T)


def phase_coupling(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    occupation: Float[Array, " M"] | None = None,
) -> Float[Array, "N N"]:
    """Pull of J on the phase of I, before any pair is left out.

    G_IJ = R_{a_I a_J} cos(φ_I - φ_J + δ_{a_I a_J}) / √(n_I n_J)

    Args:
        R: coupling, (M, M) real, 1/time.
        occupation: n_a, (M,) real; counted from `beable` when None.

    Returns:
        G[I, J], (N, N) real, 1/time.
    """
    if occupation is None:
        occupation = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, per_pair(delta, beable))
    weight = inverse_root(occupation)[beable]
    return per_pair(R, beable) * weight[:, None] * weight[None, :] * jnp.cos(x)


def phase_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " N"]:
    """Continuous rate of every individual's phase.

    Ω_I = ω_{a_I} + Σ_{J: a_J ≠ a_I} G_IJ, in radians/time

    Args:
        R: coupling, (M, M) real, 1/time; its diagonal matters only if `printed`.
        printed: sum over all J ≠ I, members of I's own class included.
    """
    pull = phase_coupling(beable, phase, R, delta)
    left_out = (
        jnp.eye(beable.shape[0], dtype=bool)
        if printed
        else beable[:, None] == beable[None, :]
    )
    return omega[beable] + jnp.sum(jnp.where(left_out, 0, pull), axis=1)


def folded_phase_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " N"]:
    """Phase rate with the frequencies folded into the coupling, R_aa = ω_a.

    Ω_I = Σ_J G_IJ, the term J = I included, in radians/time

    Args:
        omega: ω_a, (M,) real, 1/time; replaces the diagonal of `R`.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians, zero on the diagonal.
        printed: leave out J = I, which loses ω_a/n_a.

    Source: Smolin (2012), eqs. 12 and 40, with ω_a = U_aa as after eq. 26.
    """
    folded = off_diagonal(R) + jnp.diag(omega)
    pull = phase_coupling(beable, phase, folded, delta)
    return jnp.sum(off_diagonal(pull) if printed else pull, axis=1)
