"""The chunks that one worker takes, one after the other."""

import contextlib
import json
import logging
import os
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from .._files import OutputError
from . import leases
from .leases import FAILED, FINISHED, LIVES, Clock, Lease
from .store import Store

_log = logging.getLogger(__name__)
SECONDS = 120.0  # that a lease lasts, by custom
# The same for the folder of a run on one machine, where the process that continues a
# killed run does not wait for long.
OWN_LEASE = 30.0
BEATS = 4  # times that it is written anew in that time
# Seconds between two checks of a waiting worker: at first, and at most.
SHORT, PAUSE = 0.1, 5.0
# Chunks in a row held by other workers before a worker looks elsewhere.
MISSES = 3
PAGE = 1000  # keys that a service lists at once


class Claims:
    """The chunks that one worker takes, one after the other.

    Attributes:
        done: chunks known to be committed.
        failed: chunks that were given up.
        held: generation of this worker's lease on each chunk that it holds.
        finished: whether a worker has checked all chunks since this worker began.
    """

    def __init__(self, store: Store):
        """Read which chunks are done and which others compute.

        Args:
            store: the store; its manifest says how long a lease lasts.
        """
        self.done: set[int] = set()
        self.failed: set[int] = set()
        self.held: dict[int, int] = {}
        self._store, self._objects = store, store.objects
        self._count = store.blocks.count
        self._seconds = float(store.manifest["lease"])
        host, pid = socket.gethostname(), os.getpid()
        self._about = json.dumps({"host": host, "pid": pid}).encode()
        self._clock = Clock(self._objects)
        self._leases: dict[int, Lease] = {}
        # each lease of others as last seen to change, and the time of that
        self._seen: dict[int, tuple[Lease, float]] = {}
        self._expired: deque[int] = deque()
        self._queue: deque[int] = deque()
        self._pause = SHORT
        self._over, self._lock = threading.Event(), threading.Lock()
        self._beat = threading.Thread(target=self._keep_alive, daemon=True)
        self.finished = False
        self.look()
        if self._marked and not self.all_done():
            self.forget([])

    def __enter__(self) -> "Claims":
        self._beat.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._over.set()
        self._beat.join()
        with contextlib.suppress(OutputError):  # the first trouble is the one to tell
            self._objects.delete([*map(leases.key, self.held, self.held.values())])
            self._clock.remove()

    def free(self) -> Iterator[int]:
        """Yield free chunks; this worker holds each of them from then on.

        They ascend from some first chunk, since neighbours share tiles. The iterator
        ends when no chunk is free at present.
        """
        misses = 0
        while True:
            if time.monotonic() - self._listed > self._seconds / BEATS:
                self._list_leases()
            if not (self._expired or self._queue):
                if not self._old:
                    return
                self.look()
                continue
            lost = bool(self._expired)
            if lost and self.held:
                # Alone: if it ends this worker too, no other chunk is to blame.
                return
            chunk = (self._expired if lost else self._queue).popleft()
            if chunk in self.done or (chunk in self._leases and not lost):
                continue
            generation = self._leases[chunk].generation + 1 if lost else 1
            if generation > LIVES:
                self._give_up(chunk)
                continue
            self._old = True
            if self._claim(chunk, generation):
                self._pause, misses = SHORT, 0
                yield chunk
                if lost:
                    return
            else:
                misses += 1
                if misses == MISSES:
                    self._queue.clear()
                    misses = 0

    def release(self, chunk: int) -> None:
        """Count a chunk as done, and release its lease."""
        self.done.add(chunk)
        self._let_go(chunk)

    def all_done(self) -> bool:
        """Whether no chunk is left to compute, as far as this worker knows."""
        return len(self.done) + len(self.failed) >= self._count

    def wait(self) -> None:
        """Wait for other workers, longer each time, and look again."""
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, self._seconds / (2 * BEATS), PAUSE)
        self._list_leases()
        if self._marked:
            self.finished = True
            self.done.update(
                chunk for chunk in range(self._count) if chunk not in self.failed
            )
        # the leases of others show all that they do, except that the sweep is finished
        long = time.monotonic() - self._looked > self._seconds / BEATS
        if not self.finished and (long or not self._leases):
            self.look()

    def look(self) -> None:
        """Read what other workers are computing and have committed."""
        self._list_leases()
        self._looked, self._old = self._listed, False
        known = self.done | self.failed | self._leases.keys()
        missing = [chunk for chunk in range(self._count) if chunk not in known]
        if len(missing) > 1 + self._count // PAGE:
            self.done.update(self._store.committed())
        else:  # that many requests are fewer than those of a list
            self.done.update(filter(self._store.has, missing))
        free = [chunk for chunk in missing if chunk not in self.done]
        at = random.randrange(len(free)) if free else 0
        self._queue = deque(free[at:] + free[:at])

    # -- the check at the end, and what was given up ----------------------------

    @contextlib.contextmanager
    def check(self) -> Iterator[bool]:
        """Become the only worker that checks all; False where another one does."""
        self._list_leases()
        lease = self._leases.get(self._count)
        mine = (lease is None or self._has_run_out(self._count, lease)) and self._claim(
            self._count, lease.generation + 1 if lease else 1
        )
        try:
            yield mine
        finally:
            if mine:
                self._let_go(self._count)

    def tidy(self) -> None:
        """Remove what killed workers left behind, and announce it to all others."""
        old = self._clock.now() - timedelta(seconds=self._seconds)
        names = self._objects.list(leases.LEASES)
        gone = [n for n, written in names.items() if n[0] == "c" and written < old]
        gone += [f"{c:07d}.{g}" for c, g, _ in leases.parsed(names) if c in self.done]
        self._objects.delete(f"{leases.LEASES}/{name}" for name in gone)
        self._objects.remove_drafts(old)
        self._objects.put(FINISHED, b"")

    def forget(self, chunks: Iterable[int]) -> None:
        """Count chunks as not done, and the sweep as not finished."""
        self.done.difference_update(chunks)
        self._old = True
        self._objects.delete([FINISHED])

    def _give_up(self, chunk: int) -> None:
        """Mark a chunk whose workers were lost, again and again, as failed."""
        if self._store.has(chunk):
            self.done.add(chunk)
            return
        holders = (leases.holder(self._objects, chunk, g) for g in range(1, LIVES + 1))
        lost = ", ".join(f"{lease['host']} {lease['pid']}" for lease in holders)
        reason = f"each of {LIVES} workers that computed it was lost ({lost})"
        data = json.dumps({"reason": reason}).encode()
        self._objects.put_new(leases.key(chunk, FAILED), data)
        _log.warning("chunk %d is given up: %s", chunk, reason)
        self._store.withdraw([chunk])  # what they may have written of it
        self.failed.add(chunk)

    # -- leases -----------------------------------------------------------------

    def _claim(self, chunk: int, generation: int) -> bool:
        """Try to be who creates this lease, of a chunk that is not done."""
        with self._lock:
            if not self._objects.put_new(leases.key(chunk, generation), self._about):
                return False
            self.held[chunk] = generation
        # another worker may have committed the chunk meanwhile, which leaves no lease
        if chunk < self._count and self._store.has(chunk):
            self.release(chunk)
            return False
        _log.info("chunk %d is claimed, for the %d. time", chunk, generation)
        return True

    def _let_go(self, chunk: int) -> None:
        with self._lock:
            # the newest last: an older one alone would seem to have expired
            generations = range(1, self.held.pop(chunk) + 1)
            self._objects.delete(leases.key(chunk, each) for each in generations)

    def _keep_alive(self) -> None:
        """Write the leases anew, until the work is over."""
        while not self._over.wait(self._seconds / BEATS):
            for chunk in list(self.held):
                with self._lock, contextlib.suppress(OutputError):
                    if chunk in self.held:
                        key = leases.key(chunk, self.held[chunk])
                        self._objects.put(key, self._about)

    def _list_leases(self) -> None:
        found: dict[int, Lease] = {}
        names = self._objects.list(leases.LEASES)
        self._marked = FINISHED.rpartition("/")[2] in names
        for chunk, generation, written in leases.parsed(names):
            if chunk > self._count:
                continue  # nobody of this sweep has it
            if generation == FAILED:
                self.failed.update({chunk} - {self._count})
            elif chunk not in found or found[chunk].generation < int(generation):
                found[chunk] = Lease(int(generation), written)
        self._listed = time.monotonic()
        seen = {
            chunk: (lease, self._listed)
            for chunk, lease in found.items()
            if self._seen.get(chunk, (None,))[0] != lease
        }
        self._seen = {c: o for c, o in self._seen.items() if c in found} | seen
        others = found.keys() - self.held.keys() - self.done - self.failed
        if others:
            self._now = self._clock.now()
        self._expired = deque(
            chunk
            for chunk in sorted(others)
            if chunk < self._count and self._has_run_out(chunk, found[chunk])
        )
        self._leases = found

    def _has_run_out(self, chunk: int, lease: Lease) -> bool:
        """Whether it is too old, by the store's clock or since this worker knows it.

        A store whose clock was set back has leases of the future, which never grow old.
        """
        known = self._listed - self._seen[chunk][1]
        age = (self._now - lease.written).total_seconds()
        return max(age, known) > self._seconds
