"""Kets, density operators and QuTiP objects as weighted kets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import qutip

from jqd.states import (
    Cat,
    Ensemble,
    Finite,
    GaussianState,
    Mixture,
    Product,
    TwoModeSqueezed,
    as_ensemble,
    cat,
    coherent,
    product,
    squeezed,
    thermal,
)


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


@pytest.mark.parametrize(
    ("state", "levels", "ket"),
    [
        (GaussianState(0.7 - 0.2j), 20, lambda: coherent(0.7 - 0.2j, 20)),
        (GaussianState(0.3, r=0.4, angle=1.0), 30,
         lambda: squeezed(0.4, 30, angle=1.0, displacement=0.3)),
        (Cat([1.0, -1.0], [1.0, 1j]), 24, lambda: cat([1.0, -1.0], [1.0, 1j], 24)),
        (Product(GaussianState(0.5), GaussianState(-0.2j)), (14, 12),
         lambda: product(coherent(0.5, 14), coherent(-0.2j, 12))),
    ],
    ids=["coherent", "squeezed", "cat", "product"],
)  # fmt: skip
def test_a_pure_state_is_seen_as_its_ket(state, levels, ket):
    # the same program: to the last bit
    np.testing.assert_array_equal(state.ket(levels), ket())
    np.testing.assert_array_equal(state.ensemble(levels).kets[0], ket())


def test_the_ket_of_two_squeezed_modes_has_the_covariance_of_their_gaussian():
    state = TwoModeSqueezed(0.3, 0.8)
    ket = np.asarray(state.ket(16))
    a = np.diag(np.sqrt(np.arange(1.0, 16)), 1)
    mean, cov = state.gaussian()
    # <a1 a2> = <X1 X2> - <Y1 Y2> + i (<X1 Y2> + <Y1 X2>), of 16 levels: tanh(.3)^32
    both = np.einsum("ij,ik,jl,kl->", ket.conj(), a, a, ket)
    from_cov = cov[0, 1] - cov[2, 3] + 1j * (cov[0, 3] + cov[1, 2])
    np.testing.assert_allclose(from_cov, both, atol=1e-12)
    np.testing.assert_array_equal(mean, 0)


def test_a_mixture_has_no_ket():
    pure = Finite(np.eye(4)[1])
    for state in (GaussianState(nbar=0.2), Mixture([0.5, 0.5], [pure, pure])):
        with pytest.raises(ValueError, match="must be pure to have a ket"):
            state.ket(8)
    assert pure.ket(6).shape == (6,)


def test_a_thermal_state_of_no_quanta_is_pure():
    np.testing.assert_array_equal(
        GaussianState(0.5, nbar=0.0).ket(20), GaussianState(0.5).ket(20)
    )


def test_a_ket_has_the_norm_of_its_state():
    """Of a weight of 1/4 and a ket of norm 2, which is |0><0|."""
    state = Finite(Ensemble(jnp.array([[2.0 + 0j, 0.0]]), jnp.array([0.25])))
    np.testing.assert_array_equal(state.ket(4), np.eye(4)[0])
