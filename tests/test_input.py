"""What others than `CALLS` of the tables of arguments say of what makes no sense.

Each row: a callable, arguments that it takes, and what each of them must refuse; the
words for that are those of `complaints` in conftest.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import exact
from jqd.ensembles import nelson
from jqd.laws.husimi import GaussianSum
from jqd.matter import packets, solid, temperature, tower
from jqd.readings import slits, time_scales
from jqd.readings.gases import dilute_averages
from jqd.readings.packets import crossover_time, packet_density
from jqd.spaces import symbols

H = np.array([[0.2, 0.3], [0.3, -0.2]])
KET = np.array([1.0, 0.0])
GRID = jqd.Grid((-8.0, 8.0), 32)
V = np.asarray(GRID.x) ** 2 / 2
PSI = GRID.normalise(jnp.exp(-(GRID.x**2) / 2) + 0j)
LEVELS = np.array([0.0, 1.0, 2.0])
ONE = np.eye(1)

# of these `hbar` must not be negative either
SYMBOLS = {
    "kerr": (symbols.kerr, {"U": 1.0}, {"U": "scalar", "delta": "scalar"}),
    "harmonic": (symbols.harmonic, {"omega": 1.0}, {"omega": "real"}),
    "cross_kerr": (symbols.cross_kerr, {"chi": 1.0}, {"chi": "scalar"}),
    "amplifier": (symbols.parametric_amplifier, {"g": 1.0}, {"g": "scalar"}),
    "squeezed_oscillator": (
        symbols.squeezed_oscillator, {"omega": 1.0, "zeta": 0.1},
        {"omega": "scalar", "zeta": "amplitude"},
    ),
    "three_wave": (symbols.three_wave, {"g": 1.0}, {"g": "amplitude"}),
    "phi4": (symbols.phi4, {"lam": 1.0}, {"lam": "scalar", "omega": "scalar"}),
    "complex_field": (
        symbols.complex_field, {"lam": 1.0}, {"lam": "scalar", "omega": "positive"},
    ),
    "gauge_bosons": (
        symbols.gauge_bosons, {"g": 1.0}, {"g": "scalar", "omega": "positive"},
    ),
    "bose_hubbard": (
        symbols.bose_hubbard, {"J": 1.0, "U": 1.0, "graph": [(0, 1)]},
        {"J": "number", "U": "real", "mu": "real"},
    ),
}  # fmt: skip

TABLE = {
    "ConservativeDiffusion": (
        jqd.ConservativeDiffusion, {"space": GRID, "V": V},
        {
            "D": "positive", "mass": "positive", "hbar": "positive",
            "friction": "rate", "classical_diffusion": "rate",
        },
    ),
    "HusimiFokkerPlanck": (
        jqd.HusimiFokkerPlanck, {"symbol": symbols.kerr(0.5), "form": "fock"},
        {"C": "scalar", "hbar": "positive", "s": "positive", "points": "number"},
    ),
    # -- paths
    "nelson": (
        nelson,
        {
            "law": jqd.Schrodinger.on_grid(GRID, V), "psi0": PSI, "ts": [0.0, 0.1],
            "key": jax.random.key(0),
        },
        {"D": "positive", "nu": "rate", "paths": "positive", "substeps": "positive"},
    ),
    # -- gases and packets
    "dilute_averages": (
        dilute_averages, {"fraction": 0.1, "stiffness": 100.0},
        {"fraction": "length", "stiffness": "length", "diameter": "length"},
    ),
    "spreading_width": (
        time_scales.spreading_width, {"ts": 1.0, "width": 1.0, "mass": 1.0},
        {"ts": "real", "width": "length", "mass": "length", "hbar": "length"},
    ),
    "doubling_time": (
        time_scales.doubling_time, {"width": 1.0, "mass": 1.0},
        {"width": "length", "mass": "length", "hbar": "length"},
    ),
    "localization_times": (
        time_scales.localization_times, {"amplitude": 1.0, "chi": 1.0},
        {"amplitude": "number zero", "chi": "length"},
    ),
    "ehrenfest_time": (
        time_scales.ehrenfest_time, {"width": 0.1, "scale": 1.0, "rate": 1.0},
        {"width": "length", "scale": "length", "rate": "length"},
    ),
    "packets.ground_state": (
        packets.ground_state, {"hessian": ONE, "masses": [1.0]},
        {"hbar": "positive", "rigid_frequency": "positive", "masses": "length"},
    ),
    "packets.squeezed_state": (
        packets.squeezed_state, {"hessian": ONE, "masses": [1.0], "amplitudes": [1.0]},
        {"amplitudes": "number", "squeezing": "real", "hbar": "positive"},
    ),
    "harmonic_evolution": (
        packets.harmonic_evolution,
        {
            "state": packets.ground_state(ONE, [1.0]), "hessian": ONE,
            "masses": [1.0], "ts": [0.0],
        },
        {"ts": "real", "masses": "length"},
    ),
    "PairFunction": (
        solid.PairFunction, {"function": jnp.square},
        {"function": "text object", "length": "length"},
    ),
    # -- temperature
    "level_cumulants": (
        temperature.level_cumulants, {"levels": LEVELS, "beta": 1.0}, {"beta": "real"},
    ),
    "canonical_beta": (
        temperature.canonical_beta, {"levels": LEVELS, "energy": 0.5},
        {"levels": "real", "energy": "real"},
    ),
    # -- towers
    "ExponentialDensity": (
        tower.ExponentialDensity, {"beta": 1.0, "width": 4.0},
        {"beta": "scalar zero", "width": "positive"},
    ),
    "GaussianShape": (
        tower.GaussianShape, {"width": 1.0}, {"width": "positive", "height": "scalar"},
    ),
    "harmonic_ladder": (
        tower.harmonic_ladder, {"levels": 3, "spacing": 1.0}, {"spacing": "positive"},
    ),
    "Tower": (
        tower.Tower,
        {
            "matter": tower.harmonic_ladder(3, 1.0), "omega": 1.0, "strength": 0.1,
            "cutoff": 3.0,
        },
        {
            "omega": "length", "strength": "real", "hbar": "positive",
            "edge_tolerance": "positive",
        },
    ),
    # -- states
    "GaussianSum.coherent": (
        GaussianSum.coherent, {"alpha": 0.5}, {"alpha": "number", "hbar": "positive"},
    ),
    "GaussianSum.squeezed": (
        GaussianSum.squeezed, {"r": 0.5},
        {"r": "real", "angle": "real", "displacement": "number", "hbar": "positive"},
    ),
    "GaussianSum.thermal": (
        GaussianSum.thermal, {"nbar": 0.5},
        {"nbar": "real negative", "alpha": "number", "hbar": "positive"},
    ),
    "GaussianSum.cat": (
        GaussianSum.cat, {"alphas": [0.5, -0.5], "weights": [1.0, 1.0]},
        {"r": "scalar", "angle": "scalar", "hbar": "positive"},
    ),
    # -- exact
    "matrices.propagate": (
        exact.matrices.propagate, {"hamiltonian": H, "psi0": KET, "ts": [0.0]},
        {"hbar": "positive"},
    ),
    "on_grids.propagate": (
        exact.on_grids.propagate,
        {"grid": GRID, "potential": V, "psi0": PSI, "ts": [0.0]},
        {"mass": "positive", "hbar": "positive"},
    ),
    "exact.husimi.kerr": (
        exact.husimi.kerr,
        {"points": 0.0, "t": 0.0, "U": 1.0, "b": 0.0, "alpha0": 0.5},
        {
            "t": "real", "U": "real", "b": "real", "alpha0": "amplitude",
            "C": "positive", "hbar": "positive",
        },
    ),
    "packet_density": (
        packet_density, {"x": 0.0, "t": 0.0},
        {"x": "real", "t": "real", "a": "length", "hbar": "length", "mass": "length"},
    ),
    "crossover_time": (crossover_time, {}, {"a": "length", "D": "length"}),
    "slit_density": (
        slits.slit_density, {"x": 0.0, "t": 1.0, "distance": 1.0, "width": 0.2},
        {
            "distance": "positive", "width": "length", "overlap": "amplitude",
            "mass": "length", "hbar": "length",
        },
    ),
}  # fmt: skip
for name, (call, good, kinds) in SYMBOLS.items():
    TABLE[name] = call, good, kinds | {"hbar": "scalar negative"}

TRIALS = [(name, argument) for name, row in TABLE.items() for argument in row[2]]


@pytest.mark.parametrize(("name", "argument"), TRIALS)
def test_nonsense_in_one_argument(complaints, name, argument):
    call, good, kinds = TABLE[name]
    assert complaints(call, good, argument, kinds[argument]) == {}


@pytest.mark.parametrize("name", TABLE)
def test_the_same_calls_are_taken_otherwise(name):
    call, good, _ = TABLE[name]
    if name != "nelson":  # which would run
        call(**good)
