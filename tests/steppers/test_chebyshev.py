"""The exponential of a Hermitian matrix on kets, beside SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.steppers.chebyshev import hermitian_exponential

scipy_linalg = pytest.importorskip("scipy.linalg")
LEVELS = 12


def hermitian(seed, size):
    parts = np.random.default_rng(seed).normal(size=(2, LEVELS, LEVELS))
    whole = parts[0] + 1j * parts[1]
    return size * (whole + whole.conj().T) + np.diag(np.arange(LEVELS) * 3.0 * size)


KETS = np.random.default_rng(5).normal(size=(3, LEVELS, 2)) @ np.array([1, 1j])


@pytest.mark.parametrize(("size", "terms"), [(0, 2), (1e-3, 12), (0.1, 32), (0.5, 90)])
def test_against_scipy(size, terms):
    H = hermitian(0, size)
    found = hermitian_exponential(jnp.asarray(H), jnp.asarray(KETS), terms)
    expected = KETS @ scipy_linalg.expm(-1j * H).T
    # rounding of `terms` products whose parts are of the size of the kets
    np.testing.assert_allclose(found, expected, atol=1e-14 * terms)


def test_too_few_terms_are_no_number():
    H = jnp.asarray(hermitian(0, 0.1))
    assert np.all(np.isnan(hermitian_exponential(H, jnp.asarray(KETS), 12)))


def test_slopes_of_a_batch():
    """Forward and reverse, of the matrix and of the kets, against differences."""
    A, B = hermitian(1, 0.03), hermitian(2, 0.03)

    def value(x):
        H = jnp.asarray(A) + x * jnp.asarray(B)
        kets = jnp.exp(1j * x) * jnp.asarray(KETS)
        moved = hermitian_exponential(H, kets, 24)
        return jnp.real(jnp.sum(moved[:, 0] * jnp.conj(moved[:, 1])))

    xs, h = jnp.asarray([-0.4, 0.0, 0.7]), 1e-3
    ways = (jax.jacfwd, jax.grad)
    forward, reverse = (jax.jit(jax.vmap(slope(value)))(xs) for slope in ways)
    many = jax.jit(jax.vmap(value))
    near, far = (many(xs + k * h) - many(xs - k * h) for k in (1, 2))
    # differences of fourth order: h^4 of values of some 10
    np.testing.assert_allclose(forward, (8 * near - far) / (12 * h), atol=1e-9)
    np.testing.assert_allclose(reverse, forward, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [0.02, 0.1, 1.0])
def test_ways_by_the_spread(size):
    """20 terms, 40 of them, and the exponential of the matrix, with slopes."""
    H, B, kets = hermitian(0, size), hermitian(2, size), jnp.asarray(KETS)

    def moved(x):
        return hermitian_exponential(jnp.asarray(H) + x * jnp.asarray(B), kets)

    found, slope = jax.jit(lambda x: jax.jvp(moved, (x,), (jnp.ones(()),)))(0.0)
    expected, derivative = scipy_linalg.expm_frechet(-1j * H, -1j * B)
    np.testing.assert_allclose(found, KETS @ expected.T, atol=1e-12)
    np.testing.assert_allclose(slope, KETS @ derivative.T, atol=1e-11)


def test_members_of_a_batch_go_one_way():
    """That of the largest spread; one that is no number harms no neighbour."""
    sizes = jnp.asarray([0.02, 0.1, jnp.nan, 1.0])
    H, kets = jnp.asarray(hermitian(0, 1.0)), jnp.asarray(KETS)
    one = jax.jit(lambda size: hermitian_exponential(size * H, kets))
    found = jax.jit(jax.vmap(jax.vmap(one)))(sizes.reshape(2, 2)).reshape(
        4, *KETS.shape
    )
    assert np.all(np.isnan(found[2]))
    for i in (0, 1, 3):
        np.testing.assert_allclose(found[i], one(sizes[i]), atol=1e-12)
    text = str(jax.make_jaxpr(jax.vmap(one))(sizes[:2]))
    assert "cond[" in text  # a branch, not all of them
