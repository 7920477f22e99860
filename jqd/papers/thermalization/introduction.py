"""Abstract and introduction."""

from ...matter import packets
from ...matter.tower import Eigenbasis
from ..registry import equations_of
from .time_scales import (
    doubling_time,
    ehrenfest_time,
    localization_times,
    spreading_width,
    vibrational_return,
)

equation = equations_of("thermalization")

equation("claim-A6", "abstract").refuted(
    "A peak of the many-body wave function keeps a well defined motion in its "
    "3N-dimensional well for long times.",
    printed="Not in every well. Three atoms with quartic springs, from one start: a "
    "narrow Gaussian about the classical path has a width wrong by half at t = 3.2, "
    "and its centre is astray at 4.6, less than one period of the slowest mode. In a "
    "harmonic well it does (claim-A2); that cores stay localised is another matter "
    "(claim-A5).",
    test="matter/packets/test_reference.py"
    "::test_a_thawed_packet_fails_past_the_ehrenfest_time",
)(packets.thawed_run)
equation("claim-A6-ensemble", "abstract").holds(
    "Past that time the exact widths are those of a classical ensemble drawn from the "
    "Wigner function of the start (three atoms with quartic springs, hbar = 0.05, "
    "within 2 %).",
    test="matter/packets/test_reference.py::test_an_ensemble_has_the_exact_widths",
)(packets.truncated_wigner)
equation("claim-A6-growth", "abstract").holds(
    "On a barrier, where the motion is unstable, the width of a packet grows as "
    "exp(lambda t) with the rate lambda of the classical motion.",
    test="matter/packets/test_thawed.py"
    "::test_width_grows_with_the_lyapunov_rate_and_the_run_ends_in_a_status",
)(packets.thawed_run)
equation("claim-A10", "introduction").holds(
    "The vibrational state of a solid recurs, to an overlap of 1/2 and at one quantum "
    "a mode: after 11.7 units of time with two modes and 44.6 with three, as counted "
    "too, after 8e3 with six, by the flux through the torus of phases.",
    test="test_solids.py::test_vibrations_return_ever_later",
)(vibrational_return)
equation("claim-A10-localisation", "introduction").holds(
    "Localisation fades and comes back, in a mode with a shift chi per quantum after "
    "1/(2 chi |alpha|) and pi/chi.",
    test="matter/packets/test_scales.py::test_kerr_collapse_and_revival",
)(localization_times)
equation("claim-A10-classicality", "introduction").holds(
    "The place of a free body fades the more slowly the heavier it is, at one width: a "
    "packet of 0.1 angstrom doubles in 2e-13 s for one argon atom, in 0.7 years for "
    "1e20 of them.",
    test="matter/packets/test_scales.py::test_spreading_of_argon",
)(doubling_time)
equation("claim-A10-ehrenfest", "introduction").holds(
    "The time at which a packet that grows as exp(lambda t) (claim-A6-growth) outgrows "
    "the length delta of its forces, ln(delta/sigma)/lambda, itself grows only as half "
    "the logarithm of 1/hbar.",
    test="matter/packets/test_scales.py::test_ehrenfest_time",
)(ehrenfest_time)
equation("claim-A10-fourth", "introduction").corrected(
    "There are three kinds of Poincare-like times, those of vibration, localisation "
    "and classicality.",
    printed="A fourth is missing, the one of unstable motion in claim-A10-ehrenfest. "
    "For ever smaller hbar at the same motion, with the place of the body held fixed, "
    "it is the shortest: by their formulas the others grow as powers of 1/hbar.",
    test="test_solids.py::test_unstable_motion_fades_soonest",
)(ehrenfest_time)
equation("claim-orientation", "introduction").holds(
    "A well defined orientation needs a mixture of many angular momenta.",
    test="test_solids.py::test_an_orientation_needs_many_angular_momenta",
)(spreading_width)
equation("claim-classical-states", "introduction").not_computable(
    "The world is one wave function, divided into sparse classical domains, and "
    "measurement divides it further. No equation of the paper says how; its references "
    "do."
)
equation("claim-arrow-of-time", "introduction").not_computable(
    "The fading of classicality defines the arrow of time and ends our memory and "
    "consciousness. Only the times of fading can be computed, claim-A10-classicality."
)
equation("claim-C9", "introduction").refuted(
    "A larger spread of energies gives larger fluctuations in time.",
    printed="In chaotic matter a wider packet has smaller ones, once it has come to "
    "equilibrium: they fall as the number of eigenstates grows that take part, to a "
    "factor of 4 as its inverse root (one matter of 60 levels, six states each of "
    "three widths).",
    test="matter/tower/test_levels.py"
    "::test_larger_energy_spread_means_smaller_fluctuations",
)(Eigenbasis.temporal_std)
equation("claim-C9-eigenstate", "introduction").holds(
    "Without any spread of energies there are no fluctuations.",
    test="test_tower.py::test_states_of_one_energy_do_not_fluctuate",
)(Eigenbasis.temporal_std)
equation("claim-first-derivation", "abstract").not_computable(
    "This is the first dynamical derivation of the Planck distribution. A matter of "
    "history; what is derived is in claim-C3 and claim-C4."
)
equation("claim-paradox", "abstract").not_computable(
    "The paradox of thermalisation by Schroedinger dynamics alone is resolved. A "
    "judgement; what goes into it is in the entries above."
)
