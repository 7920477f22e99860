"""Section 2.3 and appendix C of the diffusion paper: paths, slits and probabilities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.ensembles import two_time_correlation
from jqd.ensembles.paths.schemes import Pull, drift, heun
from jqd.exact import closed_forms
from jqd.exact.eigenstates import eigenstates
from jqd.readings import slits
from jqd.readings.energies import energy_budget
from jqd.readings.slits import slit_wall
from jqd.spaces import Grid

from .conftest import equation

# Derivatives of numbers of order 1 to 10.
ROUNDING = 1e-11
# What a wrong sign leaves.
REFUTED = 0.05


def freely(grid, psi, t):
    """Free motion by FFT in NumPy, ħ = m = 1."""
    return np.fft.ifft(np.exp(-0.5j * t * np.asarray(grid.k2)) * np.fft.fft(psi))


def split_steps(grid, V, psi, t, steps):
    """Motion in a potential by Strang's splitting in NumPy, ħ = m = 1."""
    dt = t / steps
    kinetic = np.exp(-0.5j * dt * np.asarray(grid.k2))
    half = np.exp(-0.5j * dt * np.asarray(V))
    for _ in range(steps):
        psi = half * np.fft.ifftn(kinetic * np.fft.fftn(half * psi))
    return psi


@equation("claim-forward-drift")
@equation("claim-noise")
def test_any_noise_moves_the_density_alike():
    """∂ρ/∂t = -∇(bρ) + ν∇²ρ, with derivatives by automatic differentiation."""
    hbar, mass = 1.3, 0.7
    D = hbar / (2 * mass)
    well = {"omega": 0.9, "mass": mass, "hbar": hbar}

    def psi(x, t):
        return closed_forms.squeezed_state(
            x, t, center=1.0, width=0.6, **well
        ) + 0.3 * closed_forms.squeezed_state(x, t, center=0.6, width=1.1, **well)

    def density(x, t):
        return jnp.abs(psi(x, t)) ** 2

    @jax.jit
    @jax.vmap
    def gap(x, nu, noise):
        def flux(x):
            L = jax.jacfwd(psi)(x, 0.8) / psi(x, 0.8)
            b = drift(Pull(jnp.reshape(L, (1, 1)), None), D, nu)[0, 0]
            return b * density(x, 0.8)

        spread = jax.grad(jax.grad(density))(x, 0.8)
        change = jax.grad(density, 1)(x, 0.8)
        return change + jax.grad(flux)(x) - noise * spread

    x = jnp.array([-0.4, 0.2, 0.9, 1.5])
    for nu in (0.0, D, 2.3 * D):
        nu = jnp.full(4, nu)
        assert np.max(np.abs(gap(x, nu, nu))) < ROUNDING
    # backward in time, ∂ρ/∂t = -∇(b*ρ) - D∇²ρ, the drift is v + u
    back = jnp.full(4, -D)
    assert np.max(np.abs(gap(x, back, back))) < ROUNDING

    @jax.jit
    @jax.vmap
    def velocities(x):
        L = jax.jacfwd(psi)(x, 0.8) / psi(x, 0.8)
        u = -D * jax.grad(density)(x, 0.8) / density(x, 0.8)  # (19)
        pull = Pull(jnp.reshape(L, (1, 1)), None)
        b = [drift(pull, D, nu)[0, 0] for nu in (D, -D)]
        return hbar / mass * jnp.imag(L), u, *b

    v, u, forward, backward = velocities(x)
    assert np.allclose(forward, v - u, rtol=0, atol=ROUNDING)
    assert np.allclose(backward, v + u, rtol=0, atol=ROUNDING)
    # v + u for the forward drift is another motion
    assert np.max(np.abs(gap(x, jnp.full(4, -D), jnp.full(4, D)))) > REFUTED


@equation("claim-brownian")
def test_brownian_paths_miss_the_correlations_of_two_times():
    grid, times = Grid((-7.0, 7.0), 56), np.array([0.0, np.pi / 2, np.pi])
    well = np.asarray(grid.x) ** 2 / 2
    ground = np.exp(-well) * np.pi**-0.25
    steps = 40

    def pull(x):
        return Pull(-x + 0j, None)  # of the ground state

    @jax.jit
    def walk(x, noise):
        def step(x, dW):
            dt = jnp.pi / steps
            moved = heun(None, pull, x, pull(x), dW, dt, 0.5, 0.5)
            return moved, moved

        later = jax.lax.scan(step, x, noise * np.sqrt(np.pi / steps))[1]
        return jnp.concatenate([x[None], later[steps // 2 - 1 :: steps // 2]])

    rng = np.random.default_rng(1)
    start = rng.normal(size=(4000, 1)) * np.sqrt(0.5)
    positions = walk(start, rng.normal(size=(steps, 4000, 1)))
    found = two_time_correlation(positions)
    brownian = np.exp(-np.asarray(times)) / 2
    sigma = np.asarray(found.error)[:, 0]
    assert np.all(np.abs(found.value[:, 0] - brownian) < 4 * sigma)
    # quantum mechanics: Re ⟨ψ| x(t) x |ψ⟩, by the motion of ψ and of xψ
    x, quantum = np.asarray(grid.x), []
    for t in (1e-9, np.pi / 2, np.pi):
        still, kicked = (
            split_steps(grid, well, f, t, 400) for f in (ground, x * ground)
        )
        quantum.append(np.real(np.sum(np.conj(still) * x * kicked)) * grid.cell)
    quantum = np.array(quantum)
    assert np.allclose(quantum, np.cos(times) / 2, rtol=0, atol=1e-4)
    assert np.all(np.abs(found.value[1:, 0] - quantum[1:]) > 8 * sigma[1:])
    # while the density is right at each time
    spread = np.mean(np.asarray(positions) ** 2, axis=(1, 2))
    assert np.allclose(spread, 0.5, rtol=0, atol=4 * 0.5 * np.sqrt(2 / 4000))


SLITS = {"distance": 4.0, "width": 0.3}
LINE = Grid((-48.0, 48.0), 768)


@equation("claim-C-interference")
def test_amplitudes_or_probabilities_of_two_slits():
    t, x = 2.0, np.asarray(LINE.x)

    def start(centre):
        return np.exp(-((x - centre) ** 2) / (4 * 0.09)) + 0j

    upper, lower = (freely(LINE, start(c), t) for c in (2.0, -2.0))
    both = freely(LINE, start(2.0) + start(-2.0), t)
    assert np.allclose(both, upper + lower, rtol=0, atol=1e-13)

    def normal(density):
        return density / (np.sum(density) * LINE.cell)

    def density(overlap):
        return np.asarray(slits.slit_density(x, t, overlap=overlap, **SLITS))

    sums = normal(np.abs(upper) ** 2 + np.abs(lower) ** 2)
    fringes = normal(np.abs(both) ** 2)
    assert np.allclose(density(1.0), fringes, rtol=0, atol=1e-12)
    assert np.sum(np.abs(fringes - sums)) * LINE.cell > 0.5
    # without the shared term probabilities add
    assert np.allclose(density(0.0), sums, rtol=0, atol=1e-12)
    shared = np.real(np.conj(upper) * lower)
    partial = np.abs(upper) ** 2 + np.abs(lower) ** 2 + 2 * 0.4 * shared
    assert np.allclose(density(0.4), normal(partial), rtol=0, atol=1e-12)
    # their distance
    # (2πt/d)(1 + 1/θ²), θ = t/2s₀²
    theta = t / (2 * SLITS["width"] ** 2)
    spacing = 2 * np.pi * t / SLITS["distance"] * (1 + 1 / theta**2)
    phase = np.unwrap(np.angle(np.conj(upper) * lower))
    core = np.abs(x) < 4
    slope = np.polyfit(x[core], phase[core], 1)[0]
    assert np.isclose(2 * np.pi / abs(slope), spacing, rtol=1e-9)


@equation("claim-C-which-path")
@pytest.mark.parametrize("angle", [np.pi / 2, 1.0, np.pi])
def test_a_detector_that_the_upper_way_turns(angle):
    """H = p²/2 + (angle/τ) f(x) σ for a time τ, f = 1 above and 0 below.

    The particle alone, whatever the detector shows: in the states ±1 of σ, of equal
    weight at the start, V is ± the same potential.
    """
    t, tau, x = 2.0, 0.05, np.asarray(LINE.x)
    parts = [np.exp(-((x - c) ** 2) / (4 * 0.09)) + 0j for c in (2.0, -2.0)]
    psi = sum(parts) / np.sqrt(np.sum(np.abs(sum(parts)) ** 2) * LINE.cell)
    above = (1 + np.tanh(x / 0.2)) / 2
    turned = [
        freely(LINE, split_steps(LINE, s * angle / tau * above, psi, tau, 50), t - tau)
        for s in (1, -1)
    ]
    found = np.mean(np.abs(turned) ** 2, axis=0)
    expected = slits.slit_density(x, t, overlap=np.cos(angle), **SLITS)
    # tails of e^-9 of the packets lie where f is neither 0 nor 1
    assert np.sum(np.abs(found - expected)) * LINE.cell < 2e-3
    # Tr ρ² of the particle: pure, if the detector has been turned all the way round
    overlap = np.sum(np.conj(turned[0]) * turned[1]) * LINE.cell
    purity = (1 + np.abs(overlap) ** 2) / 2
    assert np.isclose(purity, (1 + np.cos(angle) ** 2) / 2, rtol=0, atol=1e-3)
    # Negative control: the fringes of no detector.
    blank = np.asarray(slits.slit_density(x, t, overlap=1.0, **SLITS))
    assert np.sum(np.abs(found - blank)) * LINE.cell > 0.2


@equation("claim-C-one-slit")
def test_one_slit_has_dark_lines_too():
    grid, t = Grid((-400.0, 400.0), 8192), 8.0
    x, dx = np.asarray(grid.x), grid.spacing[0]
    width = 20 * dx
    edge = np.clip(0.5 + (width / 2 - np.abs(x)) / dx, 0, 1)
    # soft edges, so that the fastest waves stay in the box
    psi = np.fft.ifft(np.fft.fft(edge) * np.exp(-np.asarray(grid.k2) * 0.004))
    density = np.abs(freely(grid, psi, t)) ** 2
    dark = 2 * np.pi * t / width  # λL/a
    near = np.abs(np.abs(x) - dark) < 0.2 * dark
    place = abs(x[near][np.argmin(density[near])])
    assert np.isclose(place, dark, rtol=0.02)
    assert density[near].min() < 1e-3 * density.max()
    side = (np.abs(x) > 1.2 * dark) & (np.abs(x) < 1.8 * dark)
    assert density[side].max() > 0.03 * density.max()
    # a Gaussian slit has none
    alone = np.abs(slits.slit_amplitudes(x, t, **SLITS)[0]) ** 2
    right = (x > 2) & (alone > 1e-12)
    assert np.all(np.diff(alone[right]) < 0)


@equation("claim-C-amplitudes")
def test_slits_in_a_wall_are_coupled():
    grid = Grid(((-7.0, 7.0), (-6.0, 6.0)), (28, 24))
    x, y = (np.asarray(axis) for axis in grid.coordinates)
    psi0 = np.exp(-((x + 3.5) ** 2) / 4 - y**2 / 16 + 2.5j * x)
    psi0 = psi0 / np.sqrt(np.sum(np.abs(psi0) ** 2) * grid.cell)

    def behind(*centres):
        wall = slit_wall(grid, centres, opening=1.0, thickness=1.0, height=20.0)
        return split_steps(grid, wall, psi0, 2.5, 500)[17:26]

    # what comes over the wall, and round the small box, is the same in all
    closed = behind()
    both, upper = behind(1.5, -1.5) - closed, behind(1.5) - closed
    lower = upper[:, -np.arange(24) % 24]  # the mirror image

    def norm(f):
        return np.sqrt(np.sum(np.abs(f) ** 2))

    # The sum is good to some per cent, and not exact: each slit disturbs the other.
    assert 0.005 < norm(both - upper - lower) / norm(both) < 0.03
    incoherent = np.abs(upper) ** 2 + np.abs(lower) ** 2
    assert norm(np.abs(both) ** 2 - incoherent) > 0.3 * norm(incoherent)


@equation("claim-B-barrier")
def test_a_packet_leaves_a_well():
    grid = Grid((-9.0, 9.0), 120)
    x, well = np.asarray(grid.x), (np.asarray(grid.x) ** 2 - 4) ** 2 / 16
    levels, states = map(np.asarray, eigenstates(grid, well, 2))
    # known to nine digits
    assert np.allclose(levels, [0.572412387, 0.688019377], rtol=0, atol=5e-9)
    left = (states[0] + states[1]) / np.sqrt(2)
    sign = 1 if np.sum(left[x < 0] ** 2) * grid.cell > 0.5 else -1
    left = (states[0] + sign * states[1]) / np.sqrt(2)
    time = np.pi / (levels[1] - levels[0])
    moved = split_steps(grid, well, left, time, 2000)
    before, after = np.abs(left) ** 2, np.abs(moved) ** 2
    # second order in steps of 0.014
    assert np.allclose(after, before[(-np.arange(120)) % 120], rtol=0, atol=1e-3)
    assert np.sum(after[x > 0]) * grid.cell > 0.97
    # with the mean energy, which lies below the barrier of 1, at all times
    measure = jax.jit(lambda psi: energy_budget(psi, grid, well).total)
    found = [measure(psi) for psi in (left + 0j, moved)]
    assert np.allclose(found, np.mean(levels), rtol=0, atol=1e-4)
    assert np.max(levels) < 1  # neither of its energies reaches the barrier
