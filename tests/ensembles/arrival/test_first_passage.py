"""First arrivals: sampled paths, finite volumes and flux against known figures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_banded
from scipy.stats import norm

import jqd
from jqd import Status
from jqd.ensembles import arrival, arrival_flux, nelson, survival
from jqd.exact import coherent_state, free_gaussian

LINE = jqd.Grid((-30.0, 50.0), 1024)
FREE = jqd.Schrodinger.on_grid(LINE, 0 * LINE.x)
PACKET = free_gaussian(LINE.x, 0.0, momentum=1.0)
MIRRORED = jqd.Grid((-50.0, 30.0), 1024)
BOX = jqd.Grid((-9.0, 9.0), 128)
WELL = jqd.Schrodinger.on_grid(BOX, lambda x: x**2 / 2)
GROUND = coherent_state(BOX.x, 0.0)
TS = np.array([0.0, 3.0, 5.0, 10.0])
# s₀ = 1, v₀ = 1, L = 5: F(3), F(5), F(10).
TABLE = {
    0.25: (0.15414, 0.53674, 0.85938),
    0.5: (0.17421, 0.57221, 0.88097),
    1.0: (0.21249, 0.63676, 0.91715),
}
MEDIANS = {0.25: 4.7625, 0.5: 4.5531, 1.0: 4.2162}
VOLUMES = {"stepper": jqd.steppers.strang, "cells": 800, "substeps": 100}
PATHS = {"stepper": jqd.steppers.strang, "error_paths": 0}


def beyond(t, distance=5.0, speed=1.0):
    """Q of the packet, 1 - Φ((L - v₀t)/σ(t))."""
    return norm.sf((distance - speed * t) / np.sqrt(1 + t**2 / 4))


def centre(s):
    """Share that has not crossed the centre of a Gaussian by the clock s."""
    return 2 / np.pi * np.arcsin(np.exp(-s))


@pytest.mark.equation("diffusion", "claim-arrival")
@pytest.mark.parametrize("nu", TABLE)
def test_free_packet_by_volumes(nu):
    ts = np.insert(TS, 2, MEDIANS[nu])
    run = survival(FREE, PACKET, ts, detector=5.0, nu=nu, **VOLUMES)
    assert (run.status == Status.OK).all()
    # The estimated error is below 2e-4; the table has its own of the same kind.
    expected = np.insert(TABLE[nu], 1, 0.5)
    np.testing.assert_allclose(run.arrived[1:], expected, atol=4e-4)
    assert (run.error < 2e-4).all()
    np.testing.assert_allclose(run.arrived[0], beyond(0.0), atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("nu", [*TABLE, 0.0])
def test_free_packet_by_paths(key, nu):
    n = 10_000
    run = arrival(FREE, PACKET, TS, key, detector=5.0, nu=nu, paths=n, **PATHS)
    expected = TABLE.get(nu, beyond(TS[1:]))
    assert run.ok.all()
    # 4 standard errors, and 5e-4 of the steps (`step_error` at t = 3 and 100 steps).
    np.testing.assert_array_less(
        abs(run.arrived[1:] - np.array(expected)), 4 * run.error[1:] + 5e-4
    )
    # The drawn times have the same distribution; binomial scatter.
    drawn = np.mean(run.times[:, None] <= TS[None, 1:], axis=0)
    F = np.asarray(run.arrived[1:])
    np.testing.assert_array_less(abs(drawn - F), 4 * np.sqrt(F * (1 - F) / n))


def test_flux_is_bohms(key):
    ts = np.array([0.0, 1.0, 3.0, 5.0, 7.5, 10.0])
    run = arrival_flux(FREE, PACKET, ts, detector=5.0, substeps=4)
    # Exact flow of a free particle, spectral integral: rounding, and what has come
    # round the box, 1e-7 of the amplitude.
    np.testing.assert_allclose(run.beyond, beyond(ts), atol=1e-8)
    np.testing.assert_allclose(run.arrived, beyond(ts), atol=1e-8)
    dt = 1e-4
    slope = (beyond(ts + dt) - beyond(ts - dt)) / (2 * dt)
    np.testing.assert_allclose(run.current, slope, atol=1e-7)
    assert run.forward.all()
    assert (run.backflow == 0).all()
    starts = [-3.0, 0.0, 1.0]
    paths = arrival(
        FREE, PACKET, ts, key, detector=5.0, nu=0.0, x0=starts, scheme="heun", **PATHS
    )
    # x₀σ(t) + t = 5 with σ² = 1 + t²/4: never for x₀ = -3, whose speed tends to
    # 1 - 3/2, at t = 5 for x₀ = 0, and for x₀ = 1 where (5 - t)² = 1 + t²/4.
    assert paths.times[0] == jnp.inf
    soon = np.roots([3 / 4, -10, 24])
    # Heun's error at steps of 0.04 is of the order of 0.04²/6.
    np.testing.assert_allclose(paths.times[1:], [5.0, soon.min()], atol=5e-4)


def test_chance_has_no_error_of_a_single_path(key):
    """Nor do its steps err by more than chance, of which nothing is known."""
    one = {"detector": 5.0, "nu": 0.5, "substeps": 2, "stepper": jqd.steppers.strang}
    run = arrival(FREE, PACKET, np.array([0.0, 3.0]), key, paths=1, **one)
    assert np.isnan(run.error).all()
    assert "steps err" not in run.describe()


@pytest.mark.slow
def test_what_an_arrival_tells():
    """Kullback-Leibler, Nelson from Bohm, in bins of 0.1 and one for the rest."""
    grid = jqd.Grid((-80.0, 160.0), 2048)
    law = jqd.Schrodinger.on_grid(grid, 0 * grid.x)
    psi = free_gaussian(grid.x, 0.0, momentum=1.0)
    ts = np.linspace(0.0, 40.0, 401)
    kept = {"detector": 5.0, "substeps": 4, "stepper": jqd.steppers.strang}
    run = survival(law, psi, ts, **kept)
    nelsons, bohms = (
        np.diff(np.append(F, 1)) for F in (np.asarray(run.arrived), beyond(ts))
    )
    # The rest after t = 40, 0.025 and 0.040, would still split a little: 1e-4.
    told = np.sum(nelsons * np.log(nelsons / bohms))
    assert told == pytest.approx(0.0169, abs=2e-4)


@pytest.mark.equation("diffusion", "claim-arrival-node")
def test_a_node_is_a_wall():
    """n = 1: who starts on the left never comes to a detector on the right."""
    psi = BOX.normalise(BOX.x * jnp.exp(-(BOX.x**2) / 2) + 0j)
    run = survival(WELL, psi, [0.0, 2.0, 20.0], detector=1.0, **VOLUMES)
    # Those between the node and the detector are gone by then: exp(-2 · 20) and less.
    # The node leaks with the width of a cell, 1e-3 here and half of it with twice.
    assert run.survival[2] == pytest.approx(0.5, abs=2e-3)
    assert run.survival[0] > 0.7


@pytest.mark.parametrize("nu", [0.5, 1.0])
def test_centre_by_volumes(nu):
    ts = np.array([0.0, 0.5, 1.0])
    run = survival(WELL, GROUND, ts, detector=0.0, nu=nu, **VOLUMES)
    assert centre(np.array([0.5, 1.0])) == pytest.approx([0.414879, 0.239832], abs=1e-6)
    # Cells and steps leave 5e-5.
    np.testing.assert_allclose(
        run.survival / run.survival[0], centre(2 * nu * ts), atol=2e-4
    )
    assert run.survival[0] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.slow
def test_bridge_is_needed(key):
    """Without what happens inside of steps arrivals are late by O(√dt)."""
    ts, n = np.linspace(0.0, 1.0, 21), 4000
    start = {"detector": 0.0, "paths": n, "substeps": 1}
    run = arrival(WELL, GROUND, ts, key, **start, **PATHS)
    exact = 0.5 + 0.5 * (1 - centre(ts[[10, 20]]))
    # The bridge holds the drift fixed: O(dt), dt = 0.05 and half of it in F.
    bias = 2e-3
    np.testing.assert_array_less(
        abs(run.arrived[np.array([10, 20])] - exact), 4 * run.error[-1] + bias
    )
    at_times = nelson(WELL, GROUND, ts, key, paths=n, substeps=1, **PATHS)
    seen = jnp.max(at_times.positions[:, :, 0], axis=0) >= 0
    # Negative control: expected to be late by 0.583 √(2ν dt) in space, some 0.06.
    assert jnp.mean(seen) < exact[-1] - 10 * run.error[-1]
    assert run.describe().endswith("the same for every ν")


@pytest.mark.slow
def test_step_error_is_told(key):
    ts = np.array([0.0, 1.0])
    coarse = {
        "detector": 0.0,
        "paths": 4000,
        "substeps": 4,
        "stepper": jqd.steppers.strang,
    }
    run = arrival(WELL, GROUND, ts, key, error_paths=4000, **coarse)
    exact = 0.5 + 0.5 * (1 - centre(1.0))
    assert run.step_error[-1] > 2 * run.step_chance[-1]
    # An estimate by order 1 and its chance: with the next order within a factor of 2.
    missed = abs(run.arrived[-1] - exact)
    assert missed < 2 * run.step_error[-1] + 4 * run.error[-1]
    # Two steps for one turn of the well, against sixty-four.
    ts = np.array([0.0, 6.0])
    for substeps, told in ((2, True), (64, False)):
        kept = coarse | {"substeps": substeps}
        run = arrival(WELL, GROUND, ts, key, error_paths=4000, **kept)
        assert ("raise `substeps`" in run.describe()) == told


@pytest.mark.slow
def test_from_the_right():
    """The mirror image, by volumes, flux and bit for bit the same grid."""
    law = jqd.Schrodinger.on_grid(MIRRORED, 0 * MIRRORED.x)
    psi = free_gaussian(MIRRORED.x, 0.0, momentum=-1.0)
    kept = {"detector": -5.0, "side": "right"}
    run = survival(law, psi, TS, nu=0.5, **kept, **VOLUMES)
    np.testing.assert_allclose(run.arrived[1:], TABLE[0.5], atol=4e-4)
    flux = arrival_flux(law, psi, TS, substeps=4, **kept)
    np.testing.assert_allclose(flux.arrived, beyond(TS), atol=1e-8)


@pytest.mark.slow
def test_volumes_are_of_order_two():
    def run(cells, substeps):
        kept = {"detector": 5.0, "stepper": jqd.steppers.strang}
        return survival(
            FREE, PACKET, TS[:3], cells=cells, substeps=substeps, **kept
        ).survival[-1]

    fine = run(1600, 240)
    errors = [abs(run(c, s) - fine) for c, s in ((100, 16), (200, 32))]
    # 4 of order 2, 2 of order 1; the next order has a tenth of it.
    assert 3 < errors[0] / errors[1] < 5.5


def oscillator_volumes(nu, start, wall, t_end, points=3000, steps=4000):
    """S of a coherent state, by other means: an Ornstein-Uhlenbeck process in the
    clock s = 2νt below a moving wall l, w = l - z, central differences."""
    sigma, width = np.sqrt(0.5), 14.0
    clock, reach = 2 * nu * t_end / steps, width / points

    def level(s):
        t = s / (2 * nu)
        slope = start * np.sin(t) / sigma / (2 * nu)
        return (wall - start * np.cos(t)) / sigma, slope

    w = reach * (np.arange(points) + 1)
    g = norm.pdf(level(0.0)[0] - w)
    for i in range(steps):
        edge, slope = level((i + 1) * clock)
        b = slope + edge - w  # drift of w
        bands = np.zeros((3, points))
        bands[0, 1:] = -clock * (1 / reach**2 - b[1:] / (2 * reach))
        bands[1] = 1 + clock * 2 / reach**2
        bands[2, :-1] = -clock * (1 / reach**2 + b[:-1] / (2 * reach))
        g = solve_banded((1, 1), bands, g)
    return reach * g.sum()


@pytest.mark.parametrize(("nu", "wall"), [(0.5, 1.5), (0.2, 0.4)])
def test_coherent_state_beside_a_moving_wall(nu, wall):
    """Not in any table: a swinging packet meets a detector twice a period."""
    psi = coherent_state(BOX.x, 0.0, center=-1.0)
    run = survival(WELL, psi, [0.0, 4.0], detector=wall, nu=nu, **VOLUMES)
    once = oscillator_volumes(nu, -1.0, wall, 4.0, steps=1000)
    twice = oscillator_volumes(nu, -1.0, wall, 4.0, steps=2000)
    # Euler's steps of the reference, extrapolated, leave 1e-4.
    assert run.survival[-1] == pytest.approx(2 * twice - once, abs=4e-4)


@pytest.mark.slow
def test_a_kick_between_two_steps_moves_the_wave():
    """A Gaussian of area 1 in time times -2 x: at v₀ = 1 before t = 0.52, 3 after."""
    f = jqd.spaces.named_pulse("gaussian", area=1.0, center=0.52, width=5e-4)
    law = jqd.Schrodinger.on_grid(LINE, lambda x, t: -2 * f(t) * x)
    ts = np.array([0.0, 1.0, 2.0])
    run = arrival_flux(law, PACKET, ts, detector=5.0, substeps=20)
    # all that flows at once in 1/40 of the time: what a kick of that width leaves
    expected = norm.sf((5 - ts - 2 * np.maximum(ts - 0.52, 0)) / np.sqrt(1 + ts**2 / 4))
    np.testing.assert_allclose(run.beyond, expected, atol=1e-3)
    assert np.all(np.abs(run.beyond - expected) < 2 * run.error.beyond + 1e-6)
    assert run.beyond[-1] > 0.4
    moved = survival(law, PACKET, ts, detector=5.0, nu=0.5, **VOLUMES)
    # no path has been beyond and gone back
    assert moved.arrived[-1] > run.beyond[-1] - 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.31, 0.01])
def test_steps_end_where_a_force_jumps(width):
    """A force of area 2 from t = 0.513 on, in a plain function, 20 steps a time: all
    flows of a force without slope are exact."""

    def slope(x, t):
        pushed = abs(t - 0.513 - width / 2) < width / 2
        return -2 / width * jnp.where(pushed, x, 0)

    law, ts = jqd.Schrodinger.on_grid(LINE, slope), np.array([0.0, 1.0, 2.0])
    run = arrival_flux(law, PACKET, ts, detector=5.0, substeps=20)
    late = np.maximum(ts - 0.513 - width / 2, 0)
    expected = norm.sf((5 - ts - 2 * late) / np.sqrt(1 + ts**2 / 4))
    np.testing.assert_allclose(run.beyond, expected, atol=1e-7)
    assert run.beyond[-1] > 0.4


def test_density_at_the_ends_of_the_box_is_told():
    """At v₀ = 1 the packet comes to the end of a box of 8 by t = 8, and round it."""
    grid = jqd.Grid((-8.0, 8.0), 128)
    law = jqd.Schrodinger.on_grid(grid, 0 * grid.x)
    psi = free_gaussian(grid.x, 0.0, center=-1.0, momentum=1.0, width=0.8)
    run = arrival_flux(law, psi, [0.0, 1.0, 8.0, 9.0], detector=2.0, substeps=2)
    expected = [Status.OK, Status.OK, Status.EDGE, Status.EDGE]
    np.testing.assert_array_equal(run.status, expected)


def test_what_steps_leave_in_a_flux():
    """A coherent state that turns back at t = π, by eight steps of order 2 a time."""
    ts, wall, sigma = np.array([0.0, 1.0, 2.0, 4.0]), 0.4, np.sqrt(0.5)
    psi = coherent_state(BOX.x, 0.0, center=-1.0)
    kept = {"detector": wall, "stepper": jqd.steppers.strang, "substeps": 8}
    run = arrival_flux(WELL, psi, ts, **kept)
    Q = norm.sf((wall + np.cos(ts)) / sigma)
    turned = norm.sf((wall - 1) / sigma)
    true = {
        "current": np.sin(ts) * norm.pdf(wall + np.cos(ts), scale=sigma),
        "beyond": Q,
        "arrived": np.append(Q[:3], turned),
        "backflow": np.append([0, 0, 0], turned - Q[3]),
    }
    for name, expected in true.items():
        off = np.abs(getattr(run, name) - expected)
        error = np.asarray(getattr(run.error, name))
        # the next order of the steps has a hundredth of it; the grid leaves 1e-8
        assert (off <= 1.01 * error + 1e-7).all(), name
        assert off.max() > 1e-4, name
        assert error.max() < 10 * off.max(), name
    assert (run.status == Status.OK).all()


def test_backflow_of_a_state():
    """Two momenta, both positive: at times the current at 0 is negative."""
    grid = jqd.Grid((-120.0, 120.0), 1024)
    law = jqd.Schrodinger.on_grid(grid, 0 * grid.x)
    pair = [free_gaussian(grid.x, 0.0, momentum=p, width=10.0) for p in (0.3, 1.4)]
    psi = grid.normalise(1.8 * pair[0] + pair[1])
    ts = np.linspace(0.0, 8.0, 161)
    run = arrival_flux(law, psi, ts, detector=0.0, substeps=2)
    assert not run.forward.all()
    Q = np.asarray(run.beyond)
    most = np.maximum.accumulate(Q)
    # Largest between the times kept: j' dt²/8 with |j'| < 0.1, dt = 0.025.
    np.testing.assert_allclose(run.arrived, most, atol=1e-5)
    np.testing.assert_allclose(run.backflow, np.maximum.accumulate(most - Q), atol=2e-5)
    assert (run.arrived[1:] >= run.arrived[:-1]).all()
    # Positive, and below Bracken and Melloy's constant.
    assert 1e-3 < run.backflow[-1] < 0.0385


@pytest.mark.slow
def test_gradients(key):
    ts = np.array([0.0, 2.0])
    psi = coherent_state(BOX.x, 0.0, center=-1.0)

    def volumes(nu):
        kept = {
            "detector": 1.5,
            "cells": 100,
            "substeps": 20,
            "stepper": jqd.steppers.strang,
        }
        return survival(WELL, psi, ts, nu=nu, **kept).survival[-1]

    def paths(nu):
        kept = {"detector": 1.5, "paths": 50, "substeps": 20}
        return arrival(WELL, psi, ts, key, nu=nu, **kept, **PATHS).arrived[-1]

    h = 1e-5
    for function in (volumes, paths):
        slope = (function(0.5 + h) - function(0.5 - h)) / (2 * h)
        # Differences: h² times the third derivative, and rounding over h, 1e-10.
        # F of given random numbers has kinks where a path touches: none within h.
        assert jax.grad(function)(0.5) == pytest.approx(float(slope), rel=1e-5)
    many = jax.vmap(volumes)(jnp.array([0.25, 0.5]))
    np.testing.assert_allclose(many, [volumes(0.25), volumes(0.5)], rtol=1e-12)


@pytest.mark.slow
def test_lost_paths_and_narrow_boxes(key):
    grid = jqd.Grid((-2.0, 2.0), 64)
    law = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 2) + 0j)
    ts = np.array([0.0, 1.0])
    run = arrival(law, psi, ts, key, detector=1.0, paths=500, **PATHS)
    assert (run.status == Status.LEFT_GRID).any()
    assert run.lost[0] == 0
    assert run.lost[1] > 0.01
    assert "left the grid" in run.describe()
    # Who had arrived before he left is not lost.
    assert (run.status[run.times < jnp.inf] == Status.OK).mean() > 0.9
    kept = {"detector": 1.0, "cells": 20, "substeps": 4}
    assert (survival(law, psi, ts, **kept).status == Status.EDGE).all()
    # Two cells and steps say nothing of what is 10σ away.
    run = survival(WELL, GROUND, ts, detector=5.0, cells=2, substeps=2)
    assert run.status[1] == Status.INACCURATE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"detector": 60.0}, "`detector` must lie inside"),
        ({"side": "up"}, "`side` must"),
        ({"nu": 0.0}, "`nu` must be positive"),
        ({"nu": -1.0}, "`nu` must"),
        ({"cells": 3}, "`cells` must be even"),
        ({"substeps": 5}, "`substeps` must be even"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        survival(FREE, PACKET, TS, **({"detector": 5.0} | arguments))


def test_refused_in_two_dimensions(key):
    plane = jqd.Grid(((-5.0, 5.0), (-5.0, 5.0)), (16, 16))
    x, y = plane.coordinates
    psi = plane.normalise(jnp.exp(-(x**2) / 2 - y**2 / 2) + 0j)
    law = jqd.Schrodinger.on_grid(plane, jnp.zeros(plane.shape))
    with pytest.raises(ValueError, match="one dimension"):
        survival(law, psi, TS, detector=1.0)
    with pytest.raises(ValueError, match="`axis` must be at most 1, but is 2"):
        arrival(law, psi, TS, key, detector=1.0, axis=2)
