"""The temperature of light from counts and curves, as well as the bound allows."""

import itertools

import jax
import numpy as np
import pytest

from jqd.inference.estimators import fit_photon_counts, fit_photon_curve
from jqd.inference.estimators.temperature import _given_sum
from jqd.inference.goodness import MISFIT
from jqd.matter.photons import (
    bose_einstein,
    sample_counts,
    sample_occupations,
    truncated_moments,
)
from jqd.records import load_photons


@pytest.mark.equation("thermalization", "fit-temperature")
@pytest.mark.parametrize(("T", "relative"), [(1.0, 0.0073), (0.3, 0.0108)])
def test_counts(T, relative, key):
    """2e4 counts: relative errors of .0073 and .0108, and the likelihood is flat."""
    n = np.asarray(sample_counts(key, 1.0, T, (20000,)))
    fit = fit_photon_counts(n, 1.0)
    assert fit.status == "converged"
    # the bound 1/√(N n(n+1)) T/ω, to the digits given
    mean = 1 / np.expm1(1 / T)
    assert np.sqrt(1 / (20000 * mean * (mean + 1))) * T == pytest.approx(
        relative, abs=1e-4
    )
    assert fit.bound / T == pytest.approx(relative, rel=0.03)
    assert abs(fit.T.value - T) < 4 * fit.bound
    # one frequency: the maximum is where the mean is that of the counts
    assert fit.T.value == pytest.approx(1 / np.log1p(1 / n.mean()), rel=1e-12)
    assert abs(fit.chi2_per_dof - 1) < 0.1


def test_scatter_of_fits_is_the_bound(key):
    draws = np.asarray(sample_counts(key, 1.0, 1.0, (100, 500)))
    fits = [fit_photon_counts(n, 1.0) for n in draws]
    ratio = np.std([fit.T.value for fit in fits]) / fits[0].bound
    # the standard deviation of a hundred fits scatters by 7 %
    assert abs(ratio - 1) < 0.25
    # and none of thermal light is called another; a tenth is expected of a hundred
    p = np.array([fit.p_value for fit in fits])
    assert p.min() > 1e-3
    assert 0.3 < np.mean(p < 0.5) < 0.7
    assert {fit.status for fit in fits} == {"converged"}


@pytest.mark.sampled
@pytest.mark.parametrize("n_max", [None, 12])
def test_light_that_is_not_thermal_is_a_misfit(n_max):
    """Laser light scatters by n̄, and thermal light by n̄(n̄ + 1)."""
    n = np.minimum(np.random.default_rng(0).poisson(2.0, size=400), 12)
    fit = fit_photon_counts(n, 1.0, n_max)
    assert fit.status == MISFIT
    assert fit.p_value < 1e-3
    assert "not to be trusted" in fit.message
    # neither is what scatters more, of two temperatures by turns
    n = np.concatenate([np.zeros(300), np.full(20, 12.0)])
    assert fit_photon_counts(n, 1.0, n_max).status == MISFIT


@pytest.mark.parametrize(
    ("n", "share"),
    # ways to share the photons: 5 of 4 between 2 modes, 165 of 8 among 4
    [([2, 2], 1 / 5), ([2, 2, 2, 2], 1 / 165), ([3], 1.0)],
)
def test_equal_counts_are_a_chance_like_others(n, share):
    fit = fit_photon_counts(n, 1.0)
    assert fit.p_value == pytest.approx(min(1, 2 * share), rel=1e-9)
    assert fit.status == "converged"


@pytest.mark.parametrize("n_max", [None, np.array([2.0, 2.0, 3.0])])
def test_the_chance_of_counts_given_their_sum(n_max):
    """Against all counts with this sum, one by one."""
    x, n = np.array([0.3, 0.3, 1.1]), np.array([2.0, 0.0, 1.0])
    ends = [3, 3, 3] if n_max is None else n_max.astype(int)
    every = itertools.product(*(range(end + 1) for end in ends))
    known = {m: np.exp(-x @ m) for m in every if sum(m) == 3}
    share = (known[2, 0, 1] + known[0, 2, 1]) / sum(known.values())
    assert _given_sum(x, n, n_max) == pytest.approx(share, rel=1e-12)
    assert _given_sum(np.ones(65), np.ones(65), None) == 0


def test_counts_of_many_frequencies(key):
    omega = np.repeat([0.2, 1.0, 3.0], 4000)
    n = np.asarray(sample_counts(key, omega, 0.7, omega.shape))
    fit = fit_photon_counts(n, omega)
    assert fit.status == "converged"
    assert abs(fit.T.value - 0.7) < 4 * fit.bound
    slope = np.sum(omega * (np.asarray(bose_einstein(omega, fit.T.value)) - n))
    assert abs(slope) < 1e-8 * np.sum(omega * n)
    # counts that are not thermal do not look so
    assert fit_photon_counts(np.full(1000, 3), 1.0).chi2_per_dof < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("n_max", [3, 6])
def test_counts_with_a_cutoff(n_max, key):
    """Pulls of unit variance, where counts without one look colder than they are."""
    seeds, each, omega, T = 200, 400, 1.0, 1.4
    draws = np.asarray(sample_counts(key, omega, T, (seeds, each), n_max))
    assert draws.max() == n_max
    fits = [fit_photon_counts(n, omega, n_max) for n in draws]
    assert {fit.status for fit in fits} == {"converged"}
    # errors are Gaussian in 1/T, where the bound is T^-2 of that of T
    pulls = [(1 / T - 1 / f.T.value) / (f.bound / f.T.value**2) for f in fits]
    # 200 pulls of unit variance: their mean scatters by .07, their spread by .05
    assert abs(np.mean(pulls)) < 4 * 0.07
    assert abs(np.std(pulls) - 1) < 4 * 0.05
    assert abs(np.mean([fit.chi2_per_dof for fit in fits]) - 1) < 0.02
    # negative control: by the mean number alone 0.32 and 0.05 colder, as predicted
    naive = [fit_photon_counts(n, omega).T.value for n in draws]
    mean = float(truncated_moments(omega / T, n_max)[0])
    assert np.mean(naive) == pytest.approx(1 / np.log1p(1 / mean), abs=0.02)
    assert T - np.mean(naive) > {3: 0.25, 6: 0.03}[n_max]


def test_moments_with_a_cutoff():
    """Against sums; at x = 0 all numbers are alike, and -x mirrors them."""
    x = np.array([-3.0, -0.2, -0.01, 0.0, 1e-6, 0.02, 0.06, 0.2, 1.0, 8.0, 60.0])
    for n_max in (1, 4, 30):
        n = np.arange(n_max + 1)
        p = np.exp(-n * x[:, None] - np.max(-n * x[:, None], axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        mean = p @ n
        variance = np.sum(p * (n - mean[:, None]) ** 2, axis=1)
        found = truncated_moments(x, n_max)
        np.testing.assert_allclose(found[0], mean, rtol=1e-12, atol=1e-25)
        np.testing.assert_allclose(found[1], variance, rtol=1e-9, atol=1e-25)
    far = truncated_moments(np.array([0.5, 2.0]), 1000)[0]
    np.testing.assert_allclose(far, bose_einstein(np.array([0.5, 2.0]), 1), rtol=1e-12)


@pytest.mark.slow
def test_counts_of_many_cutoffs(key):
    """Modes below one cut-off of energy, each with its own largest number."""
    omega = np.repeat([0.5, 1.0, 2.5], 3000)
    n_max = np.floor(5 / omega)
    n = np.asarray(sample_counts(key, omega, 2.0, omega.shape, n_max))
    fit = fit_photon_counts(n, omega, n_max)
    assert fit.status == "converged"
    assert abs(fit.T.value - 2.0) < 4 * fit.bound
    # more than half full: no positive temperature
    full = fit_photon_counts([2, 2, 1, 0], 1.0, 2)
    assert full.T.value < 0
    assert "No positive temperature" in full.message
    # that of the mirrored counts, with the other sign
    assert full.T.value == pytest.approx(
        -fit_photon_counts([0, 0, 1, 2], 1.0, 2).T.value
    )


@pytest.mark.equation("thermalization", "fit-temperature")
def test_curve(key):
    """400 modes with 2 %: an error of 3e-4."""
    omega = np.linspace(0.05, 6, 400)
    exact = np.asarray(bose_einstein(omega, 1.0))
    nbar = np.asarray(sample_occupations(key, omega, 1.0, 0.02))
    fit = fit_photon_curve(nbar, omega, 0.02 * exact)
    assert fit.status == "converged"
    assert fit.bound == pytest.approx(2.8e-4, rel=0.1)
    assert abs(fit.T.value - 1) < 4 * fit.bound
    assert abs(fit.chi2_per_dof - 1) < 3 * np.sqrt(2 / 399)
    assert fit_photon_curve(exact, omega, 0.02 * exact).T.value == pytest.approx(1)


@pytest.mark.parametrize(
    ("omega", "n", "message"),
    [
        (1.0, [0, 0], "at least one photon"),
        (1.0, [1, -1], r"whole numbers from 0 on, but entry \[1\] is -1"),
        (1.0, [1, 0.5], r"whole numbers from 0 on, but entry \[1\] is 0.5"),
        (-1.0, [1, 2], "`omega` must be positive"),
        (1.0, 3, "`n` must have shape"),
        (1.0, [1, np.inf], "`n` must be finite"),
    ],
)
def test_refused_counts(omega, n, message):
    with pytest.raises(ValueError, match=message):
        fit_photon_counts(n, omega)


@pytest.mark.parametrize(
    ("n", "n_max", "message"),
    [
        ([1, 3], 2, "`n` must not exceed `n_max`, but holds 3 where that is 2"),
        ([2, 2], 2, "at least one count below `n_max`"),
        ([1, 2], 2.5, "`n_max` must hold whole numbers from 0 on, but entry"),
        ([1, 2], 0, "`n_max` must be positive"),
        ([1, 2], [3, 3, 3], "`n_max` must have shape"),
    ],
)
def test_refused_cutoffs(n, n_max, message):
    with pytest.raises(ValueError, match=message):
        fit_photon_counts(n, 1.0, n_max)


def test_files(tmp_path):
    file = tmp_path / "light.csv"
    file.write_text("omega,n\n1,2\n1,0\n")
    assert load_photons(file).n.tolist() == [2, 0]
    assert load_photons(file).n_max is None
    file.write_text("omega,n,n_max\n1,2,4\n1,0,4\n")
    assert load_photons(file).n_max.tolist() == [4, 4]
    file.write_text("omega,nbar\n1,2.5\n2,0.5\n")
    assert load_photons(file).sigma is None
    for text, message in (
        ("omega,n,x\n1,2,3\n", "must have columns"),
        ("omega,n\n1,nan\n", "must be finite"),
        ("omega,n\n1,two\n", "must hold numbers"),
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=message):
            load_photons(file)
    with pytest.raises(ValueError, match=r"ending in \.csv"):
        load_photons(jax_file(tmp_path))


def jax_file(folder):
    np.save(folder / "light.npy", np.asarray(jax.numpy.ones(2)))
    return folder / "light.npy"
