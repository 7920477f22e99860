"""Sections V and VI: fields, what the law applies to, measurement, open questions."""

from ...laws.husimi import GaussianSum
from ...spaces import symbols
from ...spaces.symbols import Symbol
from ..registry import equations_of
from . import generators, truncation
from .fields import field_tensor_lagrangian

equation = equations_of("husimi")

equation("67", "V A").holds(
    "The Hamiltonian operator of the Bose-Hubbard model.",
    test="test_quantum.py::test_bose_hubbard_symbol",
)(symbols.bose_hubbard)
equation("68", "V A").corrected(
    "The same operator in anti-Wick order.",
    printed="The bracket with -3 a a* + 1 is n squared; n(n - 1) takes -4 a a* + 2.",
    printed_tex=r"\hat{H}_{BH} = -J \sum_{\langle i,j \rangle} \left(\hat{a}_j "
    r"\hat{a}_i^\dagger - \delta_{ij}\right) + \frac{U}{2} \sum_i \left(\hat{a}_i "
    r"\hat{a}_i \hat{a}_i^\dagger \hat{a}_i^\dagger - 3\,\hat{a}_i \hat{a}_i^\dagger + "
    r"1\right)",
    tex=r"\hat{H}_{BH} = -J \sum_{\langle i,j \rangle} \left(\hat{a}_j \hat{a}_i^"
    r"\dagger - \delta_{ij}\right) + \frac{U}{2} \sum_i \left(\hat{a}_i \hat{a}_i "
    r"\hat{a}_i^\dagger \hat{a}_i^\dagger - 4\,\hat{a}_i \hat{a}_i^\dagger + 2\right)",
    test="test_quantum.py::test_bose_hubbard_symbol",
)(symbols.bose_hubbard)
equation("69", "V A").corrected(
    "Its anti-Wick symbol.",
    printed="-3|alpha|^2 must be -4|alpha|^2, in units of hbar. As printed each site "
    "turns by U t/2 more (with hbar = 1), which occupations do not show.",
    printed_tex=r"H_{aW}(\alpha, \alpha^*) = -J \sum_{\langle i,j \rangle} \alpha_i^* "
    r"\alpha_j + \frac{U}{2} \sum_i \left(\alpha_i^2 \alpha_i^{*2} - 3\,\alpha_i^* "
    r"\alpha_i\right) + \text{const.}",
    tex=r"H_{aW}(\alpha, \alpha^*) = -J \sum_{\langle i,j \rangle} \alpha_i^* \alpha_j "
    r"+ \frac{U}{2} \sum_i \left(\alpha_i^2 \alpha_i^{*2} - 4\,\alpha_i^* \alpha_i"
    r"\right) + \text{const.}",
    test="test_quantum.py::test_bose_hubbard_symbol",
)(symbols.bose_hubbard)
equation("70", "V B").holds(
    "Hamiltonian of one mode of a complex scalar field with quartic interaction.",
    test="test_fields.py::test_complex_field",
)(symbols.complex_field)
equation("72", "V B").holds(
    "The quartic interaction in these amplitudes.",
    test="test_fields.py::test_complex_field",
)(symbols.complex_field)
equation("claim-kappa", "VI").refuted(
    "Free evolution by Liouville's equation fixes kappa = hbar (section VI).",
    printed="It fixes the squared lengths over kappa. At these kappa drops out of the "
    "law, whatever its value.",
    printed_tex=r"\kappa = \hbar",
    tex=r"\frac{\ell_k^2}{\kappa} = \frac{1}{\omega_k}",
    test="test_coordinates.py::test_free_evolution_fixes_no_action_scale",
)(generators.real_generator)
equation("claim-quadratic-in-each", "VI").refuted(
    "The law covers theories whose symbols are at most quadratic in each variable "
    "(section VI).",
    printed="At most quadratic in all unconjugated variables together, and in all "
    "conjugated ones; the product of three different amplitudes is a counterexample.",
    test="test_quantum.py::test_degree_in_each_variable_does_not_end_the_series",
)(Symbol.is_fokker_planck)
equation("claim-density-density", "V").corrected(
    "The interacting theories covered are those with density-density couplings, local "
    "ones in particular (sections I, V and VI).",
    printed="These are covered, and many more: every interaction of two bodies that "
    "conserves their number, local or not, the mixing of three waves where one turns "
    "into two, and squeezing.",
    test="test_quantum.py::test_every_two_body_interaction_is_of_the_form",
)(symbols.two_body)
equation("claim-free-fields", "V").holds(
    "All free bosonic fields are covered (section V), with finitely many modes: no "
    "quadratic symbol has third derivatives.",
    test="test_quantum.py::test_free_fields_are_of_the_form",
)(Symbol.is_fokker_planck)
equation("claim-third-derivatives", "V A").corrected(
    "All third derivatives of the Bose-Hubbard symbol vanish (section V A).",
    printed="Those by unconjugated variables alone, and by conjugated ones alone, "
    "which is all that (64) asks; the mixed ones do not.",
    test="test_quantum.py::test_bose_hubbard_symbol",
)(Symbol.is_fokker_planck)
equation("claim-higgs", "V B").holds(
    "The quartic interaction of a complex field goes beyond the Fokker-Planck form "
    "(section V B).",
    test="test_fields.py::test_complex_field",
)(symbols.complex_field)
equation("claim-gauge-powers", "V C").holds(
    "In the interaction of gauge bosons no single amplitude appears with a power above "
    "the second (section V C).",
    test="test_fields.py::test_no_amplitude_of_a_gauge_boson_above_its_square",
)(field_tensor_lagrangian)
equation("claim-gauge", "V C").holds(
    "All the same it goes beyond the Fokker-Planck form (section V C): the magnetic "
    "energy of gluons holds products of four unconjugated amplitudes, the Hamiltonian "
    "of a reduced model such of three and four.",
    test="test_fields.py::test_no_amplitude_of_a_gauge_boson_above_its_square",
)(symbols.gauge_bosons)
equation("claim-truncation-error", "V D").holds(
    "Where (64) fails, the law cut at second derivatives makes other predictions than "
    "quantum theory (reaction 3): for a coherent state its rate differs, for four "
    "theories. For the fourth power of the position the deviation after a time is of "
    "first order in its strength, and vanishes at that order after half a period.",
    test="test_fields.py::test_the_law_cut_short_moves_coherent_states_otherwise",
)(generators.complex_generator)
equation("claim-truncated-alternative", "V D").open(
    "The law cut at second derivatives is a rival theory in its own right (reaction "
    "3). For the fourth power of the position, its rate of growth rises faster than "
    "the square of the number of levels from 6 to 10 of these, so that no solution "
    "over a finite time is known; that none exists is not shown.",
    test="test_fields.py::test_truncated_law_of_phi4_grows_with_the_levels",
)(truncation.horizon)
equation("claim-amplifier-reversal", "V E").corrected(
    "The amplifier Hamiltonian of a measurement, being quadratic, falls within the "
    "framework (section V E).",
    printed="(43) is exact for it, but it changes its sign under (20), which the "
    "framework excludes; it keeps another time reversal, which exchanges the "
    "quadratures. A real squeezing keeps (20).",
    test="test_quantum.py::test_amplifier_is_not_invariant_under_momentum_reversal",
)(symbols.parametric_amplifier)
equation("claim-measurement", "V E").holds(
    "Amplification turns the distribution of a quadrature, for a superposition of two "
    "squeezed states, into two peaks (section V E); the shares of both sides tend to "
    "those of Born's rule as the gain grows, and differ before.",
    test="test_measurement.py::test_amplified_quadrature_is_bimodal_with_born_weights",
)(GaussianSum.probability_positive)
equation("claim-fermions", "VI A").open(
    "Fermionic fields obey equations of the same form (section VI A)."
)
equation("claim-lorentz", "VI A").open(
    "The law can be put into a manifestly Lorentz-covariant form (section VI A)."
)
