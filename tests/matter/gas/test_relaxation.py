"""Boltzmann's equation by chance, distances from Maxwell's distribution, Enskog."""

import jax
import numpy as np
import pytest
from maxwell_boltzmann import printed_energy_cdf, printed_energy_distribution
from scipy import stats

from jqd import Status
from jqd.matter import gas

COUNTS = [1.0, 2.0, 4.0]


@pytest.fixture(scope="module")
def discs():
    first, second = jax.random.split(jax.random.key(5))
    v = gas.equal_speeds(first, 2**16)
    return gas.dsmc(v, second, COUNTS, step=0.05)


@pytest.mark.equation("thermalization", "claim-B1")
def test_equal_speeds_relax(discs):
    """T12."""
    # The counts scatter by √(2c/N) = .01.
    np.testing.assert_allclose(discs.per_particle, [0, *COUNTS], atol=0.04)
    # .004 of chance, .003 of the step
    expected = [-0.5, -0.370, -0.262, -0.124]
    np.testing.assert_allclose(discs.fourth_cumulant, expected, atol=0.012)
    # Each collision keeps energy and momentum.
    v = np.asarray(discs.velocities)
    np.testing.assert_allclose(np.mean(v**2, axis=(1, 2)), 1, rtol=1e-12)
    np.testing.assert_allclose(np.mean(v, axis=1), 0, atol=1e-13)


def test_collisions_that_a_round_has_no_room_for(discs):
    """Of 64 spheres one moves: its pair is 32 times as fast as the mean of all, and
    should collide 0.19 · 32 = 6 times in the first round."""
    assert (discs.status == Status.OK).all()
    assert (discs.lost == 0).all()
    v = np.zeros((64, 2))
    v[5, 0] = 1.0
    run = gas.dsmc(v, jax.random.key(0), [1.0], step=0.19)
    np.testing.assert_array_equal(run.status, [Status.OK, Status.INACCURATE])
    assert run.lost[0] == 0
    assert run.lost[1] > 0.1


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-B1")
def test_entropy_rises(discs):
    """KL, and with it Boltzmann's H, falls by more than half at each doubling of c."""
    v = discs.velocities
    divergence = jax.jit(lambda v: gas.relative_entropy(v, bins=24))(v[:, :20_000])
    assert divergence[0] == pytest.approx(np.log(24), rel=1e-12)
    assert (divergence[1:] < divergence[:-1] / 2).all()
    assert divergence[-1] < 0.03


@pytest.mark.slow
def test_bias_of_the_divergence(key):
    """Maxwell's speeds themselves: (B - 1)/2n on average, 2n KL is χ²."""
    bins, n = 24, 500
    v = jax.random.normal(key, (100, n, 2))
    divergence = jax.jit(lambda v: gas.relative_entropy(v, bins=bins, temperature=1.0))
    mean = np.mean(divergence(v))
    # 3 standard errors of 100 χ² with 23 degrees of freedom; 4 % of higher order
    error = 3 * np.sqrt(2 * 23) / (2 * n) / 10 + 0.04 * 23 / (2 * n)
    assert mean == pytest.approx(23 / (2 * n), abs=error)


@pytest.mark.slow
def test_spheres(key):
    v = gas.equal_speeds(key, 2**17, dimension=3)
    fine, coarse = (gas.dsmc(v, key, COUNTS, step=h) for h in (0.02, 0.1))
    assert fine.fourth_cumulant[0] == pytest.approx(-0.4)
    # The same limit, to the first-order error of the longer step
    np.testing.assert_allclose(fine.fourth_cumulant, coarse.fourth_cumulant, atol=0.012)
    # Lowest Sonine order: a₂ decays by 4/15 a collision in 2D units of 2/3 collisions
    late = np.log(fine.fourth_cumulant[2] / fine.fourth_cumulant[3]) / 2
    assert 0.3 < late < 0.55
    np.testing.assert_allclose(np.mean(np.asarray(fine.velocities) ** 2, (1, 2)), 1)


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_maxwell(dimension):
    """Densities against SciPy; density and distribution of energies belong together."""
    t, m = 1.7, 0.6
    v = np.linspace(0.01, 6, 50)
    exact = stats.chi(dimension, scale=np.sqrt(t / m))
    e = m * v**2 / 2
    energy = stats.gamma(dimension / 2, scale=t)
    np.testing.assert_allclose(
        gas.energy_density(e, t, dimension=dimension), energy.pdf(e), rtol=1e-12
    )
    np.testing.assert_allclose(
        gas.energy_cdf(e, t, dimension=dimension), energy.cdf(e), atol=1e-15
    )
    mean = gas.mean_speed(t, mass=m, dimension=dimension)
    assert mean == pytest.approx(exact.mean(), rel=1e-12)
    assert gas.energy_density(0.0, t, dimension=dimension) == 0
    # Its slope is finite at 0, where 1/√E is not.
    slope = jax.grad(lambda e: gas.energy_density(e, t, dimension=dimension))
    assert np.isfinite(slope(0.0))


@pytest.mark.slow
@pytest.mark.equation("thermalization", "erratum-h-KE")
def test_printed_energies():
    """Normalised over E >= 0; the closed forms of the corrected one."""
    x = {"gamma": 0.8, "scale": 1.3}
    nodes, weights = np.polynomial.legendre.leggauss(40)
    e = np.array([0.1, 1.0, 3.0, 20.0])
    inner = e[:, None] / 2 * (nodes + 1)
    density = np.asarray(printed_energy_distribution(inner, 1.5, **x))
    below = e / 2 * (density @ weights)
    np.testing.assert_allclose(printed_energy_cdf(e, 1.5, **x), below, atol=1e-12)
    assert below[-1] == pytest.approx(1, abs=1e-12)
    t = 1.5
    np.testing.assert_allclose(gas.energy_density(e, t), np.exp(-e / t) / t)
    np.testing.assert_allclose(
        gas.energy_density(e, t, dimension=3),
        2 * np.sqrt(e / np.pi) * t**-1.5 * np.exp(-e / t),
    )


def test_kinetic_theory():
    """Closed forms in each dimension, and limits."""
    phi, t, m, s = 0.2, 1.3, 0.7, 0.9
    x = {"temperature": t, "mass": m, "diameter": s}
    n, chi = phi / (np.pi * s**2 / 4), (1 - 7 * phi / 16) / (1 - phi) ** 2
    rate = 2 * n * s * np.sqrt(np.pi * t / m) * chi
    assert gas.collision_rate(phi, **x) == pytest.approx(rate, rel=1e-14)
    n, chi = phi / (np.pi * s**3 / 6), (1 - phi / 2) / (1 - phi) ** 3
    rate = 4 * n * s**2 * np.sqrt(np.pi * t / m) * chi
    assert gas.collision_rate(phi, dimension=3, **x) == pytest.approx(rate, rel=1e-14)
    # Tonks: P = nT/(1 - φ)
    assert gas.compressibility(phi, dimension=1) == pytest.approx(1 / 0.8, rel=1e-14)
    # 2D and 3D mean free paths at low density
    n = gas.number_density(1e-9)
    assert gas.mean_free_path(1e-9) * n == pytest.approx(8**-0.5, rel=1e-8)
    n = gas.number_density(1e-9, dimension=3)
    path = gas.mean_free_path(1e-9, dimension=3)
    assert path * n == pytest.approx(1 / (np.sqrt(2) * np.pi), rel=1e-8)


def test_free_paths_in_other_units():
    phi, s = 0.2, 0.9
    for d in (1, 2, 3):
        path = gas.mean_free_path(phi, diameter=s, dimension=d)
        expected = s * gas.mean_free_path(phi, dimension=d)
        assert path == pytest.approx(float(expected), rel=1e-14)


def test_mass_changes_the_temperature_and_not_the_velocities():
    """The divergence is that of f(v), whatever the particles weigh."""
    v = jax.random.uniform(jax.random.key(3), (200, 2), minval=-1.0)
    far = jax.jit(lambda v, m, t: gas.relative_entropy(
        v, bins=8, mass=m, temperature=t))  # fmt: skip
    np.testing.assert_allclose(far(v, 0.6, 0.12), far(v, 1.0, 0.2), rtol=1e-12)
    assert abs(far(v, 0.6, 0.2) - far(v, 1.0, 0.2)) > 0.01  # Negative control


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_start_has_its_packing_fraction(key, dimension):
    radius, number = 0.8, 11
    _, box = gas.lattice(key, number, 0.2, dimension=dimension, radius=radius)
    volume = {1: 2, 2: np.pi * radius, 3: 4 / 3 * np.pi * radius**2}[dimension] * radius
    assert number * volume / np.prod(box) == pytest.approx(0.2, rel=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gas.contact_value(1.0), "`fraction` must be below 1"),
        (lambda: gas.contact_value(-0.1), "`fraction` must be positive"),
        (lambda: gas.contact_value(0.1, dimension=4), "`dimension` must be one of"),
        (lambda: gas.collision_rate(0.1, mass=0.0), "`mass` must be positive"),
        (lambda: gas.fourth_cumulant(np.ones(3)), "`velocities` must have shape"),
        (lambda: gas.fourth_cumulant(np.zeros((3, 2))), "`velocities` must not all be"),
        (lambda: gas.relative_entropy(np.zeros((3, 2))), "`velocities` must not all"),
        (
            lambda: gas.dsmc(np.zeros((4, 2)), jax.random.key(0), [1.0]),
            "`velocities` must not all be zero",
        ),
        (lambda: gas.relative_entropy(np.ones((3, 2)), bins=1), "`bins` must be at"),
        (
            lambda: gas.dsmc(np.ones((4, 1)), jax.random.key(0), [1.0]),
            "two axes of space or three",
        ),
        (
            lambda: gas.dsmc(np.ones((4, 2)), jax.random.key(0), [1.0, 0.5]),
            "`counts` must increase",
        ),
        (
            lambda: gas.dsmc(np.ones((4, 2)), jax.random.key(0), [1.0], step=0.5),
            "`step` must lie between",
        ),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
