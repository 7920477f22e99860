"""States in the number basis against QuTiP on a much larger space."""

import re

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
import qutip

from jqd.states import (
    as_ensemble,
    cat,
    coherent,
    covariance,
    number_state,
    product,
    squeezed,
    thermal,
)

LARGE = 260  # levels on which QuTiP exponentiates, for 120 exact ones


def displaced(beta, operator):
    return qutip.displace(LARGE, beta) * operator


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2 - 1j, -3j])
def test_coherent_equals_qutip(alpha):
    expected = qutip.coherent(60, alpha, method="analytic").full()[:, 0]
    # rounding of 60 powers
    np.testing.assert_allclose(coherent(alpha, 60), expected, atol=3e-15)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("r", "angle", "beta"),
    [(0.0, 0.3, 1.0), (0.8, 0.0, 0.0), (-0.5, 0.7, 1.2 - 0.8j), (1.2, 2.0, 2 + 1j)],
)
def test_squeezed_equals_qutip(r, angle, beta):
    squeeze = qutip.squeeze(LARGE, r * np.exp(1j * angle))
    expected = displaced(beta, squeeze * qutip.basis(LARGE, 0)).full()[:120, 0]
    # QuTiP's matrix exponential
    ket = squeezed(r, 120, angle=angle, displacement=beta)
    np.testing.assert_allclose(ket, expected, atol=1e-13)
    # Negative control: the opposite angle, where there is one to see.
    wrong = squeezed(r, 120, angle=angle + 0.01, displacement=beta)
    assert r == 0 or np.max(np.abs(wrong - expected)) > 1e-4


def test_squeezing_narrows_x():
    """Var X = ħ/4 (1 + e^(-2r)) under Q, for θ = 0."""
    cov = covariance(squeezed(0.6, 60, displacement=0.4j), hbar=0.7)
    expected = 0.7 / 4 * (1 + np.exp([-1.2, 1.2]))
    # what 60 levels cut off of the moments
    np.testing.assert_allclose(cov, np.diag(expected), atol=1e-10)


@pytest.mark.slow
def test_far_squeezed_state_begins_below_the_smallest_float():
    # <0|β> = exp(-β²/2) = 1e-195 in double, 1e-44 in single precision
    for beta, dtype, tolerance in ((30.0, float, 1e-11), (14.2, np.float32, 1e-4)):
        levels = int(beta**2 + 8 * beta)
        ket = squeezed(
            np.asarray(0.0, dtype), levels, displacement=np.asarray(beta, dtype)
        )
        assert np.max(np.abs(ket - coherent(beta, levels))) < tolerance


@pytest.mark.parametrize("r", [0.0, 1.2])
def test_cat_equals_the_sum_of_its_components(r):
    alphas, weights = [0.5, -0.5 + 0.2j], [np.sqrt(0.7), -1j * np.sqrt(0.3)]
    parts = [squeezed(r, 140, angle=0.4, displacement=alpha) for alpha in alphas]
    expected = sum(w * np.asarray(p) for w, p in zip(weights, parts, strict=True))
    expected /= np.linalg.norm(expected)
    # what 140 levels cut off of the norm, at r = 1.2
    ket = cat(alphas, weights, 140, r=r, angle=0.4)
    np.testing.assert_allclose(ket, expected, atol=1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("nbar", "alpha"), [(0.0, 1.0), (0.8, 0.0), (0.8, 1 - 0.5j), (0.3, 2j)]
)
def test_thermal_equals_qutip(nbar, alpha):
    mixed = displaced(alpha, qutip.thermal_dm(LARGE, nbar, method="analytic"))
    expected = (mixed * qutip.displace(LARGE, alpha).dag()).full()[:60, :60]
    # QuTiP's matrix exponential
    np.testing.assert_allclose(thermal(nbar, 60, alpha), expected, atol=1e-13)


@pytest.mark.slow
def test_product_orders_the_axes_by_mode():
    up, down, mixed = number_state(1, 2), number_state(0, 3), thermal(0.01, 4)
    ket = product(up, down)
    assert ket.shape == (2, 3)
    assert ket[1, 0] == 1
    np.testing.assert_array_equal(number_state((1, 0), (2, 3)), ket)
    whole = product(up, mixed)
    assert whole.shape == (2, 4, 2, 4)
    np.testing.assert_allclose(whole[1, :, 1, :], mixed, atol=1e-16)
    joint = coherent([0.5, 0.2j], (12, 10))
    np.testing.assert_allclose(joint, product(coherent(0.5, 12), coherent(0.2j, 10)))
    assert as_ensemble(joint, modes=2).levels == (12, 10)


@pytest.mark.slow
def test_precision_follows_the_arguments():
    single = np.complex64(1 + 1j)
    assert coherent(single, 20).dtype == np.complex64
    assert thermal(np.float32(0.1), 20, single).dtype == np.complex64
    assert squeezed(np.float32(0.1), 20, displacement=single).dtype == np.complex64
    assert cat(np.array([single, -single]), [1, 1], 20).dtype == np.complex64


@pytest.mark.sampled
@pytest.mark.parametrize(
    "state",
    [
        lambda a: coherent(a, 8),
        lambda a: squeezed(a, 8, displacement=a),
        lambda a: thermal(a, 8, a),
        lambda a: cat(jnp.stack([a, -a - 1]), jnp.array([1, 0.5]), 8, r=a),
    ],
    ids=["coherent", "squeezed", "thermal", "cat"],
)
def test_gradients(state):
    @jax.jit  # also: values below the bounds of the checks, as here n̄ < 0
    def weight(a):
        # every amplitude counts, real and imaginary part
        return jnp.sum(jnp.abs(state(a) + 0.1 + 0.2j) ** 2)

    # central differences
    for a in (0.0, 0.7):
        jax.test_util.check_grads(weight, (a,), order=1, rtol=1e-6, atol=1e-6)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coherent(3.0, 12), "Argument `levels` must be at least 27 for this"),
        (lambda: squeezed(2.0, 12), "Argument `levels` must be at least 327 for this"),
        (lambda: thermal(1.0, 12), "Argument `levels` must be at least 20 for this"),
        (
            lambda: squeezed(9.0, 9),
            "Argument `r` must be at most 4.85 in size, which fills 4096 levels",
        ),
        (lambda: coherent(np.nan, 9), "Argument `alpha` must be finite"),
        (lambda: coherent([1.0, 2.0], 9), "Argument `alpha` must have shape ()"),
        (lambda: number_state(3, 3), "Argument `n` must be from 0 to 2 for 3 levels"),
        (lambda: number_state((1, 1), 3), "Argument `n` must have one entry for each"),
        (lambda: number_state(1, b"x"), "Argument `levels` must be an integer or"),
        (lambda: coherent([1.0], b"x"), "Argument `levels` must be an integer or"),
        (lambda: cat([1.0, 1.0], [1, -1], 9), "Argument `weights` must not make the"),
        (lambda: thermal(-0.1, 9), "Argument `nbar` must not be negative"),
        (lambda: product(), "Argument `states` must be kets or density operators"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_levels_of_the_message_are_enough():
    assert np.sum(np.abs(coherent(3.0, 27)) ** 2) >= 1 - 1e-6
    assert np.sum(np.abs(squeezed(2.0, 327)) ** 2) >= 1 - 1e-6
