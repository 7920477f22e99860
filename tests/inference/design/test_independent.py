"""Information, shares and rivals against the law written again in NumPy and SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize, minimize_scalar

import jqd
from jqd.instruments import Confusion

OMEGA = np.array([0.0, 0.5, -0.2])
R = np.array([[0.0, 0.6, 0.4], [0.6, 0.0, 0.8], [0.4, 0.8, 0.0]])
DELTA = np.array([[0.0, 0.4, -0.7], [-0.4, 0.0, 0.2], [0.7, -0.2, 0.0]])
RHO, PHI = np.array([0.45, 0.25, 0.3]), np.array([0.3, -0.6, 0.9])
TIMES = np.array([0.4, 0.8, 1.2, 1.6])
TRUTH = np.array([0.45, -0.55, 0.02])
SHOTS = 1e4


def populations(q, r, readout):
    """Smolin's rates, class by class, and a readout error; (T, 3)."""

    def field(_, y):
        rho, phi = y[:3], y[3:]
        flow, turn = np.zeros(3), OMEGA.copy()
        for a in range(3):
            for b in range(3):
                if a != b:
                    x = phi[a] - phi[b] + DELTA[a, b]
                    gain = 2 * R[a, b] * max(np.sin(x), 0)
                    loss = 2 * R[a, b] * max(np.sin(-x), 0)
                    flow[a] += (rho[a] / rho[b]) ** q * rho[b] * gain
                    flow[a] -= (rho[b] / rho[a]) ** q * rho[a] * loss
                    turn[a] += (rho[a] / rho[b]) ** r * R[a, b] * np.cos(x)
        return np.r_[flow, turn]

    run = solve_ivp(
        field, (0, TIMES[-1]), np.r_[RHO, PHI], t_eval=TIMES, method="DOP853",
        rtol=1e-10, atol=1e-12, max_step=0.02,
    )  # fmt: skip
    return (1 - readout) * run.y[:3].T + readout / 3


def study():
    law = jqd.CopyDynamics(OMEGA, R, DELTA, *TRUTH[:2])
    data = jqd.Record(TIMES, np.full((4, 3), 900.0), jqd.Multinomial(), t0=0.0)
    psi = np.sqrt(RHO) * np.exp(-1j * PHI)
    return jqd.Study(
        law, data, psi0=jnp.asarray(psi), free=("q", "r"),
        instrument=Confusion(readout=0.02), nuisances={"readout": (0.02, 0.005)},
    )  # fmt: skip


def informations():
    """Of one shot at each time, from central differences of step 1e-5."""
    slopes = []
    for i in range(3):
        step = 1e-5 * np.eye(3)[i]
        up, down = populations(*(TRUTH + step)), populations(*(TRUTH - step))
        slopes.append((up - down) / 2e-5)
    J = np.stack(slopes, axis=-1)
    return np.einsum("tki,tkj,tk->tij", J, J, 1 / populations(*TRUTH))


@pytest.mark.slow
def test_shares_away_from_quantum_mechanics():
    F, prior = informations(), np.diag([0, 0, 0.005**-2])
    c = np.array([1.0, -1.0, 0.0])

    def variance(weights):
        return c @ np.linalg.inv(prior + SHOTS * np.tensordot(weights, F, 1)) @ c

    wanted = {"q": 1.0, "r": -1.0}
    even = jqd.design(study(), shots=SHOTS, criterion="c", wanted=wanted, shares="even")
    # slopes of the law and differences, both good to 1e-4
    np.testing.assert_allclose(even.value, variance(np.full(4, 0.25)), rtol=1e-3)
    assert even.disagreement < 1e-4
    found = jqd.design(study(), shots=SHOTS, criterion="c", wanted=wanted)
    np.testing.assert_allclose(
        found.value, variance(np.asarray(found.weights)), rtol=1e-3
    )

    def cost(raw):
        return variance(np.exp(raw) / np.exp(raw).sum()) / variance(np.full(4, 0.25))

    best = minimize(cost, np.zeros(4), method="Nelder-Mead", options={"maxiter": 4000})
    assert found.value <= variance(np.full(4, 0.25)) * best.fun * (1 + 1e-3)
    np.testing.assert_allclose(
        found.value, variance(np.full(4, 0.25)) * best.fun, rtol=2e-3
    )


@pytest.mark.slow
def test_a_rival_with_a_readout_error_of_its_own():
    true, pure = populations(*TRUTH), populations(0.5, -0.5, 0.0)

    def excess(weights):
        """min over ε of 2 N Σ w KL + ((ε - .02)/.005)²"""

        def cost(eps):
            other = pure * (1 - eps) + eps / 3
            each = np.sum(true * np.log(true / other), axis=1)
            return 2 * SHOTS * weights @ each + ((eps - 0.02) / 0.005) ** 2

        found = minimize_scalar(cost, bounds=(1e-4, 0.2), options={"xatol": 1e-9})
        return found.fun

    options = {"shots": SHOTS, "criterion": "KL", "rival": {"q": 0.5, "r": -0.5}}
    even = jqd.design(study(), shares="even", **options)
    np.testing.assert_allclose(even.value, excess(np.full(4, 0.25)), rtol=1e-5)
    best = jqd.design(study(), **options)
    assert best.status is jqd.Status.OK
    np.testing.assert_allclose(best.value, excess(np.asarray(best.weights)), rtol=1e-5)
    # no other shares do better
    draw = np.random.default_rng(0)
    others = [excess(draw.dirichlet(np.ones(4))) for _ in range(40)]
    others += [excess(np.eye(4)[i]) for i in range(4)]
    assert max(others) <= best.value * (1 + 1e-6)
