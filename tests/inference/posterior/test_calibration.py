"""Simulation-based calibration: what is right passes, what is too sharp does not."""

import math

import jax
import numpy as np
import pytest

import jqd
from jqd.inference import Study
from jqd.inference.posterior.calibration import _bins, _bins_p, _coverage_p, _judged
from jqd.instruments import Gaussian, Multinomial
from jqd.problems import golden
from jqd.sweeps import Store

BOX = {"a": (-1.0, 2.0)}
PRIOR = {"b": (-0.3, 0.05)}


class Sharp(Gaussian):
    """Says that errors are a third of what they are."""

    def residuals(self, prediction, values, at):
        return 3 * super().residuals(prediction, values, at)


@pytest.mark.slow
@pytest.mark.parametrize(
    "noise", [Gaussian, pytest.param(Sharp, marks=pytest.mark.slow)]
)
def test_a_likelihood_that_is_too_sharp_is_seen(line, noise):
    found = jqd.inference.sbc(line("a", PRIOR, noise(0.1)), 100, box=BOX)
    assert found.labels == ("a", "b")
    # fits of a sharp likelihood may lie far beyond an end
    assert found.lost <= (0 if noise is Gaussian else 0.01)
    assert found.ranks.shape == found.truth.shape == (100, 2)
    assert found.status == ("calibrated" if noise is Gaussian else "not calibrated")
    assert found.status in str(found)
    if noise is Gaussian:
        # a prior that is drawn from: uniform, and normal; five errors
        assert abs(found.truth[:, 0].mean() - 0.5) < 5 * 3 / np.sqrt(12 * 100)
        assert abs(found.truth[:, 1].mean() + 0.3) < 5 * 0.05 / 10
    else:
        assert found.coverage[0] < 0.8


def test_simulations_without_a_record_are_lost(line):
    found = jqd.inference.sbc(line("a", end=0.0), 40, box=BOX)
    # a is below 0 in a third of the prior
    assert 0.3 < found.lost < 0.95
    assert found.status == "too many simulations lost"


@pytest.mark.slow
def test_a_study_that_was_stopped_goes_on(line, tmp_path, monkeypatch):
    """With what its store has, to the bits of one that was not; others are refused."""
    store, commit, done = tmp_path / "store", Store.commit, []

    def count(self, *chunk):
        if done:
            raise KeyboardInterrupt
        done.append(chunk[0])
        commit(self, *chunk)

    study = line("a", PRIOR, Gaussian(0.1))
    monkeypatch.setattr(Store, "commit", count)
    with pytest.raises(KeyboardInterrupt):
        jqd.inference.sbc(study, 100, box=BOX, store=store)
    monkeypatch.undo()
    assert Store(store).committed() == done
    (kept,) = (store / "commits").iterdir()
    written = kept.stat().st_mtime_ns
    found = jqd.inference.sbc(study, 100, box=BOX, store=store)
    assert kept.stat().st_mtime_ns == written
    once = jqd.inference.sbc(study, 100, box=BOX)
    for name in ("truth", "ranks", "sound", "settled"):
        assert getattr(found, name).tobytes() == getattr(once, name).tobytes()
    for other in ({"box": {"a": (-1.0, 2.5)}}, {"key": jax.random.key(1)}):
        with pytest.raises(ValueError, match="computes something else"):
            jqd.inference.sbc(study, 100, **{"box": BOX, "store": store} | other)


def test_ranks_that_are_uniform_and_ranks_that_are_not():
    ranks = np.stack([np.arange(1000) % 100, np.arange(1000) % 50], axis=1)
    chi2, p, coverage, far = _judged(ranks, 99, 20, jax.random.key(0))
    # by hand: 50 in each bin; 100 in half of them
    np.testing.assert_allclose(chi2, [0, 1000])
    assert p[0] == 1
    assert p[1] < 1e-100
    assert coverage[0] == pytest.approx(0.95, abs=0.01)
    assert far[0] > 0.1
    assert (_bins(99, 1000), _bins(99, 40), _bins(1, 100)) == (20, 5, 2)


def test_few_ranks_have_exact_chances():
    """By sums over all outcomes: 34 of 40 hits, and two ranks in two bins."""
    each = [math.comb(40, k) * 0.95**k * 0.05 ** (40 - k) for k in range(41)]
    known = sum(p for p in each if p <= each[34] * (1 + 1e-9))
    assert _coverage_p(34, 40) == pytest.approx(known, rel=1e-9)
    # a normal distribution has .0037
    assert known > 0.01
    # both in one bin: a half, known from ten thousand draws to .005; chi-square has .16
    assert _bins_p(2.0, 2, 2) == pytest.approx(0.5, abs=0.02)


def test_what_is_refused(line):
    study = line()
    for words, said in (
        ({}, "`box` must give a two finite ends.* improper prior has no truths"),
        ({"simulations": 10}, "`simulations` must be at least 40"),
        ({"draws": 0}, "`draws` must be at least 1"),
        ({"sampler": "smc"}, "`sampler` must be one of 'laplace', 'nuts'"),
    ):
        with pytest.raises(ValueError, match=said):
            jqd.inference.sbc(study, **words)


# -- many records of ten times of 500 shots ------------------------------------------


class SharpCounts(Multinomial):
    """A likelihood that is 1.5 times too sharp."""

    def residuals(self, prediction, values, at):
        return 1.5**0.5 * super().residuals(prediction, values, at)

    def log_likelihood(self, prediction, values, at):
        return 1.5 * super().log_likelihood(prediction, values, at)


def many(noise, simulations):
    law, psi = golden()
    ts = np.linspace(0.5, 5, 10)
    method = jqd.Fixed(jqd.steppers.rk4, 10, estimate_error=False)
    counts = np.tile([170.0, 165.0, 165.0], (10, 1))
    data = jqd.Record(ts, counts, noise, t0=0.0)
    study = Study(law, data, psi0=psi, free=("q", "r"), method=method)
    box = {"q": (0.4, 0.6), "r": (-0.6, -0.4)}
    return jqd.inference.sbc(study, simulations, box=box)


@pytest.mark.slow
def test_the_right_model_is_calibrated():
    found = many(Multinomial(), 600)
    assert found.status == "calibrated"
    assert np.all(found.p_values > 1e-3)
    # two standard errors of a share, of 0.9 % each
    assert np.all((found.coverage > 0.932) & (found.coverage < 0.968))


@pytest.mark.slow
def test_a_likelihood_half_again_too_sharp_is_not():
    found = many(SharpCounts(), 1000)
    assert found.status == "not calibrated"
    assert np.all(found.p_values < 1e-3)
    # 1.96/√1.5 errors hold 89 %, with an error of 1 %
    assert np.all(found.coverage < 0.93)


@pytest.mark.slow
def test_chains_are_calibrated_as_well(line):
    found = jqd.inference.sbc(line("a", PRIOR), 400, box=BOX, sampler="nuts")
    assert found.status == "calibrated"
