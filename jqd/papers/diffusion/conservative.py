"""Section 3: conservative diffusion, its canonical form, and operators."""

from ... import ensembles
from ...ensembles.paths import schemes
from ...laws.diffusion import ConservativeDiffusion, Madelung, links
from ..registry import equations_of
from . import circulation, energies, fields, observables

equation = equations_of("diffusion")

equation("22", "3.2").holds(
    "The diffusion law as a postulate, (18) again.",
    test="test_fields.py::test_fick_flux",
)(fields.fick_flux)
equation("23", "3.2").holds(
    "The diffusion velocity, (19) again.", test="test_fields.py::test_velocities"
)(fields.osmotic_velocity)
equation("24", "3.2").holds(
    "The drift momentum is the gradient of S.", test="test_fields.py::test_velocities"
)(fields.current_velocity)
equation("25", "3.2").holds(
    "The energy is that of drift, that of the diffusion flux and the potential; their "
    "sum is the mean energy of quantum mechanics.",
    test="test_fields.py::test_energy",
)(energies.energy_budget)
equation("26", "3.2").holds(
    "The same as a function of density and S, with hbar^2/8m before the squared "
    "logarithmic gradient.",
    test="test_fields.py::test_energy",
)(observables.hamiltonian)
equation("30", "3.2").holds(
    "Identity between derivatives of ln density and the curvature of the root of the "
    "density.",
    test="test_fields.py::test_quantum_potential_and_localization_energy",
)(fields.quantum_potential)
equation("31", "3.2").holds(
    "The canonical equation of S is the Hamilton-Jacobi equation (8).",
    test="test_fields.py::test_canonical_equations",
)(Madelung.vector_field)
equation("32", "3.2").holds(
    "That of the density is the continuity equation (9): the drift velocity alone "
    "moves the density.",
    test="test_fields.py::test_canonical_equations",
)(Madelung.vector_field)
equation("33", "3.2").holds(
    "Density and S make the amplitude (7) and are had back from it; that (31) and (32) "
    "become linear is (34).",
    test="test_fields.py::test_density_and_phase_make_the_amplitude",
)(observables.polar)
equation("34", "3.2").holds(
    "The two canonical equations together are the Schroedinger equation.",
    test="test_fields.py::test_schrodinger_equation",
)(Madelung.vector_field)
equation("35", "3.3").corrected(
    "An observable is a bilinear form of the amplitude with a kernel (see "
    "claim-A-observables for those that are not).",
    printed="The kernel is taken as symmetric, A(x, x') = A(x', x), where it must be "
    "Hermitian, A(x, x') = A*(x', x): the kernel of the momentum is antisymmetric and "
    "imaginary, and nothing of it is symmetric.",
    printed_tex=r"A(\rho, S) = \iint \psi^*(x)\, A(x, x')\, \psi(x')\, dx\, dx', \quad "
    r"A(x, x') = A(x', x)",
    tex=r"A(\rho, S) = \iint \psi^*(x)\, A(x, x')\, \psi(x')\, dx\, dx', \quad A(x, "
    r"x') = A^*(x', x)",
    test="test_brackets.py::test_bilinear_observables",
)(observables.bilinear)
equation("36", "3.3").holds(
    "The Hermitian operator of a kernel.",
    test="test_brackets.py::test_bilinear_observables",
)(observables.bilinear)
equation("37", "3.3").holds(
    "The observable as the mean of the operator.",
    test="test_brackets.py::test_bilinear_observables",
)(observables.bilinear)
equation("39", "3.3").holds(
    "The mean place as an observable of density and as a mean of an operator.",
    test="test_brackets.py::test_bilinear_observables",
)(observables.bilinear)
equation("40", "3.3").holds(
    "The mean momentum, of the operator hbar/i times the gradient; conserved where no "
    "force acts.",
    test="test_brackets.py::test_momentum_is_conserved_by_translations_alone",
)(observables.momentum)
equation("41", "3.3").holds(
    "The density of the momentum is that of m v + i m u, pointwise and with this sign; "
    "u drops out of the mean.",
    test="test_fields.py::test_momentum_density",
)(fields.momentum_density)
equation("claim-noise", "3.1").corrected(
    "The coefficient of the diffusion of particles is fixed by quantum mechanics as "
    "hbar/2m (section 3.1).",
    printed="That of (26) is (claim-more-general). The strength of the noise of the "
    "paths is not: any one, also none, with the drift that belongs to it moves the "
    "density alike.",
    test="test_paths.py::test_any_noise_moves_the_density_alike",
)(schemes.drift)
equation("claim-frames", "3.1").holds(
    "Conservative diffusion is the same in all inertial frames (section 3.1): of free "
    "particles, and frames that a boost of Galilei connects. Lorentz's were not tried; "
    "(34) is not relativistic.",
    test="test_motion.py::test_the_law_is_the_same_in_every_frame",
)(ConservativeDiffusion.vector_field)
equation("claim-preferred-frame", "3.1").holds(
    "A medium with friction has a preferred frame: the law is not that of another "
    "frame, and the mean momentum against the medium decays at the rate of the "
    "friction.",
    test="test_motion.py::test_the_law_is_the_same_in_every_frame",
)(ConservativeDiffusion.vector_field)
equation("claim-constant-D", "3.1").holds(
    "In a homogeneous space the coefficient of diffusion is constant (section 3.1). "
    "One that varies exerts a force, if it enters (25) as D(x) in u = -D(x) grad "
    "rho/rho, which is one reading of several (see claim-5.4-attraction).",
    test="test_motion.py::test_a_diffusion_coefficient_that_varies_gives_a_force",
)(links.link_energy)
equation("claim-more-general", "3.2").holds(
    "Conservative diffusion with any D contains quantum mechanics as the case D = "
    "hbar/2m: with another D it is quantum mechanics of hbar = 2mD, and m and V at one "
    "D show in a density by V/m alone.",
    test="test_motion.py::test_any_D_is_quantum_mechanics_of_another_constant",
)(ConservativeDiffusion.vector_field)
equation("claim-equivalence", "3.2").corrected(
    "Conservative diffusion and quantum mechanics are equivalent (section 3.2).",
    printed="Only with the demand that the circulation of v around every node is a "
    "whole multiple of 2 pi hbar/m. (31) and (32) hold, but for the node, for vortices "
    "of any circulation, which belong to no single-valued amplitude.",
    test="test_motion.py"
    "::test_the_hydrodynamic_equations_have_solutions_that_are_no_amplitude",
)(circulation.check_circulation)
equation("claim-flux", "beyond the paper").holds(
    "In a magnetic field v = (grad S - qA)/m, and the demand of claim-equivalence "
    "reads: m times the circulation of v plus q times the flux through the loop is a "
    "whole multiple of h. Round a flux that is no multiple of h/q the circulation of v "
    "alone is not whole, and the field belongs to an amplitude all the same.",
    test="laws/diffusion/test_peierls.py"
    "::test_circulation_round_a_solenoid_is_not_refused",
)(circulation.check_circulation)
equation("claim-gauge", "beyond the paper").holds(
    "The link form of (26), with S_b - S_a less by q times the integral of A along the "
    "link, moves the density of a ring with a flux as the lattice's Schroedinger "
    "equation does, and alike wherever on the ring the potential is put; without the "
    "flux the density is another.",
    test="laws/diffusion/test_peierls.py::test_a_ring_in_two_gauges_and_by_its_matrix",
)(links.link_rates)
equation("claim-magnet", "beyond the paper").holds(
    "Paths of Pauli's spinors, with the density and the current of both components, "
    "leave a magnet up and down in the shares of quantum mechanics. Without noise the "
    "place where a path starts decides which way it goes; with Nelson's noise it does "
    "not. So it is of paths that nothing measures.",
    test="ensembles/paths/test_spins.py"
    "::test_noise_blurs_the_edge_and_keeps_the_shares",
)(ensembles.path_spin)
