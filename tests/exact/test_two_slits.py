"""Two slits: the closed form of Gaussian ones, and a wall in the plane."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Fixed, Grid, Schrodinger, evolve
from jqd.exact import on_grids
from jqd.readings.slits import (
    Screen,
    current,
    slit_amplitudes,
    slit_density,
    slit_wall,
    two_slits,
)
from jqd.steppers import strang

SLITS = {"distance": 4.0, "width": 0.3}


def fringe_spacing(t, distance, width, mass=1.0, hbar=1.0):
    """(2πħt/md)(1 + 1/θ²), θ = ħt/2ms₀²: between points of equal phase difference."""
    theta = hbar * t / (2 * mass * width**2)
    return 2 * np.pi * hbar * t / (mass * distance) * (1 + 1 / theta**2)


# -- Gaussian slits -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("t", "spacing"), [(0.2, 0.5686282703), (2, 3.1670395541), (5, 7.8641603942)]
)
def test_fringe_spacing(t, spacing):
    found = fringe_spacing(t, **SLITS)
    np.testing.assert_allclose(found, spacing, rtol=0, atol=6e-11)  # known digits
    # it is the distance over which the phase between the two waves turns once
    x = np.array([0.3, 0.3 + spacing])
    plus, minus = slit_amplitudes(x, float(t), **SLITS)
    phase = np.angle(np.conj(plus) * minus)
    np.testing.assert_allclose(np.exp(1j * (phase[1] - phase[0])), 1, atol=1e-9)
    half = np.angle(np.exp(1j * (phase[0] - 2 * np.pi * 0.3 / spacing)))
    np.testing.assert_allclose(abs(half), 0, atol=1e-9)


def test_fringe_spacing_in_other_units():
    """Only ħ/m counts, and far away it is λL/d."""
    scaled = fringe_spacing(2.0, mass=1.3, hbar=0.8, **SLITS)
    np.testing.assert_allclose(scaled, fringe_spacing(1.6 / 1.3, **SLITS), rtol=1e-14)
    far = fringe_spacing(1e6, **SLITS)
    np.testing.assert_allclose(far, 2 * np.pi * 1e6 / 4, rtol=1e-11)


def test_density_equals_a_propagation():
    """On a grid, from the sum of the two waves; and no part of it is the fringes."""
    grid = Grid((-48.0, 48.0), 768)
    t = 2.0
    start = np.sum(slit_amplitudes(grid.x, 0.0, **SLITS), axis=0)
    start = start / np.sqrt(np.sum(np.abs(start) ** 2) * grid.cell)
    turn = np.exp(-0.5j * t * np.asarray(grid.k2))
    moved = np.fft.ifft(turn * np.fft.fft(start))
    density = slit_density(grid.x, t, **SLITS)
    # free: exact but for the box, 46/3.3 standard deviations away
    np.testing.assert_allclose(density, np.abs(moved) ** 2, rtol=0, atol=1e-12)
    np.testing.assert_allclose(grid.integrate(density), 1, rtol=1e-12)
    unmarked = slit_density(grid.x, t, overlap=0.0, **SLITS)
    assert np.max(np.abs(unmarked - density)) > 0.05
    # the same by dense diagonalisation of a coarser grid
    coarse = Grid((-12.0, 12.0), 128)
    start = coarse.normalise(np.sum(slit_amplitudes(coarse.x, 0.0, **SLITS), axis=0))
    states = on_grids.propagate(coarse, jnp.zeros(128), start, [0.0, 0.5])
    early = slit_density(coarse.x, 0.5, **SLITS)
    np.testing.assert_allclose(np.abs(states[1]) ** 2, early, rtol=0, atol=1e-12)


@pytest.mark.parametrize("overlap", [1.0, 0.6, 0.25j, 0.3 - 0.4j, 0.0])
def test_visibility_is_the_overlap(overlap):
    """|ψ_+| = |ψ_-| at the centre: there (1 + Re η e^{iφ}) of the mean is seen."""
    grid = Grid((-48.0, 48.0), 768)
    t = 2.0
    density = slit_density(grid.x, t, overlap=overlap, **SLITS)
    np.testing.assert_allclose(grid.integrate(density), 1, rtol=1e-11)
    plus, minus = slit_amplitudes(grid.x, t, **SLITS)
    detector = np.array([1.0, 0.0]), np.array([overlap, np.sqrt(1 - abs(overlap) ** 2)])
    # a spinor that the slit has marked, <+|-> = η
    spinor = (
        plus[:, None] * detector[0][None, :] + minus[:, None] * detector[1][None, :]
    )
    joint = np.sum(np.abs(spinor) ** 2, axis=1)
    joint = joint / grid.integrate(joint)
    np.testing.assert_allclose(density, joint, rtol=0, atol=1e-13)
    middle = slit_density(0.0, t, overlap=overlap, **SLITS)
    shared = np.exp(-2 / 0.09)
    expected = (
        abs(plus[384]) ** 2 * (1 + np.real(overlap)) / (1 + np.real(overlap) * shared)
    )
    np.testing.assert_allclose(middle, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: slit_amplitudes(0.0, 1.0, distance=-1, width=1), "`distance` must be"),
        (lambda: slit_density(0.0, 1.0, distance=4, width=0), "`width` must be pos"),
        (
            lambda: slit_density(0.0, 1.0, overlap=1.1, **SLITS),
            "`overlap` must have modulus 1 at most, but is 1.1",
        ),
    ],
)
def test_refused_slits(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


# -- a wall in the plane --------------------------------------------------------------


def pattern(problem, substeps, dtype=complex):
    """Flux summed over time: with both slits, each alone, and what they share."""

    def run(V):
        law = Schrodinger.on_grid(problem.grid, V, absorber=problem.absorber)
        method = Fixed(strang, substeps, estimate_error=False)
        psi = problem.psi0.astype(dtype)
        return evolve(law, psi, problem.ts, method=method, observe=problem.screen)

    runs = jax.jit(jax.vmap(run))(problem.walls)
    both, upper, lower = runs.values
    dt = problem.ts[1] - problem.ts[0]

    def total(flux):
        return np.asarray((flux.sum(0) - (flux[0] + flux[-1]) / 2) * dt)

    alone = total(current(upper)) + total(current(lower))
    shared = total(current(upper, lower)).real
    return total(current(both)), alone, shared, runs.diagnostics["max_absorbed"]


def extremum(problem, flux, low, high, sign=1):
    """Place and value of the largest (or least) flux between y = low and high."""
    y = np.asarray(problem.screen.y)
    inside = np.flatnonzero((y > low) & (y < high))
    i = inside[np.argmax(sign * flux[inside])]
    a, b, c = flux[i - 1 : i + 2]
    shift = (a - c) / (2 * (a - 2 * b + c))
    return y[i] + shift * (y[1] - y[0]), b - (a - c) * shift / 4


def check_pattern(problem, both, alone, shared, maximum, minimum):
    """The figures that theory has, with the tolerances of the grid."""
    for sign in (1, -1):
        ends = sorted((sign * 0.6 * maximum, sign * 1.4 * maximum))
        place, _ = extremum(problem, both, *ends)
        np.testing.assert_allclose(place, sign * maximum, rtol=0.02)
    np.testing.assert_allclose(maximum, problem.spacing, rtol=0.02)
    place, darkest = extremum(problem, both, 0.5 * minimum, 1.5 * minimum, sign=-1)
    np.testing.assert_allclose(place, minimum, rtol=0.02)
    middle = both[both.size // 2]
    assert darkest < 0.03 * middle
    # the wave through both is the sum of the waves through each, to a few per cent
    # that the slits do to each other; intensities do not add at all
    sums = alone + 2 * shared

    def distance(flux):
        return np.sum(np.abs(both / both.sum() - flux / flux.sum()))

    assert distance(sums) < 0.03
    np.testing.assert_allclose(distance(alone), 0.594, rtol=0.05)
    np.testing.assert_allclose(middle / alone[both.size // 2], 1.984, rtol=0.03)
    # a detector with overlap η leaves η of the contrast
    centre, dark = both.size // 2, np.argmin(np.abs(problem.screen.y - minimum))

    def contrast(eta):
        seen = alone + 2 * eta * shared
        a, b = (seen[i] / alone[i] for i in (centre, dark))
        return (a - b) / (a + b)

    assert contrast(1.0) > 0.95
    for eta in (0.75, 0.25):
        np.testing.assert_allclose(contrast(eta) / contrast(1.0), eta, atol=0.01)
    np.testing.assert_allclose(contrast(0.0), 0, atol=1e-12)


def test_two_slits_on_a_coarse_grid():
    """The screen at 20, single precision."""
    problem = two_slits(0.3125, screen=20.0, duration=14.0, saves=70)
    both, alone, shared, absorbed = pattern(problem, 8, jnp.complex64)
    assert problem.grid.shape == (160, 256)
    check_pattern(problem, both, alone, shared, 7.793, 3.94)
    # what came through and what the wall sent back is gone, but for the slowest
    assert np.all(absorbed > 0.99)


@pytest.mark.slow
def test_two_slits():
    """The screen at 30: the documented figures."""
    problem = two_slits()
    both, alone, shared, _ = pattern(problem, 5)
    assert problem.grid.shape == (240, 320)
    check_pattern(problem, both, alone, shared, 11.74, 5.888)


def test_the_current_obeys_continuity():
    """d/dt of what is left of the screen = - the flux through it."""
    grid = Grid(((-8.0, 8.0), (-8.0, 8.0)), (64, 64))
    x, y = (np.asarray(axis) for axis in grid.coordinates)
    psi = np.exp(-(x**2) / 2 - y**2 / 3 + 1.5j * x + 0.3j * x * y)
    psi = psi / np.sqrt(np.sum(np.abs(psi) ** 2) * grid.cell)
    law = Schrodinger.on_grid(grid, np.zeros((64, 64)), mass=1.3, hbar=0.8)
    screen = Screen(grid, 1.0)
    flux = current(screen(0.0, psi), mass=1.3, hbar=0.8).sum() * grid.spacing[1]
    rate = 2 * np.real(psi.conj() * np.asarray(law.vector_field(0.0, psi)))
    # the trapezoid ends on the screen; of a smooth flux it is off by h²/12 of a slope,
    # so the next term is taken as well
    left = rate[: screen.index].sum() + rate[screen.index].sum() / 2
    k = np.asarray(grid.wavenumbers[0])
    slope = np.fft.ifftn(1j * k * np.fft.fftn(rate)).real
    correction = slope[screen.index].sum() * grid.spacing[0] ** 2 / 12
    inside = left * grid.cell - correction * grid.spacing[1]
    np.testing.assert_allclose(inside, -flux, rtol=0, atol=2e-5)
    # Negative control: the flux at another place
    other = current(Screen(grid, 1.5)(0.0, psi), mass=1.3, hbar=0.8).sum()
    assert abs(other * grid.spacing[1] - flux) > 1e-2
    # the flux of a sum
    a, b = screen(0.0, psi), screen(0.0, np.roll(psi, 5, axis=1) * 1j)
    np.testing.assert_allclose(
        current(a + b),
        current(a) + current(b) + 2 * current(a, b).real,
        rtol=0,
        atol=1e-14,
    )


def test_the_wall():
    """Its volume is right wherever the edges fall."""
    for n in (80, 96):
        grid = Grid(((-5.0, 5.0), (-10.0, 10.0)), (n, 2 * n))
        wall = slit_wall(grid, (2.0, -2.0), opening=1.0, thickness=1.2, height=40.0)
        np.testing.assert_allclose(
            grid.integrate(wall), 40 * 1.2 * (20 - 2), rtol=1e-12
        )
        assert wall.max() == 40
        i = np.argmin(np.abs(grid.coordinates[1][0] - 2.0))
        assert wall[n // 2, i] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: two_slits(-0.1), "`h` must be positive"),
        (lambda: Screen(Grid((0.0, 1.0), 16), 0.5), "`grid` must have two dimensions"),
        (
            lambda: Screen(Grid(((0.0, 1.0), (0.0, 1.0)), (16, 4)), 0.1),
            "`x` must lie at least 4 points inside",
        ),
        (
            lambda: slit_wall(
                Grid((0.0, 1.0), 16), (), opening=1.0, thickness=1.0, height=1.0
            ),
            "`grid` must have two dimens",
        ),
        (
            lambda: slit_wall(
                Grid(((0.0, 1.0),) * 2, (4, 4)),
                (),
                opening=0.0,
                thickness=1.0,
                height=1.0,
            ),
            "`opening` must be positive",
        ),
    ],
)
def test_refused_walls(call, message):
    with pytest.raises(ValueError, match=message):
        call()
