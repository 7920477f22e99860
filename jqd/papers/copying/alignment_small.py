"""Small phase differences: the linear theory of the alignment model.

To first order in the distances from the mean phase φ̄ of a class, each class is a set
of oscillators of frequency √(2 s_a n_a): f√(2n_a) with the paper's norm, f√2 with that
per class, the same for both potentials. Where the printed equation is inconsistent,
`printed=True` gives it literally.
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from ...laws.alignment import strength
from .alignment import same_class


def class_mean_phase(
    phase: Float[Array, " N"], beable: Int[Array, " N"]
) -> Float[Array, " N"]:
    """Mean phase of each individual's class; the minimum of the potential.

    φ̄_{a_I} = (1/n_I) Σ_{J∈a_I} φ_J, in radians

    Args:
        phase: φ_I, (N,) real, radians, not wrapped.
    """
    same = same_class(beable)
    return jnp.sum(same * phase[None, :], axis=1) / jnp.sum(same, axis=1)


def small_force(
    phase: Float[Array, " N"],
    beable: Int[Array, " N"],
    f: ArrayLike,
    *,
    norm: str = "paper",
    printed: bool = False,
) -> Float[Array, " N"]:
    """Aligning force for small phase differences.

    π̇_I = -2 s_a n_I (φ_I - φ̄_{a_I}),  s_a = f² or f²/n_a, in 1/time²

    Args:
        printed: f² in place of 2f².
    """
    n = jnp.sum(same_class(beable), axis=1).astype(phase.dtype)
    offset = phase - class_mean_phase(phase, beable)
    return -n * offset * (1 if printed else 2) * strength(f, n, norm)


def small_energy(
    phase: Float[Array, " N"],
    momentum: Float[Array, " N"],
    beable: Int[Array, " N"],
    f: ArrayLike,
    *,
    norm: str = "paper",
    printed: bool = False,
) -> Float[Array, ""]:
    """Hamiltonian for small phase differences, the drift neglected.

    H = Σ_I [π_I²/2 + s_a n_I (φ_I - φ̄_{a_I})²],  s_a = f² or f²/n_a, in 1/time²

    Args:
        printed: f²/2 in place of f².
    """
    n = jnp.sum(same_class(beable), axis=1).astype(phase.dtype)
    offset = phase - class_mean_phase(phase, beable)
    stiffness = strength(f, n, norm) / (2 if printed else 1)
    return jnp.sum(momentum**2 / 2 + stiffness * n * offset**2)
