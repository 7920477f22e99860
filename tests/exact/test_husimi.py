"""Exact Husimi functions: the Kerr closed form, Fock evolution, the amplifier."""

import re

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest

from jqd.exact.husimi import kerr, propagate
from jqd.spaces.fock import destroy
from jqd.states import coherent, covariance, husimi, phase_grid, product, thermal

from ..papers.husimi.amplifier import amplifier_collapse_time, amplifier_variances
from .wirtinger import d

# H = (|α|⁴ - 4|α|²)/2 anti-Wick is n(n-1)/2 - 1.
KERR = {"U": 1.0, "b": -4.0, "alpha0": 1.2 + 0.5j}
POINTS = np.array([0.7 - 0.3j, 0.0, -1.5 + 0.2j, 1.2 + 0.5j])


@pytest.mark.parametrize(
    ("t", "C", "expected"),
    [
        (0.37, 1.0, 0.183448850082),
        (1.1, 1.0, 0.179893089356),
        (0.37, 0.5, 0.106094158827),
        (0.37, 1.3, 0.214263491377),
    ],
)
def test_kerr_values(t, C, expected):
    value = kerr(0.7 - 0.3j, t, C=C, **KERR)
    # the reference has twelve digits
    assert abs(value - expected) < 1e-12
    # Negative control: C off by 1e-6.
    assert abs(kerr(0.7 - 0.3j, t, C=C + 1e-6, **KERR) - expected) > 1e-9


def test_kerr_cat():
    points = np.array([2j, 2.0, 0.0])
    values = kerr(points, np.pi, U=1.0, b=-4.0, alpha0=2.0)
    expected = [0.159154961002, 0.000212425804, 0.005830048930]
    # the reference has twelve digits
    np.testing.assert_allclose(values, expected, atol=1e-12)


@pytest.mark.parametrize(("C", "sign"), [(1.0, 1), (0.8, -1), (1.25, None)])
def test_kerr_revives(C, sign):
    """At T = 2π/UC, turned by 2π(2 + b/2C)."""
    turn = np.exp(2j * np.pi * (2 + KERR["b"] / (2 * C)))
    assert sign is None or abs(turn - sign) < 1e-14
    start = kerr(POINTS * turn, 0.0, C=C, **KERR)
    revived = kerr(POINTS, 2 * np.pi / C, C=C, **KERR)
    assert np.max(np.abs(revived - start)) < 1e-13  # rounding of the phases
    gauss = np.exp(-(np.abs(POINTS * turn - KERR["alpha0"]) ** 2)) / np.pi
    np.testing.assert_allclose(start, gauss, atol=1e-14)


@pytest.mark.slow
def test_kerr_signs_of_the_density():
    """A state up to C = 1; beyond it the density goes negative."""
    axis = np.linspace(-4.5, 4.5, 61)
    grid = phase_grid(axis, axis)
    assert np.min(kerr(grid, 0.37, C=0.95, **KERR)) > -1e-12
    # the reference has three digits
    assert abs(np.min(kerr(grid, 0.37, C=1.1, **KERR)) + 2.67e-3) < 1e-5


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize("C", [0.6, 1.0, 1.4])
def test_kerr_keeps_the_norm(C):
    axis = np.linspace(-7, 7, 71)
    values = kerr(phase_grid(axis, axis), 0.8, C=C, **KERR)
    # trapezoidal rule of what is cut at e^-20 at C = 1.4, and less below
    assert abs(np.sum(values) * 0.04 - 1) < 1e-7


@pytest.mark.sampled
@pytest.mark.parametrize("C", [0.5, 1.0, 1.3])
def test_kerr_solves_its_equation(C):
    """∂ₜQ = -2 Im{∂[(∂*H)Q] + (C/2) ∂²[(∂*²H)Q]}, derivatives by autodiff."""
    U, b = 0.9, -1.7

    def q(x, y, t):
        return kerr(x + 1j * y, t, U=U, b=b, alpha0=0.8 + 0.2j, C=C)

    def drift(x, y):
        alpha = x + 1j * y
        return U * (alpha * jnp.abs(alpha) ** 2 + b / 2 * alpha) * q(x, y, 0.6)

    def spread(x, y):
        return U * (x + 1j * y) ** 2 * q(x, y, 0.6)

    @jax.jit
    def residual(x, y):
        right = -2 * (d(drift)(x, y) + C / 2 * d(d(spread))(x, y)).imag
        return jax.jacfwd(lambda t: q(x, y, t))(0.6) - right, right

    gap, size = residual(0.7, -0.4)
    assert abs(gap) < 1e-12 * max(1, abs(size))  # rounding
    assert abs(size) > 1e-3


def test_kerr_is_quantum_mechanics_at_one():
    n = np.arange(60)
    ts = np.array([0.0, 0.37, 1.1])
    start = coherent(KERR["alpha0"], 60)
    exact = propagate(n * (n - 1) / 2.0, start, ts, POINTS)
    closed = kerr(POINTS[None, :], ts[:, None], **KERR)
    # phases of 60 levels, n² ε t
    np.testing.assert_allclose(closed, exact, atol=1e-13)


def test_kerr_scales_with_hbar():
    """Q(α; ħ) = Q(α/√ħ; 1)/ħ with U -> Uħ, b -> b/ħ; only ħC counts with Q(0)."""
    hbar = 0.3
    small = kerr(POINTS, 0.5, U=2.0, b=-1.0, alpha0=0.7, hbar=hbar)
    unit = kerr(
        POINTS / np.sqrt(hbar), 0.5, U=0.6, b=-1 / 0.3, alpha0=0.7 / np.sqrt(hbar)
    )
    np.testing.assert_allclose(small, unit / hbar, rtol=1e-12)


def test_kerr_derivatives():
    @jax.jit
    def value(x, y, C, U):
        return kerr(x + 1j * y, 0.4, U=U, b=-4.0, alpha0=1.0, C=C, levels=40)

    # also where polar coordinates have their pole, and at C = 1
    for point in ((0.0, 0.0, 1.0, 1.0), (0.5, -0.3, 0.7, 0.8)):
        jax.test_util.check_grads(value, point, order=1, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("hbar", [1.0, 0.5])
def test_two_modes_that_exchange_their_quanta(hbar):
    """H = J ħ (a†b + b†a): coherent states stay coherent, α -> α cos Jt - iβ sin Jt."""
    d, J, t = 16, 0.9, 0.7
    a = np.kron(destroy(d), np.eye(d))
    b = np.kron(np.eye(d), destroy(d))
    hamiltonian = J * hbar * (a.T @ b + b.T @ a)
    points = np.array([[0.4, -0.3j], [0.0, 0.5]])
    state = coherent([0.6, 0.0], (d, d))
    values = propagate(hamiltonian, state, [0.0, t], points, hbar=hbar, modes=2)
    moved = 0.6 * np.sqrt(hbar) * np.array([np.cos(J * t), -1j * np.sin(J * t)])
    distance = np.sum(np.abs(points - moved[None, :]) ** 2, axis=1)
    expected = np.exp(-distance / hbar) / (np.pi * hbar) ** 2
    # what 16 levels cut off
    np.testing.assert_allclose(values[1], expected, atol=1e-10)
    np.testing.assert_allclose(
        values[0], husimi(state, points, hbar=hbar, modes=2), atol=1e-15
    )


def test_mixed_states_evolve_as_their_parts_do():
    rho = thermal(0.2, 30, 0.5)
    n = np.arange(30)
    ts = np.array([1.0, 1.5])
    values = propagate(np.diag(n * 1.0), rho, ts, POINTS)
    turned = np.exp(0.5j) * POINTS
    np.testing.assert_allclose(values[1], husimi(rho, turned), atol=1e-14)


@pytest.mark.parametrize("hbar", [1.0, 0.6])
def test_amplifier_variances_equal_fock_evolution(hbar):
    """H = iħ(g/2)(a² - a†²) squeezes X for g > 0, so take -g."""
    g, t, d = 1.0, 0.4, 80
    a = np.asarray(destroy(d))
    generator = -g / 2 * (a @ a - a.T @ a.T)
    values, vectors = np.linalg.eigh(1j * generator)
    ket = vectors @ (np.exp(-1j * values * t) * vectors.conj().T[:, 0])
    cov = covariance(ket, hbar=hbar)
    var_x, var_y = amplifier_variances(t, g, 1.0, hbar / 2, hbar / 2, hbar=hbar)
    # what 80 levels cut off of tanh(0.4)^80
    np.testing.assert_allclose(np.diag(cov), [var_x, var_y], atol=1e-12)


def test_amplifier_collapses():
    g = 0.7
    _, var_y = amplifier_variances(np.log(3) / (2 * g), g, -1.0, 0.5, 0.5)
    assert abs(var_y) < 1e-15
    var_x, _ = amplifier_variances(np.array([0.0, 1.0, 3.0]), g, 2.0, 0.5, 0.5)
    np.testing.assert_allclose(var_x, 0.5, atol=1e-15)
    C = np.array([-1.0, 0.0, 1.0, 2.0, 3.0])
    times = amplifier_collapse_time(g, C, 0.5, 0.5)
    expected = np.array([np.log(3) / 2, np.inf, np.inf, np.inf, np.log(3) / 2]) / g
    np.testing.assert_allclose(times, expected, rtol=1e-14)
    var_x, _ = amplifier_variances(times[4], g, 3.0, 0.5, 0.5)
    assert abs(var_x) < 1e-14
    # a vacuum squeezed in X by r bears C up to 1 + e^(-2r)
    squeezed = (1 + np.exp(-1.0)) / 4
    window = amplifier_collapse_time(g, 1 + np.exp(-1.0), squeezed, 1.0)
    assert window == np.inf
    assert np.isfinite(jax.grad(amplifier_collapse_time, 1)(g, 3.0, 0.5, 0.5))


def test_amplifier_collapses_in_other_units():
    """At the time that is named one variance is zero: ħC = 1.8 and -0.6."""
    g, hbar = 0.7, 0.6
    for C, which in ((3.0, 0), (-1.0, 1)):
        t = amplifier_collapse_time(g, C, 0.3, 0.25, hbar=hbar)
        assert 0.1 < t < 5
        variances = amplifier_variances(t, g, C, 0.3, 0.25, hbar=hbar)
        assert abs(variances[which]) < 1e-14


KET = np.array([1.0, 0.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kerr(0.0, 1.0, C=2.0, **KERR), "Argument `C` must be below 2, but it"),
        (lambda: kerr(0.0, 1.0, C=0.0, **KERR), "Argument `C` must be positive"),
        (lambda: kerr(np.nan, 1.0, **KERR), "Argument `points` must be finite"),
        (
            lambda: jax.jit(lambda C: kerr(0.0, 1.0, C=C, **KERR))(1.0),
            "Argument `levels` must be given where alpha0, C or hbar is traced",
        ),
        (
            lambda: propagate(np.eye(3), KET, [0.0], 0.0),
            "Argument `hamiltonian` must act on the 2 levels of the state",
        ),
        (
            lambda: propagate(np.triu(np.ones((2, 2))), KET, [0.0], 0.0),
            "Argument `hamiltonian` must be Hermitian",
        ),
        (lambda: propagate(KET, KET, [1.0, 0.0], 0.0), "Argument `ts` must increase"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_product_states_stay_products_without_coupling():
    n, m = np.arange(12), np.arange(10)
    energies = (n * (n - 1) / 2.0)[:, None] + (0.5 * m)[None, :]
    left, right = coherent(0.8, 12), coherent(0.4j, 10)
    points = np.array([[0.5j, 0.1], [1.0, -0.2j]])
    ts = np.array([0.0, 0.9])
    both = propagate(energies.ravel(), product(left, right), ts, points, modes=2)
    one = propagate(n * (n - 1) / 2.0, left, ts, points[:, 0])
    two = propagate(0.5 * m, right, ts, points[:, 1])
    np.testing.assert_allclose(both, one * two, atol=1e-15)
