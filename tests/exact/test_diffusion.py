"""Closed forms of the diffusion picture: packets, bounds, closures, estimates of D."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from diffusion_constant import D2_from_snapshots
from localization_energy import box_localization_energy, vortex_energies
from uncertainty import uncertainty_bound

from jqd.exact import diffusion as exact
from jqd.exact import free_gaussian
from jqd.readings import packets
from jqd.spaces import Grid

from ..papers.diffusion.vortices import vortex_family

HBAR, MASS = 1.3, 0.7
UNITS = {"hbar": HBAR, "mass": MASS}
GRID = Grid((-60.0, 60.0), 3000)


def test_the_packet():
    """Row 1: a = 1, v₀ = 1.5, t = 3."""
    density = packets.packet_density(GRID.x, 3.0, velocity=1.5)
    mean = GRID.integrate(GRID.x * density)
    variance = GRID.integrate((GRID.x - mean) ** 2 * density)
    # sums of Gaussians converge beyond rounding
    np.testing.assert_allclose((mean, variance), (4.5, 5.0), atol=1e-12)
    centre = packets.packet_density(4.5, 3.0, velocity=1.5)
    np.testing.assert_allclose(
        centre, 0.1784124116, atol=5e-11
    )  # rounding of the table
    wave = free_gaussian(GRID.x, 1.0, width=np.sqrt(0.5), momentum=0.9 * MASS, **UNITS)
    packet = packets.packet_density(GRID.x, 1.0, velocity=0.9, **UNITS)
    np.testing.assert_allclose(np.abs(wave) ** 2, packet, atol=1e-14)


def test_quantum_and_classical_spreading():
    """Row 2: slower first, and faster only from t = a²/D on."""
    ts = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(
        packets.quantum_variance(ts), [1.0, 2.5, 5.0], rtol=1e-15
    )
    t = packets.crossover_time(0.7, 1.3)
    np.testing.assert_allclose(
        packets.quantum_variance(t, 0.7, 1.3),
        0.7**2 / 2 + 2 * 1.3 * t,  # of ordinary diffusion
        rtol=1e-15,
    )


@pytest.mark.parametrize(("printed", "norm"), [(False, 1.0), (True, 0.5)])
def test_the_propagator(printed, norm):
    """Row 3: (14) as printed halves the norm; corrected it gives the packet."""
    x = np.linspace(-12, 12, 401)
    start = np.exp(-(x**2) / 2 + 0.4j * x) / np.pi**0.25
    kernel = packets.free_propagator(
        x[:, None], x[None, :], 1.0, **UNITS, printed=printed
    )
    dx = x[1] - x[0]
    psi = dx * (kernel @ start)
    inside = np.abs(x) < 11
    # the sum over x₀ has no error beyond the images of its own step, 2πt/(m dx) away
    np.testing.assert_allclose(dx * np.sum(np.abs(psi) ** 2), norm, atol=1e-9)
    velocity = 0.4 * HBAR / MASS
    density = packets.packet_density(x, 1.0, velocity=velocity, **UNITS)
    difference = np.max(np.abs(np.abs(psi) ** 2 - density)[inside])
    assert (difference < 1e-9) == (not printed)


def test_the_printed_packet_loses_norm():
    """Row 3: (16) as printed integrates to 1/sqrt(1 + τ²)."""
    tau = HBAR / MASS
    right, printed = (
        GRID.integrate(packets.packet_density(GRID.x, 1.0, **UNITS, printed=printed))
        for printed in (False, True)
    )
    np.testing.assert_allclose(right, 1, rtol=1e-13)
    np.testing.assert_allclose(printed, 1 / np.sqrt(1 + tau**2), rtol=1e-13)
    np.testing.assert_allclose(printed, 0.474, atol=5e-4)


def test_bounds_and_localization_energies():
    """Rows 4 and 5."""
    assert uncertainty_bound(1) == uncertainty_bound(3, printed=True) == 0.25
    assert uncertainty_bound(3) == 2.25
    np.testing.assert_allclose(box_localization_energy(), 4.934802201, atol=1e-9)
    energies = [0.5, 0.4208049745, -0.5]
    found = packets.virial_localization_energy(energies, [2, 4, -1])
    np.testing.assert_allclose(found, [0.25, 0.2805366497, 0.5], atol=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 1.5])
def test_the_vortex_family(alpha):
    """It solves (8) with E = 1 + α at any α, and its energies are quadratures."""

    def log_root(point):
        return jnp.log(vortex_family(*point, alpha)[0]) / 2

    point = jnp.array([0.6, -0.9])
    slope, hessian = jax.jit(
        lambda p: (jax.grad(log_root)(p), jax.hessian(log_root)(p))
    )(point)
    bend = jnp.trace(hessian) + slope @ slope
    _, v = vortex_family(*point, alpha)
    energy = v @ v / 2 + point @ point / 2 - bend / 2
    np.testing.assert_allclose(energy, 1 + alpha, rtol=1e-13)

    r = (np.arange(4000) + 0.5) * 2e-3
    density, v = vortex_family(r, 0 * r, alpha)
    weight = 2 * np.pi * r * 2e-3 * density
    drift, diffusion, potential = vortex_energies(alpha)
    # midpoint rule, with r^(2α-1) at the origin: Δr^2α at worst
    tolerance = 2e-3 if alpha == 0.5 else 1e-5
    np.testing.assert_allclose(weight.sum(), 1, atol=1e-5)
    np.testing.assert_allclose(np.sum(weight * v[1] ** 2) / 2, drift, atol=tolerance)
    np.testing.assert_allclose(np.sum(weight * r**2) / 2, potential, atol=1e-5)
    np.testing.assert_allclose(drift + diffusion + potential, 1 + alpha)
    centre, still = vortex_family(0.0, 0.0, alpha)
    assert centre == (1 / np.pi if alpha == 0 else 0)
    assert not np.any(still)


def test_the_vortex_family_in_other_units():
    """E = ħω (1 + α) of m v²/2 + mω²r²/2 + Q, and a density per area of ħ/mω."""
    alpha, units = 0.7, {"omega": 1.3, "hbar": 0.6, "mass": 1.7}
    length = np.sqrt(0.6 / (1.7 * 1.3))
    point = jnp.array([0.6, -0.9])

    def log_root(point):
        return jnp.log(vortex_family(*point, alpha, **units)[0]) / 2

    slope, hessian = jax.jit(
        lambda p: (jax.grad(log_root)(p), jax.hessian(log_root)(p))
    )(point)
    density, v = vortex_family(*point, alpha, **units)
    quantum = -(0.6**2) / (2 * 1.7) * (jnp.trace(hessian) + slope @ slope)
    energy = 1.7 * (v @ v + 1.3**2 * point @ point) / 2 + quantum
    np.testing.assert_allclose(energy, 0.6 * 1.3 * (1 + alpha), rtol=1e-13)
    unit, _ = vortex_family(*(point / length), alpha)
    np.testing.assert_allclose(density, unit / length**2, rtol=1e-13)
    parts = vortex_energies(alpha, omega=1.3, hbar=0.6)
    expected = 0.78 * np.stack(vortex_energies(alpha))
    np.testing.assert_allclose(parts, expected, rtol=1e-14)


def test_three_snapshots_give_D():
    ts = np.array([0.0, 0.6, 1.9])
    variance = 0.4 * (1 + 0.3 * ts) ** 2 + 0.64 / 0.4 * ts**2
    found = D2_from_snapshots(ts, variance)
    np.testing.assert_allclose(found, 0.64, rtol=1e-11)
    # time may start anywhere, and more snapshots than three agree
    ts = np.array([-1.0, 0.5, 1.0, 4.0])
    found = D2_from_snapshots(ts, packets.quantum_variance(ts, 1.0, 0.8))
    np.testing.assert_allclose(found, 0.64, rtol=1e-11)


def test_D_from_the_constancy_of_energy():
    """A packet with v = x ṡ/2s: ⟨m v²/2⟩ falls where (m/2) I_F rises."""
    D2, ts = (HBAR / (2 * MASS)) ** 2, np.linspace(0, 3, 7)
    s = np.asarray(packets.quantum_variance(ts, 1.0, HBAR / (2 * MASS)))
    rate = 4 * D2 * ts  # ds/dt = 4D²t/a² at a = 1
    drift = MASS / 2 * (rate / (2 * s)) ** 2 * s
    np.testing.assert_allclose(exact.D2_from_energy(drift, 1 / s, MASS), D2, rtol=1e-12)
    assert np.isnan(exact.D2_from_energy(np.ones(3), np.ones(3)))


def test_D_from_the_local_residual():
    """Row 22: a quartic packet with a cubic action, at ħ = 1.3, m = 0.7."""
    x = np.linspace(-2.5, 2.5, 101)
    V = 0.2 * x**2

    def log_psi(x):
        """psi = exp(-x⁴/4 - x²/5 + i(0.3x³ - 0.5x)): value and Δ psi/psi."""
        slope = -(x**3) - 0.4 * x + 1j * (0.9 * x**2 - 0.5)
        return slope, -3 * x**2 - 0.4 + 1.8j * x + slope**2

    slope, bend = log_psi(x)
    root = np.exp(-(x**4) / 4 - x**2 / 5)
    # iħ ψₜ = Hψ gives S_t = -Re(Hψ/ψ)
    action_rate = HBAR**2 / (2 * MASS) * bend.real - V
    v = HBAR / MASS * slope.imag
    laplacian = root * (-3 * x**2 - 0.4 + (x**3 + 0.4 * x) ** 2)
    found = exact.D2_from_residual(root, laplacian, action_rate, v**2, V, MASS)
    np.testing.assert_allclose(found, 0.8622448980, atol=1e-10)
    # Negative control: without the drift energy.
    wrong = exact.D2_from_residual(root, laplacian, action_rate, 0 * v, V, MASS)
    assert abs(wrong - 0.8622448980) > 0.01
