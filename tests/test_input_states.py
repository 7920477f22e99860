"""What states, exact solutions and statistics say of arguments that make no sense.

Each row: a callable, arguments that it takes, and what each of them must refuse; the
words for that are those of `complaints` in conftest.py.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.composite import rotation
from _support.diffusion import vortex_family
from _support.liouville import liouville_density

from jqd import exact, states, statistics
from jqd.laws.husimi import GaussianSum
from jqd.readings import packets, slits
from jqd.spaces import Grid

H = np.array([[0.2, 0.3], [0.3, -0.2]])
GRID = Grid((-8.0, 8.0), 32)
V = np.asarray(GRID.x) ** 2 / 2
PSI = GRID.normalise(jnp.exp(-(GRID.x**2) / 2) + 0j)
KET = np.array([1.0, 0.0])
LEVELS = np.array([0.0, 1.0, 2.0])

TABLE = {
    # -- states
    "coherent": (states.coherent, {"alpha": 0.5, "levels": 16}, {"alpha": "amplitude"}),
    "squeezed": (
        states.squeezed,
        {"r": 0.2, "levels": 16},
        {"r": "scalar", "angle": "scalar", "displacement": "amplitude"},
    ),
    "cat": (
        states.cat,
        {"alphas": [0.5, -0.5], "weights": [1.0, 1.0], "levels": 16},
        {"alphas": "number", "weights": "number", "r": "scalar", "angle": "scalar"},
    ),
    "thermal": (
        states.thermal,
        {"nbar": 0.1, "levels": 16},
        {"nbar": "rate", "alpha": "amplitude"},
    ),
    "husimi": (
        states.husimi,
        {"state": KET, "points": [0.0]},
        {"hbar": "positive", "points": "number"},
    ),
    "antinormal_moment": (
        states.antinormal_moment,
        {"state": KET, "m": 1, "n": 1},
        {"hbar": "positive"},
    ),
    "covariance": (states.covariance, {"state": KET}, {"hbar": "positive"}),
    "marginal": (
        states.marginal,
        {"state": KET, "x": [0.0]},
        {"x": "real", "angle": "scalar", "hbar": "positive"},
    ),
    "quasiprobability": (
        states.quasiprobability,
        {"state": KET, "points": [0.0], "C": 0.5},
        {"C": "scalar negative", "hbar": "positive", "points": "number"},
    ),
    "husimi_map": (
        states.husimi_map,
        {"states": KET, "x": LEVELS, "y": LEVELS},
        {"g": "positive", "hbar": "positive"},
    ),
    "phase_grid": (states.phase_grid, {"x": LEVELS, "y": LEVELS}, {"g": "positive"}),
    "rotation": (rotation, {"angle": 0.1}, {"angle": "scalar"}),
    "GaussianSum.coherent": (
        GaussianSum.coherent,
        {"alpha": 0.5},
        {"alpha": "number", "hbar": "positive"},
    ),
    "GaussianSum.squeezed": (
        GaussianSum.squeezed,
        {"r": 0.5},
        {"r": "real", "angle": "real", "displacement": "number", "hbar": "positive"},
    ),
    "GaussianSum.thermal": (
        GaussianSum.thermal,
        {"nbar": 0.5},
        {"nbar": "real negative", "alpha": "number", "hbar": "positive"},
    ),
    "GaussianSum.cat": (
        GaussianSum.cat,
        {"alphas": [0.5, -0.5], "weights": [1.0, 1.0]},
        {"r": "scalar", "angle": "scalar", "hbar": "positive"},
    ),
    # -- exact
    "free_gaussian": (
        exact.free_gaussian,
        {"x": 0.0, "t": 0.0},
        {
            "x": "real",
            "t": "real",
            "center": "real",
            "momentum": "real",
            "width": "length",
            "mass": "length",
            "hbar": "length",
        },
    ),
    "coherent_state": (
        exact.coherent_state,
        {"x": 0.0, "t": 0.0},
        {"t": "real", "omega": "length"},
    ),
    "squeezed_state": (
        exact.squeezed_state,
        {"x": 0.0, "t": 0.0},
        {"t": "real", "omega": "length", "width": "length"},
    ),
    "rabi": (
        exact.rabi,
        {"t": 0.0, "coupling": 1.0},
        {"t": "real", "coupling": "real", "detuning": "real", "hbar": "length"},
    ),
    "matrices.propagate": (
        exact.matrices.propagate,
        {"hamiltonian": H, "psi0": KET, "ts": [0.0]},
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
            "t": "real",
            "U": "real",
            "b": "real",
            "alpha0": "amplitude",
            "C": "positive",
            "hbar": "positive",
        },
    ),
    "liouville_density": (
        liouville_density,
        {"x": LEVELS, "ts": [0.0], "potential": jnp.square},
        {
            "x": "real",
            "center": "scalar",
            "width": "positive",
            "momentum": "scalar",
            "mass": "positive",
        },
    ),
    "packet_density": (
        packets.packet_density,
        {"x": 0.0, "t": 0.0},
        {"x": "real", "t": "real", "a": "length", "hbar": "length", "mass": "length"},
    ),
    "crossover_time": (
        packets.crossover_time,
        {},
        {"a": "length", "D": "length"},
    ),
    "vortex_family": (
        vortex_family,
        {"x": 0.0, "y": 0.0, "alpha": 1.0},
        {"alpha": "real negative", "omega": "length", "mass": "length"},
    ),
    "slit_density": (
        slits.slit_density,
        {"x": 0.0, "t": 1.0, "distance": 1.0, "width": 0.2},
        {
            "distance": "positive",
            "width": "length",
            "overlap": "amplitude",
            "mass": "length",
            "hbar": "length",
        },
    ),
    # -- statistics
    "occupation": (
        statistics.occupation,
        {"E": LEVELS, "T": 1.0, "mu": -1.0, "g": 1.0},
        {"E": "real", "T": "length", "mu": "real", "g": "real"},
    ),
    "chemical_potential": (
        statistics.chemical_potential,
        {"E": LEVELS, "T": 1.0, "N": 2.0, "g": 0.0},
        {
            "E": "real",
            "T": "positive",
            "N": "positive",
            "g": "scalar",
            "degeneracy": "positive",
        },
    ),
    "maximum_entropy": (
        statistics.maximum_entropy,
        {"E": LEVELS, "N": 2.0, "U": 1.0, "g": 0.0},
        {
            "E": "real",
            "N": "positive",
            "U": "scalar",
            "g": "scalar",
            "degeneracy": "positive",
        },
    ),
    "entropy": (
        statistics.entropy,
        {"occupations": [1.0], "g": 0.0},
        {"occupations": "real negative", "g": "real", "degeneracy": "length"},
    ),
    "variance": (
        statistics.variance,
        {"N": 2, "M": 2, "g": 0.0},
        {"N": "real negative", "M": "length", "g": "real"},
    ),
    "sample_weights": (
        statistics.sample_weights,
        {"key": jax.random.key(0), "M": 2},
        {"g": "rate", "M": "scalar negative zero none"},
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
