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
from ..registry import equations_of
from .alignment import same_class

equation = equations_of("copying")


@equation("48", "3.2 phase alignment").holds(
    "The mean phase of a class.", test="test_alignment.py::test_class_mean_phase"
)
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


@equation("47", "3.2 phase alignment").corrected(
    "For small differences the force is linear in the distance from the class mean.",
    printed="A factor 2 is missing, as in (46).",
    printed_tex=r"\dot\pi^I=-f^2 n_I(\phi_I-\bar\phi_{a_I})+\cdots",
    tex=r"\dot\pi^I=-2f^2 n_I(\phi_I-\bar\phi_{a_I})+\cdots",
    test="test_alignment.py::test_small_differences",
)
@equation("50", "3.2 phase alignment").refuted(
    "The phases are driven to the minimum of the potential.",
    printed="Energy is conserved, so that nothing is driven: from rest, couplings "
    "neglected, the variance within a class oscillates between its first value and "
    "zero, at twice the frequency of alignment.",
    printed_tex=r"\phi_I=\bar\phi_{a_I}",
    tex=r"\phi_I=\bar\phi_{a_I}+\left[\phi_I(0)-\bar\phi_{a_I}\right]\cos\left(f"
    r"\sqrt{2n_I}\,t\right)",
    test="test_alignment.py::test_phases_oscillate_about_the_minimum",
)
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


@equation("49", "3.2 phase alignment").corrected(
    "Hamiltonian for small differences: oscillators about the class mean.",
    printed="The potential is half of what the Hamiltonian (45) gives: the square of "
    "the frequency of alignment is 2 f² n_a.",
    printed_tex=r"H=\sum_I\left[\frac{1}{2}(\pi^I)^2+\frac{f^2}{2}\,n_I(\phi_I-\bar"
    r"\phi_{a_I})^2\right]",
    tex=r"H=\sum_I\left[\frac{1}{2}(\pi^I)^2+f^2\,n_I(\phi_I-\bar\phi_{a_I})^2\right]",
    test="test_alignment.py::test_small_differences",
)
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
