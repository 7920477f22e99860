"""Kets, density operators and QuTiP objects as weighted kets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import qutip

from jqd.states import Ensemble, as_ensemble, coherent, product, thermal


def mixed():
    ket = np.asarray(coherent(0.7 - 0.2j, 12))
    return 0.6 * np.asarray(thermal(0.3, 12)) + 0.4 * np.outer(ket, ket.conj())


def test_a_ket_is_one_ket():
    ket = coherent(1.0, 20)
    state = as_ensemble(ket)
    assert (state.modes, state.levels) == (1, (20,))
    np.testing.assert_array_equal(state.kets[0], ket)
    np.testing.assert_allclose(state.trace(), 1, atol=1e-12)


@pytest.mark.parametrize("traced", [False, True])
def test_a_density_operator_comes_back(traced):
    """Known values give eigenvectors; traced ones a form that is smooth in ρ."""
    rho = jnp.asarray(mixed())
    build = jax.jit(as_ensemble) if traced else as_ensemble
    state = build(rho)
    # sums of at most 24 terms of size 1: a few eps
    np.testing.assert_allclose(state.matrix(), rho, rtol=0, atol=1e-14)
    np.testing.assert_allclose(state.trace(), jnp.trace(rho).real, atol=1e-13)


def test_low_rank_is_found():
    ket = coherent(0.5, 16)
    assert as_ensemble(jnp.outer(ket, ket.conj())).weights.shape == (1,)


def test_derivatives_at_degenerate_eigenvalues():
    rho = jnp.eye(4, dtype=complex) / 4
    slope = np.random.default_rng(3).normal(size=(4, 4))
    slope = jnp.asarray(slope + slope.T, complex)

    def entry(h):
        return jnp.real(as_ensemble(rho + h * slope).matrix()[0, 1])

    np.testing.assert_allclose(jax.grad(entry)(0.0), slope[0, 1].real, rtol=1e-12)


def test_qutip_objects_carry_their_modes():
    one, two = qutip.coherent(5, 0.3), qutip.fock(4, 1)
    ket = qutip.tensor(one, two)
    state = as_ensemble(ket, modes=2)
    assert state.levels == (5, 4)
    expected = product(one.full()[:, 0], two.full()[:, 0])
    np.testing.assert_allclose(state.kets[0], expected, atol=1e-15)
    again = as_ensemble(qutip.ket2dm(ket), modes=2)
    np.testing.assert_allclose(again.matrix(), state.matrix(), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("state", "modes", "message"),
    [
        (np.ones((3, 3, 3)), 1, "must have 1 axes"),
        (np.ones(3), 1, "must be normalised"),
        (np.diag([0.5, 0.4]), 1, "its trace is 0.9"),
        (np.array([[0.5, 0.2], [0.1, 0.5]]), 1, "must be Hermitian"),
        (np.array([np.nan, 1.0]), 1, "must be finite"),
        (Ensemble(jnp.ones((1, 2), complex), jnp.ones(1)), 2, "must have 2 modes"),
    ],
)
def test_bad_states(state, modes, message):
    with pytest.raises(ValueError, match=message):
        as_ensemble(state, modes)
