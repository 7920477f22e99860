"""Weighted fits of low rank: closed forms, weights, tables with empty cells."""

import numpy as np
import pytest

from jqd.inference.linear.low_rank import fit_rank

SHOTS = np.full((6, 5), 1000.0)


def exact(rank, seed=0):
    """Probabilities of this rank, within 0 and 1."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.uniform(0.1, 1, (6, rank)), rng.uniform(0.1, 1, (rank, 5))
    return rows @ columns / rank


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_table_of_a_rank_is_fitted_to_rounding(rank):
    p = exact(rank)
    fit = fit_rank(p, SHOTS, rank)
    # squares of rounding, 1e-16 each, over variances of 1e-4 and more
    assert fit.chi2 < 1e-20
    assert np.allclose(fit.probabilities, p, atol=1e-13)
    assert fit.dof == (6 - rank) * (5 - rank)
    assert fit.converged
    assert rank == 1 or fit_rank(p, SHOTS, rank - 1).chi2 > 1


def test_equal_weights_give_the_singular_values_that_are_left():
    """Eckart and Young: the least sum of squares is that of the other values."""
    f = exact(4, seed=1)
    left = np.linalg.svd(f, compute_uv=False)[2:]
    # 0.01 of chi2 may be left to gain: little beside weights of 1e9
    fit = fit_rank(f, SHOTS, 2, np.full(f.shape, 1e9))
    assert fit.chi2 / 1e9 == pytest.approx(np.sum(left**2), rel=1e-6)


def test_at_the_optimum_residuals_are_across_rows_and_columns():
    """∂χ²/∂rows = 0: Σ_m w r e_m = 0 for each preparation; likewise for columns."""
    counts = np.random.default_rng(2).binomial(1000, exact(2))
    fit = fit_rank(counts / SHOTS, SHOTS, 2)
    pull = fit.weights * (counts / SHOTS - fit.probabilities)
    scale = np.abs(pull).max()
    # 0.01 of chi2 is left, and each residual is of order one
    assert np.abs(pull @ fit.columns.T).max() < 0.02 * scale
    assert np.abs(fit.rows.T @ pull).max() < 0.02 * scale
    p = fit.probabilities
    assert np.allclose(fit.weights, SHOTS / (p * (1 - p)))


def test_empty_cells_weigh_half_a_count():
    """Of a table of (0, 1) blocks chi-square has no scatter, and none is expected."""
    p = np.kron(np.eye(2), np.ones((3, 3)))[:, :5]
    fit = fit_rank(p, SHOTS, 2)
    half = 0.5 / 1000
    assert np.allclose(fit.weights, 1000 / (half * (1 - half)))
    assert fit.chi2 < 1e-6
    assert fit.filled < 1e-6
    assert fit.few == 1.0


def test_noise_that_a_rank_fits_beyond_its_dof():
    """Of equal weights w and a square θ² of w p: 4 x 3 over it, of each part."""
    p = exact(2)
    fit = fit_rank(p, SHOTS, 2, np.full(p.shape, 1e6))
    squares = 1e6 * np.linalg.svd(p, compute_uv=False)[:2] ** 2
    # θ² + 4 + 3 + 12/θ² is the square that is seen
    assert fit.overfit == pytest.approx(np.sum(12 / squares), rel=0.01)
    noise = np.random.default_rng(4).binomial(1000, exact(1)) / SHOTS
    assert fit_rank(noise, SHOTS, 1).overfit < 0.1
    assert np.isinf(fit_rank(noise, SHOTS, 2).overfit)


def test_chi_square_has_the_mean_and_variance_of_its_dof():
    rng = np.random.default_rng(3)
    p = exact(2)
    fits = [fit_rank(rng.binomial(1000, p) / SHOTS, SHOTS, 2) for _ in range(100)]
    chi2 = np.array([fit.chi2 for fit in fits])
    dof = fits[0].dof
    # 4 standard errors of a mean of 100, and of a variance
    assert abs(chi2.mean() - dof) < 4 * np.sqrt(2 * dof / 100)
    assert abs(chi2.var() / (2 * dof) - 1) < 4 * np.sqrt((2 + 12 / dof) / 100)
