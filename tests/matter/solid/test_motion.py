"""Newton's law as a law: conservation, orders, gradients, statuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.matter import solid
from jqd.steppers import pefrl

CHAIN = solid.chain(6, solid.FPUT(1.0, 0.3, 0.6), ends="fixed")
MOTION = solid.AtomMotion(CHAIN)


@pytest.fixture(scope="module")
def state():
    noise = jax.random.normal(jax.random.key(3), (2, 6, 1))
    return MOTION.prepare((CHAIN.sites + 0.2 * noise[0], 0.8 * noise[1]))


@jax.jit(static_argnames=("stepper", "steps"))
def follow(law, state, T, stepper, steps):
    method = jqd.Fixed(stepper, steps, estimate_error=False)
    ts = jnp.stack([jnp.zeros_like(T), T / 2, T])
    return jqd.evolve(law, state, ts, method=method)


def last(run):
    return jnp.concatenate([run.values.x[-1], run.values.v[-1]])


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "order"), [("strang", 2), ("pefrl", 4)])
def test_order_and_reversal(state, name, order):
    stepper, T = getattr(jqd.steppers, name), jnp.asarray(4.0)
    exact = last(follow(MOTION, state, T, jqd.steppers.srkn11, 200))
    errors = [
        float(jnp.max(jnp.abs(last(follow(MOTION, state, T, stepper, n)) - exact)))
        for n in (20, 40)
    ]
    # the next even order leaves some percent of the slope at these steps
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.15
    there = follow(MOTION, state, T, stepper, 20)
    end = jax.tree.map(lambda leaf: leaf[-1], there.values)
    back = follow(MOTION, solid.Point(end.x, -end.v), T, stepper, 20)
    # a palindromic step is its own inverse: rounding of 40 steps
    np.testing.assert_allclose(back.values.x[-1], state.x, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_energy_error_stays_bounded_over_a_million_steps(state):
    """A symplectic step follows a neighbouring energy: no drift, only a ripple."""
    ts = jnp.linspace(0.0, 1e5, 1001)
    method = jqd.Fixed(pefrl, 1000, estimate_error=False)
    energies = jqd.evolve(
        MOTION, state, ts, method=method, observe=lambda t, s: MOTION.energy(s)
    ).values
    gap = np.abs(np.asarray(energies / energies[0] - 1))
    early, late = gap[:100].max(), gap[-100:].max()
    assert early > 1e-9  # a ripple there is
    # maxima of chaotic stretches of the same length differ by less than a factor 2
    assert late < 2 * early
    assert gap.max() < 1e-5


def test_verlet_drifts_no_more_than_its_ripple(state):
    ripple = follow(MOTION, state, jnp.asarray(4.0), jqd.steppers.strang, 40)
    drift = float(ripple.diagnostics["energy_drift"])
    assert 1e-5 < drift < 1e-2  # second order at a step of .05
    euler = follow(MOTION, state, jnp.asarray(4.0), first_order, 40)
    assert float(euler.diagnostics["energy_drift"]) > 30 * drift  # control


def first_order(law, t, state, dt):
    """Euler's step, which is not symplectic."""
    slope = law.vector_field(t, state)
    return jax.tree.map(lambda y, k: y + dt * k, state, slope)


def test_gradients_against_differences(state):
    """In reverse mode through checkpoints; constants, masses and the initial state."""

    def loss(values, state):
        law = MOTION
        for name, value in values.items():
            law = constants.unpack(law, name, value)
        method = jqd.Fixed(pefrl, 16, estimate_error=False)
        run = jqd.evolve(law, state, jnp.array([0.0, 2.0, 4.0]), method=method)
        return jnp.sum(run.values.x[1:] ** 2)

    values = {"K": jnp.ones(1), "beta": jnp.full(1, 0.6), "masses": jnp.ones(6)}
    start = dict(values, x=state.x)

    def both(start):
        given = dict(start)
        return loss(given, state._replace(x=given.pop("x")))

    gradient = jax.jit(jax.grad(both))(start)
    value = jax.jit(both)
    for name, leaf in start.items():
        direction = jnp.ones_like(leaf)
        up, down = (
            value(start | {name: leaf + sign * 1e-5 * direction}) for sign in (1, -1)
        )
        # central differences: 1e-10 of truncation, 1e-10 of rounding, values of 1e2
        slope = float((up - down) / 2e-5)
        assert float(jnp.sum(gradient[name])) == pytest.approx(slope, rel=1e-7)


def test_constants_by_name():
    assert constants.names(MOTION) == ("masses", "K", "alpha", "beta", "length")
    stiffer = constants.unpack(MOTION, "K", jnp.array([2.0]))
    assert float(stiffer.body.potential.K) == 2
    assert constants.labels(MOTION, "masses")[:2] == ["masses[0]", "masses[1]"]
    assert constants.labels(MOTION, "beta") == ["beta"]


def test_atoms_that_meet_end_with_a_status():
    body = solid.Solid(jnp.ones(2), solid.LennardJones())
    motion = solid.AtomMotion(body)
    x = jnp.array([[0.0, 0.0], [1.5, 0.0]])
    hit = motion.prepare((x, jnp.array([[4e3, 0.0], [-4e3, 0.0]])))
    miss = motion.prepare((x, jnp.zeros((2, 2))))
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), hit, miss)
    method = jqd.Fixed(jqd.steppers.strang, 4, estimate_error=False)
    # the first pair is carried to a distance at which its energy overflows
    run = jax.vmap(
        lambda s: jqd.evolve(motion, s, jnp.array([0.0, 7.5e-4]), method=method)
    )(states)
    assert list(np.asarray(run.status)) == [jqd.Status.NON_FINITE, jqd.Status.OK]
    assert np.all(np.isfinite(run.values.x[1]))
