"""Nelson's diffusion of many paths, beside the loop that one writes in NumPy."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.ensembles import nelson
from jqd.exact import squeezed_state

from .peers import optional
from .timing import Goal, Report, race, ratio

SHOWN = ("variance_error",)
PATHS, STEPS, TIME = 100_000, 100, 2.0
POINTS, BOX, WIDTH, CENTER = 256, 10.0, 0.5, 1.0
OURS, PEER, SPLINE = "jqd.ensembles.nelson", "numpy + np.interp", "numpy + CubicSpline"


def run(quick: bool = False) -> Report:
    """Seconds for a squeezed oscillator, ħ = m = ω = 1, ν = D = 1/2, Heun steps."""
    paths, steps = (500, 4) if quick else (PATHS, STEPS)
    grid = jqd.Grid((-BOX, BOX), POINTS)
    psi = np.asarray(squeezed_state(grid.x, 0.0, center=CENTER, width=WIDTH))
    programs = {OURS: _jqd(grid, psi, paths, steps, "heun")}
    programs[OURS + " (implicit)"] = _jqd(grid, psi, paths, steps, "implicit")
    programs[PEER] = _numpy(grid, psi, paths, steps, _linear)
    if optional("scipy") is not None:
        programs[SPLINE] = _numpy(grid, psi, paths, steps, _cubic)
    timings = race(programs, 2 if quick else 5)
    variance = (WIDTH * np.cos(TIME)) ** 2 + np.sin(TIME) ** 2 / (2 * WIDTH) ** 2
    rows = []
    for name, timing in timings.items():
        found = np.var(timing.result)
        rows.append(
            {"program": name, "paths": paths, "steps": steps}
            | timing.row(paths * steps, "path and step")
            | {"variance_error": float(f"{found / variance - 1:.2g}")}
        )
    goals = [
        Goal(
            "1e5 paths, 100 steps, seconds", timings[OURS].median, 5.0, at_least=False
        ),
        Goal("3x faster than numpy", ratio(timings[PEER], timings[OURS]), 3.0),
    ]
    chance = float(f"{np.sqrt(2 / paths):.2g}")
    note = (
        f"One standard error of the variance is {chance}. All advance ψ by the same "
        "kind of steps and draw their own noise; np.interp reads ψ and ∇ψ linearly "
        "between the points of the grid, the others by cubic splines."
    )
    return Report("Nelson's diffusion of a squeezed oscillator", rows, goals, [note])


def _jqd(grid, psi, paths: int, steps: int, scheme: str) -> Callable[[], Any]:
    law = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    ts, key, start = np.array([0.0, TIME]), jax.random.key(0), jnp.asarray(psi)

    def solve():
        result = nelson(
            law, start, ts, key, paths=paths, substeps=steps, scheme=scheme,
            stepper=jqd.steppers.strang, error_paths=0,
        )  # fmt: skip
        return result.positions[-1, :, 0]

    return solve


def _linear(x, psi, slope):
    """∇ψ/ψ between grid points as `np.interp` gives it."""

    def read(at):
        value = np.interp(at, x, psi.real) + 1j * np.interp(at, x, psi.imag)
        rise = np.interp(at, x, slope.real) + 1j * np.interp(at, x, slope.imag)
        return rise / value

    return read


def _cubic(x, psi, slope):
    """∇ψ/ψ of SciPy's cubic spline."""
    from scipy.interpolate import CubicSpline

    del slope
    spline = CubicSpline(x, psi)
    return lambda at: spline(at, 1) / spline(at)


def _numpy(grid, psi, paths: int, steps: int, reader) -> Callable[[], Any]:
    x, k = np.asarray(grid.x), np.asarray(grid.wavenumbers[0])
    dt = TIME / steps
    half, kinetic = np.exp(-0.25j * dt * x**2), np.exp(-0.5j * dt * k**2)

    def drift(psi):
        read = reader(x, psi, np.fft.ifft(1j * k * np.fft.fft(psi)))

        def b(at):
            L = read(at)
            return L.imag + L.real

        return b

    def solve():
        rng, wave = np.random.default_rng(0), psi
        weight = np.cumsum(np.abs(psi) ** 2)
        at = np.interp(rng.random(paths) * weight[-1], weight, x + grid.spacing[0] / 2)
        now = drift(wave)
        for _ in range(steps):
            wave = half * np.fft.ifft(kinetic * np.fft.fft(half * wave))
            later = drift(wave)
            noise = np.sqrt(dt) * rng.standard_normal(paths)
            b = now(at)
            at = at + (b + later(at + b * dt + noise)) * (dt / 2) + noise
            now = later
        return at

    return solve
