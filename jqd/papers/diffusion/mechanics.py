"""Sections 1 and 2: quantum mechanics, its hydrodynamics, spreading, path integrals."""

from ... import ensembles, exact
from ...ensembles.paths import schemes
from ...laws import Schrodinger
from ...laws.diffusion import ClassicalDiffusion, ConservativeDiffusion, Literal
from ..registry import equations_of
from . import closed_forms, energies, fields, observables

equation = equations_of("diffusion")

equation("1", "1.1").holds(
    "The density is the squared modulus of the amplitude, and its integral is 1.",
    test="test_fields.py::test_density_and_phase_make_the_amplitude",
)(fields.density)
equation("2", "1.1").holds(
    "Hamilton's function of the amplitude, hbar^2/2m of the squared gradient and the "
    "potential: the mean energy.",
    test="test_fields.py::test_energy",
)(observables.hamiltonian)
equation("6", "1.1").holds(
    "The Schroedinger equation of a particle in a potential.",
    test="test_fields.py::test_schrodinger_equation",
)(Schrodinger.vector_field)
equation("7", "2.1").holds(
    "The amplitude is the root of the density with the phase S/hbar.",
    test="test_fields.py::test_density_and_phase_make_the_amplitude",
)(observables.amplitude)
equation("8", "2.1").holds(
    "The Hamilton-Jacobi equation of the phase, with the quantum potential, follows "
    "from the Schroedinger equation away from nodes.",
    test="test_fields.py::test_hydrodynamic_equations",
)(Literal.vector_field)
equation("9", "2.1").holds(
    "So does the continuity equation of the density.",
    test="test_fields.py::test_hydrodynamic_equations",
)(Literal.vector_field)
equation("10", "2.1").holds(
    "The drift velocity is the gradient of S over m, the imaginary part of hbar/m "
    "times the gradient of psi over psi.",
    test="test_fields.py::test_velocities",
)(fields.current_velocity)
equation("11", "2.1").holds(
    "The quantum potential from the curvature of the root of the density.",
    test="test_fields.py::test_quantum_potential_and_localization_energy",
)(fields.quantum_potential)
equation("12", "2.2").holds(
    "A free amplitude obeys a diffusion equation with the imaginary coefficient iD, D "
    "= hbar/2m.",
    test="test_packets.py::test_the_amplitude_diffuses_with_an_imaginary_coefficient",
)(ConservativeDiffusion.vector_field)
equation("13", "2.2").holds(
    "Ordinary diffusion of a density with a constant coefficient.",
    test="test_packets.py::test_classical_diffusion",
)(ClassicalDiffusion.vector_field)
equation("14", "2.2").corrected(
    "The free amplitude at a later time as an integral over the first one.",
    printed="The root is 2 sqrt(i pi hbar t/m) where sqrt(2 pi i hbar t/m) belongs, "
    "the kernel of diffusion with iD: as printed the norm becomes 1/2.",
    printed_tex=r"\psi(x, t) = \int_{-\infty}^{+\infty} \frac{dx_0}{2\sqrt{i\pi\hbar "
    r"t/m}}\, e^{-\frac{(x - x_0)^2}{2i\hbar t/m}}\, \psi(x_0, 0)",
    tex=r"\psi(x, t) = \int_{-\infty}^{+\infty} \frac{dx_0}{\sqrt{2\pi i\hbar t/m}}\, "
    r"e^{-\frac{(x - x_0)^2}{2i\hbar t/m}}\, \psi(x_0, 0)",
    test="test_packets.py::test_propagator",
)(closed_forms.free_propagator)
equation("15", "2.2").holds(
    "A Gaussian packet of width a and velocity v0; its density has the variance a^2/2.",
    test="test_packets.py::test_packet",
)(exact.free_gaussian)
equation("16", "2.2").corrected(
    "Its density at a later time: the centre moves on and the width grows.",
    printed="A^2 is divided by 1 + (hbar t/ma^2)^2 where the root of it belongs in the "
    "one dimension of (14): as printed probability is lost, the integral is one over "
    "that root.",
    printed_tex=r"\rho(x, t) = \frac{A^2}{1 + (\hbar t/ma^2)^2}\, e^{-\frac{(x - v_0 "
    r"t)^2}{a^2 [1 + (\hbar t/ma^2)^2]}}",
    tex=r"\rho(x, t) = \frac{A^2}{\sqrt{1 + (\hbar t/ma^2)^2}}\, e^{-\frac{(x - v_0 "
    r"t)^2}{a^2 [1 + (\hbar t/ma^2)^2]}}",
    test="test_packets.py::test_spreading",
)(closed_forms.packet_density)
equation("17", "2.2").holds(
    "Fick's law: the flux of ordinary diffusion is minus D_c times the gradient of the "
    "density.",
    test="test_packets.py::test_classical_diffusion",
)(ClassicalDiffusion.flux)
equation("18", "2.2").holds(
    "The diffusion flux of a quantum ensemble by the same law with D = hbar/2m, as a "
    "definition; see claim-fick-transport.",
    test="test_fields.py::test_fick_flux",
)(fields.fick_flux)
equation("19", "2.2").holds(
    "The diffusion velocity is minus hbar/2m times the gradient of the density over "
    "the density.",
    test="test_fields.py::test_velocities",
)(fields.osmotic_velocity)
equation("20", "2.2").holds(
    "Its mean vanishes, where the density does so far away, and its mean square does "
    "not, where the density is not uniform (see (56)).",
    test="test_fields.py::test_fick_flux",
)(fields.fick_flux)
equation("21", "2.2").corrected(
    "Uncertainty relation of the place and the diffusion momentum.",
    printed="The bound hbar^2/4 is that of one component. With the scalar product and "
    "the volume integral that are printed it is (d hbar/2)^2, 9 hbar^2/4 in three "
    "dimensions, since the mean of p_u x is d hbar/2 for every density that vanishes "
    "far away (by parts; two densities were tried). On the left a product of two means "
    "belongs, not the mean of a product.",
    printed_tex=r"\overline{\mathbf{p}_u^2 \cdot \mathbf{x}^2} \ge \left|\overline{"
    r"\mathbf{p}_u \cdot \mathbf{x}}\right|^2 = m^2 \left|\int \mathbf{u} \cdot "
    r"\mathbf{x}\, \rho\, d^3\mathbf{x}\right|^2 = (mD)^2 \left|\int \nabla\rho \cdot "
    r"\mathbf{x}\, d^3\mathbf{x}\right|^2 = \frac{\hbar^2}{4}",
    tex=r"\overline{\mathbf{p}_u^2} \cdot \overline{\mathbf{x}^2} \ge \left|\overline{"
    r"\mathbf{p}_u \cdot \mathbf{x}}\right|^2 = m^2 \left|\int \mathbf{u} \cdot "
    r"\mathbf{x}\, \rho\, d^3\mathbf{x}\right|^2 = (mD)^2 \left|\int \nabla\rho \cdot "
    r"\mathbf{x}\, d^3\mathbf{x}\right|^2 = \frac{9\hbar^2}{4}",
    test="test_motion.py::test_uncertainty_in_three_dimensions",
)(energies.uncertainty_product)
equation("claim-module", "2.1").corrected(
    "Any amplitude can be written through the module rho and the phase S/hbar (before "
    "(7)).",
    printed="The module is the root of rho, as (7) itself has it.",
    printed_tex=r"|\psi| = \rho",
    tex=r"|\psi| = \sqrt{\rho}",
    test="test_fields.py::test_density_and_phase_make_the_amplitude",
)(observables.amplitude)
equation("claim-swapped", "2.2").corrected(
    "In (12) there is rho instead of the amplitude (after (13)).",
    printed="The other way round: (12) has the amplitude where (13) has the density. "
    "The density does not obey (12).",
    test="test_packets.py::test_the_amplitude_diffuses_with_an_imaginary_coefficient",
)(ConservativeDiffusion.vector_field)
equation("claim-constant-drift", "2.2").corrected(
    "The drift velocity of free quantum particles is constant (section 2.2).",
    printed="Its mean is. The velocity field of a spreading packet grows with the "
    "distance from the centre, and changes with time.",
    test="test_packets.py::test_only_the_mean_of_the_drift_velocity_is_constant",
)(fields.current_velocity)
equation("claim-faster", "2.2").corrected(
    "A packet spreads like ordinary diffusion, although faster (section 2.2).",
    printed="It is wider only after t = a^2/D = 2ma^2/hbar. Before that time ordinary "
    "diffusion with D_c = D is ahead, although from half of it on the quantum variance "
    "is the one that grows faster.",
    test="test_packets.py::test_spreading_overtakes_ordinary_diffusion_late",
)(closed_forms.crossover_time)
equation("claim-square-of-D", "2.2").holds(
    "The spread depends on the square of the modulus of the coefficient, on (Dt/a^2)^2 "
    "where ordinary diffusion has Dt/a^2.",
    test="test_packets.py::test_spreading_overtakes_ordinary_diffusion_late",
)(closed_forms.quantum_variance)
equation("claim-decay", "2.2").refuted(
    "As a packet spreads its density decreases everywhere (after (16)).",
    printed="It falls at the centre. Outside, also in the frame of the centre, it "
    "first grows: twice the width away to more than double before it falls.",
    test="test_packets.py::test_the_density_does_not_fall_everywhere",
)(closed_forms.packet_density)
equation("claim-delocalization", "2.2").corrected(
    "Diffusion delocalises a free ensemble (sections 2.2 and 5.1).",
    printed="In the end. A packet whose drift converges, such as a spread one with S "
    "reversed, contracts first, here to less than 3/4 of its variance.",
    test="test_packets.py::test_a_packet_may_contract_first",
)(ConservativeDiffusion.vector_field)
equation("claim-fick-transport", "2.2").refuted(
    "The diffusion flux spreads the density (sections 2.2 and 5.1).",
    printed="By (32) only the drift moves the density. A free packet at rest has a "
    "diffusion flux with a divergence, and a density that does not change at that "
    "instant.",
    test="test_motion.py::test_the_diffusion_flux_moves_nothing",
)(fields.fick_flux)
equation("claim-quantum-potential", "2.2").holds(
    "The kinetic energy of the diffusion flux leads to the quantum potential: it is "
    "the derivative of that energy in the density, as (29) takes it, and both have the "
    "same mean. At a point they differ.",
    test="test_fields.py::test_quantum_potential_and_localization_energy",
)(fields.quantum_potential)
equation("claim-brownian", "2.3").holds(
    "Transition probabilities of Brownian motion cannot be those of quantum mechanics "
    "(section 2.3): in the ground state of a well Nelson's unmeasured paths have the "
    "correlation exp(-wt) of two times and not cos wt. Nor do Bohm's have it, which "
    "rest. Of measured ones, and of what is recorded, see claim-records.",
    test="test_paths.py::test_brownian_paths_miss_the_correlations_of_two_times",
)(ensembles.two_time_correlation)
equation("claim-forward-drift", "2.3").holds(
    "The forward drift of Brownian paths that keep the density, with noise of D, is v "
    "- u, with u in the sign of (19); v + u is their backward drift.",
    test="test_paths.py::test_any_noise_moves_the_density_alike",
)(schemes.drift)
equation("claim-mechanism", "2.5").not_computable(
    "Fluctuations of a background field are the source of quantum fluctuations."
)
