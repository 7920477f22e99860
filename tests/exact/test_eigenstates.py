"""Stationary states: closed forms, and figures known from elsewhere."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.exact.eigenstates import eigenstates
from jqd.spaces import Grid

BOX = Grid((-9.0, 9.0), 96)
WELLS = {
    "harmonic": lambda x: x**2 / 2,
    "quartic": lambda x: x**4 / 4,
    "double": lambda x: (x**2 - 4) ** 2 / 16,
}


@pytest.fixture(scope="module")
def found():
    return {name: eigenstates(BOX, V(BOX.x), 4) for name, V in WELLS.items()}


@pytest.mark.parametrize(
    ("well", "levels", "localization"),
    [
        ("harmonic", [0.5, 1.5, 2.5, 3.5], 0.25),
        ("quartic", [0.4208049745], 0.2805366497),
        ("double", [0.572412387, 0.688019377], None),
    ],
)
def test_known_levels(found, well, levels, localization):
    energies, states = found[well]
    # the last digit that is known
    np.testing.assert_allclose(energies[: len(levels)], levels, rtol=0, atol=6e-10)
    if localization is not None:
        # all kinetic energy of a real state is of localisation
        ground = np.asarray(states[0])
        slope = np.fft.ifft(1j * BOX.wavenumbers[0] * np.fft.fft(ground)).real
        np.testing.assert_allclose(
            BOX.integrate(slope**2) / 2, localization, rtol=0, atol=1e-10
        )
        potential = BOX.integrate(WELLS[well](BOX.x) * ground**2)
        np.testing.assert_allclose(
            energies[0] - potential, localization, rtol=0, atol=1e-10
        )


def test_the_splitting_of_the_double_well(found):
    energies, _ = found["double"]
    np.testing.assert_allclose(energies[1] - energies[0], 0.115606990, atol=6e-10)


def test_a_box_is_half_a_ring():
    """States of a box of length 1 are the odd ones of a ring of length 2."""
    ring = Grid((-1.0, 1.0), 16)
    energies, states = eigenstates(ring, jnp.zeros(16), 3)
    # cos and sin of the same wave: the level is double, all of it of localisation
    np.testing.assert_allclose(energies, [0, 4.934802201, 4.934802201], atol=6e-10)
    wave = np.sin(np.pi * ring.x)
    projected = states[1:] @ wave * ring.cell
    np.testing.assert_allclose(np.sum(projected**2), 1, rtol=1e-13)


def test_localization_of_the_hydrogen_atom():
    """(ħ²/8m) ∫ (∂ρ/∂r)²/ρ 4πr² dr = 1/2 for ρ = exp(-2r)/π, as the virial has it."""
    # over -R..R, where the integrand is even: a kink in its third derivative alone
    line = Grid((-25.0, 25.0), 20_000)
    r = np.abs(line.x)
    density = np.exp(-2 * r) / np.pi
    slope = -2 * density
    integrand = slope**2 / density * 4 * np.pi * r**2 / 8
    # Euler-Maclaurin: h⁴/720 of the kink
    np.testing.assert_allclose(line.integrate(integrand) / 2, 0.5, rtol=0, atol=1e-10)


def test_units_orthonormality_and_sign():
    mass, hbar, omega = 1.3, 0.8, 0.9
    grid = Grid((-8.0, 8.0), 64)
    V = mass * omega**2 * grid.x**2 / 2
    energies, states = eigenstates(grid, V, 5, mass=mass, hbar=hbar)
    # the highest state is e^-40 at the edge; rounding of energies up to 50
    np.testing.assert_allclose(
        energies, hbar * omega * (np.arange(5) + 0.5), rtol=0, atol=1e-11
    )
    overlaps = states @ states.T * grid.cell
    np.testing.assert_allclose(overlaps, np.eye(5), atol=1e-13)
    ground = (mass * omega / (np.pi * hbar)) ** 0.25 * np.exp(
        -mass * omega * grid.x**2 / (2 * hbar)
    )
    np.testing.assert_allclose(states[0], ground, rtol=0, atol=1e-11)
    # the first lobe is positive: Hermite polynomials times (-1)^n
    assert states[1][grid.x < -0.5].sum() > 0 > states[1][grid.x > 0.5].sum()
    # Negative control: another hbar
    other, _ = eigenstates(grid, V, 5, mass=mass, hbar=1.001 * hbar)
    assert np.min(np.abs(other - energies)) > 1e-4


def test_planes_and_gradients():
    line = Grid((-6.0, 6.0), 24)
    plane = Grid(((-5.0, 5.0), (-4.0, 4.0)), (16, 18))
    x, y = plane.coordinates
    energies, states = eigenstates(plane, x**2 / 2 + 2 * y**2, 3)
    assert states.shape == (3, 16, 18)
    # a quantum along x, none along y; what 16 points leave
    wave = x * jnp.exp(-(x**2) / 2 - y**2)
    expected = -wave / jnp.sqrt(plane.norm2(wave))
    np.testing.assert_allclose(states[1], expected, rtol=0, atol=1e-3)
    # omega = 1 and 2: 1.5, then one quantum along x, then a pair; a grid of 16 points
    np.testing.assert_allclose(energies, [1.5, 2.5, 3.5], rtol=0, atol=1e-4)

    def ground(k):
        return eigenstates(line, k * line.x**2 / 2, 1)[0][0]

    # dE/dk of sqrt(k)/2
    np.testing.assert_allclose(jax.grad(ground)(1.0), 0.25, rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"levels": 0}, "`levels` must be a positive integer, but is 0"),
        ({"levels": 2.0}, "`levels` must be a positive integer, but is 2.0"),
        ({"levels": 9}, "`levels` must be at most the number of points, 8, but is 9"),
        ({"potential": np.zeros(7)}, "`potential` must have shape (8,)"),
        ({"mass": 0.0}, "`mass` must be positive"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"potential": np.zeros(8), "levels": 2} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        eigenstates(Grid((0.0, 1.0), 8), **arguments)
