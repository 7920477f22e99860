"""Limits at 95 %: how often they hold the true value, and that misfits get none.

For each kind of data, 500 records from the same true constants, each with a draw and
calibrations of its own, the fit of each, and the limit that it states. A process fits
many records of one kind, with one program.
"""

import contextlib
import functools
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.inference import LogNormal, Normal, Prior, Recovery, Study
from jqd.inference.estimators import fit_curve
from jqd.instruments import Confusion, Gaussian, Multinomial
from jqd.laws.husimi import Bath, Exact, Series
from jqd.report.tables import answers, bound_of, read_answer, two_sided
from jqd.states import coherent
from jqd.statistics import occupation

from . import machine
from .tables import say
from .timing import Goal, Report, round_to

SHOWN = ("constant", "records", "misfits", "refused", "held", "share", "share from",
         "share to", "sentences")  # fmt: skip
RECORDS, QUICK, CHUNK = 500, 40, 10
# A misfit is a record whose chi-square is less likely than this.
MISFIT = 1e-3
# The shares of limits that are to hold, and of misfits that are to be refused.
LEAST, MOST, REFUSED = 0.93, 0.97, 0.95
# A process has one thread: there are as many of them as cores.
ALONE = {
    "JAX_PLATFORMS": "cpu",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
# A qubit whose Rabi period is 1, from a superposition, which has no node; readout and
# lifetimes (T1 = 20, T2 = 15) are known to what a calibration leaves.
H, KET = np.pi * np.array([[0.0, 1.0], [1.0, 0.0]]), np.sqrt([0.8, 0.2])
TS, SHOTS = np.linspace(0.125, 3, 24), 500
FLIP, FLIP_SD = 0.02, 0.005
FADING, FADING_SD = (1 / 20 + 1 / 15) / 2, 0.08


class Found(NamedTuple):
    """What a fit states of the constant in question.

    Attributes:
        truth: the constant.
        value: of the fit.
        half: of its 95 % interval; NaN where no limit is stated.
        said: how far the constant may be from its value in quantum mechanics, as the
            sentence has it; NaN likewise.
        reference: that value.
        p: p-value of Pearson's chi-square of counts at the fit, by SciPy; else NaN.
    """

    truth: float
    value: float
    half: float
    said: float
    reference: float
    p: float

    @property
    def held(self) -> bool:
        """Whether the 95 % interval holds the true value."""
        return abs(self.value - self.truth) <= self.half

    @property
    def sentence(self) -> bool:
        """Whether what the sentence says is true."""
        return abs(self.truth - self.reference) <= self.said


Fitter = Callable[[int], Found]


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
    law, made = (jqd.Weinberg(H, eps=eps) for eps in (0.0, truth))
    base = _study(law, Confusion(flip=FLIP), "eps", _flip(0.0))

    def fit(seed: int) -> Found:
        rng = np.random.default_rng((2, seed))
        counts = _counts(made, shown, seed)
        return _fitted(base, "eps", truth, counts, _flip(rng.normal()))

    return fit


def husimi() -> Fitter:
    """C from maps of a Kerr oscillator that loses photons, beside the rate of loss."""
    truth, rate, sigma = 0.98, 0.1, 0.002 / np.pi
    ts, x, psi0 = np.linspace(0.4, 2, 5), np.linspace(-2, 2, 7), coherent(1.1, 18)
    points = (x[None, :] + 1j * x[:, None]).ravel()

    def law(C: float) -> jqd.HusimiFokkerPlanck:
        return jqd.HusimiFokkerPlanck(
            "0.5*U*ad^2*a^2", C, U=1.0, bath=Bath(rate), points=points,
            form=Exact(22, Series(12)),
        )  # fmt: skip

    made = law(truth)
    state, times = made.prepare(made.admit(psi0)), np.concatenate([[0.0], ts])
    run = jqd.evolve(made, state, times, method=jqd.Propagator(), observe="density")
    maps = np.asarray(run.values)[1:]
    base = Study(
        law(1.0), jqd.Record(ts, maps, Gaussian(sigma), t0=0.0), psi0=psi0,
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
        half = two_sided(found.freedom) * g.stderr
        said = read_answer(bound_of("g", g.value, g.stderr, 1.0, freedom=found.freedom))
        limits = (half, said.limit) if g.holds else (math.nan, math.nan)
        return Found(1.0, g.value, *limits, 1.0, math.nan)

    return fit


# of a contrast that is down to a third at the end, in a fit that knows of no loss
CASES: dict[str, Callable[[], Fitter]] = {
    "q, copying": copying,
    "eps, Weinberg": weinberg,
    "C, Husimi with loss": husimi,
    "g, scatter estimated": statistics,
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
    one = found.constants[name]
    said = {a.constant: a.limit for a in map(read_answer, answers(found))}
    stated = name in said
    half = two_sided() * one.stderr if stated else math.nan
    quantum = float(dict(zip(study.labels(), study.references(), strict=True))[name])
    return Found(
        truth, float(one.value), float(half), said.get(name, math.nan), quantum,
        _pearson(found),
    )  # fmt: skip


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


# -- many records --------------------------------------------------------------------


@functools.cache
def _fitter(case: str) -> Fitter:
    return CASES[case]()


def fits_of(case: str, seeds: Iterable[int]) -> list[Found]:
    """The fits of the records with these seeds."""
    return [_fitter(case)(seed) for seed in seeds]


def run(quick: bool = False) -> Iterator[Report]:
    """Shares of limits that hold, a report after each kind of data."""
    rows = []
    for case, found in (_in_turn if quick else _together)():
        rows.append(row_of(case, found))
        yield report(rows)


def _in_turn() -> Iterator[tuple[str, list[Found]]]:
    """Few records of each kind, in this process."""
    for case in CASES:
        yield case, fits_of(case, range(QUICK))


def _together() -> Iterator[tuple[str, list[Found]]]:
    """All kinds at once, each in processes of its own; a line for each chunk."""
    each = max(1, machine.cores() // len(CASES))
    context = multiprocessing.get_context("spawn")
    chunks = [range(k, k + CHUNK) for k in range(0, RECORDS, CHUNK)]
    found: dict[str, list[Found]] = {case: [] for case in CASES}
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone())
        waiting = {}
        for case in CASES:
            pool = ProcessPoolExecutor(each, context, _begin)
            stack.enter_context(pool)
            waiting |= {pool.submit(fits_of, case, chunk): case for chunk in chunks}
        for done in as_completed(waiting):
            case = waiting[done]
            found[case] += done.result()
            held = sum(one.held for one in found[case])
            told = {"case": case, "records": len(found[case]), "held": held}
            say(json.dumps(told))
            if len(found[case]) == RECORDS:
                yield case, found[case]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """The environment of processes with one thread each, which start in it."""
    before = {name: os.environ.get(name) for name in ALONE}
    os.environ.update(ALONE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin() -> None:
    jax.config.update("jax_enable_x64", True)


# -- shares --------------------------------------------------------------------------


def row_of(case: str, found: list[Found]) -> dict[str, Any]:
    """How many limits of a kind of data hold, with Clopper's and Pearson's interval."""
    from scipy import stats

    stated = [one for one in found if math.isfinite(one.half)]
    held, number = sum(one.held for one in stated), len(stated)
    row = {
        "case": case,
        "program": "jqd",
        "constant": case.partition(",")[0],
        "records": len(found),
        "misfits": sum(one.p < MISFIT for one in found),
        "refused": len(found) - number,
        "refused misfits": sum(
            one.p < MISFIT and not math.isfinite(one.half) for one in found
        ),
    }
    if stated:
        ends = stats.binomtest(held, number).proportion_ci(0.95)
        row |= {
            "held": held,
            "share": round_to(held / number, 3),
            "share from": round_to(float(ends.low), 3),
            "share to": round_to(float(ends.high), 3),
            "sentences": sum(one.sentence for one in stated),
        }
    return row


def report(rows: list[dict[str, Any]]) -> Report:
    """The rows of all kinds, and the shares that are farthest off."""
    right = [row for row in rows if not row["case"].endswith("misfit")]
    shares = [row["share"] for row in right if "share" in row]
    misfits = sum(row["misfits"] for row in rows)
    refused = sum(row["refused misfits"] for row in rows)
    return Report(
        "Limits at 95 % from simulated records",
        rows,
        [
            Goal("share of limits that hold, least", min(shares, default=None), LEAST),
            Goal(
                "share of limits that hold, most", max(shares, default=None), MOST,
                at_least=False,
            ),
            Goal(
                "share of misfits that are refused",
                refused / misfits if misfits else None, REFUSED,
            ),
        ],
        [
            "held: records whose 95 % interval holds the true constant; share: of all "
            "with a limit, from and to its own 95 % interval; sentences: those whose "
            "bound on the distance from quantum mechanics is true, at least as many; "
            "misfits: records whose chi-square, by SciPy, is less likely than 1e-3, of "
            "which one in a thousand is chance; refused: records without a limit.",
            "Of the last kind the contrast is down to a third at the end, and the fit "
            "knows of no loss.",
        ],
    )  # fmt: skip
