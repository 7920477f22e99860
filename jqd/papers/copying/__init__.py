"""L. Smolin, "A Real Ensemble Interpretation of Quantum Mechanics" (2012).

The rules of copy dynamics, one equation a function.

Individuals I = 1..N carry a beable a_I (an integer in 0..M-1) and a phase φ_I;
classes a = 1..M carry an occupation n_a, a density ρ_a = n_a/N and a phase φ_a.
Throughout, Ψ_a = √ρ_a e^{-iφ_a}, H_aa = ω_a, H_ab = R_ab e^{iδ_ab} (ħ = 1), with
R symmetric and non-negative, δ antisymmetric, and x_ab = φ_a - φ_b + δ_ab. Phases
and angles are in radians; ω, R and all rates are per unit time. A matrix entry
[a, b] belongs to the flow b → a. A link that touches an empty class contributes
nothing: there is nobody to copy.

Where the printed equation is inconsistent, `printed=True` gives it literally. A formula
in a docstring is what the function returns, of the annotated shape and in the unit that
follows it. All functions take, where they say nothing else,

    beable         a_I, (N,) integer
    phase          φ_I, (N,), or φ_a, (M,), radians
    momentum       π_I, (N,), 1/time
    occupation     n_a, (M,)
    density        ρ_a, (M,)
    num_classes    M
    omega          ω_a, (M,), 1/time
    R              coupling, (M, M), 1/time; its diagonal is ignored
    delta          δ_ab, (M, M), radians
    F              F_ab, (M, M), 1/time
    f              alignment frequency, 1/time
    potential      "sin2", the paper's, or "1-cos"
    norm           "paper" or "class"
"""

from .alignment import alignment_energy as alignment_energy
from .alignment import alignment_force as alignment_force
from .alignment import alignment_potential as alignment_potential
from .alignment import drift_force as drift_force
from .alignment import phase_velocity as phase_velocity
from .alignment import same_class as same_class
from .alignment_action import alignment_lagrangian as alignment_lagrangian
from .alignment_action import alignment_lagrangian_circle as alignment_lagrangian_circle
from .alignment_action import poisson_bracket as poisson_bracket
from .alignment_small import class_mean_phase as class_mean_phase
from .alignment_small import small_energy as small_energy
from .alignment_small import small_force as small_force
from .angular import copy_angular as copy_angular
from .angular import copy_series as copy_series
from .angular import phase_angular as phase_angular
from .angular import phase_series as phase_series
from .classes import class_phase_rate as class_phase_rate
from .classes import copy_function as copy_function
from .classes import density_rate as density_rate
from .classes import master_rate as master_rate
from .classes import occupation_rate as occupation_rate
from .classes import pair_density_rate as pair_density_rate
from .classes import power_law as power_law
from .classes import reversible_density_rate as reversible_density_rate
from .classes import transition_rate as transition_rate
from .classical import classical_conditions as classical_conditions
from .classical import classical_lagrangian as classical_lagrangian
from .classical import continuity_rate as continuity_rate
from .classical import gradient as gradient
from .classical import hamilton_jacobi_rate as hamilton_jacobi_rate
from .classical import laplacian as laplacian
from .classical import lattice_potential as lattice_potential
from .classical import lattice_rates as lattice_rates
from .classical import quantum_potential as quantum_potential
from .classical import velocity as velocity
from .individuals import copy_beables as copy_beables
from .individuals import copy_rate as copy_rate
from .individuals import copy_rate_from_function as copy_rate_from_function
from .individuals import folded_phase_rate as folded_phase_rate
from .individuals import (
    occupation_rate_of_individuals as occupation_rate_of_individuals,
)
from .individuals import occupations as occupations
from .individuals import phase_coupling as phase_coupling
from .individuals import phase_rate as phase_rate
from .individuals import power_copy_rate as power_copy_rate
from .links import link_angle as link_angle
from .links import positive_sine as positive_sine
from .nodes import least_density as least_density
from .nodes import node_occupation_acceleration as node_occupation_acceleration
from .nodes import node_occupation_rate as node_occupation_rate
from .quantum_point import action_phase as action_phase
from .quantum_point import hamiltonian as hamiltonian
from .quantum_point import lagrangian as lagrangian
from .quantum_point import quantum_density_rate as quantum_density_rate
from .quantum_point import quantum_phase_rate as quantum_phase_rate
from .quantum_point import quantum_state as quantum_state
from .quantum_point import schrodinger_rate as schrodinger_rate
