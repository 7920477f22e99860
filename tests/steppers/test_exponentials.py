"""Exponentials of a matrix are made once for times at equal distances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jqd
from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.steppers.eigenbasis import exponential_orbit, unitary_matrix

KERR = "0.5*ad^2*a^2"
COUNTED = np.linspace(0.0, 0.8, 41)


@pytest.fixture
def made(monkeypatch):
    """A list with an entry for each exponential that a program computes."""
    count, expm = [], jax.scipy.linalg.expm

    def counted(matrix):
        jax.debug.callback(lambda: count.append(1))
        return expm(matrix)

    monkeypatch.setattr(jax.scipy.linalg, "expm", counted)
    return count


def test_against_scipy_at_any_times(made):
    rng = np.random.default_rng(0)
    G, start = rng.normal(size=(2, 4, 4)), rng.normal(size=(2, 4))
    ts = np.array([0.5, 0.7, 0.9, 1.1, 1.5, 1.6, 1.7])  # three distances
    run = jax.jit(exponential_orbit)(
        jnp.asarray(G), jnp.asarray(start), jnp.asarray(ts)
    )
    exact = [
        [scipy.linalg.expm(g * (t - 0.5)) @ y for g, y in zip(G, start, strict=True)]
        for t in ts
    ]
    # products of rounded matrices whose entries reach 30
    np.testing.assert_allclose(run, exact, rtol=0, atol=1e-12)
    jax.effects_barrier()
    assert len(made) == 3


@pytest.mark.parametrize("law", ["diagonals", "fock", "lindblad"])
def test_one_exponential_for_equal_distances(made, law):
    """Of every law that moves by exponentials; 41 times, whose gaps differ by eps."""
    a = np.diag(np.sqrt(np.arange(1.0, 6)), 1)
    psi = jqd.states.coherent(0.3, 6)
    chosen = {
        "diagonals": lambda: HusimiFokkerPlanck(KERR, form=Fock(6, exponential=True)),
        "fock": lambda: HusimiFokkerPlanck("q^2", form=Fock(6, exponential=True)),
        "lindblad": lambda: jqd.Lindblad(a.T @ a, {"loss": jqd.laws.Jump(a, 0.1)}),
    }[law]()
    states, _ = jax.jit(lambda law, rho, ts: law.orbit(rho, ts))(
        chosen, chosen.prepare(psi), jnp.asarray(COUNTED)
    )
    jax.block_until_ready(states)
    jax.effects_barrier()
    assert len(made) == 1


ANGLES = {
    "any": lambda rng: rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)),
    "equal eigenvalues": lambda rng: np.ones((4, 4)),
    "none": lambda rng: np.zeros((3, 3)),
}


@pytest.mark.parametrize("name", ANGLES)
def test_rotations_and_their_slopes_at_any_spectrum(name):
    """exp(-iA) of SciPy; slopes by differences, in both modes, twice."""
    A = ANGLES[name](np.random.default_rng(2))
    A = (A + A.conj().T) / 2
    np.testing.assert_allclose(
        unitary_matrix(jnp.asarray(A)), scipy.linalg.expm(-1j * A), rtol=0, atol=4e-15
    )
    bend = np.eye(len(A))[::-1]
    weight = np.arange(A.size).reshape(A.shape) / A.size

    def of(s, exponential=unitary_matrix):
        return jnp.sum(weight * jnp.real(exponential(A * s + bend * s**2)))

    def exact(s):
        return np.sum(weight * scipy.linalg.expm(-1j * (A * s + bend * s**2)).real)

    h = 1e-3
    first = (exact(1 + h) - exact(1 - h)) / (2 * h)
    second = (exact(1 + h) - 2 * exact(1.0) + exact(1 - h)) / h**2
    # the differences err by h² times a derivative of up to 100, and 1e-15/h²
    np.testing.assert_allclose(jax.grad(of)(1.0), first, rtol=0, atol=1e-4)
    for twice in (jax.grad(jax.grad(of)), jax.jacfwd(jax.jacfwd(of))):
        np.testing.assert_allclose(twice(1.0), second, rtol=0, atol=1e-4)


def test_only_the_hermitian_part_turns():
    A = jnp.asarray(np.random.default_rng(3).normal(size=(3, 3)))
    np.testing.assert_array_equal(unitary_matrix(A), unitary_matrix((A + A.T) / 2))
    slope = jax.grad(lambda A: jnp.sum(jnp.real(unitary_matrix(A)) ** 3))(A)
    np.testing.assert_allclose(slope, slope.T, rtol=0, atol=1e-15)
