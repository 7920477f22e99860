"""The number basis: amplitudes against closed forms, also where powers overflow."""

import re

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
import qutip
from scipy.special import gammaln, logsumexp

from jqd.spaces.fock import (
    coherent_amplitudes,
    destroy,
    hermite_functions,
    log_binomials,
    log_factorials,
)


def poisson(n, r):
    """|<n|b>|² = exp(-r²) r^2n / n!, as a logarithm."""
    return -(r**2) + 2 * n * np.log(r) - gammaln(n + 1)


@pytest.mark.parametrize("levels", [2, 7])
def test_destroy_equals_qutip(levels):
    np.testing.assert_array_equal(destroy(levels), qutip.destroy(levels).full().real)


@pytest.mark.parametrize("b", [0.3, -2.0, 1.5j, 3 - 4j, 1e-9 + 1e-9j])
def test_amplitudes_equal_powers_over_factorials(b):
    n = np.arange(40)
    factorials = np.cumprod(np.maximum(n, 1).astype(float))
    expected = np.exp(-(abs(b) ** 2) / 2) * b**n / np.sqrt(factorials)
    # rounding of b^n, n eps each, and of the factorials; n ln|b| eps of what is tiny
    np.testing.assert_allclose(
        coherent_amplitudes(b, 40), expected, rtol=2e-14, atol=1e-30
    )


@pytest.mark.sampled
@pytest.mark.parametrize("r", [0.5, 13.0, 19.0, 30.0, 60.0])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # sqrt(n) eps where the weight is, times the few roundings of the deviance; the
    # closed form itself loses n ln n eps, 7e-12 at n = 3600
    [(np.complex128, 2e-11), (np.complex64, 2e-4)],
)
def test_moduli_at_large_n(r, dtype, tolerance):
    n = np.array([0, 1, 169, 170, 400, 900, 3600])
    amplitudes = coherent_amplitudes(np.asarray(r, dtype), 3601)
    assert amplitudes.dtype == dtype
    weights = np.abs(np.asarray(amplitudes)[n].astype(complex)) ** 2
    expected = np.exp(poisson(n, r))
    seen = expected > 1e-12
    np.testing.assert_allclose(weights[seen], expected[seen], rtol=tolerance)
    # the sum of all weights, with the rounding of the closed form
    total = np.sum(np.abs(np.asarray(amplitudes).astype(complex)) ** 2)
    cut = np.exp(logsumexp(poisson(np.arange(3601), r)))
    np.testing.assert_allclose(
        total, cut, rtol=1e-6 if dtype == np.complex64 else 1e-11
    )


def test_phases_at_large_n():
    b = 19.5 * np.exp(2.7j)
    phase = np.asarray(coherent_amplitudes(b, 401))[400]
    # n eps of the angle
    assert abs(phase / abs(phase) - np.exp(1j * 400 * 2.7)) < 4e-13


@pytest.mark.slow
@pytest.mark.parametrize("b", [0.0, 0.4 - 0.3j, 1e-200])
def test_derivatives(b):
    """Re d<n|b> = Re(√n <n-1|b> db - <n|b> Re(b* db)), at 0 as well."""
    b = jnp.asarray(b, complex)
    value, slope = jax.jvp(
        lambda z: coherent_amplitudes(z, 5), (b,), (1 + 0.5j + 0 * b,)
    )
    below = np.concatenate(([0], np.sqrt(np.arange(1, 5)) * np.asarray(value)[:-1]))
    expected = below * (1 + 0.5j) - np.asarray(value) * (np.conj(b) * (1 + 0.5j)).real
    np.testing.assert_allclose(slope, expected, atol=1e-15)
    jax.test_util.check_grads(
        lambda x, y: jnp.abs(coherent_amplitudes(x + 1j * y, 4) + 0.3) ** 2,
        (b.real, b.imag),
        order=2,
        modes=("fwd", "rev"),
        # the central difference of jax.test_util
        rtol=1e-6,
        atol=1e-6,
    )


def test_jit_and_vmap_agree_with_the_plain_call():
    points = jnp.asarray([[0.0, 1 + 1j], [2j, -3.0]])
    plain = coherent_amplitudes(points, 6)
    assert plain.shape == (2, 2, 6)
    mapped = jax.jit(jax.vmap(jax.vmap(lambda p: coherent_amplitudes(p, 6))))(points)
    np.testing.assert_allclose(mapped, plain, atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_hermite_functions_are_orthonormal_and_reach_far(dtype):
    x = np.linspace(-40, 40, 4001).astype(dtype)
    h = np.asarray(hermite_functions(x, 500)).astype(float)
    gram = h.T @ h * (80 / 4000)
    # single precision: the recurrence adds up 500 roundings
    tolerance = 1e-12 if dtype == np.float64 else 2e-4
    assert np.max(np.abs(gram - np.eye(500))) < tolerance
    far = np.asarray(hermite_functions(np.asarray(40.0, dtype), 1000)[-1])
    # h_n oscillates with amplitude √(2/π) (2n - x²)^(-1/4) inside its turning points
    assert 1e-3 < abs(far) < 0.2


def test_hermite_functions_low_orders():
    x = np.linspace(-3, 3, 7)
    h = np.asarray(hermite_functions(x, 3))
    gauss = np.pi**-0.25 * np.exp(-(x**2) / 2)
    expected = [gauss, gauss * np.sqrt(2) * x, gauss * (2 * x**2 - 1) / np.sqrt(2)]
    np.testing.assert_allclose(h, np.stack(expected, -1), atol=1e-15)


def test_logarithms():
    np.testing.assert_allclose(log_factorials(6), np.log([1, 1, 2, 6, 24, 120]))
    np.testing.assert_allclose(np.exp(log_binomials(4)[3]), [1, 3, 3, 1], rtol=1e-14)
    assert np.exp(log_binomials(4)[2, 3]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: destroy(0), "Argument `levels` must be at least 1, but it is 0."),
        (lambda: destroy(2.0), "Argument `levels` must be an integer, but is 2.0."),
        (lambda: hermite_functions(1j, 3), "Argument `x` must be real"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
