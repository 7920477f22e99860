"""Symbols as functions: algebra, orderings, the Fokker-Planck condition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol

POINTS = np.array([0.3 + 0.2j, -1.1j, 0.7 + 0j])


def one_mode(terms, ordering="antiwick"):
    """A symbol from {(m, n): c}."""
    terms = {((m,), (n,)): c for (m, n), c in terms.items()}
    return Symbol.from_terms(terms, ordering)


@st.composite
def polynomials(draw, modes=1, largest=2):
    """Coefficients between -2 and 2 for one to four monomials."""
    exponent = st.integers(0, largest)
    power = st.tuples(*[st.tuples(*[exponent] * modes)] * 2)
    part = st.floats(-2, 2, allow_nan=False, width=16)
    value = st.builds(complex, part, part)
    terms = draw(st.dictionaries(power, value, min_size=1, max_size=4))
    ordering = draw(st.sampled_from(["antiwick", "weyl", "wick"]))
    return Symbol(np.array(list(terms.values())), list(terms), ordering)


def test_algebra_is_that_of_functions():
    f = one_mode({(2, 1): 1.0, (0, 1): 2j})
    g = one_mode({(1, 1): -0.5, (0, 0): 3.0})
    alpha, conj = POINTS, POINTS.conj()
    # rounding of a few products
    close = dict(rtol=1e-13, atol=1e-14)
    values = alpha**2 * conj + 2j * conj
    assert np.allclose(f(POINTS), values, **close)
    assert np.allclose((f * g)(POINTS), values * g(POINTS), **close)
    assert np.allclose((f + g - 1.5)(POINTS), values + g(POINTS) - 1.5, **close)
    assert np.allclose((2 - f)(POINTS), 2 - values, **close)
    assert np.allclose((np.float64(2) * f)(POINTS), 2 * values, **close)
    assert np.allclose((jnp.asarray(2.0) * f)(POINTS), 2 * values, **close)
    assert np.allclose((f**3)(POINTS), values**3, **close)
    assert np.allclose(f.conj()(POINTS), values.conj(), **close)
    assert np.allclose(f.derivative()(POINTS), 2 * alpha * conj, **close)
    assert np.allclose(f.derivative(conjugate=True)(POINTS), alpha**2 + 2j, **close)
    assert np.allclose((f - f).pruned()(POINTS), 0)
    assert (f - f).pruned().powers == (((0,), (0,)),)


def test_what_it_is():
    f = one_mode({(2, 1): 1.0, (1, 2): 1.0, (0, 0): 2.0})
    assert (f.modes, f.degree, f.holomorphic_degree) == (1, 3, 2)
    assert f.is_real()
    assert not (f * 1j).is_real()
    assert str(f) == "2 1 + 1 a a*^2 + 1 a^2 a*"


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        # n(n - 1) = a†²a², [a, a†] = ħ
        ("wick", {(2, 2): 1.0}),
        ("weyl", {(2, 2): 1.0, (1, 1): -2 * 0.7, (0, 0): 0.5 * 0.49}),
        ("antiwick", {(2, 2): 1.0, (1, 1): -4 * 0.7, (0, 0): 2 * 0.49}),
    ],
)
def test_orderings_of_the_kerr_operator(ordering, expected):
    kerr = one_mode({(2, 2): 1.0}, "wick").to(ordering, 0.7)
    expected = one_mode(expected, ordering)
    assert kerr.powers == expected.powers
    assert np.allclose(kerr.coefficients, expected.coefficients, rtol=1e-14)


@pytest.mark.parametrize("hbar", [1.0, 0.7])
def test_antiwick_symbol_of_a_fourth_power(hbar):
    """q⁴ -> q⁴ - 3ħs²q² + 3ħ²s⁴/4, and p⁴ the same with 1/s²."""
    s = 1.3
    cases = [((4, 0), (2, 0), s**2), ((0, 4), (0, 2), s**-2)]
    for fourth, second, scale in cases:
        shifted = symbols.polynomial_qp({fourth: 1.0}, s, hbar=hbar)
        terms = {fourth: 1.0, second: -3 * hbar * scale}
        terms[0, 0] = 0.75 * (hbar * scale) ** 2
        plain = symbols.polynomial_qp(terms, s, ordering="antiwick")
        # values of order 10, a few roundings each
        assert np.allclose(shifted(POINTS), plain(POINTS), rtol=0, atol=1e-13)


@settings(max_examples=25, deadline=None)
@given(polynomials(modes=2), st.sampled_from(["antiwick", "weyl", "wick"]))
def test_orderings_round_trip(f, ordering):
    back = f.to(ordering, 0.7).to(f.ordering, 0.7)
    gap = (back - f).coefficients
    # Coefficients grow to 2 · 4 · 4 on the way.
    assert np.max(np.abs(gap)) < 1e-13


def test_weyl_is_half_way():
    f = one_mode({(2, 2): 1.0, (3, 1): 0.5j}, "wick")
    direct = f.to("antiwick", 0.7)
    twice = f.to("weyl", 0.7).to("antiwick", 0.7)
    assert direct.powers == twice.powers
    assert np.allclose(direct.coefficients, twice.coefficients, rtol=1e-14)


def test_fokker_planck_condition_names_the_terms():
    assert one_mode({(2, 2): 1.0, (1, 0): 3.0}).is_fokker_planck()
    check = one_mode({(2, 2): 1.0, (3, 1): 1.0, (1, 3): 1.0}).is_fokker_planck()
    assert not check
    assert check.offending == ("a a*^3", "a^3 a*")
    # One power of each mode is not enough: the sum over modes counts.
    mixed = Symbol([1.0], [((1, 1, 1), (0, 0, 0))]).is_fokker_planck()
    assert mixed.offending == ("a1 a2 a3",)
    # A term known to be absent does not count; a traced one does.
    terms = [((3,), (1,)), ((1,), (1,))]
    assert Symbol([0.0, 1.0], terms).is_fokker_planck()
    answers = []
    jax.jit(lambda c: answers.append(bool(Symbol(c, terms).is_fokker_planck())) or c)(
        jnp.array([0.0, 1.0])
    )
    assert answers == [False]


def test_coefficients_are_leaves():
    f = one_mode({(2, 1): 1.0, (1, 2): 1.0})
    batch = jax.vmap(lambda c: Symbol(c, f.powers)(0.5 + 0.5j))(jnp.eye(2))
    alpha = 0.5 + 0.5j
    expected = [alpha * np.conj(alpha) ** 2, alpha**2 * np.conj(alpha)]
    assert np.allclose(batch, expected, rtol=1e-15)

    def value(scale, hbar):
        return (f * scale).to("wick", hbar)(alpha).real

    # f = 2|α|² Re α and f_wick = f + ħ (2α + 2α*) = f + 4ħ Re α
    slopes = jax.jit(jax.grad(value, argnums=(0, 1)))(2.0, 0.7)
    assert np.allclose(slopes, [2 * 0.5 * 0.5 + 2.8 * 0.5, 2 * 4 * 0.5], rtol=1e-14)


def test_single_precision_stays():
    f = one_mode({(2, 2): jnp.float32(1.5), (1, 1): 1.0})
    assert f.coefficients.dtype == jnp.complex64
    for g in (f.to("wick", 0.7), f.derivative(), f * 2.0, f**2, f.conj() - 1.0):
        assert g.coefficients.dtype == jnp.complex64


ONE = [((1,), (1,))]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Symbol([], []), "Argument `powers` must hold at least one term"),
        (
            lambda: Symbol([1.0, 1.0], [((1,), (1,)), ((1, 0), (0, 1))]),
            "must have the same modes",
        ),
        (lambda: Symbol([1.0], [((-1,), (1,))]), "must not be negative"),
        (lambda: Symbol([np.inf], ONE), "must be finite, but entry"),
        (lambda: Symbol([1.0, 2.0], ONE), r"must have shape \(1,\)"),
        (lambda: Symbol([1.0], ONE, "normal"), "must be one of 'antiwick'"),
        (lambda: Symbol([1.0], ONE) + Symbol([1.0], ONE, "wick"), "same modes and"),
        (lambda: Symbol([1.0], ONE) * np.ones(1), r"must have shape \(\)"),
        (lambda: Symbol([1.0], ONE) ** -1, "must be >= 0, but is -1"),
        (
            lambda: Symbol([1.0], ONE, "wick").is_fokker_planck(),
            "must be antiwick ordered, but is wick",
        ),
        (lambda: symbols.cross_kerr(1.0)(np.zeros(3)), "a last axis of 2 modes"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
