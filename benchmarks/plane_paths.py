"""First arrivals of paths in two dimensions, beside NumPy and SciPy programs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.ensembles import arrival

from .peers import peer
from .timing import Report, compared, round_to

SHOWN = ("arrived", "error")
PATHS, STEPS, TIME = 100_000, 100, 3.0
POINTS, REFINE, D = 128, 2, 0.5
BOUNDS = ((-12.0, 20.0), (-16.0, 16.0))
# A free packet of width 1 that moves with velocity 1; the plane stands at x = 5.
PLANE, SPEED = 5.0, 1.0
# Share that has arrived by TIME: its exact clock of one dimension, since y is apart.
ARRIVED = 0.17421
OURS = "jqd.ensembles.arrival"
GATHERED, NDIMAGE = "numpy, 16 gathers", "scipy map_coordinates"


def run(quick: bool = False) -> Report:
    """Seconds for a free packet, ħ = m = 1, ν = D = 1/2, Heun's steps with bridges."""
    paths, steps = (500, 4) if quick else (PATHS, STEPS)
    grid = jqd.Grid(BOUNDS, (POINTS, POINTS))
    x, y = (np.asarray(axis) for axis in grid.coordinates)
    psi = np.exp(-(x**2 + y**2) / 4 + 1j * SPEED * x) / np.sqrt(2 * np.pi)
    programs = {
        OURS: _jqd(grid, psi, paths, steps, "heun"),
        OURS + " (implicit)": _jqd(grid, psi, paths, steps, "implicit"),
        GATHERED: _numpy(grid, psi, paths, steps, _Gathered),
        **_ndimage(grid, psi, paths, steps),
    }

    def look(_: str, result: Any) -> dict[str, Any]:
        arrived = float(np.mean(result))
        error = round_to(abs(arrived - ARRIVED), 2)
        return {"arrived": round_to(arrived), "error": error}

    found = compared(
        programs, 2 if quick else 5, look, paths * steps, "path and step",
        case="plane", paths=paths, steps=steps,
    )  # fmt: skip
    best = found.fastest((GATHERED, NDIMAGE))
    goals = [found.faster("faster than the best peer", 1, best, OURS)]
    chance = round_to(float(np.sqrt(ARRIVED * (1 - ARRIVED) / paths)), 2)
    note = (
        f"One standard error of a count is {chance}; all average the probabilities of "
        "a bridge. All follow ψ by the same splitting and read ψ and ∇ψ from cubic "
        f"splines on {REFINE} points for each of the grid. The peers draw their noise "
        "in one call, from PCG64; jqd hashes a counter for each path and step."
    )
    return Report(
        "First arrivals at a plane in two dimensions", found.rows, goals, [note]
    )


def _jqd(grid, psi, paths: int, steps: int, scheme: str) -> Callable[[], Any]:
    law = jqd.Schrodinger.on_grid(grid, jnp.zeros(grid.shape))
    ts, key, start = np.array([0.0, TIME]), jax.random.key(0), jnp.asarray(psi)

    def solve():
        return arrival(
            law, start, ts, key, detector=PLANE, paths=paths, substeps=steps,
            scheme=scheme, stepper=jqd.steppers.strang, error_paths=0,
        ).arrived[-1]  # fmt: skip

    return solve


class _Spline:
    """Coefficients of ψ's cubic spline on a finer grid, found in Fourier space."""

    def __init__(self, grid, psi):
        n = REFINE * POINTS
        wide = np.zeros((n, n), complex)
        middle = slice((n - POINTS) // 2, (n + POINTS) // 2)
        wide[middle, middle] = np.fft.fftshift(np.fft.fft2(psi))
        samples = (2 + np.cos(2 * np.pi * np.fft.fftfreq(n))) / 3
        wide = np.fft.ifftshift(wide) / np.multiply.outer(samples, samples)
        self.coefficients = np.fft.ifft2(wide) * REFINE**2
        self.n = n
        self.lower = np.array([lower for lower, _ in grid.bounds])
        self.scale = n / np.array([b - a for a, b in grid.bounds])


class _Gathered(_Spline):
    """∇ψ/ψ by sixteen gathers of real and imaginary parts, shared by ψ and ∇ψ."""

    def __init__(self, grid, psi):
        super().__init__(grid, psi)
        self.real = np.ascontiguousarray(self.coefficients.real).ravel()
        self.imag = np.ascontiguousarray(self.coefficients.imag).ravel()

    def __call__(self, at):
        u = (at - self.lower) * self.scale
        cell = np.floor(u)
        f, first = u - cell, cell.astype(np.int32) - 1
        g = 1 - f
        w = [g**3, 4 - 3 * f**2 * (1 + g), 4 - 3 * g**2 * (1 + f), f**3]
        s = [-(g**2), f * (3 * f - 4), g * (4 - 3 * g), f**2]
        total = np.zeros((6, len(at)))
        columns = [(first[:, 1] + j) % self.n for j in range(4)]
        for i in range(4):
            row = ((first[:, 0] + i) % self.n) * self.n
            part = np.zeros((4, len(at)))
            for j in range(4):
                index = row + columns[j]
                re, im = self.real.take(index), self.imag.take(index)
                part[0] += w[j][:, 1] * re
                part[1] += w[j][:, 1] * im
                part[2] += s[j][:, 1] * re
                part[3] += s[j][:, 1] * im
            total[:2] += w[i][:, 0] * part[:2]
            total[2:4] += s[i][:, 0] * part[:2]
            total[4:] += w[i][:, 0] * part[2:]
        value = total[0] + 1j * total[1]
        slopes = np.stack([total[2] + 1j * total[3], total[4] + 1j * total[5]], axis=1)
        # the weights of values are six times, those of slopes twice too large
        return 3 * self.scale * slopes / value[:, None]


@peer("scipy.ndimage", NDIMAGE)
def _ndimage(ndimage: Any, grid, psi, paths: int, steps: int) -> dict[str, Any]:
    """∇ψ/ψ by `map_coordinates` of ψ and of two spectral derivatives."""

    def reader(grid, psi):
        spectrum, spline = np.fft.fft2(psi), _Spline(grid, psi)
        waves = (np.fft.ifft2(1j * np.asarray(k) * spectrum) for k in grid.wavenumbers)
        tables = [spline.coefficients]
        tables += [_Spline(grid, wave).coefficients for wave in waves]

        def read(at):
            u = ((at - spline.lower) * spline.scale).T
            value, *slopes = (
                ndimage.map_coordinates(
                    table, u, order=3, mode="grid-wrap", prefilter=False
                )
                for table in tables
            )
            return np.stack(slopes, axis=1) / value[:, None]

        return read

    return {NDIMAGE: _numpy(grid, psi, paths, steps, reader)}


def _numpy(grid, psi, paths: int, steps: int, reader) -> Callable[[], Any]:
    dt = TIME / steps
    k2 = sum(np.asarray(k) ** 2 for k in grid.wavenumbers)
    kinetic = np.exp(-0.5j * dt * k2)

    def drift(L):
        return L.imag + L.real

    def solve():
        rng, wave = np.random.default_rng(0), psi
        at = rng.standard_normal((paths, 2))
        here, waits = reader(grid, wave)(at), (at[:, 0] < PLANE).astype(float)
        for _ in range(steps):
            wave = np.fft.ifft2(kinetic * np.fft.fft2(wave))
            later = reader(grid, wave)
            noise = np.sqrt(2 * D * dt) * rng.standard_normal((paths, 2))
            b = drift(here)
            moved = at + (b + drift(later(at + b * dt + noise))) * (dt / 2) + noise
            a, c = PLANE - at[:, 0], PLANE - moved[:, 0]
            bridge = np.exp(-np.maximum(a, 0) * np.maximum(c, 0) / (D * dt))
            waits *= np.where(c > 0, 1 - bridge, 0)
            at, here = moved, later(moved)
        return np.mean(1 - waits)

    return solve
