"""Every named Hamiltonian against the same operator made with QuTiP."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from jqd.spaces import symbols

from .operators import HBAR, destroy


def dag(x):
    return x.conj().T


def with_adjoint(x):
    return x + dag(x)


def bose_hubbard(a, b, c):
    hopping = -with_adjoint((0.8 + 0.1j) * dag(a) @ b + 0.5 * dag(b) @ c)
    sites = zip((a, b, c), (0.3, 0.4, 0.5), (0.1, 0.2, 0.0), strict=True)
    return hopping + sum(
        U / 2 * dag(x) @ dag(x) @ x @ x - mu * dag(x) @ x for x, U, mu in sites
    )


def phi4(a):
    q = with_adjoint(a) / np.sqrt(2)
    return 1.2 * dag(a) @ a + 0.1 * q @ q @ q @ q


def complex_field(a, b, omega=1.3):
    phi = (a + dag(b)) / np.sqrt(2 * omega)
    square = dag(phi) @ phi
    return omega * (dag(a) @ a + dag(b) @ b) + 0.05 * square @ square


def gauge_bosons(a, b, c, g=0.3, omega=1.3):
    x, y, z = (with_adjoint(m) / np.sqrt(2 * omega) for m in (a, b, c))
    H = omega * sum(dag(m) @ m for m in (a, b, c)) - 3 * g * omega * x @ y @ z
    return H + g**2 / 2 * (x @ x @ y @ y + y @ y @ z @ z + z @ z @ x @ x)


def position_and_momentum(a, s=1.3):
    q, p = s * with_adjoint(a) / np.sqrt(2), (a - dag(a)) / (1j * s * np.sqrt(2))
    # The Weyl symbol q²p is the operator (q²p + 2qpq + pq²)/4.
    return (
        0.4 * q @ q @ q
        - 0.2 * p @ p
        + 0.3 * (q @ q @ p + 2 * q @ p @ q + p @ q @ q) / 4
    )


TWO_BODY = np.zeros((2, 2, 2, 2), complex)
TWO_BODY[0, 0, 1, 1], TWO_BODY[1, 1, 0, 0] = 0.3j, -0.3j
TWO_BODY[0, 1, 1, 0] = TWO_BODY[1, 0, 0, 1] = 0.5
TWO_BODY[0, 1, 0, 0] = TWO_BODY[0, 0, 0, 1] = 0.2


def two_body(a, b):
    modes = (a, b)
    return sum(
        V / 2 * dag(modes[i]) @ dag(modes[j]) @ modes[k] @ modes[m]
        for (i, j, k, m), V in np.ndenumerate(TWO_BODY)
    )


# symbol, number of modes, operator, whether a Fokker-Planck equation carries it
CASES = {
    "harmonic": (
        symbols.harmonic([0.5, 1.3], hbar=HBAR),
        2,
        lambda a, b: 0.5 * dag(a) @ a + 1.3 * dag(b) @ b,
        True,
    ),
    "kerr": (
        symbols.kerr(0.8, -0.3, hbar=HBAR),
        1,
        lambda a: 0.4 * dag(a) @ dag(a) @ a @ a - 0.3 * dag(a) @ a,
        True,
    ),
    "cross_kerr": (
        symbols.cross_kerr(0.8, hbar=HBAR),
        2,
        lambda a, b: 0.8 * dag(a) @ a @ dag(b) @ b,
        True,
    ),
    "parametric_amplifier": (
        symbols.parametric_amplifier(0.8, hbar=HBAR),
        1,
        lambda a: 0.4j * (dag(a) @ dag(a) - a @ a),
        True,
    ),
    "squeezed_oscillator": (
        symbols.squeezed_oscillator(1.1, 0.3 + 0.4j, hbar=HBAR),
        1,
        lambda a: 1.1 * dag(a) @ a + with_adjoint((0.15 - 0.2j) * a @ a),
        True,
    ),
    "two_mode_squeezing": (
        symbols.two_mode_squeezing(0.5, hbar=HBAR),
        2,
        lambda a, b: 0.5j * (dag(a) @ dag(b) - a @ b),
        True,
    ),
    "three_wave": (
        symbols.three_wave(0.5 - 0.1j, hbar=HBAR),
        3,
        lambda a, b, c: with_adjoint((0.5 - 0.1j) * a @ b @ dag(c)),
        True,
    ),
    "bose_hubbard": (
        symbols.bose_hubbard(
            [0.8 + 0.1j, 0.5],
            [0.3, 0.4, 0.5],
            [(0, 1), (1, 2)],
            mu=[0.1, 0.2, 0.0],
            hbar=HBAR,
        ),
        3,
        bose_hubbard,
        True,
    ),
    "phi4": (symbols.phi4(0.1, 1.2, hbar=HBAR), 1, phi4, False),
    "complex_field": (symbols.complex_field(0.1, 1.3, hbar=HBAR), 2, complex_field, 0),
    "gauge_bosons": (symbols.gauge_bosons(0.3, 1.3, hbar=HBAR), 3, gauge_bosons, 0),
    "polynomial_qp": (
        symbols.polynomial_qp({(3, 0): 0.4, (0, 2): -0.2, (2, 1): 0.3}, 1.3, hbar=HBAR),
        1,
        position_and_momentum,
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_matrix_is_that_of_qutip(name):
    symbol, modes, operator, fokker_planck = CASES[name]
    levels, padded = 3, 6  # no term reaches more than three levels up and back
    full = operator(*destroy(padded, modes)).reshape((padded,) * (2 * modes))
    expected = full[(slice(levels),) * (2 * modes)].reshape((levels**modes,) * 2)
    made = symbols.matrix(symbol, levels, hbar=HBAR)
    # Entries up to 10, a few roundings each.
    assert np.allclose(made, expected, rtol=0, atol=1e-13)
    assert symbol.is_real(hbar=HBAR)
    assert bool(symbol.is_fokker_planck()) == bool(fokker_planck)
    # Negative control: read at another ħ the operator is another one.
    assert not np.allclose(symbols.matrix(symbol, levels, hbar=1.0), expected)


def test_two_body_interaction():
    symbol = symbols.two_body(TWO_BODY, hbar=HBAR)
    full = two_body(*destroy(6, 2)).reshape(6, 6, 6, 6)
    expected = full[:3, :3, :3, :3].reshape(9, 9)
    made = symbols.matrix(symbol, 3, hbar=HBAR)
    assert np.allclose(made, expected, rtol=0, atol=1e-13)  # rounding
    assert symbol.is_fokker_planck()
    assert all(sum(m) == sum(n) for m, n in symbol.powers)
    with pytest.raises(ValueError, match="Argument `V` must be Hermitian"):
        symbols.two_body(1j * TWO_BODY)
    with pytest.raises(ValueError, match=r"must have shape \(2, 2, 2, 2\)"):
        symbols.two_body(np.zeros((2, 2)))


def test_offending_terms_by_name():
    check = symbols.phi4(0.1).is_fokker_planck()
    assert set(check.offending) == {"a^4", "a^3 a*", "a a*^3", "a*^4"}
    check = symbols.complex_field(0.1).is_fokker_planck()
    # (|α|² + |β|² + αβ + α*β*)²: each term is bounded by 2 in every variable alone.
    assert set(check.offending) == {
        "a1^2 a2^2",
        "a1*^2 a2*^2",
        "a1^2 a1* a2",
        "a1 a1*^2 a2*",
        "a1 a2^2 a2*",
        "a1* a2 a2*^2",
    }
    check = symbols.gauge_bosons(0.1).is_fokker_planck()
    assert {"a1 a2 a3", "a1^2 a2^2"} <= set(check.offending)
    # Without the coupling nothing is left to offend.
    assert symbols.gauge_bosons(0.0).is_fokker_planck()


def test_graphs():
    """A ring as edges and as an adjacency matrix."""
    ring = [(0, 1), (1, 2), (2, 3), (3, 0)]
    adjacency = np.zeros((4, 4))
    for i, j in ring:
        adjacency[i, j] = adjacency[j, i] = 1
    made, same = (symbols.bose_hubbard(1.0, 0.5, g) for g in (ring, adjacency))
    assert made.powers == same.powers
    assert np.allclose(made.coefficients, same.coefficients, rtol=1e-15)
    lonely = symbols.bose_hubbard(1.0, 0.5, [(0, 1)], modes=3)
    assert lonely.modes == 3


def test_printed_symbol_is_a_rotation_off():
    """-3|α|² in place of -4|α|²: the operator differs by (U/2) ħ n̂ on each site."""
    true, printed = (
        symbols.bose_hubbard(1.0, 0.5, [(0, 1)], hbar=HBAR, printed=printed)
        for printed in (False, True)
    )
    gap = (printed - true).to("wick", HBAR)
    values = dict(zip(gap.powers, gap.coefficients, strict=True))
    for power in (((1, 0), (1, 0)), ((0, 1), (0, 1))):
        # exact multiplications by 0.7, a rounding each
        assert np.isclose(values.pop(power), 0.25 * HBAR, rtol=1e-13)
    assert np.allclose(list(values.values()), 0, atol=1e-15)
    coefficient = dict(zip(printed.powers, printed.coefficients, strict=True))
    assert np.isclose(coefficient[((1, 0), (1, 0))], -3 * HBAR * 0.25, rtol=1e-13)


def test_kerr_by_its_printed_coefficient():
    right, given_b = symbols.kerr(0.8, hbar=HBAR), symbols.kerr(0.8, b=-4 * HBAR)
    # the same but for the constant 2ħ² U/2
    gap = right - given_b
    assert np.allclose(gap.coefficients, [0.8 * HBAR**2, 0, 0], rtol=0, atol=1e-15)


def test_phi4_evolves_a_coherent_state_as_it_should():
    """Q(1 - .7i) at t = 1 for λ = .1 from a0 = 1, in 70 levels: .106428645."""
    levels = 70
    H = np.asarray(symbols.matrix(symbols.phi4(0.1), levels))
    n = np.arange(levels)
    root = np.sqrt(np.cumprod(np.maximum(n, 1.0)))

    def coherent(a):
        return np.exp(-(abs(a) ** 2) / 2) * a**n / root

    psi = scipy.linalg.expm(-1j * H) @ coherent(1.0)
    Q = abs(np.vdot(coherent(1 - 0.7j), psi)) ** 2 / np.pi
    assert abs(Q - 0.106428645) < 1e-8  # the reference has nine digits


@settings(max_examples=10, deadline=None)
@given(st.floats(-2, 2), st.floats(0.1, 2), st.floats(0.3, 2))
def test_weyl_polynomial_is_the_classical_function(c, s, hbar):
    """The Weyl symbol of what `polynomial_qp` returns is the polynomial itself."""
    symbol = symbols.polynomial_qp({(2, 1): c, (0, 4): 0.5}, s, hbar=hbar)
    alpha = np.array([0.3 - 0.7j, 1.1 + 0.2j])
    q = s * np.sqrt(2) * alpha.real
    p = np.sqrt(2) * alpha.imag / s
    expected = c * q**2 * p + 0.5 * p**4
    # p⁴ grows as s⁻⁴ = 1e4, ħ²s⁻⁴ terms cancel
    assert np.allclose(symbol.to("weyl", hbar)(alpha), expected, rtol=1e-11, atol=1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("build", "arguments"),
    [
        (symbols.kerr, (0.8, -0.3)),
        (symbols.squeezed_oscillator, (1.1, 0.3)),
        (symbols.phi4, (0.1, 1.2)),
        (symbols.complex_field, (0.1, 1.3)),
        (symbols.gauge_bosons, (0.3, 1.3)),
        (functools.partial(symbols.bose_hubbard, graph=[(0, 1)]), (1.0, 0.5)),
    ],
)
def test_parameters_trace_batch_differentiate(build, arguments):
    modes = build(*arguments).modes
    point = np.array([0.4 - 0.3j, 0.2 + 0.6j, -0.1j])[:modes]
    point = point[0] if modes == 1 else point

    def energy(first, second, hbar):
        return build(first, second, hbar=hbar)(point).real

    value, slopes = jax.jit(jax.value_and_grad(energy, argnums=(0, 1, 2)))(
        *arguments, HBAR
    )
    assert np.isclose(value, energy(*arguments, HBAR), rtol=1e-13)
    step = 1e-5
    for k in range(3):
        up, down = ([*arguments, HBAR] for _ in range(2))
        up[k] += step
        down[k] -= step
        slope = (energy(*up) - energy(*down)) / (2 * step)
        # central differences: step² and rounding over step
        assert np.isclose(slopes[k], slope, rtol=1e-7, atol=1e-8)
    single = build(*map(jnp.float32, arguments))
    assert single.coefficients.dtype == jnp.complex64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: symbols.bose_hubbard(1.0, 1.0, [(0, 0)]), "pairs of different sites"),
        (lambda: symbols.bose_hubbard(1.0, 1.0, [(0, 1), (1, 0)]), "each pair once"),
        (lambda: symbols.bose_hubbard(1.0, 1.0, []), "`modes` must be at least 1"),
        (
            lambda: symbols.bose_hubbard(1.0, 1.0, [(0, 2)], modes=2),
            "`modes` must be at least 3, but is 2",
        ),
        (
            lambda: symbols.bose_hubbard(1.0, 1.0, np.array([[0, 1], [0, 0]])),
            "must be a symmetric matrix",
        ),
        (
            lambda: symbols.bose_hubbard([1.0, 2.0], 1.0, [(0, 1)]),
            r"`J` must have shape \(1,\)",
        ),
        (lambda: symbols.polynomial_qp({}), "`coefficients` must hold a term"),
        (lambda: symbols.polynomial_qp({(-1, 0): 1.0}), "must have powers >= 0"),
        (lambda: symbols.polynomial_qp({(1, 0): 1.0}, ordering="q"), "one of 'anti"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bose_hubbard_moves_bosons_as_it_should():
    """Two sites, J = 1, U = 0.5, (√2, 0) at first: <n1> = 1.5519076864 at t = 0.5."""
    levels = 18
    H = np.asarray(symbols.matrix(symbols.bose_hubbard(1.0, 0.5, [(0, 1)]), levels))
    n = np.arange(levels)
    ket = np.exp(-1) * np.sqrt(2.0) ** n / np.sqrt(np.cumprod(np.maximum(n, 1.0)))
    psi = np.kron(ket, np.eye(levels)[0])
    energies, vectors = np.linalg.eigh(H)
    psi = vectors @ (np.exp(-0.5j * energies) * (vectors.conj().T @ psi))
    mean = np.sum(abs(psi.reshape(levels, levels)) ** 2 * n[:, None])
    # The tail of the Poisson distribution beyond 18 quanta weighs 1e-11.
    assert abs(mean - 1.5519076864) < 1e-8
