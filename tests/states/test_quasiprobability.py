"""Between Wigner, Husimi and P function: QuTiP, and identities of the s-order."""

import re

import jax
import jax.test_util
import numpy as np
import pytest
import qutip

from jqd.states import (
    coherent,
    husimi,
    number_state,
    phase_grid,
    quasiprobability,
    thermal,
)

AXIS = np.linspace(-6.0, 6.0, 61)
GRID = np.asarray(phase_grid(AXIS, AXIS))
CELL = (AXIS[1] - AXIS[0]) ** 2


@pytest.mark.parametrize("seed", range(4))
def test_wigner_function_equals_qutip(seed):
    rho = qutip.rand_dm(12, seed=seed)
    # QuTiP's default g = √2 is α = (x + iy)/√2, per dx dy = 2 d²α
    expected = 2 * qutip.wigner(rho, AXIS, AXIS)
    values = quasiprobability(rho, GRID / np.sqrt(2), 0.0)
    np.testing.assert_allclose(values, expected, atol=1e-14)
    # Negative control: C off by 1e-4.
    wrong = quasiprobability(rho, GRID / np.sqrt(2), 1e-4)
    assert np.max(np.abs(wrong - expected)) > 1e-6


@pytest.mark.parametrize("hbar", [1.0, 0.4])
def test_husimi_function_is_its_case_one(hbar):
    rho = qutip.rand_dm(20, seed=1)
    values = quasiprobability(rho, GRID, 1.0, hbar=hbar)
    np.testing.assert_allclose(values, husimi(rho, GRID, hbar=hbar), atol=1e-14)


@pytest.mark.parametrize("C", [-0.5, -0.2, 0.0, 0.4, 1.0, 1.6])
def test_gaussian_states_have_the_variance_of_their_order(C):
    """Thermal: variance ħ(2n̄ + 1 + C)/4 of X and of Y, and integral 1."""
    hbar, nbar, alpha = 0.8, 0.1, 0.5 - 0.2j
    rho = thermal(nbar, 60, alpha / np.sqrt(hbar))
    variance = hbar * (2 * nbar + 1 + C) / 4
    expected = np.exp(-(np.abs(GRID - alpha) ** 2) / (2 * variance))
    values = quasiprobability(rho, GRID, C, hbar=hbar)
    # rounding, which C < 0 multiplies: by up to 3 at each level that is filled
    tolerance = 1e-12 if C >= 0 else 1e-9
    np.testing.assert_allclose(
        values, expected / (2 * np.pi * variance), atol=tolerance
    )
    assert abs(np.sum(values) * CELL - 1) < tolerance


@pytest.mark.parametrize(("low", "high"), [(-0.5, 0.0), (0.0, 0.7), (0.3, 1.0)])
def test_one_order_is_another_smoothed(low, high):
    """W_C' is W_C spread by a Gaussian of variance (C' - C)/4."""
    psi = np.array([0.6, 0.0, 0.48j, -0.64])
    below = np.asarray(quasiprobability(psi, GRID, low))
    point = 0.4 - 0.7j
    variance = (high - low) / 4
    kernel = np.exp(-(np.abs(GRID - point) ** 2) / (2 * variance))
    smoothed = np.sum(below * kernel) * CELL / (2 * np.pi * variance)
    # trapezoidal rule of functions of width above 0.25 on a spacing of 0.2
    assert abs(quasiprobability(psi, point, high) - smoothed) < 1e-6


def test_parity_at_the_origin():
    """W_0(0) = (2/π) Σ (-1)^n ρ_nn."""
    for n in range(4):
        value = quasiprobability(number_state(n, 4), 0.0, 0.0)
        assert abs(value - 2 / np.pi * (-1) ** n) < 1e-15


def test_single_precision():
    psi = np.asarray(coherent(1 - 1j, 20))
    values = quasiprobability(psi.astype(np.complex64), GRID[::6, ::6], 0.0)
    assert values.dtype == np.float32
    expected = 2 / np.pi * np.exp(-2 * np.abs(GRID[::6, ::6] - 1 + 1j) ** 2)
    # twenty levels of alternating sign
    np.testing.assert_allclose(values, expected, atol=3e-6)


def test_gradients_at_the_origin_and_through_husimi():
    psi = np.array([0.6, 0.0, 0.48j, -0.64])

    @jax.jit
    def value(x, y, C):
        return quasiprobability(psi, x + 1j * y, C)

    for point in ((0.0, 0.0, 1.0), (0.3, -0.4, 0.0)):
        jax.test_util.check_grads(value, point, order=1, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("C", "message"),
    [
        (-1.0, "Argument `C` must be above -1, where the P function begins"),
        (1j, "Argument `C` must be real"),
        (np.ones(2), "Argument `C` must have shape ()"),
    ],
)
def test_errors(C, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        quasiprobability(np.array([1.0, 0.0]), 0.0, C)
