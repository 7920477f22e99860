"""Pointers: pulses with exact ends, impulses, and records that know no noise."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jqd
from jqd import exact, steppers

GRID = jqd.Grid([(-8.0, 8.0), (-8.0, 8.0)], (64, 64))
X, Y = GRID.coordinates


def well(x, y):
    return x**2 / 2


def position(x, y):
    return x


def start(variance=0.5):
    return GRID.normalise(jnp.exp(-(X**2) / 2 - Y**2 / (4 * variance)) + 0j)


def product(t, psi):
    """<xy>"""
    return GRID.cell * jnp.sum(X * Y * jnp.abs(psi) ** 2)


def pointer(strength, V=well, A=position, mass=jnp.inf, **options):
    return jqd.Schrodinger.on_grid(
        GRID, V, mass=[1.0, mass], couplings={1: (A, strength)}, **options
    )


def follow(law, ts, psi=None, steps=20, observe=product, judged=False):
    psi = start() if psi is None else psi
    method = jqd.Fixed(jqd.steppers.srkn11, steps, estimate_error=judged)
    return jqd.evolve(
        law, law.prepare(psi), jnp.asarray(ts), method=method, observe=observe
    )


SQUARE = jqd.spaces.named_pulse("square", height=10.0, start=0.0, end=0.1)


@pytest.mark.slow
def test_a_finite_pointer_that_is_switched_off():
    """M = 20, g = 10 during 0.1, then half a period."""
    law = pointer(SQUARE, mass=20.0)
    run = follow(law, [0.0, 0.1 + np.pi], judged=True)
    assert run.values[-1] == pytest.approx(-0.495534, abs=2e-6)
    assert run.error[-1] < 1e-10


def test_steps_that_miss_the_end_of_a_pulse_are_wrong():
    """The same pulse as a function of the time, which tells nobody where it ends."""

    def velocity(x, y, t):
        return jnp.where(t < 0.1, 10.0, 0.0) * x

    law = jqd.Schrodinger.on_grid(GRID, well, mass=[1.0, 20.0], couplings={1: velocity})
    run = follow(law, [0.0, 0.1 + np.pi])
    assert abs(run.values[-1] + 0.495534) > 1e-2


@pytest.mark.slow
def test_order_with_a_pulse_that_jumps():
    g = jqd.spaces.named_pulse("square", height=1.0, start=0.0, end=1.5)
    law, ts = pointer(g, mass=20.0), [0.0, 6.0]
    psi = GRID.normalise(start() * jnp.exp(1j * X + 2j * Y))
    ends = [follow(law, ts, psi, n, observe=None).values[-1] for n in (128, 256, 512)]
    errors = [jnp.linalg.norm(end - ends[-1]) for end in ends[:2]]
    # Two legs share the steps, each at least half of them. Steps well below 2π/E = .08,
    # for the fastest waves of the grid, do not resonate; the reference and the next
    # power leave a tenth or two.
    assert np.log2(errors[0] / errors[1]) == pytest.approx(6, abs=0.5)


def test_impulses_are_shifts():
    """ψ(x, y - G A(x)), by a Fourier sum in NumPy."""
    psi = GRID.normalise(start() * jnp.exp(0.3j * X * Y + 0.5j * X))
    law = pointer(
        jqd.spaces.impulse([0.5, 0.0], [0.4, -1.2]), A=lambda x, y: jnp.sin(x)
    )
    run = follow(law, [0.0, 0.5], psi, observe=None)
    y, k = np.ravel(Y), np.ravel(GRID.wavenumbers[1])
    spectrum = np.fft.fft(np.asarray(psi), axis=1) / y.size
    moved = y[None] + 1.2 * np.sin(np.asarray(X))  # y - G A(x)
    waves = np.exp(1j * k * (moved[:, :, None] - y[0]))
    expected = np.einsum("xk,xyk->xy", spectrum, waves)
    np.testing.assert_allclose(run.values[0], expected, atol=1e-12)
    # and then half a unit of the well, at each y, and 0.4 sin x
    x = np.ravel(X)
    n, p = x.size, np.ravel(GRID.wavenumbers[0])
    F = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    H = F.conj().T @ np.diag(p**2 / 2) @ F / n + np.diag(x**2 / 2)
    later = expm(-0.5j * H) @ expected
    spectrum = np.fft.fft(later, axis=1) / y.size
    moved = y[None] - 0.4 * np.sin(np.asarray(X))
    waves = np.exp(1j * k * (moved[:, :, None] - y[0]))
    expected = np.einsum("xk,xyk->xy", spectrum, waves)
    # steps of order 6 leave 1e-10
    np.testing.assert_allclose(run.values[1], expected, atol=1e-9)


def test_impulses_are_the_limit_of_pulses():
    gaps = []
    at_once = follow(
        pointer(jqd.spaces.impulse(0.0, 0.7)), [0.0, 1.0], observe=None
    ).values[1]
    for width in (0.02, 0.01):
        g = jqd.spaces.named_pulse("square", height=0.7 / width, start=0.0, end=width)
        slow = follow(pointer(g), [0.0, 1.0], observe=None).values[1]
        gaps.append(float(jnp.max(abs(slow - at_once))))
    assert gaps[0] < 0.01
    assert gaps[0] / gaps[1] == pytest.approx(2, abs=0.05)


@pytest.mark.slow
def test_an_impulse_acts_once_and_what_is_saved_is_after_it():
    G, tau = 0.8, 0.9
    law = pointer(jqd.spaces.impulse([0.0, tau, 2.0], [G, G, G]))
    moments = exact.gaussian_paths(
        np.eye(4) / 2, [0.0, 0.4, tau, 1.3],
        exact.quadratic_hamiltonian([1.0, np.inf], np.diag([1.0, 0.0])), nu=0.0,
        impulses=[(t, exact.impulse_map(2, 1, [1.0, 0.0], G)) for t in (0.0, tau)],
    )  # fmt: skip
    expected = moments.covariance[:, 0, 1]
    run = follow(law, [0.0, 0.4, tau, 1.3])
    np.testing.assert_allclose(run.values, expected, atol=1e-9)
    # also where nothing is saved at that time
    run = follow(law, [0.0, 0.4, 1.3])
    np.testing.assert_allclose(run.values, expected[jnp.array([0, 1, 3])], atol=1e-9)
    # a run that begins later finds the wave as it is; one time is enough for an impulse
    run = follow(law, [1.3, 1.8])
    assert run.values[0] == pytest.approx(0, abs=1e-12)
    assert follow(law, [tau]).values[0] == pytest.approx(G / 2, abs=1e-9)


def test_records_of_two_pointers_on_a_grid():
    """E[Y1 Y2] = cos(tau)/2 of a wave of three axes, s² = .5."""
    grid = jqd.Grid([(-6.0, 6.0), (-7.0, 7.0), (-7.0, 7.0)], (24, 32, 32))
    x, y, z = grid.coordinates
    psi = grid.normalise(jnp.exp(-(x**2 + y**2 + z**2) / 2) + 0j)

    def products(t, psi):
        density = grid.cell * jnp.abs(psi) ** 2
        return jnp.sum(y * z * density), jnp.sum(x * y * density)

    def position(x, y, z):
        return x

    def spring(x, y, z):
        return x**2 / 2

    for tau in (np.pi / 2, np.pi):
        law = jqd.Schrodinger.on_grid(
            grid, spring, mass=[1.0, jnp.inf, jnp.inf],
            couplings={
                1: (position, jqd.spaces.impulse(0.0, 1.0)),
                2: (position, jqd.spaces.impulse(tau, 1.0)),
            },
        )  # fmt: skip
        run = jqd.evolve(
            law, psi, jnp.array([0.0, tau]), observe=products,
            method=jqd.Fixed(jqd.steppers.srkn11, 12, estimate_error=False),
        )  # fmt: skip
        records, second = (value[-1] for value in run.values)
        assert records == pytest.approx(np.cos(tau) / 2, abs=1e-5)
        assert second == pytest.approx(np.cos(tau) / 2, abs=1e-5)


def test_many_strengths_at_once_and_their_slope():
    def last(G):
        law = pointer(jqd.spaces.impulse(0.0, G))
        return follow(law, [0.0, 0.5], steps=8).values[-1]

    batch = jax.jit(jax.vmap(last))(jnp.array([0.3, 1.1]))
    # <xy> = G cos(t)/2
    np.testing.assert_allclose(batch, np.cos(0.5) / 2 * np.array([0.3, 1.1]), atol=1e-9)
    assert jax.grad(last)(0.8) == pytest.approx(np.cos(0.5) / 2, abs=1e-9)


def test_constants_of_couplings_have_names():
    law = pointer(jqd.spaces.impulse([0.0, 1.0], [0.4, 0.6]))
    assert jqd.constants.names(law) == ("hbar", "mass", "areas")
    law = pointer(jqd.pulse(lambda t, g: g * jnp.exp(-(t**2)), g=2.0))
    assert "g" in jqd.constants.names(law)


def test_pulses_without_jumps_leave_the_run_alone():
    """g(t) A(x) as a pair is the same as a velocity of the time."""
    g = jqd.pulse(lambda t: jnp.exp(-(t**2)))
    one = follow(pointer(g), [0.0, 1.0], observe=None)
    law = jqd.Schrodinger.on_grid(
        GRID, well, mass=[1.0, jnp.inf],
        couplings={1: lambda x, y, t: jnp.exp(-(t**2)) * x},
    )  # fmt: skip
    two = follow(law, [0.0, 1.0], observe=None)
    np.testing.assert_allclose(one.values, two.values, atol=1e-14)


@pytest.mark.parametrize(
    ("coupling", "message"),
    [
        ((position, 1.0, 2.0), "`couplings` must hold A or a pair (A, g), but holds 3"),
        ((position, "square"), "`couplings` must be a function of time"),
        ((lambda x, y, t: x, SQUARE), "`couplings` must have an A without the time"),
        ((lambda x, y: x * y, SQUARE), "`couplings` must not depend on the pointer"),
        ((np.ones(3), SQUARE), "`couplings` must have the grid's shape"),
    ],
)
def test_refused(coupling, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        jqd.Schrodinger.on_grid(
            GRID, well, mass=[1.0, jnp.inf], couplings={1: coupling}
        )


@pytest.mark.parametrize(
    ("times", "areas", "name"),
    [
        ("now", 1.0, "times"),
        (jnp.inf, 1.0, "times"),
        ([[0.0]], 1.0, "times"),
        ([0.0, 1.0], [1.0, 2.0, 3.0], "areas"),
        (0.0, 1j, "areas"),
    ],
)
def test_impulses_are_checked(times, areas, name):
    with pytest.raises(ValueError, match=f"Argument `{name}` must"):
        jqd.spaces.impulse(times, areas)


def test_methods_that_cannot_stop_for_an_impulse_refuse():
    law, ts = pointer(jqd.spaces.impulse(0.0, 1.0)), jnp.array([0.0, 1.0])
    for method, message in (
        (None, "`method` must be Fixed for a law with impulses"),
        (jqd.Adaptive(), "`method` must be Fixed for a law with impulses"),
        (jqd.Propagator(), "`method` must be Fixed for a law with impulses"),
        (jqd.Fixed(steppers.srkn11, 3, "reversible"), "`gradient` must not be 'rever"),
    ):
        with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
            jqd.evolve(law, start(), ts, method=method)
    with pytest.raises(ValueError, match="must be free of vector potentials and poin"):
        jqd.ground_state(law, dtau=0.1)
