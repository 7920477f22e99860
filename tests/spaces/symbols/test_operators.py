"""Products, Fock matrices and the way back from matrices to symbols."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st

from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol

from .operators import HBAR, destroy

ORDERINGS = ["antiwick", "weyl", "wick"]


@st.composite
def polynomials(draw, modes, largest, ordering=None):
    """Coefficients between -2 and 2 for one to four monomials."""
    exponent = st.integers(0, largest)
    power = st.tuples(*[st.tuples(*[exponent] * modes)] * 2)
    part = st.floats(-2, 2, allow_nan=False, width=16)
    terms = draw(
        st.dictionaries(power, st.builds(complex, part, part), min_size=1, max_size=4)
    )
    ordering = ordering or draw(st.sampled_from(ORDERINGS))
    return Symbol(np.array(list(terms.values())), list(terms), ordering)


def low(operator, levels, padded, modes=1):
    """The block of the lowest levels of each mode."""
    tensor = operator.reshape((padded,) * (2 * modes))
    return tensor[(slice(levels),) * (2 * modes)].reshape((levels**modes,) * 2)


def test_printed_symbol_is_n_squared_and_the_true_one_n_n_minus_1():
    n = np.arange(8)
    powers = [((2,), (2,)), ((1,), (1,)), ((0,), (0,))]
    true, printed = Symbol([1.0, -4.0, 2.0], powers), Symbol([1.0, -3.0, 1.0], powers)
    # exact integers below 100, from roots: a few roundings
    for symbol, values in ((true, n * (n - 1)), (printed, n**2)):
        assert np.allclose(
            symbols.matrix(symbol, 8), np.diag(values), rtol=0, atol=1e-12
        )
        assert np.allclose(symbols.diagonal(symbol, 8), values, rtol=0, atol=1e-12)


def test_antiwick_operator_is_the_integral_over_coherent_states():
    """π⁻¹ ∫ f(a) |a><a| d²a for f = |a|⁴ - 4|a|² + 2 + (a + a*), by quadrature."""
    powers = [((2,), (2,)), ((1,), (1,)), ((0,), (0,)), ((1,), (0,)), ((0,), (1,))]
    symbol = Symbol([1.0, -4.0, 2.0, 1.0, 1.0], powers)
    axis = np.linspace(-8, 8, 161)
    a = (axis[None, :] + 1j * axis[:, None]).ravel()
    levels = np.arange(5)
    factorials = np.array([1.0, 1, 2, 6, 24])
    kets = (
        a[:, None] ** levels / np.sqrt(factorials) * np.exp(-(abs(a[:, None]) ** 2) / 2)
    )
    weights = np.asarray(symbol(a)) * 0.1**2 / np.pi
    integral = np.einsum("k,ki,kj->ij", weights, kets, kets.conj())
    # The trapezoid rule on a Gaussian is exact to exp(-(π/0.1)²/2) and the edge e^-64.
    assert np.allclose(symbols.matrix(symbol, 5), integral, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("ordering", "product"),
    [
        ("wick", lambda a, d: d @ d @ a),
        ("antiwick", lambda a, d: a @ d @ d),
        ("weyl", lambda a, d: (d @ d @ a + d @ a @ d + a @ d @ d) / 3),
    ],
)
def test_matrix_of_each_ordering(ordering, product):
    (a,) = destroy(9)
    symbol = Symbol([0.5 - 1j], [((1,), (2,))], ordering)
    expected = (0.5 - 1j) * low(product(a, a.conj().T), 6, 9)
    made = symbols.matrix(symbol, 6, hbar=HBAR)
    assert np.allclose(made, expected, rtol=0, atol=1e-13)  # rounding, values of 10
    converted = symbols.matrix(symbol.to("weyl", HBAR), 6, hbar=HBAR)
    assert np.allclose(converted, expected, rtol=0, atol=1e-13)


def test_last_mode_is_fastest():
    symbol = Symbol([1.0], [((1, 0), (0, 2))], "wick")
    a, b = destroy(7, 2)
    expected = low(b.conj().T @ b.conj().T @ a, 4, 7, 2)
    made = symbols.matrix(symbol, (4, 4), hbar=HBAR)
    assert np.allclose(made, expected, rtol=0, atol=1e-13)
    rectangular = symbols.matrix(symbol, (2, 3), hbar=HBAR)
    assert rectangular.shape == (6, 6)
    # |1, 0> -> √2 |0, 2> in units of ħ^(3/2)
    assert np.isclose(rectangular[2, 3], np.sqrt(2) * HBAR**1.5, rtol=1e-14)
    assert np.count_nonzero(rectangular) == 1


@pytest.mark.parametrize("ordering", ORDERINGS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_star_is_the_product_of_matrices(ordering, data):
    f = data.draw(polynomials(2, 1, ordering))
    g = data.draw(polynomials(2, 1, ordering))
    padded, levels = 6, 4  # f and g reach two levels up
    product, left, right = (
        np.asarray(symbols.matrix(x, padded, hbar=HBAR))
        for x in (symbols.star(f, g, HBAR), f, g)
    )
    gap = low(product - left @ right, levels, padded, 2)
    # Entries to 1e3, from sums of 36 products.
    assert np.max(np.abs(gap)) < 1e-11


def test_commutator_is_the_bracket_at_first_order():
    q = symbols.polynomial_qp({(1, 0): 1.0}).to("weyl")
    p = symbols.polynomial_qp({(0, 1): 1.0}).to("weyl")
    bracket = symbols.commutator(q, p, HBAR)
    assert bracket.powers == (((0,), (0,)),)
    assert np.allclose(bracket.coefficients, [1j * HBAR], rtol=1e-14)
    assert np.all(symbols.commutator(q, q, HBAR).coefficients == 0)


@settings(max_examples=12, deadline=None)
@given(polynomials(2, 1), st.sampled_from(ORDERINGS))
def test_matrix_and_symbol_round_trip(f, ordering):
    entries = symbols.matrix(f, 6, hbar=HBAR)
    back = symbols.from_matrix(entries, (6, 6), 4, ordering, hbar=HBAR)
    gap = (back - f.to(ordering, HBAR)).coefficients
    # Alternating sums of entries to 30, divided by ħ² = 0.5.
    assert np.max(np.abs(gap)) < 1e-12


def test_from_operator_reads_words_arrays_and_qutip():
    words = [(0.5, "ad ad a a"), (0.3, "n"), (0.2, "q"), (-0.1, "p")]
    made = symbols.from_operator(words, hbar=HBAR)
    levels = 9
    a = np.sqrt(HBAR) * qutip.destroy(levels)
    d = a.dag()
    H = 0.5 * d * d * a * a + 0.3 * d * a
    H = H + 0.2 * (a + d) / np.sqrt(2) - 0.1 * (a - d) / (1j * np.sqrt(2))
    for operator in (H, H.full()):
        found = symbols.from_operator(operator, hbar=HBAR)
        assert found.powers == made.powers
        assert np.allclose(found.coefficients, made.coefficients, rtol=0, atol=1e-13)
    # Products of truncated operators are wrong at the last levels; that is not read.
    anti = qutip.destroy(levels) * qutip.create(levels)
    found = symbols.from_operator(anti, degree=2)
    assert np.allclose(found.coefficients, [0, 1], rtol=0, atol=1e-14)
    two = qutip.tensor(qutip.create(5), qutip.destroy(5))
    found = symbols.from_operator(two + two.dag(), degree=2, ordering="wick")
    assert str(found) == "1 a1* a2 + 1 a1 a2*"


def test_from_matrix_refuses_what_is_no_polynomial():
    parity = np.diag((-1.0) ** np.arange(10))
    with pytest.raises(ValueError, match="must be those of a polynomial of degree 4"):
        symbols.from_matrix(parity, 10, 4)
    quartic = symbols.matrix(symbols.kerr(1.0), 8)
    with pytest.raises(ValueError, match="must be those of a polynomial of degree 2"):
        symbols.from_matrix(quartic, 8, 2)
    with pytest.raises(ValueError, match="`levels` must be at least degree"):
        symbols.from_matrix(quartic[:5, :5], 5, 4)


@pytest.mark.slow
def test_matrix_differentiates_and_batches():
    symbol = symbols.kerr(1.0, 0.3)

    def energy(coefficients, hbar):
        f = Symbol(coefficients, symbol.powers)
        return symbols.matrix(f, 5, hbar=hbar)[3, 3].real

    value, slopes = jax.jit(jax.value_and_grad(energy, argnums=(0, 1)))(
        symbol.coefficients, HBAR
    )
    # c0 + 4ħ c1 + 20ħ² c2 between |3>: aa† = 4, a²a†² = 20
    c0, c1, c2 = np.asarray(symbol.coefficients.real)
    assert np.isclose(value, c0 + 4 * HBAR * c1 + 20 * HBAR**2 * c2, rtol=1e-14)
    assert np.allclose(slopes[0], [1, 4 * HBAR, 20 * HBAR**2], rtol=1e-14)
    assert np.isclose(slopes[1], 4 * c1 + 40 * HBAR * c2, rtol=1e-14)

    batch = jax.vmap(lambda U: symbols.matrix(symbols.kerr(U), 4))(jnp.arange(3.0))
    n = np.arange(4)
    assert np.allclose(batch[2], np.diag(n * (n - 1)), atol=1e-14)


def test_entries_and_action_are_those_of_the_matrix():
    symbol = symbols.bose_hubbard(1.0 + 0.3j, 0.5, [(0, 1), (1, 2)], hbar=HBAR)
    levels, size = (3, 4, 2), 24
    dense = np.asarray(symbols.matrix(symbol, levels, hbar=HBAR))
    entries = symbols.couplings(symbol, levels, hbar=HBAR)
    built = np.zeros((size, size), complex)
    np.add.at(built, (entries.rows, entries.columns), entries.values)
    np.testing.assert_allclose(built, dense, rtol=0, atol=1e-14)
    rows, columns = entries.pattern(size)
    pattern = np.zeros((size, size), bool)
    pattern[rows, columns] = True
    assert rows.size == np.sum(pattern)
    # none but where the matrix has one, and its diagonal
    np.testing.assert_array_equal(
        pattern | np.eye(size, dtype=bool), (dense != 0) | np.eye(size, dtype=bool)
    )
    rng = np.random.default_rng(0)
    kets = rng.normal(size=(2, size)) + 1j * rng.normal(size=(2, size))
    image = symbols.apply(symbol, jnp.asarray(kets), levels, hbar=HBAR)
    # entries of a few units: rounding of a sum of a few of them
    np.testing.assert_allclose(image, kets @ dense.T, rtol=0, atol=1e-13)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(image, kets @ dense, rtol=0, atol=1e-3)


def test_single_precision_stays():
    symbol = symbols.kerr(jnp.float32(1.0))
    assert symbols.matrix(symbol, 4, hbar=HBAR).dtype == jnp.complex64
    assert symbols.diagonal(symbol, 4, hbar=HBAR).dtype == jnp.float32
    assert symbols.star(symbol, symbol, HBAR).coefficients.dtype == jnp.complex64
    entries = symbols.matrix(symbol, 7)
    found = symbols.from_matrix(entries, 7, 4)
    assert found.coefficients.dtype == jnp.complex64
    # single precision, alternating sums of entries to 40
    assert np.allclose(found.coefficients, symbol.coefficients, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: symbols.matrix(f, 0), "must be 1 positive integers"),
        (lambda f: symbols.matrix(f, (3, 3)), "must be 1 positive integers"),
        (lambda f: symbols.star(f, f.to("wick")), "same modes and ordering"),
        (
            lambda f: symbols.diagonal(symbols.three_wave(1.0), 3),
            r"but has the term a1\* a2\* a3",
        ),
        (lambda f: symbols.from_operator([(1.0, "a b")]), "but has 'b'"),
        (lambda f: symbols.from_operator([(1.0, "a2")]), "numbered from 1 to 1"),
        (lambda f: symbols.from_operator([(1.0, "a")], modes=2), "but has 'a'"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call(symbols.kerr(1.0))
