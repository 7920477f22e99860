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

equation(
    "43",
    section="III D",
    statement="The evolution equation in complex coordinates: Liouville's flow, and C "
    "times a diffusion by the second derivatives of the Hamiltonian. At C = 1 it is "
    "what the Husimi function does, for three theories of one and two modes that obey "
    "(64); for whether C1 to C6 force it see claim-uniqueness.",
    verdict="holds",
    test="tests/papers/husimi/test_energy.py::test_the_law_is_quantum_mechanics",
)(generators.complex_generator)
equation(
    "47",
    section="III E",
    statement="The diagonal matrix that restores the units.",
    verdict="holds",
    test="tests/papers/husimi/test_coordinates.py::test_scaled_coordinates",
)(forms.scales)
equation(
    "51",
    section="III E",
    statement="The symplectic matrix.",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_hamiltonian_flow",
)(forms.symplectic)
equation(
    "52",
    section="III E",
    statement="The diffusion matrix in dimensionless variables is C/2kappa times the "
    "commutator of the scaled Hessian with the symplectic matrix.",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_commutator_form",
)(forms.real_form)
equation(
    "53",
    section="III E",
    statement="In these variables it is traceless.",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.real_form)
equation(
    "55",
    section="III E",
    statement="The diffusion term in real variables, with the prefactor hbar "
    "C/4kappa^2 before the commutator.",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_sign_of_the_expanded_diffusion",
)(generators.real_generator)
equation(
    "56",
    section="III E",
    statement="The complete evolution equation in real variables; at C = 1 it is what "
    "the Husimi function does where (64) holds, and not for the fourth power of the "
    "position.",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_the_law_in_real_variables",
)(generators.real_generator)
equation(
    "57",
    section="III F",
    statement="A free field is a sum of oscillators; at the lengths (59) its energy "
    "is the sum of the frequencies times the squared amplitudes.",
    verdict="holds",
    test="tests/papers/husimi/test_coordinates.py::test_free_field_in_momentum_modes",
)(symbols.harmonic)
equation(
    "59",
    section="III F",
    statement="The diffusion of the free field vanishes for lengths that are the root "
    "of kappa over the frequency.",
    verdict="holds",
    test="tests/papers/husimi/test_coordinates.py::test_lengths_without_diffusion",
)(estimators.length_scales)
equation(
    "A17",
    section="Appendix A",
    statement="Together they are the commutator.",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_commutator_form",
)(forms.real_form)
equation(
    "claim-watanabe",
    section="II A",
    statement="If the forward kernel is fixed by the theory, the backward kernel "
    "depends on the preparation, unless the motion is deterministic.",
    verdict="corrected",
    printed="It does so exactly where some end can be reached from two starts, as in "
    "every ordinary diffusion and, among finitely many states, in all random motion. "
    "A number with a random bit put in front, x' = (x + b)/2, is random forward and "
    "yet has one backward kernel for every preparation; a motion that takes two "
    "starts to one end is deterministic and has not.",
    test="tests/papers/husimi/test_stochastic.py"
    "::test_backward_kernel_depends_on_the_preparation",
)(backward_kernel)
equation(
    "claim-one-way",
    section="II B",
    statement="Positive diffusion, here a constant one, can be followed forward in "
    "time but not backward: short waves then grow without a bound on their rate.",
    verdict="holds",
    test="tests/papers/husimi/test_stochastic.py"
    "::test_diffusion_backward_in_time_has_no_bound",
)(fokker_planck_rate)
equation(
    "claim-classical-limit",
    section="III A",
    statement="C1: as hbar goes to zero the law becomes Liouville's equation, for a "
    "given symbol and density; what the diffusion adds is of first order in hbar.",
    verdict="holds",
    test="tests/papers/husimi/test_energy.py::test_diffusion_vanishes_with_hbar",
)(generators.complex_generator)
equation(
    "claim-trace-from-reversal",
    section="III B",
    statement="Time-reversal invariance enforces a diffusion matrix of zero trace "
    "(sections I, III B and III E).",
    verdict="refuted",
    printed="It enforces a trace that is odd in the momenta. A matrix with such a "
    "trace obeys C1 to C5; see (35).",
    test="tests/papers/husimi/test_conditions.py"
    "::test_time_reversal_allows_a_mixed_block",
)(real_diffusion)
equation(
    "claim-uniqueness",
    section="III D",
    statement="C1 to C6 determine the law up to a constant (sections III D and VI).",
    verdict="refuted",
    printed="Any real symmetric matrix of constants in place of C obeys them, and "
    "where no second derivative of H vanishes is quantum mechanics only if all its "
    "entries are 1. Covariance under rotations of the modes would ask for equal ones. "
    "Minimality to the letter gives C = 0.",
    test="tests/papers/husimi/test_energy.py::test_energy_leaves_the_weights_free",
)(weighted_diffusion)
equation(
    "claim-traceless",
    section="III E",
    statement="Zero trace is the defining feature of the diffusion (sections I, III E "
    "and VI).",
    verdict="corrected",
    printed="The trace vanishes in the dimensionless variables only, not in positions "
    "and momenta. What does not depend on units is that as many eigenvalues are "
    "positive as negative.",
    test="tests/papers/husimi/test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.diffusion_signature)
equation(
    "claim-signature",
    section="III E",
    statement="In the dimensionless variables the diffusion matrix anticommutes with "
    "the symplectic matrix, so that its eigenvalues come in pairs of opposite sign.",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.diffusion_signature)
equation(
    "claim-frobenius",
    section="I",
    statement="The diffusion matrix is orthogonal to the Hessian (section I).",
    verdict="holds",
    test="tests/papers/husimi/test_real.py::test_traceless_in_scaled_variables_alone",
)(forms.real_form)
equation(
    "claim-c7",
    section="III F",
    statement="C7: for non-interacting, that is quadratic, Hamiltonians length scales "
    "can be found for which the diffusion vanishes.",
    verdict="corrected",
    printed="Only for those that conserve the number of quanta in the amplitudes of "
    "some lengths, as oscillators do. A parametric amplifier is quadratic and "
    "diffuses at every length, and so does a free particle at every finite one.",
    test="tests/papers/husimi/test_coordinates.py::test_lengths_without_diffusion",
)(lengths.commutator_residual)
equation(
    "claim-c7-ordering",
    section="III F",
    statement="With the lengths of the free theory the diffusion comes from "
    "interactions alone, and free terms add to the drift only (section III F).",
    verdict="corrected",
    printed="What is free depends on the ordering: the anti-Wick symbol of the fourth "
    "power of the position holds a negative quadratic term, the Weyl symbol none, the "
    "Wick symbol a positive one. Each has its own lengths, and at those of the free "
    "theory that term diffuses. An interaction that conserves quanta, such as Kerr's, "
    "adds none.",
    test="tests/papers/husimi/test_readings.py"
    "::test_what_is_free_depends_on_the_ordering",
)(lengths.commutator_residual)
equation(
    "claim-proportional",
    section="III F",
    statement="The diffusion of a quadratic Hamiltonian vanishes if and only if its "
    "scaled Hessian is proportional to the identity (section III F).",
    verdict="refuted",
    printed="It vanishes if and only if the Hessian commutes with the symplectic "
    "matrix: for every Hamiltonian that conserves the number of quanta, such as two "
    "oscillators of different frequencies or complex hopping. The free field itself "
    "has a Hessian that is not proportional to the identity.",
    printed_tex=r"D = 0 \iff \tilde{H}_0'' \propto I_{2N}",
    tex=r"D = 0 \iff [\tilde{H}_0'', J] = 0",
    test="tests/papers/husimi/test_coordinates.py"
    "::test_diffusion_vanishes_beyond_the_identity",
)(forms.real_form)
equation(
    "claim-mode-basis",
    section="III F",
    statement="C7 selects the momentum modes; no lengths do for the sites of a "
    "lattice (section III F).",
    verdict="corrected",
    printed="No lengths of the sites do: true, for lengths, which scale diagonally. "
    "But the basis is not selected: the fourth root of the inverse coupling matrix, "
    "not diagonal, makes the diffusion vanish in the basis of sites.",
    test="tests/papers/husimi/test_coordinates.py"
    "::test_sites_of_a_lattice_without_diffusion",
)(estimators.length_scales)
equation(
    "claim-every-C",
    section="III D",
    statement="The law is an evolution equation for any constant C (section III D).",
    verdict="corrected",
    printed="Solutions exist for all times for C from 0 to a limit that depends on "
    "the state: 2 for a coherent one, 1 + exp(-2r) for one squeezed by r in the "
    "amplifier. Outside they end at once for the Kerr oscillator, and at a finite "
    "time for the amplifier; that they end for other theories is not shown.",
    test="tests/papers/husimi/test_measurement.py"
    "::test_solutions_exist_in_a_window_of_C",
)(amplifier.amplifier_collapse_time)
