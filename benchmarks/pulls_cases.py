"""Records of each kind, a batch of them, and the fits of them all: see `pulls`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import jqd
from jqd import problems
from jqd.evolution import Fixed, Propagator
from jqd.inference.estimators import fit_counts, fit_photon_counts
from jqd.instruments import (
    Confusion,
    Direct,
    Displaced,
    Gaussian,
    Instrument,
    Multinomial,
    SampleMoments,
)
from jqd.laws.husimi import Bath, DisplacedThermal, Exact, Series
from jqd.matter.photons import sample_counts
from jqd.matter.tower import RandomTower
from jqd.matter.tower.random_tower import FOOT, MATTER, LevelNorms
from jqd.records import AtomRecord
from jqd.records.phase_space import sample_moments, sample_orders
from jqd.states import coherent, sample_husimi
from jqd.statistics import sample_occupations
from jqd.steppers import rk4, srkn11

from .pulls_fits import Known, Pulls, fitted, fitter, recovered, shown

# -- laws ----------------------------------------------------------------------------


ALPHA = 1.2 + 0.5j
KERR_TS = np.array([0.0, 0.2, 0.5, 1.0])


def kerr(U: float = 1.0, form: Any = None, **options: Any) -> jqd.HusimiFokkerPlanck:
    """The Husimi law of a Kerr oscillator, of 64 levels where nothing is said."""
    form = Exact(64) if form is None else form
    return jqd.HusimiFokkerPlanck("0.5*U*ad^2*a^2", U=U, form=form, **options)


def net(most: float, side: int) -> np.ndarray:
    """Points of a square about 0."""
    x = np.linspace(-most, most, side)
    return (x[None, :] + 1j * x[:, None]).ravel()


def copying(keys: Array) -> Pulls:
    """2000 shots at 16 times of four levels, q and r beside quantum mechanics."""
    return _copying(keys, Direct(of="density", noise=Multinomial()), {})


def copying_readout(keys: Array) -> Pulls:
    """The same where 5 % of the read-outs tell nothing, known to half a percent."""
    instrument = Confusion(readout=jnp.asarray(0.05))
    return _copying(keys, instrument, {"instrument.readout": (0.05, 0.005)})


def _copying(keys: Array, instrument: Instrument, known: Known) -> Pulls:
    problem, ts = problems.four_level(), jnp.linspace(0, 3, 16)
    H, psi0, truth = problem.hamiltonian, problem.psi0, {"q": 0.45, "r": -0.55}
    exact = jqd.CopyDynamics.from_hamiltonian(H, truth["q"], truth["r"])
    return recovered(
        keys, shown(exact, exact.prepare(psi0), ts, instrument), instrument.noise,
        jqd.CopyDynamics.from_hamiltonian(H), ts, truth, known, 2000, Multinomial(),
        psi0=psi0, start={"q": 0.5, "r": -0.5}, method=Fixed(rk4), substeps=20,
        instrument=instrument,
    )  # fmt: skip


def husimi_displaced(keys: Array) -> Pulls:
    """Vacuum or not after 5 x 5 displacements, 2000 shots; four nuisances, C = 0.9."""
    known: Known = {
        "start.n0": (0.05, 0.01), "instrument.V": (0.9, 0.005),
        "instrument.eps": (0.02, 0.002), "instrument.scale": (1.0, 0.005),
    }  # fmt: skip
    start = DisplacedThermal(1.2 + 0.5j, 0.05, levels=40)
    instrument, shots = Displaced(net(2, 5), V=0.9, eps=0.02), 2000
    exact = kerr(C=0.9)
    mean = shown(exact, exact.prepare(exact.admit(start.state())), KERR_TS, instrument)
    return recovered(
        keys, mean[1:], instrument.noise, kerr(form=Exact(64, Series(30))),
        KERR_TS[1:], {"C": 0.9}, known, shots, instrument.noise.after(shots),
        psi0=start, start={"C": 1.0}, instrument=instrument,
    )  # fmt: skip


def husimi_samples(keys: Array) -> Pulls:
    """4000 heterodyne outcomes at three times of a Kerr oscillator, C = 0.9."""
    shots, psi0 = 4000, coherent(ALPHA, 24)
    law = kerr(C=0.9)
    run = jqd.evolve(law, law.prepare(psi0), KERR_TS, method=Propagator())
    states = jax.tree.map(lambda leaf: leaf[1:], run.values)

    @jax.jit
    def draw(key: Array) -> Array:
        each = jax.random.split(key, 3)
        one = lambda key, state: sample_husimi(key, state, shots, hbar=0.9)  # noqa: E731
        return jax.vmap(one)(each, states)

    orders = sample_orders(1)
    drawn = [sample_moments(np.asarray(draw(key)), orders) for key in keys]
    fit = fitter(
        kerr(form=Exact(64, Series(30))), KERR_TS[1:], SampleMoments(orders, shots),
        ("C",), {}, psi0=psi0, start={"C": 1.0}, instrument=jqd.Moments(orders),
    )  # fmt: skip
    return fitted((jnp.asarray(np.stack(drawn)), {}), fit, {"C": 0.9})


def husimi_map(keys: Array) -> Pulls:
    """Maps of 15 x 15 points at three times, C = 1.1, errors of 0.5 % of the peak."""
    psi0, points = coherent(ALPHA, 24), net(3, 15)
    exact = kerr(C=1.1, points=points)
    maps = shown(exact, exact.prepare(psi0), KERR_TS, "density", Propagator())
    return recovered(
        keys, maps[1:], Gaussian(0.005 / np.pi),
        kerr(points=points, form=Exact(64, Series(30))), KERR_TS[1:], {"C": 1.1},
        psi0=psi0, start={"C": 1.0}, instrument="density",
    )  # fmt: skip


def husimi_bath(keys: Array) -> Pulls:
    """Maps of 7 x 7 points at four times in a warm bath, with its rates and U free."""
    truth = {"C": 0.95, "U": 0.9, "gamma": 0.25, "nbar": 0.3}
    ts, psi0 = jnp.linspace(0.0, 2.0, 5), coherent(1.1 + 0.3j, 18)

    def law(C: float, U: float, gamma: float, nbar: float) -> jqd.HusimiFokkerPlanck:
        form, bath = Exact(22, Series(12)), Bath(gamma, nbar)
        return kerr(C=C, U=U, bath=bath, points=net(2, 7), form=form)

    exact = law(**truth)
    state = exact.prepare(exact.admit(psi0))
    maps = shown(exact, state, ts, "density", Propagator())
    return recovered(
        keys, maps[1:], Gaussian(0.002 / np.pi), law(1.0, 1.0, 0.2, 0.2), ts[1:],
        truth, psi0=psi0, start={"C": 1.0}, instrument="density", method=Propagator(),
    )  # fmt: skip


def diffusion(keys: Array) -> Pulls:
    """5000 positions at each of four times in a double well, D = 0.45."""
    base, ts = problems.double_well(), jnp.array([0.0, 1.0, 2.0, 3.0, 4.0])

    def law(D: float) -> jqd.ConservativeDiffusion:
        return jqd.ConservativeDiffusion(
            base.grid, base.potential, mass=base.mass, form="amplitude", D=D
        )

    exact, seen = law(0.45), jqd.Occupations()
    state = exact.prepare(exact.admit(base.initial))
    p = shown(exact, state, ts, seen, Fixed(exact.stepper, 400))
    return recovered(
        keys, p[1:], Multinomial(), law(0.5), ts[1:], {"D": 0.45}, shots=5000,
        psi0=base.initial, start={"D": 0.5}, instrument=seen, substeps=100,
    )  # fmt: skip


# -- matter --------------------------------------------------------------------------


def springs(keys: Array) -> Pulls:
    """Three springs from the end of their chain, 61 rows, errors of a thousandth."""
    K = {"K[0]": 0.9, "K[1]": 1.15, "K[2]": 1.05}
    sites, ones = np.arange(4.0), np.ones(3)
    record = AtomRecord(
        np.arange(61) / 4, np.zeros((61, 1)), np.array([0]), sites, np.eye(4)[0]
    )
    _, observe = record.data()
    exact = record.law(np.array([*K.values()]))
    state = exact.prepare(record.state())
    x = shown(exact, state, record.ts, observe, Fixed(srkn11, 8))
    return recovered(
        keys, x, Gaussian(1e-3), record.law(ones), record.ts, K, psi0=record.state(),
        free=("K",), start={"K": ones}, substeps=4, instrument=observe,
        method=Fixed(srkn11),
    )  # fmt: skip


def tower(keys: Array) -> Pulls:
    """50000 counts at each of 20 times of the photons of a small tower."""
    truth = {"strength": 0.15, "omega": 0.8, "beta": 0.7}
    first = {"strength": 0.14, "omega": 0.82, "beta": 0.66}
    ts, seen = jnp.linspace(0, 10, 21), LevelNorms(6)
    matter = jax.random.key(2)
    exact = RandomTower(matter, 20, 5, **truth, **MATTER)
    law, psi0 = RandomTower(matter, 20, 5, **first, **MATTER), exact.foot(FOOT)
    p = shown(exact, psi0, ts, seen, Propagator())
    return recovered(
        keys, p[1:], Multinomial(), law, ts[1:], truth, shots=50_000, psi0=psi0,
        start=first, instrument=seen, method=Propagator(terms=40),
    )  # fmt: skip


def statistics(keys: Array) -> Pulls:
    """100 draws of 50 particles in 20 states, g = 0.5."""
    found = [
        fit_counts(np.asarray(sample_occupations(key, 50, 20, 0.5, (100,)))).constants
        for key in keys
    ]
    return _estimated([one["g"] for one in found], "g", 0.5)


def temperature(keys: Array) -> Pulls:
    """500 counts in each of two modes that hold at most six photons, T = 1.5."""
    omega = jnp.repeat(jnp.array([0.5, 2.0]), 500)
    fits = [
        fit_photon_counts(sample_counts(key, omega, 1.5, (1000,), 6), omega, 6)
        for key in keys
    ]
    found = _estimated([one.T for one in fits], "T", 1.5)
    p_values = [one.p_value for one in fits]
    misfit = np.array([p is not None and p < 1e-3 for p in p_values])
    return found._replace(misfit=misfit)


def _estimated(found: list[Any], name: str, truth: float) -> Pulls:
    """Estimates without a run, one a record."""
    values = np.array([one.value for one in found])
    errors = np.array([one.stderr for one in found])
    none = np.zeros(len(found), bool)
    return Pulls(
        {name: values}, {name: errors}, {name: truth}, none, ~np.isfinite(values)
    )


CASES: dict[str, Callable[[Array], Pulls]] = {
    "copying, counts": copying,
    "copying, readout free": copying_readout,
    "husimi, displaced, nuisances free": husimi_displaced,
    "husimi, samples": husimi_samples,
    "husimi, map": husimi_map,
    "husimi, map in a bath": husimi_bath,
    "diffusion, positions": diffusion,
    "springs, positions": springs,
    "tower, counts": tower,
    "statistics, draws": statistics,
    "temperature, counts": temperature,
}
