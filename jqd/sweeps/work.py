"""The work of one process: tiles through the devices, chunks out."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import numpy as np

from .plan import Blocks
from .program import Program, out_of_memory
from .trace import FAILED, STATUS, statuses

Tile = tuple[dict[str, np.ndarray], dict[int, str]]
Chunk = tuple[int, dict[str, np.ndarray], dict[int, str]]


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
        said = {
            index: text for _, failures in parts for index, text in failures.items()
        }
        failures = {i: text for i, text in said.items() if start <= i <= stop}
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
