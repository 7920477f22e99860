"""Draws against enumeration; shared weights make bosons, independent ones do not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from _support.statistics import configuration_index

from jqd import total_variation
from jqd.statistics import (
    configurations,
    log_probability,
    sample_occupations,
    sample_weights,
    variance,
)

DRAWS = 20_000
N, M = 4, 3


def frequencies(draws):
    rows = configuration_index(draws, N)
    return np.bincount(rows, minlength=len(configurations(N, M)))


def p_value(seen, p):
    """χ² over the configurations that can occur."""
    possible = p > 0
    assert seen[~possible].sum() == 0
    p = p[possible] / p[possible].sum()
    return scipy.stats.chisquare(seen[possible], DRAWS * p).pvalue


LOG_PROBABILITY = jax.jit(log_probability)


def probabilities(g):
    return np.exp(LOG_PROBABILITY(configurations(N, M), g))


def many(key, g, shared):
    return sample_occupations(key, N, M, g, (DRAWS,), shared=shared)


KNOWN = jax.jit(many, static_argnums=(1, 2))
TRACED = jax.jit(many, static_argnums=2)


def draw(key, g, *, shared=True):
    """Draws with g known while compiling, which has a fast path for 0 and 1, or not."""
    return np.asarray((KNOWN if g in (0.0, 1.0) else TRACED)(key, g, shared))


@pytest.mark.sampled
@pytest.mark.parametrize(
    "g", [1.0, 0.0, *(pytest.param(g, marks=pytest.mark.slow) for g in (0.4, 5.0))]
)
def test_draws_have_the_probabilities(key, g):
    n = draw(key, g)
    p = probabilities(g)
    # 15 configurations: a right sampler fails this once in 1000 keys.
    assert p_value(frequencies(n), p) > 1e-3


@pytest.mark.slow
def test_a_traced_g_takes_the_general_path(key):
    n = np.asarray(TRACED(key, 1.0, True))
    assert p_value(frequencies(n), np.full(15, 1 / 15)) > 1e-3
    np.testing.assert_allclose(np.asarray(TRACED(key, 0.0, True)).mean(), N / M)
    # Extreme weights, most of which underflow: one state holds all particles.
    n = np.asarray(TRACED(key, 1e5, True))
    assert np.all(n.sum(axis=1) == N)
    assert np.mean(n.max(axis=1) == N) > 0.99


@pytest.mark.parametrize("g", [-1 / 2])
def test_draws_without_replacement(key, g):
    n = np.asarray(sample_occupations(key, N, M, g, (DRAWS,)))
    p = probabilities(g)
    assert p_value(frequencies(n), p) > 1e-3


def test_independent_weights_are_not_bose_einstein(key):
    """Own weights for each particle: classical, and bosons refused by far."""
    seen = frequencies(draw(key, 1.0, shared=False))
    bosons, classical = map(probabilities, (1.0, 0.0))
    assert p_value(seen, classical) > 1e-3
    assert p_value(seen, bosons) < 1e-100
    # and shared weights are not classical
    assert p_value(frequencies(draw(key, 1.0)), classical) < 1e-100
    # The two differ by .27 of their probability already for four particles.
    distance = float(total_variation(seen / DRAWS, bosons))
    exact = float(total_variation(classical, bosons))
    assert distance == pytest.approx(exact, abs=4 * np.sqrt(15 / DRAWS))


def test_large_systems():
    """N = 1e6, M = 1e5: the sum is N and the variance that of `variance`."""
    n = np.asarray(sample_occupations(jax.random.key(0), 10**6, 10**5, 1.0))
    assert n.sum() == 10**6
    assert n.min() >= 0
    # Standard error of a variance: sqrt((kurtosis - 1)/M), kurtosis 9.
    error = 4 * np.sqrt(8 / 1e5)
    assert n.var() == pytest.approx(float(variance(1e6, 1e5, 1.0)), rel=error)


def test_weights(key):
    w = np.asarray(sample_weights(key, 5, 1.0, (4000,)))
    np.testing.assert_allclose(w.sum(axis=1), 1, rtol=1e-13)
    # Uniform on the simplex: var = (1/5)(4/5)/6; 4 standard errors.
    assert w.var(axis=0).mean() == pytest.approx(0.16 / 6, rel=4 / np.sqrt(4000))
    np.testing.assert_array_equal(sample_weights(key, 4, 0.0), np.full(4, 0.25))
    with pytest.raises(ValueError, match="must not be negative"):
        sample_weights(key, 4, -1.0)


def test_same_key_same_draw_and_vmap(key):
    np.testing.assert_array_equal(draw(key, 1.0), draw(key, 1.0))
    assert np.any(draw(key, 1.0) != draw(jax.random.key(1), 1.0))
    keys = jax.random.split(key, DRAWS)
    batch = jax.jit(jax.vmap(lambda key: sample_occupations(key, N, M, 1.0)))(keys)
    np.testing.assert_array_equal(batch, draw(key, 1.0))
    assert jnp.issubdtype(batch.dtype, jnp.integer)


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ((5, 4, -1.0), {}, "at most 4"),
        ((5, 4, -0.3), {}, "-1/k"),
        ((2, 4, -1.0), {"shared": False}, "must be true"),
        ((-1, 4, 1.0), {}, "at least 0"),
        ((1, 0, 1.0), {}, "at least 1"),
        ((1.5, 3, 1.0), {}, "whole number"),
        ((2, 3, np.ones(2)), {}, "one number"),
    ],
)
def test_bad_input(key, words, options, message):
    with pytest.raises(ValueError, match=message):
        sample_occupations(key, *words, **options)
