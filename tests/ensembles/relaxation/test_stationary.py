"""Relaxation to stationary states: rates, densities, nodal domains, clocks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import rel_entr

import jqd
from jqd.ensembles import (
    nodal_domains,
    packet_clock,
    relaxation_rates,
    relaxed_density,
)
from jqd.exact import eigenstates

LINE = jqd.Grid((-8.0, 8.0), 160)
WELL = jqd.Schrodinger.on_grid(LINE, lambda x: x**2 / 2)
GROUND = LINE.normalise(jnp.exp(-(LINE.x**2) / 2) + 0j)
TWO = jqd.Grid((-7.0, 7.0), 128)


def double_well(x):
    return (x**2 - 4) ** 2 / 16


def divergence(density):
    """∫ ρ ln(ρ/|ψ|²) dx; the tails of ρ may round to less than 0."""
    positive = np.maximum(density, 0)
    return LINE.cell * np.sum(rel_entr(positive, np.abs(GROUND) ** 2))


def fine(spacing):
    points = 2 * round(8 / spacing)
    return jqd.Grid((-8.0, 8.0), points)


@pytest.mark.equation("diffusion", "claim-relaxation")
def test_rates_by_levels():
    """P12, and n · 2mνω/ħ in other units."""
    np.testing.assert_allclose(
        relaxation_rates(WELL, 4, nu=0.25), 0.5 * np.arange(4), atol=1e-11
    )
    law = jqd.Schrodinger.on_grid(TWO, double_well)
    assert relaxation_rates(law)[1] == pytest.approx(0.11560699, abs=1e-8)
    hbar, mass, omega, nu = 0.6, 1.7, 1.3, 0.4
    law = jqd.Schrodinger.on_grid(
        LINE, lambda x, k: k * x**2 / 2, k=mass * omega**2, mass=mass, hbar=hbar
    )
    rate = 2 * mass * nu * omega / hbar
    assert relaxation_rates(law, nu=nu)[1] == pytest.approx(rate, rel=1e-10)
    by_D = relaxation_rates(law, nu_hat=nu / (hbar / (2 * mass)))
    assert by_D[1] == pytest.approx(rate, rel=1e-10)

    @jax.jit
    def gap(k):
        law = jqd.Schrodinger.on_grid(TWO, lambda x, k: k * x**2 / 2, k=k)
        return relaxation_rates(law)[1]

    # at ν = D it is ω = √k
    assert jax.grad(gap)(1.44) == pytest.approx(1 / 2.4, rel=1e-8)


@pytest.mark.equation("diffusion", "claim-relaxation")
def test_a_displaced_density():
    """P13: it stays Gaussian, H = (δ²mω/ħ) exp(-2 · 2νmωt/ħ)."""
    shift, ts = 0.7, np.array([0.0, 0.5, 1.0])
    rho = np.exp(-((np.asarray(LINE.x) - shift) ** 2)) / np.sqrt(np.pi)
    moved = relaxed_density(WELL, rho, ts, nu=0.5)
    for t, found in zip(ts, moved, strict=True):
        centre = shift * np.exp(-t)
        exact = np.exp(-((np.asarray(LINE.x) - centre) ** 2)) / np.sqrt(np.pi)
        np.testing.assert_allclose(found, exact, atol=1e-9)
    H = np.array([divergence(one) for one in moved])
    np.testing.assert_allclose(H / H[0], np.exp(-2 * ts), atol=1e-9)
    assert H[2] / H[0] == pytest.approx(0.135335, abs=1e-6)
    # a reflection-symmetric deviation starts at n = 2
    wide = np.exp(-(np.asarray(LINE.x) ** 2) / 1.2) / np.sqrt(1.2 * np.pi)
    H = [divergence(one) for one in relaxed_density(WELL, wide, [0, 4])]
    late = [divergence(one) for one in relaxed_density(WELL, wide, [0, 5])]
    # 2 · 2 of what is quadratic in f - 1; cubic terms are e^-8 smaller
    assert np.log(H[1] / late[1]) == pytest.approx(4, abs=2e-3)


@pytest.mark.parametrize(
    ("spacing", "shift"), [(0.0175, 0.5), (0.035, 0.5), (0.035, 0.0), (0.035, 0.3)]
)
def test_chain_of_the_oscillator(spacing, shift):
    """P12 and P14 along links; the node on a face, on a point, and between."""
    grid = fine(spacing)
    x = np.asarray(grid.x) + shift * grid.spacing[0]
    found = nodal_domains(np.exp(-(x**2) / 2), grid, nu=0.5)
    assert found.count == found.zero_modes == 1
    # second order: 4e-5 at most at 0.0175
    np.testing.assert_allclose(found.rates[:4], np.arange(4), atol=2e-4)
    found = nodal_domains(x * np.exp(-(x**2) / 2), grid, nu=0.5)
    assert found.count == found.zero_modes == 2
    np.testing.assert_allclose(found.gaps, 2, atol=2e-4)
    # The node's cell is on one side or on the other, h³/3√π of the weight.
    np.testing.assert_allclose(found.weights, 0.5, atol=spacing**3)


@pytest.mark.equation("diffusion", "claim-relaxation-nodes")
def test_weights_of_domains_are_kept():
    """P14: 0.8 on the left stays there; each side comes to the shape of |ψ|²."""
    grid = fine(0.035)
    x = np.asarray(grid.x) + grid.spacing[0] / 2
    found = nodal_domains(x * np.exp(-(x**2) / 2), grid, nu=0.5)
    rho = np.where(x < 0, 0.8, 0.2) * np.exp(-2 * (np.abs(x) - 1.5) ** 2)
    start = found.shares(rho)
    ts = [0.0, 5.0, 30.0]
    moved = found.relaxed(rho, ts)
    for one in moved:
        np.testing.assert_allclose(found.shares(one), [0.8, 0.2], atol=1e-12)
    np.testing.assert_allclose(start, [0.8, 0.2], atol=1e-12)
    square = x**2 * np.exp(-(x**2))
    square *= np.where(x < 0, 0.8, 0.2) * 2 * rho.sum() / square.sum()
    # e^-60 of the slowest mode, and what lay in the tails that are cut
    np.testing.assert_allclose(moved[2], square, atol=1e-9 * square.max())


def test_other_conductances_leak():
    """Negative control: √(ρ_a ρ_b) on the link across the node, at a rate ~ h."""
    leaks = []
    for spacing in (0.035, 0.0175):
        grid = fine(spacing)
        h = grid.spacing[0]
        x = np.asarray(grid.x) + h / 2
        rho = x**2 * np.exp(-(x**2))
        rho = rho[rho > 1e-16 * rho.max()]
        g = np.sqrt(rho[1:] * rho[:-1]) / h**2 / 2
        M = np.diag(np.append(g, 0) + np.append(0, g)) - np.diag(g, 1) - np.diag(g, -1)
        M /= np.sqrt(rho)[:, None] * np.sqrt(rho)[None, :]
        leaks.append(np.linalg.eigvalsh(M)[1])
    assert leaks == pytest.approx([0.0099, 0.0049], rel=0.03)


def test_domains_of_excited_states():
    """Each gap is that of the Dirichlet levels of the domain."""
    grid = jqd.Grid((-7.0, 7.0), 800)
    energies, states = eigenstates(grid, double_well(grid.x), 4)
    found = nodal_domains(states[1], grid, nu=0.5)
    assert found.count == 2
    # Odd levels of the well are those of a half; spacing 0.0175, second order.
    np.testing.assert_allclose(found.gaps, energies[3] - energies[1], atol=2e-4)
    found = nodal_domains(states[0], grid, nu=0.5)
    assert found.gaps[0] == pytest.approx(0.11560699, abs=2e-4)


def test_domains_of_a_plane():
    """ψ = xy e^(-r²/2): four quarters, gap 2 · 2ν_i; labels as signs have it."""
    grid = jqd.Grid([(-6.0, 6.0)] * 2, (44, 44))
    x, y = (np.asarray(axis) + grid.spacing[0] / 2 for axis in grid.coordinates)
    found = nodal_domains(
        1j * x * y * np.exp(-(x**2 + y**2) / 2), grid, nu=jnp.array([0.5, 0.3])
    )
    assert found.count == found.zero_modes == 4
    np.testing.assert_allclose(found.weights, 0.25, atol=1e-6)
    # h = 0.27: second order with a small constant
    np.testing.assert_allclose(found.gaps, 2 * 2 * 0.3, rtol=1e-2)
    labels = np.asarray(found.labels)
    quarters = {(sx, sy): labels[np.broadcast_to(
        (np.sign(x) == sx) & (np.sign(y) == sy), labels.shape
    ) & (labels >= 0)] for sx in (-1, 1) for sy in (-1, 1)}  # fmt: skip
    assert sorted(set(part).pop() for part in quarters.values()) == [0, 1, 2, 3]
    assert all(len(set(part)) == 1 for part in quarters.values())


@pytest.mark.equation("diffusion", "claim-relaxation-free")
def test_the_clock_of_a_free_packet():
    """P15: for ever e^(-π/2) of a deviation is left, or its power."""
    assert np.exp(-packet_clock(np.inf, width=1.0)) == pytest.approx(
        0.20787957635, abs=1e-10
    )
    assert np.exp(-packet_clock(np.inf, width=1.0, nu=0.25)) == pytest.approx(
        np.exp(-np.pi / 4), abs=1e-12
    )
    # ds = ν dt/σ(t)², by quadrature
    width, nu, mass, hbar = 0.6, 0.35, 1.4, 0.8
    t = np.linspace(0, 3, 4001)
    variance = width**2 + (hbar * t / (2 * mass * width)) ** 2
    expected = np.trapezoid(nu / variance, t)
    found = packet_clock(3.0, width=width, nu=nu, mass=mass, hbar=hbar)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: relaxation_rates(jqd.Schrodinger(np.eye(2))), "`law` must be a Schro"),
        (lambda: relaxation_rates(DRIVEN), "V that is constant in time"),
        (lambda: relaxation_rates(WELL, nu=-1.0), "`nu` must not be negative"),
        (lambda: relaxation_rates(WELL, nu=[0.5]), "`nu` must have shape"),
        (lambda: relaxed_density(WELL, np.ones(3), [0, 1]), "`density` must have"),
        (lambda: relaxed_density(WELL, -np.ones(160), [0, 1]), "must not be negative"),
        (lambda: nodal_domains(VORTEX, PLANE, nu=0.5), "real up to a phase"),
        (lambda: nodal_domains(GROUND, LINE, nu=0.0), "`nu` must be positive"),
        (lambda: nodal_domains(0 * GROUND, LINE, nu=1.0), "zero everywhere"),
        (lambda: packet_clock(1.0, width=0.0), "`width` must be positive"),
        (
            lambda: jax.jit(lambda p: nodal_domains(p, LINE, nu=1.0).gaps)(GROUND),
            "known beforehand",
        ),
        (lambda: nodal_domains(np.ones((80, 80)), WIDE, nu=1.0), "at most 4096 points"),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


DRIVEN = jqd.Schrodinger.on_grid(LINE, lambda x, t: t * x)
PLANE = jqd.Grid([(-5.0, 5.0)] * 2, (20, 20))
WIDE = jqd.Grid([(-5.0, 5.0)] * 2, (80, 80))
VORTEX = (PLANE.coordinates[0] + 1j * PLANE.coordinates[1]) * jnp.exp(
    -(PLANE.coordinates[0] ** 2 + PLANE.coordinates[1] ** 2) / 2
)
