"""A function of one point as a compiled program: tiles of points on devices."""

import hashlib
import inspect
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from .. import _checks
from .points import STATUS, Lattice

FACTORISATIONS = {
    "cholesky", "eig", "eigh", "geqp3", "geqrf", "hessenberg", "householder_product",
    "lu", "ormqr", "qr", "schur", "svd", "triangular_solve", "tridiagonal",
}  # fmt: skip
ARRAYS = jax.Array | np.ndarray | np.generic | int | float | complex
# Points computed together. A fixed number, so that results do not depend on how many
# tiles a call or a device has: XLA rounds differently for arrays of another size.
TILE = {"cpu": 64}
# Elsewhere by the largest array of a tile: wide enough to keep an accelerator busy,
# which waits for its host where arrays are small.
WIDEST_BYTES = 2**28
FEWEST, MOST = 64, 2**17
# cuFFT aborts the whole process where a plan needs more than 4 GiB.
FFT_BYTES = 2**31
# Of the memory that is free, what a sweep may fill.
SHARE = 0.6


class Traced:
    """A function of one point as a program for a tile of points.

    Attributes:
        name: of the function.
        tile: points that are computed together.
        program: the traced program: leaves of the points, then their indices.
        outputs: shape and dtype of each result of one point, by name.
    """

    def __init__(self, function: Callable[..., Any], lattice: Lattice, seed: int, tile):
        """Trace the function.

        Args:
            function: takes the coordinates of a point by name, and `key` if it has an
                argument of that name; returns a dict of arrays.
            lattice: the points.
            seed: of the keys.
            tile: number of points.

        Raises:
            ValueError: arguments that are not the axes, or results that are no dict
                of arrays.
        """
        self.name = getattr(function, "__qualname__", type(function).__name__)
        self.tile = tile
        takes_key = _takes_key(function, lattice)

        def one(point: dict[str, Array], index: Array) -> dict[str, Array]:
            if takes_key:
                # of the point, whatever tile or host computes it
                point = point | {"key": jax.random.fold_in(jax.random.key(seed), index)}
            return _checked(function(**point), lattice)

        specs = {
            name: jax.ShapeDtypeStruct(
                (tile, *values.shape[1:]), jax.dtypes.canonicalize_dtype(values.dtype)
            )
            for name, values in lattice.values.items()
        }
        indices = jax.ShapeDtypeStruct((tile,), jnp.uint32)
        self.program, shapes = jax.make_jaxpr(jax.vmap(one), return_shape=True)(
            specs, indices
        )
        self._structure = jax.tree.structure(shapes)
        self.outputs = {
            name: jax.ShapeDtypeStruct(spec.shape[1:], spec.dtype)
            for name, spec in shapes.items()
        }

    def __call__(self, points: Mapping[str, Array], indices: Array) -> dict[str, Array]:
        """The results of a tile, (tile, ...) each."""
        leaves = jax.tree.leaves((dict(points), indices))
        results = core.jaxpr_as_fun(self.program)(*leaves)
        return jax.tree.unflatten(self._structure, results)

    @property
    def bytes_per_point(self) -> int:
        """Of the largest result."""
        return max(
            math.prod(spec.shape) * spec.dtype.itemsize
            for spec in self.outputs.values()
        )

    @property
    def fft_bytes(self) -> int:
        """Of the largest array that a Fourier transform of a tile takes or gives."""
        return max(self._sizes("fft"), default=0)

    @property
    def widest_bytes(self) -> int:
        """Of the largest array of a tile."""
        return max(self._sizes(), default=0)

    @property
    def factorises(self) -> bool:
        """Whether it calls LAPACK for a batch of matrices, as it does on CPUs."""
        names = {e.primitive.name for e in _equations(self.program.jaxpr)}
        return not names.isdisjoint(FACTORISATIONS)

    def _sizes(self, primitive: str | None = None) -> Iterator[int]:
        for equation in _equations(self.program.jaxpr):
            if primitive in (None, equation.primitive.name):
                for var in (*equation.invars, *equation.outvars):
                    if hasattr(var.aval, "shape"):
                        yield math.prod(var.aval.shape) * var.aval.dtype.itemsize

    def digest(self) -> str:
        """What the function computes, as a hash: its lowered program and constants.

        Comments, names and the place of the file do not matter to it.
        """

        def body(constants: list[Array], *leaves: Array) -> list[Array]:
            # with its constants as arguments: large ones would swell the text
            program = core.ClosedJaxpr(self.program.jaxpr, constants)
            return core.jaxpr_as_fun(program)(*leaves)

        leaves = [
            jax.ShapeDtypeStruct(aval.shape, aval.dtype)
            for aval in self.program.in_avals
        ]
        constants = [jnp.asarray(constant) for constant in self.program.consts]
        text = jax.jit(body).lower(constants, *leaves).as_text()
        digest = hashlib.sha256(text.encode())
        for constant in constants:
            digest.update(_bytes(constant))
        return digest.hexdigest()


def _takes_key(function: Callable[..., Any], lattice: Lattice) -> bool:
    """Whether the function has a `key`; its other arguments must be the axes."""
    parameters = inspect.signature(function).parameters.values()
    named = {
        p.name
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    open_ended = any(p.kind == p.VAR_KEYWORD for p in parameters)
    needed = {
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }
    axes = set(lattice.values)
    unknown = [] if open_ended else sorted(axes - named)
    missing = sorted(needed - axes - {"key"})
    if unknown or missing:
        found = " and ".join(
            [f"it has no {name!r}" for name in unknown]
            + [f"no axis is called {name!r}" for name in missing]
        )
        raise ValueError(
            "Argument `axes` must name the arguments of `function`, but " + found + "."
        )
    return "key" in named


def _checked(results: Any, lattice: Lattice) -> dict[str, Array]:
    rule = "Argument `function` must return a dict of arrays by name, but"
    if not isinstance(results, Mapping) or not results:
        raise ValueError(f"{rule} returned {type(results).__name__}.")
    arrays = {}
    for name, value in results.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"{rule} has the name {name!r}.")
        if name in lattice.values or name == "point":
            raise ValueError(f"{rule} has {name!r}, which is the name of an axis.")
        if not isinstance(value, ARRAYS):
            raise ValueError(f"{rule} {name!r} is a {type(value).__name__}.")
        array = jnp.asarray(value)
        if getattr(array.dtype, "kind", None) not in tuple("biufc"):
            raise ValueError(f"{rule} {name!r} holds {array.dtype}.")
        if name == STATUS and (array.ndim or array.dtype.kind not in "iu"):
            raise ValueError(
                f"{rule} {name!r} is no whole number: it has shape {array.shape} and "
                f"dtype {array.dtype}."
            )
        arrays[name] = array
    return arrays


def _equations(jaxpr: core.Jaxpr) -> Iterator[Any]:
    yield from jaxpr.eqns
    for inner in core.subjaxprs(jaxpr):
        yield from _equations(inner)


def _bytes(constant: Array) -> bytes:
    if jnp.issubdtype(constant.dtype, jax.dtypes.prng_key):
        constant = jax.random.key_data(constant)
    array = np.asarray(constant)
    return str((array.shape, array.dtype.str)).encode() + array.tobytes()


class MemoryShort(ValueError):
    """Not even one tile fits into the memory of a device."""


class Running(NamedTuple):
    """Tiles that the devices work on.

    Attributes:
        results: arrays by name, one row a slot.
        slots: where each tile lies in them.
    """

    results: dict[str, Array]
    slots: np.ndarray

    def finish(self) -> dict[str, np.ndarray]:
        """Wait; arrays by name, (tiles, tile, ...), in the order of the tiles."""
        return {n: np.asarray(value)[self.slots] for n, value in self.results.items()}


class Program:
    """A traced function, compiled for some tiles on each of some devices.

    Attributes:
        traced: the function.
        devices: where it runs.
        tiles: tiles a device takes in one call.
    """

    def __init__(self, traced: Traced, lattice: Lattice, devices: Sequence[Any], tiles):
        """Compile, with fewer tiles a call where memory asks for it.

        Raises:
            MemoryShort: one tile needs more memory than a device has.
        """
        self.traced, self.lattice = traced, lattice
        self.devices = list(devices)
        self._mesh = Mesh(np.array(self.devices), ("device",))
        self._split = NamedSharding(self._mesh, P("device"))
        self.tiles = max(tiles, 1)
        room = free_memory(self.devices)
        while True:
            self._compiled, need = self._compile()
            if room is None or need <= room:
                return
            if self.tiles == 1:
                raise MemoryShort(
                    f"Argument `tile` must be below {self.traced.tile}, but is not: "
                    f"that many points need {need / 2**30:.3g} GiB, and the device has "
                    f"{room / 2**30:.3g} GiB free."
                )
            self.tiles = max(1, min(self.tiles // 2, int(self.tiles * room / need)))

    @property
    def capacity(self) -> int:
        """Tiles of one call."""
        return self.tiles * len(self.devices)

    def halve(self) -> bool:
        """Compile for half as many tiles; False if there is but one."""
        if self.tiles == 1:
            return False
        self.tiles //= 2
        self._compiled, _ = self._compile()
        return True

    def start(self, tiles: np.ndarray) -> "Running":
        """Begin to compute tiles.

        Args:
            tiles: indices of points, (n, tile) with n up to `capacity`.

        Returns:
            What to wait for.
        """
        count, devices = len(tiles), len(self.devices)
        # in turns, so that the last call keeps all devices busy
        slots = np.broadcast_to(tiles[:1], (devices, self.tiles, tiles.shape[1])).copy()
        order = np.arange(count)
        slots[order % devices, order // devices] = tiles
        slots = slots.reshape(-1, tiles.shape[1])
        counts = (count - np.arange(devices) + devices - 1) // devices
        points = self.lattice.take(slots)
        inputs = {
            name: np.asarray(values, jax.dtypes.canonicalize_dtype(values.dtype))
            for name, values in points.items()
        }
        put = partial(jax.device_put, device=self._split)
        results = self._compiled(
            put(counts.astype(np.int32)),
            jax.tree.map(put, inputs),
            put(slots.astype(np.uint32)),
        )
        return Running(results, (order % devices) * self.tiles + order // devices)

    def _compile(self) -> tuple[Any, int]:
        """The executable, and the bytes it needs on one device."""
        run = jax.jit(
            jax.shard_map(
                partial(_tile_by_tile, self.traced),
                mesh=self._mesh,
                in_specs=P("device"),
                out_specs=P("device"),
                check_vma=False,
            )
        )
        rows = len(self.devices) * self.tiles
        spec = partial(jax.ShapeDtypeStruct, sharding=self._split)
        tile = self.traced.tile
        points = {
            name: spec(
                (rows, tile, *values.shape[1:]),
                jax.dtypes.canonicalize_dtype(values.dtype),
            )
            for name, values in self.lattice.values.items()
        }
        compiled = run.lower(
            spec((len(self.devices),), jnp.int32),
            points,
            spec((rows, tile), jnp.uint32),
        ).compile()
        return compiled, _needs(compiled)


def _tile_by_tile(traced: Traced, count: Array, points: Any, indices: Array) -> Any:
    """The tiles of one device, one after the other."""
    first = jax.tree.map(lambda leaf: leaf[0], (points, indices))
    shapes = jax.eval_shape(lambda tile: traced(*tile), first)
    rows = indices.shape[0]
    results = jax.tree.map(lambda s: jnp.zeros((rows, *s.shape), s.dtype), shapes)

    def body(i: Array, results: Any) -> Any:
        tile = jax.tree.map(lambda leaf: leaf[i], (points, indices))
        # behind these walls a tile is compiled the same whatever stands around it
        tile = jax.lax.optimization_barrier(tile)
        found = jax.lax.optimization_barrier(traced(*tile))
        return jax.tree.map(lambda all_, one: all_.at[i].set(one), results, found)

    return jax.lax.fori_loop(0, count[0], body, results)


def default_tile(devices: Sequence[Any], size: int, traced: Traced | None) -> int:
    """Points computed together by custom: a power of two, no more than are needed.

    Args:
        devices: where they are computed.
        size: points of the sweep.
        traced: the function, traced for any tile; None if it is not yet.
    """
    wanted = TILE.get(devices[0].platform, FEWEST)
    if devices[0].platform not in TILE and traced is not None:
        room = WIDEST_BYTES * traced.tile // max(traced.widest_bytes, 1)
        wanted = min(max(1 << max(room.bit_length() - 1, 0), FEWEST), MOST)
    return min(wanted, 1 << max(size - 1, 0).bit_length())


def usable(devices: Sequence[Any], traced: Traced) -> list[Any]:
    """The devices that can run the function side by side.

    On CPUs jaxlib spreads a batch of factorisations over XLA's threads, and the thread
    that does so waits for the others: as many devices as threads would wait for ever.
    """
    if devices[0].platform != "cpu" or not traced.factorises:
        return list(devices)
    return list(devices[: max(1, processor_threads() - 1)])


def processor_threads() -> int:
    """Threads of XLA on CPUs, which takes their number from `NPROC` if it is set."""
    wanted = os.environ.get("NPROC", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def free_memory(devices: Sequence[Any]) -> float | None:
    """Bytes that each of the devices can give, or None where nobody knows."""
    if devices[0].platform == "cpu":
        free = _checks.free_memory()
        return None if free is None else SHARE * free / len(devices)
    stats = [device.memory_stats() for device in devices]
    free = [
        s["bytes_limit"] - s.get("bytes_in_use", 0)
        for s in stats
        if s and "bytes_limit" in s
    ]
    return SHARE * min(free) if free else None


def _needs(compiled: Any) -> int:
    """Bytes of one device while the program runs, as XLA planned it."""
    analysis = compiled.memory_analysis()
    if analysis is None:
        return 0
    return (
        analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
        + analysis.temp_size_in_bytes
        - analysis.alias_size_in_bytes
    )


def out_of_memory(error: BaseException) -> bool:
    """Whether a device says that its memory is used up."""
    return "RESOURCE_EXHAUSTED" in str(error)
