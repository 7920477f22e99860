"""One excitation, one mode, many modes: exact runs against closed forms."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import jqd
from jqd.matter.photons import (
    HeatCapacity,
    PhotonRates,
    SharedExcitation,
    TwoLevelMode,
    first_recurrence,
    flat_band,
    lorentzian,
    planck_law,
)


@pytest.fixture(scope="module")
def band():
    """801 modes within 4 of the emitter at 10, Γ = 0.2; the spectrum at four times."""
    model = flat_band(10.0, 4.0, 0.2, 801)
    ts = np.array([10.0, 80.0, 638.2, 638.35])
    return model, np.asarray(
        jnp.abs(jax.jit(SharedExcitation.amplitudes)(model, ts)) ** 2
    )


def test_emission_into_a_band(band):
    _, weights = band
    # An unexcited emitter: nothing is lost.
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    # exp(-2) but for the band's edges
    assert weights[0, 0] == pytest.approx(0.135528, abs=1e-6)
    assert weights[0, 0] == pytest.approx(np.exp(-2), abs=3e-4)
    when, height = first_recurrence(0.01, 0.2)
    assert weights[2, 0] == pytest.approx(0.558, abs=3e-3)
    # The peak of an infinite band; its time is 2π/dω + 2/Γ.
    assert float(when) == pytest.approx(638.3, abs=0.05)
    assert float(height) == pytest.approx(0.541, abs=1e-3)
    assert weights[3, 0] == pytest.approx(float(height), abs=0.02)


def test_the_line_is_a_lorentzian_and_not_planck(band):
    model, weights = band
    omega = np.asarray(model.frequencies)
    near = np.abs(omega - 10) < 1
    line = weights[1, 1:] / 0.01
    exact = np.asarray(lorentzian(omega, 10.0, 0.2))
    # e^{-Γt/2} that is left at t = 80, 4e-4, and the band's edges at 20 widths
    assert np.max(np.abs(line / exact - 1)[near]) < 0.037
    assert np.sum(exact) * 0.01 == pytest.approx(1, abs=0.02)  # 2/π Γ/2/4 outside
    # Negative control: no thermal spectrum of any temperature fits this line.
    T = np.array([2.0, 3.5, 7.0, 50.0])[:, None]
    thermal = np.asarray(jax.jit(planck_law)(omega[None, near], T))
    shape = thermal / thermal.max(axis=1, keepdims=True)
    gap = np.abs(line[None, near] / line.max() - shape)
    assert np.all(gap.max(axis=1) > 0.5)


QUARTER, HALF = np.pi / 0.2, np.pi / 0.1


@jax.jit
def vacuum_run(model):
    return model.run(model.excited(), jnp.array([0.0, QUARTER, HALF]))


@pytest.mark.parametrize(
    ("levels", "counter_rotating", "expected"),
    [(12, True, [0.501187, 0.001880]), (2, False, [0.5, 0.0])],
)
def test_vacuum_oscillation(levels, counter_rotating, expected):
    """P_e at gt = π/4 and π/2, g = 0.05 on resonance."""
    run = vacuum_run(
        TwoLevelMode(1.0, 1.0, 0.05, levels=levels, counter_rotating=counter_rotating)
    )
    np.testing.assert_allclose(run.excited, [1.0, *expected], atol=1e-6)
    assert run.ok
    assert run.edge < 1e-20
    if not counter_rotating:
        # Excitations are conserved, and so two levels are enough.
        np.testing.assert_allclose(run.photons, 1 - run.excited, atol=1e-12)


@pytest.mark.parametrize(("levels", "counter_rotating"), [(1, False), (4, True)])
def test_a_low_cut_off_is_said(levels, counter_rotating):
    run = vacuum_run(
        TwoLevelMode(1.0, 1.0, 0.05, levels=levels, counter_rotating=counter_rotating)
    )
    assert int(run.status) == jqd.Status.CUTOFF
    assert run.edge > 1e-8


def test_hamiltonian_against_its_matrix_elements():
    model = TwoLevelMode(1.3, 0.8, 0.4, levels=5)
    H = np.diag([0.4 + 1.3 * n for n in range(5)] + [-0.4 + 1.3 * n for n in range(5)])
    for n in range(4):
        # |e,n> with |g,n+1>, and the counter-rotating |g,n> with |e,n+1>
        for i, j in ((n, 5 + n + 1), (5 + n, n + 1)):
            H[i, j] = H[j, i] = 0.4 * np.sqrt(n + 1)
    np.testing.assert_allclose(jax.jit(TwoLevelMode.hamiltonian)(model), H, atol=1e-15)


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
        (lambda: flat_band(1.0, 1.0, 1.0, 1), "Argument `modes` must be at least 2"),
        (lambda: flat_band(1.0, 1.0, -1.0, 9), "Argument `rate` must be positive"),
        (
            lambda: SharedExcitation(1.0, np.ones(3), np.ones(2)),
            "Argument `couplings` must have shape (3,)",
        ),
        (lambda: TwoLevelMode(-1.0, 1.0, 0.1), "Argument `frequency` must be positive"),
        (
            lambda: TwoLevelMode(1.0, 1.0, 0.1, levels=3).excited(3),
            "Argument `photons` must lie in 0 .. 2",
        ),
        (
            lambda: TwoLevelMode(1.0, 1.0, 0.1, levels=3).run(np.ones((2, 3)), [0.0]),
            "Argument `psi0` must be normalised",
        ),
    ],
)
def test_input(build, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build()
