"""The Zarr store of a sweep: chunks written whole, checked, and then committed."""

import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .._files import OutputError, atomic_file, to_plain, writing
from .points import STATUS, Blocks, Lattice

# Of points that no computation has reached, and of those whose computation raised.
PENDING, FAILED = -1, -2
FORMAT = 1
MANIFEST = "sweep"  # attribute of the root group
COMMITS = "commits"
ARGUMENT = "store"


class Store:
    """What lies on disk of a sweep.

    The folder is a Zarr group: an array for every result, one file a chunk, and the
    coordinates. `commits/NUMBER.json` says that chunk NUMBER is there, with the
    checksums of its files; it is written last.

    Attributes:
        path: the folder.
        manifest: what the sweep is, as JSON holds it.
        blocks: its chunks.
    """

    def __init__(self, path: Path):
        """Open a store that is there.

        Raises:
            ValueError: no store of a sweep, or one of another format.
        """
        self.path = path
        self.attributes = attributes = _root_attributes(path)
        rule = f"Argument `{ARGUMENT}` must be a new folder or the store of a sweep"
        if MANIFEST not in attributes:
            raise ValueError(f"{rule}, but {path} holds something else.")
        self.manifest: dict[str, Any] = attributes[MANIFEST]
        if self.manifest.get("format") != FORMAT:
            raise ValueError(
                f"{rule} of format {FORMAT}, but {path} has format "
                f"{self.manifest.get('format')!r}."
            )
        self.blocks = Blocks(
            tuple(self.manifest["shape"]), tuple(self.manifest["block"])
        )
        self._arrays: dict[str, Any] = {}

    # -- commits ----------------------------------------------------------------

    def committed(self) -> list[int]:
        """Numbers of the chunks that are done, ascending."""
        try:
            names = os.listdir(self.path / COMMITS)
        except FileNotFoundError:
            return []
        found = (re.fullmatch(r"(\d+)\.json", name) for name in names)
        return sorted(int(match[1]) for match in found if match)

    def commit(
        self, chunk: int, results: Mapping[str, np.ndarray], failures: Mapping[int, str]
    ) -> None:
        """Write a chunk, whole or not at all.

        Args:
            chunk: its number.
            results: arrays by name, (points, ...), with `status`.
            failures: what points said that raised an error, by index of the point.

        Raises:
            OutputError: it cannot be written. The chunk is then not there.
        """
        import zarr

        region = self.blocks.region(chunk)
        shape = [part.stop - part.start for part in region]
        digests = {}
        with writing(self.path, ARGUMENT):
            try:
                # an array of nothing but fill values is written too: its file is proof
                with zarr.config.set({"array.write_empty_chunks": True}):
                    for name, values in results.items():
                        block = values.reshape(*shape, *values.shape[1:])
                        self._array(name)[region] = block
                for name in results:
                    file = self.file(name, chunk)
                    _flush(file)
                    digests[name] = _digest(file)
                text = json.dumps({"sha256": digests, "failures": dict(failures)})
                marker = self._marker(chunk)
                with atomic_file(marker, ARGUMENT) as draft:
                    draft.write_text(text + "\n", encoding="utf-8")
                    _flush(draft)
                _flush(marker.parent)
            except BaseException:
                self._discard(chunk, results)
                raise

    def failures(self) -> dict[int, str]:
        """What points said that raised an error, by index of the point."""
        found = {}
        for chunk in self.committed():
            marker = self._read_marker(chunk)
            for index, text in (marker or {}).get("failures", {}).items():
                found[int(index)] = text
        return found

    def damage(self) -> dict[int, str]:
        """Chunks whose files are not what was committed: number -> what is wrong."""
        found = {}
        for chunk in self.committed():
            marker = self._read_marker(chunk)
            if marker is None:
                found[chunk] = "its commit mark cannot be read"
                continue
            for name, digest in marker["sha256"].items():
                file = self.file(name, chunk)
                if not file.is_file():
                    found[chunk] = f"the file of {name!r} is missing"
                elif _digest(file) != digest:
                    found[chunk] = f"the file of {name!r} has another checksum"
        return found

    def withdraw(self, chunks: Sequence[int]) -> None:
        """Take chunks as not done, so that they are computed again."""
        with writing(self.path, ARGUMENT):
            for chunk in chunks:
                self._marker(chunk).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove drafts of files that a process left when it was killed."""
        with writing(self.path, ARGUMENT):
            drafts = self.path.rglob("*.partial"), (self.path / COMMITS).glob(".*")
            for file in chain(*drafts):
                file.unlink(missing_ok=True)

    def file(self, name: str, chunk: int) -> Path:
        """The file of one variable of a chunk."""
        extra = len(self.manifest["outputs"][name]["shape"])
        place = (*self.blocks.position(chunk), *([0] * extra))
        return self.path.joinpath(name, "c", *map(str, place))

    def dataset(self) -> Any:
        """The store as an `xarray.Dataset`; values are read as they are asked for."""
        import xarray as xr

        return xr.open_zarr(self.path, chunks=None, mask_and_scale=False)

    def _discard(self, chunk: int, names: Any) -> None:
        """Remove what there is of a chunk that could not be written."""
        for name in names:
            file = self.file(name, chunk)
            with suppress(OSError):  # the first failure is the one to tell
                for path in (file, *file.parent.glob("*.partial")):
                    path.unlink(missing_ok=True)

    def _array(self, name: str) -> Any:
        import zarr

        if name not in self._arrays:
            self._arrays[name] = zarr.open_array(self.path / name, mode="r+")
        return self._arrays[name]

    def _marker(self, chunk: int) -> Path:
        return self.path / COMMITS / f"{chunk:07d}.json"

    def _read_marker(self, chunk: int) -> dict[str, Any] | None:
        try:
            marker = json.loads(self._marker(chunk).read_text(encoding="utf-8"))
            return marker if isinstance(marker["sha256"], dict) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def create(
    path: Path,
    lattice: Lattice,
    manifest: Mapping[str, Any],
    dims: Mapping[str, Sequence[str]],
    variables: Mapping[str, Mapping[str, Any]],
    attributes: Mapping[str, Any],
    coords: Mapping[str, Any],
) -> None:
    """Make an empty store, whole or not at all.

    Args:
        path: a folder that is not there, or is empty.
        lattice: the points.
        manifest: what the sweep is.
        dims: dimensions of each result after those of the lattice, by name.
        variables: attributes of axes and results, by name.
        attributes: of the dataset.
        coords: coordinates of dimensions of the results, by name.

    Raises:
        OutputError: it cannot be written.
    """
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    notes, root = to_plain(
        [variables, {**attributes, MANIFEST: {**manifest, "format": FORMAT}}]
    )
    coordinates = list(_coordinates(lattice, coords))
    # coordinates that are no dimensions, as the CF conventions name them
    beside = " ".join(
        name for name, _, dims in coordinates if name not in coords and dims != (name,)
    )
    with writing(path, ARGUMENT):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            group = zarr.create_group(draft / "data", attributes=root)
            for name, values, names in coordinates:
                group.create_array(
                    name, data=values, chunks=values.shape, dimension_names=names,
                    attributes=notes.get(name, {}),
                )  # fmt: skip
            for name, spec in manifest["outputs"].items():
                shape, dtype = tuple(spec["shape"]), np.dtype(spec["dtype"])
                blank = np.nan if dtype.kind in "fc" else 0
                group.create_array(
                    name,
                    shape=(*lattice.shape, *shape),
                    dtype=dtype,
                    # a reader that meets a damaged file is told so
                    compressors=[ZstdCodec(level=1), Crc32cCodec()],
                    chunks=(*manifest["block"], *(max(n, 1) for n in shape)),
                    dimension_names=(*lattice.dims, *dims[name]),
                    fill_value=PENDING if name == STATUS else blank,
                    attributes={**notes.get(name, {}), "coordinates": beside},
                )
            with warnings.catch_warnings():
                # no part of the version 3 standard yet, but what xarray reads first
                warnings.filterwarnings("ignore", message="Consolidated metadata")
                zarr.consolidate_metadata(draft / "data")
            (draft / "data" / COMMITS).mkdir()
            os.replace(draft / "data", path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _coordinates(lattice: Lattice, coords: Mapping[str, Any]) -> Any:
    """Name, values and dimensions of every coordinate."""
    for name, values in lattice.values.items():
        dim = name if lattice.outer else lattice.dims[0]
        if values.ndim == 1:
            yield name, values, (dim,)
            continue
        # xarray wants a dimension's own coordinate to be a line of numbers
        label = f"{name}_value" if lattice.outer else name
        inner = tuple(f"{name}_{i}" for i in range(1, values.ndim))
        yield label, values, (dim, *inner)
    for name, values in coords.items():
        yield name, np.asarray(values), (name,)


def output_specs(outputs: Mapping[str, jax.ShapeDtypeStruct]) -> dict[str, Any]:
    """Shapes and dtypes of results, with the status, as JSON can hold them."""
    specs = {
        name: {"shape": list(spec.shape), "dtype": np.dtype(spec.dtype).str}
        for name, spec in outputs.items()
        if name != STATUS
    }
    return specs | {STATUS: {"shape": [], "dtype": np.dtype(np.int32).str}}


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """In words, how a sweep differs from that of a store.

    Args:
        stored: manifest of the store.
        wanted: that of the sweep.

    Yields:
        Clauses that say what the store has.
    """
    yield from _axes(stored, wanted)
    versions = wanted["versions"]
    for name, version in stored["versions"].items():
        if versions.get(name) != version:
            yield f"it was made with {name} {version}, and this is {versions.get(name)}"
    for name in ("seed", "tile", "backend"):
        if stored[name] != wanted[name]:
            yield f"its {name} is {stored[name]}, not {wanted[name]}"
    if stored["block"] != wanted["block"]:
        yield f"its chunks are {stored['block']}, not {wanted['block']}"
    if stored["x64"] != wanted["x64"]:
        yield f"its precision is float{'64' if stored['x64'] else '32'}"
    if stored["outputs"] != wanted["outputs"]:
        yield f"its results are {_listed(stored)}, not {_listed(wanted)}"
    elif stored["program"] != wanted["program"]:
        yield (
            f"its function {stored['function']!r} computes something else than "
            f"{wanted['function']!r}"
        )


def _axes(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    if stored["outer"] != wanted["outer"]:
        kinds = {True: "an outer product", False: "a table of points"}
        yield f"its axes are {kinds[stored['outer']]}, not {kinds[wanted['outer']]}"
    old, new = stored["axes"], wanted["axes"]
    if list(old) != list(new):
        yield f"its axes are {', '.join(old)}, not {', '.join(new)}"
        return
    for name, axis in old.items():
        if axis["shape"] != new[name]["shape"]:
            yield (
                f"its axis {name!r} has shape {tuple(axis['shape'])}, not "
                f"{tuple(new[name]['shape'])}"
            )
        elif axis != new[name]:
            yield f"its axis {name!r} has other values"


def _listed(manifest: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {spec['dtype']}{tuple(spec['shape']) or ''}"
        for name, spec in manifest["outputs"].items()
        if name != "status"
    )


def _root_attributes(path: Path) -> dict[str, Any]:
    try:
        text = (path / "zarr.json").read_text(encoding="utf-8")
        return dict(json.loads(text).get("attributes", {}))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise OutputError(
            f"Argument `{ARGUMENT}` must be the store of a sweep, but {path} cannot be "
            f"read: {error}."
        ) from error


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        # a folder cannot be waited for on every file system
        if not path.is_dir():
            raise
    finally:
        os.close(handle)
