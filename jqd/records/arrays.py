"""Arrays in NumPy's own formats: no object is unpickled, every claim is checked."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

import numpy as np

from .. import _checks
from .file import PEAK, File, whole

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
