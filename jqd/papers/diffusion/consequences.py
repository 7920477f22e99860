"""Section 5: what the paper concludes about energy, light, mass and gravity."""

from ..registry import equations_of
from . import closed_forms, energies, readings
from .rules import rest_temperature

equation = equations_of("diffusion")

equation("55", "5.1").holds(
    "The mean energy of the diffusion flux, hbar^2/8m times Fisher's information of "
    "the density.",
    test="test_fields.py::test_quantum_potential_and_localization_energy",
)(energies.localization_energy)
equation("claim-localization-region", "5.1").holds(
    "The smaller the region, the greater the localization energy: as the inverse "
    "square of the length, for densities of one shape.",
    test="test_motion.py::test_uncertainty_in_three_dimensions",
)(energies.energy_budget)
equation("claim-5.1-stationary", "5.1").corrected(
    "Localised stationary states have S = -Et.",
    printed="Real ones have. The vortex of charge 1 in a plane harmonic well is "
    "stationary and drifts, with half as much energy in the drift as in the potential.",
    printed_tex="S(t) = -Et",
    tex=r"S(\mathbf{x}, t) = S_0(\mathbf{x}) - Et",
    test="test_motion.py::test_a_stationary_state_may_drift",
)(energies.energy_budget)
equation("claim-5.1-work", "5.1").corrected(
    "The localization energy is what external forces spend to localise the ensemble.",
    printed="Between walls it is. In a harmonic well half of the work goes to the "
    "potential energy; in a well of power k the localization energy is k/(k + 2) of "
    "the energy.",
    test="test_motion.py::test_external_work_goes_to_the_potential_too",
)(closed_forms.virial_localization_energy)
equation("claim-5.1-released", "5.1").holds(
    "It is a potential energy: set free, it turns into energy of the drift while their "
    "sum is constant.",
    test="test_motion.py::test_the_diffusion_flux_moves_nothing",
)(energies.energy_budget)
equation("claim-5.2-temperature", "5.2").refuted(
    "Fluctuations indicate an effective temperature of the background field.",
    printed="By (58) at one velocity of fluctuations, as (59) has it, it would be "
    "proportional to the mass, 1836 times as high for the proton as for the electron, "
    "and so not one of the field.",
    test="test_background.py"
    "::test_the_rest_energy_is_twice_the_thermal_energy_at_the_velocity_of_light",
)(rest_temperature)
equation("claim-5.2-light", "5.2").not_computable(
    "The constancy of the velocity of light follows from that of fluctuations."
)
equation("claim-5.3-rest-energy", "5.3").not_computable(
    "The rest energy is a thermal energy in the background field; but for the "
    "arithmetic of (60)."
)
equation("claim-5.4-attraction", "5.4").open(
    "Particles flow to where fluctuations are weaker. No equation is printed: with "
    "D(x) inside both derivatives the density gathers there as 1/D, with D(x) between "
    "them, Fick's law (17), it stays uniform.",
    test="test_background.py::test_what_gathers_where_fluctuations_are_weak",
)(readings.reading)
equation("claim-5.4-masses", "5.4").open(
    "The acceleration does not depend on the mass. No equation is printed: with D(x) "
    "in (25) it goes as D^2 and the inverse squared width, so as 1/m^2 where D = "
    "hbar/2m; with the rest energy (60) as a potential it is the same for all.",
    test="test_background.py::test_whether_all_masses_fall_alike",
)(readings.reading)
equation("claim-5.4-deficit", "5.4").not_computable(
    "Energy lent to particles lowers the energy density of the background field nearby."
)
equation("claim-5.5-condensate", "5.5").not_computable(
    "The condensate of the Higgs field is the background field."
)
equation("claim-5.6-composites", "5.6").not_computable(
    "Composite particles that form within a mean free path have small masses, against "
    "the uncertainty relation."
)
