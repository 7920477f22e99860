"""Section 1: solids, their atoms and phonons."""

from ...exact import squeezed_state
from ...matter import gas, solid
from ...matter.solid import Modes
from ...matter.solid.phonons import coordinate_covariance
from ..registry import equations_of
from .few_modes import anharmonic_spectrum
from .phonons import phonon_states

equation = equations_of("thermalization")

equation("claim-A1", "1 solids and phonons").holds(
    "Phonons broaden the cores: three in the lowest mode of a chain of eight widen the "
    "variance of the fourth atom from 0.588 to 2.450.",
    test="matter/solid/test_phonons.py::test_phonons_broaden",
)(solid.atom_variances)
equation("claim-A1-location", "1 solids and phonons").holds(
    "A phonon eigenstate leaves every core at its place and carries no current: one of "
    "standing modes, whose wave function is real.",
    test="test_solids.py::test_phonons_leave_cores_in_place",
)(phonon_states)
equation("claim-A2", "1 solids and phonons").holds(
    "A coherent state moves a core and keeps its width (harmonic forces); its spread "
    "of energy is constant.",
    test="matter/solid/test_phonons.py"
    "::test_a_coherent_state_moves_and_keeps_its_width",
)(squeezed_state)
equation("claim-A3", "1 solids and phonons").corrected(
    "A solid of N atoms has 3N phonons.",
    printed="3N - 6 where the body is free, since six modes are rigid motions and have "
    "no frequency (3N - 3 where it is periodic, 3N where it is held); the text sets "
    "apart the centre of mass only.",
    printed_tex="3N",
    tex=r"3N-6\ \text{(free)},\qquad 3N-3\ \text{(periodic)},\qquad 3N\ \text{(held)}",
    test="test_solids.py::test_rigid_motions_are_no_phonons",
)(solid.normal_modes)
equation("claim-A4", "1 solids and phonons").holds(
    "Displacements against neighbours are others than those against the lab, and in "
    "the text the physical ones: in one dimension the latter diverge as ln N at zero "
    "temperature, the former stay at 2/pi.",
    test="matter/solid/test_displacements.py"
    "::test_the_lab_diverges_and_neighbours_do_not",
)(coordinate_covariance)
equation("claim-A5", "1 solids and phonons").holds(
    "Cores stay localised when two cold blocks join: in two harmonic chains of 32 "
    "atoms the median bond widens by at most 1.4 % until t = 2000.",
    test="matter/solid/test_blocks.py::test_cores_stay_sharp_in_a_harmonic_chain",
)(solid.bond_variances)
equation("claim-A5-bonds", "1 solids and phonons").holds(
    "Cores stay localised with real binding, below melting: Lennard-Jones blocks of 25 "
    "atoms that meet at v = 0.5 keep 99 % of their bonds, which widen to 0.04 and 0.06 "
    "of the spacing (one ensemble of 32 for each of two values of hbar).",
    test="matter/solid/test_blocks.py::test_bonds_stay_sharp",
)(solid.AtomMotion)
equation("claim-A7", "1 solids and phonons").corrected(
    "The acoustic impulse of a collision ricochets, spreads and comes to equilibrium.",
    printed="Not in a harmonic solid, which is what the text describes: its mode "
    "energies are constant, 0.037 of the modes hold the energy at any time until 2e4, "
    "while the velocities alone come to look more normal than at the start. It takes "
    "anharmonic forces (claim-A7-anharmonic).",
    test="matter/solid/test_equipartition.py::test_a_harmonic_chain_never_does",
)(solid.effective_modes)
equation("claim-A7-anharmonic", "1 solids and phonons").holds(
    "With quartic springs the impulse does equilibrate, to the temperature that the "
    "energy of the impact predicts within 1 % (64 atoms, v = 2, one run).",
    test="matter/solid/test_equipartition.py"
    "::test_an_anharmonic_chain_comes_to_its_temperature",
)(solid.FPUT)
equation("claim-A7-quantum", "1 solids and phonons").refuted(
    "A few phonons of one mode spread over the others, too.",
    printed="Two quanta in one of four weakly anharmonic modes stay there: 2.00 on "
    "average over all times, where equal levels of that energy have 0.42. One chain "
    "and one start; of solids with many modes it says nothing.",
    test="matter/solid/test_quantum_modes.py::test_two_quanta_stay_in_their_mode",
)(anharmonic_spectrum)
equation("claim-countermoving", "1 solids and phonons").holds(
    "Classical motion without the usual fluctuations, as of lattices reflected off "
    "each other, is unstable: rows of discs bounce on their line, and leave it within "
    "80 collisions if set aside by 1e-6 (one run).",
    test="test_solids.py::test_order_that_never_relaxes_is_unstable",
)(gas.event_driven)
equation("erratum-offset", "1 solids and phonons").corrected(
    "The peak sits where all mode coordinates are those of the lattice, X^i - e^(i).R.",
    printed="X^i - R_i, a mode coordinate less the place of an atom, which does not "
    "vanish on the lattice.",
    printed_tex=r"\Phi=\prod_i\psi_{n(i)}(X^i-R_i)",
    tex=r"\Phi=\prod_i\psi_{n(i)}(X^i-e^{(i)}\cdot\tilde R)",
    test="test_symmetrise.py::test_the_peak_sits_on_the_lattice",
)(Modes.coordinates)
equation("erratum-mode-coordinate", "1 solids and phonons").corrected(
    "The mode coordinate is the sum of sqrt(m_j) e_j x_j.",
    printed="The masses are missing, which matters where they differ: the ground state "
    "is no eigenstate then.",
    printed_tex=r"X^i=\sum_j  e_j^{(i)}x_j",
    tex=r"X^i=\sum_j \sqrt{m_j}\, e_j^{(i)}x_j",
    test="test_symmetrise.py::test_masses_belong_into_the_mode_coordinates",
)(Modes.coordinates)
equation("erratum-phonon-norm", "1 solids and phonons").corrected(
    "States of a mode, H_n(y/a) exp(-y^2/2a^2), with the factor (2^n n! sqrt(pi) "
    "a)^(-1/2).",
    printed="The factor is missing, and norms are not 1.",
    printed_tex=r"\psi_n(y)=H_n(y/a_i)\,e^{-y^2/2a_i^2}",
    tex=r"\psi_n(y)=\left(2^n\,n!\,\sqrt{\pi}\,a_i\right)^{-1/2}H_n(y/a_i)"
    r"\,e^{-y^2/2a_i^2}",
    test="matter/solid/test_phonons.py::test_states_are_orthonormal",
)(phonon_states)
equation("erratum-phonon-nodes", "1 solids and phonons").corrected(
    "More phonons of a mode are more nodes along its coordinate; the wave in the "
    "crystal stays as it is.",
    printed="Multiple occupancies are said to be higher modes with shorter "
    "wavelengths, which is true along the mode coordinate alone.",
    test="test_solids.py::test_more_phonons_are_more_nodes_along_one_mode",
)(phonon_states)
