"""Exponentials of a matrix are made once for times at equal distances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jqd
from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.steppers.eigenbasis import exponential_orbit

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
