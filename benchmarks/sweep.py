"""A sweep of copy dynamics over its exponents: points a second, memory, batches beside
those of dynamiqs, and peers' loops.

Four classes, 200 saved densities reduced to three numbers: the file is
experiments/sweeps/copying_exponents.py.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import sweep_batches
from .copy_dynamics import literal_field
from .peers import optional
from .timing import Goal, Report, missing, race, round_to

FILE = Path(__file__).parents[1] / "experiments" / "sweeps" / "copying_exponents.py"
PEERS = ("QuTiP sesolve", "dynamiqs sesolve", "SciPy DOP853, the same law")
COMMAND = "whole command"
LINEAR = (
    "A product with a matrix, where the copy law takes a logarithm and two powers a "
    "class and a ratio a pair."
)
BEHIND = {f"{sweep_batches.COPY_LAW}: {n}": LINEAR for n in sweep_batches.names()}
# Points of a peer's loop, from which the whole sweep is extrapolated.
LOOP = 200


def run(quick: bool = False) -> Report:
    """Points a second of `jqd sweep`, beside Python loops over points."""
    ours = _ours(quick)
    points = ours["points"]
    rows: list[dict[str, Any]] = [
        {
            "case": COMMAND,
            "program": "jqd sweep",
            "points": points,
            "work": points,
            "unit": "point",
            "median_s": round_to(ours["seconds"]),
            "min_s": round_to(ours["seconds"]),
            "points_per_s": round_to(points / ours["seconds"]),
            "memory_MiB": round_to(ours["rss_end"]),
            "rss_quarter_MiB": round_to(ours["rss_quarter"]),
            "error": round_to(ours["error"], 2),
        }
    ]
    peers = race(_loops(3 if quick else LOOP), 1 if quick else 3)
    for name, timing in peers.items():
        count = 3 if quick else LOOP
        whole = timing.median * points / count
        rows.append(
            {
                "case": COMMAND,
                "program": name,
                "points": count,
                **timing.row(count, "point"),
                "points_per_s": round_to(count / timing.median),
                "times_jqd": round_to(whole / ours["seconds"], 3),
            }
        )
    rows += [
        missing({"case": COMMAND, "program": name})
        for name in PEERS
        if name not in peers
    ]
    problem = _problem()
    batches, goals = sweep_batches.rows(
        problem["H"], problem["PSI0"], np.asarray(problem["T"]), quick
    )
    rows += batches
    growth = ours["rss_end"] / ours["rss_quarter"]
    goals.append(
        Goal("memory at the end over that at a quarter", growth, 1.1, at_least=False)
    )
    return Report(
        "A sweep of copy dynamics, M = 4, 200 saved densities a point",
        rows,
        goals,
        [
            f"{COMMAND}, jqd: with start, compilation and files, one device a core. "
            f"Peers: loops over {LOOP} points, no files, the time of the whole sweep "
            "extrapolated: information, since a loop pays the start of a program a "
            "point. QuTiP and dynamiqs have no copy law: they evolve its quantum case "
            "at their default tolerances; dynamiqs compiles once. A goal of 20 times "
            "such a loop stood here: it would be 16 µs a point, 200 Runge-Kutta steps "
            "of 0.08 µs, where a step of the law takes 0.4 µs of a core. error: at "
            "(1/2, -1/2), against the eigenbasis of H.",
            sweep_batches.NOTE,
        ],
    )


def _ours(quick: bool) -> dict[str, float]:
    """Seconds, resident memory and error of the command in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["sweep", str(FILE), "--out", f"{folder}/store", "--json"]
        code = "import sys; from jqd.cli import main; sys.exit(main(sys.argv[1:]))"
        began = time.monotonic()
        with open(f"{folder}/out", "w+b") as out:
            child = subprocess.Popen(
                [sys.executable, "-c", code, *words, *(["--quick"] if quick else [])],
                stdout=out,
            )
            resident = []
            while child.poll() is None:
                resident.append(_resident(child.pid))
                time.sleep(0.2)
            seconds = time.monotonic() - began
            if child.returncode:
                raise RuntimeError("`jqd sweep` failed; see above")
            out.seek(0)
            summary = json.loads(out.read())
        return {
            "points": summary["points"],
            "seconds": seconds,
            "rss_quarter": _around(resident, 0.25),
            "rss_end": _around(resident, 0.95),
            "error": _error(folder),
        }


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


def _error(folder: str) -> float:
    """Largest distance from quantum mechanics at (1/2, -1/2)."""
    import jqd

    dataset = jqd.open_sweep(f"{folder}/store")
    return float(dataset.worst.sel(q=0.5, r=-0.5, method="nearest"))


def _loops(points: int) -> dict[str, Any]:
    """Loops over points of the same size, by name."""
    problem = _problem()
    H, psi0, ts = problem["H"], problem["PSI0"], np.asarray(problem["T"])
    # each point is a little different, as in a sweep
    scales = np.linspace(0.9, 1.1, points)
    loops = {PEERS[2]: partial(_scipy, H, psi0, ts, scales)}
    if optional("qutip") is not None:
        loops[PEERS[0]] = partial(_qutip, H, psi0, ts, scales)
    if optional("dynamiqs") is not None:
        loops[PEERS[1]] = _dynamiqs(H, psi0, ts, scales)
    return loops


def _problem() -> dict[str, Any]:
    """What the file of the sweep holds."""
    namespace: dict[str, Any] = {"__name__": "sweep_file"}
    exec(compile(FILE.read_text(encoding="utf-8"), str(FILE), "exec"), namespace)
    return namespace


def _reduced(density: np.ndarray) -> tuple[float, float, float]:
    """Three numbers, as the sweep keeps."""
    return density[:, 0].max(), density.mean(), density.min()


def _qutip(H, psi0, ts, scales) -> list[Any]:
    import qutip as qt

    unit, start = qt.Qobj(H), qt.Qobj(psi0)
    options = {"progress_bar": "", "store_states": True}
    found = []
    for scale in scales:
        states = qt.sesolve(scale * unit, start, ts, options=options).states
        density = np.abs(np.array([psi.full()[:, 0] for psi in states])) ** 2
        found.append(_reduced(density))
    return found


def _dynamiqs(H, psi0, ts, scales) -> Any:
    import dynamiqs as dq
    import jax
    import jax.numpy as jnp

    start, matrix, times = jnp.asarray(psi0)[:, None], jnp.asarray(H), jnp.asarray(ts)

    @jax.jit
    def one(scale):
        run = dq.sesolve(scale * matrix, start, times, progress_meter=False)
        density = jnp.abs(run.states.to_jax()[..., 0]) ** 2
        return density[:, 0].max(), density.mean(), density.min()

    return lambda: [jax.block_until_ready(one(scale)) for scale in scales]


def _scipy(H, psi0, ts, scales) -> list[Any]:
    from scipy.integrate import solve_ivp

    found = []
    for scale in scales:
        field = literal_field(H, 0.5 * scale, -0.5 * scale)
        run = solve_ivp(field, (ts[0], ts[-1]), psi0, "DOP853", ts, rtol=1e-6)
        found.append(_reduced(np.abs(run.y.T) ** 2))
    return found
