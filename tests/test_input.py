"""What laws, spaces and methods say of arguments that make no sense.

Each row: a callable, arguments that it takes, and what each of them must refuse; the
words for that are those of `complaints` in conftest.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.lattice import lattice_law, lattice_packet

import jqd
from jqd.ensembles import nelson
from jqd.laws.alignment import PhaseAlignment
from jqd.spaces import Grid, absorbing_layer, symbols
from jqd.spaces.graphs import Graph

H = np.array([[0.2, 0.3], [0.3, -0.2]])
OFF = np.abs(H) * (1 - np.eye(2))
ZERO = np.zeros((2, 2))
GRID = Grid((-8.0, 8.0), 32)
V = np.asarray(GRID.x) ** 2 / 2
PSI = GRID.normalise(jnp.exp(-(GRID.x**2) / 2) + 0j)
KERR = symbols.kerr(0.5)
KET = np.array([1.0, 0.0])
SITES = np.linspace(-1.0, 1.0, 5)

TABLE = {
    "Schrodinger": (jqd.Schrodinger, {"hamiltonian": H}, {"hbar": "positive"}),
    "on_grid": (
        jqd.Schrodinger.on_grid,
        {"grid": GRID, "V": V},
        {"mass": "positive", "hbar": "positive"},
    ),
    "CopyDynamics": (
        jqd.CopyDynamics,
        {"omega": np.zeros(2), "R": OFF, "delta": ZERO},
        {
            "q": "scalar",
            "r": "scalar",
            "hbar": "positive",
            "regulator": "positive",
            "omega": "real",
            "R": "real",
            "delta": "real",
        },
    ),
    "from_hamiltonian": (
        jqd.CopyDynamics.from_hamiltonian,
        {"hamiltonian": H},
        {"q": "scalar", "r": "scalar", "hbar": "positive", "regulator": "positive"},
    ),
    "ConservativeDiffusion": (
        jqd.ConservativeDiffusion,
        {"space": GRID, "V": V},
        {
            "D": "positive",
            "mass": "positive",
            "hbar": "positive",
            "friction": "rate",
            "classical_diffusion": "rate",
        },
    ),
    "Madelung": (
        jqd.Madelung,
        {"space": GRID, "V": V},
        {"mass": "positive", "hbar": "positive"},
    ),
    "ClassicalDiffusion": (
        jqd.ClassicalDiffusion,
        {"grid": GRID, "D": 1.0},
        {"D": "positive"},
    ),
    "HusimiFokkerPlanck": (
        jqd.HusimiFokkerPlanck,
        {"symbol": KERR, "form": "fock"},
        {"C": "scalar", "hbar": "positive", "s": "positive", "points": "number"},
    ),
    "Husimi text": (
        jqd.HusimiFokkerPlanck,
        {"symbol": "ad*a"},
        {"C": "scalar", "hbar": "positive"},
    ),
    "PhaseAlignment": (
        PhaseAlignment,
        {
            "beable": [0, 1],
            "omega": np.zeros(2),
            "R": OFF,
            "delta": ZERO,
            "f": 1.0,
        },
        {"f": "rate", "damping": "rate"},
    ),
    "lattice_law": (
        lattice_law,
        {"x": SITES, "potential": SITES**2},
        {
            "mass": "positive",
            "hbar": "positive",
            "delta": "scalar",
            "q": "scalar",
            "r": "scalar",
        },
    ),
    "lattice_packet": (
        lattice_packet,
        {"x": SITES, "center": 0.0, "width": 0.5},
        {
            "center": "scalar",
            "width": "positive",
            "momentum": "scalar",
            "hbar": "positive",
        },
    ),
    # -- spaces
    "absorbing_layer": (
        absorbing_layer,
        {"grid": GRID, "width": 2.0, "strength": 1.0},
        {"width": "positive", "strength": "positive"},
    ),
    "Graph": (Graph, {"pairs": [[0, 1]]}, {"weights": "positive"}),
    "kerr": (
        symbols.kerr,
        {"U": 1.0},
        {"U": "scalar", "delta": "scalar", "hbar": "scalar negative"},
    ),
    "harmonic": (
        symbols.harmonic,
        {"omega": 1.0},
        {"omega": "real", "hbar": "scalar negative"},
    ),
    "cross_kerr": (
        symbols.cross_kerr,
        {"chi": 1.0},
        {"chi": "scalar", "hbar": "scalar negative"},
    ),
    "amplifier": (
        symbols.parametric_amplifier,
        {"g": 1.0},
        {"g": "scalar", "hbar": "scalar negative"},
    ),
    "squeezed_oscillator": (
        symbols.squeezed_oscillator,
        {"omega": 1.0, "zeta": 0.1},
        {"omega": "scalar", "zeta": "amplitude", "hbar": "scalar negative"},
    ),
    "three_wave": (
        symbols.three_wave,
        {"g": 1.0},
        {"g": "amplitude", "hbar": "scalar negative"},
    ),
    "phi4": (
        symbols.phi4,
        {"lam": 1.0},
        {"lam": "scalar", "omega": "scalar", "hbar": "scalar negative"},
    ),
    "complex_field": (
        symbols.complex_field,
        {"lam": 1.0},
        {"lam": "scalar", "omega": "positive", "hbar": "scalar negative"},
    ),
    "gauge_bosons": (
        symbols.gauge_bosons,
        {"g": 1.0},
        {"g": "scalar", "omega": "positive", "hbar": "scalar negative"},
    ),
    "bose_hubbard": (
        symbols.bose_hubbard,
        {"J": 1.0, "U": 1.0, "graph": [(0, 1)]},
        {"J": "number", "U": "real", "mu": "real", "hbar": "scalar negative"},
    ),
    # -- paths, methods
    "nelson": (
        nelson,
        {
            "law": jqd.Schrodinger.on_grid(GRID, V),
            "psi0": PSI,
            "ts": [0.0, 0.1],
            "key": jax.random.key(0),
        },
        {"D": "positive", "nu": "rate", "paths": "positive", "substeps": "positive"},
    ),
    "Adaptive": (
        jqd.Adaptive,
        {},
        {
            "rtol": "real negative none",
            "atol": "real negative none",
            "max_steps": "length none",
            "solver": "text object none",
            "adjoint": "text object",
        },
    ),
    "Fixed": (
        jqd.Fixed,
        {},
        {
            "substeps": "length none",
            "stepper": "text object",
            "counts": "negative nan imaginary",
        },
    ),
    "Propagator": (jqd.Propagator, {}, {"terms": "length"}),
    "total_variation": (
        jqd.total_variation,
        {"p": KET, "q": KET},
        {"p": "text object imaginary"},
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
    if name != "nelson":  # which would run
        call(**good)
