"""D, friction and ordinary diffusion recovered from densities, and D without a run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import ConservativeDiffusion, Grid, problems
from jqd.exact import free_gaussian, squeezed_state
from jqd.exact.eigenstates import eigenstates
from jqd.inference import Unidentifiable, recover
from jqd.inference.estimators import (
    diffusion_from_energy,
    diffusion_from_levels,
    diffusion_from_residual,
)
from jqd.laws.diffusion import Links, Window
from jqd.records import DensityRecord, load_density

GRID = Grid((-9.0, 12.0), 210)
TS = np.linspace(0, 1.5, 4)


def flat(x):
    return 0 * x


@pytest.mark.slow
def test_D_of_the_double_well_to_rounding():
    record = problems.double_well()
    law = ConservativeDiffusion(record.grid, record.potential, 0.3)
    found = recover(
        law, record.data()[0], psi0=record.initial, free="D", start={"D": 0.3}, starts=2
    )
    constant = found.constants["D"]
    # the fit bounds its step bias by 1e-10; the data are good to 1e-13
    assert abs(constant.value - 0.5) < 1e-9
    assert abs(constant.value - 0.5) < 3 * constant.stderr
    assert found.agree.all()


@pytest.mark.slow
def test_D_of_noisy_densities_within_its_error():
    record = problems.double_well("density_noisy")
    law = ConservativeDiffusion(record.grid, record.potential, 0.3)
    found = recover(
        law, record.data()[0], psi0=record.initial, free="D", start={"D": 0.3}, starts=2
    )
    constant = found.constants["D"]
    assert abs(constant.value - 0.5) < 3 * constant.stderr

    # Cramér-Rao: 1/sqrt(sum (d density / d D)^2 / sigma^2) at the truth
    def density(D):
        law = ConservativeDiffusion(record.grid, record.potential, D)
        state = law.prepare(law.admit(record.initial))
        method = jqd.Fixed(jqd.steppers.srkn11, 8, estimate_error=False)
        ts = jnp.asarray(record.ts)
        return jqd.evolve(law, state, ts, method=method, observe="density").values

    slope = jax.jacfwd(density)(0.5)
    bound = record.sigma / float(jnp.sqrt(jnp.sum(slope**2)))
    assert constant.stderr == pytest.approx(bound, rel=0.3)
    # over many draws of the noise the scatter of D is that bound (30 %)
    draws = np.random.default_rng(3).normal(size=(200, slope.size)) * record.sigma
    scatter = np.std(draws @ np.ravel(slope) / float(jnp.sum(slope**2)))
    assert scatter == pytest.approx(bound, rel=0.3)


@pytest.mark.slow
def test_false_minima_of_fringes_are_avoided():
    """32 starts from 0.05 to 3 on fringes of a collision; false minimum near 1.7."""
    grid = Grid((-14.05, 13.95), 280)

    def packets(x, t):
        left = free_gaussian(x, t, center=-3.0, momentum=2.0, width=0.8)
        return left + free_gaussian(x, t, center=3.0, momentum=-2.0, width=0.8)

    norm = jnp.sqrt(grid.norm2(packets(grid.x, 0.0)))
    ts = np.array([0.0, 0.75, 1.5])
    density = np.stack([np.abs(packets(grid.x, float(t)) / norm) ** 2 for t in ts])
    law = ConservativeDiffusion(grid, flat, 0.5, boundary="periodic")
    starts = np.geomspace(0.05, 3.0, 32)[:, None]
    found = recover(
        law, (ts, density), psi0=packets(grid.x, 0.0) / norm, free="D", starts=starts
    )
    assert abs(found.constants["D"].value - 0.5) < 1e-8
    ends = np.asarray(found.ends)[:, 0]
    # there are false minima, and they are told from the true one by their loss
    assert np.any(np.abs(ends - 0.5) > 0.1)
    assert np.mean(np.asarray(found.agree)) > 0.3


def mixed_law(form, **start):
    constants = {"D": 0.4, "friction": 0.1, "classical_diffusion": 0.1} | start
    return ConservativeDiffusion(GRID, flat, form=form, **constants)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["free", "oscillator"])
def test_friction_and_ordinary_diffusion_vanish_on_quantum_data(kind):
    """By the equations (8)-(9) on the moving window, not by closed moments."""
    if kind == "free":
        V, psi = flat, lambda t: free_gaussian(GRID.x, t, momentum=1.0, width=0.7)
    else:

        def V(x):
            return x**2 / 2

        def psi(t):
            return squeezed_state(GRID.x, t, center=1.0, width=0.6)

    density = np.stack([np.abs(psi(float(t))) ** 2 for t in TS])
    law = ConservativeDiffusion(
        GRID, V, 0.4, friction=0.1, classical_diffusion=0.1, form=Window(101)
    )
    found = recover(
        law, (TS, density), psi0=psi(0.0), starts=1, search=None,
        free=("D", "friction", "classical_diffusion"),
        start={"D": 0.3, "friction": 0.1, "classical_diffusion": 0.1},
        substeps=120, step_tolerance=1e-8,  # fewer are unstable on the way
    )  # fmt: skip
    values = {name: c.value for name, c in found.constants.items()}
    # what the window leaves out is 3e-12 of the density; step bias 1e-8
    assert abs(values["D"] - 0.5) < 1e-6
    assert abs(values["friction"]) < 1e-6
    assert abs(values["classical_diffusion"]) < 1e-6


@pytest.mark.slow
def test_D_vanishes_on_ordinary_diffusion():
    variance = 0.49 + 2 * 0.5 * TS
    x = np.asarray(GRID.x)
    density = np.exp(-(x[None] ** 2) / 2 / variance[:, None])
    density = density / np.sqrt(2 * np.pi * variance[:, None])
    psi = free_gaussian(GRID.x, 0.0, width=0.7)

    def misfit(D):
        law = ConservativeDiffusion(
            GRID, flat, D, classical_diffusion=0.5, form=Window(101)
        )
        run = jqd.evolve(
            law, law.prepare(psi), TS, observe="density",
            method=jqd.Fixed(jqd.steppers.rk4, 120, estimate_error=False),
        )  # fmt: skip
        return jnp.sum((run.values - density) ** 2)

    Ds = jnp.array([0.001, 0.01, 0.05, 0.2])
    costs = np.asarray(jax.jit(jax.vmap(misfit))(Ds))
    # D enters by its square: the misfit falls as D^4 towards none, down to rounding
    assert np.all(np.diff(costs) > 0)
    assert costs[0] < 1e-10
    assert costs[1] / costs[2] < 5.0**-3.5
    found = recover(
        mixed_law(Window(101), friction=0.0), (TS, density), psi0=psi, starts=1,
        search=None,  # which tries diffusion that these steps cannot follow
        free=("D", "classical_diffusion"), start={"D": 0.1, "classical_diffusion": 0.4},
        substeps=120, step_tolerance=1e-4,
    )  # fmt: skip
    # the misfit is flat in D^4: a stop at 1e-11 of it leaves D at some 1e-2
    assert abs(found.constants["D"].value) < 0.03
    assert abs(found.constants["classical_diffusion"].value - 0.5) < 1e-3


def test_constants_that_no_density_tells_are_refused():
    record = problems.double_well()
    law = ConservativeDiffusion(record.grid, record.potential)
    for free, message in (
        (("hbar",), "D takes its place"),
        (("D", "friction"), "has no friction"),
    ):
        with pytest.raises(Unidentifiable, match=message):
            recover(law, record.data()[0], psi0=record.initial, free=free, starts=1)


def test_D_of_a_uniform_density_is_refused():
    grid = Grid((0.0, 2 * np.pi), 32)
    psi = jnp.full(32, 1 / np.sqrt(2 * np.pi), complex)
    density = np.full((3, 32), 1 / (2 * np.pi))
    law = ConservativeDiffusion(grid, flat, boundary="periodic")
    with pytest.raises(Unidentifiable):
        recover(law, (np.arange(3.0), density), psi0=psi, free="D", starts=1)


@pytest.mark.sampled
@pytest.mark.parametrize("potential", ["oscillator", "double well"])
def test_D_from_levels(potential):
    grid = Grid((-9.0, 9.0), 96)
    x = np.asarray(grid.x)
    V = x**2 / 2 if potential == "oscillator" else (x**2 - 4) ** 2 / 16
    V = np.minimum(V, 60.0)
    levels, _ = eigenstates(grid, V, 5)
    found = diffusion_from_levels(levels, grid, V, start=1.7)
    # levels of order one to 1e-13, slopes of order one
    assert abs(found.D - 0.5) < 1e-11
    assert found.converged
    rng = np.random.default_rng(4)
    noisy = np.asarray(levels) * (1 + 1e-3 * rng.normal(size=5))
    found = diffusion_from_levels(noisy, grid, V, start=0.2)
    assert abs(found.D - 0.5) < 4 * found.stderr


def test_D_from_the_levels_of_a_heavy_particle():
    """ħ = 2mD: the ladder ħω (n + 1/2) of m = 2.5 gives D = 0.4."""
    grid, mass, omega = Grid((-7.0, 7.0), 64), 2.5, 0.9
    V = mass * omega**2 * np.asarray(grid.x) ** 2 / 2
    levels = 2 * mass * 0.4 * omega * (np.arange(4) + 0.5)
    found = diffusion_from_levels(levels, grid, V, mass=mass, start=0.7)
    # states of width 1 on a grid of 0.2 and ±7: rounding
    np.testing.assert_allclose(found.D, 0.4, rtol=0, atol=1e-10)
    assert found.converged


def quantum_record(hbar=1.3, mass=0.7):
    """A packet in a quartic well, its action, and the action's time derivative."""
    grid = Grid((-6.0, 6.0), 256)
    V = np.asarray(0.1 * grid.x**4)
    law = jqd.Schrodinger.on_grid(grid, V, mass=mass, hbar=hbar)
    psi = grid.normalise(jnp.exp(-((grid.x - 0.5) ** 2) + 0.4j * grid.x))
    ts = np.linspace(0.0, 0.4, 5)
    method = jqd.Fixed(jqd.steppers.srkn11, 40, estimate_error=False)
    states = jqd.evolve(law, law.prepare(psi), ts, method=method).values
    action = hbar * np.unwrap(np.angle(np.asarray(states)), axis=1)
    rate = law.vector_field(0.0, states[2])
    action_rate = np.asarray(hbar * jnp.imag(rate / states[2]))
    density = np.abs(np.asarray(states)) ** 2
    record = DensityRecord(
        grid, V, mass, ts, density, action, np.asarray(psi), None, None, 0.0, hbar
    )
    return record, action_rate


def test_D_from_energy_and_residual():
    record, action_rate = quantum_record()
    exact = 1.3 / 1.4
    # differences of order 8 at h = 0.047, and tails where the phase is rounding
    energy = diffusion_from_energy(record)
    assert abs(energy.D / exact - 1) < 1e-5
    residual = diffusion_from_residual(record, action_rate, row=2)
    assert abs(residual.D / exact - 1) < 1e-5
    with pytest.raises(ValueError, match="`action`"):
        diffusion_from_energy(problems.double_well())


@pytest.mark.slow
def test_links_fit_as_well():
    """The honest Madelung solver in the fit: a density with nodes to come."""
    grid = Grid((-8.1, 7.9), 80)

    def packets(x, t):
        left = free_gaussian(x, t, center=-2.0, momentum=1.5, width=0.8)
        return left + free_gaussian(x, t, center=2.0, momentum=-1.5, width=0.8)

    psi = grid.normalise(packets(grid.x, 0.0))
    law = ConservativeDiffusion(grid, flat, 0.5, form=Links(), boundary="reflecting")
    ts = np.array([0.0, 0.5, 1.0])
    method = jqd.Fixed(jqd.steppers.rk4, 200, estimate_error=False)
    state = law.prepare(psi)
    density = jqd.evolve(law, state, ts, method=method, observe="density").values
    start = ConservativeDiffusion(grid, flat, 0.45, form=Links(), boundary="reflecting")
    found = recover(
        start, (ts, density), psi0=psi, free="D", starts=1, search=None, substeps=200,
        step_tolerance=1.0,
    )  # fmt: skip
    # the same lattice and the same steps: to rounding times the conditioning
    assert abs(found.constants["D"].value - 0.5) < 1e-9


@pytest.mark.slow
def test_counted_positions_tell_D_within_their_error():
    """Sampling noise: 1e5 positions a time of a free packet, binned on the grid."""
    from jqd.instruments import Multinomial

    grid = Grid((-26.0, 26.0), 208)
    ts = np.array([0.0, 4.0])
    psi = free_gaussian(grid.x, 0.0, width=0.6)
    rng = np.random.default_rng(5)
    shares = [np.abs(free_gaussian(grid.x, t, width=0.6)) ** 2 for t in ts]
    counts = np.stack([rng.multinomial(100_000, p / p.sum()) for p in shares])
    law = ConservativeDiffusion(grid, flat, 0.3)
    found = recover(
        law, jqd.Record(ts, counts, Multinomial()), psi0=psi, free="D", starts=2,
        start={"D": 0.3}, instrument=jqd.Occupations(),
    )  # fmt: skip
    constant = found.constants["D"]
    assert abs(constant.value - 0.5) < 4 * constant.stderr
    # the variance of a Gaussian is all that tells D, and is told to sqrt(2/N)
    variance = 0.36 + (0.5 * 4 / 0.6) ** 2
    expected = 0.5 * np.sqrt(2 / 100_000) / 2 * variance / (variance - 0.36)
    assert constant.stderr == pytest.approx(expected, rel=0.05)


def test_a_fit_that_reaches_the_wall_says_so():
    grid = Grid((-8.0, 8.0), 64)
    ts = np.array([0.0, 4.0])
    psi = grid.normalise(free_gaussian(grid.x, 0.0, width=0.8))
    density = np.abs([free_gaussian(grid.x, t, width=0.8) for t in ts]) ** 2
    law = ConservativeDiffusion(grid, flat, 0.5)
    with pytest.raises(Unidentifiable, match="enlarge it"):
        recover(law, (ts, density), psi0=psi, free="D", starts=1, search=None)


def density_file(path, **changes):
    grid = Grid((-8.0, 8.0), 64)
    ts = np.array([0.4, 0.9])
    density = np.abs([free_gaussian(grid.x, t, width=0.8) for t in ts]) ** 2
    arrays = {
        "t": ts, "x": np.asarray(grid.x), "density": density, "t0": -0.3,
        "potential": np.zeros(64), "x0": 0.0, "s0": 0.8, "p0": 0.0,
    }  # fmt: skip
    arrays = {k: v for k, v in (arrays | changes).items() if v is not None}
    np.savez(path, **arrays)
    return load_density(path)


def test_the_time_of_the_state_goes_into_the_record(tmp_path):
    path = tmp_path / "a.npz"
    for more in ({}, {"density": np.ones((2, 64), int)}):
        data, _ = density_file(path, **more).data()
        assert float(data.t0) == -0.3
        assert not data.from_start
    # density and action at the time of the state are the state
    action = np.zeros((2, 64))
    packet = dict.fromkeys(("x0", "s0", "p0"))
    record = density_file(path, t0=0.4, action=action, **packet)
    np.testing.assert_array_equal(record.initial[0], record.density[0])
    assert record.data()[0].from_start
    with pytest.raises(ValueError, match="must hold the state at t0"):
        density_file(path, action=action, **packet)
