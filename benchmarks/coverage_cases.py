"""Records of each kind, and the limit of the fit of each: see `coverage`."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.inference import LogNormal, Normal, Prior, Recovery, Study
from jqd.inference.estimators import fit_curve
from jqd.inference.limits import bound_of
from jqd.instruments import Confusion, Gaussian, Multinomial
from jqd.laws.husimi import Bath, Exact, Series
from jqd.states import coherent
from jqd.statistics import occupation

from .pulls_cases import kerr, net

# A qubit whose Rabi period is 1, from a superposition, which has no node; readout and
# lifetimes (T1 = 20, T2 = 15) are known to what a calibration leaves.
H, KET = np.pi * np.array([[0.0, 1.0], [1.0, 0.0]]), np.sqrt([0.8, 0.2])
TS, SHOTS = np.linspace(0.125, 3, 24), 500
FLIP, FLIP_SD = 0.02, 0.005
FADING, FADING_SD = (1 / 20 + 1 / 15) / 2, 0.08
# A rate that is not to be told from 0: its error is .012.
NEAR = 0.01


class Found(NamedTuple):
    """What a fit states of the constant in question.

    Attributes:
        truth: the constant.
        low, high: ends of its two-sided 95 % interval; NaN where no limit is stated.
        said: how far the constant may be from its value in quantum mechanics, as the
            sentence has it; NaN likewise.
        reference: that value.
        p: p-value of Pearson's chi-square of counts at the fit, by SciPy; else NaN.
    """

    truth: float
    low: float
    high: float
    said: float
    reference: float
    p: float

    @property
    def held(self) -> bool:
        """Whether the 95 % interval holds the true value."""
        return self.low <= self.truth <= self.high

    @property
    def sentence(self) -> bool:
        """Whether what the sentence says is true."""
        return abs(self.truth - self.reference) <= self.said


Fitter = Callable[[int], Found]
REFUSED = (math.nan,) * 3


# -- kinds of data -------------------------------------------------------------------


def copying() -> Fitter:
    """q of a qubit, beside readout and lifetimes."""
    truth, shown = 0.45, Confusion(flip=FLIP, fading=FADING)
    law = jqd.CopyDynamics.from_hamiltonian(H)
    made = jqd.CopyDynamics.from_hamiltonian(H, truth, -0.5)
    base = _study(law, shown, "q", _flip(0.0) | _fading(0.0))

    def fit(seed: int) -> Found:
        rng = np.random.default_rng((1, seed))
        priors = _flip(rng.normal()) | _fading(rng.normal())
        return _fitted(base, "q", truth, _counts(made, shown, seed), priors)

    return fit


def weinberg(fading: float = 0.0) -> Fitter:
    """ε of a qubit, beside its readout; the fit leaves out that contrast fades."""
    truth, shown = 0.05, Confusion(flip=FLIP, fading=fading)
    law, made = (jqd.laws.Weinberg(H, eps=eps) for eps in (0.0, truth))
    base = _study(law, Confusion(flip=FLIP), "eps", _flip(0.0))

    def fit(seed: int) -> Found:
        rng = np.random.default_rng((2, seed))
        counts = _counts(made, shown, seed)
        return _fitted(base, "eps", truth, counts, _flip(rng.normal()))

    return fit


def near_a_bound() -> Fitter:
    """A rate of dephasing an error above its bound at 0, beside the readout."""
    truth, shown = NEAR, Confusion(flip=FLIP)
    made = jqd.laws.Dephasing(H, [1.0, -1.0], truth)
    base = _study(made, shown, "gamma", _flip(0.0))
    name = base.labels()[0]

    def fit(seed: int) -> Found:
        rng = np.random.default_rng((5, seed))
        counts = _counts(made, shown, seed)
        return _fitted(base, name, truth, counts, _flip(rng.normal()))

    return fit


def husimi() -> Fitter:
    """C from maps of a Kerr oscillator that loses photons, beside the rate of loss."""
    truth, sigma = 0.98, 0.002 / np.pi
    ts, psi0 = np.linspace(0.4, 2, 5), coherent(1.1, 18)
    more = {"bath": Bath(0.1), "points": net(2, 7), "form": Exact(22, Series(12))}
    law = functools.partial(kerr, **more)
    made = law(C=truth)
    state, times = made.prepare(made.admit(psi0)), np.concatenate([[0.0], ts])
    run = jqd.evolve(made, state, times, method=jqd.Propagator(), observe="density")
    maps = np.asarray(run.values)[1:]
    base = Study(
        law(), jqd.Record(ts, maps, Gaussian(sigma), t0=0.0), psi0=psi0,
        free=("C", "gamma"), method=jqd.Propagator(),
    )  # fmt: skip

    def fit(seed: int) -> Found:
        drawn = maps + sigma * np.random.default_rng((3, seed)).normal(size=maps.shape)
        return _fitted(base, "C", truth, drawn, {})

    return fit


def statistics() -> Fitter:
    """g from a curve whose scatter nobody states, beside T and μ."""
    E = np.linspace(0.2, 4, 40)
    mean = np.asarray(occupation(E, 1.0, 0.0, 1.0))

    def fit(seed: int) -> Found:
        nbar = mean + 0.02 * np.random.default_rng((4, seed)).normal(size=E.shape)
        found = fit_curve(nbar, E)
        g = found.constants["g"]
        if not g.holds:
            return Found(1.0, *REFUSED, 1.0, math.nan)
        said = bound_of("g", g.value, g.stderr, 1.0, found.freedom)
        return Found(1.0, said.low, said.high, said.limit, 1.0, math.nan)

    return fit


# of a contrast that is down to a third at the end, in a fit that knows of no loss
CASES: dict[str, Callable[[], Fitter]] = {
    "q, copying": copying,
    "eps, Weinberg": weinberg,
    "C, Husimi with loss": husimi,
    "g, scatter estimated": statistics,
    "gamma, near its bound": near_a_bound,
    "eps, misfit": functools.partial(weinberg, 0.35),
}


def _flip(away: float) -> dict[str, Prior]:
    """What a calibration says of the readout, so many of its errors off."""
    return {"flip": Normal(FLIP + FLIP_SD * away, FLIP_SD)}


def _fading(away: float) -> dict[str, Prior]:
    """What lifetimes say of the contrast, likewise."""
    return {"fading": LogNormal(FADING * math.exp(FADING_SD * away), FADING_SD)}


def _study(law: Any, shown: Confusion, free: str, priors: dict[str, Prior]) -> Study:
    counts = np.full((len(TS), 2), SHOTS / 2)
    record = jqd.Record(TS, counts, Multinomial(), t0=0.0)
    return Study(
        law, record, psi0=KET, free=free, instrument=shown, nuisances=priors
    )  # fmt: skip


def _counts(law: Any, shown: Confusion, seed: int) -> Any:
    key = jax.random.key(seed)
    return jqd.simulate(law, KET, TS, shown, SHOTS, key, t0=0.0).values


def _fitted(
    base: Study, name: str, truth: float, values: Any, priors: dict[str, Prior]
) -> Found:
    """The fit of other values and calibrations, in the programs of the first."""
    study = eqx.tree_at(lambda study: study.data.values, base, jnp.asarray(values))
    if priors:
        those = tuple(priors[nuisance] for nuisance in base.nuisances)
        study = eqx.tree_at(lambda study: study.priors, study, those)
    found = jqd.recover(study, start={}, starts=1, search=None, held_out=0.0)
    quantum = float(dict(zip(study.labels(), study.references(), strict=True))[name])
    try:
        said = found.limit(name)
    except ValueError:  # its words say why there is none
        return Found(truth, *REFUSED, quantum, _pearson(found))
    return Found(truth, said.low, said.high, said.limit, quantum, _pearson(found))


def _pearson(found: Recovery) -> float:
    """p-value of the counts at the fit, whatever the fit itself makes of them."""
    from scipy import stats

    data = found.study.data
    if not isinstance(data.noise, Multinomial):
        return math.nan
    n = np.asarray(data.values)
    expected = n.sum(axis=1, keepdims=True) * np.asarray(found.prediction)
    square = np.sum((n - expected) ** 2 / np.maximum(expected, 0.5))
    return float(stats.chi2.sf(square, n.size - len(n) - 1))
