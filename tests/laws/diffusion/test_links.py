"""The link form: canonical, through nodes, equal to a lattice Schrödinger equation."""

import functools

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import ConservativeDiffusion, Grid, Madelung
from jqd.exact import free_gaussian, matrices
from jqd.laws.diffusion import Links
from jqd.laws.diffusion.links import (
    classical_rates,
    link_energy,
    link_rates,
)
from jqd.spaces import Graph

TIGHT = jqd.Adaptive(rtol=1e-10, atol=1e-10, estimate_error=False)


def flat(x):
    return 0 * x


def collision(x, t=0.0):
    """Two packets that meet at x = 0, t = 1.5, with nodes."""
    left = free_gaussian(x, t, center=-3.0, momentum=2.0, width=0.8)
    return left + free_gaussian(x, t, center=3.0, momentum=-2.0, width=0.8)


@functools.cache
def meeting(order=8, h=0.1):
    """A collision past its nodes on a grid that has no point at a node."""
    points = round(32 / h)
    grid = Grid((-16 - h / 2, 16 - h / 2), points)
    norm = jnp.sqrt(grid.norm2(collision(grid.x)))
    law = Madelung(grid, flat, form=Links(order))
    state = law.prepare(collision(grid.x) / norm)
    ts = jnp.array([0.0, 1.5, 3.0])
    run = jqd.evolve(law, state, ts, method=TIGHT, observe="density")
    exact = jnp.stack([jnp.abs(collision(grid.x, t) / norm) ** 2 for t in ts])
    return grid, run, jnp.sum(jnp.abs(run.values - exact), axis=-1) * grid.cell


@pytest.mark.slow
def test_collision_through_nodes():
    grid, run, error = meeting()
    assert run.ok
    # order 8 at h = 0.1: dispersion, 1.1e-7 measured, 1e-6 asked for
    assert float(error.max()) < 1e-6
    # the middle fringe; x = 0 lies half way between two points, so interpolated
    points = np.asarray(run.values[1])[grid.size // 2 - 3 : grid.size // 2 + 5]
    x = np.asarray(grid.x)[grid.size // 2 - 3 : grid.size // 2 + 5]
    middle = float(np.polyval(np.polyfit(x, points, 7), 0.0))
    assert abs(middle - 0.6473993858) < 1e-6
    assert float(run.diagnostics["norm_drift"]) < 1e-12
    # the bound of the grid holds, and is not far off: 2-6 times the error by custom
    assert float(run.diagnostics["max_dispersion"]) * 3 > float(error.max())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "spacings"),
    [
        pytest.param(2, (0.1, 0.05), marks=pytest.mark.slow),
        (4, (0.2, 0.1)),
        pytest.param(6, (0.2, 0.1), marks=pytest.mark.slow),
        pytest.param(8, (0.2, 0.1), marks=pytest.mark.slow),
    ],
)
def test_order_of_the_links(order, spacings):
    errors = [float(meeting(order, h)[2][1]) for h in spacings]
    # two-sided: a higher slope would be as wrong as a lower one
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.35


@pytest.mark.slow
def test_too_coarse_a_grid_is_said():
    _, run, _ = meeting(2, 0.2)
    assert int(run.status) == jqd.Status.CUTOFF
    assert "refine the grid" in run.describe()


@pytest.mark.slow
def test_equal_to_the_lattice_schroedinger_equation(lattice_hamiltonian):
    # whatever the lattice is too coarse for, both must be wrong alike
    grid = Grid((-8.1, 7.9), 80)
    psi = collision(grid.x)
    psi = psi / jnp.sqrt(grid.norm2(psi))
    law = Madelung(grid, lambda x: 0.02 * x**2, boundary="reflecting")
    state = law.prepare(psi)
    method = jqd.Adaptive(rtol=1e-12, atol=1e-12, estimate_error=False)
    run = jqd.evolve(law, state, jnp.array([0.0, 1.5]), method=method)
    matrix = lattice_hamiltonian(grid, law.potential(grid, 0.0))
    start = law.amplitude(state) * jnp.sqrt(grid.cell)
    start = start / jnp.linalg.norm(start)
    exact = matrices.propagate(matrix, start, jnp.array([0.0, 1.5]))[-1]
    found = run.values.density[-1] * grid.cell
    # tolerance of the steps; 2e-12 measured
    assert float(jnp.sum(jnp.abs(found - jnp.abs(exact) ** 2))) < 1e-10


@pytest.mark.sampled
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("uniform", [False, True])
def test_rates_are_canonical(uniform, periodic):
    """ρ̇ = ∂H/∂S and Ṡ = -∂H/∂ρ, by automatic differentiation of the energy."""
    rng = np.random.default_rng(1)
    grid = Grid(((-3.0, 3.0), (0.0, 2.0)), (9, 10))
    a, s = (jnp.asarray(rng.normal(size=grid.shape)) for _ in range(2))
    D = 0.4 if uniform else jnp.asarray(rng.uniform(0.3, 0.5, grid.shape))
    options = {"order": 4, "periodic": periodic}

    def energy(density, action):
        return link_energy(jnp.log(density) / 2, action, grid, D, 1.3, **options)

    a_rate, s_rate = link_rates(a, s, grid, D, 1.3, **options)
    by_density, by_action = jax.grad(energy, (0, 1))(jnp.exp(2 * a), s)
    np.testing.assert_allclose(
        2 * jnp.exp(2 * a) * a_rate, by_action / grid.cell, rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(s_rate, -by_density / grid.cell, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("periodic", [False, True])
def test_links_behind_a_site_are_those_ahead_of_others(monkeypatch, periodic):
    """A GPU computes them anew; with local D and work along the links."""
    rng = np.random.default_rng(5)
    grid = Grid(((-3.0, 3.0), (0.0, 2.0)), (9, 10))
    a, s, q = (jnp.asarray(rng.normal(size=grid.shape)) for _ in range(3))
    D = jnp.asarray(rng.uniform(0.3, 0.5, grid.shape))

    def work(axis, j):
        return q[:, :1] * j * (1 + axis)

    for of, by in ((D, None), (0.4, work), (D, work)):
        options = {"order": 6, "periodic": periodic, "work": by}
        known = link_rates(a, s, grid, of, 1.3, **options)
        with monkeypatch.context() as patch:
            patch.setattr(jax, "default_backend", lambda: "gpu")
            found = link_rates(a, s, grid, of, 1.3, **options)
        for one, other in zip(found, known, strict=True):
            # rounding of sums of 12 terms of up to 1e4
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)


@pytest.mark.sampled
@pytest.mark.parametrize("periodic", [False, True])
def test_one_constant_for_all_links_or_one_a_site(periodic):
    """Angles from the sites (one D) and link by link (D at the sites) agree."""
    grid = Grid(((-2.0, 2.0), (-1.0, 1.0)), (10, 9))
    x, y = grid.coordinates
    a, s = -(x**2) + 0.1 * jnp.sin(3 * y), 40 + jnp.sin(2 * x) * jnp.cos(y)
    options = {"order": 8, "periodic": periodic}
    one = link_rates(a, s, grid, 0.45, 1.2, **options)
    each = link_rates(a, s, grid, jnp.full(grid.shape, 0.45), 1.2, **options)
    for rate, other in zip(one, each, strict=True):
        # rounding: eps of S/2mD = 37 at each end, times the weights 1.6/h^2 = 32
        np.testing.assert_allclose(rate, other, rtol=0, atol=64 * 40 * 32 * 2.3e-16)
        assert float(jnp.max(jnp.abs(rate))) > 1


@pytest.mark.parametrize("periodic", [False, True])
def test_ordinary_diffusion_of_the_links_is_that_of_the_density(periodic):
    """2ρ ȧ = D_c ∇²ρ over nearest links, on a grid and on the graph of its links."""
    grid = Grid(((-3.0, 3.0), (0.0, 2.0)), (9, 10))
    a = jnp.asarray(np.random.default_rng(3).normal(size=grid.shape))
    rate = classical_rates(a, grid, 0.3, periodic=periodic)
    law = jqd.laws.ClassicalDiffusion(grid, 0.3, periodic=periodic)
    expected = law.vector_field(0.0, jnp.exp(2 * a))
    # rounding
    np.testing.assert_allclose(2 * jnp.exp(2 * a) * rate, expected, rtol=1e-10)
    graph = Graph([[0, 1], [1, 2], [2, 0], [2, 3]], [1.0, 2.0, 0.5, 1.0])
    a = a[0, :4]
    rate = 2 * jnp.exp(2 * a) * classical_rates(a, graph, 0.3)
    laplacian = [[1.5, -1, -0.5, 0], [-1, 3, -2, 0], [-0.5, -2, 3.5, -1], [0, 0, -1, 1]]
    expected = -0.3 * jnp.array(laplacian) @ jnp.exp(2 * a)
    np.testing.assert_allclose(rate, expected, rtol=1e-10)


@pytest.mark.slow
def test_friction_slows_the_drift_on_links():
    """Displacement at T = 1.5 from unit velocity: (1 - e^(-γT))/γ, without γ T."""
    grid = Grid((-8.05, 7.95), 80)
    psi = grid.normalise(free_gaussian(grid.x, 0.0, momentum=1.0, width=0.9))
    ts = jnp.array([0.0, 1.5])
    law = ConservativeDiffusion(grid, flat, friction=0.5, form=Links(8))
    state = law.prepare(psi)
    method = jqd.Adaptive(rtol=1e-8, atol=1e-8, estimate_error=False)
    run = jqd.evolve(law, state, ts, method=method, observe="density")
    mean = grid.integrate(run.values * grid.x[None])
    # dispersion at h = 0.2 and the floor of the tails
    expected = (1 - np.exp(-0.75)) / 0.5
    assert float(mean[1] - mean[0]) == pytest.approx(expected, abs=1e-4)


def test_graph_is_a_matrix(lattice_hamiltonian):
    graph = Graph([[0, 1], [1, 2], [2, 0], [2, 3]], [1.0, 2.0, 0.5, 1.0])
    V = jnp.array([0.3, -0.2, 0.1, 0.5])
    rng = np.random.default_rng(2)
    psi = jnp.asarray(rng.normal(size=4) + 1j * rng.normal(size=4))
    psi = psi / jnp.linalg.norm(psi)
    law = Madelung(graph, V, mass=1.3, hbar=0.9)
    ts = jnp.array([0.0, 0.7, 2.0])
    run = jqd.evolve(law, law.prepare(psi), ts, method=TIGHT, observe="density")
    matrix = lattice_hamiltonian(graph, V, mass=1.3, hbar=0.9)
    exact = matrices.propagate(matrix, psi, ts, hbar=0.9)
    np.testing.assert_allclose(run.values, jnp.abs(exact) ** 2, atol=1e-8)


@pytest.mark.slow
def test_gradient_through_nodes(lattice_hamiltonian):
    """d/dD of the weight around x = 0 after the nodes, against the amplitude."""
    grid = Grid((-10.1, 9.9), 100)
    psi = collision(grid.x)
    psi = psi / jnp.sqrt(grid.norm2(psi))
    window = jnp.exp(-(grid.x**2))
    ts = jnp.array([0.0, 1.5])

    def weight(D, form, method):
        law = ConservativeDiffusion(grid, flat, D, form=form, boundary="reflecting")
        density = jqd.evolve(law, state, ts, method=method, observe="density").values
        return grid.integrate(window * density[-1])

    law = ConservativeDiffusion(grid, flat, form="links", boundary="reflecting")
    state = law.prepare(psi)
    forward = jqd.Adaptive(
        rtol=1e-10, atol=1e-10, estimate_error=False, adjoint=diffrax.ForwardMode()
    )
    push = jax.jit(
        lambda D: jax.jvp(lambda D: weight(D, Links(), forward), (D,), (1.0,))
    )
    value, slope = push(0.5)
    # the same lattice by its eigenbasis
    matrix = lattice_hamiltonian(grid, law.potential(grid, 0.0))
    size = jnp.exp(state.log_amplitude)

    def by_matrix(D):
        ket = size * jnp.exp(1j * state.action / (2 * D))
        kinetic = matrix * (2 * D) ** 2  # ħ²/2m, V = 0
        ket = jqd.exact.unitary_orbit(kinetic, ket, ts, 2 * D)[-1]
        return grid.integrate(window * jnp.abs(ket) ** 2)

    reference, h = by_matrix(0.5), 1e-4
    by_difference = (by_matrix(0.5 + h) - by_matrix(0.5 - h)) / (2 * h)
    assert abs(float(value - reference)) < 1e-8
    # second differences: h² times a third derivative of order one
    assert abs(float(slope - by_difference)) < 1e-6
    assert abs(float(slope)) > 1e-2


@pytest.mark.slow
def test_excited_state_and_barrier():
    """Cases E and F2: a node that stays, and nodes by reflection."""
    grid = Grid((-8.05, 7.95), 160)
    psi = grid.x * jnp.exp(-(grid.x**2) / 2)
    psi = grid.normalise(psi.astype(complex))
    law = Madelung(grid, lambda x: x**2 / 2)
    run = jqd.evolve(
        law, law.prepare(psi), jnp.array([0.0, 2.0]), method=TIGHT, observe="density"
    )
    error = grid.integrate(jnp.abs(run.values[-1] - jnp.abs(psi) ** 2))
    assert run.ok
    assert float(error) < 1e-7  # 1.9e-8 by dispersion at h = 0.1

    grid = Grid((-24.05, 23.95), 480)

    def barrier(x):
        return 2 / jnp.cosh(1.5 * x) ** 2

    psi = free_gaussian(grid.x, 0.0, center=-4.0, momentum=1.9, width=1.0)
    ts = jnp.array([0.0, 4.0])
    law = Madelung(grid, barrier)
    run = jqd.evolve(law, law.prepare(psi), ts, method=TIGHT, observe="density")
    amplitude = ConservativeDiffusion(grid, barrier)
    exact = jqd.evolve(
        amplitude, amplitude.prepare(psi), ts, observe="density",
        method=jqd.Fixed(jqd.steppers.srkn11, 200, estimate_error=False),
    )  # fmt: skip
    error = grid.integrate(jnp.abs(run.values[-1] - exact.values[-1]))
    assert run.ok
    assert float(error) < 1e-4  # wall-limited, 3.6e-5


@pytest.mark.slow
def test_vortex_in_the_plane():
    """An off-centre vortex moves on its circle, and its winding stays 1."""
    from jqd.readings.circulation import vortices

    grid = Grid(((-6.0, 6.0), (-6.0, 6.0)), (48, 48))
    x, y = grid.coordinates
    z = (x - 0.8) + 1j * y
    psi = grid.normalise(z * jnp.exp(-(x**2 + y**2) / 2))
    law = Madelung(grid, lambda x, y: (x**2 + y**2) / 2)
    ts = jnp.array([0.0, 1.5])
    method = jqd.Adaptive(rtol=1e-8, atol=1e-8, estimate_error=False)
    run = jqd.evolve(law, law.prepare(psi), ts, method=method)
    assert run.ok
    amplitude = ConservativeDiffusion(grid, lambda x, y: (x**2 + y**2) / 2)
    exact = jqd.evolve(
        amplitude, amplitude.prepare(psi), ts, observe="density",
        method=jqd.Fixed(jqd.steppers.srkn11, 60, estimate_error=False),
    )  # fmt: skip
    error = grid.integrate(jnp.abs(run.values.density[-1] - exact.values[-1]))
    assert float(error) < 5e-5  # dispersion at h = 0.25, order 8: 4.5e-6 by the notes
    last = jax.tree.map(lambda leaf: leaf[-1], run.values)
    winding = np.asarray(vortices(law.amplitude(last), grid, floor=1e-6))
    assert winding.sum() == 1
    ((i, j),) = np.argwhere(winding)
    place = np.array([x.ravel()[i], y.ravel()[j]]) + 0.125
    # within one cell of the circle that the closed form runs through
    assert np.abs(place - 0.8 * np.array([np.cos(1.5), np.sin(1.5)])).max() < 0.25
