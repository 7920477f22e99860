"""Fits to counts of shots in clusters, several at each time.

Two levels that are driven on resonance, with a readout that errs. At each of 20 times
there are clusters of unlike sizes, so that no sum of a time's rows has one correlation.
"""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jqd
from jqd.inference import Study
from jqd.inference.constant import Constant
from jqd.inference.design.settings import studies_of
from jqd.inference.limits import _freedom
from jqd.instruments import Confusion, DirichletMultinomial, Multinomial
from jqd.records import Clusters

# each class is expected at least 1.2 times in each cluster, above the least of .5
RHO, READOUT = 0.1, 0.3
SIZES = np.array([8, 16, 16, 30])
LAW = jqd.Schrodinger(np.array([[0, 0.5], [0.5, 0]]))
LOOKS = np.linspace(0.4, 8, 20)
TS, SHOTS = np.repeat(LOOKS, len(SIZES)), np.tile(SIZES, len(LOOKS))
PSI = np.array([1.0, 0.0])
NEAR: dict[str, Any] = {"starts": 1, "start": {}, "search": None}
WIDE = {"rho": jqd.Uniform(0, 1)}


def mean(readout, ts=TS):
    return (1 - readout) * np.sin(ts / 2) ** 2 + readout / 2


def exponents(p, rho):
    return p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho


def drawn(seed=3):
    """Counts of the upper level, by NumPy alone."""
    rng = np.random.default_rng(seed)
    return rng.binomial(SHOTS, rng.beta(*exponents(mean(READOUT), RHO)))


def both(upper, shots=SHOTS):
    return np.stack([shots - upper, upper], axis=1)


def study_of(data, nuisances=None, **options):
    given: dict[str, Any] = {
        "psi0": PSI, "free": "readout", "instrument": Confusion(readout=READOUT),
        "nuisances": nuisances, "method": jqd.Propagator(),
    }  # fmt: skip
    return Study(options.pop("law", LAW), data, **(given | options))


@pytest.fixture(scope="module")
def study():
    data = Clusters(TS, both(drawn()), DirichletMultinomial(0.05), t0=0.0)
    return study_of(data, WIDE)


def test_the_law_is_followed_once_for_all_clusters_of_a_time(study):
    assert study.times.shape == (1 + len(LOOKS),)
    found = study.predict(jnp.array([0.2, RHO]))
    # to rounding of the eigenbasis
    np.testing.assert_allclose(found[:, 1], mean(0.2), rtol=0, atol=1e-13)


def test_a_search_sees_the_rows_of_a_record_twice():
    """Two clusters at each time, of which a search has taken in the first half."""
    n = both(drawn()[:: len(SIZES)], SIZES[0])
    stepped = {"method": jqd.Fixed(jqd.steppers.rk4, 8, estimate_error=False)}
    twice = Clusters(np.repeat(LOOKS, 2), np.repeat(n, 2, axis=0), t0=0.0)
    found = []
    for data in (jqd.Record(LOOKS, n, Multinomial(), t0=0.0), twice):
        study, rows = study_of(data, **stepped), len(data.ts)
        at, mask = study.first_weights(), jnp.ones(rows)
        missed = study.residuals(jnp.array([0.2]), at, mask, jnp.asarray(rows // 2))
        found.append(np.asarray(missed)[: study.seen].reshape(20, -1, 2))
    # one run, gathered: later rows stand still in both
    np.testing.assert_allclose(found[1], found[0].repeat(2, axis=1), rtol=1e-12)


def test_the_likelihood_is_that_of_each_cluster(study):
    upper, found, expected = drawn(), [], []
    for readout, rho in ((0.1, 0.05), (0.12, 0.2)):
        logs = stats.betabinom.logpmf(upper, SHOTS, *exponents(mean(readout), rho))
        expected.append(logs.sum())
        found.append(float(study.log_likelihood(jnp.array([readout, rho]))))
    # differences of sums of 80 logarithms; the number of orders cancels
    assert np.diff(found)[0] == pytest.approx(np.diff(expected)[0], abs=1e-8)


def test_a_histogram_weighs_as_its_clusters():
    """Rows of counts that come several times, and how often they do."""
    upper = drawn()
    rows, often = np.unique(
        np.stack([TS, SHOTS, upper], axis=1), axis=0, return_counts=True
    )
    assert often.max() > 1
    noise = DirichletMultinomial(RHO)
    made = Clusters(
        rows[:, 0], both(rows[:, 2], rows[:, 1]), noise, t0=0.0, multiplicity=often
    )
    whole = Clusters(TS, both(upper), noise, t0=0.0)
    theta = jnp.array([0.13, 0.2])
    found = [study_of(data, WIDE) for data in (made, whole)]
    for value in ("log_likelihood", "information"):
        one, other = (getattr(s, value)(theta) for s in found)
        # sums of the same terms in another order
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


def test_the_information_is_that_of_unlike_clusters(study):
    """Σ N (dp/dε)²/(p (1 - p))/(1 + (N - 1) ρ) over clusters."""
    theta = jnp.array([READOUT, RHO])
    p = mean(READOUT)
    each = SHOTS * (0.5 - np.sin(TS / 2) ** 2) ** 2 / (p * (1 - p))
    expected = np.sum(each / (1 + (SHOTS - 1) * RHO))
    np.testing.assert_allclose(study.information(theta)[0, 0], expected, rtol=1e-9)


@pytest.mark.slow
def test_squares_of_clusters_have_mean_and_variance(study):
    """Of 4000 records at the truth: within 4.5 of their errors."""
    noise, p = DirichletMultinomial(RHO), mean(READOUT)
    both_p = jnp.asarray(np.stack([1 - p, p], axis=1))
    at = noise.first_weights(both_p)

    @jax.jit
    def one(key):
        values = noise.sample(key, both_p, SHOTS)
        return jnp.sum(noise.residuals(both_p, values, at) ** 2)

    keys, mask = jax.random.split(jax.random.key(1), 4000), jnp.ones(len(TS))
    sums = np.asarray(jax.lax.map(one, keys, batch_size=500))
    values = study.data.values
    expected = float(noise.independent(values, at, mask))
    variance = 2 * expected + float(noise.excess(values, at, mask))
    assert abs(sums.mean() - expected) < 4.5 * np.sqrt(variance / len(sums))
    error = np.std((sums - sums.mean()) ** 2) / np.sqrt(len(sums))
    assert abs(sums.var() - variance) < 4.5 * error


@pytest.mark.slow
def test_clusters_of_independent_shots_say_what_their_sum_does():
    """As much of the law, and beside it whether the shots were independent."""
    rng = np.random.default_rng(8)
    upper = rng.binomial(SHOTS, mean(READOUT))
    n = both(upper)
    added = n.reshape(len(LOOKS), -1, 2).sum(axis=1)
    pooled = jqd.fit(study_of(jqd.Record(LOOKS, added, Multinomial(), t0=0.0)), **NEAR)
    apart = jqd.fit(study_of(Clusters(TS, n, t0=0.0)), **NEAR)
    one, other = (fit.constants["readout"] for fit in (apart, pooled))
    # both solve one score equation, from other first weights: rounds of weights leave
    # a few thousandths of an error
    stderr = float(other.stderr)
    assert float(one.value) == pytest.approx(float(other.value), abs=1e-2 * stderr)
    assert float(one.stderr) == pytest.approx(stderr, rel=1e-3)
    assert float(apart.p_value) > 1e-3
    # clusters that share something: their sums alone are tested by 19 squares
    shared = jqd.fit(study_of(Clusters(TS, both(drawn()), t0=0.0)), **NEAR)
    assert jqd.Status(int(shared.status)) is jqd.Status.MISFIT
    # φ is 1.7, 2.5 (twice) and 3.9: 2.65 on average, with an error of √(2/79) of it
    assert float(shared.chi2_per_dof) == pytest.approx(2.65, rel=4 * 0.16)


def test_clusters_of_two_shots_determine_their_scatter():
    """Σ_k N p_k (1 - p_k)/max(N p_k, 1/2) squares, less that of the readout; by their
    own shares, clusters whose shots agree would count as none."""
    upper = np.random.default_rng(9).binomial(2, mean(READOUT))
    data = Clusters(TS, both(upper, 2), DirichletMultinomial(0.05), t0=0.0)
    readout = Constant("readout", READOUT, 0.01, 0.0, 0.0)
    rho = Constant("rho", RHO, 0.01, 0.0, None, pull=0.0)
    found = SimpleNamespace(
        study=study_of(data, WIDE), theta=np.array([READOUT, RHO]),
        constants={"readout": readout, "rho": rho},
    )  # fmt: skip
    p = np.stack([1 - mean(READOUT), mean(READOUT)])
    squares = np.sum(2 * p * (1 - p) / np.maximum(2 * p, 0.5))
    assert _freedom(found) == pytest.approx(squares - 1, rel=1e-9)


def test_a_design_takes_a_time_once():
    """Clusters of independent shots at 20 times are 20 settings."""
    data = Clusters(TS, both(drawn()), t0=0.0)
    (one,) = studies_of(study_of(data), None).values()
    np.testing.assert_allclose(one.data.ts, LOOKS)


@pytest.mark.slow
def test_errors_hold_over_many_records_of_clusters():
    """800 records of 80 unlike clusters: ρ and the readout are right, and their errors.

    95 % of the readouts are within 1.99 errors, Student's of 79 degrees of freedom.
    """
    p = mean(READOUT)
    both_p, true = jnp.asarray(np.stack([1 - p, p], axis=1)), DirichletMultinomial(RHO)
    number = 800

    def one(key):
        values = true.sample(key, both_p, SHOTS)
        data = Clusters(TS, values, DirichletMultinomial(0.05), t0=0.0)
        found = jqd.fit(study_of(data, WIDE), **NEAR).constants
        return tuple(
            x for name in ("readout", "rho")
            for x in (found[name].value, found[name].stderr)
        )  # fmt: skip

    keys = jax.random.split(jax.random.key(5), number)
    value, stderr, rho, apart = map(np.asarray, jax.jit(jax.vmap(one))(keys))
    sound = np.isfinite(value)
    assert sound.mean() > 0.99
    away = value[sound] - READOUT
    assert abs(away.mean()) < 4 * away.std() / np.sqrt(number)
    inside = np.abs(away) < 1.99 * stderr[sound]
    assert abs(inside.mean() - 0.95) < 4 * np.sqrt(0.05 * 0.95 / number)
    # the equation of ρ is that of the squares' mean: a bias of order 1/80 of its error
    assert abs(rho[sound].mean() - RHO) < 5 * rho[sound].std() / np.sqrt(number)
    assert np.median(apart[sound]) == pytest.approx(rho[sound].std(), rel=0.15)


@pytest.mark.slow
def test_clusters_are_compared_and_drawn_from():
    """The law of the clusters beside one with an other frequency, and a posterior."""
    data = Clusters(TS, both(drawn()), DirichletMultinomial(0.05), t0=0.0)
    found = jqd.recover(study_of(data, WIDE), held_out=0.0, **NEAR)
    assert found.status == "converged"
    assert "their variance is" in found.message
    for name, truth in (("readout", READOUT), ("rho", RHO)):
        one = found.constants[name]
        assert abs(one.value - truth) < 4 * one.stderr
    drawn_from = jqd.posterior(found, "laplace", draws=200, chains=1)
    assert drawn_from.predicted.p_value > 0.01
    # a phase that lags by .8 at the last time
    slow = jqd.Schrodinger(np.array([[0, 0.45], [0.45, 0]]))
    priors = {"readout": (READOUT, 0.02)} | WIDE
    told = jqd.compare({
        name: study_of(data, priors, free=(), law=law)
        for name, law in (("right", LAW), ("slow", slow))
    })  # fmt: skip
    right, wrong = told.rows
    assert right.p_value > 1e-3
    assert max(told.log_bayes(wrong)) < -5


@pytest.mark.slow
def test_what_a_law_lacks_is_no_scatter_of_clusters():
    """Contrast that fades by a third over 40 times of 20 clusters of 25 shots."""
    rng = np.random.default_rng(6)
    looks = np.linspace(0.5, 20, 40)
    ts = np.repeat(looks, 20)
    p = (1 - READOUT) * np.exp(-0.02 * ts) * (np.sin(ts / 2) ** 2 - 0.5) + 0.5
    n = both(rng.binomial(25, p), 25)
    data = Clusters(ts, n, DirichletMultinomial(0.01), t0=0.0)
    found = jqd.recover(study_of(data, WIDE), held_out=0.0, **NEAR)
    assert found.status == "the law does not describe the record"
    assert found.pattern is not None
    assert found.pattern.name == "decay"
    assert not found.errors_hold
