"""Open questions of the paper, most from section 3.4, as far as they are answered."""

from ...ensembles import copying
from ...laws.copying import CopyDynamics
from ...states import composite
from ..registry import equations_of
from . import stability
from .angular import copy_series
from .classes import power_law
from .individuals import copy_rate
from .quantum_point import quantum_density_rate

equation = equations_of("copying")

equation("question-preparation", "3.4 open issues").refuted(
    "Systems of the same constituents and environment form one ensemble, whatever "
    "their preparation.",
    printed="Prepared in two states, with the phases of each aligned, they copy "
    "across: the rates of the whole are not the mean of the rates of the two. The "
    "preparation has to be part of what defines an ensemble.",
    test="test_ensembles.py::test_preparations_must_not_share_an_ensemble",
)(copy_rate)
equation("question-coarse-closed", "3.4 open issues").refuted(
    "Coarse graining a copy law gives a copy law: lumped classes obey one of their "
    "own.",
    printed="In general they obey no law of their own: equal densities of the lumps "
    "move at different rates according to how they are filled. With many copies it is "
    "the same for quantum mechanics, whose coarse graining is identical, since the "
    "fine law is its Schroedinger equation.",
    test="test_coarse.py::test_lumped_densities_obey_no_law_of_their_own",
)(quantum_density_rate)
equation("question-coarse-laws", "3.4 open issues").holds(
    "A lump of m classes that are alike in couplings, densities and phases acts as one "
    "class, with couplings sqrt(m) times larger, at the quantum point alone: otherwise "
    "flow in, flow out and the two phase rates scale as m to the powers 1 - q, q, -r "
    "and 1 + r, which agree only for q = 1/2, r = -1/2.",
    test="test_coarse.py::test_like_classes_lump_at_the_quantum_point_alone",
)(power_law)
equation("question-coarse-copying", "3.4 open issues").holds(
    "Coarse graining the copying is not copying coarse beables: opposite flows between "
    "two lumps cancel in the density but are both copied, so that there is more "
    "copying than in a law of the lumps; they agree where all flows between two lumps "
    "have one direction.",
    test="test_coarse.py::test_more_is_copied_between_lumps_than_they_need",
)(power_law)
equation("question-ensemble-size", "3.4 open issues").holds(
    "Corrections depend on the size of the ensemble: the infidelity to quantum "
    "mechanics is, to first order, 1/N times the integral of |J_ab| (1/rho_a + "
    "1/rho_b)/4 summed over pairs of classes.",
    test="ensembles/copying/test_statistics.py::test_lost_fidelity",
)(copying.infidelity)
equation("question-size-fidelity", "3.4 open issues").holds(
    "Sampled ensembles of a thousand copies of three classes lose fidelity at that "
    "rate, within their statistical error of 3 %; with q = 0.2 they are more than "
    "three times as far from quantum mechanics.",
    test="ensembles/copying/test_statistics.py::test_lost_fidelity",
)(copying.sample)
equation("question-size-scatter", "3.4 open issues").holds(
    "Densities scatter around those of quantum mechanics by N to the power -1/2; with "
    "q = 0.45 by less than N to the power -0.3 from 1e4 to 1e6 copies.",
    test="ensembles/copying/test_statistics.py::test_scatter_falls_as_one_over_root_N",
)(copying.sample)
equation("question-size-energy", "3.4 open issues").holds(
    "N copies do not conserve energy: between two classes of equal energy its mean "
    "falls at first by the share kappa/N a period, kappa being a quarter of the "
    "integral of dp/(p(1-p))² over the orbit. The exponential of -g kappa/N after g "
    "periods is only the tangent: of 25 copies between 0.2 and 0.8 about half of what "
    "it says is left after 6 periods.",
    test="test_finite.py::test_energy_falls_faster_than_its_tangent",
)(copying.sample)
equation("question-size-energy-rate", "3.4 open issues").holds(
    "In general the mean energy drifts, to first order in 1/N, by 1/(2N) of the sum "
    "over pairs of |J_ab| times the second derivative of the energy along the exchange "
    "of density between a and b.",
    test="test_finite.py::test_energy_drifts_by_the_law",
)(copying.energy_drift)
equation("question-composite", "3.4 open issues").refuted(
    "A part of an entangled pair has an ensemble of its own, as well as the pair.",
    printed="Of cos 30° |00> + sin 30° |11> with one part turned, no phase of the "
    "other part makes its own copy law follow its density; the law of the pair does. "
    "The entangled whole carries the beables.",
    test="test_questions.py"
    "::test_a_part_of_an_entangled_pair_has_no_ensemble_of_its_own",
)(composite.marginal)
equation("question-hierarchy", "3.4 open issues").holds(
    "A beable may belong to several levels of a hierarchy if each is in a product "
    "state with the rest: one system then jumps and turns at the same rates at either "
    "level, for every q and r; rates of an entangled part depend on its partner.",
    test="test_coarse.py::test_a_beable_may_belong_to_several_levels",
)(power_law)
equation("question-composite-products", "3.4 open issues").holds(
    "Systems in a product state evolve each by a copy law of its own, for every q and "
    "r.",
    test="states/test_composite.py::test_product_states_do_not_signal",
)(composite.product)
equation("question-entanglement", "3.4 open issues").holds(
    "Joint beables of a pair carry entanglement: with many copies and no class empty "
    "on the way Bell's (CHSH) sum reaches 2 sqrt(2). A singlet prepared in its own "
    "beables leaves two classes empty; its copies stay still at every setting, with "
    "the sum at the classical bound 2.",
    test="test_questions.py"
    "::test_entangled_pairs_break_bells_bound_unless_classes_are_empty",
)(CopyDynamics)
equation("question-wigners-friend", "3.4 open issues").not_computable(
    "Copy dynamics resolves Wigner's friend. Nothing to compute: the paper has no rule "
    "for when an observer with his system ceases to have copies, and without one "
    "either answer can be had."
)
equation("question-simultaneity", "3.4 open issues").holds(
    "The ensemble needs a preferred simultaneity: off the quantum point the order in "
    "which distant parts of an entangled pair are turned shows in the probabilities. "
    "At the quantum point, with many copies, it stays hidden, and for product states "
    "everywhere.",
    test="test_questions.py"
    "::test_the_order_of_distant_turns_shows_off_the_quantum_point",
)(CopyDynamics)
equation("question-relativistic-ensemble", "3.4 open issues").not_computable(
    "The ensemble may be made of all like systems in the whole of spacetime. Nothing "
    "to compute: the paper gives no copy rule between different times; all its rates "
    "are at one time."
)
equation("question-preferred-basis", "3.4 open issues").holds(
    "What picks the beables could be seen: the noise of N copies depends on the basis. "
    "In that of energies nobody copies at all and nothing is lost; so too for momenta "
    "of a free particle.",
    test="test_ensembles.py::test_noise_and_nodes_depend_on_the_beables",
)(copying.infidelity)
equation("question-operators", "3.4 open issues").holds(
    "Observables not diagonal in the beables are read by an interaction that turns "
    "their eigenstates into classes, after which beables are counted: at the quantum "
    "point, with many copies, this gives their quantum probabilities and means, at "
    "other q and r it does not.",
    test="test_questions.py::test_other_observables_are_read_after_a_turn",
)(CopyDynamics)
equation("question-alignment-tongues", "3.4 open issues").holds(
    "Stability of alignment: while classes fill and empty the spread of phases within "
    "them obeys Hill's equation and grows in tongues of the strength, for densities "
    "from 0.2 to 0.8 at 2f²N in 1.53 to 2.79, 7.78 to 9.32, 18.4 to 19.8 (R = 1); "
    "damping narrows the first.",
    test="laws/alignment/test_stability.py::test_tongues",
)(stability.tongues)
equation("question-alignment-momenta", "3.4 open issues").holds(
    "Momenta that are copied along grow on seven of eight random motions of three "
    "classes, with Lyapunov exponents of 0.3 to 0.7 where R is 0.5 to 0.7 (time 60); "
    "on the eighth with less than 0.1, and on one gentle motion with none above 0.05. "
    "If they are not copied, the largest exponent of the momenta is below 0.08 on all "
    "nine. The paper does not say which.",
    test="laws/alignment/test_stability.py::test_momenta_of_many_classes",
)(stability.lyapunov_exponents)
equation("question-alignment-occupations", "3.4 open issues").holds(
    "At fixed occupations the aligned solution is unstable: for 12 and 8 systems a "
    "quarter turn apart, at the strength f = 0.3, disturbances grow at the rate 0.408 "
    "R of the copy law's own phases.",
    test="laws/alignment/test_stability.py::test_spectrum_at_fixed_occupations",
)(stability.spectrum)
equation("question-alignment-basin", "3.4 open issues").holds(
    "From random phases, with damping, the squared sine aligns none of 20 ensembles "
    "but only the phases modulo pi; a potential 1 - cos aligns all.",
    test="laws/alignment/test_stability.py::test_basin",
)(stability.align_from_random)
equation("question-alignment-drift", "3.4 open issues").holds(
    "What aligns phases in the copy law itself is drift: copies descend from ever "
    "fewer ancestors, and in the first period the variance within classes falls by a "
    "share of (2/N)(1/rho_min - 1/rho_max); without it alignment is neutral "
    "(claim-attractor).",
    test="ensembles/copying/test_individuals.py::test_coalescence",
)(copying.individuals)
equation("question-factorisation", "3.4 open issues").holds(
    "Factorisation need not be assumed: functions of ratio and phase fitted freely to "
    "quantum evolution come out as products within 2e-3, the phase rate and, if the "
    "least is copied that the densities need, the copy rate too.",
    test="inference/estimators/test_gradient_matching.py"
    "::test_splines_find_the_copy_law",
)(power_law)
equation("question-factorisation-traffic", "3.4 open issues").holds(
    "Quantum evolution does not fix the copy rate: copying both ways between two "
    "classes in equal amounts, also in a form that does not factorise, changes "
    "nothing; only the net flow is determined.",
    test="inference/estimators/test_gradient_matching.py"
    "::test_traffic_both_ways_changes_nothing",
)(copy_rate)
equation("question-harmonics", "3.1 Schroedinger equation").holds(
    "Of the harmonics 0, 1 and 2 of both phase functions quantum evolution keeps the "
    "first alone, with q = 1/2 and r = -1/2.",
    test="inference/estimators/test_gradient_matching.py"
    "::test_exponent_and_harmonics_of_quantum_evolution",
)(copy_series)
equation("question-nodes-extinction", "3.4 open issues").holds(
    "Near nodes N copies lose classes by chance: k systems at a turning point of two "
    "classes have died out after g half-periods with probability (g/(g+1))^k. A lost "
    "class stays lost.",
    test="ensembles/copying/test_statistics.py::test_extinction_from_a_turning_point",
)(copying.sample)
equation("question-nodes-branching", "3.4 open issues").holds(
    "The numbers of the small class at successive turning points of two classes are a "
    "critical branching process: each member grows to an exponential amount, of which "
    "a Poisson number comes to the next. Such a process always dies out in the end.",
    test="test_finite.py::test_numbers_at_turning_points_branch",
)(copying.sample)
equation("question-signalling", "3.4 open issues").holds(
    "Faster-than-light signalling exists where classes are empty: copies of an "
    "entangled pair stand still for ever, and move as quantum mechanics has it once a "
    "distant part was prepared turned (1e5 copies); with two spectators in each class "
    "they move so in either case, to 0.02.",
    test="states/test_composite.py::test_a_far_turn_moves_A",
)(composite.apply_local)
equation("question-signalling-size", "3.4 open issues").holds(
    "Small ensembles signal as well: with sixty copies the mean of one part depends on "
    "the Hamiltonian of the other.",
    test="states/test_composite.py::test_few_copies_signal",
)(copying.sample)
equation("question-signalling-exponents", "3.4 open issues").holds(
    "Away from q = 1/2, r = -1/2 entangled pairs signal even with infinitely many "
    "copies, at the quantum point they do not.",
    test="states/test_composite.py"
    "::test_the_mean_field_law_signals_off_the_quantum_point",
)(CopyDynamics)
equation("question-mixing-speed", "3.4 open issues").holds(
    "Copying mixes where currents flow: with three classes, all coupled by 0.5 to 0.7, "
    "what tells individuals from others by where they began has shrunk after a time 2 "
    "to 0.25 or less, and the second eigenvalue of their chain is 0.17 in size.",
    test="ensembles/copying/test_bell_chain.py::test_the_golden_chain",
)(copy_rate)
equation("question-mixing-periods", "3.4 open issues").holds(
    "In every Rabi period between p and 1 - p individuals forget by a factor "
    "(p/(1-p))²: slowly if the oscillation is small, not at all without one.",
    test="ensembles/copying/test_bell_chain.py::test_a_rabi_period_forgets",
)(copy_rate)
equation("question-relaxation", "3.4 open issues").holds(
    "Relaxation of single systems to the frequencies of their ensemble shows in "
    "sampled ensembles: those that began in one class are told from the others by 1/4 "
    "after half a period between 0.2 and 0.8, and for ever if there are no currents.",
    test="ensembles/copying/test_statistics.py::test_individuals_forget",
)(copying.sample)
equation("question-deeper-theory", "3.4 open issues").not_computable(
    "Quantum mechanics approximates a cosmological theory of another kind. Nothing to "
    "compute: the paper states no such theory, only that copy dynamics follows from it "
    "where copies are many."
)
