"""Poisson brackets of (density, S): the operator algebra, shifts, canonical maps."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.readings.brackets import (
    canonical_rates,
    poisson_bracket,
    poisson_bracket_psi,
    symplecticity,
    time_derivative,
)
from jqd.readings.observables import amplitude, bilinear, hamiltonian, momentum, polar
from jqd.spaces import Graph, Grid

HBAR, MASS, SITES = 1.3, 0.7, 8
UNITS = {"hbar": HBAR, "mass": MASS}
GRID = Grid((-4.0, 4.0), 32)
RING = Grid((0.0, 3.0), 10)


def random_point(n=SITES, seed=0):
    """A density of norm 1 and an action."""
    rng = np.random.default_rng(seed)
    density = rng.uniform(0.5, 1.5, n)
    return density / density.sum(), rng.uniform(-2, 2, n)


def random_hermitian(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(SITES, SITES)) + 1j * rng.normal(size=(SITES, SITES))
    return (matrix + matrix.conj().T) / 2


A, B = random_hermitian(1), random_hermitian(2)


@pytest.mark.parametrize("cell", [1.0, 0.3])
def test_brackets_are_commutators(cell):
    """(38): {A, B} = ⟨[A, B]⟩/iħ, in (density, S) and in (ψ, ψ*)."""
    point = random_point()
    psi = np.asarray(amplitude(*point, HBAR))
    exact = cell * np.vdot(psi, (A @ B - B @ A) @ psi) / (1j * HBAR)
    pair = [bilinear(matrix, hbar=HBAR, cell=cell) for matrix in (A, B)]
    found = jax.jit(lambda *p: poisson_bracket(*pair, *p, cell))(*point)
    # rounding of sums of 64 terms of order 1
    close = {"atol": 1e-12, "rtol": 0}
    np.testing.assert_allclose(found, exact, **close)
    assert abs(exact) > 0.01  # a trivial zero would pass

    def mean(matrix):
        return lambda psi: cell * jnp.real(jnp.vdot(psi, matrix @ psi))

    in_psi = poisson_bracket_psi(mean(A), mean(B), psi, cell, HBAR)
    np.testing.assert_allclose(in_psi, exact, **close)


def test_the_transformation_is_canonical():
    """(4) with (27), (33): {ψ_a, ψ_b*} = δ_ab/iħ cell, {ψ_a, ψ_b} = 0; (28)."""
    point, cell = random_point(3), 0.3

    def entry(a, conjugate=False):
        def value(density, action):
            psi = amplitude(density, action, HBAR)[a]
            return jnp.conj(psi) if conjugate else psi

        return value

    # rounding
    close = {"atol": 1e-14, "rtol": 0}
    bracket = poisson_bracket(entry(0), entry(0, True), *point, cell)
    np.testing.assert_allclose(bracket, 1 / (1j * HBAR * cell), **close)
    for other in (entry(1, True), entry(1)):
        bracket = poisson_bracket(entry(0), other, *point, cell)
        np.testing.assert_allclose(bracket, 0, **close)
    pair = poisson_bracket(lambda d, s: d[1], lambda d, s: s[1], *point, cell)
    np.testing.assert_allclose(pair, 1 / cell, **close)
    back = amplitude(*polar(amplitude(*point, HBAR), HBAR), HBAR)
    np.testing.assert_allclose(back, amplitude(*point, HBAR), **close)


def test_in_psi_a_node_is_no_obstacle():
    psi = jnp.array([0.0, 1.0, 1.0j])
    found = poisson_bracket_psi(lambda z: z[0], lambda z: jnp.conj(z[0]), psi, 0.5)
    np.testing.assert_allclose(found, 1 / 0.5j, atol=1e-15)


def smooth_state():
    x = GRID.x
    density = jnp.exp(0.4 * jnp.sin(2 * jnp.pi * x / 8))
    density /= GRID.integrate(density)
    return density, HBAR * (0.3 * jnp.cos(2 * jnp.pi * x / 8) + jnp.pi * x / 4)


def test_the_energy_is_26():
    """Both forms against the integral of (26) with analytic derivatives."""
    density, action = smooth_state()
    x, k = np.asarray(GRID.x), 2 * np.pi / 8
    growth = 0.4 * k * np.cos(k * x)
    slope = HBAR * (np.pi / 4 - 0.3 * k * np.sin(k * x))
    V = np.cos(k * x)
    terms = slope**2 / (2 * MASS) + HBAR**2 / (8 * MASS) * growth**2 + V
    exact = GRID.integrate(density * terms)
    spectral = hamiltonian(GRID, V, **UNITS)(density, action)
    np.testing.assert_allclose(spectral, exact, rtol=1e-13)
    # (kΔx)^order times a small constant, at k of ψ up to some 2: measured orders
    errors = [
        abs(hamiltonian(GRID, V, order=order, **UNITS)(density, action) - exact)
        for order in (2, 4, 6, 8)
    ]
    assert all(b < a / 5 for a, b in itertools.pairwise(errors))
    assert errors[-1] < 1e-6 * exact
    with pytest.raises(ValueError, match="Argument `order` must be one of"):
        hamiltonian(GRID, V, order=3)
    with pytest.raises(ValueError, match="Argument `potential` must have shape"):
        hamiltonian(GRID, V[1:])


def test_momentum_generates_shifts():
    """(42), (43): {density, p̄} = -∇density, {S, p̄} = -∇S, to spectral accuracy."""
    density, action = smooth_state()
    x, k = np.asarray(GRID.x), 2 * np.pi / 8
    generator = momentum(GRID, hbar=HBAR)
    rates = jax.jit(lambda d, s: canonical_rates(generator, d, s, GRID.cell))(
        density, action
    )
    # ψ has harmonics up to rounding on 32 points
    slope = density * 0.4 * k * np.cos(k * x)
    np.testing.assert_allclose(rates.density, -slope, atol=1e-12)
    slope = HBAR * (np.pi / 4 - 0.3 * k * np.sin(k * x))
    np.testing.assert_allclose(rates.action, -slope, atol=1e-12)


def test_momentum_along_each_axis():
    """ħk of a plane wave on a plane that is not square."""
    grid = Grid(((0.0, 3.0), (0.0, 2.0)), (6, 8))
    x, y = grid.coordinates
    k = (2 * np.pi / 3, -4 * np.pi / 2)
    density = jnp.full(grid.shape, 1 / 6)
    action = HBAR * (k[0] * x + k[1] * y)
    for axis in range(2):
        found = momentum(grid, axis, hbar=HBAR)(density, action)
        np.testing.assert_allclose(found, HBAR * k[axis], rtol=1e-12)


def test_position_and_momentum_are_conjugate():
    """{x̄, p̄} = 1 where the density fits its box."""
    grid = Grid((-9.0, 9.0), 64)
    density = jnp.exp(-(grid.x**2)) / jnp.sqrt(jnp.pi) + 1e-30
    action = 0.4 * grid.x

    def position(density, action):
        del action
        return grid.integrate(grid.x * density)

    found = jax.jit(
        lambda d, s: poisson_bracket(position, momentum(grid), d, s, grid.cell)
    )(density, action)
    np.testing.assert_allclose(found, 1, atol=1e-12)


def test_motion_of_links_is_that_of_their_matrix(lattice_hamiltonian):
    """(29) by automatic differentiation against -iHψ/ħ, on a grid and on a graph."""
    V = np.linspace(-1, 1, 10)
    graph = Graph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)], 0.7)
    for space, values, order in ((RING, V, 4), (graph, V[:4], None)):
        density, action = map(jnp.asarray, random_point(values.size, 3))

        @jax.jit
        def compute(density, action, space=space, values=values, order=order):
            H = hamiltonian(space, values, order=order, **UNITS)
            matrix = lattice_hamiltonian(
                space, values, order=order or 2, periodic=True, **UNITS
            )
            psi = amplitude(density, action, HBAR)
            change = jnp.conj(psi) * (matrix @ psi) / HBAR
            return canonical_rates(H, density, action, space.cell), change

        rates, change = compute(density, action)
        # rounding of energies of order 50
        np.testing.assert_allclose(rates.density, 2 * change.imag, atol=1e-12)
        by_phase = -HBAR * change.real / density
        np.testing.assert_allclose(rates.action, by_phase, atol=1e-11)


def test_time_derivative():
    """(44) for an observable with a time of its own."""
    point = random_point()
    psi = np.asarray(amplitude(*point, HBAR))
    a, H = bilinear(A, hbar=HBAR), bilinear(B, hbar=HBAR)
    exact = np.vdot(psi, (A @ B - B @ A) @ psi) / (1j * HBAR)
    found = time_derivative(a, H, *point)
    np.testing.assert_allclose(found, exact, atol=1e-12)
    found = time_derivative(lambda d, s, t: t**2 * a(d, s), H, *point, t=3.0)
    np.testing.assert_allclose(found, 9 * exact + 6 * a(*point), atol=1e-11)


def split_step(density, action, damping=0.0):
    """A Strang step of H = p²/2m + cos on 10 sites; with friction, it loses volume."""
    half = jnp.exp(-0.05j * jnp.cos(2 * jnp.pi * RING.x / 3) / HBAR)
    turn = jnp.exp(-0.1j * HBAR * RING.k2 / (2 * MASS))
    psi = half * amplitude(density, action, HBAR)
    psi = half * jnp.fft.ifft(turn * jnp.fft.fft(psi))
    density, action = polar(psi, HBAR)
    return density, (1 - damping) * action


def test_symplectic_steps():
    """A split step is canonical: JᵀΩJ = Ω, det J = 1; with damping it is not."""
    density, action = random_point(10, 5)
    found = jax.jit(lambda *p: symplecticity(split_step, *p))(density, action)
    # rounding of products of 20 terms, over densities of 0.05
    np.testing.assert_allclose(found, (0, 0), atol=1e-12)

    def damped(density, action):
        return split_step(density, action, 0.01)

    found = jax.jit(lambda *p: symplecticity(damped, *p))(density, action)
    np.testing.assert_allclose(found.determinant, 0.99**10 - 1, atol=1e-12)
    assert found.defect > 1e-3


def test_observables_are_hermitian_not_symmetric():
    """(35): the momentum kernel is Hermitian and not symmetric, as printed."""
    spectrum = np.fft.fft(np.eye(9), axis=0)
    k = 2 * np.pi * np.fft.fftfreq(9)
    kernel = np.fft.ifft(k[:, None] * spectrum, axis=0)
    assert np.allclose(kernel, kernel.conj().T)
    assert not np.allclose(kernel, kernel.T)
    bilinear((kernel + kernel.conj().T) / 2)
    symmetric = A.real + 1j * A.real
    with pytest.raises(ValueError, match="Argument `matrix` must be Hermitian"):
        bilinear(symmetric)
