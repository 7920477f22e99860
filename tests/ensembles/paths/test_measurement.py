"""Paths of measured particles: pointers, records, conditional waves, ways crossed."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import jqd
from jqd import exact
from jqd.ensembles import arrival, bohm, conditional_wave, nelson

GRID = jqd.Grid([(-7.0, 7.0), (-7.0, 7.0)], (40, 40))
X, Y = GRID.coordinates
# ground state of an oscillator, and a pointer of variance ½
START = GRID.normalise(jnp.exp(-(X**2 + Y**2) / 2) + 0j)
SQUARE = jqd.spaces.named_pulse("square", height=10.0, start=0.0, end=0.1)
KEY = jax.random.key(7)


# functions of their own, so that what is compiled serves several tests
def well(x, y):
    return x**2 / 2


def position(x, y):
    return x


def measured(strength, mass=jnp.inf):
    return jqd.Schrodinger.on_grid(
        GRID, well, mass=[1.0, mass], couplings={1: (position, strength)}
    )


def moments(values):
    """Mean over paths, and its standard error."""
    values = np.asarray(values)
    return values.mean(-1), values.std(-1) / np.sqrt(values.shape[-1])


@pytest.mark.sampled
@pytest.mark.equation("diffusion", "claim-records")
@pytest.mark.parametrize("nu", [0.5, 0.0, 0.25, 1.0])
def test_a_measured_path_turns_and_its_record_knows_no_noise(nu):
    ts = np.array([0.0, np.pi / 2, np.pi])
    paths = nelson(
        measured(jqd.spaces.impulse(0.0, 1.0)), START, ts, KEY, nu=[nu, 0.0],
        paths=3000, substeps=30, error_paths=0,
    )  # fmt: skip
    assert bool(jnp.all(paths.ok))
    x, y = np.moveaxis(np.asarray(paths.positions), 2, 0)
    # the record stays where the impulse put it
    np.testing.assert_array_equal(y, np.broadcast_to(y[0], y.shape))
    known = {0.0: 0.0, 0.25: -0.198030, 0.5: -0.239197, 1.0: -0.249533}[nu]
    path, error = moments(x[0] * x)
    assert abs(path[2] - known) < 4 * error[2]
    assert abs(path[1] - np.exp(-np.pi * nu) / 2) < 4 * error[1]
    record, error = moments(y * x)
    np.testing.assert_array_less(abs(record - np.cos(ts) / 2), 4 * error)
    # in equilibrium with the wave, the pointer included
    assert bool(jnp.all(paths.equilibrium))


@pytest.mark.sampled
@pytest.mark.parametrize("nu", [0.5, 0.0, 0.25, 1.0])
def test_an_unmeasured_path_does_not(nu):
    line = jqd.Grid((-7.0, 7.0), 40)
    law = jqd.Schrodinger.on_grid(line, lambda x: x**2 / 2)
    psi = line.normalise(jnp.exp(-(line.x**2) / 2) + 0j)
    paths = nelson(
        law, psi, [0.0, np.pi], KEY, nu=nu, paths=4000, substeps=60, error_paths=0
    )
    x = np.asarray(paths.positions)[..., 0]
    value, error = moments(x[0] * x[1])
    assert abs(value - np.exp(-2 * nu * np.pi) / 2) < 4 * error


def test_a_free_path_keeps_a_part_of_where_it_began():
    """exp(-arctan(t/T0)) of Nelson's: .2079 for ever; here T0 = 1, t = 5."""
    line = jqd.Grid((-40.0, 40.0), 256)
    law = jqd.Schrodinger.on_grid(line, 0 * line.x)
    psi = line.normalise(jnp.exp(-(line.x**2) / 2) + 0j)
    ts = np.array([0.0, 1.0, 5.0])
    paths = nelson(law, psi, ts, KEY, paths=4000, substeps=60, error_paths=0)
    z = np.asarray(paths.positions)[..., 0] / np.sqrt((1 + ts**2) / 2)[:, None]
    value, error = moments(z[0] * z)
    np.testing.assert_array_less(abs(value - np.exp(-np.arctan(ts))), 4 * error)


@pytest.mark.slow
def test_a_coupling_that_ends_inside_of_a_save_interval():
    """The finite pointer of particles.md 1.3; no time of the run is its end."""
    law = measured(SQUARE, mass=20.0)
    ts = np.array([0.0, 0.1 + np.pi])
    paths = nelson(law, START, ts, KEY, paths=5000, substeps=120, error_paths=0)
    x, y = np.moveaxis(np.asarray(paths.positions), 2, 0)
    # an unmeasured path has exp(-π)/2 = .02
    value, error = moments(x[0] * x[1])
    assert abs(value + 0.205632) < 4 * error
    assert error < 0.01
    value, error = moments(y[1] * x[1])
    assert abs(value + 0.495534) < 4 * error
    still = bohm(law, START, ts, KEY, paths=4000, substeps=60, error_paths=0)
    x = np.asarray(still.positions)[..., 0]
    value, error = moments(x[0] * x[1])
    assert abs(value - 0.036476) < 4 * error


@pytest.mark.slow
def test_steps_end_where_a_pulse_does():
    law = measured(SQUARE)
    ts = np.array([0.0, 0.05, 0.4])
    x0 = np.array([[0.5, 0.2], [-1.0, 0.7], [0.0, -0.4]])
    found = bohm(law, START, ts, x0=x0, substeps=10, error_paths=0).positions
    # a run whose times are the ends of the pulse has the same legs
    later = bohm(law, START, [0.0, 0.1, 0.4], x0=x0, substeps=10, error_paths=0)
    # while it lasts Y moves with 10 X, and then it stays
    np.testing.assert_array_equal(later.positions[1, :, 1], later.positions[2, :, 1])
    # legs of other lengths: order 4 leaves 1e-7 of steps of .01
    np.testing.assert_allclose(found[2], later.positions[2], atol=1e-6)
    moved = np.asarray(later.positions[1, :, 1]) - x0[:, 1]
    # X has moved by some per cent in the meantime
    np.testing.assert_allclose(moved, x0[:, 0], atol=0.03)
    assert abs(moved[0]) > 0.4


@pytest.mark.slow
def test_a_kick_of_no_duration_is_the_limit_for_paths_too():
    x0 = np.array([[0.5, 0.2], [-1.0, 0.7]])
    width = 1e-3
    g = jqd.spaces.named_pulse("square", height=0.7 / width, start=0.0, end=width)
    ends = [
        bohm(
            measured(strength), START, [0.0, 1.0], x0=x0, substeps=20, error_paths=0
        ).positions[1]
        for strength in (g, jqd.spaces.impulse(0.0, 0.7))
    ]
    np.testing.assert_allclose(ends[0], ends[1], atol=2 * width)


@pytest.mark.slow
def test_each_path_has_its_own_numbers_also_with_impulses_and_pulses():
    law = jqd.Schrodinger.on_grid(
        GRID, well,
        couplings={
            1: (position, SQUARE),
            0: (lambda x, y: jnp.sin(y), jqd.spaces.impulse([0.0, 0.05, 0.1], 0.3)),
        },
    )  # fmt: skip

    def run(count, first):
        return nelson(
            law, START, [0.0, 0.3], KEY, paths=count, first=first, substeps=4,
            error_paths=0,
        ).positions  # fmt: skip

    parts = jnp.concatenate([run(2, 0), run(2, 2)], axis=1)
    # how the paths of a run are dealt out changes rounding
    np.testing.assert_allclose(run(4, 0), parts, atol=1e-12)


@pytest.mark.slow
def test_a_path_that_an_impulse_throws_out_of_the_box_has_ended():
    x0 = np.array([[2.0, 0.0], [0.1, 0.0]])
    law = measured(jqd.spaces.impulse(0.1, 5.0))
    paths = bohm(law, START, [0.0, 0.2], x0=x0, substeps=4, error_paths=0)
    assert paths.status.tolist() == [int(jqd.Status.LEFT_GRID), 0]


@pytest.mark.slow
def test_an_impulse_may_carry_paths_to_a_detector():
    """Of the pointer: Y1 > 1 right after Y1 = Y0 + 1.5 X, of variance ½ + 9/8."""
    law = measured(jqd.spaces.impulse(0.25, 1.5))
    found = arrival(
        law, START, [0.0, 0.2, 0.3, 0.4], KEY, detector=1.0, axis=1,
        nu=[0.5, 0.0], paths=2000, substeps=4, error_paths=0,
    )  # fmt: skip
    before = norm.sf(1 / np.sqrt(0.5))
    # neither before nor after
    C = np.array([[0.5, 0.5], [0.5, 0.5 + 1.125]])
    after = 1 - multivariate_normal([0, 0], C).cdf([1.0, 1.0])
    expected = np.array([before, before, after, after])
    np.testing.assert_array_less(abs(found.arrived - expected), 4 * found.error + 1e-12)
    sudden = np.asarray(found.times)
    assert set(np.round(sudden[np.isfinite(sudden)], 12)) == {0.0, 0.25}


@pytest.mark.slow
def test_slope_of_a_path_by_the_strength_of_an_impulse():
    x0 = np.array([[0.5, 0.2]])

    def end(G):
        law = measured(jqd.spaces.impulse(0.0, G))
        run = bohm(law, START, [0.0, 0.5], x0=x0, substeps=4, error_paths=0)
        return run.positions[1, 0, 0]

    step = 1e-4
    slope = (end(0.8 + step) - end(0.8 - step)) / (2 * step)
    assert jax.grad(end)(0.8) == pytest.approx(float(slope), abs=1e-6)


@pytest.mark.slow
def test_two_records_one_after_the_other():
    """E[Y1 Y2] = -½ at half a period, of paths in three dimensions, whatever ν."""
    grid = jqd.Grid([(-6.0, 6.0), (-7.0, 7.0), (-7.0, 7.0)], (24, 28, 28))
    x, y, z = grid.coordinates
    psi = grid.normalise(jnp.exp(-(x**2 + y**2 + z**2) / 2) + 0j)
    law = jqd.Schrodinger.on_grid(
        grid, lambda x, y, z: x**2 / 2, mass=[1.0, jnp.inf, jnp.inf],
        couplings={
            1: (lambda x, y, z: x, jqd.spaces.impulse(0.0, 1.0)),
            2: (lambda x, y, z: x, jqd.spaces.impulse(np.pi, 1.0)),
        },
    )  # fmt: skip

    @jax.vmap  # both share the wave, which takes most of the time
    def ends(nu):
        return nelson(
            law, psi, [0.0, np.pi], KEY, nu=nu, paths=4000, substeps=40, refine=2,
            error_paths=0,
        ).positions[1]  # fmt: skip

    found = ends(jnp.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]))
    value, error = moments(found[..., 1] * found[..., 2])
    assert np.all(abs(value + 0.5) < 4 * error)


# -- conditional waves -----------------------------------------------------------------


def test_a_conditional_wave_of_gaussians():
    grid = jqd.Grid([(-8.0, 8.0), (-7.0, 7.0)], (64, 64))
    x, y = grid.coordinates
    psi = grid.normalise(jnp.exp(-((x - 0.3 * y) ** 2) / 2 - y**2 + 1j * x * y))
    places = np.array([[0.1, 0.6], [3.0, -1.1], [0.0, 0.0]])
    found = conditional_wave(grid, psi, places, 1)
    line, Y = found.grid.x[None], places[:, 1:]
    expected = jnp.exp(-((line - 0.3 * Y) ** 2) / 2 + 1j * line * Y) / np.pi**0.25
    np.testing.assert_allclose(abs(found.psi), abs(expected), atol=1e-9)
    turn = jnp.sum(jnp.conj(expected) * found.psi, axis=1) * found.grid.cell
    np.testing.assert_allclose(abs(turn), 1, atol=1e-9)
    # of the density exp(-2y²)
    gauss = np.sqrt(2 / np.pi) * np.exp(-2 * places[:, 1] ** 2)
    np.testing.assert_allclose(found.density, gauss, atol=1e-9)
    # the places along the axes alone will do
    same = conditional_wave(grid, psi, places[:, 1:], (1,))
    np.testing.assert_array_equal(same.psi, found.psi)


def test_a_conditional_wave_guides_its_particle():
    """∂ψ_c/ψ_c at X is that of Ψ along x; of three axes, two of them given."""
    grid = jqd.Grid([(-6.0, 6.0), (-5.0, 5.0), (-5.5, 5.5)], (40, 32, 36))
    x, y, z = grid.coordinates
    psi = grid.normalise(
        jnp.exp(-(x**2 + y**2 + z**2 + 0.4 * x * y) / 2 + 0.5j * x * z + 0.3j * y)
    )
    place = np.array([[0.4, -0.3, 0.8]])
    found = conditional_wave(grid, psi, place, (2, 1))
    assert found.grid.shape == (40,)
    k = np.ravel(found.grid.wavenumbers[0])
    waves = np.exp(1j * k * (0.4 - found.grid.bounds[0][0]))
    spectrum = np.fft.fft(np.asarray(found.psi[0])) / k.size
    slope = np.sum(1j * k * waves * spectrum) / np.sum(waves * spectrum)
    known = -(0.4 + 0.2 * -0.3) + 0.5j * 0.8
    assert slope == pytest.approx(known, abs=1e-6)


def test_conditional_waves_where_there_is_none():
    psi = jnp.zeros(GRID.shape, complex).at[:, 20].set(1.0)
    wave = GRID.normalise(psi)
    places = np.array([[0.0, np.nan], [0.0, float(Y[0, 3])]])
    found = conditional_wave(GRID, wave, places, 1)
    assert bool(jnp.all(jnp.isnan(found.psi[0])))
    empty = conditional_wave(GRID, 0 * wave, places[1:], 1)
    assert float(empty.density[0]) == 0
    assert bool(jnp.all(empty.psi == 0))


@pytest.mark.equation("diffusion", "claim-collapse")
def test_after_disjoint_branches_the_conditional_wave_is_the_collapsed_one():
    """A pointer that goes to ±2 with the sign of x, s = .4."""
    line = jqd.Grid([(-8.0, 8.0), (-6.0, 6.0)], (80, 64))
    x, y = line.coordinates
    up, low = (jnp.exp(-((x - c) ** 2) / 2) for c in (3.0, -3.0))
    psi = line.normalise((0.6 * up + 0.8j * low) * jnp.exp(-(y**2) / (4 * 0.16)))
    law = jqd.Schrodinger.on_grid(
        line, lambda x, y: 0 * x, mass=[1.0, jnp.inf],
        couplings={1: (lambda x, y: jnp.tanh(4 * x), jqd.spaces.impulse(0.0, 2.0))},
    )  # fmt: skip
    run = jqd.evolve(
        law,
        psi,
        jnp.array([0.0]),
        method=jqd.Fixed(jqd.steppers.srkn11, 1, estimate_error=False),
    )
    found = conditional_wave(line, run.values[0], np.array([[1.7], [-2.2]]), 1)
    for wave, branch in zip(found.psi, (up, low), strict=True):
        own = branch[:, 0] / jnp.sqrt(found.grid.cell * jnp.sum(branch**2))
        share = abs(found.grid.cell * jnp.sum(own * wave)) ** 2
        # tails of e^-9 of the other side
        assert share == pytest.approx(1, abs=1e-4)
    weights = found.density / jnp.exp(-(jnp.array([0.3, 0.2]) ** 2) / 0.32)
    assert weights[0] / weights[1] == pytest.approx(0.36 / 0.64, abs=1e-3)


@pytest.mark.parametrize(
    ("axes", "positions", "message"),
    [
        ((0, 1), np.zeros((1, 2)), "`axes` must be some of the 2 axes"),
        ((), np.zeros((1, 2)), "`axes` must be some of the 2 axes"),
        (2, np.zeros((1, 2)), "`axes` must be at most 1"),
        (1, np.zeros((1, 3)), "`positions` must have shape (n, 2) or (n, 1)"),
    ],
)
def test_refused(axes, positions, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        conditional_wave(GRID, START, positions, axes)


# -- which way -------------------------------------------------------------------------


def slits(shape):
    """Two packets of width .3 at ±2, a pointer of variance ¼, free for T = 2."""
    grid = jqd.Grid([(-28.0, 28.0), (-5.0, 5.0)], shape)
    x, y = grid.coordinates
    both = sum(jnp.exp(-((x - c) ** 2) / (4 * 0.09)) for c in (2.0, -2.0))
    return grid, grid.normalise(both * jnp.exp(-(y**2)) + 0j)


def marked(grid, a, width=0.15, time=0.02):
    g = jqd.spaces.named_pulse("square", height=a / time, start=0.0, end=time)
    return jqd.Schrodinger.on_grid(
        grid, lambda x, y: 0 * x, mass=[1.0, jnp.inf],
        couplings={1: (lambda x, y: jnp.tanh(x / width), g)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def patterns():
    """Densities at T = 2, by how far the pointer goes."""
    grid, psi = slits((448, 32))
    method = jqd.Fixed(jqd.steppers.srkn11, 2, estimate_error=False)

    @jax.jit
    def run(a):
        law = marked(grid, a)
        ts = jnp.array([0.0, 2.0])
        return jqd.evolve(law, psi, ts, method=method, observe="density").values[1]

    return grid, {a: np.asarray(run(a)) for a in (0.25, 0.5, 1.0, 2.0)}


@pytest.mark.equation("diffusion", "claim-C-which-path")
def test_the_overlap_of_the_pointer_emerges(patterns):
    grid, densities = patterns
    x = np.ravel(grid.coordinates[0])
    up, low = (
        np.asarray(exact.free_gaussian(x, 2.0, center=c, width=0.3)) / np.sqrt(2)
        for c in (2.0, -2.0)
    )
    cross = 2 * np.real(np.conj(up) * low)
    for a in (0.25, 0.5, 1.0):
        pattern = densities[a].sum(axis=1) * grid.spacing[1]
        rest = pattern - abs(up) ** 2 - abs(low) ** 2
        eta = rest @ cross / (cross @ cross)
        # finite width and time of the coupling
        assert eta == pytest.approx(np.exp(-(a**2) / 0.5), abs=1e-4)
        left = np.sum(abs(rest - eta * cross)) * grid.spacing[0]
        assert left < 8e-5
        # V² + D² = 1 of pure states of a pointer; its position tells less than D
        tells = np.sqrt(1 - eta**2)
        spread = np.ravel(grid.coordinates[1])
        ends = [np.exp(-((spread - s * a) ** 2) / 0.5) for s in (1, -1)]
        by_position = np.sum(abs(ends[0] - ends[1])) / np.sum(ends[0] + ends[1])
        assert by_position < tells


def crossing_share(density, grid):
    """P(X < 0 | Y > 0), the cell at x = 0 by half."""
    x, y = (np.ravel(c) for c in grid.coordinates)
    upper = density[:, y > 0].sum(axis=1)
    middle = upper[np.argmin(abs(x))]
    return (upper[x < -1e-9].sum() + middle / 2) / upper.sum()


@pytest.mark.equation("diffusion", "claim-ways-cross")
def test_behind_disjoint_pointers_ways_cross(patterns):
    grid, densities = patterns
    # Φ(-2/σ(T)), σ = 3.346806; quadratic in the cell, and e^-8 of the pointers overlap
    assert crossing_share(densities[2.0], grid) == pytest.approx(0.275059, abs=1e-3)


@pytest.mark.slow
@pytest.mark.equation("diffusion", "claim-ways-cross")
def test_bohm_paths_cross_behind_a_pointer_and_not_without():
    grid, psi = slits((320, 32))
    ts, law = np.array([0.0, 0.02, 2.0]), marked(grid, 2.0)

    @jax.vmap  # Bohm's and Nelson's share the wave, which takes most of the time
    def both(nu):
        paths = nelson(law, psi, ts, KEY, nu=nu, paths=2000, substeps=60, error_paths=0)
        return paths.positions[..., 0], paths.ok

    for x, ok in zip(*both(jnp.array([[0.0, 0.0], [0.5, 0.0]])), strict=True):
        assert float(jnp.mean(ok)) > 0.999
        x = np.asarray(x)
        upper = (x[0] > 0) & np.isfinite(x[2])
        share, error = moments(x[2][upper] < 0)
        assert abs(share - 0.275059) < 4 * error
    # the same packets without a pointer: Bohm's paths stay on their side
    line = jqd.Grid(grid.bounds[0], 320)
    alone = line.normalise(jnp.sum(psi, axis=1))
    free = jqd.Schrodinger.on_grid(line, 0 * line.x)
    for nu in (0.0, 0.5):
        paths = nelson(
            free, alone, ts, KEY, nu=nu, paths=2000, substeps=200, error_paths=0
        )
        x = np.asarray(paths.positions)[..., 0]
        changed = np.sum(np.sign(x[0]) != np.sign(x[2]))
        assert changed == 0 if nu == 0 else changed > 100
