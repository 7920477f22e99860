"""The free chain of three atoms with quartic springs, in its two internal modes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.potentials import mode_potential

from jqd.matter.packets import GaussianState, ground_state

HBAR = 0.05


class Springs(eqx.Module):
    """Bonds k r²/2 + β r⁴/4 of a free chain: FPUT-β."""

    k: jax.Array
    beta: jax.Array

    def __call__(self, q):
        r = q[1:] - q[:-1]
        return self.k * jnp.sum(r**2) / 2 + self.beta * jnp.sum(r**4) / 4


@pytest.fixture(scope="session")
def springs():
    """(k, β) -> the potential of the modes of frequency √k and √3k."""
    modes = mode_potential(Springs(jnp.ones(()), jnp.ones(())), np.zeros(3), np.ones(3))

    def build(k, beta):
        chain = Springs(jnp.asarray(float(k)), jnp.asarray(float(beta)))
        return eqx.tree_at(lambda m: m.potential, modes, chain)

    return build


@pytest.fixture(scope="session")
def triatomic(springs):
    """K = β = 1: modes of frequency 1 and √3."""
    return springs(1, 1)


@pytest.fixture(scope="session")
def displaced():
    """The ground state of the modes, moved to X = (1.2, 0.7); ħ = 0.05."""
    rest = ground_state(np.diag([1.0, 3.0]), np.ones(2), hbar=HBAR)
    return GaussianState(np.array([1.2, 0.7]), np.zeros(2), rest.covariance)
