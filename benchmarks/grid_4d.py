"""Four particles on lines, or two in a plane: a Strang step on a grid of 48^4."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .floors import FFT, fft_pairs
from .grid_schrodinger import DT, OURS, PLAIN, Problem, _jqd, _plain
from .timing import Goal, Report, beside_floor, race, ratio, round_to

SHOWN = ("times_pair",)
MASSES = (1.0, 1.0, 2.0, 0.5)
UNEQUAL = "jqd Fixed(strang), four masses"
# of the time of a forward and an inverse transform that a split step may take
MOST = 1.3


def run(quick: bool = False) -> Report:
    """Milliseconds a step beside its pair of transforms, and the memory of a run."""
    points, steps = (6, 2) if quick else (48, 16)
    problem = Problem(4, points, 1, np.dtype("complex128"))
    programs = {
        OURS: _jqd(problem, steps),
        UNEQUAL: _unequal(problem, steps),
        PLAIN: _plain(problem, steps),
        FFT: fft_pairs(problem.psi, problem.axes, steps),
    }
    timings = race(programs, 2 if quick else 3)
    exact = problem.exact(steps * DT)
    rows: list[dict[str, Any]] = []
    for program, timing in timings.items():
        row = {"case": f"{points}^4", "program": program, "steps": steps}
        row |= timing.row(steps, "step")
        row["times_pair"] = float(f"{ratio(timing, timings[FFT]):.3g}")
        if program in (OURS, PLAIN):
            distance = np.linalg.norm(np.asarray(timing.result) - exact)
            row["error"] = round_to(float(distance / np.linalg.norm(exact)), 2)
        rows.append(row)
        timing.result = None
    goals = [
        Goal(
            f"a step within {MOST}x of its pair of transforms, {program}",
            ratio(timings[program], timings[FFT]), MOST, at_least=False,
        )
        for program in (OURS, UNEQUAL)
    ]  # fmt: skip
    state = round_to(points**4 * 16 / 2**20)
    note = (
        f"A state takes {state} MiB; `memory` is what a run needs beside it. Floor: "
        "forward and inverse transform over the same four axes, by XLA in the same "
        "lax.scan. Error: relative 2-norm against the closed form."
    )
    rows = beside_floor(rows, rows[list(timings).index(FFT)], "FFT pair")
    return Report(f"Harmonic oscillators on a grid of {points}^4", rows, goals, [note])


def _unequal(problem: Problem, steps: int):
    law = jqd.Schrodinger.on_grid(problem.grid, problem.V, mass=MASSES)
    method = jqd.Fixed(jqd.steppers.strang, substeps=steps, estimate_error=False)
    ts = np.array([0.0, steps * DT])

    def solve(psi):
        return jqd.evolve(law, psi, ts, method=method).values[-1]

    return partial(jax.jit(solve), jnp.asarray(problem.psi))
