"""`sweep`: one function at many points, on all devices, resumable on disk."""

import importlib.metadata
import warnings
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .._files import provenance
from .._version import __version__
from ..status import Status
from . import hosts
from .points import STATUS, Blocks, Lattice, chunk_points
from .program import FFT_BYTES, MemoryShort, Program, Traced, default_tile, usable
from .store import (
    ARGUMENT,
    FAILED,
    PENDING,
    Store,
    create,
    differences,
    output_specs,
)
from .work import fill, how_far


def sweep(
    function: Callable[..., Mapping[str, Any]],
    axes: Any,
    *,
    store: str | Path,
    batch: int | str = "auto",
    devices: Sequence[Any] | None = None,
    resume: bool = True,
    progress: bool = True,
    seed: int = 0,
    tile: int | None = None,
    chunk: int | None = None,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
    statuses: type[IntEnum] = Status,
) -> Any:
    """Compute a function at every point of a sweep, and keep the results in a store.

    The function is traced once, for `tile` points at a time, and the tiles are spread
    over the devices. Chunks of points are written to the store as they are done: a
    sweep that was stopped, by whatever means, goes on where it was when it is called
    again. Results do not depend on batch, devices, hosts or interruptions, to the last
    bit: a point always has the same place in the same tile, and a tile is always
    computed by the same program.

    Under `jax.distributed` every process takes its share of the chunks of one store,
    which must lie where all can write.

    Args:
        function: of one point: takes its coordinates by name, scalars or arrays, and
            `key` if it has an argument of that name; returns a dict of arrays. It is
            traced, so it may hold whatever jit and vmap allow. An entry `status` (a
            whole number, 0 for a sound result, e.g. `Trajectory.status`) travels with
            the data.
        axes: dict of coordinates by name, (n, ...), whose outer product is taken; or a
            table: `Points`, a structured array, an `xarray.Dataset` over one dimension.
        store: folder of the Zarr store.
        batch: points in one call of all local devices, rounded up to whole tiles, or
            "auto" for what memory admits.
        devices: local devices to use; None for all. On CPUs a function that
            factorises matrices takes one less than XLA has threads (`NPROC`).
        resume: whether a store that is there may be gone on with.
        progress: whether to show a bar with rate and remaining time.
        seed: of the keys; a point's key is `fold_in(key(seed), index of the point)`.
        tile: points computed together; None for 64 on CPUs, elsewhere for arrays of a
            quarter of a GiB at most, or fewer where memory is short. Another tile may
            change the last bits.
        chunk: points written together, at most; None for 1/256 of all.
        dims: names of the dimensions of each result, by its name.
        coords: coordinates along these dimensions, by name, (n,).
        units: of axes and results, by name.
        constants: what the function took as given, for the record.
        statuses: names of the codes that the function gives as `status`.

    Returns:
        An `xarray.Dataset` over the axes, with the status of each point, its values
        read from disk as they are asked for. Attributes: constants, seed, versions,
        device, date, revision of jqd. A point that raised an error has status -2 and no
        values; one whose result is not finite has status 2 (`Status.NON_FINITE`).

    Raises:
        ValueError: unfit arguments; a store of another function, other axes or other
            versions, which are named; a store that cannot be written.
    """
    lattice = Lattice(axes)
    devices = list(devices or jax.local_devices())
    _check_counts(batch=batch, tile=tile, chunk=chunk)
    path = Path(store)
    hosts.wait_for_all("start")
    first = hosts.is_first()
    there = _there(path, resume=resume)
    program, traced, wanted = _prepare(
        function, lattice, there, devices, seed, tile, chunk, batch
    )
    if there is None and first:
        notes = _notes(traced, lattice, dims, coords, units, constants, seed, statuses)
        create(path, lattice, wanted, **notes)
    hosts.wait_for_all("store")
    opened = there or Store(path)
    _same(opened, wanted)
    if first:
        opened.tidy()
        _withdraw_damaged(opened)
    hosts.wait_for_all("checked")
    fill(program, opened, lattice, show=progress)
    try:
        hosts.wait_for_all("end")
    except hosts.Lost as error:
        raise hosts.Lost(
            f"another process is gone; {how_far(opened)}; run all of them again to "
            "compute the rest"
        ) from error
    return opened.dataset()


def open_sweep(store: str | Path) -> Any:
    """The dataset of a sweep, after a look whether its files are sound.

    Args:
        store: folder of the store.

    Returns:
        An `xarray.Dataset`; points that are not computed yet have status -1.

    Raises:
        ValueError: no store of a sweep, or damaged chunks, which are named.
    """
    opened = Store(Path(store))
    damage = opened.damage()
    if damage:
        chunk, reason = next(iter(damage.items()))
        more = f" and {len(damage) - 1} more" if len(damage) > 1 else ""
        raise ValueError(
            f"Argument `{ARGUMENT}` must be a sound store, but of chunk {chunk}{more} "
            f"in {opened.path} {reason}; run the sweep again to compute it anew."
        )
    return opened.dataset()


def _there(path: Path, *, resume: bool) -> Store | None:
    """The store to go on with, or None for a new one."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    if not resume:
        raise ValueError(
            f"Argument `{ARGUMENT}` must be a new folder with resume=False, but {path} "
            "is there."
        )
    return Store(path)


def _prepare(function, lattice, there, devices, seed, tile, chunk, batch):
    """Trace and compile; the tile of a store stays what it is."""
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
        workers = usable(devices, traced)
        points = chunk or chunk_points(lattice.size, size, traced.bytes_per_point)
        blocks = Blocks.of(lattice.shape, points)
        if batch == "auto":
            tiles = -(-blocks.most // size)
        else:
            tiles = -(-int(batch) // (size * len(workers)))
        try:
            program = Program(traced, lattice, workers, tiles)
        except MemoryShort:
            if fixed is not None or size == 1:
                raise
            size = max(1, size // 4)
            continue
        if there is not None and chunk is None:
            blocks = there.blocks
        return program, traced, manifest_of(traced, lattice, seed, devices, blocks)


def _same(store: Store, wanted: Mapping[str, Any]) -> None:
    found = list(differences(store.manifest, wanted))
    if found:
        raise ValueError(
            f"Argument `{ARGUMENT}` must be the store of this sweep, but of "
            f"{store.path}: {'; '.join(found)}. Name another folder, or remove it."
        )


class DamagedChunk(UserWarning):
    """A committed chunk is not what it was, and is computed again."""


def _withdraw_damaged(store: Store) -> None:
    damage = store.damage()
    if damage:
        store.withdraw(list(damage))
    for chunk, reason in damage.items():
        text = f"Chunk {chunk} of {store.path} is damaged ({reason}): computed again."
        warnings.warn(text, DamagedChunk, stacklevel=3)


def _notes(
    traced, lattice, dims, coords, units, constants, seed, statuses
) -> dict[str, Any]:
    """Names, units and attributes of a new store."""
    dims, coords, units = dict(dims or {}), dict(coords or {}), dict(units or {})
    names = {*lattice.values, *traced.outputs, *coords}
    for argument, given in (("dims", dims), ("units", units)):
        for name in given:
            if name not in names or (argument == "dims" and name in lattice.values):
                raise ValueError(
                    f"Argument `{argument}` must name what the sweep has, but "
                    f"{name!r} is not among {', '.join(sorted(names))}."
                )
    every = {}
    for name, spec in {**traced.outputs, STATUS: np.zeros(())}.items():
        given = tuple(dims.get(name, [f"{name}_{i}" for i in range(len(spec.shape))]))
        if len(given) != len(spec.shape):
            raise ValueError(
                f"Argument `dims` must name {len(spec.shape)} dimensions of {name!r}, "
                f"but names {len(given)}."
            )
        every[name] = given
    sizes = {
        dim: n
        for name, spec in traced.outputs.items()
        for dim, n in zip(every[name], spec.shape, strict=True)
    }
    for name, values in coords.items():
        if np.shape(values) != (sizes.get(name),):
            raise ValueError(
                f"Argument `coords` must give {name!r} one value for each of the "
                f"{sizes.get(name, 'missing')} entries, but has shape "
                f"{np.shape(values)}."
            )
    variables: dict[str, dict[str, Any]] = {n: {"units": u} for n, u in units.items()}
    codes = {FAILED: "failed", PENDING: "pending"} | {
        s: s.name.lower() for s in statuses
    }
    variables[STATUS] = {
        "flag_values": [int(code) for code in codes],
        "flag_meanings": " ".join(codes.values()),
    }
    attributes = {**provenance(), "seed": seed, "constants": dict(constants or {})}
    return dict(dims=every, variables=variables, attributes=attributes, coords=coords)


def _check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if value is None or value == "auto":
            continue
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(
                f"Argument `{name}` must be a positive whole number, but is {value!r}."
            )


def manifest_of(
    traced: Traced, lattice: Lattice, seed: int, devices: Any, blocks: Blocks
) -> dict[str, Any]:
    """All that the bits of a sweep depend on, as JSON can hold it."""
    return {
        "function": traced.name,
        "program": traced.digest(),
        **lattice.identity(),
        "seed": seed,
        "tile": traced.tile,
        "shape": list(blocks.shape),
        "block": list(blocks.block),
        "outputs": output_specs(traced.outputs),
        "backend": devices[0].platform,
        "x64": bool(jax.config.values["jax_enable_x64"]),
        "versions": {
            "jqd": __version__,
            "jax": jax.__version__,
            "jaxlib": importlib.metadata.version("jaxlib"),
        },
    }
