"""The alignment model: forces, energies, and whether it aligns."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .alignment import (
    alignment_energy,
    alignment_force,
    alignment_lagrangian,
    alignment_lagrangian_circle,
    alignment_potential,
    class_mean_phase,
    drift_force,
    phase_velocity,
    poisson_bracket,
    small_energy,
    small_force,
)
from .conftest import REFUTED, ROUNDING, equation, gap
from .individuals import copy_rate, phase_rate

FREQUENCY = 0.7


def momenta(ens):
    return jnp.asarray(np.random.default_rng(9).normal(size=ens.beable.shape[0]))


def law_of(ens):
    return ens.beable, ens.omega, ens.R, ens.delta


@pytest.mark.sampled
@equation("42")
def test_pairs_are_counted_twice(ens):
    phase, beable = np.asarray(ens.phase), np.asarray(ens.beable)
    once = sum(
        np.sin(phase[i] - phase[j]) ** 2
        for i in range(len(phase))
        for j in range(i)
        if beable[i] == beable[j]
    )
    potential = alignment_potential(ens.phase, ens.beable, FREQUENCY)
    assert float(potential) == pytest.approx(FREQUENCY**2 * once, rel=ROUNDING)
    # The Lagrangian of the action: momenta times velocities less the energy.
    args = (*law_of(ens), FREQUENCY)
    p, velocity = momenta(ens), ens.phase[::-1]
    drift = phase_rate(ens.beable, ens.phase, *law_of(ens)[1:])
    action = jnp.sum(p * (velocity - drift) - p**2 / 2) - potential
    energy = alignment_energy(ens.phase, p, *args)
    assert float(action) == pytest.approx(float(jnp.sum(p * velocity) - energy))


@pytest.mark.sampled
@equation("43")
@equation("45")
def test_hamilton_equations(ens):
    p = momenta(ens)
    energy = partial(alignment_energy, ens.phase)
    velocity = jax.grad(energy)(p, *law_of(ens), FREQUENCY)
    got = phase_velocity(ens.phase, p, *law_of(ens))
    assert gap(velocity, got) < ROUNDING
    drift = phase_rate(ens.beable, ens.phase, *law_of(ens)[1:])
    assert gap(got - drift, p) < ROUNDING
    # The energy is conserved by these equations: no attraction.
    force = alignment_force(ens.phase, p, *law_of(ens), FREQUENCY)
    _, change = jax.jvp(
        lambda phase, p: alignment_energy(phase, p, *law_of(ens), FREQUENCY),
        (ens.phase, p),
        (got, force),
    )
    # Forty terms, each a product of factors of order 10.
    assert abs(float(change)) < 1e3 * ROUNDING


@pytest.mark.sampled
@equation("44")
def test_poisson_brackets(ens):
    p = momenta(ens)

    def energy(phase, p):
        return alignment_energy(phase, p, *law_of(ens), FREQUENCY)

    def phases(phase, p):
        return phase

    def momentum(phase, p):
        return p

    bracket = partial(poisson_bracket, phase=ens.phase, momentum=p)
    assert gap(bracket(phases, momentum), np.eye(len(p))) < ROUNDING
    assert gap(bracket(phases, phases), 0) < ROUNDING
    velocity = phase_velocity(ens.phase, p, *law_of(ens))
    assert gap(bracket(phases, energy), velocity) < ROUNDING
    force = alignment_force(ens.phase, p, *law_of(ens), FREQUENCY)
    assert gap(bracket(momentum, energy), force) < 1e2 * ROUNDING


@equation("46")
def test_alignment_force(ens):
    p = momenta(ens)
    args = (p, *law_of(ens), FREQUENCY)
    expected = -jax.grad(alignment_energy)(ens.phase, *args)
    force = alignment_force(ens.phase, *args)
    assert gap(force, expected) < 1e2 * ROUNDING
    printed = alignment_force(ens.phase, *args, printed=True)
    assert gap(printed, expected) > REFUTED


def nearly_aligned(ens, size):
    offset = np.random.default_rng(11).normal(size=ens.beable.shape[0])
    return ens.aligned + size * jnp.asarray(offset)


@pytest.mark.sampled
@equation("47")
@equation("49")
def test_small_differences(ens):
    size = 1e-4
    phase, still = nearly_aligned(ens, size), jnp.zeros_like(ens.phase)
    zero = (jnp.zeros_like(ens.omega), jnp.zeros_like(ens.R), jnp.zeros_like(ens.R))
    args = (still, ens.beable, *zero, FREQUENCY)
    force = alignment_force(phase, *args)
    energy = float(alignment_energy(phase, *args))
    scale = float(jnp.max(jnp.abs(force)))
    # Next order of the sine: relative error of the square of differences of 5 size.
    order = 40 * size**2 + ROUNDING / size
    small = partial(small_force, phase, ens.beable, FREQUENCY)
    assert gap(small(), force) < order * scale
    assert gap(2 * small(printed=True), force) < order * scale
    assert gap(small(printed=True), force) > 0.4 * scale
    quadratic = partial(small_energy, phase, still, ens.beable, FREQUENCY)
    assert float(quadratic()) == pytest.approx(energy, rel=order)
    assert 2 * float(quadratic(printed=True)) == pytest.approx(energy, rel=order)
    # Squared frequencies, those of the means apart: 2 f² n_a, not f² n_a.
    potential = partial(alignment_potential, beable=ens.beable, f=FREQUENCY)
    squares = np.linalg.eigvalsh(jax.hessian(potential)(ens.aligned))
    n = np.asarray(ens.occupation).astype(int)
    expected = np.concatenate([np.zeros(n.size), *map(np.full, n - 1, 2.0 * n)])
    assert gap(squares, np.sort(FREQUENCY**2 * expected)) < 1e3 * ROUNDING


@equation("48")
def test_class_mean_phase(ens):
    mean = class_mean_phase(ens.phase, ens.beable)
    phase, beable = np.asarray(ens.phase), np.asarray(ens.beable)
    expected = [phase[beable == a].mean() for a in beable]
    assert gap(mean, expected) < ROUNDING


@equation("50")
def test_phases_oscillate_about_the_minimum(rk4):
    n, f = 12, FREQUENCY
    beable = jnp.zeros(n, dtype=int)
    start = 1e-4 * jnp.asarray(np.random.default_rng(3).normal(size=n))
    zero = (jnp.zeros(1), jnp.zeros((1, 1)), jnp.zeros((1, 1)))
    at_rest = jnp.zeros(n)
    mean = class_mean_phase(start, beable)
    assert gap(alignment_potential(mean, beable, f), 0) < ROUNDING
    assert gap(small_force(mean, beable, f), 0) < ROUNDING

    def field(state):
        phase, p = state
        return (
            phase_velocity(phase, p, beable, *zero),
            alignment_force(phase, p, beable, *zero, f),
        )

    period = 2 * np.pi / (f * np.sqrt(2 * n))
    num_steps = 400
    phase, _ = rk4(field, (start, at_rest), period / num_steps, num_steps)
    variance = np.var(phase, axis=1) / np.var(start)
    # RK4: 2 pi (2 pi / 400)^4 / 120 per period; amplitude: squares of 1e-4.
    t = period * np.arange(1, num_steps + 1) / num_steps
    assert gap(variance, np.cos(f * np.sqrt(2 * n) * t) ** 2) < 1e-6
    assert gap(variance, np.cos(f * np.sqrt(n) * t) ** 2) > 0.5  # as printed
    # Back to the start after half a period, on average half way: nothing is driven.
    assert variance[199] == pytest.approx(1, abs=1e-6)
    assert np.mean(variance) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.sampled
@equation("51")
@equation("52")
@equation("53")
def test_aligned_solution(ens):
    phase, p = ens.aligned, momenta(ens)
    law = law_of(ens)
    force = alignment_force(phase, p, *law, FREQUENCY)
    drift = drift_force(phase, p, *law)
    assert gap(force, drift) < ROUNDING
    A = jax.jacfwd(lambda q: phase_rate(law[0], q, *law[1:]))(phase)
    assert gap(drift, -A.T @ p) < ROUNDING
    assert gap(drift, 0) > REFUTED
    # At rest the whole force vanishes and the phases follow the quantum law.
    still = jnp.zeros_like(p)
    rest = alignment_force(phase, still, *law, FREQUENCY)
    assert gap(rest, 0) < ROUNDING
    velocity = phase_velocity(phase, still, *law)
    assert gap(velocity, ens.quantum_rates()[1][ens.beable]) < ROUNDING
    # Unaligned phases do not stay at rest.
    rest = alignment_force(ens.phase, still, *law, FREQUENCY)
    assert gap(rest, 0) > REFUTED


@equation("54")
def test_lagrangian_of_alignment(ens):
    args = (*law_of(ens), FREQUENCY)
    velocity = momenta(ens)
    lagrangian = alignment_lagrangian(ens.phase, velocity, *args)
    drift = phase_rate(ens.beable, ens.phase, *law_of(ens)[1:])
    p = velocity - drift
    energy = alignment_energy(ens.phase, p, *args)
    # Sums of 40² terms of order 1.
    assert abs(float(jnp.sum(p * velocity) - energy - lagrangian)) < 1e3 * ROUNDING
    z = jnp.exp(1j * ens.phase)
    circle = alignment_lagrangian_circle(z, 1j * velocity * z, *args)
    assert abs(float(circle - lagrangian)) < 1e3 * ROUNDING
    wrong = alignment_lagrangian_circle(z, -1j * velocity * z, *args)
    assert abs(float(wrong - lagrangian)) > REFUTED


@equation("claim-modulo-pi")
def test_potential_is_blind_to_pi(ens):
    phase = ens.aligned
    shifted = phase.at[0].add(jnp.pi)
    half = phase.at[0].add(jnp.pi / 2)
    potential = partial(alignment_potential, beable=ens.beable, f=FREQUENCY)
    assert abs(float(potential(shifted))) < ROUNDING
    assert float(potential(half)) > REFUTED
    # Yet such an ensemble is not aligned: its class pulls less on the others.
    turn = partial(phase_rate, ens.beable)
    law = law_of(ens)[1:]
    assert gap(turn(shifted, *law), turn(phase, *law)) > 0.01


@equation("claim-phase-only")
def test_full_turns_change_nothing(ens):
    p, args = momenta(ens), (*law_of(ens), FREQUENCY)
    turned = ens.phase.at[2].add(2 * jnp.pi)
    for function in (alignment_energy, alignment_force):
        here = function(ens.phase, p, *args)
        assert gap(function(turned, p, *args), here) < 1e2 * ROUNDING
        half = function(ens.phase.at[2].add(jnp.pi), p, *args)
        assert gap(half, here) > 1e-3
    rate = copy_rate(ens.beable, ens.phase, ens.R, ens.delta)
    again = copy_rate(ens.beable, turned, ens.R, ens.delta)
    assert gap(rate, again) < ROUNDING
