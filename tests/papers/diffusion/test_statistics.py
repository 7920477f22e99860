"""Section 4 of the diffusion paper: statistics of many particles."""

import collections
import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import scipy.integrate
import scipy.special
import scipy.stats
from _support.statistics import configuration_index
from jaxtyping import Array, ArrayLike, Complex

from jqd import statistics, total_variation
from jqd.readings import fields, observables
from jqd.spaces import Grid

from . import weights
from .conftest import close, equation

N, M = 4, 4
CONFIGURATIONS = statistics.configurations(N, M)
# Sums of a few logarithms of order one.
ROUNDING = 1e-12
# What a wrong factor leaves.
REFUTED = 0.05


def antisymmetric_amplitude(
    orbitals: Complex[ArrayLike, "N M"],
) -> Complex[Array, "..."]:
    """The amplitude of N particles in N orbitals that changes sign under exchange.

    ψ(a₁, .., a_N) = Σ_P sign(P) φ_P1(a₁) .. φ_PN(a_N)/√N!

    Args:
        orbitals: φ_i at the M states, orthonormal rows; N of a few.

    Returns:
        ψ for every N-tuple of states, shape (M,) N times.

    Source: Zakir, section 4.2, about eq. (54).
    """
    orbitals = jnp.asarray(orbitals)
    count, states = orbitals.shape
    total = jnp.zeros((states,) * count, orbitals.dtype)
    for order in itertools.permutations(range(count)):
        sign = np.linalg.det(np.eye(count)[list(order)])
        term = jnp.asarray(round(float(sign)), orbitals.dtype)
        for i in order:
            term = term[..., None] * orbitals[i].reshape((1,) * term.ndim + (-1,))
        total = total + term
    return total / math.sqrt(math.factorial(count))


@functools.cache
def probabilities():
    @jax.jit
    def of(g):
        return jnp.exp(statistics.log_probability(CONFIGURATIONS, g))

    return of


def placements(states, particles):
    """How often each filling occurs among all ways to place distinct particles."""
    counts = collections.Counter()
    for places in itertools.product(range(states), repeat=particles):
        counts[tuple(np.bincount(places, minlength=states))] += 1
    return counts


@equation("45")
@equation("claim-ways")
def test_classical_statistics():
    counts = placements(M, N)
    expected = [counts[tuple(row)] / M**N for row in CONFIGURATIONS]
    found = probabilities()(statistics.MAXWELL_BOLTZMANN)
    assert close(found, expected)
    # The weight is the number of placements, M^N times P, and not 1/P.
    rows = statistics.configurations(6, 3)
    of = jax.jit(weights.log_multiplicity, static_argnames="printed")
    ways, printed = of(rows), of(rows, printed=True)
    six = placements(3, 6)
    assert np.allclose(np.exp(ways), [six[tuple(row)] for row in rows], rtol=1e-12)
    assert np.allclose(ways + printed, 6 * np.log(3), rtol=1e-12)
    # its largest entropy is that of even numbers; as printed, of all in one state
    assert rows[np.argmax(ways)].tolist() == [2, 2, 2]
    assert sorted(rows[np.argmax(printed)].tolist()) == [0, 0, 6]


@equation("47")
@equation("49")
def test_quantum_statistics_count_fillings():
    bosons = probabilities()(statistics.BOSE_EINSTEIN)
    number = len(set(itertools.combinations_with_replacement(range(M), N)))
    assert number == len(CONFIGURATIONS) == 35
    assert close(bosons, 1 / number)
    fewer = statistics.configurations(2, M)
    single = fewer.max(axis=1) <= 1
    number = len(list(itertools.combinations(range(M), 2)))
    of = jax.jit(lambda g: jnp.exp(statistics.log_probability(fewer, g)))
    assert close(of(statistics.FERMI_DIRAC), single / number)


LEVELS = np.array([0.0, 0.4, 0.7, 1.5, 2.2])
WEIGHTS = {
    0.0: lambda n: 1 / scipy.special.factorial(n),
    1.0: np.ones_like,
    -1.0: lambda n: (n <= 1).astype(float),
}


@equation("46")
@equation("48")
@equation("50")
def test_occupations_need_a_chemical_potential():
    @jax.jit
    def found(g):
        mu = statistics.chemical_potential(LEVELS, 0.8, 3.0, g)
        right = statistics.occupation(LEVELS, 0.8, mu, g)
        return mu, right, weights.occupation_printed(LEVELS + 0.1, 0.8, g)

    n = np.arange(400.0)
    for g, weight in WEIGHTS.items():
        mu, right, printed = found(g)
        # the mean of n with the weights of the statistics, added up
        factor = np.exp(-n[None, :] * (LEVELS - mu)[:, None] / 0.8)
        powers = weight(n)[None, :] * factor
        assert close(right, (powers @ n) / powers.sum(axis=1), 1e-10)
        assert close(np.sum(right), 3.0, 1e-10)
        # as printed no number of particles can be chosen
        factor = np.exp(-n[None, :] * (LEVELS + 0.1)[:, None] / 0.8)
        powers = weight(n)[None, :] * factor
        assert close(printed, (powers @ n) / powers.sum(axis=1), 1e-5)
        assert abs(np.sum(printed) - 3.0) > REFUTED


@equation("claim-maximum-entropy")
def test_entropy_is_that_of_levels_with_many_states():
    """Counting alone prefers nothing: every filling has the same number of ways, 1."""
    bosons = probabilities()(statistics.BOSE_EINSTEIN)
    assert np.ptp(np.asarray(bosons)) < ROUNDING
    G, U = 1e7, 1.1
    equilibrium = jax.jit(lambda g: statistics.maximum_entropy(LEVELS, 2.0, U, g))
    for g in (1.0, -1.0):
        n, T, mu = map(np.asarray, equilibrium(g))
        assert close([np.sum(n), np.sum(n * LEVELS)], [2.0, U], 1e-9)
        # ways to fill G states with nG particles: binomials, and their slopes
        digamma = scipy.special.digamma
        if g > 0:
            slope = digamma(G * (1 + n)) - digamma(G * n + 1)
        else:
            slope = digamma(G * (1 - n) + 1) - digamma(G * n + 1)
        assert close(slope, (LEVELS - mu) / T, 1e-5)  # 1/Gn


def simplex(f, points=24):
    """∫∫ f(w1, w2, 1 - w1 - w2) over the triangle, by Gauss and Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    a, wa = (nodes + 1) / 2, weights / 2
    w1, w2 = a[:, None] + 0 * a[None, :], (1 - a)[:, None] * a[None, :]
    measure = wa[:, None] * wa[None, :] * (1 - a)[:, None]
    return np.sum(measure * f(w1, w2, 1 - w1 - w2))


@equation("51")
def test_average_over_weights():
    volume = simplex(lambda *w: np.ones_like(w[0]))
    assert np.isclose(volume, 1 / 2, rtol=1e-13)  # in print it is left out
    for n in ((2, 1, 0), (0, 3, 1)):
        moment = simplex(lambda *w, n=n: w[0] ** n[0] * w[1] ** n[1] * w[2] ** n[2])
        mean = np.exp(weights.log_weight_average(np.array(n)))
        assert np.isclose(mean, moment / volume, rtol=1e-12)
        printed = np.exp(weights.log_weight_average(np.array(n), printed=True))
        assert np.isclose(printed, moment, rtol=1e-12)


@equation("52")
def test_shared_weights_give_bose_einstein_statistics():
    @functools.partial(jax.jit, static_argnums=0)
    def of(printed):
        return jnp.exp(weights.log_terzoff_bayer(CONFIGURATIONS, printed=printed))

    right, printed = of(False), of(True)
    # (47), which does not depend on the filling
    factorials = [math.factorial(n) for n in (N, M - 1, N + M - 1)]
    assert close(right, factorials[0] * factorials[1] / factorials[2])
    assert close(np.sum(right), 1)
    assert close(np.sum(printed), 1 / 6)  # 1/(M - 1)!


@equation("53")
@equation("claim-limits")
def test_integrals_of_the_recursion():
    for m, n, a in ((2, 3, 1.0), (0, 4, 0.7), (5, 1, 1.6)):
        exact, _ = scipy.integrate.quad(lambda w: w**m * (a - w) ** n, 0, a)  # noqa: B023
        found = np.exp(weights.log_weight_integral(m, n, a))
        assert np.isclose(found, exact, rtol=1e-12)
    # With two states w2 = 1 - w1; limits from 0 to 1 - w1 belong to three.
    two = np.exp(weights.log_weight_average(np.array([2, 1])))
    line, _ = scipy.integrate.quad(lambda w: w**2 * (1 - w), 0, 1)
    assert np.isclose(two, line, rtol=1e-12)
    triangle = simplex(lambda *w: w[0] ** 2 * w[1]) / simplex(lambda *w: w[0] ** 0)
    assert abs(triangle - line) > 0.4 * line
    three = np.exp(weights.log_weight_average(np.array([2, 1, 0])))
    assert np.isclose(three, triangle, rtol=1e-12)


@equation("claim-each-particle")
@equation("claim-A-indistinguishable")
def test_weights_of_its_own_for_each_particle_change_nothing():
    rows = statistics.configurations(3, 3)
    draws = 1500
    counts = placements(3, 3)
    classical = np.array([counts[tuple(row)] / 27 for row in rows])
    bose = np.full(10, 1 / 10)

    @jax.jit
    def drawn(key):
        return statistics.sample_occupations(key, 3, 3, 1.0, (draws,), shared=False)

    seen = np.asarray(drawn(jax.random.key(5)))
    found = np.bincount(configuration_index(seen, 3), minlength=10) / draws
    # χ² with 9 degrees of freedom stays below 28 in all but a thousandth
    assert draws * np.sum((found - classical) ** 2 / classical) < 28
    assert draws * np.sum((found - bose) ** 2 / bose) > 100
    # exactly: the mean weight of a state is 1/M, and particles are independent
    mean = np.exp(weights.log_weight_average(np.array([1, 0, 0])))
    assert np.isclose(mean, 1 / 3, rtol=1e-12)


@equation("claim-dilute")
def test_few_particles_in_a_state_do_not_make_them_independent():
    """Two particles in a hundred states each: N/M is small, N²/M is not."""
    single = np.zeros((2, 5000))
    single[:, :100] = 1

    @jax.jit
    def measure(g):
        return (
            statistics.log_probability(single[0], g),
            jnp.exp(statistics.log_marginal(jnp.arange(5.0), 100, 5000, g)),
        )

    places = math.lgamma(5001) - math.lgamma(101) - math.lgamma(4901)
    logs, marginals = zip(*(measure(g) for g in (0.0, 1.0)), strict=True)
    apart = np.exp(np.array(logs) + places)
    k = np.arange(100)
    exact = [np.prod(1 - k / 5000), np.prod((5000 - k) / (5099 - k))]
    assert np.allclose(apart, exact, rtol=1e-8)  # differences of logarithms near 1e3
    # chances that nobody shares a state: exp(-N²/2M) and exp(-N²/M), nearly
    assert close(apart, [0.37, 0.14], 5e-3)
    # while one state alone is much the same
    binomial = scipy.stats.binom.pmf(np.arange(5), 100, 1 / 5000)
    assert np.allclose(marginals[0], binomial, rtol=1e-9)
    rest = [math.comb(5098 - k, 4998) / math.comb(5099, 4999) for k in range(5)]
    assert np.allclose(marginals[1], rest, rtol=1e-9)
    assert np.sum(np.abs(marginals[0] - marginals[1])) / 2 < 1e-3
    # N = 2: how far the two statistics are apart
    pairs = statistics.configurations(2, 5)
    of = jax.jit(lambda g: jnp.exp(statistics.log_probability(pairs, g)))
    gap = total_variation(of(0.0), of(1.0))
    assert np.isclose(gap, 4 / 30, rtol=1e-12)  # (M - 1)/M(M + 1)


@equation("54")
def test_a_sign_is_not_enough_for_a_current():
    grid, hbar = Grid((-8.0, 8.0), 64), 0.7
    x = np.asarray(grid.x)
    density = np.exp(-(x**2))
    # S = 0 and S = πħ: the two signs
    signs = observables.amplitude(density, np.pi * hbar * (x > 0.6), hbar)
    assert close(signs, np.exp(-(x**2) / 2) * np.where(x > 0.6, -1, 1))
    # a current needs a phase between them
    moving = observables.amplitude(density, 0.5 * x, hbar)
    assert close(np.abs(moving), np.exp(-(x**2) / 2))
    none, some = (
        fields.current(psi, grid, hbar=hbar, mass=1.3)[0] for psi in (signs, moving)
    )
    assert close(none, 0)
    assert close(some, density * 0.5 / 1.3, 1e-11)  # FFTs


@equation("claim-pauli")
def test_antisymmetric_amplitudes():
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(5, 5)) + 1j * rng.normal(size=(5, 5))
    orbitals = np.linalg.qr(matrix)[0][:3]
    triples = list(itertools.combinations(range(5), 3))
    several = np.stack([orbitals, *(np.eye(5)[list(three)] for three in triples)])
    psi, *basis = np.asarray(jax.jit(jax.vmap(antisymmetric_amplitude))(several))
    assert close(np.sum(np.abs(psi) ** 2), 1)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert close(np.swapaxes(psi, i, j), -psi)
    # minors, and nothing where two particles coincide
    for places in itertools.product(range(5), repeat=3):
        minor = np.linalg.det(orbitals[:, places]) / math.sqrt(6)
        assert close(psi[places], minor)
        if len(set(places)) < 3:
            assert close(psi[places], 0)
    # as many independent ones as there are fillings of (49)
    fillings = statistics.configurations(3, 5)
    of = jax.jit(lambda g: jnp.exp(statistics.log_probability(fillings, g)))
    p = of(statistics.FERMI_DIRAC)
    assert np.count_nonzero(p) == math.comb(5, 3)
    assert close(p.max(), 1 / math.comb(5, 3))
    basis = np.reshape(basis, (len(triples), -1))
    assert close(basis @ basis.conj().T, np.eye(math.comb(5, 3)))
    # and no more of them: they make up any other
    assert close(np.sum(np.abs(basis.conj() @ psi.ravel()) ** 2), 1)
