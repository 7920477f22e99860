"""Empty classes, nodes, and the rules as JAX functions."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from .angular import copy_angular, phase_angular
from .classes import class_phase_rate, copy_function, density_rate, occupation_rate
from .classical import quantum_potential
from .conftest import REFUTED, ROUNDING, equation, gap
from .links import link_angle
from .nodes import least_density, node_occupation_acceleration, node_occupation_rate
from .quantum_point import hamiltonian, quantum_density_rate, quantum_state


@equation("63")
def test_empty_class_stays_empty(ens):
    n = ens.occupation.at[1].set(0)
    args = (n, ens.class_phase, ens.R, ens.delta)
    assert node_occupation_rate(*args)[1] == 0
    for q in (0.3, 0.5):
        F = copy_function(*args, q)
        assert occupation_rate(F, n)[1] == 0
    F = copy_function(*args, 0.5)
    expected = occupation_rate(F, n)
    assert gap(node_occupation_rate(*args), expected) < 40 * ROUNDING
    printed = node_occupation_rate(*args, printed=True)
    assert gap(2 * printed, expected) < 40 * ROUNDING
    assert gap(printed, expected) > 40 * 0.01


@equation("64")
def test_acceleration_at_a_node(ens):
    n = ens.occupation.at[1].set(0)
    args = (n, ens.class_phase, ens.R, ens.delta)
    H = np.asarray(hamiltonian(ens.omega, ens.R, ens.delta))
    psi = np.sqrt(n) * np.exp(-1j * np.asarray(ens.class_phase))
    energy, states = np.linalg.eigh(H)

    def occupation(t):
        later = states @ (np.exp(-1j * energy * t) * (states.conj().T @ psi))
        return np.abs(later[1]) ** 2

    t = 1e-3
    exact = (occupation(t) + occupation(-t)) / t**2
    got = node_occupation_acceleration(*args)[1]
    # Error of the second difference: (energy · t)² / 12 of N times a coupling squared.
    error = 40 * (2 * np.ptp(energy) * t) ** 2 / 12
    assert float(got) == pytest.approx(exact, abs=error)
    printed = node_occupation_acceleration(*args, printed=True)[1]
    assert abs(float(printed) / exact - 1) > REFUTED > 100 * error / exact


def predicted(*args):
    return float(least_density(*args))


@pytest.fixture(scope="module")
def two_class_minimum(rk4):
    """Least density on the way and the last one, in a clock that slows at nodes."""
    R = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    zero = jnp.zeros((2, 2))

    def rates(q, r, state):
        rho, phase = state
        turn = link_angle(phase, zero)
        flow = density_rate(rho, copy_angular(turn, R, zero), q)
        angular = phase_angular(turn, R, zero)
        rate = flow, class_phase_rate(rho, angular, zero[0], r)
        clock = jnp.min(rho) ** jnp.maximum(q, -r)
        return jax.tree.map(lambda part: clock * part, rate)

    @partial(jax.jit, static_argnames="num_steps")
    def minimum(density, angle, q, r, dt=2e-3, num_steps=4000):
        start = jnp.stack([density, 1 - density]), jnp.stack([angle, 0.0])
        path = rk4(partial(rates, q, r), start, dt, num_steps)[0].min(axis=1)
        return jnp.min(path), path[-1]

    # Arrays throughout, so that one compilation serves all values.
    return lambda *args, **options: tuple(
        float(x) for x in minimum(*map(jnp.asarray, args), **options)
    )


@equation("claim-nodes")
@pytest.mark.parametrize(
    ("q", "r", "expected"),
    [
        (0.5, -0.5, 0.0339804570),
        (0.5, -0.7, 0.0737484541),
        (0.4, -0.5, 0.0490605227),
        (0.3, -0.8, 0.1199230350),
    ],
)
def test_nodes_are_avoided_at_and_below_the_boundary(two_class_minimum, q, r, expected):
    # Fixed steps over the kink at x = 0 are of second order for q ≠ 1/2.
    assert two_class_minimum(0.5, -1.2, q, r)[0] == pytest.approx(expected, abs=1e-7)
    # The law of a small class neglects the loss of the large one: relative error
    # of a few densities.
    least, last = two_class_minimum(1e-3, -1.2, q, r)
    assert least == pytest.approx(predicted(1e-3, -1.2, q, r), rel=4e-3)
    assert last > 10 * least


@pytest.mark.sampled
@equation("claim-nodes")
@pytest.mark.parametrize(("q", "r"), [(0.5, -0.3), (0.7, -0.5)])
def test_nodes_and_the_sum_of_powers(two_class_minimum, q, r):
    # With q + r = 0.2 the node is reached from below (-0.4 ln cos 0.6)^5 = 2.7e-6.
    angle = -0.6
    threshold = (-2 * 0.2 * np.log(np.cos(0.6))) ** 5
    above, below = 4 * threshold, threshold / 4
    slow = partial(two_class_minimum, dt=8e-3, num_steps=8000)
    least, last = slow(above, angle, q, r)
    assert least == pytest.approx(predicted(above, angle, q, r), rel=0.01)
    assert last > 1.02 * least
    assert predicted(below, angle, q, r) == 0
    least, last = slow(below, angle, q, r)
    assert least == last < 1e-6 * below
    # At the boundary the same start dips to cos² of the angle only, beyond it to less.
    for safe in ((0.5, -0.5), (0.5, -0.7), (0.4, -0.5)):
        least, last = two_class_minimum(below, angle, *safe)
        assert least == pytest.approx(predicted(below, angle, *safe), rel=0.01)
        assert least > 0.99 * below * np.cos(0.6) ** 2
    # At a right angle phases stand still, and all powers lead to the node.
    for powers in ((q, r), (0.5, -0.5), (0.5, -0.7)):
        least, last = slow(0.3, -np.pi / 2, *powers)
        assert least == last < 1e-3


ANGLES = np.array([0.0, 2.8])


@pytest.fixture(scope="module")
def third_class(rk4):
    """Paths of three classes, R = 1, of which the first is small, at r = -0.9.

    Its phase begins where the pulls of the others cancel, a quarter turn ahead of their
    resultant: ahead of one, behind the other. Densities, times and the rates at the
    start, (phase, density).
    """
    R, zero, r = jnp.ones((3, 3)) - jnp.eye(3), jnp.zeros((3, 3)), -0.9

    def rates(q, state):
        density, phase, _ = state
        angle = link_angle(phase, zero)
        flow = density_rate(density, copy_angular(angle, R, zero), q)
        pull = phase_angular(angle, R, zero)
        turn = class_phase_rate(density, pull, zero[0], r)
        # A clock that slows as fast as the phase of the small class turns.
        clock = density[0] ** -r
        return clock * flow, clock * turn, clock

    def start(small):
        others = np.array([0.6, 0.4]) * (1 - small)
        ahead = np.angle(np.sum(others**-r * np.exp(1j * ANGLES))) + np.pi / 2
        density, phase = np.append(small, others), np.append(ahead, ANGLES)
        return jnp.asarray(density), jnp.asarray(phase), jnp.zeros(())

    @jax.jit
    def path(q, state):
        density, _, time = rk4(partial(rates, q), state, 0.1, 16000)
        return density[:, 0], time

    def run(small, q):
        state = start(small)
        density, time = (np.asarray(v) for v in path(q, state))
        flow, turn, clock = jax.jit(rates)(q, state)
        return density, time, float(turn[0]), float(flow[0] / clock)

    return run


@equation("claim-nodes-many-classes")
def test_a_third_class_lets_nodes_in(third_class):
    # q + r < 0 throughout: with two classes all of these would turn back.
    small = 1e-4
    density, time, turn, _ = third_class(small, 0.6)
    assert np.abs(turn) < 1e-9
    assert np.all(np.diff(density) < 0)
    assert density[-1] < 1e-4 * small
    # In a finite time: the loss goes with the power 0.4 of the density, so that what is
    # left of the time goes with the power 0.6.
    left = time[-1] - time[np.searchsorted(-density, [-1e-5, -1e-6])]
    assert left[0] / left[1] == pytest.approx(10**0.6, rel=0.1)
    assert time[-1] < 0.02
    # At q <= 1/2 what it gains makes up for that.
    for q in (0.5, 0.4):
        density, _, _, _ = third_class(small, q)
        assert density.min() > 0.99 * small
        assert density[-1] > 10 * small
    # Loss over gain: the power 1 - 2q of the density.
    rates = [third_class(each, 0.6)[3] for each in (1e-8, 1e-10)]
    assert max(rates) < 0 < third_class(1e-8, 0.4)[3]
    assert np.log(rates[0] / rates[1]) / np.log(1e2) == pytest.approx(0.4, abs=0.01)


@pytest.mark.sampled
def test_gradients_survive_an_empty_class(ens):
    angular = copy_angular(ens.difference, ens.R, ens.delta)
    law = (ens.class_phase, ens.R, ens.delta)

    def rates(rho):
        return (
            density_rate(rho, angular, 0.4),
            class_phase_rate(rho, angular, ens.omega, -0.5),
            quantum_density_rate(rho, *law),
            copy_function(rho, *law, 0.4),
            node_occupation_acceleration(rho, *law),
            jnp.abs(quantum_state(rho, law[0]) + 1),
            quantum_potential(rho, 0.1),
        )

    for jacobian in jax.jit(jax.jacobian(rates))(ens.density.at[1].set(0)):
        assert np.all(np.isfinite(jacobian))


@pytest.mark.sampled
def test_rules_are_differentiable_and_batched(ens):
    angular = copy_angular(ens.difference, ens.R, ens.delta)

    @jax.jit
    def rates(density, q, r):
        return (
            density_rate(density, angular, q),
            class_phase_rate(density, angular, ens.omega, r),
            least_density(1e-3, -0.4, q, r),
        )

    check_grads(rates, (ens.density, 0.45, -0.6), order=1, modes=("fwd", "rev"))
    q = jnp.array([0.4, 0.5])
    batch = jax.jit(jax.vmap(rates, in_axes=(None, 0, None)))(ens.density, q, -0.5)
    for i in range(2):
        one = rates(ens.density, q[i], -0.5)
        assert all(gap(b[i], o) < ROUNDING for b, o in zip(batch, one, strict=True))
