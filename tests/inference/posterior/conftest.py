"""Studies whose posteriors are known."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

import jqd
from jqd.inference import Study
from jqd.instruments import Direct, Gaussian

from ..models import itself

TS, SIGMA = np.linspace(0.2, 2, 12), 0.1
VALUES = 0.7 * TS - 0.4 * TS**2 + SIGMA * np.cos(12.9898 * np.arange(12))


class Quadratic(jqd.Motion):
    """x = a t + b t²: a record of it is linear in its constants.

    Where a is above `end` it has no value.
    """

    a: Array = jqd.free(span=(-4.0, 6.0))
    b: Array = jqd.free(span=(-3.0, 3.0))
    end: Array = jqd.fixed()

    def vector_field(self, t, state, args=None):
        rate = self.a + 2 * self.b * t
        return jnp.stack([jnp.where(self.a < self.end, rate, jnp.nan)])


@pytest.fixture(scope="session")
def line():
    """Makes a study of x = a t + b t²; a = .7 and b = -.4 but for the scatter."""

    def make(free=("a", "b"), nuisances=None, noise=None, end=np.inf):
        law = Quadratic(*(jnp.asarray(x) for x in (0.7, -0.4, end)))
        data = jqd.Record(TS, VALUES[:, None], noise or Gaussian(SIGMA), t0=0.0)
        return Study(
            law, data, psi0=jnp.zeros(1), free=free, nuisances=nuisances,
            instrument=Direct(itself),
            method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def exact():
    """Mean and covariance of the normal posterior of `line`, by NumPy.

    Takes means and widths of normal priors of a and b, infinite for none; one of each
    where a alone is free.
    """

    def solve(mean=(0.0, 0.0), sd=(np.inf, np.inf)):
        both = np.stack([TS, TS**2], axis=1) / SIGMA
        A, rest = both[:, : len(mean)], both[:, len(mean) :]
        F = A.T @ A + np.diag(1 / np.square(sd))
        left = VALUES / SIGMA - rest @ np.full(rest.shape[1], -0.4)
        right = A.T @ left + np.asarray(mean) / np.square(sd)
        return np.linalg.solve(F, right), np.linalg.inv(F)

    return solve
