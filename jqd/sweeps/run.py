"""`sweep`: one function at many points, by any number of workers, into a store."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .. import _checks
from ..status import Status
from .claims import SECONDS
from .engines import Engine, through
from .files import Place, place_of, settings_of_jax, use_settings
from .known import LONGEST
from .layout import blank_store, create, notes_of
from .leases import given_up, take_back
from .manifest import device_kind, differences
from .objects import ARGUMENT, Objects
from .plan import Plan, called_plan, traced_plan
from .points import Lattice
from .store import ROOT, Store
from .work import Chunk, work


def sweep(
    function: Callable[..., Mapping[str, Any]],
    axes: Any = None,
    *,
    store: str | Path,
    engine: Engine | None = None,
    trace: bool = True,
    batch: int | str = "auto",
    devices: Sequence[Any] | None = None,
    resume: bool = True,
    retry_failed: bool = False,
    mixed: bool = False,
    lease: float | None = None,
    progress: bool = True,
    seed: int | None = None,
    tile: int | None = None,
    chunk: int | None = None,
    dims: Mapping[str, Sequence[str]] | None = None,
    coords: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
    statuses: type[IntEnum] | Mapping[str, int] = Status,
) -> Any:
    """Compute a function at every point of a sweep, and keep the results in a store.

    The function is traced once, for `tile` points at a time, and the tiles are spread
    over the devices. Chunks of points are committed to the store as they finish: a
    sweep that was stopped, by whatever means, continues where it was when you call it
    again. The same call elsewhere at the same time adds a worker: each worker takes
    free chunks until none is left. Results do not depend on batch, devices, workers or
    interruptions, to the last bit: a point always has the same place in the same tile,
    and the same program always computes a tile.

    Args:
        function: function of one point: takes its coordinates by name, scalars or
            arrays, and `key` if it has an argument of that name; returns a dict of
            arrays. It is traced, so it may use whatever jit and vmap allow. An entry
            `status` (an integer, 0 for a sound result, e.g. `Trajectory.status`)
            travels with the data.
        axes: dict of coordinates by name, (n, ...), whose outer product is taken; or a
            table: `Points`, a structured array, an `xarray.Dataset` over one dimension.
            None for those of an existing store.
        store: a folder, or a URL: file://, s3://, gs://, az://BUCKET/PREFIX, with the
            credentials of the environment.
        engine: starts the workers: None for this process alone, `jqd.sweeps.Local` or
            `jqd.sweeps.Ray`. With an engine, the function must be defined at the top
            of a file; `functools.partial` may bind plain data to it.
        trace: False for a function that cannot be traced, or is long: it is called in
            Python, with NumPy arrays, one point after the other. It, too, must be
            defined at the top of a file, whose text identifies what it computes.
        batch: points in one call of all local devices, rounded up to whole tiles, or
            "auto" for a chunk, or as many as memory admits.
        devices: local devices to use; None for all. Each CPU device factorises one
            matrix after the other, since batches of them may deadlock; more devices
            (`jax_num_cpu_devices`) factorise side by side.
            With a single device, XLA may compile differently, and so round
            differently.
        resume: whether an existing store may be continued.
        retry_failed: whether to retry chunks that were given up because three workers
            in turn were lost while they computed them.
        mixed: whether devices of other kinds may take part; they may round differently.
        lease: seconds without a sign of life after which a worker loses its chunk; for
            a new store, 120 by default.
        progress: whether to show a bar with rate and remaining time.
        seed: of the keys, 0 by default; a point's key is
            `fold_in(key(seed), index of the point)`.
        tile: points computed together; None for 64 on CPUs, elsewhere for arrays of a
            quarter of a GiB at most, or fewer where memory is short. Another tile may
            change the last bits.
        chunk: points written together, at most; None for 1/256 of all.
        dims: names of the dimensions of each result, by its name.
        coords: coordinates along these dimensions, by name, (n,).
        units: of axes and results, by name.
        constants: fixed values that the function used, to be stored with the results.
        statuses: names of the codes that the function returns as `status`, an enum or
            a dict.

    Returns:
        An `xarray.Dataset` over the axes, with the status of each point; its values are
        read on demand. Attributes: constants, seed, versions, device, date, revision of
        jqd. A point that raised an error has status -2 and no values; a point whose
        result is not finite has status 2 (`Status.NON_FINITE`); a point of a chunk that
        was given up has status -1, and a warning says why.

    Raises:
        ValueError: invalid arguments; a store of another function, other axes or other
            versions, which are named; a store that cannot be written.
        SweepError: a chunk was computed twice with different results, or workers of an
            engine were lost.
    """
    _checks.check_function(function, "function", "the coordinates of a point")
    _check_counts(batch=batch, tile=tile, chunk=chunk)
    if lease is not None and not 0 < lease < LONGEST:
        raise ValueError(
            f"Argument `lease` must be positive and below {LONGEST:g} s, but is "
            f"{lease}."
        )
    plan = dict(
        store=store, batch=batch, resume=resume, retry_failed=retry_failed, mixed=mixed,
        lease=lease, seed=seed, tile=tile, chunk=chunk, trace=trace,
    )  # fmt: skip
    codes = (
        {s.name: s.value for s in statuses} if isinstance(statuses, type) else statuses
    )
    notes = dict(
        dims=dims, coords=coords, units=units, constants=constants, statuses=codes
    )
    if engine is not None:
        if devices is not None:
            raise ValueError(
                "Argument `devices` must not be given with an engine, but is."
            )
        opened = _there(Objects(store), resume=resume)
        if opened is not None and retry_failed:
            take_back(opened)  # once, not by each worker that begins
        plan |= {"resume": True, "retry_failed": False}
        arguments = (settings_of_jax(), place_of(function), axes, {**plan, **notes})
        target = f"{from_file.__module__}:{from_file.__name__}"
        opened = through(engine, target, arguments, store, show=progress)
    else:
        devices = list(devices or jax.local_devices())
        opened = _sweep(function, axes, devices, notes, show=progress, **plan)
    for number, reason in given_up(opened).items():
        text = f"Chunk {number} of {opened.place} was given up: {reason}."
        warnings.warn(text, FailedChunk, stacklevel=2)
    return opened.dataset()


def open_sweep(store: str | Path) -> Any:
    """Open the dataset of a sweep, after a check that its data are sound.

    Args:
        store: folder or URL of the store.

    Returns:
        An `xarray.Dataset`; points that are not computed yet have status -1.

    Raises:
        ValueError: not a store of a sweep, or damaged chunks, which are named.
    """
    opened = Store(store)
    damage = opened.damage()
    if damage:
        chunk, reason = next(iter(damage.items()))
        more = f" and {len(damage) - 1} more" if len(damage) > 1 else ""
        raise ValueError(
            f"Argument `{ARGUMENT}` must be a sound store, but of chunk {chunk}{more} "
            f"in {opened.place} {reason}; run the sweep again to compute it anew."
        )
    return opened.dataset()


class FailedChunk(UserWarning):
    """A chunk was given up: several workers in turn were lost while computing it."""


def _sweep(
    function, axes, devices, notes, *, show, store, batch, resume, retry_failed, mixed,
    lease, seed, tile, chunk, trace,
) -> Store:  # fmt: skip
    """Be one worker; the store, when nothing in it is left to be computed."""
    objects = Objects(store)
    there = _there(objects, resume=resume)
    if axes is None and there is None:
        raise ValueError("Argument `axes` must be given for a new store, but is None.")
    lattice = there.lattice() if there and axes is None else Lattice(axes)
    if seed is None:
        seed = there.manifest["seed"] if there else 0
    settings = (devices, seed, tile, chunk, batch)
    prepare = traced_plan if trace else called_plan
    plan = prepare(function, lattice, there, *settings)
    if there is None:
        plan.ready()
        manifest = {**plan.manifest, "lease": lease or SECONDS}
        blank = notes_of(plan.traced.outputs, lattice, seed, **notes)
        wanted = plan.manifest
        create(
            objects, blank_store(lattice, manifest, **blank), manifest,
            lambda other: _differences(other, wanted, lease, mixed=mixed),
        )  # fmt: skip
        there = Store(objects)
        if there.manifest["tile"] != plan.traced.tile or there.blocks != plan.blocks:
            # another worker came first, on a machine with a different batch size
            plan = prepare(function, lattice, there, *settings)
    _check_same(there, plan.manifest, lease, mixed=mixed)
    if retry_failed:
        take_back(there)
    if len(there.committed()) < there.blocks.count:
        plan.ready()  # compiled before a chunk waits for it
    work(there, partial(_computed, plan), device_kind(devices[0]), show=show)
    return there


def _there(objects: Objects, *, resume: bool) -> Store | None:
    """The store to go on with, or None for a new one."""
    if not objects.is_there():
        return None
    if not resume:
        raise ValueError(
            f"Argument `{ARGUMENT}` must be a new folder with resume=False, but "
            f"{objects.place} is there."
        )
    # a store without a root is being made, or is not a store: see `create`
    return None if objects.get(ROOT) is None else Store(objects)


def _computed(plan: Plan, chunks: Iterator[int]) -> Iterator[Chunk]:
    """Chunks as they are computed; nothing is compiled where there is none."""
    first = next(chunks, None)
    if first is not None:
        yield from plan.compute(chain([first], chunks))


def _check_same(
    store: Store, wanted: Mapping[str, Any], lease: float | None, *, mixed: bool
) -> None:
    found = list(_differences(store.manifest, wanted, lease, mixed=mixed))
    if found:
        raise ValueError(
            f"Argument `{ARGUMENT}` must be the store of this sweep, but "
            f"{store.place} is not: {'; '.join(found)}. Name another folder, or remove "
            "it."
        )


def _differences(
    stored: Mapping[str, Any],
    wanted: Mapping[str, Any],
    lease: float | None,
    *,
    mixed: bool,
) -> Iterator[str]:
    yield from differences(stored, wanted, mixed=mixed)
    lasts = stored["lease"]
    if lease not in (None, lasts):
        # a worker with shorter leases than others would take over their chunks
        yield f"its leases last {lasts:g} s, not {lease:g} s (`lease`)"


def _check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if value is None or value == "auto":
            continue
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(
                f"Argument `{name}` must be a positive whole number, but is "
                f"{_checks.shown(value)}."
            )


def from_file(
    jax_settings: Mapping[str, Any],
    place: Place,
    axes: Any,
    settings: Mapping[str, Any],
) -> int:
    """Run a worker of a sweep whose function is defined in a file."""
    use_settings(jax_settings)
    sweep(place.load(), axes, progress=False, **settings)
    return 0
