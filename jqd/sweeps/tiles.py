"""Tiles on the devices: chunks of results, even where points or memory fail."""

import contextlib
import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import equinox as eqx
import numpy as np

from ..status import Status
from .layout import FAILED
from .points import STATUS, Blocks
from .program import Program, out_of_memory
from .work import Chunk

Tile = tuple[dict[str, np.ndarray], dict[int, str]]


def compute(program: Program, blocks: Blocks, chunks: Iterable[int]) -> Iterator[Chunk]:
    """Compute the results of chunks, one after the other.

    The devices work on the next tiles while the caller stores the last ones.

    Args:
        program: the compiled function.
        blocks: of the lattice.
        chunks: numbers of the chunks wanted, taken as devices become free.

    Yields:
        Number; arrays by name, (points, ...), with the status of each point; and the
        messages of points that raised an error, by index.
    """
    own, tile = STATUS in program.traced.outputs, program.traced.tile
    asked: deque[int] = deque()
    stream = _tile_results(program, _tiles_of(chunks, blocks, tile, asked), blocks.size)
    held: dict[int, Tile] = {}
    with _unlogged():
        for number, part in stream:
            held[number] = part
            # neighbours share a tile, which may be the last of some chunks
            while asked and blocks.ends(asked[0])[1] // tile in held:
                chunk = asked.popleft()
                start, stop = blocks.ends(chunk)
                first, last = start // tile, stop // tile
                parts = [held[i] for i in range(first, last + 1)]
                held = {last: held[last]}
                yield chunk, *_cut(parts, start, stop, start - first * tile, own)


def _tiles_of(
    chunks: Iterable[int], blocks: Blocks, tile: int, asked: deque[int]
) -> Iterator[int]:
    """Numbers of the tiles of chunks; one that two neighbours share comes once."""
    before = -1
    for chunk in chunks:
        asked.append(chunk)
        first, last = (end // tile for end in blocks.ends(chunk))
        yield from range(first + (first == before), last + 1)
        before = last


def _cut(
    parts: list[Tile], start: int, stop: int, offset: int, own: bool
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Points `start` to `stop` out of tiles, with their status."""
    results = {
        name: np.concatenate([values[name] for values, _ in parts])[
            offset : offset + stop - start + 1
        ]
        for name in parts[0][0]
    }
    failures = {
        index: text
        for _, said in parts
        for index, text in said.items()
        if start <= index <= stop
    }
    return with_status(results, failures, start, own=own), failures


def with_status(
    results: Mapping[str, np.ndarray],
    failures: Mapping[int, str],
    start: int,
    *,
    own: bool,
) -> dict[str, np.ndarray]:
    """The results of points from index `start` on, with the status of each."""
    code = statuses(results, own)
    code[[index - start for index in failures]] = FAILED
    return {**results, STATUS: code}


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


def _tile_results(
    program: Program, numbers: Iterator[int], size: int
) -> Iterator[tuple[int, Tile]]:
    """Number, results and failures of each tile, in order."""
    tile, running = program.traced.tile, None
    while True:
        group = np.fromiter(islice(numbers, program.capacity), int)
        following = None
        if len(group):
            # the last tile is filled up with the last point
            points = np.minimum(group[:, None] * tile + np.arange(tile), size - 1)
            following = (group, points, _start(program, points))
        if running is not None:
            yield from zip(running[0], _collect(program, *running[1:]), strict=True)
        running = following
        if running is None:
            return


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
            if not of_a_point(error):
                raise
            failures[int(index)] = said(error)
            continue
        for name, values in results.items():
            found.setdefault(name, blank(values[0]))[place] = values[0, place]
    for name, spec in program.traced.outputs.items():
        shape = (len(tile), *spec.shape)
        found.setdefault(name, blank(np.zeros(shape, spec.dtype)))
    return found, failures


def blank(like: np.ndarray) -> np.ndarray:
    """An array of no values: NaN where the dtype has it, else 0."""
    return np.full_like(like, np.nan if like.dtype.kind in "fc" else 0)


def _bearable(error: Exception) -> bool:
    """Whether a smaller call may do what this one could not."""
    return out_of_memory(error) or of_a_point(error)


def of_a_point(error: Exception) -> bool:
    """Whether a check inside the function failed, rather than the machine."""
    return isinstance(error, eqx.EquinoxRuntimeError) or "CpuCallback" in str(error)


def said(error: Exception) -> str:
    """The message of a failed check, taken from the traceback that XLA makes of it."""
    text = str(error).strip()
    inner = re.findall(r"^\S*(?:Error|Exception): (.+)$", text, re.MULTILINE)
    return inner[0] if inner else text.splitlines()[0] if text else repr(error)


def statuses(results: Mapping[str, np.ndarray], own: bool) -> np.ndarray:
    """The status of each of n points.

    Args:
        results: arrays by name, (n, ...), with `status` if the function has one.
        own: whether it has one: infinite results are then left to the function.

    Returns:
        Codes, (n,): that of the function if it is not 0, else NON_FINITE where a
        number is NaN (or infinite, if the function has no status of its own), else 0.
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
