"""Dephasing: the mean of collapse as an equation of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Adaptive, Fixed, evolve, recover
from jqd.laws import Dephasing
from jqd.steppers import strang

ENDS = jnp.array([0.0, 2.0])
# ⟨σ_z⟩, ⟨σ_x⟩, ⟨σ_y⟩ at t = 2, of an independent integrator
BLOCH = (0.1937906093, 0.0927474958, -0.3490786254)


def bloch(t, rho):
    return jnp.stack(
        [
            jnp.real(rho[0, 0] - rho[1, 1]),
            2 * jnp.real(rho[1, 0]),
            2 * jnp.imag(rho[1, 0]),
        ]
    )


def random_law(levels=3):
    rng = np.random.default_rng(5)
    H = rng.normal(size=(levels, levels)) + 1j * rng.normal(size=(levels, levels))
    H = (H + H.conj().T) / 2
    law = Dephasing(H, rng.normal(size=(2, levels)), [0.3, 0.8], 0.7)
    psi = rng.normal(size=levels) + 1j * rng.normal(size=levels)
    return law, jnp.asarray(psi / np.linalg.norm(psi))


@pytest.mark.slow
def test_the_monitored_qubit(qubit):
    make, psi = qubit
    law = make().mean_field()
    method = Adaptive(rtol=1e-12, atol=1e-12)
    run = evolve(law, law.prepare(psi), ENDS, method=method, observe=bloch)
    # ten printed digits
    np.testing.assert_allclose(run.values[-1], BLOCH, atol=1e-9)


def test_strang_has_its_known_errors_and_order_two(qubit):
    """That of the mean of a Kraus step, which is the same map."""
    make, psi = qubit
    law = make().mean_field()

    def error(steps):
        # as an array: one program for all
        method = Fixed(strang, counts=jnp.asarray(steps), estimate_error=False)
        run = evolve(law, law.prepare(psi), ENDS, method=method, observe=bloch)
        return run.values[-1, 0] - BLOCH[0]

    errors = np.array([error(steps) for steps in (4, 8, 16, 32)])
    # one per cent of printed figures
    known = [-2.1911e-3, -5.741e-4, -1.451e-4, -3.638e-5]
    np.testing.assert_allclose(errors, known, rtol=0.01)
    slopes = np.log2(errors[:-1] / errors[1:])
    assert np.all((slopes > 1.7) & (slopes < 2.3))


def test_it_is_lindblads_equation():
    law, psi = random_law()
    rho = law.prepare(psi)
    exact = -1j / law.hbar * (law.H @ rho - rho @ law.H)
    for gamma, a in zip(law.gamma, law.A, strict=True):
        A = jnp.diag(a).astype(rho.dtype)
        inner = A @ rho - rho @ A
        exact -= 0.5 * gamma * (A @ inner - inner @ A)
    # products of numbers of order 1
    np.testing.assert_allclose(law.vector_field(0.0, rho), exact, atol=1e-13)
    # the step, which is symmetric, differs from the flow by dt³
    half = law.step(0.0, law.step(0.0, rho, 1e-3), -1e-3)
    np.testing.assert_allclose(half, rho, atol=1e-13)
    rate = (law.step(0.0, rho, 1e-4) - law.step(0.0, rho, -1e-4)) / 2e-4
    np.testing.assert_allclose(rate, exact, atol=1e-6)


def test_long_steps_keep_a_density_operator():
    law, psi = random_law()
    rho = law.step(0.0, law.prepare(psi), 50.0)
    np.testing.assert_allclose(jnp.trace(rho), 1, atol=1e-13)
    assert np.linalg.eigvalsh(rho).min() > -1e-14
    # what commutes with no H ends where nothing is known
    ts, method = jnp.array([0.0, 400.0]), Fixed(strang, 2000, estimate_error=False)
    run = evolve(law, rho, ts, method=method, observe="density")
    np.testing.assert_allclose(run.values[-1], np.full(3, 1 / 3), atol=1e-6)


def test_a_diagonal_hamiltonian_dephases_in_closed_form():
    omega, A, gamma, t = np.array([0.4, -0.9]), np.array([1.0, -1.0]), 0.5, 1.3
    law = Dephasing(omega, A, gamma)
    rho = law.prepare(jnp.sqrt(jnp.array([0.3, 0.7])))
    end = law.step(0.0, rho, t)
    # ½ γ (ΔA)² = 1, ΔE = 1.3
    off = np.sqrt(0.21) * np.exp(-(1.0 + 1.3j) * t)
    np.testing.assert_allclose(end, [[0.3, off], [np.conj(off), 0.7]], atol=1e-15)
    slope = law.vector_field(0.0, rho)
    np.testing.assert_allclose(slope[0, 1], -(1.0 + 1.3j) * rho[0, 1], atol=1e-15)


@pytest.mark.slow
def test_rates_are_recovered_from_mean_densities(qubit):
    make, psi = qubit
    ts = jnp.linspace(0, 2, 11)
    truth = make(gamma=0.37).mean_field()
    data = evolve(
        truth, truth.prepare(psi), ts, method=Adaptive(rtol=1e-12, atol=1e-12),
        observe="density",
    )  # fmt: skip
    law = make(gamma=0.8).mean_field()
    found = recover(law, (ts, data.values), psi0=psi, free="gamma", starts=3)
    # the bias of the steps, which it states
    np.testing.assert_allclose(found.law.gamma, 0.37, atol=1e-6)


def test_states_come_as_kets_or_density_operators():
    law, psi = random_law()
    rho = law.prepare(psi)
    np.testing.assert_array_equal(law.prepare(rho), rho)
    np.testing.assert_allclose(law.density(rho), jnp.abs(psi) ** 2, atol=1e-15)
    assert law.invariants(rho)["norm"] == pytest.approx(1, abs=1e-14)
    with pytest.raises(ValueError, match="`psi` must be normalised"):
        law.prepare(2 * rho)
    with pytest.raises(ValueError, match="`psi` must be Hermitian"):
        law.prepare(rho.at[0, 1].add(1.0))
    with pytest.raises(ValueError, match="`psi` must have shape"):
        law.prepare(jnp.eye(2) / 2)


@pytest.mark.slow
def test_gradients_are_those_of_differences(qubit):
    make, psi = qubit

    def last(gamma):
        law = make(gamma=gamma).mean_field()
        method = Fixed(strang, 4, estimate_error=False)
        run = evolve(law, law.prepare(psi), ENDS, method=method, observe="density")
        return run.values[-1, 0]

    h = 1e-5
    difference = (last(0.5 + h) - last(0.5 - h)) / (2 * h)
    # h² times a third derivative, and rounding/h
    np.testing.assert_allclose(jax.grad(last)(0.5), difference, rtol=1e-7)
