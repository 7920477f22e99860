"""The first ten minutes on an accelerator, in order of what they decide.

Five parts, each with a budget of time; each measurement is a line of JSON on standard
output as it comes, so that a run that is cut keeps what it has. A part that fails says
so and leaves the others alone.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.matter import gas

from . import copy_ensembles, grids
from .copy_dynamics import DT, random_problem
from .floors import bandwidth, bytes_moved
from .sweep import FILE
from .systems import ALPHA, LEVELS, coherent, error, kerr_diagonal, kerr_exact
from .timing import Goal, Report, failure, race, ratio, round_to

# seconds of a part, compilation and all; the last measurement may pass it
BUDGET = 100.0
# callbacks: of earlier runs; `gpu_compiled` counts them
SHOWN = ("digest", "us_per_member", "share_of_bandwidth", "callbacks")
# What a child may take beside its parent, which holds three quarters of the memory.
CHILD = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.1"}
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
FROZEN = "--xla_gpu_autotune_level=0"
GRIDS = (("2D", 2, 2048, 1, 50), ("1D x 4096", 1, 1024, 4096, 50))
SMALL_GRIDS = (("1D", 1, 32, 1, 4), ("3D", 3, 8, 1, 4))
BATCHES = (1, 100, 10**4, 10**6)
# of members and steps in a call, and where a processor's time is its own by then
WORK, ON_HOST = 10**8, 10**4
UNROLLED = 8
EIGH = ((1024, 64), (256, 144))
EVENTS, DISCS = 1000, 256
SWEEP = """
import json, sys, time
import jax
from jqd.cli import main
code = main(sys.argv[1:])
stats = jax.devices()[0].memory_stats() or {}
print(json.dumps({"peak": stats.get("peak_bytes_in_use"), "code": code}))
"""

Rows = Iterator[dict[str, Any]]


def run(quick: bool = False) -> Iterator[Report]:
    """Reports with the measurements so far."""
    rows: list[dict[str, Any]] = []
    for name, part in PARTS.items():
        end = time.monotonic() + (10 * BUDGET if quick else BUDGET)
        for row in _guarded(part, quick):
            rows.append({"part": name, **row})
            print(json.dumps(rows[-1]), flush=True)
            yield _report(rows)
            if time.monotonic() > end:
                rows.append({"part": name, "case": name, "program": "-"})
                rows[-1]["note"] = f"cut after {BUDGET:g} s"
                break
    yield _report(rows)


def _guarded(part: Callable[[bool], Rows], quick: bool) -> Rows:
    """The rows of a part, and one that says where it failed."""
    try:
        yield from part(quick)
    except Exception as error:  # the other parts are not to be lost
        name = part.__name__.strip("_")
        yield {"case": "-", "program": name, "note": failure(error)}


def _report(rows: list[dict[str, Any]]) -> Report:
    digests = [row["digest"] for row in rows if "digest" in row]
    goals = []
    if digests:
        equal = float(digests.count(digests[0]))
        goals.append(
            Goal("starts of one sweep with one digest", equal, float(len(digests)))
        )
    return Report(
        "The first ten minutes on this device",
        list(rows),
        goals,
        [
            "Sweep: one file in processes of their own; equal digests mean equal bits. "
            f"With {DETERMINISTIC} and with {FROZEN} too: their price, and whether "
            "kernels that are chosen by time change the bits. Copying: the batch at "
            "which a member costs less than on the host, and steps written out by "
            f"{UNROLLED} in a bare scan. Compile time apart (first_s)."
        ],
    )


def _sweeps(quick: bool) -> Rows:
    """The same sweep in processes of their own: bits, rate, memory."""
    starts = (("first", ""), ("second", ""))
    if jax.default_backend() == "gpu":
        starts += (("deterministic", DETERMINISTIC), ("not tuned", FROZEN))
    for name, flags in starts:
        with tempfile.TemporaryDirectory() as folder:
            store = f"{folder}/store"
            words = ["sweep", str(FILE), "--out", store, "--json"]
            words += ["--quick"] if quick else []
            flags = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
            began = time.monotonic()
            child = subprocess.run(
                [sys.executable, "-c", SWEEP, *words],
                env={**os.environ, **CHILD, "XLA_FLAGS": flags},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            seconds = time.monotonic() - began
            if child.returncode:
                raise RuntimeError((child.stderr.strip().splitlines() or ["?"])[-1])
            seen = json.loads(child.stdout.strip().splitlines()[-1])
            dataset = jqd.open_sweep(Path(store))
            points = int(dataset.status.size)
            row = {
                "case": "copying_exponents", "program": f"jqd sweep, {name} start",
                "points": points, "work": points, "unit": "point",
                "median_s": round_to(seconds), "min_s": round_to(seconds),
                "points_per_s": round_to(points / seconds), "digest": _digest(dataset),
            }  # fmt: skip
            if seen["peak"]:
                row["peak_MiB"] = round_to(seen["peak"] / 2**20)
            yield row


def _digest(dataset: Any) -> str:
    found = hashlib.sha256()
    for name in sorted(dataset.data_vars):
        found.update(np.ascontiguousarray(dataset[name].values).tobytes())
    return found.hexdigest()[:16]


def _grids(quick: bool) -> Rows:
    """Split steps over their transforms, in both precisions."""
    for case in SMALL_GRIDS if quick else GRIDS:
        double, single = (
            grids.one_case(*case, dtype, 2 if quick else 5, peers=False)
            for dtype in grids.DTYPES
        )
        over = ratio(double.timings[grids.OURS], single.timings[grids.OURS])
        single.rows[0]["c128_over_c64"] = round_to(over or 0.0, 3)
        yield from double.rows + single.rows


def _copying(quick: bool) -> Rows:
    """A step of the copy law by batch: here, written out, and on the host."""
    H, _ = random_problem(4, 1)
    law = jqd.CopyDynamics.from_hamiltonian(H)
    host = jax.devices("cpu")[0]
    for batch in (1, 4) if quick else BATCHES:
        steps = 4 if quick else int(np.clip(WORK / 100 / batch, 16, 2000))
        psi = jnp.asarray(random_problem(4, batch)[1])
        programs = {
            "jqd Fixed(rk4)": partial(jax.jit(jax.vmap(_followed(law, steps))), psi),
            f"scan, {UNROLLED} steps a turn": partial(
                jax.jit(jax.vmap(_unrolled(law, steps))), psi
            ),
        }
        if jax.default_backend() != "cpu" and batch <= ON_HOST:
            there = jax.device_put((law, psi), host)
            programs["jqd Fixed(rk4), on the host"] = partial(
                jax.jit(jax.vmap(_followed(there[0], steps))), there[1]
            )
        for name, timing in race(programs, 2 if quick else 5).items():
            row = {"case": f"M = 4, batch {batch}", "program": name, "steps": steps}
            row["role"] = "jqd" if name.startswith("jqd") else "bare"
            row |= timing.row(steps * batch, "step and trajectory")
            row["us_per_step"] = round_to(1e6 * timing.median / steps)
            row["us_per_member"] = round_to(1e6 * timing.median / steps / batch)
            yield row


def _followed(law: Any, steps: int) -> Callable[[Any], Any]:
    ts = np.array([0.0, steps * DT])
    method = jqd.Fixed(jqd.steppers.rk4, steps, gradient="direct", estimate_error=False)
    return lambda psi: jqd.evolve(law, psi, ts, method=method).values[-1]


def _unrolled(law: Any, steps: int) -> Callable[[Any], Any]:
    def step(psi: Any, i: Any):
        return jqd.steppers.rk4(law, i * DT, psi, DT), None

    def follow(psi: Any):
        return jax.lax.scan(step, psi, jnp.arange(steps), unroll=UNROLLED)[0]

    return follow


def _spectra(quick: bool) -> Rows:
    """Eigenvectors of batches, and a sweep by them that writes and does little else."""
    for batch, size in ((2, 4),) if quick else EIGH:
        parts = np.random.default_rng(0).normal(size=(2, batch, size, size))
        H = parts[0] + 1j * parts[1]
        H = jnp.asarray(H + np.conj(np.swapaxes(H, 1, 2)))
        timing = race({"eigh": partial(jax.jit(jnp.linalg.eigh), H)}, 3)["eigh"]
        row = {"case": f"({batch}, {size}, {size})", "program": "jnp.linalg.eigh"}
        row["role"] = "bare"
        yield row | timing.row(batch, "matrix")
    values, saves = (4, 5) if quick else (2**12, 200)
    yield _kerr_sweep(values, saves, quick)
    rate = bandwidth(2**28, quick)
    yield {
        "case": "copy bandwidth", "program": "x + 1 in a loop", "role": "floor",
        "work": 1, "unit": "GB",
        "median_s": round_to(1e9 / rate), "min_s": round_to(1e9 / rate),
        "gbytes_per_s": round_to(rate / 1e9),
    }  # fmt: skip


def _kerr_sweep(values: int, saves: int, quick: bool) -> dict[str, Any]:
    """All states of Kerr oscillators: nothing but phases that are written."""
    K, ts = np.linspace(0.5, 1.5, values), np.linspace(0.0, 2 * np.pi, saves)
    psi0, diagonal = coherent(ALPHA, LEVELS), kerr_diagonal()
    start = jnp.asarray(psi0, complex)

    @jax.jit
    @jax.vmap
    def states(K):
        law = jqd.Schrodinger(K * diagonal)
        return jqd.evolve(law, start, ts, method=jqd.Propagator()).values

    call = partial(states, jnp.asarray(K))
    timing = race({"jqd": call}, 3)["jqd"]
    size, rate = timing.result.nbytes, bandwidth(timing.result.nbytes, quick)
    few = np.array([0, values - 1])
    exact = kerr_exact(K[few], ts, psi0)
    row = {
        "case": f"Kerr sweep of {values} x {saves} times",
        "program": "jqd Propagator",
    }
    row |= timing.row(values, "point")
    row["error"] = error(np.asarray(timing.result[few]), exact)
    # XLA's count where it has one: no loop is in this program
    moved = bytes_moved(call) or math.nan
    row["xla_GB"], row["written_GB"] = round_to(moved / 1e9), round_to(size / 1e9)
    row["share_of_bandwidth"] = round_to(size / timing.median / rate)
    return row


def _events(quick: bool) -> Rows:
    """Leaps and collisions."""
    if not quick:
        yield copy_ensembles.one_batch(10**6, 3)
    discs, events = (9, 10) if quick else (DISCS, EVENTS)
    x, box = gas.lattice(jax.random.key(0), discs, 0.3, jitter=0.5)
    for batch in (1, 2) if quick else (1, 256):
        keys = jax.random.split(jax.random.key(1), batch)
        v = jax.vmap(lambda key: gas.maxwell(key, discs))(keys)
        follow = jax.jit(
            jax.vmap(
                lambda v: gas.event_driven(x, v, box, collisions=events).velocities[-1]
            )
        )
        timing = race({"jqd": partial(follow, v)}, 2 if quick else 3)["jqd"]
        row = {"case": f"{discs} discs, batch {batch}", "program": "jqd event_driven"}
        yield row | timing.row(events * batch, "collision")


PARTS = {
    "sweep": _sweeps,
    "split steps": _grids,
    "copying": _copying,
    "spectra": _spectra,
    "events": _events,
}
