"""Conclusions, and what fits to data can tell beyond the paper."""

from ... import problems
from ...inference import estimators, horizon
from ..registry import equations_of

equation = equations_of("thermalization")

equation("claim-solid-interfaces", "4 conclusions").not_computable(
    "Contact with condensed matter localises gas atoms again, too rarely to matter in "
    "the bulk. The paper gives no law of this collapse."
)
equation("claim-ensembles-fail", "4 conclusions").not_computable(
    "Ensembles may turn out to be less valid for extreme matter that seems in "
    "equilibrium. No such matter is named."
)
equation("claim-nucleation", "4 conclusions").not_computable(
    "Gases with their thermal photons are crucial to nucleation and to phase "
    "transitions. No model is given."
)
equation("claim-ultracold", "4 conclusions").not_computable(
    "Ultracold gases are too isolated to have a temperature, and their size and "
    "fluctuations could be varied independently. A proposal for experiments."
)
equation("claim-viscosity", "4 conclusions").not_computable(
    "Viscosity and entropy of such gases may be meaningless. No criterion is given."
)
equation("fit-springs", "beyond the paper").holds(
    "The springs of a disordered chain can be recovered from the motion of its end "
    "alone, each from about the time on at which its echo is back, 2n/c for the n-th; "
    "well before that they are unknown.",
    test="inference/test_atoms.py::test_springs_are_known_one_after_the_other",
)(horizon)
equation("fit-anharmonicity", "beyond the paper").holds(
    "The constants of an anharmonic chain can be recovered from its motion as well as "
    "the bound of Cramer and Rao allows if the record is taken in growing windows; "
    "direct fits of all of it end in false minima from most starts (one record, twelve "
    "starts).",
    test="inference/test_atoms.py::test_anharmonicity_needs_growing_windows",
)(problems.fput_chain)
equation("fit-horizon", "beyond the paper").holds(
    "The sensitivity of a chaotic chain to its constants grows a hundred times as much "
    "as that of a harmonic one in the same time, and more (one chain).",
    test="inference/test_atoms.py::test_sensitivity_grows_until_gradients_are_useless",
)(horizon)
equation("fit-tower", "beyond the paper").holds(
    "Coupling, frequency and temperature of a tower of known random matter can be told "
    "apart by the norms of its lowest levels, each within 0.004 (one record).",
    test="inference/test_atoms.py::test_constants_of_a_tower",
)(problems.tower_record)
equation("fit-temperature", "beyond the paper").holds(
    "Numbers of photons give T over omega as well as the bound of Cramer and Rao "
    "allows: 20 000 counts to 0.7 % at T = omega.",
    test="inference/estimators/test_temperature.py::test_counts",
)(estimators.fit_photon_counts)
