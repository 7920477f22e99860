"""Circulation: integers of amplitudes, and the fields that belong to none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.readings import fields
from jqd.readings.circulation import check_circulation, circulation, vortices, winding
from jqd.spaces import Grid

from ...papers.diffusion.vortices import vortex_family

# No point on the origin.
GRID = Grid([(-6.05, 5.95), (-6.05, 5.95)], (60, 60))
X, Y = GRID.coordinates
find = jax.jit(vortices, static_argnames=("axes", "floor"))
turns = jax.jit(winding, static_argnames=("loop", "floor"))
around = jax.jit(circulation, static_argnames="loop")
LOOP = ((15, 46), (14, 45))
HBAR, MASS = 1.3, 0.7


def vortex(x, y, charge=1):
    """A core of this charge at (x, y) of one Gaussian."""
    z = X - x + 1j * np.sign(charge) * (Y - y)
    return z ** abs(charge) * jnp.exp(-(X**2 + Y**2) / 4)


@pytest.mark.parametrize("charge", [-2, -1, 1, 3])
def test_winding_is_the_charge(charge):
    psi = vortex(0.3, -0.6, charge)
    assert turns(psi, GRID, LOOP) == charge
    # A loop beside the core has none.
    assert turns(psi, GRID, ((40, 50), (40, 50)), floor=1e-12) == 0


def test_vortices_are_found_where_they_are():
    pair = vortex(1.0, 0.4) * vortex(-1.2, 0.4, -1)
    found = np.asarray(find(pair, GRID))
    inner = found[5:-5, 5:-5]
    cells = np.argwhere(inner) + 5
    corner = np.array([-6.05, -6.05])
    centres = corner + 0.2 * (cells + 0.5)
    # within half a cell on each axis
    np.testing.assert_allclose(centres, [[-1.2, 0.4], [1.0, 0.4]], atol=0.1001)
    assert inner[tuple((cells - 5).T)].tolist() == [-1, 1]
    # On a torus every vortex has its opposite.
    assert found.sum() == 0
    np.testing.assert_array_equal(find(pair, GRID, axes=(1, 0)), -found)


def test_vortex_lines_in_three_dimensions():
    grid = Grid([(-3.1, 2.9), (-3.1, 2.9), (-2.0, 2.0)], (12, 12, 4))
    x, y, z = grid.coordinates
    psi = (x + 1j * y) * jnp.exp(-(x**2 + y**2)) * jnp.ones_like(z)
    assert find(psi, grid)[4:8, 4:8].sum() == 4  # the line meets each layer
    assert not np.any(find(psi, grid, axes=(0, 2))[4:8, 4:8])


def test_circulation_of_a_velocity_field():
    """Row 19: ∮ v·dl of ψ and of the closed form, in quanta 2πħ/m."""
    psi = vortex(0.0, 0.0)
    velocity = jax.jit(fields.current_velocity, static_argnames="gradient")
    v = velocity(psi, GRID, hbar=HBAR, mass=MASS, gradient="local")
    # Central differences of order 8 at r >= 3 cells of 0.2, and Gregory's rule.
    found = around(v, GRID, LOOP, hbar=HBAR, mass=MASS)
    np.testing.assert_allclose(found, 1, atol=1e-5)
    _, exact = vortex_family(X, Y, 1.0, hbar=HBAR, mass=MASS)
    found = around(exact, GRID, LOOP, hbar=HBAR, mass=MASS)
    np.testing.assert_allclose(found, 1, atol=1e-6)
    # Negative control: forgetting ħ/m.
    assert abs(around(exact, GRID, LOOP) - 1) > 0.5


def test_a_plane_that_is_not_square():
    """Unlike spacings and sides: each link counts with its own length."""
    grid = Grid([(-6.05, 5.95), (-4.1, 3.9)], (60, 32))
    x, y = grid.coordinates
    loop = ((12, 46), (8, 25))
    _, v = vortex_family(x, y, 1.0, hbar=HBAR, mass=MASS)
    found = around(v, grid, loop, hbar=HBAR, mass=MASS)
    # Gregory's rule at distances of 8 cells and more
    np.testing.assert_allclose(found, 1, atol=1e-4)
    psi = (x + 1j * (y + 0.3)) * jnp.exp(-(x**2 + y**2) / 4)
    assert turns(psi, grid, loop) == 1


@pytest.mark.parametrize("alpha", [0.5, 1.5])
def test_a_broken_circulation_is_refused(alpha):
    _, v = vortex_family(X, Y, alpha)
    with pytest.raises(ValueError, match="must have a whole circulation"):
        check_circulation(v, GRID, LOOP)


@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_a_whole_circulation_passes(alpha):
    _, v = vortex_family(X, Y, alpha)
    assert check_circulation(v, GRID, LOOP) == alpha


def test_nan_is_refused():
    with pytest.raises(ValueError, match="must have a whole circulation"):
        check_circulation(jnp.full((2, *GRID.shape), jnp.nan), GRID, LOOP)


def test_a_short_side_is_integrated_too():
    _, v = vortex_family(X, Y, 1.0)
    # three links a side, around the core: 4 points make a rule of order 4
    found = around(v, GRID, ((28, 32), (28, 32)))
    np.testing.assert_allclose(found, 1, atol=0.02)


@pytest.mark.parametrize(
    "loop", [((-1, 4), (0, 3)), ((3, 3), (0, 3)), ((0, 60), (0, 3)), (0, 3, 1, 2)]
)
def test_wrong_loops(loop):
    with pytest.raises(ValueError, match="Argument `loop` must be"):
        circulation(jnp.zeros((2, *GRID.shape)), GRID, loop)


def test_wrong_dimensions():
    line = Grid((0.0, 1.0), 16)
    with pytest.raises(ValueError, match="Argument `axes` must be two axes"):
        vortices(jnp.ones(16), line)
    with pytest.raises(ValueError, match="Argument `grid` must have two dimensions"):
        winding(jnp.ones(16), line, LOOP)
    with pytest.raises(ValueError, match="Argument `velocity` must end in the shape"):
        circulation(jnp.zeros(GRID.shape), GRID, LOOP)
