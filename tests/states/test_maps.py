"""Husimi maps on tensor grids against QuTiP, and the beam splitter they rest on."""

import re

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
import qutip

from jqd.states import Ensemble, coherent, husimi, husimi_map, number_state, phase_grid
from jqd.states.beam_splitter import krawtchouk

X = np.linspace(-5.5, 6.0, 37)
Y = np.linspace(-4.0, 7.0, 26)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 50, 119, 255])
def test_beam_splitter_is_orthogonal(degree):
    block = krawtchouk(degree)
    # rounding of N steps of the recurrence
    tolerance = 1e-13 if degree < 120 else 2e-13
    assert np.max(np.abs(block @ block.T - np.eye(degree + 1))) < tolerance
    np.testing.assert_allclose(block, block.T, atol=tolerance)


@pytest.mark.sampled
@pytest.mark.parametrize("levels", [2, 7, 40, 60])
@pytest.mark.parametrize("g", [2.0, np.sqrt(2), 1.3])
def test_maps_equal_qutip(levels, g):
    ket, rho = qutip.rand_ket(levels, seed=1), qutip.rand_dm(levels, seed=2)
    # rounding
    for state in (ket, rho):
        ours = husimi_map(state, X, Y, g=g)
        assert ours.shape == (26, 37)
        np.testing.assert_allclose(
            ours, qutip.qfunc(state, X, Y, g), atol=2e-15, rtol=0
        )
    # Negative control: the axes in the wrong order.
    swapped = husimi_map(rho, Y, X, g=g).T
    expected = qutip.qfunc(rho, X, Y, g)
    assert np.max(np.abs(swapped - expected)) > 1e-5


@pytest.mark.sampled
@pytest.mark.parametrize("levels", [128, 140])
def test_many_levels_with_and_without_the_beam_splitter(levels):
    rho = qutip.rand_dm(levels, seed=3)
    expected = qutip.qfunc(rho, 2 * X, 2 * Y, 2.0)
    np.testing.assert_allclose(husimi_map(rho, 2 * X, 2 * Y), expected, atol=1e-15)


@pytest.mark.sampled
@pytest.mark.parametrize("n", [0, 120, 400])
def test_number_states_are_rings(n):
    ket = number_state(n, n + 1)
    grid = np.asarray(phase_grid(4 * X, 4 * Y))
    expected = husimi(ket, grid)
    # sqrt(n) eps of the unitary transformation
    np.testing.assert_allclose(husimi_map(ket, 4 * X, 4 * Y), expected, atol=1e-14)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # a few eps of the largest value of Q, 1/π
    [(np.complex128, 1e-14), (np.complex64, 1e-6)],
)
@pytest.mark.parametrize("operators", [False, True])
def test_batches_precision_and_hbar(dtype, tolerance, operators):
    rng = np.random.default_rng(4)
    psi = rng.normal(size=(2, 3, 9)) + 1j * rng.normal(size=(2, 3, 9))
    psi /= np.linalg.norm(psi, axis=-1, keepdims=True)
    rho = psi[..., :, None] * psi[..., None, :].conj()
    states = jnp.asarray(rho if operators else psi, dtype)
    maps = husimi_map(states, X, Y, g=1.5, hbar=0.6, operators=operators)
    assert maps.shape == (2, 3, 26, 37)
    assert maps.dtype == np.finfo(dtype).dtype
    points = phase_grid(X, Y, 1.5)
    expected = husimi(psi[1, 2], points, hbar=0.6) * 0.75**2
    np.testing.assert_allclose(maps[1, 2], expected, atol=tolerance)


def test_what_qutip_and_ensembles_hold_is_read_off():
    psi, phi = number_state(0, 3), number_state(2, 3)
    kets = [qutip.basis(3, 0), qutip.basis(3, 2)]
    maps = husimi_map(kets, X, Y)
    np.testing.assert_allclose(maps, husimi_map(jnp.stack([psi, phi]), X, Y))
    dms = husimi_map([ket.proj() for ket in kets], X, Y)
    np.testing.assert_allclose(dms, maps, atol=1e-15)
    signed = Ensemble(jnp.stack([psi, phi]), jnp.array([1.5, -0.5]))
    np.testing.assert_allclose(
        husimi_map(signed, X, Y), 1.5 * maps[0] - 0.5 * maps[1], atol=1e-15
    )


@pytest.mark.sampled
@pytest.mark.parametrize("operators", [False, True])
def test_gradients(operators):
    def loss(alpha, shift):
        ket = coherent(alpha, 12)
        rho = jnp.outer(ket, jnp.conj(ket))
        state = rho if operators else ket
        return jnp.max(husimi_map(state, X[:5] + shift, Y[:3], operators=operators))

    jax.test_util.check_grads(jax.jit(loss), (0.5, 3.0), order=1, rtol=1e-6, atol=1e-6)


def test_vmap_equals_a_batch():
    kets = jnp.stack([coherent(a, 20) for a in (0.0, 1.0, 1j)])
    mapped = jax.jit(jax.vmap(lambda k: husimi_map(k, X, Y)))(kets)
    np.testing.assert_allclose(mapped, husimi_map(kets, X, Y), atol=1e-15)


def test_phase_grid_has_y_first():
    grid = phase_grid([0.0, 1.0, 2.0], [0, 5], g=1.0)
    np.testing.assert_allclose(grid, [[0, 0.5, 1], [2.5j, 0.5 + 2.5j, 1 + 2.5j]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: husimi_map(np.eye(3), X, [[0.0]]),
            "Argument `y` must have shape (any,)",
        ),
        (lambda: husimi_map(np.eye(3), 1j * X, Y), "Argument `x` must be real"),
        (lambda: husimi_map(1.0, X, Y), "Argument `states` must be kets (..., d), or"),
        (
            lambda: husimi_map(np.ones((2, 3)), X, Y, operators=True),
            "Argument `states` must be square in its last two axes",
        ),
        (
            lambda: husimi_map(np.triu(np.ones((2, 2))), X, Y, operators=True),
            "Argument `states` must be Hermitian, but differs by 1 from its adjoint.",
        ),
        (lambda: husimi_map([np.inf, 0], X, Y), "Argument `states` must be finite"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
