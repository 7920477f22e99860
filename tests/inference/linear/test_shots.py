"""Shots: inferred from frequencies, and noticed where they are wrong."""

import numpy as np
import pytest

from jqd.inference.linear.low_rank import fit_rank
from jqd.inference.linear.shots import inferred_shots, shots_by_scatter

P = np.outer(np.linspace(0.2, 0.9, 30), np.linspace(0.4, 1.0, 30))


def drawn(shots, seed=0):
    return np.random.default_rng(seed).binomial(shots, P)


@pytest.mark.parametrize("shots", [97, 999, 1999])
@pytest.mark.parametrize("digits", [6, 17])
def test_frequencies_tell_their_shots(shots, digits):
    assert inferred_shots(np.round(drawn(shots) / shots, digits)) == shots


def test_single_precision_is_enough():
    assert inferred_shots((drawn(999) / 999).astype(np.float32)) == 999


@pytest.mark.parametrize(
    "frequencies",
    [
        np.round(drawn(999) / 999, 3),  # any of 1000 shots fits three digits
        drawn(1000) / 1000,  # as frequencies of three digits do
        P + np.pi * 1e-3,  # of no number of shots
        np.array([[0.5, 0.25, 0.75]] * 3),  # too few to tell 4 from 8
        # of 1997 shots, or of 3994 if all counts were even: once in 2^16
        np.arange(100, 1700, 100).reshape(4, 4) / 1997,
    ],
)
def test_what_does_not_tell_them_is_refused(frequencies):
    with pytest.raises(ValueError, match=r"^Argument `shots` must be given, since"):
        inferred_shots(frequencies)
    with pytest.raises(ValueError, match="that are all 0 or 1, but is not"):
        inferred_shots(np.eye(3))


@pytest.mark.parametrize(
    ("told", "wrong"), [(1000, False), (960, False), (2500, True), (920, False)]
)
def test_the_scatter_tells_them(told, wrong):
    """E[(n - N p)²] = n (1 - n/1000) whatever was told: δ = N/1000 - 1 within 4 σ."""
    counts, shots = drawn(1000, seed=5), np.full(P.shape, float(told))
    fit = fit_rank(counts / told, shots, 1)
    found = shots_by_scatter(fit, counts / told, told)
    assert abs(found.shots - 1000) < 4 * found.stderr
    assert found.stderr < 150
    assert found.wrong is wrong


def test_few_cells_that_decide_tell_nothing():
    """Six of 144 cells have other odds than the rest: 6.5 equal ones, of 30 needed."""
    p = np.full((12, 12), 0.3)
    p[:2, :3] = 0.88
    counts = np.random.default_rng(0).binomial(1000, p)
    fit = fit_rank(counts / 1000, np.full(p.shape, 1000.0), 2)
    found = shots_by_scatter(fit, counts / 1000, 1000)
    assert not found.wrong
    assert np.isinf(found.stderr)


def test_few_cells_tell_nothing():
    p = P[:8, :8]
    counts = np.random.default_rng(0).binomial(1000, p)
    fit = fit_rank(counts / 4000, np.full(p.shape, 4000.0), 1)
    found = shots_by_scatter(fit, counts / 4000, 4000)
    assert not found.wrong
    assert np.isinf(found.stderr)
