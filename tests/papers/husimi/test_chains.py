"""Reaction 3 of section V D: a φ⁴ field on a ring, cut at second derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.readings import generators
from jqd.readings.chains import (
    chain_amplitudes,
    chain_deviation,
    chain_symbol,
    chain_total_variation,
    normal_modes,
)

from .conftest import equation, norm

MASS, COUPLING = 1.0, 0.5
Q = np.array([0.5, -0.3, 0.2])
P = np.array([-0.4, 0.2, 0.6])


def phase_point(sites, q=Q, p=P):
    return np.concatenate([q[:sites], p[:sites]])


def displaced(sites):
    """ξ of q = (1, 0, ..), p = 0."""
    return np.eye(2 * sites)[0]


def ring_deviation(sites, ts, points=None):
    points = phase_point(sites) if points is None else points
    return np.asarray(
        chain_deviation(displaced(sites), ts, points, mass=MASS, coupling=COUPLING)
    )


@equation("claim-truncated-chain")
def test_deviation_of_two_and_three_sites():
    # by quadrature of the same terms in NumPy, with another rule
    expected = [0.010742604173, 0.020999868672, 0.002611560745]
    found = ring_deviation(2, [0.5, 1.0, 2.0])
    assert np.allclose(found, expected, rtol=0, atol=1e-9)
    assert np.allclose(ring_deviation(3, [0.5]), 0.006225723373, rtol=0, atol=1e-9)


@equation("claim-truncated-chain")
def test_one_site_returns_after_half_a_period_and_two_do_not():
    root = np.sqrt(2)
    points = root * np.array([[1, -0.7], [0.3, 0.2]])
    ts, start = np.array([0.5, np.pi]), np.array([root, 0])  # α = 1
    one = np.asarray(chain_deviation(start, ts, points))
    # the integral over Fock states, done apart
    assert np.allclose(one[0], [0.048026837631, 0.363749756609], rtol=0, atol=1e-8)
    assert norm(one[1]) < 1e-12
    # half periods of the uniform mode, of frequency m
    two = ring_deviation(2, np.pi * np.arange(1, 5))
    assert np.all(np.abs(two) > 1e-4)


@pytest.mark.sampled
@pytest.mark.parametrize("sites", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_deviation_begins_with_the_orders_that_are_cut(sites):
    """d/dt at t = 0: what the law of the symbol adds to the rate of <α|ρ|α>."""
    start, point = displaced(sites), phase_point(sites)

    def deviation(t):
        return chain_deviation(start, t[None], point, mass=MASS, coupling=COUPLING)[0]

    slope = jax.grad(deviation)(jnp.zeros(()))
    symbol = chain_symbol(sites, MASS, COUPLING, 1.0)
    centre, alpha = (chain_amplitudes(xi, MASS, COUPLING) for xi in (start, point))

    @jax.jit
    def rate(alpha):
        def density(point):
            away = jnp.reshape(point, (sites,)) - centre
            return jnp.exp(-jnp.sum(jnp.abs(away) ** 2))

        return generators.complex_generator(
            symbol, density, alpha[0] if sites == 1 else alpha
        )

    # <α|H|centre> by the Wick symbol, of the centre for a and of α* for a†
    a, b = np.asarray(alpha), np.asarray(centre)
    values = [
        c * np.prod(b ** np.array(m)) * np.prod(a.conj() ** np.array(n))
        for c, m, n in symbol.to("wick").terms()
    ]
    exact = 2 * np.imag(sum(values)) * np.exp(-np.sum(np.abs(a - b) ** 2))
    gap = (rate(alpha) - exact) / np.pi**sites
    # some dozens of terms of order 1
    assert abs(slope - gap) < 1e-12
    assert abs(slope) > 1e-3


@equation("claim-truncated-chain")
def test_total_variation_is_larger_with_more_sites():
    ts, key = np.array([0.5, 2.0, 8.0]), jax.random.key(0)
    found = {}
    for sites, known in ((1, [0.65, 0.95, 0.97]), (16, [1.83, 1.81, 1.85])):
        found[sites], error = map(
            np.asarray,
            chain_total_variation(
                key, np.zeros(2 * sites), ts, mass=MASS, coupling=COUPLING, count=5000
            ),
        )
        # known to 2 %, from samples as well
        assert np.all(np.abs(found[sites] - known) < 0.02 * np.array(known) + 3 * error)
        assert np.all(error < 0.03 * found[sites])
    assert np.all(found[16] > 1.8 * found[1])


def test_deviation_is_differentiable_and_checks_its_arguments():
    start, point = displaced(4), np.linspace(-0.5, 0.5, 8)

    def total(mass, coupling):
        return chain_deviation(start, [0.7], point, mass=mass, coupling=coupling)[0]

    # frequencies of a ring come in pairs, at which eigenvectors have no derivative
    slopes = jax.grad(total, (0, 1))(1.0, 0.5)
    h = 1e-4
    by_mass = (total(1 + h, 0.5) - total(1 - h, 0.5)) / (2 * h)
    by_coupling = (total(1.0, 0.5 + h) - total(1.0, 0.5 - h)) / (2 * h)
    # h² times a third derivative of order 1
    assert np.allclose(slopes, [by_mass, by_coupling], rtol=0, atol=1e-6)
    frequencies, V = normal_modes(4, 1.0, 0.5)
    assert np.allclose(frequencies**2, [1, 2, 2, 3], rtol=1e-14)
    assert np.allclose(V.T @ V, np.eye(4), rtol=0, atol=1e-14)
    for arguments, match in (
        ({"mass": 0.0}, "Argument `mass` must be"),
        ({"coupling": -1.0}, "Argument `coupling` must not be"),
        ({"nodes": 10}, "Argument `nodes` must be at least 22"),
    ):
        with pytest.raises(ValueError, match=match):
            chain_deviation(start, [0.7], point, **arguments)
    with pytest.raises(ValueError, match="Argument `xi` must have positions"):
        chain_amplitudes(np.zeros(3), 1.0, 0.5)
    with pytest.raises(ValueError, match="Argument `points` must"):
        chain_deviation(start, [0.7], np.zeros(6))
