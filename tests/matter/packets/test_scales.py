"""The times of a packet: return, collapse and revival, spreading, Ehrenfest."""

import math

import numpy as np
import pytest
from _support.returns import kerr_amplitude, observed_recurrence, torus_recurrence

from jqd.readings.time_scales import (
    doubling_time,
    ehrenfest_time,
    localization_times,
    spreading_width,
    vibrational_return,
)

HBAR_SI, ARGON = 1.054571817e-34, 6.6335e-26


def chain(N):
    """Frequencies of N atoms between fixed walls, K = m = 1."""
    return 2 * np.sin(np.arange(1, N + 1) * np.pi / 2 / (N + 1))


@pytest.mark.equation("thermalization", "claim-A10")
@pytest.mark.parametrize(("N", "expected"), [(2, 11.7), (3, 44.6)])
def test_vibrations_return(key, N, expected):
    """F > 1/2 at |α_k| = 1: counted over a long time, and from the torus."""
    seen = observed_recurrence(chain(N), np.ones(N), 1e5 if N == 3 else 5e4)
    theory = torus_recurrence(chain(N), np.ones(N), key, samples=16_384)
    assert float(seen.time) == pytest.approx(expected, rel=0.03)
    assert float(theory.time) == pytest.approx(expected, rel=0.03)
    assert float(theory.error) < 0.01 * expected


@pytest.mark.slow
def test_one_mode_returns_every_period(key):
    """In one dimension the surface is two points, 1/T = ω/2π."""
    theory = torus_recurrence(np.array([1.7]), np.ones(1), key, samples=64)
    assert float(theory.time) == pytest.approx(2 * np.pi / 1.7, rel=1e-12)


@pytest.mark.slow
def test_commensurate_modes_return_sooner(key):
    """N = 5, ω₅ = ω₁ + ω₃: 346, not the torus's 1.3e3."""
    omega = chain(5)
    assert omega[4] == pytest.approx(omega[0] + omega[2])
    seen = observed_recurrence(omega, np.ones(5), 1.5e5)
    theory = torus_recurrence(omega, np.ones(5), key, samples=16_384)
    # 430 returns: 5 % each, three of these
    assert float(seen.time) == pytest.approx(346, rel=0.15)
    assert float(theory.time) > 2.5 * float(seen.time)


def test_return_is_the_overlap_of_coherent_states():
    """Σ over number states of |α|^2n e^(-|α|²) e^(-inωt) / n!, two modes."""
    t, omega, alpha = 0.9, np.array([1.0, 1.7]), np.array([0.8, 1.1j])
    n = np.arange(60)
    factorial = np.array([math.factorial(int(k)) for k in n], float)
    weight = np.abs(alpha)[:, None] ** (2 * n) / factorial
    weight *= np.exp(-(np.abs(alpha) ** 2))[:, None]
    overlap = np.prod(np.sum(weight * np.exp(-1j * n * omega[:, None] * t), axis=1))
    value = vibrational_return(t, omega, alpha)
    assert float(value) == pytest.approx(abs(overlap) ** 2, rel=1e-12)


@pytest.mark.equation("thermalization", "claim-A10-localisation")
def test_kerr_collapse_and_revival():
    """Against number states, to 1e-8; down by e^(-1/2) at 1/(2χ|α|)."""
    chi, alpha = 0.01, 3.0
    n = np.arange(80)
    log = n * np.log(alpha**2) - alpha**2 - [math.lgamma(k + 1) for k in n]
    amplitude = np.exp(np.array(log) / 2)
    times = localization_times(alpha, chi)
    for t in (5.0, float(times.collapse), 100.0, float(times.revival)):
        c = amplitude * np.exp(-1j * chi * n * (n - 1) * t)
        lowered = abs(np.sum(np.conj(c[:-1]) * c[1:] * np.sqrt(n[1:])))
        assert float(kerr_amplitude(t, alpha, chi)) == pytest.approx(lowered, abs=1e-8)
    # 1 - cos x = x²/2 - x⁴/24 at x = 1/3
    drop = float(kerr_amplitude(times.collapse, alpha, chi)) / alpha
    assert drop == pytest.approx(np.exp(-0.5), rel=5e-3)
    assert float(kerr_amplitude(times.revival, alpha, chi)) == pytest.approx(3)


@pytest.mark.equation("thermalization", "claim-A10-classicality")
@pytest.mark.parametrize(
    ("atoms", "expected"), [(1, 2.179e-13), (1e12, 0.2179), (1e20, 2.179e7)]
)
def test_spreading_of_argon(atoms, expected):
    """σ₀ = 0.1 Å, SI units."""
    t = doubling_time(1e-11, atoms * ARGON, HBAR_SI)
    assert float(t) == pytest.approx(expected, rel=1e-4)
    width = spreading_width(t, 1e-11, atoms * ARGON, HBAR_SI)
    assert float(width) == pytest.approx(2e-11, rel=1e-12)


def test_orientation():
    """A plate, I = Ma²/6, with σ₀ at its edge: 6 times sooner."""
    M, side, width = 3.0, 10.0, 0.1
    place = float(doubling_time(width, M))
    turn = float(doubling_time(width / side, M * side**2 / 6))
    assert place / turn == pytest.approx(6)


@pytest.mark.equation("thermalization", "claim-A10-ehrenfest")
def test_ehrenfest_time():
    t = float(ehrenfest_time(0.01, 0.1, 0.92))
    assert t == pytest.approx(np.log(10) / 0.92)
    # 1e4 times smaller ħ: 100 times narrower, ln(1e4)/2λ later
    later = float(ehrenfest_time(1e-4, 0.1, 0.92))
    assert later - t == pytest.approx(np.log(1e4) / 2 / 0.92)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda key: doubling_time(1.0, -1.0), "`mass` must be positive"),
        (lambda key: localization_times(0.0, 1.0), "`amplitude` must be positive"),
        (lambda key: ehrenfest_time(1.0, 2.0, 0.0), "`rate` must be positive"),
        (
            lambda key: torus_recurrence(np.ones(2), np.array([1.0, 0.1]), key),
            r"must have \|α_k\|² above",
        ),
        (
            lambda key: vibrational_return(0.0, np.ones(2), np.ones(3)),
            "`amplitudes` must have shape",
        ),
        (
            lambda key: observed_recurrence(np.ones(1), np.ones(1), 1e-3),
            "`duration` must be longer",
        ),
    ],
)
def test_arguments_without_a_time(key, call, message):
    with pytest.raises(ValueError, match=message):
        call(key)
