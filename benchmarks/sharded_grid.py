"""A wave function spread over virtual devices of this machine: a Strang step.

The devices share the machine's cores, so this shows what the exchanges cost, and what
more than one core brings; not how the step scales on devices of their own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jqd

from .split_steps import PLAIN, Problem, oscillator, plain
from .systems import distance, last_state
from .timing import Goal, Report, compared, round_to

# name, dimensions, points an axis, steps in one call
CASES = (
    ("256^2", 2, 256, 60),
    ("512^2", 2, 512, 24),
    ("64^3", 3, 64, 24),
    ("128^3", 3, 128, 4),
)
TINY = (("16^2", 2, 16, 2), ("8^3", 3, 8, 2))
# shapes of the mesh; two axes are pencils
MESHES = {2: ((1,), (2,), (4,), (8,)), 3: ((1,), (2,), (4,), (8,), (2, 2), (2, 4))}
DEVICES = 8
ONE = "jqd, one device"
# columns of the table beside the usual ones
SHOWN = ("times_one", "gap")


def run(quick: bool = False) -> Report:
    """Milliseconds a step on one device and on several; run in a process of its own."""
    flags = f"--xla_force_host_platform_device_count={DEVICES}"
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.sharded_grid", *(["--quick"] * quick)],
        cwd=Path(__file__).resolve().parent.parent,
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(finished.stdout.splitlines()[-1])
    goals = [
        Goal(f"sharded as exact as one device, {case}", gap, 1e-12, at_least=False)
        for case, gap in found["gaps"].items()
    ]
    if not quick:
        goals += [
            Goal(f"two devices against one, {case}: times faster", times, 1.0)
            for case, times in found["gains"].items()
        ]
    return Report(
        "Harmonic oscillator spread over virtual devices, Strang steps",
        found["rows"],
        goals,
        [
            "Virtual devices share the cores of this machine. Error: relative 2-norm "
            "against the closed form at the last time. Gap: largest difference from "
            "the run on one device, relative to the largest entry.",
        ],
    )


def measure(quick: bool) -> dict[str, Any]:
    """Rows, gaps to one device and gains of two, in a process with many devices."""
    rows, gaps, gains = [], {}, {}
    for name, ndim, points, steps in TINY if quick else CASES:
        problem, exact = oscillator(ndim, points)
        programs = {PLAIN: plain(problem, steps), ONE: _sharded(problem, steps, None)}
        meshes = MESHES[ndim][:2] if quick else MESHES[ndim]
        programs |= {_label(mesh): _sharded(problem, steps, mesh) for mesh in meshes}
        end = exact(steps * problem.dt)
        found = compared(
            programs, 2 if quick else 7,
            lambda _, psi, end=end: {"error": distance(psi, end)}, steps, "step",
            case=name, steps=steps,
        )  # fmt: skip
        one = np.asarray(found.timings[ONE].result)
        for row in found.rows:
            psi = np.asarray(found.timings[row["program"]].result)
            row["gap"] = float(np.abs(psi - one).max() / np.abs(one).max())
            row["times_one"] = round_to(found.times(row["program"], ONE) or 0.0, 3)
        rows += found.rows
        gaps[name] = max(row["gap"] for row in found.rows)
        gains[name] = found.times(ONE, _label((2,)))
    return {"rows": rows, "gaps": gaps, "gains": gains}


def _label(mesh: tuple[int, ...]) -> str:
    kind = "slabs" if len(mesh) == 1 else "pencils"
    return f"jqd, {kind} on {' x '.join(map(str, mesh))}"


def _sharded(
    problem: Problem, steps: int, mesh: tuple[int, ...] | None
) -> Callable[[], Any]:
    grid = problem.grid
    if mesh is not None:
        grid = grid.sharded(jax.make_mesh(mesh, ("a", "b")[: len(mesh)]))
    law = jqd.Schrodinger.on_grid(grid, problem.V)

    @jax.jit
    def solve(law, psi):
        return last_state(law, jqd.steppers.strang, steps, problem.dt)(psi)

    return partial(solve, law, grid.shard(problem.psi))


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    print(json.dumps(measure("--quick" in sys.argv)))
