"""Hamiltonians as text: what is read, what is refused, and where."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jqd
from jqd.spaces import Driven, symbols
from jqd.spaces.symbols import (
    Symbol,
    parameters_of,
    parse_hamiltonian,
    pulses_of,
)

HBAR = 0.7


def same(left, right):
    """Whether two symbols are the same function to rounding."""
    gap = np.abs(np.asarray((left - right).coefficients))
    return gap.max() < 1e-13


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("U/2*ad^2*a^2 + delta*n", symbols.kerr(1.0, 1.0, hbar=HBAR)),
        ("U/2 * ad**2 * a**2 + delta * ad*a", symbols.kerr(1.0, 1.0, hbar=HBAR)),
        ("U/2*(n*(n - hbar)) + n*delta", symbols.kerr(1.0, 1.0, hbar=HBAR)),
        ("g*.5j*(ad^2 - a^2)", symbols.parametric_amplifier(1.0, hbar=HBAR)),
        ("g*(0.5j*ad^2 + h.c.)", symbols.parametric_amplifier(1.0, hbar=HBAR)),
        ("w*ad*a + lam*q^4", symbols.phi4(1.0, hbar=HBAR)),
        ("(q^2 + p^2)/2 - hbar/2", symbols.harmonic(1.0, hbar=HBAR)),
        ("(q*p + p*q)*1e0", symbols.polynomial_qp({(1, 1): 2.0})),
        ("g*1j*(ad1*ad2 - a1*a2)", symbols.two_mode_squeezing(1.0, hbar=HBAR)),
        ("g*(a1*a2*ad3 + hc)", symbols.three_wave(1.0, hbar=HBAR)),
        ("-(-chi)*n1*n2", symbols.cross_kerr(1.0, hbar=HBAR)),
        (
            "-J*(ad1*a2 + h.c.) + U/2*(ad1^2*a1^2 + ad2^2*a2^2)",
            symbols.bose_hubbard(1.0, 1.0, [(0, 1)], hbar=HBAR),
        ),
        ("sqrt(2)^2*n/2", symbols.harmonic(1.0, hbar=HBAR)),
        ("-a^2 - ad^2", Symbol([-1.0, -1.0], [((2,), (0,)), ((0,), (2,))])),
        ("1j*a + h.c.", Symbol([1j, -1j], [((1,), (0,)), ((0,), (1,))])),
        ("pi", Symbol([np.pi], [((0,), (0,))])),
        ("a*ad - ad*a", Symbol([HBAR], [((0,), (0,))])),
        ("n - n", Symbol([0.0], [((0,), (0,))])),
    ],
)
def test_reads(text, expected):
    ones = dict.fromkeys(parameters_of(text), 1.0)
    assert same(parse_hamiltonian(text, hbar=HBAR, **ones).at(), expected)


def test_modes_and_orderings():
    assert parse_hamiltonian("n1 + h.c.", modes=3).modes == 3
    assert parse_hamiltonian("n2").modes == 2
    wick = parse_hamiltonian("U*n^2", ordering="wick", hbar=HBAR, U=1.0)
    assert same(
        wick.operators["U"], Symbol([1.0, HBAR], [((2,), (2,)), ((1,), (1,))], "wick")
    )


def test_cancellation_leaves_no_terms():
    """(q² + p²)² = 4 (n + 1/2)² has no a⁴, whatever the order of additions."""
    text = "q^4 + p^4 + q^2*p^2 + p^2*q^2"
    symbol = parse_hamiltonian(text).at()
    assert symbol.powers == (((0,), (0,)), ((1,), (1,)), ((2,), (2,)))
    assert symbol.is_fokker_planck()


BAD = [
    ("", "must be a text that is not empty, but is ''"),
    (7, "must be a text that is not empty, but is 7"),
    ("n" * 2001, "must have at most 2000 characters, but has 2001"),
    ("n + ", "column 5 there is the end"),
    ("n n", "column 3 `n` follows without one"),
    ("2n", "column 2 `n` follows without one"),
    ("(n n)", "column 4 `n` follows without one"),
    ("1.5.2*n", "column 4 `.2` follows without one"),
    ("2 * (n + 1", "column 5 a '(' is not closed"),
    ("n) + 1", "column 2 a ')' is too many"),
    ("()", "column 2 there is `)`"),
    ("n + * n", "column 5 there is `*`"),
    ("n $ 2", "column 3 there is '$'"),
    ("ω*n", "column 1 there is 'ω'"),
    ("n²", "column 2 there is '²'"),
    (". * n", "column 1 there is '.'"),
    ("1e400*n", "be finite, but at column 1 1e400 is not"),
    ("U*U*n", "be linear in its parameters, but at column 3 `U` is multiplied by `U`"),
    ("J*(n + U)", "column 3 `J` is multiplied by `U`"),
    ("U^2*n", "column 3 `U` is multiplied by `U`"),
    ("n/U", "divide by numbers only, but at column 3 there is a name"),
    ("n/ad", "divide by numbers only, but at column 3"),
    ("n/(1-1)", "not divide by zero, but at column 3"),
    ("sqrt(U)*n", "take roots of numbers only, but at column 5"),
    ("n^-1", "integers from 0 to 12 as exponents, but at column 3 there is `-`"),
    ("n^1.5", "column 3 there is `1.5`"),
    ("n^U", "column 3 there is `U`"),
    ("n^13", "column 3 there is `13`"),
    ("n^2^2", "column 4 there is `^`"),
    ("ad^7*a^7", "have at most degree 12, but at column 6 it reaches 14"),
    ("i*n", "write the imaginary unit as 1j, but at column 1"),
    ("h.c.", "h.c. as the last summand, added, but at column 1 it is not"),
    ("n - h.c.", "column 5 it is not"),
    ("a + h.c. + n", "column 5 more follows"),
    ("n2 + a", "column 6 `a` has no number"),
    ("n0", "have modes from 1 to 1, but at column 1 there is `n0`"),
    ("n1 + n17", "have modes from 1 to 16, but at column 6 there is `n17`"),
    ("(" * 60 + "n" + ")" * 60, "column 51 another one opens"),
    ("n + g*a", "Hermitian, but the coefficient of `g*a` is 1+0j and that of `g*ad`"),
    ("1j*n", "Hermitian, but the coefficient of `ad*a` is 0+1j"),
    ("ad1^2*a2", r"the coefficient of `ad1^2*a2` is 1+0j and that of `a1^2*ad2`"),
    ("1e200*1e200*n", "must have finite coefficients, but that of `ad*a`"),
    ("(1.7e308 + 1.7e308j)*a + h.c.", "must have finite coefficients, but one is too"),
    ("__import__('os').remove('x')", 'column 12 there is "\'"'),
    ("n.real", "column 2 there is '.'"),
    ("n\x00", r"column 2 there is '\x00'"),
    ("(lambda: 0)()", "column 8 there is ':'"),
    ("n if n else n", "column 3 `if` follows without one"),
    ("f(n)", "column 2 `(` follows without one"),
    ("1_000*n", "column 2 `_000` follows without one"),
    ("0x10*n", "column 2 `x10` follows without one"),
    ("n^" + "9" * 1900, "be finite, but at column 3"),
    ("9^9^9^9*n", "column 4 there is `^`"),
    ("g*n + g(t)*n", "column 7 `g` and `g(t)` are both there"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_refuses_with_the_column(text, message):
    with pytest.raises(ValueError, match="Argument `hamiltonian` must") as caught:
        parse_hamiltonian(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refuses_what_would_take_forever():
    letters = "+".join(f"{letter}{i}" for i in range(1, 7) for letter in ("a", "ad"))
    with pytest.raises(ValueError, match="be short when multiplied out"):
        parse_hamiltonian(f"({letters})^12")


class Piece(NamedTuple):
    """A text and its operator on LEVELS levels of two modes.

    Attributes:
        text: as it may be typed.
        matrix: of the operator, exact but for the last `degree` levels.
        degree: of the polynomial.
        rank: 0 a sum, 1 a product, 2 signed, 3 a power, 4 an atom.
        named: it has the parameter or the pulse.
    """

    text: str
    matrix: np.ndarray
    degree: int = 0
    rank: int = 4
    named: bool = False


LEVELS, EXACT, DEGREE = 8, 3, 5
ONE = np.eye(LEVELS**2)
WEIGHT = 0.3
NUMBERS = {"2": 2, "007": 7, ".5": 0.5, "1.": 1, "1.5e-1": 0.15, "3e0j": 3j, "2j": 2j}
NUMBERS |= {"pi": np.pi, "hbar": HBAR, "sqrt( 2*hbar)": np.sqrt(2 * HBAR)}


def atoms():
    lower = np.sqrt(HBAR) * np.diag(np.sqrt(np.arange(1, LEVELS)), 1)
    pieces = [Piece(text, value * ONE) for text, value in NUMBERS.items()]
    for mode in (1, 2):
        a = np.kron(*[lower, np.eye(LEVELS)][:: 3 - 2 * mode])
        ad = a.T
        for letter, matrix in (
            ("a", a), ("ad", ad), ("q", (a + ad) / np.sqrt(2)),
            ("p", (a - ad) / np.sqrt(2) / 1j),
        ):  # fmt: skip
            pieces.append(Piece(f"{letter}{mode}", matrix, 1))
        pieces.append(Piece(f"n{mode}", ad @ a, 2))
    pieces.append(Piece("lambda", WEIGHT * ONE, named=True))
    return [*pieces, Piece("drive ( t )", WEIGHT * ONE, named=True)]


ATOMS = atoms()
FLAT = jqd.pulse(lambda t: WEIGHT + 0 * t)


@st.composite
def texts(draw, depth=3):
    """A text by the grammar, whose operator is computed beside it."""

    def part(least):
        piece = draw(texts(depth - 1))
        bare = piece.rank >= least and draw(st.integers(0, 4))
        return piece if bare else piece._replace(text=f"({piece.text})")

    kinds = ["+", "-", "*", "*", "^", "/", "sign", "h.c."]
    kind = draw(st.sampled_from(kinds)) if depth else ""
    space = draw(st.sampled_from(["", " ", "\n", "\t "]))
    if kind in ("+", "-"):
        x, y = part(0), part(1)
        total = x.matrix + y.matrix if kind == "+" else x.matrix - y.matrix
        text = f"{x.text}{space}{kind}{space}{y.text}"
        return Piece(text, total, max(x.degree, y.degree), 0, x.named or y.named)
    if kind == "*":
        x, y = part(1), part(2)
        if x.degree + y.degree <= DEGREE and not (x.named and y.named):
            text, both = f"{x.text}{space}*{y.text}", x.matrix @ y.matrix
            return Piece(text, both, x.degree + y.degree, 1, x.named or y.named)
    if kind == "/":
        x, number = part(1), draw(st.sampled_from(sorted(NUMBERS)))
        matrix = x.matrix / NUMBERS[number]
        return x._replace(text=f"{x.text}/{space}{number}", matrix=matrix, rank=1)
    if kind == "^":
        x, power = part(4), draw(st.integers(0, 3))
        if power * x.degree <= DEGREE and not (x.named and power > 1):
            sign = draw(st.sampled_from(["^", "**"]))
            matrix = np.linalg.matrix_power(x.matrix, power)
            text = f"{x.text}{sign}{space}{power}"
            return Piece(text, matrix, power * x.degree, 3, x.named and power > 0)
    if kind == "sign":
        x, sign = part(2), draw(st.sampled_from("+-"))
        matrix = x.matrix if sign == "+" else -x.matrix
        return x._replace(text=f"{sign}{space}{x.text}", matrix=matrix, rank=2)
    if kind == "h.c.":
        x, word = part(0), draw(st.sampled_from(["h.c.", "hc", "h.c"]))
        total = x.matrix + x.matrix.conj().T
        return x._replace(text=f"({x.text} + {word})", matrix=total, rank=4)
    return draw(st.sampled_from(ATOMS))


def read(text):
    values = dict.fromkeys(parameters_of(text, modes=2), WEIGHT)
    values |= dict.fromkeys(pulses_of(text, modes=2), FLAT)
    return parse_hamiltonian(text, modes=2, hbar=HBAR, **values)


@settings(max_examples=60, deadline=None)
@given(texts())
def test_a_text_is_the_operator_that_it_says(piece):
    """On the levels that truncation leaves alone, against matrices."""
    made = read(f"{piece.text} + h.c.").at(0.0)
    want = (piece.matrix + piece.matrix.conj().T).reshape(4 * (LEVELS,))
    want = want[:EXACT, :EXACT, :EXACT, :EXACT].reshape(2 * (EXACT**2,))
    got = symbols.matrix(made, EXACT, hbar=HBAR)
    scale = 1 + np.max(np.abs(want))
    # rounding of a few hundred terms
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-11 * scale)


EDITS = ["", "h.c.", "^2^", "(t)", "0x1", ".real", "__import__", " lambda: ", "\x00"]


@settings(max_examples=60, deadline=None)
@given(texts(), st.data())
def test_any_text_is_read_or_refused(piece, data):
    """One edit away from a good text, or anything at all."""
    text, size = piece.text, len(piece.text)
    begin = data.draw(st.integers(0, size))
    end = data.draw(st.integers(begin, min(begin + 2, size)))
    alphabet = st.text("aUdnqp12.ejh c+-*/^()sqrt", max_size=9)
    edit = data.draw(st.sampled_from(EDITS) | alphabet | st.text(max_size=3))
    problem, made = "", None
    try:
        made = read(text[:begin] + edit + text[end:])
    except ValueError as error:
        problem = str(error)
    assert made is not None or problem.startswith("Argument `hamiltonian` must")
    parts = [] if made is None else [made.constant, *made.operators.values()]
    assert all(part.is_real(hbar=1.0) for part in parts)


def test_bad_options():
    for options, message in [
        ({"modes": 0}, "Argument `modes` must be an integer from 1 to 16"),
        ({"hbar": -1.0}, "Argument `hbar` must be positive"),
        ({"ordering": "normal"}, "Argument `ordering` must be one of"),
    ]:
        with pytest.raises(ValueError, match=message):
            parse_hamiltonian("n", **options)


def test_parameters():
    text = "U/2*ad^2*a^2 + delta*n + 0.5*n"
    assert parameters_of(text) == ("U", "delta")
    with pytest.raises(ValueError, match="each of its parameters, but not for delta"):
        parse_hamiltonian(text, U=1.0)
    made = parse_hamiltonian(text, hbar=HBAR, U=1.0, delta=1)
    assert made.names == ("U", "delta")
    assert {name: float(value) for name, value in made.values.items()} == {
        "U": 1.0,
        "delta": 1.0,
    }
    moved = made.with_values(U=0.8, delta=-0.3)
    assert same(moved.at(), symbols.kerr(0.8, 0.2, hbar=HBAR))
    assert str(made) == (
        "-0.35 1 + 0.5 a a* + U (0.49 1 + -1.4 a a* + 0.5 a^2 a*^2) + "
        "delta (-0.7 1 + 1 a a*)"
    )
    with pytest.raises(ValueError, match=r"\(U, delta\), but has 'J'"):
        made.with_values(J=1.0)
    with pytest.raises(ValueError, match="must have 1 modes"):
        Driven(made.constant, {"g": symbols.cross_kerr(1.0)}, {"g": 1.0})


def test_parameters_are_leaves_of_a_pytree():
    made = parse_hamiltonian("U/2*ad^2*a^2 + delta*n", hbar=HBAR, U=1.0, delta=1.0)
    point = 0.4 - 0.3j

    @jax.jit
    def energy(hamiltonian):
        return hamiltonian.at()(point).real

    slopes = jax.grad(lambda h: energy(h))(made)
    # ∂H/∂name is the part itself.
    for name in made.names:
        part = made.operators[name](point).real
        assert np.isclose(slopes.values[name], part, rtol=1e-14)
    batch = jax.vmap(lambda U: energy(made.with_values(U=U)))(
        jnp.array([0.0, 1.0, 2.0])
    )
    expected = [energy(made.with_values(U=U)) for U in (0.0, 1.0, 2.0)]
    assert np.allclose(batch, expected, rtol=1e-14)
    single = jax.tree.map(
        lambda x: x.astype(jnp.complex64 if jnp.iscomplexobj(x) else jnp.float32), made
    )
    assert single.at().coefficients.dtype == jnp.complex64
