"""Fields of the hydrodynamic picture against analytic derivatives, and at nodes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from uncertainty import uncertainty_bound

from jqd.exact import on_grids
from jqd.readings import energies, fields
from jqd.spaces import Grid

HBAR, MASS = 1.3, 0.7
UNITS = {"hbar": HBAR, "mass": MASS}
GRID = Grid((-9.0, 9.0), 180)
PLANE = Grid([(-6.0, 6.0), (-6.0, 6.0)], (48, 48))


def wave(x):
    """Without nodes: 1 + 0.3x and 0.2x² do not vanish together."""
    return (1 + 0.3 * x + 0.2j * x**2) * jnp.exp(-(x**2) / 2 + 0.4j * x)


def normalised(values, grid=GRID):
    return grid.normalise(jnp.asarray(values) + 0j)


PSI = np.asarray(normalised(wave(GRID.x)))
V = 0.3 * np.asarray(GRID.x) ** 2 + 0.1 * np.asarray(GRID.x)
CORE = np.abs(PSI) ** 2 > 1e-6


@pytest.fixture(scope="module")
def exact():
    """∂ ln |ψ|, ∂ arg ψ and (∂² |ψ|)/|ψ| by automatic differentiation."""

    def root(x):
        return jnp.abs(wave(x))

    def at(x):
        growth = jax.grad(lambda x: jnp.log(root(x)))(x)
        turn = jax.grad(lambda x: jnp.angle(wave(x)))(x)
        return growth, turn, jax.grad(jax.grad(root))(x) / root(x)

    return jax.jit(jax.vmap(at))(GRID.x)


@pytest.fixture(scope="module")
def found():
    """All fields of ψ, by both kinds of gradient; compiled at once."""

    def all_fields(psi):
        result = {}
        for kind in ("spectral", "local"):
            options = UNITS | {"gradient": kind}
            result[f"v {kind}"] = fields.current_velocity(psi, GRID, **options)
            result[f"u {kind}"] = fields.osmotic_velocity(psi, GRID, **options)
            for form in ("curvature", "osmotic"):
                result[f"U_q {kind} {form}"] = fields.quantum_potential(
                    psi, GRID, form=form, **options
                )
        result["current"] = fields.current(psi, GRID, **UNITS)
        result["fick_flux"] = fields.fick_flux(psi, GRID, **UNITS)
        result["momentum"] = fields.momentum_density(psi, GRID, hbar=HBAR)
        result["U_u"] = energies.localization_energy(psi, GRID, **UNITS)
        result["budget"] = energies.energy_budget(psi, GRID, V, **UNITS)
        return result

    return jax.jit(all_fields)(PSI)


# The FFT's rounding over |ψ| >= 1e-3 of the core; (Δx)^8 f⁽⁹⁾/630 at Δx = 0.1.
@pytest.mark.parametrize(("kind", "tolerance"), [("spectral", 1e-11), ("local", 2e-5)])
def test_velocities(exact, found, kind, tolerance):
    growth, turn, _ = exact
    v, u = found[f"v {kind}"], found[f"u {kind}"]
    assert v.shape == u.shape == (1, *GRID.shape)
    close = {"atol": tolerance, "rtol": 0}
    np.testing.assert_allclose(v[0, CORE], (HBAR / MASS * turn)[CORE], **close)
    np.testing.assert_allclose(u[0, CORE], (-HBAR / MASS * growth)[CORE], **close)
    # Negative control: Nelson's sign of u.
    assert np.max(np.abs(u[0] - HBAR / MASS * growth)[CORE]) > 1


def test_local_differences_keep_the_tails(exact, found):
    # |ψ| is below 1e-9 here, and the seam of the box far enough
    far = (np.abs(GRID.x) > 6.5) & (np.abs(GRID.x) < 8.5)
    u = found["u local"][0, far]
    # (|x| Δx)^8/630 of the slope
    np.testing.assert_allclose(u, -HBAR / MASS * exact[0][far], rtol=1e-3)


@pytest.mark.parametrize(
    ("kind", "form", "tolerance"),
    [
        # the FFT's rounding, times k² = 1e3, over |ψ|
        ("spectral", "curvature", 1e-9),
        # (Δx)^8 times the ninth derivative
        ("spectral", "osmotic", 1e-4),
        ("local", "osmotic", 1e-4),
        ("local", "curvature", 1e-4),
    ],
)
def test_quantum_potential(exact, found, kind, form, tolerance):
    """(11) against Δ|ψ|/|ψ|, in both its forms."""
    potential = -(HBAR**2) / (2 * MASS) * exact[2]
    close = {"atol": tolerance, "rtol": 0}
    np.testing.assert_allclose(
        found[f"U_q {kind} {form}"][CORE], potential[CORE], **close
    )


def test_fluxes_and_momentum(found):
    """(18), (20), (41): ψ* p ψ = density (m v + i m u)."""
    density = np.abs(PSI[None]) ** 2
    v, u = found["v spectral"], found["u spectral"]
    exact = density * MASS * (v + 1j * u)
    # rounding of sums of order 1
    np.testing.assert_allclose(found["momentum"], exact, atol=1e-13)
    assert np.max(np.abs(found["momentum"] - exact.conj())) > 0.1
    np.testing.assert_allclose(found["current"], density * v, atol=1e-13)
    np.testing.assert_allclose(found["fick_flux"], density * u, atol=1e-13)
    np.testing.assert_allclose(GRID.integrate(found["fick_flux"]), 0, atol=1e-14)


def test_energy_budget_is_the_mean_energy(found):
    """(25), (26) against ⟨ψ, Hψ⟩ with the dense matrix; ⟨U_q⟩ = U_u, (55)."""
    matrix = on_grids.hamiltonian(GRID, V, mass=MASS, hbar=HBAR)
    exact = GRID.cell * np.vdot(PSI, matrix @ PSI).real
    budget = found["budget"]
    # rounding: ε times the largest energy of the grid, 1200
    np.testing.assert_allclose(budget.total, exact, rtol=1e-12)
    # Negative control: ħ²/4m for ħ²/8m in (26).
    assert abs(budget.total + budget.diffusion - exact) > 0.1
    np.testing.assert_allclose(budget.diffusion, found["U_u"], rtol=1e-13)
    mean = GRID.integrate(np.abs(PSI) ** 2 * found["U_q spectral curvature"])
    np.testing.assert_allclose(mean, found["U_u"], rtol=1e-12)


@jax.jit
def uncertainty(grid):
    """Of a Gaussian, and of one with skirts and a phase."""
    axes = grid.coordinates
    gauss = jnp.exp(-sum((x - 0.2) ** 2 for x in axes) / 2)
    skew = math.prod(1 + 0.4 * x + 0.1j * x**2 for x in axes)
    psi = grid.normalise(jnp.stack([gauss + 0j, gauss * skew]))
    return (
        energies.osmotic_correlation(psi, grid, hbar=HBAR),
        energies.uncertainty_product(psi, grid, hbar=HBAR),
    )


@pytest.mark.parametrize(("dimensions", "points"), [(1, 64), (2, 40), (3, 24)])
def test_uncertainty(dimensions, points):
    """(21): ⟨p_u,i x_j⟩ = (ħ/2) δ_ij for any density; Gaussians reach (dħ/2)²."""
    grid = Grid([(-8.0, 8.0)] * dimensions, (points,) * dimensions)
    correlation, product = uncertainty(grid)
    exact = np.broadcast_to(HBAR / 2 * np.eye(dimensions), correlation.shape)
    # aliasing: e^(-k²/4) at the cut-off k = 4.7 of the grid of 24 points, 4e-3 squared
    # and less; rounding on the others
    tolerance = 1e-6 if points == 24 else 1e-10
    np.testing.assert_allclose(correlation, exact, atol=tolerance)
    bound = uncertainty_bound(dimensions, HBAR)
    np.testing.assert_allclose(product[0], bound, rtol=tolerance)
    assert product[1] > 1.001 * bound
    # The printed bound is that of one dimension: no density of more comes near it.
    printed = uncertainty_bound(dimensions, HBAR, printed=True)
    np.testing.assert_allclose(bound / printed, dimensions**2, rtol=1e-14)


def test_uncertainty_of_the_oscillator():
    x = GRID.x
    psi = normalised(jnp.exp(-(x**2) / 2)), normalised(x * jnp.exp(-(x**2) / 2))
    product = jax.jit(energies.uncertainty_product)(jnp.stack(psi), GRID)
    # spectral accuracy; the node of n = 1 lies on a point
    np.testing.assert_allclose(product, [0.25, 2.25], atol=1e-9)


def test_localization_energies():
    """Row by row: a box, a harmonic and a quartic well."""
    loop = Grid((-1.0, 1.0), 16)
    # two boxes of length 1, back to back; nodes on points
    U_u = jax.jit(energies.localization_energy)
    box = U_u(jnp.sin(jnp.pi * loop.x), loop)
    np.testing.assert_allclose(box, np.pi**2 / 2, rtol=1e-13)
    x = GRID.x
    well = U_u(normalised(jnp.exp(-(x**2) / 2)), GRID)
    np.testing.assert_allclose(well, 0.25, rtol=1e-12)
    levels, states = np.linalg.eigh(on_grids.hamiltonian(GRID, x**4 / 4))
    np.testing.assert_allclose(levels[0], 0.4208049745, atol=1e-9)
    ground = U_u(normalised(states[:, 0]), GRID)
    np.testing.assert_allclose(ground, 0.2805366497, atol=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_vortex_energies(shift):
    """Drift 1/2, U_u 1/2, V 1, with the node on a point of the grid and off it."""
    x, y = PLANE.coordinates
    x = x - shift
    psi = normalised((x + 1j * y) * jnp.exp(-(x**2 + y**2) / 2), PLANE)
    budget = jax.jit(energies.energy_budget)(psi, PLANE, (x**2 + y**2) / 2)
    # sums of Gaussians: spectral
    np.testing.assert_allclose(budget, (0.5, 0.5, 1.0), atol=1e-10)


def test_nodes_are_free_of_nan():
    """A node on a point: finite fields, and finite slopes through all of them."""
    grid = Grid([(-6.0, 6.0), (-6.0, 6.0)], (12, 12))
    x, y = (np.asarray(axis) for axis in grid.coordinates)
    vortex = (x + 1j * y) * np.exp(-(x**2 + y**2) / 2)
    assert vortex[6, 6] == 0

    def everything(scale):
        psi = scale * vortex
        parts = (
            fields.current_velocity(psi, grid),
            fields.osmotic_velocity(psi, grid),
            fields.quantum_potential(psi, grid, gradient="local"),
            energies.localization_energy(psi, grid),
        )
        return sum(jnp.sum(jnp.sin(part)) for part in parts), parts

    run = jax.jit(jax.value_and_grad(everything, has_aux=True))
    (_, parts), slope = run(1.0)
    assert all(np.all(np.isfinite(part)) for part in parts)
    assert np.isfinite(slope)
    assert parts[0][0, 6, 6] == parts[1][0, 6, 6] == parts[2][6, 6] == 0


def test_precision_and_batches_are_kept():
    psi = jnp.stack([PSI, 2 * PSI]).astype(jnp.complex64)
    v = jax.jit(fields.current_velocity)(psi, GRID)
    assert v.dtype == jnp.float32
    assert v.shape == (2, 1, *GRID.shape)
    budget = jax.jit(energies.energy_budget)(psi, GRID, jnp.zeros(GRID.shape))
    assert budget.drift.shape == (2,)
    # single precision
    np.testing.assert_allclose(budget.drift[1], 4 * budget.drift[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("psi", "kind", "match"),
    [
        (PSI[:-1], "spectral", "Argument `psi` must end in the grid's shape"),
        (PSI, "finite", "Argument `gradient` must be one of"),
    ],
)
def test_wrong_arguments(psi, kind, match):
    with pytest.raises(ValueError, match=match):
        fields.current(psi, GRID, gradient=kind)
    with pytest.raises(ValueError, match="Argument `potential` must have shape"):
        energies.energy_budget(PSI, GRID, jnp.zeros(3))
