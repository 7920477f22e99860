"""Coordinates of phase space, free fields and the length scales that C7 asks for."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import block_diag

from jqd.inference.estimators import length_scales
from jqd.inference.estimators.lengths import commutator_residual
from jqd.readings import forms, generators
from jqd.readings.phase_space import complex_gradient, doubled_vector, wirtinger_matrix
from jqd.spaces import symbols

from .blocks import real_blocks
from .conftest import equation
from .coordinates import (
    complex_coordinates,
    phase_space_vector,
    scaled_coordinates,
    scaled_gradient,
    scaled_hessian,
    wave_operator,
)

# A few operations on numbers of order 1 in float64.
ROUNDING = 1e-13
KAPPA, LENGTHS = 1.9, jnp.array([1.3, 0.6])
XI = jnp.array([0.4, -0.7, 0.3, 1.1])


def scale():
    return forms.scales(XI, LENGTHS, KAPPA)


def smooth(xi):
    """A function of (q, p) with every second derivative."""
    return jnp.sin(xi[0] + 2 * xi[2]) * xi[1] ** 2 + jnp.exp(xi[3] * xi[0]) + xi[1] ** 4


@equation("44")
@equation("46")
@equation("47")
def test_scaled_coordinates():
    q, p = XI[:2], XI[2:]
    assert np.array_equal(phase_space_vector(q, p), XI)
    z = scaled_coordinates(XI, LENGTHS, KAPPA)
    expected = [q[0] / 1.3, q[1] / 0.6, p[0] * 1.3 / 1.9, p[1] * 0.6 / 1.9]
    assert np.allclose(z, expected, rtol=0, atol=ROUNDING)
    assert np.allclose(scale() * z, XI, rtol=0, atol=ROUNDING)
    # L turns q into l Q, not into κ/l Q
    assert np.max(np.abs(jnp.flip(scale()) * z - XI)) > 0.1


@equation("7")
@equation("8")
@equation("48")
def test_complex_coordinates_are_canonical():
    def doubled(xi):
        return doubled_vector(complex_coordinates(xi, LENGTHS, KAPPA))

    Q, P = np.split(np.asarray(scaled_coordinates(XI, LENGTHS, KAPPA)), 2)
    alpha = np.sqrt(KAPPA / 2) * (Q + 1j * P)
    assert np.allclose(
        doubled(XI), np.concatenate([alpha, alpha.conj()]), rtol=0, atol=ROUNDING
    )
    # Poisson brackets: {α_i, α_j*} = -i δ_ij and {α_i, α_j} = 0, for all l and κ
    slope = jax.jacfwd(doubled)(XI)
    J = np.asarray(forms.symplectic(XI))
    brackets = slope @ J @ slope.T
    expected = np.kron(np.array([[0, -1j], [1j, 0]]), np.eye(2))
    assert np.allclose(brackets, expected, rtol=0, atol=ROUNDING)


@equation("54")
@equation("A1")
@equation("A2")
def test_derivatives_by_alpha():
    def alpha(xi):
        return complex_coordinates(xi, LENGTHS, KAPPA)

    def function(alpha):
        return jnp.sin(alpha[0].real) * alpha[1].imag + jnp.abs(alpha[0]) ** 2

    @jax.jit
    def gradients(xi):
        by_scaled = scaled_gradient(lambda xi: function(alpha(xi)), xi, scale())
        return by_scaled, complex_gradient(function, alpha(xi))

    by_scaled, expected = gradients(XI)
    W = wirtinger_matrix(2, KAPPA)
    assert np.allclose(W @ by_scaled, expected, rtol=0, atol=ROUNDING)
    # ∂α/∂α = 1, ∂α*/∂α = 0
    slope = jax.jacfwd(lambda xi: doubled_vector(alpha(xi)))(XI) * scale()[None]
    assert np.allclose(W @ slope.T, np.eye(4), rtol=0, atol=ROUNDING)
    # Negative control: α and α* exchanged
    assert np.max(np.abs(W.conj() @ slope.T - np.eye(4))) > 0.5


@equation("49")
@equation("50")
@equation("A4")
@equation("A5")
@equation("A6")
def test_scaled_hessian():
    def mixed(Q, P):
        return smooth(scale() * jnp.concatenate([Q, P]))

    @jax.jit
    def derivatives(xi):
        Q, P = jnp.split(xi / scale(), 2)
        return (
            jax.hessian(lambda z: smooth(scale() * z))(xi / scale()),
            scaled_hessian(smooth, xi, scale()),
            jax.jacfwd(jax.grad(mixed, 0), 1)(Q, P),
            jax.hessian(mixed, 1)(Q, P),
        )

    by_scaled, hessian, by_qp, by_pp = derivatives(XI)
    # second derivatives of order 10
    assert np.allclose(hessian, by_scaled, rtol=0, atol=1e-12)
    assert np.allclose(hessian, hessian.T, rtol=0, atol=1e-12)
    blocks = real_blocks(hessian)
    assert np.allclose(jnp.block([list(row) for row in blocks]), by_scaled, atol=1e-12)

    (_, qp), (pq, pp) = blocks
    assert np.allclose(qp, by_qp, rtol=0, atol=1e-12)
    assert np.allclose(pq, by_qp.T, rtol=0, atol=1e-12)
    assert np.allclose(pp, by_pp, rtol=0, atol=1e-12)
    assert np.max(np.abs(qp - qp.T)) > 0.1  # so that the order of Q and P matters


@equation("57")
@equation("58")
@equation("59")
def test_free_field_in_momentum_modes():
    omega = jnp.array([0.5, 1.3])

    def H(xi):
        return jnp.sum(xi[2:] ** 2 + omega**2 * xi[:2] ** 2) / 2

    second = np.asarray(scaled_hessian(H, XI, jnp.ones(4)))
    assert np.allclose(second, np.diag([0.25, 1.69, 1, 1]), rtol=0, atol=ROUNDING)
    right = np.sqrt(KAPPA / omega)

    def in_modes(lengths):
        alpha = complex_coordinates(XI, lengths, KAPPA)
        return jnp.sum(omega * jnp.abs(alpha) ** 2)

    assert np.allclose(in_modes(right), H(XI), rtol=0, atol=ROUNDING)
    assert abs(in_modes(LENGTHS) - H(XI)) > 0.1  # at these lengths alone
    alpha = complex_coordinates(XI, right, KAPPA)
    symbol = symbols.harmonic(omega, hbar=0.0)
    assert np.allclose(symbol(alpha), H(XI), rtol=0, atol=ROUNDING)
    left = commutator_residual(jnp.asarray(second), jnp.asarray(right), KAPPA)
    assert np.allclose(left, 0, atol=ROUNDING)
    wrong = commutator_residual(jnp.asarray(second), LENGTHS, KAPPA)
    assert np.max(np.abs(wrong)) > 0.1


@equation("59")
@equation("claim-c7")
def test_lengths_without_diffusion():
    # H = Σ (p² + ω²q²)/2 in α = (q + ip)/√2
    omega = np.array([0.5, 1.3])
    terms = {((2, 0), (0, 0)): omega[0] ** 2 / 2, ((0, 2), (0, 0)): omega[1] ** 2 / 2}
    terms |= {((0, 0), (2, 0)): 0.5, ((0, 0), (0, 2)): 0.5}
    found = length_scales(symbols.polynomial_qp(terms), kappa=0.7)
    assert found.converged
    # the solver stops where the commutator is 1e-14
    assert np.allclose(found.lengths, np.sqrt(0.7 / omega), rtol=1e-9)
    # The amplifier H = g qp is quadratic, and diffuses whatever the length.
    for length in (0.3, 1.0, 4.0):
        left = commutator_residual(
            jnp.array([[0, 1.0], [1.0, 0]]), jnp.array([length]), 0.7
        )
        assert np.allclose(left, [[-1.4, 0], [0, 1.4]], rtol=0, atol=ROUNDING)
        # and so does a free particle, the less the longer the length
        left = commutator_residual(
            jnp.diag(jnp.array([0.0, 1])), jnp.array([length]), 0.7
        )
        expected = -((0.7 / length) ** 2) * np.array([[0, 1], [1, 0]])
        assert np.allclose(left, expected, rtol=0, atol=ROUNDING * 10)


@equation("claim-proportional")
def test_diffusion_vanishes_beyond_the_identity():
    """[H̃'', J] = 0 for every Σ h_ij α_i*α_j, and with αα for none."""
    powers = [((1, 0), (1, 0)), ((0, 1), (0, 1)), ((1, 0), (0, 1)), ((0, 1), (1, 0))]
    hopping = symbols.Symbol([0.5, 1.3, 0.2 + 0.4j, 0.2 - 0.4j], powers)
    paired = symbols.Symbol([0.3, 0.3], [((1, 1), (0, 0)), ((0, 0), (1, 1))])

    def commutator(symbol):
        H = forms.phase_space_function(symbol)
        hessian = jax.hessian(H)(XI)
        form = forms.real_form(H, XI, 1.0, 1.0)
        return hessian, form.diffusion

    hessian, diffusion = commutator(hopping)
    assert np.allclose(diffusion, 0, atol=ROUNDING)
    assert np.max(np.abs(hessian - np.trace(hessian) / 4 * np.eye(4))) > 0.1
    assert np.max(np.abs(commutator(hopping + paired)[1])) > 0.1


@equation("claim-mode-basis")
def test_sites_of_a_lattice_without_diffusion():
    """L = √κ K^(-1/4), not diagonal, does for sites what l does for momenta."""
    kappa, sites = 0.7, 2
    K = np.array([[2.2, -1.0], [-1.0, 2.2]])
    values, vectors = np.linalg.eigh(K)
    root = vectors @ np.diag(values**-0.25) @ vectors.T
    L = np.sqrt(kappa) * block_diag(root, np.linalg.inv(root))
    J = np.kron(np.array([[0, 1], [-1, 0]]), np.eye(sites))
    scaled = L.T @ block_diag(K, np.eye(sites)) @ L
    assert np.allclose(scaled @ J, J @ scaled, rtol=0, atol=ROUNDING)
    # canonical, as diag(l, κ/l) is
    assert np.allclose(L.T @ J @ L, kappa * J, rtol=0, atol=ROUNDING)
    # lengths of each site cannot do it
    one = np.eye(sites, dtype=int)
    terms = {
        (tuple(one[i] + one[j]), (0,) * sites): K[i, j] / (2 if i == j else 1)
        for i in range(sites)
        for j in range(i, sites)
    }
    terms |= {((0,) * sites, tuple(2 * row)): 0.5 for row in one}
    found = length_scales(symbols.polynomial_qp(terms), kappa=kappa)
    assert not found.converged
    assert found.residual > 0.1


@equation("claim-kappa")
def test_free_evolution_fixes_no_action_scale():
    """κ -> cκ at l = √(κ/ω) leaves the interacting law where it is."""
    omega = 1.3

    def H(z):
        return (z[1] ** 2 + omega**2 * z[0] ** 2) / 2 + 0.2 * z[0] ** 4

    def density(z):
        return jnp.exp(-jnp.sum(z**2)) * (1 + 0.5 * z[0] + z[0] * z[1])

    @jax.jit
    def rate(kappa, lengths):
        z = jnp.array([0.4, -0.3])
        return generators.real_generator(H, density, z, lengths, kappa, 1.0, 0.8)

    kappas = np.array([0.3, 0.8, 2.5])
    rates = [rate(k, np.sqrt(k / omega)) for k in kappas]
    assert np.ptp(rates) < 1e-12  # fourth derivatives of order 10
    # κ at fixed l does change it: the length matters
    assert abs(rate(2.5, np.sqrt(0.8 / omega)) - rates[1]) > 0.01


@equation("claim-covariant-length")
def test_wave_operator_on_shell():
    k, mass = np.array([0.0, 0.7, 3.0]), 1.1
    omega = np.sqrt(k**2 + mass**2)
    for sign, value in ((1, 2 * mass**2), (-1, 0.0)):
        on_shell = wave_operator(omega, k, mass, time_sign=sign)
        assert np.allclose(on_shell, value, rtol=0, atol=1e-14 * 10)
        assert np.min(np.abs(on_shell - omega**2)) > 0.5
    # the factor is what it says
    x = jnp.array([0.3, 0.8])  # t, x
    wave = lambda x: jnp.cos(3.0 * x[1] - 2.0 * x[0])  # noqa: E731
    second = jnp.diag(jax.hessian(wave)(x))
    made = -(second[0] - second[1]) + mass**2 * wave(x)
    factor = wave_operator(2.0, 3.0, mass, time_sign=1)
    assert np.isclose(made, factor * wave(x), rtol=1e-12)
    # static sources alone see ω_k²
    static = wave_operator(0.0, k, mass, time_sign=-1)
    assert np.allclose(static, omega**2, rtol=1e-12)
