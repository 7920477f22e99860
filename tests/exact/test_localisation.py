"""Closed forms of localisation, of self-gravity and of friction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from jqd.exact import rivals, schrodinger_newton_ground_state

LAM = 0.5


def test_a_path_of_qmupl_keeps_one_variance():
    """Printed figures, and the equation α' = λ - 2iα² by SciPy."""
    x, p = rivals.qmupl_packet(jnp.array([0.0, 2.0, 50.0]), LAM, 1.0)
    # ten printed digits
    np.testing.assert_allclose(x, [1.0, 0.6870064376, 0.7071067812], atol=1e-9)
    np.testing.assert_allclose(p[jnp.array([0, 2])], [0.25, LAM**0.5], atol=1e-12)
    for lam, width in ((0.5, 1.0), (0.03, 2.5)):
        run = solve_ivp(
            lambda t, a, lam=lam: lam - 2j * a**2, (0, 3), [1 / (4 * width**2) + 0j],
            rtol=1e-12, atol=1e-14,
        )  # fmt: skip
        alpha = run.y[0, -1]
        x, p = rivals.qmupl_packet(3.0, lam, width)
        # tolerance of the integrator
        assert x == pytest.approx(1 / (4 * alpha.real), abs=1e-9)
        assert p == pytest.approx(abs(alpha) ** 2 / alpha.real, abs=1e-9)


def test_without_a_rate_qmupl_is_a_free_packet_and_its_slope_is_right():
    def variance(lam):
        return rivals.qmupl_packet(2.0, lam, 0.7)[0]

    assert variance(0.0) == pytest.approx(0.49 + 4 / (4 * 0.49), abs=1e-14)
    assert rivals.qmupl_spread(2.0, 0.0, 0.7) == pytest.approx(variance(0.0))
    h = 1e-5
    # one-sided: h times a second derivative of some hundreds
    difference = (variance(h) - variance(0.0)) / h
    assert jax.grad(variance)(0.0) == pytest.approx(float(difference), rel=1e-3)
    difference = (variance(0.3 + h) - variance(0.3 - h)) / (2 * h)
    assert jax.grad(variance)(0.3) == pytest.approx(float(difference), rel=1e-8)


def test_the_spread_of_all_paths_is_that_of_lindblads_moments():
    """d⟨x²⟩ = ⟨xp + px⟩, d⟨xp + px⟩ = 2⟨p²⟩, d⟨p²⟩ = λ."""

    def field(t, m):
        return [m[1], 2 * m[2], LAM]

    run = solve_ivp(field, (0, 2), [1.0, 0.0, 0.25], rtol=1e-12, atol=1e-12)
    found = rivals.qmupl_spread(2.0, LAM, 1.0)
    assert found == pytest.approx(10 / 3, abs=1e-14)
    assert found == pytest.approx(run.y[0, -1], abs=1e-10)


@pytest.mark.parametrize("d", [0.0, 1e-3, 0.0199, 0.0201, 0.7, 3.0, 40.0])
def test_the_self_energy_of_a_difference(d):
    """By Fourier: (1/2π²) ∫ 4πG (1 - sin kd/kd) exp(-k²R²) dk."""
    G, R = 0.8, 2.0

    def integrand(k):
        return (1 - np.sinc(k * d / np.pi)) * np.exp(-((k * R) ** 2))

    # Simpson's rule where the integrand has no scale below 1/d
    exact = 2 * G / np.pi * quad(integrand, 0, 6 / R, epsabs=1e-13, limit=400)[0]
    found = rivals.newtonian_self_energy(d, G, R)
    # of the series q³/216, of the integral 1e-12
    assert found == pytest.approx(exact, abs=2e-12)
    if d == 0.7:
        h = 1e-6
        slope = jax.grad(rivals.newtonian_self_energy)(d, G, R)
        ends = [float(rivals.newtonian_self_energy(d + s, G, R)) for s in (h, -h)]
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-7)


def test_csl_saturates():
    assert rivals.csl_rate(0.0, 0.5, 0.3) == 0
    assert rivals.csl_rate(30.0, 0.5, 0.3) == pytest.approx(0.5)
    # λ d²/4r_C² at short distances: QMUPL with λ/2r_C²
    assert rivals.csl_rate(1e-3, 0.5, 0.3) == pytest.approx(0.5 * 1e-6 / 0.36, rel=1e-5)


def test_the_ground_state_in_ones_own_gravity():
    """The known energy, and the virial theorem: 2T = -V."""
    state = schrodinger_newton_ground_state()
    assert float(state.energy) == pytest.approx(-0.162769, abs=2e-6)
    r, u = np.asarray(state.r), np.asarray(state.u)
    h = r[0]
    assert h * np.sum(u**2) == pytest.approx(1, abs=1e-12)
    kinetic = 0.5 * np.sum(np.diff(np.r_[0, u, 0]) ** 2) / h
    # E = T + 2W and 2T = -W for the energy W of the field: E = -3T; h² of differences
    assert float(state.energy) == pytest.approx(-3 * kinetic, abs=1e-4)
    for bad in ({"points": 9}, {"points": 4}, {"radius": -1.0}):
        with pytest.raises(ValueError, match="must"):
            schrodinger_newton_ground_state(**bad)


@pytest.mark.slow
def test_the_energy_in_ones_own_gravity_is_of_fourth_order():
    """Differences of second order, extrapolated: 16 times closer at half the step."""
    one, two, four = (
        float(schrodinger_newton_ground_state(30.0, points).energy)
        for points in (100, 200, 400)
    )
    # 16, and what the sixth order adds at 100 points
    assert (one - two) / (two - four) == pytest.approx(16, rel=0.15)


def test_kostins_packet():
    """Printed figures, and SciPy where the centre creeps and where it swings."""
    center, width = rivals.kostin_packet(4.0, 0.2, 1.0, center=1.5, width=1.2)
    # printed digits
    assert center == pytest.approx(-0.7474884032, abs=1e-10)
    assert width == pytest.approx(0.79596573, abs=1e-8)
    for gamma, omega in ((0.7, 0.9), (3.0, 0.8), (0.5, 0.0)):

        def field(t, y, gamma=gamma, omega=omega):
            x, v, s, u = y
            return [
                v, -gamma * v - omega**2 * x,
                u, -gamma * u + 1 / (4 * s**3) - omega**2 * s,
            ]  # fmt: skip

        start = [1.1, 0.0, 0.6, 0.0]
        run = solve_ivp(field, (0, 3), start, rtol=1e-12, atol=1e-13)
        found = rivals.kostin_packet(
            jnp.array([0.0, 3.0]), gamma, omega, center=1.1, width=0.6
        )
        # tolerance of the integrator, steps of 1/700
        np.testing.assert_allclose(found[0], [1.1, run.y[0, -1]], atol=1e-9)
        np.testing.assert_allclose(found[1], [0.6, run.y[2, -1]], atol=1e-9)


def test_a_narrow_packet_breathes_without_friction():
    """σ² = s² cos² t + sin² t/4s², of a width that 2000 steps of a period missed."""
    for t, s in ((20.0, 0.05), (10.0, 0.05), (100.0, 0.2)):
        expected = np.sqrt(s**2 * np.cos(t) ** 2 + np.sin(t) ** 2 / (4 * s**2))
        _, width = rivals.kostin_packet(t, 0.0, 1.0, width=s)
        # 1e-11 a step, some thousand of them
        assert float(width) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rivals.qmupl_packet(1.0, 0.5, 0.0), "`width` must be positive"),
        (lambda: rivals.csl_rate(1.0, 0.5, -1.0), "`r_C` must be positive"),
        (lambda: rivals.newtonian_self_energy(1.0, 0.5, 0.0), "`R0` must be positive"),
        (lambda: rivals.kostin_packet(1.0, 0.1, 1.0, width=-1.0), "`width` must"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
