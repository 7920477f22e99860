"""A sweep of copy dynamics over its exponents: points a second, memory, and batches
beside those of dynamiqs.

Four classes, 200 saved densities reduced to three numbers: the file is
experiments/sweeps/copying_exponents.py.
"""

import hashlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .peers import by_dynamiqs, dynamiqs, dynamiqs_methods
from .timing import Goal, Raced, Report, compared, round_to

FILE = Path(__file__).parents[1] / "experiments" / "sweeps" / "copying_exponents.py"
# what a command runs, and then the peak of the device's memory as a line
CODE = """
import json, sys, jax
from jqd.cli import main
code = main(sys.argv[1:])
print(json.dumps((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")))
sys.exit(code)
"""
COMMAND = "whole command"
SCHRODINGER, COPY_LAW = "batch, Schrödinger's equation", "batch, copy law"
BATCH, LEAST = 1024, 1.5
# a peer's error is like ours up to so many times ours, or below this
ALIKE, SMALL = 10.0, 1e-9
# methods of dynamiqs and their tolerance, where there is one
METHODS = (
    "Expm", "Tsit5 1e-06", "Tsit5 1e-07", "Dopri5 1e-07", "Dopri8 1e-07",
    "Dopri8 1e-08",
)  # fmt: skip
LINEAR = (
    "A product with a matrix, where the copy law takes a logarithm and two powers a "
    "class and a ratio a pair."
)
BEHIND = {f"{COPY_LAW}: dynamiqs {each}": LINEAR for each in METHODS}


def run(quick: bool = False) -> Report:
    """Points a second of `jqd sweep`, and of batches in one program."""
    with tempfile.TemporaryDirectory() as folder:
        found = swept(Path(folder), quick)
        # largest distance from quantum mechanics at (1/2, -1/2)
        worst = found.dataset.worst.sel(q=0.5, r=-0.5, method="nearest")
        row = {"case": COMMAND, "program": "jqd sweep"} | found.row()
        quarter, end = (_around(found.resident, share) for share in (0.25, 0.95))
        row |= {"memory_MiB": round_to(end), "rss_quarter_MiB": round_to(quarter)}
        row["error"] = round_to(float(worst), 2)
    batches, goals = _batches(quick)
    text = "memory at the end over that at a quarter"
    goals.append(Goal(text, end / quarter, 1.1, at_least=False))
    return Report(
        "A sweep of copy dynamics, M = 4, 200 saved densities a point",
        [row, *batches],
        goals,
        [
            f"{COMMAND}: with start, compilation and files, one device a core. error: "
            "at (1/2, -1/2), against the eigenbasis of H.",
            "Batches: all points in one program on one device, no files. Both solve "
            "Schrödinger's equation for as many Hamiltonians, and the goal is over the "
            "fastest of dynamiqs' methods with an error like ours. dynamiqs has no "
            "copy law: beside it stand its methods that step, at Schrödinger's "
            "equation.",
        ],
    )


# -- the command ----------------------------------------------------------------


class Swept(NamedTuple):
    """What one command did.

    Attributes:
        seconds: from start to end.
        resident: MiB that it held, every fifth of a second.
        peak: bytes of the device; None where it does not tell.
        dataset: its results.
    """

    seconds: float
    resident: list[float]
    peak: int | None
    dataset: Any

    def row(self) -> dict[str, Any]:
        """The columns of a sweep."""
        return row_of(int(self.dataset.status.size), self.seconds)


def row_of(points: int, seconds: float) -> dict[str, Any]:
    """The columns of so many points in one go."""
    return {
        "points": points, "work": points, "unit": "point",
        "median_s": round_to(seconds), "min_s": round_to(seconds),
        "points_per_s": round_to(points / seconds),
    }  # fmt: skip


def words(store: Path, quick: bool) -> list[str]:
    """The command, which writes to `store`."""
    quickly = ["--quick"] if quick else []
    return ["sweep", str(FILE), "--out", str(store), "--json", *quickly]


def swept(folder: Path, quick: bool, **environment: str) -> Swept:
    """The command in a process of its own."""
    began, resident = time.monotonic(), []
    with (folder / "out").open("w+") as out:
        child = subprocess.Popen(
            [sys.executable, "-c", CODE, *words(folder / "store", quick)],
            stdout=out, env={**os.environ, **environment},
        )  # fmt: skip
        while child.poll() is None:
            resident.append(_resident(child.pid))
            time.sleep(0.2)
        seconds = time.monotonic() - began
        if child.returncode:
            raise RuntimeError("`jqd sweep` failed; see above")
        out.seek(0)
        peak = json.loads(out.read().strip().splitlines()[-1])
    return Swept(seconds, resident, peak, jqd.open_sweep(folder / "store"))


def digest(dataset: Any) -> str:
    """Of all values: equal digests mean equal bits."""
    found = hashlib.sha256()
    for name in sorted(dataset.data_vars):
        found.update(np.ascontiguousarray(dataset[name].values).tobytes())
    return found.hexdigest()[:16]


def _around(resident: list[float], when: float) -> float:
    """Largest of the samples of a few seconds around a share of the time."""
    at = int(when * (len(resident) - 1))
    return max(resident[max(at - 10, 0) : at + 10])


def _resident(pid: int) -> float:
    """MiB that a process holds now; 0 where it has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- batches: scales (B,) -> densities (B, T, M) --------------------------------------


def _batches(quick: bool) -> tuple[list[dict[str, Any]], list[Goal]]:
    """All points in one program, whose errors are compared as well as times."""
    file, rows, goals = runpy.run_path(str(FILE)), [], []
    H, psi0, ts = file["H"], file["PSI0"], np.asarray(file["T"])
    scales = np.linspace(0.9, 1.1, 8 if quick else BATCH)
    exact = _exact(H, psi0, ts, scales)

    def schrodinger(scale: Any) -> Any:
        law = jqd.Schrodinger(scale * (H + 0j))
        return _density(law, psi0, ts, jqd.Propagator())

    def copy_law(scale: Any) -> Any:
        law = jqd.CopyDynamics.from_hamiltonian(scale * H)
        # one step between saved times, as in the sweep
        method = jqd.Fixed(jqd.steppers.rk4, estimate_error=False)
        return _density(law, psi0, ts, method)

    for case, ours, methods in (
        (SCHRODINGER, schrodinger, METHODS), (COPY_LAW, copy_law, METHODS[1:]),
    ):  # fmt: skip
        programs = {"jqd": jax.vmap(ours)} | _dynamiqs(H, psi0, ts, methods)
        found = _raced(case, programs, jnp.asarray(scales), exact, quick)
        rows += found.rows
        if case == SCHRODINGER:
            bound = max(ALIKE * found.column("error")["jqd"], SMALL)
            text = "a point of a batch, over dynamiqs' batched form at like error"
            best = None if quick else found.fastest("dynamiqs", bound)
            goals.append(found.faster(text, LEAST, best, "jqd", named=True))
    return rows, goals


def _raced(
    case: str, densities: dict[str, Any], scales: Any, exact: np.ndarray, quick: bool
) -> Raced:
    def look(name: str, _: Any) -> dict[str, Any]:
        """Largest total variation from the eigenbasis, over times and points."""
        found = np.asarray(jax.jit(densities[name])(scales))
        apart = np.max(np.sum(np.abs(found - exact), axis=-1)) / 2
        return {"error": round_to(float(apart), 2)}

    programs = {
        name: one and partial(_reduced(one), scales) for name, one in densities.items()
    }
    return compared(
        programs, 1 if quick else 5, look, len(scales), "point", "jqd",
        case=case, points=len(scales),
    )  # fmt: skip


def _reduced(run: Any) -> Any:
    """Three numbers a point, as the sweep keeps."""

    @jax.jit
    def program(scales: Any) -> Any:
        density = run(scales)
        return density[..., 0].max(-1), density.mean((-2, -1)), density.min((-2, -1))

    return program


def _exact(H: Any, psi0: Any, ts: Any, scales: Any) -> np.ndarray:
    """|ψ|² from the eigenbasis, (B, T, M)."""
    energies, basis = np.linalg.eigh(H)
    angles = np.multiply.outer(np.multiply.outer(scales, ts), energies)
    return np.abs((np.exp(-1j * angles) * (basis.T @ psi0)) @ basis.T) ** 2


def _density(law: Any, psi0: Any, ts: Any, method: Any) -> Any:
    start = law.prepare(psi0)
    return jqd.evolve(law, start, ts, method=method, observe="density").values


@dynamiqs
def _dynamiqs(dq: Any, H: Any, psi0: Any, ts: Any, methods: Any) -> dict[str, Any]:
    start, matrix, times = jnp.asarray(psi0)[:, None], jnp.asarray(H), jnp.asarray(ts)

    def program(method: Any) -> Any:
        def run(scales: Any) -> Any:
            many = scales[:, None, None] * matrix[None]
            kets = by_dynamiqs(dq, many, start, times, method=method)
            return jnp.abs(kets[..., 0]) ** 2

        return run

    methods = dynamiqs_methods(dq, *methods)
    return {name: program(method) for name, method in methods.items()}
