"""Paths that nothing measures: when they arrive, and how they come to |ψ|².

No equation of the paper; what follows if its ensemble consists of paths.
"""

from ... import ensembles
from ...inference import estimators
from ..registry import equations_of

equation = equations_of("diffusion")

equation("claim-arrival", "beyond the paper").holds(
    "Times of first arrival of unrecorded paths depend on the strength of their noise, "
    "which leaves the density as it is (claim-noise): of a free packet (s0 = v0 = 1) "
    "0.154, 0.174 and 0.212 have been at L = 5 by t = 3 for nu = D/2, D and 2D. No "
    "experiment is described.",
    test="ensembles/arrival/test_first_passage.py::test_free_packet_by_volumes",
)(ensembles.survival)
equation("claim-arrival-node", "beyond the paper").holds(
    "A real node is a wall to paths with noise too: those that start on one side do "
    "not arrive on the other (first excited state of an oscillator).",
    test="ensembles/arrival/test_first_passage.py::test_a_node_is_a_wall",
)(ensembles.survival)
equation("claim-backflow", "beyond the paper").holds(
    "Of a free wave of positive momenta alone up to 0.0385 can flow back in an "
    "interval of time, whatever hbar, the mass and the interval: the flux is then no "
    "density of times of arrival.",
    test="ensembles/arrival/test_distributions.py"
    "::test_limit_of_backflow_without_cut_off",
)(ensembles.backflow_limit)
equation("claim-relaxation", "beyond the paper").holds(
    "With noise a density other than that of the ground state relaxes to it at the "
    "rates (2 m nu/hbar^2)(E_n - E_0), with nu = D at (E_n - E_0)/hbar. The displaced "
    "density of an oscillator stays Gaussian, and its H falls at twice the gap.",
    test="ensembles/relaxation/test_stationary.py::test_a_displaced_density",
)(ensembles.relaxation_rates)
equation("claim-relaxation-nodes", "beyond the paper").holds(
    "In an excited state no density relaxes between nodal domains: the weight of each "
    "stays as it was (first excited state of an oscillator, along links).",
    test="ensembles/relaxation/test_stationary.py::test_weights_of_domains_are_kept",
)(ensembles.nodal_domains)
equation("claim-relaxation-free", "beyond the paper").holds(
    "A free packet does not relax fully: its paths keep exp(-pi nu/2D) of their "
    "correlation with where they started, in units of the width, 0.208 with nu = D.",
    test="ensembles/relaxation/test_stationary.py::test_the_clock_of_a_free_packet",
)(ensembles.packet_clock)
equation("claim-relaxation-without-noise", "beyond the paper").holds(
    "Without noise relaxation, of averages over cells alone, depends on the state: of "
    "sixteen modes of a box with phases quadratic in their number 0.43 of 0.91 are "
    "left of H after half a period, with phases linear in it 0.4 of 0.5 after 1/4, 1/2 "
    "and 3/4 of one (two states).",
    test="ensembles/relaxation/test_paths.py::test_linear_phases_do_not_relax",
)(ensembles.equilibration)
equation("claim-noise-untold", "beyond the paper").holds(
    "In equilibrium densities do not tell the strength of the noise, at however many "
    "times: the information on it is 0 (ground state of an oscillator). Of ideal "
    "crossings of the centre of that state 10 000 would tell it to 1.3 %.",
    test="inference/estimators/test_noise_of_paths.py::test_equilibrium_tells_nothing",
)(estimators.nu_from_relaxation)
