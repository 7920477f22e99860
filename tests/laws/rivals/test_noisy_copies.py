"""Copies in surroundings: frequencies that scatter, and phases that are kicked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.laws import PhaseKicks, RandomFrequencies
from jqd.problems import golden

TS = np.array([0.0, 1.0, 2.0])
FINE = jqd.Fixed(jqd.steppers.rk4, 200, estimate_error=False)


def test_frequencies_that_scatter_have_the_averages_of_another_program():
    """ω₂ = .4 ± .1, q = .4, r = -.5: ρ(2) to nine printed digits (T5)."""
    law, psi = golden(0.4, -0.5)
    noisy = RandomFrequencies(law, 0.1, 1)
    run = jqd.evolve(noisy, noisy.prepare(psi), TS, method=FINE, observe="density")
    # kinks of the law between nodes
    np.testing.assert_allclose(
        run.values[-1], [0.146261037, 0.518506401, 0.335232562], atol=1e-6
    )
    assert {"sd", "q", "r", "R", "omega"} <= {*jqd.constants.names(noisy)}


def test_two_frequencies_that_scatter_are_averaged_on_a_grid():
    """At the point of quantum mechanics, by sums over exp(-iHt) in NumPy."""
    law, psi = golden()
    noisy = RandomFrequencies(law, [0.1, 0.2], (1, 2), nodes=9)
    run = jqd.evolve(noisy, noisy.prepare(psi), TS, method=FINE, observe="density")
    x, w = np.polynomial.hermite_e.hermegauss(9)
    H, total = np.asarray(law.hamiltonian()), np.zeros(3)
    for a, first in zip(x, w, strict=True):
        for b, second in zip(x, w, strict=True):
            E, V = np.linalg.eigh(H + np.diag([0, 0.1 * a, 0.2 * b]))
            end = V @ (np.exp(-2j * E) * (V.conj().T @ np.asarray(psi)))
            total += first * second / w.sum() ** 2 * np.abs(end) ** 2
    # Runge-Kutta's steps of a 200th
    np.testing.assert_allclose(run.values[-1], total, atol=1e-9)


def test_the_average_ends_where_one_of_its_runs_does():
    law, psi = golden(0.9, 0.5)
    noisy = RandomFrequencies(law, 0.1, 1, nodes=3)
    run = jqd.evolve(noisy, noisy.prepare(psi), TS, method=FINE, observe="density")
    assert run.status == jqd.Status.NODE


@pytest.mark.slow
def test_kicks_of_phases_are_dephasing_on_average():
    law, psi = golden()
    kicked = PhaseKicks(law, [0.1, 0.2, 0.05])
    method = jqd.Fixed(substeps=20, estimate_error=False)
    more = {"method": method, "key": jax.random.key(3), "paths": 8000}
    run = jqd.evolve(kicked, kicked.prepare(psi), TS, observe="density", **more)
    mean = kicked.mean_field()
    exact = jqd.evolve(mean, mean.prepare(psi), TS, observe="density")
    # six numbers within four errors; steps of a 20th add 1e-5
    away = np.abs(run.values - exact.values)[1:]
    assert np.all(away < 4 * np.asarray(run.stderr)[1:])
    assert np.all(np.asarray(run.stderr)[1:] < 4e-3)


def test_a_kick_turns_phases_and_nothing_else():
    law, psi = golden()
    w = jqd.laws.StepNoise(jnp.array([0.3, -0.2, 0.5]))
    still, kicked = PhaseKicks(law, 0.0), PhaseKicks(law, [0.0, 0.4, 0.1])
    state = kicked.prepare(psi)
    same = still.step(0.0, state, 1e-9, w)
    np.testing.assert_allclose(same, law.step(0.0, state, 1e-9), atol=1e-15)
    turned = kicked.step(0.0, state, 1e-9, w)
    angle = np.angle(np.asarray(state) / np.asarray(turned))
    expected = np.sqrt([0.0, 0.4, 0.1]) * [0.3, -0.2, 0.5]
    # a step of 1e-9 moves phases as little
    np.testing.assert_allclose(angle, expected, atol=1e-8)
    literal, _ = golden(literal=True)
    other = PhaseKicks(literal, [0.0, 0.4, 0.1])
    other = other.step(0.0, other.prepare(psi), 1e-9, w)
    np.testing.assert_allclose(literal.psi(other), turned, atol=1e-8)
    assert PhaseKicks(golden(0.4)[0], 0.1).mean_field() is None
    with pytest.raises(ValueError, match="`law` must not be random"):
        jqd.Study(kicked, (TS, np.full((3, 3), 1 / 3)), psi0=psi, free="q")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda law: RandomFrequencies(law, -0.1), "`sd` must not be negative"),
        (lambda law: RandomFrequencies(law, 0.1, 3), "`classes` must name classes"),
        (lambda law: RandomFrequencies(law, 0.1, (1, 1)), "each once, but is"),
        (lambda law: RandomFrequencies(law, 0.1, nodes=400), "must be few enough"),
        (lambda law: RandomFrequencies(3, 0.1), "must be CopyDynamics, but is a int"),
        (lambda law: PhaseKicks(law, -0.1), "`g` must not be negative"),
        (lambda law: PhaseKicks(law, [0.1, 0.2]), "`g` must have shape"),
    ],
)
def test_what_cannot_be(make, said):
    law, _ = golden()
    with pytest.raises(ValueError, match=said):
        make(law)
