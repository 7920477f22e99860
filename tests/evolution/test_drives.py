"""No step passes over a pulse unseen, and no error bar says that nothing was there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import jqd
from jqd.evolution.drives import LOOKS, SHIFTS, drives_of, survey, unseen

SX = np.array([[0.0, 1.0], [1.0, 0.0]])
SM = np.array([[0.0, 1.0], [0.0, 0.0]])
UP = jnp.array([1.0 + 0j, 0.0])
TWO = jnp.array([0.0, 1000.0])


def driven(f):
    return jqd.driven(np.zeros((2, 2)), (SX, f))


def gaussian(area=np.pi / 2, center=500.0, width=0.2):
    return jqd.spaces.named_pulse("gaussian", area=area, center=center, width=width)


def box(start, end, height):
    return jnp.where((start <= 0) & (end > 0), height, 0.0)


def window(start, width):
    """By a function that says nothing of where it is; of area π/2."""

    def height(t, start, end):
        return box(start - t, end - t, np.pi / 2 / width)

    return jqd.pulse(height, start=start, end=start + width)


# Samples of a pulse halfway between two looks; at these its spline has died away.
CENTER = 1000 * 1024.5 / LOOKS
NEAR = CENTER + np.linspace(-0.6, 0.6, 121)
SAMPLED = np.concatenate([np.arange(0, 500, 10.0), NEAR, np.arange(510, 1001, 10.0)])
VALUES = 40 * np.exp(-((SAMPLED - CENTER) ** 2) / 2 / 0.02**2)
VALUES[VALUES < 1e-12] = 0


def sampled(kind, base=0.0):
    """As one of ours, or by an array of QuTiP."""
    if kind == "own":
        return jqd.spaces.sampled_pulse(SAMPLED, base + VALUES)
    qutip = pytest.importorskip("qutip")
    return qutip.coefficient(base + VALUES, tlist=SAMPLED)


def seen(law, psi, ts=TWO, method=None):
    return jqd.evolve(law, law.prepare(psi), ts, method=method, observe="density")


@pytest.mark.parametrize(
    "kind",
    ["quantum"] + [pytest.param(k, marks=pytest.mark.slow) for k in ("copies", "open")],
)
def test_adaptive_steps_see_a_narrow_pulse(kind):
    """exp(-i sx π/2) exchanges the two classes."""
    H = driven(gaussian())
    law, start = {
        "quantum": lambda: (jqd.Schrodinger(H), [1, 0]),
        "copies": lambda: (jqd.CopyDynamics.from_hamiltonian(H), np.sqrt([0.8, 0.2])),
        "open": lambda: (jqd.Lindblad(H, {"loss": jqd.laws.Jump(SM, 0.0)}), [1, 0]),
    }[kind]()
    run = seen(law, np.asarray(start, complex))
    assert bool(run.ok)
    # steps of tolerance 1e-9, some twenty of them
    want = np.abs(np.asarray(start)[::-1]) ** 2
    np.testing.assert_allclose(run.values[-1], want, rtol=0, atol=3e-8)
    assert 0 < np.max(run.error) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.002, 40.0])
def test_pulses_of_any_width_in_a_batch(width):
    """P = sin²(area) and its derivative, for centers that differ."""

    def last(area, center):
        law = jqd.Schrodinger(driven(gaussian(area, center, width)))
        method = jqd.Adaptive(estimate_error=False)
        return seen(law, UP, method=method).values[-1, 1]

    found = jax.vmap(jax.value_and_grad(last), (None, 0))(
        1.1, jnp.array([400.0, 633.123])
    )
    # the last 4 widths of the wide ones count: erfc(9) is 0
    np.testing.assert_allclose(found[0], np.sin(1.1) ** 2, rtol=0, atol=3e-8)
    np.testing.assert_allclose(found[1], np.sin(2.2), rtol=0, atol=3e-7)


@pytest.mark.parametrize("width", [pytest.param(40.0, marks=pytest.mark.slow), 0.6])
def test_adaptive_steps_see_a_window(width):
    ts = jnp.linspace(0.0, 1000.0, 268)
    run = seen(jqd.Schrodinger(driven(window(333.3, width))), UP, ts)
    # its two edges are found by rejected steps, each to the tolerance
    np.testing.assert_allclose(run.values[-1], [0, 1], rtol=0, atol=1e-7)
    assert bool(run.ok)
    assert np.max(run.error) < 1e-4


def test_a_check_run_looks_elsewhere():
    """A window between all looks of the run, at one of those of the check run."""
    at = 1000 * 842.5 / LOOKS
    first, second = (course.times for course in survey([gaussian()], TWO, SHIFTS))
    assert np.min(np.abs(first - at)) > 0.2
    assert np.min(np.abs(second - at)) < 1e-9
    run = seen(jqd.Schrodinger(driven(window(at - 0.02, 0.04))), UP)
    assert run.values[-1, 1] < 0.1  # not seen, as `pulse` says
    assert np.max(run.error) > 0.9
    assert jqd.Status(int(run.status)) is jqd.Status.INACCURATE


def test_fixed_steps_end_within_a_narrow_pulse():
    ts = jnp.linspace(0.0, 1000.0, 11)
    law = jqd.Schrodinger(driven(gaussian()))
    run = seen(law, UP, ts, jqd.Fixed(jqd.steppers.rk4, 10))
    # 17 legs that end in it, each of one width: ten steps for nine legs are two each
    assert int(run.diagnostics["num_steps"]) <= 100 + 2 * 17
    wrong = np.abs(run.values[-1, 1] - 1)
    assert 1e-5 < wrong < 1.5 * run.error[-1, 1] < 1e-2


def test_a_short_pulse_takes_its_share_of_the_steps_of_a_long_wait():
    """Half a turn within a thousandth of the interval, of which the steps by length are
    one: that errs by a hundredth."""
    pulse = jqd.spaces.named_pulse("square", height=np.pi, start=999.0, end=999.5)
    run = seen(jqd.Schrodinger(driven(pulse)), UP, TWO, jqd.Fixed(jqd.steppers.rk4, 60))
    np.testing.assert_allclose(run.values[-1], [0, 1], rtol=0, atol=1e-5)


def test_fixed_steps_say_that_they_miss_a_window():
    ts = jnp.linspace(0.0, 1000.0, 11)
    law = jqd.Schrodinger(driven(window(301.2, 1.5)))
    run = seen(law, UP, ts, jqd.Fixed(jqd.steppers.rk4, 10))
    assert jqd.Status(int(run.status)) is jqd.Status.INACCURATE
    assert run.error[-1, 1] > 0.9


@pytest.mark.parametrize("kind", ["own", "qutip"])
def test_samples_are_looked_at_where_they_are(kind):
    drives = drives_of(jqd.Schrodinger(driven(sampled(kind, 1.0))))
    assert 499 < survey(drives, TWO)[0].reach(0.0) < CENTER
    missed = unseen(drives, TWO, 100)
    assert np.all((missed > 499) & (missed < 501))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["own", "qutip"])
def test_adaptive_steps_see_narrow_samples(kind):
    run = seen(jqd.Schrodinger(driven(sampled(kind))), UP)
    area = CubicSpline(SAMPLED, VALUES).integrate(0.0, 1000.0)
    # exp(-i sx area); steps of tolerance 1e-9, some thirty of them
    assert run.values[-1, 1] == pytest.approx(np.sin(area) ** 2, rel=0, abs=3e-8)


def test_the_looks_of_a_run_and_its_check_are_one_program():
    """Each number's way from rest to rest, and no look of one is one of the other."""

    def program(shifts):
        made = jax.make_jaxpr(lambda f: survey([f], TWO, shifts))(gaussian())
        return sum(" exp" in line for line in str(made).splitlines())

    assert program(SHIFTS) == program(SHIFTS[:1]) > 0
    first, second = survey([window(200.0, 90.0)], TWO, SHIFTS)
    assert first.times.shape == second.times.shape
    assert set(np.asarray(first.times)) & set(np.asarray(second.times)) == {0, 1000}
    # each stops at the look before the window, and goes on to the one after
    for course in (first, second):
        reach = float(course.reach(100.0))
        assert 199 < reach < 201


def test_looks_that_fall_together_are_no_rest():
    """Samples at every other look, of a function that never rests."""
    ts = np.linspace(0.0, 20.0, LOOKS // 2 + 1)
    f = jqd.spaces.sampled_pulse(ts, 3 + np.cos(2 * np.pi * ts))
    (course,) = survey([f], jnp.array([0.0, 20.0]))
    t = np.linspace(0.0, 19.0, 57)
    reach = np.asarray(jax.vmap(course.reach)(t)) - t
    np.testing.assert_allclose(reach, 0.5, rtol=0, atol=0.02)


def test_steps_of_smooth_drives_are_left_alone():
    """Half a period is allowed, far above what steps of any use take."""
    f = jqd.pulse(lambda t: 3 + jnp.cos(2 * jnp.pi * t))
    (course,) = survey([f], jnp.array([0.0, 20.0]))
    t = np.linspace(0.0, 19.0, 57)
    reach = np.asarray(jax.vmap(course.reach)(t)) - t
    # two looks, each a hundredth of a period
    np.testing.assert_allclose(reach, 0.5, rtol=0, atol=0.02)
    (still,) = survey([jqd.pulse(lambda t: 3 + 0 * t)], jnp.array([0.0, 20.0]))
    assert np.isinf(still.reach(jnp.asarray(1.0)))


def test_drives_are_found_wherever_they_are():
    grid = jqd.Grid((-8.0, 8.0), 64)
    moving = jqd.Schrodinger.on_grid(grid, lambda x, t: x**2 * jnp.cos(t))
    still = jqd.Schrodinger.on_grid(grid, lambda x: x**2)
    assert [len(drives_of(law)) for law in (moving, still)] == [1, 0]
    assert len(drives_of(jqd.laws.GrossPitaevskii(moving, 0.1))) == 1
    (f,) = drives_of(moving)
    np.testing.assert_allclose(np.max(np.abs(f(0.0))), 63, atol=2)
    law = jqd.CopyDynamics.from_hamiltonian(driven(gaussian()))
    assert len(drives_of(jqd.laws.PhaseKicks(law, 0.1))) == 1


def test_jumps_of_a_square_pulse_move_with_it():
    f = jqd.spaces.named_pulse("square", height=1.0, start=0.2, end=0.9)
    moved = jax.tree.map(lambda x: 2 * x, f)
    assert moved.jumps.tolist() == [0.4, 1.8]
