"""Measured orders, two-sided, and what a palindromic splitting promises."""

import functools

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Adaptive, CopyDynamics, Fixed, Grid, Law, Schrodinger, evolve, steppers
from jqd.constants import constant
from jqd.exact import on_grids
from jqd.problems import golden
from jqd.steppers import Splitting, rk4

GRID = Grid((-np.pi, np.pi), 32)
T = 2.0
ORDERS = {
    "strang": 2,
    "chin4a": 4,
    "yoshida4": 4,
    "pefrl": 4,
    "suzuki4": 4,
    "srkn6": 4,
    "s6": 4,
    "srkn11": 6,
    "kahan_li6": 6,
    "kahan_li8": 8,
}
# Steps over T = 2 that lie between the first, irregular ones and rounding (2e-13).
STEPS = {
    "strang": (24, 32, 48, 64),
    "chin4a": (32, 48, 64, 96),
    "yoshida4": (32, 48, 64, 96),
    "pefrl": (24, 32, 48, 64),
    "suzuki4": (24, 32, 48, 64),
    "srkn6": (32, 48, 64, 96),
    "s6": (24, 32, 48, 64),
    "srkn11": (10, 12, 15, 20),
    "kahan_li6": (12, 16, 24, 32),
    "kahan_li8": (12, 13, 15, 17),
}
every_splitting = pytest.mark.parametrize("name", ORDERS)


def pendulum(x):
    """Anharmonic, for a harmonic well would flatter some methods; no seam either."""
    return 2.5 * (1 - jnp.cos(x))


def shaken(x, t):
    return pendulum(x) + 0.8 * jnp.sin(x) * jnp.sin(1.3 * t + 0.2)


def packet():
    # the highest mode of the grid holds 1e-14 of it
    return GRID.normalise(jnp.exp(-2 * (1 - jnp.cos(GRID.x - 0.8)) + 1j * GRID.x))


@functools.cache
def law_of(driven):
    return Schrodinger.on_grid(GRID, shaken if driven else pendulum, mass=1.2, hbar=0.9)


@jax.jit(static_argnames="stepper")
def final(stepper, law, state, steps, start=0.0):
    """After T in a traced number of steps: one compilation a method."""
    method = Fixed(stepper, estimate_error=False, counts=steps)
    ts = start + jnp.array([0.0, T])
    return evolve(law, state, ts, method=method).values[-1]


@functools.cache
def reference(driven):
    if not driven:
        exact = on_grids.propagate(
            GRID, pendulum(GRID.x), packet(), [0.0, T], mass=1.2, hbar=0.9
        )
        return np.asarray(exact[-1])
    return np.asarray(final(steppers.srkn11, law_of(True), packet(), 120))


@pytest.mark.slow
def test_the_driven_reference_is_right():
    """An independent solver: diffrax at a tolerance of 1e-12."""
    method = Adaptive(diffrax.Dopri8(), rtol=1e-12, atol=1e-12, estimate_error=False)
    run = evolve(law_of(True), packet(), [0.0, T], method=method)
    assert run.status == 0
    # a hundred steps of 1e-12 each
    np.testing.assert_allclose(run.values[-1], reference(True), rtol=0, atol=1e-10)
    assert np.max(np.abs(reference(True) - reference(False))) > 0.1


def measured_order(name, driven):
    stepper = getattr(steppers, name)
    steps = np.array(STEPS[name])
    errors = [
        np.max(np.abs(final(stepper, law_of(driven), packet(), n) - reference(driven)))
        for n in steps
    ]
    # rounding is 2e-14, of the driven reference 2e-13
    assert errors[-1] > (4e-12 if driven else 1e-12)
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


@every_splitting
@pytest.mark.parametrize("driven", [False, True], ids=["static", "driven"])
def test_measured_order_of_a_splitting(name, driven):
    assert getattr(steppers, name).order == ORDERS[name]
    # what the next term of the expansion leaves of the slope: less than 0.1
    assert abs(measured_order(name, driven) - ORDERS[name]) < 0.1


def test_a_wrong_coefficient_lowers_the_order():
    """Negative control: Chin's method without its gradient is of order 2."""
    without = Splitting("none", 4, steppers.chin4a.a, steppers.chin4a.b)
    steps = np.array(STEPS["chin4a"])
    errors = [
        np.max(np.abs(final(without, law_of(False), packet(), n) - reference(False)))
        for n in steps
    ]
    order = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(order - 2) < 0.1


def test_time_frozen_in_the_wrong_place_lowers_the_order():
    """Negative control: a clock that starts half a step late is of order 1."""
    steps = np.array(STEPS["srkn11"])
    errors = [
        np.max(
            np.abs(
                final(steppers.srkn11, law_of(True), packet(), n, T / n / 2)
                - reference(True)
            )
        )
        for n in steps
    ]
    assert abs(-np.polyfit(np.log(steps), np.log(errors), 1)[0] - 1) < 0.1


# -- Runge-Kutta ----------------------------------------------------------------------


class Logistic(Law):
    """y' = rate y (1 - y / 2) - a nonlinear equation with a closed solution."""

    rate: jax.Array = eqx.field(converter=constant)

    def prepare(self, psi):
        return psi

    def vector_field(self, t, state, args=None):
        return self.rate * state * (1 - state / 2)

    def step(self, t, state, dt):
        return rk4(self, t, state, dt)

    def density(self, state):
        return state


class Clock(Logistic):
    """y' = rate y cos t: explicit time at the stages."""

    def vector_field(self, t, state, args=None):
        return self.rate * state * jnp.cos(t)


def slope_of(law, state, exact, counts):
    errors = [np.max(np.abs(final(rk4, law, state, n) - exact)) for n in counts]
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0]


def test_order_of_runge_kutta():
    y0 = jnp.array([0.3])
    exact = 2 / (1 + (2 / 0.3 - 1) * np.exp(-1.7 * T))
    counts = (40, 56, 80, 112)
    assert abs(slope_of(Logistic(1.7), y0, exact, counts) - 4) < 0.1
    exact = 0.3 * np.exp(1.7 * np.sin(T))
    assert abs(slope_of(Clock(1.7), y0, exact, counts) - 4) < 0.1
    # Negative control: against a solution off by 1e-6 there is no order.
    assert slope_of(Clock(1.7), y0, exact + 1e-6, counts) < 3


def test_order_of_runge_kutta_for_copy_dynamics():
    law, psi = golden()
    assert isinstance(law, CopyDynamics)
    exact = final(rk4, law, psi, 4000)
    assert abs(slope_of(law, psi, exact, (60, 84, 120, 168)) - 4) < 0.1


# -- structure ------------------------------------------------------------------------


@every_splitting
def test_a_step_back_undoes_a_step(name):
    stepper, law, psi = getattr(steppers, name), law_of(True), packet()

    @jax.jit
    def there_and_back(psi, t, dt, missing):
        there = stepper(law, t, psi, dt)
        return there, stepper(law, t + dt, there, -dt + missing)

    there, back = there_and_back(psi, 0.3, 0.05, 0.0)
    # rounding of 2 x 35 flows with a local error of a few eps
    np.testing.assert_allclose(back, psi, rtol=0, atol=1e-13)
    assert np.max(np.abs(there - psi)) > 1e-3
    # Negative control: a step back that is too short by 1e-9.
    _, short = there_and_back(psi, 0.3, 0.05, 1e-9)
    assert np.max(np.abs(short - psi)) > 1e-11


@pytest.mark.parametrize("driven", [False, True], ids=["static", "driven"])
@pytest.mark.parametrize("name", ["strang", "chin4a", "srkn11"])
def test_merged_sweep_equals_single_steps(name, driven):
    stepper, law, psi = getattr(steppers, name), law_of(driven), packet()
    sweep = jax.jit(lambda n: stepper.sweep(law, 0.3, psi, 0.05, n))
    static = jax.jit(lambda: stepper.sweep(law, 0.3, psi, 0.05, 5))()
    step = jax.jit(lambda t, psi: stepper(law, t, psi, 0.05))
    single = psi
    for i in range(5):
        single = step(0.3 + 0.05 * i, single)
    # rounding: merged outer flows add angles instead of multiplying factors
    np.testing.assert_allclose(static, single, rtol=0, atol=1e-14)
    np.testing.assert_allclose(sweep(5), single, rtol=0, atol=1e-14)
    np.testing.assert_allclose(sweep(0), psi, rtol=0, atol=1e-14)
    assert np.max(np.abs(sweep(4) - single)) > 1e-3  # Negative control


@pytest.mark.parametrize("name", ORDERS)
def test_coefficients(name):
    stepper = getattr(steppers, name)
    assert stepper.name == name
    assert stepper.a == stepper.a[::-1]
    assert stepper.b == stepper.b[::-1]
    # consistency, and the merged step of the same total; rounding of up to 18 terms
    np.testing.assert_allclose([sum(stepper.a), sum(stepper.b)], 1, rtol=1e-14)
    stages = stepper.stages()
    for part in ("inner", "outer"):
        total = sum(stage[1] for stage in stages if stage[0] == part)
        np.testing.assert_allclose(total, 1, rtol=1e-14)
    # an inner flow carries time along, an outer one does not
    part, coefficient, _, offset = stages[-1]
    end = offset + (coefficient if part == "inner" else 0)
    np.testing.assert_allclose(end, 1, rtol=1e-14)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((1.0,), (1.0,), "`b` must have one entry more than `a`"),
        ((0.4, 0.6), (0.25, 0.5, 0.25), "`a` must be palindromic with sum 1"),
        ((0.5, 0.5), (0.2, 0.5, 0.3), "`b` must be palindromic with sum 1"),
        ((0.5, 0.4, 0.5), (0.25,) * 4, "`a` must be palindromic with sum 1"),
        ((1.0,), (0.4, 0.4), "`b` must be palindromic with sum 1"),
    ],
)
def test_refused_coefficients(a, b, message):
    with pytest.raises(ValueError, match=message):
        Splitting("wrong", 2, a, b)


def test_correction_needs_a_gradient():
    flow = steppers.PhaseFlow(lambda t: jnp.ones(3))
    general = steppers.general_flow(lambda t, y, dt: y)
    for part in (flow, general):
        with pytest.raises(ValueError, match="no gradient correction"):
            part.factor(0.0, 0.1, 1e-3)
