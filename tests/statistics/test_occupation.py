"""Occupation curves, chemical potential, largest entropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jqd.statistics import (
    chemical_potential,
    count_information,
    entropy,
    maximum_entropy,
    occupation,
)

from ..papers.diffusion.weights import occupation_printed

E = np.linspace(0.0, 3.0, 9)
G = np.array([1, 3, 5, 2, 2, 7, 4, 1, 6.0])  # 31 places
STATISTICS = [-1.0, -0.5, 0.0, 0.5, 1.0]

POTENTIAL = jax.jit(lambda E, T, N, g: chemical_potential(E, T, N, g, G))
CURVE = jax.jit(occupation)
LARGEST = jax.jit(lambda N, U, g: maximum_entropy(E, N, U, g, G))


def test_levels_that_almost_agree_have_a_cold_state():
    """Three quarters and a quarter of two levels, ln 3 kT apart."""
    found = maximum_entropy([0.0, 1e-8, 1.0], 1.0, 2.5e-9, 0.0)
    np.testing.assert_allclose(found.occupations, [0.75, 0.25, 0], atol=1e-6)
    assert float(found.T) == pytest.approx(1e-8 / np.log(3), rel=1e-6)


def test_the_three_curves():
    x = np.array([-2.0, 0.5, 40.0, 800.0])
    np.testing.assert_allclose(CURVE(x, 1.0, 0.0, 0.0)[:3], np.exp(-x[:3]), rtol=1e-14)
    np.testing.assert_allclose(
        CURVE(x, 1.0, 0.0, -1.0)[:3], 1 / (np.exp(x[:3]) + 1), rtol=1e-14
    )
    near = np.array([1e-9, 0.3])
    np.testing.assert_allclose(
        CURVE(near, 1.0, 0.0, 1.0), 1 / np.expm1(near), rtol=1e-14
    )
    slope = jax.jit(jax.vmap(jax.grad(occupation), (0, None, None, None)))
    deep = np.array([-800.0, -2.0, 40.0, 800.0])
    n = CURVE(deep, 1.0, 0.0, -1.0)
    # dn/dE = -n (1 - n), finite where exp would overflow
    np.testing.assert_allclose(
        slope(deep, 1.0, 0.0, -1.0), -n * (1 - n), rtol=1e-12, atol=1e-300
    )


@pytest.mark.parametrize("g", STATISTICS)
@pytest.mark.parametrize("T", [0.03, 1.0, 50.0])
def test_chemical_potential_gives_the_number(g, T):
    for N in (1e-3, 5.0, 29.0):
        n = CURVE(E, T, POTENTIAL(E, T, N, g), g)
        # μ/kT is rounded: 1e-16 (E/kT up to 100) (1 + g n up to 30)
        assert float(G @ n) == pytest.approx(N, rel=1e-12)


def test_gradients_of_the_chemical_potential():
    def mu(p):
        return chemical_potential(p[:9], p[9], p[10], p[11], G)

    slope, value = jax.jit(jax.grad(mu)), jax.jit(jax.vmap(mu))
    for g in (-1.0, 0.0, 1.0):
        p = np.concatenate([E, [0.7, 8.0, g]])
        steps = 1e-5 * np.eye(12)
        difference = (value(p + steps) - value(p - steps)) / 2e-5
        # Central differences: 1e-10 times third derivatives of order one to ten.
        np.testing.assert_allclose(slope(p), difference, atol=1e-8)


def test_printed_curves_have_another_number():
    """Eqs. (46), (48), (50) as printed: 12 particles are found to be others."""
    for g in (0.0, -1.0):
        n = G @ CURVE(E, 1.0, POTENTIAL(E, 1.0, 12.0, g), g)
        assert float(n) == pytest.approx(12, rel=1e-12)
        printed = G @ occupation_printed(E, 1.0, g)
        assert abs(float(printed) - 12) > 1
    # bosons: as printed the lowest level, E = 0, holds infinitely many
    assert not np.isfinite(occupation_printed(0.0, 1.0, 1.0))
    # with μ = 0 the printed curve is right
    np.testing.assert_allclose(
        occupation_printed(1.3, 0.8, 1.0), occupation(1.3, 0.8, 0.0, 1.0), rtol=1e-15
    )


@pytest.mark.sampled
@pytest.mark.parametrize("g", [-1.0, 0.0, 1.0])
def test_largest_entropy_against_constrained_optimisation(g):
    N, U = 10.0, 11.0
    found = LARGEST(N, U, g)
    n = found.occupations
    assert float(G @ n) == pytest.approx(N, rel=1e-12)
    assert float((G * E) @ n) == pytest.approx(U, rel=1e-12)
    np.testing.assert_allclose(n, CURVE(E, found.T, found.mu, g), rtol=1e-11)
    negative = jax.jit(lambda n: -entropy(n, g, G))
    result = scipy.optimize.minimize(
        negative, np.full(9, N / G.sum()), jac=jax.jit(jax.grad(negative)),
        method="SLSQP", bounds=[(1e-9, 1 - 1e-9 if g < 0 else None)] * 9,
        constraints=[
            {"type": "eq", "fun": lambda n: G @ n - N, "jac": lambda n: G},
            {"type": "eq", "fun": lambda n: (G * E) @ n - U, "jac": lambda n: G * E},
        ],
        options={"ftol": 1e-15, "maxiter": 300},
    )  # fmt: skip
    # SLSQP stops at differences of entropy of 1e-15: occupations to its root.
    np.testing.assert_allclose(n, result.x, atol=1e-6)
    # Negative control: the curve of another statistics is no optimum.
    other = LARGEST(N, U, g + 0.2).occupations
    assert float(negative(other)) > float(negative(n)) + 1e-5


@pytest.mark.slow
def test_inverted_populations_and_gradients():
    found = LARGEST(10.0, 20.0, -1.0)
    assert float(found.T) < 0
    assert np.all(np.diff(found.occupations) > 0)
    # dS/dU = 1/kT and dS/dN = -μ/kT: Gibbs' relations, through both roots
    slope = jax.jit(
        jax.grad(lambda x: entropy(LARGEST(x[0], x[1], x[2]).occupations, x[2], G))
    )(jnp.array([10.0, 11.0, 1.0]))
    found = LARGEST(10.0, 11.0, 1.0)
    assert float(slope[1]) == pytest.approx(float(1 / found.T), rel=1e-9)
    assert float(slope[0]) == pytest.approx(float(-found.mu / found.T), rel=1e-9)


def test_out_of_range_under_a_tracer_is_nan():
    assert np.isnan(LARGEST(10.0, 40.0, 0.0).T)
    assert np.isnan(POTENTIAL(E, 1.0, 32.0, -1.0))


@pytest.mark.filterwarnings("error")
def test_cold_levels_are_empty():
    """e^(E/kT) is no number for E = 1000 kT; the occupation is, and nothing warns."""
    assert float(occupation(1000.0, 1.0, -1.0, 1.0)) == 0.0


def test_information_falls_with_the_cube_of_the_occupation():
    T, mu, g = 0.9, -0.4, 1.0
    n = CURVE(E, T, mu, g)
    slope = jax.jit(jax.vmap(jax.grad(occupation, 3), (0, None, None, None)))
    expected = np.sum(np.asarray(slope(E, T, mu, g)) ** 2 / (n * (1 + g * n)))
    assert float(count_information(n, g)) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: occupation(E, 1.0, 0.5, 1.0), "below every E"),
        (lambda: occupation(E, -1.0, -0.5, 1.0), "`T` must be positive"),
        (lambda: chemical_potential(E, 1.0, 40.0, -1.0, G), "below the 31 places"),
        (lambda: chemical_potential(E, 1.0, -4.0, 1.0), "`N` must be positive"),
        (lambda: chemical_potential(2.0, 1.0, 4.0, 1.0), "vector"),
        (lambda: maximum_entropy(E, 10.0, 40.0, 0.0), "between 0 and 30"),
        (lambda: maximum_entropy(E, 5.0, 1.0, -1.0, G), "between"),
        (lambda: maximum_entropy(np.ones(3), 5.0, 5.0, 1.0), "two different levels"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("g", [1.0, -1.0])
def test_entropy_of_thin_levels_keeps_its_digits(g):
    """Below |g n| = 1e-3, where a series takes over, and above."""
    n = np.array([1e-6, 2e-4, 9.9e-4, 1.1e-3, 0.2])
    exact = -n * np.log(n) + (1 + g * n) * np.log1p(g * n) / g
    for one, value in zip(n, exact, strict=True):
        # some roundings; the series leaves out y⁵/30 = 3e-17
        np.testing.assert_allclose(entropy(one, g), value, rtol=1e-14)
