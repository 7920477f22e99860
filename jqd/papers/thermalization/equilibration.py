"""Section 2: how solids and gases come to equilibrium."""

from ...matter import gas, packets, solid, temperature, tower
from ...matter.solid import Solid
from ...matter.tower import Eigenbasis, Tower
from ..registry import equations_of
from .gases import (
    contact_energy_density,
    dilute_averages,
    energy_spread,
    recoil_time_spring,
)
from .phonons import coherent_path
from .time_scales import spreading_width

equation = equations_of("thermalization")

equation("claim-filling", "2 equilibration").corrected(
    "The peak fills the part of the well below its energy on very short times.",
    printed="Only if the forces are anharmonic, and slowly: 64 atoms with quartic "
    "springs take 1e3 to 6e3 units of time (one run), eight to fifty periods of the "
    "slowest sound wave; in the harmonic well never.",
    test="matter/solid/test_equipartition.py"
    "::test_an_anharmonic_chain_comes_to_its_temperature",
)(solid.effective_modes)
equation("claim-sound", "2 equilibration").holds(
    "Sound has the frequencies of the phonons even where it moves cores by many "
    "spacings; in phonons such a state is broad in energy. So it is where bonds are "
    "little strained: cores of 384 atoms with Morse bonds, moved by three spacings in "
    "the longest wave, follow the path of that phonon to 3 % and its period to 6e-4 "
    "(classical motion). In a wave 16 times as short they do not.",
    test="test_solids.py::test_sound_has_the_frequency_of_its_phonons",
)(coherent_path)
equation("claim-A9", "2 equilibration").holds(
    "In a harmonic solid in thermal equilibrium kinetic and potential energy of a mode "
    "are distributed alike.",
    test="matter/solid/test_equipartition.py"
    "::test_kinetic_and_potential_energies_are_alike",
)(solid.wigner_samples)
equation("claim-A9-lennard-jones", "2 equilibration").holds(
    "Of real binding that is true in the cold only: in a Lennard-Jones cluster of 13 "
    "atoms the potential energy is 1.002, 1.022 and 1.08 of the kinetic at T = 0.002, "
    "0.03 and 0.09 (means over many starts).",
    test="test_solids.py::test_potential_energy_outgrows_the_kinetic",
)(Solid.energy)
equation("claim-A8", "2 equilibration").holds(
    "The spread of energies is fixed: a constant, to the error of the steps, while the "
    "packet of three anharmonic atoms tears (t = 6).",
    test="matter/packets/test_reference.py::test_energy_and_its_spread",
)(packets.exact_packet)
equation("claim-mixture", "2 equilibration").holds(
    "A mixture of random phases of all states of one energy is an eigenstate of that "
    "energy: nothing in it moves.",
    test="test_tower.py::test_states_of_one_energy_do_not_fluctuate",
)(Eigenbasis.energy_spread)
equation("claim-window", "2 equilibration").holds(
    "The width of the energy window of the microcanonical ensemble is ambiguous, and "
    "too small a one makes the ensemble irregular: the temperature of 256 levels "
    "changes sign from level to level.",
    test="test_tower.py::test_a_narrow_window_counts_single_levels",
)(temperature.kde_beta)
equation("claim-B1", "2 equilibration").holds(
    "A gas comes to the distribution of Maxwell and Boltzmann within a few collisions, "
    "in more than one dimension: equal speeds in the plane keep a quarter of their "
    "fourth cumulant after four collisions each; equal rods on a line keep one speed.",
    test="matter/gas/test_relaxation.py::test_equal_speeds_relax",
)(gas.dsmc)
equation("claim-B2", "2 equilibration").refuted(
    "Packets of nearly one wave vector have an energy spread of about hbar^2/2md^2.",
    printed="Too small by k_0 d, which is large where the wave vector is nearly one: "
    "5.003 for 0.5 at k_0 d = 10.",
    printed_tex=r"\Delta E\approx\frac{\hbar^2}{2md^2}",
    tex=r"\Delta E\approx\frac{\hbar^2}{2md^2}\,k_0 d\qquad(k_0 d\gg 1)",
    test="matter/gas/test_packets.py::test_energy_spread",
)(energy_spread)
equation("claim-B2-constant", "2 equilibration").holds(
    "The energy spread of a packet stays as it spreads.",
    test="matter/gas/test_packets.py::test_energy_spread_never_changes",
)(energy_spread)
equation("claim-B3", "2 equilibration").refuted(
    "Packets stay localised for as long as it takes to collide and relax, so that "
    "localised parcels describe the gas.",
    printed="Argon at 300 K and 1 atm: packets of 0.1 angstrom double their variance "
    "in 1.3e-13 s and collide after 2e-10 s, 16 nm wide, at 3.4 nm from the next atom. "
    "Packets of 1 angstrom are 1.6 nm wide then, and localised still; but collisions "
    "widen packets of discs past the free path within three of them (width 0.03 of a "
    "disc, four seeds).",
    test="matter/gas/test_packets.py::test_argon",
)(spreading_width)
equation("claim-plane-waves", "2 equilibration").open(
    "At low density plane waves are good states of a gas, the error at the hard cores "
    "being very small. Of the pressure it is, 4 phi = 0.002 for argon at 300 K and 1 "
    "atm; states were not compared.",
    test="test_tower.py::test_a_dilute_gas_hardly_feels_its_hard_cores",
)(gas.compressibility)
equation("claim-B4", "2 equilibration").corrected(
    "The distribution of potential energy is that of kinetic energy times the share of "
    "time in contact, tau_r/tau_coll.",
    printed="That share is right for contacts, in the limit of stiff springs; "
    "potential over kinetic energy is it divided by 2d, a quarter in the plane.",
    printed_tex=r"h_{PE}(E)\approx h_{KE}(E)\,\frac{\tau_r}{\tau_{\mathrm{coll}}}",
    tex=r"\langle E_{PE}\rangle\approx\frac{1}{2d}\,\langle E_{KE}\rangle\,\frac{"
    r"\tau_r}{\tau_{\mathrm{coll}}}\qquad(d\text{ dimensions})",
    test="matter/gas/test_soft.py::test_quadratures",
)(dilute_averages)
equation("claim-B5", "2 equilibration").refuted(
    "Kinetic energies are distributed as a Gaussian about gamma k_B T.",
    printed="Energies of discs follow exp(-E/T)/T within the 99 % line, and the "
    "Gaussian is off by 0.055 or more for any centre and width tried; as printed, by "
    "more than 0.2.",
    printed_tex=r"h_{KE}(E)\approx A\exp\left(-(\gamma kT-E)^2\right)",
    tex=r"h_{KE}(E)=\frac{1}{kT}\,e^{-E/kT}\qquad\text{(in the plane)}",
    test="matter/gas/test_events.py::test_energies_of_discs",
)(gas.energy_cdf)
equation("claim-B-equal-energies", "2 equilibration").open(
    "As packets spread, kinetic and potential energy become more equal. Not tested: a "
    "truncated Wigner ensemble moves as the classical gas does and would show no "
    "change, and no exact wave function of several colliding atoms is computed here."
)(dilute_averages)
equation("claim-universal", "2 equilibration").corrected(
    "Thermalisation is a universal event.",
    printed="Not of all matter. The light of five free spins, far from resonance, "
    "differs by more than 0.55 in total variation from that of equal shares, and by "
    "less than 0.25 if the same levels are coupled at random with the same strength "
    "(three seeds); a harmonic ladder keeps its energy, too.",
    test="test_tower.py::test_the_same_levels_thermalise_if_coupled_at_random",
)(tower.user_matter)
equation("claim-localisation-needed", "2 equilibration").refuted(
    "Localisation of the cores is crucial to thermalisation.",
    printed="Matter without any cores, levels coupled at random, comes to thermal "
    "light as well (mean of three seeds of 100 levels, total variation below 0.1). "
    "That such matter thermalises is nearly built into it; and a solid may still owe "
    "its own thermalisation to localisation.",
    test="matter/tower/test_levels.py::test_small_towers_are_thermal_and_not_flat",
)(tower.random_matter)
equation("claim-photons-alone", "2 equilibration").holds(
    "Electromagnetic waves do not interact and never thermalise on their own. That "
    "they do not interact is put in: without coupling to matter every configuration of "
    "the tower keeps its share.",
    test="test_tower.py::test_photons_alone_stay_as_they_are",
)(Tower)
equation("claim-pump", "2 equilibration").refuted(
    "A larger spread of energies pumps more energy into the photon field.",
    printed="At the same mean energy the light has the same, for spreads of 0.22 to "
    "0.81: within 12 % on average over all times, within 25 % when a third of it is "
    "there (one matter of 60 levels, six states each).",
    test="test_tower.py::test_a_wider_packet_pumps_no_more_light",
)(Eigenbasis.time_average)
equation("claim-electron-clouds", "2 equilibration").not_computable(
    "Current in superpositions compresses orbitals and so makes photons; warm electron "
    "clouds weaken the binding and may explain the liquid. The models have atoms "
    "without electrons; nothing here says how binding depends on them."
)
equation("erratum-energy-spread", "2 equilibration").corrected(
    "Energy spread of a Gaussian packet on a line, sqrt((v hbar/2 sigma)^2 + hbar^4/32 "
    "m^2 sigma^4).",
    printed="hbar^2/2md^2, without the speed.",
    printed_tex=r"\Delta E\approx\frac{\hbar^2}{2md^2}",
    tex=r"\Delta E=\sqrt{\left(\frac{v\hbar}{2d}\right)^2+\frac{\hbar^4}{32m^2d^4}}",
    test="matter/gas/test_packets.py::test_energy_spread_of_a_wave_function",
)(energy_spread)
equation("erratum-h-KE", "2 equilibration").corrected(
    "Kinetic energies have the density exp(-E/T)/T in the plane, 2 sqrt(E/pi) T^(-3/2) "
    "exp(-E/T) in space.",
    printed="exp(-(gamma kT - E)^2), whose exponent has a dimension. Energies of discs "
    "follow the density of the plane (claim-B5).",
    printed_tex=r"h_{KE}(E)\approx A\exp\left(-(\gamma kT-E)^2\right)",
    tex=r"h_{KE}(E)=\frac{1}{kT}\,e^{-E/kT}\ \text{(in the plane)},\qquad h_{KE}(E)=2"
    r"\sqrt{\frac{E}{\pi}}\,(kT)^{-3/2}e^{-E/kT}\ \text{(in space)}",
    test="matter/gas/test_events.py::test_energies_of_discs",
)(gas.energy_cdf)
equation("erratum-h-PE", "2 equilibration").corrected(
    "Potential energies have the weight 1 - tau_r/tau_coll at zero and the rest in "
    "contacts.",
    printed="It is both tau_r/tau_coll times the kinetic one and normalised to 1: the "
    "two contradict each other.",
    printed_tex=r"h_{PE}(E)\approx h_{KE}(E)\,\frac{\tau_r}{\tau_{\mathrm{coll}}},"
    r"\qquad\int h_{PE}(E)\,dE=1",
    tex=r"h_{PE}(E)=\left(1-\frac{\tau_r}{\tau_{\mathrm{coll}}}\right)\delta(E)+\frac{"
    r"\tau_r}{\tau_{\mathrm{coll}}}\,g(E),\qquad\int g(E)\,dE=1",
    test="matter/gas/test_soft.py::test_energies_in_contact",
)(contact_energy_density)
equation("erratum-recoil-time", "2 equilibration").corrected(
    "Duration of a recoil: pi sqrt(mu/kappa) for a spring, whatever the speed, 4E/Fv "
    "for a constant force.",
    printed="E/kappa v with a stiffness kappa, which is no time; with a force for "
    "kappa it is, and four times too short.",
    printed_tex=r"\tau_r\approx\frac{E_{th}}{\kappa v_{th}}",
    tex=r"\tau_r=\pi\sqrt{\frac{\mu}{\kappa}}\ \text{(spring)},\qquad\tau_r="
    r"\frac{4E}{Fv}\ \text{(constant force)}",
    test="matter/gas/test_soft.py::test_recoil_time",
)(recoil_time_spring)
