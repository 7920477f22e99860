"""The plan of a sweep: its division into chunks, and the program that computes them."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

from .manifest import Called, manifest_of
from .points import MOST_CHUNKS, Blocks, Lattice, chunk_points
from .program import FFT_BYTES, MemoryShort, Program, default_tile
from .store import Store
from .tiles import compute
from .trace import Traced
from .work import Chunk


class Plan(NamedTuple):
    """A sweep that is ready to begin.

    Attributes:
        traced: the function.
        blocks: the chunks.
        manifest: manifest of the sweep.
        ready: prepares the computation, once.
        compute: computes chunks from their numbers.
    """

    traced: Traced | Called
    blocks: Blocks
    manifest: dict[str, Any]
    ready: Callable[[], Any]
    compute: Callable[[Iterator[int]], Iterator[Chunk]]


def traced_plan(function, lattice, there, devices, seed, tile, chunk, batch) -> Plan:
    """Trace; with no tile fixed, also compile, to find one that fits into memory."""
    fixed = tile or (there.manifest["tile"] if there else None)
    size = fixed or default_tile(devices, lattice.size, None)
    traced = Traced(function, lattice, seed, size)
    if fixed is None:
        size = default_tile(devices, lattice.size, traced)
    while True:
        if traced.tile != size:
            traced = Traced(function, lattice, seed, size)
        if traced.fft_bytes > FFT_BYTES and fixed is None and size > 1:
            size = max(1, int(size * FFT_BYTES / traced.fft_bytes))
            continue
        blocks = _blocks(lattice, there, chunk, traced)
        points = blocks.most if batch == "auto" else int(batch)
        tiles = -(-points // (size * len(devices)))
        program = cache(partial(Program, traced, lattice, devices, tiles))
        if fixed is None:
            try:
                program()
            except MemoryShort:
                if size == 1:
                    raise
                size = max(1, size // 4)
                continue
        manifest = manifest_of(traced, lattice, seed, devices[0], blocks)

        def chunks_of(numbers, program=program, blocks=blocks):
            return compute(program(), blocks, numbers)

        return Plan(traced, blocks, manifest, program, chunks_of)


def called_plan(function, lattice, there, devices, seed, tile, chunk, batch) -> Plan:
    """The plan of a function that is called untraced."""
    del batch
    if tile not in (None, 1):
        raise ValueError(
            f"Argument `tile` must be 1 for a function that is not traced, but is "
            f"{tile}."
        )
    called = Called(function, lattice, seed, there and there.manifest["outputs"])
    blocks = _blocks(lattice, there, chunk, called)
    manifest = manifest_of(called, lattice, seed, devices[0], blocks)
    return Plan(called, blocks, manifest, lambda: None, partial(called.compute, blocks))


def _blocks(
    lattice: Lattice, there: Store | None, chunk: int | None, traced: Traced | Called
) -> Blocks:
    if there is not None and chunk is None:
        return there.blocks
    points = chunk or chunk_points(lattice.size, traced.tile, traced.bytes_per_point)
    blocks = Blocks.of(lattice.shape, points)
    if blocks.count > MOST_CHUNKS:
        raise ValueError(
            f"Argument `chunk` must leave at most {MOST_CHUNKS} chunks, but {points} "
            f"points per chunk leave {blocks.count}."
        )
    return blocks
