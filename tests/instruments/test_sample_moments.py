"""Noise of moments of outcomes: moments of twice the power say how they scatter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jqd.instruments import SampleMoments
from jqd.records.phase_space import sample_moments, sample_orders


def outcomes(modes, count=500):
    """Two rows of outcomes of a skew, correlated cloud."""
    rng = np.random.default_rng(3)
    shape = (2, count, modes) if modes > 1 else (2, count)
    z = 0.4 + rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return z + 0.2 * z**2 * (1 + 0.5j)


def compared(modes, samples, count):
    """Real and imaginary parts of the compared powers of each outcome, by NumPy."""
    samples = samples if modes > 1 else samples[..., None]
    each = []
    for m, n in sample_orders(modes):
        m, n = np.atleast_1d(m), np.atleast_1d(n)
        if m.sum() + n.sum() <= (4 if modes == 1 else 2):
            each.append(np.prod(samples**m * np.conj(samples) ** n, axis=-1))
    stacked = np.stack(each, axis=-1)
    return np.concatenate([stacked.real, stacked.imag], axis=-1)


@pytest.mark.parametrize("modes", [1, 2])
def test_covariance_is_that_of_the_outcomes_themselves(modes):
    samples, orders = outcomes(modes), sample_orders(modes)
    noise = SampleMoments(orders, 500)
    got = noise.covariance(jnp.asarray(sample_moments(samples, orders)))
    for row, each in zip(got, compared(modes, samples, 500), strict=True):
        expected = np.cov(each.T, bias=True) / 500
        # rounding of moments of power 8, some 1e5
        scale = np.sqrt(np.outer(*2 * [np.diag(expected) + 1e-12]))
        np.testing.assert_allclose(row / scale, expected / scale, atol=1e-9)


def test_likelihood_is_the_normal_one_of_the_compared_moments():
    samples, orders = outcomes(1), sample_orders(1)
    moments = jnp.asarray(sample_moments(samples, orders))
    noise = SampleMoments(orders, 500)
    other = moments + 0.02 * jnp.sin(jnp.arange(moments.size)).reshape(moments.shape)
    got = noise.log_likelihood(other, moments, moments)
    half = len(orders)
    own = np.flatnonzero([m + n <= 4 for m, n in orders])
    # |alpha|^2 and |alpha|^4 have no imaginary part, and no scatter there
    moving = [k for k in own if orders[k][0] != orders[k][1]]
    both = np.concatenate([own, half + np.array(moving)])
    for row in range(2):
        each = compared(1, samples, 500)[row]
        cov = np.cov(each.T, bias=True) / 500
        kept = np.concatenate(
            [np.arange(len(own)), len(own) + np.searchsorted(own, moving)]
        )
        normal = stats.multivariate_normal(np.zeros(len(kept)), cov[np.ix_(kept, kept)])
        expected = normal.logpdf(np.asarray(other - moments)[row, both])
        # whitened by covariances of condition 1e7
        assert got[row] == pytest.approx(
            expected + len(kept) / 2 * np.log(2 * np.pi), rel=1e-6
        )
    rank = noise.independent(moments, moments, jnp.array([1.0, 0.0]))
    assert rank == len(both)


def test_the_unit_of_outcomes_does_not_matter():
    """As many directions, and the same likelihoods but for the unit, at α of 1e-4."""
    samples, orders = outcomes(1), sample_orders(1)
    found = []
    for unit in (1.0, 1e-4):
        moments = jnp.asarray(sample_moments(unit * samples, orders))
        other = jnp.asarray(sample_moments(unit * samples * 1.01, orders))
        noise = SampleMoments(orders, 500)
        rank = noise.independent(moments, moments, jnp.ones(2))
        square = jnp.sum(noise.residuals(other, moments, moments) ** 2)
        errors = np.isfinite(noise.errors(moments, None)[0])
        change = noise.log_likelihood(other, moments, moments)
        change = change - noise.log_likelihood(moments, moments, moments)
        found.append((float(rank), float(square), errors.sum(), np.asarray(change)))
    assert found[0][0] == found[1][0]
    assert found[0][2] == found[1][2]
    # covariances of condition 1e7
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-5)
    np.testing.assert_allclose(found[0][3], found[1][3], rtol=1e-5)


def test_what_is_no_covariance_is_that_of_the_outcomes():
    orders = sample_orders(1)
    values = jnp.asarray(sample_moments(outcomes(1), orders))
    noise = SampleMoments(orders, 500)
    place = orders.index((2, 2))
    signed = values.at[0, place].set(0.1)  # ⟨|α|⁴⟩ below ⟨|α|²⟩²
    ended = values.at[1].set(jnp.nan)
    got = noise.weights(jnp.where(jnp.isnan(ended), ended, signed), values, None)
    np.testing.assert_array_equal(got, values)
    near = 1.001 * values
    np.testing.assert_array_equal(noise.weights(near, values, None), near)


def test_draws_have_the_scatter_and_the_information_that_is_said():
    orders = sample_orders(1)
    mean = jnp.asarray(sample_moments(outcomes(1), orders))
    noise, keys = SampleMoments(orders), jax.random.split(jax.random.key(0), 4000)
    drawn = jax.vmap(lambda key: noise.sample(key, mean, 500))(keys)
    first = mean[:1].repeat(4000, 0)
    white = noise.after(500).residuals(first, drawn[:, 0], first)
    assert white.shape == drawn[:, 0].shape
    # and data drawn again have that of all their outcomes
    again = noise.after(500).redraw(jax.random.key(1), first, first)
    scatter = np.std(np.asarray(noise.after(500).residuals(first, again, first)))
    rank = int(noise.independent(mean, mean, jnp.array([1.0, 0.0])))
    # 1 in the directions that scatter; five of its errors
    assert abs(scatter**2 * white.shape[1] / rank - 1) < 5 * np.sqrt(2 / 4000 / rank)
    # χ² of 4000 times so many normal numbers, 5 of its errors
    total = float(jnp.sum(white**2))
    assert abs(total - 4000 * rank) < 5 * np.sqrt(2 * 4000 * rank)
    slope = jnp.sin(jnp.arange(mean.size * 2.0)).reshape(*mean.shape, 2)
    after = noise.after(500)

    def shown(theta):
        return after.residuals(mean + slope @ theta, mean, mean)

    rows = jax.jacobian(shown)(jnp.zeros(2))
    expected = jnp.einsum("tki,tkj->tij", rows, rows)
    got = 500 * noise.information(slope, mean)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_moments_that_lack_one_are_refused():
    with pytest.raises(ValueError, match=r"`orders` must hold all moments .* lacks"):
        SampleMoments(tuple(o for o in sample_orders(1) if o != (3, 3)))
    with pytest.raises(ValueError, match="`values` must have shape"):
        SampleMoments(sample_orders(1)).check(jnp.ones((2, 3)))
