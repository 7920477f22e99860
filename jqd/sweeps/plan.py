"""Which points are computed together, and which are written together."""

import math
from dataclasses import dataclass

import numpy as np

# Chunks that a sweep is cut into by custom: a crash costs one of them, and each is a
# file of every variable.
CHUNKS = 256
# Most bytes of one variable in one chunk.
CHUNK_BYTES = 2**26


@dataclass(frozen=True)
class Blocks:
    """Chunks of a lattice: blocks of it that are also runs of consecutive points.

    Attributes:
        shape: of the lattice.
        block: shape of a chunk: ones, then a part of one dimension, then whole ones.
    """

    shape: tuple[int, ...]
    block: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], points: int) -> "Blocks":
        """Chunks of about so many points, and of no more than that.

        Args:
            shape: of the lattice.
            points: wanted, at least 1.
        """
        block, room = [], max(points, 1)
        for n in reversed(shape):
            block.append(min(n, room))
            room = room // n if room >= n else 1
        return cls(shape, tuple(reversed(block)))

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        return tuple(-(-n // b) for n, b in zip(self.shape, self.block, strict=True))

    @property
    def count(self) -> int:
        """Number of chunks."""
        return math.prod(self.grid)

    @property
    def size(self) -> int:
        """Number of points in all."""
        return math.prod(self.shape)

    @property
    def most(self) -> int:
        """Points of the largest chunk."""
        return math.prod(self.block)

    def position(self, chunk: int) -> tuple[int, ...]:
        """Place of a chunk among the chunks."""
        return tuple(int(i) for i in np.unravel_index(chunk, self.grid))

    def region(self, chunk: int) -> tuple[slice, ...]:
        """Where a chunk lies in the lattice."""
        return tuple(
            slice(i * b, min((i + 1) * b, n))
            for i, b, n in zip(
                self.position(chunk), self.block, self.shape, strict=True
            )
        )

    def ends(self, chunk: int) -> tuple[int, int]:
        """Indices of the first and the last point of a chunk; it has all between."""
        region = self.region(chunk)
        first = np.ravel_multi_index([part.start for part in region], self.shape)
        last = np.ravel_multi_index([part.stop - 1 for part in region], self.shape)
        return int(first), int(last)

    def block_shape(self, chunk: int) -> tuple[int, ...]:
        """Shape of a chunk, which is smaller than `block` at the edges."""
        return tuple(part.stop - part.start for part in self.region(chunk))


def chunk_points(size: int, tile: int, bytes_per_point: int) -> int:
    """Points a chunk: about `CHUNKS` chunks, no less than a tile, not too many bytes.

    Args:
        size: points in all.
        tile: points that are computed together.
        bytes_per_point: of the largest variable.
    """
    wanted = max(-(-size // CHUNKS), tile)
    return max(min(wanted, CHUNK_BYTES // max(bytes_per_point, 1)), 1)
