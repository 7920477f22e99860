"""Laws for densities and phases at any powers, and time reversal."""

from functools import partial

import jax.numpy as jnp
import numpy as np

from . import classes
from .angular import copy_angular, copy_series, phase_angular, phase_series
from .conftest import REFUTED, ROUNDING, equation, gap
from .links import positive_sine
from .quantum_point import hamiltonian, quantum_density_rate


@equation("20")
def test_density_law_for_any_power(ens):
    rho, x = np.asarray(ens.density), np.asarray(ens.difference + ens.delta)
    angular = copy_angular(ens.difference, ens.R, ens.delta)
    M = len(rho)
    for q in (0.5, 0.3, 0.8):
        flow = np.zeros((M, M))
        for a in range(M):
            for b in range(M):
                copying = 2 * ens.R[a, b] * max(np.sin(x[a, b]), 0)
                flow[a, b] = (rho[a] / rho[b]) ** q * rho[b] * copying
        expected = np.sum(flow - flow.T, axis=1)
        total = classes.density_rate(ens.density, angular, q)
        assert gap(total, expected) < ROUNDING
        assert abs(float(jnp.sum(total))) < ROUNDING
    assert gap(total, ens.quantum_rates()[0]) > 1e-3  # q = 0.8 is another law


@equation("21")
@equation("claim-time-reversal")
def test_time_reversal_fixes_q_but_not_r(ens):
    def density_rate(sign, q):
        angular = copy_angular(sign * ens.difference, ens.R, sign * ens.delta)
        return classes.density_rate(ens.density, angular, q)

    def phase_rate(sign, r):
        angular = phase_angular(sign * ens.difference, ens.R, sign * ens.delta)
        return classes.class_phase_rate(ens.density, angular, ens.omega, r)

    assert gap(density_rate(1, 0.5), -density_rate(-1, 0.5)) < ROUNDING
    # (rho_a/rho_b)^(1/2 - q) differs from 1 by 4 to 50 % between these classes.
    for q in (-0.5, 0.0, 0.3, 0.45, 0.55, 0.7, 1.0, 1.5):
        assert gap(density_rate(1, q), -density_rate(-1, q)) > 0.01
    for r in (-0.5, -0.8, 0.2):
        assert gap(phase_rate(1, r), phase_rate(-1, r)) < ROUNDING


@equation("22")
def test_symmetry_of_the_copy_angular(ens):
    angle = jnp.full_like(ens.R, 0.7)
    here = copy_angular(angle, ens.R, ens.delta)
    there = copy_angular(angle, ens.R, -ens.delta)
    assert gap(here.T, there) < ROUNDING
    assert gap(here.T, here) > REFUTED
    real = jnp.pi * (jnp.sign(ens.delta) + jnp.tril(jnp.ones_like(ens.R), -1)) / 2
    real = jnp.where(real > 0, jnp.pi, 0.0)
    symmetric = copy_angular(angle, ens.R, jnp.maximum(real, real.T))
    assert gap(symmetric.T, symmetric) < ROUNDING


@equation("23")
def test_reversible_density_law(ens):
    angular = copy_angular(ens.difference, ens.R, ens.delta)
    total = classes.reversible_density_rate(ens.density, angular)
    assert gap(total, ens.quantum_rates()[0]) < ROUNDING
    assert gap(total, classes.density_rate(ens.density, angular, 0.5)) < ROUNDING
    assert gap(total, classes.density_rate(ens.density, angular, 0.8)) > 1e-3


@equation("24")
def test_symmetry_of_the_phase_angular(ens):
    angle = jnp.full_like(ens.R, 0.7)
    here = phase_angular(angle, ens.R, ens.delta)
    assert gap(here, phase_angular(-angle, ens.R, -ens.delta)) < ROUNDING
    assert gap(here, phase_angular(-angle, ens.R, ens.delta)) > REFUTED


@equation("25")
def test_first_line_of_the_summary(ens):
    angular = copy_angular(ens.difference, ens.R, ens.delta)
    factor = classes.power_law(ens.density, angular, 0.5)
    second = classes.reversible_density_rate(ens.density, angular)
    assert gap(classes.pair_density_rate(ens.density, factor), second) < ROUNDING
    printed = classes.pair_density_rate(ens.density, factor, printed=True)
    assert gap(printed, second) > REFUTED


@equation("27")
@equation("28")
def test_fourier_series(ens):
    rng = np.random.default_rng(8)
    M = ens.omega.shape[0]
    R = rng.uniform(0.3, 1, (3, M, M))
    R = R + R.transpose(0, 2, 1)
    delta = rng.uniform(-1, 1, (3, M, M))
    odd = delta - delta.transpose(0, 2, 1)
    even = delta + delta.transpose(0, 2, 1)
    angle = np.asarray(ens.difference)
    n = np.arange(3)[:, None, None]

    def collapse(shift):
        forth = copy_series(*map(jnp.asarray, (angle, R, shift)))
        sines = np.sum(R * np.sin(n * angle[None] + shift), axis=0)
        return gap(forth - forth.T, sines)

    assert collapse(odd) < ROUNDING
    assert collapse(even) > REFUTED
    series = phase_series(*map(jnp.asarray, (angle, R, odd)))
    cosines = np.sum(R * np.cos(n * angle[None] + odd), axis=0)
    assert gap(series, cosines) < ROUNDING

    # Only the first harmonic: the literal lower limit n = a drops it where a > 1.
    first = jnp.zeros((2, M, M)).at[1].set(ens.R)
    shift = jnp.stack([jnp.zeros_like(ens.delta), ens.delta])
    for series, single, factor in (
        (copy_series, copy_angular, 2),
        (phase_series, phase_angular, 1),
    ):
        expected = single(jnp.asarray(angle), ens.R, ens.delta)
        got = partial(series, jnp.asarray(angle), factor * first, shift)
        assert gap(got(), expected) < ROUNDING
        assert gap(got(printed=True), expected) > REFUTED


@equation("29")
def test_rectified_sine():
    angle = np.linspace(-7, 7, 101)
    expected = [np.sin(x) if np.sin(x) > 0 else 0 for x in angle]
    assert gap(positive_sine(jnp.asarray(angle)), expected) < ROUNDING
    assert float(positive_sine(jnp.asarray(-jnp.pi / 2))) == 0


@equation("30")
@equation("31")
def test_shifts_must_be_antisymmetric(ens):
    even = jnp.triu(ens.delta) + jnp.triu(ens.delta).T

    def defects(delta):
        H = hamiltonian(ens.omega, ens.R, delta)
        rate = quantum_density_rate(ens.density, ens.class_phase, ens.R, delta)
        angular = copy_angular(ens.difference, ens.R, delta)
        collapse = classes.reversible_density_rate(ens.density, angular) - rate
        return gap(H, H.conj().T), abs(float(jnp.sum(rate))), gap(collapse, 0)

    assert max(defects(ens.delta)) < ROUNDING
    # The sum over classes has terms of both signs: ten decades above rounding.
    assert min(defects(even)) > 0.01
    U = phase_angular(ens.difference, ens.R, ens.delta)
    V = phase_angular(ens.difference, ens.R, even)
    assert gap(U, U.T) < ROUNDING
    assert gap(V, V.T) > REFUTED
