"""Section 4: quantum statistics."""

from ... import statistics
from ..registry import equations_of
from . import observables, weights

equation = equations_of("diffusion")

equation("45", "4.1").corrected(
    "Probability of occupation numbers of distinguishable particles in equally "
    "probable states.",
    printed="The probability is right, but it is not the inverse of the statistical "
    "weight. The weight, the number of ways, is N!/prod n_i! = M^N P. The entropy "
    "ln(1/P) would be largest with all particles in one state.",
    printed_tex=r"P_{MB}\{n_i\} = \frac{1}{\Delta\Gamma_{MB}} = \frac{M^{-N} N!}{n_1!"
    r"\, n_2! \cdots n_M!}",
    tex=r"P_{MB}\{n_i\} = \frac{\Delta\Gamma_{MB}}{M^N} = \frac{M^{-N} N!}{n_1!\, n_2! "
    r"\cdots n_M!}",
    test="test_statistics.py::test_classical_statistics",
)(weights.log_multiplicity)
equation("46", "4.1").corrected(
    "Maxwell-Boltzmann distribution.",
    printed="A chemical potential is missing: as printed the occupations do not add up "
    "to the number of particles. With (E - mu)/kT for E/kT they do.",
    printed_tex=r"\bar{n}_i = e^{-E_i/kT}",
    tex=r"\bar{n}_i = e^{-(E_i - \mu)/kT}",
    test="test_statistics.py::test_occupations_need_a_chemical_potential",
)(statistics.occupation)
equation("47", "4.1").holds(
    "In Bose-Einstein statistics all occupation numbers are equally probable.",
    test="test_statistics.py::test_quantum_statistics_count_fillings",
)(statistics.log_probability)
equation("48", "4.1").corrected(
    "Bose-Einstein distribution.",
    printed="A chemical potential is missing: as printed the occupations do not add up "
    "to the number of particles. With (E - mu)/kT for E/kT they do. It is right for mu "
    "= 0, as of photons.",
    printed_tex=r"\bar{n}_i = \frac{1}{e^{E_i/kT} - 1}",
    tex=r"\bar{n}_i = \frac{1}{e^{(E_i - \mu)/kT} - 1}",
    test="test_statistics.py::test_occupations_need_a_chemical_potential",
)(statistics.occupation)
equation("49", "4.1").holds(
    "In Fermi-Dirac statistics all occupation numbers without a pair are equally "
    "probable.",
    test="test_statistics.py::test_quantum_statistics_count_fillings",
)(statistics.log_probability)
equation("50", "4.1").corrected(
    "Fermi-Dirac distribution.",
    printed="A chemical potential is missing: as printed the occupations do not add up "
    "to the number of particles. With (E - mu)/kT for E/kT they do.",
    printed_tex=r"\bar{n}_i = \frac{1}{e^{E_i/kT} + 1}",
    tex=r"\bar{n}_i = \frac{1}{e^{(E_i - \mu)/kT} + 1}",
    test="test_statistics.py::test_occupations_need_a_chemical_potential",
)(statistics.occupation)
equation("51", "4.2").corrected(
    "The mean of a product of powers of random weights of the states, uniform where "
    "they add up to 1.",
    printed="The right side leaves out the denominator, the volume 1/(M - 1)! of the "
    "weights, as if it were 1: for three states it is half of the left side.",
    printed_tex=r"\frac{\left(\prod_{i=1}^M \int_0^1 dw_i\, w_i^{n_i}\right) \delta"
    r"\left(1 - \sum_{i=1}^M w_i\right)}{\left(\prod_{i=1}^M \int_0^1 dw_i\right) "
    r"\delta\left(1 - \sum_{i=1}^M w_i\right)} = \left(\prod_{i=1}^M \int_0^1 dw_i\, "
    r"w_i^{n_i}\right) \delta\left(1 - \sum_{i=1}^M w_i\right)",
    tex=r"\frac{\left(\prod_{i=1}^M \int_0^1 dw_i\, w_i^{n_i}\right) \delta\left(1 - "
    r"\sum_{i=1}^M w_i\right)}{\left(\prod_{i=1}^M \int_0^1 dw_i\right) \delta\left(1 "
    r"- \sum_{i=1}^M w_i\right)} = (M-1)!\, \left(\prod_{i=1}^M \int_0^1 dw_i\, "
    r"w_i^{n_i}\right) \delta\left(1 - \sum_{i=1}^M w_i\right)",
    test="test_statistics.py::test_average_over_weights",
)(weights.log_weight_average)
equation("52", "4.2").corrected(
    "Probability of occupation numbers where all particles share one set of random "
    "weights: (47).",
    printed="Without the (M - 1)! that (51) lost, the probabilities add up to 1/(M - "
    "1)!, not to 1, and are not (47).",
    printed_tex=r"P\{n_i\} = N! \left[\prod_{i=1}^M \frac{1}{n_i!} \int_0^1 dw_i\, "
    r"w_i^{n_i}\right] \delta\left(1 - \sum_{i=1}^M w_i\right)",
    tex=r"P\{n_i\} = N!\, (M-1)! \left[\prod_{i=1}^M \frac{1}{n_i!} \int_0^1 dw_i\, "
    r"w_i^{n_i}\right] \delta\left(1 - \sum_{i=1}^M w_i\right)",
    test="test_statistics.py::test_shared_weights_give_bose_einstein_statistics",
)(weights.log_terzoff_bayer)
equation("53", "4.2").holds(
    "The integral that each weight contributes, a^(m+n+1) m! n!/(m+n+1)!.",
    test="test_statistics.py::test_integrals_of_the_recursion",
)(weights.log_weight_integral)
equation("54", "4.2").corrected(
    "The amplitude belonging to a density can have either sign.",
    printed="Only a real amplitude is the root of the density with a sign; in general "
    "it has any phase exp(iS/hbar), without which there is no drift.",
    printed_tex=r"\psi = \pm |\psi|",
    tex=r"\psi = e^{iS/\hbar} |\psi|",
    test="test_statistics.py::test_a_sign_is_not_enough_for_a_current",
)(observables.amplitude)
equation("claim-ways", "4.1").corrected(
    "There are M^N n_1! .. n_M! ways to place N particles (before (45)).",
    printed="There are M^N in all, of which N!/prod n_i! have given occupation "
    "numbers.",
    printed_tex=r"M^N\, n_1!\, n_2! \cdots n_M!",
    tex=r"M^N = \sum_{\{n_i\}} \frac{N!}{n_1!\, n_2! \cdots n_M!}",
    test="test_statistics.py::test_classical_statistics",
)(weights.log_multiplicity)
equation("claim-maximum-entropy", "4.1").corrected(
    "With (47) or (49) the condition of largest entropy gives (48) or (50).",
    printed="Every configuration has weight 1 there, so that no one is preferred. The "
    "distributions follow from levels of many states each, at fixed number and energy.",
    test="test_statistics.py::test_entropy_is_that_of_levels_with_many_states",
)(statistics.maximum_entropy)
equation("claim-dilute", "4.1").corrected(
    "Where occupation numbers are small the particles are independent, and quantum "
    "statistics does not matter (sections 4.1 and 4.2).",
    printed="For one state that is so where N/M is small. For all together N^2/M must "
    "be: of 100 particles in 5000 states none share a state with probability 0.37 if "
    "they are independent, 0.14 as bosons.",
    printed_tex=r"N \ll M",
    tex=r"N^2 \ll M",
    test="test_statistics.py"
    "::test_few_particles_in_a_state_do_not_make_them_independent",
)(statistics.log_marginal)
equation("claim-each-particle", "4.2").refuted(
    "Random deviations of the probabilities for each particle lead to (52) (section "
    "4.2).",
    printed="All particles must share one set of weights, as (52) itself has it. If "
    "each has its own, they are independent and the result is (45).",
    test="test_statistics.py::test_weights_of_its_own_for_each_particle_change_nothing",
)(statistics.sample_occupations)
equation("claim-limits", "4.2").corrected(
    "With two states the second weight runs from 0 to 1 - w_1 (before (53)).",
    printed="With two states it is 1 - w_1. The limits are those of three states.",
    printed_tex=r"0 \le w_2 \le 1 - w_1 \quad (M = 2)",
    tex=r"w_2 = 1 - w_1 \quad (M = 2), \qquad 0 \le w_2 \le 1 - w_1 \quad (M = 3)",
    test="test_statistics.py::test_integrals_of_the_recursion",
)(weights.log_weight_average)
