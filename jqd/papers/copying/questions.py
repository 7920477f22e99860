"""Open questions of the paper, most from section 3.4, as far as they are answered."""

from ...ensembles import copying
from ...laws import alignment
from ...laws.copying import CopyDynamics
from ...states import composite
from ..registry import equations_of
from .angular import copy_series
from .classes import power_law
from .individuals import copy_rate, phase_rate
from .quantum_point import quantum_density_rate

equation = equations_of("copying")

equation(
    "question-preparation",
    section="3.4 open issues",
    statement="Systems of the same constituents and environment form one ensemble, "
    "whatever their preparation.",
    verdict="refuted",
    printed="Prepared in two states, with the phases of each aligned, they copy "
    "across: the rates of the whole are not the mean of the rates of the two. The "
    "preparation has to be part of what defines an ensemble.",
    test="tests/papers/copying/test_ensembles.py"
    "::test_preparations_must_not_share_an_ensemble",
)(copy_rate)
equation(
    "question-coarse-closed",
    section="3.4 open issues",
    statement="Coarse graining a copy law gives a copy law: lumped classes obey one "
    "of their own.",
    verdict="refuted",
    printed="In general they obey no law of their own: equal densities of the lumps "
    "move at different rates according to how they are filled. With many copies it is "
    "the same for quantum mechanics, whose coarse graining is identical, since the "
    "fine law is its Schroedinger equation.",
    test="tests/papers/copying/test_coarse.py"
    "::test_lumped_densities_obey_no_law_of_their_own",
)(quantum_density_rate)
equation(
    "question-coarse-laws",
    section="3.4 open issues",
    statement="A lump of m classes that are alike in couplings, densities and phases "
    "acts as one class, with couplings sqrt(m) times larger, at the quantum point "
    "alone: otherwise flow in, flow out and the two phase rates scale as m to the "
    "powers 1 - q, q, -r and 1 + r, which agree only for q = 1/2, r = -1/2.",
    verdict="holds",
    test="tests/papers/copying/test_coarse.py"
    "::test_like_classes_lump_at_the_quantum_point_alone",
)(power_law)
equation(
    "question-coarse-copying",
    section="3.4 open issues",
    statement="Coarse graining the copying is not copying coarse beables: opposite "
    "flows between two lumps cancel in the density but are both copied, so that there "
    "is more copying than in a law of the lumps; they agree where all flows between "
    "two lumps have one direction.",
    verdict="holds",
    test="tests/papers/copying/test_coarse.py"
    "::test_more_is_copied_between_lumps_than_they_need",
)(power_law)
equation(
    "question-ensemble-size",
    section="3.4 open issues",
    statement="Corrections depend on the size of the ensemble: the infidelity to "
    "quantum mechanics is, to first order, 1/N times the integral of |J_ab| (1/rho_a "
    "+ 1/rho_b)/4 summed over pairs of classes.",
    verdict="holds",
    test="tests/ensembles/copying/test_statistics.py::test_lost_fidelity",
)(copying.infidelity)
equation(
    "question-size-fidelity",
    section="3.4 open issues",
    statement="Sampled ensembles of a thousand copies of three classes lose fidelity "
    "at that rate, within their statistical error of 3 %; with q = 0.2 they are more "
    "than three times as far from quantum mechanics.",
    verdict="holds",
    test="tests/ensembles/copying/test_statistics.py::test_lost_fidelity",
)(copying.sample)
equation(
    "question-size-scatter",
    section="3.4 open issues",
    statement="Densities scatter around those of quantum mechanics by N to the power "
    "-1/2; with q = 0.45 by less than N to the power -0.3 from 1e4 to 1e6 copies.",
    verdict="holds",
    test="tests/ensembles/copying/test_statistics.py"
    "::test_scatter_falls_as_one_over_root_N",
)(copying.sample)
equation(
    "question-size-energy",
    section="3.4 open issues",
    statement="N copies do not conserve energy: between two classes of equal energy "
    "its mean falls at first by the share kappa/N a period, kappa being a quarter of "
    "the integral of dp/(p(1-p))² over the orbit. The exponential of -g kappa/N after "
    "g periods is only the tangent: of 25 copies between 0.2 and 0.8 about half of "
    "what it says is left after 6 periods.",
    verdict="holds",
    test="tests/papers/copying/test_finite.py"
    "::test_energy_falls_faster_than_its_tangent",
)(copying.sample)
equation(
    "question-size-energy-rate",
    section="3.4 open issues",
    statement="In general the mean energy drifts, to first order in 1/N, by 1/(2N) of "
    "the sum over pairs of |J_ab| times the second derivative of the energy along the "
    "exchange of density between a and b.",
    verdict="holds",
    test="tests/papers/copying/test_finite.py::test_energy_drifts_by_the_law",
)(copying.energy_drift)
equation(
    "question-composite",
    section="3.4 open issues",
    statement="A part of an entangled pair has an ensemble of its own, as well as the "
    "pair.",
    verdict="refuted",
    printed="Of cos 30° |00> + sin 30° |11> with one part turned, no phase of the "
    "other part makes its own copy law follow its density; the law of the pair does. "
    "The entangled whole carries the beables.",
    test="tests/papers/copying/test_questions.py"
    "::test_a_part_of_an_entangled_pair_has_no_ensemble_of_its_own",
)(composite.marginal)
equation(
    "question-hierarchy",
    section="3.4 open issues",
    statement="A beable may belong to several levels of a hierarchy if each is in a "
    "product state with the rest: one system then jumps and turns at the same rates "
    "at either level, for every q and r; rates of an entangled part depend on its "
    "partner.",
    verdict="holds",
    test="tests/papers/copying/test_coarse.py"
    "::test_a_beable_may_belong_to_several_levels",
)(power_law)
equation(
    "question-composite-products",
    section="3.4 open issues",
    statement="Systems in a product state evolve each by a copy law of its own, for "
    "every q and r.",
    verdict="holds",
    test="tests/states/test_composite.py::test_product_states_do_not_signal",
)(composite.product)
equation(
    "question-entanglement",
    section="3.4 open issues",
    statement="Joint beables of a pair carry entanglement: with many copies and no "
    "class empty on the way Bell's (CHSH) sum reaches 2 sqrt(2). A singlet prepared "
    "in its own beables leaves two classes empty; its copies stay still at every "
    "setting, with the sum at the classical bound 2.",
    verdict="holds",
    test="tests/papers/copying/test_questions.py"
    "::test_entangled_pairs_break_bells_bound_unless_classes_are_empty",
)(CopyDynamics)
equation(
    "question-wigners-friend",
    section="3.4 open issues",
    statement="Copy dynamics resolves Wigner's friend. Nothing to compute: the paper "
    "has no rule for when an observer with his system ceases to have copies, and "
    "without one either answer can be had.",
    verdict="not computable",
)
equation(
    "question-simultaneity",
    section="3.4 open issues",
    statement="The ensemble needs a preferred simultaneity: off the quantum point the "
    "order in which distant parts of an entangled pair are turned shows in the "
    "probabilities. At the quantum point, with many copies, it stays hidden, and for "
    "product states everywhere.",
    verdict="holds",
    test="tests/papers/copying/test_questions.py"
    "::test_the_order_of_distant_turns_shows_off_the_quantum_point",
)(CopyDynamics)
equation(
    "question-relativistic-ensemble",
    section="3.4 open issues",
    statement="The ensemble may be made of all like systems in the whole of "
    "spacetime. Nothing to compute: the paper gives no copy rule between different "
    "times; all its rates are at one time.",
    verdict="not computable",
)
equation(
    "question-preferred-basis",
    section="3.4 open issues",
    statement="What picks the beables could be seen: the noise of N copies depends on "
    "the basis. In that of energies nobody copies at all and nothing is lost; so too "
    "for momenta of a free particle.",
    verdict="holds",
    test="tests/papers/copying/test_ensembles.py"
    "::test_noise_and_nodes_depend_on_the_beables",
)(copying.infidelity)
equation(
    "question-operators",
    section="3.4 open issues",
    statement="Observables not diagonal in the beables are read by an interaction "
    "that turns their eigenstates into classes, after which beables are counted: at "
    "the quantum point, with many copies, this gives their quantum probabilities and "
    "means, at other q and r it does not.",
    verdict="holds",
    test="tests/papers/copying/test_questions.py"
    "::test_other_observables_are_read_after_a_turn",
)(CopyDynamics)
equation(
    "question-alignment-tongues",
    section="3.4 open issues",
    statement="Stability of alignment: while classes fill and empty the spread of "
    "phases within them obeys Hill's equation and grows in tongues of the strength, "
    "for densities from 0.2 to 0.8 at 2f²N in 1.53 to 2.79, 7.78 to 9.32, 18.4 to "
    "19.8 (R = 1); damping narrows the first.",
    verdict="holds",
    test="tests/laws/alignment/test_stability.py::test_tongues",
)(alignment.tongues)
equation(
    "question-alignment-momenta",
    section="3.4 open issues",
    statement="Momenta that are copied along grow on seven of eight random motions of "
    "three classes, with Lyapunov exponents of 0.3 to 0.7 where R is 0.5 to 0.7 (time "
    "60); on the eighth with less than 0.1, and on one gentle motion with none above "
    "0.05. If they are not copied, the largest exponent of the momenta is below 0.08 "
    "on all nine. The paper does not say which.",
    verdict="holds",
    test="tests/laws/alignment/test_stability.py::test_momenta_of_many_classes",
)(alignment.lyapunov_exponents)
equation(
    "question-alignment-occupations",
    section="3.4 open issues",
    statement="At fixed occupations the aligned solution is unstable: for 12 and 8 "
    "systems a quarter turn apart, at the strength f = 0.3, disturbances grow at the "
    "rate 0.408 R of the copy law's own phases.",
    verdict="holds",
    test="tests/laws/alignment/test_stability.py::test_spectrum_at_fixed_occupations",
)(alignment.spectrum)
equation(
    "question-alignment-basin",
    section="3.4 open issues",
    statement="From random phases, with damping, the squared sine aligns none of 20 "
    "ensembles but only the phases modulo pi; a potential 1 - cos aligns all.",
    verdict="holds",
    test="tests/laws/alignment/test_stability.py::test_basin",
)(alignment.align_from_random)
equation(
    "question-alignment-drift",
    section="3.4 open issues",
    statement="What aligns phases in the copy law itself is drift: copies descend "
    "from ever fewer ancestors, and in the first period the variance within classes "
    "falls by a share of (2/N)(1/rho_min - 1/rho_max); without it alignment is "
    "neutral (claim-attractor).",
    verdict="holds",
    test="tests/ensembles/copying/test_individuals.py::test_coalescence",
)(phase_rate)
equation(
    "question-factorisation",
    section="3.4 open issues",
    statement="Factorisation need not be assumed: functions of ratio and phase fitted "
    "freely to quantum evolution come out as products within 2e-3, the phase rate "
    "and, if the least is copied that the densities need, the copy rate too.",
    verdict="holds",
    test="tests/inference/estimators/test_gradient_matching.py::test_splines_find_the_copy_law",
)(power_law)
equation(
    "question-factorisation-traffic",
    section="3.4 open issues",
    statement="Quantum evolution does not fix the copy rate: copying both ways "
    "between two classes in equal amounts, also in a form that does not factorise, "
    "changes nothing; only the net flow is determined.",
    verdict="holds",
    test="tests/inference/estimators/test_gradient_matching.py"
    "::test_traffic_both_ways_changes_nothing",
)(copy_rate)
equation(
    "question-harmonics",
    section="3.1 Schroedinger equation",
    statement="Of the harmonics 0, 1 and 2 of both phase functions quantum evolution "
    "keeps the first alone, with q = 1/2 and r = -1/2.",
    verdict="holds",
    test="tests/inference/estimators/test_gradient_matching.py"
    "::test_exponent_and_harmonics_of_quantum_evolution",
)(copy_series)
equation(
    "question-nodes-extinction",
    section="3.4 open issues",
    statement="Near nodes N copies lose classes by chance: k systems at a turning "
    "point of two classes have died out after g half-periods with probability "
    "(g/(g+1))^k. A lost class stays lost.",
    verdict="holds",
    test="tests/ensembles/copying/test_statistics.py"
    "::test_extinction_from_a_turning_point",
)(copying.sample)
equation(
    "question-nodes-branching",
    section="3.4 open issues",
    statement="The numbers of the small class at successive turning points of two "
    "classes are a critical branching process: each member grows to an exponential "
    "amount, of which a Poisson number comes to the next. Such a process always dies "
    "out in the end.",
    verdict="holds",
    test="tests/papers/copying/test_finite.py::test_numbers_at_turning_points_branch",
)(copying.sample)
equation(
    "question-signalling",
    section="3.4 open issues",
    statement="Faster-than-light signalling exists where classes are empty: copies of "
    "an entangled pair stand still for ever, and move as quantum mechanics has it "
    "once a distant part was prepared turned (1e5 copies); with two spectators in "
    "each class they move so in either case, to 0.02.",
    verdict="holds",
    test="tests/states/test_composite.py::test_a_far_turn_moves_A",
)(composite.apply_local)
equation(
    "question-signalling-size",
    section="3.4 open issues",
    statement="Small ensembles signal as well: with sixty copies the mean of one part "
    "depends on the Hamiltonian of the other.",
    verdict="holds",
    test="tests/states/test_composite.py::test_few_copies_signal",
)(copying.sample)
equation(
    "question-signalling-exponents",
    section="3.4 open issues",
    statement="Away from q = 1/2, r = -1/2 entangled pairs signal even with "
    "infinitely many copies, at the quantum point they do not.",
    verdict="holds",
    test="tests/states/test_composite.py"
    "::test_the_mean_field_law_signals_off_the_quantum_point",
)(CopyDynamics)
equation(
    "question-mixing-speed",
    section="3.4 open issues",
    statement="Copying mixes where currents flow: with three classes, all coupled by "
    "0.5 to 0.7, what tells individuals from others by where they began has shrunk "
    "after a time 2 to 0.25 or less, and the second eigenvalue of their chain is 0.17 "
    "in size.",
    verdict="holds",
    test="tests/ensembles/copying/test_bell_chain.py::test_the_golden_chain",
)(copy_rate)
equation(
    "question-mixing-periods",
    section="3.4 open issues",
    statement="In every Rabi period between p and 1 - p individuals forget by a "
    "factor (p/(1-p))²: slowly if the oscillation is small, not at all without one.",
    verdict="holds",
    test="tests/ensembles/copying/test_bell_chain.py::test_a_rabi_period_forgets",
)(copy_rate)
equation(
    "question-relaxation",
    section="3.4 open issues",
    statement="Relaxation of single systems to the frequencies of their ensemble "
    "shows in sampled ensembles: those that began in one class are told from the "
    "others by 1/4 after half a period between 0.2 and 0.8, and for ever if there are "
    "no currents.",
    verdict="holds",
    test="tests/ensembles/copying/test_statistics.py::test_individuals_forget",
)(copying.sample)
equation(
    "question-deeper-theory",
    section="3.4 open issues",
    statement="Quantum mechanics approximates a cosmological theory of another kind. "
    "Nothing to compute: the paper states no such theory, only that copy dynamics "
    "follows from it where copies are many.",
    verdict="not computable",
)
