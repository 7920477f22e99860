"""A scheme that looks right and is not, as a negative control."""

import jax.numpy as jnp
import pytest

from jqd import Law
from jqd.laws import Chance, Collapse, StepNoise
from jqd.laws.rivals.density_operators import unitary


class Girsanov(Law):
    """The pathwise record without its root, 2√γ⟨A⟩dt + dW; one observable."""

    inner: Collapse

    draw = False

    @property
    def gamma(self):
        return self.inner.gamma

    def chance(self):
        return Chance(self.inner.chance().noise)

    def prepare(self, psi):
        return self.inner.prepare(psi)

    def density(self, state):
        return self.inner.density(state)

    def vector_field(self, t, state, args=None):
        return self.inner.vector_field(t, state, args)

    def step(self, t, state, dt, w):
        law = self.inner
        p = self.density(unitary(law.H, dt / 2, law.hbar) @ state)
        variance = jnp.sum(p * law.A[0] ** 2) - jnp.sum(p * law.A[0]) ** 2
        root = jnp.sqrt(1 + 4 * law.gamma * variance * dt)
        return law.step(t, state, dt, StepNoise(w.increments / root))


@pytest.fixture(scope="session")
def girsanov():
    return Girsanov
