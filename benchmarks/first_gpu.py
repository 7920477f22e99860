"""The first ten minutes on an accelerator, in order of what they decide.

Five parts, each with a budget of time; each measurement is a line of JSON on standard
output as it comes, so that a run that is cut keeps what it has. A part that fails says
so and leaves the others alone.
"""

import math
import os
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

from . import copy_ensembles, grids, hard_discs, kerr_sweep
from .copy_dynamics import DT, by_jqd, random_problem
from .floors import bandwidth, bytes_moved
from .sweep import digest, swept
from .systems import ALPHA, LEVELS, coherent, error, kerr_exact
from .timing import Goal, Report, compared, guarded, line_by_line, ratio, round_to

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
Rows = Iterator[dict[str, Any]]


def run(quick: bool = False) -> Iterator[Report]:
    """Reports with the measurements so far."""
    yield from line_by_line(_rows(quick), _report)


def _rows(quick: bool) -> Rows:
    for name, part in PARTS.items():
        end = time.monotonic() + (10 * BUDGET if quick else BUDGET)
        for row in guarded(part(quick), part.__name__.strip("_")):
            yield {"part": name, **row}
            if time.monotonic() > end:
                row = {"part": name, "case": name, "program": "-"}
                yield row | {"note": f"cut after {BUDGET:g} s"}
                break


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
        rows,
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
        flags = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        with tempfile.TemporaryDirectory() as folder:
            found = swept(Path(folder), quick, XLA_FLAGS=flags, **CHILD)
            row = {"case": "copying_exponents", "program": f"jqd sweep, {name} start"}
            row |= found.row() | {"digest": digest(found.dataset)}
            if found.peak:
                row["peak_MiB"] = round_to(found.peak / 2**20)
            yield row


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
    law, host = jqd.CopyDynamics.from_hamiltonian(H), jax.devices("cpu")[0]
    for batch in (1, 4) if quick else BATCHES:
        steps = 4 if quick else int(np.clip(WORK / 100 / batch, 16, 2000))
        psi = jnp.asarray(random_problem(4, batch)[1])
        here, unrolled = by_jqd(steps), jax.jit(jax.vmap(_unrolled(law, steps)))
        programs = {
            "jqd Fixed(rk4)": partial(here, law, psi),
            f"scan, {UNROLLED} steps a turn": partial(unrolled, psi),
        }
        if jax.default_backend() != "cpu" and batch <= ON_HOST:
            there = partial(by_jqd(steps), *jax.device_put((law, psi), host))
            programs["jqd Fixed(rk4), on the host"] = there
        found = compared(
            programs, 2 if quick else 5, None, steps * batch, "step and trajectory",
            case=f"M = 4, batch {batch}", steps=steps,
        )  # fmt: skip
        for row in found.rows:
            row["role"] = "jqd" if row["program"].startswith("jqd") else "bare"
            row["us_per_step"] = round_to(1e6 * row["median_s"] / steps)
            row["us_per_member"] = round_to(1e6 * row["median_s"] / steps / batch)
        yield from found.rows


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
        yield from compared(
            {"jnp.linalg.eigh": partial(jax.jit(jnp.linalg.eigh), H)}, 3, None, batch,
            "matrix", case=f"({batch}, {size}, {size})", role="bare",
        ).rows  # fmt: skip
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
    psi0, few = coherent(ALPHA, LEVELS), np.array([0, values - 1])
    call = kerr_sweep.by_jqd(K, ts, psi0)
    exact = kerr_exact(K[few], ts, psi0)

    def look(_: str, states: Any) -> dict[str, Any]:
        written = {"written_GB": round_to(states.nbytes / 1e9)}
        return written | {"error": error(np.asarray(states[few]), exact)}

    case = f"Kerr sweep of {values} x {saves} times"
    (row,) = compared(
        {kerr_sweep.OURS: call}, 3, look, values, "point", case=case
    ).rows  # fmt: skip
    # XLA's count where it has one: no loop is in this program
    row["xla_GB"] = round_to((bytes_moved(call) or math.nan) / 1e9)
    size = 16 * values * saves * LEVELS
    share = size / row["median_s"] / bandwidth(size, quick)
    return row | {"share_of_bandwidth": round_to(share)}


def _events(quick: bool) -> Rows:
    """Leaps and collisions."""
    if not quick:
        yield copy_ensembles.one_batch(10**6, 3)
    discs, events = (9, 10) if quick else (DISCS, EVENTS)
    for gases in (1, 2) if quick else (1, 256):
        yield hard_discs.batch(gases, discs, events)


PARTS = {
    "sweep": _sweeps,
    "split steps": _grids,
    "copying": _copying,
    "spectra": _spectra,
    "events": _events,
}
