"""An empty store: its arrays, coordinates, names and units."""

import json
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._files import OutputError, provenance, to_plain
from .known import FORMAT, checked_manifest
from .objects import ARGUMENT, Objects
from .points import PENDING, STATUS, Lattice
from .store import MANIFEST, ROOT, coordinate

# Status of points not computed yet, and of points whose computation raised an error.
FAILED = -2
# The sweep that is being made: written before anything else, removed after all else.
MAKING = "leases/making"
# Seconds for which a second worker waits until the first has made the store.
WAIT = 5.0


def create(
    objects: Objects,
    blank: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    differ: Callable[[Mapping[str, Any]], Iterable[str]],
) -> None:
    """Make an empty store, or wait for a worker that makes one in the same place.

    The first worker writes the manifest of the sweep before anything else. It writes
    the root last, so that a store exists with all its parts or not at all.

    Args:
        objects: where the store is made.
        blank: contents of the store by key, the root last; see `blank_store`.
        manifest: manifest of the sweep.
        differ: how a sweep with another manifest differs, in words.

    Raises:
        OutputError: something else is there, or the store cannot be written.
    """
    for key in objects.keys() if objects.is_there() else ():
        if key not in (*blank, MAKING) and objects.get(ROOT) is None:
            raise OutputError(
                f"Argument `{ARGUMENT}` must be a new folder or the store of a sweep, "
                f"but {objects.place} holds something else."
            )
    mine = json.dumps(to_plain({**manifest, "format": FORMAT}), sort_keys=True).encode()
    if not objects.put_new(MAKING, mine):
        other = objects.get(MAKING)
        if other not in (None, mine):
            if _is_made(objects):
                return
            raise OutputError(
                f"Argument `{ARGUMENT}` must be a new folder, but in {objects.place} "
                "another sweep is being made, or was stopped while it was "
                f"({_told(other, differ)}); name another one, or remove it."
            )
    for key, data in blank.items():
        if not objects.put_new(key, data) and key != ROOT and objects.get(key) != data:
            if _is_made(objects):
                break  # by somebody who was done before this one began
            raise OutputError(
                f"Argument `{ARGUMENT}` must be a new folder, but {objects.place} "
                f"holds another {key}; name another one, or remove it."
            )
    else:
        objects.settle(blank)
    objects.delete([MAKING])


def _is_made(objects: Objects) -> bool:
    """Whether somebody has made a store here, soon."""
    until = time.monotonic() + WAIT
    while objects.get(ROOT) is None:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _told(
    text: bytes | None, differ: Callable[[Mapping[str, Any]], Iterable[str]]
) -> str:
    """How another sweep differs that is being made."""
    try:
        found = list(differ(checked_manifest(json.loads(text or b""))))
    except (ValueError, RecursionError):
        found = []
    return "; ".join(found) or "it cannot be read which"


def blank_store(
    lattice: Lattice,
    manifest: Mapping[str, Any],
    dims: Mapping[str, Sequence[str]],
    variables: Mapping[str, Mapping[str, Any]],
    attributes: Mapping[str, Any],
    coords: Mapping[str, Any],
) -> dict[str, bytes]:
    """The objects of an empty store.

    Args:
        lattice: the points.
        manifest: manifest of the sweep.
        dims: dimensions of each result after those of the lattice, by name.
        variables: attributes of axes and results, by name.
        attributes: of the dataset.
        coords: coordinates of dimensions of the results, by name.

    Returns:
        Contents by key.
    """
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec
    from zarr.storage import MemoryStore

    notes, root = to_plain(
        [variables, {**attributes, MANIFEST: {**manifest, "format": FORMAT}}]
    )
    coordinates = list(_coordinates(lattice, coords))
    # coordinates that are no dimensions, as the CF conventions name them
    beside = " ".join(
        name for name, _, dims in coordinates if name not in coords and dims != (name,)
    )
    made: dict[str, Any] = {}
    group = zarr.create_group(MemoryStore(made), attributes=root)
    for name, values, names in coordinates:
        group.create_array(
            name, data=values, chunks=values.shape, dimension_names=names,
            attributes=notes.get(name, {}),
        )  # fmt: skip
    for name, spec in manifest["outputs"].items():
        shape, dtype = tuple(spec["shape"]), np.dtype(spec["dtype"])
        undone = np.nan if dtype.kind in "fc" else 0
        group.create_array(
            name,
            shape=(*lattice.shape, *shape),
            dtype=dtype,
            # a reader of a damaged object gets an error
            compressors=[ZstdCodec(level=1), Crc32cCodec()],
            chunks=(*manifest["block"], *(max(n, 1) for n in shape)),
            dimension_names=(*lattice.dims, *dims[name]),
            fill_value=PENDING if name == STATUS else undone,
            attributes={**notes.get(name, {}), "coordinates": beside},
        )
    with warnings.catch_warnings():
        # not part of the version 3 standard yet, but xarray reads it first
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(group.store)
    contents = {key: made[key].to_bytes() for key in sorted(made)}
    return contents | {ROOT: contents.pop(ROOT)}


def _coordinates(
    lattice: Lattice, coords: Mapping[str, Any]
) -> Iterator[tuple[str, np.ndarray, tuple[str, ...]]]:
    """Name, values and dimensions of every coordinate."""
    for name, values in lattice.values.items():
        dim = name if lattice.outer else lattice.dims[0]
        inner = tuple(f"{name}_{i}" for i in range(1, values.ndim))
        label = coordinate(name, values.ndim, outer=lattice.outer)
        yield label, values, (dim, *inner)
    for name, values in coords.items():
        yield name, np.asarray(values), (name,)


def notes_of(
    outputs: Mapping[str, Any],
    lattice: Lattice,
    seed: int,
    *,
    dims: Mapping[str, Sequence[str]] | None,
    coords: Mapping[str, Any] | None,
    units: Mapping[str, str] | None,
    constants: Mapping[str, Any] | None,
    statuses: Mapping[str, int],
) -> dict[str, Any]:
    """Names, units and attributes of a new store, as `blank_store` takes them.

    Raises:
        ValueError: names that the sweep does not have, or the wrong number of them.
    """
    dims, coords, units = dict(dims or {}), dict(coords or {}), dict(units or {})
    names = {*lattice.values, *outputs, *coords}
    for argument, given in (("dims", dims), ("units", units)):
        for name in given:
            if name not in names or (argument == "dims" and name in lattice.values):
                raise ValueError(
                    f"Argument `{argument}` must name what the sweep has, but "
                    f"{name!r} is not among {', '.join(sorted(names))}."
                )
    every = {}
    for name, spec in {**outputs, STATUS: np.zeros(())}.items():
        given = tuple(dims.get(name, [f"{name}_{i}" for i in range(len(spec.shape))]))
        if len(given) != len(spec.shape):
            raise ValueError(
                f"Argument `dims` must name {len(spec.shape)} dimensions of {name!r}, "
                f"but names {len(given)}."
            )
        every[name] = given
    sizes = {
        dim: n
        for name, spec in outputs.items()
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
    codes = {"failed": FAILED, "pending": PENDING} | {
        name.lower(): int(code) for name, code in statuses.items()
    }
    variables[STATUS] = {
        "flag_values": list(codes.values()),
        "flag_meanings": " ".join(codes),
    }
    attributes = {**provenance(), "seed": seed, "constants": dict(constants or {})}
    return dict(dims=every, variables=variables, attributes=attributes, coords=coords)
