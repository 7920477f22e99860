"""Section IV and V A of the Husimi paper: where the law is quantum mechanics."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import constants, states
from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.readings import generators
from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol

from .conftest import equation, norm

HBAR = 0.7
# Nested derivatives of polynomials of degree 8, values of order 1.
ROUNDING = 1e-12
# What a wrong form leaves, relative to the rate.
REFUTED = 1e-2
POINTS = np.array([0.4 - 0.3j, -0.2 + 0.6j, 0.1 + 0.2j])


def disc(count=24):
    """Points α with weights d²α, exact for polynomials times exp(-|α|²/ħ)."""
    nodes, weights = np.polynomial.hermite.hermgauss(count)
    x, y = np.meshgrid(nodes, nodes)
    weights = HBAR * np.outer(weights, weights) * np.exp(x**2 + y**2)
    return np.sqrt(HBAR) * (x + 1j * y).ravel(), weights.ravel()


def coherent_kets(points, levels):
    """<n|a>, a = α/√ħ, one column a point."""
    a, n = points / np.sqrt(HBAR), np.arange(levels)[:, None]
    root = np.sqrt([[float(math.factorial(k))] for k in range(levels)])
    return np.exp(-(np.abs(a) ** 2) / 2)[None] * a[None] ** n / root


QUARTIC = symbols.kerr(0.8, 0.3, hbar=HBAR) + symbols.squeezed_oscillator(
    1.0, 0.3 - 0.2j, hbar=HBAR
)


@equation("60")
@equation("61")
@equation("claim-normalized")
def test_expectation_values_are_phase_space_averages(mixed_state):
    state = mixed_state(1, HBAR)
    points, weights = disc()
    Q = np.asarray(states.husimi(state.rho, points, hbar=HBAR))
    bare = np.array(jax.vmap(lambda a: state.density(a[None]))(jnp.asarray(points)))
    # Q = <α|ρ|α>/πħ
    assert norm(Q - bare / (np.pi * HBAR)) < ROUNDING
    assert abs(weights @ Q - 1) < ROUNDING
    assert np.min(Q) >= 0
    pair, alphas = mixed_state(2, HBAR), np.array([[0.4 - 0.3j, 0.2j], [1.1, -0.6j]])
    rho = pair.rho.reshape((pair.levels,) * 4)
    both = np.asarray(states.husimi(rho, alphas, hbar=HBAR, modes=2))
    bare = [float(pair.density(jnp.asarray(alpha))) for alpha in alphas]
    assert norm(both - np.array(bare) / (np.pi * HBAR) ** 2) < ROUNDING
    operator = np.asarray(symbols.matrix(QUARTIC, 3, hbar=HBAR))
    exact = np.trace(operator @ state.rho).real
    assert abs(weights @ (Q * QUARTIC(points).real) - exact) < ROUNDING
    moments = [
        c * states.antinormal_moment(state.rho, *m, *n, hbar=HBAR)
        for c, m, n in QUARTIC.terms()
    ]
    assert abs(sum(moments) - exact) < ROUNDING
    # the Weyl symbol belongs to the Wigner function, and not to Q
    weyl = QUARTIC.to("weyl", HBAR)
    W = np.asarray(states.quasiprobability(state.rho, points / 2**0.5, 0, hbar=HBAR))
    average = weights @ (W * weyl(points / 2**0.5).real) / 2
    assert abs(average - exact) < ROUNDING
    assert abs(weights @ (Q * weyl(points).real) - exact) > REFUTED


@equation("62")
def test_antiwick_quantization():
    points, weights = disc()
    kets = coherent_kets(points, 5)
    values = QUARTIC(points) * weights / (np.pi * HBAR)
    # degree 4 and 5 levels: entries of order 20
    expected = np.asarray(symbols.matrix(QUARTIC, 5, hbar=HBAR))
    assert norm((kets * values[None]) @ kets.conj().T - expected) < 1e-11
    weyl = (kets * (QUARTIC.to("weyl", HBAR)(points) * weights)[None]) @ kets.conj().T
    assert norm(weyl / (np.pi * HBAR) - expected) > REFUTED


@functools.partial(jax.jit, static_argnums=(1, 3))
def order_term(symbol, density, alpha, order):
    return generators.order_term(symbol, density, alpha, order, HBAR)


def orders_of(symbol, state, last):
    """Terms of (63) by order, and the exact rate."""
    alpha = jnp.asarray(POINTS[: symbol.modes])
    point = alpha[0] if symbol.modes == 1 else alpha
    density = _density_of(state)
    terms = [order_term(symbol, density, point, k) for k in range(1, last + 1)]
    return np.array(terms), state.rate(symbol, alpha)


@functools.cache
def _density_of(state):
    return lambda alpha: state.density(jnp.reshape(alpha, (state.modes,)))


@equation("63")
@equation("64")
def test_series_ends_with_the_holomorphic_degree(mixed_state):
    cubic = symbols.polynomial_qp({(2, 0): 0.5, (0, 2): 0.5, (3, 0): 0.2}, hbar=HBAR)
    terms, exact = orders_of(cubic, mixed_state(1, HBAR), 3)
    assert abs(terms.sum() - exact) < ROUNDING
    assert abs(terms[:2].sum() - exact) > REFUTED * abs(exact)
    terms, exact = orders_of(QUARTIC, mixed_state(1, HBAR), 2)
    assert abs(terms.sum() - exact) < ROUNDING
    assert abs(terms[0] - exact) > REFUTED * abs(exact)
    # (64) as it stands: third derivatives by α, and by α*, of each triple of modes
    cross = symbols.cross_kerr(1.0, hbar=HBAR)
    wave = symbols.three_wave(0.5, hbar=HBAR)
    for symbol in (cubic, QUARTIC, cross, wave, symbols.phi4(0.1), triple()):
        thirds = [
            third(symbol, where, conjugate)
            for where in itertools.product(range(symbol.modes), repeat=3)
            for conjugate in (False, True)
        ]
        vanish = all(not np.any(np.asarray(f.coefficients)) for f in thirds)
        assert bool(symbol.is_fokker_planck()) == vanish


def third(symbol, where, conjugate):
    for mode in where:
        symbol = symbol.derivative(mode, conjugate=conjugate)
    return symbol


def triple():
    """a1 a2 a3 + h.c.: degree 1 in each variable."""
    return Symbol([0.5, 0.5], [((1, 1, 1), (0, 0, 0)), ((0, 0, 0), (1, 1, 1))])


@equation("claim-degree")
@equation("claim-quadratic-in-each")
def test_degree_in_each_variable_does_not_end_the_series(mixed_state):
    # degree 1 in each of α_1, α_2 and their conjugates, and yet second derivatives
    cross = Symbol([1.0], [((1, 1), (1, 1))])
    terms, exact = orders_of(cross, mixed_state(2, HBAR), 2)
    assert abs(terms.sum() - exact) < ROUNDING
    assert abs(terms[1]) > REFUTED * abs(exact)
    # and third ones: no Fokker-Planck equation
    start = np.array([0.5, -0.3j, 0.4 + 0.2j])

    def density(alpha):  # of the coherent state
        return jnp.exp(-jnp.sum(jnp.abs(alpha - start) ** 2) / HBAR)

    terms = [order_term(triple(), density, jnp.asarray(POINTS), k) for k in (1, 2, 3)]
    # 2 Im <start|α><α|H|start>/ħ
    energy = 0.5 * (np.prod(start) + np.prod(POINTS.conj()))
    exact = 2 / HBAR * energy.imag * density(POINTS)
    assert abs(sum(terms) - exact) < ROUNDING
    assert abs(terms[2]) > REFUTED * abs(exact)
    assert not triple().is_fokker_planck()


@equation("claim-density-density")
def test_every_two_body_interaction_is_of_the_form(mixed_state):
    rng = np.random.default_rng(7)
    V = rng.normal(size=(2,) * 4) + 1j * rng.normal(size=(2,) * 4)
    symbol = symbols.two_body(V + V.transpose(3, 2, 1, 0).conj(), hbar=HBAR)
    assert symbol.is_fokker_planck()
    terms, exact = orders_of(symbol, mixed_state(2, HBAR), 2)
    assert abs(terms.sum() - exact) < 10 * ROUNDING  # couplings up to 4
    assert abs(terms[1]) > REFUTED * abs(exact)
    # not between densities: quanta change places
    assert any(m != n for m, n in symbol.powers)
    for other in (symbols.three_wave(0.5), symbols.two_mode_squeezing(0.5)):
        assert other.is_fokker_planck()
        assert any(sum(m) != sum(n) for m, n in other.powers)


@equation("claim-free-fields")
def test_free_fields_are_of_the_form():
    ring = [(0, 1), (1, 2), (2, 0)]
    hopping = symbols.bose_hubbard(0.5 + 0.2j, 0.0, ring, mu=1.0)
    terms = {((2, 0), (0, 0)): 1.1, ((0, 2), (0, 0)): 1.1, ((1, 1), (0, 0)): -1.0}
    terms |= {((0, 0), (2, 0)): 0.5, ((0, 0), (0, 2)): 0.5}
    # each monomial of three modes with two powers in all
    pairs = itertools.combinations_with_replacement(np.eye(6, dtype=int), 2)
    powers = [tuple(one + other) for one, other in pairs]
    every = Symbol(np.ones(len(powers)), [(k[:3], k[3:]) for k in powers])
    for symbol in (hopping, symbols.polynomial_qp(terms), symbols.harmonic(1.0), every):
        assert symbol.pruned().degree <= 2
        assert symbol.is_fokker_planck()


@equation("67")
@equation("68")
@equation("69")
@equation("claim-third-derivatives")
def test_bose_hubbard_symbol():
    J, U, levels = 0.5, 0.8, 4
    a = np.sqrt(HBAR) * np.diag(np.sqrt(np.arange(1, levels + 2)), 1)
    one = np.eye(levels + 2)
    a1, a2 = np.kron(a, one), np.kron(one, a)
    operator = -J * (a1.T @ a2 + a2.T @ a1)
    for b in (a1, a2):
        n = b.T @ b
        operator = operator + U / 2 * n @ (n - HBAR * np.eye(len(n)))
    # below the last levels, where products of cut matrices are right
    kept = (slice(levels), slice(levels)) * 2
    big = (levels + 2,) * 4
    expected = operator.reshape(big)[kept].reshape(levels**2, levels**2)
    build = functools.partial(symbols.bose_hubbard, J, U, [(0, 1)], hbar=HBAR)
    right, printed = build(), build(printed=True)
    size = [levels, levels]
    matrix = np.asarray(symbols.matrix(right, size, hbar=HBAR))
    assert norm(matrix - expected) < ROUNDING
    wrong = np.asarray(symbols.matrix(printed, size, hbar=HBAR))
    # n² in the place of n(n - 1): a rotation by Ut/2 more
    n = np.arange(levels) * HBAR
    number = (n[:, None] + n[None, :]).ravel()
    shift = np.diag(U / 2 * HBAR * number)
    assert norm(wrong - expected - shift) < ROUNDING
    assert norm(wrong - expected) > REFUTED
    # which commutes with H, and so does not move occupations
    assert norm(shift @ matrix - matrix @ shift) < ROUNDING
    # the coefficients of |α_i|²
    index = right.powers.index(((1, 0), (1, 0)))
    assert np.isclose(right.coefficients[index], -4 * HBAR * U / 2)
    index = printed.powers.index(((1, 0), (1, 0)))
    assert np.isclose(printed.coefficients[index], -3 * HBAR * U / 2)
    # third derivatives by α alone vanish, mixed ones do not: ∂²∂*|α|⁴ = 4α*
    assert right.is_fokker_planck()
    mixed = right.derivative().derivative().derivative(conjugate=True)
    alpha = jnp.asarray(POINTS[:2])
    assert np.isclose(mixed(alpha), U / 2 * 4 * np.conj(POINTS[0]))


THEORIES = {
    "Bose-Hubbard": (symbols.bose_hubbard(0.5, 0.8, [(0, 1)], hbar=HBAR), 4),
    "Kerr, squeezed": (QUARTIC, 6),
    "three-wave mixing": (symbols.three_wave(0.5, hbar=HBAR), 2),
    "two-mode squeezing": (symbols.two_mode_squeezing(0.5, hbar=HBAR), 4),
}


@equation("claim-schrodinger")
@pytest.mark.parametrize("theory", THEORIES)
def test_the_law_is_the_schrodinger_equation(theory):
    symbol, levels = THEORIES[theory]
    size = levels**symbol.modes
    kets = np.random.default_rng(8).normal(size=(2, size))
    psi = (kets[0] + 1j * kets[1]) / np.linalg.norm(kets)
    H = np.asarray(symbols.matrix(symbol, levels, hbar=HBAR))
    rho = np.outer(psi, psi.conj())
    exact = -1j / HBAR * (H @ rho - rho @ H)

    law = HusimiFokkerPlanck(symbol, hbar=HBAR, form=Fock(levels))

    @jax.jit
    def rate(C):
        return constants.unpack(law, "C", C).vector_field(0.0, jnp.asarray(rho))

    def gap(C):
        return norm(rate(C) - exact)

    assert gap(1.0) < ROUNDING
    # linear in C - 1
    assert gap(0.9) > REFUTED * norm(exact)
    assert np.isclose(gap(0.8), 2 * gap(0.9), rtol=1e-8)


@equation("claim-C-is-one")
def test_only_the_product_of_C_and_hbar_is_fixed(mixed_state):
    state = mixed_state(1, HBAR)

    @functools.partial(jax.jit, static_argnums=0)
    @functools.partial(jax.vmap, in_axes=(None, 0, 0))
    def rates(name, C, hbar):
        return generators.complex_generator(
            HAMILTONIANS[name], _density_of(state), POINTS[0], C, hbar
        )

    strengths, hbars = np.array([1, 0.5, 2, 1]), HBAR * np.array([1, 2, 0.5, 2])
    found = np.asarray(rates("Kerr, squeezed", strengths, hbars))
    exact = state.rate(QUARTIC, POINTS[:1])
    # one symbol and one Q: Cħ alone enters, and must be the ħ of Q
    assert norm(found[:3] - exact) < ROUNDING
    assert abs(found[3] - exact) > REFUTED * abs(exact)
    # where nothing diffuses every C is right
    found = np.asarray(rates("oscillator", strengths, hbars))
    exact = state.rate(HAMILTONIANS["oscillator"], POINTS[:1])
    assert norm(found - exact) < ROUNDING
    assert abs(exact) > REFUTED


HAMILTONIANS = {
    "Kerr, squeezed": QUARTIC,
    "oscillator": symbols.harmonic(1.3, hbar=HBAR),
}


@equation("claim-amplifier-reversal")
def test_amplifier_is_not_invariant_under_momentum_reversal(mixed_state):
    """T: α -> α*, with Q'(α) = Q(α*): a symmetric law has GQ' = -(GQ)(α*)."""
    state = mixed_state(1, HBAR)

    @functools.partial(jax.jit, static_argnums=1)
    def rates(symbol, angle, alpha):
        turn = np.exp(1j * angle)

        def turned(alpha):
            return state.density(jnp.reshape(turn * jnp.conj(alpha), (1,)))

        forward = generators.complex_generator(
            symbol, _density_of(state), turn * jnp.conj(alpha), 1.0, HBAR
        )
        return forward, generators.complex_generator(symbol, turned, alpha, 1.0, HBAR)

    amplifier = symbols.parametric_amplifier(0.8, hbar=HBAR)
    forward, backward = rates(amplifier, 0.0, POINTS[0])
    assert abs(forward) > REFUTED
    assert np.isclose(forward, backward, rtol=1e-10)  # H changes its sign
    # all the same it is quantum mechanics
    exact = state.rate(amplifier, np.conj(POINTS[:1]))
    assert abs(forward - exact) < ROUNDING
    # it keeps T' : α -> iα*, and a real squeezing keeps T
    forward, backward = rates(amplifier, np.pi / 2, POINTS[0])
    assert abs(forward + backward) < ROUNDING
    squeezing = symbols.squeezed_oscillator(0.0, 0.8, hbar=HBAR)
    forward, backward = rates(squeezing, 0.0, POINTS[0])
    assert abs(forward + backward) < ROUNDING
