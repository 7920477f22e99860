"""Section 3: photons, the tower, Planck's distribution and its fluctuations."""

from ...matter import gas, photons, solid, temperature, tower
from ...matter.tower import Eigenbasis, GaussianShape, Tower
from ..registry import equations_of
from .plane_waves import norm_density, photon_norm

equation = equations_of("thermalization")

equation(
    "1",
    section="3 Planck distribution",
    statement="The tower of a function of the matter alone, of matter and one photon, "
    "of matter and two ...: every level has more coordinates than the one below, and "
    "exchanges amplitude with its two neighbours alone.",
    verdict="holds",
    test="tests/papers/thermalization/test_tower.py"
    "::test_levels_radiate_into_their_neighbours_alone",
)(Tower)
equation(
    "claim-A5-melting",
    section="3 Planck distribution",
    statement="Localisation of the cores persists for all temperatures.",
    verdict="refuted",
    printed="The same blocks melt where they meet fast enough: at v = 2 bonds are as "
    "wide as 0.4 of the spacing and more, and more than 15 % of them are lost (one "
    "ensemble of eight).",
    test="tests/papers/thermalization/test_solids.py::test_fast_blocks_melt",
)(solid.AtomMotion)
equation(
    "claim-A8-tower",
    section="3 Planck distribution",
    statement="So is the share of every eigenstate of the whole tower, to 1e-12 (t = "
    "90).",
    verdict="holds",
    test="tests/matter/tower/test_tower.py::test_propagation_equals_the_eigenbasis",
)(Eigenbasis.amplitudes)
equation(
    "claim-inhomogeneity",
    section="3 Planck distribution",
    statement="Denser places make more photons, which spread energy evenly over the "
    "body. Photons of the tower have modes, and no place that could be denser.",
    verdict="not computable",
)
equation(
    "claim-C1",
    section="3 Planck distribution",
    statement="Norm and energy flow up the tower, and their totals are conserved: to "
    "1e-13 and 1e-12, with the coupling counted.",
    verdict="holds",
    test="tests/matter/tower/test_tower.py::test_norm_and_energy_are_conserved",
)(Tower)
equation(
    "claim-C1-energy",
    section="3 Planck distribution",
    statement="The energy of the whole system is the sum of the energies of its "
    "levels, made of the free parts.",
    verdict="refuted",
    printed="It drifts by 4 to 12 lambda^2 in the unit of the quantum (one matter of "
    "60 levels, three couplings); with the mean coupling energy it is constant to "
    "1e-12.",
    printed_tex=r"E=\sum_k E_{N,k}",
    tex=r"E=\sum_k E_{N,k}+\langle H_{\mathrm{int}}\rangle",
    test="tests/matter/tower/test_tower.py::test_energy_needs_the_coupling",
)(tower.interaction_energy)
equation(
    "claim-C2",
    section="3 Planck distribution",
    statement="Energy of the photons and their number flow up the tower in the ratio "
    "of the quantum, hbar omega. In one mode that is how photons are counted, and "
    "must hold.",
    verdict="holds",
    test="tests/matter/tower/test_tower.py::test_a_photon_carries_its_quantum",
)(tower.occupations)
equation(
    "claim-no-current",
    section="3 Planck distribution",
    statement="Without a change of current there is no radiation and no change of "
    "norm in any level.",
    verdict="corrected",
    printed="Without a current nothing changes. A constant one is enough, if the "
    "light starts without it: with X = 1, which no motion changes, p_0 falls to "
    "exp(-(2 lambda/omega)^2), 0.685 at lambda/omega = 0.31, and is back at 1 after "
    "each period.",
    test="tests/papers/thermalization/test_tower.py"
    "::test_a_constant_current_dresses_the_light",
)(Tower)
equation(
    "claim-equal-times",
    section="3 Planck distribution",
    statement="The norm of a level without coupling is conserved along equal times "
    "(two photons, two times).",
    verdict="holds",
    test="tests/papers/thermalization/test_plane_waves.py"
    "::test_brackets_are_multiplied_not_added",
)(photon_norm)
equation(
    "claim-real-field",
    section="3 Planck distribution",
    statement="A real vector potential has no norm.",
    verdict="holds",
    test="tests/papers/thermalization/test_plane_waves.py"
    "::test_only_positive_frequencies_have_positive_norm",
)(norm_density)
equation(
    "claim-photon-recoil",
    section="3 Planck distribution",
    statement="Photons carry little momentum for their energy, so that their impulses "
    "are negligible for free atoms: the mean thermal photon has 1.41e-6 of the "
    "momentum of an argon atom at its mean speed, at 300 K.",
    verdict="holds",
    test="tests/papers/thermalization/test_tower.py"
    "::test_recoil_of_a_thermal_photon_is_small",
)(gas.mean_speed)
equation(
    "claim-wavelength",
    section="3 Planck distribution",
    statement="Thermal wavelengths are often much longer than distances between "
    "atoms: 10 micrometres against nanometres at 300 K.",
    verdict="holds",
    test="tests/papers/thermalization/test_tower.py"
    "::test_thermal_light_is_longer_than_the_space_between_atoms",
)(photons.planck_law)
equation(
    "claim-C3",
    section="3 Planck distribution",
    statement="Photons of the tower come to the Planck distribution, with 1/T the "
    "slope of ln g(E): total variation below 0.06 and T = 1.33 +- 0.12 for 1.25, six "
    "seeds of 400 levels in one mode. That it converges with the number of levels is "
    "not shown, and random matter has thermalisation nearly built in.",
    verdict="holds",
    test="tests/matter/tower/test_levels.py::test_matter_makes_thermal_light",
)(tower.random_matter)
equation(
    "claim-C4",
    section="3 Planck distribution",
    statement="The distribution of light forgets the spectrum of the emitter: narrow, "
    "broad and resonant couplings of the same strength at the quantum agree within "
    "the noise of three seeds, 0.06 in total variation.",
    verdict="holds",
    test="tests/matter/tower/test_levels.py"
    "::test_the_shape_of_the_emitter_is_forgotten",
)(GaussianShape)
equation(
    "claim-C5",
    section="3 Planck distribution",
    statement="Energy over norm is the same in every level: within 0.25 of 6, an "
    "effect of the coupling, for levels of more than 2 % (one seed, lambda = 0.06).",
    verdict="holds",
    test="tests/matter/tower/test_levels.py::test_levels_share_their_energy",
)(tower.levels)
equation(
    "claim-C6",
    section="3 Planck distribution",
    statement="The levels of the tower are roughly equally occupied.",
    verdict="refuted",
    printed="Thermal light of one mode is geometric, 0.551, 0.247, 0.111 at T = 1.25; "
    "that of four modes of 0.7 to 2.1 T has its peak at one photon and falls after "
    "it. Towers of 100 levels of matter have in the levels of one and of two photons "
    "less than 0.65 of the norm of the level before (mean of three seeds).",
    test="tests/matter/photons/test_thermal_light.py"
    "::test_levels_are_not_equally_occupied",
)(photons.level_distribution)
equation(
    "claim-C7",
    section="3 Planck distribution",
    statement="Each level is a product of one function of the matter and one of the "
    "photons.",
    verdict="refuted",
    printed="With two modes matter and photons are entangled: Schmidt number 1.7 to 2 "
    "for one photon, where a thermal mixture has 1.97, and 1.5 and more for two (one "
    "seed). In one mode it is a product, as photons have no choice.",
    printed_tex=r"\Psi_{N,k}\approx\Psi_N^{k}\,\mathcal{A}_k",
    tex=r"\Psi_{N,k}=\sum_{s}\sqrt{p_{k,s}}\;\Psi_{N,s}^{k}\,\mathcal{A}_{k,s}",
    test="tests/matter/tower/test_levels.py::test_levels_of_two_modes_are_no_products",
)(tower.schmidt_numbers)
equation(
    "claim-C8",
    section="3 Planck distribution",
    statement="The photons of a level are spread in energy by less than one quantum.",
    verdict="corrected",
    printed="For few photons. k independent photons of Planck's spectrum spread by "
    "0.65 sqrt(k) of their mean quantum, more than one from k = 3 on. (In print, less "
    "than one wavelength, which is no energy.) Photons at fixed places of the atoms "
    "are not computed.",
    test="tests/papers/thermalization/test_tower.py"
    "::test_photon_energy_spreads_with_the_root_of_k",
)(photons.planck_law)
equation(
    "claim-C10",
    section="3 Planck distribution",
    statement="Even at very low temperatures there are many more photons than atoms.",
    verdict="refuted",
    printed="5.5e14 in a cubic metre at 300 K, 6e-15 of the atoms of copper; as many "
    "as these only at 1.6e7 K.",
    test="tests/matter/photons/test_thermal_light.py"
    "::test_photons_do_not_outnumber_atoms",
)(photons.photon_density)
equation(
    "claim-D",
    section="3 Planck distribution",
    statement="Temperature is the inverse slope of the logarithm of the density of "
    "states. It works for eigenvalues and has derivatives; at finite size it is "
    "ambiguous: 11, 1 and 0.1 % from the canonical one for 10, 100 and 1000 "
    "oscillators with two quanta each.",
    verdict="holds",
    test="tests/matter/temperature/test_temperature.py::test_einstein_solid",
)(temperature.temperatures)
equation(
    "claim-cores-in-the-tower",
    section="3 Planck distribution",
    statement="The cores stay localised throughout the tower, since the norm that "
    "fills it carries their places along; a large spread of the matter's energy would "
    "spoil that. No matter with cores was put into a tower here.",
    verdict="open",
)(tower.user_matter)
equation(
    "claim-collision-spectrum",
    section="3 Planck distribution",
    statement="A pair collision emits about a peaked frequency, given by its "
    "duration. The models have no charges whose acceleration could be followed.",
    verdict="not computable",
)
equation(
    "claim-radiation-reaction",
    section="3 Planck distribution",
    statement="Change of current in one level and of energy and norm in the next "
    "extend radiation reaction to conserve momentum and norm. No equation of motion "
    "is printed.",
    verdict="not computable",
)
equation(
    "claim-phase-space",
    section="3 Planck distribution",
    statement="The tower is a point in a sum of phase spaces of atoms and photons and "
    "spends most of its time at typical values. Neither the measure nor the flow is "
    "given, and with entangled levels (claim-C7) there is no such point.",
    verdict="not computable",
)
equation(
    "claim-fluctuations-essential",
    section="3 Planck distribution",
    statement="Fluctuations are essential to the universal limit and irrelevant for "
    "the distribution that it has. No state of the kind considered is without them, "
    "so that there is nothing to compare.",
    verdict="not computable",
)
equation(
    "erratum-level-index",
    section="3 Planck distribution",
    statement="Levels are counted by k = 0, 1, 2, ... and their norms add up to 1.",
    verdict="corrected",
    printed="k runs over photons from 1 to n in (2) and over levels in (3); n, m and "
    "i are used for the level as well. With the range of (2) the net norm changes in "
    "time.",
    printed_tex=r"\sum_{k=1}^{n}(\cdots)\ \text{in (2)},\qquad\sum_{i}\hat{\mathcal"
    r"{N}}(\Psi_{N,i})=1,\qquad\sum_{k}\hat{\mathcal{N}}(\Psi_{N,k})=1",
    tex=r"\sum_{k=0}^{\infty}\hat{\mathcal{N}}(\Psi_{N,k})=1",
    test="tests/papers/thermalization/test_tower.py::test_levels_are_counted_from_zero",
)(tower.level_norms)
equation(
    "erratum-level-one",
    section="3 Planck distribution",
    statement="The function of one photon is Psi_{N,1}(X, x_A).",
    verdict="corrected",
    printed="Psi_{Nm1}(X) = Psi_N(x_1 ... x_N, x_A): another symbol on the left, too "
    "few arguments there, and on the right the function of the matter alone.",
    printed_tex=r"\Psi_{Nm1}(X)=\Psi_N(x_1\dots x_N,x_1^{(A)})",
    tex=r"\Psi_{N,1}(X,x_1^{(A)})=\Psi_{N,1}(x_1\dots x_N,x_1^{(A)})",
    test="tests/papers/thermalization/test_tower.py"
    "::test_one_photon_has_coordinates_of_its_own",
)(Tower)
equation(
    "erratum-photon-states",
    section="3 Planck distribution",
    statement="Radiation changes the norms of the levels of k - 1 and k photons.",
    verdict="corrected",
    printed="Of the (N - 1)th and Nth, N being the number of atoms.",
    printed_tex=r"N-1,\ N",
    tex=r"k-1,\ k",
    test="tests/papers/thermalization/test_tower.py"
    "::test_levels_have_nothing_to_do_with_the_number_of_atoms",
)(tower.level_norms)
