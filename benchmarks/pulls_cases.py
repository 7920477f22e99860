"""Records of each kind, a batch of them, and the fits of them all: see `pulls`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import jqd
from jqd import problems
from jqd.evolution import Fixed, Propagator
from jqd.inference import Polish
from jqd.inference.estimators import fit_counts, fit_photon_counts
from jqd.instruments import (
    Confusion,
    Direct,
    Displaced,
    Drawable,
    Gaussian,
    Instrument,
    Multinomial,
    SampleMoments,
)
from jqd.laws.husimi import Bath, DisplacedThermal, Exact, Series
from jqd.matter.photons import sample_counts
from jqd.matter.tower import RandomTower
from jqd.matter.tower.level_norms import FOOT, LevelNorms
from jqd.records import AtomRecord, Record
from jqd.records.phase_space import sample_moments, sample_orders
from jqd.states import coherent, sample_husimi
from jqd.statistics import sample_occupations
from jqd.steppers import rk4, srkn11

# Value and standard error of nuisances by name, as a calibration knows them.
Known = dict[str, tuple[float, float]]
# A fit that knows where to begin; to rounding, so that no pull is that of the solver.
POLISH = Polish(rtol=1e-9, atol=1e-9, max_steps=40)


class Pulls(NamedTuple):
    """What fits found.

    Attributes:
        values, errors: (seeds,) by name of the constant.
        truth: by name.
        misfit: fits whose χ² is less likely than 1e-3, (seeds,).
        failed: fits that did not end, (seeds,).
    """

    values: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    truth: dict[str, float]
    misfit: np.ndarray
    failed: np.ndarray


def _fitted(
    records: Any, fit_one: Callable[[Any], Any], truth: dict[str, float]
) -> Pulls:
    """The fits of a batch of records, whatever PyTree one of them is."""
    found = jax.jit(jax.vmap(fit_one))(records)
    status = np.asarray(found.status)
    allowed = [jqd.Status.OK.value, jqd.Status.MISFIT.value]
    return Pulls(
        {name: np.asarray(found.constants[name].value) for name in truth},
        {name: np.asarray(found.constants[name].stderr) for name in truth},
        truth,
        status == jqd.Status.MISFIT.value,
        ~np.isin(status, allowed),
    )


# -- laws ----------------------------------------------------------------------------


def copying(keys: Array) -> Pulls:
    """2000 shots at 16 times of four levels, q and r beside quantum mechanics."""
    return _copying(keys, Direct(of="density", noise=Multinomial()), {})


def copying_readout(keys: Array) -> Pulls:
    """The same where 5 % of the read-outs tell nothing, known to half a percent."""
    return _copying(
        keys,
        Confusion(readout=jnp.asarray(0.05)),
        {"instrument.readout": (0.05, 0.005)},
    )


def _copying(keys: Array, instrument: Instrument, known: Known) -> Pulls:
    problem, ts = problems.four_level(), jnp.linspace(0, 3, 16)
    H, psi0, truth = problem.hamiltonian, problem.psi0, {"q": 0.45, "r": -0.55}
    law = jqd.CopyDynamics.from_hamiltonian(H)
    exact = jqd.CopyDynamics.from_hamiltonian(H, truth["q"], truth["r"])
    mean = _shown(exact, exact.prepare(psi0), ts, instrument)

    def fit(of: tuple[Array, dict[str, Array]]) -> Any:
        return jqd.fit(
            law, Record(ts, of[0], Multinomial()), psi0=psi0, free=("q", "r"),
            start={"q": 0.5, "r": -0.5}, starts=1, search=None, polish=POLISH,
            method=Fixed(rk4), substeps=20, instrument=instrument,
            nuisances=_priors(of[1], known),
        )  # fmt: skip

    counts = _draws(keys, instrument.noise, mean, 2000)
    truth |= {name: centre for name, (centre, _) in known.items()}
    return _fitted((counts, _calibrated(keys, known)), fit, truth)


def husimi_displaced(keys: Array) -> Pulls:
    """Vacuum or not after 5 x 5 displacements, 2000 shots; four nuisances, C = 0.9."""
    known: Known = {
        "start.n0": (0.05, 0.01), "instrument.V": (0.9, 0.005),
        "instrument.eps": (0.02, 0.002), "instrument.scale": (1.0, 0.005),
    }  # fmt: skip
    truth = {"C": 0.9} | {name: centre for name, (centre, _) in known.items()}
    ts, x, shots = jnp.array([0.0, 0.2, 0.5, 1.0]), np.linspace(-2, 2, 5), 2000
    start = DisplacedThermal(1.2 + 0.5j, 0.05, levels=40)
    points = (x[None, :] + 1j * x[:, None]).ravel()
    instrument = Displaced(points, V=0.9, eps=0.02)
    exact = jqd.HusimiFokkerPlanck("0.5*U*ad^2*a^2", U=1.0, C=0.9, form=Exact(64))
    state = exact.prepare(exact.admit(start.state()))
    mean = _shown(exact, state, ts, instrument)[1:]

    def fit(of: tuple[Array, dict[str, Array]]) -> Any:
        noise = instrument.noise.after(shots)
        law = jqd.HusimiFokkerPlanck(
            "0.5*U*ad^2*a^2", U=1.0, form=Exact(64, Series(30))
        )
        return jqd.fit(
            law, Record(ts[1:], of[0], noise, t0=0.0), psi0=start, free=("C",),
            start={"C": 1.0}, starts=1, search=None, polish=POLISH,
            instrument=instrument, nuisances=_priors(of[1], known),
        )  # fmt: skip

    counts = _draws(keys, instrument.noise, mean, shots)
    return _fitted((counts, _calibrated(keys, known)), fit, truth)


def husimi_samples(keys: Array) -> Pulls:
    """4000 heterodyne outcomes at three times of a Kerr oscillator, C = 0.9."""
    truth, ts, shots = {"C": 0.9}, jnp.array([0.0, 0.2, 0.5, 1.0]), 4000
    psi0 = coherent(1.2 + 0.5j, 24)
    law = jqd.HusimiFokkerPlanck("0.5*U*ad^2*a^2", U=1.0, C=0.9, form=Exact(64))
    run = jqd.evolve(law, law.prepare(psi0), ts, method=Propagator())
    states = jax.tree.map(lambda leaf: leaf[1:], run.values)

    @jax.jit
    def draw(key: Array) -> Array:
        each = jax.random.split(key, 3)
        one = lambda key, state: sample_husimi(key, state, shots, hbar=0.9)  # noqa: E731
        return jax.vmap(one)(each, states)

    orders = sample_orders(1)
    drawn = [sample_moments(np.asarray(draw(key)), orders) for key in keys]
    records, noise = jnp.asarray(np.stack(drawn)), SampleMoments(orders, shots)

    def fit(mean: Array) -> Any:
        record = Record(ts[1:], mean, noise, t0=0.0)
        return _fit_C(record, psi0, jqd.Moments(orders))

    return _fitted(records, fit, truth)


def husimi_map(keys: Array) -> Pulls:
    """Maps of 15 x 15 points at three times, C = 1.1, errors of 0.5 % of the peak."""
    truth, ts = {"C": 1.1}, jnp.array([0.0, 0.2, 0.5, 1.0])
    psi0, x = coherent(1.2 + 0.5j, 24), np.linspace(-3, 3, 15)
    points = (x[None, :] + 1j * x[:, None]).ravel()
    law = jqd.HusimiFokkerPlanck(
        "0.5*U*ad^2*a^2", U=1.0, C=1.1, points=points, form=Exact(64)
    )
    run = jqd.evolve(law, law.prepare(psi0), ts, method=Propagator(), observe="density")
    sigma = 0.005 / np.pi

    def fit(values: Array) -> Any:
        record = Record(ts[1:], values, Gaussian(sigma), t0=0.0)
        return _fit_C(record, psi0, "density", points)

    return _fitted(_draws(keys, Gaussian(sigma), run.values[1:]), fit, truth)


def husimi_bath(keys: Array) -> Pulls:
    """Maps of 7 x 7 points at four times in a warm bath, with its rates and U free."""
    truth = {"C": 0.95, "U": 0.9, "gamma": 0.25, "nbar": 0.3}
    ts, x = jnp.linspace(0.0, 2.0, 5), np.linspace(-2, 2, 7)
    points = (x[None, :] + 1j * x[:, None]).ravel()
    psi0, sigma = coherent(1.1 + 0.3j, 18), 0.002 / np.pi

    def law(C: float, U: float, gamma: float, nbar: float) -> jqd.HusimiFokkerPlanck:
        return jqd.HusimiFokkerPlanck(
            "0.5*U*ad^2*a^2", C, U=U, bath=Bath(gamma, nbar), points=points,
            form=Exact(22, Series(12)),
        )  # fmt: skip

    exact = law(**truth)
    state = exact.prepare(exact.admit(psi0))
    run = jqd.evolve(exact, state, ts, method=Propagator(), observe="density")

    def fit(values: Array) -> Any:
        return jqd.fit(
            law(1.0, 1.0, 0.2, 0.2), Record(ts[1:], values, Gaussian(sigma), t0=0.0),
            psi0=psi0, free=tuple(truth), starts=1, search=None, polish=POLISH,
            start={"C": 1.0}, instrument="density", method=Propagator(),
        )  # fmt: skip

    draws = _draws(keys, Gaussian(sigma), run.values[1:])
    return _fitted(draws, fit, truth)


def _fit_C(record: Record, psi0: Array, observe: Any, points: Any = None) -> Any:
    form = Exact(64, Series(30))
    law = jqd.HusimiFokkerPlanck("0.5*U*ad^2*a^2", U=1.0, points=points, form=form)
    return jqd.fit(
        law, record, psi0=psi0, free=("C",), start={"C": 1.0}, starts=1, search=None,
        polish=POLISH, instrument=observe,
    )  # fmt: skip


def diffusion(keys: Array) -> Pulls:
    """5000 positions at each of four times in a double well, D = 0.45."""
    base, ts = problems.double_well(), jnp.array([0.0, 1.0, 2.0, 3.0, 4.0])

    def law(D: float) -> jqd.ConservativeDiffusion:
        return jqd.ConservativeDiffusion(
            base.grid, base.potential, mass=base.mass, form="amplitude", D=D
        )

    exact, seen = law(0.45), jqd.Occupations()
    method = Fixed(exact.stepper, 400)
    state = exact.prepare(exact.admit(base.initial))
    p = jqd.evolve(exact, state, ts, method=method, observe=seen).values[1:]

    def fit(counts: Array) -> Any:
        record = Record(ts[1:], counts, Multinomial(), t0=0.0)
        return jqd.fit(
            law(0.5), record, psi0=base.initial, free=("D",), start={"D": 0.5},
            starts=1, search=None, polish=POLISH, instrument=seen, substeps=100,
        )  # fmt: skip

    return _fitted(_draws(keys, Multinomial(), p, 5000), fit, {"D": 0.45})


# -- matter --------------------------------------------------------------------------


def springs(keys: Array) -> Pulls:
    """Three springs from the end of their chain, 61 rows, errors of a thousandth."""
    K = {"K[0]": 0.9, "K[1]": 1.15, "K[2]": 1.05}
    record = AtomRecord(
        np.arange(61) / 4,
        np.zeros((61, 1)),
        np.array([0]),
        np.arange(4.0),
        np.eye(4)[0],
    )
    _, observe = record.data()
    exact, method = record.law(np.array([*K.values()])), Fixed(srkn11, 8)
    state, sigma = exact.prepare(record.state()), 1e-3
    x = jqd.evolve(exact, state, record.ts, method=method, observe=observe).values
    law = record.law(np.ones(3))

    def fit(values: Array) -> Any:
        return jqd.fit(
            law, Record(record.ts, values, Gaussian(sigma)), psi0=record.state(),
            free=("K",), start={"K": np.ones(3)}, starts=1, search=None, substeps=4,
            polish=POLISH, instrument=observe, method=Fixed(srkn11),
        )  # fmt: skip

    return _fitted(_draws(keys, Gaussian(sigma), x), fit, K)


def tower(keys: Array) -> Pulls:
    """50000 counts at each of 20 times of the photons of a small tower."""
    truth = {"strength": 0.15, "omega": 0.8, "beta": 0.7}
    first = {"strength": 0.14, "omega": 0.82, "beta": 0.66}
    ts, seen = jnp.linspace(0, 10, 21), LevelNorms(6)
    matter = jax.random.key(2)
    exact = RandomTower(matter, 20, 5, **truth)
    law, psi0 = RandomTower(matter, 20, 5, **first), exact.foot(FOOT)
    p = jqd.evolve(exact, psi0, ts, method=Propagator(), observe=seen).values[1:]

    def fit(counts: Array) -> Any:
        return jqd.fit(
            law, Record(ts[1:], counts, Multinomial(), t0=0.0), psi0=psi0,
            free=tuple(truth), start=first, starts=1, search=None, polish=POLISH,
            instrument=seen, method=Propagator(terms=40),
        )  # fmt: skip

    return _fitted(_draws(keys, Multinomial(), p, 50_000), fit, truth)


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
    misfit = np.array([(one.p_value or 1.0) < 1e-3 for one in fits])
    return found._replace(misfit=misfit)


def _estimated(found: list[Any], name: str, truth: float) -> Pulls:
    """Estimates without a run, one a record."""
    values = np.array([one.value for one in found])
    errors = np.array([one.stderr for one in found])
    none = np.zeros(len(found), bool)
    return Pulls(
        {name: values}, {name: errors}, {name: truth}, none, ~np.isfinite(values)
    )


# -- nuisances -----------------------------------------------------------------------


def _calibrated(keys: Array, known: dict[str, tuple[float, float]]) -> dict[str, Array]:
    """What a calibration finds of each nuisance, with the error of its prior."""
    found = {}
    for number, (name, (centre, sd)) in enumerate(known.items()):
        draw = jax.vmap(
            lambda key, i=number: jax.random.normal(jax.random.fold_in(key, i))
        )
        found[name] = centre + sd * draw(keys)
    return found


def _priors(found: dict[str, Array], known: Known) -> dict[str, jqd.Normal]:
    """Priors about what the calibration found."""
    return {name: jqd.Normal(found[name], sd) for name, (_, sd) in known.items()}


def _shown(law: Any, state: Any, ts: Array, instrument: Instrument) -> Array:
    """What an instrument shows of a law on average, (T, ..)."""
    mean = lambda t, state: instrument.mean(law, t, state)  # noqa: E731
    return jqd.evolve(law, state, ts, observe=mean).values


# -- draws ---------------------------------------------------------------------------


def _draws(keys: Array, noise: Drawable, mean: Array, shots: int = 1) -> Array:
    """Values of so many shots at each time, a record a key."""
    return jax.lax.map(lambda key: noise.sample(key, mean, shots), keys)


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
