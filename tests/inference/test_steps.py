"""Numbers of studies that no fit has given fine steps: of x = exp(-k t) at k = 2."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

import jqd
from jqd.inference import Study, evidence
from jqd.inference.steps import DRAWN_CHANGE, refined
from jqd.instruments import Direct, Gaussian

from .models import itself

TS, K, SIGMA = np.array([1.0, 2.0]), 2.0, 0.01
THETA = jnp.asarray([K])


class Fading(jqd.Motion):
    """dx/dt = -k x"""

    k: Array = jqd.free(span=(0.0, 4.0))

    def vector_field(self, t, state, args=None):
        return -self.k * state


def study(free="k", nuisances=None):
    """One Runge-Kutta step from each time to the next, 0.2 beside the law at t = 1; the
    record is that of the law."""
    data = jqd.Record(TS, np.exp(-K * TS)[:, None], Gaussian(SIGMA), t0=0.0)
    return Study(
        Fading(jnp.asarray(K)), data, psi0=jnp.ones(1), free=free, nuisances=nuisances,
        instrument=Direct(itself),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip


def information():
    """Σ (t exp(-kt)/σ)²"""
    return np.sum((TS * np.exp(-K * TS) / SIGMA) ** 2)


def test_steps_that_are_fine_enough_stay():
    fine = study().with_substeps(64)
    assert refined(fine, THETA) is fine
    exact = study().with_method(jqd.Adaptive())
    assert refined(exact, THETA) is exact


def test_evidence_beside_one_step():
    """ln Z = ln √(2π/F) - ln W: the record is that of the law, ln L = 0."""
    found = evidence(study(), THETA)
    exact = math.log(math.sqrt(2 * math.pi / information()) / 4)
    # the step leaves 1e-4 of ln L, .014 σ, and so 3e-3 of the slopes
    assert float(found.log) == pytest.approx(exact, abs=5e-3)
    # of a law as it stands ln L alone; one step misses by 20 σ
    assert abs(float(evidence(study(())).log)) < 2e-4


@pytest.mark.slow
def test_draws_beside_one_step():
    """About a fit that is given, and about one of nuisances alone."""
    options = {"chains": 1, "draws": 20}
    found = jqd.posterior(study(), "laplace", theta=THETA, **options)
    # each halving leaves a 16th of the change, and ln L a 256th
    assert abs(float(found.study.log_likelihood(THETA))) < 2 * DRAWN_CHANGE
    # .3 σ, of which the slope has 2.5 times as large a share
    assert found.stderr[0] == pytest.approx(information() ** -0.5, rel=0.1)
    aided = study((), {"k": jqd.Normal(K, 0.1)})
    found = jqd.posterior(aided, "laplace", **options)
    # .3 of an error of .07; one step leads to 1.6 and less
    assert found.theta[0] == pytest.approx(K, abs=0.03)
