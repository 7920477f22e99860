"""Designs over a box and in two stages, of a decay whose best time is unknown."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy.optimize import linprog

import jqd
from jqd.instruments import Direct

from ..models import itself

TIMES = np.arange(1, 31) / 10
SIGMA = 0.3


class Decay(jqd.Motion):
    """x = exp(-k t)"""

    k: Array

    def vector_field(self, t, state, args=None):
        return -self.k * state


def study(ts=TIMES, values=None, k=1.0, sigma=SIGMA):
    seen = jqd.Gaussian(np.asarray(sigma)[:, None] if np.ndim(sigma) else sigma)
    values = np.zeros((len(ts), 1)) if values is None else values
    return jqd.Study(
        Decay(jnp.asarray(k)), jqd.Record(ts, values, seen, t0=0.0), psi0=jnp.ones(1),
        free=("k",), instrument=Direct(itself),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip


def information(k, ts=TIMES):
    """Of one shot at each time."""
    return (ts * np.exp(-k * ts) / SIGMA) ** 2


class Turn(jqd.Motion):
    """x = cos(k t), y = sin(k t)"""

    k: Array

    def vector_field(self, t, state, args=None):
        return self.k * jnp.stack([-state[1], state[0]])


@pytest.mark.slow
def test_least_worst_error_over_a_box():
    """max over w of min over k of Σ w F(k), a linear programme of many k.

    x alone is seen, which tells nothing where it turns: the worst k lie within.
    """
    ts, rates = np.arange(2, 13) / 4, np.linspace(1.0, 2.0, 401)
    rows = (ts * np.sin(rates[:, None] * ts) / SIGMA) ** 2
    best = linprog(
        np.r_[np.zeros(len(ts)), -1], A_ub=np.c_[-rows, np.ones(len(rates))],
        b_ub=np.zeros(len(rates)), A_eq=np.r_[np.ones(len(ts)), 0][None], b_eq=[1],
        bounds=[(0, None)] * len(ts) + [(None, None)],
    )  # fmt: skip
    data = jqd.Record(ts, np.zeros((len(ts), 1)), jqd.Gaussian(SIGMA), t0=0.0)
    turn = jqd.Study(
        Turn(jnp.asarray(1.5)), data, psi0=jnp.array([1.0, 0.0]), free=("k",),
        instrument=Direct(lambda t, state: state[:1]),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip
    box = {"k": (1.0, 2.0)}
    found = jqd.design(turn, shots=100, over=box)
    assert found.status is jqd.Status.OK
    assert found.gap < 1e-6

    def worst(weights):
        return max(1 / (100 * np.asarray(weights) @ row) for row in rows)

    # values of k are added until none is worse by 1e-3; the programme has steps of k
    np.testing.assert_allclose(found.value, 1 / (100 * -best.fun), rtol=2e-3)
    np.testing.assert_allclose(found.value, worst(found.weights), rtol=2e-3)
    assert 1.0 < float(found.theta[0]) < 2.0
    # shares that are best for k = 1.5 alone are worse at their worst
    alone = jqd.design(turn, shots=100).weights
    assert worst(alone) > 1.2 * found.value
    even = jqd.design(turn, shots=100, over=box, shares="even")
    np.testing.assert_allclose(even.value, worst(np.full(len(ts), 1 / 11)), rtol=2e-3)
    assert even.status is jqd.Status.NOT_CONVERGED


@pytest.mark.slow
def test_the_second_stage_goes_where_the_first_points():
    """k is 2, not 1: a fifth of the shots says so, the rest is taken near t = 1/2."""
    key, ts = jax.random.key(3), np.linspace(0.3, 3, 10)
    see = Direct(itself, noise=jqd.Gaussian(SIGMA))
    first = jqd.simulate(Decay(jnp.asarray(2.0)), jnp.ones(1), ts, see, 40, key, t0=0.0)
    seen = study(ts, first.values, sigma=np.full(10, SIGMA * 40**-0.5))
    fit = jqd.recover(seen, starts=1, search=None)
    k = fit.constants["k"].value
    plan = jqd.design(study(), shots=1600, after=fit, draws=0)
    assert plan.status is jqd.Status.OK
    top = TIMES[np.argmax(information(k))]
    assert {setting.t for setting, _ in plan.support} == {top}
    # steps of order 4, settled to 1e-4
    known = 40 * information(k, ts).sum() + 1600 * information(k).max()
    np.testing.assert_allclose(plan.stderr("k"), known**-0.5, rtol=1e-4)
    need = plan.shots_for(5, 0.05, of="k")
    wanted = (5 / 0.05) ** 2 - 40 * information(k, ts).sum()
    np.testing.assert_allclose(need.number, wanted / information(k).max(), rtol=1e-3)


@pytest.mark.slow
def test_the_mean_over_what_the_first_stage_leaves_open():
    """Of 16 draws, written again: no other single time has a smaller mean."""
    ts, values = np.array([1.0]), np.full((1, 1), np.exp(-1.0))
    seen = study(ts, values, sigma=[0.1])
    fit = jqd.recover(seen, starts=1, search=None)
    plan = jqd.design(study(), shots=50, after=fit)
    assert plan.status is jqd.Status.OK
    mean, spread = jnp.asarray(fit.theta), jnp.asarray(fit.covariance)
    drawn = jax.random.multivariate_normal(
        jax.random.key(0), mean, spread, (16,), method="svd"
    )
    old = (np.exp(-1.0) / 0.1) ** 2
    each = np.stack([information(float(k[0])) for k in drawn])

    def cost(weights):
        return np.mean(1 / (old + 50 * each @ weights))

    here = cost(np.asarray(plan.weights))
    others = [cost(np.eye(len(TIMES))[i]) for i in range(len(TIMES))]
    draw = np.random.default_rng(0)
    others += [cost(draw.dirichlet(np.full(len(TIMES), 0.1))) for _ in range(100)]
    assert here <= min(others) * (1 + 1e-6)


@pytest.mark.slow
def test_what_is_worst_decides():
    """x is smallest at the fastest decay: the design is that of k = 2."""
    found = jqd.design(study(), shots=100, over={"k": (0.5, 2.0)})
    assert found.status is jqd.Status.OK
    assert [setting.t for setting, _ in found.support] == [0.5]
    np.testing.assert_allclose(found.theta, 2.0, rtol=1e-12)
    # slopes that have settled to 1e-4
    np.testing.assert_allclose(
        found.value, 1 / (100 * information(2.0).max()), rtol=1e-3
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"over": {}}, "`over` must be {name: .low, high.} of some constants"),
        ({"over": {"x": (0, 1)}}, "`over` must be one of 'k', but it is 'x'"),
        ({"over": {"k": (2, 1)}}, r"`over\['k'\]` must be \(low, high\), but is \(2"),
        ({"over": {"k": 1.0}}, r"`over\['k'\]` must have shape \(2,\)"),
        ({"after": 3}, "`after` must be what `jqd.recover` returned, but is a int"),
        ({"over": {"k": (1, 2)}, "after": 3}, "`over` must be None beside `after`"),
        ({"theta": [1.0], "after": 3}, "`after` must be None beside `theta`"),
        (
            {"criterion": "KL", "rival": {"k": 2.0}, "over": {"k": (1, 2)}},
            "`over` must be None for 'KL'",
        ),
    ],
)
def test_what_makes_no_design(options, said):
    with pytest.raises(ValueError, match=said):
        jqd.design(study(), shots=10, **options)
