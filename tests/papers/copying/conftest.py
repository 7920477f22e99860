"""Random ensembles, what the Hamiltonian alone says about them, and tolerances."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .individuals import occupation_rate_of_individuals

# Sums of up to 40² terms of order 1 to 100 in float64.
ROUNDING = 1e-12
# A printed form is refuted by a residual of the order of the couplings (0.3 to 1),
# eleven decades above rounding.
REFUTED = 0.1
NUM_INDIVIDUALS = 40


class Ensemble(NamedTuple):
    """Individuals with their beables and phases, and the couplings of their classes."""

    beable: jax.Array
    phase: jax.Array
    class_phase: jax.Array
    omega: jax.Array
    R: jax.Array
    delta: jax.Array
    occupation: jax.Array
    density: jax.Array

    @property
    def aligned(self):
        """Phases of the individuals where each has that of its class."""
        return self.class_phase[self.beable]

    @property
    def difference(self):
        """φ_a - φ_b."""
        return self.class_phase[:, None] - self.class_phase[None, :]

    def quantum_rates(self):
        """Rates of density and phase from the Hamiltonian alone, in NumPy."""
        omega, R, delta = (np.asarray(v) for v in (self.omega, self.R, self.delta))
        H = np.diag(omega) + R * np.exp(1j * delta)
        psi = np.sqrt(self.density) * np.exp(-1j * np.asarray(self.class_phase))
        rate = -1j * H @ psi
        return 2 * np.real(psi.conj() * rate), -np.imag(rate / psi)

    def density_rate(self, rate):
        """Rate of the density under individual copy rates [I, J]."""
        total = occupation_rate_of_individuals(rate, self.beable, self.omega.shape[0])
        return total / self.beable.shape[0]

    def transition_rates(self, rate):
        """T[a, b]: what one member of b does, found by adding up its own rates."""
        M = self.omega.shape[0]
        first = [int(np.flatnonzero(self.beable == b)[0]) for b in range(M)]
        rows = np.asarray(rate)[first]
        columns = [rows[:, np.asarray(self.beable) == a].sum(axis=1) for a in range(M)]
        return np.stack(columns)


@cache
def ensemble(seed, num_classes):
    rng = np.random.default_rng(seed)
    shape = (num_classes, num_classes)
    R = np.triu(rng.uniform(0.3, 1, shape), 1)
    delta = np.triu(rng.uniform(-np.pi, np.pi, shape), 1)
    # Two in every class, the others unevenly, so that no two densities agree.
    share = np.arange(1, num_classes + 1) ** 2
    rest = NUM_INDIVIDUALS - 2 * num_classes
    beable = np.concatenate(
        [
            np.arange(num_classes).repeat(2),
            rng.choice(num_classes, rest, p=share / share.sum()),
        ]
    )
    occupation = np.bincount(beable, minlength=num_classes).astype(float)
    return Ensemble(
        jnp.asarray(rng.permutation(beable)),
        jnp.asarray(rng.uniform(-np.pi, np.pi, NUM_INDIVIDUALS)),
        jnp.asarray(rng.uniform(-np.pi, np.pi, num_classes)),
        jnp.asarray(rng.normal(size=num_classes)),
        jnp.asarray(R + R.T),
        jnp.asarray(delta - delta.T),
        jnp.asarray(occupation),
        jnp.asarray(occupation / NUM_INDIVIDUALS),
    )


@pytest.fixture(params=[1, 2, 3])
def ens(request):
    # One size, since JAX compiles every operation anew for each.
    return ensemble(request.param, 4)


@pytest.fixture(scope="session")
def rk4():
    """Runge-Kutta path of any PyTree, without jqd's own steppers."""
    return _rk4


def _rk4(field, y, dt, num_steps):
    def add(y, k, h):
        return jax.tree.map(lambda a, b: a + h * b, y, k)

    def step(y, _):
        k1 = field(y)
        k2 = field(add(y, k1, dt / 2))
        k3 = field(add(y, k2, dt / 2))
        k4 = field(add(y, k3, dt))
        for k, weight in ((k1, 1), (k2, 2), (k3, 2), (k4, 1)):
            y = add(y, k, weight * dt / 6)
        return y, y

    return jax.jit(lambda y: jax.lax.scan(step, y, None, length=num_steps)[1])(y)


def equation(number):
    return pytest.mark.equation("copying", number)


def gap(x, y):
    return float(np.max(np.abs(np.asarray(x) - np.asarray(y))))
