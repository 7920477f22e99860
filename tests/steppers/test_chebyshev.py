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
    forward, reverse = (jax.vmap(slope(value))(xs) for slope in (jax.jacfwd, jax.grad))
    near, far = (
        (jax.vmap(value)(xs + k * h) - jax.vmap(value)(xs - k * h)) for k in (1, 2)
    )
    # differences of fourth order: h^4 of values of some 10
    np.testing.assert_allclose(forward, (8 * near - far) / (12 * h), atol=1e-9)
    np.testing.assert_allclose(reverse, forward, rtol=1e-12, atol=1e-13)
