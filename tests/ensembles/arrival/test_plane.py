"""First arrivals at a plane in two dimensions, where the axes move on their own."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import jqd
from jqd.ensembles import arrival, survival

LINE = jqd.Grid((-9.0, 13.0), 96)
ACROSS = jqd.Grid((-8.0, 8.0), 32)
TS = np.array([0.0, 1.0, 2.0])
WALL, MASS = 3.0, 1.6
FAST = {"stepper": jqd.steppers.strang, "error_paths": 0, "paths": 8000, "substeps": 40}


def packet(grid, speed=0.0):
    return grid.normalise(jnp.exp(-(grid.x**2) / 4 + 1j * speed * grid.x))


def plane(axis, **options):
    """A free particle along one axis beside an oscillator along the other one."""
    lines, mass = [LINE, ACROSS], [MASS, 0.7]
    psi = [packet(LINE, 1.5 * MASS), packet(ACROSS, 0.4)]
    if axis == 1:
        lines, psi, mass = lines[::-1], psi[::-1], mass[::-1]
    grid = jqd.Grid([*lines[0].bounds, *lines[1].bounds], [g.size for g in lines])
    across = grid.coordinates[1 - axis]
    V = jnp.broadcast_to(across**2 / 2, grid.shape)
    law = jqd.Schrodinger.on_grid(grid, V, mass=mass)
    return law, psi[0][:, None] * psi[1][None, :]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axis", "nu_hat"), [(0, 1.0), pytest.param(1, 0.5, marks=pytest.mark.slow)]
)
def test_the_other_axis_does_not_matter(key, axis, nu_hat):
    """ν = nu_hat ħ/2m of the axis that is crossed, whatever the other mass."""
    law, psi = plane(axis)
    found = arrival(law, psi, TS, key, detector=WALL, axis=axis, nu_hat=nu_hat, **FAST)
    alone = jqd.Schrodinger.on_grid(LINE, 0 * LINE.x, mass=MASS)
    exact = survival(
        alone, packet(LINE, 1.5 * MASS), TS, detector=WALL, nu=nu_hat / (2 * MASS)
    ).arrived
    assert found.ok.all()
    assert 0.2 < exact[2] < 0.8
    # chance, and .003 of steps of 1/40 with a drift that is held fixed
    assert (abs(found.arrived - exact) < 4 * found.error + 3e-3)[1:].all()
    # with the noise of the other mass it is another distribution
    other = survival(
        alone, packet(LINE, 1.5 * MASS), TS, detector=WALL, nu=nu_hat / 1.4
    ).arrived
    assert abs(other - exact)[2] > 5 * found.error[2]


def test_no_noise_along_one_axis(key):
    """ν an axis: Bohm's along x, whose arrivals are the flux; Nelson's along y."""
    law, psi = plane(0)
    found = arrival(law, psi, TS, key, detector=WALL, nu=[0.0, 1 / 1.4], **FAST)
    spread = np.sqrt(1 + (TS / (2 * MASS)) ** 2)
    exact = 1 - norm.cdf((WALL - 1.5 * TS) / spread)
    assert (abs(found.arrived - exact) < 4 * found.error + 1e-6).all()
