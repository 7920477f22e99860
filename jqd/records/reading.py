"""Reading files safely: nothing is unpickled, and every error is one line.

The claims of a header are checked before they are used.
"""

import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import IO

import numpy as np

from .. import _checks
from .._files import as_path
from .datasets import dataset_arrays, ordered
from .file import PEAK, File, whole
from .formats import CSV, Format, Kind
from .parts import listed
from .tables import columns

# Bytes that are read at once: unpacking a member holds each piece twice.
_PIECE = 2**20


def npz_arrays(file: File, one: str = "") -> dict[str, np.ndarray]:
    """Arrays of an .npz file by name: all, the one of that name, or the only one."""
    arrays = {}
    with ExitStack() as stack:
        handle = stack.enter_context(_numpy_file(file))
        with whole(file):
            archive = stack.enter_context(zipfile.ZipFile(handle))
            members = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
        if one and one not in members and len(members) != 1:
            there = ", ".join(members) or "none"
            raise file.complaint(f"hold an array `{one}`", f"has {there}")
        wanted = [one] if one in members else list(members)
        for name in wanted:
            with whole(file):
                member = stack.enter_context(archive.open(members[name]))
            label = f"`{name}` in {file.path.name}"
            arrays[name] = _array(file, member, members[name].file_size, label)
    return arrays


def npz_names(file: File) -> list[str]:
    """Names of the arrays of an .npz file."""
    with _numpy_file(file) as handle, whole(file), zipfile.ZipFile(handle) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def npy_array(file: File) -> np.ndarray:
    """The array of an .npy file."""
    with _numpy_file(file) as handle:
        return _array(file, handle, file.path.stat().st_size, file.path.name)


@contextmanager
def _numpy_file(file: File) -> Iterator[IO[bytes]]:
    """The file, open at its start; one of another kind, a pickle too, is refused."""
    with file.path.open("rb") as handle:
        if not handle.read(6).startswith((b"\x93NUMPY", b"PK")):
            raise file.complaint("be a NumPy file", "is not one (a pickle is refused)")
        handle.seek(0)
        yield handle


def _array(file: File, handle: IO[bytes], size: int, label: str) -> np.ndarray:
    """An array in NumPy's format, of no more bytes than there are."""
    with whole(file):
        version = np.lib.format.read_magic(handle)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(handle)
        place = handle.tell()
    if dtype.hasobject:
        raise ValueError(
            f"Argument `{file.argument}` must hold plain numbers, but {label} is a "
            "pickled object, which is never unpickled."
        )
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or claimed > size - place:
        raise file.broken(f"{label} claims {claimed} bytes, but holds {size - place}")
    _checks.check_memory(PEAK * claimed, file.argument, label)
    with whole(file):
        held = np.empty(claimed, np.uint8)
        for start in range(0, claimed, _PIECE):
            piece = handle.read(min(_PIECE, claimed - start))
            held[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
            if len(piece) < min(_PIECE, claimed - start):
                raise EOFError(f"{label} ends early")
        handle.read(1)  # past the end, where zipfile compares the checksum
        return held.view(dtype).reshape(shape, order="F" if fortran else "C")


_SAME = MappingProxyType[str, str]({})


def existing(path: str | Path, of: Kind) -> File:
    """The path of a file that exists, is not empty and has a suffix of this kind."""
    return there(path, of.argument, of.suffixes)


def there(path: str | Path, name: str, suffixes: Sequence[str]) -> File:
    """The same of the argument of this name, for files that end so."""
    path, argument = as_path(path), f"Argument `{name}` must"
    if not path.exists():
        raise ValueError(f"{argument} be a file, but {path} does not exist.")
    if path.suffix not in suffixes:
        endings = ", ".join(suffixes)
        small = path.suffix.lower() in suffixes
        more = ", in small letters" if small else ""
        raise ValueError(
            f"{argument} be a file ending in {endings}{more}, but is {path}."
        )
    if path.suffix == ".zarr":
        if not path.is_dir():
            raise ValueError(f"{argument} be a folder if .zarr, but {path} is none.")
    elif not path.is_file():
        what = "a folder" if path.is_dir() else "something else"
        raise ValueError(f"{argument} be a file, but {path} is {what}.")
    elif path.stat().st_size == 0:
        raise ValueError(f"{argument} hold data, but {path} is empty.")
    return File(path, name)


def opened(path: str | Path, of: Kind) -> tuple[File, Format]:
    """A file of this kind, read as `read` does, its axes in the order of its format."""
    file = read(path, of)
    form = format_of(of, file, file.path.suffix)
    return ordered(file, form), form


def read(path: str | Path, of: Kind, chosen: Mapping[str, str] | None = None) -> File:
    """Read all columns of a table, or all number arrays of an archive; all finite.

    Args:
        path: .csv with a header, where lines with # are skipped; .npz, Zarr or netCDF.
        chosen: names of columns of a table by those that are wanted; None for all.
    """
    file, dims = existing(path, of), {}
    if chosen is not None and file.path.suffix not in CSV:
        raise ValueError(
            "Argument `columns` must be given for a .csv alone, but is given for "
            f"{file.path.name}."
        )
    if file.path.suffix == ".csv":
        arrays = columns(file, chosen)
    elif file.path.suffix == ".npz":
        arrays = npz_arrays(file)
    else:
        arrays, dims = dataset_arrays(file)
    return numbers_of(file, arrays, dims)


def numbers_of(
    file: File, arrays: Mapping[str, np.ndarray], dims: Mapping[str, tuple[str, ...]]
) -> File:
    """The file with those of its arrays that hold numbers, all finite.

    Args:
        dims: names of their axes, as far as there are any.
    """
    numbers = {k: v for k, v in arrays.items() if v.dtype.kind in "biufc"}
    file = replace(file, arrays=numbers, dims=dims)
    file.check_finite()
    return file


def format_of(of: Kind, file: File, suffix: str, more: str = "") -> Format:
    """The format of a file, from the names in it.

    Args:
        suffix: suffix of the file. The columns of a .csv must all be known; an archive
            may hold more.
        more: what to say to those whose .csv has other columns.
    """
    names = list(file.arrays)
    found = of.fitting(names, suffix)
    if len(found) == 1:
        return found[0]
    formats = [one for one in of.formats if suffix in one.suffixes]
    if suffix in CSV:
        wanted = listed([one.header for one in formats], "or")
        raise file.complaint(f"have columns {wanted}", f"has {','.join(names)}{more}")
    if found:
        both = " and ".join(one.data for one in found)
        raise file.complaint("hold data of one kind", f"holds {both}")
    told = [one for one in formats if one.needed[1].there(names)]
    check_parts((told or formats)[0], file)
    raise AssertionError("a format that misses nothing was found")


def check_parts(one: Format, file: File, renamed: Mapping[str, str] = _SAME) -> None:
    """Raise where a part of a format is missing.

    Args:
        renamed: names in this file for names of the table.
    """
    needed = [replace(p, name=renamed.get(p.name, p.name)) for p in one.needed]
    lacking = [part.shown() for part in needed if not part.there(file.arrays)]
    if lacking:
        raise file.complaint(
            f"hold {' and '.join(lacking)} for {one.data}",
            f"has {', '.join(sorted(file.arrays)) or 'none'}",
        )
