"""The Zarr store of a sweep: chunks written whole, checked, and then committed."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._files import OutputError, atomic_file, writing
from .plan import Blocks

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
        attributes = _root_attributes(path)
        rule = f"Argument `{ARGUMENT}` must be a new folder or the store of a sweep"
        if MANIFEST not in attributes:
            raise ValueError(f"{rule}, but {path} holds something else.")
        self.attributes = attributes
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

    def missing(self) -> list[int]:
        """Numbers of the chunks that are not done, ascending."""
        done = set(self.committed())
        return [chunk for chunk in range(self.blocks.count) if chunk not in done]

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

        region, shape = self.blocks.region(chunk), self.blocks.block_shape(chunk)
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
            for file in self.path.rglob("*.partial"):
                file.unlink(missing_ok=True)
            for file in (self.path / COMMITS).glob(".*"):
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
            try:
                file.unlink(missing_ok=True)
                for draft in file.parent.glob("*.partial"):
                    draft.unlink(missing_ok=True)
            except OSError:
                pass  # the first failure is the one to tell

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
