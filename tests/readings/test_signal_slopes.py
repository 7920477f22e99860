"""Slopes of the copy law's signal, beside differences of a NumPy program."""

import numpy as np
import pytest

import jqd
from jqd.readings.signals import slopes
from jqd.states import composite

from . import pairs

SPIN_X = pairs.SPIN_X
H_A, H_B = 0.5 * SPIN_X, 0.4 * SPIN_X


@pytest.mark.slow
def test_slopes_are_those_of_the_signal():
    rng = np.random.default_rng(5)
    density, phase = pairs.random_pair(rng)
    psi = np.sqrt(density) * np.exp(-1j * phase)
    got = slopes(psi, [0.0, 0.6], H_A, H_B)
    assert np.all(got.status == jqd.Status.OK)
    due = pairs.slopes(psi, H_A, H_B, 0.6)
    # the difference errs by h² of the third derivative, and by kinks of sin⁺
    np.testing.assert_allclose(got.slope[:, -1], due, atol=2e-5)
    assert np.all(np.abs(got.slope[:, -1, 0]) > 1e-3)
    assert np.all(np.abs(got.slope[:, -1] - due) < got.error[:, -1] + 5e-6)
    np.testing.assert_allclose(got.slope[:, 0], 0, atol=1e-15)


@pytest.mark.slow
def test_the_signal_is_linear_near_the_quantum_point():
    rng = np.random.default_rng(5)
    density, phase = pairs.random_pair(rng)
    psi = np.sqrt(density) * np.exp(-1j * phase)
    s_q, s_r = np.asarray(slopes(psi, [0.0, 0.6], H_A, H_B).slope[:, -1, 0])
    left = []
    for e in (0.02, 0.01):
        functions = pairs.powers(0.5 + e, -0.5 - 2 * e)
        found = pairs.change(density, phase, H_A, H_B, *functions, 0.6, 400)[0]
        left.append(found - e * s_q + 2 * e * s_r)
    # half as far, a quarter is left
    assert left[1] / left[0] == pytest.approx(0.25, abs=0.03)
    assert abs(left[0]) > 1e-6


@pytest.mark.slow
def test_products_have_no_slope():
    psi = composite.product(
        np.sqrt([0.7, 0.3]) * np.exp([0, 0.8j]), np.sqrt([0.4, 0.6]) * np.exp([0.5j, 0])
    )
    got = slopes(psi, [0.0, 0.6], H_A, H_B)
    # both runs have kinks at the same phase; what is left is rounding and their steps
    assert np.max(np.abs(got.slope)) < 1e-4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "Argument `steps` must"),
        ({"H_A": np.array([[0, 1], [2, 0]])}, "Argument `H_A` must be Hermitian"),
        ({"psi": np.ones(4)}, "Argument `psi` must be normalised"),
    ],
)
def test_senseless_arguments(changed, message):
    good = {"psi": np.full(4, 0.5), "ts": [0.0, 0.6], "H_A": H_A, "H_B": H_B}
    with pytest.raises(ValueError, match=message):
        slopes(**(good | changed))
