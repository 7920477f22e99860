"""Two slits in the plane: time of a step, a gradient, and the whole experiment."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.readings.slits import slit_wall, two_slits

from .floors import FFT, fft_pairs
from .gpe_programs import like_torchgpe, pygpe, qmsolve
from .grid_schrodinger import BEHIND as FFT_LIBRARIES
from .grid_schrodinger import _numpy as numpy_loop
from .grid_schrodinger import _pyfftw as pyfftw_loop
from .grid_schrodinger import _torch as torch_loop
from .timing import Goal, Report, Timing, beside_floor, missing, race, ratio, round_to

LENGTH, DT = 80.0, 0.02
OURS, LIKE_TORCHGPE, PYGPE = "jqd Fixed(strang)", "TorchGPE-like", "PyGPE"
MODES = ("reversible", "checkpointed")
BEHIND = FFT_LIBRARIES
DTYPES = ("complex128", "complex64")


class Wall:
    """A packet in front of the wall, with the factors of a Strang step.

    Attributes:
        as those of `grid_schrodinger.Problem`.
    """

    ndim, batch, axes = 2, 1, (-2, -1)

    def __init__(self, points: int, dtype: np.dtype):
        self.grid = jqd.Grid([(-LENGTH / 2, LENGTH / 2)] * 2, (points, points))
        self.dtype = dtype
        x, y = (np.asarray(axis) for axis in self.grid.coordinates)
        packet = np.exp(-((x + 8) ** 2) / 16 - y**2 / 144 + 4j * x)
        self.V = np.array(
            slit_wall(self.grid, (2.0, -2.0), opening=1.0, thickness=1.2, height=40.0)
        )
        self.psi = np.array(self.grid.normalise(packet)).astype(dtype)
        self.half = np.exp(-0.5j * DT * self.V).astype(dtype)
        self.potential = np.exp(-1j * DT * self.V).astype(dtype)
        self.kinetic = np.exp(-0.5j * DT * np.asarray(self.grid.k2)).astype(dtype)

    def program(self, steps: int, finer: int = 1) -> Any:
        """jqd's run over these steps; `finer` divides each."""
        law = jqd.Schrodinger.on_grid(self.grid, self.V)
        method = jqd.Fixed(jqd.steppers.strang, steps * finer, estimate_error=False)
        ts = np.array([0.0, steps * DT])

        @jax.jit
        def solve(psi):
            return jqd.evolve(law, psi, ts, method=method).values[-1]

        return partial(solve, jnp.asarray(self.psi))


def run(quick: bool = False) -> Report:
    """Milliseconds a step beside other programs; gradients; three amplitudes."""
    # enough steps that factors, which a run builds once, do not count
    points, steps = (32, 4) if quick else (512, 240)
    timings, rows = _steps(points, steps, quick)
    gradient_rows, gradient_goals = _gradients(32 if quick else 512, quick)
    whole_rows, whole_goals = _whole(quick)
    double = timings["complex128"]
    goals = [
        Goal(
            f"{points} x {points}: TorchGPE-like eager loop over jqd",
            ratio(double.get(LIKE_TORCHGPE), double[OURS]), 40,
        ),
        Goal(
            f"{points} x {points}: PyGPE over jqd",
            ratio(double.get(PYGPE), double[OURS]), 7,
        ),
    ]  # fmt: skip
    return Report(
        "Two slits, Strang steps",
        rows + gradient_rows + whole_rows,
        goals + gradient_goals + whole_goals,
        [
            "Error: relative 2-norm against steps of an eighth on the same grid. "
            "qmsolve has both ends of the box among its points, in x and in k.",
            "TorchGPE-like: an eager torch loop that pads to twice the box, shifts, "
            "and restores the norm at each assignment, as TorchGPE does.",
            "XMDS2 3.1.0 (method SI, compiled with FFTW) was timed apart at 512 x 512: "
            "1.18 times the processor time of a plain JAX scan.",
        ],
    )


def _steps(points: int, steps: int, quick: bool):
    """Timings by dtype and program, and the rows."""
    found, rows = {}, []
    exact = np.asarray(Wall(points, np.dtype(np.complex128)).program(steps, 8)())
    for dtype in map(np.dtype, DTYPES[: 1 if quick else 2]):
        wall = Wall(points, dtype)
        programs = {OURS: wall.program(steps)}
        programs[FFT] = fft_pairs(wall.psi, wall.axes, steps)
        peers: dict[str, Any] = {
            "numpy.fft": numpy_loop(wall, steps),
            "torch eager": torch_loop(wall, steps),
            "pyfftw in place": pyfftw_loop(wall, steps),
        }
        if dtype == np.complex128:
            problem = (wall.psi, wall.V, LENGTH, DT, steps)
            peers[PYGPE] = pygpe(*problem)
            peers["qmsolve"] = qmsolve(*problem)
            peers[LIKE_TORCHGPE] = like_torchgpe(*problem)
        programs |= {name: call for name, call in peers.items() if call is not None}
        timings = race(programs, 2 if quick else 5)
        more = [
            _row(f"{points}^2", dtype, name, timing, steps, exact)
            for name, timing in timings.items()
        ]
        floor = more[list(timings).index(FFT)]
        del floor["error"]
        rows += beside_floor(more, floor, "FFT pair")
        absent = [name for name, call in peers.items() if call is None]
        rows += [missing(name, case=f"{points}^2", dtype=dtype.name) for name in absent]
        found[dtype.name] = timings
    return found, rows


def _row(
    case: str,
    dtype: np.dtype,
    program: str,
    timing: Timing,
    steps: int,
    exact: np.ndarray,
) -> dict[str, Any]:
    distance = np.linalg.norm(np.asarray(timing.result) - exact)
    return {
        "case": case, "dtype": dtype.name, "program": program, "steps": steps,
        **timing.row(steps, "step"),
        "error": round_to(float(distance / np.linalg.norm(exact)), 2),
    }  # fmt: skip


def _loss(points: int, steps: int, mode: str):
    """(height, mass) -> probability behind the wall, in ten save intervals."""
    wall = Wall(points, np.dtype(np.complex128))
    shape = jnp.asarray(wall.V / 40)
    behind = wall.grid.coordinates[0] > 1.0
    ts = np.linspace(0.0, steps * DT, 11)
    method = jqd.Fixed(
        jqd.steppers.strang, steps // 10, gradient=mode, estimate_error=False
    )

    def observe(t, psi):
        del t
        density = psi.real**2 + psi.imag**2
        return wall.grid.cell * jnp.sum(jnp.where(behind, density, 0))

    def loss(constants):
        height, mass = constants
        law = jqd.Schrodinger.on_grid(wall.grid, height * shape, mass=mass)
        psi = jnp.asarray(wall.psi)
        return jqd.evolve(law, psi, ts, method=method, observe=observe).values[-1]

    return loss


def _gradients(points: int, quick: bool):
    """Value and gradient by two ways back: time over that of the value, and memory."""
    steps, numbers = (20, (20,)) if quick else (100, (100, 800))
    modes = MODES[:1] if quick else MODES
    constants = (jnp.asarray(40.0), jnp.asarray(1.0))
    programs = {"value": partial(jax.jit(_loss(points, steps, MODES[0])), constants)}
    memory = {}
    for mode in modes:
        known = [compiled_gradient(_loss(points, n, mode), constants) for n in numbers]
        programs[mode] = partial(known[0][0], constants)
        memory[mode] = [size for _, size in known]
    timings = race(programs, 2 if quick else 3)
    rows = []
    for name, timing in timings.items():
        row = {"case": f"{points}^2 gradient", "program": name, "role": "jqd"}
        row |= {"steps": steps} | timing.row(steps, "step")
        sizes = zip(numbers, memory.get(name, []), strict=False)
        rows.append(row | {f"MiB_{n}_steps": round_to(size) for n, size in sizes})
    found = {mode: np.array(timings[mode].result[1]) for mode in modes}
    gap = float(np.max(np.abs(found[modes[0]] / found[modes[-1]] - 1)))
    few, many = memory["reversible"][0], memory["reversible"][-1]
    over = ratio(timings["reversible"], timings["value"])
    text = f"its memory, {numbers[-1]} over {numbers[0]} steps"
    return rows, [
        Goal(f"{points}^2: reversible gradient over value, time", over, 4.5, False),
        Goal(text, many / few, 1.01, False),
        Goal("relative gap of the two gradients", gap, 1e-8, False),
    ]


def compiled_gradient(loss: Any, constants: Any) -> tuple[Any, float]:
    """Value and gradient, compiled, and MiB of its temporaries as XLA reports them."""
    program = jax.jit(jax.value_and_grad(loss)).lower(constants).compile()
    size = getattr(program.memory_analysis(), "temp_size_in_bytes", float("nan"))
    return program, size / 2**20


def _whole(quick: bool):
    """Both slits, the upper and the lower alone, absorbers, the flux on the screen."""
    h, saves, substeps = (1.0, 10, 2) if quick else (0.25, 170, 5)
    problem = two_slits(h, saves=saves)
    method = jqd.Fixed(jqd.steppers.strang, substeps, estimate_error=False)

    def one(V, psi):
        law = jqd.Schrodinger.on_grid(problem.grid, V, absorber=problem.absorber)
        return jqd.evolve(law, psi, problem.ts, method=method, observe=problem.screen)

    solve = jax.jit(lambda psi: jax.vmap(one, (0, None))(problem.walls, psi).values)
    programs = {
        dtype: partial(solve, problem.psi0.astype(dtype))
        for dtype in DTYPES[: 1 if quick else 2]
    }
    timings = race(programs, 2 if quick else 3)
    case = f"3 x {'x'.join(map(str, problem.grid.shape))}, absorbers, screen"
    steps, rows = saves * substeps, []
    for dtype, timing in timings.items():
        row = {"case": case, "dtype": dtype, "program": OURS, "steps": steps}
        rows.append(row | timing.row(steps, "step"))
    seconds = timings["complex128"].median
    goal = Goal(
        f"two slits, three amplitudes, {steps} steps, seconds", seconds, 4, False
    )
    return rows, [goal]
