"""Appendices: axioms, paradoxes, and the two slits."""

from ... import ensembles, statistics
from ...laws.diffusion import Madelung
from ..registry import equations_of
from . import circulation, closed_forms, energies, observables, slits

equation = equations_of("diffusion")

equation("claim-A-state", "Appendix A").corrected(
    "Axiom 1 is a consequence: there is an amplitude, and its squared modulus is the "
    "probability.",
    printed="It does not follow from density and S alone, see claim-equivalence.",
    test="test_motion.py"
    "::test_the_hydrodynamic_equations_have_solutions_that_are_no_amplitude",
)(circulation.check_circulation)
equation("claim-A-eigenstates", "Appendix A").holds(
    "Axioms 3 and 4: the eigenstates of a Hermitian form are complete, means are sums "
    "over its eigenvalues, and in one of them its flow moves the phase alone (on eight "
    "sites).",
    test="test_brackets.py::test_eigenstates_of_a_hermitian_form_are_complete",
)(observables.bilinear)
equation("claim-A-measurement", "Appendix A").not_computable(
    "Axiom 5: a measurement gives an eigenvalue. The paper describes no measurement."
)
equation("claim-A-evolution", "Appendix A").holds(
    "Axiom 6: the amplitude obeys the Schroedinger equation, by (34).",
    test="test_fields.py::test_schrodinger_equation",
)(Madelung.vector_field)
equation("claim-A-indistinguishable", "Appendix A").corrected(
    "Axiom 7 is a consequence: particles are effectively indistinguishable, owing to "
    "fluctuations between collisions.",
    printed="Only if the fluctuations give one set of weights to all particles; see "
    "claim-each-particle.",
    test="test_statistics.py::test_weights_of_its_own_for_each_particle_change_nothing",
)(statistics.sample_occupations)
equation("claim-B-barrier", "Appendix B").holds(
    "A particle can leave a well without the energy to cross its walls: a packet of "
    "two levels below the barrier of a double well passes to the other side.",
    test="test_paths.py::test_a_packet_leaves_a_well",
)(energies.energy_budget)
equation("claim-B-energy", "Appendix B").not_computable(
    "The background field lends the energy and the sum is conserved. No equation holds "
    "the field; (25) alone is conserved already."
)
equation("claim-B-source", "Appendix B").not_computable(
    "Neither devices nor particles but the background field is the source of "
    "randomness."
)
equation("claim-C-interference", "Appendix C").holds(
    "Behind two slits amplitudes add, and not probabilities: of slits of Gaussian "
    "transmission, whose amplitude is a sum by construction. For a wall with slits see "
    "claim-C-amplitudes.",
    test="test_paths.py::test_amplitudes_or_probabilities_of_two_slits",
)(closed_forms.slit_density)
equation("claim-C-amplitudes", "Appendix C").corrected(
    "The amplitude of two open slits is the sum of those of one open slit each.",
    printed="To a per cent or so (one wall, on a coarse grid): the three walls differ, "
    "and each slit disturbs the wave of the other.",
    test="test_paths.py::test_slits_in_a_wall_are_coupled",
)(slits.slit_wall)
equation("claim-C-one-slit", "Appendix C").corrected(
    "With one slit open there is no interference.",
    printed="The fringes of two slits are gone. A slit with edges has dark lines of "
    "its own, at lambda L/a; one of Gaussian transmission has none.",
    test="test_paths.py::test_one_slit_has_dark_lines_too",
)(closed_forms.slit_amplitudes)
equation("claim-C-which-path", "Appendix C").holds(
    "Devices behind the slits make the ensemble mixed, and probabilities add: a "
    "pointer of width s that the way moves to a or -a leaves exp(-a^2/2s^2) of the "
    "fringes, the overlap of its states, which comes out of the motion of both. A "
    "detector of two states that the upper way turns leaves the cosine of the angle; "
    "by pi, all of them with dark for bright, and the ensemble pure.",
    test="ensembles/paths/test_measurement.py::test_the_overlap_of_the_pointer_emerges",
)(closed_forms.slit_density)
equation("claim-C-each-particle", "Appendix C").open(
    "Each particle passes through one of the slits. So does every continuous path "
    "through the wall; which process with the density is real no density tells "
    "(claim-noise)."
)(ensembles.bohm)
