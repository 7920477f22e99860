"""An ensemble of colliding blocks, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support import collision
from _support.blocks import energy_budget, initial_points, two_blocks
from _support.ensembles import pair_lengths

import jqd


@pytest.mark.slow
def test_a_collision_says_what_it_should(key):
    two = two_blocks(3, 3, speed=1.0)
    points = initial_points(two, key, 8, hbar=1e-3)
    method = jqd.Fixed(jqd.steppers.strang, substeps=50, estimate_error=False)
    ts = jnp.arange(25) * 0.2
    once = collision.collide(two, points, ts, method=method, groups=2)
    assert bool(once.ok)
    # what the averages are of
    lengths = np.asarray(pair_lengths(points.x, two.pairs)) / float(two.spacing)
    widths = lengths.std(axis=0, ddof=1)
    assert float(once.width_mean[0]) == pytest.approx(widths.mean(), rel=1e-12)
    assert float(once.width[0]) == pytest.approx(np.median(widths), rel=1e-12)
    start = jax.vmap(two.body.kinetic_energy)(points.v).mean()
    assert float(once.heat[0].sum()) == pytest.approx(float(start), rel=1e-12)
    assert once.width_groups.shape == (25, 2)
    # half a gap of 2.5 each at ±1/2, a little faster for the attraction
    contact = float(ts[collision.contact_index(once)])
    assert 1.4 < contact < 2.6
    late = collision.late_readings(two, once, hbar=1e-3, window=5)
    budget = energy_budget(two, hbar=1e-3).total
    assert float(late["T_harmonic"]) == pytest.approx(float(budget) / 33, rel=1e-12)
    assert float(late["drift"]) < 2e-3  # Verlet at dt = 0.004
    shared = collision.shared_modes(two, once, 5)
    assert shared.shape == (5,)
    assert float(late["n_eff_start"]) == float(shared[0])


def test_widths_do_not_count_turns_of_the_body(key):
    """Ellipses are those of the atoms about the first trajectory, turned onto it."""
    x = jax.random.normal(key, (6, 2))
    angle = jnp.array([0.0, 0.4, -1.1])
    c, s = jnp.cos(angle), jnp.sin(angle)
    turns = jnp.stack([jnp.stack([c, -s], -1), jnp.stack([s, c], -1)], -2)
    members = jnp.einsum("sab,nb->sna", turns, x) + angle[:, None, None]
    masses = jnp.ones(6)
    covariance = collision.ellipses_about_first(members[:, None], masses)
    np.testing.assert_allclose(covariance, 0, atol=1e-25)
    moved = members.at[1, 2].add(0.01)
    assert float(collision.ellipses_about_first(moved[:, None], masses).max()) > 1e-5
