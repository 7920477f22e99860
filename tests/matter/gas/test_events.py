"""Hard rods, discs and spheres: rates, conservation, first collisions, packets."""

import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from maxwell_boltzmann import printed_energy_cdf
from scipy.stats import ks_1samp

import jqd
from jqd.matter import gas
from jqd.readings.time_scales import spreading_width

N, SNAPSHOTS = 256, 8


def thermal_run(fraction, seed=0, collisions=1600):
    """All with one shape: compiled once."""
    place, push = jax.random.split(jax.random.key(seed))
    x, box = gas.lattice(place, N, fraction)
    v = gas.maxwell(push, N)
    return gas.event_driven(x, v, box, collisions=collisions, snapshots=SNAPSHOTS)


@pytest.fixture(scope="module")
def dense():
    return thermal_run(0.3)


def test_growth_without_collisions_is_not_known():
    """A factor of 4 in 2 collisions, and none at all."""
    widths = jnp.array([[1.0, 1.0], [1.0, 1.0], [2.0, 8.0]])
    run = gas.Widths(jnp.arange(3.0), jnp.array([0.0, 0.0, 2.0]), widths)
    assert float(run.growth(1)) == pytest.approx(2)
    still = gas.Widths(jnp.arange(3.0), jnp.zeros(3), widths)
    assert np.isnan(still.growth(1))
    assert np.isnan(run.growth(-1))


def test_conservation(dense):
    """Over 12 800 collisions."""
    assert dense.ok
    assert dense.collisions[-1] == 12_800
    assert dense.counts.sum() == 2 * 12_800
    v = np.asarray(dense.velocities)
    energy = np.sum(v**2, axis=(1, 2))
    np.testing.assert_allclose(energy, energy[0], rtol=1e-13)
    # Momentum is 0; the scale is N thermal momenta.
    np.testing.assert_allclose(v.sum(axis=1), 0, atol=1e-13 * N)
    # Between rounding and a collision that was missed, which leaves 0.9 or less
    assert dense.gap > 1 - 1e-9
    assert dense.gap < 1


def test_reproducible(dense):
    again = thermal_run(0.3)
    for one, other in zip(jax.tree.leaves(dense), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
    other = thermal_run(0.3, seed=1)
    assert np.abs(other.velocities[-1] - dense.velocities[-1]).max() > 0.1


@pytest.mark.equation("thermalization", "claim-B1")
@pytest.mark.parametrize("fraction", [0.1, 0.3])
def test_rate_and_pressure(fraction):
    """Enskog's, with (N - 1)/N = .9961; the first eighth is dropped."""
    runs = [thermal_run(fraction, seed) for seed in range(2)]
    rate = np.mean([run.rate(1) for run in runs])
    # Two runs of 87 collisions per particle scatter by .003 (φ = .3) to .006.
    assert rate / gas.collision_rate(fraction) == pytest.approx(0.996, abs=0.012)
    expected = gas.collision_rate(fraction, number=N)
    assert rate == pytest.approx(float(expected), rel=0.012)
    # Negative control: without χ, 1.18 (φ = .1) and 1.77 times less
    dilute = expected / gas.contact_value(fraction)
    assert rate > 1.15 * dilute
    # P/nT = 1 + Σ|Δp|σ / dNTt
    work = [(r.virial[-1] - r.virial[1]) / (r.ts[-1] - r.ts[1]) for r in runs]
    pressure = 1 + np.mean(work) / (2 * N)
    # a pressure scatters less than a rate: .003
    assert pressure == pytest.approx(float(gas.compressibility(fraction)), rel=0.01)


@pytest.mark.equation("thermalization", "erratum-h-KE")
@pytest.mark.equation("thermalization", "claim-B5")
def test_energies_of_discs(dense):
    """e^(-E/T)/T, and not the printed Gaussian with any γ and any width."""
    energies = jnp.sum(dense.velocities[1:] ** 2, axis=-1).ravel() / 2
    seen = ks_1samp(np.asarray(energies), gas.energy_cdf, method="asymp")
    # the 99 % line of 2048 independent speeds
    assert seen.statistic < 1.63 / np.sqrt(energies.size)
    fine = jnp.linspace(0, 10, 500)
    gammas, scales = jnp.meshgrid(jnp.linspace(0.05, 2, 40), jnp.linspace(0.3, 4, 40))

    @jax.jit
    @jax.vmap
    def away(gamma, scale):
        printed = printed_energy_cdf(fine, 1.0, gamma=gamma, scale=scale)
        return jnp.max(jnp.abs(printed - gas.energy_cdf(fine)))

    # 0.058 at best, where γ → 0
    assert away(gammas.ravel(), scales.ravel()).min() > 0.055
    as_printed = printed_energy_cdf(fine, 1.0)
    assert jnp.max(jnp.abs(as_printed - gas.energy_cdf(fine))) > 0.2


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-B1")
def test_equal_speeds_relax():
    """T12: a₂ at c = 1, 2, 4 collisions per disc, mean of 12 runs."""
    found = []
    for seed in range(12):
        place, push = jax.random.split(jax.random.key(seed))
        x, box = gas.lattice(place, N, 0.02)
        v = gas.equal_speeds(push, N)
        run = gas.event_driven(x, v, box, collisions=64, snapshots=SNAPSHOTS)
        found.append(np.asarray(gas.fourth_cumulant(run.velocities)))
    np.testing.assert_allclose(run.per_particle, 0.5 * np.arange(9), rtol=1e-12)
    a2 = np.mean(found, axis=0)
    assert a2[0] == pytest.approx(-0.5, abs=1e-12)
    # 3 standard errors: .005, .008, .014 each
    for count, value, error in (
        (2, -0.370, 0.015),
        (4, -0.262, 0.024),
        (8, -0.124, 0.04),
    ):
        assert a2[count] == pytest.approx(value, abs=error)


@pytest.mark.equation("thermalization", "claim-B1")
def test_equal_rods_never_relax():
    """T12b: in 1D equal masses swap their velocities; unequal ones do relax."""
    rng = np.random.default_rng(0)
    x, box = 2 * np.arange(64.0)[:, None] + rng.uniform(0, 1, (64, 1)), [128.0]
    v = rng.permutation(np.repeat([-1.0, 1.0], 32))[:, None]
    run = gas.event_driven(x, v, box, collisions=640)  # 20 a rod
    np.testing.assert_array_equal(np.unique(np.abs(run.velocities[-1])), [1.0])
    mass = np.where(np.arange(64) % 2 == 0, 1.0, 2.0)
    mixed = gas.event_driven(x, v, box, collisions=640, mass=mass)
    assert np.unique(np.abs(mixed.velocities[-1])).size == 64
    energy = np.sum(
        np.asarray(mass)[:, None] * np.asarray(mixed.velocities) ** 2, (1, 2)
    )
    np.testing.assert_allclose(energy[-1], energy[0], rtol=1e-13)


FEW = {"collisions": 3, "snapshots": 4, "log": True}


def first_meeting(x, v, box, radius):
    """The soonest collision of all pairs and all their images, by brute force."""
    shifts = np.stack(np.meshgrid(np.arange(-9, 10), np.arange(-9, 10)), -1)
    best = np.inf
    for i, j in itertools.combinations(range(len(x)), 2):
        r, g = x[j] - x[i] + shifts.reshape(-1, 2) * box, v[j] - v[i]
        b, c = r @ g, np.sum(r**2, 1) - (radius[i] + radius[j]) ** 2
        hit = (b < 0) & (b**2 > g @ g * c)
        times = (-b[hit] - np.sqrt(b[hit] ** 2 - g @ g * c[hit])) / (g @ g)
        best = min(best, *times) if hit.any() else best
    return best


@pytest.mark.parametrize("seed", range(3))
def test_first_collision(seed):
    """Of four discs, wide apart: they meet across the walls, by any image."""
    rng = np.random.default_rng(seed)
    box, radius = np.array([9.0, 7.0]), np.array([0.3, 0.5, 0.2, 0.4])
    sites = np.array([[1.0, 1.0], [5.5, 1.0], [1.0, 4.5], [5.5, 4.5]])
    x, v = sites + rng.uniform(0, 1.5, (4, 2)), rng.normal(size=(4, 2))
    run = gas.event_driven(x, v, box, radius=radius, **FEW)
    first = run.encounters.ts[0]
    assert first == pytest.approx(first_meeting(x, v, box, radius), rel=1e-12)
    # It does not matter which box they are in.
    moved = gas.event_driven(x + box * [3, -2], v, box, radius=radius, **FEW)
    assert moved.encounters.ts[0] == pytest.approx(float(first), rel=1e-12)


def test_a_packet_that_meets_nobody_spreads_freely():
    """The heavier, the slower: √(s² + (ħt/2ms)²), in a gas where others collide."""
    x = np.array([[1.0, 1.0], [2.2, 1.1], [4.0, 4.0]])
    v, mass = np.array([[1.0, 0.0], [-1.0, 0.0], [0.1, 0.0]]), np.array([1.0, 2.0, 3.0])
    run = gas.event_driven(
        x, v, [6.0, 6.0], mass=mass, collisions=1, snapshots=1, log=True
    )
    assert run.ok
    s, hbar = 0.01, 0.05
    widths = gas.packet_widths(run, s, mass=mass, hbar=hbar).widths
    free = spreading_width(run.ts[-1], s, 3.0, hbar)
    assert float(widths[-1, 2]) == pytest.approx(float(free), rel=1e-12)
    assert float(free) > 1.05 * s


@pytest.mark.slow
def test_widths_of_packets_are_derivatives_of_the_paths(key):
    """Against differences of whole runs, for unequal masses."""
    place, push = jax.random.split(key)
    x, box = map(np.asarray, gas.lattice(place, 4, 0.15))
    v, mass = np.asarray(gas.maxwell(push, 4)), np.array([1.0, 2.0, 0.7, 1.4])
    start = {"mass": mass, **FEW}
    run = gas.event_driven(x, v, box, **start)
    width, hbar, step = 0.01, 1e-3, 1e-6

    def end(x, v):
        """Where all are at the time of the last collision of the unchanged run."""
        run_ = gas.event_driven(x, v, box, **start)
        late = run.ts[-1] - run_.ts[-1]
        return np.asarray(run_.positions[-1] + run_.velocities[-1] * late)

    total = np.zeros(4)
    for disc, axis in itertools.product(range(4), range(2)):
        unit = np.zeros((4, 2))
        unit[disc, axis] = step
        kick = hbar / (2 * float(mass[disc]) * width)
        for dx, dv, scale in ((unit, 0, width), (0, unit, kick)):
            change = end(x + dx, v + dv) - end(x - dx, v - dv)
            change -= box * np.round(change / box)
            total += np.sum((scale * change / (2 * step)) ** 2, axis=1)
    packets = gas.packet_widths(run, width, mass=mass, hbar=hbar)
    # The differences' error is step² times a third derivative that chaos makes large.
    np.testing.assert_allclose(packets.widths[-1], np.sqrt(total / 2), rtol=1e-5)
    np.testing.assert_allclose(packets.widths[0], width, rtol=1e-14)
    assert packets.typical[-1] > 10 * width


def collisions_until(packets, length):
    """Collisions per particle after which the typical width exceeds a length."""
    at = np.argmax(packets.typical >= length)
    around = slice(at - 1, at + 1)
    logs = np.log(packets.typical[around])
    return np.interp(np.log(length), logs, packets.per_particle[around])


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-B3")
def test_packets_outgrow_the_free_path():
    """Within a few collisions; the factor per collision falls with the density."""
    growth = {}
    for fraction in (0.05, 0.15):
        path, found = gas.mean_free_path(fraction), []
        for seed in range(4):
            place, push = jax.random.split(jax.random.key(seed))
            x, box = gas.lattice(place, 64, fraction)
            v = gas.maxwell(push, 64)
            run = gas.event_driven(x, v, box, collisions=32, snapshots=40, log=True)
            packets = gas.packet_widths(run, 0.03, hbar=0.01)
            assert 0.5 < collisions_until(packets, path) < 3
            found.append(np.log(packets.growth(4)))
            # A thinner packet only puts it off: it grows by the same factor.
            thin = gas.packet_widths(run, 0.01, hbar=1e-4)
            assert thin.growth(4) == pytest.approx(float(packets.growth(4)), rel=0.1)
            assert collisions_until(thin, path) < 5
        growth[fraction] = np.exp(np.mean(found))
    # Seeds scatter by 10 to 20 %.
    assert 30 < growth[0.05] < 80
    assert 5 < growth[0.15] < 12


@pytest.mark.slow
@pytest.mark.parametrize(("dimension", "fraction"), [(1, 0.4), (3, 0.2)])
def test_other_dimensions(key, dimension, fraction):
    number = 108
    x, box = gas.lattice(key, number, fraction, dimension=dimension)
    v = gas.maxwell(key, number, dimension=dimension)
    run = gas.event_driven(x, v, box, collisions=1350, snapshots=8)
    assert run.ok
    assert abs(run.gap - 1) < 1e-9
    energy = np.sum(np.asarray(run.velocities) ** 2, axis=(1, 2))
    np.testing.assert_allclose(energy, energy[0], rtol=1e-13)
    expected = gas.collision_rate(fraction, dimension=dimension, number=number)
    # rods keep their 108 velocities: the chance of one draw is 1/√108 of T, halved;
    # three standard errors of 1180 collisions
    assert run.rate(1) == pytest.approx(
        float(expected), rel={1: 0.1, 3: 3 / 1180**0.5}[dimension]
    )


@pytest.mark.slow
def test_equipartition_and_batches():
    """Discs of two masses share the energy; a batch equals its members."""
    place, push = jax.random.split(jax.random.key(3))
    x, box = gas.lattice(place, 64, 0.3)
    mass = np.where(np.arange(64) < 32, 1.0, 4.0)
    vs = np.stack([gas.maxwell(key, 64) for key in jax.random.split(push, 3)])
    vs = vs - np.sum(mass[:, None] * vs, axis=1, keepdims=True) / mass.sum()

    def go(v):
        return gas.event_driven(x, v, box, collisions=320, snapshots=40, mass=mass)

    batch = jax.jit(jax.vmap(go))(vs)
    assert batch.ok.all()
    one = go(vs[1])
    # chaos: rounding grows tenfold a collision
    np.testing.assert_allclose(batch.ts[1, 0:2], one.ts[0:2], rtol=1e-3)
    kinetic = (
        np.sum(np.asarray(batch.velocities[:, 4:]) ** 2, -1) * np.asarray(mass) / 2
    )
    shares = kinetic.mean(axis=(0, 1)).reshape(2, 32).mean(axis=1)
    # 108 frames of 32: 2 %
    assert shares[0] / shares[1] == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("wide", [True, False], ids=["beside double", "alone"])
def test_single_precision(wide):
    """Of positions and velocities, beside walls, radii and masses in double precision,
    and in a JAX that has none; touching spheres are not refused for their rounding."""
    with jax.enable_x64(wide):
        place, push = jax.random.split(jax.random.key(0))
        x, box = gas.lattice(place, 16, 0.9, jitter=1.0)
        x, v = (a.astype(jnp.float32) for a in (x, gas.maxwell(push, 16)))
        run = gas.event_driven(x, v, box, collisions=20, snapshots=2, log=True)
        last = run.positions[-1], run.velocities[-1]
        again = gas.event_driven(*last, box, collisions=1)
        widths = gas.packet_widths(run, 0.01).widths
    assert run.ok
    assert again.ok
    leaves = jax.tree.leaves((run, again, widths))
    kinds = {leaf.dtype for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact)}
    assert kinds == {jnp.dtype("float32")}
    # some ten roundings of 6e-8 in each of 40 collisions, that of positions in a box
    # of 4 over contact distances of 1
    energy = np.sum(np.asarray(run.velocities, float) ** 2, axis=(1, 2))
    np.testing.assert_allclose(energy, energy[0], rtol=2e-5)
    assert abs(float(run.gap) - 1) < 1e-5
    # chaos has not begun at the first collision: rounding over the speed, some 1e-6
    double = gas.event_driven(
        *(np.asarray(a, float) for a in (x, v, box)), collisions=1, log=True
    )
    assert float(run.encounters.ts[0]) == pytest.approx(
        float(double.encounters.ts[0]), abs=1e-4
    )


@pytest.mark.parametrize("overlap", [1e-3, 1e-5])
def test_overlaps_are_seen_in_single_precision(overlap):
    x = np.array([[1.0, 1.0], [2.0 - overlap, 1.0]], np.float32)
    v = np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32)
    with pytest.raises(ValueError, match="spheres that do not overlap"):
        gas.event_driven(x, v, np.array([4.0, 4.0]), collisions=1)


def test_no_collisions_are_said():
    """A gas at rest, and one that runs out of steps."""
    x = jnp.array([[1.0, 1.0], [5.0, 1.0], [1.0, 5.0], [5.0, 5.0]])
    still = gas.event_driven(x, 0 * x, jnp.array([9.0, 9.0]), **FEW)
    assert still.status == jqd.Status.STEP_BUDGET
    assert np.isnan(still.ts[1:]).all()
    np.testing.assert_array_equal(still.positions[0], x)
    v = jnp.array([[1.0, 0.1], [-1.0, 0.0], [0.3, 1.0], [0.0, -1.0]])
    short = gas.event_driven(x, v, jnp.array([9.0, 9.0]), max_steps=2, **FEW)
    assert short.status == jqd.Status.STEP_BUDGET
    assert short.steps == 2


GOOD = {
    "positions": np.array([[1.0, 1.0], [5.0, 1.0]]),
    "velocities": np.array([[1.0, 0.0], [0.0, 1.0]]),
    "box": np.array([9.0, 9.0]),
    "collisions": 1,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [[1.0, 1.0], [1.5, 1.0]]}, "spheres that do not overlap"),
        ({"positions": [[0.2, 1.0], [8.9, 1.0]]}, "spheres that do not overlap"),
        ({"positions": [[0.2, 1.0]]}, "`positions` must be of two particles"),
        (
            {"positions": np.ones((2, 4))},
            "Argument `positions` must be of two particles",
        ),
        (
            {"positions": [[np.nan, 1.0], [5.0, 1.0]]},
            "Argument `positions` must be fin",
        ),
        ({"velocities": np.ones((2, 3))}, "Argument `velocities` must have shape"),
        ({"box": [9.0]}, "Argument `box` must have shape"),
        ({"box": [9.0, -1.0]}, "Argument `box` must be positive"),
        ({"box": [9.0, 1.9]}, "Argument `box` must be more than twice as long"),
        ({"radius": -0.5}, "Argument `radius` must be positive"),
        ({"radius": [0.5, 0.5, 0.5]}, "Argument `radius` must have shape"),
        ({"mass": 0.0}, "Argument `mass` must be positive"),
        ({"collisions": 0}, "Argument `collisions` must be at least 1"),
        ({"snapshots": 1.5}, "Argument `snapshots` must be a whole number"),
    ],
)
def test_input(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        gas.event_driven(**(GOOD | change))


def test_packets_need_a_log(dense):
    with pytest.raises(ValueError, match="must keep its collisions"):
        gas.packet_widths(dense, 0.1)


@pytest.mark.parametrize(
    ("dimension", "number", "fraction", "closest"),
    [
        pytest.param(2, 30, 0.9, 0.9069, marks=pytest.mark.slow),
        pytest.param(1, 10, 0.98, 0.9999, marks=pytest.mark.slow),
        pytest.param(3, 32, 0.7, 0.7405, marks=pytest.mark.slow),
    ],
)
def test_lattice(key, dimension, number, fraction, closest):
    """Full at the densest packing, without overlaps at the largest jitter."""
    made = gas.lattice(key, number, fraction, dimension=dimension, jitter=1.0)
    x, box = map(np.asarray, made)
    filled = number / np.prod(box) / gas.number_density(1.0, dimension=dimension)
    assert filled == pytest.approx(fraction, rel=1e-12)
    r = x[:, None] - x
    r -= box * np.round(r / box)
    distance = np.linalg.norm(r, axis=-1) + 9 * np.eye(number)
    assert distance.min() > 1 - 1e-12
    with pytest.raises(ValueError, match="must leave room for"):
        gas.lattice(key, number, closest + 0.01, dimension=dimension)


@pytest.mark.slow
def test_starts(key):
    v = gas.equal_speeds(key, 10, dimension=3, temperature=2.0, mass=0.5)
    np.testing.assert_allclose(np.linalg.norm(v, axis=1), np.sqrt(12), rtol=1e-14)
    np.testing.assert_allclose(np.sum(v, axis=0), 0, atol=1e-14)
    v = gas.maxwell(key, 11, temperature=2.0, mass=0.5)
    assert gas.kinetic_temperature(v, mass=0.5) == pytest.approx(2.0, rel=1e-14)
    np.testing.assert_allclose(np.sum(v, axis=0), 0, atol=1e-13)


def test_input_of_starts(key):
    with pytest.raises(ValueError, match="must be even"):
        gas.equal_speeds(key, 3)
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        gas.lattice(key, 4, 0.1, jitter=2.0)
    with pytest.raises(ValueError, match="Argument `key` must be one key"):
        gas.maxwell(0, 4)


def test_a_disc_of_a_few_has_fewer_others_to_meet():
    rates = [gas.collision_rate(0.1, number=number) for number in (None, 2, 64)]
    np.testing.assert_allclose(np.asarray(rates) / rates[0], [1, 1 / 2, 63 / 64])
