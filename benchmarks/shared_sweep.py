"""One sweep by four workers, one killed and one late, and what leases and stores cost.

The sweep is that of benchmarks/sweep.py. Workers are pinned to their shares of the
cores; what they do is read from the store and from /proc, not asked of them.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import jqd
from jqd.sweeps import Store
from jqd.sweeps.claims import Claims
from jqd.sweeps.objects import Objects

from .machine import cores
from .sweep import CODE, digest, row_of, words
from .timing import Goal, Report, round_to

WORKERS, LEASE = 4, 5.0
# points of a chunk: a second of one core and more
CHUNK = 20_000
SHOWN = (
    "workers", "processor_s", "chunks", "unfinished_s", "start_s", "wait_s", "requests",
)  # fmt: skip
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Seen:
    """What was seen of one worker.

    Attributes:
        began: when it was started.
        claimed: when it had its first chunk, and its processor seconds then.
        committed: when its last chunk was committed, and its processor seconds then.
        last: its processor seconds when it was last seen alive.
        chunks: how many it committed.
    """

    began: float
    claimed: tuple[float, float] | None = None
    committed: tuple[float, float] | None = None
    last: float = 0.0
    chunks: int = 0

    @property
    def processor(self) -> float:
        """Seconds from its first chunk on to its last commit."""
        if self.claimed is None or self.committed is None:
            return 0.0
        return self.committed[1] - self.claimed[1]


@dataclass
class Watch:
    """The workers of a store, as a bystander sees them.

    Attributes:
        store: its folder.
        seen: workers by process.
        done: number of commits.
    """

    store: Path
    seen: dict[int, Seen] = field(default_factory=dict)
    done: int = 0
    _holders: dict[str, int] = field(default_factory=dict)
    _commits: set[str] = field(default_factory=set)

    def look(self) -> None:
        """See who has what, and what is done."""
        now = time.monotonic()
        for pid, seen in self.seen.items():
            seen.last = processor_seconds(pid) or seen.last
        for path in _files(self.store / "leases"):
            if path.name in self._holders or path.name.startswith("clock"):
                continue
            # gone by now, half written, or no lease but the mark that all is done
            with contextlib.suppress(OSError, ValueError, KeyError):
                pid = json.loads(path.read_text())["pid"]
                self._holders[path.name] = pid
                if pid in self.seen and self.seen[pid].claimed is None:
                    self.seen[pid].claimed = (now, self.seen[pid].last)
        for path in _files(self.store / "commits"):
            if path.name in self._commits:
                continue
            self._commits.add(path.name)
            # the newest holder that was seen
            held = max((n for n in self._holders if n[:7] == path.name[:7]), default="")
            pid = self._holders.get(held)
            if pid in self.seen:
                seen = self.seen[pid]
                seen.committed, seen.chunks = (now, seen.last), seen.chunks + 1
        self.done = len(self._commits)


def run(quick: bool = False) -> Report:
    """A worker alone, four with one killed and one late, and the costs of a lease."""
    with tempfile.TemporaryDirectory() as folder:
        rows, digests = [], []
        for name, shared in (("one worker", False), ("four workers", True)):
            store = Path(folder) / ("shared" if shared else "alone")
            row, bits = _sweep(store, shared, quick)
            rows.append({"case": "copy law", "program": f"jqd, {name}", **row})
            digests.append(bits)
    alone, shared = rows
    rows += _costs(20 if quick else 400)
    ratio = shared["processor_s"] / alone["processor_s"]
    lease = next(row for row in rows if row["case"].startswith("lease"))
    goals = [
        Goal("sweeps with one digest", float(digests.count(digests[0])), 2),
        Goal("processor time, four workers over one", ratio, 1.15, at_least=False),
        Goal("lease in a folder, ms", 1e3 * lease["median_s"], 5, at_least=False),
    ]
    return Report(
        f"{alone['points']:.0e} points of the copy law by several workers, and the cost"
        " of a lease",
        rows,
        goals[:1] if quick else goals,
        [
            f"Each worker has one core of {cores()}. One of the four is killed after a "
            f"third of the commits, a fifth joins after half of them; leases last "
            f"{LEASE:g} s. processor_s: from each worker's first claim to its last "
            "commit, summed; unfinished_s: what the killed worker spent on chunks that "
            "others did; start_s: of a worker, until its first claim, median; "
            "wait_s: from each one's last commit until all was done, summed.",
            "Lease: claim, look for the commit, release and the lists that they take, "
            "with requests of each; commit: four arrays of 64 numbers and the mark. "
            "The S3 is moto's on this machine, in Python.",
        ],
    )


def _sweep(store: Path, shared: bool, quick: bool) -> tuple[dict[str, Any], str]:
    """A row, and a digest of all values."""
    command = [*words(store, quick), "--lease", str(LEASE)]
    command += ["--chunk", "64" if quick else str(CHUNK)]
    watch, lost, late, began = Watch(store), None, False, time.monotonic()
    workers = [_start(command, i, watch) for i in range(WORKERS if shared else 1)]
    total = 16 if quick else -(-(10**6) // CHUNK)
    while any(worker.poll() is None for worker in workers):
        watch.look()
        if shared and lost is None and watch.done >= total // 3:
            # at no particular moment of a chunk, of a second or more
            time.sleep(0.7)
            watch.look()
            lost = workers.pop(0)
            lost.send_signal(signal.SIGKILL)
            lost.wait()
        if shared and not late and watch.done >= total // 2:
            workers.append(_start(command, 0, watch))
            late = True
        time.sleep(0.02)
    seconds = time.monotonic() - began
    watch.look()
    if any(worker.returncode for worker in workers):
        raise RuntimeError("A worker failed; see above")
    dataset = jqd.open_sweep(store)
    seen = list(watch.seen.values())
    done = [s for s in seen if s.committed]
    end = max(s.committed[0] for s in done)
    killed = watch.seen[lost.pid] if lost else None
    starts = [s.claimed[0] - s.began for s in seen if s.claimed]
    waits = [end - s.committed[0] for s in done if s is not killed]
    row = row_of(int(dataset.status.size), seconds) | {
        "workers": len(seen),
        "processor_s": round_to(sum(s.processor for s in seen)),
        "chunks": "+".join(str(s.chunks) for s in seen),
        "start_s": round_to(float(np.median(starts)), 3),
        "wait_s": round_to(sum(waits), 3),
    }
    if killed is not None and killed.committed is not None:
        row["unfinished_s"] = round_to(killed.last - killed.committed[1], 3)
    return row, digest(dataset)


def _start(command: list[str], index: int, watch: Watch) -> subprocess.Popen[bytes]:
    """A worker on its core."""
    mine = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, [mine[index % len(mine)]])
    try:
        worker = subprocess.Popen(
            [sys.executable, "-c", CODE, *command], stdout=subprocess.DEVNULL
        )
    finally:
        os.sched_setaffinity(0, mine)
    watch.seen[worker.pid] = Seen(time.monotonic())
    return worker


def processor_seconds(pid: int) -> float | None:
    """Of a process so far, all its threads; None where it is gone."""
    with contextlib.suppress(OSError):
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / TICKS
    return None


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


# -- leases and commits -----------------------------------------------------------


def _costs(chunks: int) -> list[dict[str, Any]]:
    """Seconds of a lease and of a commit, in a folder and in a bucket."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        rows = _cost("folder", folder + "/store", chunks)
        place = _bucket(stack)
        return rows + (_cost("moto's S3", place, chunks) if place else [])


def _cost(where: str, place: str, chunks: int) -> list[dict[str, Any]]:
    q = np.arange(64.0 * chunks).reshape(chunks, 64)
    jqd.sweep(_four, {"q": q.ravel()}, store=place, tile=64, chunk=64, progress=False)
    store = Store(place)
    store.withdraw(range(chunks))
    requests, marks = [], []

    def mark() -> None:
        marks.append((time.perf_counter(), len(requests)))

    with _counted(Objects, requests), Claims(store) as worker:
        mark()
        for chunk in worker.free():
            mark()
            results = _four(q[chunk]) | {"status": np.zeros(64, np.int32)}
            store.commit(chunk, results, {}, "cpu")
            mark()
            worker.release(chunk)
            mark()
    # of each chunk: claim, commit, release
    seconds, asked = np.diff(marks, axis=0).T.reshape(2, chunks, 3)
    leases, requested = (each[:, 0] + each[:, 2] for each in (seconds, asked))
    return [
        {"case": f"{what}, {chunks} chunks", "program": f"jqd, {where}",
         "median_s": round_to(float(np.median(times)), 3),
         "min_s": round_to(float(np.min(times)), 3), "repeats": chunks, **more}
        for what, times, more in (
            ("lease", leases, {"requests": round_to(float(requested.mean()), 3)}),
            ("commit", seconds[:, 1], {}),
        )
    ]  # fmt: skip


def _four(q: Any) -> dict[str, Any]:
    return {"a": 1.0 * q, "b": 2.0 * q, "c": 3.0 * q}


def _counted(kind: Any, calls: list[str]) -> Any:
    """Within, the requests to a store are counted."""

    def counting(name: str) -> Any:
        real = getattr(kind, name)

        def call(*args: Any) -> Any:
            calls.append(name)
            return real(*args)

        return call

    names = ("put", "put_new", "get", "changed", "list", "delete")
    return mock.patch.multiple(kind, **{name: counting(name) for name in names})


def _bucket(stack: contextlib.ExitStack) -> str | None:
    """A bucket of an S3 on loopback, if moto is here."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        return None
    import logging
    import urllib.request

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    stack.callback(server.stop)
    address = "http://{}:{}".format(*server.get_host_and_port())
    os.environ.update(
        AWS_ENDPOINT_URL=address, AWS_ALLOW_HTTP="true", AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="benchmark", AWS_SECRET_ACCESS_KEY="benchmark",
    )  # fmt: skip
    made = urllib.request.Request(f"{address}/benchmark", method="PUT")
    urllib.request.urlopen(made).close()
    return "s3://benchmark/store"
