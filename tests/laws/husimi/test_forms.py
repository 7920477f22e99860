"""The forms of the Husimi law agree with each other and with exact quantum motion."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.readings import forms, generators
from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol

HBAR, KAPPA, C = 0.7, 1.9, 1.3
LENGTHS = np.array([1.3, 0.6])
LEVELS = 3


def kerr_like(hbar=HBAR):
    """Quartic, cubic, squeezed, displaced: all terms up to holomorphic degree 2."""
    words = [
        (0.4, "ad ad a a"),
        (-0.6, "ad a"),
        (0.3 - 0.1j, "a"),
        (0.3 + 0.1j, "ad"),
        (0.2j, "ad ad"),
        (-0.2j, "a a"),
        (0.15, "ad a a"),
        (0.15, "ad ad a"),
    ]
    return symbols.from_operator(words, hbar=hbar)


def two_mode(hbar=HBAR):
    words = [
        (0.4, "ad1 ad1 a1 a1"),
        (0.7, "ad1 ad2 a1 a2"),
        (-0.5j, "ad1 a2"),
        (0.5j, "ad2 a1"),
        (0.3, "ad1 ad2"),
        (0.3, "a1 a2"),
    ]
    return symbols.from_operator(words, modes=2, hbar=hbar)


class ComplexForm(NamedTuple):
    """Drift dα_i/dt, (N,), and diffusion D^aa_ij, (N, N), both complex."""

    drift: jax.Array
    diffusion: jax.Array


def complex_form(symbol, alpha, C=1.0):
    """dα_i/dt = -i ∂H/∂α_i*,  D^aa_ij = C ∂²H/∂α_i*∂α_j*: eqs. (40), (43)."""
    symbol.points(alpha)  # raises where the modes differ
    modes = range(symbol.modes)
    first = [symbol.derivative(i, conjugate=True) for i in modes]
    second = [[f.derivative(j, conjugate=True)(alpha) for j in modes] for f in first]
    drift = -1j * jnp.stack([f(alpha) for f in first])
    hessian = jnp.stack([jnp.stack(row) for row in second])
    return ComplexForm(drift, jnp.asarray(C) * hessian)


def random_state(modes, seed=3):
    """A mixed state on the lowest Fock states, (D, D)."""
    size = LEVELS**modes
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    rho = factor @ factor.conj().T
    return rho / np.trace(rho)


def husimi(matrix, levels, alpha, hbar):
    """<α|matrix|α>/π^N per d²a, a = α/√ħ, for α of shape (N,)."""
    a = jnp.conj(alpha) / jnp.sqrt(hbar)
    ket = jnp.ones(1, alpha.dtype)
    for i in range(alpha.shape[0]):
        n = np.arange(levels)
        root = jnp.asarray(np.sqrt([float(math.factorial(k)) for k in n]))
        powers = jnp.stack([a[i] ** int(k) for k in n])
        ket = (ket[:, None] * (powers / root)[None, :]).ravel()
    weight = jnp.exp(-jnp.sum(jnp.abs(a) ** 2)) / np.pi ** alpha.shape[0]
    return weight * (ket @ matrix @ jnp.conj(ket)).real


def density(rho, modes, hbar=HBAR):
    def function(alpha):
        alpha = jnp.reshape(alpha, (modes,))
        return husimi(jnp.asarray(rho), LEVELS, alpha, hbar)

    return function


def exact_rate(symbol, rho, alpha, hbar=HBAR):
    """<α|-(i/ħ)[H, ρ]|α>, on a space that H cannot leave from the support of ρ."""
    modes, size = symbol.modes, LEVELS + symbol.degree
    H = np.asarray(symbols.matrix(symbol, size, hbar=hbar))
    big = np.zeros((size,) * (2 * modes), complex)
    big[(slice(LEVELS),) * (2 * modes)] = rho.reshape((LEVELS,) * (2 * modes))
    big = big.reshape(H.shape)
    rate = -1j / hbar * (H @ big - big @ H)
    return husimi(jnp.asarray(rate), size, jnp.reshape(alpha, (modes,)), hbar)


def to_z(alpha, s):
    alpha = np.atleast_1d(alpha)
    q, p = math.sqrt(2) * s * alpha.real, math.sqrt(2) * alpha.imag / s
    return jnp.asarray(np.concatenate([q, p]))


def in_z(function, modes, s):
    """A density of α as one of z; the volume element is a constant."""

    def of_z(z):
        q, p = jnp.split(z, 2)
        alpha = (q / s + 1j * s * p) / math.sqrt(2)
        return function(alpha[0] if modes == 1 else alpha)

    return of_z


CASES = [
    pytest.param(kerr_like, 0.4 - 0.3j, id="one mode"),
    pytest.param(two_mode, np.array([0.4 - 0.3j, -0.2 + 0.6j]), id="two modes"),
]


def test_diffusion_at_a_point():
    """H = (q² + p²)²/8 at (1, .5): the derivatives by hand."""
    form = forms.real_form(
        lambda z: jnp.sum(z**2) ** 2 / 8, jnp.array([1.0, 0.5]), 1.0, 1.0
    )
    # H_qq = (3q² + p²)/2 = 1.625, H_pp = .875, H_qp = qp = .5; a few roundings
    assert np.allclose(
        form.diffusion, [[-0.5, 0.375], [0.375, 0.5]], rtol=0, atol=1e-14
    )
    # q' = p (q² + p²)/2, p' = -q (q² + p²)/2
    assert np.allclose(form.drift, [0.3125, -0.625], rtol=0, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(("build", "alpha"), CASES)
def test_literal_equation_is_exact_quantum_motion(build, alpha):
    symbol = build()
    rho, s = random_state(symbol.modes), LENGTHS[: symbol.modes] / math.sqrt(KAPPA)
    H = forms.phase_space_function(symbol, s)
    rho_z = in_z(density(rho, symbol.modes), symbol.modes, s)

    @jax.jit
    def rate(z, C):
        lengths = LENGTHS[: symbol.modes]
        return generators.real_generator(H, rho_z, z, lengths, KAPPA, C, HBAR)

    z = to_z(alpha, s)
    exact = exact_rate(symbol, rho, alpha)
    assert abs(exact) > 1e-3
    # Fourth derivatives of products of order 10: a hundred roundings.
    assert abs(rate(z, 1.0) - exact) < 1e-12
    # Negative controls: the diffusion with the wrong sign, or left out.
    assert abs(rate(z, -1.0) - exact) > 1e-3
    assert abs(rate(z, 0.0) - exact) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(("build", "alpha"), CASES)
def test_three_forms_agree_for_every_constant(build, alpha):
    symbol = build()
    modes = symbol.modes
    lengths = LENGTHS[:modes]
    s = lengths / math.sqrt(KAPPA)
    function = density(random_state(modes), modes)

    @jax.jit
    def rates(alpha, z, C, hbar, kappa, lengths):
        # l and κ vary at fixed s, and with them C and ħ at fixed ħC.
        H, rho = forms.phase_space_function(symbol, s), in_z(function, modes, s)
        return jnp.stack(
            [
                generators.real_generator(H, rho, z, lengths, kappa, C, hbar),
                generators.kappa_free_generator(H, rho, z, s, C, hbar),
                generators.complex_generator(symbol, function, alpha, C, hbar),
            ]
        )

    point = to_z(alpha, s)
    values = rates(alpha, point, C, HBAR, KAPPA, lengths)
    # Rounding of fourth derivatives, as above.
    assert np.ptp(values) < 1e-12
    # κ -> cκ, l -> √c l and C -> C/c, ħ -> cħ change nothing.
    c = 2.7
    moved = rates(alpha, point, C / c, HBAR * c, KAPPA * c, lengths * math.sqrt(c))
    assert np.allclose(moved, values, rtol=0, atol=1e-12)
    # Negative control: ħ alone does.
    assert np.all(abs(rates(alpha, point, C, HBAR * c, KAPPA, lengths) - values) > 1e-3)


@pytest.mark.parametrize(("build", "alpha"), CASES)
def test_real_and_complex_coefficients_agree(build, alpha):
    """dα/dt and D^aa from the real form: D_QQ - D_PP + 2i D_QP is 2i D^aa* κ-scaled."""
    symbol, modes = build(), build().modes
    s = LENGTHS[:modes] / math.sqrt(KAPPA)
    H, z = forms.phase_space_function(symbol, s), to_z(alpha, s)
    real = jax.jit(lambda z: forms.kappa_free_form(H, z, s, C, HBAR))(z)
    drift, diffusion = complex_form(symbol, alpha, C)
    turn = np.concatenate([np.diag(1 / s), 1j * np.diag(s)], 1) / math.sqrt(2)
    assert np.allclose(turn @ real.drift, drift, rtol=0, atol=1e-13)
    # <dα dα> = turn D turnᵀ dt = -iħ D^aa... by ∂_i∂_j(iħ/2 D^aa_ij ρ)
    assert np.allclose(
        turn @ real.diffusion @ turn.T, 1j * HBAR * diffusion, rtol=0, atol=1e-13
    )
    # and <dα dα*> = 0: no term ∂_i ∂*_j, which is what tracelessness says
    assert np.allclose(turn @ real.diffusion @ turn.conj().T, 0, atol=1e-13)


@pytest.mark.slow
def test_diffusion_has_signature_n_n_in_any_units():
    symbol = two_mode()
    s = LENGTHS / math.sqrt(KAPPA)
    H = forms.phase_space_function(symbol, s)
    z = to_z(np.array([0.4 - 0.3j, -0.2 + 0.6j]), s)
    scaled = forms.real_form(H, z, LENGTHS, KAPPA, C).diffusion
    J = np.asarray(forms.symplectic(z))
    L = np.asarray(forms.scales(z, LENGTHS, KAPPA))
    hessian = L[:, None] * np.asarray(jax.hessian(H)(z)) * L[None, :]
    assert [int(k) for k in forms.diffusion_signature(scaled)] == [2, 2]
    # entries of order 1, a few roundings
    assert np.allclose(scaled, scaled.T, rtol=0, atol=1e-14)
    assert abs(np.trace(scaled)) < 1e-14
    assert np.allclose(scaled @ J + J @ scaled, 0, atol=1e-14)
    assert abs(np.trace(scaled @ hessian)) < 1e-14
    # In the units of q and p the trace is not zero, and the signature stays.
    physical = L[:, None] * np.asarray(scaled) * L[None, :]
    assert abs(np.trace(physical)) > 1e-2
    assert [int(k) for k in forms.diffusion_signature(jnp.asarray(physical))] == [2, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("symbol", "alpha", "last"),
    [
        pytest.param(
            symbols.polynomial_qp({(2, 0): 0.5, (0, 2): 0.5, (4, 0): 0.1}, hbar=HBAR),
            0.4 - 0.3j,
            4,
            id="phi4",
        ),
        pytest.param(
            symbols.polynomial_qp({(2, 0): 0.5, (0, 2): 0.5, (3, 0): 0.1}, hbar=HBAR),
            0.4 - 0.3j,
            3,
            id="cubic",
        ),
        pytest.param(kerr_like(), 0.4 - 0.3j, 2, id="kerr"),
        pytest.param(
            Symbol([1.0, 1.0], [((1, 1, 1), (0, 0, 0)), ((0, 0, 0), (1, 1, 1))]),
            np.array([0.4 - 0.3j, -0.2 + 0.6j, 0.1 + 0.2j]),
            3,
            id="a1 a2 a3 + h.c.",
        ),
    ],
)
def test_orders_up_to_the_holomorphic_degree_close_the_equation(symbol, alpha, last):
    rho = random_state(symbol.modes)
    function = density(rho, symbol.modes)

    @functools.partial(jax.jit, static_argnums=1)
    def term(alpha, order):
        return generators.order_term(symbol, function, alpha, order, HBAR)

    exact = exact_rate(symbol, rho, alpha)
    terms = np.array([term(alpha, k) for k in range(1, last + 1)])
    assert symbol.holomorphic_degree == last
    # Nested derivatives of polynomials of degree 8, values of order 1.
    assert abs(terms.sum() - exact) < 1e-12
    # Negative control: the last order is not negligible.
    assert abs(terms[:-1].sum() - exact) > 1e-4


def test_diffusion_joins_different_modes():
    """Cross-Kerr: with f_ij = C δ_ij the mixed second derivatives would be missing."""
    symbol = symbols.cross_kerr(1.0)
    rho = random_state(2)
    function = density(rho, 2, hbar=1.0)
    rng = np.random.default_rng(5)
    alphas = rng.normal(size=(20, 2)) + 1j * rng.normal(size=(20, 2))
    exact = np.array([exact_rate(symbol, rho, alpha, hbar=1.0) for alpha in alphas])

    @jax.jit
    @jax.vmap
    def rates(alpha):
        first = generators.order_term(symbol, function, alpha, 1)
        return first, generators.order_term(symbol, function, alpha, 2)

    first, second = rates(alphas)
    assert np.linalg.norm(first + second - exact) < 1e-12  # rounding
    # All second derivatives of |α1|²|α2|² are mixed: δ_ij leaves the first order, and
    # with it an error of the size of the whole.
    diffusion = complex_form(symbol, alphas[0]).diffusion
    assert np.allclose(np.diag(diffusion), 0, atol=1e-15)
    assert np.linalg.norm(first - exact) > 0.5 * np.linalg.norm(exact)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("symbol", "symmetric"),
    [
        pytest.param(symbols.parametric_amplifier(0.8), False, id="amplifier"),
        pytest.param(symbols.squeezed_oscillator(0.0, 0.8), True, id="real squeezing"),
        pytest.param(symbols.kerr(0.8), True, id="kerr"),
    ],
)
def test_time_reversal(symbol, symmetric):
    """T: α -> α*. With Q'(α) = Q(α*) a T-symmetric law has G Q' = -(G Q)(α*)."""
    function = density(random_state(1), 1, hbar=1.0)

    def reversed_function(alpha):
        return function(jnp.conj(alpha))

    @jax.jit
    def gap(alpha):
        forward = generators.complex_generator(symbol, function, jnp.conj(alpha))
        backward = generators.complex_generator(symbol, reversed_function, alpha)
        return jnp.abs(forward + backward), jnp.abs(forward)

    difference, scale = gap(0.4 - 0.3j)
    if symmetric:
        assert difference < 1e-13  # rounding
    else:
        # H_amp changes its sign: the law runs the same way twice.
        assert np.isclose(difference, 2 * scale, rtol=1e-12)


def test_amplifier_keeps_another_time_reversal():
    """T': α -> iα*, under which ig(α*² - α²)/2 does not change."""
    symbol = symbols.parametric_amplifier(0.8)
    function = density(random_state(1), 1, hbar=1.0)

    @jax.jit
    def rates(alpha):
        turned = 1j * jnp.conj(alpha)
        forward = generators.complex_generator(symbol, function, turned)
        backward = generators.complex_generator(
            symbol, lambda a: function(1j * jnp.conj(a)), alpha
        )
        return forward + backward

    assert abs(rates(0.4 - 0.3j)) < 1e-13  # rounding


def test_amplifier_amplifies_x_and_diffuses_it_negatively():
    """∂_t Q = -g ∂_X(XQ) + g ∂_Y(YQ) - (g/4) ∂_X² Q + (g/4) ∂_Y² Q"""
    g, alpha = 0.8, 0.4 - 0.3j
    drift, diffusion = complex_form(symbols.parametric_amplifier(g), alpha)
    assert np.allclose(drift, g * np.conj(alpha), rtol=0, atol=1e-15)
    H = forms.phase_space_function(symbols.parametric_amplifier(g))
    form = forms.kappa_free_form(H, to_z(alpha, np.ones(1)))
    # z = √2 (X, Y): <dX²> = -g/2 dt, so <dq²> = -g dt
    assert np.allclose(form.diffusion, [[-g, 0], [0, g]], rtol=0, atol=1e-14)
    assert np.allclose(diffusion, [[1j * g]], rtol=0, atol=1e-15)


def test_traceable_and_single_precision():
    symbol = symbols.kerr(jnp.float32(0.8))
    points = jnp.array([0.1 + 0.2j, -0.5j], jnp.complex64)
    batched = jax.jit(jax.vmap(lambda a: complex_form(symbol, a)))(points)
    assert batched.diffusion.shape == (2, 1, 1)
    assert batched.diffusion.dtype == jnp.complex64
    z = jnp.array([[0.1, 0.2], [0.3, -0.4]], jnp.float32)
    H = forms.phase_space_function(symbol)
    form = jax.jit(jax.vmap(lambda z: forms.real_form(H, z, 1.0, 1.0)))(z)
    assert form.diffusion.dtype == form.drift.dtype == jnp.float32

    def size(C):
        return jnp.sum(complex_form(symbol, 0.5 + 0j, C).diffusion.real)

    # D = C U α²: its slope in C, with 0.8 in single precision
    assert np.isclose(jax.grad(size)(1.0), 0.8 * 0.25, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: forms.real_form(jnp.sum, jnp.zeros(3), 1.0, 1.0), "Argument `z` must"),
        (
            lambda: generators.order_term(symbols.kerr(1.0), jnp.abs, 0j, 0),
            "Argument `order` must be at least 1, but is 0",
        ),
        (
            lambda: generators.order_term(symbols.kerr(1.0).to("wick"), jnp.abs, 0j, 1),
            "Argument `symbol` must be antiwick ordered, but is wick",
        ),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
