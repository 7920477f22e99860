"""The temperature of light from counts and curves, as well as the bound allows."""

import jax
import numpy as np
import pytest

from jqd.matter.photons import bose_einstein, sample_counts, sample_occupations
from jqd.recover.temperature import (
    fit_photon_counts,
    fit_photon_curve,
    load_photons,
)


@pytest.mark.equation("thermalization", "fit-temperature")
@pytest.mark.parametrize(("T", "relative"), [(1.0, 0.0073), (0.3, 0.0108)])
def test_counts(T, relative, key):
    """2e4 counts: relative errors of .0073 and .0108, and the likelihood is flat."""
    n = np.asarray(sample_counts(key, 1.0, T, (20000,)))
    fit = fit_photon_counts(1.0, n)
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
    fits = [fit_photon_counts(1.0, n) for n in draws]
    ratio = np.std([fit.T.value for fit in fits]) / fits[0].bound
    # the standard deviation of a hundred fits scatters by 7 %
    assert abs(ratio - 1) < 0.25


def test_counts_of_many_frequencies(key):
    omega = np.repeat([0.2, 1.0, 3.0], 4000)
    n = np.asarray(sample_counts(key, omega, 0.7, omega.shape))
    fit = fit_photon_counts(omega, n)
    assert fit.status == "converged"
    assert abs(fit.T.value - 0.7) < 4 * fit.bound
    slope = np.sum(omega * (np.asarray(bose_einstein(omega, fit.T.value)) - n))
    assert abs(slope) < 1e-8 * np.sum(omega * n)
    # counts that are not thermal do not look so
    assert fit_photon_counts(1.0, np.full(1000, 3)).chi2_per_dof < 0.1


@pytest.mark.equation("thermalization", "fit-temperature")
def test_curve(key):
    """400 modes with 2 %: an error of 3e-4."""
    omega = np.linspace(0.05, 6, 400)
    exact = np.asarray(bose_einstein(omega, 1.0))
    nbar = np.asarray(sample_occupations(key, omega, 1.0, 0.02))
    fit = fit_photon_curve(omega, nbar, 0.02 * exact)
    assert fit.status == "converged"
    assert fit.bound == pytest.approx(2.8e-4, rel=0.1)
    assert abs(fit.T.value - 1) < 4 * fit.bound
    assert abs(fit.chi2_per_dof - 1) < 3 * np.sqrt(2 / 399)
    assert fit_photon_curve(omega, exact, 0.02 * exact).T.value == pytest.approx(1)


@pytest.mark.parametrize(
    ("omega", "n", "message"),
    [
        (1.0, [0, 0], "at least one photon"),
        (1.0, [1, -1], "whole numbers from 0 on, but holds -1"),
        (1.0, [1, 0.5], "whole numbers from 0 on, but holds 0.5"),
        (-1.0, [1, 2], "`omega` must be positive"),
        (1.0, 3, "`n` must have shape"),
        (1.0, [1, np.inf], "`n` must be finite"),
    ],
)
def test_refused_counts(omega, n, message):
    with pytest.raises(ValueError, match=message):
        fit_photon_counts(omega, n)


def test_files(tmp_path):
    file = tmp_path / "light.csv"
    file.write_text("omega,n\n1,2\n1,0\n")
    assert load_photons(file).n.tolist() == [2, 0]
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
