"""A traced function as a compiled program: tiles of points on devices."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from .. import _checks
from .points import Lattice
from .trace import Traced

# Points computed together. A fixed number, so that results do not depend on how many
# tiles a call or a device has: XLA rounds differently for arrays of another size.
TILE = {"cpu": 64}
# Elsewhere by the largest array of a tile: wide enough to keep an accelerator busy,
# which waits for its host where arrays are small.
WIDEST_BYTES = 2**28
FEWEST, MOST = 64, 2**17
# cuFFT aborts the whole process where a plan needs more than 4 GiB.
FFT_BYTES = 2**31
# Fraction of the free memory that a sweep may fill.
SHARE = 0.6


class MemoryShort(ValueError):
    """Not even one tile fits into the memory of a device."""


class Running(NamedTuple):
    """Tiles that the devices are computing.

    Attributes:
        results: arrays by name, one row per slot.
        slots: slot of each tile.
    """

    results: dict[str, Array]
    slots: np.ndarray

    def finish(self) -> dict[str, np.ndarray]:
        """Wait for the arrays by name, (tiles, tile, ...), in order of the tiles."""
        return {n: np.asarray(value)[self.slots] for n, value in self.results.items()}


class Program:
    """A traced function, compiled for some tiles on each of some devices.

    Attributes:
        traced: the function.
        devices: devices on which it runs.
        tiles: tiles that a device computes in one call.
    """

    def __init__(self, traced: Traced, lattice: Lattice, devices: Sequence[Any], tiles):
        """Compile, with fewer tiles per call where memory is short.

        Raises:
            MemoryShort: one tile needs more memory than a device has.
        """
        self.lattice, self.devices = lattice, list(devices)
        on_cpus = self.devices[0].platform == "cpu"
        self.traced = traced.one_by_one() if on_cpus else traced
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
        """Number of tiles in one call."""
        return self.tiles * len(self.devices)

    def halve(self) -> bool:
        """Compile for half as many tiles; False if there is only one."""
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
            The running computation, to wait for.
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
        # between these barriers a tile compiles the same, whatever is around it
        tile = jax.lax.optimization_barrier(tile)
        found = jax.lax.optimization_barrier(traced(*tile))
        return jax.tree.map(lambda all_, one: all_.at[i].set(one), results, found)

    return jax.lax.fori_loop(0, count[0], body, results)


def default_tile(devices: Sequence[Any], size: int, traced: Traced | None) -> int:
    """Default number of points of a tile: a power of two, no more than are needed.

    Args:
        devices: devices that compute them.
        size: points of the sweep.
        traced: the function, traced for any tile; None if it is not traced yet.
    """
    wanted = TILE.get(devices[0].platform, FEWEST)
    if devices[0].platform not in TILE and traced is not None:
        room = WIDEST_BYTES * traced.tile // max(traced.widest_bytes, 1)
        wanted = min(max(1 << max(room.bit_length() - 1, 0), FEWEST), MOST)
    return min(wanted, 1 << max(size - 1, 0).bit_length())


def processor_threads() -> int:
    """Number of XLA's threads on CPUs, which is that of `NPROC` if it is set."""
    wanted = os.environ.get("NPROC", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def use_processors(wanted: int | None = None) -> None:
    """Make every processor a device of its own, before JAX starts.

    XLA computes the small arrays of a tile on one processor alone. There are at least
    two devices: for a single one XLA compiles differently, and last bits differ.
    """
    if "host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return
    given, count = os.environ.get("NPROC", ""), max(processor_threads(), 2)
    # threads beside those of the devices, for work that XLA spreads over threads
    threads = max(int(given), 4) if given.isdigit() else 2 * count
    os.environ["NPROC"] = str(threads)
    try:
        jax.config.update("jax_num_cpu_devices", wanted or count)
    except RuntimeError:  # JAX runs already, in a test for instance
        if wanted is not None and jax.local_device_count() != wanted:
            raise ValueError(
                f"Argument `--devices` must be {jax.local_device_count()} in this "
                f"process, but is {wanted}."
            ) from None


def free_memory(devices: Sequence[Any]) -> float | None:
    """Bytes that a sweep may use on each device, or None where that is not known."""
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
    """Whether an error says that a device is out of memory."""
    return "RESOURCE_EXHAUSTED" in str(error)
