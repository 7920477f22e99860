"""A harmonic oscillator in three dimensions: a Strang step, and its gradient."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .floors import FFT
from .grid_schrodinger import BEHIND as BEHIND
from .grid_schrodinger import DT, OURS, PLAIN, SHARE, one_case
from .timing import Goal, Report, race, ratio, round_to
from .two_slits import compiled_gradient

DTYPES = ("complex128", "complex64")
PEERS = ("numpy.fft", "torch eager", "pyfftw in place")


def run(quick: bool = False) -> Report:
    """Milliseconds a step beside the same loop in other programs; gradients."""
    points, steps = (12, 2) if quick else (128, 6)
    rows, timings = [], {}
    for dtype in map(np.dtype, DTYPES[: 1 if quick else 2]):
        timings[dtype.name], more = one_case(
            f"{points}^3", 3, points, 1, steps, dtype, quick, PEERS, rounds=3
        )
        rows += more
    goals = [
        Goal(
            f"Strang within 1.05x of a plain lax.scan, {dtype}",
            ratio(found[OURS], found[PLAIN]), 1.05, at_least=False,
        )
        for dtype, found in timings.items()
    ]  # fmt: skip
    goals += [
        Goal(f"share of the FFT floor, {dtype}", ratio(found[FFT], found[OURS]), SHARE)
        for dtype, found in timings.items()
    ]
    if not quick:
        c128, c64 = (timings[name][OURS].median for name in DTYPES)
        goals.append(Goal("complex64 1.4x faster than complex128", c128 / c64, 1.4))
    gradient_rows, gradient_goals = _gradients(points, quick)
    return Report(
        f"Harmonic oscillator on a grid of {points}^3, Strang steps",
        rows + gradient_rows,
        goals + gradient_goals,
        [
            "Error: relative 2-norm against the closed form at the last time. Memory: "
            "temporaries of the compiled gradient; a state takes "
            f"{round_to(points**3 * 16 / 2**20)} MiB in double precision.",
            "Floor: forward and inverse transform alone, by XLA in the same lax.scan.",
        ],
    )


def _loss(points: int, steps: int, dtype: Any):
    """(omega^2, mass) -> <x^2 + y^2 + z^2> after two save intervals."""
    grid = jqd.Grid([(-10.0, 10.0)] * 3, (points,) * 3)
    r2 = jnp.broadcast_to(sum(x**2 for x in grid.coordinates), grid.shape)
    psi = grid.normalise(jnp.exp(-0.4 * r2) + 0j).astype(dtype)
    weight = r2.astype(psi.real.dtype)
    ts = np.linspace(0.0, steps * DT, 3)
    method = jqd.Fixed(
        jqd.steppers.strang, steps // 2, gradient="reversible", estimate_error=False
    )

    def observe(t, psi):
        del t
        return grid.cell * jnp.sum(weight * (psi.real**2 + psi.imag**2))

    def loss(constants):
        k, mass = constants
        law = jqd.Schrodinger.on_grid(grid, 0.5 * k * r2, mass=mass)
        return jqd.evolve(law, psi, ts, method=method, observe=observe).values[-1]

    return loss


def _gradients(points: int, quick: bool):
    """Value and reversible gradient: time, and memory for few and many steps."""
    steps, numbers = (4, (4,)) if quick else (6, (6, 60))
    constants = (jnp.asarray(1.1), jnp.asarray(0.9))
    rows, goals = [], []
    for dtype in DTYPES[: 1 if quick else 2]:
        known = [compiled_gradient(_loss(points, n, dtype), constants) for n in numbers]
        programs = {
            "value": partial(jax.jit(_loss(points, steps, dtype)), constants),
            "reversible gradient": partial(known[0][0], constants),
        }
        timings = race(programs, 2 if quick else 3)
        sizes = [size for _, size in known]
        for name, timing in timings.items():
            row: dict[str, Any] = {"case": f"{points}^3 gradient", "dtype": dtype}
            row |= {"program": name, "role": "jqd", "steps": steps}
            row |= timing.row(steps, "step")
            if name != "value":
                pairs = zip(numbers, sizes, strict=True)
                row |= {f"MiB_{n}_steps": round_to(size) for n, size in pairs}
            rows.append(row)
        over = ratio(timings["reversible gradient"], timings["value"])
        text = f"its memory, {numbers[-1]} over {numbers[0]} steps, {dtype}"
        goals += [
            Goal(f"gradient over value, time, {dtype}", over, 4.5, False),
            Goal(text, sizes[-1] / sizes[0], 1.01, False),
        ]
    return rows, goals
