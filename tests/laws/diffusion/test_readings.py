"""Readings of section 5.4, ordinary diffusion, and what dissipation does."""

import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import ConservativeDiffusion, Grid
from jqd.laws import ClassicalDiffusion
from jqd.readings.cold_spots import reading, thermal_potential

METHOD = jqd.Adaptive(rtol=1e-9, atol=1e-9, estimate_error=False)
GRID = Grid((-6.0, 6.0), 96)


def cold(x):
    return 1 - 0.6 * jnp.exp(-(x**2) / 2)


def gaussian(grid, s):
    return grid.normalise(jnp.exp(-(grid.x**2) / (4 * s**2)).astype(complex))


@pytest.mark.parametrize("periodic", [False, True])
def test_ito_gathers_where_it_is_cold_and_fick_does_not(periodic):
    D = 0.5 * cold(GRID.x)
    ito = ClassicalDiffusion(GRID, D, ordering="ito", periodic=periodic)
    fick = ClassicalDiffusion(GRID, D, ordering="fick", periodic=periodic)
    stationary = 1 / D
    # rounding
    assert float(jnp.max(jnp.abs(ito.vector_field(0.0, stationary)))) < 1e-10
    assert float(jnp.max(jnp.abs(fick.vector_field(0.0, jnp.ones(96))))) < 1e-10
    assert float(jnp.max(jnp.abs(fick.vector_field(0.0, stationary)))) > 0.1
    assert float(stationary.max() / stationary[0]) == pytest.approx(2.5, abs=1e-4)


def test_ordinary_diffusion_spreads_by_2Dt():
    grid = Grid((-10.0, 10.0), 200)
    law = ClassicalDiffusion(grid, 0.5)
    ts = jnp.array([0.0, 1.0])
    psi = gaussian(grid, 1.0)
    run = jqd.evolve(law, law.prepare(psi), ts, method=METHOD, observe="density")
    variance = grid.integrate(run.values[-1] * grid.x**2)
    assert float(variance) == pytest.approx(2.0, abs=1e-6)  # tolerance of the steps
    assert float(run.diagnostics["norm_drift"]) < 1e-12


def mean_acceleration(grid, density, D):
    """d²⟨x⟩/dt² of a packet at rest in T1, by quadrature: -½ ∫ ρ ∇(D²) |∇ ln ρ|² dx."""
    tiny = jnp.finfo(density.dtype).tiny
    logs = grid.gradient(jnp.log(jnp.maximum(density, tiny)))
    steep = jnp.sum(jnp.stack(logs) ** 2, axis=0)
    slopes = grid.gradient(D**2)
    return jnp.stack([-0.5 * grid.integrate(density * s * steep) for s in slopes])


def energy_identity(grid, density, D, mass=1.0):
    """Both sides of: (m/2)∫|∇(Dρ)|²/ρ = (m/2)∫D²|∇ρ|²/ρ + ∫ρ V_T."""
    safe = jnp.maximum(density, jnp.finfo(density.dtype).tiny)

    def energy(field, factor):
        steep = jnp.sum(jnp.stack(grid.gradient(field)) ** 2, axis=0)
        return mass / 2 * grid.integrate(factor * steep / safe)

    left = energy(D * density, jnp.ones_like(D))
    thermal = grid.integrate(density * thermal_potential(grid, D, mass))
    return left, energy(density, D**2) + thermal


@pytest.mark.slow
@pytest.mark.parametrize(("s0", "expected"), [(0.5, -0.025), (1.0, -0.0125)])
def test_acceleration_of_T1_depends_on_the_width(s0, expected):
    """a = -D0² eps/s0² · (1 / ...): -D0² ε / s0² with s0² the variance."""
    grid = Grid((-7.0, 7.0), 280)

    def profile(x):
        return 1 + 0.05 * x

    psi = gaussian(grid, np.sqrt(s0))
    D = 0.5 * profile(grid.x)
    by_quadrature = mean_acceleration(grid, jnp.abs(psi) ** 2, D)
    assert float(by_quadrature[0]) == pytest.approx(expected, rel=0.01)
    law = reading("T1", grid, profile, D=0.5, order=8)
    ts = jnp.array([0.0, 0.05, 0.1])
    run = jqd.evolve(law, law.prepare(psi), ts, method=METHOD, observe="density")
    mean = grid.integrate(run.values * grid.x[None])
    # second difference over steps of 0.05: the rest of the series is below 1 %
    acceleration = float(mean[2] - 2 * mean[1] + mean[0]) / 0.05**2
    assert acceleration == pytest.approx(expected, rel=0.01)


def test_T1_prime_adds_a_well():
    grid = Grid((-8.0, 8.0), 256)
    density = jnp.abs(gaussian(grid, 0.9)) ** 2
    left, right = energy_identity(grid, density, 0.5 * cold(grid.x))
    assert float(left) == pytest.approx(float(right), abs=1e-6)  # order 8, h = 1/16
    law = reading("T1'", grid, cold, D=0.5)
    V = law.potential(grid, 0.0)
    assert int(jnp.argmin(V)) != 0
    assert float(jnp.abs(V[0])) < 1e-6


def test_readings_in_other_units():
    """m c² n and V_T = -(m/2)|∇D|² - m D ∇²D are energies, and ħ = 2mD."""
    mass, D, c = 2.3, 0.4, 1.7
    law = reading("T2", GRID, cold, D=D, mass=mass, c=c)
    assert isinstance(law, ConservativeDiffusion)
    V = np.asarray(law.potential(GRID, 0.0))
    np.testing.assert_allclose(V, mass * c**2 * np.asarray(cold(GRID.x)), rtol=1e-14)
    assert float(law.hbar) == pytest.approx(2 * mass * D, rel=1e-14)
    law = reading("T1'", GRID, cold, D=D, mass=mass)
    assert isinstance(law, ConservativeDiffusion)
    x = np.asarray(GRID.x)
    bump = 0.6 * D * np.exp(-(x**2) / 2)
    V = -mass / 2 * (x * bump) ** 2 - mass * (D - bump) * (1 - x**2) * bump
    # two differences of order 8 at h = 1/8
    found = np.asarray(law.potential(GRID, 0.0))
    np.testing.assert_allclose(found, V, rtol=0, atol=1e-5)
    density = jnp.abs(gaussian(GRID, 0.7)) ** 2
    sides = energy_identity(GRID, density, D * cold(GRID.x), mass)
    unit = energy_identity(GRID, density, D * cold(GRID.x))
    np.testing.assert_allclose(sides, mass * np.asarray(unit), rtol=1e-12)
    assert float(sides[0]) == pytest.approx(float(sides[1]), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("mass", [1.0, 3.0])
def test_all_masses_fall_alike_in_T2(mass):
    def index(x):
        return 1 + 0.02 * x

    law = reading("T2", GRID, index, D=0.5 / mass, mass=mass)
    ts = jnp.array([0.0, 1.0])
    psi = gaussian(GRID, 0.7)
    run = jqd.evolve(law, law.prepare(psi), ts, method=METHOD, observe="density")
    mean = GRID.integrate(run.values[-1] * GRID.x)
    assert float(mean) == pytest.approx(-0.01, abs=1e-6)  # -c² n'/2; step tolerance


@pytest.mark.slow
@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        ({}, 0.0),
        pytest.param({"friction": 0.1}, 0.0822387, marks=pytest.mark.slow),
        pytest.param({"classical_diffusion": 0.05}, 0.0946534, marks=pytest.mark.slow),
    ],
)
def test_time_reversal(constants, expected):
    """There and back with S -> -S: only the conservative law comes home."""
    grid = Grid((-5.0, 6.0), 176)
    psi = jnp.exp(-(grid.x**2) / (4 * 0.3) + 0.4j * grid.x)
    psi = grid.normalise(psi)
    law = ConservativeDiffusion(grid, lambda x: 0 * x, form="window", **constants)
    ts = jnp.array([0.0, 1.0])
    start = law.prepare(psi)
    method = jqd.Adaptive(rtol=1e-11, atol=1e-11, estimate_error=False)
    there = jqd.evolve(law, start, ts, method=method).values
    turned = type(start)(there.chi[-1], -there.action[-1], there.ends[-1])
    back = jqd.evolve(law, turned, ts, method=method, observe="density").values[-1]
    distance = float(grid.integrate(jnp.abs(back - law.density(start))))
    # tolerance of the steps; at the kinks of |.| the sum is good to h²/200
    tolerance = 3e-5 if constants else 1e-9
    assert distance == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reading("T3", GRID, cold), "`name` must be one of"),
        (lambda: reading("T1", GRID, lambda x: x), "`profile` must be positive"),
        (lambda: ClassicalDiffusion(GRID, -1.0), "`D` must be positive"),
        (lambda: ClassicalDiffusion(GRID, 1.0, ordering="stratonovich"), "`ordering`"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match="Argument") as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize("ordering", ["fick", "ito"])
@pytest.mark.parametrize("periodic", [False, True])
def test_fluxes_go_through_the_links_between_neighbours(ordering, periodic):
    """Of any D and ρ, link by link in NumPy."""
    rng, n = np.random.default_rng(8), 7
    grid = Grid((0.0, 3.5), n)
    D, rho = rng.uniform(0.5, 2, n), rng.uniform(0.5, 2, n)
    expected = np.zeros(n)
    for i in range(n if periodic else n - 1):
        j = (i + 1) % n
        if ordering == "fick":
            flux = (D[i] + D[j]) / 2 * (rho[i] - rho[j])
        else:
            flux = D[i] * rho[i] - D[j] * rho[j]
        expected[i] -= flux / grid.spacing[0] ** 2
        expected[j] += flux / grid.spacing[0] ** 2
    law = ClassicalDiffusion(grid, D, ordering=ordering, periodic=periodic)
    found = law.vector_field(0.0, jnp.asarray(rho))
    np.testing.assert_allclose(found, expected, atol=1e-13)  # rounding
