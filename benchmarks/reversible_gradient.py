"""Reverse-mode gradients of a run on a grid: time and memory."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .memory import sizes
from .timing import Goal, Report, compared, ratio, round_to

DT = 2 * np.pi / 1000
MODES = ("reversible", "checkpointed", "direct")


class Case(NamedTuple):
    """A grid, its steps, and the ways back that are timed.

    Attributes:
        steps: of the run that is timed.
        numbers: steps of the programs whose memory is asked for, few to many.
        saves: save intervals, which divide all of these.
    """

    name: str
    ndim: int
    points: int
    steps: int
    numbers: tuple[int, ...]
    modes: tuple[str, ...] = MODES
    dtype: str = "complex128"
    saves: int = 10


MEMORY_STEPS = (50, 200, 800)
CASES = (
    Case("1D", 1, 1024, 1000, MEMORY_STEPS),
    Case("2D", 2, 512, 200, MEMORY_STEPS),
    *(
        Case("3D", 3, 128, 6, (6, 60), MODES[:1], dtype, 2)
        for dtype in ("complex128", "complex64")
    ),
)
TINY = (Case("2D", 2, 16, 50, MEMORY_STEPS[:2]),)
SHOWN = ("times_loss", *(f"MiB_{n}_steps" for n in (6, 50, 60, 200, 800)))


def run(quick: bool = False) -> Report:
    """Time of value and gradient over time of the value; peak memory."""
    rows, goals = [], []
    for case in TINY if quick else CASES:
        more, found = _case(case, 2 if quick else 5)
        rows += more
        goals += found
    return Report(
        "d loss / d (omega^2, mass) of a split-step run",
        rows,
        goals,
        [
            "The loss is a weighted density at the last of ten save intervals, of two "
            "in 3D. Memory: temporaries of the compiled program (arguments and results "
            "excluded), as XLA reports them."
        ],
    )


def _case(case: Case, rounds: int) -> tuple[list[dict[str, Any]], list[Goal]]:
    constants = (jnp.asarray(1.1), jnp.asarray(0.9))
    loss = jax.jit(_loss(case, case.steps, "direct"))
    programs = {"loss": partial(loss, constants)}
    for mode in case.modes:
        gradient = jax.jit(jax.value_and_grad(_loss(case, case.steps, mode)))
        programs[mode] = partial(gradient, constants)
    found = compared(
        programs, rounds, None, case.steps, "step", case=case.name, role="jqd",
        dtype=case.dtype, steps=case.steps,
    )  # fmt: skip
    memory = {mode: _memory(case, mode, constants) for mode in case.modes}
    for row in found.rows:
        of = memory.get(row["program"], {})
        row |= {f"MiB_{n}_steps": round_to(size) for n, size in of.items()}
        row["times_loss"] = round_to(found.times(row["program"], "loss") or 0.0, 3)
    few, *_, many = case.numbers
    reversible, name = memory["reversible"], f"{case.name} {case.dtype}"
    over = ratio(found.timings["reversible"], found.timings["loss"])
    growth = reversible[many] / reversible[few]
    goals = [
        Goal(f"{name}: reversible gradient over loss, time", over, 4.5, False),
        Goal(f"{name}: its memory, {many} over {few} steps", growth, 1.01, False),
    ]
    if "direct" in case.modes:
        # the two methods that tape the run, against the one that steps back
        slopes = {m: np.array(found.timings[m].result[1]) for m in case.modes}
        apart = max(np.max(np.abs(one - slopes["direct"])) for one in slopes.values())
        gap = float(apart / np.max(np.abs(slopes["direct"])))
        goals.append(Goal(f"{name}: relative gap of the gradients", gap, 1e-10, False))
    return found.rows, goals


def _loss(case: Case, steps: int, mode: str) -> Callable[[Any], Any]:
    """(constants) -> loss, with constants = (k, mass)."""
    grid = jqd.Grid([(-10.0, 10.0)] * case.ndim, (case.points,) * case.ndim)
    x = grid.coordinates
    psi = jnp.exp(-sum((xi - 1.0) ** 2 for xi in x) / 2) + 0j
    psi = jnp.broadcast_to(grid.normalise(psi), grid.shape).astype(case.dtype)
    r2 = jnp.broadcast_to(sum(xi**2 for xi in x), grid.shape)
    weight = jnp.broadcast_to(sum(jnp.cos(xi) + xi for xi in x), grid.shape)
    weight = weight.astype(psi.real.dtype)
    ts = np.linspace(0.0, steps * DT, case.saves + 1)
    method = jqd.Fixed(
        jqd.steppers.strang, steps // case.saves, gradient=mode, estimate_error=False
    )

    def observe(t, psi):
        del t
        return grid.cell * jnp.sum(weight * (psi.real**2 + psi.imag**2))

    def loss(constants):
        k, mass = constants
        law = jqd.Schrodinger.on_grid(grid, 0.5 * k * r2, mass=mass)
        values = jqd.evolve(law, psi, ts, method=method, observe=observe).values
        return (values[-1] - 0.3) ** 2

    return loss


def _memory(case: Case, mode: str, constants: Any) -> dict[int, float]:
    """MiB of temporaries by number of steps."""
    found = {}
    for steps in case.numbers:
        gradient = jax.jit(jax.value_and_grad(_loss(case, steps, mode)))
        program = gradient.lower(constants).compile()
        found[steps] = sizes(program).temporaries / 2**20
    return found
