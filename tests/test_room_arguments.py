"""No public function of a room answers a senseless argument with Python's exceptions.

As tests/test_public_arguments.py has it for the front page: matter, random paths,
copies, problems, estimators. What is senseless where a body or a law stands is tried
in their own tests.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import (
    ensembles,
    exact,
    inference,
    instruments,
    problems,
    records,
    spaces,
    states,
)
from jqd.ensembles import copying
from jqd.inference import estimators
from jqd.laws import rivals
from jqd.laws.husimi import Bath, largest_C
from jqd.matter import gas, photons, solid
from jqd.readings.signals import second_order

from .senseless import cases, complaint

H = np.array([[0.2, 0.3], [0.3, -0.2]])
KET = np.array([0.6, 0.8])
SHARES = np.array([[0.4, 0.1], [0.2, 0.3]])
TS = np.array([0.0, 0.5, 1.0])
GRID = jqd.Grid((-8.0, 8.0), 32)
PSI = np.asarray(GRID.normalise(jnp.exp(-(GRID.x**2) / 2) + 0j))
DENSITY = np.abs(PSI) ** 2
WAVE = jqd.Schrodinger.on_grid(GRID, np.asarray(GRID.x) ** 2 / 2)
COPIES = jqd.CopyDynamics.from_hamiltonian(H)
KERR = jqd.HusimiFokkerPlanck("0.5*ad^2*a^2")
LADDER = np.array([0.6, 0.8, 0.0, 0.0])
KEY = jax.random.key(0)
PAIRS = np.array([[0, 1], [1, 2]])
BODY = solid.chain(3, solid.Harmonic())
X = np.array([[0.0], [1.0], [2.0]])
MODES = solid.normal_modes(BODY, X)
SQUARE = np.array([[0.5, 0.5], [2.5, 0.5], [0.5, 2.5], [2.5, 2.5]])
SPEEDS = np.array([[1.0, 0.0], [-1.0, 0.5], [0.3, -0.5], [-0.3, 0.0]])
FREQUENCIES = np.array([0.8, 1.0, 1.2])
# of the random paths: few steps, few paths
FEW = {"substeps": 4, "paths": 4}

CALLS = {
    # data
    "Clusters": (
        records.Clusters,
        {"ts": [0.5, 0.5], "values": [[3, 1], [2, 2]], "noise": None, "t0": 0.0,
         "multiplicity": [1, 2]},
    ),
    # solids
    "Harmonic": (solid.Harmonic, {"K": 1.0, "length": 1.0}),
    "FPUT": (solid.FPUT, {"K": 1.0, "alpha": 0.1, "beta": 0.1, "length": 1.0}),
    "Morse": (solid.Morse, {"D": 1.0, "a": 1.0, "r0": 1.0}),
    "LennardJones": (
        solid.LennardJones,
        {"epsilon": 1.0, "sigma": 1.0, "inner": 2.0, "outer": 2.5},
    ),
    "Solid": (
        lambda masses, bonds, box: solid.Solid(
            masses, solid.Harmonic(), bonds=bonds, box=box
        ),
        {"masses": np.ones(3), "bonds": PAIRS, "box": None},
    ),
    "chain": (
        lambda N, mass: solid.chain(N, solid.Harmonic(), mass=mass),
        {"N": 3, "mass": 1.0},
    ),
    "triangular": (solid.triangular, {"shape": (2, 2), "spacing": 1.0}),
    "face_centred_cubic": (
        solid.face_centred_cubic,
        {"shape": (1, 1, 1), "spacing": 1.0},
    ),
    "neighbour_pairs": (solid.neighbour_pairs, {"x": X, "reach": 1.5, "box": None}),
    "neighbours_for": (
        solid.neighbours_for,
        {"x": SQUARE, "box": [8.0, 8.0], "reach": 1.0, "skin": None, "room": 1.6},
    ),
    "normal_modes": (solid.normal_modes, {"body": BODY, "x": X, "zero_modes": "rigid"}),
    "hessian_modes": (
        solid.hessian_modes,
        {"hessian": np.eye(3), "masses": np.ones(3), "zero_modes": None},
    ),
    "relax": (
        solid.relax,
        {"body": BODY, "x": X, "tolerance": 1e-9, "max_steps": 100, "max_polish": 4},
    ),
    "rigid_count": (solid.rigid_count, {"body": BODY, "x": X}),
    "thermal_occupations": (
        solid.thermal_occupations,
        {"modes": MODES, "temperature": 1.0, "hbar": 1.0},
    ),
    "mode_variances": (
        solid.mode_variances,
        {"modes": MODES, "occupations": 0, "hbar": 1.0},
    ),
    "atom_variances": (
        solid.atom_variances,
        {"modes": MODES, "occupations": 0, "hbar": 1.0},
    ),
    "wigner_samples": (
        solid.wigner_samples,
        {"key": KEY, "modes": MODES, "samples": 2, "hbar": 1.0, "temperature": 0.5},
    ),
    "effective_modes": (
        solid.effective_modes,
        {"energies": np.ones((4, 2)), "vibrating": [True, False]},
    ),
    "solid.kinetic_temperature": (
        solid.kinetic_temperature,
        {"body": BODY, "x": X, "v": 0.1 * X},
    ),
    "normality": (solid.normality, {"samples": np.sin(np.arange(32.0)).reshape(16, 2)}),
    "window_average": (
        solid.window_average,
        {"series": np.ones((6, 2)), "windows": 2},
    ),
    # gases
    "contact_value": (gas.contact_value, {"fraction": 0.2, "dimension": 2}),
    "compressibility": (gas.compressibility, {"fraction": 0.2, "dimension": 2}),
    "mean_speed": (gas.mean_speed, {"temperature": 1.0, "mass": 1.0, "dimension": 2}),
    "collision_rate": (
        gas.collision_rate,
        {"fraction": 0.2, "temperature": 1.0, "diameter": 1.0, "mass": 1.0},
    ),
    "mean_free_path": (gas.mean_free_path, {"fraction": 0.2, "diameter": 1.0}),
    "number_density": (gas.number_density, {"fraction": 0.2, "diameter": 1.0}),
    "energy_cdf": (gas.energy_cdf, {"energy": TS, "temperature": 1.0}),
    "energy_density": (gas.energy_density, {"energy": TS, "temperature": 1.0}),
    "fourth_cumulant": (gas.fourth_cumulant, {"velocities": SPEEDS}),
    "gas.kinetic_temperature": (
        gas.kinetic_temperature,
        {"velocities": SPEEDS, "mass": 1.0},
    ),
    "maxwell": (
        gas.maxwell,
        {"key": KEY, "number": 4, "temperature": 1.0, "mass": 1.0},
    ),
    "equal_speeds": (
        gas.equal_speeds,
        {"key": KEY, "number": 4, "temperature": 1.0, "mass": 1.0},
    ),
    "lattice": (
        gas.lattice,
        {"key": KEY, "number": 4, "fraction": 0.1, "radius": 0.5, "jitter": 0.1},
    ),
    "dsmc": (
        gas.dsmc,
        {"velocities": SPEEDS, "key": KEY, "counts": [2, 4], "step": 0.04},
    ),
    "event_driven": (
        gas.event_driven,
        {
            "positions": SQUARE,
            "velocities": SPEEDS,
            "box": [5.0, 5.0],
            "collisions": 4,
            "radius": 0.5,
            "mass": 1.0,
        },
    ),
    # light
    "HeatCapacity": (photons.HeatCapacity, {"capacity": 1.0}),
    "PhotonRates": (
        lambda omega, rates, energy: photons.PhotonRates(
            omega, rates, energy, photons.HeatCapacity(1.0)
        ),
        {"omega": FREQUENCIES, "rates": 0.1, "energy": 1.0},
    ),
    "SharedExcitation": (
        photons.SharedExcitation,
        {"emitter": 1.0, "frequencies": FREQUENCIES, "couplings": 0.1 * np.ones(3)},
    ),
    "TwoLevelMode": (
        photons.TwoLevelMode,
        {"frequency": 1.0, "splitting": 1.0, "coupling": 0.1, "levels": 4},
    ),
    "bose_einstein": (photons.bose_einstein, {"omega": 1.0, "T": 1.0, "hbar": 1.0}),
    "level_distribution": (
        photons.level_distribution,
        {"omega": FREQUENCIES, "T": 1.0, "levels": 8, "hbar": 1.0},
    ),
    "photon_density": (photons.photon_density, {"T": 1.0, "hbar": 1.0, "c": 1.0}),
    "planck_law": (photons.planck_law, {"omega": 1.0, "T": 1.0, "hbar": 1.0, "c": 1.0}),
    "truncated_moments": (photons.truncated_moments, {"x": 0.5, "n_max": 8}),
    "lorentzian": (
        photons.lorentzian,
        {"frequencies": FREQUENCIES, "emitter": 1.0, "rate": 0.1},
    ),
    "flat_band": (
        photons.flat_band,
        {"emitter": 1.0, "half_width": 0.5, "rate": 0.1, "modes": 8},
    ),
    "first_recurrence": (photons.first_recurrence, {"spacing": 0.1, "rate": 0.1}),
    "sample_counts": (
        photons.sample_counts,
        {"key": KEY, "omega": FREQUENCIES, "T": 1.0, "shape": (2, 3), "n_max": None},
    ),
    # random paths
    "draw_positions": (
        ensembles.draw_positions,
        {"key": KEY, "density": DENSITY, "grid": GRID, "paths": 4},
    ),
    "nelson": (
        ensembles.nelson,
        {
            "law": WAVE, "psi0": PSI, "ts": TS, "key": KEY, "nu": None, "nu_hat": 1.0,
            "D": None, "x0": None, "first": 0, "error_paths": 2, **FEW,
        },
    ),
    "bohm": (
        ensembles.bohm,
        {
            "law": WAVE, "psi0": PSI, "ts": TS, "key": KEY, "D": None, "x0": None,
            "error_paths": 2, **FEW,
        },
    ),
    "arrival_flux": (
        ensembles.arrival_flux,
        {"law": WAVE, "psi0": PSI, "ts": TS, "detector": 1.0, "substeps": 4},
    ),
    "arrival": (
        ensembles.arrival,
        {
            "law": WAVE, "psi0": PSI, "ts": TS, "key": KEY, "detector": 2.0,
            "axis": 0, "nu_hat": 1.0, "error_paths": 2, **FEW,
        },
    ),
    "kijowski": (
        ensembles.kijowski,
        {
            "law": jqd.Schrodinger.on_grid(GRID, 0 * DENSITY),
            "psi0": PSI, "ts": TS, "detector": 1.0,
        },
    ),
    "backflow_limit": (ensembles.backflow_limit, {"U": 5.0, "nodes": 16}),
    "packet_clock": (
        ensembles.packet_clock,
        {"ts": TS, "width": 1.0, "nu": 0.5, "mass": 1.0, "hbar": 1.0},
    ),
    "coarse_entropy": (
        ensembles.coarse_entropy,
        {"counts": np.array([3.0, 5.0]), "shares": np.array([0.5, 0.5])},
    ),
    "never_exchanged": (
        ensembles.never_exchanged,
        {"ts": TS, "positions": np.tile([0.0, 1.0], (3, 2, 1)), "nu": 0.5},
    ),
    "two_time_correlation": (
        ensembles.two_time_correlation,
        {"positions": np.arange(6.0).reshape(3, 2, 1), "origin": 0},
    ),
    "conditional_wave": (
        ensembles.conditional_wave,
        {
            "grid": jqd.Grid([(-4.0, 4.0)] * 2, (8, 8)),
            "psi": np.full((8, 8), 0.125), "positions": np.zeros((2, 2)), "axes": 0,
        },
    ),
    # copies
    "energy_drift": (
        copying.energy_drift,
        {"law": COPIES, "psi0": KET, "ts": TS, "substeps": 4},
    ),
    "infidelity": (
        copying.infidelity,
        {"law": COPIES, "psi0": KET, "ts": TS, "substeps": 4},
    ),
    "linear_noise": (
        copying.linear_noise,
        {"law": COPIES, "psi0": KET, "ts": TS, "initial": "rounded", "substeps": 4},
    ),
    "population": (
        copying.population,
        {"psi0": KET, "copies": 100, "key": KEY, "spread": 0.0},
    ),
    "sample": (
        copying.sample,
        {
            "law": COPIES, "psi0": KET, "ts": TS, "key": KEY, "copies": 50,
            "trajectories": 2, "first": 0, "initial": "rounded", "step": 0.1,
        },
    ),
    # states and instruments
    "husimi_map": (
        states.husimi_map,
        {"states": LADDER, "x": TS, "y": TS, "g": 2.0, "hbar": 1.0},
    ),
    "marginal": (
        states.marginal,
        {"state": LADDER, "x": TS, "angle": 0.0, "hbar": 1.0},
    ),
    "quasiprobability": (
        states.quasiprobability,
        {"state": LADDER, "points": TS, "C": 1.0, "hbar": 1.0},
    ),
    "sample_husimi": (
        states.sample_husimi,
        {"key": KEY, "state": LADDER, "shots": 4, "hbar": 1.0},
    ),
    "magnetic_field": (
        spaces.magnetic_field,
        {"function": lambda x: x, "grid": GRID, "direction": [0.0, 0.0, 1.0]},
    ),
    "dispersion_bound": (
        spaces.dispersion_bound,
        {"grid": GRID, "psi": PSI, "order": 2, "D": 0.5, "duration": 1.0},
    ),
    "Displaced": (
        instruments.Displaced,
        {"points": [0.1 + 0j, 0.2], "V": 1.0, "eps": 0.0, "scale": 1.0},
    ),
    "Heterodyne": (
        instruments.Heterodyne,
        {"orders": ((1, 0),), "gain": 1.0, "added": 0.0},
    ),
    "Bath": (Bath, {"gamma": 0.1, "nbar": 0.1, "gain": 0.0, "dephasing": 0.0}),
    "largest_C": (largest_C, {"state": LADDER, "hbar": 1.0}),
    "Dephasing": (
        rivals.Dephasing,
        {"H": H, "A": [0.0, 1.0], "gamma": 0.1, "hbar": 1.0},
    ),
    # exact
    "gaussian_paths": (
        exact.gaussian_paths,
        {
            "covariance": np.diag([0.5, 0.5]), "ts": TS, "hamiltonian": np.eye(2),
            "nu": 0.5,
        },
    ),
    "open_kerr": (
        exact.open_kerr,
        {"points": [0.1 + 0j], "t": 1.0, "U": 1.0, "b": 0.0, "alpha0": 0.5, "C": 1.0},
    ),
    "open_kerr_amplitude": (
        exact.open_kerr_amplitude,
        {"t": 1.0, "U": 1.0, "b": 0.0, "alpha0": 0.5, "C": 1.0, "loss": 0.1},
    ),
    # problems
    "golden": (problems.golden, {"q": 0.5, "r": -0.5}),
    "two_classes": (problems.two_classes, {"p0": 0.3, "x0": 0.2, "q": 0.5, "r": -0.5}),
    "fput_chain": (
        problems.fput_chain,
        {"T": 1.0, "atoms": 4, "sigma": 1e-3, "seed": 0},
    ),
    "spring_chain": (
        problems.spring_chain,
        {"T": 1.0, "springs": 3, "sigma": 1e-3, "seed": 0, "K": None},
    ),
    "unlike_springs": (problems.unlike_springs, {"springs": 3, "seed": 0}),
    # estimators
    "log_likelihood": (
        inference.log_likelihood,
        {
            "law": KERR, "psi0": LADDER, "ts": [0.5], "samples": [[0.1 + 0.1j, 0.2]],
            "t0": 0.0,
        },
    ),
    "hamiltonian_priors": (
        inference.hamiltonian_priors, {"law": COPIES, "sd": 0.1},
    ),
    "fit_counts": (
        estimators.fit_counts,
        {"counts": 10 * np.array([[2, 1], [1, 2], [3, 0]]), "starts": 2, "limit": 9.0},
    ),
    "fit_photon_counts": (
        estimators.fit_photon_counts,
        {"n": np.array([1, 0, 2, 1]), "omega": np.array([1.0, 2.0, 1.0, 1.0])},
    ),
    "fit_photon_curve": (
        estimators.fit_photon_curve,
        {"nbar": [0.6, 0.2], "omega": [1.0, 2.0], "sigma": None},
    ),
    "fit_curve": (
        estimators.fit_curve,
        {
            "nbar": [0.6, 0.4, 0.3, 0.2], "E": [0.0, 1.0, 2.0, 3.0], "sigma": None,
            "starts": 2, "limit": 9.0,
        },
    ),
    # readings
    "second_order": (
        partial(second_order, lambda a, b: (a * b) ** 0.5, lambda a, b: (b / a) ** 0.5),
        {"density": SHARES, "phase": 0 * SHARES, "H_A": H, "H_B": H},
    ),
}  # fmt: skip

# what an argument of these must refuse, in the words of `complaints` in conftest.py
REFUSED = {
    "number_density": {
        "fraction": "length", "diameter": "length", "dimension": "text nan zero",
    },
    "lattice": {
        "number": "positive", "fraction": "positive", "radius": "positive",
        "key": "text",
    },
    "maxwell": {"number": "positive", "temperature": "positive", "mass": "positive"},
    "equal_speeds": {"temperature": "positive"},
    "collision_rate": {
        "fraction": "length", "temperature": "length", "diameter": "length",
        "mass": "length",
    },
    "mean_speed": {"temperature": "length", "mass": "length"},
    "energy_cdf": {"energy": "real", "temperature": "length"},
    "bose_einstein": {"omega": "length", "T": "length", "hbar": "length"},
    "planck_law": {"omega": "length", "T": "length", "hbar": "length", "c": "length"},
    "photon_density": {"T": "length", "c": "length"},
    "TwoLevelMode": {
        "frequency": "positive", "splitting": "scalar", "coupling": "scalar",
    },
    "SharedExcitation": {
        "emitter": "scalar", "frequencies": "real", "couplings": "real",
    },
    "HeatCapacity": {"capacity": "positive"},
    "Harmonic": {"K": "real", "length": "length"},
    "FPUT": {"K": "real", "alpha": "real", "beta": "real", "length": "length"},
    "LennardJones": {"epsilon": "real", "sigma": "length", "inner": "length"},
    "Morse": {"D": "real", "a": "length", "r0": "length"},
    "marginal": {"x": "real", "angle": "scalar", "hbar": "positive"},
    "quasiprobability": {
        "C": "scalar negative", "hbar": "positive", "points": "number",
    },
    "husimi_map": {"g": "positive", "hbar": "positive"},
}  # fmt: skip


# These compile a run for each precision and each number of anything.
LONG = {"nelson", "bohm", "arrival", "sample", "infidelity", "linear_noise"}
LONG |= {"energy_drift"}
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in LONG else [])
    for name in CALLS
]


@pytest.mark.parametrize("name", NAMES)
def test_one_senseless_argument(name):
    call, good = CALLS[name]
    found = {}
    for argument, kind in cases(good, list(CALLS).index(name)):
        said = complaint(call, good, argument, kind)
        if said is not None:
            found[argument, kind] = said
    assert found == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_call_is_taken_otherwise(name, compiled):
    """And again, without a program that is made for each call."""
    call, good = CALLS[name]
    for _ in range(3):
        compiled.clear()
        call(**good)
    assert compiled == []


@pytest.mark.parametrize(
    ("name", "argument"), [(name, one) for name in REFUSED for one in REFUSED[name]]
)
def test_nonsense_is_refused(complaints, name, argument):
    call, good = CALLS[name]
    assert complaints(call, good, argument, REFUSED[name][argument]) == {}
