"""No public name answers a senseless argument with an exception of Python or JAX.

A table of calls that are in order; in each, one argument at a time is replaced by what
people have in hand by mistake. It is taken, or refused by a `ValueError` that begins
with "Argument" and names an argument of the call.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import ensembles, exact, instruments, spaces, states, statistics
from jqd.laws import GaussianDecay

from .senseless import cases, complaint

H = np.array([[0.2, 0.3], [0.3, -0.2]])
OFF = np.abs(H) * (1 - np.eye(2))
KET = np.array([0.6, 0.8])
TS = np.array([0.0, 0.5, 1.0])
SHARES = np.array([[1.0, 0.0], [0.9, 0.1], [0.7, 0.3]])
GRID = jqd.Grid((-8.0, 8.0), 16)
V = np.asarray(GRID.x) ** 2 / 2
PSI = np.asarray(GRID.normalise(jnp.exp(-(GRID.x**2) / 2) + 0j))
DENSITY = np.abs(PSI) ** 2
MATRIX = jqd.Schrodinger(H)
WAVE = jqd.Schrodinger.on_grid(GRID, V)
COPIES = jqd.CopyDynamics.from_hamiltonian(H)
LOSS = jqd.Lindblad(H, {"c": jqd.laws.Jump(OFF)})
# of rank 1, up to a count
TABLES = np.array([[[20, 33, 47], [31, 48, 70], [38, 67, 95]]] * 2)
KEY = jax.random.key(0)
LADDER = np.array([0.6, 0.8, 0.0, 0.0])
PTS = np.array([0.1 + 0.2j, 0.3])

CALLS = {
    # laws
    "Schrodinger": (jqd.Schrodinger, dict(hamiltonian=H, hbar=1.0)),
    "on_grid": (
        jqd.Schrodinger.on_grid,
        dict(
            grid=GRID,
            V=V,
            mass=1.0,
            hbar=1.0,
            absorber=None,
            vector_potential=None,
            charge=None,
            couplings=None,
        ),
    ),
    "CopyDynamics": (
        jqd.CopyDynamics,
        dict(
            omega=np.zeros(2),
            R=OFF,
            delta=0 * H,
            q=0.5,
            r=-0.5,
            harmonics=None,
            hbar=1.0,
            regulator=1e-12,
            drive=None,
        ),
    ),
    "from_hamiltonian": (
        jqd.CopyDynamics.from_hamiltonian,
        dict(hamiltonian=H, q=0.5, r=-0.5, hbar=1.0, regulator=1e-12),
    ),
    "Harmonics": (jqd.laws.Harmonics, dict(n=(2,), R=OFF[None], delta=0 * OFF[None])),
    "Lindblad": (
        partial(jqd.Lindblad, jumps={"c": jqd.laws.Jump(OFF)}),
        dict(hamiltonian=H, hbar=1.0),
    ),
    "Decay": (jqd.laws.Decay, dict(law=MATRIX, T1=5.0, T2=4.0)),
    "Jump": (jqd.laws.Jump, dict(operator=OFF, rate=0.1, nbar=0.0)),
    "QuantumJumps": (jqd.laws.QuantumJumps, dict(law=LOSS)),
    "Collapse": (jqd.laws.Collapse, dict(H=H, A=OFF, gamma=0.1, hbar=1.0)),
    "CSL": (jqd.laws.CSL, dict(quantum=WAVE, lam=0.1, r_C=1.0)),
    "GRW": (jqd.laws.GRW, dict(quantum=WAVE, lam=0.1, r_C=1.0)),
    "QMUPL": (jqd.laws.QMUPL, dict(quantum=WAVE, lam=0.1)),
    "DiosiPenrose": (jqd.laws.DiosiPenrose, dict(quantum=WAVE, G_m2=0.1, R0=1.0)),
    "Decoherence": (
        jqd.laws.Decoherence,
        dict(quantum=WAVE, kernel=GaussianDecay(0.1, 1.0)),
    ),
    "Beretta": (jqd.laws.Beretta, dict(quantum=H, kappa=0.1)),
    "Gisin": (jqd.laws.Gisin, dict(quantum=H, lam=0.1)),
    "GrossPitaevskii": (jqd.laws.GrossPitaevskii, dict(quantum=WAVE, g=0.1)),
    "Logarithmic": (jqd.laws.Logarithmic, dict(quantum=WAVE, b=0.1)),
    "Weinberg": (jqd.laws.Weinberg, dict(quantum=H, eps=0.1, A=None, levels=1)),
    "DoebnerGoldin": (jqd.laws.DoebnerGoldin, dict(quantum=WAVE, D=0.1, c=0.0)),
    "DoebnerGoldinLine": (jqd.laws.DoebnerGoldinLine, dict(quantum=WAVE, D=0.1)),
    "SchrodingerNewton": (
        jqd.laws.SchrodingerNewton,
        dict(quantum=WAVE, G=0.1, soft=None, kernel=None),
    ),
    "kaplan_rajendran": (
        jqd.laws.kaplan_rajendran,
        dict(quantum=WAVE, eps=0.1, charge=1.0, soft=0.5),
    ),
    "ClassicalDiffusion": (
        jqd.laws.ClassicalDiffusion,
        dict(grid=GRID, D=1.0, ordering="fick"),
    ),
    "ConservativeDiffusion": (jqd.ConservativeDiffusion, dict(space=GRID, V=V, D=0.5)),
    "Madelung": (jqd.Madelung, dict(space=GRID, V=V)),
    "Pauli": (
        jqd.Pauli,
        dict(
            grid=GRID,
            V=V,
            magnetic_field=lambda x: (0 * x, 0 * x, 1 + 0 * x),
            g=2.0,
            mass=1.0,
            hbar=1.0,
        ),
    ),
    "PhaseAlignment": (
        jqd.PhaseAlignment,
        dict(beable=[0, 1], omega=np.zeros(2), R=OFF, delta=0 * OFF, f=1.0),
    ),
    "PhaseKicks": (jqd.laws.PhaseKicks, dict(law=COPIES, g=0.1)),
    "RandomConstant": (
        jqd.laws.RandomConstant,
        dict(law=COPIES, name="q", sd=0.1, nodes=3),
    ),
    "RandomFrequencies": (
        jqd.laws.RandomFrequencies,
        dict(law=COPIES, sd=0.1, classes=None, nodes=3),
    ),
    "Husimi": (jqd.HusimiFokkerPlanck, dict(symbol="ad*a", C=1.0, s=None, hbar=1.0)),
    # prepare
    "Schrodinger.prepare": (MATRIX.prepare, dict(psi=KET)),
    "grid.prepare": (WAVE.prepare, dict(psi=PSI)),
    "CopyDynamics.prepare": (COPIES.prepare, dict(psi=KET)),
    "Lindblad.prepare": (LOSS.prepare, dict(psi=KET)),
    "Madelung.prepare": (jqd.Madelung(GRID, V).prepare, dict(psi=PSI)),
    # evolution
    "evolve": (
        jqd.evolve,
        dict(
            motion=MATRIX,
            state0=KET,
            ts=TS,
            method=jqd.Propagator(),
            observe="density",
            key=None,
            paths=None,
        ),
    ),
    "Adaptive": (jqd.Adaptive, dict(rtol=1e-9, atol=1e-9, max_steps=10)),
    "Fixed": (
        jqd.Fixed,
        dict(
            stepper=None, substeps=1, gradient="checkpointed", counts=None, lattice=None
        ),
    ),
    "Propagator": (jqd.Propagator, dict(terms=None)),
    # inference
    "Record": (
        jqd.Record,
        dict(ts=TS, values=SHARES, noise=jqd.instruments.NoNoise(), t0=0.0),
    ),
    "Scan": (
        jqd.Scan,
        dict(
            settings={"q": [0.4, 0.5, 0.6]},
            values=SHARES,
            noise=jqd.instruments.NoNoise(),
            ts=1.0,
            t0=0.0,
        ),
    ),
    "Study": (
        jqd.Study,
        dict(
            law=COPIES,
            data=(TS, SHARES),
            psi0=[1.0, 0.0],
            free=("q",),
            instrument="density",
            nuisances=None,
            method=None,
        ),
    ),
    "Normal": (jqd.Normal, dict(mean=0.0, sd=1.0)),
    "LogNormal": (jqd.LogNormal, dict(median=1.0, sd=1.0)),
    "HalfNormal": (jqd.HalfNormal, dict(sd=1.0)),
    "Uniform": (jqd.Uniform, dict(low=0.0, high=1.0)),
    "Polish": (
        jqd.inference.Polish,
        dict(rtol=1e-11, atol=1e-13, max_steps=40, rounds=3, windows=1),
    ),
    "Search": (
        jqd.inference.Search,
        dict(optimizer=None, steps=40, windows=5, chunk=20, until=1.0),
    ),
    "Apparatus": (
        jqd.inference.Apparatus,
        dict(
            levels=2,
            span=1.0,
            energy=1.0,
            coupling=1.0,
            hamiltonian_sd=0.1,
            readout=0.01,
            readout_sd=0.01,
        ),
    ),
    "bounds": (jqd.bounds, dict(constant=None)),
    "bounds_on_copies": (
        jqd.inference.bounds.bounds_on_copies,
        dict(failures=1, shots=100, infidelity=0.1),
    ),
    "linearity": (
        jqd.linearity,
        dict(
            counts=TABLES,
            shots=100,
            wait=[0.0, 1.0],
            run=[1, 1],
            rank=None,
            size=0.1,
        ),
    ),
    "Gaussian": (jqd.Gaussian, dict(sigma=0.1)),
    "Correlated": (jqd.Correlated, dict(covariance=np.eye(2)[None])),
    "Binomial": (jqd.Binomial, dict(shots=10.0)),
    "SampleMoments": (instruments.SampleMoments, dict(orders=((1, 0),), shots=10.0)),
    "EnsembleNoise": (instruments.EnsembleNoise, dict(copies=1000.0)),
    "DirichletMultinomial": (instruments.DirichletMultinomial, dict(rho=0.1)),
    "Thinned": (instruments.Thinned, dict(efficiency=0.5)),
    "Confusion": (instruments.Confusion, dict(matrix=np.eye(2))),
    "Image": (instruments.Image, dict(psf=0.5, background=0.1, pattern=None)),
    # spaces
    "Grid": (jqd.Grid, dict(bounds=(0.0, 1.0), shape=8)),
    "Particles": (jqd.Particles, dict(electron=(0, 1.0))),
    "Symbol": (jqd.Symbol, dict(coefficients=[1.0], powers=[((1,), (1,))])),
    "driven": (
        lambda constant, term, times, args: jqd.driven(
            constant, term, times=times, args=args
        ),
        dict(constant=H, term=(OFF, jnp.cos), times=None, args=None),
    ),
    "sampled_pulse": (
        jqd.spaces.sampled_pulse,
        dict(ts=TS, values=np.array([0.0, 1.0, 0.0]), kind="linear"),
    ),
    "impulse": (jqd.spaces.impulse, dict(times=TS, areas=1.0)),
    "pulse": (jqd.pulse, dict(function=jnp.cos, jumps=(1.0,))),
    "named_pulse": (
        jqd.spaces.named_pulse,
        dict(name="gaussian", area=1.0, center=1.0, width=0.5),
    ),
    "parse_hamiltonian": (
        jqd.parse_hamiltonian,
        dict(text="ad*a", modes=None, hbar=1.0, ordering="antiwick"),
    ),
    "Graph": (spaces.Graph, dict(pairs=[[0, 1]], weights=1.0)),
    "absorbing_layer": (
        spaces.absorbing_layer,
        dict(grid=GRID, width=2.0, strength=1.0),
    ),
    "potential": (spaces.potential, dict(V=V, grid=GRID)),
    "cutoff_weight": (spaces.cutoff_weight, dict(grid=GRID, psi=PSI)),
    "edge_density": (spaces.edge_density, dict(grid=GRID, density=DENSITY, cells=2)),
    "vector_potential": (
        spaces.vector_potential,
        dict(function=lambda x: (0 * x + 1,), grid=GRID),
    ),
    # states
    "coherent": (states.coherent, dict(alpha=0.5, levels=8)),
    "cat": (states.cat, dict(alphas=[0.5], weights=[1.0], levels=8)),
    "number_state": (states.number_state, dict(n=1, levels=4)),
    "thermal": (states.thermal, dict(nbar=0.5, levels=16, alpha=0.0)),
    "squeezed": (states.squeezed, dict(r=0.2, levels=8)),
    "product": (
        lambda one, other: states.product(one, other),
        dict(one=LADDER, other=LADDER),
    ),
    "Cat": (states.Cat, dict(alphas=[0.5], weights=[1.0])),
    "GaussianState": (states.GaussianState, dict(alpha=0.5, r=0.1)),
    "TwoModeSqueezed": (states.TwoModeSqueezed, dict(r=0.1)),
    "Finite": (states.Finite, dict(state=LADDER)),
    "Mixture": (
        states.Mixture,
        dict(probabilities=[1.0], states=[states.Finite(LADDER)]),
    ),
    "Ensemble": (jqd.states.Ensemble, dict(kets=LADDER[None], weights=np.ones(1))),
    "as_ensemble": (states.as_ensemble, dict(state=LADDER)),
    "husimi": (states.husimi, dict(state=LADDER, points=PTS, hbar=1.0, modes=1)),
    "covariance": (states.covariance, dict(state=LADDER)),
    "negativity": (states.negativity, dict(values=DENSITY, cell=1.0)),
    "antinormal_moment": (
        states.antinormal_moment,
        dict(state=LADDER, m=1, n=1, hbar=1.0),
    ),
    "phase_grid": (states.phase_grid, dict(x=TS, y=TS, g=2.0)),
    # observe
    "expectation": (jqd.expectation, dict(operator=H, psi=KET)),
    "fidelity": (jqd.fidelity, dict(psi=KET, phi=KET)),
    "total_variation": (jqd.total_variation, dict(p=KET**2, q=KET**2)),
    "Moments": (jqd.Moments, dict(orders=((1, 0),))),
    "as_array": (jqd.interop.as_array, dict(value=H)),
    "scalars": (jqd.constants.scalars, dict(g=1.0)),
    "constant": (jqd.constants.constant, dict(value=H)),
    "names": (jqd.constants.names, dict(law=COPIES)),
    "values": (jqd.constants.values, dict(law=COPIES)),
    "labels": (jqd.constants.labels, dict(law=COPIES, name="q")),
    "span": (jqd.constants.span, dict(law=COPIES, name="q")),
    # statistics
    "log_rising": (statistics.log_rising, dict(a=1.0, g=1.0, n=2)),
    "log_probability": (statistics.log_probability, dict(occupations=[3, 2, 1], g=1.0)),
    "log_marginal": (statistics.log_marginal, dict(n=2, N=6, M=3, g=1.0)),
    "variance": (statistics.variance, dict(N=6, M=3, g=1.0)),
    "configurations": (statistics.configurations, dict(N=3, M=2)),
    "occupation": (statistics.occupation, dict(E=1.0, mu=0.0, T=1.0, g=1.0)),
    "entropy": (statistics.entropy, dict(occupations=[1.0], g=1.0, degeneracy=1.0)),
    "count_information": (statistics.count_information, dict(nbar=1.0, g=1.0)),
    "chemical_potential": (
        statistics.chemical_potential,
        dict(E=[0.0, 1.0], T=1.0, N=2.0, g=1.0),
    ),
    "maximum_entropy": (
        statistics.maximum_entropy,
        dict(E=[0.0, 1.0], N=1.0, U=0.5, g=1.0),
    ),
    "sample_weights": (statistics.sample_weights, dict(key=KEY, M=3, g=1.0)),
    "sample_occupations": (
        statistics.sample_occupations,
        dict(key=KEY, N=3, M=3, g=1.0),
    ),
    # exact
    "unitary_orbit": (exact.unitary_orbit, dict(hamiltonian=H, psi0=KET, ts=TS)),
    "rabi": (
        exact.rabi,
        dict(t=TS, coupling=1.0, detuning=0.0, psi0=(1.0, 0.0), hbar=1.0),
    ),
    "free_gaussian": (
        exact.free_gaussian,
        dict(x=TS, t=1.0, center=0.0, width=1.0, mass=1.0),
    ),
    "coherent_state": (
        exact.coherent_state,
        dict(x=TS, t=1.0, center=0.0, omega=1.0, hbar=1.0),
    ),
    "squeezed_state": (exact.squeezed_state, dict(x=TS, t=1.0, width=1.0, omega=1.0)),
    "eigenstates": (
        exact.eigenstates,
        dict(grid=GRID, potential=V, levels=2, mass=1.0, hbar=1.0),
    ),
    "impulse_map": (exact.impulse_map, dict(d=1, axis=0, a=[0.0], area=1.0)),
    "quadratic_hamiltonian": (
        exact.quadratic_hamiltonian,
        dict(mass=[1.0], stiffness=[[1.0]], couplings=None),
    ),
    # ensembles
    "relative_entropy": (ensembles.relative_entropy, dict(p=KET**2, q=KET**2)),
    "kolmogorov_smirnov": (
        ensembles.kolmogorov_smirnov,
        dict(positions=TS[:, None], grid=GRID, density=DENSITY),
    ),
    "Cells": (ensembles.Cells, dict(bounds=(0.0, 1.0), shape=4)),
    "mean_square_displacement": (
        ensembles.mean_square_displacement,
        dict(positions=np.arange(6.0).reshape(3, 2, 1), origin=0),
    ),
}

# what an argument of these must refuse, in the words of `complaints` in conftest.py
REFUSED = {
    # laws
    "Schrodinger": {"hbar": "positive"},
    "on_grid": {"mass": "positive", "hbar": "positive"},
    "CopyDynamics": {
        "q": "scalar", "r": "scalar", "hbar": "positive", "regulator": "positive",
        "omega": "real", "R": "real", "delta": "real",
    },
    "from_hamiltonian": {
        "q": "scalar", "r": "scalar", "hbar": "positive", "regulator": "positive",
    },
    "Madelung": {"mass": "positive", "hbar": "positive"},
    "ClassicalDiffusion": {"D": "positive"},
    "Husimi": {"C": "scalar", "hbar": "positive"},
    "PhaseAlignment": {"f": "rate", "damping": "rate"},
    # spaces and methods
    "absorbing_layer": {"width": "positive", "strength": "positive"},
    "Graph": {"weights": "positive"},
    "Adaptive": {
        "rtol": "real negative none", "atol": "real negative none",
        "max_steps": "length none", "solver": "text object none",
        "adjoint": "text object",
    },
    "Fixed": {
        "substeps": "length none", "stepper": "text object",
        "counts": "negative nan imaginary",
    },
    "Propagator": {"terms": "length"},
    "total_variation": {"p": "text object imaginary"},
    # states
    "coherent": {"alpha": "amplitude"},
    "squeezed": {"r": "scalar", "angle": "scalar", "displacement": "amplitude"},
    "cat": {"alphas": "number", "weights": "number", "r": "scalar", "angle": "scalar"},
    "thermal": {"nbar": "rate", "alpha": "amplitude"},
    "husimi": {"hbar": "positive", "points": "number"},
    "antinormal_moment": {"hbar": "positive"},
    "covariance": {"hbar": "positive"},
    "phase_grid": {"g": "positive"},
    # exact
    "free_gaussian": {
        "x": "real", "t": "real", "center": "real", "momentum": "real",
        "width": "length", "mass": "length", "hbar": "length",
    },
    "coherent_state": {"t": "real", "omega": "length"},
    "squeezed_state": {"t": "real", "omega": "length", "width": "length"},
    "rabi": {"t": "real", "coupling": "real", "detuning": "real", "hbar": "length"},
    # statistics
    "occupation": {"E": "real", "T": "length", "mu": "real", "g": "real"},
    "chemical_potential": {
        "E": "real", "T": "positive", "N": "positive", "g": "scalar",
        "degeneracy": "positive",
    },
    "maximum_entropy": {
        "E": "real", "N": "positive", "U": "scalar", "g": "scalar",
        "degeneracy": "positive",
    },
    "entropy": {"occupations": "real negative", "g": "real", "degeneracy": "length"},
    "variance": {"N": "real negative", "M": "length", "g": "real"},
    "sample_weights": {"g": "rate", "M": "scalar negative zero none"},
}  # fmt: skip

# the first argument of what runs for long: no call of these is in order
VERBS = {
    "fisher": (jqd.fisher, {"study": None}),
    "evidence": (jqd.evidence, {"study": None}),
    "posterior": (jqd.posterior, {"study": None}),
    "sbc": (jqd.inference.sbc, {"study": None}),
    "design": (jqd.design, {"study": None, "shots": 10}),
    "compare": (jqd.compare, {"studies": None}),
    "fit": (jqd.fit, {"law": None, "data": None}),
    "recover": (jqd.recover, {"law": None, "data": None}),
    "vet": (jqd.vet, {"law": None}),
    "ground_state": (jqd.ground_state, {"law": None, "dtau": 0.1}),
    "optimal_experiment": (
        jqd.inference.optimal_experiment,
        {"apparatus": None, "shots": 10},
    ),
    "simulate": (jqd.simulate, {"law": None, "psi0": KET, "ts": TS}),
    "open_sweep": (jqd.open_sweep, {"store": None}),
    "sweep": (jqd.sweep, {"function": None, "axes": {"a": [1.0]}, "store": None}),
    "load": (jqd.load, {"path": None}),
    "length_scales": (
        jqd.inference.estimators.length_scales,
        {"free_hamiltonian": None},
    ),
}
# what is made by others than the user, or takes what it takes as it is
EXEMPT = {
    *("Calibration", "Card", "Comparison", "Design", "Evidence", "Fisher", "Fit"),
    *("Linearity", "Posterior", "Recovery", "Trajectory", "Unidentifiable", "Status"),
    *("Law", "Motion", "StepNoise", "Multinomial", "NoNoise", "Occupations"),
    *("fixed", "free", "parts", "progress", "Splitting", "Points"),
    *("chin4a", "rk4", "srkn11", "strang", "to_qutip"),
    # states, as laws prepare them
    *("AmplitudeAction", "DensityPhase"),
    # files: tests/records
    *("load_density", "load_matrix", "load_phase_space", "load_record", "load_state"),
}


@pytest.mark.parametrize("name", [*CALLS, *VERBS])
def test_one_senseless_argument(name):
    driven = CALLS if name in CALLS else VERBS
    call, good = driven[name]
    asked = good if name in CALLS else list(good)[:1]
    found = {}
    for argument, kind in cases(asked, list(driven).index(name)):
        said = complaint(call, good, argument, kind)
        if said is not None:
            found[argument, kind] = said
    assert found == {}


def test_there_are_enough_cases():
    assert sum(len(list(cases(good, 0))) for _, good in CALLS.values()) >= 600


def test_every_public_name_is_driven():
    driven = {getattr(call, "__qualname__", "") for call, _ in (CALLS | VERBS).values()}
    driven |= {*CALLS, *VERBS, *EXEMPT}
    names = [
        name for name in jqd.__all__
        if callable(getattr(jqd, name)) and not name.startswith("_")
    ]  # fmt: skip
    assert [name for name in names if name not in driven] == []


@pytest.mark.parametrize("name", CALLS)
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
