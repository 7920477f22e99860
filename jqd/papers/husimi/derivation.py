"""Sections I to III and the appendix: what the laws themselves compute, and claims."""

from ...inference import estimators
from ...inference.estimators import lengths
from ...spaces import symbols
from ..registry import equations_of
from . import amplifier, forms, generators
from .blocks import real_diffusion
from .evolution import weighted_diffusion
from .stochastic import backward_kernel, fokker_planck_rate

equation = equations_of("husimi")

equation("43", "III D").holds(
    "The evolution equation in complex coordinates: Liouville's flow, and C times a "
    "diffusion by the second derivatives of the Hamiltonian. At C = 1 it is what the "
    "Husimi function does, for three theories of one and two modes that obey (64); for "
    "whether C1 to C6 force it see claim-uniqueness.",
    test="test_energy.py::test_the_law_is_quantum_mechanics",
)(generators.complex_generator)
equation("47", "III E").holds(
    "The diagonal matrix that restores the units.",
    test="test_coordinates.py::test_scaled_coordinates",
)(forms.scales)
equation("51", "III E").holds(
    "The symplectic matrix.", test="test_real.py::test_hamiltonian_flow"
)(forms.symplectic)
equation("52", "III E").holds(
    "The diffusion matrix in dimensionless variables is C/2kappa times the commutator "
    "of the scaled Hessian with the symplectic matrix.",
    test="test_real.py::test_commutator_form",
)(forms.real_form)
equation("53", "III E").holds(
    "In these variables it is traceless.",
    test="test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.real_form)
equation("55", "III E").holds(
    "The diffusion term in real variables, with the prefactor hbar C/4kappa^2 before "
    "the commutator.",
    test="test_real.py::test_sign_of_the_expanded_diffusion",
)(generators.real_generator)
equation("56", "III E").holds(
    "The complete evolution equation in real variables; at C = 1 it is what the Husimi "
    "function does where (64) holds, and not for the fourth power of the position.",
    test="test_real.py::test_the_law_in_real_variables",
)(generators.real_generator)
equation("57", "III F").holds(
    "A free field is a sum of oscillators; at the lengths (59) its energy is the sum "
    "of the frequencies times the squared amplitudes.",
    test="test_coordinates.py::test_free_field_in_momentum_modes",
)(symbols.harmonic)
equation("59", "III F").holds(
    "The diffusion of the free field vanishes for lengths that are the root of kappa "
    "over the frequency.",
    test="test_coordinates.py::test_lengths_without_diffusion",
)(estimators.length_scales)
equation("A17", "Appendix A").holds(
    "Together they are the commutator.", test="test_real.py::test_commutator_form"
)(forms.real_form)
equation("claim-watanabe", "II A").corrected(
    "If the forward kernel is fixed by the theory, the backward kernel depends on the "
    "preparation, unless the motion is deterministic.",
    printed="It does so exactly where some end can be reached from two starts, as in "
    "every ordinary diffusion and, among finitely many states, in all random motion. A "
    "number with a random bit put in front, x' = (x + b)/2, is random forward and yet "
    "has one backward kernel for every preparation; a motion that takes two starts to "
    "one end is deterministic and has not.",
    test="test_stochastic.py::test_backward_kernel_depends_on_the_preparation",
)(backward_kernel)
equation("claim-one-way", "II B").holds(
    "Positive diffusion, here a constant one, can be followed forward in time but not "
    "backward: short waves then grow without a bound on their rate.",
    test="test_stochastic.py::test_diffusion_backward_in_time_has_no_bound",
)(fokker_planck_rate)
equation("claim-classical-limit", "III A").holds(
    "C1: as hbar goes to zero the law becomes Liouville's equation, for a given symbol "
    "and density; what the diffusion adds is of first order in hbar.",
    test="test_energy.py::test_diffusion_vanishes_with_hbar",
)(generators.complex_generator)
equation("claim-trace-from-reversal", "III B").refuted(
    "Time-reversal invariance enforces a diffusion matrix of zero trace (sections I, "
    "III B and III E).",
    printed="It enforces a trace that is odd in the momenta. A matrix with such a "
    "trace obeys C1 to C5; see (35).",
    test="test_conditions.py::test_time_reversal_allows_a_mixed_block",
)(real_diffusion)
equation("claim-uniqueness", "III D").refuted(
    "C1 to C6 determine the law up to a constant (sections III D and VI).",
    printed="Any real symmetric matrix of constants in place of C obeys them, and "
    "where no second derivative of H vanishes is quantum mechanics only if all its "
    "entries are 1. Covariance under rotations of the modes would ask for equal ones. "
    "Minimality to the letter gives C = 0.",
    test="test_energy.py::test_energy_leaves_the_weights_free",
)(weighted_diffusion)
equation("claim-traceless", "III E").corrected(
    "Zero trace is the defining feature of the diffusion (sections I, III E and VI).",
    printed="The trace vanishes in the dimensionless variables only, not in positions "
    "and momenta. What does not depend on units is that as many eigenvalues are "
    "positive as negative.",
    test="test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.diffusion_signature)
equation("claim-signature", "III E").holds(
    "In the dimensionless variables the diffusion matrix anticommutes with the "
    "symplectic matrix, so that its eigenvalues come in pairs of opposite sign.",
    test="test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.diffusion_signature)
equation("claim-frobenius", "I").holds(
    "The diffusion matrix is orthogonal to the Hessian (section I).",
    test="test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.real_form)
equation("claim-c7", "III F").corrected(
    "C7: for non-interacting, that is quadratic, Hamiltonians length scales can be "
    "found for which the diffusion vanishes.",
    printed="Only for those that conserve the number of quanta in the amplitudes of "
    "some lengths, as oscillators do. A parametric amplifier is quadratic and diffuses "
    "at every length, and so does a free particle at every finite one.",
    test="test_coordinates.py::test_lengths_without_diffusion",
)(lengths.commutator_residual)
equation("claim-c7-ordering", "III F").corrected(
    "With the lengths of the free theory the diffusion comes from interactions alone, "
    "and free terms add to the drift only (section III F).",
    printed="What is free depends on the ordering: the anti-Wick symbol of the fourth "
    "power of the position holds a negative quadratic term, the Weyl symbol none, the "
    "Wick symbol a positive one. Each has its own lengths, and at those of the free "
    "theory that term diffuses. An interaction that conserves quanta, such as Kerr's, "
    "adds none.",
    test="test_readings.py::test_what_is_free_depends_on_the_ordering",
)(lengths.commutator_residual)
equation("claim-proportional", "III F").refuted(
    "The diffusion of a quadratic Hamiltonian vanishes if and only if its scaled "
    "Hessian is proportional to the identity (section III F).",
    printed="It vanishes if and only if the Hessian commutes with the symplectic "
    "matrix: for every Hamiltonian that conserves the number of quanta, such as two "
    "oscillators of different frequencies or complex hopping. The free field itself "
    "has a Hessian that is not proportional to the identity.",
    printed_tex=r"D = 0 \iff \tilde{H}_0'' \propto I_{2N}",
    tex=r"D = 0 \iff [\tilde{H}_0'', J] = 0",
    test="test_coordinates.py::test_diffusion_vanishes_beyond_the_identity",
)(forms.real_form)
equation("claim-mode-basis", "III F").corrected(
    "C7 selects the momentum modes; no lengths do for the sites of a lattice (section "
    "III F).",
    printed="No lengths of the sites do: true, for lengths, which scale diagonally. "
    "But the basis is not selected: the fourth root of the inverse coupling matrix, "
    "not diagonal, makes the diffusion vanish in the basis of sites.",
    test="test_coordinates.py::test_sites_of_a_lattice_without_diffusion",
)(estimators.length_scales)
equation("claim-every-C", "III D").corrected(
    "The law is an evolution equation for any constant C (section III D).",
    printed="Solutions exist for all times for C from 0 to a limit that depends on the "
    "state: 2 for a coherent one, 1 + exp(-2r) for one squeezed by r in the amplifier. "
    "Outside they end at once for the Kerr oscillator, and at a finite time for the "
    "amplifier; that they end for other theories is not shown.",
    test="test_measurement.py::test_solutions_exist_in_a_window_of_C",
)(amplifier.amplifier_collapse_time)
