"""What the matter models say of arguments that make no sense.

Each row: a callable, arguments that it takes, and what each of them must refuse; the
words for that are those of `complaints` in conftest.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support import temperature as oscillators
from _support.returns import kerr_amplitude
from _support.soft_spheres import SoftSpheres

from jqd.matter import gas, packets, photons, solid, temperature, tower
from jqd.readings.gases import dilute_averages
from jqd.readings.time_scales import (
    doubling_time,
    ehrenfest_time,
    localization_times,
    spreading_width,
)

KEY = jax.random.key(0)
LEVELS = np.array([0.0, 1.0, 2.0])
ONE = np.eye(1)

TABLE = {
    # -- gas
    "number_density": (
        gas.number_density,
        {"fraction": 0.1},
        {"fraction": "length", "diameter": "length", "dimension": "text nan zero"},
    ),
    "lattice": (
        gas.lattice,
        {"key": KEY, "number": 4, "fraction": 0.1},
        {
            "number": "positive",
            "fraction": "positive",
            "radius": "positive",
            "key": "text",
        },
    ),
    "maxwell": (
        gas.maxwell,
        {"key": KEY, "number": 4},
        {"number": "positive", "temperature": "positive", "mass": "positive"},
    ),
    "equal_speeds": (
        gas.equal_speeds,
        {"key": KEY, "number": 4},
        {"temperature": "positive"},
    ),
    "collision_rate": (
        gas.collision_rate,
        {"fraction": 0.1},
        {
            "fraction": "length",
            "temperature": "length",
            "diameter": "length",
            "mass": "length",
        },
    ),
    "mean_speed": (gas.mean_speed, {}, {"temperature": "length", "mass": "length"}),
    "energy_cdf": (
        gas.energy_cdf,
        {"energy": 1.0},
        {"energy": "real", "temperature": "length"},
    ),
    "SoftSpheres": (
        SoftSpheres,
        {"box": [4.0, 4.0], "stiffness": 1.0},
        {
            "box": "length",
            "stiffness": "positive",
            "diameter": "positive",
            "mass": "positive",
        },
    ),
    "dilute_averages": (
        dilute_averages,
        {"fraction": 0.1, "stiffness": 100.0},
        {"fraction": "length", "stiffness": "length", "diameter": "length"},
    ),
    # -- packets
    "spreading_width": (
        spreading_width,
        {"ts": 1.0, "width": 1.0, "mass": 1.0},
        {"ts": "real", "width": "length", "mass": "length", "hbar": "length"},
    ),
    "doubling_time": (
        doubling_time,
        {"width": 1.0, "mass": 1.0},
        {"width": "length", "mass": "length", "hbar": "length"},
    ),
    "kerr_amplitude": (
        kerr_amplitude,
        {"ts": 1.0, "amplitude": 1.0, "chi": 1.0},
        {"ts": "real", "amplitude": "number", "chi": "real"},
    ),
    "localization_times": (
        localization_times,
        {"amplitude": 1.0, "chi": 1.0},
        {"amplitude": "number zero", "chi": "length"},
    ),
    "ehrenfest_time": (
        ehrenfest_time,
        {"width": 0.1, "scale": 1.0, "rate": 1.0},
        {"width": "length", "scale": "length", "rate": "length"},
    ),
    "packet ground_state": (
        packets.ground_state,
        {"hessian": ONE, "masses": [1.0]},
        {"hbar": "positive", "rigid_frequency": "positive", "masses": "length"},
    ),
    "squeezed_state": (
        packets.squeezed_state,
        {"hessian": ONE, "masses": [1.0], "amplitudes": [1.0]},
        {"amplitudes": "number", "squeezing": "real", "hbar": "positive"},
    ),
    "harmonic_evolution": (
        packets.harmonic_evolution,
        {
            "state": packets.ground_state(ONE, [1.0]),
            "hessian": ONE,
            "masses": [1.0],
            "ts": [0.0],
        },
        {"ts": "real", "masses": "length"},
    ),
    # -- photons
    "bose_einstein": (
        photons.bose_einstein,
        {"omega": 1.0, "T": 1.0},
        {"omega": "length", "T": "length", "hbar": "length"},
    ),
    "planck_law": (
        photons.planck_law,
        {"omega": 1.0, "T": 1.0},
        {"omega": "length", "T": "length", "hbar": "length", "c": "length"},
    ),
    "photon_density": (
        photons.photon_density,
        {"T": 1.0},
        {"T": "length", "c": "length"},
    ),
    "TwoLevelMode": (
        photons.TwoLevelMode,
        {"frequency": 1.0, "splitting": 1.0, "coupling": 0.1, "levels": 3},
        {"frequency": "positive", "splitting": "scalar", "coupling": "scalar"},
    ),
    "SharedExcitation": (
        photons.SharedExcitation,
        {"emitter": 1.0, "frequencies": [1.0], "couplings": [0.1]},
        {"emitter": "scalar", "frequencies": "real", "couplings": "real"},
    ),
    "lorentzian": (
        photons.lorentzian,
        {"frequencies": 1.0, "emitter": 1.0, "rate": 0.1},
        {"frequencies": "real", "emitter": "real", "rate": "length"},
    ),
    "HeatCapacity": (photons.HeatCapacity, {"capacity": 1.0}, {"capacity": "positive"}),
    # -- solids
    "Harmonic": (solid.Harmonic, {}, {"K": "real", "length": "length"}),
    "FPUT": (
        solid.FPUT,
        {},
        {"K": "real", "alpha": "real", "beta": "real", "length": "length"},
    ),
    "LennardJones": (
        solid.LennardJones,
        {},
        {"epsilon": "real", "sigma": "length", "inner": "length"},
    ),
    "Morse": (solid.Morse, {}, {"D": "real", "a": "length", "r0": "length"}),
    "PairFunction": (
        solid.PairFunction,
        {"function": jnp.square},
        {"function": "text object", "length": "length"},
    ),
    # -- temperature
    "einstein_temperature": (
        oscillators.einstein_temperature,
        {"oscillators": 4.0, "quanta": 2.0},
        {
            "oscillators": "length",
            "quanta": "real negative",
            "frequency": "length",
            "hbar": "length",
        },
    ),
    "occupation_temperature": (
        oscillators.occupation_temperature,
        {"occupation": 1.0},
        {"occupation": "length", "frequency": "length", "hbar": "length"},
    ),
    "oscillator_beta": (
        oscillators.oscillator_beta,
        {"frequencies": [1.0], "energy": 1.0},
        {"frequencies": "length", "energy": "length", "hbar": "length"},
    ),
    "level_cumulants": (
        temperature.level_cumulants,
        {"levels": LEVELS, "beta": 1.0},
        {"beta": "real"},
    ),
    "canonical_beta": (
        temperature.canonical_beta,
        {"levels": LEVELS, "energy": 0.5},
        {"levels": "real", "energy": "real"},
    ),
    # -- towers
    "ExponentialDensity": (
        tower.ExponentialDensity,
        {"beta": 1.0, "width": 4.0},
        {"beta": "scalar zero", "width": "positive"},
    ),
    "GaussianShape": (
        tower.GaussianShape,
        {"width": 1.0},
        {"width": "positive", "height": "scalar"},
    ),
    "harmonic_ladder": (
        tower.harmonic_ladder,
        {"levels": 3, "spacing": 1.0},
        {"spacing": "positive"},
    ),
    "Tower": (
        tower.Tower,
        {
            "matter": tower.harmonic_ladder(3, 1.0),
            "omega": 1.0,
            "strength": 0.1,
            "cutoff": 3.0,
        },
        {
            "omega": "length",
            "strength": "real",
            "hbar": "positive",
            "edge_tolerance": "positive",
        },
    ),
}

TRIALS = [(name, argument) for name, row in TABLE.items() for argument in row[2]]


@pytest.mark.parametrize(("name", "argument"), TRIALS)
def test_nonsense_in_one_argument(complaints, name, argument):
    call, good, kinds = TABLE[name]
    assert complaints(call, good, argument, kinds[argument]) == {}


@pytest.mark.parametrize("name", TABLE)
def test_the_same_calls_are_taken_otherwise(name):
    call, good, _ = TABLE[name]
    call(**good)
