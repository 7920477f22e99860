"""Modes that exchange photons with matter, against SciPy and energy balance."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import jqd
from jqd.matter.photons import HeatCapacity, PhotonRates

OMEGA = np.linspace(0.05, 6.0, 60)
TS = np.concatenate([[0.0], np.geomspace(0.1, 2e6, 121)])
METHOD = jqd.Fixed(substeps=2)


@pytest.fixture(scope="module")
def relaxation():
    """Matter of capacity 30 and energy 60 that lights up 60 dark modes, Γ = ω/50."""
    law = PhotonRates(OMEGA, OMEGA / 50, 60.0, HeatCapacity(30.0))
    return law, jqd.evolve(law, law.prepare(np.zeros(60)), TS, method=METHOD)


def balance(capacity=30.0, energy=60.0):
    """T of energy balance by SciPy, independent of the library."""

    def excess(T):
        return capacity * T + np.sum(OMEGA / np.expm1(OMEGA / T)) - energy

    return scipy.optimize.brentq(excess, 0.1, 3.0, xtol=1e-15)


def test_any_rates_end_at_bose_einstein(relaxation):
    _, run = relaxation
    assert run.ok
    T = balance()
    end = np.asarray(run.values[-1])
    np.testing.assert_allclose(end, 1 / np.expm1(OMEGA / T), rtol=1e-13)
    assert 2 - end @ OMEGA / 30 == pytest.approx(T, abs=1e-12)
    # The lowest mode takes its time: far away when the others have long arrived.
    early = np.asarray(run.values)[np.searchsorted(TS, 2e3)]
    lag = early * np.expm1(OMEGA / (2 - early @ OMEGA / 30)) - 1
    assert abs(lag[0]) > 0.5
    assert np.max(np.abs(lag[20:])) < 0.03
    # Matter cools from 2, past the end and back: slow modes leave it to fast ones.
    T_matter = 2 - np.asarray(run.values) @ OMEGA / 30
    assert T_matter[0] == 2
    assert np.min(np.diff(T_matter)) < -1e-3


def test_slow_modes_follow_the_equations(relaxation):
    """Against SciPy's implicit solver, and the error bar holds."""
    law, run = relaxation

    def field(t, n):
        T = (60 - OMEGA @ n) / 30
        return OMEGA / 50 * ((n + 1) * np.exp(-OMEGA / T) - n)

    reference = scipy.integrate.solve_ivp(
        field, (0, TS[80]), np.zeros(60), "LSODA", TS[:81], rtol=1e-10, atol=1e-12
    )
    gap = np.abs(np.asarray(run.values[:81]) - reference.y.T)
    # second order in the step, 7 % of t
    assert np.max(gap) < 1e-3
    assert np.all(gap <= 1.5 * run.error[:81] + 1e-7)
    # of terms of size 0.1, cancelled
    rate = jax.jit(PhotonRates.vector_field)(law, 0.0, run.values[40])
    np.testing.assert_allclose(rate, field(0, run.values[40]), atol=1e-14)


def test_energy_balance_and_its_gradient():
    def temperature(p):
        end = PhotonRates(OMEGA, 1.0, p[1], HeatCapacity(p[0])).equilibrium()
        return end.temperature, end.occupations

    both = jax.jit(jax.value_and_grad(temperature, has_aux=True))
    (T, n), slope = both(jnp.array([30.0, 60.0]))
    assert float(T) == pytest.approx(balance(), abs=1e-8)
    np.testing.assert_allclose(n, 1 / np.expm1(OMEGA / balance()), rtol=1e-12)
    h = 1e-5
    difference = [
        (balance(30 + h) - balance(30 - h)) / (2 * h),
        (balance(30, 60 + h) - balance(30, 60 - h)) / (2 * h),
    ]
    np.testing.assert_allclose(slope, difference, rtol=1e-7)  # of the difference


def test_a_degenerate_mode_is_many_modes():
    """G modes of one frequency take G times the energy; each goes at its own rate."""
    omega, n = np.array([0.7, 1.3]), np.array([0.4, 0.9])
    once = PhotonRates(omega, 0.5, 9.0, HeatCapacity(4.0), np.array([2.0, 3.0]))
    each = np.array([0, 0, 1, 1, 1])
    apart = PhotonRates(omega[each], 0.5, 9.0, HeatCapacity(4.0))
    T = float(once.temperature(n))
    assert pytest.approx((9 - 2 * 0.7 * 0.4 - 3 * 1.3 * 0.9) / 4, rel=1e-12) == T
    found, expected = jax.jit(lambda: (
        once.vector_field(0.0, n), apart.vector_field(0.0, n[each])
    ))()  # fmt: skip
    np.testing.assert_allclose(found[each], expected, rtol=1e-13)
    ends = jax.jit(lambda: (once.equilibrium(), apart.equilibrium()))()
    assert float(ends[0].temperature) == pytest.approx(float(ends[1].temperature))
    alone = PhotonRates(omega, 0.5, 9.0, HeatCapacity(4.0))
    assert abs(float(alone.temperature(n)) - T) > 0.1  # Negative control


def rates(**change):
    arguments = {"omega": OMEGA, "rates": 1.0, "energy": 9.0, "matter": jnp.sqrt}
    return PhotonRates(**arguments | change)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: rates(omega=-OMEGA), "Argument `omega` must be positive"),
        (lambda: rates(rates=0.0), "Argument `rates` must be positive"),
        (lambda: rates(matter=3.0), "Argument `matter` must be a function"),
        (lambda: rates().prepare(np.ones(60)), "leave the matter some of the energy"),
        (lambda: rates().prepare(-np.ones(60)), "must hold occupations that are not"),
        (lambda: rates().prepare(np.ones(3)), "Argument `start` must have shape (60,)"),
        (
            lambda: jqd.evolve(rates(), rates().omega * 0, [0.0], observe="density"),
            "Argument `observe` must not be a name for PhotonRates",
        ),
        (lambda: HeatCapacity(0.0), "Argument `capacity` must be positive"),
    ],
)
def test_input(build, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build()
