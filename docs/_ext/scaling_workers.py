"""A simulation of many workers on one store: the tables of docs/workers.md.

python docs/_ext/scaling_workers.py prints them. Each worker does what
jqd/sweeps/claims.py does, request by request; the store answers in the time of `Store`.
"""

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scaling_model import table, two_digits

from jqd.sweeps.claims import BEATS, MISSES, PAGE, PAUSE, SECONDS, SHORT

ARRAYS = 4  # of a chunk, the status among them


@dataclass(frozen=True)
class Store:
    """How fast a store answers.

    Attributes:
        name: of the store.
        request: seconds of a request for one object.
        page: seconds of a list of a thousand keys.
        writes, reads: requests a second that it bears, nominal; None: not known.
    """

    name: str
    request: float
    page: float
    writes: float | None = None
    reads: float | None = None


# Measured by `shared_sweep`, 2026-11-24: put, link, look and remove in a folder of this
# machine, a list of ten thousand keys in 88 ms.
FOLDER = Store("folder, measured", 0.2e-3, 9e-3)
# Nominal: what providers say of latency in the region, and of a prefix's requests.
S3 = Store("S3, nominal", 20e-3, 100e-3, 3500, 5500)


@dataclass(frozen=True)
class Sweep:
    """A sweep, and who does it.

    Attributes:
        workers: how many.
        chunks: how many.
        seconds: of a chunk, its median.
        spread: standard deviation of the logarithm of a chunk's seconds.
        starts: workers begin within so many seconds.
        lost: share of the workers that are killed, some time before the end.
        lease: seconds.
        store: where.
    """

    workers: int
    chunks: int
    seconds: float = 10.0
    spread: float = 0.2
    starts: float = 60.0
    lost: float = 0.0
    lease: float = SECONDS
    store: Store = S3


@dataclass
class Worker:
    """What a worker knows and has."""

    number: int
    ends: float
    known: np.ndarray  # whether each chunk is done, as far as it knows
    queue: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    expired: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    listed: float = -1.0
    looked: float = -1.0
    old: bool = False  # whether it has done something since it looked
    idle: bool = False
    misses: int = 0
    pause: float = SHORT
    chunk: int | None = None  # the one on its device
    next: int | None = None  # the one that it holds beside
    alone: bool = False  # whether it takes no other beside the one on its device


class Run:
    """One simulated sweep.

    Attributes:
        seconds: from the first worker's start to the last commit.
        requests: how many of each kind.
        busiest: most requests in any second.
        efficiency: seconds of all chunks over those that workers were there.
        misses: attempts to have a chunk that was another's, over the chunks.
        waited: seconds that workers waited for the last chunks, over those they had.
    """

    def __init__(self, sweep: Sweep, seed: int = 0):
        self.sweep, self.store = sweep, sweep.store
        self._random = np.random.default_rng(seed)
        n = sweep.chunks
        self._cost = sweep.seconds * self._random.lognormal(0, sweep.spread, n)
        self._done = np.zeros(n, bool)
        self._leased = np.zeros(n, bool)
        self._dead = np.full(n, np.inf)  # when the holder of a lease was lost
        self.requests: Counter[str] = Counter()
        self._each_second: Counter[int] = Counter()
        self._finished = np.inf
        self._missed = self._waited = self._there = 0.0
        self._commits: Counter[int] = Counter()
        self._go()

    # -- what a worker does, from `now` to the time that is returned --------------

    def _ask(self, now: float, kind: str, number: int = 1) -> float:
        self.requests[kind] += number
        seconds = self.store.page if kind == "list" else self.store.request
        for i in range(number):
            self._each_second[int(now + i * seconds)] += 1
        return now + number * seconds

    def _list_leases(self, worker: Worker, now: float) -> float:
        held = int(np.count_nonzero(self._leased))
        now = self._ask(now, "list", 1 + held // PAGE)
        mine = (worker.chunk is not None) + (worker.next is not None)
        if held > mine:
            now = self._ask(self._ask(now, "write"), "read")  # the store's clock
        worker.listed = now
        old = self._leased & ~self._done & (now - self._dead > self.sweep.lease)
        worker.expired = np.flatnonzero(old)
        return now

    def _look(self, worker: Worker, now: float) -> float:
        now = self._list_leases(worker, now)
        missing = np.flatnonzero(~self._leased & ~worker.known)
        if len(missing) > 1 + self.sweep.chunks // PAGE:
            done = np.count_nonzero(self._done)
            now = self._ask(now, "list", 1 + done // PAGE)
            worker.known |= self._done
        else:
            now = self._ask(now, "read", len(missing))
            worker.known[missing] = self._done[missing]
        missing = missing[~worker.known[missing]]
        at = self._random.integers(len(missing)) if len(missing) else 0
        worker.queue = np.roll(missing, -at)
        worker.misses, worker.old, worker.looked = 0, False, worker.listed
        return now

    def _claim(self, worker: Worker, now: float) -> tuple[int | None, float]:
        """A chunk that is now this worker's, or None, and when that is known."""
        if worker.listed < 0:  # it has just begun
            now = self._look(worker, now)
        while True:
            if now - worker.listed > self.sweep.lease / BEATS:
                now = self._list_leases(worker, now)
            lost = len(worker.expired) > 0
            if lost and (worker.chunk is not None or worker.next is not None):
                return None, now
            if not lost and not len(worker.queue):
                if not worker.old:
                    return None, now
                now = self._look(worker, now)
                continue
            if lost:
                chunk, worker.expired = int(worker.expired[0]), worker.expired[1:]
                free = self._dead[chunk] < np.inf
            else:
                chunk, worker.queue = int(worker.queue[0]), worker.queue[1:]
                free = not self._leased[chunk]
            worker.old = True
            now = self._ask(now, "write")
            if free:
                now = self._ask(now, "read")
                if not self._done[chunk]:
                    self._leased[chunk], self._dead[chunk] = True, np.inf
                    worker.alone, worker.pause = lost, SHORT
                    return chunk, now
                worker.known[chunk] = True
                now = self._ask(now, "write")
            self._missed += 1
            worker.misses += 1
            if worker.misses == MISSES:
                worker.queue, worker.misses = worker.queue[:0], 0

    def _commit(self, worker: Worker, chunk: int, now: float) -> float:
        now = self._ask(self._ask(now, "read"), "write", ARRAYS + 1)
        self._done[chunk] = worker.known[chunk] = True
        self._commits[int(now)] += 1
        now = self._ask(now, "write")
        self._leased[chunk] = False
        return now

    def _go(self) -> None:
        sweep, order = self.sweep, itertools.count()
        begins = np.sort(self._random.uniform(0, sweep.starts, sweep.workers))
        ends = np.full(sweep.workers, np.inf)
        expected = sweep.seconds * sweep.chunks / sweep.workers
        lost = self._random.permutation(sweep.workers)[
            : int(sweep.lost * sweep.workers)
        ]
        ends[lost] = begins[lost] + self._random.uniform(0, expected, len(lost))
        events: list[Any] = [
            (begin, next(order), Worker(i, ends[i], np.zeros(sweep.chunks, bool)))
            for i, begin in enumerate(begins)
        ]
        self.seconds, beats = 0.0, sweep.lease / BEATS
        while events:
            now, _, worker = heapq.heappop(events)
            if now >= worker.ends:  # its leases were last written before
                for chunk in (worker.chunk, worker.next):
                    if chunk is not None:
                        self._dead[chunk] = worker.ends - self._random.uniform(0, beats)
                self._there += worker.ends - begins[worker.number]
                continue
            if worker.chunk is not None:
                # while its device has the next one, it commits this one
                done, worker.chunk = worker.chunk, worker.next
                worker.next = None
                after = self._commit(worker, done, now)
                self.seconds = max(self.seconds, after)
            else:
                after = now
            if worker.idle:
                worker.idle, after = False, self._list_leases(worker, after)
                if after > self._finished:
                    self._there += max(self.seconds - begins[worker.number], 0)
                    continue
                long = after - worker.looked > beats
                if long or not self._leased.any():
                    after = self._look(worker, after)
            started = now if worker.chunk is not None else None
            if worker.chunk is None and not worker.known.all():
                worker.chunk, after = self._claim(worker, after)
                started = after
            if worker.chunk is not None:
                if not worker.alone:
                    worker.next, after = self._claim(worker, after)
                    worker.alone = worker.next is None  # until its hands are empty
                end = max(started + self._cost[worker.chunk], after)
                self._ask_beats(end - started, started)
                heapq.heappush(events, (end, next(order), worker))
            elif worker.known.all():
                self._finished = min(self._finished, after)
                self._there += max(self.seconds - begins[worker.number], 0)
            else:
                worker.idle = True
                self._waited += worker.pause
                heapq.heappush(events, (after + worker.pause, next(order), worker))
                worker.pause = min(2 * worker.pause, sweep.lease / (2 * BEATS), PAUSE)

    def _ask_beats(self, seconds: float, now: float) -> None:
        for i in range(1, int(seconds / (self.sweep.lease / BEATS)) + 1):
            self._ask(now + i * self.sweep.lease / BEATS, "write", 2)

    # -- what came of it ----------------------------------------------------------

    @property
    def efficiency(self) -> float:
        return float(self._cost.sum() / self._there)

    @property
    def misses(self) -> float:
        return self._missed / self.sweep.chunks

    @property
    def waited(self) -> float:
        return self._waited / self._there

    @property
    def busiest(self) -> int:
        return max(self._each_second.values())

    @property
    def commits(self) -> float:
        """A second, on average."""
        return self.sweep.chunks / self.seconds


def growth(store: Store = S3) -> str:
    """A table of more and more workers, ten and a hundred chunks for each."""
    return _table([
        Run(Sweep(workers, per * workers, store=store))
        for workers in (10, 100, 1000)
        for per in (10, 100)
    ])  # fmt: skip


def losses(store: Store = S3) -> str:
    """A table of chunks of other lengths, and of workers that are lost."""
    base = Sweep(1000, 20_000, store=store)
    return _table([
        Run(row)
        for row in (
            replace(base, seconds=0.5), replace(base, seconds=60.0),
            replace(base, spread=1.0), replace(base, lost=0.1),
            replace(base, lost=0.1, lease=20.0),
        )
    ])  # fmt: skip


HEADER = (
    "workers", "chunks", "s per chunk", "spread", "lost", "lease, s", "commits/s",
    "requests per chunk", "of them lists", "busiest second", "misses per chunk",
    "waiting", "efficiency",
)  # fmt: skip
RULE = "|" + "--:|" * len(HEADER)


def _table(runs: list[Run]) -> str:
    lines = []
    for run in runs:
        sweep, requests = run.sweep, sum(run.requests.values())
        lines.append([
            str(sweep.workers), str(sweep.chunks), f"{sweep.seconds:g}",
            f"{sweep.spread:g}", f"{sweep.lost:.0%}", f"{sweep.lease:g}",
            two_digits(run.commits), two_digits(requests / sweep.chunks),
            two_digits(run.requests["list"] / sweep.chunks), str(run.busiest),
            two_digits(run.misses), f"{run.waited:.1%}", f"{run.efficiency:.0%}",
        ])  # fmt: skip
    return table(HEADER, RULE, lines)


if __name__ == "__main__":
    for made in (growth, losses):
        for store in (S3, FOLDER):
            print(f"\n{made.__name__}, {store.name}\n\n{made(store)}")
