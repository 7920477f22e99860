"""Hamiltonians as text: what is read, what is refused, and where."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqd.spaces import symbols
from jqd.spaces.symbols import (
    ParametricSymbol,
    Symbol,
    parameters_of,
    parse_hamiltonian,
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
    assert same(parse_hamiltonian(text, hbar=HBAR, **ones).symbol(), expected)


def test_modes_and_orderings():
    assert parse_hamiltonian("n1 + h.c.", modes=3).modes == 3
    assert parse_hamiltonian("n2").modes == 2
    wick = parse_hamiltonian("U*n^2", ordering="wick", hbar=HBAR, U=1.0)
    assert same(
        wick.parts["U"], Symbol([1.0, HBAR], [((2,), (2,)), ((1,), (1,))], "wick")
    )


def test_cancellation_leaves_no_terms():
    """(q² + p²)² = 4 (n + 1/2)² has no a⁴, whatever the order of additions."""
    text = "q^4 + p^4 + q^2*p^2 + p^2*q^2"
    symbol = parse_hamiltonian(text).symbol()
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
    ("h.c.", "column 1 there is `h.c.`"),
    ("n - h.c.", "column 5 it is subtracted or more follows"),
    ("a + h.c. + n", "column 5 it is subtracted or more follows"),
    ("n2 + a", "column 6 `a` has no number"),
    ("n0", "have modes from 1 to 1, but at column 1 there is `n0`"),
    ("n1 + n17", "have modes from 1 to 16, but at column 6 there is `n17`"),
    ("(" * 60 + "n" + ")" * 60, "column 51 another one opens"),
    ("n + g*a", "Hermitian, but the coefficient of `g*a` is 1+0j and that of `g*ad`"),
    ("1j*n", "Hermitian, but the coefficient of `ad*a` is 0+1j"),
    ("ad1^2*a2", r"the coefficient of `ad1^2*a2` is 1+0j and that of `a1^2*ad2`"),
    ("1e200*1e200*n", "must have finite coefficients, but that of `ad*a`"),
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


@settings(max_examples=200, deadline=None)
@given(st.text("aUdnqp12.ejh c+-*/^()sqrt", max_size=40))
def test_any_text_is_read_or_refused(text):
    problem, made = "", None
    try:
        made = parse_hamiltonian(text, **dict.fromkeys(parameters_of(text), 1.0))
    except ValueError as error:
        problem = str(error)
    assert made is not None or problem.startswith("Argument `hamiltonian` must")
    assert made is None or made.symbol().is_real()


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
    assert same(moved.symbol(), symbols.kerr(0.8, 0.2, hbar=HBAR))
    assert str(made) == (
        "-0.35 1 + 0.5 a a* + U (0.49 1 + -1.4 a a* + 0.5 a^2 a*^2) + "
        "delta (-0.7 1 + 1 a a*)"
    )
    with pytest.raises(ValueError, match=r"\(U, delta\), but has 'J'"):
        made.with_values(J=1.0)
    with pytest.raises(ValueError, match="must have 1 modes"):
        ParametricSymbol(made.fixed, {"g": symbols.cross_kerr(1.0)}, {"g": 1.0})


def test_parameters_are_leaves_of_a_pytree():
    made = parse_hamiltonian("U/2*ad^2*a^2 + delta*n", hbar=HBAR, U=1.0, delta=1.0)
    point = 0.4 - 0.3j

    @jax.jit
    def energy(hamiltonian):
        return hamiltonian.symbol()(point).real

    slopes = jax.grad(lambda h: energy(h))(made)
    # ∂H/∂name is the part itself.
    for name in made.names:
        part = made.parts[name](point).real
        assert np.isclose(slopes.values[name], part, rtol=1e-14)
    batch = jax.vmap(lambda U: energy(made.with_values(U=U)))(
        jnp.array([0.0, 1.0, 2.0])
    )
    expected = [energy(made.with_values(U=U)) for U in (0.0, 1.0, 2.0)]
    assert np.allclose(batch, expected, rtol=1e-14)
    single = jax.tree.map(
        lambda x: x.astype(jnp.complex64 if jnp.iscomplexobj(x) else jnp.float32), made
    )
    assert single.symbol().coefficients.dtype == jnp.complex64
