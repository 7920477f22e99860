"""Error against FFT pairs of the splittings: a packet in a double well."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd import steppers

from .systems import eigen_orbit
from .timing import Goal, Report

TIME = 10.0
TARGET = 1e-6
METHODS = (
    "strang", "yoshida4", "suzuki4", "chin4a", "srkn6", "srkn11", "kahan_li8",
)  # fmt: skip
PAIRS = tuple(int(300 * 2 ** (i / 2)) for i in range(14))
FIGURE = "work_precision.png"
FIGURES = {FIGURE: "error against FFT pairs"}
SHOWN = ("order", "pairs_for_1e-6", "fewer_than_strang", "error_600", "error_2400")


def well(x: Any) -> Any:
    """V = (x^2 - 4)^2 / 16: minima at +-2, barrier of height 1."""
    return (x**2 - 4) ** 2 / 16


def run(quick: bool = False, folder: Path | None = None) -> Report:
    """Errors of all methods; the figure goes to `folder`."""
    grid = jqd.Grid((-8.0, 8.0), 64 if quick else 256)
    x = np.asarray(grid.x)
    psi0 = np.pi**-0.25 * np.exp(-((x + 2) ** 2) / 2 + 0.5j * x)
    psi0 = psi0 / np.sqrt(np.sum(np.abs(psi0) ** 2) * grid.cell)
    exact = eigen_orbit(_dense(x, grid), psi0, np.array([TIME]))[0]
    law = jqd.Schrodinger.on_grid(grid, well)
    rows, needed, curves = [], {}, {}
    pairs = PAIRS[::6] if quick else PAIRS
    for name in METHODS:
        stepper = getattr(steppers, name)
        points = _curve(law, stepper, psi0, exact, grid, pairs)
        curves[name] = points
        needed[name] = _pairs_for(points)
        rows.append(_row(name, stepper, points, needed[name]))
    best = min((n for n in METHODS[1:] if needed[n]), key=needed.get, default=None)
    measured = None
    if best and needed["strang"]:
        measured = needed["strang"] / needed[best]
    for row in rows:
        own = row["pairs_for_1e-6"]
        row["fewer_than_strang"] = (
            None if not own or not needed["strang"]
            else float(f"{needed['strang'] / own:.3g}")
        )  # fmt: skip
    if folder is not None:
        _figure(curves, folder / FIGURE)
    return Report(
        f"Double well, t = {TIME:g}, error 1e-6",
        rows,
        [Goal(f"FFT pairs of Strang over the best method's ({best})", measured, 20)],
        [
            "Pairs interpolated where the error last passes 1e-6; where no run "
            "reaches it, extrapolated by the slope of the last two. Reference: "
            "eigenbasis of the dense Fourier matrix by LAPACK."
        ],
    )


def _dense(x: np.ndarray, grid: jqd.Grid) -> np.ndarray:
    """The Hamiltonian on the grid as a Hermitian matrix."""
    k = np.asarray(grid.wavenumbers[0])
    kinetic = np.fft.ifft(
        k[:, None] ** 2 / 2 * np.fft.fft(np.eye(x.size), axis=0), axis=0
    )
    kinetic = (kinetic + kinetic.conj().T) / 2
    return kinetic.real + np.diag(well(x))


def _curve(law, stepper, psi0, exact, grid, pairs) -> list[tuple[int, float]]:
    """(pairs, error) for every number of steps; one compilation."""
    state = jnp.asarray(psi0)
    ts = np.array([0.0, TIME])

    @jax.jit
    def solve(steps):
        method = jqd.Fixed(stepper, counts=steps, estimate_error=False)
        return jqd.evolve(law, state, ts, method=method).values[-1]

    points = []
    for count in pairs:
        steps = max(1, round(count / len(stepper.a)))
        psi = np.asarray(solve(jnp.asarray(steps)))
        distance = np.sqrt(np.sum(np.abs(psi - exact) ** 2) * grid.cell)
        points.append((steps * len(stepper.a), float(distance)))
    return points


def _pairs_for(points: list[tuple[int, float]], target: float = TARGET) -> float | None:
    """Pairs beyond which every error stays below the target."""
    above = [i for i, (_, e) in enumerate(points) if not e <= target]
    last = above[-1] if above else -1
    if last < 0:
        return float(points[0][0])
    (n0, e0), *rest = points[last:]
    if not np.isfinite(e0):
        return None
    if not rest:
        # not reached: extrapolate by the slope of the last two runs
        (m, e), (n0, e0) = points[-2], points[-1]
        slope = np.log(e / e0) / np.log(n0 / m)
        return float(n0 * (e0 / target) ** (1 / slope)) if slope > 1 else None
    n1, e1 = rest[0]
    share = np.log(e0 / target) / np.log(e0 / e1)
    return float(n0 * (n1 / n0) ** share)


def _row(name, stepper, points, needed) -> dict[str, Any]:
    row = {"program": name, "role": "jqd", "order": stepper.order}
    row["stages"] = len(stepper.a)
    row["pairs_for_1e-6"] = None if needed is None else round(needed)
    for count in (600, 2400, 9600):
        pair = min(points, key=lambda p: abs(np.log(p[0] / count)))
        row[f"error_{count}"] = float(f"{pair[1]:.2g}")
    return row


def _figure(curves: dict[str, list[tuple[int, float]]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, points in curves.items():
        axes.loglog(*zip(*points, strict=True), "o-", ms=3, lw=1, label=name)
    axes.axhline(TARGET, color="0.6", lw=0.8, ls=":")
    axes.set(xlabel="FFT pairs", ylabel="error of the state (2-norm)", ylim=(1e-13, 3))
    axes.set_title("Double well, t = 10")
    axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
