"""Paths that start from another density than |ψ|², sampled and without chance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import jqd
from jqd import Status
from jqd.ensembles import (
    Cells,
    arrival,
    backtracked,
    equilibration,
    nelson,
    packet_clock,
    path_density,
    relative_entropy,
)
from jqd.exact import free_gaussian
from jqd.problems import box_of_modes

LINE = jqd.Grid((-8.0, 8.0), 96)
X = np.asarray(LINE.x)
WELL = jqd.Schrodinger.on_grid(LINE, lambda x: x**2 / 2)
GROUND = LINE.normalise(jnp.exp(-(LINE.x**2) / 2) + 0j)
FIRST = LINE.normalise(LINE.x * jnp.exp(-(LINE.x**2) / 2) + 0j)
CELLS = Cells((-2.5, 2.5), 20)
WIDE = jqd.Grid((-120.0, 120.0), 768)
FREE = jqd.Schrodinger.on_grid(WIDE, 0 * WIDE.x)
PACKET = free_gaussian(WIDE.x, 0.0)


def gaussian(x, mean, variance=0.5):
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def coarse(mean):
    """H over the cells of a displaced ground state, by error functions."""
    edges = np.linspace(-2.5, 2.5, 21)
    p, q = (
        np.append(np.diff(F := norm.cdf(edges, m, 0.5**0.5)), 1 - F[-1] + F[0])
        for m in (mean, 0.0)
    )
    return np.sum(p * np.log(p / q))


# One compilation for both tests.
RUN = {"cells": CELLS, "paths": 4000, "substeps": 20, "stepper": jqd.steppers.strang}


def test_a_displaced_density_by_paths(key):
    """P13: H of paths, ν = D, against cells of the exact Gaussian."""
    ts = np.array([0.0, 0.5, 1.0])
    run = equilibration(WELL, GROUND, ts, key, density=gaussian(X, 0.8), **RUN)
    exact = np.array([coarse(0.8 * np.exp(-t)) for t in ts])
    # 4 standard errors; steps of 0.025 leave less than 1e-3 of H
    np.testing.assert_array_less(abs(run.entropy - exact), 4 * run.error + 1e-3 * exact)
    np.testing.assert_array_less(abs(run.control), 4 * run.control_error)
    assert list(run.status) == [Status.OUT_OF_EQUILIBRIUM] * 3
    assert (run.lost == 0).all()
    assert run.describe().startswith("3 of 3: The paths are no sample of |ψ|²")


def test_status_of_a_sample(key):
    """From |ψ|²; with steps of 1, which are too long; and past the ends of the box."""
    ts, ground = np.array([0.0, 0.5, 1.0]), gaussian(X, 0.0)
    run = equilibration(WELL, GROUND, ts, key, density=ground, **RUN)
    assert list(run.status) == [Status.OK] * 3
    assert run.describe() == "3 of 3: The paths can be a sample of |ψ|²."
    wild = equilibration(WELL, GROUND, 40 * ts, key, density=ground, **RUN)
    assert list(wild.status[1:]) == [Status.INACCURATE] * 2
    fast = LINE.normalise(GROUND * jnp.exp(9j * LINE.x))
    gone = equilibration(WELL, fast, 1.6 * ts, key, density=ground, **RUN)
    assert list(gone.status) == [Status.OK, Status.LEFT_GRID, Status.LEFT_GRID]
    assert gone.lost[2] > 0.1


@pytest.mark.slow
def test_arrivals_from_another_start(key):
    """Positions that are given may be no sample of |ψ|²; those that are drawn are."""
    run = {
        "detector": 1.0,
        "error_paths": 0,
        "substeps": 5,
        "stepper": jqd.steppers.strang,
    }
    given = arrival(WELL, GROUND, [0.0, 0.2], key, x0=np.linspace(-1, 0, 400), **run)
    assert given.start_status == Status.OUT_OF_EQUILIBRIUM
    assert "no sample of |ψ|²" in given.describe()
    drawn = arrival(WELL, GROUND, [0.0, 0.2], key, paths=400, **run)
    assert drawn.start_status == Status.OK
    assert "sample" not in drawn.describe()


@pytest.mark.slow
def test_paths_do_not_cross_a_node(key):
    """P14: of the paths of the first excited state 0.8 are on the left at t = 5."""
    rho = np.where(X < 0, 0.8, 0.2) * np.abs(FIRST) ** 2
    n, sides = 10_000, Cells((-8.0, 8.0), 2)
    x0 = jqd.ensembles.draw_positions(key, rho, LINE, n)
    paths = nelson(
        WELL, FIRST, [0.0, 5.0], key, x0=x0, nu=0.5, substeps=200, error_paths=0,
        stepper=jqd.steppers.strang, observe=lambda t, x: sides.counts(x),
    )  # fmt: skip
    assert paths.ok.all()
    assert list(paths.sample_status) == [Status.OUT_OF_EQUILIBRIUM] * 2
    # 4 standard errors of the draw; not one crosses
    assert paths.values[0, 0] / n == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / n))
    assert paths.values[1, 0] == paths.values[0, 0]


@pytest.mark.equation("diffusion", "claim-relaxation-free")
@pytest.mark.slow
def test_a_free_packet_remembers(key):
    """P15 by paths: at t = 40 the clock has s = arctan 20, short of π/2 by 0.05."""
    n, T = 8000, 40.0
    ts = [0.0, 2.0, 10.0, T]
    paths = nelson(
        FREE,
        PACKET,
        ts,
        key,
        paths=n,
        substeps=100,
        error_paths=0,
        stepper=jqd.steppers.strang,
    )
    assert paths.ok.all()
    scale = np.sqrt(1 + np.square(ts) / 4)
    z = np.asarray(paths.positions[:, :, 0]) / scale[:, None]
    found = np.mean(z * z[:1], axis=1)
    exact = np.exp(-packet_clock(ts, width=1.0))
    # Var(z z') = 1 + corr²
    error = np.sqrt((1 + exact**2) / n)
    np.testing.assert_array_less(abs(found - exact), 4 * error)
    assert exact[-1] == pytest.approx(0.20788, abs=0.0107)


@pytest.mark.equation("diffusion", "claim-relaxation-without-noise")
@pytest.mark.slow
def test_the_box_of_sixteen_modes_relaxes(key):
    """P31: without noise .41 of .910 are left at t = 2π; the control stays at 0."""
    box = box_of_modes("quadratic")
    ts = np.pi * np.array([0.0, 1.0, 2.0])
    run = equilibration(
        box.law, box.psi0, ts, key, density=box.ground, cells=box.cells, nu=0.0,
        paths=2000, substeps=500, periodic=True,
    )  # fmt: skip
    # 4 standard errors, of which 64 000 paths have .0033 and .0029
    error = np.asarray(run.error)
    assert error[1:].max() < 0.025
    assert run.entropy[0] == pytest.approx(0.910, abs=4 * error[0])
    # 64 000 paths have .5516(33) and .4347(29): the .41(1) of 8000 are 2.4 errors off.
    assert run.entropy[2] == pytest.approx(0.41, abs=4 * np.hypot(0.01, error[2]))
    assert run.entropy[1] == pytest.approx(0.5516, abs=4 * error[1])
    assert run.entropy[2] == pytest.approx(0.4347, abs=4 * error[2])
    # of .0056, and .4/n of a dozen cells in which less than one path is expected
    np.testing.assert_array_less(abs(run.control), 4 * run.control_error)
    # With noise all is quicker.
    noisy = equilibration(
        box.law, box.psi0, ts[1:2] * [0, 0.125], key, density=box.ground,
        cells=box.cells, nu=0.5, paths=2000, substeps=100, periodic=True,
    )  # fmt: skip
    assert noisy.entropy[1] == pytest.approx(0.172, abs=4 * float(noisy.error[1]))
    np.testing.assert_array_less(abs(noisy.control), 4 * noisy.control_error)


@pytest.mark.equation("diffusion", "claim-relaxation-without-noise")
@pytest.mark.slow
def test_linear_phases_do_not_relax(key):
    """The other phases, without noise: H stays near .38 from t = π to 3π."""
    box = box_of_modes("linear")
    ts = np.pi * np.array([0.0, 1.0, 2.0, 3.0])
    run = equilibration(
        box.law, box.psi0, ts, key, density=box.ground, cells=box.cells, nu=0.0,
        paths=1500, substeps=200, periodic=True,
    )  # fmt: skip
    expected = np.array([0.507, 0.392, 0.394, 0.395])
    # known from 8000 paths, to 0.01 each
    np.testing.assert_array_less(abs(run.entropy - expected), 4 * run.error + 0.03)
    assert (run.status == Status.OUT_OF_EQUILIBRIUM).all()


def test_density_by_volumes():
    """P13 once more, and what a packet keeps, by finite volumes."""
    ts = np.array([0.0, 0.5, 1.0])
    kept = {"substeps": 40, "cells": 400, "stepper": jqd.steppers.strang}
    run = path_density(WELL, GROUND, ts, density=gaussian(X, 0.7), nu=0.5, **kept)
    exact = 0.49 * np.exp(-2 * ts)
    assert (run.status == Status.OK).all()
    # cells of 0.04: h²/24σ² of H, and the estimate follows
    np.testing.assert_array_less(abs(run.entropy - exact), 4 * run.error)
    assert (run.error < 5e-4).all()
    moved = gaussian(np.asarray(run.x), 0.7 * np.exp(-1))
    np.testing.assert_allclose(run.density[2], moved, atol=1e-3)
    np.testing.assert_allclose(run.density.sum(axis=1) * 0.04, 1, atol=1e-12)


def test_ends_are_walls():
    """A flat ψ: the heat equation between walls, from a cosine that is even at both."""
    grid = jqd.Grid((0.0, 2.0), 32)
    law = jqd.Schrodinger.on_grid(grid, 0 * grid.x)
    flat, rho = jnp.full(32, 2**-0.5) + 0j, 0.5 + 0.25 * jnp.cos(np.pi * grid.x)
    run = path_density(
        law, flat, [0.0, 0.1, 0.2], density=rho, nu=0.5, cells=200, substeps=40
    )
    assert (run.status == Status.OK).all()
    left = np.exp(-0.5 * np.pi**2 * np.asarray(run.ts))[:, None]
    exact = 0.5 + 0.25 * left * np.cos(np.pi * np.asarray(run.x))[None]
    # steps of 1/400 and cells of 1/100, of the second order: (π/100)²/24 and less
    np.testing.assert_allclose(run.density, exact, atol=1e-4)
    np.testing.assert_allclose(run.density.mean(axis=1), 0.5, atol=1e-12)


@pytest.mark.slow
def test_a_free_packet_never_relaxes_fully():
    """A displaced start keeps e^(-π/2) of its displacement: e^(-π) of H."""
    ts, rho = np.array([0.0, 2.0, 8.0, 20.0]), gaussian(np.asarray(WIDE.x), 0.8, 1.0)
    exact = 0.32 * np.exp(-2 * packet_clock(ts, width=1.0))
    off, error = [], []
    for n in (1200, 2400):
        run = path_density(
            FREE,
            PACKET,
            ts,
            density=rho,
            cells=n,
            substeps=n // 40,
            stepper=jqd.steppers.strang,
        )
        off.append(np.asarray(run.entropy) - exact)
        error.append(np.asarray(run.error))
    # order 2 in cells and steps together, and the estimate follows
    np.testing.assert_allclose(np.log2(off[0] / off[1]), 2, atol=0.3)
    np.testing.assert_array_less(abs(off[1]), 1.3 * error[1])
    assert (error[1] < 3e-4).all()
    assert exact[-1] > 0.32 * np.exp(-np.pi)


def test_back_along_bohms_paths():
    """A free packet only stretches: f of the exact map, norm 1, H as at the start."""
    cells = Cells((-8.0, 8.0), 32)
    rho = gaussian(np.asarray(WIDE.x), 0.8, 1.0)
    found = backtracked(
        FREE, PACKET, [0.0, 2.0], density=rho, cells=cells, points=6, substeps=20,
        stepper=jqd.steppers.strang,
    )  # fmt: skip
    assert found.status == Status.OK
    assert found.points == 6
    x = np.asarray(found.positions[:, 0])
    z = x / 2**0.5  # σ(2) = √2
    exact = np.exp(-((z - 0.8) ** 2 - z**2) / 2)
    # of the spline, and Runge-Kutta's steps of 0.1
    inner = abs(z) < 3
    np.testing.assert_allclose(found.f[inner], exact[inner], rtol=1e-4)
    assert found.norm == pytest.approx(1, abs=1e-5)
    p, q = (
        np.append(np.diff(norm.cdf(np.linspace(-8, 8, 33), m, 2**0.5)), 0) + 1e-300
        for m in (0.8 * 2**0.5, 0)
    )
    # midpoints of cells of 1/12: (1/12)²/24σ²
    assert found.entropy == pytest.approx(float(relative_entropy(p, q)), abs=2e-4)


def test_impulses_are_not_passed_over_on_the_way_back():
    plane = jqd.Grid(((-6.0, 6.0), (-6.0, 6.0)), (16, 16))
    law = jqd.Schrodinger.on_grid(
        plane, lambda x, y: x**2 / 2, mass=[1.0, jnp.inf],
        couplings={1: (lambda x, y: x, jqd.spaces.impulse(0.5, 1.0))},
    )  # fmt: skip
    x, y = plane.coordinates
    psi = plane.normalise(jnp.exp(-(x**2 + y**2) / 2) + 0j)
    with pytest.raises(ValueError, match="`law` must not have impulses here"):
        backtracked(
            law, psi, [0.0, 1.0], density=abs(psi) ** 2,
            cells=Cells(((-5.0, 5.0), (-5.0, 5.0)), (4, 4)), points=2,
        )  # fmt: skip


@pytest.mark.slow
def test_a_lattice_loses_filaments():
    """In the box some per cent of the norm are lost soon, and the status says so."""
    box = box_of_modes("quadratic", cells=8)
    ts = [0.0, 0.25 * np.pi]
    lost = backtracked(
        box.law, box.psi0, ts, density=box.ground, cells=box.cells, points=4, most=4,
        substeps=40, periodic=True,
    )  # fmt: skip
    assert lost.status == Status.INACCURATE
    assert abs(lost.norm - 1) > 0.01
    # More points help, up to `most`.
    more = backtracked(
        box.law, box.psi0, ts, density=box.ground, cells=box.cells, points=4, most=8,
        substeps=40, periodic=True,
    )  # fmt: skip
    assert more.points > 4
    assert abs(more.norm - 1) < abs(lost.norm - 1)


@pytest.mark.parametrize(
    ("call", "change", "message"),
    [
        (equilibration, {"cells": 16}, "`cells` must be of type Cells"),
        (equilibration, {"cells": Cells([(0, 1)] * 2, (2, 2))}, "have 1 axes"),
        (equilibration, {"density": np.ones(5)}, "`density` must have shape"),
        (equilibration, {"density": -np.ones(96)}, "`density` must not be negative"),
        (equilibration, {"nu": -0.5}, "`nu` must not be negative"),
        (equilibration, {"paths": 0}, "`paths` must be at least 1"),
        (equilibration, {"key": 3}, "`key` must be one key"),
        (backtracked, {"points": 8, "most": 4}, "`most` must be at least 8"),
        (backtracked, {"density": np.ones(5)}, "`density` must have shape"),
        (path_density, {"nu": 0.0}, "`nu` must be positive, but is 0; for Bohm's"),
        (path_density, {"cells": 5}, "`cells` must be even"),
        (path_density, {"law": jqd.Schrodinger(np.eye(2))}, "must be a law on a grid"),
    ],
)
def test_input(key, call, change, message):
    arguments = {"law": WELL, "psi0": GROUND, "ts": [0.0, 0.1], "cells": CELLS}
    arguments["density"] = gaussian(X, 0.0)
    if call is equilibration:
        arguments["key"] = key
    if call is path_density:
        arguments["cells"] = 10
    with pytest.raises(ValueError, match=message):
        call(**arguments | change)


def test_gradient_of_the_density_in_noise():
    """dH/dν = -4t H of a displaced Gaussian, through the finite volumes."""

    @jax.jit
    def last(nu):
        run = path_density(
            WELL, GROUND, [0.0, 0.5], density=gaussian(X, 0.7), nu=nu, cells=100,
            substeps=10, stepper=jqd.steppers.strang,
        )  # fmt: skip
        return run.entropy[1]

    H, slope = jax.value_and_grad(last)(0.5)
    # the cells and steps are coarse
    slope = float(slope)
    assert slope == pytest.approx(-2 * float(H), rel=0.02)
    h = 1e-5
    apart = float(last(0.5 + h) - last(0.5 - h))
    assert slope == pytest.approx(apart / (2 * h), rel=1e-6)
