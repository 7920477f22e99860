"""One kernel for the programs of all members, of which each has a lane."""

import math
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jaxtyping import Array

from .arrays import flat, given
from .numbers import Graph, NotInLanes, Values
from .order import in_order, most_held
from .programs import evaluated

# Lanes of a block, as many as threads: one member in each thread.
LANES = 128
WARP = 32
# Columns that go to or from memory together: in float64 32 KB of the 99 KB that cores
# of all cards with kernels share.
TILE = 32
AMPERE = 8  # the first compute capability that has kernels
# Limits of a kernel. With 8000 operations in a turn it is compiled for ten seconds,
# with 12 000 for 25. What a thread holds beyond its 255 words of 32 bits goes to
# memory: on an H200 a step of the copy law with six classes in float64, of 459 words,
# took 260 us for 10⁵ members, and 415 us in operations on whole arrays.
MOST_OPERATIONS, MOST_WORDS = 9000, 480


class Place(NamedTuple):
    """Where the numbers of an array are among columns.

    Attributes:
        shape, dtype: of the array.
        kind: dtype of the columns.
        start: the first of them.
    """

    shape: tuple[int, ...]
    dtype: Any
    kind: np.dtype
    start: int

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def paired(self) -> bool:
        """Whether columns of real parts are followed by those of imaginary parts."""
        return np.issubdtype(self.dtype, np.complexfloating)


class Columns:
    """Arrays as columns of single numbers, in one matrix for each dtype.

    Attributes:
        places: of the arrays.
        sizes: number of columns by dtype.
    """

    def __init__(self, avals: Sequence[Any]):
        self.places: list[Place] = []
        self.sizes: dict[np.dtype, int] = {}
        for aval in avals:
            kind = np.dtype(aval.dtype)
            if np.issubdtype(kind, np.bool_):
                kind = np.dtype(np.int32)
            if np.issubdtype(kind, np.complexfloating):
                kind = np.dtype(kind.type(0).real.dtype)
            place = Place(aval.shape, aval.dtype, kind, self.sizes.get(kind, 0))
            self.places.append(place)
            if place.size:
                self.sizes[kind] = place.start + place.size * (1 + place.paired)

    def packed(self, arrays: Sequence[Array], lead: int) -> list[Array]:
        """Matrices (lead.., columns) of arrays (lead.., shape..)."""
        columns: dict[np.dtype, list[Array]] = {kind: [] for kind in self.sizes}
        for array, place in zip(arrays, self.places, strict=True):
            if not place.size:
                continue
            flat = array.reshape(*array.shape[:lead], place.size)
            parts = (jnp.real(flat), jnp.imag(flat)) if place.paired else (flat,)
            columns[place.kind] += [part.astype(place.kind) for part in parts]
        return [jnp.concatenate(each, axis=-1) for each in columns.values()]

    def unpacked(self, matrices: Sequence[Array], members: int) -> list[Array]:
        """Arrays (members, shape..) of matrices (members or more, columns or more)."""
        by, arrays = dict(zip(self.sizes, matrices, strict=True)), []
        for place in self.places:
            if not place.size:
                arrays.append(jnp.zeros((members, *place.shape), place.dtype))
                continue
            columns = by[place.kind][:members, place.start :]
            flat = columns[:, : place.size]
            if place.paired:
                flat = lax.complex(flat, columns[:, place.size : 2 * place.size])
            array = flat.reshape(members, *place.shape)
            arrays.append(array.astype(place.dtype))
        return arrays

    def read(self, given: Sequence[Any]) -> list[list[Any]]:
        """The real numbers of each array, of what has one for each column."""
        by, arrays = dict(zip(self.sizes, given, strict=True)), []
        for place in self.places:
            columns = [place.start + i for i in range(place.size)]
            if place.paired:
                columns = [x for i in columns for x in (i, i + place.size)]
            numbers = [by[place.kind][i] for i in columns]
            arrays.append([x != 0 for x in numbers] if place.dtype == bool else numbers)
        return arrays

    def in_order(self, numbers: Sequence[Any]) -> dict[np.dtype, list[Any]]:
        """The real numbers of all arrays in the order of the columns."""
        left = iter(numbers)
        found: dict[np.dtype, list[Any]] = {kind: [] for kind in self.sizes}
        for place in self.places:
            mine = [next(left) for _ in range(place.size * (1 + place.paired))]
            for part in (mine[::2], mine[1::2]) if place.paired else (mine,):
                found.setdefault(place.kind, []).extend(part)
        return found


class Loop:
    """Turns that change some numbers again and again.

    Attributes:
        turns: how many; None where the last of what stays says it.
        avals: of what stays and what changes.
        constants: how many of these stay.
        given: their numbers in a turn.
        after: numbers of what has changed, after it.
        operations: of a turn, products or sums that take as long.
        words: about how many words of 32 bits a thread holds.
    """

    def __init__(self, program: Any, turns: int | None, constants: int):
        """The loop of a program.

        Args:
            program: of one turn, a closed jaxpr of constants.., the index of the turn
                and what changes.., whose results are what has changed.
            turns: how many, or None.
            constants: how many arguments stay.

        Raises:
            NotInLanes: an operation of the program is not one of single numbers, or
                there are too many of them, or of numbers.
        """
        self.turns, self.constants = turns, constants
        avals = [var.aval for var in program.jaxpr.invars]
        # before each of them is looked at
        if sum(math.prod(aval.shape) for aval in avals[constants:]) > MOST_WORDS:
            raise NotInLanes("a large state")
        inputs = [given(aval, i >= constants) for i, aval in enumerate(avals)]
        self.after = evaluated(Graph(MOST_OPERATIONS), program, inputs)
        self._index: Any = inputs.pop(constants)[()]
        self.given, self.avals = inputs, avals[:constants] + avals[constants + 1 :]
        self._before, self._turn = in_order(flat(self.after))
        self.operations = sum(node.cost for node in self._turn)
        wanted = [*flat(self.after), *(x for node in self._turn for x in node.operands)]
        self.words = most_held(self._turn, flat(self.after))
        self.words += most_held(self._before, wanted)
        if self.operations > MOST_OPERATIONS or self.words > MOST_WORDS:
            raise NotInLanes("a large turn")

    def followed(self, arrays: Sequence[Any]) -> list[Any]:
        """Arrays (lanes,) of the numbers of what has changed, after all turns.

        Args:
            arrays: of the numbers of what stays and what changes, () or (lanes,).
        """
        nodes = flat(self.given)
        before = len(flat(self.given[: self.constants]))
        still = Values(dict(zip(nodes[:before], arrays[:before], strict=True)))
        still.make(self._before)
        moving, wanted = nodes[before:], flat(self.after)

        def turn(i, state):
            index = lax.convert_element_type(i, self._index.dtype)
            values = still.with_more(
                {self._index: index, **dict(zip(moving, state, strict=True))}
            )
            values.make(self._turn)
            return tuple(values.of(x, (LANES,)) for x in wanted)

        start = tuple(
            x if np.shape(x) else lax.broadcast(x, (LANES,)) for x in arrays[before:]
        )
        # all lanes of a block take as many
        turns = arrays[before - 1] if self.turns is None else self.turns
        return list(lax.fori_loop(0, turns, turn, start))


def in_one_kernel(
    loop: Loop,
    members: int,
    batched: Sequence[bool],
    *arrays: Array,
    interpret: bool = False,
) -> list[Array]:
    """What a loop has changed for each member, (members, ...).

    Args:
        loop: of one member.
        members: how many.
        batched: of each argument, whether members have their own.
        arrays: what stays and what changes, with members in front where they have
            their own.
        interpret: whether operations are done one by one, on any device.
    """
    avals = loop.avals
    own = [i for i, each in enumerate(batched) if each]
    shared = [i for i, each in enumerate(batched) if not each]
    moving, still = (
        Columns([avals[i] for i in own]),
        Columns([avals[i] for i in shared]),
    )
    results = Columns(avals[loop.constants :])
    blocks = -(-members // LANES)
    spare = (0, blocks * LANES - members)
    matrices = [
        jnp.pad(each, (spare, (0, _width(each.shape[1]) - each.shape[1])), mode="edge")
        for each in moving.packed([arrays[i] for i in own], 1)
    ]
    inputs = [*matrices, *still.packed([arrays[i] for i in shared], 0)]

    def kernel(*refs):
        lanes = pl.ds(pl.program_id(0) * LANES, LANES)
        of_members, refs = refs[: len(matrices)], refs[len(matrices) :]
        of_all, to = refs[: len(still.sizes)], refs[len(still.sizes) :]
        each = zip(
            own, moving.read([_loaded(ref, lanes) for ref in of_members]), strict=True
        )
        arguments = dict(each) | dict(zip(shared, still.read(of_all), strict=True))
        numbers = [x for i in range(len(avals)) for x in arguments[i]]
        found = results.in_order(loop.followed(numbers))
        for ref, (kind, columns) in zip(to, found.items(), strict=True):
            _store(ref, lanes, [x.astype(kind) for x in columns])

    shapes = [
        jax.ShapeDtypeStruct((blocks * LANES, _width(columns)), kind)
        for kind, columns in results.sizes.items()
    ]
    name = f"lanes_{loop.turns or 1}x{loop.operations}"  # which the model of GPUs reads
    call = _called(kernel, shapes, blocks, name, interpret)
    return results.unpacked(call(*inputs), members)


def _width(columns: int) -> int:
    """Columns of a matrix: a power of two, or whole tiles; Triton has no others."""
    if columns > TILE:
        return -(-columns // TILE) * TILE
    return 1 << (columns - 1).bit_length()


def _tiles(ref: Any) -> list[Any]:
    """The columns of a matrix that go together.

    One by one they would take minutes of compiling: Triton looks at all operations for
    each access to memory.
    """
    tile = min(ref.shape[1], TILE)
    return [pl.ds(first, tile) for first in range(0, ref.shape[1], tile)]


def _loaded(ref: Any, lanes: Any) -> list[Array]:
    """The columns of the rows of some lanes."""
    columns = []
    for tile in _tiles(ref):
        parts = lax.split(ref[lanes, tile], [1] * tile.size, axis=1)
        columns += [part.reshape(LANES) for part in parts]
    return columns


def _store(ref: Any, lanes: Any, columns: list[Array]) -> None:
    """Write the columns of these rows; those that fill a tile are like the last."""
    for tile in _tiles(ref):
        some = columns[tile.start : tile.start + tile.size]
        ref[lanes, tile] = _joined(some + some[-1:] * (tile.size - len(some)))


def _joined(columns: list[Array]) -> Array:
    """The matrix of so many columns as a power of two, joined two by two."""
    columns = [column[:, None] for column in columns]
    # the first digit of a column's number is that of the first axis to be joined
    while len(columns) > 1:
        half = len(columns) // 2
        columns = [
            lax.concatenate([a[..., None], b[..., None]], a.ndim)
            for a, b in zip(columns[:half], columns[half:], strict=True)
        ]
    return columns[0].reshape(LANES, -1)


def has_kernels() -> bool:
    """Whether this JAX has Triton, which it may give up, and Triton these cards."""
    known = find_spec("jax.experimental.pallas.triton") is not None
    return known and all(map(_is_recent, jax.local_devices()))


def _is_recent(device: Any) -> bool:
    """Whether a card is of the year 2020 or later, below which Triton refuses it."""
    major = str(getattr(device, "compute_capability", "")).partition(".")[0]
    return not major.isdigit() or int(major) >= AMPERE


def _called(kernel: Any, shapes: Any, blocks: int, name: str, interpret: bool) -> Any:
    call = partial(pl.pallas_call, kernel, out_shape=shapes, grid=(blocks,), name=name)
    if interpret:
        return call(interpret=True)
    from jax.experimental.pallas import triton

    return call(
        compiler_params=triton.CompilerParams(num_warps=LANES // WARP, num_stages=1)
    )
