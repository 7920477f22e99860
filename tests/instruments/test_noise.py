"""Noise: what it draws is what its likelihood, residuals and information say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jqd.inference.slopes import columns
from jqd.instruments import Binomial, Correlated, Gaussian, Multinomial, NoNoise
from jqd.records import Record

KEY = jax.random.key(0)
MEAN = jnp.array([[0.1, 0.6, 0.3], [0.25, 0.5, 0.25]])
COVARIANCE = jnp.array([[[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.5]]] * 2)
NOISES = {
    "gaussian": Gaussian(jnp.array([[0.2, 0.1, 0.3], [0.1, 0.2, 0.4]])),
    "correlated": Correlated(COVARIANCE),
    "multinomial": Multinomial(),
    "binomial": Binomial(),
}


def curve(theta):
    """Shares that sum to 1 and depend on two constants."""
    x = jnp.array([[0.0, 1.0, 2.0], [0.5, 1.5, 3.0]])
    return jax.nn.softmax(jnp.sin(theta[0] * x) + theta[1] * x, axis=1)


@pytest.mark.parametrize("name", NOISES)
def test_information_is_the_slope_of_the_residuals(name):
    """F of N shots is r'^T r', r' the derivative of the residuals at the mean."""
    theta, shots = jnp.array([0.7, -0.4]), 5000.0
    noise, (mean, slope) = NOISES[name], columns(curve, jnp.array([0.7, -0.4]))
    after = noise.after(shots)
    values = shots * mean if name in ("multinomial", "binomial") else mean

    def residuals(theta):
        return after.residuals(curve(theta), values, mean)

    _, rows = columns(residuals, theta)
    expected = jnp.einsum("tki,tkj->tij", rows, rows)
    got = shots * noise.information(slope, mean)
    # sums of some 10 numbers of rounding 2e-16
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.sampled
@pytest.mark.parametrize("name", NOISES)
def test_information_is_the_curvature_of_the_likelihood(name):
    """At values that are the mean themselves, -d² ln L is F."""
    theta, shots = jnp.array([0.7, -0.4]), 5000.0
    noise, (mean, slope) = NOISES[name], columns(curve, theta)
    after = noise.after(shots)
    values = shots * mean if name in ("multinomial", "binomial") else mean

    def loss(theta):
        return -jnp.sum(after.log_likelihood(curve(theta), values, mean))

    expected = shots * jnp.sum(noise.information(slope, mean), axis=0)
    np.testing.assert_allclose(jax.hessian(loss)(theta), expected, rtol=1e-10)
    np.testing.assert_allclose(jax.grad(loss)(theta), 0, atol=1e-10 * shots)


def test_likelihoods_are_those_of_scipy():
    """Differences between two means: what depends on the values alone is left out."""
    counts = np.array([[12.0, 55.0, 33.0], [20.0, 60.0, 20.0]])
    others = np.array([[0.2, 0.5, 0.3], [0.3, 0.4, 0.3]])

    def change(noise, values, at):
        first = noise.log_likelihood(MEAN, values, at)
        return first - noise.log_likelihood(jnp.asarray(others), values, at)

    scipy = stats.multinomial(100, np.asarray(MEAN)).logpmf(counts)
    scipy = scipy - stats.multinomial(100, others).logpmf(counts)
    got = change(Multinomial(), jnp.asarray(counts), MEAN)
    np.testing.assert_allclose(got, scipy, rtol=1e-11)  # logs of factorials of 100

    scipy = stats.binom(100, np.asarray(MEAN)).logpmf(counts)
    scipy = (scipy - stats.binom(100, others).logpmf(counts)).sum(axis=1)
    got = change(Binomial(100.0), jnp.asarray(counts), MEAN)
    np.testing.assert_allclose(got, scipy, rtol=1e-11)

    sigma = NOISES["gaussian"].sigma
    values = np.array([[0.3, 0.5, 0.1], [0.2, 0.7, 0.0]])
    scipy = stats.norm(np.asarray(MEAN), sigma).logpdf(values)
    scipy = (scipy - stats.norm(others, sigma).logpdf(values)).sum(axis=1)
    got = change(NOISES["gaussian"], jnp.asarray(values), MEAN)
    np.testing.assert_allclose(got, scipy, rtol=1e-12)

    for row in range(2):
        normals = [
            stats.multivariate_normal(mean[row], COVARIANCE[row]).logpdf(values[row])
            for mean in (np.asarray(MEAN), others)
        ]
        got = change(NOISES["correlated"], jnp.asarray(values), MEAN)[row]
        np.testing.assert_allclose(got, normals[0] - normals[1], rtol=1e-10)


def test_what_is_excluded_and_seen_has_no_likelihood():
    values = jnp.array([[1.0, 9.0]])
    mean = jnp.array([[0.0, 1.0]])
    assert Multinomial().log_likelihood(mean, values, mean)[0] == -jnp.inf
    assert Binomial(10.0).log_likelihood(mean, values, mean)[0] == -jnp.inf
    never = jnp.array([[0.0, 10.0]])
    assert Multinomial().log_likelihood(mean, never, mean)[0] == 0
    # half-excluded shares tell nothing, rather than everything
    slope = jnp.ones((1, 2, 1))
    assert np.all(np.isfinite(Multinomial().information(slope, mean)))
    assert Binomial().information(slope, mean)[0, 0, 0] == 0


@pytest.mark.sampled
@pytest.mark.parametrize("name", NOISES)
def test_draws_have_mean_and_scatter(name):
    """Over 4000 records the mean is the mean, and residuals have unit variance."""
    noise, shots = NOISES[name], jnp.array([400.0, 900.0])
    after = noise.after(shots if name != "binomial" else shots[:, None])
    keys = jax.random.split(jax.random.key(3), 4000)
    drawn = jax.vmap(lambda key: noise.sample(key, MEAN, shots))(keys)
    shares = jax.vmap(after.shares)(drawn)
    misses = jax.vmap(lambda values: after.residuals(MEAN, values, MEAN))(drawn)
    error = jnp.std(shares, axis=0) / jnp.sqrt(4000)
    # 6 entries: beyond 4.5 standard errors once in 2e4 times
    assert np.all(np.abs(jnp.mean(shares, axis=0) - MEAN) < 4.5 * error)
    square = jnp.mean(misses**2, axis=0)
    unit = 1 - MEAN if name == "multinomial" else jnp.ones_like(MEAN)
    # a variance of 4000 values is known to its share sqrt(2/4000) = .022
    np.testing.assert_allclose(square, unit, rtol=4.5 * 0.0224)


def test_exact_records_are_the_mean():
    key = jax.random.key(0)
    assert np.array_equal(NoNoise().sample(key, MEAN, 5), MEAN)
    slope = jnp.ones((2, 3, 1))
    np.testing.assert_array_equal(NoNoise().information(slope, MEAN)[:, 0, 0], 3.0)


@pytest.mark.parametrize(
    ("shots", "values", "said"),
    [
        (0.0, [[1.0]], "`shots` must be positive"),
        (5.0, [[6.0]], "whole numbers from 0 to the shots"),
        (5.0, [[1.5]], "whole numbers from 0 to the shots"),
        (5.0, [[-1.0]], "whole numbers from 0 to the shots"),
    ],
)
def test_counts_that_cannot_be(shots, values, said):
    with pytest.raises(ValueError, match=said):
        Binomial(shots).check(jnp.asarray(values))


@pytest.mark.slow
def test_divergences_are_those_of_kullback_and_leibler():
    p, rival = np.array([[0.2, 0.5, 0.3, 0.0]]), np.array([[0.2001, 0.2, 0.5, 0.0999]])
    found = np.asarray(Multinomial().divergence(jnp.asarray(p), jnp.asarray(rival)))
    expected = np.sum(p[0, :3] * np.log(p[0, :3] / rival[0, :3]))
    # the sum of four terms, each to rounding
    np.testing.assert_allclose(np.sum(found**2) / 2, expected, rtol=1e-12)
    np.testing.assert_array_equal(np.sign(found), [[1, -1, 1, 1]])
    one, other = 0.3, 0.4
    expected = one * np.log(one / other) + (1 - one) * np.log((1 - one) / (1 - other))
    found = Binomial().divergence(jnp.array([[one]]), jnp.array([[other]]))
    np.testing.assert_allclose(np.sum(found**2) / 2, expected, rtol=1e-12)
    # an outcome that the rival excludes and that is seen: no finite number is enough
    never = Multinomial().divergence(jnp.array([[0.5, 0.5]]), jnp.array([[1.0, 0.0]]))
    assert np.isinf(never[0, 1])
    # through no difference at all the slope is that of the information
    slope = jax.grad(lambda x: Binomial().divergence(jnp.array([[0.3]]), x)[0, 0])
    np.testing.assert_allclose(slope(jnp.array([[0.3]])), 0.21**-0.5, rtol=1e-12)


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_excess_is_the_variance_of_the_sum_of_squares(p):
    """All outcomes of 20 shots, by SciPy: Var Σ residual² is 2 + excess."""
    shots = 20
    k = np.arange(shots + 1.0)
    weight = stats.binom.pmf(k, shots, p)

    def variance(noise, values, mean):
        squares = np.stack(
            [
                np.sum(np.asarray(noise.residuals(mean, one[None], mean)) ** 2)
                for one in values
            ]
        )
        return weight @ squares**2 - (weight @ squares) ** 2

    binomial, mean = Binomial(shots), jnp.full((1, 1), p)
    found = binomial.excess(jnp.full((1, 1), 3.0), mean, jnp.ones(1))
    # sums of 21 terms
    expected = variance(binomial, jnp.asarray(k[:, None]), mean) - 2
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    both, mean = np.stack([k, shots - k], axis=1), jnp.array([[p, 1 - p]])
    found = Multinomial().excess(jnp.array([[3.0, 17.0]]), mean, jnp.ones(1))
    expected = variance(Multinomial(), jnp.asarray(both), mean) - 2
    np.testing.assert_allclose(found, expected, rtol=1e-11)


# -- rows that sum to 1 ----------------------------------------------------------------

FIRST = np.array([0.93, 0.71, 0.42, 0.28, 0.55, 0.8])
COMPLEMENT = np.stack([FIRST, 1 - FIRST], axis=1)
# sums beside 1 as two errors of .02 leave them
APART = np.stack([FIRST, 1 - FIRST + [0.03, -0.02, 0.01, -0.04, 0.02, -0.01]], axis=1)


def test_a_number_told_twice_counts_once():
    """p and 1 - p with two digits: as if p alone had been given with its error."""
    noise = Gaussian(0.02).of(COMPLEMENT)
    slope = jnp.asarray([[[1.0], [-1.0]]] * 6)
    values, mask = jnp.asarray(COMPLEMENT), jnp.ones(6)
    np.testing.assert_allclose(
        noise.information(slope, values)[:, 0, 0], 0.02**-2, rtol=1e-12
    )
    assert float(noise.independent(values, values, mask)) == 6
    away = values + jnp.asarray([0.01, -0.01])[None]
    squares = jnp.sum(noise.residuals(away, values, values) ** 2, axis=1)
    np.testing.assert_allclose(squares, (0.01 / 0.02) ** 2, rtol=1e-12)
    assert "sum to 1" in noise.assumption()


def test_errors_that_do_not_cancel_are_independent():
    noise = Gaussian(0.02).of(APART)
    slope = jnp.asarray([[[1.0], [-1.0]]] * 6)
    information = noise.information(slope, jnp.asarray(APART))[:, 0, 0]
    np.testing.assert_allclose(information, 2 / 0.02**2, rtol=1e-12)
    assert float(noise.independent(jnp.asarray(APART), None, jnp.ones(6))) == 12
    assert noise.assumption() is None


def test_errors_of_shares_of_counts_make_pearsons_chi_square():
    """σ² = p (1 - p)/N leads back to Σ d²/(p/N)."""
    p, N = np.array([[0.5, 0.3, 0.2]] * 2), 100
    noise = Gaussian(np.sqrt(p * (1 - p) / N)).of(p)
    d = np.array([0.01, -0.02, 0.01])
    squares = np.sum(np.asarray(noise.residuals(jnp.asarray(p + d), p, p)) ** 2, axis=1)
    # the shares of the scatter have settled to 1e-9
    np.testing.assert_allclose(squares, np.sum(d**2 / (p / N), axis=1), rtol=1e-8)


def test_what_is_drawn_again_sums_to_one_as_well():
    sigma = np.array([0.025, 0.02, 0.02])
    mean = jnp.tile(jnp.array([[0.5, 0.3, 0.2]]), (4000, 1))
    noise = Gaussian(sigma).of(mean)
    drawn = np.asarray(noise.redraw(jax.random.key(1), mean, mean))
    np.testing.assert_allclose(drawn.sum(axis=1), 1, atol=1e-14)
    # each by its own sigma: an sd of 4000 numbers is known to 1.1 %
    np.testing.assert_allclose(drawn.std(axis=0), sigma, rtol=5 * 0.0112)
    again = noise.residuals(mean, jnp.asarray(drawn), mean)
    assert float(jnp.mean(jnp.sum(again**2, axis=1))) == pytest.approx(2, rel=0.1)


def test_a_record_decides_for_each_of_a_batch():
    ts, both = np.arange(6.0), jnp.asarray([COMPLEMENT, APART])
    tied = jax.vmap(lambda values: Record(ts, values, Gaussian(0.02)).noise.tied)(both)
    np.testing.assert_array_equal(tied, [0.5, 0.0])
    # one column of ones is no row of shares
    alone = Record(ts, np.ones((6, 1)), Gaussian(0.02))
    assert float(alone.noise.independent(alone.values, None, jnp.ones(6))) == 6


def test_exact_shares_in_few_digits_are_one_fewer():
    """Thirds in two digits sum to .99 or 1.01."""
    values = jnp.asarray([[0.33, 0.33, 0.33], [0.67, 0.17, 0.17], [0.5, 0.25, 0.25]])
    assert float(NoNoise().independent(values, values, jnp.ones(3))) == 6
    assert float(NoNoise().independent(values + 0.01, values, jnp.ones(3))) == 9


def test_a_state_that_stays_tells_no_digits():
    """1 and 0 but for errors of 1e-4, all within a thousandth of tenths."""
    away = [[7, 11], [-4, -9], [12, 3], [-8, -6], [5, 9], [-11, -2]]
    values = np.array([[1.0, 0.0]]) + 1e-5 * np.array(away)
    assert float(Gaussian(1e-4).of(values).tied) == 0
    # sums that are apart by no more than the fourth digit that is written
    written = np.array([[1.0, 0.0], [0.9999, 0.0002], [0.9997, 0.0003]])
    assert float(Gaussian(1e-2).of(written).tied) == 0.5


def test_values_in_small_units_sum_to_nothing():
    """25 positions of 1e-10 m are no shares: each counts."""
    values = 1e-10 * jnp.cos(jnp.arange(75.0)).reshape(3, 25)
    assert float(NoNoise().independent(values, values, jnp.ones(3))) == 75
    assert float(NoNoise().independent(0 * values, values, jnp.ones(3))) == 75


def test_a_number_told_twice_is_one_outcome():
    values = jnp.asarray(COMPLEMENT)
    assert float(Gaussian(0.02).of(COMPLEMENT).outcomes(values)) == 6
    assert float(Gaussian(0.02).of(APART).outcomes(values)) == 12


def test_correlated_errors_of_unlike_units_all_count():
    """A second value in a unit of 1e-8 beside the first; a third that never moves."""
    sigma = np.array([1.0, 1e-8])
    correlation = np.array([[1.0, 0.6], [0.6, 1.0]])
    covariance = np.zeros((1, 3, 3))
    covariance[0, :2, :2] = correlation * np.outer(sigma, sigma)
    covariance[0, 2, 2] = 1e-33  # what rounding leaves of .3
    noise, values = Correlated(covariance), jnp.asarray([[2.0, 3e-8, 0.3]])
    assert float(noise.independent(values, values, jnp.ones(1))) == 2
    away = values + jnp.asarray([[1.0, -1e-8, 0.1]])
    squares = jnp.sum(noise.residuals(away, values, values) ** 2)
    expected = np.array([1.0, -1.0]) @ np.linalg.solve(correlation, [1.0, -1.0])
    assert float(squares) == pytest.approx(expected, rel=1e-9)
    drawn = noise.sample(KEY, values, 1)
    assert drawn[0, 2] == 0.3
    assert abs(float(drawn[0, 1]) - 3e-8) > 1e-12


# -- one number for each row -----------------------------------------------------------


def test_shots_of_rows_are_no_shots_of_columns():
    """As many rows as columns."""
    shots = jnp.array([4.0, 9.0])
    sigma = Gaussian(0.6).after(shots).sigma
    np.testing.assert_allclose(sigma, [[0.3], [0.2]], rtol=1e-15)
    columns_ = Gaussian(np.array([0.6, 1.2])).after(shots).sigma
    np.testing.assert_allclose(columns_, [[0.3, 0.6], [0.2, 0.4]], rtol=1e-15)
    # of columns also where all rows have the same shots
    columns_ = Gaussian(np.array([0.6, 1.2])).after(4.0)
    np.testing.assert_allclose(columns_.sigma, [[0.3, 0.6]], rtol=1e-15)
    columns_.check(jnp.ones((2, 2)))
    assert Gaussian(0.6).after(4.0).sigma.shape == ()
    assert Gaussian(0.6).after(shots, 1).sigma.shape == (2,)
    np.testing.assert_array_equal(Binomial().after(shots).shots, [[4.0], [9.0]])
    mean = jnp.full((2, 2), 0.5)
    noise, values = Binomial().after(shots), Binomial().sample(KEY, mean, shots)
    noise.check(values)
    np.testing.assert_array_equal(noise.shares(values), values / shots[:, None])


@pytest.mark.parametrize("make", [Gaussian, Binomial])
def test_a_vector_beside_a_square_is_refused(make):
    noise, name = make(np.array([3.0, 4.0])), "sigma" if make is Gaussian else "shots"
    with pytest.raises(ValueError, match=rf"`{name}` must say.*{name}\[:, None\]"):
        noise.check(jnp.ones((2, 2)))
    noise.check(jnp.ones((3, 2)))
    make(np.array([[3.0], [4.0]])).check(jnp.ones((2, 2)))
