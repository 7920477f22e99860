"""Linear response of copy dynamics about quantum mechanics."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

import jqd
from jqd.inference.design import linear_response
from jqd.inference.design.response import response
from jqd.instruments import Confusion
from jqd.problems import golden

NONE = jnp.zeros((0, 2, 2), complex)
CATALAN = quad(lambda x: np.log(1 / np.tan(x)), 0, np.pi / 4)[0]


def slopes(H, psi, ts, nodes, dH=None):
    """∂p/∂(q, r, ..) at these times, (T, K + 2, M)."""
    H = jnp.asarray(H, complex)
    dH = jnp.zeros((0, *H.shape), complex) if dH is None else jnp.asarray(dH)
    now, moved = linear_response(H, jnp.asarray(psi) + 0j, jnp.asarray(ts), dH, nodes)
    return 2 * np.real(np.conj(now)[:, None] * moved)


def test_response_of_three_levels():
    """Figures of another program (T6)."""
    law, psi = golden()
    found = slopes(law.hamiltonian(), psi, [5.0], 2000)[0]
    # what the kinks leave at 2000 nodes, and digits given
    np.testing.assert_allclose(found[0], [-0.350838, -0.081781, 0.432620], atol=1e-5)
    np.testing.assert_allclose(found[1], [-0.874755, 1.348071, -0.473316], atol=1e-5)


def test_response_to_a_hamiltonian_is_that_of_the_exponential():
    """∂p/∂H by differences of SciPy's exp(-iHt), central, of step 1e-5."""
    law, psi = golden()
    H, psi = np.asarray(law.hamiltonian()), np.asarray(psi)
    draw = np.random.default_rng(0)
    dH = draw.normal(size=(2, 3, 3)) + 1j * draw.normal(size=(2, 3, 3))
    dH = dH + np.conj(np.swapaxes(dH, 1, 2))
    found = slopes(H, psi, [2.3, 0.7], 2000, dH)[:, 2:]
    for i, t in enumerate((2.3, 0.7)):
        for k in range(2):
            up, down = (
                np.abs(expm(-1j * t * (H + sign * 1e-5 * dH[k])) @ psi) ** 2
                for sign in (1, -1)
            )
            # (t/2000)² of the midpoint rule on slopes of some 10
            np.testing.assert_allclose(found[i, k], (up - down) / 2e-5, atol=2e-5)


@pytest.mark.slow
def test_half_a_pi_pulse_from_a_pole():
    """It moves the population by 2 Catalan dq, and r does nothing (T11)."""
    H = np.array([[0, 0.5], [0.5, 0]])
    found = slopes(H, [1.0, 0.0], [np.pi / 2], 20000)[0]
    # the logarithm at the pole leaves ln(n)/n of the midpoint rule
    np.testing.assert_allclose(np.abs(found[0]), 2 * CATALAN, rtol=1e-4)
    np.testing.assert_allclose(2 * CATALAN, 1.831931, atol=1e-6)
    assert np.max(np.abs(found[1])) < 1e-12


@pytest.mark.slow
def test_cardinal_gates_are_blind_to_r():
    """Mean infidelity of half pi pulses on the six cardinal states (T11)."""
    H = jnp.asarray([[0, 0.5], [0.5, 0]], complex)
    s = 0.5**0.5
    states = np.array([[1, 0], [0, 1], [s, s], [s, -s], [s, 1j * s], [s, -1j * s]])
    loss = []
    for psi in states:
        t = jnp.array([np.pi / 2])
        now, moved = linear_response(H, jnp.asarray(psi) + 0j, t, NONE, 20000)
        now, moved = np.asarray(now)[0], np.asarray(moved)[0]
        along = moved @ np.conj(now)
        loss.append(np.sum(np.abs(moved) ** 2, axis=1) - np.abs(along) ** 2)
    q, r = np.mean(loss, axis=0)
    np.testing.assert_allclose(q, 2.23731, rtol=1e-4)
    assert abs(r) < 1e-12


@pytest.mark.slow
def test_response_agrees_with_slopes_through_the_law():
    """Of every constant of a study, its instrument and its phases too."""
    law, psi = golden()
    ts = np.array([0.7, 1.9, 3.3])
    data = jqd.Record(ts, np.full((3, 3), 100.0), jqd.Multinomial(), t0=0.0)
    study = jqd.Study(
        law, data, psi0=psi, free=("q", "r", "omega", "R", "delta", "phase0"),
        instrument=Confusion(readout=0.01), nuisances={"readout": (0.01, 0.002)},
        method=jqd.Fixed(jqd.steppers.rk4, 800, estimate_error=False),
    )  # fmt: skip
    through = np.asarray(
        jqd.inference.sensitivity.sensitivity(study, study.theta()).slope
    )
    linear = response(study, study.theta(), 8000)
    # what the kinks leave of slopes of about 1 with either way's steps
    np.testing.assert_allclose(linear.slope, through, atol=2e-6)
    np.testing.assert_allclose(linear.mean, study.predict(study.theta()), atol=1e-9)
