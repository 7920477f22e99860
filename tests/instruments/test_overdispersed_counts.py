"""Counts that scatter more than independent shots: the Dirichlet-multinomial noise."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from jqd.instruments import DirichletMultinomial, Multinomial

P = np.array([[0.1, 0.6, 0.3], [0.25, 0.5, 0.25]])
COUNTS = np.array([[12.0, 55.0, 33.0], [0.0, 80.0, 20.0]])


def log_likelihood(rho, p=P, counts=COUNTS):
    p, counts = jnp.asarray(p), jnp.asarray(counts)
    return DirichletMultinomial(rho).log_likelihood(p, counts, p)


def size(rho):
    """A = (1 - ρ)/ρ, the sum of the exponents of the Dirichlet distribution."""
    return (1 - rho) / rho


@pytest.mark.parametrize("rho", [1e-12, 1e-6, 1e-3, 1.2 / 99, 0.1, 0.5, 0.99])
def test_likelihood_is_the_product_of_an_urn(rho):
    """Shot after shot, each as likely as its class was seen before."""
    tau = rho / (1 - rho)
    expected = [
        sum(np.log(p + tau * np.arange(n)).sum() for p, n in zip(*row, strict=True))
        - np.log1p(tau * np.arange(100)).sum()
        for row in zip(P, COUNTS.astype(int), strict=True)
    ]
    # sums of 200 logarithms, and Stirling's series to 2e-14
    np.testing.assert_allclose(log_likelihood(rho), expected, rtol=1e-12)


@pytest.mark.parametrize("rho", [1.2 / 99, 0.3])
def test_likelihood_is_that_of_scipy(rho):
    """Less the number of orders, which no constant changes."""
    orders = gammaln(101) - gammaln(COUNTS + 1).sum(axis=1)
    scipy = stats.dirichlet_multinomial.logpmf(COUNTS.astype(int), P * size(rho), 100)
    # logarithms of factorials of 100
    np.testing.assert_allclose(log_likelihood(rho) + orders, scipy, rtol=1e-11)
    p, k = np.array([[0.2, 0.8], [0.7, 0.3]]), np.array([30, 71])
    both = np.stack([k, 100 - k], axis=1)
    orders = gammaln(101) - gammaln(both + 1).sum(axis=1)
    scipy = stats.betabinom.logpmf(k, 100, p[:, 0] * size(rho), p[:, 1] * size(rho))
    found = log_likelihood(rho, p, both.astype(float)) + orders
    np.testing.assert_allclose(found, scipy, rtol=1e-11)


def test_without_correlation_it_is_multinomial():
    plain = Multinomial().log_likelihood(jnp.asarray(P), jnp.asarray(COUNTS), P)
    np.testing.assert_allclose(log_likelihood(0.0), plain, rtol=1e-14)
    # ln L changes by Σ n (n - 1)/(2 p) - N (N - 1)/2 for each unit of ρ
    slope = np.sum(COUNTS * (COUNTS - 1) / P) / 2 - 2 * 100 * 99 / 2
    at = jax.grad(lambda rho: jnp.sum(log_likelihood(rho)))
    np.testing.assert_allclose(at(0.0), slope, rtol=1e-12)
    # n³ ρ of it is new
    np.testing.assert_allclose(at(1e-13), slope, rtol=1e-6)


def test_what_is_excluded_and_seen_has_no_likelihood():
    p = np.array([[0.0, 1.0]])
    assert log_likelihood(0.1, p, [[1.0, 9.0]])[0] == -jnp.inf
    # certain, however much the shots are alike
    np.testing.assert_allclose(log_likelihood(0.1, p, [[0.0, 10.0]])[0], 0, atol=1e-13)
    assert log_likelihood(0.1, [[0.6, 0.6]], [[5.0, 5.0]])[0] == -jnp.inf
    slope = jax.grad(lambda p: log_likelihood(0.1, p, [[0.0, 10.0]])[0])(p)
    assert np.all(np.isfinite(slope))


def law_of(shots, p, rho):
    """Probability of 0, 1, .. shots of one outcome."""
    k = np.arange(shots + 1)
    if rho == 0:
        return stats.binom.pmf(k, shots, p)
    if rho == 1:
        return np.where(k == 0, 1 - p, np.where(k == shots, p, 0))
    return stats.betabinom.pmf(k, shots, p * size(rho), (1 - p) * size(rho))


@pytest.mark.parametrize("rho", [0.0, 0.1, 1.0])
def test_draws_have_mean_and_covariance(rho):
    shots, rows, p = 50, 4000, P[0]
    mean = jnp.tile(jnp.asarray(p), (rows, 1))
    draws = np.asarray(DirichletMultinomial(rho).sample(jax.random.key(4), mean, shots))
    np.testing.assert_array_equal(draws.sum(axis=1), shots)
    covariance = (1 + 49 * rho) * shots * (np.diag(p) - np.outer(p, p))
    variance = np.diag(covariance)
    # 3 numbers: beyond 4.5 standard errors once in 5e4 times
    away = draws.mean(axis=0) - shots * p
    assert np.all(np.abs(away) < 4.5 * np.sqrt(variance / rows))
    k = np.arange(shots + 1)
    fourth = [law_of(shots, one, rho) @ (k - shots * one) ** 4 for one in p]
    error = np.sqrt((np.array(fourth) - variance**2) / rows)
    found = np.cov(draws.T)
    assert np.all(np.abs(np.diag(found) - variance) < 4.5 * error)
    # the square of a product is on average no more than the root of both fourth powers
    most = 4.5 * np.sqrt(np.sqrt(np.outer(fourth, fourth)) / rows)
    assert np.all(np.abs(found - covariance) < most)
    if rho == 1:
        np.testing.assert_array_equal(draws.max(axis=1), shots)


def outcomes(shots, p, rho):
    """All counts of so many shots, and their probabilities."""
    every = itertools.product(range(shots + 1), repeat=len(p))
    counts = np.array([one for one in every if sum(one) == shots])
    chance = stats.dirichlet_multinomial.pmf(counts, np.asarray(p) * size(rho), shots)
    return counts.astype(float), chance


@pytest.mark.parametrize(
    ("p", "rho"),
    [([0.2, 0.8], 0.05), ([0.1, 0.6, 0.3], 0.3), ([0.03, 0.57, 0.4], 0.1)],
)
def test_squares_have_mean_and_variance(p, rho):
    """All outcomes of 8 shots, of which a rare one counts as half a shot."""
    counts, chance = outcomes(8, p, rho)
    noise, at = DirichletMultinomial(rho), jnp.tile(jnp.asarray(p), (len(counts), 1))
    weights = noise.first_weights(at)
    squares = np.asarray(noise.residuals(at, jnp.asarray(counts), weights)) ** 2
    sums = squares.sum(axis=1)
    mean, variance = chance @ sums, chance @ sums**2 - (chance @ sums) ** 2
    one, row = noise.first_weights(at[:1]), jnp.asarray(counts[:1])
    # sums of 45 terms, and of terms some 8² times as large as they are
    found = noise.independent(row, one, jnp.ones(1))
    np.testing.assert_allclose(found, mean, rtol=1e-10)
    found = noise.excess(row, one, jnp.ones(1))
    np.testing.assert_allclose(found, variance - 2 * mean, rtol=1e-9, atol=1e-9)
    # what leads ρ to its value is 0 on average, with a variance of 1
    weights = noise.weights(at, jnp.asarray(counts), lambda: None)
    scatter = np.asarray(noise.scatter(jnp.asarray(counts), weights, 0))
    np.testing.assert_allclose(chance @ scatter, 0, atol=1e-10)
    np.testing.assert_allclose(chance @ scatter**2, 1, rtol=1e-9)


def test_large_numbers_of_shots_scatter_as_dirichlet_s():
    """Var Σ_k (π_k - p_k)²/(ρ p_k) by a million draws of NumPy, without any shots."""
    p, rho = np.array([0.1, 0.3, 0.6]), 0.01
    draws = np.random.default_rng(2).dirichlet(p * size(rho), 1_000_000)
    square = np.sum((draws - p) ** 2 / p, axis=1) / rho
    # of N shots φ is (N - 1) ρ + 1: 1e-7 of it at 10⁹
    noise, one = DirichletMultinomial(rho), jnp.asarray(p)[None]
    found = noise.excess(1e9 * one, noise.first_weights(one), jnp.ones(1))
    # the variance of a million squares, whose own scatter is about 3 of their variance
    assert abs(found + 4 - square.var()) < 5 * np.std((square - 2) ** 2) / 1000


def test_information_is_nearly_that_of_the_distribution():
    """Fisher's, of all outcomes of 100 shots with 2.2 times the variance, by SciPy.

    Mean and covariance leave out .3 % of what it tells of p, and 2.6 % of ρ.
    """
    shots, p, rho = 100, 0.3, 1.2 / 99
    k, h, r = np.arange(shots + 1), 1e-5, 1e-6

    def logs(p, rho):
        return stats.betabinom.logpmf(k, shots, p * size(rho), (1 - p) * size(rho))

    chance = np.exp(logs(p, rho))
    of_p = chance @ ((logs(p + h, rho) - logs(p - h, rho)) / (2 * h)) ** 2
    of_rho = chance @ ((logs(p, rho + r) - logs(p, rho - r)) / (2 * r)) ** 2

    counts = jnp.array([[30.0, 70.0]])
    at = DirichletMultinomial(rho).first_weights(jnp.array([[p, 1 - p]]))

    def misses(p, rho):
        noise = DirichletMultinomial(rho)
        residuals = noise.residuals(jnp.array([[p, 1 - p]]), counts, at)
        return np.ravel(residuals), np.asarray(noise.scatter(counts, at, 0))

    slope = (misses(p + h, rho)[0] - misses(p - h, rho)[0]) / (2 * h)
    # differences of h² and of rounding over h: 1e-6
    assert 0.995 < slope @ slope / of_p < 1 + 1e-5
    slope = (misses(p, rho + r)[1] - misses(p, rho - r)[1]) / (2 * r)
    assert 0.95 < slope @ slope / of_rho < 1 + 1e-5


@pytest.mark.parametrize("rho", [-0.1, 1.5])
def test_a_correlation_is_a_share(rho):
    with pytest.raises(ValueError, match=r"`rho` must be in \[0, 1\]"):
        DirichletMultinomial(rho)
