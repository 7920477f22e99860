"""Husimi functions at points: closed forms, moments, marginals, QuTiP."""

import re

import hypothesis
import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
import qutip
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.sparse.linalg import expm_multiply
from scipy.special import gammaln

from jqd.states import (
    Ensemble,
    GaussianState,
    TwoModeSqueezed,
    antinormal_moment,
    cat,
    coherent,
    covariance,
    husimi,
    husimi_map,
    marginal,
    negativity,
    number_state,
    phase_grid,
    product,
    squeezed,
    thermal,
)

AXIS = np.linspace(-6.0, 6.0, 49)
GRID = phase_grid(AXIS, AXIS)
CELL = (AXIS[1] - AXIS[0]) ** 2
LEVELS = 8


def random_ket(seed, levels=LEVELS):
    rng = np.random.default_rng(seed)
    psi = rng.normal(size=levels) + 1j * rng.normal(size=levels)
    return psi / np.linalg.norm(psi)


@pytest.mark.parametrize("hbar", [1.0, 0.3])
def test_coherent_states_are_gaussians(hbar):
    alpha = 1.2 - 0.7j
    points = np.array([0.0, alpha, 2j, -3.0])
    value = husimi(coherent(alpha / np.sqrt(hbar), 60), points, hbar=hbar)
    expected = np.exp(-(np.abs(points - alpha) ** 2) / hbar) / (np.pi * hbar)
    # rounding; what 60 levels cut off is below
    np.testing.assert_allclose(value, expected, atol=1e-14)
    # Negative control: ħ wrong by 1e-6.
    wrong = husimi(coherent(alpha / np.sqrt(hbar), 60), points, hbar=hbar * (1 + 1e-6))
    assert np.max(np.abs(wrong - expected)) > 1e-7


@pytest.mark.sampled
@pytest.mark.parametrize(("n", "r"), [(400, 13.0), (400, 20.0), (169, 13.0), (900, 30)])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.complex128, 1e-12), (np.complex64, 1e-5)]
)
def test_large_number_states_are_poissonian(n, r, dtype, tolerance):
    """Q(α) = exp(-r²) r^2n / n! / π; tolerance: √n ε relative, times a few."""
    ket = number_state(n, n + 1).astype(dtype)
    value = husimi(ket, r * np.exp(1.1j))
    assert value.dtype == np.finfo(dtype).dtype
    expected = np.exp(-(r**2) + 2 * n * np.log(r) - gammaln(n + 1)) / np.pi
    np.testing.assert_allclose(value, expected, rtol=1e2 * tolerance, atol=tolerance)


def test_far_coherent_states_overlap_as_they_should():
    alpha, points = 17.0 * np.exp(0.6j), 17.0 * np.exp(0.6j) + np.array([0, 1, 1j, -2])
    expected = np.exp(-(np.abs(points - alpha) ** 2)) / np.pi
    # n eps of the phases of 460 levels
    np.testing.assert_allclose(
        husimi(coherent(alpha, 460), points), expected, atol=1e-12
    )


@pytest.mark.parametrize("kind", ["ket", "density", "ensemble", "qutip ket", "qutip"])
def test_every_kind_of_state_gives_the_same(kind):
    psi = random_ket(3)
    rho = np.outer(psi, psi.conj())
    states = {
        "ket": psi,
        "density": rho,
        "ensemble": Ensemble(jnp.asarray(psi)[None], jnp.ones(1)),
        "qutip ket": qutip.Qobj(psi),
        "qutip": qutip.Qobj(rho),
    }
    expected = qutip.qfunc(qutip.Qobj(psi), AXIS, AXIS, 2.0)
    # rounding, of the eigenvectors of the density operators too
    np.testing.assert_allclose(husimi(states[kind], GRID), expected, atol=1e-14)


def test_two_modes_against_products_and_an_entangled_state():
    points = np.array([[0.3 - 1j, 0.5j], [1.0, -1.0], [0.0, 0.0]])
    left, right = random_ket(1, 5), random_ket(2, 6)
    expected = husimi(left, points[:, 0]) * husimi(right, points[:, 1])
    np.testing.assert_allclose(
        husimi(product(left, right), points, modes=2), expected, atol=1e-15
    )
    mixed = product(np.outer(left, left.conj()), right)
    np.testing.assert_allclose(husimi(mixed, points, modes=2), expected, atol=1e-15)
    # (|10> + i|01>)/√2: Q = |a1* + i a2*|² exp(-|a1|² - |a2|²) / 2π²
    ket = (number_state((1, 0), (2, 3)) + 1j * number_state((0, 1), (2, 3))) / np.sqrt(
        2
    )
    a1, a2 = points.conj().T
    weight = np.exp(-np.sum(np.abs(points) ** 2, axis=1)) / (2 * np.pi**2)
    expected = np.abs(a1 + 1j * a2) ** 2 * weight
    np.testing.assert_allclose(husimi(ket, points, modes=2), expected, atol=1e-16)


@jax.jit
def values_of(psi):
    return husimi_map(psi, AXIS, AXIS), husimi(psi, GRID)


@hypothesis.settings(deadline=None, derandomize=True, max_examples=20)
@hypothesis.given(seed=st.integers(0, 10**6), turn=st.floats(-3, 3))
def test_positive_normalised_and_covariant(seed, turn):
    psi = random_ket(seed)
    on_grid, values = values_of(psi)
    np.testing.assert_allclose(on_grid, values, atol=1e-15)
    assert np.min(values) >= 0
    # the trapezoidal rule of a Gaussian times a polynomial, cut at e^-36 * 6^14
    assert abs(np.sum(values) * CELL - 1) < 1e-8
    # exp(-i turn n) turns phase space by -turn
    turned = psi * np.exp(-1j * turn * np.arange(LEVELS))
    moved = husimi(turned, np.exp(-1j * turn) * np.asarray(GRID))
    np.testing.assert_allclose(moved, values, atol=1e-14)


@pytest.mark.parametrize("powers", [(0, 0), (1, 0), (1, 1), (2, 1), (0, 3), (3, 3)])
def test_moments_equal_integrals(powers):
    m, n = powers
    psi, hbar = random_ket(5), 0.8
    grid = np.asarray(GRID)
    density = np.asarray(husimi(psi, grid, hbar=hbar))
    integral = np.sum(grid**m * grid.conj() ** n * density) * CELL
    moment = antinormal_moment(psi, m, n, hbar=hbar)
    # the cut at e^-45 * 6^20
    np.testing.assert_allclose(moment, integral, atol=1e-6, rtol=1e-8)


def test_moments_of_coherent_and_number_states():
    alpha = 0.8 + 0.3j
    joint = coherent([alpha, -alpha], (40, 30))
    # <α₁² α₁* α₂>_Q = (α²α* + 2ħα)(-α), ħ = 1
    moment = antinormal_moment(joint, (2, 1), (1, 0), modes=2)
    expected = (alpha**2 * np.conj(alpha) + 2 * alpha) * -alpha
    np.testing.assert_allclose(moment, expected, atol=1e-13)
    # <|α|^4> of |n> is (n + 1)(n + 2), although n is the last level
    np.testing.assert_allclose(antinormal_moment(number_state(3, 4), 2, 2), 20.0)


@pytest.mark.slow
def test_covariance_of_gaussian_states():
    hbar = 0.7
    expected = hbar * np.diag([0.5 + 0.4 / 2, 0.5, 0.5 + 0.4 / 2, 0.5])
    state = product(thermal(0.4, 32, 0.3j), coherent(0.5, 12))
    cov = covariance(state, hbar=hbar, modes=2)
    # (n + 1) p(n) that 32 levels of n̄ = 0.4 cut off: 2e-15; 12 of α = 0.5: 1e-15
    np.testing.assert_allclose(cov, expected, atol=1e-12)
    ket = squeezed(0.5, 60, angle=0.7, displacement=1.0)
    turn = np.exp(0.35j)
    rotation = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    expected = rotation @ np.diag((1 + np.exp([-1.0, 1.0])) / 4) @ rotation.T
    np.testing.assert_allclose(covariance(ket), expected, atol=1e-10)


def test_covariance_of_modes_that_share_a_quantum():
    """X of one mode goes with Y of the other, against the same integrals of Q."""
    ket = np.zeros((2, 2), complex)
    ket[1, 0], ket[0, 1] = np.sqrt(0.5), 1j * np.sqrt(0.5)
    axis = np.linspace(-5.0, 5.0, 21)
    x = np.stack(np.meshgrid(*[axis] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    density = np.asarray(husimi(ket, x[:, :2] + 1j * x[:, 2:], modes=2))
    weights = density * (axis[1] - axis[0]) ** 4
    expected = (x * weights[:, None]).T @ x
    # what lies beyond 5: e^-25 5^4 = 9e-9
    np.testing.assert_allclose(covariance(ket, modes=2), expected, rtol=0, atol=1e-8)
    assert expected[0, 3] == pytest.approx(0.25, abs=1e-8)
    assert expected[1, 2] == pytest.approx(-0.25, abs=1e-8)


@pytest.mark.parametrize("angle", [0.0, 0.8])
@pytest.mark.parametrize("hbar", [1.0, 0.5])
def test_marginals_equal_integrals(angle, hbar):
    psi = random_ket(11)
    x = np.linspace(-2, 2, 5)
    points = (x[:, None] + 1j * AXIS[None, :]) * np.exp(1j * angle)
    expected = np.sum(husimi(psi, points, hbar=hbar), axis=1) * (AXIS[1] - AXIS[0])
    # the trapezoidal rule, cut at e^-36 * 6^14 where ħ = 1
    np.testing.assert_allclose(marginal(psi, x, angle, hbar=hbar), expected, atol=1e-9)
    # Negative control: the angle with the other sign.
    wrong = marginal(psi, x, angle + 0.01, hbar=hbar)
    assert np.max(np.abs(wrong - expected)) > 1e-4


def test_marginal_of_a_squeezed_cat():
    """Born weights .7 and .3, blurred by the vacuum: P(X > 0) = .631850."""
    ket = cat([0.5, -0.5], np.sqrt([0.7, 0.3]), 80, r=1.2)
    x = np.linspace(0, 8, 2001)
    half = np.trapezoid(marginal(ket, x), x)
    # 80 levels lose 7e-8 of the norm, the reference has six digits
    assert abs(half - 0.631850) < 1e-6


def test_marginal_at_many_levels():
    # the Q function of |400> reaches α = 20 ± 2 only: a ring, seen from the side
    x = np.linspace(-27, 27, 541)
    density = np.asarray(marginal(number_state(400, 401), x))
    assert np.all(density >= 0)
    # trapezoidal rule of what has width 1/2
    assert abs(np.sum(density) * 0.1 - 1) < 1e-12
    assert abs(np.sum(density * x**2) * 0.1 - 401 / 2) < 1e-9


def test_negativity():
    values = np.array([[1.0, -0.5], [0.25, -0.25]])
    assert negativity(values, 2.0) == 1.5
    assert negativity(np.abs(values), 2.0) == 0


def test_gradients_are_finite_where_polar_coordinates_are_not():
    psi = jnp.asarray(random_ket(2))

    @jax.jit
    def value(x, y):
        return husimi(psi, x + 1j * y)

    for point in ((0.0, 0.0), (0.4, -1.0)):
        jax.test_util.check_grads(value, point, order=2, rtol=1e-6, atol=1e-6)
    # ∂Q/∂a = Re <a|(a ψ)> ..: at 0, Q = |ψ0|²/π and dQ/dx = 2 Re(ψ0* ψ1)/π
    slope = jax.grad(value)(0.0, 0.0)
    assert abs(slope - 2 * (jnp.conj(psi[0]) * psi[1]).real / np.pi) < 1e-15


def test_gradient_of_moments_and_marginals_with_respect_to_the_state():
    def loss(alpha):
        ket = coherent(alpha, 30)
        return (
            antinormal_moment(ket, 1, 1)
            + covariance(ket)[0, 0]
            + marginal(ket, alpha)
        ).real  # fmt: skip

    # <|α|²> = α² + 1, the rest does not depend on α
    assert abs(jax.jit(jax.grad(loss))(0.7) - 1.4) < 1e-12


def test_vmap_over_states_and_hbar():
    kets = jnp.stack([jnp.asarray(random_ket(i)) for i in range(3)])
    hbars = jnp.array([1.0, 0.5, 2.0])
    points = np.array([0.0, 1 + 1j])
    mapped = jax.jit(jax.vmap(lambda k, h: husimi(k, points, hbar=h)))(kets, hbars)
    one = [husimi(k, points, hbar=h) for k, h in zip(kets, hbars, strict=True)]
    np.testing.assert_allclose(mapped, np.stack(one), atol=1e-15)


PSI = random_ket(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: husimi(2 * PSI, 0.0), "Argument `state` must be normalised"),
        (lambda: husimi(PSI, np.nan), "Argument `points` must be finite"),
        (lambda: husimi(PSI, 0.0, hbar=0.0), "Argument `hbar` must be positive"),
        (
            lambda: husimi(product(PSI, PSI), np.zeros(3), modes=2),
            "Argument `points` must have a last axis of 2 modes, but has shape (3,).",
        ),
        (
            lambda: antinormal_moment(PSI, -1, 0),
            "Argument `m` must be 1 powers from 0 to 170, but is -1.",
        ),
        (lambda: antinormal_moment(PSI, 1, (1, 1)), "Argument `n` must be 1 powers"),
        (lambda: marginal(PSI, 1j), "Argument `x` must be real"),
        (lambda: marginal(PSI, 0.0, hbar=-1.0), "Argument `hbar` must be positive"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def by_scipy(generator, kept):
    """exp(A - A†) of the vacuum or of an operator on a larger space, cut to `kept`."""
    return expm(generator - generator.conj().T)[:kept, :kept]


def test_a_squeezed_thermal_state_is_that_of_its_operator():
    """D S ρ S† D† by matrix exponentials on 90 levels: Q, moments, covariance."""
    alpha, r, angle, nbar, size = 0.4 - 0.3j, 0.35, 0.9, 0.6, 90
    a = np.diag(np.sqrt(np.arange(1.0, size)), 1)
    squeeze = by_scipy(r * np.exp(-1j * angle) / 2 * a @ a, size)
    shift = by_scipy(alpha * a.conj().T, size)
    heat = np.diag((nbar / (1 + nbar)) ** np.arange(size) / (1 + nbar))
    rho = shift @ squeeze @ heat @ squeeze.conj().T @ shift.conj().T
    state = GaussianState(alpha, r, angle, nbar)
    points = np.array([0.1 + 0.4j, -0.7j, 1.2])
    kets = np.stack([np.asarray(coherent(z, size)) for z in points])
    expected = np.einsum("ki,ij,kj->k", kets.conj(), rho, kets).real / np.pi
    # what 90 levels cut off: (n̄/(1 + n̄))^90, a little hotter by the squeezing
    np.testing.assert_allclose(husimi(state.ensemble(60), points), expected, atol=1e-10)
    mean, cov = state.gaussian()
    X, Y = (a + a.conj().T) / 2, (a - a.conj().T) / 2j
    parts = [op - np.trace(op @ rho) * np.eye(size) for op in (X, Y)]
    exact = [[np.trace((p @ q + q @ p) @ rho).real / 2 for q in parts] for p in parts]
    np.testing.assert_allclose(mean[0], np.trace(a @ rho), atol=1e-9)
    np.testing.assert_allclose(cov, exact, atol=1e-9)


def test_a_two_mode_squeezed_vacuum_is_that_of_its_operator():
    """exp(ζ* ab - ζ a†b†)|00> by a matrix exponential on 20 x 20 levels."""
    r, angle, size, kept = 0.3, 0.8, 20, 10
    a = np.diag(np.sqrt(np.arange(1.0, size)), 1)
    pair = r * np.exp(-1j * angle) * np.kron(a, a)
    whole = expm_multiply(pair - pair.conj().T, np.eye(1, size**2)[0].astype(complex))
    state = TwoModeSqueezed(r, angle).ensemble(kept)
    expected = whole.reshape(size, size)[:kept, :kept]
    # tanh(.3)^20 is cut off
    np.testing.assert_allclose(state.kets[0], expected, atol=1e-9)
