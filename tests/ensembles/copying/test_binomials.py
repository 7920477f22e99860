"""Binomial numbers: exact in distribution, and the same in any batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jqd.ensembles.copying.binomials import attempt, binomial

SIZE = 200_000
# a few of each: inversion, rejection, both ends, numbers past 2^53/10
CASES = [
    (1, 0.3), (7, 0.9), (40, 0.1), (1000, 0.005), (1000, 0.02), (60, 0.5),
    (10**6, 0.3), (10**6, 0.999), (10**9, 1e-9), (10**12, 0.05), (10**15, 1e-14),
]  # fmt: skip


@jax.jit
def draws(key, n, p):
    """Numbers for each case at once, (cases, 2000, 100)."""
    keys = jax.random.split(key, (len(CASES), 2000))
    each = jax.vmap(binomial, (0, None, None))
    shape = (100,)
    return jax.vmap(
        lambda keys, n, p: each(keys, jnp.full(shape, n), jnp.full(shape, p))
    )(keys, n, p)


@pytest.fixture(scope="module")
def drawn():
    n, p = (jnp.asarray(column, float) for column in zip(*CASES, strict=True))
    return np.asarray(draws(jax.random.key(3), n, p)).reshape(len(CASES), -1)


@pytest.mark.sampled
@pytest.mark.parametrize("case", range(len(CASES)))
def test_distribution_is_binomial(drawn, case):
    """Kolmogorov-Smirnov (conservative for whole numbers) and chi² of binned counts."""
    n, p = CASES[case]
    numbers = drawn[case]
    assert np.all(numbers == np.round(numbers))
    assert numbers.min() >= 0
    assert numbers.max() <= n
    law = stats.binom(n, p)
    edges = np.unique(law.ppf([0.001, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.999]))
    expected = np.diff(np.concatenate([[0], law.cdf(edges), [1]])) * SIZE
    seen = np.diff([0, *(np.sum(numbers <= edge) for edge in edges), SIZE])
    kept = expected > 5
    pull = (seen - expected)[kept] ** 2 / expected[kept]
    # a fixed seed: one of a thousand runs of a right sampler would fail
    assert np.sum(pull) < stats.chi2.ppf(0.999, max(np.sum(kept) - 1, 1))
    # negative control: 3 % more of the mean is told wherever the mean is known to that
    other = stats.binom(n, min(1.03 * p, 1))
    if (0.03 * law.mean() / law.std()) ** 2 * SIZE > 100:
        assert stats.kstest(numbers, other.cdf).pvalue < 1e-6


@pytest.mark.slow
def test_a_batch_changes_nothing():
    """Bit for bit: alone, side by side, and in nested batches."""
    keys = jax.random.split(jax.random.key(1), 12)
    n = jnp.tile(jnp.array([0.0, 3, 50, 1e5, 1e9]), (12, 1))
    p = jnp.tile(jnp.array([0.5, 0.2, 0.5, 0.4, 1e-7]), (12, 1))
    batch = jax.jit(jax.vmap(binomial))
    many = batch(keys, n, p)
    np.testing.assert_array_equal(batch(keys[4:9], n[4:9], p[4:9]), many[4:9])
    np.testing.assert_array_equal(jax.jit(binomial)(keys[3], n[3], p[3]), many[3])
    nested = jax.jit(jax.vmap(jax.vmap(binomial)))(
        keys.reshape(3, 4), n.reshape(3, 4, 5), p.reshape(3, 4, 5)
    )
    np.testing.assert_array_equal(nested.reshape(12, 5), many)


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ends(dtype):
    """No trials, no chance, certainty; uniform numbers at both ends of [0, 1)."""
    below = np.nextafter(np.array(1, dtype), np.array(0, dtype))
    uniform = np.array(np.meshgrid([0, 1e-30, 0.5, below], [0, 0.5, below]), dtype)
    n = jnp.asarray([0, 5, 5, 30, 1e7, 1e7], dtype)[:, None, None]
    p = jnp.asarray([0.3, 0, 1, 0.3, 1e-7, 0.3], dtype)[:, None, None]
    n, p = (jnp.broadcast_to(x, (6, *uniform.shape[1:])) for x in (n, p))
    u = jnp.broadcast_to(jnp.asarray(uniform)[:, None], (2, *n.shape))
    number, accepted = attempt(u, n, p)
    assert number.dtype == dtype
    assert np.all(np.isfinite(number))
    kept = np.asarray(number)[np.asarray(accepted)]
    assert kept.min() >= 0
    assert np.all(np.asarray(number <= n)[np.asarray(accepted)])
    np.testing.assert_array_equal(number[0], 0)
    np.testing.assert_array_equal(number[1], 0)
    np.testing.assert_array_equal(number[2], 5)
    # the rest that rounding leaves ends with the last term, not with n
    assert np.max(number[4]) < 300
