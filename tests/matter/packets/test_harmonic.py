"""Gaussian states of quadratic Hamiltonians, and functions of matrices under them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.potentials import mode_potential
from scipy.linalg import expm

from jqd.matter.packets import (
    GaussianState,
    from_packet,
    ground_state,
    harmonic_evolution,
    squeezed_state,
    symplectic_matrix,
    to_packet,
    wave_function,
)

from .moments import energy_moments

OMEGA = 0.76536686  # 2 sin π/8
# two springs of 1 between three masses of 1, free; modes 0, 1, √3
CHAIN = np.array([[1.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 1.0]])
MASSES = np.array([1.0, 2.0, 0.5])


@pytest.mark.equation("thermalization", "claim-A2")
def test_a_coherent_state_moves_and_keeps_its_width():
    """A narrower packet of the same energy breathes."""
    K, m = np.array([[OMEGA**2]]), np.ones(1)
    ts = np.linspace(0, 50, 101)
    state = squeezed_state(K, m, np.sqrt([3.0]) * np.exp(0.4j))
    run = harmonic_evolution(state, K, m, ts)
    mean, spread = energy_moments(run, K, m)
    # the printed digits; rounding of 50 periods is far below
    np.testing.assert_allclose(run.variances, 0.65328148, atol=1e-7)
    np.testing.assert_allclose(spread, 1.32565430, atol=1e-7)
    np.testing.assert_allclose(mean, OMEGA * 3.5, atol=1e-7)
    assert np.ptp(run.position) > 4
    narrow = squeezed_state(K, m, jnp.zeros(1), 0.5)
    widths = harmonic_evolution(narrow, K, m, ts).variances
    assert np.max(widths) / np.min(widths) > 7  # e^(4r), r = 1/2, at discrete times


@pytest.mark.equation("thermalization", "claim-A8")
@pytest.mark.parametrize("r", [0.0, 0.3, 1.0])
def test_energy_spread_of_squeezed_states(r):
    """ΔE² = ħ²ω²(|α|² e^(2r) + sinh²(2r)/2) for α imaginary: along the wide p."""
    K, m, hbar = np.array([[OMEGA**2 * 2]]), np.array([2.0]), 0.3
    state = squeezed_state(K, m, np.array([1.2j]), r, hbar=hbar)
    run = harmonic_evolution(state, K, m, np.linspace(0, 9, 101))
    _, spread = energy_moments(run, K, m, hbar=hbar)
    expected = 1.44 * np.exp(2 * r) + np.sinh(2 * r) ** 2 / 2
    np.testing.assert_allclose(
        spread, hbar * OMEGA * np.sqrt(expected), rtol=1e-12
    )  # rounding
    # without the ordering term of H² even the ground state would have a spread
    ground = energy_moments(ground_state(K, m, hbar=hbar), K, m, hbar=hbar)
    assert float(ground[1]) < 1e-8
    assert float(ground[0]) == pytest.approx(hbar * OMEGA / 2)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_evolution_is_the_exponential(sign):
    """Bound, free and unstable modes at once, unequal masses."""
    zero = np.zeros((3, 3))
    generator = np.block([[zero, np.diag(1 / MASSES)], [-sign * CHAIN, zero]])
    ts = np.array([0.0, 1e-3, 0.4, 3.0])
    expected = expm(generator[None] * ts[:, None, None])
    S = np.asarray(symplectic_matrix(sign * CHAIN, MASSES, ts))
    # growth e^6 of the unstable case, times rounding
    np.testing.assert_allclose(S, expected, atol=1e-11)
    J = np.block([[zero, np.eye(3)], [-np.eye(3), zero]])
    np.testing.assert_allclose(S[3].T @ J @ S[3], J, atol=1e-9)


def test_free_motion_spreads():
    """Zero mode of a free chain: σ² = σ₀² (1 + (ħt/2Mσ₀²)²) for the centre of mass."""
    state = ground_state(CHAIN, MASSES, hbar=0.2, rigid_frequency=0.5)
    ts = np.array([0.0, 1.0, 10.0, 1e4])
    weights = np.concatenate([MASSES, np.zeros(3)]) / np.sum(MASSES)
    run = harmonic_evolution(state, CHAIN, MASSES, ts)
    variance = np.asarray(run.covariance) @ weights @ weights
    start = 0.2 / (2 * 3.5 * 0.5)
    np.testing.assert_allclose(
        variance, start * (1 + (0.5 * ts) ** 2), rtol=1e-9
    )  # rounding of t²
    lowest = ground_state(CHAIN, MASSES, hbar=0.2)
    squares = np.linalg.eigvalsh(CHAIN / np.sqrt(np.outer(MASSES, MASSES)))
    first = np.asarray(lowest.covariance) @ weights @ weights
    assert first == pytest.approx(0.2 / 7 / np.sqrt(squares[1]))


def test_a_rest_position_moves_everything_along():
    """What happens about q₀ is what happens about 0, moved by q₀."""
    K, m, q0 = CHAIN + np.eye(3), MASSES, np.array([0.4, -1.1, 0.7])
    ts = np.array([0.0, 0.6, 2.0])
    alpha = np.array([0.3, 0.5j, -0.2 + 0.1j])
    start = squeezed_state(K, m, alpha, 0.2, hbar=0.7)
    moved = squeezed_state(K, m, alpha, 0.2, hbar=0.7, equilibrium=q0)
    np.testing.assert_allclose(moved.position, start.position + q0, atol=1e-14)
    ground = ground_state(K, m, hbar=0.7, equilibrium=q0)
    np.testing.assert_allclose(ground.position, q0, atol=1e-15)
    about = harmonic_evolution(start, K, m, ts)
    found = harmonic_evolution(moved, K, m, ts, equilibrium=q0)
    np.testing.assert_allclose(found.position, about.position + q0[None], atol=1e-13)
    np.testing.assert_allclose(found.momentum, about.momentum, atol=1e-13)
    np.testing.assert_allclose(found.covariance, about.covariance, atol=1e-13)


def test_ground_state_is_pure_and_of_least_energy():
    state = ground_state(CHAIN + np.eye(3), MASSES, hbar=0.7)
    assert float(jax.jit(GaussianState.purity)(state, 0.7)) == pytest.approx(1)
    mean, spread = energy_moments(state, CHAIN + np.eye(3), MASSES, hbar=0.7)
    weighted = (CHAIN + np.eye(3)) / np.sqrt(np.outer(MASSES, MASSES))
    energy = 0.7 / 2 * np.sum(np.sqrt(np.linalg.eigvalsh(weighted)))
    assert float(mean) == pytest.approx(energy)
    assert float(spread) < 1e-7


def test_packet_and_wave_function_have_the_moments():
    """ψ on a grid against Σ, with a correlation of q and p."""
    K, m, hbar = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, 3.0]), 0.4
    start = squeezed_state(
        K, m, np.array([0.3, 0.5j]), np.array([0.4, -0.2]), hbar=hbar
    )
    run = harmonic_evolution(start, K, m, np.array([0.8]))
    state = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[0]), run)
    again = from_packet(to_packet(state, hbar), hbar)
    np.testing.assert_allclose(again.covariance, state.covariance, atol=1e-13)
    axis = np.linspace(-4, 4, 128, endpoint=False)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    psi = np.asarray(wave_function(state, jnp.asarray(points), hbar))
    cell = (axis[1] - axis[0]) ** 2
    assert np.sum(abs(psi) ** 2) * cell == pytest.approx(1, abs=1e-12)
    k = 2 * np.pi * np.fft.fftfreq(128, axis[1] - axis[0])
    slope = np.fft.ifft(1j * k[:, None] * np.fft.fft(psi, axis=0), axis=0)
    p0 = hbar * np.sum(np.conj(psi) * slope).imag * cell
    assert p0 == pytest.approx(float(state.momentum[0]), abs=1e-12)
    p0p0 = hbar**2 * np.sum(abs(slope) ** 2) * cell - p0**2
    assert p0p0 == pytest.approx(float(state.covariance[2, 2]), abs=1e-12)
    q1 = points[..., 1] - float(state.position[1])
    mixed = hbar * np.sum(q1 * np.conj(psi) * slope).imag * cell
    assert mixed == pytest.approx(float(state.covariance[1, 2]), abs=1e-12)


@pytest.mark.slow
def test_gradients_hold_at_degenerate_frequencies():
    """Two equal oscillators: eigenvectors have no slope, their Gaussian has."""

    def width(coupling, t):
        K = np.eye(2) + coupling * np.ones((2, 2))
        state = ground_state(K, np.ones(2))
        shifted = GaussianState(state.position, state.momentum, 2 * state.covariance)
        S = symplectic_matrix(K * (1 + coupling), np.ones(2), t)
        return (S @ shifted.covariance @ S.T)[0, 0] + S[0, 1]

    slope = jax.jit(jax.grad(width, argnums=(0, 1)))(0.0, 1.3)
    value = jax.jit(width)
    # central differences of 1e-5: errors 1e-10
    for i, step in enumerate([(1e-5, 0.0), (0.0, 1e-5)]):
        up = value(0.0 + step[0], 1.3 + step[1])
        down = value(0.0 - step[0], 1.3 - step[1])
        assert float(slope[i]) == pytest.approx(float(up - down) / 2e-5, abs=1e-8)


@pytest.mark.equation("thermalization", "erratum-mode-coordinate")
def test_modes_without_the_free_motions():
    """Unequal masses: X_k carries √m, and E = Σ ω² X²/2 along the modes."""

    def springs(q):
        return q @ CHAIN @ q / 2

    modes = mode_potential(springs, np.zeros(3), MASSES)
    assert modes.frequencies.shape == (2,)
    X = np.array([0.3, -0.7])
    quadratic = np.sum((np.asarray(modes.frequencies) * X) ** 2) / 2
    assert float(modes(X)) == pytest.approx(quadratic)
    q = np.asarray(modes.positions(X))
    assert np.sum(MASSES * q**2) == pytest.approx(np.sum(X**2))
    # printed without √m: Σ e_j x_j is another number where masses differ
    directions = np.sqrt(MASSES)[:, None] * np.asarray(modes.vectors)
    np.testing.assert_allclose(directions.T @ (np.sqrt(MASSES) * q), X, atol=1e-12)
    assert np.max(np.abs(directions.T @ q - X)) > 0.1
    with pytest.raises(ValueError, match=r"must be a minimum .* frequency -"):
        mode_potential(lambda q: -springs(q), np.zeros(3), MASSES)


@pytest.mark.parametrize(
    ("hessian", "masses", "message"),
    [
        (CHAIN, [1.0, 0.0, 1.0], r"`masses` must be positive, but entry \[1\] is 0"),
        (CHAIN, [1.0, -2.0, 1.0], "`masses` must be positive"),
        (-CHAIN, MASSES, "must be that of a stable rest position"),
        (CHAIN + np.eye(3, k=1), MASSES, "`hessian` must be Hermitian"),
        (0 * CHAIN, MASSES, "`rigid_frequency` must be given"),
        (CHAIN[:2], MASSES, "`hessian` must be a square matrix"),
    ],
)
def test_systems_that_have_no_ground_state(hessian, masses, message):
    with pytest.raises(ValueError, match=message):
        ground_state(hessian, np.asarray(masses))


def test_states_that_do_not_fit():
    with pytest.raises(ValueError, match="positive squared frequencies only"):
        squeezed_state(CHAIN, MASSES, jnp.zeros(3))
    mixed = GaussianState(jnp.zeros(1), jnp.zeros(1), jnp.eye(2))
    with pytest.raises(ValueError, match=r"must be pure .* its purity is 0.5"):
        to_packet(mixed)
    small = GaussianState(jnp.zeros(1), jnp.zeros(1), jnp.eye(2) / 2)
    with pytest.raises(ValueError, match=r"`x` must end in 1 coordinates"):
        wave_function(small, jnp.zeros((3, 2)))
