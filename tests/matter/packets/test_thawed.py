"""Thawed Gaussian packets: exact cases, growth, and their honest end."""

import equinox as eqx
import jax
import numpy as np
import pytest
from _support.growth import first_passage, growth_rate

import jqd
from jqd.matter.packets import (
    GaussianState,
    ThawedGaussian,
    harmonic_evolution,
    squeezed_state,
    thawed_run,
)

K, MASSES, HBAR = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, 4.0]), 0.3
STEPS = jqd.Fixed(jqd.steppers.strang, substeps=20, estimate_error=False)
POINT = GaussianState(np.zeros(1), np.zeros(1), np.eye(2) / 2)
TIMES = np.linspace(0, 12, 121)


class Cubic(eqx.Module):
    """k q²/2 + g q³/6."""

    k: jax.Array
    g: jax.Array

    def __call__(self, q):
        return self.k * q[0] ** 2 / 2 + self.g * q[0] ** 3 / 6


def cubic(k, g, mass=1.0, hbar=1.0):
    potential = Cubic(*map(jqd.constants.constant, (k, g)))
    return ThawedGaussian(potential, np.array([mass]), hbar=hbar)


def coordinates_and_bond(q):
    return np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]) @ q


@pytest.mark.slow
def test_exact_in_two_coordinates():
    """Unequal masses; the Hessian given."""
    start = squeezed_state(
        K, MASSES, np.array([1.0, 0.5j]), np.array([0.3, -0.2]), hbar=HBAR
    )
    law = ThawedGaussian(
        lambda q: q @ K @ q / 2, MASSES, hbar=HBAR, hessian=lambda q: K
    )
    run = thawed_run(law, start, TIMES, method=STEPS, observe=coordinates_and_bond)
    assert run.status == jqd.Status.OK
    closed = harmonic_evolution(start, K, MASSES, TIMES)
    # steps of 1/200, second order: ω³dt²t/24 = 3e-5
    np.testing.assert_allclose(run.position, closed.position, atol=1e-4)
    c = np.asarray(closed.covariance)
    bond = c[:, 0, 0] + c[:, 1, 1] - 2 * c[:, 0, 1]
    expected = np.sqrt(np.stack([c[:, 0, 0], c[:, 1, 1], bond], axis=1))
    np.testing.assert_allclose(run.widths, expected, atol=1e-4)
    # a width that stood still would be wrong by this much
    assert np.ptp(expected[:, 0]) > 0.1
    assert np.max(run.anharmonicity) < 1e-12
    assert float(run.defect) < 1e-12


def test_rates_and_flows_with_unequal_masses():
    """M⁻¹ acts on the rows of P: on coordinates, not on the packet's columns."""
    law = ThawedGaussian(lambda q: q @ K @ q / 2, MASSES, hbar=HBAR)
    start = law.prepare(
        squeezed_state(
            K, MASSES, np.array([1.0, 0.5j]), np.array([0.3, -0.2]), hbar=HBAR
        )
    )
    # a packet whose P has no symmetry
    start = start._replace(P=start.P + 0.3 * start.Q @ np.array([[0.0, 1.0], [0, 0]]))
    inverse = np.diag(1 / MASSES)
    expected = (
        inverse @ start.momentum, -K @ start.position, inverse @ start.P, -K @ start.Q
    )  # fmt: skip
    rates = jax.jit(lambda state: law.vector_field(0.0, state))(start)
    for found, right in zip(rates, expected, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-13)

    def along(dt):
        parts = [flow(0.0, start, dt) for flow in law.exact().flows()[:2]]
        return jax.tree.map(lambda *leaves: sum(leaves), *parts)

    # both flows are linear in dt
    slope = jax.jit(lambda: jax.jvp(along, (0.0,), (1.0,))[1])()
    for found, right in zip(slope, expected, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-13)


def test_exact_in_a_quadratic_potential():
    K, mass, hbar = np.array([[3.0]]), np.array([2.0]), 0.3
    start = squeezed_state(K, mass, np.array([1.0 + 0.5j]), 0.3, hbar=hbar)
    run = thawed_run(cubic(3.0, 0.0, 2.0, hbar), start, TIMES, method=STEPS)
    closed = harmonic_evolution(start, K, mass, TIMES)
    # steps of 1/200, second order: ω³dt²t/24 = 2e-5
    np.testing.assert_allclose(run.position, closed.position, atol=1e-4)
    expected = np.sqrt(np.asarray(closed.covariance)[:, :1, 0])
    np.testing.assert_allclose(run.widths, expected, atol=1e-4)
    assert np.ptp(expected) > 0.1
    assert np.max(run.anharmonicity) == 0


def test_errors_of_the_steps():
    """One step of 2 and one of half that: q is cos t, and the widths stay 1/√2."""
    start = GaussianState(np.ones(1), np.zeros(1), np.eye(2) / 2)
    law, ts = cubic(1.0, 0.0), np.linspace(0, 12, 7)
    run = thawed_run(law, start, ts)
    off = np.abs(np.asarray(run.position)[:, 0] - np.cos(ts))
    assert np.all(off[1:] > 5e-6)
    np.testing.assert_allclose(run.errors["position"][:, 0], off, rtol=0.01, atol=1e-13)
    wide = np.abs(np.asarray(run.widths)[:, 0] - np.sqrt(0.5))
    assert np.all(wide <= 2 * run.errors["widths"][:, 0] + 1e-13)
    assert np.max(run.errors["widths"]) > 1e-7
    assert np.max(run.errors["anharmonicity"]) == 0
    assert thawed_run(law, start, ts, method=STEPS).errors is None


@pytest.mark.equation("thermalization", "claim-A6-growth")
def test_width_grows_with_the_lyapunov_rate_and_the_run_ends_in_a_status():
    """On a barrier of curvature -4: e^(2t), until Q†P has lost six digits."""
    run = thawed_run(cubic(-4.0, 0.0), POINT, TIMES, method=STEPS)
    assert run.status == jqd.Status.HORIZON
    end = float(run.failure_time)
    assert 5 < end < 11
    width = np.asarray(run.widths)[:, 0]
    assert np.all(np.isfinite(width[end > TIMES]))
    assert np.all(np.isnan(width[end <= TIMES]))
    # e^(-2t) of the other branch: 3e-4 of the width at t = 2
    assert float(growth_rate(TIMES, width, 2.0, end)) == pytest.approx(2, abs=1e-3)
    # √((cosh² 2t + sinh² 2t / 4)/2) = 20
    expected = np.log(2 * 20 * np.sqrt(2 / 1.25)) / 2
    assert float(first_passage(TIMES, width, 20.0)) == pytest.approx(expected, abs=1e-3)
    assert float(first_passage(TIMES, width, 1e9)) == np.inf
    assert np.isnan(growth_rate(TIMES, width, 50.0, 60.0))


def test_anharmonicity_of_a_cubic():
    """V = q²/2 + g q³/6: shift gσ²/2 over the spread σ(1 + gq)."""
    g, q, width = 0.4, 0.5, 0.3
    state = GaussianState(
        np.array([q]), np.zeros(1), np.diag([width**2, 1 / (4 * width**2)])
    )
    run = thawed_run(cubic(1.0, g), state, TIMES, method=STEPS)
    expected = g * width / 2 / (1 + g * q)
    assert float(run.anharmonicity[0]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("masses", "hbar", "message"),
    [
        (-np.ones(1), 1.0, "`masses` must be positive"),
        (np.ones((1, 1)), 1.0, "`masses` must have shape"),
        (np.ones(1), 0.0, "`hbar` must be positive"),
    ],
)
def test_constants_that_make_no_law(masses, hbar, message):
    with pytest.raises(ValueError, match=message):
        ThawedGaussian(lambda q: q[0] ** 2, masses, hbar=hbar)


def test_pure_states_in_si():
    """Of variances twice and half as large as a coherent state's, of both kinds."""
    hbar, length = 1.05e-34, 1e-6
    momentum, two = hbar / length, np.zeros(2)
    law = ThawedGaussian(lambda q: 0 * q[0], np.full(2, 1e-26), hbar=hbar)

    def state(q, p):
        variances = np.array([*np.array(q) * length**2, *np.array(p) * momentum**2])
        return GaussianState(two, two, np.diag(variances / 2))

    law.prepare(state([2, 1], [0.5, 1]))
    with pytest.raises(ValueError, match="is mixed in some directions and below"):
        law.prepare(state([2, 0.5], [2, 0.5]))
    with pytest.raises(ValueError, match="but a variance is not positive"):
        law.prepare(state([-1, 1], [-1, 1]))


def test_packets_that_do_not_fit():
    law = ThawedGaussian(lambda q: q[0] ** 2, np.ones(1), hbar=2.0)
    with pytest.raises(ValueError, match=r"must be pure for this hbar"):
        law.prepare(POINT)
    pair = GaussianState(np.zeros(2), np.zeros(2), np.eye(4))
    with pytest.raises(ValueError, match=r"`psi.position` must have shape \(1,\)"):
        law.prepare(pair)
