"""Sections V B-D of the Husimi paper: interacting fields, and the law cut short."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.husimi import truncation_deviation
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd import states
from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.readings import generators
from jqd.readings.phase_space import complex_gradient
from jqd.spaces import symbols

from .conftest import equation, norm

# A few operations on numbers of order 1 in float64.
ROUNDING = 1e-12
REFUTED = 1e-2


# Metric (+, -, -, -).
_METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def field_amplitudes(
    alpha: ArrayLike, beta: ArrayLike, mass: ArrayLike = 1.0
) -> tuple[Complex[Array, "..."], Complex[Array, "..."]]:
    """A mode of a complex field: φ = (α + β*)/√(2m), π = i √(m/2) (β* - α).

    Args:
        alpha: amplitude of the particle, complex.
        beta: amplitude of the antiparticle, complex.
        mass: m > 0.

    Returns:
        φ and π = dφ/dt, the momentum of φ*.
    """
    alpha, antiparticle = jnp.asarray(alpha), jnp.conj(jnp.asarray(beta))
    root = jnp.sqrt(mass)
    field = (alpha + antiparticle) / (math.sqrt(2) * root)
    return field, 1j * root / math.sqrt(2) * (antiparticle - alpha)


def field_strength(
    slope: Float[Array, "A 4 4"],
    potential: Float[Array, "A 4"],
    structure: Float[Array, "A A A"],
    g: ArrayLike,
) -> Float[Array, "A 4 4"]:
    """F^a_μν = ∂_μ A^a_ν - ∂_ν A^a_μ + g f^abc A^b_μ A^c_ν

    Args:
        slope: ∂_μ A^a_ν, axes a, μ, ν.
        potential: A^a_μ, axes a, μ.
        structure: f^abc, totally antisymmetric.
        g: coupling.
    """
    own = jnp.einsum("abc,bm,cn->amn", structure, potential, potential)
    return slope - jnp.swapaxes(slope, 1, 2) + g * own


def field_tensor_lagrangian(strength: Float[Array, "A 4 4"]) -> Float[Array, ""]:
    """-(1/4) F^a_μν F^aμν, metric (+, -, -, -).

    Args:
        strength: F^a_μν, axes a, μ, ν.
    """
    signs = _METRIC[:, None] * _METRIC[None, :]
    return -jnp.sum(strength**2 * signs[None, :, :]) / 4


def mode_field(
    amplitudes: Complex[Array, "A K"], modes: Complex[Array, "K 4"]
) -> Float[Array, "A 4"]:
    """A^a_μ = Σ_k (α^a_k u_kμ + c.c.) at one point of space.

    Args:
        amplitudes: α^a_k, axes a, k.
        modes: u_kμ at the point, axes k, μ.
    """
    return 2 * (amplitudes @ modes).real


@equation("70")
@equation("71")
@equation("72")
@equation("claim-higgs")
def test_complex_field():
    mass, lam = 1.3, 0.4
    z = np.array([0.4 - 0.3j, -0.2 + 0.6j])
    field, momentum = field_amplitudes(*z, mass)
    free = abs(momentum) ** 2 + mass**2 * abs(field) ** 2
    assert np.isclose(free, mass * np.sum(np.abs(z) ** 2), rtol=ROUNDING)
    alpha, beta = z
    sum_of_four = abs(alpha) ** 2 + abs(beta) ** 2 + 2 * (alpha * beta).real
    assert np.isclose(abs(field) ** 4, sum_of_four**2 / (4 * mass**2), rtol=ROUNDING)
    # {φ*, π} = 1 and {φ, π} = 0 with {α, α*} = -i
    amplitudes = lambda z: jnp.stack(field_amplitudes(*z, mass))  # noqa: E731
    slope = complex_gradient(amplitudes, jnp.asarray(z))
    conj = complex_gradient(lambda z: jnp.conj(amplitudes(z)), jnp.asarray(z))

    def bracket(f, g):
        return -1j * (f[:2] @ g[2:] - f[2:] @ g[:2])

    assert np.isclose(bracket(conj[0], slope[1]), 1, rtol=ROUNDING)
    assert abs(bracket(slope[0], slope[1])) < ROUNDING
    # the symbol at ħ = 0 is the Hamiltonian (70), with (λ/2)|φ|⁴
    symbol = symbols.complex_field(lam, mass, hbar=0.0)
    assert np.isclose(symbol(z).real, free + lam / 2 * abs(field) ** 4, rtol=ROUNDING)
    # third derivatives by α and β do not vanish: terms with three and four of them
    quantum = symbols.complex_field(lam, mass)
    assert not quantum.is_fokker_planck()
    third = quantum.derivative(0).derivative(0).derivative(1)
    assert abs(third(z)) > REFUTED
    assert quantum.holomorphic_degree == 4


def structure_constants():
    """f^abc of SU(3), from tr(λ_c [λ_a, λ_b]) = 4i f^abc."""
    basis = np.zeros((8, 3, 3), complex)
    for k, (i, j) in ((0, (0, 1)), (3, (0, 2)), (5, (1, 2))):
        basis[k, i, j] = basis[k, j, i] = 1
        basis[k + 1, i, j], basis[k + 1, j, i] = -1j, 1j
    # the order is λ_1, λ_2, (λ_3), λ_4, .., λ_7, (λ_8)
    basis[2] = np.diag([1, -1, 0])
    basis[7] = np.diag([1, 1, -2]) / np.sqrt(3)
    products = np.einsum("aij,bjk,cki->abc", basis, basis, basis)
    return jnp.asarray((products - products.swapaxes(0, 1)).imag / 4)


@equation("73")
@equation("74")
@equation("75")
def test_gauge_bosons():
    g, f = 0.6, structure_constants()
    assert np.isclose(f[0, 1, 2], 1)
    assert np.isclose(f[3, 4, 7], np.sqrt(3) / 2)
    rng = np.random.default_rng(3)
    x = jnp.asarray(rng.normal(size=4))
    plain, bend = rng.normal(size=(2, 8, 4, 4))

    def potential(x):
        return jnp.asarray(plain) @ x + (jnp.asarray(bend) @ x) * x[0]

    def strength(potential):
        slope = jnp.swapaxes(jax.jacfwd(potential)(x), 1, 2)  # a, μ, ν
        return field_strength(slope, potential(x), f, g)

    F = strength(potential)
    assert norm(F + jnp.swapaxes(F, 1, 2)) < ROUNDING
    lagrangian = field_tensor_lagrangian(F)
    E, B = F[:, 0, 1:], jnp.stack([F[:, 2, 3], F[:, 3, 1], F[:, 1, 2]], 1)
    electric = jnp.sum(E**2 - B**2) / 2
    assert np.isclose(lagrangian, electric, rtol=ROUNDING)

    # A gauge transformation exp(θ(x) n·T) rotates F and leaves the Lagrangian.
    axis = jnp.zeros(8).at[jnp.array([0, 3])].set(jnp.array([0.6, 0.8]))
    generator = -jnp.einsum("a,abc->bc", axis, f)
    turns, vectors = np.linalg.eigh(1j * np.asarray(generator))

    def angle(x):
        return jnp.sin(x[0]) + x[1] * x[2]

    def transformed(x):
        phases = jnp.exp(-1j * angle(x) * turns)
        turn = ((vectors * phases[None, :]) @ vectors.conj().T).real
        return turn @ potential(x) - jax.grad(angle)(x)[None] * axis[:, None] / g

    turned = field_tensor_lagrangian(strength(transformed))
    assert np.isclose(turned, lagrangian, rtol=1e-11)
    # without the structure constants it is no symmetry
    bare = field_tensor_lagrangian(
        field_strength(
            jnp.swapaxes(jax.jacfwd(transformed)(x), 1, 2), transformed(x), f, 0.0
        )
    )
    assert abs(bare - lagrangian) > REFUTED


@equation("75")
@equation("claim-gauge")
@equation("claim-gauge-powers")
def test_no_amplitude_of_a_gauge_boson_above_its_square():
    rng = np.random.default_rng(5)
    u = jnp.asarray(rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4)))
    slope = jnp.asarray(rng.normal(size=(8, 4, 4)))

    def lagrangian(amplitudes):  # (8 colours, 2 modes)
        potential = mode_field(amplitudes, u)
        return field_tensor_lagrangian(
            field_strength(slope, potential, structure_constants(), 0.6)
        )

    start = jnp.asarray(rng.normal(size=(8, 2)) + 1j * rng.normal(size=(8, 2)))
    expected = 2 * np.real(np.asarray(start) @ np.asarray(u))
    assert norm(mode_field(start, u) - expected) < ROUNDING

    # along any direction the Lagrangian is a polynomial of degree 4: five values fix it
    def powers(direction):
        steps = np.arange(-2.0, 3.0)
        values = jax.vmap(lambda s: lagrangian(start + s * direction))(
            jnp.asarray(steps)
        )
        return np.polynomial.polynomial.polyfit(steps, np.asarray(values), 4)

    for place in ((0, 0), (2, 1), (7, 0)):
        own = powers(jnp.zeros((8, 2), complex).at[place].set(0.6 + 0.8j))
        assert norm(own[3:]) < 1e-10  # values of order 1000
        assert abs(own[2]) > REFUTED
    # two amplitudes together: third and fourth mixed derivatives
    both = powers(jnp.zeros((8, 2), complex).at[(0, 1), (0, 1)].set(0.6 + 0.8j))
    assert abs(both[4]) > REFUTED
    # All amplitudes turned by one phase: of a quartic only products of four
    # unconjugated ones turn as e^(4iθ). They are in the magnetic energy (A_0 = 0),
    # which is minus this Lagrangian, so that (64) fails for the gluons themselves.
    still, turns = u.at[:, 0].set(0), jnp.exp(2j * jnp.pi * jnp.arange(16) / 16)

    def magnetic(turn):
        potential = mode_field(start * turn, still)
        strength = field_strength(0 * slope, potential, structure_constants(), 0.6)
        return -field_tensor_lagrangian(strength)

    waves = np.fft.fft(jax.vmap(magnetic)(turns)) / 16
    assert abs(waves[4]) > REFUTED * abs(waves[0])
    # and so for a reduced model with its Hamiltonian
    model = symbols.gauge_bosons(0.4)
    assert not model.is_fokker_planck()
    assert max(max(*m, *n) for m, n in model.powers) == 2


def triple():
    return symbols.Symbol([0.5, 0.5], [((1, 1, 1), (0, 0, 0)), ((0, 0, 0), (1, 1, 1))])


@equation("claim-truncation-error")
@pytest.mark.parametrize(
    ("symbol", "closes"),
    [
        (symbols.kerr(0.8, 0.3), True),
        (symbols.polynomial_qp({(0, 2): 0.5, (3, 0): 0.2}), False),
        (symbols.phi4(0.1), False),
        (symbols.complex_field(0.4), False),
        (triple(), False),
    ],
    ids=["Kerr", "cubic", "phi4", "complex field", "three waves created"],
)
def test_the_law_cut_short_moves_coherent_states_otherwise(symbol, closes):
    assert bool(symbol.is_fokker_planck()) is closes
    modes = symbol.modes
    alpha = np.array([0.4 - 0.3j, -0.2 + 0.6j, 0.1 + 0.2j])[:modes]
    start = np.array([0.5 + 0.2j, -0.3j, 0.4 + 0.2j])[:modes]

    @jax.jit
    def rate(alpha):
        def density(point):
            away = jnp.reshape(point, (modes,)) - start
            return jnp.exp(-jnp.sum(jnp.abs(away) ** 2))

        return generators.complex_generator(
            symbol, density, alpha[0] if modes == 1 else alpha
        )

    # <α|H|start> by the Wick symbol, of start for a and of α* for a†
    values = [
        c * np.prod(start ** np.array(m)) * np.prod(alpha.conj() ** np.array(n))
        for c, m, n in symbol.to("wick").terms()
    ]
    exact = 2 * np.imag(sum(values)) * np.exp(-np.sum(np.abs(alpha - start) ** 2))
    gap = abs(rate(jnp.asarray(alpha)) - exact)
    assert gap < ROUNDING if closes else gap > REFUTED * abs(exact)


@equation("claim-truncation-error")
def test_truncated_law_errs_at_first_order():
    quartic = symbols.polynomial_qp({(4, 0): 1.0})
    ts, point = jnp.array([0.5, np.pi]), jnp.array([1 - 0.7j, 0.3 + 0.2j])
    psi = states.coherent(1.0, 24)
    deviation = truncation_deviation(
        symbols.harmonic(1.0), quartic, psi, ts, point, levels=32
    )
    # the integral of the third and fourth orders along the free motion, done apart
    expected = [0.048026837631, 0.363749756609]
    assert np.allclose(deviation[0], expected, rtol=0, atol=1e-8)
    # after half a period nothing is left of it
    assert norm(deviation[1]) < 1e-10


@pytest.mark.slow
@equation("claim-truncated-alternative")
def test_truncated_law_of_phi4_grows_with_the_levels():
    def abscissa(symbol, levels):
        law = HusimiFokkerPlanck(symbol, form=Fock(levels))
        return np.max(np.linalg.eigvals(law.form.generator(law.equation).dense()).real)

    phi4, sizes = symbols.phi4(0.1), [6, 10]
    growth = np.array([abscissa(phi4, n) for n in sizes])
    # faster than N²: from 3.4 to 4.7 times 0.1 N²
    assert growth[1] / growth[0] > 1.2 * (10 / 6) ** 2
    assert growth[0] > 10
    # Negative control: where (64) holds nothing grows, but for rounding
    assert abscissa(symbols.kerr(0.8), 6) < 1e-6
