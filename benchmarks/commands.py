"""First and second start of every command: what a user waits for, compilation included.

Each command runs in processes of its own, the first with an empty cache of compiled
code, the second with what the first left there.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .timing import Report, line_by_line, round_to

SHOWN = ("programs", "exit")
ROOT = Path(__file__).parents[1]
SWEEP = ROOT / "experiments" / "sweeps" / "copying_exponents.py"
EXPERIMENT = ROOT / "experiments" / "uncertainty.py"
CODE = "import sys; from jqd.cli import main; sys.exit(main(sys.argv[1:]))"
COMPILED = re.compile(r"Compiling jit\(")
# as a user calls them; of a few the quick form, named so. {out} is a new path.
COMMANDS = (
    "info",
    "equations copying",
    "cite",
    "laws",
    "bounds",
    "examples list",
    "new-law damped --out {out}",
    "vet copying[q=0.4] --quick --out {out}",
    "vet --quick --out {out}",
    "compare --starts 2 --out {out}",
    "design copying --out {out}.toml",
    "design law gisin --free lam --set lam=0.1 --out {out}.toml",
    "design husimi --out {out}.toml",
    "design diffusion --out {out}.toml",
    f"run {EXPERIMENT} --quick --out {{out}}",
    "recover copying --out {out}",
    "recover copying --posterior --out {out}",
    "recover law gisin --free lam --starts 2 --out {out}",
    "recover husimi --out {out}",
    "recover diffusion --out {out}",
    "recover statistics --out {out}",
    "recover springs --out {out}",
    "recover anharmonicity --out {out}",
    "recover tower --out {out}",
    "recover temperature --out {out}",
    "simulate copying --out {out}.csv",
    "simulate law gisin --set lam=0.1 --out {out}.csv",
    "simulate husimi --out {out}.npz",
    "simulate diffusion --out {out}.npz",
    "simulate statistics --out {out}.csv",
    "simulate springs --out {out}.npz",
    "simulate tower --out {out}.csv",
    "simulate temperature --out {out}.csv",
    "sample copying --quick --out {out}",
    f"sweep run {SWEEP} --quick --out {{out}}",
    "sweep law gisin --vary lam=0:0.2:5 --out {out}",
)
QUICK = ("info", "equations copying", "simulate statistics --out {out}.csv")
STARTS = ("first", "second")


def run(quick: bool = False) -> Iterator[Report]:
    """Reports, each with the commands that were started so far."""
    rows = (row for command in (QUICK if quick else COMMANDS) for row in _rows(command))
    yield from line_by_line(rows, _report)


def _report(rows: list[dict[str, Any]]) -> Report:
    return Report(
        "Commands from start to end, with an empty cache and with a full one",
        rows,
        [],
        [
            "Each was started once. first: nothing is compiled beforehand; second: all "
            "is in the cache. cores: processor time over wall time. programs: those "
            "that XLA compiled or loaded. exit: 1 is a fit that says of itself that it "
            "has no result to trust. Built-in records; `--quick` where it is named. "
            "Bytecode of Python is there in both.",
        ],
    )


def _rows(command: str) -> Iterator[dict[str, Any]]:
    case = command.replace("{out}", "OUT").replace(f"{ROOT}/", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = folder / "cache"
        cache.mkdir(mode=0o700)
        for when in STARTS:
            words = command.format(out=folder / when).split()
            row = {"case": case, "program": f"jqd, {when} start"}
            yield row | start(words, folder, cache)


def start(words: list[str], folder: Path, cache: Path) -> dict[str, Any]:
    """A command in a process of its own: its times, programs that XLA compiled or
    loaded from the cache, its exit code, and the last words of one that failed.
    """
    own = {"JQD_CACHE": str(cache), "JAX_LOG_COMPILES": "1"}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", CODE, *words], cwd=folder, env={**os.environ, **own},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = round_to(time.monotonic() - begun)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    note = {"note": lines[-1][:120]} if run.returncode > 1 and lines else {}
    return note | {
        "median_s": seconds, "min_s": seconds, "cpu_s": round_to(cpu), "repeats": 1,
        "programs": len(COMPILED.findall(run.stderr)), "exit": run.returncode,
    }  # fmt: skip
