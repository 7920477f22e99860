"""Paths that spinors guide: Stern and Gerlach's magnet, and the current of a spin."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm, solve_banded
from scipy.stats import norm

import jqd
from jqd.ensembles import arrival_flux, bohm, nelson, path_spin, survival
from jqd.ensembles.paths.guide import Guide

FORCE, TIME, UP = 1.5, 6.0, 0.3
MAGNET = jqd.Grid((-48.0, 48.0), 768)
# with g q ħ/4m = 1 the force on spin up is the slope of B
LAW = jqd.Pauli(MAGNET, lambda z: 0 * z, lambda z: FORCE * z, charge=2.0)
PSI = jnp.multiply.outer(
    jnp.sqrt(jnp.array([UP, 1 - UP])) + 0j,
    MAGNET.normalise(jnp.exp(-(MAGNET.x**2) / 4)),
)
TS = jnp.array([0.0, TIME])
# s₀ Φ⁻¹(1 - |c₊|²)
EDGE = norm.ppf(1 - UP)
PATHS = {"substeps": 100, "error_paths": 0}


def test_a_magnet_parts_a_beam():
    """Gaussians at ±Ft²/2 of the width of a free one, 30 % of them up."""
    run = jqd.evolve(
        LAW, LAW.prepare(PSI), TS, observe=["spin_density", "spin_populations"],
        method=jqd.Fixed(jqd.steppers.srkn11, 40, estimate_error=False),
    )  # fmt: skip
    z, far = MAGNET.x, FORCE * TIME**2 / 2
    spread = np.sqrt(1 + (TIME / 2) ** 2)
    exact = sum(
        share * norm.pdf(z, at, spread) * sign
        for share, at, sign in ((UP, far, 1), (1 - UP, -far, -1))
    )
    # 1e-9 of the wave is beyond the cut-off at the end; order 6 leaves less
    np.testing.assert_allclose(run.values["spin_density"][-1][2], exact, atol=1e-6)
    np.testing.assert_allclose(run.values["spin_populations"][-1], [UP, 1 - UP])


@pytest.mark.slow
def test_where_a_path_of_bohm_starts_decides_which_way_it_goes():
    """Row P17: up if and only if it starts above the edge, whatever the spin there."""
    assert pytest.approx(0.5244005, abs=1e-7) == EDGE
    starts = jnp.array([-1.0, EDGE - 1e-3, EDGE + 1e-3, 1.0])
    paths = bohm(LAW, PSI, TS, x0=starts, **PATHS)
    assert paths.ok.all()
    np.testing.assert_array_equal(
        np.sign(paths.positions[-1, :, 0]), np.array([-1, -1, 1, 1])
    )
    # the spin of a path turns into that of the packet which takes it along
    states = jqd.evolve(
        LAW, PSI, TS, method=jqd.Fixed(jqd.steppers.srkn11, 100, estimate_error=False)
    ).values
    spins = path_spin(LAW, states, paths.positions)
    np.testing.assert_allclose(jnp.sum(spins**2, axis=-1), 1, atol=1e-9)
    np.testing.assert_allclose(spins[0, :, 2], UP - (1 - UP), atol=1e-9)
    # the other packet is 10 widths away: e^-50
    np.testing.assert_allclose(spins[1, :, 2], [-1, -1, 1, 1], atol=1e-6)


def chance_of_up(z0, nu, steps=2400, points=1401):
    """P(up | z₀) by Kolmogorov's backward equation, finite volumes, in NumPy.

    A chain on cells whose rates up and down, ν/h² B(∓b h/ν), are those of the flux
    b p - ν p' between neighbours; b from the two Gaussians.
    """
    z = np.linspace(-40, 40, points)
    h, dt = z[1] - z[0], TIME / steps
    mid = (z[1:] + z[:-1]) / 2

    def drift(t):
        s2 = 1 + t**2 / 4
        parts = [
            share * norm.pdf(mid, sign * FORCE * t**2 / 2, np.sqrt(s2))
            for share, sign in ((UP, 1), (1 - UP, -1))
        ]
        rho = np.maximum(sum(parts), 1e-300)
        slopes = [-(mid - s * FORCE * t**2 / 2) / s2 for s in (1, -1)]
        # Im ψ'/ψ of a spreading packet that is pushed
        waves = [
            s * FORCE * t + (mid - s * FORCE * t**2 / 2) * t / (4 * s2) for s in (1, -1)
        ]
        mixed = [sum(p * f for p, f in zip(parts, fs, strict=True)) / rho
                 for fs in (waves, slopes)]  # fmt: skip
        return mixed[0] + nu * mixed[1]

    def bernoulli(x):
        x = np.where(np.abs(x) < 1e-8, 1e-8, np.clip(x, -500, 500))
        return x / np.expm1(x)

    chance = (z > 0).astype(float)
    for k in reversed(range(steps)):
        peclet = drift((k + 0.5) * dt) * h / nu
        up, down = nu / h**2 * bernoulli(-peclet), nu / h**2 * bernoulli(peclet)
        bands = np.zeros((3, points))
        bands[1] = 1
        bands[1, :-1] += dt * up
        bands[1, 1:] += dt * down
        bands[0, 1:] = -dt * up
        bands[2, :-1] = -dt * down
        chance = solve_banded((1, 1), bands, chance)
    return np.interp(z0, z, chance)


@pytest.mark.slow
@pytest.mark.equation("diffusion", "claim-magnet")
def test_noise_blurs_the_edge_and_keeps_the_shares(key):
    """Row P17 for Nelson's paths: .080, .257, .394, .680 from -1, 0, the edge, 1.5."""
    starts = np.array([-1.0, 0.0, EDGE, 1.5])
    count = 4000
    paths = nelson(
        LAW, PSI, TS, key, x0=jnp.asarray(np.repeat(starts, count)), substeps=200,
        error_paths=0,
    )  # fmt: skip
    up = np.mean(np.reshape(paths.positions[-1] > 0, (4, count)), axis=1)
    exact = chance_of_up(starts, 0.5)
    assert exact[1] == pytest.approx(0.257, abs=0.012)
    # 4 standard errors, and 2e-3 of the chain's cells and steps
    error = 4 * np.sqrt(exact * (1 - exact) / count) + 2e-3
    known = np.array([0.080, 0.257, 0.394, 0.680])
    for expected in (exact, known):
        np.testing.assert_array_less(np.abs(up - expected), error)
    whole = nelson(
        LAW, PSI, TS, key, paths=count, substeps=200, error_paths=0
    )  # fmt: skip
    share = np.mean(whole.positions[-1] > 0)
    assert share == pytest.approx(UP, abs=4 * np.sqrt(UP * (1 - UP) / count))
    assert whole.equilibrium.all()
    # without noise the edge is sharp, and the shares are the same
    sharp = bohm(LAW, PSI, TS, x0=jnp.array([EDGE - 1e-3, EDGE + 1e-3]), **PATHS)
    assert sharp.positions[-1, 0, 0] < 0 < sharp.positions[-1, 1, 0]
    assert norm.sf(EDGE) == pytest.approx(UP, abs=1e-12)


# -- the current of the spin -----------------------------------------------------------

PLANE = jqd.Grid([(-6.0, 6.0)] * 2, (48, 48))
HBAR, MASS = 1.3, 0.7


def still(spin_current, B=lambda x, y: 0.0):
    """The ground state of a well, spin up: ħ/mω = 1."""
    omega = HBAR / MASS
    law = jqd.Pauli(
        PLANE, lambda x, y: MASS * omega**2 * (x**2 + y**2) / 2, B, hbar=HBAR,
        mass=MASS, spin_current=spin_current,
    )  # fmt: skip
    x, y = PLANE.coordinates
    ground = PLANE.normalise(jnp.exp(-(x**2 + y**2) / 2))
    return law, jnp.multiply.outer(jnp.array([1.0, 0j]), ground), omega


@pytest.mark.slow
def test_the_current_of_a_spin_carries_paths_round():
    """v = ħ/2m ∇×(ρ z)/ρ = ω (-y, x) of ρ = exp(-r²): once round in 2π/ω."""
    law, psi, omega = still(True)
    x0 = jnp.array([[1.0, 0.0], [0.3, -1.1]])
    ts = jnp.array([0.0, np.pi / (2 * omega)])
    paths = bohm(law, psi, ts, x0=x0, substeps=30, error_paths=0)
    # the spline's slope errs by 1e-4 of its argument
    turned = np.stack([-x0[:, 1], x0[:, 0]], axis=1)
    np.testing.assert_allclose(paths.positions[-1], turned, atol=1e-3)


@pytest.mark.slow
def test_the_density_does_not_see_the_current_of_a_spin(key):
    """Of a spinor whose spin differs from place to place, in a field that turns it."""
    law, _, _ = still(True, lambda x, y: (0.8 * y, 0.5, 0.6 * x))
    x, y = PLANE.coordinates
    waves = [jnp.exp(-((x - 0.8) ** 2 + y**2) / 2 + 0.5j * y),
             0.7 * jnp.exp(-(x**2 + (y + 0.6) ** 2) / 2 + 0.3j * x)]  # fmt: skip
    psi = jnp.stack(waves)
    psi = psi / jnp.sqrt(PLANE.cell * jnp.sum(jnp.abs(psi) ** 2))
    ts = jnp.array([0.0, 0.7, 1.4])
    options = {"paths": 4000, "substeps": 40, "error_paths": 0}
    paths = nelson(law, psi, ts, key, **options)
    assert paths.ok.all()
    assert paths.equilibrium.all()
    plain, _, _ = still(False, lambda x, y: (0.8 * y, 0.5, 0.6 * x))
    others = nelson(plain, psi, ts, key, **options)
    assert others.equilibrium.all()
    # the paths themselves are others
    gap = jnp.abs(paths.positions[-1] - others.positions[-1])
    assert jnp.mean(gap) > 0.2


def test_the_current_of_a_spin_is_a_curl():
    """ħ ∇×(ψ†σψ)/2mρ by FFT in NumPy, of any spinor, at points of the grid."""
    law, _, _ = still(True)
    rng = np.random.default_rng(5)
    x, y = (np.asarray(c) for c in PLANE.coordinates)
    a = rng.normal(size=(2, 4))
    waves = [
        np.exp(-((x - p) ** 2 + (y - q) ** 2) / 2 + 1j * (k * x + n * y))
        for p, q, k, n in a
    ]
    psi = np.stack(waves)
    psi /= np.sqrt(PLANE.cell * np.sum(np.abs(psi) ** 2))
    rho = np.sum(np.abs(psi) ** 2, axis=0)
    sz = np.abs(psi[0]) ** 2 - np.abs(psi[1]) ** 2
    k = [np.asarray(k) for k in PLANE.wavenumbers]
    slope = [np.fft.ifft2(1j * k[i] * np.fft.fft2(sz)).real for i in (0, 1)]
    exact = HBAR / (2 * MASS) * np.stack([slope[1], -slope[0]]) / rho
    guide = Guide.through(PLANE, jnp.asarray(psi), 2)
    inner = [(20, 25), (24, 22), (28, 30)]
    at = jnp.array([[x[i, 0], y[0, j]] for i, j in inner])
    found = law.watch().convection(0.0, at, guide.read)
    expected = [exact[:, i, j] for i, j in inner]
    # cubic splines on twice the points: 0.01 (kΔ)³ of the slope
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.max(np.abs(expected)) > 0.1


def test_a_spin_of_paths_that_have_ended_is_not_known():
    x = jnp.array([[0.0], [jnp.nan]])
    spins = path_spin(LAW, PSI, x)
    assert jnp.isnan(spins[1]).all()
    np.testing.assert_allclose(spins[0], [2 * np.sqrt(0.21), 0, -0.4], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"law": jqd.Schrodinger(np.eye(2))}, "`law` must be of type Pauli"),
        ({"psi": PSI[0]}, "`psi` must have shape (2, 768)"),
        ({"x": jnp.zeros((3, 5, 1))}, "`psi` must have shape (3, 2, 768)"),
        ({"x": jnp.zeros((5, 2))}, "`x` must have shape (any, 1)"),
    ],
)
def test_refused(change, message):
    arguments = {"law": LAW, "psi": PSI, "x": jnp.zeros((5, 1))} | change
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        path_spin(**arguments)


@pytest.mark.parametrize("function", [survival, arrival_flux])
def test_arrivals_that_know_no_spinors_say_so(function):
    with pytest.raises(ValueError, match="`law` must not be of spinors here"):
        function(LAW, PSI, TS, detector=1.0)


def test_two_spins_that_meet_in_numpy():
    """Nelson's drift of a spinor is that of both components: from NumPy's expm."""
    grid = jqd.Grid((-6.0, 6.0), 64)
    law = jqd.Pauli(grid, lambda x: x**2 / 2, lambda x: (0.9, 0.0, 0.7 * x), charge=2.0)
    x = np.asarray(grid.x)
    psi = np.stack([np.exp(-((x - 1) ** 2) / 2), 0.5j * np.exp(-(x**2) / 2 + 1j * x)])
    psi = psi / np.sqrt(np.sum(np.abs(psi) ** 2) * grid.cell)
    F = np.exp(-2j * np.pi * np.outer(np.arange(64), np.arange(64)) / 64)
    k = np.asarray(grid.wavenumbers[0])
    p = F.conj().T @ np.diag(k) @ F / 64
    one = p @ p / 2 + np.diag(x**2 / 2)
    H = np.block(
        [[one - np.diag(0.7 * x), -0.9 * np.eye(64)],
         [-0.9 * np.eye(64), one + np.diag(0.7 * x)]]
    )  # fmt: skip
    dt, steps, place = 0.01, 50, np.array([0.3])
    step, half = expm(-1j * dt * H), expm(-0.5j * dt * H)
    state = psi.reshape(-1)

    def velocity(state, at):
        waves = F @ state.reshape(2, 64).T / 64
        basis = np.exp(1j * k * (at - x[0]))
        value, slope = basis @ waves, (1j * k * basis) @ waves
        return np.sum(value.conj() * slope).imag / np.sum(np.abs(value) ** 2)

    at = place[0]
    for _ in range(steps):
        middle, later = half @ state, step @ state
        k1 = velocity(state, at)
        k2 = velocity(middle, at + dt / 2 * k1)
        k3 = velocity(middle, at + dt / 2 * k2)
        k4 = velocity(later, at + dt * k3)
        at, state = at + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4), later
    paths = bohm(
        law, psi, jnp.array([0.0, 0.5]), x0=jnp.asarray(place), substeps=50,
        error_paths=0,
    )  # fmt: skip
    assert jax.device_get(paths.positions[-1, 0, 0]) == pytest.approx(at, abs=1e-5)
