"""The Zarr store of a sweep: chunks are written whole, and then committed."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .._checks import check_memory
from .._files import OutputError
from .._zarr import unfit_metadata
from .known import FORMAT, checked_manifest, read_mark, read_root
from .objects import ARGUMENT, Objects
from .points import PENDING, STATUS, Blocks, Lattice, Points

ROOT = "zarr.json"
MANIFEST = "sweep"  # attribute of the root group
COMMITS = "commits"
# Chunks that are read at once when all are checked.
READERS = 8


class SweepError(RuntimeError):
    """Raised where a sweep cannot continue or is incomplete, whatever its arguments."""


class Store:
    """The stored data of a sweep.

    The store is a Zarr group: an array for every result, one object per chunk, and the
    coordinates. `commits/NUMBER.json` marks chunk NUMBER as done, with digests of its
    decoded values. It is written last, and the first worker to write it wins. A later
    worker leaves it alone, and gets an error if its own values differ. If it was
    already writing other values when the mark came, it withdraws a chunk whose values
    are no longer those of the mark.

    Attributes:
        objects: the place where the store is.
        attributes: attributes of the root group.
        manifest: manifest of the sweep, as JSON holds it.
        blocks: its chunks.
    """

    def __init__(self, place: str | Path | Objects):
        """Open an existing store.

        Raises:
            ValueError: not a store of a sweep, or one of another format.
        """
        self.objects = place if isinstance(place, Objects) else Objects(place)
        rule = f"Argument `{ARGUMENT}` must be a new folder or the store of a sweep"
        there = self.objects.is_there()
        root = self.objects.get(ROOT) if there else None
        try:
            self.attributes = read_root(root or b"{}")
        except ValueError as error:
            raise ValueError(
                f"{rule}, but {self.place} cannot be read: {error}."
            ) from error
        self._check_metadata(root or b"{}")
        if MANIFEST not in self.attributes:
            what = "something else" if there else "nothing"
            raise ValueError(f"{rule}, but {self.place} holds {what}.")
        held = self.attributes[MANIFEST]
        if isinstance(held, dict) and held.get("format") != FORMAT:
            raise ValueError(
                f"{rule} of format {FORMAT}, but {self.place} has format "
                f"{held.get('format')!r}."
            )
        try:
            self.manifest = checked_manifest(held)
        except ValueError as error:
            raise ValueError(f"{rule}, but of {self.place} {error}.") from None
        self.blocks = Blocks(
            tuple(self.manifest["shape"]), tuple(self.manifest["block"])
        )
        self._arrays: dict[str, Any] = {}

    @property
    def place(self) -> str:
        """The path or URL of the store."""
        return self.objects.place

    # -- commits ----------------------------------------------------------------

    def committed(self) -> list[int]:
        """Numbers of the chunks that are done, ascending."""
        names = self.objects.list(COMMITS)
        found = (re.fullmatch(r"(\d{7})\.json", name) for name in names)
        numbers = (int(match[1]) for match in found if match)
        return sorted(number for number in numbers if number < self.blocks.count)

    def has(self, chunk: int) -> bool:
        """Whether a chunk is done."""
        return self.objects.changed(_mark(chunk)) is not None

    def commit(
        self,
        chunk: int,
        results: Mapping[str, np.ndarray],
        failures: Mapping[int, str],
        device: str,
    ) -> None:
        """Write a chunk, whole or not at all; an existing chunk stays as it is.

        Args:
            chunk: its number.
            results: arrays by name, (points, ...), with `status`.
            failures: error messages of points that raised an error, by index.
            device: kind of device that computed it.

        Raises:
            OutputError: the chunk cannot be written. It is then not in the store.
            SweepError: the chunk exists with other values. If it came while these were
                written, and its values are damaged, it is withdrawn.
        """
        import zarr

        self._check_there()
        results = {name: self._typed(name, results[name]) for name in sorted(results)}
        mark = {
            "sha256": {name: digest(value) for name, value in results.items()},
            "failures": {str(index): text for index, text in failures.items()},
            "device": device,
        }
        if self._is_first(chunk, mark):
            return
        region = self.blocks.region(chunk)
        shape = [part.stop - part.start for part in region]
        # an array of nothing but fill values is written too: NaN has many bits
        with (
            zarr.config.set({"array.write_empty_chunks": True}),
            self.objects.trouble(),
        ):
            for name, values in results.items():
                self._array(name)[region] = values.reshape(*shape, *values.shape[1:])
        self.objects.settle(self.key(name, chunk) for name in results)
        text = (json.dumps(mark) + "\n").encode()
        if not self.objects.put_new(_mark(chunk), text):
            try:
                if not self._is_first(chunk, mark):  # half a mark: no commit
                    self.objects.put(_mark(chunk), text)
            except SweepError:
                # the values that are stored now may be of either worker
                if self._damage_of(chunk) is not None:
                    self.withdraw([chunk])
                raise
        self.objects.settle([_mark(chunk)])

    def _is_first(self, chunk: int, mark: Mapping[str, Any]) -> bool:
        """Whether a chunk has been committed before, with the same values."""
        first = self._read_mark(chunk)
        if first is None:
            return False
        other = [
            name
            for name, sha in mark["sha256"].items()
            if first["sha256"].get(name) != sha
        ]
        if other:
            raise SweepError(
                f"chunk {chunk} of {self.place} was computed twice, with other values "
                f"of {', '.join(other)}: the function, or the machine, does not give "
                "the same result each time"
            )
        return True

    def failures(self, chunks: Iterable[int]) -> dict[int, str]:
        """Error messages of the points of chunks that raised one, by index."""
        found = {}
        for chunk in chunks:
            mark = self._read_mark(chunk) or {}
            found |= {int(i): text for i, text in mark.get("failures", {}).items()}
        return found

    def damage(self) -> dict[int, str]:
        """Chunks that differ from what was committed, and how; reads them all.

        Returns:
            Reasons by number.
        """
        chunks = self.committed()
        with ThreadPoolExecutor(READERS) as pool:
            reasons = pool.map(self._damage_of, chunks)
        pairs = zip(chunks, reasons, strict=True)
        return {chunk: reason for chunk, reason in pairs if reason is not None}

    def _damage_of(self, chunk: int) -> str | None:
        mark = self._read_mark(chunk)
        if mark is None:
            return "its commit mark cannot be read"
        region = self.blocks.region(chunk)
        for name, sha in mark["sha256"].items():
            try:
                with self.objects.trouble():
                    values = np.asarray(self._array(name)[region])
            except OutputError:
                raise
            except Exception:  # whatever a codec says of half a chunk
                return f"{name!r} cannot be read"
            inner = self.manifest["outputs"][name]["shape"]
            if digest(values.reshape(-1, *inner)) != sha:
                return f"{name!r} has other values"
        return None

    def withdraw(self, chunks: Iterable[int]) -> None:
        """Mark chunks as not done, so that they are computed again."""
        for chunk in chunks:
            # the mark last: until then no worker begins to compute it again
            keys = [self.key(name, chunk) for name in self.manifest["outputs"]]
            self.objects.delete([*keys, _mark(chunk)])

    # -- contents ---------------------------------------------------------------

    def key(self, name: str, chunk: int) -> str:
        """Key of the object that holds one variable of a chunk."""
        extra = len(self.manifest["outputs"][name]["shape"])
        place = (*self.blocks.position(chunk), *([0] * extra))
        return "/".join((name, "c", *map(str, place)))

    def dataset(self) -> Any:
        """The store as an `xarray.Dataset`; values are read on demand.

        Points of a chunk that is not committed are pending, whatever is written of it:
        its worker may have been killed between its values and its commit.
        """
        dataset, done = self._dataset(), {*self.committed()}
        if left := [chunk for chunk in range(self.blocks.count) if chunk not in done]:
            codes = dataset[STATUS]
            check_memory(4 * codes.nbytes, ARGUMENT, f"the status of {self.place}")
            values = np.array(codes.values)
            for chunk in left:
                values[self.blocks.region(chunk)] = PENDING
            dataset[STATUS] = codes.copy(data=values)
        return dataset

    def _dataset(self) -> Any:
        """All that is written."""
        import xarray as xr

        store = self.objects.zarr(read_only=True)
        rule = f"Argument `{ARGUMENT}` must be the store of a sweep, but {self.place}"
        try:  # what the root says of its arrays has been looked at, and nothing else
            dataset = xr.open_zarr(
                store, chunks=None, mask_and_scale=False, consolidated=True
            )
        except OutputError:
            raise
        except Exception as error:  # whatever is said of metadata that are none
            said = " ".join(str(error).split())[:200] or type(error).__name__
            raise ValueError(f"{rule} is damaged: {said}.") from None
        self._check_arrays(dataset.variables)
        return dataset

    def _check_arrays(self, found: Mapping[Any, Any]) -> None:
        """Raise where arrays are not those that the manifest says, by name."""
        for name, want in self._arrays_wanted():
            one = found.get(name)
            if one is None or (one.shape, np.dtype(one.dtype).str) != want:
                raise OutputError(
                    f"Argument `{ARGUMENT}` must be the store of a sweep, but "
                    f"{self.place} has another array {name!r}."
                )

    def _arrays_wanted(self) -> Iterator[tuple[str, tuple[tuple[int, ...], str]]]:
        """Name, shape and dtype of every array, as the manifest has them."""
        outer = self.manifest["outer"]
        for name, axis in self.manifest["axes"].items():
            label = coordinate(name, len(axis["shape"]), outer=outer)
            yield label, (tuple(axis["shape"]), axis["dtype"])
        for name, spec in self.manifest["outputs"].items():
            yield name, ((*self.blocks.shape, *spec["shape"]), spec["dtype"])

    def lattice(self) -> Lattice:
        """The points of the sweep."""
        dataset, values = self._dataset(), {}
        outer = self.manifest["outer"]
        for name, axis in self.manifest["axes"].items():
            label = coordinate(name, len(axis["shape"]), outer=outer)
            values[name] = np.asarray(dataset[label].values, np.dtype(axis["dtype"]))
        return Lattice(values if outer else Points(**values))

    def _check_there(self) -> None:
        """Raise where the folder is gone: it would be made again, with half a store."""
        folder = self.objects.folder
        if folder is not None and not (folder / ROOT).exists():
            raise OutputError(
                f"Argument `{ARGUMENT}` must stay where it is, but {self.place} is no "
                "longer there."
            )

    def _typed(self, name: str, values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values, self.manifest["outputs"][name]["dtype"])

    def _array(self, name: str) -> Any:
        import zarr

        if not self._arrays:
            # from the root's description of its arrays, which has been checked
            group: Any = zarr.open_group(
                self.objects.zarr(), mode="r+", use_consolidated=True
            )
            arrays = dict(group.arrays())
            self._check_arrays(arrays)
            self._arrays = arrays
        return self._arrays[name]

    def _read_mark(self, chunk: int) -> dict[str, Any] | None:
        """What a commit says; None where there is none, or half of one."""
        return read_mark(self.objects.get(_mark(chunk)), self.manifest["outputs"])

    def _check_metadata(self, text: bytes) -> None:
        """Raise where arrays ask for codecs that are not run."""
        reason = unfit_metadata(text)
        if reason is not None:
            raise ValueError(
                f"Argument `{ARGUMENT}` must hold plainly coded arrays, but of "
                f"{self.place} {reason}."
            )


def coordinate(name: str, ndim: int, *, outer: bool) -> str:
    """Name under which an axis is stored.

    xarray requires a dimension's own coordinate to be one-dimensional.
    """
    return f"{name}_value" if outer and ndim > 1 else name


def digest(values: np.ndarray) -> str:
    """Hash of an array: its shape, dtype and bytes, however they are stored."""
    about = f"{values.shape} {values.dtype.str}".encode()
    return hashlib.sha256(about + np.ascontiguousarray(values).tobytes()).hexdigest()


def _mark(chunk: int) -> str:
    return f"{COMMITS}/{chunk:07d}.json"
