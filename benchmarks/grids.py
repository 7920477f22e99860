"""Split steps on grids of one to four dimensions, and through two slits."""

from functools import partial
from typing import Any

import jax
import numpy as np

import jqd
from jqd.readings.slits import two_slits as slits

from .floors import FFT
from .gpe_programs import like_torchgpe, pygpe, qmsolve
from .split_steps import BEHIND as BEHIND
from .split_steps import (
    OURS,
    PLAIN,
    by_jqd,
    by_libraries,
    on_all_cores,
    oscillator,
    plain,
    stepped,
    wall,
)
from .timing import Goal, Raced, Report, compared, ratio, round_to

SHOWN = ("times_pair",)
# name, dimensions, points an axis, batch, steps in one call
CASES = (
    ("1D", 1, 1024, 1, 5000),
    ("1D x 256", 1, 1024, 256, 120),
    ("2D", 2, 512, 1, 120),
)
TINY = (("1D", 1, 32, 1, 4), ("1D x 256", 1, 32, 2, 4), ("2D", 2, 16, 1, 4))
CUBE, TINY_CUBE = ("128^3", 3, 128, 1, 6), ("12^3", 3, 12, 1, 2)
DTYPES = ("complex128", "complex64")
UNEQUAL, MASSES = f"{OURS}, four masses", (1.0, 1.0, 2.0, 0.5)
# of the time of its pair of transforms that a split step is to reach, and may take
SHARE, MOST = 0.75, 1.3
ERROR = "Error: relative 2-norm against the closed form at the last time."
FLOOR = "Floor: forward and inverse transform alone, by XLA in the same lax.scan."
LIKE_TORCHGPE, PYGPE = "TorchGPE-like", "PyGPE"


def one_case(
    name: str, ndim: int, points: int, batch: int, steps: int, dtype: str, rounds: int,
    peers: bool = True,
) -> Raced:  # fmt: skip
    """Strang steps of an oscillator in one precision, beside the same loop."""
    problem, exact = oscillator(ndim, points, batch, dtype)
    programs = {OURS: by_jqd(problem, steps), PLAIN: plain(problem, steps)}
    programs |= on_all_cores(problem, steps)
    if peers:
        programs |= by_libraries(problem, steps, scipy=ndim < 3)
    return stepped(problem, steps, programs, rounds, exact(steps * problem.dt), name)


def _oscillators(cases: Any, rounds: int, singles: Any) -> tuple[list, list]:
    """Rows in both precisions, and the goals; that of `singles` over doubles too."""
    found = {
        (case[0], dtype): one_case(*case, dtype, rounds)
        for case in cases
        for dtype in DTYPES
    }
    goals = [
        Goal(
            f"Strang within 1.05x of a plain lax.scan, {' '.join(key)}",
            one.times(OURS, PLAIN), 1.05, at_least=False,
        )
        for key, one in found.items()
    ]  # fmt: skip
    goals += [
        Goal(f"share of the FFT floor, {' '.join(key)}", one.times(FFT, OURS), SHARE)
        for key, one in found.items()
    ]
    goals += [
        Goal(
            f"complex64 1.4x faster than complex128, {name}",
            ratio(*(found[name, dtype].timings[OURS] for dtype in DTYPES)), 1.4,
        )
        for name in singles
    ]  # fmt: skip
    return [row for one in found.values() for row in one.rows], goals


def grid_schrodinger(quick: bool = False) -> Report:
    """A Strang step of an oscillator in 1D, a batch of 256 and 2D, both precisions."""
    rows, goals = _oscillators(
        TINY if quick else CASES, 2 if quick else 5, ("1D x 256", "2D")
    )
    note = (
        f"{ERROR} All but jqd get their phase factors ready made; jqd builds them in "
        "each call."
    )
    title = "Harmonic oscillator on a grid, Strang steps with merged halves"
    return Report(title, rows, goals, [note, FLOOR])


def grid_3d(quick: bool = False) -> Report:
    """A Strang step of an oscillator on 128^3 points, both precisions."""
    case = TINY_CUBE if quick else CUBE
    rows, goals = _oscillators([case], 2 if quick else 3, [case[0]])
    title = f"Harmonic oscillator on a grid of {case[0]}, Strang steps"
    return Report(title, rows, goals, [ERROR, FLOOR])


def grid_4d(quick: bool = False) -> Report:
    """A Strang step on 48^4 points beside its transforms, and the memory of a run."""
    points, steps = (6, 2) if quick else (48, 16)
    problem, exact = oscillator(4, points)
    programs = {
        OURS: by_jqd(problem, steps),
        UNEQUAL: by_jqd(problem, steps, mass=MASSES),
        PLAIN: plain(problem, steps),
    }
    case, end = f"{points}^4", exact(steps * problem.dt)
    found = stepped(problem, steps, programs, 2 if quick else 3, end, case)
    for row in found.rows:
        row["times_pair"] = round_to(found.times(row["program"], FFT) or 0.0, 3)
        if row["program"] == UNEQUAL:
            del row["error"]  # of other masses there is no closed form here
    goals = [
        Goal(
            f"a step within {MOST}x of its pair of transforms, {program}",
            found.times(program, FFT), MOST, at_least=False,
        )
        for program in (OURS, UNEQUAL)
    ]  # fmt: skip
    note = (
        f"A state takes {round_to(points**4 * 16 / 2**20)} MiB; `memory` is what a run "
        f"needs beside it. {ERROR}"
    )
    title = f"Harmonic oscillators on a grid of {case}"
    return Report(title, found.rows, goals, [note, FLOOR])


# -- two slits ------------------------------------------------------------------


def two_slits(quick: bool = False) -> Report:
    """A Strang step through two slits on 512^2; three amplitudes to a screen."""
    # enough steps that factors, which a run builds once, do not count
    points, steps = (32, 4) if quick else (512, 240)
    exact, found = np.asarray(by_jqd(wall(points), steps, 8)()), []
    for dtype in DTYPES[: 1 if quick else 2]:
        problem = wall(points, dtype)
        programs = {OURS: by_jqd(problem, steps)} | by_libraries(problem, steps)
        if dtype == DTYPES[0]:
            programs |= pygpe(problem, steps) | qmsolve(problem, steps)
            programs |= like_torchgpe(problem, steps)
        case = f"{points}^2"
        found.append(stepped(problem, steps, programs, 2 if quick else 5, exact, case))
    size = f"{points} x {points}"
    goals = [
        found[0].faster(
            f"{size}: TorchGPE-like eager loop over jqd", 40, LIKE_TORCHGPE, OURS
        ),
        found[0].faster(f"{size}: PyGPE over jqd", 7, PYGPE, OURS),
    ]
    rows, goal = _whole(quick)
    return Report(
        "Two slits, Strang steps",
        [row for one in found for row in one.rows] + rows,
        [*goals, goal],
        [
            "Error: relative 2-norm against steps of an eighth on the same grid. "
            "qmsolve has both ends of the box among its points, in x and in k.",
            "TorchGPE-like: an eager torch loop that pads to twice the box, shifts, "
            "and restores the norm at each assignment, as TorchGPE does.",
            "XMDS2 3.1.0 (method SI, compiled with FFTW) was timed apart at 512 x 512: "
            "1.18 times the processor time of a plain JAX scan.",
        ],
    )


def _whole(quick: bool) -> tuple[list[dict[str, Any]], Goal]:
    """Both slits, the upper and the lower alone, absorbers, the flux on the screen."""
    h, saves, substeps = (1.0, 10, 2) if quick else (0.25, 170, 5)
    problem, steps = slits(h, saves=saves), saves * substeps
    method = jqd.Fixed(jqd.steppers.strang, substeps, estimate_error=False)

    def one(V, psi):
        law = jqd.Schrodinger.on_grid(problem.grid, V, absorber=problem.absorber)
        return jqd.evolve(law, psi, problem.ts, method=method, observe=problem.screen)

    solve = jax.jit(lambda psi: jax.vmap(one, (0, None))(problem.walls, psi).values)
    case = f"3 x {'x'.join(map(str, problem.grid.shape))}, absorbers, screen"
    rows = []
    for dtype in DTYPES[: 1 if quick else 2]:
        call = partial(solve, problem.psi0.astype(dtype))
        rows += compared(
            {OURS: call}, 2 if quick else 3, None, steps, "step",
            case=case, dtype=dtype, steps=steps,
        ).rows  # fmt: skip
    text = f"two slits, three amplitudes, {steps} steps, seconds"
    return rows, Goal(text, rows[0]["median_s"], 4, at_least=False)
