"""Classes: transition rates, and the laws for any powers q and r."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ...laws.alignment import inverse_root
from ..registry import equations_of
from .angular import copy_angular
from .links import link_angle, off_diagonal, ratio_power, square_root

equation = equations_of("copying")


def copy_function(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    q: ArrayLike,
) -> Float[Array, "M M"]:
    """Rate at which one system of class b copies one given system of class a.

    F_ab = (1/n_a) (n_a/n_b)^q 2 R_ab sin⁺x_ab ≥ 0

    Args:
        q: power, scalar; 1/2 is quantum mechanics.

    Returns:
        F_ab, (M, M) real, 1/time, zero on the diagonal.

    Source: Smolin (2012), eqs. 3, 5, 14, 18 and 30.
    """
    angle = link_angle(phase, jnp.zeros_like(delta))
    factor = power_law(occupation, copy_angular(angle, R, delta), q)
    return factor * (inverse_root(occupation) ** 2)[:, None]


@equation("7", "3 real ensemble formulation").holds(
    "Occupations change by the difference of copying into and out of a class, first "
    "summed over individuals and then over classes.",
    test="test_individuals.py::test_occupations_follow_individuals",
)
def occupation_rate(
    F: Float[Array, "M M"], occupation: Float[Array, " M"]
) -> Float[Array, " M"]:
    """Change of the occupations, class by class.

    ṅ_a = Σ_b n_a n_b (F_ab - F_ba)

    Returns:
        ṅ_a, (M,) real, 1/time, summing to zero.
    """
    return occupation * ((F - F.T) @ occupation)


@equation("10", "3 real ensemble formulation").corrected(
    "The rate of the transition from b to a is the copy function times the occupation "
    "of a.",
    printed="In the scanned text the copier's class appears in both slots; and with "
    "the labels of (5) the rate belongs to the opposite transition.",
    printed_tex=r"T_{b\to a}=F(n_{a_I},\phi_{a_I},n_{a_I},\phi_{a_I})_{ab}\,n_a",
    tex=r"T_{b\to a}=F(n_a,\phi_a,n_b,\phi_b)_{ab}\,n_a,\qquad F_{ab}=P(I"
    r"\operatorname{copy}J)\big|_{a=a_J,\,b=a_I}",
    test="test_individuals.py::test_transition_rate_of_one_system",
)
def transition_rate(
    F: Float[Array, "M M"], occupation: Float[Array, " M"]
) -> Float[Array, "M M"]:
    """Rate at which one system of class b becomes a system of class a.

    T_{b→a} = F_ab n_a, in 1/time
    """
    return F * occupation[:, None]


@equation("9", "3 real ensemble formulation").holds(
    "The density obeys a master equation with transition rates between classes.",
    test="test_individuals.py::test_master_equation",
)
def master_rate(
    density: Float[Array, " M"], transition: Float[Array, "M M"]
) -> Float[Array, " M"]:
    """Change of the density under given transition rates.

    ρ̇_a = Σ_b (ρ_b T_{b→a} - ρ_a T_{a→b}), in 1/time

    Args:
        transition: T[a, b] = T_{b→a}, (M, M) real, 1/time.
    """
    return transition @ density - density * jnp.sum(transition, axis=0)


@equation("15", "3 real ensemble formulation").holds(
    "The phase rate, too, depends on occupations through their ratio and on phases "
    "through their difference.",
    test="test_individuals.py::test_phase_rate_depends_on_ratios",
)
@equation("17", "3 real ensemble formulation").holds(
    "The phase coupling factorises in the same way.",
    test="test_individuals.py::test_factors_are_powers_times_phase_functions",
)
@equation("18", "3 real ensemble formulation").holds(
    "The occupation ratio enters the copy function as a power q.",
    test="test_individuals.py::test_factors_are_powers_times_phase_functions",
)
@equation("19", "3 real ensemble formulation").holds(
    "The occupation ratio enters the phase coupling as a power r.",
    test="test_individuals.py::test_factors_are_powers_times_phase_functions",
)
def power_law(
    density: Float[Array, " M"], angular: Float[Array, "M M"], power: ArrayLike
) -> Float[Array, "M M"]:
    """A power of the occupation ratio times a function of the relative phase.

    F'_ab = (ρ_a/ρ_b)^q ℛ_ab and G'_ab = (ρ_a/ρ_b)^r 𝒰_ab

    Args:
        density: ρ_a or n_a, (M,) real.
        angular: ℛ_ab or 𝒰_ab at the present phases, (M, M) real, 1/time.
        power: q or r, scalar.

    Returns:
        F'_ab or G'_ab, (M, M) real, 1/time.
    """
    return ratio_power(density, power) * angular


@equation("20", "3 real ensemble formulation").holds(
    "Density law for any power q: what copying brings in from every other class less "
    "what it takes out.",
    test="test_densities.py::test_density_law_for_any_power",
)
@equation("21", "3 real ensemble formulation").holds(
    "Under time reversal the density law must return with the opposite sign at "
    "reversed phases.",
    test="test_densities.py::test_time_reversal_fixes_q_but_not_r",
)
def density_rate(
    density: Float[Array, " M"], angular: Float[Array, "M M"], q: ArrayLike
) -> Float[Array, " M"]:
    """Change of the density for any power q.

    ρ̇_a = Σ_b [(ρ_a/ρ_b)^q ρ_b ℛ_ab - (ρ_b/ρ_a)^q ρ_a ℛ_ba]

    Args:
        angular: ℛ_ab at the present phases, (M, M) real, 1/time, so that its
            transpose is ℛ_ba at the opposite relative phase.
        q: power, scalar.

    Returns:
        ρ̇_a, (M,) real, 1/time, summing to zero.
    """
    return master_rate(density, power_law(density, angular, q))


@equation("23", "3 real ensemble formulation").holds(
    "At q = 1/2 the density law is the root of the product of densities times an "
    "antisymmetric phase function.",
    test="test_densities.py::test_reversible_density_law",
)
def reversible_density_rate(
    density: Float[Array, " M"], angular: Float[Array, "M M"]
) -> Float[Array, " M"]:
    """Change of the density at the time-reversible power q = 1/2.

    ρ̇_a = Σ_b √(ρ_a ρ_b) (ℛ_ab - ℛ_ba), in 1/time

    Args:
        angular: ℛ_ab at the present phases, (M, M) real, 1/time.

    Source: Smolin (2012), eq. 23 and eq. 25, second line.
    """
    root = square_root(density)
    return root * ((angular - angular.T) @ root)


@equation("25", "3.1 Schroedinger equation").corrected(
    "Summary of the density law, with the rescaled copy function and with the phase "
    "function.",
    printed="In the first line the densities are exchanged: the inflow to a must carry "
    "the density of b. The second line is right.",
    printed_tex=r"\dot\rho_a=\sum_{b\neq a}\left(\rho_a F_{ab}-\rho_b F_{ba}\right)",
    tex=r"\dot\rho_a=\sum_{b\neq a}\left(\rho_b F'_{ab}-\rho_a F'_{ba}\right)",
    test="test_densities.py::test_first_line_of_the_summary",
)
def pair_density_rate(
    density: Float[Array, " M"], factor: Float[Array, "M M"], *, printed: bool = False
) -> Float[Array, " M"]:
    """Change of the density written with the rescaled copy function.

    ρ̇_a = Σ_b (ρ_b F'_ab - ρ_a F'_ba), in 1/time

    Args:
        factor: F'_ab, (M, M) real, 1/time.
        printed: use ρ_a F'_ab - ρ_b F'_ba, with the weights exchanged.
    """
    weight = density[:, None] if printed else density[None, :]
    flow = weight * factor
    return jnp.sum(flow - flow.T, axis=1)


@equation("13", "3 real ensemble formulation").holds(
    "Aligned phases obey a closed law for the class phases.",
    test="test_individuals.py::test_class_phases_obey_a_closed_law",
)
@equation("26", "3.1 Schroedinger equation").holds(
    "Phase law for any power r, the frequency of a class being its coupling to itself.",
    test="test_individuals.py::test_class_phases_obey_a_closed_law",
)
def class_phase_rate(
    density: Float[Array, " M"],
    angular: Float[Array, "M M"],
    omega: Float[Array, " M"],
    r: ArrayLike,
) -> Float[Array, " M"]:
    """Change of the class phases for any power r.

    φ̇_a = ω_a + Σ_{b≠a} (ρ_a/ρ_b)^r 𝒰_ab, in radians/time

    Args:
        density: ρ_a or n_a, (M,) real.
        angular: 𝒰_ab at the present phases, (M, M) real, 1/time; its diagonal is
            ignored.
        r: power, scalar; -1/2 is quantum mechanics.
    """
    return omega + jnp.sum(power_law(density, off_diagonal(angular), r), axis=1)
