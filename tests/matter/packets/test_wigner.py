"""Ensembles drawn from a Wigner function, and the errors of their moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.potentials import FlatPotential
from scipy.linalg import expm

import jqd
from jqd.matter.packets import (
    ClassicalMotion,
    GaussianState,
    PhasePoint,
    harmonic_evolution,
    sample_wigner,
    squeezed_state,
    truncated_wigner,
)

K, MASSES, HBAR = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, 4.0]), 0.3
STEPS = jqd.Fixed(jqd.steppers.strang, substeps=50, estimate_error=False)
START = squeezed_state(
    K, MASSES, np.array([1.0, 0.5j]), np.array([0.3, -0.2]), hbar=HBAR
)


def well(q):
    return q @ K @ q / 2


@pytest.mark.slow
@pytest.mark.parametrize("antithetic", [False, True])
def test_exact_in_a_quadratic_potential(key, antithetic):
    ts = np.linspace(0, 6, 13)
    run = truncated_wigner(
        ClassicalMotion(well, MASSES), START, ts, key,
        samples=4096, antithetic=antithetic, method=STEPS,
    )  # fmt: skip
    closed = harmonic_evolution(START, K, MASSES, ts)
    variances = np.diagonal(np.asarray(closed.covariance), axis1=1, axis2=2)[:, :2]
    off = np.abs(np.asarray(run.variance) - variances)
    assert np.all(off < 4 * run.variance_error)
    # √(2/N), pairs count once: the line is neither idle nor wide
    relative = np.asarray(run.variance_error / variances)
    line = np.sqrt((4 if antithetic else 2) / 4096)
    np.testing.assert_allclose(relative, line, rtol=0.15)
    mean_off = np.abs(run.mean - closed.position)
    if antithetic:
        assert np.max(mean_off) < 1e-4  # steps
    else:
        assert np.all(mean_off < 4 * run.mean_error)
        assert np.max(mean_off) > 1e-4
    # tr AΣ/2 over the centre's energy, Σ ħω/2 cosh 2r
    squares = np.linalg.eigvalsh(K / np.sqrt(np.outer(MASSES, MASSES)))
    zero = np.sum(HBAR * np.sqrt(squares) / 2 * np.cosh([0.6, 0.4]))
    assert float(run.zero_point) == pytest.approx(zero, abs=4 * float(run.energy_error))
    assert float(run.energy_drift) < 1e-3  # steps


@pytest.mark.slow
def test_other_states_and_lost_trajectories(key):
    """Positions (N, d), a bond without floor: who is lost has a status."""
    pair = FlatPotential(lambda x: -jnp.sum((x[1] - x[0]) ** 4), (2, 1))
    state = GaussianState(
        np.array([0.0, 1.0]), np.zeros(2), np.diag([0.1, 0.2, 0.3, 0.4])
    )
    run = truncated_wigner(
        ClassicalMotion(pair, np.ones(2)), state, np.array([0.0, 0.3, 3.0]), key,
        samples=4096, method=STEPS,
        prepare=lambda point: PhasePoint(2 * point.q, point.p),
        observe=lambda point: point.q[1:] - point.q[:1],
    )  # fmt: skip
    assert run.variance.shape == (3, 1)
    # 4 · (0.1 + 0.2), 4 standard errors
    first, error = float(run.variance[0, 0]), float(run.variance_error[0, 0])
    assert first == pytest.approx(1.2, abs=4 * error)
    lost = np.asarray(run.status) == jqd.Status.NON_FINITE
    assert np.sum(lost) > 1000


def test_points_have_the_covariance(key):
    points = jax.jit(sample_wigner, static_argnums=2)(START, key, 20_000)
    z = np.concatenate(points, axis=1)
    sigma = np.asarray(START.covariance)
    size = np.sqrt(np.outer(np.diag(sigma), np.diag(sigma)))
    # √(2/N) each, 16 entries: 4 of these
    assert np.max(np.abs(np.cov(z.T) - sigma) / size) < 4 * np.sqrt(2 / 20_000)


def test_moments_of_mirrored_pairs(key):
    """Pairs count once: the centre is exact, so that N and not N - 1 divides."""
    run = truncated_wigner(
        ClassicalMotion(well, MASSES), START, np.zeros(1), key, samples=6,
        antithetic=True, method=STEPS,
        observe=lambda point: jnp.concatenate([point.q, point.q**2]),
    )  # fmt: skip
    q = np.asarray(sample_wigner(START, key, 6, antithetic=True).q)
    values = np.concatenate([q, q**2], axis=1)
    pairs = values.reshape(3, 2, 4).mean(axis=1)
    noise = np.var(pairs, axis=0, ddof=1) / 3
    np.testing.assert_allclose(run.mean[0], values.mean(axis=0), atol=1e-14)
    # of q the noise is rounding
    np.testing.assert_allclose(run.mean_error[0] ** 2, noise, rtol=1e-9, atol=1e-28)
    expected = np.var(values, axis=0) + noise
    np.testing.assert_allclose(run.variance[0], expected, rtol=1e-9)
    assert run.mean_step_error is None


def test_one_pair_has_no_error(key):
    run = truncated_wigner(
        ClassicalMotion(well, MASSES), START, np.zeros(1), key, samples=2,
        antithetic=True, method=STEPS,
    )  # fmt: skip
    assert np.all(np.isnan(run.mean_error))
    assert np.all(np.isnan(run.variance))


def test_errors_of_the_steps(key):
    """Beside the same points moved by exp(t [[0, 1/m], [-K, 0]])."""
    ts, method = np.array([0.0, 2.0]), jqd.Fixed(jqd.steppers.strang, substeps=10)
    run = truncated_wigner(
        ClassicalMotion(well, MASSES), START, ts, key, samples=16, method=method
    )
    z = np.concatenate(sample_wigner(START, key, 16), axis=1)
    zero = np.zeros((2, 2))
    matrix = np.block([[zero, np.diag(1 / MASSES)], [-K, zero]])
    q = (z @ expm(2 * matrix).T)[:, :2]
    off = np.abs(run.mean[1] - q.mean(axis=0))
    wide = np.abs(run.variance[1] - q.var(axis=0, ddof=1))
    np.testing.assert_allclose(run.mean_step_error[1], off, rtol=0.1, atol=1e-5)
    np.testing.assert_allclose(run.variance_step_error[1], wide, rtol=0.1, atol=1e-5)
    assert np.max(off) > 3e-4
    assert np.all(run.status == jqd.Status.OK)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 7, "antithetic": True}, "`samples` must be an even number"),
        ({"samples": 1}, "`samples` must be an integer of at least 2"),
        ({"state": np.ones(2)}, "`state` must be a GaussianState, but is ndarray"),
        (
            {"state": GaussianState(np.zeros(1), np.zeros(1), -np.eye(2))},
            "`state.covariance` must be positive definite",
        ),
        (
            {"state": GaussianState(np.zeros(1), np.zeros(1), np.eye(3))},
            r"`state.covariance` must have shape \(2, 2\)",
        ),
    ],
)
def test_samples_that_cannot_be_drawn(key, changes, message):
    arguments = {"state": START, "key": key, "samples": 8} | changes
    with pytest.raises(ValueError, match=message):
        sample_wigner(**arguments)
