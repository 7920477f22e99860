"""One small tower of random matter, run once for several tests."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import pytest

import jqd
from jqd.matter import tower

DENSITY = tower.ExponentialDensity(0.8, 7.0)
SHAPE = tower.GaussianShape(3.0)


class Climb(NamedTuple):
    """The tower as a function of λ, and its runs at several λ from E₀ = 6."""

    make: object
    tower: tower.Tower
    psi: jax.Array
    strengths: tuple
    run: jqd.Trajectory
    basis: tower.Eigenbasis


@pytest.fixture(scope="session")
def climb():
    matter = tower.random_matter(jax.random.key(5), 60, DENSITY, SHAPE)
    kept = tower.photon_configurations(1.0, 9.0)

    def make(strength, form="rabi"):
        return tower.Tower(matter, 1.0, strength, kept, form=form)

    strengths = (0.03, 0.06, 0.12)
    psi = tower.level_state(make(0.1), 6.0)
    ts = jnp.linspace(0.0, 90.0, 31)

    @jax.jit
    @jax.vmap
    def go(strength):
        # of terms enough for λ = 0.12
        return jqd.evolve(make(strength), psi, ts, method=jqd.Propagator(terms=75))

    run = go(jnp.array(strengths))
    return Climb(make, make(0.12), psi, strengths, run, tower.eigenbasis(make(0.12)))
