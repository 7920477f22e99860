"""Reverse-mode gradients of a run on a grid: time and memory."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .timing import Goal, Report, race, ratio, round_to

DT = 2 * np.pi / 1000
MODES = ("reversible", "checkpointed", "direct")
MEMORY_STEPS = (50, 200, 800)
SHOWN = ("times_loss", *(f"MiB_{n}_steps" for n in MEMORY_STEPS))


def run(quick: bool = False) -> Report:
    """Time of value and gradient over time of the value; peak memory."""
    cases = (("1D", 1, 1024, 1000), ("2D", 2, 512, 200))
    if quick:
        cases = (("2D", 2, 16, 50),)
    rows, goals = [], []
    for name, ndim, points, steps in cases:
        found, gap, timings = _times(name, ndim, points, steps, quick)
        numbers, modes = (
            (MEMORY_STEPS[:2], MODES[:1]) if quick else (MEMORY_STEPS, MODES)
        )
        memory = _memory(ndim, points, numbers, modes)
        for row in found:
            sizes = memory.get(row["program"], {})
            row |= {f"MiB_{n}_steps": round_to(size) for n, size in sizes.items()}
        rows += found
        over = ratio(timings["reversible"], timings["loss"])
        few, *_, many = memory["reversible"]
        growth = memory["reversible"][many] / memory["reversible"][few]
        goals += [
            Goal(f"{name}: reversible gradient over loss, time", over, 4.5, False),
            Goal(f"{name}: its memory, {many} over {few} steps", growth, 1.01, False),
            Goal(f"{name}: relative gap of the gradients", gap, 1e-10, False),
        ]
    return Report(
        "d loss / d (omega^2, mass) of a split-step run",
        rows,
        goals,
        [
            "Ten save intervals; the loss is a weighted density at the last time. "
            "Memory: temporaries of the compiled program (arguments and results "
            "excluded), as XLA reports them."
        ],
    )


def _loss(ndim: int, points: int, steps: int, mode: str):
    """(constants) -> loss, with constants = (k, mass)."""
    grid = jqd.Grid([(-10.0, 10.0)] * ndim, (points,) * ndim)
    x = grid.coordinates
    psi = grid.normalise(jnp.exp(-sum((xi - 1.0) ** 2 for xi in x) / 2) + 0j)
    psi = jnp.broadcast_to(psi, grid.shape)
    weight = jnp.broadcast_to(sum(jnp.cos(xi) + xi for xi in x), grid.shape)
    ts = np.linspace(0.0, steps * DT, 11)
    method = jqd.Fixed(
        jqd.steppers.strang, steps // 10, gradient=mode, estimate_error=False
    )

    def well(*arguments, k):
        return 0.5 * k * sum(xi**2 for xi in arguments)

    # one parameter an axis: the potential's arguments are counted
    potential = (
        (lambda x, k: well(x, k=k)) if ndim == 1 else (lambda x, y, k: well(x, y, k=k))
    )

    def observe(t, psi):
        return grid.cell * jnp.sum(weight * (psi.real**2 + psi.imag**2))

    def loss(constants):
        k, mass = constants
        law = jqd.Schrodinger.on_grid(grid, potential, mass=mass, k=k)
        values = jqd.evolve(law, psi, ts, method=method, observe=observe).values
        return (values[-1] - 0.3) ** 2

    return loss


def _times(name: str, ndim: int, points: int, steps: int, quick: bool):
    constants = (jnp.asarray(1.1), jnp.asarray(0.9))
    programs = {
        "loss": partial(jax.jit(_loss(ndim, points, steps, "direct")), constants)
    }
    for mode in MODES:
        gradient = jax.jit(jax.value_and_grad(_loss(ndim, points, steps, mode)))
        programs[mode] = partial(gradient, constants)
    timings = race(programs, 2 if quick else 5)
    rows, gradients = [], {}
    for program, timing in timings.items():
        row: dict[str, Any] = {"case": name, "program": program, "role": "jqd"}
        row |= {"steps": steps} | timing.row(steps, "step")
        row["times_loss"] = float(f"{ratio(timing, timings['loss']):.3g}")
        if program in MODES:
            gradients[program] = np.array(timing.result[1])
        rows.append(row)
    # the two methods that tape the run, against the one that steps back
    scale = np.max(np.abs(gradients["direct"]))
    gap = max(np.max(np.abs(gradients[m] - gradients["direct"])) for m in MODES) / scale
    return rows, float(gap), timings


def _memory(
    ndim: int, points: int, numbers: tuple[int, ...], modes: tuple[str, ...]
) -> dict[str, Any]:
    """MiB of temporaries by mode and number of steps."""
    constants = (jnp.asarray(1.1), jnp.asarray(0.9))
    sizes: dict[str, dict[int, float]] = {}
    for mode in modes:
        for steps in numbers:
            gradient = jax.jit(jax.value_and_grad(_loss(ndim, points, steps, mode)))
            analysis = gradient.lower(constants).compile().memory_analysis()
            size = getattr(analysis, "temp_size_in_bytes", float("nan"))
            sizes.setdefault(mode, {})[steps] = size / 2**20
    return sizes
