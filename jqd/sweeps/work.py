"""The share of one process: tiles through the devices, chunks into the store."""

import contextlib
import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._files import Interrupted
from ..status import Status
from . import hosts
from .points import STATUS, Blocks, Lattice
from .program import Program, out_of_memory
from .store import FAILED, Store

# Seconds between two looks at the store, and between two lines of a log.
LOOK, LINE = 0.5, 60.0
Tile = tuple[dict[str, np.ndarray], dict[int, str]]
Chunk = tuple[int, dict[str, np.ndarray], dict[int, str]]


def fill(program: Program, store: Store, lattice: Lattice, *, show: bool) -> None:
    """Compute this process's share of what is missing."""
    done = set(hosts.agreed(store.committed(), store.blocks.count))
    missing = [chunk for chunk in range(store.blocks.count) if chunk not in done]
    # runs of neighbours, which share tiles
    parts = np.array_split(np.asarray(missing, int), jax.process_count())
    mine = parts[jax.process_index()].tolist()
    with Progress(store, lattice.size, show=show) as bar, _unlogged():
        try:
            for chunk, results, failures in compute(program, store.blocks, mine):
                store.commit(chunk, results, failures)
                bar.look()
        except KeyboardInterrupt as error:
            raise Interrupted(
                f"{how_far(store)}; the same call goes on from there"
            ) from error


def how_far(store: Store) -> str:
    """How many chunks are done, in words."""
    return (
        f"{len(store.committed())} of {store.blocks.count} chunks are in {store.path}"
    )


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Keep JAX from printing the traceback of every check that fails at a point."""
    logger = logging.getLogger("jax._src.callback")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def compute(program: Program, blocks: Blocks, chunks: Sequence[int]) -> Iterator[Chunk]:
    """The results of chunks, one after the other.

    The devices work on the next tiles while the caller keeps the last ones.

    Args:
        program: the compiled function.
        blocks: of the lattice.
        chunks: numbers of the chunks wanted, ascending.

    Yields:
        Number, arrays by name, (points, ...), with the status of each point; and what
        points said that raised an error, by index.
    """
    own = STATUS in program.traced.outputs
    tile = program.traced.tile
    wanted: list[int] = []
    for chunk in chunks:
        first, last = (end // tile for end in blocks.ends(chunk))
        wanted += range(max(first, wanted[-1] + 1 if wanted else 0), last + 1)
    stream = _tile_results(program, np.asarray(wanted, int), blocks.size)
    held: dict[int, Tile] = {}
    for chunk in chunks:
        start, stop = blocks.ends(chunk)
        first, last = start // tile, stop // tile
        # neighbouring chunks may share a tile; those before it have been used up
        held = {number: part for number, part in held.items() if number >= first}
        while last not in held:
            number, part = next(stream)
            held[number] = part
        parts = [held[number] for number in range(first, last + 1)]
        inside = slice(start - first * tile, stop - first * tile + 1)
        results = {
            name: np.concatenate([values[name] for values, _ in parts])[inside]
            for name in parts[0][0]
        }
        failures = {
            index: text
            for _, said in parts
            for index, text in said.items()
            if start <= index <= stop
        }
        code = statuses(results, own)
        code[[index - start for index in failures]] = FAILED
        yield chunk, {**results, STATUS: code}, failures


def _tile_results(
    program: Program, numbers: np.ndarray, size: int
) -> Iterator[tuple[int, Tile]]:
    """Number, results and failures of each tile, in order."""
    tile = program.traced.tile
    first, running = 0, None
    while first < len(numbers) or running is not None:
        group = numbers[first : first + program.capacity]
        following = None
        if len(group):
            # the last tile is filled up with the last point
            points = np.minimum(group[:, None] * tile + np.arange(tile), size - 1)
            following = (group, points, _start(program, points))
        if running is not None:
            yield from zip(running[0], _collect(program, *running[1:]), strict=True)
        first += len(group)
        running = following


def _start(program: Program, group: np.ndarray) -> Any:
    try:
        return program.start(group)
    except Exception as error:
        if not _bearable(error):
            raise
        return error


def _collect(program: Program, group: np.ndarray, started: Any) -> Iterator[Any]:
    """The tiles of one call; what went wrong is tried again in smaller parts."""
    try:
        if isinstance(started, Exception):
            raise started
        results = started.finish()
    except Exception as error:
        if not _bearable(error):
            raise
        yield from _again(program, group, error)
        return
    for i in range(len(group)):
        yield {name: values[i] for name, values in results.items()}, {}


def _again(program: Program, group: np.ndarray, error: Exception) -> Iterator[Any]:
    if out_of_memory(error):
        if not program.halve():
            raise error
    elif len(group) == 1:
        yield _point_by_point(program, group[0])
        return
    step = min(program.capacity, max(1, len(group) // 2))
    for first in range(0, len(group), step):
        part = group[first : first + step]
        yield from _collect(program, part, _start(program, part))


def _point_by_point(program: Program, tile: np.ndarray) -> Tile:
    """A tile in which a point raises: every point by itself, in its own place.

    A point's neighbours do not enter its result, so the sound points get the bits they
    would have had beside others.
    """
    found: dict[str, np.ndarray] = {}
    failures: dict[int, str] = {}
    for place, index in enumerate(tile):
        if int(index) in failures:
            continue
        alone = np.full((1, len(tile)), index)
        try:
            results = program.start(alone).finish()
        except Exception as error:
            if not _of_a_point(error):
                raise
            failures[int(index)] = _said(error)
            continue
        for name, values in results.items():
            found.setdefault(name, _blank(values[0]))[place] = values[0, place]
    for name, spec in program.traced.outputs.items():
        shape = (len(tile), *spec.shape)
        found.setdefault(name, _blank(np.zeros(shape, spec.dtype)))
    return found, failures


def _blank(like: np.ndarray) -> np.ndarray:
    """No values: NaN where there are such, else 0."""
    return np.full_like(like, np.nan if like.dtype.kind in "fc" else 0)


def _bearable(error: Exception) -> bool:
    """Whether a smaller call may do what this one could not."""
    return out_of_memory(error) or _of_a_point(error)


def _of_a_point(error: Exception) -> bool:
    """Whether a check inside the function failed, not the machine."""
    return isinstance(error, eqx.EquinoxRuntimeError) or "CpuCallback" in str(error)


def _said(error: Exception) -> str:
    """What a failed check says, out of the traceback that XLA makes of it."""
    text = str(error).strip()
    inner = re.findall(r"^\S*(?:Error|Exception): (.+)$", text, re.MULTILINE)
    return inner[0] if inner else text.splitlines()[0] if text else repr(error)


def statuses(results: Mapping[str, np.ndarray], own: bool) -> np.ndarray:
    """Status of each point of some.

    Args:
        results: arrays by name, (n, ...), with `status` if the function has one.
        own: whether it has: then infinite results are its own affair.

    Returns:
        Codes, (n,): that of the function if it is not 0, else NON_FINITE where a
        number is NaN (or infinite, of a function without a status of its own), else 0.
    """
    values = [value for name, value in results.items() if name != STATUS]
    sound = np.ones(len(next(iter(results.values()))), bool)
    for value in values:
        if value.dtype.kind in "fc":
            good = ~np.isnan(value) if own else np.isfinite(value)
            sound &= good.reshape(len(value), -1).all(axis=1)
    code = np.where(sound, int(Status.OK), int(Status.NON_FINITE))
    if own:
        code = np.where(results[STATUS] == Status.OK, code, results[STATUS])
    return code.astype(np.int32)


class Progress:
    """A bar on a terminal, a line a minute in a log; both on standard error.

    Under several hosts each shows what all have committed.
    """

    def __init__(self, store: Store, size: int, *, show: bool):
        """A bar.

        Args:
            store: the store.
            size: points of the sweep.
            show: whether to show anything at all.
        """
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._store, self._size = store, size
        self._lines = show and not console.is_terminal
        self._bar = Progress(
            TextColumn("Sweeping"),
            BarColumn(),
            TextColumn("{task.completed:,}/{task.total:,} points"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not (show and console.is_terminal),
        )
        self._first = self._done()
        self._began = self._looked = self._told = time.monotonic()
        self._task = self._bar.add_task(
            "sweep", total=size, completed=self._first, rate=""
        )

    def look(self) -> None:
        """Look how far all are, twice a second at most."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        done = self._done()
        rate = (done - self._first) / max(now - self._began, 1e-9)
        self._bar.update(self._task, completed=done, rate=f"{rate:,.0f}/s")
        if self._lines and now - self._told >= LINE:
            self._told = now
            left = (self._size - done) / rate / 60 if rate > 0 else float("inf")
            print(
                f"{done:,} of {self._size:,} points, {rate:,.0f}/s, "
                f"{left:.0f} min left",
                file=sys.stderr,
                flush=True,
            )

    def _done(self) -> int:
        """Points committed; the last chunks of a row may be shorter than the rest."""
        chunks = len(self._store.committed())
        if chunks == self._store.blocks.count:
            return self._size
        return min(chunks * self._store.blocks.most, self._size)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._looked = float("-inf")
        self.look()
        self._bar.stop()
