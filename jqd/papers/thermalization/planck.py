"""Section 3: photons, the tower, Planck's distribution and its fluctuations."""

from ...matter import gas, photons, solid, temperature, tower
from ...matter.tower import Eigenbasis, GaussianShape, Tower
from ..registry import equations_of
from .plane_waves import norm_density, photon_norm

equation = equations_of("thermalization")

equation("1", "3 Planck distribution").holds(
    "The tower of a function of the matter alone, of matter and one photon, of matter "
    "and two ...: every level has more coordinates than the one below, and exchanges "
    "amplitude with its two neighbours alone.",
    test="test_tower.py::test_levels_radiate_into_their_neighbours_alone",
)(Tower)
equation("claim-A5-melting", "3 Planck distribution").refuted(
    "Localisation of the cores persists for all temperatures.",
    printed="The same blocks melt where they meet fast enough: at v = 2 bonds are as "
    "wide as 0.4 of the spacing and more, and more than 15 % of them are lost (one "
    "ensemble of eight).",
    test="test_solids.py::test_fast_blocks_melt",
)(solid.AtomMotion)
equation("claim-A8-tower", "3 Planck distribution").holds(
    "So is the share of every eigenstate of the whole tower, to 1e-12 (t = 90).",
    test="matter/tower/test_tower.py::test_propagation_equals_the_eigenbasis",
)(Eigenbasis.amplitudes)
equation("claim-inhomogeneity", "3 Planck distribution").not_computable(
    "Denser places make more photons, which spread energy evenly over the body. "
    "Photons of the tower have modes, and no place that could be denser."
)
equation("claim-C1", "3 Planck distribution").holds(
    "Norm and energy flow up the tower, and their totals are conserved: to 1e-13 and "
    "1e-12, with the coupling counted.",
    test="matter/tower/test_tower.py::test_norm_and_energy_are_conserved",
)(Tower)
equation("claim-C1-energy", "3 Planck distribution").refuted(
    "The energy of the whole system is the sum of the energies of its levels, made of "
    "the free parts.",
    printed="It drifts by 4 to 12 lambda^2 in the unit of the quantum (one matter of "
    "60 levels, three couplings); with the mean coupling energy it is constant to "
    "1e-12.",
    printed_tex=r"E=\sum_k E_{N,k}",
    tex=r"E=\sum_k E_{N,k}+\langle H_{\mathrm{int}}\rangle",
    test="matter/tower/test_tower.py::test_energy_needs_the_coupling",
)(tower.interaction_energy)
equation("claim-C2", "3 Planck distribution").holds(
    "Energy of the photons and their number flow up the tower in the ratio of the "
    "quantum, hbar omega. In one mode that is how photons are counted, and must hold.",
    test="matter/tower/test_tower.py::test_a_photon_carries_its_quantum",
)(tower.occupations)
equation("claim-no-current", "3 Planck distribution").corrected(
    "Without a change of current there is no radiation and no change of norm in any "
    "level.",
    printed="Without a current nothing changes. A constant one is enough, if the light "
    "starts without it: with X = 1, which no motion changes, p_0 falls to exp(-(2 "
    "lambda/omega)^2), 0.685 at lambda/omega = 0.31, and is back at 1 after each "
    "period.",
    test="test_tower.py::test_a_constant_current_dresses_the_light",
)(Tower)
equation("claim-equal-times", "3 Planck distribution").holds(
    "The norm of a level without coupling is conserved along equal times (two photons, "
    "two times).",
    test="test_plane_waves.py::test_brackets_are_multiplied_not_added",
)(photon_norm)
equation("claim-real-field", "3 Planck distribution").holds(
    "A real vector potential has no norm.",
    test="test_plane_waves.py::test_only_positive_frequencies_have_positive_norm",
)(norm_density)
equation("claim-photon-recoil", "3 Planck distribution").holds(
    "Photons carry little momentum for their energy, so that their impulses are "
    "negligible for free atoms: the mean thermal photon has 1.41e-6 of the momentum of "
    "an argon atom at its mean speed, at 300 K.",
    test="test_tower.py::test_recoil_of_a_thermal_photon_is_small",
)(gas.mean_speed)
equation("claim-wavelength", "3 Planck distribution").holds(
    "Thermal wavelengths are often much longer than distances between atoms: 10 "
    "micrometres against nanometres at 300 K.",
    test="test_tower.py::test_thermal_light_is_longer_than_the_space_between_atoms",
)(photons.planck_law)
equation("claim-C3", "3 Planck distribution").holds(
    "Photons of the tower come to the Planck distribution, with 1/T the slope of ln "
    "g(E): total variation below 0.06 and T = 1.33 +- 0.12 for 1.25, six seeds of 400 "
    "levels in one mode. That it converges with the number of levels is not shown, and "
    "random matter has thermalisation nearly built in.",
    test="matter/tower/test_levels.py::test_matter_makes_thermal_light",
)(tower.random_matter)
equation("claim-C4", "3 Planck distribution").holds(
    "The distribution of light forgets the spectrum of the emitter: narrow, broad and "
    "resonant couplings of the same strength at the quantum agree within the noise of "
    "three seeds, 0.06 in total variation.",
    test="matter/tower/test_levels.py::test_the_shape_of_the_emitter_is_forgotten",
)(GaussianShape)
equation("claim-C5", "3 Planck distribution").holds(
    "Energy over norm is the same in every level: within 0.25 of 6, an effect of the "
    "coupling, for levels of more than 2 % (one seed, lambda = 0.06).",
    test="matter/tower/test_levels.py::test_levels_share_their_energy",
)(tower.levels)
equation("claim-C6", "3 Planck distribution").refuted(
    "The levels of the tower are roughly equally occupied.",
    printed="Thermal light of one mode is geometric, 0.551, 0.247, 0.111 at T = 1.25; "
    "that of four modes of 0.7 to 2.1 T has its peak at one photon and falls after it. "
    "Towers of 100 levels of matter have in the levels of one and of two photons less "
    "than 0.65 of the norm of the level before (mean of three seeds).",
    test="matter/photons/test_thermal_light.py::test_levels_are_not_equally_occupied",
)(photons.level_distribution)
equation("claim-C7", "3 Planck distribution").refuted(
    "Each level is a product of one function of the matter and one of the photons.",
    printed="With two modes matter and photons are entangled: Schmidt number 1.7 to 2 "
    "for one photon, where a thermal mixture has 1.97, and 1.5 and more for two (one "
    "seed). In one mode it is a product, as photons have no choice.",
    printed_tex=r"\Psi_{N,k}\approx\Psi_N^{k}\,\mathcal{A}_k",
    tex=r"\Psi_{N,k}=\sum_{s}\sqrt{p_{k,s}}\;\Psi_{N,s}^{k}\,\mathcal{A}_{k,s}",
    test="matter/tower/test_levels.py::test_levels_of_two_modes_are_no_products",
)(tower.schmidt_numbers)
equation("claim-C8", "3 Planck distribution").corrected(
    "The photons of a level are spread in energy by less than one quantum.",
    printed="For few photons. k independent photons of Planck's spectrum spread by "
    "0.65 sqrt(k) of their mean quantum, more than one from k = 3 on. (In print, less "
    "than one wavelength, which is no energy.) Photons at fixed places of the atoms "
    "are not computed.",
    test="test_tower.py::test_photon_energy_spreads_with_the_root_of_k",
)(photons.planck_law)
equation("claim-C10", "3 Planck distribution").refuted(
    "Even at very low temperatures there are many more photons than atoms.",
    printed="5.5e14 in a cubic metre at 300 K, 6e-15 of the atoms of copper; as many "
    "as these only at 1.6e7 K.",
    test="matter/photons/test_thermal_light.py::test_photons_do_not_outnumber_atoms",
)(photons.photon_density)
equation("claim-D", "3 Planck distribution").holds(
    "Temperature is the inverse slope of the logarithm of the density of states. It "
    "works for eigenvalues and has derivatives; at finite size it is ambiguous: 11, 1 "
    "and 0.1 % from the canonical one for 10, 100 and 1000 oscillators with two quanta "
    "each.",
    test="matter/temperature/test_temperature.py::test_einstein_solid",
)(temperature.temperatures)
equation("claim-cores-in-the-tower", "3 Planck distribution").open(
    "The cores stay localised throughout the tower, since the norm that fills it "
    "carries their places along; a large spread of the matter's energy would spoil "
    "that. No matter with cores was put into a tower here."
)(tower.user_matter)
equation("claim-collision-spectrum", "3 Planck distribution").not_computable(
    "A pair collision emits about a peaked frequency, given by its duration. The "
    "models have no charges whose acceleration could be followed."
)
equation("claim-radiation-reaction", "3 Planck distribution").not_computable(
    "Change of current in one level and of energy and norm in the next extend "
    "radiation reaction to conserve momentum and norm. No equation of motion is "
    "printed."
)
equation("claim-phase-space", "3 Planck distribution").not_computable(
    "The tower is a point in a sum of phase spaces of atoms and photons and spends "
    "most of its time at typical values. Neither the measure nor the flow is given, "
    "and with entangled levels (claim-C7) there is no such point."
)
equation("claim-fluctuations-essential", "3 Planck distribution").not_computable(
    "Fluctuations are essential to the universal limit and irrelevant for the "
    "distribution that it has. No state of the kind considered is without them, so "
    "that there is nothing to compare."
)
equation("erratum-level-index", "3 Planck distribution").corrected(
    "Levels are counted by k = 0, 1, 2, ... and their norms add up to 1.",
    printed="k runs over photons from 1 to n in (2) and over levels in (3); n, m and i "
    "are used for the level as well. With the range of (2) the net norm changes in "
    "time.",
    printed_tex=r"\sum_{k=1}^{n}(\cdots)\ \text{in (2)},\qquad\sum_{i}\hat{"
    r"\mathcal{N}}(\Psi_{N,i})=1,\qquad\sum_{k}\hat{\mathcal{N}}(\Psi_{N,k})=1",
    tex=r"\sum_{k=0}^{\infty}\hat{\mathcal{N}}(\Psi_{N,k})=1",
    test="test_tower.py::test_levels_are_counted_from_zero",
)(tower.level_norms)
equation("erratum-level-one", "3 Planck distribution").corrected(
    "The function of one photon is Psi_{N,1}(X, x_A).",
    printed="Psi_{Nm1}(X) = Psi_N(x_1 ... x_N, x_A): another symbol on the left, too "
    "few arguments there, and on the right the function of the matter alone.",
    printed_tex=r"\Psi_{Nm1}(X)=\Psi_N(x_1\dots x_N,x_1^{(A)})",
    tex=r"\Psi_{N,1}(X,x_1^{(A)})=\Psi_{N,1}(x_1\dots x_N,x_1^{(A)})",
    test="test_tower.py::test_one_photon_has_coordinates_of_its_own",
)(Tower)
equation("erratum-photon-states", "3 Planck distribution").corrected(
    "Radiation changes the norms of the levels of k - 1 and k photons.",
    printed="Of the (N - 1)th and Nth, N being the number of atoms.",
    printed_tex=r"N-1,\ N",
    tex=r"k-1,\ k",
    test="test_tower.py::test_levels_have_nothing_to_do_with_the_number_of_atoms",
)(tower.level_norms)
