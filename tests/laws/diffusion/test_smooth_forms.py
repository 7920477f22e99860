"""Window and literal form: rounding without nodes, an honest end at the first one."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import norm

import jqd
from jqd import ConservativeDiffusion, Grid, Madelung
from jqd.exact import coherent_state, free_gaussian, rivals, squeezed_state
from jqd.laws.diffusion import Literal, Window
from jqd.laws.diffusion.differences import difference_matrix, interpolate

GRID = Grid((-12.0, 16.0), 280)
TIGHT = jqd.Adaptive(rtol=1e-10, atol=1e-10, estimate_error=False)


def flat(x):
    return 0 * x


def well(x):
    return x**2 / 2


PACKETS = {
    "free": (flat, 2.0, lambda t: free_gaussian(GRID.x, t, momentum=1.5, width=0.7)),
    "coherent": (well, 2 * np.pi, lambda t: coherent_state(GRID.x, t, center=1.0)),
    "squeezed": (
        well, 2 * np.pi, lambda t: squeezed_state(GRID.x, t, center=1.0, width=0.5),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKETS)
def test_window_follows_packets_to_rounding(name):
    V, T, packet = PACKETS[name]
    law = Madelung(GRID, V, form="window")
    ts = jnp.array([0.0, 0.4 * T, T])
    run = jqd.evolve(law, law.prepare(packet(0.0)), ts, method=TIGHT, observe="density")
    exact = jnp.stack([jnp.abs(packet(float(t))) ** 2 for t in ts])
    error = GRID.integrate(jnp.abs(run.values - exact))
    assert run.ok
    # each step may err by its tolerance; what the window leaves out is 3e-12
    assert float(error.max()) < 1e-10 * int(run.diagnostics["num_steps"])
    assert float(run.diagnostics["energy_drift"]) < 1e-9


@pytest.mark.slow
def test_literal_ends_at_the_first_node():
    """ψ ~ 1 - 1.2 i cos x exp(-it/2) on a ring has its first node at t = π."""
    grid = Grid((0.0, 2 * np.pi), 64)

    def psi(t):
        wave = 1 - 1.2j * jnp.cos(grid.x) * jnp.exp(-0.5j * t)
        return wave / np.sqrt(2 * np.pi * (1 + 0.72))

    ts = jnp.array([0.0, 1.0, 2.0, 2.6, 3.3])
    law = ConservativeDiffusion(grid, flat, form="literal", boundary="periodic")
    run = jqd.evolve(law, law.prepare(psi(0.0)), ts, method=TIGHT, observe="density")
    assert int(run.status) == jqd.Status.NODE
    assert 2.6 < float(run.failure_time) < np.pi
    exact = jnp.stack([jnp.abs(psi(t)) ** 2 for t in ts[:4]])
    error = grid.integrate(jnp.abs(run.values[:4] - exact))
    # differences of order 6; the last row is close to the node, where they get worse
    assert float(error[:3].max()) < 1e-4
    assert bool(jnp.isnan(run.values[4]).all())


@pytest.mark.slow
def test_literal_on_a_ring_agrees_with_the_amplitude():
    grid = Grid(((0.0, 2 * np.pi), (0.0, 2 * np.pi)), (24, 24))
    x, y = grid.coordinates
    psi = grid.normalise(
        jnp.exp(0.3 * jnp.cos(x) + 0.2 * jnp.sin(y) + 0.2j * jnp.sin(x + y))
    )

    def V(x, y):
        return 0.3 * jnp.cos(x) * jnp.cos(y)

    ts = jnp.array([0.0, 0.5])
    literal = ConservativeDiffusion(grid, V, form=Literal(), boundary="periodic")
    run = jqd.evolve(literal, literal.prepare(psi), ts, method=TIGHT, observe="density")
    law = ConservativeDiffusion(grid, V, boundary="periodic")
    exact = jqd.evolve(law, law.prepare(psi), ts, method=TIGHT, observe="density")
    assert run.ok
    # differences of order 6 at h = 0.26
    error = jnp.max(jnp.abs(run.values - exact.values))
    assert float(error) < 1e-5


def gaussian_moments(ts, start, friction, classical, D=0.5):
    """Variance, slope of v, mean and velocity of a Gaussian under (31) and (32).

    With a drag -γ (S - ⟨S⟩) and D_c Δdensity it stays one.
    """

    def field(t, y):
        s, b, _, P = y
        bend = (D / s) ** 2 - b**2 - friction * b
        return [2 * b * s + 2 * classical, bend, P, -friction * P]

    options = {"method": "DOP853", "t_eval": ts, "rtol": 1e-12, "atol": 1e-13}
    return solve_ivp(field, (ts[0], ts[-1]), start, **options).y


@pytest.mark.parametrize(
    ("friction", "classical", "expected"),
    [(0.0, 0.0, 0.0), (0.1, 0.0, 0.0822387), (0.0, 0.05, 0.0946534)],
)
def test_only_conservative_diffusion_reverses(friction, classical, expected):
    """∫ |ρ - ρ₀| dx after T = 1 and, with -S, back: what `friction_vanishes` has."""
    ts, start = (0.0, 1.0), (0.3, 0.0, 0.0, 0.4)
    s, b, X, P = gaussian_moments(ts, start, friction, classical)[:, -1]
    s, _, X, _ = gaussian_moments(ts, (s, -b, X, -P), friction, classical)[:, -1]
    x = np.linspace(-12, 12, 200001)
    change = np.abs(norm.pdf(x, X, np.sqrt(s)) - norm.pdf(x, 0, np.sqrt(0.3)))
    # the digits given; trapezoidal rule with kinks: Δx²
    assert change.sum() * 1.2e-4 == pytest.approx(expected, abs=1e-7)


@pytest.mark.slow
def test_window_knows_friction_and_classical_diffusion():
    """Against the closed equations of a Gaussian's moments."""
    D, classical, friction = 0.5, 0.2, 0.3
    psi = free_gaussian(GRID.x, 0.0, momentum=1.0, width=0.6)
    law = ConservativeDiffusion(
        GRID, flat, D, friction=friction, classical_diffusion=classical, form=Window()
    )
    ts = jnp.array([0.0, 0.5, 1.0])
    run = jqd.evolve(law, law.prepare(psi), ts, method=TIGHT, observe="density")
    x = GRID.x
    mean = GRID.integrate(run.values * x[None])
    variance = GRID.integrate(run.values * (x[None] - mean[:, None]) ** 2)
    s, _, X, _ = gaussian_moments(ts, (0.36, 0.0, 0.0, 1.0), friction, classical)
    # the window leaves out a share of 3e-12, weighted here by its distance squared
    np.testing.assert_allclose(mean, X, atol=1e-8)
    np.testing.assert_allclose(variance, s, atol=1e-8)


@pytest.mark.slow
def test_kostins_packet_swings_down():
    """Of a fixed box of ±9 the walls end the run; the window goes along, from a
    box that holds seven deviations at the start."""
    grid = Grid((-14.0, 14.0), 192)
    psi = grid.normalise(jnp.exp(-((grid.x - 1.5) ** 2) / (4 * 1.44)) + 0j)
    law = ConservativeDiffusion(grid, well, friction=0.2, form=Window())
    ts = jnp.array([0.0, 4.0])
    run = jqd.evolve(law, law.prepare(psi), ts, method=TIGHT, observe="density")
    assert run.ok
    rho = run.values[-1]
    mean = grid.integrate(grid.x * rho)
    width = jnp.sqrt(grid.integrate((grid.x - mean) ** 2 * rho))
    # the window leaves out a share of 3e-12, weighted here by its distance squared
    center, sigma = rivals.kostin_packet(4.0, 0.2, 1.0, center=1.5, width=1.2)
    np.testing.assert_allclose([mean, width], [center, sigma], atol=1e-9)
    np.testing.assert_allclose([mean, width], [-0.7474884032, 0.79596573], atol=1e-8)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("derivative", [1, 2])
def test_differences_are_exact_for_polynomials(derivative, periodic):
    matrix = difference_matrix(20, derivative, 6, periodic)
    x = np.arange(20.0)
    rows = slice(4, 16) if periodic else slice(None)  # no polynomial is periodic
    for power in range(7):
        factor = power if derivative == 1 else power * (power - 1)
        exact = factor * (x - 10) ** max(power - derivative, 0)
        scale = 10.0**power
        found = matrix @ (x - 10) ** power
        np.testing.assert_allclose(found[rows], exact[rows], atol=1e-9 * scale)


def test_interpolation_is_exact_to_degree_seven():
    x = jnp.linspace(-1.0, 2.0, 16)
    at = jnp.linspace(-1.1, 2.1, 9)
    poly = np.array([0.3, -1.0, 0.2, 0.5, 0.0, -0.7, 1.0, 0.4])
    found = interpolate(jnp.polyval(poly, x), x[0], x[1] - x[0], at)
    np.testing.assert_allclose(found, jnp.polyval(poly, at), atol=1e-11)
