"""A classical cloud: paths and density, against closed forms and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.liouville import liouville_density, newton_paths
from scipy.integrate import solve_ivp

TS = jnp.array([0.0, 0.5, 1.2, 2.0, 3.0])
X = jnp.linspace(-1.5, 1.5, 1201)[:-1] + 1 / 800


def well(k, g):
    """k x²/2 + g x⁴/4: constants, so that one compilation serves all."""
    return lambda x: k * x**2 / 2 + g * x**4 / 4


@jax.jit
def paths_of(starts, k, g, velocity, mass):
    return newton_paths(starts, TS, well(k, g), velocity=velocity, mass=mass)


@jax.jit
def density_of(k, g, width, momentum):
    options = {"center": 1.0, "width": width, "momentum": momentum, "labels": 512}
    return liouville_density(X, TS, well(k, g), **options)


def normal(x, mean, width):
    return np.exp(-(((x - mean) / width) ** 2) / 2) / (np.sqrt(2 * np.pi) * width)


@pytest.mark.slow
def test_paths_equal_scipy():
    """x⁴/4, m = 1.3, against DOP853; the stretch against the derivative by JAX."""
    starts, mass, velocity = np.array([0.2, 1.0, 2.0]), 1.3, -0.4
    constants = (0.0, 1.0, velocity, mass)
    paths = paths_of(jnp.asarray(starts), *constants)

    def field(t, y):
        del t
        return [y[1], -(y[0] ** 3) / mass]

    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12, "t_eval": TS}
    for k, start in enumerate(starts):
        position, speed = solve_ivp(field, (0, 3), [start, velocity], **options).y
        # both at 1e-12 a step, some hundred steps
        np.testing.assert_allclose(paths.position[:, k], position, atol=1e-9)
        np.testing.assert_allclose(paths.velocity[:, k], speed, atol=1e-9)
        energy = mass * paths.velocity[:, k] ** 2 / 2 + paths.position[:, k] ** 4 / 4
        np.testing.assert_allclose(energy, energy[0], rtol=1e-10)
    one = (jnp.ones(3),)
    move = jax.jit(lambda a: jax.jvp(lambda a: paths_of(a, *constants), (a,), one)[1])
    slopes = move(jnp.asarray(starts)).position
    # the steps follow the paths alone: derivatives are good to some 1e-10
    np.testing.assert_allclose(paths.stretch, slopes, atol=1e-8)


def test_density_in_a_harmonic_well():
    """ρ₀(x / cos t) / cos t, also behind the caustic at π/2."""
    got = density_of(1.0, 0.0, 0.5, 0.6)
    mean, width = np.cos(TS) + 0.6 * np.sin(TS), 0.5 * abs(np.cos(TS))
    expected = normal(np.asarray(X)[None, :], mean[:, None], width[:, None])
    # paths are linear in their starts: the spline is exact, the integration to 1e-11
    np.testing.assert_allclose(got, expected, atol=1e-8)
    # The momentum's sign matters.
    wrong = density_of(1.0, 0.0, 0.5, -0.6)
    assert float(jnp.max(jnp.abs(wrong[1] - got[1]))) > 0.1


def test_density_where_paths_cross():
    """x⁴/4: the cloud folds; its mass in cells is that of the paths which are there."""
    density = np.asarray(density_of(0.0, 1.0, 0.3, 0.0))
    labels = jnp.asarray(1.0 + 0.3 * np.linspace(-5, 5, 2001))
    there = np.asarray(paths_of(labels, 0.0, 1.0, 0.0, 1.0).position)
    weight = normal(np.asarray(labels), 1.0, 0.3) * float(labels[1] - labels[0])
    # cells of 1/4, 100 positions each; at first paths are 1.5e-3 apart, 4/3 dense
    for k, tolerance in ((0, 4e-3), (3, 0.02)):
        mass = density[k].reshape(-1, 100).mean(axis=1) / 4
        cells = np.linspace(-1.5, 1.5, 13)
        expected = np.histogram(there[k], cells, weights=weight)[0]
        # A fold is an infinity like c / √distance, of c some 0.2, summed on steps of
        # 1/400: it is off by 0.2 √(1/400) = 0.01.
        np.testing.assert_allclose(mass, expected, atol=tolerance)
    turns = np.sign(np.diff(there[3]))
    assert np.any(turns > 0)
    assert np.any(turns < 0)


def test_a_momentum_is_mass_times_velocity():
    """A well of ω² = k/m from t = 0.4: the density, m = 2, p = 0.6."""
    ts, mass, omega = jnp.array([0.4, 0.9, 1.6]), 2.0, np.sqrt(1.5 / 2)
    start = {"center": 1.0, "width": 0.5, "momentum": 0.6, "mass": mass, "labels": 64}

    density = jax.jit(lambda k: liouville_density(X[::50], ts, well(k, 0.0), **start))(
        1.5
    )
    angle = omega * (np.asarray(ts) - 0.4)
    mean = np.cos(angle) + 0.6 / (mass * omega) * np.sin(angle)
    width = 0.5 * abs(np.cos(angle))
    expected = normal(np.asarray(X[::50])[None, :], mean[:, None], width[:, None])
    # paths are linear in their starts: the spline is exact, the integration to 1e-11
    np.testing.assert_allclose(density, expected, atol=1e-8)
