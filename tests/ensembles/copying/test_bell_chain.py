"""Bell's chain: where a tagged individual goes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from relaxation import bell_chain

import jqd
from jqd import constants, problems
from jqd.observe import total_variation

STEPS = jnp.asarray(2000)


@pytest.mark.slow
@pytest.mark.equation("copying", "question-mixing-speed")
def test_the_golden_chain():
    """T13."""
    law, psi = problems.golden()
    chain = bell_chain(law, psi, jnp.array([0.0, 2.0]), substeps=STEPS)
    P = np.asarray(chain.transition[1])
    # 1e-7 as the table asks; the changes of sign of J leave 1e-8
    expected = [0.205797786, 0.496557969, 0.297644245]
    np.testing.assert_allclose(P[:, 0], expected, atol=1e-7)
    values = sorted(np.linalg.eigvals(P), key=lambda z: (z.real, z.imag))
    subleading = 0.165018874 + 0.045565737j
    np.testing.assert_allclose(values[1], subleading, atol=1e-7)
    np.testing.assert_allclose(values[0], np.conj(subleading), atol=1e-7)
    assert abs(subleading) == pytest.approx(0.171, abs=5e-4)
    assert float(chain.memory[1]) == pytest.approx(0.251, abs=5e-4)
    # columns are distributions, and the ensemble is carried to the ensemble: 1e-12
    # is the error of RK4
    np.testing.assert_allclose(P.sum(axis=0), 1, rtol=1e-12)
    rho = np.asarray(chain.density)
    np.testing.assert_allclose(P @ rho[0], rho[1], atol=1e-11)
    # negative control: individuals that copy backwards
    assert np.max(np.abs(P.T @ rho[0] - rho[1])) > 0.05


@pytest.mark.equation("copying", "question-mixing-periods")
@pytest.mark.parametrize("p", [0.2, 0.4, 0.5])
def test_a_rabi_period_forgets(p):
    law, psi = problems.two_classes(p, 0.0)
    ts = jnp.pi * jnp.array([0.0, 0.5, 1.0, 2.0])
    chain = bell_chain(law, psi, ts, substeps=STEPS)
    factor = (p / (1 - p)) ** 2
    # T14, p = 0.2: 1/4 after half a period, 1/16 after one; p = 1/2 does not oscillate
    expected = [1, factor**0.5, factor, factor**2]
    np.testing.assert_allclose(chain.memory, expected, rtol=1e-8)
    # after full periods ρ is as before, and all are as near to it as ρ allows
    apart = total_variation(jnp.eye(2), chain.density[0][None])
    np.testing.assert_allclose(chain.distance[2], factor * apart, rtol=1e-8)
    # 20 systems in the smaller class
    assert chain.valid(20 / p + 1).all()
    assert not chain.valid(20 / p - 1).all()


def test_any_two_distributions_come_together():
    """The bound of `memory`, and its sharpness, with other exponents."""
    law, psi = problems.golden(q=0.4, r=-0.8)
    chain = bell_chain(law, psi, jnp.array([0.0, 2.0]), substeps=STEPS)
    P, memory = np.asarray(chain.transition[1]), float(chain.memory[1])
    rng = np.random.default_rng(3)
    first, second = rng.dirichlet(np.ones(3), (2, 500))
    before, after = (np.abs((first - second) @ A.T).sum(axis=1) for A in (np.eye(3), P))
    assert np.all(after <= memory * before * (1 + 1e-12))
    assert np.max(after / before) > 0.9 * memory
    np.testing.assert_allclose(P @ chain.density[0], chain.density[1], atol=1e-6)


def test_nobody_moves_without_currents():
    """A real Hamiltonian's eigenstate, and a frozen start."""
    H = np.array([[0.0, 0.5, 0.2], [0.5, 0.3, -0.4], [0.2, -0.4, -0.1]])
    law = jqd.CopyDynamics.from_hamiltonian(H)
    psi = np.linalg.eigh(H)[1][:, 1] + 0j
    chain = bell_chain(law, psi, jnp.array([0.0, 2.0]), substeps=STEPS)
    # currents are rounding
    np.testing.assert_allclose(chain.transition[1], np.eye(3), atol=1e-12)
    assert float(chain.memory[1]) == pytest.approx(1)


@pytest.mark.slow
def test_gradients():
    law, psi = problems.golden()
    ts = jnp.array([0.0, 0.5])

    def number(delta):
        chain = bell_chain(constants.unpack(law, "delta", delta), psi, ts, substeps=20)
        return jnp.sum(chain.transition[1] ** 2)

    delta, h = constants.pack(law, "delta"), 1e-5
    # one program for values and slopes: to compile takes nearly all of the time
    steps = h * jnp.concatenate([jnp.eye(3), -jnp.eye(3), jnp.zeros((1, 3))])
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(number)))(delta[None] + steps)
    differences = (values[:3] - values[3:6]) / (2 * h)
    np.testing.assert_allclose(slopes[-1], differences, rtol=1e-6, atol=1e-9)
    assert np.max(np.abs(differences)) > 0.1
