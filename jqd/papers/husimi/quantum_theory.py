"""Section IV: Husimi functions, anti-Wick order, and the law as quantum theory."""

from ... import states
from ...laws.husimi import HusimiFokkerPlanck
from ...spaces import symbols
from ...spaces.symbols import Symbol
from ..registry import equations_of
from . import generators, paths
from .evolution import complex_fokker_planck

equation = equations_of("husimi")

equation("60", "IV A").holds(
    "The Husimi function: expectation value of the density operator in coherent "
    "states, over (pi hbar)^N for a density of unit integral.",
    test="test_quantum.py::test_expectation_values_are_phase_space_averages",
)(states.husimi)
equation("61", "IV A").holds(
    "Expectation values are averages of anti-Wick symbols over the Husimi function.",
    test="test_quantum.py::test_expectation_values_are_phase_space_averages",
)(states.antinormal_moment)
equation("62", "IV B").holds(
    "Anti-Wick quantization: an operator is the integral of its symbol over projectors "
    "on coherent states.",
    test="test_quantum.py::test_antiwick_quantization",
)(symbols.matrix)
equation("63", "IV C").holds(
    "Evolution of the Husimi function as a series in derivatives of the anti-Wick "
    "symbol.",
    test="test_quantum.py::test_series_ends_with_the_holomorphic_degree",
)(generators.order_term)
equation("64", "IV C").holds(
    "Condition under which the series ends with second derivatives: third derivatives "
    "by unconjugated coordinates, and by conjugated ones, vanish for each three modes.",
    test="test_quantum.py::test_series_ends_with_the_holomorphic_degree",
)(Symbol.is_fokker_planck)
equation("65", "IV C").holds(
    "The evolution of the Husimi function under this condition, tried for three "
    "theories of one and two modes.",
    test="test_energy.py::test_the_law_is_quantum_mechanics",
)(generators.complex_generator)
equation("66", "IV D").holds(
    "It is the law (43) with the anti-Wick symbol for the Hamiltonian and C = 1, given "
    "that the law's hbar is that of the coherent states.",
    test="test_energy.py::test_the_law_is_quantum_mechanics",
)(generators.complex_generator)
equation("claim-minimality", "IV D").holds(
    "A more complicated diffusion would have lost the match with quantum theory "
    "(section IV D). Coherent states tell every coefficient of a second-order equation "
    "at a point, so that beside Liouville's flow no other diffusion gives their rates.",
    test="test_energy.py"
    "::test_no_other_diffusion_beside_liouvilles_flow_is_quantum_mechanics",
)(complex_fokker_planck)
equation("claim-normalized", "IV A").holds(
    "The Husimi function is nowhere negative and has unit integral.",
    test="test_quantum.py::test_expectation_values_are_phase_space_averages",
)(states.husimi)
equation("claim-vacuum", "IV B").corrected(
    "Only on continuous space does the Husimi function depend on the choice of a "
    "vacuum; with finitely many modes the issue does not arise (section IV B).",
    printed="Coherent states of another length are another vacuum of one mode. The "
    "same state then has another Husimi function and the same oscillator a diffusion, "
    "though each pair is quantum mechanics at C = 1. Whether (64) holds depends on it: "
    "Kerr's interaction has third derivatives at another length.",
    test="test_readings.py::test_each_vacuum_has_its_husimi_function_and_its_diffusion",
)(generators.kappa_free_generator)
equation("claim-schrodinger", "IV C").holds(
    "Where (64) holds the law is the Schroedinger equation in coherent states "
    "(abstract and section IV C); tried on all entries of the density matrix for four "
    "theories of one to three modes.",
    test="test_quantum.py::test_the_law_is_the_schrodinger_equation",
)(HusimiFokkerPlanck.vector_field)
equation("claim-C-is-one", "IV D").corrected(
    "Agreement with quantum theory fixes C = 1 (sections IV D and VI).",
    printed="C and the law's hbar enter as a product alone: agreement fixes C hbar at "
    "the hbar of the coherent states, so that C = 1 once the two are called the same. "
    "Where nothing diffuses, as for oscillators at their own lengths, it fixes "
    "nothing.",
    printed_tex="C = 1",
    tex=r"C\,\hbar = \hbar_{\text{coherent states}}",
    test="test_quantum.py::test_only_the_product_of_C_and_hbar_is_fixed",
)(generators.complex_generator)
equation("claim-degree", "IV C").refuted(
    "For a symbol of degree d in each complex variable only derivatives up to order d "
    "contribute (section IV C).",
    printed="False for several modes: what counts is the degree in all unconjugated "
    "variables together. The product of three different amplitudes has degree 1 in "
    "each, and third derivatives.",
    printed_tex=r"|m| \le d, \quad d = \max_i \deg_{\alpha_i} H_{aW}",
    tex=r"|m| \le d, \quad d = \deg_{(\alpha_1, \dots, \alpha_N)} H_{aW}",
    test="test_quantum.py::test_degree_in_each_variable_does_not_end_the_series",
)(generators.order_term)
equation("claim-density", "IV E").holds(
    "At C = 1 the density that the law moves stays non-negative, as a probability must "
    "(section IV E): it is a Husimi function. At C = 1.1 it turned negative from each "
    "of the four starts tried.",
    test="test_measurement.py"
    "::test_densities_of_other_starts_and_theories_stay_positive",
)(HusimiFokkerPlanck)
equation("claim-heterodyne", "IV E").holds(
    "The Husimi function gives the statistics of heterodyne detection (section IV E): "
    "of position and momentum at the two outputs of a beam splitter that mixes the "
    "mode with vacuum.",
    test="test_readings.py::test_heterodyne_detection_samples_the_husimi_function",
)(states.husimi)
equation("claim-sharp-values", "IV E").not_computable(
    "All dynamical variables have sharp values at all times (section IV E)."
)
equation("claim-trajectories", "IV E").refuted(
    "The density of every pure state arises from an ensemble of stochastic "
    "trajectories (sections IV E and VI A), in the form: a weighted average of "
    "positive conditional path densities, with weights that are not negative.",
    printed="Such an average is positive everywhere, and the Husimi function of a pure "
    "state that is not Gaussian has zeros, as is known and was found for four of them. "
    "In the amplifier the only weight that gives one quantum, or a cat, is known in "
    "closed form and is negative; the best that is not misses one quantum by 0.005 in "
    "total variation at gT = 1, at most. Gaussian states without correlation of the "
    "quadratures have a weight. Kernels that vanish, have signs or depend on the state "
    "are not covered.",
    test="test_trajectories.py"
    "::test_no_weight_of_paths_gives_a_pure_non_gaussian_state",
)(paths.path_weight)
equation("claim-trajectories-mixed", "IV E").open(
    "The same for mixed states, where it depends on the state. In the amplifier a cat "
    "|b> + |-b> with its coherence reduced to m has a weight over a time T if and only "
    "if m is at most exp(-b^2 tanh gT); other mixed states were not tried.",
    test="test_trajectories.py::test_mixed_cats_have_a_weight_up_to_some_coherence",
)(paths.path_weight)
