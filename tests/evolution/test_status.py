"""Failure is data: codes, times, and neighbours that are not touched."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Adaptive, Fixed, Law, Status, evolve
from jqd.constants import constant
from jqd.problems import two_classes
from jqd.steppers import rk4

TS = jnp.linspace(0.0, 2.0, 8)  # none of them at the explosion


class Explosion(Law):
    """y' = rate y^power: infinite at a finite time."""

    rate: jax.Array = eqx.field(converter=constant)
    power: int = eqx.field(static=True, default=2)

    def prepare(self, psi):
        return psi

    def vector_field(self, t, state, args=None):
        return self.rate * state**self.power

    def step(self, t, state, dt):
        return rk4(self, t, state, dt)

    def density(self, state):
        return state


STARTS = jnp.array([[0.2], [1.0], [0.3]])  # the second is infinite at t = 1
METHODS = {
    "fixed": Fixed(rk4, 50),
    "direct": Fixed(None, 50, gradient="direct", estimate_error=False),
    "adaptive": Adaptive(rtol=1e-8, atol=1e-8, max_steps=500),
}
every_method = pytest.mark.parametrize("name", METHODS)


def batch(method, power=2):
    law = Explosion(1.0, power)
    return jax.jit(
        jax.vmap(lambda y: evolve(law, y, TS, method=method, observe="density"))
    )


@pytest.mark.sampled
@every_method
def test_a_run_that_explodes(name):
    run = batch(METHODS[name])(STARTS)
    end = Status.STEP_BUDGET if name == "adaptive" else Status.NON_FINITE
    np.testing.assert_array_equal(run.status, [0, end, 0])
    np.testing.assert_array_equal(run.failure_time[::2], np.inf)
    # Runge-Kutta steps over the pole and is stopped two steps of 2 / 350 later;
    # adaptive steps shrink before it
    assert 0.99 < run.failure_time[1] < 1.02
    np.testing.assert_array_equal(run.ok, [True, False, True])
    # NaN exactly where the run did not get
    np.testing.assert_array_equal(run.reached, run.ts < run.failure_time[:, None])
    np.testing.assert_array_equal(np.isnan(run.values[..., 0]), ~run.reached)
    assert np.all(run.reached[1] == (np.asarray(TS) < 1.0))
    exact = 1 / (1 / STARTS - TS[None, :])
    # RK4 at h = 1/200 or a tolerance of 1e-8, where 1/y stays above 0.2
    near = np.asarray(run.reached) & (np.asarray(1 / exact) > 0.2)
    np.testing.assert_allclose(run.values[..., 0][near], exact[near], rtol=1e-5)
    outcome = f"2 of 3: {Status.OK.sentence}; 1 of 3: {end.sentence}"
    assert run.describe().startswith(outcome)
    if run.error is not None:
        assert not np.any(np.isnan(run.error[..., 0][run.reached]))


def test_neighbours_are_bitwise_untouched():
    method = METHODS["fixed"]
    both = batch(method)(STARTS)
    healthy = batch(method)(STARTS[::2])
    for part in ("values", "error", "status", "failure_time"):
        np.testing.assert_array_equal(
            getattr(both, part)[::2], getattr(healthy, part), err_msg=part
        )
    for name, value in both.diagnostics.items():
        np.testing.assert_array_equal(value[::2], healthy.diagnostics[name])
    # Negative control: another start is another run.
    other = batch(method)(STARTS[::2] * (1 + 1e-15))
    assert np.any(other.values != healthy.values)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "power"),
    [
        ("fixed", 3),
        ("direct", 2),
        pytest.param("adaptive", 2, marks=pytest.mark.slow),
    ],
)
def test_gradients_of_the_healthy_are_finite(name, power):
    """Also that of a constant which the whole batch shares."""
    method = METHODS[name]

    def loss(law, starts):
        def one(y):
            run = evolve(law, y, TS, method=method, observe="density")
            return jnp.where(run.status == 0, run.values[-1, 0], 0.0), run.status

        values, status = jax.vmap(one)(starts)
        return jnp.sum(values), status

    law = Explosion(1.0, power)
    (slope, slopes), status = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(
        law, STARTS
    )
    assert status[1] != 0
    y0, t = np.array([0.2, 0.3]), 2.0
    if power == 2:
        y = 1 / (1 / y0 - t)
        by_rate, by_start = t * y**2, (y / y0) ** 2
    else:
        y = (1 / y0**2 - 2 * t) ** -0.5
        by_rate, by_start = t * y**3, (y / y0) ** 3
    # RK4 at h = 1/200, or a tolerance of 1e-8
    np.testing.assert_allclose(slope.rate, by_rate.sum(), rtol=1e-5)
    np.testing.assert_allclose(slopes[::2, 0], by_start, rtol=1e-5)
    assert slopes[1, 0] == 0
    # Negative control: the sum over one member is another number.
    assert abs(slope.rate - by_rate[0]) > 1e-3
    if isinstance(method, Fixed):
        push = jax.jvp(
            lambda law: loss(law, STARTS)[0], (law,), (Explosion(1.0, power),)
        )
        np.testing.assert_allclose(push[1], slope.rate, rtol=1e-9)


@pytest.mark.slow
def test_step_budget():
    law, psi = two_classes(0.3, 0.4)
    ts = jnp.linspace(0, 50, 6)
    method = Adaptive(rtol=1e-9, atol=1e-9, max_steps=60, estimate_error=False)
    run = evolve(law, psi, ts, method=method)
    assert run.status == Status.STEP_BUDGET
    assert 0 < run.failure_time < 50
    assert run.describe() == (
        "The step budget was spent; raise `max_steps`. "
        f"(t = {float(run.failure_time):.6g})"
    )
    np.testing.assert_array_equal(run.reached, ts < run.failure_time)
    np.testing.assert_array_equal(np.isnan(run.values[:, 0]), ~run.reached)
    assert run.diagnostics["num_steps"] == 60
    enough = evolve(law, psi, ts, method=Adaptive(rtol=1e-9, atol=1e-9))
    assert enough.status == Status.OK
    assert enough.describe().startswith("The run reached its last time. Integration")


# -- nodes ----------------------------------------------------------------------------

NODE_TIME = 0.588926  # q = .7, r = -.3, x0 = -1.2: Adaptive at rtol 1e-11
ANGLES = (-1.2, -0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "literal"),
    [
        pytest.param(Fixed(rk4, 400, gradient="direct"), False, id="fixed-psi"),
        pytest.param(Fixed(rk4, 400, gradient="direct"), True, id="fixed-literal"),
        pytest.param(
            Adaptive(rtol=1e-10, atol=1e-10),
            False,
            id="adaptive-psi",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            Adaptive(rtol=1e-10, atol=1e-10),
            True,
            id="adaptive-literal",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_node_ends_a_run_at_its_time(method, literal):
    law, _ = two_classes(0.5, 0.0, 0.7, -0.3, literal=literal)
    states = jnp.stack([two_classes(0.5, x)[1] for x in ANGLES])
    ts = jnp.linspace(0.0, 1.0, 5)

    def one(law, psi):
        return evolve(law, law.prepare(psi), ts, method=method, observe="density")

    run = jax.jit(jax.vmap(one, in_axes=(None, 0)))(law, states)
    np.testing.assert_array_equal(run.status, [Status.NODE, Status.OK])
    # a step of 1/1600, and the time that the regulator's zone takes, eps^0.15 / R
    assert abs(run.failure_time[0] - NODE_TIME) < 3e-3
    np.testing.assert_array_equal(np.isnan(run.values[..., 0]), ~run.reached)
    np.testing.assert_array_equal(run.reached[0], np.asarray(ts) < NODE_TIME)
    assert np.all(run.reached[1])
    assert np.all(np.isfinite(run.error[1]))
    assert "1 of 2: A population or density reached zero (a node)" in run.describe()

    def loss(law):
        run = jax.vmap(one, in_axes=(None, 0))(law, states)
        return jnp.sum(jnp.where(run.status == 0, run.values[:, -1, 0], 0.0))

    def alone(law):
        return one(law, states[1]).values[-1, 0]

    together, single = jax.jit(lambda law: (jax.grad(loss)(law), jax.grad(alone)(law)))(
        law
    )
    for name in ("q", "r", "R", "omega"):
        # the node adds nothing: rounding. Adaptive steps follow the values alone, and a
        # gradient has a kink where x = 0: one step more or less there is 5e-5
        rtol = 1e-9 if isinstance(method, Fixed) else 2e-4
        np.testing.assert_allclose(
            getattr(together, name), getattr(single, name), rtol=rtol, atol=1e-6 * rtol
        )
    assert abs(together.r) > 1e-3


def test_a_search_may_look_past_a_node():
    law, psi = two_classes(0.5, -1.2, 0.7, -0.3)
    ts = jnp.linspace(0.0, 1.0, 5)
    heard = evolve(law, psi, ts, method=Fixed(rk4, 400))
    ignored = evolve(law, psi, ts, method=Fixed(rk4, 400, heed_alarms=False))
    # the alarm and its time are reported in both
    assert heard.status == ignored.status == Status.NODE
    assert heard.failure_time == ignored.failure_time
    assert np.all(np.isfinite(ignored.values))
    np.testing.assert_array_equal(ignored.values[:3], heard.values[:3])
    assert np.all(np.isnan(heard.values[3:]))
    # what is not a number is still no result
    wild = Fixed(rk4, 50, heed_alarms=False)
    assert batch(wild)(STARTS).status[1] == Status.NON_FINITE


def test_infinite_error_where_only_the_check_failed():
    """Twice the steps find the explosion that the run itself stepped over."""
    law = Explosion(1.0)
    ts = jnp.array([0.0, 1.02])
    coarse = evolve(law, jnp.array([1.0]), ts, method=Fixed(rk4, 2))
    assert coarse.status == Status.INACCURATE
    assert np.isfinite(coarse.values[-1, 0])
    fine = evolve(law, jnp.array([1.0]), ts, method=Fixed(rk4, 100))
    assert fine.status == Status.NON_FINITE
    # the estimate says that nothing is known
    assert coarse.error[-1, 0] > coarse.values[-1, 0]


@pytest.mark.slow
@every_method
def test_what_was_not_reached_has_no_derivative(name):
    """NaN where it is used; neighbours of a batch and losses without it are clean."""

    def last_and_reached(rate):
        def one(y):
            law = Explosion(rate)
            return evolve(law, y, TS, method=METHODS[name], observe="density")

        runs = jax.vmap(one)(STARTS)
        reached = jnp.where(runs.reached, runs.values[..., 0], 0)
        return runs.values[:, -1, 0], jnp.sum(reached[:, 0])

    slopes, clean = jax.jit(jax.jacrev(last_and_reached))(1.0)
    np.testing.assert_array_equal(np.isnan(slopes), [False, True, False])
    # y = y0/(1 - rate y0 t)
    want = (STARTS[::2, 0] / (1 - STARTS[::2, 0] * 2)) ** 2 * 2
    np.testing.assert_allclose(slopes[::2], want, rtol=1e-5)
    assert clean == 0
