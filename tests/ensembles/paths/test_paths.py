"""Nelson's and Bohm's paths: densities, joint densities, nodes, status, input."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import Status
from jqd.ensembles import bohm, kolmogorov_smirnov, nelson
from jqd.ensembles.paths.observables import (
    mean_square_displacement,
    two_time_correlation,
)
from jqd.ensembles.paths.sampling import draw
from jqd.exact import free_gaussian, squeezed_state

GRID = jqd.Grid((-9.0, 9.0), 128)
WELL = jqd.Schrodinger.on_grid(GRID, lambda x: x**2 / 2)
GROUND = GRID.normalise(jnp.exp(-(GRID.x**2) / 2) + 0j)
WIDE = jqd.Grid((-20.0, 20.0), 512)
FREE = jqd.Schrodinger.on_grid(WIDE, 0 * WIDE.x)
EXCITED = GRID.normalise(GRID.x * jnp.exp(-(GRID.x**2) / 2) + 0j)
FAST = {"stepper": jqd.steppers.strang, "error_paths": 0}
# One compilation for several tests.
SHARED = FAST | {"paths": 20_000, "substeps": 50}


@pytest.mark.sampled
@pytest.mark.parametrize("nu", [0.0, 0.25, 0.5, 1.0])
def test_any_noise_gives_the_density(key, nu):
    """At a fixed seed; single-time densities cannot tell ν."""
    psi = squeezed_state(GRID.x, 0.0, width=0.5)
    paths = nelson(WELL, psi, jnp.array([0.0, 1.0, 2.0]), key, nu=nu, **SHARED)
    assert paths.ok.all()
    assert float(paths.ks_line) == pytest.approx(1.358 / np.sqrt(20_000))
    assert (paths.ks < paths.ks_line).all()
    # cos² 2 / 4 + sin² 2; 4 standard errors, √(2/n) each, and 1e-3 of the step
    exact = np.cos(2.0) ** 2 / 4 + np.sin(2.0) ** 2
    assert exact == pytest.approx(0.8701, abs=1e-4)
    assert np.var(paths.positions[-1]) == pytest.approx(exact, rel=4e-2 + 1e-3)


@pytest.mark.parametrize("scheme", ["rk4", "implicit"])
def test_a_kick_between_two_steps_moves_the_paths(key, scheme):
    """-3 f(t) x, f a Gaussian of area 1, is a momentum of 3; steps are 200 widths."""
    f = jqd.spaces.named_pulse("gaussian", area=1.0, center=0.52, width=5e-4)
    law = jqd.Schrodinger.on_grid(WIDE, lambda x, t: -3 * f(t) * x)
    psi = WIDE.normalise(jnp.exp(-(WIDE.x**2) / 4) + 0j)
    ts = np.array([0.0, 1.0, 2.0])
    ways = {"rk4": bohm, "implicit": nelson}
    run = ways[scheme](
        law, psi, ts, key, scheme=scheme, paths=2000, substeps=10, **FAST
    )
    mean = np.mean(run.positions[..., 0], axis=1)
    # σ² = 1 + t²/4: 4 standard errors of 2000, and 2e-3 of ten steps
    wrong = 4 * np.sqrt((1 + ts**2 / 4) / 2000) + 2e-3
    assert np.all(np.abs(mean - np.array([0, 3 * 0.48, 3 * 1.48])) < wrong)
    assert (run.ks < run.ks_line).all()


def test_two_times(key):
    """<x(0) x(t)> = exp(-t)/2 against cos(t)/2; short times: 2Dt against t²/2."""
    ts = np.array([0.0, 0.02, np.pi / 2])
    paths = nelson(WELL, GROUND, ts, key, **SHARED)
    value, error = (a[:, 0] for a in paths.correlation())
    np.testing.assert_array_less(abs(value - np.exp(-ts) / 2), 4 * error)
    assert value[2] == pytest.approx(0.1039, abs=4 * float(error[2]))
    # Quantum mechanics, 0, is far away.
    assert value[2] > 20 * error[2]
    moved, error = (a[:, 0] for a in paths.displacement())
    # exp(-t) against its tangent: 0.02²/2
    assert moved[1] == pytest.approx(0.02, abs=4 * float(error[1]) + 2e-4)
    assert moved[1] > 50 * (1 - np.cos(0.02))


def collision(grid, t):
    psi = free_gaussian(grid.x, t, center=-3.0, momentum=2.0, width=0.8)
    other = free_gaussian(grid.x, t, center=3.0, momentum=-2.0, width=0.8)
    return grid.normalise(psi + other)


@pytest.mark.slow
@pytest.mark.parametrize(
    "process", ["nelson", pytest.param("bohm", marks=pytest.mark.slow)]
)
def test_packets_collide(key, process):
    """Fringes with nodes at t = 1.5: total variation in 60 bins, as chance has it."""
    n, ts, start = 20_000, jnp.array([0.0, 0.75, 1.5]), collision(WIDE, 0.0)
    steps = {"nelson": 300, "bohm": 100}[process]
    run = {"nelson": nelson, "bohm": bohm}[process]
    paths = run(FREE, start, ts, key, paths=n, substeps=steps, **FAST)
    assert paths.ok.all()
    assert (paths.ks < paths.ks_line).all()
    # Bins are 1/5, cells of a finer grid of the exact density 1/200.
    fine = jqd.Grid((-20.0, 20.0), 8000)
    density = jnp.abs(collision(fine, 1.5)) ** 2 * fine.cell
    edges = np.linspace(-6, 6, 61) - fine.spacing[0] / 2
    bins = np.asarray(density)[2800:5200].reshape(60, 40).sum(axis=1)
    seen = np.histogram(paths.positions[-1], edges)[0] / n
    chance = np.sum(np.sqrt(2 / np.pi * bins * (1 - bins) / n)) / 2
    # The sum of 60 terms of relative spread 0.76 varies by 10 %; 3 of these. Halving
    # the number of steps thrice gives 2.5 times chance.
    assert np.sum(abs(seen - bins)) / 2 < 1.3 * chance


@pytest.mark.slow
def test_a_node_is_a_wall(key):
    """n = 1: x = 0 parts the paths; explicit steps throw them across and far away."""
    ts = jnp.array([0.0, 1.0, 2.0])

    paths = nelson(WELL, EXCITED, ts, key, **SHARED)
    assert paths.ok.all()
    assert paths.crossings.sum() == 0
    assert (jnp.sign(paths.positions) == jnp.sign(paths.positions[:1])).all()
    assert (paths.ks < paths.ks_line).all()
    thrown = nelson(WELL, EXCITED, ts, key, scheme="heun", **SHARED)
    crossed = jnp.sign(thrown.positions[-1]) * jnp.sign(thrown.positions[0]) < 0
    assert jnp.mean(crossed) > 0.02
    assert jnp.mean(thrown.crossings > 0) > 0.02
    assert (thrown.status == Status.LEFT_GRID).any()


def packet(x0, t):
    """Bohm's path of a packet: x₀ + p t + (X(0) - x₀) s(t)/s₀."""
    return -1 + 1.5 * t + (x0 + 1) * np.sqrt(1 + (t / (2 * 0.49)) ** 2)


PACKET = {"center": -1.0, "momentum": 1.5, "width": 0.7}


def test_bohm_paths_of_a_packet(key):
    ts, psi = np.array([0.0, 0.75, 1.5]), free_gaussian(WIDE.x, 0.0, **PACKET)
    paths = bohm(FREE, psi, ts, key, paths=20_000, substeps=100, **FAST)
    exact = packet(paths.positions[:1], ts[:, None, None])
    # The spline's slope, 1e-6, grows with the packet; four sigma away ψ is 2 % of it.
    np.testing.assert_allclose(paths.positions, exact, atol=1e-4)
    assert paths.crossings.sum() == 0


def test_bohm_paths_under_a_force_that_changes():
    """ħ, m and the clock: V = -f sin(ωt) x from t = 0.7, on a grid that moves nothing.

    The centre obeys Newton's law, and the paths part as the packet spreads.
    """
    hbar, mass, f, w = 0.6, 1.7, 2.0, 1.3
    law = jqd.Schrodinger.on_grid(
        GRID, lambda x, t: -f * jnp.sin(w * t) * x, mass=mass, hbar=hbar
    )
    units = {"hbar": hbar, "mass": mass}
    psi = free_gaussian(GRID.x, 0.0, center=-1.0, momentum=1.5, width=0.7, **units)
    x0, t0 = np.array([-1.9, -1.0, 0.2]), 0.7
    ts = np.array([t0, t0 + 0.5, t0 + 1.0])
    paths = bohm(law, psi, ts, x0=x0, substeps=10, **FAST)
    tau = ts - t0
    pushed = np.cos(w * t0) * tau - (np.sin(w * ts) - np.sin(w * t0)) / w
    centre = -1 + 1.5 / mass * tau + f / (mass * w) * pushed
    spread = np.sqrt(1 + (hbar * tau / (2 * mass * 0.49)) ** 2)
    exact = centre[:, None] + (x0 + 1)[None, :] * spread[:, None]
    # Strang's steps of 1/40 err by 1e-4; a clock from 0 would be wrong by 6e-3
    np.testing.assert_allclose(paths.positions[..., 0], exact, atol=1e-3)
    assert np.ptp(exact[-1]) - np.ptp(x0) > 0.1


def test_draws_from_a_plane_that_is_not_square(key):
    """Means, widths and distances of each axis by itself."""
    grid, n = jqd.Grid([(-6.0, 6.0), (0.0, 30.0)], (24, 40)), 2000
    centre, width = np.array([1.0, 12.0]), np.array([0.8, 2.5])

    @jax.jit
    def sample(key):
        x, y = grid.coordinates
        psi = jnp.exp(
            -(((x - centre[0]) / width[0]) ** 2 + ((y - centre[1]) / width[1]) ** 2) / 4
        )
        drawn = draw(key, jnp.arange(n, dtype=jnp.uint32), grid, psi + 0j)
        turned = drawn[:, ::-1]
        return drawn, *(kolmogorov_smirnov(z, grid, psi**2) for z in (drawn, turned))

    drawn, distance, turned = sample(key)
    np.testing.assert_array_less(abs(drawn.mean(axis=0) - centre), 4.5 * width / n**0.5)
    # √(1/2n) of a width, and what is linear between points adds
    np.testing.assert_allclose(drawn.std(axis=0), width, rtol=4.5 / (2 * n) ** 0.5)
    assert (distance < 1.63 / np.sqrt(n)).all()  # the 99 % line
    assert (turned > 0.5).all()


def test_averages_from_another_time(key):
    positions = jax.random.normal(key, (3, 50, 2)).at[2, 4].set(jnp.nan)
    x = np.asarray(positions)
    found = two_time_correlation(positions, origin=1)
    np.testing.assert_allclose(found.value, np.nanmean(x[1] * x, axis=1), rtol=1e-12)
    found = mean_square_displacement(positions, origin=-2)
    moved = (x - x[1]) ** 2
    np.testing.assert_allclose(found.value, np.nanmean(moved, axis=1), atol=1e-14)
    error = np.nanstd(moved, axis=1, ddof=1) / np.sqrt([[50], [50], [49]])
    np.testing.assert_allclose(found.error, error, atol=1e-14)


@pytest.mark.slow
def test_error_and_gradient_of_bohm_paths():
    psi, x0 = free_gaussian(WIDE.x, 0.0, **PACKET), jnp.array([-2.5, -1.0, 0.3])

    @jax.jit
    def go(x0):
        return bohm(
            FREE, psi, [0.0, 2.0], x0=x0, substeps=10, stepper=jqd.steppers.strang
        )

    paths = go(x0)
    error = np.max(abs(paths.positions[-1, :, 0] - packet(x0, 2.0)))
    # An estimate of the root mean square; the spline is not in it.
    assert 1e-6 < error < 3 * paths.error["position"][-1] + 1e-5
    slope = jax.grad(lambda x: go(x).positions[-1, 0, 0])(x0)
    spread = np.sqrt(1 + (2.0 / (2 * 0.49)) ** 2)
    np.testing.assert_allclose(slope, [spread, 0, 0], atol=1e-3)


def test_a_batch_may_be_cut_anywhere(key):
    """Up to rounding: XLA adds in another order for another number of paths."""
    ts = jnp.array([0.0, 0.3, 0.5])
    whole = nelson(WELL, EXCITED, ts, key, **SHARED)
    part = nelson(WELL, EXCITED, ts, key, **SHARED | {"paths": 77, "first": 19_915})
    mine, found = whole.positions[:, 19_915:-8], part.positions
    # Some ulp a step, which the push of the node, 1/x, makes a hundred times larger.
    np.testing.assert_allclose(mine, found, rtol=0, atol=1e-12)
    # Neighbours are not alike.
    assert np.min(abs(whole.positions[:, 19_914:-9] - found)) > 1e-6


def test_leaving_the_grid_is_said(key):
    """A packet that swings out to x = 12 on a grid that ends at 9."""
    psi = squeezed_state(GRID.x, 0.0, momentum=12.0, width=0.7)
    ts = jnp.array([0.0, 0.5, 1.5])
    paths = nelson(WELL, GRID.normalise(psi), ts, key, **SHARED)
    gone = np.asarray(paths.status == Status.LEFT_GRID)
    assert gone.mean() > 0.5
    assert np.isnan(paths.positions[-1, gone]).all()
    assert np.isfinite(paths.positions[:2]).all()
    assert "left the grid" in paths.describe()


@pytest.mark.slow
def test_positions_of_another_density_are_not_in_equilibrium(key):
    """500 positions between 0 and 1 are no sample of |ψ|²: the result says so."""
    ts, few = jnp.array([0.0, 0.05]), FAST | {"substeps": 2}
    paths = nelson(WELL, GROUND, ts, key, x0=np.linspace(0.0, 1.0, 500), **few)
    assert paths.ok.all()
    assert list(np.asarray(paths.equilibrium)) == [False, False]
    assert "500 of 500: The path reached the last time." in paths.describe()
    assert "not in equilibrium: " in paths.describe()
    assert "2 of 2 times, first at t = 0, where its distance `ks` is 0.5" in (
        paths.describe()
    )
    # Negative control: positions drawn from |ψ|².
    paths = nelson(WELL, GROUND, ts, key, paths=500, **few)
    assert paths.equilibrium.all()
    assert paths.describe() == "500 of 500: The path reached the last time."


@pytest.mark.slow
def test_paths_go_round_a_ring(key):
    grid = jqd.Grid((-5.0, 5.0), 64)
    law = jqd.Schrodinger.on_grid(grid, 0 * grid.x)
    psi = free_gaussian(grid.x, 0.0, center=1.0, momentum=3.0, width=0.7)
    ts = jnp.array([0.0, 0.5, 3.0])
    x = dict(paths=200, substeps=50, **FAST)
    ring = nelson(law, grid.normalise(psi), ts, key, periodic=True, **x)
    assert ring.ok.all()
    # The momentum is 3: the mean goes 9 further, past the seam.
    assert ring.positions[-1].mean() == pytest.approx(10.0, abs=1.0)
    assert ring.ks[-1, 0] < 1.63 / np.sqrt(200)  # the 99 % line


@pytest.mark.slow
def test_two_dimensions(key):
    grid = jqd.Grid([(-7.0, 7.0), (-7.0, 7.0)], (48, 48))
    x, y = grid.coordinates
    law = jqd.Schrodinger.on_grid(grid, lambda x, y: (x**2 + y**2) / 2)
    psi = grid.normalise(x * jnp.exp(-(x**2 + y**2) / 2) + 0j)
    ts = jnp.array([0.0, 0.5, 1.0])
    paths = nelson(law, psi, ts, key, paths=4000, substeps=25, **FAST)
    assert paths.ok.all()
    assert (paths.ks < 1.63 / np.sqrt(4000)).all()  # 6 distances: the 99 % line
    assert paths.crossings.sum() == 0
    # A vortex: Bohm's paths turn round it at the rate 1/r².
    psi = grid.normalise((x + 1j * y) * jnp.exp(-(x**2 + y**2) / 2))
    start = jnp.array([[1.0, 0.0], [0.0, 0.5]])
    end = bohm(law, psi, [0.0, 1.0], x0=start, **FAST).positions[-1]
    exact = [[np.cos(1), np.sin(1)], [-0.5 * np.sin(4), 0.5 * np.cos(4)]]
    np.testing.assert_allclose(end, exact, atol=2e-3)  # of the spline


@pytest.mark.slow
def test_observe_and_single_precision(key):
    psi = GROUND.astype(jnp.complex64)
    x = dict(paths=50, substeps=3, **FAST)
    paths = nelson(WELL, psi, [0.0, 0.1], key, observe=lambda t, x: x.mean(), **x)
    assert paths.positions is None
    assert paths.values.shape == (2,)
    assert paths.values.dtype == paths.ks.dtype == jnp.float32
    with pytest.raises(ValueError, match="must be None for averages over two times"):
        paths.correlation()


def test_distance_of_even_ranks():
    """n points at the (k - 1/2)/n quantiles are 1/2n from their density."""
    grid, n = jqd.Grid((0.0, 2.0), 16), 50
    x = (np.arange(n)[:, None] + 0.5) / n * 2
    distance = jax.jit(lambda x: kolmogorov_smirnov(x, grid, jnp.ones(16)))
    assert distance(jnp.asarray(x))[0] == pytest.approx(0.5 / n, abs=1e-12)
    shifted = distance(jnp.asarray(x / 2))
    assert shifted[0] == pytest.approx(0.5, abs=0.5 / n + 1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nu": -0.1}, "Argument `nu` must not be negative"),
        ({"nu": [0.1, 0.2]}, "Argument `nu` must have shape (1,)"),
        ({"nu": 0.1, "nu_hat": 1.0}, "Argument `nu` must be left out beside `nu_hat`"),
        ({"nu_hat": -1.0}, "Argument `nu_hat` must not be negative"),
        ({"D": 0.0}, "Argument `D` must be positive"),
        ({"law": jqd.Schrodinger(np.eye(2))}, "Argument `law` must be a law on a grid"),
        ({"psi0": np.ones(5) / 5**0.5}, "Argument `psi0` must have shape"),
        ({"psi0": 2 * GROUND}, "Argument `psi0` must be normalised"),
        ({"ts": [0.0, 0.0]}, "Argument `ts` must increase strictly"),
        ({"key": 3}, "Argument `key` must be one key"),
        ({"paths": 0}, "Argument `paths` must be at least 1"),
        ({"paths": 2.5}, "Argument `paths` must be a whole number"),
        ({"paths": 3, "x0": [0.0, 1.0]}, "Argument `paths` must be the 2 of `x0`"),
        ({"x0": np.zeros((2, 2))}, "Argument `x0` must have shape (any, 1)"),
        ({"x0": [np.nan]}, "Argument `x0` must be finite"),
        ({"x0": [0.0, 9.0]}, "Argument `x0` must lie inside of the box"),
        ({"substeps": 0}, "Argument `substeps` must be at least 1"),
        ({"scheme": "milstein"}, "Argument `scheme` must be one of"),
        ({"observe": 1}, "Argument `observe` must be a function"),
        ({"first": 2**32}, "Argument `first` must leave path numbers"),
    ],
)
def test_input(key, change, message):
    arguments = {"law": WELL, "psi0": GROUND, "ts": [0.0, 1.0], "key": key} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        nelson(**arguments)


def test_bohm_needs_a_key_or_positions():
    with pytest.raises(ValueError, match="Argument `key` must be given"):
        bohm(WELL, GROUND, [0.0, 1.0])


def test_paths_of_a_conservative_diffusion(key):
    """D is the law's own, and the density of the paths is the law's."""
    ts = np.array([0.0, 1.0, 2.0])
    law = jqd.ConservativeDiffusion(GRID, lambda x: 0 * x, D=0.8)
    psi = GRID.normalise(jnp.exp(-(GRID.x**2) / (4 * 0.81)) + 0j)
    paths = nelson(law, psi, ts, key, **SHARED)
    variance = np.var(np.asarray(paths.positions)[:, :, 0], axis=1)
    # s0² + D² t²/s0², s0 = 0.9; four standard errors of a variance, and the step's
    tolerance = 4 * np.sqrt(2 / 20_000) + 2e-3
    assert np.all(np.abs(variance / (0.81 + 0.64 / 0.81 * ts**2) - 1) < tolerance)
    # Negative control: not with D = 1/2.
    assert abs(variance[-1] / (0.81 + 0.25 / 0.81 * 4) - 1) > 10 * tolerance


def test_positions_of_an_unequal_grid_have_the_variance_of_the_density():
    """Each axis is refined by itself: the short one was 6 % too wide."""
    grid = jqd.Grid(((-20.0, 20.0), (-20.0, 20.0)), (512, 32))
    x, y = map(np.asarray, grid.coordinates)
    density = np.exp(-(x**2) / 8 - y**2 / 8)
    count = 20_000
    drawn = jqd.ensembles.draw_positions(jax.random.key(0), density, grid, count)
    # the standard error of a variance, and Δ²/6 of steps of 40/512
    bound = 4 * 4.0 * np.sqrt(2 / count) + (40 / 512) ** 2 / 6
    assert np.all(np.abs(np.var(np.asarray(drawn), axis=0) - 4) < bound)
