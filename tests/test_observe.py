"""Distances and expectation values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.observe import Moments


def test_total_variation_is_the_largest_difference_of_an_event():
    p, q = jnp.array([0.5, 0.3, 0.2]), jnp.array([0.1, 0.6, 0.3])
    events = [[], [0], [1], [2], [0, 1], [0, 2], [1, 2]]
    largest = max(abs(float(sum(p[i] - q[i] for i in event))) for event in events)
    assert float(jqd.total_variation(p, q)) == pytest.approx(largest, abs=1e-15)
    batch = jnp.stack([p, q])
    np.testing.assert_allclose(jqd.total_variation(batch, batch[::-1]), [0.4, 0.4])


def test_fidelity_and_expectation():
    psi = jnp.array([0.6, 0.8j])
    phi = jnp.array([1.0, 0.0])
    assert float(jqd.fidelity(psi, phi)) == pytest.approx(0.36)
    assert float(jqd.fidelity(psi, 1j * psi)) == pytest.approx(1.0)
    sigma_y = jnp.array([[0, -1j], [1j, 0]])
    assert float(jqd.expectation(sigma_y, psi)) == pytest.approx(0.96)
    np.testing.assert_allclose(
        jqd.expectation(jnp.array([1.0, -1.0]), jnp.stack([psi, phi])),
        [-0.28, 1.0],
        rtol=1e-14,
    )


def test_occupations_and_moments_of_a_law():
    """Shares of the points, whose cell is not 1; moments, real parts first."""
    grid = jqd.Grid(((-4.0, 4.0), (-3.0, 3.0)), (16, 10))
    law = jqd.Schrodinger.on_grid(grid, np.zeros((16, 10)))
    x, y = grid.coordinates
    psi = grid.normalise(jnp.exp(-(x**2) - (y - 0.3) ** 2 + 1j * x))
    share = np.asarray(jqd.Occupations().bind(law)(0.0, psi))
    assert share.shape == (160,)
    assert share.sum() == pytest.approx(1, abs=1e-13)
    np.testing.assert_allclose(share, np.ravel(np.abs(psi) ** 2) * 0.3, rtol=1e-13)
    # a law that holds this one has the same points
    held = jqd.Occupations().bind(jqd.laws.GrossPitaevskii(law, 0.4))(0.0, psi)
    np.testing.assert_array_equal(held, share)

    class Kept:
        def moments(self, state, orders):
            return jnp.stack([state * (m + 10j * n) for m, n in orders])

    found = Moments(((1, 2), (3, 0))).bind(Kept())(0.0, jnp.asarray(2.0))
    np.testing.assert_array_equal(found, [2, 6, 40, 0])


def test_a_program_of_many_moments_is_no_longer_than_one_of_few():
    law = jqd.HusimiFokkerPlanck("0.5*U*ad^2*a^2", form=jqd.laws.husimi.Exact(8), U=1.0)
    state = law.prepare(jqd.states.coherent(0.5, 8))

    def length(*orders):
        read = Moments(orders).bind(law)
        return len(jax.make_jaxpr(lambda state: read(0.0, state))(state).eqns)

    many = [(m, n) for m in range(5) for n in range(m + 1)]
    assert length(*many) == length((1, 0))
