"""The dense Hamiltonian of a periodic grid, and evolution under it."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.exact import coherent_state, free_gaussian, squeezed_state
from jqd.exact.on_grids import hamiltonian, propagate
from jqd.spaces import Grid

MASS, HBAR, OMEGA = 1.3, 0.8, 0.9
TS = np.linspace(0.0, 6.0, 7)


def well(grid):
    return MASS * OMEGA**2 * grid.x**2 / 2


@pytest.mark.parametrize(
    "grid",
    [
        Grid((-3.0, 3.0), 16),
        Grid((-3.0, 3.0), 15),
        Grid((0.0, 1.0), 1),
        Grid(((-3.0, 3.0), (-1.0, 2.0)), (8, 6)),
        Grid(((-3.0, 3.0), (-1.0, 2.0), (0.0, 1.0)), (4, 3, 2)),
    ],
    ids=["even", "odd", "point", "plane", "space"],
)
def test_hamiltonian_is_the_one_of_the_split_step_method(grid):
    rng = np.random.default_rng(0)
    potential = rng.normal(size=grid.shape)
    matrix = hamiltonian(grid, potential, mass=MASS, hbar=HBAR)
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, matrix.T)
    # A random state holds every mode, the highest one of an even axis included.
    psi = rng.normal(size=grid.shape) + 1j * rng.normal(size=grid.shape)
    applied = (matrix @ psi.reshape(-1)).reshape(grid.shape)

    def by_fft(mass):
        kinetic = HBAR**2 * np.asarray(grid.k2) / (2 * mass)
        return np.fft.ifftn(kinetic * np.fft.fftn(psi)) + potential * psi

    # Rounding of the largest energy, ħ²k²/2m of at most 100.
    np.testing.assert_allclose(applied, by_fft(MASS), atol=1e-13 * 100)
    if grid.size > 1:  # Negative control; one point has no kinetic energy.
        assert np.max(np.abs(applied - by_fft(1.001 * MASS))) > 1e-4


def test_each_axis_may_have_its_mass():
    grid = Grid(((-3.0, 3.0), (-1.0, 2.0)), (8, 6))
    rng, masses = np.random.default_rng(1), (0.4, 2.5)
    psi = rng.normal(size=grid.shape) + 1j * rng.normal(size=grid.shape)
    for first in (masses[0], np.inf):  # a pointer has no kinetic energy
        matrix = hamiltonian(grid, np.zeros(grid.shape), mass=[first, masses[1]])
        k = [np.asarray(k) for k in grid.wavenumbers]
        kinetic = k[0] ** 2 / (2 * first) + k[1] ** 2 / (2 * masses[1])
        expected = np.fft.ifftn(kinetic * np.fft.fftn(psi))
        found = (matrix @ psi.reshape(-1)).reshape(grid.shape)
        # rounding of k²/2m of at most 50
        np.testing.assert_allclose(found, expected, atol=1e-12)
    with pytest.raises(ValueError, match=r"Argument `mass` must have shape \(2,\)"):
        hamiltonian(grid, np.zeros(grid.shape), mass=[1.0, 1.0, 1.0])


def test_levels_of_the_harmonic_well():
    grid = Grid((-10.0, 10.0), 96)
    levels = np.linalg.eigvalsh(hamiltonian(grid, well(grid), mass=MASS, hbar=HBAR))
    # The tenth state is e^-70 at the edge of this box; the rest is rounding of
    # energies of up to ħ²k²/2m + V = 100.
    np.testing.assert_allclose(
        levels[:10], HBAR * OMEGA * (np.arange(10) + 0.5), atol=1e-11
    )


def packets():
    """(closed form, its constants, the potential): the packet stays in the box."""
    packet = {"center": -1.0, "momentum": 1.5, "mass": MASS, "hbar": HBAR}
    return [
        pytest.param(free_gaussian, packet | {"width": 0.8}, 0.0, id="free"),
        pytest.param(coherent_state, packet | {"omega": OMEGA}, 1.0, id="coherent"),
        pytest.param(
            squeezed_state, packet | {"omega": OMEGA, "width": 0.45}, 1.0, id="squeezed"
        ),
    ]


@pytest.mark.parametrize(("closed_form", "constants", "strength"), packets())
def test_evolution_equals_closed_forms(closed_form, constants, strength):
    grid = Grid((-30.0, 30.0), 300)
    exact = closed_form(grid.x[None, :], TS[:, None], **constants)
    potential = strength * well(grid)
    evolved = propagate(grid, potential, exact[0], TS, mass=MASS, hbar=HBAR)
    assert evolved.shape == (7, 300)
    # Rounding of eigenvalues of up to 700 over T/ħ = 7.5, summed over the grid. The
    # free packet, the broadest, ends with s = 2.4 about x = 6: e^-24 at the edge.
    np.testing.assert_allclose(evolved, exact, atol=1e-10)
    # Negative control: a mass 0.1 % too large.
    wrong = propagate(grid, potential, exact[0], TS, mass=1.001 * MASS, hbar=HBAR)
    assert np.max(np.abs(wrong - exact)) > 1e-4


def test_a_plane_separates():
    line, other = Grid((-6.0, 6.0), 16), Grid((-5.0, 5.0), 12)
    plane = Grid((*line.bounds, *other.bounds), (16, 12))
    x, y = plane.coordinates
    ts = np.array([1.0, 1.5])
    psi_x = coherent_state(line.x, 0.0, center=1.0)
    psi_y = coherent_state(other.x, 0.0, momentum=-0.5)
    psi_x, psi_y = line.normalise(psi_x), other.normalise(psi_y)
    joint = propagate(plane, x**2 / 2 + y**2 / 2, psi_x[:, None] * psi_y[None, :], ts)
    assert joint.shape == (2, 16, 12)
    parts = (
        propagate(line, line.x**2 / 2, psi_x, ts)[:, :, None]
        * propagate(other, other.x**2 / 2, psi_y, ts)[:, None, :]
    )
    # The same discrete problem either way: rounding.
    np.testing.assert_allclose(joint, parts, atol=1e-12)


def test_gradients_in_mass_potential_and_hbar():
    grid = Grid((-6.0, 6.0), 32)
    psi0 = grid.normalise(coherent_state(grid.x, 0.0, center=1.0))

    @jax.jit
    def position(mass, strength, hbar):
        states = propagate(
            grid, strength * grid.x**2 / 2, psi0, TS, mass=mass, hbar=hbar
        )
        return jnp.sum(grid.integrate(grid.x[None, :] * jnp.abs(states) ** 2))

    at = (1.2, 0.7, 0.9)
    gradient = jax.jit(jax.grad(position, argnums=(0, 1, 2)))(*at)
    for i in range(3):
        step = np.eye(3)[i] * 1e-5
        # Truncation 1e-10 |f'''|/6, rounding 1e-12/1e-5.
        difference = (position(*(at + step)) - position(*(at - step))) / 2e-5
        np.testing.assert_allclose(gradient[i], difference, atol=1e-6)


def test_vmap_over_potentials():
    grid = Grid((-6.0, 6.0), 32)
    psi0 = grid.normalise(coherent_state(grid.x, 0.0, center=1.0))
    potentials = jnp.array([[0.5], [1.0]]) * grid.x[None, :] ** 2
    batch = jax.jit(jax.vmap(lambda v: propagate(grid, v, psi0, TS)))(potentials)
    for potential, states in zip(potentials, batch, strict=True):
        np.testing.assert_allclose(
            states, propagate(grid, potential, psi0, TS), atol=1e-12
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"potential": np.zeros(4)},
            "`potential` must have shape (8,), but its shape is (4,).",
        ),
        (
            {"potential": np.zeros(8) * 1j},
            "`potential` must be real, but its dtype is complex128.",
        ),
        (
            {"potential": np.full(8, np.inf)},
            "`potential` must be finite, but entry [0] is inf.",
        ),
        ({"mass": -1.0}, "`mass` must be positive, but it is -1.0."),
        ({"hbar": 0}, "`hbar` must be positive, but it is 0."),
        ({"mass": np.ones(2)}, "`mass` must have shape (1,), but its shape is (2,)."),
        (
            {"psi0": np.ones(8)},
            "`psi0` must be normalised, but its squared norm is 4.",
        ),
        ({"psi0": np.ones(7)}, "`psi0` must have shape (8,), but its shape is (7,)."),
        ({"ts": [1.0, 0.0]}, "`ts` must increase strictly, but ts[1] = 0.0 follows"),
        (
            {"grid": Grid((0.0, 1.0), 4097)},
            "`grid` must have at most 4096 points for a dense Hamiltonian, but it has "
            "4097.",
        ),
    ],
)
def test_bad_arguments(change, message):
    arguments = {
        "grid": Grid((-2.0, 2.0), 8),
        "potential": np.zeros(8),
        "psi0": np.full(8, 0.5),
        "ts": [0.0, 1.0],
    }
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        propagate(**(arguments | change))
