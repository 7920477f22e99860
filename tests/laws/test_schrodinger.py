"""Schrödinger's law on matrices and grids, against closed forms."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Fixed, Grid, Propagator, Schrodinger, evolve
from jqd.exact import coherent_state, free_gaussian, matrices, squeezed_state
from jqd.steppers import chin4a, rk4, srkn11

MASS, HBAR, OMEGA = 1.3, 0.8, 0.9
UNITS = {"mass": MASS, "hbar": HBAR}
GRID = Grid((-16.0, 16.0), 144)
X = GRID.x


def fixed(stepper, substeps):
    return Fixed(stepper, substeps, estimate_error=False)


def well(x, k):
    return k * x**2 / 2


def mean(f, psi):
    """<f> of each row."""
    return np.asarray(GRID.integrate(f[None, :] * jnp.abs(psi) ** 2))


def mean_momentum(psi):
    spectrum = np.abs(np.fft.fft(psi, axis=-1)) ** 2
    k = np.asarray(GRID.wavenumbers[0])[None, :]
    return HBAR * np.sum(k * spectrum, axis=-1) / np.sum(spectrum, axis=-1)


# -- matrices -------------------------------------------------------------------------


def hermitian(seed, size):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / 2


@pytest.mark.sampled
@pytest.mark.parametrize("form", ["dense", "real", "diagonal"])
@pytest.mark.parametrize("method", [Propagator(), fixed(rk4, 800)], ids=["exp", "rk4"])
def test_matrix(form, method):
    H = hermitian(3, 5)
    H = {"dense": H, "real": H.real, "diagonal": np.diag(H).real}[form]
    law = Schrodinger(H, hbar=0.9)
    psi = law.prepare(np.array([0.1, 0.5j, -0.5, 0.5, -(0.24**0.5)]))
    ts = jnp.linspace(0.0, 4.0, 5)
    run = evolve(law, psi, ts, method=method)
    # RK4: T |H|^5 h^4 / 120 = 4 x 5^5 x (1/800)^4 / 120 = 3e-10; exp: rounding
    tolerance = 1e-9 if isinstance(method, Fixed) else 1e-13
    exact = matrices.propagate(H, psi, ts, hbar=0.9)
    np.testing.assert_allclose(run.values, exact, rtol=0, atol=tolerance)
    assert run.diagnostics["norm_drift"] < tolerance
    assert run.diagnostics["energy_drift"] < 10 * tolerance
    # Negative control: hbar off by 1e-7.
    wrong = matrices.propagate(H, psi, ts, hbar=0.9 + 1e-7)
    assert np.max(np.abs(run.values - wrong)) > 1e-8


def test_energy_is_that_of_the_matrix():
    H = hermitian(3, 4)
    psi = jnp.array([0.5, 0.5j, -0.5, 0.5])
    values = Schrodinger(H).invariants(psi)
    np.testing.assert_allclose(values["energy"], np.vdot(psi, H @ psi).real, rtol=1e-14)
    np.testing.assert_allclose(values["norm"], 1, rtol=1e-15)


# -- grids ----------------------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("stepper", [chin4a, srkn11], ids=lambda s: s.name)
@pytest.mark.parametrize("form", ["free", "coherent", "squeezed"])
def test_closed_forms(stepper, form):
    packet = {"center": -1.0, "momentum": 0.7, **UNITS}
    exact, k = {
        "free": (functools.partial(free_gaussian, width=1.2, **packet), 0.0),
        "coherent": (
            functools.partial(coherent_state, omega=OMEGA, **packet),
            MASS * OMEGA**2,
        ),
        "squeezed": (
            functools.partial(squeezed_state, omega=OMEGA, width=0.9, **packet),
            MASS * OMEGA**2,
        ),
    }[form]
    ts = jnp.linspace(0.0, 3.0, 4)
    psi = exact(X[None, :], ts[:, None])
    law = Schrodinger.on_grid(GRID, well, k=k, **UNITS)
    run = evolve(law, law.prepare(psi[0]), ts, method=fixed(stepper, 100))
    # truncation at h = 0.01: chin4a has (omega h)^4 / 200; of srkn11 a resonance of
    # steps with the fastest modes of the grid is left, 1e-11; the box cuts e^-30
    tolerance = 1e-8 if stepper is chin4a else 1e-10
    np.testing.assert_allclose(run.values, psi, rtol=0, atol=tolerance)
    # rounding of 6600 FFTs, eps each
    assert run.diagnostics["norm_drift"] < 3e-12
    # Negative control: the packet with another hbar.
    wrong = {"mass": MASS, "hbar": HBAR * (1 + 1e-6)}
    other = Schrodinger.on_grid(GRID, well, k=k, **wrong)
    late = evolve(other, psi[0], ts, method=fixed(stepper, 100)).values
    assert np.max(np.abs(late - psi)) > 5e-8


def test_free_packet_spreads():
    """var x = s^2 + (hbar t / 2 m s)^2."""
    law = Schrodinger.on_grid(GRID, jnp.zeros(144), **UNITS)
    ts = jnp.linspace(0.0, 4.0, 5)
    psi = free_gaussian(X, 0.0, width=1.1, **UNITS)
    run = evolve(law, psi, ts, method=fixed(srkn11, 1))
    var = mean(X**2, run.values) - mean(X, run.values) ** 2
    expected = 1.1**2 + (HBAR * np.asarray(ts) / (2 * MASS * 1.1)) ** 2
    # without a potential a step of any length is exact; the tails at the edge of the
    # box, 8 widths away, leave e^-32
    np.testing.assert_allclose(var, expected, rtol=1e-8)
    assert np.max(np.abs(var - 1.1**2)) > 1  # Negative control: it does spread


def anharmonic(x, k, g):
    return k * x**2 / 2 + g * x**4


def test_ehrenfest_and_invariants():
    """d<x>/dt = <p>/m and d<p>/dt = -<V'>, where V is no parabola."""
    law = Schrodinger.on_grid(GRID, anharmonic, k=0.3, g=0.02, **UNITS)
    ts = jnp.linspace(0.0, 4.0, 401)
    psi = coherent_state(X, 0.0, center=1.5, omega=OMEGA, **UNITS)
    run = evolve(law, psi, ts, method=fixed(srkn11, 2))
    x, p = mean(X, run.values), mean_momentum(run.values)
    force = -mean(0.3 * X + 0.08 * X**3, run.values)
    inner = slice(2, -2)

    def slope(f):
        """Five-point difference: error h^4 f^(5) / 30 = 1e-9 at h = 0.01."""
        h = ts[1] - ts[0]
        return (f[:-4] - 8 * f[1:-3] + 8 * f[3:-1] - f[4:]) / (12 * h)

    np.testing.assert_allclose(slope(x), p[inner] / MASS, rtol=0, atol=1e-8)
    np.testing.assert_allclose(slope(p), force[inner], rtol=0, atol=1e-8)
    # Negative control: the force at the mean is not the mean force.
    classical = -(0.3 * x + 0.08 * x**3)
    assert np.max(np.abs(slope(p) - classical[inner])) > 0.01
    # order 6 at h = 0.005: below rounding of 18000 FFTs, eps each
    assert run.diagnostics["norm_drift"] < 1e-11
    assert run.diagnostics["energy_drift"] < 1e-10


def shaken(x, t, k, force, drive):
    return k * x**2 / 2 - force * jnp.sin(drive * t) * x


def centre(t, force, drive):
    """m x'' = -m omega^2 x + force sin(drive t), from rest at 0."""
    amplitude = force / (MASS * (OMEGA**2 - drive**2))
    return amplitude * (np.sin(drive * t) - drive / OMEGA * np.sin(OMEGA * t))


@pytest.mark.parametrize("stepper", [srkn11, chin4a], ids=lambda s: s.name)
def test_driven_oscillator(stepper):
    """Every packet in a driven well follows the classical centre."""
    force, drive = 0.7, 1.7
    law = Schrodinger.on_grid(
        GRID, shaken, k=MASS * OMEGA**2, force=force, drive=drive, **UNITS
    )
    ts = np.linspace(0.0, 6.0, 13)
    psi = coherent_state(X, 0.0, omega=OMEGA, **UNITS)
    run = evolve(law, psi, ts, method=fixed(stepper, 50))
    expected = centre(ts, force, drive)
    measured = mean(X, run.values)
    # order 4, (drive h)^4 = 8e-8 times 1e-2 for chin4a at h = 0.01
    tolerance = 1e-10 if stepper is srkn11 else 1e-8
    np.testing.assert_allclose(measured, expected, rtol=0, atol=tolerance)
    # the energy is not conserved, and not reported
    assert set(run.diagnostics) >= {"norm_drift"}
    assert "energy_drift" not in run.diagnostics
    # Negative controls: another frequency, and a clock that starts elsewhere.
    assert np.max(np.abs(measured - centre(ts, force, drive + 1e-6))) > 1e-7
    late = evolve(law, psi, ts + 0.01, method=fixed(stepper, 50))
    assert np.max(np.abs(mean(X, late.values) - expected)) > 1e-3


def test_constants_of_the_potential_have_gradients():
    """d<x>/d(force) of the driven oscillator is linear in the force: closed form."""
    drive, t = 1.7, 2.0
    psi = coherent_state(X, 0.0, omega=OMEGA, **UNITS)

    def position(law):
        run = evolve(law, psi, jnp.array([0.0, t]), method=fixed(srkn11, 40))
        return GRID.integrate(X * law.density(run.values[-1]))

    law = Schrodinger.on_grid(
        GRID, shaken, k=MASS * OMEGA**2, force=1, drive=drive, **UNITS
    )
    slopes = jax.grad(position)(law)
    constants = slopes.hamiltonian.potential.function.keywords
    assert set(constants) == {"k", "force", "drive"}
    # truncation, order 6 at h = 0.05
    np.testing.assert_allclose(constants["force"], centre(t, 1.0, drive), rtol=1e-7)
    h = 1e-4
    by_difference = (centre(t, 1, drive + h) - centre(t, 1, drive - h)) / (2 * h)
    np.testing.assert_allclose(constants["drive"], by_difference, rtol=1e-6)
    # Ehrenfest holds for any hbar
    np.testing.assert_allclose(slopes.hbar, 0, atol=1e-8)
    assert abs(float(slopes.hamiltonian.mass)) > 0.1


@pytest.mark.sampled
@pytest.mark.parametrize("ndim", [2, 3])
def test_more_dimensions_factorise(ndim):
    """Independent wells along each axis: the state stays a product."""
    grid = Grid(((-6.0, 6.0),) * ndim, (32, 36, 30)[:ndim])
    omegas = (0.9, 1.2, 1.0)

    def potential(*xs):
        return sum(MASS * w**2 * x**2 / 2 for w, x in zip(omegas, xs, strict=False))

    values = np.broadcast_to(potential(*grid.coordinates), grid.shape)
    law = Schrodinger.on_grid(grid, values, **UNITS)

    def exact(t):
        factors = [
            coherent_state(x, t, center=0.3 * (i + 1), omega=omegas[i], **UNITS)
            for i, x in enumerate(grid.coordinates)
        ]
        return functools.reduce(jnp.multiply, factors)

    run = evolve(law, exact(0.0), jnp.array([0.0, 1.5]), method=fixed(srkn11, 15))
    # coarse grids: the Gaussians are cut at e^-16 in k and at the edge
    np.testing.assert_allclose(run.values[-1], exact(1.5), rtol=0, atol=2e-6)
    assert np.max(np.abs(run.values[-1] - exact(1.501))) > 1e-4  # Negative control
    np.testing.assert_allclose(
        law.invariants(exact(0.0))["energy"],
        sum(
            HBAR * w / 2 + MASS * w**2 * (0.3 * (i + 1)) ** 2 / 2
            for i, w in enumerate(omegas[:ndim])
        ),
        rtol=1e-6,
    )


# -- refused input --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("H", "message"),
    [
        ([[0.0, 1.0], [0.9, 0.0]], "`hamiltonian` must be Hermitian, but"),
        (np.zeros((2, 3)), "`hamiltonian` must be a square matrix"),
        ([0.0, np.nan], "`hamiltonian` must be finite, but entry [1] is nan"),
        ([[0.0, np.inf], [np.inf, 0.0]], "`hamiltonian` must be finite"),
        ([0.0, 1j], "`hamiltonian` must be real where it is a diagonal"),
    ],
)
def test_refused_hamiltonians(H, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Schrodinger(H)


def test_refused_states_and_splittings():
    law = Schrodinger(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"`psi` must have shape \(2,\)"):
        law.prepare([1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="`psi` must be normalised"):
        law.prepare([1.0, 1.0])
    with pytest.raises(ValueError, match="must not be a splitting for this law"):
        evolve(law, jnp.array([1.0 + 0j, 0]), [0.0, 1.0], method=fixed(srkn11, 1))
    particle = Schrodinger.on_grid(GRID, well, k=1.0)
    with pytest.raises(ValueError, match="`psi` must be normalised"):
        particle.prepare(jnp.ones(144))
    with pytest.raises(ValueError, match=r"`psi` must have shape \(144,\)"):
        particle.prepare(jnp.ones(64))
