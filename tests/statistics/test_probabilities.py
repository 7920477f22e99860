"""P_g by enumeration: totals, the three statistics, random weights, printed forms."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
from _support.statistics import configuration_index

from jqd import total_variation
from jqd.statistics import (
    configurations,
    log_marginal,
    log_probability,
    log_rising,
    variance,
)

from ..papers.diffusion.weights import (
    log_multiplicity,
    log_terzoff_bayer,
    log_weight_average,
    log_weight_integral,
)

PROBABILITY = jax.jit(lambda n, g: jnp.exp(log_probability(n, g)))
MARGINAL = jax.jit(
    lambda n, N, M, g: jnp.exp(log_marginal(n, N, M, g)), static_argnums=(1, 2)
)
TERZOFF_BAYER = jax.jit(
    lambda n, printed: jnp.exp(log_terzoff_bayer(n, printed=printed)), static_argnums=1
)
WEIGHT_AVERAGE = jax.jit(
    lambda n, printed: jnp.exp(log_weight_average(n, printed=printed)), static_argnums=1
)
STATISTICS = [1.0, 0.0, -1.0, 0.3, 4.0, -1 / 2, -1 / 3, 1e-9]


def by_product(n, g):
    """P_g as it is written, in exact sums of logarithms."""
    N, M = sum(n), len(n)
    top = [1 + g * k for m in n for k in range(m)]
    if min(top, default=1) <= 1e-9:
        return 0.0
    logs = [math.log(x) for x in top] + [-math.log(M + g * k) for k in range(N)]
    return math.exp(math.fsum(logs) + math.log(math.factorial(N))) / math.prod(
        math.factorial(m) for m in n
    )


@pytest.mark.parametrize("g", STATISTICS)
def test_probabilities_are_the_written_products(g):
    n = configurations(5, 6)
    p = PROBABILITY(n, g)
    # Rounding of sums of a few logarithms of order one.
    np.testing.assert_allclose(p, [by_product(row, g) for row in n], rtol=1e-12)
    assert abs(float(p.sum()) - 1) < 1e-12


def test_the_three_statistics():
    """Row 15: (2, 1, 0) has 1/9 and 1/10; a filling without pairs has 1/C(M, N)."""
    p = PROBABILITY(np.array([2, 1, 0]), np.array([0.0, 1.0, -1.0]))
    np.testing.assert_allclose(p, [1 / 9, 1 / 10, 0], rtol=1e-12, atol=0)
    n = configurations(5, 6)
    bosons, fermions = PROBABILITY(n, 1.0), PROBABILITY(n, -1.0)
    np.testing.assert_allclose(bosons, 1 / len(n), rtol=1e-12)
    single = n.max(axis=1) <= 1
    np.testing.assert_allclose(fermions, single / math.comb(6, 5), rtol=1e-12)


@pytest.mark.parametrize(
    ("a", "g", "n"),
    [
        (1.0, 1.0, 40),
        (20.0, -1.0, 19),
        (1.0, -1 / 60, 50),
        (1.0, 1e-9, 50),
        (1.0, -1e-9, 50),
        (1.0, 30.0, 50),
        (1e5, 1.0, 10**6),
        (1.0, 1e-3, 10**6),
    ],
)
def test_rising_sums(a, g, n):
    exact = math.fsum(math.log(a + g * k) for k in range(n))
    # A few roundings of the largest number that is added.
    assert float(log_rising(a, g, n)) == pytest.approx(exact, rel=2e-15, abs=1e-13)


@pytest.mark.parametrize("g", [0.0, 1e-8, -1e-8, 0.4, -1 / 50])
def test_smooth_through_maxwell_boltzmann(g):
    """First and second derivative in g against their sums."""
    k = np.arange(40)
    slope = jax.jit(jax.grad(lambda g: log_rising(1.0, g, 40)))
    assert float(slope(g)) == pytest.approx(np.sum(k / (1 + g * k)), rel=1e-12)
    bend = jax.jit(jax.grad(slope))(g)
    assert float(bend) == pytest.approx(-np.sum((k / (1 + g * k)) ** 2), rel=1e-10)


def test_derivative_of_a_probability_at_zero():
    n = np.array([7, 0, 3, 1])

    def value(g):
        return log_probability(n, g)

    step = 1e-4
    # Central differences: step² times the third derivative, some 1e3.
    difference = (jax.jit(value)(step) - jax.jit(value)(-step)) / (2 * step)
    assert float(jax.jit(jax.grad(value))(0.0)) == pytest.approx(
        float(difference), abs=1e-4
    )
    batch = jax.jit(jax.vmap(value))(jnp.array([0.0, 1.0]))
    assert float(batch[0]) == pytest.approx(math.log(by_product(n, 0.0)), rel=1e-13)


def test_variance_where_all_is_full():
    """One place, one particle: certain. Two places hold no three."""
    assert float(variance(1, 1, -1)) == 0
    assert float(variance(2, 2, -1)) == 0
    assert float(variance(0, 1, -1)) == 0
    # two states of two places, one of the first filled: (N/M)(1 - 1/M)(M + gN)/(M + g)
    assert float(variance(1, 2, -0.5)) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="`N` must be at most k M where g = -1/k"):
        variance(3, [5, 2], -1.0)


def test_marginals_and_variance():
    """Row 16: var n_1 = 19.215686275 for N = 200, M = 50 bosons, 3.92 classical."""
    n = np.arange(201)
    for g, expected in ((1.0, 980 / 51), (0.0, 3.92), (-1 / 5, None)):
        p = MARGINAL(n, 200, 50, g)
        assert p.sum() == pytest.approx(1, abs=1e-12)
        found = np.sum(p * n**2) - np.sum(p * n) ** 2
        assert found == pytest.approx(float(variance(200, 50, g)), abs=1e-9)
        if expected is not None:
            assert found == pytest.approx(expected, abs=1e-9)
    rows = configurations(5, 6)
    share = np.bincount(rows[:, 0], weights=PROBABILITY(rows, 0.3), minlength=6)
    np.testing.assert_allclose(share, MARGINAL(n[:6], 5, 6, 0.3), rtol=1e-12)


def test_total_variation_of_bosons_and_classical_particles():
    """Row 16: (M - 1)/(M (M + 1)) for two particles."""
    n = configurations(2, 5)
    distance = total_variation(PROBABILITY(n, 1.0), PROBABILITY(n, 0.0))
    assert float(distance) == pytest.approx(2 / 15, abs=1e-12)
    # many states: N (N - 1)/2M, here .075, reached to a factor .875
    n = configurations(3, 40)
    # by types: three in one state, two and one, or all apart
    ways = np.array([40, 40 * 39, 40 * 39 * 38 / 6])
    one = np.zeros((3, 40), int)
    one[0, 0], one[1, :2], one[2, :3] = 3, (2, 1), 1
    p, q = (ways * PROBABILITY(one, g) for g in (1.0, 0.0))
    assert ways.sum() == len(n)
    assert float(total_variation(p, q)) == pytest.approx(0.0656, abs=5e-5)


def test_geometric_limit():
    """A state of a large system of bosons holds n with (1 - x) x^n, x = 4/5."""
    distances = []
    n = np.arange(1601)  # zero above N
    for M in (10, 100, 400):
        limit = 0.2 * 0.8**n
        distance = total_variation(MARGINAL(n, 4 * M, M, 1.0), limit)
        distances.append(float(distance))
    np.testing.assert_allclose(distances, [0.034, 0.0031, 0.00078], rtol=0.02)


def test_multiplicity_as_printed_prefers_one_state():
    """Eq. (45), text: the largest printed ΔΓ has all particles in one state."""
    n = configurations(6, 3)
    assert n[np.argmax(log_multiplicity(n))].tolist() == [2, 2, 2]
    assert sorted(n[np.argmax(log_multiplicity(n, printed=True))].tolist()) == [0, 0, 6]
    classical = log_multiplicity(n) - 6 * np.log(3)
    np.testing.assert_allclose(np.exp(classical), PROBABILITY(n, 0.0), rtol=1e-12)


def test_weight_integral():
    """Eq. (53) against quadrature."""
    for m, n, a in ((2, 1, 1.0), (0, 4, 0.7), (3, 3, 2.0)):
        exact, _ = scipy.integrate.quad(
            lambda w, m=m, n=n, a=a: w**m * (a - w) ** n, 0, a
        )
        # quad's own 1.5e-8 is far from reached for polynomials
        assert float(jnp.exp(log_weight_integral(m, n, a))) == pytest.approx(
            exact, rel=1e-12
        )


def test_average_over_weights():
    """Eq. (51), M = 3, against a double integral; printed, (M - 1)! is missing."""
    n = np.array([2, 1, 0])
    above, _ = scipy.integrate.dblquad(
        lambda w2, w1: w1**2 * w2, 0, 1, 0, lambda w1: 1 - w1
    )
    volume = 0.5
    assert float(WEIGHT_AVERAGE(n, False)) == pytest.approx(above / volume, rel=1e-12)
    assert float(WEIGHT_AVERAGE(n, False)) == pytest.approx(1 / 30, rel=1e-12)
    assert float(WEIGHT_AVERAGE(n, True)) == pytest.approx(1 / 60, rel=1e-12)


@pytest.mark.parametrize("M", [4])
def test_terzoff_bayer_is_bose_einstein(M):
    """Eq. (52): exactly (47); as printed the total is 1/(M - 1)!."""
    n = configurations(5, M)
    p = TERZOFF_BAYER(n, False)
    np.testing.assert_allclose(p, PROBABILITY(n, 1.0), rtol=1e-12)
    printed = TERZOFF_BAYER(n, True)
    assert printed.sum() == pytest.approx(1 / math.factorial(M - 1), rel=1e-12)


def test_configurations():
    n = configurations(4, 3)
    assert len(n) == math.comb(6, 4)
    assert np.all(n.sum(axis=1) == 4)
    assert len(np.unique(n, axis=0)) == len(n)
    np.testing.assert_array_equal(configuration_index(n, 4), np.arange(len(n)))
    assert configurations(0, 2).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_probability([1, 2], -0.4), "-1/k with a whole k"),
        (lambda: log_probability([1, 2], -2.0), "-1/k with a whole k"),
        (lambda: log_probability([1, 2], np.nan), "must be finite"),
        (lambda: log_probability([1, 2], np.inf), "must be finite"),
        (lambda: log_probability([1, -2], 1.0), r"but entry \[1\] is -2"),
        (lambda: log_probability([1.5, 2], 0.0), "whole numbers"),
        (lambda: log_probability([-1, 2], 0.0), "whole numbers"),
        (lambda: log_probability(3, 0.0), "last axis"),
        (lambda: log_marginal([0], 5, 4, -1.0), "at most 4"),
        (lambda: log_marginal([0], 5, 1, 0.0), "at least 2"),
        (lambda: configurations(2.5, 3), "whole number"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
