"""Sections 5.2 to 5.6 of the diffusion paper: what can be computed of the vacuum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.constants as si
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.exact.eigenstates import eigenstates
from jqd.laws.diffusion import AmplitudeAction, ClassicalDiffusion
from jqd.readings import cold_spots
from jqd.spaces import Grid

from .conftest import equation

# What a wrong factor leaves.
REFUTED = 0.05
GRID = Grid((-7.0, 7.0), 140)
X = np.asarray(GRID.x)


def maxwell_density(
    velocity: Float[ArrayLike, "... d"],
    temperature: ArrayLike,
    mass: ArrayLike = 1.0,
    *,
    k: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Density of the velocities in a gas: Gaussian, of variance kT/m for each axis.

    Args:
        velocity: u.
        temperature: T, positive.
        mass: m.
        k: Boltzmann's constant.

    Returns:
        Leading shape of `velocity`, (time/length)^d.
    """
    velocity, T, mass, k = map(_checks.widen, (velocity, temperature, mass, k))
    variance = k * T / mass
    axes = velocity.shape[-1]
    shape = jnp.exp(-jnp.sum(velocity**2, axis=-1) / (2 * variance))
    return shape / (2 * jnp.pi * variance) ** (axes / 2)


def thermal_energy(temperature: ArrayLike, k: ArrayLike = 1.0) -> Float[Array, "..."]:
    """U_T = 3kT/2 = m⟨v²⟩/2, the mean kinetic energy in a gas. Zakir, eq. (58)."""
    return 1.5 * jnp.asarray(k) * jnp.asarray(temperature)


def thermal_speed(energy: ArrayLike, mass: ArrayLike = 1.0) -> Float[Array, "..."]:
    """√(2U/m), the speed whose kinetic energy is U, by (58).

    For U = mc², (60), it is √2 c; section 5.3 has "~ c", and (58) at v = c is half of
    the rest energy.

    Args:
        energy: U, not negative.
        mass: m.

    Returns:
        Broadcast shape, unit of velocity.
    """
    return jnp.sqrt(2 * jnp.asarray(energy) / jnp.asarray(mass))


def rest_temperature(
    mass: ArrayLike, c: ArrayLike = 1.0, k: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """T_v = 2mc²/3k, at which 3kT/2 is the rest energy: one for each mass.

    Args:
        mass: m.
        c: velocity of light.
        k: Boltzmann's constant.

    Returns:
        Broadcast shape, temperature.
    """
    return 2 * jnp.asarray(mass) * jnp.asarray(c) ** 2 / (3 * jnp.asarray(k))


def clock_and_length(
    change: ArrayLike, power: ArrayLike, *, depth: ArrayLike = 0.0
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Factors of all frequencies and lengths in V ~ |x|^p if D goes over into λD.

    λ^((p - 2 + 2c)/(p + 2)) and λ^((2 - c)/(p + 2)), where V goes over into λ^c V

    With c = 2 they are λ and 1 for every p, indeed for every V: all clocks slow alike,
    and no length changes.

    Args:
        change: λ, positive.
        power: p, above -2.
        depth: c.

    Returns:
        Both factors, of the broadcast shape.

    Source: our reading of Zakir, section 5.4, in a uniform medium: 2mD for ħ in (34).
    """
    change, power, depth = map(_checks.widen, (change, power, depth))
    rate = (power - 2 + 2 * depth) / (power + 2)
    return change**rate, change ** ((2 - depth) / (power + 2))


def gas(temperature, mass):
    """Mean velocity and mean square speed, by sums over three axes."""
    width = np.sqrt(temperature / mass)
    u = np.linspace(-8, 8, 33) * width
    velocity = np.stack(np.meshgrid(u, u, u, indexing="ij"), -1).reshape(-1, 3)
    weight = np.asarray(maxwell_density(velocity, temperature, mass))
    weight = weight * (u[1] - u[0]) ** 3
    square = np.sum(velocity**2, axis=1)
    return weight.sum(), weight @ velocity, weight @ square


@equation("57")
@equation("58")
@equation("59")
def test_a_gas():
    # Gaussians summed in steps of half their width: e^(-8π²) of error
    total, mean, square = gas(1.4, 0.8)
    assert np.isclose(total, 1, rtol=1e-12)
    assert np.allclose(mean, 0, atol=1e-13)
    _, _, hotter = gas(2.8, 0.8)
    assert np.isclose(hotter / square, 2, rtol=1e-12)
    # (58): 3kT/2 = m⟨v²⟩/2
    energy = thermal_energy(1.4)
    assert np.isclose(energy, 0.8 * square / 2, rtol=1e-12)
    assert np.isclose(thermal_speed(energy, 0.8), np.sqrt(square), rtol=1e-12)
    # (59): at one speed the energy goes with the mass, and so does the temperature
    _, _, heavy = gas(1.4 * 3, 0.8 * 3)
    assert np.isclose(heavy, square, rtol=1e-12)
    assert np.isclose(thermal_energy(1.4 * 3), 3 * energy, rtol=1e-14)


@equation("60")
@equation("claim-5.2-temperature")
def test_the_rest_energy_is_twice_the_thermal_energy_at_the_velocity_of_light():
    c, k = si.c, si.k
    masses = np.array([si.m_e, si.m_p])
    # the temperatures at which (58) gives either particle the speed c
    T = masses * c**2 / (3 * k)
    energy = thermal_energy(T, k)
    assert np.allclose(thermal_speed(energy, masses), c, rtol=1e-14)
    # (60) up to a factor that is the same for all masses, as "~" leaves it open
    assert np.allclose(masses * c**2 / energy, 2, rtol=1e-14)
    # the factor left out: mc² itself is the energy of another speed
    speed = thermal_speed(masses * c**2, masses)
    assert np.allclose(speed / c, np.sqrt(2), rtol=1e-14)
    rest = rest_temperature(masses, c, k)
    assert np.allclose(rest / T, 2, rtol=1e-14)
    assert np.isclose(rest[0], 3.9532644e9, rtol=1e-7)
    # no one temperature of the vacuum: 1836 times as hot for the proton, both ways
    for pair in (T, rest):
        assert np.isclose(pair[1] / pair[0], 1836.15, rtol=1e-5)


@equation("claim-5.4-attraction")
def test_what_gathers_where_fluctuations_are_weak():
    cold = 1 - 0.6 * np.exp(-(X**2))
    dissipative = cold_spots.reading("T0", GRID, cold, D=0.5)
    assert np.max(np.abs(dissipative.vector_field(0.0, 1 / cold))) < 1e-10
    # from a uniform start it grows where D is lowest
    growth = np.asarray(dissipative.vector_field(0.0, np.ones(140)))
    assert growth[np.argmin(cold)] > REFUTED
    # by Fick's law (17) nothing gathers anywhere
    fick = ClassicalDiffusion(GRID, 0.5 * cold)
    assert np.max(np.abs(fick.vector_field(0.0, np.ones(140)))) < 1e-10
    assert np.max(np.abs(fick.vector_field(0.0, 1 / cold))) > REFUTED


def accelerations(name, slope):
    """d²⟨x⟩/dt² of packets at rest, from the rate of S: m a = ∫ρ ∇(∂S/∂t)."""

    @jax.jit
    def of(variance, D, mass):
        density = jnp.exp(-(X**2) / (2 * variance)) / jnp.sqrt(2 * jnp.pi * variance)
        law = cold_spots.reading(
            name, GRID, 1 + slope * X, D=D, mass=mass, boundary="reflecting"
        )
        state = AmplitudeAction(jnp.log(density) / 2, jnp.zeros(140))
        rate = law.vector_field(0.0, state).action
        # by parts
        return GRID.integrate(X / variance * density * rate) / mass

    return of


@equation("claim-5.4-masses")
def test_whether_all_masses_fall_alike():
    slope = 0.05
    # T1, a local D in (25): -½∫ρ (D²)'(∂ ln ρ)², by hand -D² slope/variance
    of = accelerations("T1", slope)
    first = float(of(0.5, 0.5, 1.0))
    # D at the middle of a link is the mean of its ends: h²
    assert np.isclose(first, -0.025, rtol=0.01)
    assert np.isclose(of(1.0, 0.5, 1.0), -0.0125, rtol=0.01)  # it depends on the width
    assert np.isclose(of(0.5, 0.5, 2.0), first, rtol=1e-6)
    assert np.isclose(of(0.5, 0.25, 2.0), first / 4, rtol=1e-6)  # D = ħ/2m
    # T1', u = -∇(Dρ)/ρ: V_T = -(m/2)|∇D|² - mDΔD of a linear D is constant
    primed = accelerations("T1'", slope)
    assert np.isclose(primed(0.5, 0.5, 1.0), first, rtol=1e-3)
    # T2, a rest energy mc²n: all masses and widths
    thermal = accelerations("T2", slope)
    for args in ((0.5, 0.5, 1.0), (1.0, 0.5, 1.0), (0.5, 0.25, 2.0)):
        assert np.isclose(thermal(*args), -slope, rtol=1e-6)


WELLS = {
    "spring": (9.0, 96, lambda x: x**2 / 2),
    "quartic": (6.0, 96, lambda x: x**4 / 4),
    "double well": (8.0, 96, lambda x: (x**2 - 4) ** 2 / 16),
    "atom": (10.0, 200, lambda x: -1 / np.sqrt(x**2 + 0.2**2)),
}


def clocks_and_scale(name, hbar, depth):
    """Frequencies of the two lowest transitions from the ground state, and its size."""
    half, points, V = WELLS[name]
    grid = Grid((-half, half), points)
    x = np.asarray(grid.x)
    levels, states = map(np.asarray, eigenstates(grid, depth * V(x), 3, hbar=hbar))
    size = np.sqrt(np.sum(states[0] ** 2 * x**2) * grid.cell)
    return np.array([*(levels[1:] - levels[0]) / hbar, size])


@equation("claim-5.4-gravity")
def test_clocks_agree_where_V_over_m_goes_with_D_squared():
    """(ħ, V) to (.9 ħ, .81 V): clocks at .9 and lengths as they were; V alone or ħ
    alone, or another power, and they part."""
    low = 0.9
    for name in ("spring", "quartic", "double well"):
        both = clocks_and_scale(name, low, low**2) / clocks_and_scale(name, 1.0, 1.0)
        # rounding of energies near 1e3
        assert np.allclose(both, [low, low, 1], rtol=0, atol=1e-8)
    usual, alone = (clocks_and_scale("double well", h, 1.0) for h in (1.0, low))
    assert np.isclose(alone[0] / usual[0], 0.732, rtol=0, atol=6e-4)
    # of powers: one rate for all of them at c = 2, and at no other
    powers = np.array([-1.0, 1.0, 2.0, 4.0, 8.0])
    for depth in (0.0, 1.0, 1.9, 2.0, 2.1, 3.0):
        rate, length = clock_and_length(low, powers, depth=depth)
        agree = np.ptp(rate) < 1e-12 and np.ptp(length) < 1e-12
        assert agree == (depth == 2.0)


@equation("claim-5.4-gravity")
def test_clocks_of_two_particles_of_unequal_masses_agree_as_well():
    """D of each lowered to .9: a light and a heavy one, bound softly to each other."""
    grid = Grid([(-7.0, 7.0), (-5.0, 5.0)], (24, 24))
    x, y = (np.asarray(axis) for axis in grid.coordinates)
    V = x**4 / 8 + y**2 / 4 - 2 / np.sqrt((x - y) ** 2 + 1)
    masses, low = [1.0, 3.0], 0.9

    def clocks(hbar, depth):
        levels, states = eigenstates(grid, depth * V, 3, mass=masses, hbar=hbar)
        sizes = [np.sum(np.asarray(states[0]) ** 2 * q**2) * grid.cell for q in (x, y)]
        return np.array([*np.diff(np.asarray(levels)) / hbar, *np.sqrt(sizes)])

    usual = clocks(1.0, 1.0)
    both = clocks(low, low**2) / usual
    assert np.allclose(both, [low, low, 1, 1], rtol=0, atol=1e-9)
    # with V as it is neither clock keeps time with the other
    alone = clocks(low, 1.0) / usual
    assert np.ptp(alone[:2]) > 0.003
    assert np.all(np.abs(alone[2:] - 1) > 0.01)


@pytest.mark.slow
@equation("claim-5.4-gravity")
def test_clocks_and_scales_where_fluctuations_are_weaker():
    """D lowered to 0.9 everywhere, m as it is: ħ = 2mD to 0.9; then V to 0.81, too."""
    low = 0.9
    lowered, both = {}, {}
    for name in WELLS:
        usual = clocks_and_scale(name, 1.0, 1.0)
        lowered[name] = clocks_and_scale(name, low, 1.0) / usual
        both[name] = clocks_and_scale(name, low, low**2) / usual
    # powers p of x scale by λ^((p-2)/(p+2)) and λ^(2/(p+2)); rounding of energies near
    # 1e3, and the edges of the boxes at e^-30
    for name, power in (("spring", 2), ("quartic", 4)):
        rate, length = clock_and_length(low, power)
        assert np.allclose(lowered[name], [rate, rate, length], rtol=0, atol=1e-8)
    assert np.allclose(lowered["spring"], [1, 1, 0.949], rtol=0, atol=5e-4)
    assert np.allclose(lowered["quartic"], [0.965, 0.965, 0.965], rtol=0, atol=5e-4)
    # lengths of these shrink; clocks keep time, slow down or, in an atom, go faster,
    # each line by a factor of its own: to half of the last digit of the figures
    assert np.allclose(lowered["atom"], [1.142, 1.161, 0.896], rtol=0, atol=5e-4)
    # tunnelling slows most, in a well whose state does not shrink but grows
    assert np.allclose(lowered["double well"], [0.732, 0.976, 1.027], rtol=0, atol=6e-4)
    # (ħ, V) to (λħ, λ²V) is H to λ²H: clocks that agree, and lengths that stay
    for name in WELLS:
        rate, length = clock_and_length(low, 2.0, depth=2.0)
        assert np.allclose(both[name], [rate, rate, length], rtol=0, atol=1e-8)
        assert np.allclose(both[name], [0.9, 0.9, 1], rtol=0, atol=1e-8)


@equation("claim-5.6-paradox")
def test_preons_within_a_small_region_are_heavier_than_what_they_make_up():
    """E >= pc and p >= ħ/2Δx, whatever their mass: 99 GeV within 1e-18 m."""
    size = 1e-18
    least = si.hbar * si.c / (2 * size)
    assert least / si.eV == pytest.approx(98.7e9, rel=1e-3)
    assert least / (si.m_e * si.c**2) == pytest.approx(1.93e5, rel=1e-2)
    # levels of light preons in a box of that size, and the mass of the heaviest lepton
    tau = 1776.9e6 * si.eV
    assert np.pi * si.hbar * si.c / size / tau == pytest.approx(349, rel=1e-2)
