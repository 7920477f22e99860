"""What a GPU is for: large grids and batches against its transforms and its memory."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from . import copy_dynamics, copy_ensembles, grid_schrodinger
from .floors import FFT, bandwidth, bytes_moved
from .systems import ALPHA, LEVELS, coherent, error, kerr_diagonal, kerr_exact
from .timing import Goal, Report, Timing, race, ratio, round_to, unit_seconds

# name, dimensions, points an axis, batch, steps in one call
GRIDS = (
    ("1D", 1, 2**20, 1, 200),
    ("1D x 4096", 1, 1024, 4096, 100),
    ("2D", 2, 2048, 1, 100),
    ("3D", 3, 256, 1, 20),
)
SMALL_GRIDS = (("1D", 1, 32, 1, 4), ("3D", 3, 8, 1, 4))
# classes, batch, steps
COPYING = ((4, 10**4, 500), (4, 10**6, 50), (16, 10**5, 50), (64, 4096, 50))
TRAJECTORIES = (10**5, 10**6)
# values of K and times of the sweep: 3 GiB of states
VALUES, SAVES = 2**14, 200
SHARE = 0.8
BEHIND = grid_schrodinger.BEHIND
SHOWN = ("share_of_bandwidth",)


def run(quick: bool = False) -> Report:
    """Split steps over their FFT floor; batches over the copy bandwidth."""
    rows, goals = _grids(quick)
    for size, batch, steps in ((4, 8, 2),) if quick else COPYING:
        found = copy_dynamics.one_case(size, batch, quick, steps)
        ours = next(row for row in found if row["program"].startswith("jqd"))
        share = ours["share_of_bandwidth"]
        goals.append(Goal(f"copying {ours['case']}: of copy bandwidth", share, SHARE))
        rows += found
    sweep = kerr_sweep(*((4, 5) if quick else (VALUES, SAVES)), quick)
    rows.append(sweep)
    share = sweep["share_of_bandwidth"]
    goals.append(Goal("Kerr sweep: share of the copy bandwidth", share, SHARE))
    if not quick:
        leaps = [copy_ensembles.one_batch(n, 3) for n in TRAJECTORIES]
        rate = 1 / min(unit_seconds(row) for row in leaps)
        rows += leaps
        goals.append(Goal("leaps a second, M = 3", rate, 1e8))
    return Report(
        "Large grids and batches on one device",
        rows,
        goals,
        [
            "Floor of a split step: its FFT pair alone; of copying: the state read and "
            "written once a step. share_of_bandwidth: bytes read and written over time "
            f"over the copy bandwidth of {bandwidth(2**28, quick) / 1e9:.4g} GB/s that "
            "was measured here; of copying by XLA's count of a step, of the sweep the "
            "states that it writes.",
        ],
    )


def _grids(quick: bool) -> tuple[list[dict[str, Any]], list[Goal]]:
    rows, goals = [], []
    for case in SMALL_GRIDS if quick else GRIDS:
        for dtype in (np.complex128, np.complex64):
            name = np.dtype(dtype).name
            timings, found = grid_schrodinger.one_case(
                *case, np.dtype(dtype), quick, peers=("torch eager",)
            )
            rows += found
            goals.append(_floor_goal(f"{case[0]} {name}", timings))
    return rows, goals


def _floor_goal(case: str, timings: dict[str, Timing]) -> Goal:
    share = ratio(timings[FFT], timings[grid_schrodinger.OURS])
    return Goal(f"share of the FFT floor, {case}", share, grid_schrodinger.SHARE)


def kerr_sweep(values: int, saves: int, quick: bool) -> dict[str, Any]:
    """All states of Kerr oscillators: nothing but phases that are written."""
    K, ts = np.linspace(0.5, 1.5, values), np.linspace(0.0, 2 * np.pi, saves)
    psi0, diagonal = coherent(ALPHA, LEVELS), kerr_diagonal()
    start = jnp.asarray(psi0, complex)

    @jax.jit
    @jax.vmap
    def states(K):
        law = jqd.Schrodinger(K * diagonal)
        return jqd.evolve(law, start, ts, method=jqd.Propagator()).values

    call = partial(states, jnp.asarray(K))
    timing = race({"jqd": call}, 3)["jqd"]
    size, rate = timing.result.nbytes, bandwidth(timing.result.nbytes, quick)
    few = np.array([0, values - 1])
    exact = kerr_exact(K[few], ts, psi0)
    row = {
        "case": f"Kerr sweep of {values} x {saves} times",
        "program": "jqd Propagator",
    }
    row |= timing.row(values, "point")
    row["error"] = error(np.asarray(timing.result[few]), exact)
    # XLA's count where it has one: no loop is in this program
    moved = bytes_moved(call) or math.nan
    row["xla_GB"], row["written_GB"] = round_to(moved / 1e9), round_to(size / 1e9)
    row["share_of_bandwidth"] = round_to(size / timing.median / rate)
    return row
