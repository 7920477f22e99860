"""Paths that are measured, and paths of several particles: what they can show.

No equation of the paper; what follows if its ensemble consists of paths, of any noise,
and what measures them is part of it: pointers, whose positions are the records.
"""

from ... import ensembles, exact
from ..registry import equations_of

equation = equations_of("diffusion")

equation("claim-records", "beyond the paper").holds(
    "What pointers record of two times is quantum mechanics for paths of any noise, "
    "Bohm's included: E[Y1 Y2] = cos(wt)/2 of an oscillator's ground state, for "
    "pointers of any strength. Of paths in equilibrium with the wave, and records "
    "that stay where they are.",
    test="exact/test_quadratic.py::test_records_do_not_know_the_noise_and_paths_do",
)(exact.gaussian_paths)
equation("claim-measured-path", "beyond the paper").holds(
    "The path itself, which nothing but its pointer sees, turns to cos(wt)/2 at half a "
    "period as the pointer sharpens: -0.480 without noise, -0.490 with Nelson's at a "
    "variance of 0.01, of 0.500 and 0.022 unmeasured. At a quarter of a period it "
    "keeps what it had unmeasured, while the records say 0.",
    test="exact/test_quadratic.py::test_records_do_not_know_the_noise_and_paths_do",
)(exact.gaussian_paths)
equation("claim-collapse", "beyond the paper").holds(
    "Where the branches of a pointer lie apart the wave at the pointer's position is "
    "the collapsed one, with the weights of the branches (two packets, a pointer of "
    "two places).",
    test="ensembles/paths/test_measurement.py"
    "::test_after_disjoint_branches_the_conditional_wave_is_the_collapsed_one",
)(ensembles.conditional_wave)
equation("claim-ways-cross", "beyond the paper").holds(
    "Behind two slits of Gaussian transmission whose pointers lie apart 0.275 of the "
    "paths of one slit end on the other side, Bohm's as well. Without a pointer none "
    "of Bohm's do, and some of Nelson's.",
    test="ensembles/paths/test_measurement.py"
    "::test_behind_disjoint_pointers_ways_cross",
)(ensembles.bohm)
equation("claim-exchange", "beyond the paper").holds(
    "Paths of two bosons on a line change places with noise, and not without: in an "
    "oscillator's ground state (2/pi) arcsin exp(-2 nu t) of the pairs have not by t. "
    "Those of two fermions never do. Which is which no experiment tells.",
    test="ensembles/paths/test_exchange.py::test_bosons_change_places",
)(ensembles.never_exchanged)
equation("claim-far-particle", "beyond the paper").holds(
    "Unmeasured paths of one particle of an entangled pair depend on what is done to "
    "the other, with which it does not interact: E[X(0) X(1)] is 0.373 or 0.418 with "
    "Nelson's noise as the other's spring is left alone or made four times as stiff.",
    test="exact/test_quadratic.py"
    "::test_an_entangled_pair_signals_out_of_equilibrium_alone",
)(exact.gaussian_paths)
equation("claim-signals", "beyond the paper").holds(
    "In equilibrium nothing of it shows: E[X^2] is the same to 1e-11, for any noise. "
    "Out of equilibrium it shows: 0.909 or 0.869 with Nelson's noise, of starts of "
    "variance 1/2.",
    test="exact/test_quadratic.py"
    "::test_an_entangled_pair_signals_out_of_equilibrium_alone",
)(exact.gaussian_paths)
