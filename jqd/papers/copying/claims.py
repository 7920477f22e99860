"""Claims of the paper, and equations that the laws themselves compute."""

from ...ensembles import copying
from ...ensembles.copying import populations
from ...laws.copying import CopyDynamics
from ..registry import equations_of
from . import lattice, stability
from .alignment import alignment_energy, alignment_potential
from .classes import density_rate
from .individuals import copy_rate, phase_rate
from .quantum_point import quantum_density_rate

equation = equations_of("copying")

equation("41", "3.2 phase alignment").refuted(
    "The aim of the alignment model: phases come to depend on the class alone.",
    printed="Nothing found in the model as printed brings them there. At fixed "
    "occupations its energy (45) is conserved; while a class swings between the "
    "densities 0.2 and 0.8 a small spread within it is bounded at some strengths of "
    "alignment and grows at others, at none does it shrink. With a damping, which the "
    "model has not, it shrinks at all of them.",
    test="test_ensembles.py::test_nothing_in_the_model_brings_phases_together",
)(stability.hill)
equation("56", "3.3 classical limit").holds(
    "Nearest-neighbour coupling that stands for the kinetic energy on a lattice.",
    test="test_classical.py::test_lattice_coupling",
)(lattice.lattice_coupling)
equation("claim-time-reversal", "3 real ensemble formulation").holds(
    "Time reversal fixes the power q = 1/2 (eight other values fail) but leaves the "
    "power r free.",
    test="test_densities.py::test_time_reversal_fixes_q_but_not_r",
)(density_rate)
equation("claim-literal-rules", "3.1.1 final evolution rules").refuted(
    "The rules (39) and (40) as printed are quantum mechanics.",
    printed="The centre about which two classes oscillate becomes a saddle: the "
    "imbalance grows as the hyperbolic cosine.",
    test="test_quantum.py::test_literal_rules_run_away",
)(copy_rate)
equation("claim-jump-process", "3.1.1 final evolution rules").holds(
    "The copy rule is Bell's minimal jump process for the given Hamiltonian.",
    test="test_quantum.py::test_copy_rule_is_the_minimal_jump_process",
)(copy_rate)
equation("claim-large-ensemble", "2.4 mathematical formulation").holds(
    "At given densities and phases the rates at which one system changes its class or "
    "its phase do not depend on the number of copies. The noise about them does "
    "(question-ensemble-size).",
    test="test_quantum.py::test_size_of_the_ensemble_drops_out",
)(copy_rate)
equation("claim-mixing", "2.2 postulates").refuted(
    "Copying mixes the ensemble well.",
    printed="In an eigenstate of a real Hamiltonian no system copies another, if the "
    "densities are those of the eigenstate exactly.",
    test="test_quantum.py::test_eigenstates_do_not_mix",
)(copy_rate)
equation("claim-attractor", "3.2 phase alignment").refuted(
    "Under the copy law itself aligned phases may be an attractor (left undecided in "
    "section 3.2).",
    printed="It is neutral: with many copies the variance within a class times the "
    "density of the class is constant to first order.",
    test="test_quantum.py::test_alignment_is_neutral",
)(phase_rate)
equation("claim-modulo-pi", "3.2 phase alignment").refuted(
    "The potential of the alignment model is least only for aligned phases.",
    printed="It vanishes modulo pi: members of a class may sit opposite to one "
    "another.",
    test="test_alignment.py::test_potential_is_blind_to_pi",
)(alignment_potential)
equation("claim-phase-only", "3.2 phase alignment").holds(
    "The theory depends on the phase factors rather than on the phases.",
    test="test_alignment.py::test_full_turns_change_nothing",
)(alignment_energy)
equation("claim-nodes-many-classes", "3.4 open issues").holds(
    "Three and more classes avoid nodes only if, besides, q is at most 1/2: a small "
    "class loses to one neighbour at a rate with power 1 - q of its density while it "
    "gains from another with power q. At q = 0.6, r = -0.9 a class of 1e-4 between two "
    "others empties in a time below 0.02 over the coupling; at q = 0.5 and 0.4 it "
    "grows.",
    test="test_nodes.py::test_a_third_class_lets_nodes_in",
)(density_rate)
equation("claim-signalling", "3.4 open issues").holds(
    "With empty classes what was done before to one part of an entangled pair shows in "
    "how the other moves: it stays at the mean 0.5 if its partner was left alone, and "
    "moves as quantum mechanics has it if that was turned.",
    test="test_quantum.py::test_empty_classes_allow_signalling",
)(quantum_density_rate)
equation("claim-which-ensemble", "2.2 postulates").not_computable(
    "An ensemble is defined by constituents, preparation and environment. Nothing to "
    "compute: copy dynamics begins where the ensemble is given; only the theory behind "
    "it could say who belongs to it."
)
equation("claim-which-beable", "2.3 beables and interactions").corrected(
    "Any complete set of observables may serve as the beable.",
    printed="Only in the limit of many copies at the quantum point: there predictions "
    "are the same in every basis. With other q or r they differ from basis to basis; "
    "so do noise and empty classes of finite ensembles (question-preferred-basis).",
    test="test_questions.py::test_the_choice_of_beables_shows_off_the_quantum_point",
)(CopyDynamics)
equation("claim-unique-states", "3.4 open issues").holds(
    "Quantum dynamics fails for systems in states that are unique: a class that "
    "shrinks from many systems to one on average is gone with probability 1/e, one "
    "that shrinks to two with 1/e².",
    test="ensembles/copying/test_statistics.py::test_extinction_from_many",
)(copying.sample)
equation("claim-remedy-basis", "3.4 open issues").holds(
    "First remedy for nodes: a basis without empty classes. That of energies keeps its "
    "densities for ever, and so has none if the state contains all energies; but no "
    "basis serves all states, since each has states with a node.",
    test="test_ensembles.py::test_noise_and_nodes_depend_on_the_beables",
)(copying.infidelity)
equation("claim-remedy-spectators", "3.4 open issues").corrected(
    "Second remedy for nodes: spectators, which are copied and do not copy.",
    printed="They help where the phase of the empty class is right: from x = 0 three a "
    "class carry two classes over nodes with an error of 2.4 over the root of N = "
    "1000, a hundred spoil it by 0.85 sqrt(s/N). At x = pi/2 or -pi/2, the phase that "
    "quantum mechanics gives to a class at its node, the energy is zero and stays so: "
    "the ensemble ends at the next node with spectators too.",
    test="ensembles/copying/test_statistics.py::test_spectators_pass_nodes",
)(copying.sample)
equation("claim-remedy-admixture", "3.4 open issues").corrected(
    "Third remedy for nodes: a tiny admixture to every state of one with all classes "
    "filled.",
    printed="Tiny is not enough: it must leave many systems at the node, since k of "
    "them are lost with the probability of an extinction; and its phases must differ "
    "from those that quantum mechanics gives to a class at its node, or the next node "
    "is met whatever was mixed in.",
    test="test_ensembles.py::test_an_admixture_must_hold_many_systems",
)(populations.admixed)
equation("claim-unique-systems", "3.5 conclusions").holds(
    "Quantum dynamics fails for systems without copies: with nobody to copy the beable "
    "stays for ever, and the phase turns at the frequency of its class.",
    test="test_coarse.py::test_a_system_without_copies_stays",
)(copy_rate)
equation("claim-macroscopic", "3.5 conclusions").holds(
    "Macroscopic systems do not move by quantum mechanics, since they have more states "
    "than copies: the parts of a body with K two-valued parts, in a product state with "
    "equal densities, begin to turn on average at (E sqrt(n))²/m of the quantum rate, "
    "n a Poisson number of mean m = N/2^K, which is nearly m where copies are few and "
    "1 - 1/4m where they are many.",
    test="test_coarse.py"
    "::test_bodies_with_more_states_than_copies_hardly_begin_to_turn",
)(quantum_density_rate)
equation("claim-quantum-computers", "3.5 conclusions").holds(
    "A quantum computer fails where 2^K, for K qubits, comes near the number of its "
    "copies. Qubits of equal densities and phase 0.9 that turn about x lose 1 % of "
    "fidelity until t = 1, by the law of first order in 1/N, with 60.80, 121.61 and "
    "182.41 copies to each of 2^K states for K = 2, 4, 6: they grow as K. Two qubits "
    "lose more than that, 1.24 %, since their smallest class comes down to 3.",
    test="test_finite.py::test_copies_that_qubits_need",
)(copying.infidelity)
equation("claim-newton", "3.3 classical limit").holds(
    "The centre of mass of a body of very many atoms obeys Newton's law, with the mean "
    "force, up to the square of the lattice spacing (in V = x^4/4); with the signs as "
    "printed it accelerates the other way.",
    test="test_lattice.py::test_newtons_law",
)(lattice.lattice_motion)
