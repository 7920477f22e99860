"""Numbers of studies that no fit has given fine steps: of x = exp(-k t) at k = 2."""

import math
import sys
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

import jqd
from jqd.inference import Study, evidence, identifiability
from jqd.inference.identifiability import refuse
from jqd.inference.steps import DRAWN_CHANGE, refined, search_substeps
from jqd.instruments import Direct, Gaussian, Multinomial

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


def test_a_first_step_that_blows_up_does_not_set_those_of_the_search():
    """One step is off by 1e9, which is no measure of how many are enough, 144 to be
    stable."""
    one = study()
    stiff = eqx.tree_at(lambda s: s.law.k, one, jnp.asarray(400.0))
    assert 144 <= search_substeps(stiff, jnp.asarray([400.0])) < 400


def near_a_node():
    """A record of two classes, one of which is left with .012 at t = 3.7."""
    H, psi0 = np.array([[0.0, 0.5], [0.5, 0.3]]), np.sqrt([0.8, 0.2]) + 0j
    law = jqd.CopyDynamics.from_hamiltonian(H, q=0.45)
    psi0 *= np.exp([0, 0.7j])
    run = jqd.evolve(law, psi0, np.linspace(0, 4, 21), observe="density")
    noise = 0.01 * np.random.default_rng(0).standard_normal((20, 2))
    data = jqd.Record(run.ts[1:], run.values[1:] + noise, Gaussian(0.01), t0=0.0)
    return law, data, {"psi0": psi0, "free": "q", "starts": 1, "search": None}


@pytest.mark.slow
def test_a_run_that_blows_up_is_no_fit():
    """Rabi oscillations from an empty class: one step to a row blows up for most q, and
    the scatter of counts of such a run would make little of its misses."""
    H, psi0 = np.array([[0.0, 0.5], [0.5, 0.3]]), np.array([1.0, 0.0])
    ts = np.linspace(0.3, 6, 20)
    exact = jqd.evolve(jqd.Schrodinger(H), psi0, [0, *ts], observe="density")
    draws = np.random.default_rng(1).multinomial(1000, np.asarray(exact.values)[1:])
    law = jqd.CopyDynamics.from_hamiltonian(H)
    data = jqd.Record(ts, draws, Multinomial(), t0=0.0)
    options = {"psi0": psi0, "free": "q", "starts": 8}
    found = jqd.recover(law, data, **options)
    assert found.status == "converged"
    one = found.constants["q"]
    # beyond 4 standard errors once in 1e4 records
    assert abs(one.value - 0.5) < 4 * one.stderr < 0.02
    with pytest.raises(ValueError, match="`start` must be numbers by name"):
        jqd.recover(law, data, **options, start=0.5)


@pytest.mark.slow
def test_a_kink_of_coarse_steps_holds_no_fit():
    """One step to a row has a kink in its best q, at which no fit settles."""
    law, data, options = near_a_node()
    found = jqd.recover(law, data, **options)
    assert found.status == "converged"
    assert found.substeps > 1
    exact = jqd.recover(law, data, **options, method=jqd.Adaptive())
    assert exact.status == "converged"
    one, other = (each.constants["q"] for each in (found, exact))
    # steps leave a hundredth of a standard error
    assert one.value == pytest.approx(other.value, abs=0.01 * other.stderr)
    assert one.stderr == pytest.approx(other.stderr, rel=0.01)


def test_evidence_beside_one_step():
    """ln Z = ln √(2π/F) - ln W: the record is that of the law, ln L = 0."""
    found = evidence(study(), THETA)
    exact = math.log(math.sqrt(2 * math.pi / information()) / 4)
    # the step leaves 1e-4 of ln L, .014 σ, and so 3e-3 of the slopes
    assert float(found.log) == pytest.approx(exact, abs=5e-3)
    # of a law as it stands ln L alone; one step misses by 20 σ
    assert abs(float(evidence(study(())).log)) < 2e-4


def test_what_a_method_without_steps_determines():
    """The singular value is √F times the span of the initial guesses, 4."""
    exact = study().with_method(jqd.Adaptive(rtol=1e-10, atol=1e-12))
    found = identifiability(exact, THETA)
    whole = 4 * math.sqrt(information())
    # steps that stop at 1e-10 leave no more in slopes than some 1e-8
    np.testing.assert_allclose(found.singular_values, [whole], rtol=1e-7)
    assert int(found.null) == 0


def test_a_point_is_looked_at_once_and_with_finer_steps_only_in_doubt(monkeypatch):
    looked, doubts, doubtful = [], 0, 1.0

    def look(study, theta, factor):
        looked.append((theta.tolist(), int(study.substeps)))
        doubt = len(looked) <= doubts
        value = doubtful if doubt else 1.0
        return SimpleNamespace(
            null=int(doubt and value == 1), singular_values=np.array([value])
        )

    monkeypatch.setattr(sys.modules[refuse.__module__], "_identifiability", look)
    refuse(study(), np.array([[K], [1.0], [3.0]]))
    assert looked == [([K], 1)]  # the law as it stands
    looked, doubts = [], 1
    refuse(study(), np.array([[K], [1.0], [3.0]]))
    assert looked == [([K], 1), ([1.0], 1)]
    for value in (1.0, np.nan):  # null, or of a run that blew up
        looked, doubts, doubtful = [], 2, value
        refuse(study(), np.array([[1.0], [1.0]]))
        assert looked == [([K], 1), ([1.0], 1), ([K], 8), ([1.0], 8)]


def test_rows_without_weight_have_no_slope():
    mask = np.array([0.0, 1.0])
    every = np.asarray(study().slope(THETA))
    # two programs, which round in their own ways
    left = mask[:, None] * every
    np.testing.assert_allclose(study().slope(THETA, mask), left, rtol=1e-12)
    assert np.all(every != 0)


def test_spans_are_known_on_the_host_and_under_a_trace():
    one = study()
    assert isinstance(one.spans, np.ndarray)
    np.testing.assert_array_equal(one.spans, [4.0])
    np.testing.assert_array_equal(jax.jit(lambda one: one.spans)(one), [4.0])


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
