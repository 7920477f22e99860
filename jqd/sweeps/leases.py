"""Leases on the chunks of a store: which there are, who holds them, and their age.

A worker creates `leases/NUMBER.GENERATION` before it computes a chunk, rewrites it
while it lives, and removes it when the chunk is committed. A lease that is not
rewritten in time expires; the worker that creates the next generation takes over the
chunk. Leases are advisory: a chunk that two workers compute wastes work, but does no
damage.
"""

import contextlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple

from .._files import OutputError
from .objects import Objects
from .store import READERS, Store

LEASES = "leases"
FINISHED = f"{LEASES}/finished"  # there when all was done and checked
FAILED = "failed"  # in place of a generation: why a chunk was given up
# Workers that may be lost to one chunk before it is given up.
LIVES = 3


class Lease(NamedTuple):
    """The newest lease of a chunk: its generation, and when it was last written."""

    generation: int
    written: datetime


class Clock:
    """The clock of the store, which is the same for all its workers."""

    def __init__(self, objects: Objects):
        self._objects = objects
        self._key = f"{LEASES}/clock.{secrets.token_hex(8)}"

    def now(self) -> datetime:
        """The present time of the store, read from an object written for this."""
        while True:
            self._objects.put(self._key, b"")
            written = self._objects.changed(self._key)
            if written is not None:  # somebody may have tidied in between
                return written

    def remove(self) -> None:
        """Remove the object by which the clock is read."""
        self._objects.delete([self._key])


def holder(objects: Objects, chunk: int, generation: int) -> dict[str, Any]:
    """Host and process that hold a lease, "?" where it does not say."""
    unknown: dict[str, Any] = {"host": "?", "pid": "?"}
    with contextlib.suppress(ValueError, RecursionError):
        held = json.loads(objects.get(key(chunk, generation)) or b"{}")
        for name, kind in {"host": str, "pid": int}.items():
            if isinstance(held, dict) and isinstance(held.get(name), kind):
                unknown[name] = held[name]
    return unknown


def running(store: Store) -> list[dict[str, Any]]:
    """Who computes which chunk of a store, and how long ago it wrote its lease."""
    objects, newest = store.objects, {}
    for chunk, generation, written in parsed(objects.list(LEASES)):
        if generation != FAILED and chunk < store.blocks.count:
            newest[chunk] = max(newest.get(chunk, (0,)), (int(generation), written))
    if not newest:
        return []
    clock, now = Clock(objects), None
    with contextlib.suppress(OutputError):  # who may only read sees no ages
        now = clock.now()
        clock.remove()
    with ThreadPoolExecutor(READERS) as pool:
        holders = pool.map(lambda c: holder(objects, c, newest[c][0]), sorted(newest))
        return [
            {"chunk": chunk, **who, "generation": newest[chunk][0],
             "age": now and (now - newest[chunk][1]).total_seconds()}
            for chunk, who in zip(sorted(newest), holders, strict=True)
        ]  # fmt: skip


def given_up(store: Store) -> dict[int, str]:
    """Chunks that were given up, and why."""
    objects = store.objects
    chunks = sorted(
        c
        for c, generation, _ in parsed(objects.list(LEASES))
        if generation == FAILED and c < store.blocks.count
    )
    said = (objects.get(key(chunk, FAILED)) for chunk in chunks)
    return {
        chunk: _reason(text) for chunk, text in zip(chunks, said, strict=True) if text
    }


def _reason(text: bytes) -> str:
    """Why a chunk was given up, as far as that can be read."""
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        return str(json.loads(text)["reason"])[:1000]
    return "no reason can be read"


def take_back(store: Store) -> None:
    """Allow chunks that were given up to be tried again, as if for the first time."""
    for chunk in given_up(store):
        generations = (*range(1, LIVES + 1), FAILED)
        store.objects.delete(key(chunk, each) for each in generations)


def parsed(names: Mapping[str, datetime]) -> Iterator[tuple[int, str, datetime]]:
    """Chunk, generation and time of each lease among some names of objects."""
    for name, written in names.items():
        if match := re.fullmatch(rf"(\d{{7,8}})\.(\d{{1,3}}|{FAILED})", name):
            yield int(match[1]), match[2], written


def key(chunk: int, generation: int | str) -> str:
    return f"{LEASES}/{chunk:07d}.{generation}"
