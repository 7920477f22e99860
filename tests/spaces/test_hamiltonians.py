"""Hamiltonians apply what they should; bounds and Chebyshev series hold."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from jqd.exact import on_grids
from jqd.spaces import Grid
from jqd.spaces.hamiltonians import (
    MatrixHamiltonian,
    ParticleOnGrid,
    matrix_hamiltonian,
)
from jqd.spaces.potentials import potential
from jqd.steppers.chebyshev import _bessel_phases, chebyshev_step, chebyshev_terms

GRID = Grid((-4.0, 4.0), 24)
HBAR, MASS = jnp.asarray(0.9), jnp.asarray(1.3)
V = np.linspace(-1, 2, 24) ** 2


def particle():
    return ParticleOnGrid(potential(V, GRID), MASS, GRID)


def random_state(seed, n=24):
    rng = np.random.default_rng(seed)
    psi = rng.normal(size=n) + 1j * rng.normal(size=n)
    return jnp.asarray(psi / np.linalg.norm(psi))


def test_matrices():
    H = np.array([[1.0, 2j], [-2j, 3.0]])
    psi = random_state(0, 2)
    dense = matrix_hamiltonian(H)
    assert isinstance(dense, MatrixHamiltonian)
    assert dense.autonomous
    np.testing.assert_allclose(dense.apply(psi, 0.0, 1.0), H @ psi, rtol=1e-15)
    diagonal = matrix_hamiltonian([1, 3])
    assert diagonal.matrix.dtype == jnp.float64  # integers have no gradient
    np.testing.assert_array_equal(diagonal.apply(psi, 0.0, 1.0), [psi[0], 3 * psi[1]])


def test_particle_equals_its_dense_matrix():
    psi = random_state(1)
    H = on_grids.hamiltonian(GRID, V, mass=MASS, hbar=HBAR)
    # rounding of energies of up to 30
    np.testing.assert_allclose(
        particle().apply(psi, 0.0, HBAR), H @ psi, rtol=0, atol=1e-13
    )
    wrong = on_grids.hamiltonian(GRID, V, mass=MASS, hbar=1.001 * HBAR)
    assert np.max(np.abs(particle().apply(psi, 0.0, HBAR) - wrong @ psi)) > 1e-4


def test_the_flows_are_the_parts_of_the_hamiltonian():
    """(flow - 1) / dt -> -i part / hbar; inner and outer add up to H."""
    psi, dt = random_state(2), 1e-6
    flows = particle().flows(HBAR)
    slopes = [(flow(0.0, psi, dt) - psi) / dt for flow in (flows.outer, flows.inner)]
    expected = -1j / HBAR * particle().apply(psi, 0.0, HBAR)
    # first order in dt: |H|^2 dt / 2 = 5e-4
    np.testing.assert_allclose(sum(slopes), expected, rtol=0, atol=1e-3)
    assert np.max(np.abs(slopes[0] - expected)) > 0.1
    assert flows.outer.autonomous
    assert flows.inner.autonomous


def test_the_correction_is_the_squared_gradient():
    smooth = potential(lambda x: jnp.sin(x), GRID)
    flows = ParticleOnGrid(smooth, MASS, GRID).flows(HBAR)
    expected = np.cos(GRID.x) ** 2 / (MASS * HBAR)
    np.testing.assert_allclose(flows.outer.correction(0.0), expected, rtol=1e-14)


def test_the_bounds_enclose_the_spectrum():
    low, high = particle().spectral_bounds(HBAR)
    levels = np.linalg.eigvalsh(on_grids.hamiltonian(GRID, V, mass=MASS, hbar=HBAR))
    assert low <= levels[0]
    assert levels[-1] <= high
    # not idly wide: the kinetic energy dominates
    assert high - low < 1.5 * (levels[-1] - levels[0])


@pytest.mark.sampled
@pytest.mark.parametrize("z", [0.0, 0.3, 17.0, 150.0])
def test_bessel_phases(z):
    terms = chebyshev_terms(z, 1e-16)
    k = np.arange(terms)
    exact = (2 - (k == 0)) * (-1j) ** k * scipy.special.jv(k, z)
    # rounding of an FFT over 2 terms, and of cos z
    np.testing.assert_allclose(_bessel_phases(z, terms), exact, rtol=0, atol=1e-13)
    # the number of terms suffices: what is left out is below the precision
    rest = np.sum(np.abs(scipy.special.jv(np.arange(terms, terms + 60), z)))
    assert rest < 1e-16
    # and is no extravagance
    assert terms < z + 18 * (1 + z) ** (1 / 3) + 10


def test_a_chebyshev_step():
    psi, dt = random_state(3), 0.7
    low, high = particle().spectral_bounds(HBAR)
    terms = chebyshev_terms(float((high - low) / 2 / HBAR) * dt, 1e-16)
    step = chebyshev_step(particle(), psi, jnp.asarray(dt), HBAR, terms)
    levels, vectors = np.linalg.eigh(
        on_grids.hamiltonian(GRID, V, mass=MASS, hbar=HBAR)
    )
    exact = vectors @ (np.exp(-1j * levels * dt / HBAR) * (vectors.T @ psi))
    # rounding of phases of 20 radians
    np.testing.assert_allclose(step, exact, rtol=0, atol=1e-13)
    short = chebyshev_step(particle(), psi, jnp.asarray(dt), HBAR, terms // 3)
    assert np.max(np.abs(short - exact)) > 1e-6  # Negative control


@pytest.mark.parametrize(
    ("H", "message"),
    [
        ([[0.0, 1.0], [0.9, 0.0]], r"entry \[0, 1\] differs from the conjugate"),
        ([0.0, np.nan], r"`hamiltonian` must be finite, but entry \[1\] is nan"),
        (np.zeros((0, 0)), "must be a square matrix"),
        (np.float64(1.0), "must be a square matrix"),
    ],
)
def test_refused_matrices(H, message):
    with pytest.raises(ValueError, match=message):
        matrix_hamiltonian(H)


def test_energy_is_the_expectation_of_h():
    hamiltonian, psi = particle(), random_state(3)
    image = hamiltonian.apply(psi, 0.0, HBAR)
    expected = jnp.vdot(psi, image).real
    # sums of 24 terms of size 10
    np.testing.assert_allclose(hamiltonian.energy(psi, 0.0, HBAR), expected, rtol=1e-13)
    plane = Grid([(-4.0, 4.0), (0.0, 3.0)], (6, 4))
    hamiltonian = ParticleOnGrid(potential(V.reshape(6, 4), plane), MASS, plane)
    psi = psi.reshape(6, 4)
    expected = jnp.vdot(psi, hamiltonian.apply(psi, 0.0, HBAR)).real
    np.testing.assert_allclose(hamiltonian.energy(psi, 0.0, HBAR), expected, rtol=1e-13)
    dense = matrix_hamiltonian(np.diag(V) + np.eye(24, k=1) + np.eye(24, k=-1))
    psi = psi.ravel()
    expected = jnp.vdot(psi, dense.matrix @ psi).real
    np.testing.assert_allclose(dense.energy(psi, 0.0, HBAR), expected, rtol=1e-13)
